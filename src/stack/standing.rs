//! Counts how many lines that a patch adds are already in upstream's files, over all its files: one line of many proves
//! nothing about the patch.

use std::rc::Rc;

use bstr::{BStr, ByteSlice};

use super::diff::{hunks, is_binary};
use super::outcome::FileOutcome;
use super::suggest::AdoptedLines;
use crate::git::{Entry, GitError, Mode, Objects};
use crate::patch::Side;

/// Counts over `files`, those of one patch that is in conflict. `None` when there are no lines to count, or a content
/// is not in the store: nothing is fetched for a proposal. The contents that the merge and the application of the patch
/// needed are there.
///
/// # Errors
/// [`GitError`] when an object is damaged.
pub(super) fn standing(objects: &Objects<'_>, files: &[FileOutcome]) -> Result<Option<AdoptedLines>, GitError> {
    let mut all = AdoptedLines::default();
    for file in files {
        // Deleted files and files without lines add none.
        let Some(patch) = file.sides.patch.filter(has_lines) else { continue };
        let read = |side: Option<Entry>| match side.filter(has_lines) {
            None => Ok(Some(Rc::default())),
            Some(side) => objects.blob(side.id),
        };
        let (base, upstream, patch) = (read(file.sides.base)?, read(file.sides.upstream)?, read(Some(patch))?);
        let (Some(base), Some(upstream), Some(patch)) = (base, upstream, patch) else { return Ok(None) };
        if [&base, &upstream, &patch].iter().any(|content| is_binary(content)) {
            continue;
        }
        let hunks = hunks(&base, &patch)?;
        let lines = hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.side == Side::New);
        all = all + AdoptedLines::of(lines.map(|line| line.bytes.as_bstr()), BStr::new(upstream.as_slice()));
    }
    Ok(Some(all).filter(|all| all.of > 0))
}

fn has_lines(entry: &Entry) -> bool {
    matches!(entry.mode, Mode::File | Mode::Executable)
}
