//! Keeps a record of each build in patchq's own folder, a file per recipe. From it the next run knows what is current.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::bake::image_folder;
use crate::image::ImageId;

/// The form of a record.
const SCHEMA: &str = "patchq.build-record/1";

/// A build of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BuildRecord {
    /// The image, `UPSTREAM:NAME`.
    pub image: String,
    /// The kind of the builder, in whose store the image is.
    pub builder: String,
    /// The builder's versions.
    pub versions: String,
    /// `OS/ARCHITECTURE[/VARIANT]`, as the image says.
    pub platform: String,
    /// The pin, 40 digits.
    pub pin: String,
    /// The queue's digest, 64 digits.
    pub queue: String,
    /// The digest of all that it is built of, 64 digits.
    pub recipe: String,
    /// The external images below it.
    pub bases: Vec<RecordedBase>,
    /// The ids of the images of the workspace below it, by `UPSTREAM:NAME`.
    pub needs: BTreeMap<String, String>,
    /// The name in the store that other images are built on.
    pub local: String,
    /// The id of the image before its labels.
    pub id: String,
    /// The ids that it had in earlier builds of the same recipe.
    pub former: Vec<String>,
    /// The image with its labels, where it is published: as it was named first, and last where labels or names changed.
    pub labelled: Vec<Labelled>,
    /// When it was built, in seconds since 1970.
    pub created: i64,
    /// The log, from the workspace's root.
    pub log: String,
}

/// An external image that an image was built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedBase {
    /// Its name in the Dockerfile.
    pub image: String,
    /// Its digest; `None` where no registry has it.
    pub digest: Option<String>,
    /// Without a digest its id in the store.
    pub id: Option<String>,
}

/// An image with its labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labelled {
    /// Its id.
    pub id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it is called.
    pub references: Vec<String>,
    /// The time in its labels, in seconds since 1970.
    pub created: i64,
}

/// A record as it is on disk.
#[derive(Serialize, Deserialize)]
struct File<R> {
    schema: String,
    #[serde(flatten)]
    record: R,
}

/// The records of a workspace.
#[derive(Debug, Clone)]
pub struct Records {
    folder: PathBuf,
}

impl Records {
    /// The records below `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Records {
        Records { folder }
    }

    fn path(&self, id: &ImageId, builder: &str, recipe: &str) -> PathBuf {
        self.folder.join(builder).join(image_folder(id)).join(format!("{recipe}.json"))
    }

    /// Returns the record of `id`, built by `recipe`, in the store of `builder`. `None` if there is none that can be read: the image is
    /// then built again.
    #[must_use]
    pub fn read(&self, id: &ImageId, builder: &str, recipe: &str) -> Option<BuildRecord> {
        read(&self.path(id, builder, recipe))
    }

    /// Writes `record` of the image `id`, in place of the one that is there.
    ///
    /// # Errors
    /// [`io::Error`] with the path that cannot be written.
    pub fn write(&self, id: &ImageId, record: &BuildRecord) -> Result<(), (PathBuf, io::Error)> {
        let path = self.path(id, &record.builder, &record.recipe);
        write(&path, record).map_err(|error| (path, error))
    }

    /// Returns all records, with their files.
    #[must_use]
    pub fn all(&self) -> Vec<(PathBuf, BuildRecord)> {
        let entries = walkdir::WalkDir::new(&self.folder).sort_by_file_name();
        let files = entries.into_iter().flatten().filter(|entry| entry.file_type().is_file());
        files.filter_map(|entry| Some((entry.path().to_owned(), read(entry.path())?))).collect()
    }
}

fn read(path: &Path) -> Option<BuildRecord> {
    let file: File<BuildRecord> = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (file.schema == SCHEMA).then_some(file.record)
}

fn write(path: &Path, record: &BuildRecord) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, &File { schema: SCHEMA.to_owned(), record })?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_others_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::new(folder.path().join("images"));
        let id = ImageId { upstream: "up".to_owned(), image: "a/b".to_owned() };
        let (builder, recipe) = ("docker".to_owned(), "0a".to_owned());
        let record = BuildRecord { builder, recipe, id: "sha256:0".to_owned(), ..BuildRecord::default() };
        let read = |builder: &str, recipe: &str| records.read(&id, builder, recipe);
        assert_eq!(read("docker", "0a"), None);
        records.write(&id, &record).unwrap();
        assert_eq!(read("docker", "0a").as_ref(), Some(&record));
        assert_eq!((read("buildah", "0a"), read("docker", "0b"), records.all().len()), (None, None, 1));
        std::fs::write(folder.path().join("images/docker/up/a+b/0a.json"), "{\"schema\":\"x\"}").unwrap();
        assert_eq!((read("docker", "0a"), records.all().len()), (None, 0));
    }
}
