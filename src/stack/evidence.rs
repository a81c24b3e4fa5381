//! Checks whether upstream already has what a patch does to a file, hunk by hunk.

use super::Missing;
use super::diff::hunks;
use crate::git::{Entry, GitError, Mode, Objects};
use crate::patch;
use crate::path::RepoPath;

/// Which parts of a patch's change of one file upstream's file already has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Upstream's file is equal to the patch's, in content and mode.
    pub identical: bool,
    /// For each hunk of the patch: upstream has its added lines, and not its removed lines. Empty if the file has no
    /// lines to compare, or is identical.
    pub hunks: Vec<bool>,
}

impl Evidence {
    /// Upstream has the identical file.
    pub(super) const IDENTICAL: Evidence = Evidence { identical: true, hunks: Vec::new() };

    /// Returns how many hunks upstream has.
    #[must_use]
    pub fn standing(&self) -> usize {
        self.hunks.iter().filter(|stands| **stands).count()
    }
}

/// Compares the change `base → patch` with upstream's file. `None` when no comparison is possible, or a content is
/// missing (it goes to `missing` under `path`).
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
