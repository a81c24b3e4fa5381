//! Reads and parses the files of an upstream: its pin and its patch files.

use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::digest::FilesDigest;
use super::layout::Layout;
use super::pins::{self, PinError};
use super::queue::{Queue, QueueMistakes};
use crate::git::Id;
use crate::patch::{self, BinaryData, Content, FileDiff, ParseError, Patch};
use crate::stack::{OldPatch, Queued};
use crate::workspace::manifest::Name;

/// The pin and the patch files of an upstream.
#[derive(Debug, Clone)]
pub struct Files {
    /// The commit that the queue is based on.
    pub pin: Id,
    /// The version that is kept with the pin.
    pub version: Option<String>,
    /// The files as they are on disk.
    pub queue: Queue,
    /// The patches in order, parsed.
    pub patches: Vec<OldPatch>,
}

/// Why the files cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The upstream has no pin.
    #[error("no pin: {} does not exist", .file.display())]
    NoPin {
        /// The missing file, from the workspace's root.
        file: PathBuf,
    },
    /// The pin or the version is not valid.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The queue's folder has errors.
    #[error(transparent)]
    Queue(#[from] QueueMistakes),
    /// The queue is too large.
    #[error(
        "the patch files and their binary contents are {found} bytes together, more than a queue may hold ({LARGEST_QUEUE})"
    )]
    TooMuch {
        /// Its size in bytes.
        found: usize,
    },
    /// A patch file cannot be parsed.
    #[error("{}:{}: {}", .file.display(), .error.line, .error.kind)]
    Patch {
        /// The file, from the workspace's root.
        file: PathBuf,
        /// What is wrong with it, and on which line.
        error: ParseError,
        /// That line.
        text: String,
    },
}

/// The largest queue, in bytes (2 GiB): its files, and the size that their binary changes inflate to.
pub(in crate::workspace) const LARGEST_QUEUE: usize = 2 << 30;

/// Adds the size of a patch and of its binary changes to `sum`.
///
/// # Errors
/// [`FilesError::TooMuch`] from `limit` on.
pub(in crate::workspace) fn count_bytes(
    sum: &mut usize,
    bytes: &[u8],
    patch: &Patch,
    limit: usize,
) -> Result<(), FilesError> {
    let len = |data: &BinaryData| match data {
        BinaryData::Literal(data) | BinaryData::Delta(data) => data.len(),
    };
    let binary = |file: &FileDiff| match &file.content {
        Content::Binary { forward, reverse } => len(forward) + reverse.as_ref().map_or(0, len),
        _ => 0,
    };
    *sum = sum.saturating_add(bytes.len()).saturating_add(patch.files.iter().map(binary).sum());
    if *sum > limit { Err(FilesError::TooMuch { found: *sum }) } else { Ok(()) }
}

/// Returns the parsed patches of a queue; messages show their folder as `folder`.
pub(in crate::workspace) fn parse_queue(queue: &Queue, folder: &Path) -> Result<Vec<OldPatch>, FilesError> {
    let mut patches = Vec::with_capacity(queue.files.len());
    let mut sum = 0;
    for file in &queue.files {
        let patch = patch::parse(&file.bytes, file.strip).map_err(|error| {
            let line = file.bytes.lines().nth(error.line.saturating_sub(1)).unwrap_or_default();
            let text = line.to_str_lossy().into_owned();
            FilesError::Patch { file: folder.join(&file.name), error, text }
        })?;
        count_bytes(&mut sum, &file.bytes, &patch, LARGEST_QUEUE)?;
        patches.push(OldPatch { queued: Queued { name: file.name.clone(), patch }, bytes: file.bytes.clone() });
    }
    Ok(patches)
}

impl Files {
    /// Reads the files of the upstream `name`.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn read(layout: &Layout, name: &Name) -> Result<Files, FilesError> {
        let (pin, version, queue) = read_bytes(layout, name)?;
        let patches = parse_queue(&queue, layout.shown(&layout.patches(name)))?;
        Ok(Files { pin, version, queue, patches })
    }

    /// Checks whether the files on disk are still the same; nothing is parsed.
    ///
    /// # Errors
    /// [`FilesError`].
    pub fn are_unchanged(&self, layout: &Layout, name: &Name) -> Result<bool, FilesError> {
        let (pin, version, queue) = read_bytes(layout, name)?;
        Ok((pin, &version, &queue) == (self.pin, &self.version, &self.queue))
    }

    /// Returns the patches for the engine.
    #[must_use]
    pub fn queued(&self) -> Vec<Queued> {
        self.patches.iter().map(|patch| patch.queued.clone()).collect()
    }

    /// Returns the digest of the files.
    #[must_use]
    pub fn digest(&self) -> FilesDigest {
        FilesDigest::of(Some(self.pin), self.version.as_deref(), &self.queue)
    }
}

fn read_bytes(layout: &Layout, name: &Name) -> Result<(Id, Option<String>, Queue), FilesError> {
    let (pin, version) = (layout.pin(name), layout.version(name));
    let pin = pins::read_pin(&pin, layout.shown(&pin))?
        .ok_or_else(|| FilesError::NoPin { file: layout.shown(&pin).to_owned() })?;
    let version = pins::read_version(&version, layout.shown(&version))?;
    let folder = layout.patches(name);
    Ok((pin, version, Queue::read(&folder, layout.shown(&folder))?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_counts_its_files_and_what_they_inflate_to() {
        let text = b"diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZQzWC8#H2LJ>B\n\n";
        let patch = patch::parse(text, patch::Strip::Default).unwrap();
        let (mut sum, limit) = (0, 2 * (text.len() + 3));
        for _ in 0..2 {
            count_bytes(&mut sum, text, &patch, limit).unwrap();
        }
        assert_eq!(sum, limit);
        assert!(
            matches!(count_bytes(&mut sum, b"", &patch, limit), Err(FilesError::TooMuch { found }) if found == limit + 3)
        );
    }
}
