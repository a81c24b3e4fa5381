//! Checks whether a move would change nothing.

use std::path::Path;

use super::SparseSet;
use super::version::read;
use crate::git::{GitError, Store};

/// Checks whether the checkout holds the paths of `sparse` and the version `version`, so that a move to its own commit
/// would change nothing but the user's edits, which it leaves alone anyway.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub fn is_in_place(
    store: &Store,
    checkout: &Path,
    sparse: &SparseSet,
    version: Option<&str>,
) -> Result<bool, GitError> {
    if !store.dir().join("index").exists() {
        return Ok(false);
    }
    let patterns = sparse.patterns().map(Vec::from).unwrap_or_default();
    let listed = read(&store.dir().join("info/sparse-checkout"))?;
    let same_paths = if sparse.is_everything() { !is_sparse(store)? } else { is_sparse(store)? && listed == patterns };
    let written = read(&store.dir().join("version.patchq"))?;
    let there = std::fs::symlink_metadata(checkout.join("version.txt")).is_ok();
    let wanted = version.and_then(|version| version.lines().next()).map(|line| format!("{line}\n").into_bytes());
    let same_version = match wanted {
        // If upstream or the user has a file of that name, ours is not written.
        Some(_) if written.is_empty() => there,
        Some(wanted) => there && written == wanted,
        None => written.is_empty(),
    };
    Ok(same_paths && same_version)
}

fn is_sparse(store: &Store) -> Result<bool, GitError> {
    let config = store.repo().config().and_then(|mut config| config.snapshot());
    let config = config.map_err(GitError::lib("cannot read the store's settings"))?;
    Ok(config.get_bool("core.sparseCheckout").unwrap_or(false))
}
