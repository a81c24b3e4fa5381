//! Reads patches from elsewhere: one file, a folder of them, or a quilt series. Nothing is changed there.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::{BString, ByteSlice};

use super::disk::{self, FileError, shown};
use super::queue::{Queue, QueueFile, QueueMistakes, SERIES};
use super::queue_files::{Files, FilesError, parse_queue};
use crate::git::Id;
use crate::patch::series::Series;
use crate::patch::{self, ParseErrorKind, Strip, names};
use crate::path::printable;
use crate::stack::OldPatch;

/// Patches to import.
#[derive(Debug, Clone)]
pub struct Source {
    /// The folder that they are in, absolute, without symlinks.
    pub folder: PathBuf,
    /// The file, if a single file was named.
    pub file: Option<PathBuf>,
    /// The patches with the names that they will have.
    queue: Queue,
    patches: Vec<OldPatch>,
    shown_folder: PathBuf,
    /// Old and new names of renamed patches.
    renamed: Vec<(String, String)>,
}

/// Why there are no patches to import.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The folder or its series has errors.
    #[error(transparent)]
    Queue(#[from] QueueMistakes),
    /// A patch file cannot be parsed.
    #[error(transparent)]
    Patch(#[from] FilesError),
    /// There is no patch.
    #[error("no patches in {folder}: expected files *.patch, or a file '{SERIES}' that names them")]
    Nothing {
        /// The folder, printable.
        folder: String,
        /// What is there, printable.
        others: Vec<String>,
    },
    /// Two files would have one name, or names that say another order.
    #[error("{folder}: '{first}' and '{second}' cannot both be stored in this order")]
    Order {
        /// The folder, printable.
        folder: String,
        /// The earlier one.
        first: String,
        /// The later one.
        second: String,
    },
    /// A name that the workspace could not keep.
    #[error(
        "the file name '{0}' cannot be stored: it begins with '.', or is not UTF-8 text without control characters"
    )]
    Name(String),
}

impl Source {
    /// Reads the patches at `path` (absolute); messages show it as `shown_path`. The path itself may be a symlink,
    /// nothing below it may. `strip` is how many leading folders are removed in each patch for which no series gives a
    /// number.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn read(path: &Path, shown_path: &Path, strip: Option<u32>) -> Result<Source, SourceError> {
        let look = |path: &Path| fs::metadata(path).map_err(FileError::io("read", shown_path));
        let meta = look(path)?;
        let is_series = !meta.is_dir() && path.file_name().is_some_and(|name| name == SERIES);
        if !meta.is_dir() && !is_series {
            return Source::one(path, shown_path, strip);
        }
        let (folder, shown_folder) = if is_series { (above(path), above(shown_path)) } else { (path, shown_path) };
        let folder = folder.canonicalize().map_err(FileError::io("read", shown_folder))?;
        let mut queue = Queue::read(&folder, shown_folder)?;
        let renamed = take_folder(&mut queue, &folder, shown_folder)?;
        if queue.files.is_empty() {
            return Err(SourceError::Nothing { folder: shown(shown_folder), others: queue.others });
        }
        set_strip(&mut queue, strip);
        let mut source = Source { renamed, ..Source::of_unparsed(queue, folder, None, shown_folder) };
        source.patches = parse_queue(&source.queue, shown_folder)?;
        Ok(source)
    }

    fn one(path: &Path, shown_path: &Path, strip: Option<u32>) -> Result<Source, SourceError> {
        let real = path.canonicalize().map_err(FileError::io("read", shown_path))?;
        let bytes = disk::read(&real)?.unwrap_or_default();
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
        let (files, others) = without_mailboxes(vec![QueueFile { name, bytes, strip: Strip::Default }], true);
        let renamed = match files.as_slice() {
            [one] if one.name == old => Vec::new(),
            files => files.iter().map(|file| (old.clone(), file.name.clone())).collect(),
        };
        let mut queue = Queue { files, series: None, others };
        set_strip(&mut queue, strip);
        let folder = above(&real).to_owned();
        let mut source = Source { renamed, ..Source::of_unparsed(queue, folder, Some(real), above(shown_path)) };
        source.patches = parse_queue(&source.queue, &source.shown_folder).map_err(|error| match error {
            FilesError::Patch { error, text, .. } => FilesError::Patch { file: shown_path.to_owned(), error, text },
            other => other,
        })?;
        Ok(source)
    }

    fn of_unparsed(queue: Queue, folder: PathBuf, file: Option<PathBuf>, shown_folder: &Path) -> Source {
        Source { folder, file, queue, patches: Vec::new(), shown_folder: shown_folder.to_owned(), renamed: Vec::new() }
    }

    /// Returns the patches on a pin.
    #[must_use]
    pub fn on(&self, pin: Id, version: String) -> Files {
        Files { pin, version: Some(version), queue: self.queue.clone(), patches: self.patches.clone() }
    }

    /// Returns the patches' names in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.queue.files.iter().map(|file| file.name.as_str())
    }

    /// Returns old and new names of renamed patches.
    #[must_use]
    pub fn renamed(&self) -> &[(String, String)] {
        &self.renamed
    }

    /// Returns the names of files that are left out, printable.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.queue.others
    }

    /// Returns where the patch `name` was read, for messages.
    #[must_use]
    pub fn shown(&self, name: &str) -> PathBuf {
        let old = self.renamed.iter().find(|(_, new)| new == name).map_or(name, |(old, _)| old);
        self.shown_folder.join(old)
    }
}

