//! Computes `{queue}`: the digest of what a queue does to its pin, version 1. The format never changes. `docs/tags.md`
//! specifies every byte.
//!
//! Two queues have the same digest if they make the same change to the same pin. The width of the context, the line
//! numbers of whole hunks, and the headers make no difference. Everything of variable length has its length in front,
//! so two different queues never have the same byte string.

use std::fmt;

use super::counted::Counted;
use crate::git::{Id, Mode};
use crate::hex;
use crate::patch::{BinaryData, Change, Content, FileDiff, Hunk, Patch, Side};
use crate::path::RepoPath;
use bstr::ByteSlice;

/// The first bytes of every digest of version 1.
const VERSION_1: &[u8] = b"patchq-queue-1\n";

/// The SHA-256 of a queue on its pin.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueueDigest([u8; 32]);

impl QueueDigest {
    /// Returns the eight digits for `{queue}`.
    #[must_use]
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(8);
        hex
    }
}

impl fmt::Display for QueueDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for QueueDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a queue has no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// A binary that the patch neither contains nor names by full ids: its result is unknown.
    #[error("patch {} of the queue, line {line}: '{path}' is a binary without its data and without full ids", .patch + 1)]
    UnknownBinary {
        /// The index of the patch, from 0.
        patch: usize,
        /// The file.
        path: RepoPath,
        /// The line of the patch file, from 1.
        line: usize,
    },
}

/// Returns the digest of `queue`, in order, on `pin`.
///
/// # Errors
/// [`DigestError`] for a binary whose content is not known from the patch.
pub fn queue_digest<'a>(pin: Id, queue: impl IntoIterator<Item = &'a Patch>) -> Result<QueueDigest, DigestError> {
    let mut sink = Counted::new(VERSION_1);
    sink.line(format_args!("pin {pin}"));
    for (at, patch) in queue.into_iter().enumerate() {
        sink.line(format_args!("patch"));
        let mut files: Vec<&FileDiff> = patch.files.iter().collect();
        // A change of type is a removal and an addition at one path; the removal comes first. Equal keys keep the
        // order of the patch file.
        files.sort_by_key(|file| (&file.new_path, &file.old_path, file.change != Change::Delete));
        for file in files {
            sink.file(at, file)?;
        }
    }
    Ok(QueueDigest(sink.finish()))
}

impl Counted {
    fn file(&mut self, patch: usize, file: &FileDiff) -> Result<(), DigestError> {
        // A copy leaves the old file, which the paths alone do not show.
        let word = if matches!(file.change, Change::Copy(_)) { "copy" } else { "old" };
        self.bytes(word, file.old_path.as_bytes());
        self.bytes("new", file.new_path.as_bytes());
        let (old, new) = modes(file);
        if old != new {
            self.line(format_args!("mode {old:o} {new:o}"));
        }
        match &file.content {
            Content::Same => {}
            Content::Text(hunks) => self.text(hunks),
            Content::Binary { forward, .. } => match (full_ids(file), forward) {
                (Some((old, new)), _) => self.line(format_args!("binary {old} {new}")),
                (None, BinaryData::Literal(data)) => self.bytes("literal", &data.bytes()),
                (None, BinaryData::Delta(data)) => self.bytes("delta", &data.bytes()),
            },
            Content::BinaryWithoutData => match full_ids(file) {
                Some((old, new)) => self.line(format_args!("binary {old} {new}")),
                None => {
                    let path = file.new_path.clone();
                    return Err(DigestError::UnknownBinary { patch, path, line: file.line });
                }
            },
        }
        Ok(())
    }

    /// Adds the runs of changed lines: for each run first the removed lines, then the added ones; before each but the
    /// first the number of unchanged lines after the previous one. Where a hunk begins and ends makes no difference.
    fn text(&mut self, hunks: &[Hunk]) {
        let mut run = Run::default();
        let mut unchanged: u64 = 0;
        let mut end: Option<u64> = None;
        for hunk in hunks {
            let covers = hunk.len(Side::Old) as u64;
            // For a hunk without lines git gives the number of the line before it.
            let start = u64::from(hunk.old_start) + u64::from(covers == 0);
            unchanged += end.map_or(0, |end| start.saturating_sub(end));
            end = Some(start + covers);
            for line in &hunk.lines {
                if line.side == Side::Both {
                    unchanged += 1;
                    continue;
                }
                if unchanged > 0 {
                    let first = run.is_empty();
                    run.flush(self);
                    if !first {
                        self.line(format_args!("skip {unchanged}"));
                    }
                    unchanged = 0;
                }
                let side = if line.side == Side::Old { &mut run.old } else { &mut run.new };
                side.push(&line.bytes);
            }
        }
        run.flush(self);
    }
}

/// Changed lines without an unchanged line between them.
#[derive(Default)]
struct Run<'a> {
    old: Vec<&'a [u8]>,
    new: Vec<&'a [u8]>,
}

impl Run<'_> {
    fn is_empty(&self) -> bool {
        self.old.is_empty() && self.new.is_empty()
    }

    fn flush(&mut self, sink: &mut Counted) {
        self.old.drain(..).for_each(|line| sink.bytes("-", line));
        self.new.drain(..).for_each(|line| sink.bytes("+", line));
    }
}

/// Returns the modes before and after: 0 when the file does not exist, `100644` for a new or deleted file without a
/// stated mode, equal when the patch does not state both. Of a plain file's permission bits only those that git uses
/// count.
fn modes(file: &FileDiff) -> (u32, u32) {
    let canonical = |mode: Option<u32>| mode.map(|bits| Mode::from_bits(bits).map_or(bits, Mode::bits));
    let stated = (canonical(file.old_mode), canonical(file.new_mode));
    let plain = Mode::File.bits();
    match (file.change, stated) {
        (Change::Add, (_, new)) => (0, new.unwrap_or(plain)),
        (Change::Delete, (old, _)) => (old.unwrap_or(plain), 0),
        (_, (Some(old), Some(new))) => (old, new),
        _ => (0, 0),
    }
}

/// Returns the ids of the index line, if both are full.
fn full_ids(file: &FileDiff) -> Option<(Id, Id)> {
    let (old, new) = file.index.as_ref()?;
    let id = |text: &bstr::BString| text.to_str().ok()?.parse::<Id>().ok();
    Some((id(old)?, id(new)?))
}

#[cfg(test)]
#[path = "queue_digest_tests.rs"]
mod tests;
