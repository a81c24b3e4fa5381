//! Reads the commit of a submodule that the user moved. patchq neither fetches nor moves submodules; `git submodule
//! update` in the checkout does.

use std::path::Path;

use super::root::{Found, Root};
use crate::git::Id;
use crate::path::RepoPath;

/// Returns the commit of the submodule's repository at `path`. `None` when the folder holds no repository, or one that
/// libgit2 cannot read (reftable): then nothing is known about it.
pub(super) fn head_of(root: &Root, path: &RepoPath, found: &Found) -> Option<Id> {
    if !matches!(found, Found::Folder) {
        return None;
    }
    let folder = path.below(root.path());
    folder.join(".git").symlink_metadata().ok()?;
    let none: [&Path; 0] = [];
    let repo = git2::Repository::open_ext(&folder, git2::RepositoryOpenFlags::NO_SEARCH, none).ok()?;
    repo.refname_to_id("HEAD").ok().map(Id::from)
}
