//! Whether upstream already has what a patch does to a file, hunk by hunk.

use super::Missing;
use super::diff::hunks;
use crate::git::{Entry, GitError, Mode, Objects};
use crate::patch;
use crate::path::RepoPath;

/// What of a patch's change of one file already stands in upstream's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Upstream's file is the patch's, byte for byte, mode and all.
    pub identical: bool,
    /// Per hunk of the patch: its lines stand there, and those that it removes do not. Empty where the file has no lines
    /// to compare, or is identical.
    pub hunks: Vec<bool>,
}

impl Evidence {
    /// Upstream has the very file.
    pub(super) const IDENTICAL: Evidence = Evidence { identical: true, hunks: Vec::new() };

    /// Returns how many hunks stand in upstream.
    #[must_use]
    pub fn standing(&self) -> usize {
        self.hunks.iter().filter(|stands| **stands).count()
    }
}

/// Compares the change `base → patch` with what upstream has. `None` where nothing can be said, or a content is missing (an
/// absent one goes to `missing` under `path`).
///
/// # Errors
/// [`GitError`] when an object is damaged.
pub(super) fn evidence(
    objects: &Objects<'_>,
    path: &RepoPath,
    [base, upstream, patch]: [Option<Entry>; 3],
    missing: &mut Missing,
) -> Result<Option<Evidence>, GitError> {
    if upstream == patch {
        return Ok(Some(Evidence::IDENTICAL));
    }
    let (Some(base), Some(upstream), Some(patch)) = (base, upstream, patch) else { return Ok(None) };
    if [base, upstream, patch].iter().any(|side| !matches!(side.mode, Mode::File | Mode::Executable)) {
        return Ok(None);
    }
    if base.id == upstream.id || base.id == patch.id {
        return Ok(None); // One side changed the mode alone.
    }
    let mut contents = Vec::with_capacity(3);
    for side in [base, upstream, patch] {
        match objects.blob(side.id)? {
            Some(content) => contents.push(content),
            None => missing.need(side.id, [path]),
        }
    }
    let [base, upstream, patch] = contents.as_slice() else { return Ok(None) };
    if contents.iter().any(|content| super::diff::is_binary(content)) {
        return Ok(None);
    }
    let stands = |hunk: &patch::Hunk| patch::already_applied(upstream, std::slice::from_ref(hunk));
    Ok(Some(Evidence { identical: false, hunks: hunks(base, patch)?.iter().map(stands).collect() }))
}
