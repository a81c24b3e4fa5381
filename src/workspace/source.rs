//! Patches that somebody has elsewhere: one file, a folder of them, a quilt series. Read as they are, nothing is changed
//! there.

use std::fs;
use std::path::{Path, PathBuf};

use super::files::{self, FileError, shown};
use super::files_side::{Files, FilesError, parse_queue};
use super::queue::{Queue, QueueErrors, QueueFile, SERIES};
use crate::git::Id;
use crate::path::printable;
use crate::stack::OldPatch;

/// Patches that are to be taken over.
#[derive(Debug, Clone)]
pub struct Source {
    /// The folder that they are in, absolute, without symlinks.
    pub folder: PathBuf,
    /// The file, where it is one that was named.
    pub file: Option<PathBuf>,
    /// The patches with the names that they will have.
    queue: Queue,
    patches: Vec<OldPatch>,
    shown_folder: PathBuf,
    /// The name that the only file had, where that had to change.
    renamed: Option<String>,
}

/// Why there are no patches to take over.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder or its series is not in order.
    #[error(transparent)]
    Queue(#[from] QueueErrors),
    /// A patch file cannot be read as a patch.
    #[error(transparent)]
    Patch(#[from] FilesError),
    /// No patch is there.
    #[error("no patches in {folder}: expected files *.patch, or a file '{SERIES}' that names them")]
    Nothing {
        /// The folder, printable.
        folder: String,
        /// What is there, printable.
        others: Vec<String>,
    },
    /// Several mails in one file.
    #[error("{file}:{line}: a second mail begins; a patch file holds one patch")]
    Mailbox {
        /// The file, printable.
        file: String,
        /// The line of the second mail, from 1.
        line: usize,
    },
    /// A name that the workspace could not keep.
    #[error("the file name '{0}' cannot be kept: it begins with '.', or is not UTF-8 text without control characters")]
    Name(String),
}

impl Source {
    /// Reads what is at `path` (absolute); `shown_path` is what messages call it. The path itself may be a symlink,
    /// nothing below it may.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn read(path: &Path, shown_path: &Path) -> Result<Source, SourceError> {
        let look = |path: &Path| fs::metadata(path).map_err(FileError::io("read", shown_path));
        let meta = look(path)?;
        let is_series = !meta.is_dir() && path.file_name().is_some_and(|name| name == SERIES);
        if !meta.is_dir() && !is_series {
            return Source::one(path, shown_path);
        }
        let (folder, shown_folder) = if is_series { (above(path), above(shown_path)) } else { (path, shown_path) };
        let folder = folder.canonicalize().map_err(FileError::io("read", shown_folder))?;
        let queue = Queue::read(&folder, shown_folder)?;
        if queue.files.is_empty() {
            return Err(SourceError::Nothing { folder: shown(shown_folder), others: queue.others });
        }
        Source::of(queue, folder, None, shown_folder)
    }

    fn one(path: &Path, shown_path: &Path) -> Result<Source, SourceError> {
        let real = path.canonicalize().map_err(FileError::io("read", shown_path))?;
        let bytes = files::read(&real)?.unwrap_or_default();
        if let Some(line) = second_mail(&bytes) {
            return Err(SourceError::Mailbox { file: shown(shown_path), line });
        }
        let raw = path.file_name().unwrap_or_default().as_encoded_bytes();
        let old = printable(raw);
        if old.as_bytes() != raw || old.starts_with('.') {
            return Err(SourceError::Name(old));
        }
        let name = match old.strip_suffix(".diff") {
            Some(stem) => format!("{stem}.patch"),
            None if old.ends_with(".patch") => old.clone(),
            None => format!("{old}.patch"),
        };
        let renamed = (name != old).then(|| old.clone());
        let queue = Queue { files: vec![QueueFile { name, bytes, strip: 1 }], series: None, others: Vec::new() };
        let folder = above(&real).to_owned();
        let mut source = Source { renamed, ..Source::of_unparsed(queue, folder, Some(real), above(shown_path)) };
        source.patches = parse_queue(&source.queue, &source.shown_folder).map_err(|error| match error {
            FilesError::Patch { error, text, .. } => FilesError::Patch { file: shown_path.to_owned(), error, text },
            other => other,
        })?;
        Ok(source)
    }

    fn of(queue: Queue, folder: PathBuf, file: Option<PathBuf>, shown_folder: &Path) -> Result<Source, SourceError> {
        let mut source = Source::of_unparsed(queue, folder, file, shown_folder);
        source.patches = parse_queue(&source.queue, shown_folder)?;
        Ok(source)
    }

    fn of_unparsed(queue: Queue, folder: PathBuf, file: Option<PathBuf>, shown_folder: &Path) -> Source {
        Source { folder, file, queue, patches: Vec::new(), shown_folder: shown_folder.to_owned(), renamed: None }
    }

    /// The patches on a pin.
    #[must_use]
    pub fn on(&self, pin: Id, version: String) -> Files {
        Files { pin, version: Some(version), queue: self.queue.clone(), patches: self.patches.clone() }
    }

    /// The patches' names in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queue.files.iter().map(|file| file.name.as_str())
    }

    /// The name that the only file had, where that had to change.
    #[must_use]
    pub fn renamed(&self) -> Option<&str> {
        self.renamed.as_deref()
    }

    /// The names of what stays where it is, printable.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.queue.others
    }

    /// Where the patch `name` was read, as messages show it.
    #[must_use]
    pub fn shown(&self, name: &str) -> PathBuf {
        self.shown_folder.join(self.renamed.as_deref().unwrap_or(name))
    }
}

/// The folder of a file.
fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The line (from 1) on which a second mail of `git format-patch --stdout` begins.
fn second_mail(bytes: &[u8]) -> Option<usize> {
    let begins = |line: &[u8]| {
        let id = line.strip_prefix(b"From ").and_then(|rest| rest.split_first_chunk::<40>());
        id.is_some_and(|(id, rest)| {
            id.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b" Mon Sep 17 00:00:00 2001")
        })
    };
    let mut mails = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| begins(line));
    mails.nth(1).map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::second_mail;

    #[test]
    fn a_second_mail_is_told_from_text_that_only_looks_like_one() {
        let mail = b"From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nSubject: x\n\n---\n";
        assert_eq!(second_mail(mail), None);
        assert_eq!(second_mail(&[mail.as_slice(), mail].concat()), Some(5));
        assert_eq!(second_mail(b"From me\nFrom you\n"), None);
    }
}
