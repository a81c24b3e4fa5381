//! Finds patches that exist only as commits of the checkout: patchq wrote their files here, and a `git clean` removed
//! them before they were committed. Taking the files as they are now would remove the commits too.

use super::fetcher::Fetcher;
use super::removed_patches::RemovedPatches;
use super::sides::SyncState;
use crate::git::{self, GitError, Id, Objects};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::queue_files::Files;

/// A patch whose commit is its last copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastCopy {
    /// The patch file's name.
    pub file: String,
    /// Its commit in the checkout.
    pub commit: Id,
    /// Whether the file exists, with its content from before patchq wrote it.
    pub went_back: bool,
}

/// Returns the patches of `state` whose commit in the checkout is their last copy: patchq wrote the file in this
/// working tree, the file is gone (or again as in the workspace's git), and no object of that git has its bytes. Empty
/// without a checkout.
///
/// # Errors
/// [`GitError`] when store or workspace cannot be read.
pub(in crate::workspace) fn last_copies(
    fetcher: &Fetcher<'_>,
    objects: &Objects<'_>,
    state: &SyncState,
    files: &Files,
) -> Result<Vec<LastCopy>, GitError> {
    let upstream = fetcher.upstream;
    let Some(record) = state.record.as_ref().filter(|_| state.has_checkout()) else { return Ok(Vec::new()) };
    let gone = RemovedPatches::of(state, files).removed;
    let mut found = Vec::new();
    let mut contents = Vec::new();
    for (commit, name) in record.stack.iter().filter(|(id, _)| state.line().contains(id)) {
        let Some(blob) = record.written.get(name) else { continue };
        let changed = state.files.contains(&QueueChange::Changed(name.clone()));
        let now = files.queue.files.iter().find(|file| changed && file.name == *name);
        if now.is_none() && !gone.contains(name) {
            continue;
        }
        let Some(was) = objects.blob(*blob)? else { continue };
        contents.push(was.to_vec());
        contents.push(now.map(|file| file.bytes.clone()).unwrap_or_default());
        found.push(LastCopy { file: name.clone(), commit: *commit, went_back: now.is_some() });
    }
    if found.is_empty() {
        return Ok(found);
    }
    let known = match git::enclosing(upstream.workspace.layout.root())? {
        Some(enclosing) => {
            fetcher.with_watch(|remote, watch| enclosing.has_contents(&contents, remote.program(), watch))
        }
        None => vec![false; contents.len()],
    };
    // A version that a person wrote since is intended; a version in git is the one from before.
    let lost = found.into_iter().zip(known.chunks(2));
    let lost = lost.filter(|(patch, known)| !known[0] && (!patch.went_back || known[1]));
    Ok(lost.map(|(patch, _)| patch).collect())
}
