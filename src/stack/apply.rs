//! Applies patch files to a pin and makes a stack.

use super::touch::{Touched, touch};
use super::{Base, Failure, Item, Lazy, Missing, Moved, Stack, commit_of};
use crate::git::{GitError, Objects};
use crate::patch::Patch;

/// A patch of a queue: its file's name and content.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The file's name, without the folder.
    pub name: String,
    /// The parsed file.
    pub patch: Patch,
}

/// A queue applied to its pin, up to the first failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The patches that applied.
    pub stack: Stack,
    /// Hunks that applied at another place than the patch says, with the index of their patch in the queue.
    pub moved: Vec<(usize, Moved)>,
    /// The first patch (its index in the queue) that does not apply, and why; later patches were not tried.
    pub failure: Option<(usize, Failure)>,
}

/// Applies `queue` on `base`, in memory. Hunks apply with all of their context or not at all.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub fn apply(objects: &mut Objects<'_>, base: Base, queue: &[Queued]) -> Result<Lazy<Applied>, GitError> {
    let mut applied = Applied { stack: Stack { base, items: Vec::new() }, moved: Vec::new(), failure: None };
    let mut missing = Missing::default();
    let (mut tree, mut parent) = (base.tree, base.commit);
    for (n, Queued { name, patch }) in queue.iter().enumerate() {
        match touch(objects, tree, patch, &mut missing)? {
            Touched::Edits(edits, moved) => {
                let after = objects.edit(tree, &edits)?;
                let commit = objects.put_commit(&commit_of(name, &patch.header, &base, parent, after));
                applied.stack.items.push(Item { name: name.clone(), before: tree, after, commit });
                applied.moved.extend(moved.into_iter().map(|moved| (n, moved)));
                (tree, parent) = (after, commit);
            }
            // With objects missing the trees are incomplete, so the failure may not be real: first the missing objects
            // are fetched.
            Touched::Failed(_) if !missing.is_empty() => {
                missing.block(patch.files.iter().flat_map(|file| [&file.old_path, &file.new_path]));
            }
            Touched::Failed(failure) => {
                applied.failure = Some((n, failure));
                break;
            }
        }
    }
    Ok(missing.or_done(applied))
}