/// Splits mailboxes, and without a series adds the `*.diff` files to the `*.patch` files, under names that are valid in
/// a queue. Returns old and new names.
fn take_folder(queue: &mut Queue, folder: &Path, shown_folder: &Path) -> Result<Vec<(String, String)>, SourceError> {
    let mut renamed = Vec::new();
    let has_series = queue.series.is_some();
    let is_diff = |name: &str| name.ends_with(".diff") && !name.starts_with('.');
    for old in queue.others.iter().filter(|name| !has_series && is_diff(name)) {
        let name = format!("{}.patch", old.strip_suffix(".diff").unwrap_or(old));
        // A name that is not text stays among the others, which are reported.
        let Some(bytes) = disk::read(&folder.join(old))? else { continue };
        renamed.push((old.clone(), name.clone()));
        queue.files.push(QueueFile { name, bytes, strip: Strip::Default });
    }
    queue.others.retain(|name| !renamed.iter().any(|(old, _)| old == name));
    if !has_series {
        queue.files.sort_by(|a, b| a.name.cmp(&b.name));
        in_order(&queue.files, shown_folder)?;
    }
    let before: Vec<String> = queue.files.iter().map(|file| file.name.clone()).collect();
    let (files, left_out) = without_mailboxes(std::mem::take(&mut queue.files), false);
    if !has_series {
        in_order(&files, shown_folder)?;
    }
    let first = renamed.len();
    for file in files.iter().filter(|file| !before.contains(&file.name)) {
        let of = |old: &&String| file.name.starts_with(old.trim_end_matches(".patch"));
        renamed
            .extend(before.iter().filter(of).max_by_key(|old| old.len()).map(|old| (old.clone(), file.name.clone())));
    }
    if let Some(mut series) = queue.series.as_ref().and_then(|bytes| Series::parse(bytes).ok()) {
        let mut after: Option<&(String, String)> = None;
        for pair in &renamed[first..] {
            let place = after.filter(|(old, _)| *old == pair.0).map_or(&pair.0, |(_, new)| new);
            series.insert_after(Some(place.as_bytes().as_bstr()), pair.1.as_bytes().as_bstr());
            after = Some(pair);
        }
        for (old, _) in &renamed[first..] {
            series.remove(old.as_bytes().as_bstr());
        }
        queue.series = Some(series.print());
    }
    queue.files = files;
    queue.others.extend(left_out);
    Ok(renamed)
}

/// Sets the given `-pN` for each patch without one in the series. A queue without a series gets one, because `-pN` can
/// be stored only there.
fn set_strip(queue: &mut Queue, strip: Option<u32>) {
    let Some(folders) = strip else { return };
    let mut series = match &queue.series {
        Some(bytes) => Series::read(bytes).0,
        None => Series::of(queue.files.iter().map(|file| file.name.as_bytes().as_bstr())),
    };
    for file in queue.files.iter_mut().filter(|file| file.strip == Strip::Default) {
        file.strip = Strip::Explicit(folders);
        series.set_strip(file.name.as_bytes().as_bstr(), folders);
    }
    queue.series = Some(series.print());
}

/// Checks that the names have the order of the files.
fn in_order(files: &[QueueFile], folder: &Path) -> Result<(), SourceError> {
    match files.windows(2).find(|pair| pair[0].name >= pair[1].name) {
        Some(pair) => {
            Err(SourceError::Order { folder: shown(folder), first: pair[0].name.clone(), second: pair[1].name.clone() })
        }
        None => Ok(()),
    }
}

/// Returns the folder of a file.
fn above(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Returns the files, with each mail of a mailbox as its own file, and the mails without a diff (a cover letter), named
/// for messages. The mails of a mailbox that was named itself get numbered names; those of a file in a folder get its
/// name with a number after it.
fn without_mailboxes(files: Vec<QueueFile>, is_alone: bool) -> (Vec<QueueFile>, Vec<String>) {
    let (mut out, mut left_out) = (Vec::new(), Vec::new());
    for file in files {
        let pieces = patch::split_mails(&file.bytes);
        // A new line of a series has no `-pN`.
        if pieces.len() < 2 || file.strip != Strip::Default {
            out.push(file);
            continue;
        }
        let mut taken: Vec<(&[u8], BString)> = Vec::new();
        for (n, piece) in pieces.iter().enumerate() {
            match patch::parse(piece, file.strip) {
                Err(error) if error.kind == ParseErrorKind::NoDiff => {
                    left_out.push(format!("mail {} of {} (it has no diff)", n + 1, file.name));
                }
                read => taken.push((piece, read.map(|patch| patch.header.subject).unwrap_or_default())),
            }
        }
        let digits = taken.len().to_string().len();
        let stem = file.name.strip_suffix(".patch").unwrap_or(&file.name);
        for (n, (piece, subject)) in taken.iter().enumerate() {
            let number = n + 1;
            let name = if is_alone {
                format!("{number:04}-{}.patch", names::slug(subject))
            } else {
                format!("{stem}-{number:0digits$}.patch")
            };
            out.push(QueueFile { name, bytes: piece.to_vec(), strip: file.strip });
        }
    }
    (out, left_out)
}
