//! From patch files to a stack.

use super::touch::{Touched, touch};
use super::{Base, Failure, Item, Lazy, Missing, Moved, Stack, commit_of};
use crate::git::{GitError, Objects};
use crate::patch::Patch;

/// A patch of a queue: its file's name and what the file says.
#[derive(Debug, Clone)]
pub struct Queued {
    /// The file's name, without the folder.
    pub name: String,
    /// The parsed file.
    pub patch: Patch,
}

/// A queue on its pin: as far as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The patches that applied.
    pub stack: Stack,
    /// Hunks that applied elsewhere than the patch says, with the number of their patch in the queue.
    pub moved: Vec<(usize, Moved)>,
    /// The first patch (its number in the queue) that does not apply, and why; none after it was tried.
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
            // With something missing the trees are not the true ones, so this failure may be none: what is missing
            // is fetched first.
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
