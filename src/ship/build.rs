//! One image of the plan, from its staged folder to its names in the builder's store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::plan::ShipImage;
use super::record::{BuildRecord, Labelled};
use crate::container::{BuildError, BuildOptions, Builder, CallError, Differs, ImageConfig, StoredImage};
use crate::image::ImageId;

/// The name of the file in the folder of an image that the builder writes its id to.
const ID_FILE: &str = "id";

/// The end of the names of labels that are times.
const TIMES: &str = "created";

/// A build of one image.
#[derive(Debug, Clone, Copy)]
pub struct ImageBuild<'a> {
    /// The builder.
    pub builder: &'a Builder,
    /// The image.
    pub image: &'a ShipImage<'a>,
    /// The folder that it is staged in.
    pub folder: &'a Path,
    /// The workspace's root, for secrets in files.
    pub root: &'a Path,
    /// Its labels; `None`: it is only built on, and gets none.
    pub labels: Option<&'a BTreeMap<String, String>>,
    /// What it is called, the fixed names first.
    pub references: &'a [String],
    /// The ids of the images of the workspace below it.
    pub needs: &'a BTreeMap<ImageId, String>,
    /// Whether every step is run again.
    pub no_cache: bool,
    /// The time that files and history get, where the builder can do that and the user wants it.
    pub seconds: Option<i64>,
    /// Set when the user wants it to end.
    pub cancel: &'a AtomicBool,
}

/// What is to be done for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Nothing: it is as the plan has it.
    Nothing,
    /// It needs new labels.
    Label,
    /// It is to be built.
    Build,
}

/// Why an image was not built.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The builder.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The second build changed more than labels.
    #[error("adding the labels changed the image: {0}")]
    Changed(Differs),
    /// It was built for another platform.
    #[error("it was built for {found}, not for {wanted}")]
    Platform {
        /// What the manifest wants.
        wanted: String,
        /// What the image says.
        found: String,
    },
    /// A name does not lead to what was just built.
    #[error("'{0}' was given to another image at the same time; run the command again")]
    Renamed(String),
}

impl From<CallError> for ShipError {
    fn from(error: CallError) -> ShipError {
        ShipError::Build(error.into())
    }
}

impl ShipError {
    /// Checks whether the user interrupted it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, ShipError::Build(BuildError::Call(CallError::Cancelled)))
    }
}

impl ImageBuild<'_> {
    /// The name that other images are built on.
    fn local(&self) -> String {
        let recipe = self.image.recipes.first().map(|(_, recipe)| self.image.local_reference(*recipe));
        recipe.unwrap_or_default()
    }

    /// Compares `record`, the last build of the same recipe, with the store, and returns what is to be done.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn todo(&self, record: Option<&BuildRecord>) -> Result<Todo, CallError> {
        let Some(record) = record.filter(|_| !self.no_cache) else { return Ok(Todo::Build) };
        let needs = self.needs.iter().map(|(id, image)| (id.to_string(), image.clone())).collect();
        if record.needs != needs {
            return Ok(Todo::Build);
        }
        for base in record.bases.iter().filter(|base| base.id.is_some()) {
            if self.id(&base.image)? != base.id {
                return Ok(Todo::Build);
            }
        }
        if self.id(&record.local)?.as_ref() != Some(&record.id) {
            return Ok(Todo::Build);
        }
        let Some(labels) = self.labels else { return Ok(Todo::Nothing) };
        let Some(done) = record.labelled.last() else { return Ok(Todo::Label) };
        if without_times(labels) != without_times(&done.labels) || done.references != self.references {
            return Ok(Todo::Label);
        }
        for reference in self.references {
            if self.id(reference)?.as_ref() != Some(&done.id) {
                return Ok(Todo::Label);
            }
        }
        Ok(Todo::Nothing)
    }

    fn id(&self, name: &str) -> Result<Option<String>, CallError> {
        Ok(self.builder.image(name, self.cancel)?.map(|image| image.id))
    }

    /// Builds the image itself and gives it its local name. `hear` gets what the builder prints.
    ///
    /// # Errors
    /// [`ShipError`].
    pub fn build(&self, hear: &mut dyn FnMut(&[u8])) -> Result<StoredImage, ShipError> {
        let spec = self.image.build_spec(0, self.folder, self.root);
        let id_file = self.folder.join(ID_FILE);
        let options = BuildOptions { id_file: &id_file, no_cache: self.no_cache, seconds: self.seconds };
        let image = self.builder.build(&spec, options, self.cancel, hear)?;
        if let Some((Some(platform), _)) = self.image.recipes.first()
            && !is_platform(platform.as_str(), &image.platform)
        {
            return Err(ShipError::Platform { wanted: platform.to_string(), found: image.platform });
        }
        if self.id(&self.local())?.as_ref() != Some(&image.id) {
            return Err(ShipError::Renamed(self.local()));
        }
        Ok(image)
    }

    /// Adds the labels to `built`, checks that nothing else changed, and then gives the image its names. Until then an earlier
    /// image keeps them.
    ///
    /// # Errors
    /// [`ShipError`].
    pub fn label(
        &self,
        built: &ImageConfig,
        created: i64,
        hear: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Labelled>, ShipError> {
        let Some(labels) = self.labels else { return Ok(None) };
        let spec = self.image.finish_spec(0, self.folder, &[]);
        let id_file = self.folder.join(format!("{ID_FILE}-labelled"));
        let options = BuildOptions { id_file: &id_file, no_cache: false, seconds: self.seconds };
        let image = self.builder.build(&spec, options, self.cancel, hear)?;
        if let Some(differs) = built.differs(&image.config) {
            return Err(ShipError::Changed(differs));
        }
        for reference in self.references {
            self.builder.tag(&image.id, reference, self.cancel)?;
        }
        for reference in self.references {
            if self.id(reference)?.as_ref() != Some(&image.id) {
                return Err(ShipError::Renamed(reference.clone()));
            }
        }
        let (labels, references) = (labels.clone(), self.references.to_vec());
        Ok(Some(Labelled { id: image.id, labels, references, created }))
    }
}

/// Returns the labels without those that are times.
fn without_times(labels: &BTreeMap<String, String>) -> BTreeMap<&String, &String> {
    labels.iter().filter(|(key, _)| !key.ends_with(TIMES)).collect()
}

/// Checks whether an image of `found` is one for `wanted`: `linux/arm64` is also `linux/arm64/v8`.
fn is_platform(wanted: &str, found: &str) -> bool {
    found.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_fits_where_none_is_wanted() {
        assert!(is_platform("linux/arm64", "linux/arm64/v8") && is_platform("linux/amd64", "linux/amd64"));
        assert!(!is_platform("linux/arm", "linux/arm64") && !is_platform("linux/arm/v7", "linux/arm/v6"));
    }
}
