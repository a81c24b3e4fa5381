//! How many of the lines that a patch adds stand in upstream's files already, over all its files: one line of many does not
//! speak for the patch.

use std::rc::Rc;

use bstr::{BStr, ByteSlice};

use super::diff::{hunks, is_binary};
use super::outcome::FileOutcome;
use super::suggest::AdoptedLines;
use crate::git::{Entry, GitError, Mode, Objects};
use crate::patch::Side;

/// Counts over `files`, those of one patch that is in conflict. `None` where there are no lines to count, or a content is not at
/// hand: nothing is asked for on account of a proposal. What the merge read is at hand, and so is what applying the patch
/// needed.
///
/// # Errors
/// [`GitError`] when an object is damaged.
pub(super) fn standing(objects: &Objects<'_>, files: &[FileOutcome]) -> Result<Option<AdoptedLines>, GitError> {
    let mut all = AdoptedLines::default();
    for file in files {
        // What the patch deletes, and what has no lines, adds none.
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
