//! Finds paths in the manifest that the queue's tree does not have, because no other check finds such a typing error.

use crate::git::{GitError, Mode, Objects};
use crate::path::RepoPath;
use crate::stack::Stack;
use crate::workspace::manifest::Upstream;

/// A path of the manifest that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AbsentPath {
    /// The key that names it: `sparse`, `context`, `dockerfile`.
    pub key: &'static str,
    /// The path.
    pub path: RepoPath,
    /// The image with this key.
    pub image: Option<String>,
}

impl std::fmt::Display for AbsentPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let AbsentPath { key, path, image } = self;
        match image {
            Some(image) => write!(f, "the image '{image}' has {key} = \"{path}\", which is not there"),
            None => write!(f, "{key} names '{path}', which is not there"),
        }
    }
}

/// Returns the paths of the manifest's entry that `stack` does not have. In `sparse` a path that upstream has and a
/// patch removes is correct; an image needs its path on top of the queue.
///
/// # Errors
/// [`GitError`] when a tree cannot be read.
pub(in crate::workspace) fn absent_paths(
    objects: &mut Objects<'_>,
    upstream: &Upstream,
    stack: &Stack,
) -> Result<Vec<AbsentPath>, GitError> {
    let top = stack.tree();
    let mut absent = Vec::new();
    for path in upstream.sparse.iter().flatten() {
        if objects.entry(top, path)?.is_none() && objects.entry(stack.base.tree, path)?.is_none() {
            absent.push(AbsentPath { key: "sparse", path: path.clone(), image: None });
        }
    }
    for image in &upstream.images {
        let context = image.context.as_ref().map(|path| ("context", path, true));
        for (key, path, is_folder) in context.into_iter().chain([("dockerfile", &image.dockerfile, false)]) {
            let found = objects.entry(top, path)?;
            if found.is_none_or(|entry| (entry.mode == Mode::Folder) != is_folder) {
                absent.push(AbsentPath { key, path: path.clone(), image: Some(image.name.clone()) });
            }
        }
    }
    Ok(absent)
}
