//! Stores a small JSON file in the tree of a commit: patchq keeps its notes in the store in this way, under one ref
//! that moves in one step.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::git::{Edits, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// Returns the bytes of the file `name` in the tree of the commit `at`; `None`: it has no such file.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub(in crate::workspace) fn bytes(objects: &mut Objects<'_>, at: Id, name: &str) -> Result<Option<Vec<u8>>, GitError> {
    let tree = objects.commit(at)?.tree;
    let file = RepoPath::new(name).map_err(GitError::EvilPath)?;
    let Some(entry) = objects.entry(tree, &file)? else { return Ok(None) };
    Ok(objects.blob(entry.id)?.map(|bytes| bytes.to_vec()))
}

/// Reads the file `name` in the tree of the commit `at`; `None`: there is none, or this patchq cannot read it. Both are
/// the same, because data stored in this way can be computed again.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub(in crate::workspace) fn read<T: DeserializeOwned>(
    objects: &mut Objects<'_>,
    at: Id,
    name: &str,
) -> Result<Option<T>, GitError> {
    Ok(bytes(objects, at, name)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

/// Adds the file `name` with `value` to `edits`.
///
/// # Errors
/// [`GitError`] when `name` is not a valid path.
pub(in crate::workspace) fn put(
    objects: &mut Objects<'_>,
    edits: &mut Edits,
    name: &str,
    value: &impl Serialize,
) -> Result<(), GitError> {
    let text = serde_json::to_vec_pretty(value)
        .expect("a record is made of strings, numbers, lists and maps with string keys");
    let blob = objects.put_file(Mode::File, text);
    edits.insert(RepoPath::new(name).map_err(GitError::EvilPath)?, Some(blob));
    Ok(())
}
