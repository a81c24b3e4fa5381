//! Reads the Dockerfiles of an upstream's images: upstream's version, and the version after each patch.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::git::{GitError, Id, Mode, Objects};
use crate::path::RepoPath;
use crate::stack::{Lazy, Stack};
use crate::workspace::{Fetcher, QueueError};

/// A version of a Dockerfile.
#[derive(Debug, Clone)]
pub struct DockerfileVersion {
    /// The patch that made it; `None`: upstream.
    pub patch: Option<String>,
    /// The bytes; `None` when there is no file at its path.
    pub content: Option<Rc<Vec<u8>>>,
}

/// Returns for each image of the entry, in the order of the manifest, the versions of its Dockerfile: upstream's first,
/// then one for each patch that changed it. The last one is built.
///
/// # Errors
/// [`QueueError`] when an object is missing or damaged.
pub(super) fn dockerfiles(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    stack: &Stack,
) -> Result<Vec<Vec<DockerfileVersion>>, QueueError> {
    let upstream = fetcher.upstream;
    let paths = upstream.entry.images.iter().map(|image| &image.dockerfile);
    let ids: Vec<Vec<State>> = paths.map(|path| along(objects, stack, path)).collect::<Result<_, _>>()?;
    fetcher
        .run(objects, |objects| {
            let mut missing = BTreeSet::new();
            let mut all = Vec::with_capacity(ids.len());
            for states in &ids {
                let mut versions = Vec::with_capacity(states.len());
                for (patch, id) in states {
                    let content = id.map(|id| objects.blob(id)).transpose()?;
                    if let (Some(id), Some(None)) = (id, &content) {
                        missing.insert(*id);
                    }
                    versions.push(DockerfileVersion { patch: patch.clone(), content: content.flatten() });
                }
                all.push(versions);
            }
            Ok(if missing.is_empty() { Lazy::Done(all) } else { Lazy::Need(missing) })
        })
        .map_err(QueueError::from)
}

/// A version of a file: the patch that made it (`None`: upstream), and the blob.
type State = (Option<String>, Option<Id>);

/// Returns the blobs at `path` along the stack, each with the patch that wrote it.
fn along(objects: &mut Objects<'_>, stack: &Stack, path: &RepoPath) -> Result<Vec<State>, GitError> {
    let mut states = vec![(None, file_at(objects, stack.base.tree, path)?)];
    for item in &stack.items {
        let id = file_at(objects, item.after, path)?;
        if states.last().is_none_or(|(_, last)| *last != id) {
            states.push((Some(item.name.clone()), id));
        }
    }
    Ok(states)
}

fn file_at(objects: &mut Objects<'_>, tree: Id, path: &RepoPath) -> Result<Option<Id>, GitError> {
    let entry = objects.entry(tree, path)?;
    Ok(entry.filter(|entry| matches!(entry.mode, Mode::File | Mode::Executable)).map(|entry| entry.id))
}
