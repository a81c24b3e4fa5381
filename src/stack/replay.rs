//! Makes a series of commits again on another tree.

use super::merge::pick_into;
use super::{Conflict, ConflictKind, Lazy, Missing, Sides};
use crate::git::{Commit, GitError, Id, Objects, TreeChange};

/// A commit to make again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The tree before it.
    pub before: Id,
    /// The tree after it.
    pub after: Id,
    /// The commit whose author, dates and message are kept.
    pub commit: Id,
}

impl Change {
    /// Returns what `commit` did to its first parent's tree.
    ///
    /// # Errors
    /// [`GitError`] when the store lacks the commit or its parent.
    pub fn of(objects: &mut Objects<'_>, commit: Id) -> Result<Change, GitError> {
        let read = objects.commit(commit)?;
        let before = match read.parents.first() {
            Some(parent) => objects.commit(*parent)?.tree,
            None => Id::EMPTY_TREE,
        };
        Ok(Change { before, after: read.tree, commit })
    }
}

/// The result of a series of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// The new commits in order, and the tree on top.
    Clean(Vec<Id>, Id),
    /// The change with this index does not apply, because of these paths.
    Conflicts(usize, Vec<Conflict>),
    /// The change with this index would have no effect left.
    Emptied(usize),
}

/// Makes `changes` again as commits on `parent` with the tree `onto`.
///
/// # Errors
/// [`GitError`] when an object other than a blob is missing, or one is damaged.
pub fn replay(objects: &mut Objects<'_>, parent: Id, onto: Id, changes: &[Change]) -> Result<Lazy<Replayed>, GitError> {
    let mut missing = Missing::default();
    let replayed = replay_into(objects, (parent, onto), changes, &mut missing)?;
    Ok(missing.or_done(replayed))
}

fn replay_into(
    objects: &mut Objects<'_>,
    (mut parent, mut tree): (Id, Id),
    changes: &[Change],
    missing: &mut Missing,
) -> Result<Replayed, GitError> {
    let mut commits = Vec::with_capacity(changes.len());
    for (n, change) in changes.iter().enumerate() {
        let picked = pick_into(objects, (change.before, change.after), tree, missing)?;
        // While objects are missing the trees are incomplete: continue, to find all missing objects.
        if missing.is_empty() {
            if !picked.conflicts.is_empty() {
                return Ok(Replayed::Conflicts(n, picked.conflicts));
            }
            if picked.tree == tree && change.before != change.after {
                return Ok(Replayed::Emptied(n));
            }
        }
        let like = objects.commit(change.commit)?;
        let again = Commit { tree: picked.tree, parents: vec![parent], ..like };
        parent = objects.put_commit(&again);
        tree = picked.tree;
        commits.push(parent);
    }
    Ok(Replayed::Clean(commits, tree))
}

/// Folds the change from the top of `changes` to the tree `work` into the change with the index `into`, and makes the
/// later ones again. The tree of the result must be `work`; if it would differ, the differing paths are the conflict.
///
/// # Errors
/// As [`replay`].
pub fn fold(
    objects: &mut Objects<'_>,
    base: Id,
    changes: &[Change],
    into: usize,
    work: Id,
) -> Result<Lazy<Replayed>, GitError> {
    let mut missing = Missing::default();
    let Some(target) = changes.get(into).copied() else {
        return Ok(Lazy::Done(Replayed::Conflicts(into, Vec::new())));
    };
    let top = changes.last().map_or(target.after, |change| change.after);
    let folded = pick_into(objects, (top, work), target.after, &mut missing)?;
    if missing.is_empty() && !folded.conflicts.is_empty() {
        return Ok(Lazy::Done(Replayed::Conflicts(into, folded.conflicts)));
    }
    if missing.is_empty() && folded.tree == target.before {
        return Ok(Lazy::Done(Replayed::Emptied(into)));
    }
    let mut again = changes.to_vec();
    again[into].after = folded.tree;
    let start = match changes.first() {
        Some(first) => first.before,
        None => work,
    };
    let replayed = replay_into(objects, (base, start), &again, &mut missing)?;
    Ok(missing.or_done(match replayed {
        Replayed::Clean(_, tree) if tree != work => {
            let differing = objects.diff(tree, work)?.into_iter();
            let conflict = |change: TreeChange| {
                let sides = Sides { base: None, upstream: change.old, patch: change.new };
                Conflict::new(change.path, ConflictKind::Content, sides)
            };
            Replayed::Conflicts(into, differing.map(conflict).collect())
        }
        replayed => replayed,
    }))
}
