//! Reads the patch files of an upstream from disk: names, order and bytes.

use std::fs;
use std::path::{Path, PathBuf};

use super::disk::{self, FileError, shown};
use crate::patch::Strip;
pub use crate::patch::series::SERIES;
use crate::patch::series::{Series, SeriesError};
use crate::path::printable;

/// The content of a queue's folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Queue {
    /// The patches in their order.
    pub files: Vec<QueueFile>,
    /// The bytes of `series`, if there is one.
    pub series: Option<Vec<u8>>,
    /// The names of all other files in the folder, printable, sorted; they are never changed.
    pub others: Vec<String>,
}

/// A patch file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueFile {
    /// Its name in the queue's folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// How many leading folders are removed from its paths.
    pub strip: Strip,
}

/// All errors in a queue, at least one.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct QueueMistakes(pub Vec<QueueMistake>);

/// An error in a queue.
#[derive(Debug, thiserror::Error)]
pub enum QueueMistake {
    /// A file or the folder itself cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The series names a file that is not there.
    #[error("{series}:{line}: '{name}' is not in the folder; remove the line or restore the file")]
    NoFile {
        /// The series for messages.
        series: String,
        /// The line, from 1.
        line: usize,
        /// The entry, printable.
        name: String,
    },
    /// A patch that the series does not name.
    #[error("{series}: has no entry for '{name}'; add a line for it or remove the file")]
    NoEntry {
        /// The series for messages.
        series: String,
        /// The file's name, printable.
        name: String,
    },
    /// An invalid line.
    #[error("{series}:{}: {}", .error.line, .error.kind)]
    Line {
        /// The series for messages.
        series: String,
        /// The line, and what is wrong with it.
        error: SeriesError,
    },
    /// A file name that cannot be written in text files and shown.
    #[error("{folder}: the file name '{name}' is not UTF-8 text without control characters; rename it")]
    Name {
        /// The folder for messages.
        folder: String,
        /// The file's name, printable.
        name: String,
    },
}

impl Queue {
    /// Reads the queue in `folder`; messages show it as `shown_folder`. A missing folder is an empty queue.
    ///
    /// Patches are the entries of `series` if there is one, else the `*.patch` files in byte order; names that begin
    /// with a dot are never patches (editors write such files).
    ///
    /// # Errors
    /// All errors together.
    pub fn read(folder: &Path, shown_folder: &Path) -> Result<Queue, QueueMistakes> {
        let mut errors = Vec::new();
        let queue = read(folder, shown_folder, &mut errors);
        if errors.is_empty() { Ok(queue) } else { Err(QueueMistakes(errors)) }
    }
}

fn read(folder: &Path, shown_folder: &Path, errors: &mut Vec<QueueMistake>) -> Queue {
    let (mut names, mut others) = match list(folder, shown_folder, errors) {
        Ok(lists) => lists,
        Err(error) => {
            errors.push(error.into());
            return Queue::default();
        }
    };
    names.sort();
    let mut take = |path: PathBuf| match disk::read_at_most(&path, disk::LIST) {
        Ok(bytes) => bytes,
        Err(error) => {
            errors.push(error.into());
            None
        }
    };
    let series = others.iter().any(|name| name == SERIES).then(|| take(folder.join(SERIES))).flatten();
    let order: Vec<(String, Strip)> = match &series {
        None => names.into_iter().map(|name| (name, Strip::Default)).collect(),
        Some(bytes) => {
            others.retain(|name| name != SERIES);
            let shown_series = shown(&shown_folder.join(SERIES));
            in_series(bytes, &shown_series, &names, &mut others, errors)
        }
    };
    let mut files = Vec::new();
    for (name, strip) in order {
        match disk::read(&folder.join(&name)) {
            Ok(bytes) => files.extend(bytes.map(|bytes| QueueFile { name, bytes, strip })),
            Err(error) => errors.push(error.into()),
        }
    }
    others.sort();
    Queue { files, series, others }
}

/// Returns the names in a folder: those of patches, and all others.
fn list(
    folder: &Path,
    shown_folder: &Path,
    errors: &mut Vec<QueueMistake>,
) -> Result<(Vec<String>, Vec<String>), FileError> {
    let (mut patches, mut others) = (Vec::new(), Vec::new());
    if !disk::is_folder(folder)? {
        return Ok((patches, others));
    }
    for entry in fs::read_dir(folder).map_err(FileError::io("read", folder))? {
        let name = entry.map_err(FileError::io("read", folder))?.file_name();
        let bytes = name.as_encoded_bytes();
        let printed = printable(bytes);
        let is_text = printed.as_bytes() == bytes;
        if !bytes.ends_with(b".patch") || bytes.starts_with(b".") {
            others.push(printed);
        } else if is_text {
            patches.push(printed);
        } else {
            errors.push(QueueMistake::Name { folder: shown(shown_folder), name: printed });
        }
    }
    Ok((patches, others))
}

/// Returns the order of a series, checked against the `names` of the existing patches; an entry may have any name in
/// the folder.
fn in_series(
    bytes: &[u8],
    shown_series: &str,
    names: &[String],
    others: &mut Vec<String>,
    errors: &mut Vec<QueueMistake>,
) -> Vec<(String, Strip)> {
    let (read, mistakes) = Series::read(bytes);
    let series = || shown_series.to_owned();
    let mut found: Vec<_> =
        mistakes.into_iter().map(|error| (error.line, QueueMistake::Line { series: series(), error })).collect();
    let mut order: Vec<(String, Strip)> = Vec::new();
    for entry in read.entries() {
        let name = printable(&entry.name);
        if names.contains(&name) || others.contains(&name) {
            order.push((name, entry.strip));
        } else {
            found.push((entry.line, QueueMistake::NoFile { series: series(), line: entry.line, name }));
        }
    }
    found.sort_by_key(|(line, _)| *line);
    errors.extend(found.into_iter().map(|(_, error)| error));
    others.retain(|name| !order.iter().any(|(entry, _)| entry == name));
    for name in names.iter().filter(|name| !order.iter().any(|(entry, _)| entry == *name)) {
        errors.push(QueueMistake::NoEntry { series: series(), name: name.clone() });
    }
    order
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn names(queue: &Queue) -> Vec<(&str, usize)> {
        queue.files.iter().map(|file| (file.name.as_str(), file.strip.folders())).collect()
    }

    fn said(dir: &tempfile::TempDir) -> String {
        let error = Queue::read(dir.path(), Path::new("patches/x")).unwrap_err().to_string();
        error.replace(&*dir.path().to_string_lossy(), "DIR")
    }

    #[test]
    fn byte_order_without_a_series() {
        let dir = folder(&[("b.patch", "2"), ("a.patch", "1"), ("Z.patch", "0"), ("README", ""), (".x.patch", "")]);
        let queue = Queue::read(dir.path(), Path::new("patches/x")).unwrap();
        assert_eq!(names(&queue), [("Z.patch", 1), ("a.patch", 1), ("b.patch", 1)]);
        assert_eq!((queue.files[1].bytes.as_slice(), &queue.series), (b"1".as_slice(), &None));
        assert_eq!(queue.others, [".x.patch", "README"]);
    }

    #[test]
    fn the_order_of_the_series() {
        let series = "# first\nb.patch\t-p0\r\n\na.patch # why\nc.diff\n";
        let dir = folder(&[("b.patch", ""), ("a.patch", ""), ("c.diff", ""), ("notes", ""), ("series", series)]);
        let queue = Queue::read(dir.path(), Path::new("patches/x")).unwrap();
        assert_eq!(names(&queue), [("b.patch", 0), ("a.patch", 1), ("c.diff", 1)]);
        assert_eq!(
            (queue.series.as_deref(), queue.others.as_slice()),
            (Some(series.as_bytes()), &["notes".to_owned()][..])
        );
    }

    #[test]
    fn no_folder_is_an_empty_queue() {
        assert_eq!(Queue::read(Path::new("/nowhere/x"), Path::new("x")).unwrap(), Queue::default());
    }

    #[test]
    fn all_mistakes_of_a_series_are_listed() {
        let series = "gone.patch\na.patch\na.patch\n../x.patch\nb.patch -R\n";
        let dir = folder(&[("a.patch", ""), ("b.patch", ""), ("series", series)]);
        assert_eq!(
            said(&dir),
            "patches/x/series:1: 'gone.patch' is not in the folder; remove the line or restore the file\n\
             patches/x/series:3: 'a.patch' is on line 2 already\n\
             patches/x/series:4: '../x.patch' is not a file name of this folder\n\
             patches/x/series:5: the option '-R' is not supported; only -pN is\n\
             patches/x/series: has no entry for 'b.patch'; add a line for it or remove the file"
        );
    }

    #[test]
    fn only_regular_files_are_patches() {
        let dir = folder(&[]);
        fs::create_dir(dir.path().join("a.patch")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("b.patch")).unwrap();
        fs::write(dir.path().join(std::ffi::OsStr::from_bytes(b"c\xff.patch")), "").unwrap();
        assert_eq!(
            said(&dir),
            "patches/x: the file name 'c\\xff.patch' is not UTF-8 text without control characters; rename it\n\
             DIR/a.patch is not a regular file\n\
             DIR/b.patch is a symlink; patchq neither reads nor writes through one"
        );
    }

    #[test]
    fn a_queue_behind_a_symlink_is_refused() {
        let dir = folder(&[]);
        std::os::unix::fs::symlink("/etc", dir.path().join("q")).unwrap();
        assert!(Queue::read(&dir.path().join("q"), Path::new("q")).is_err());
    }
}
