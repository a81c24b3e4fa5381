//! Whether what a change adds has a place in the tree it comes to.

use super::conflict::ConflictKind;
use crate::git::{Edits, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// An added path without a place.
pub(super) struct Misplaced {
    pub(super) path: RepoPath,
    pub(super) kind: ConflictKind,
    /// The path that it collides with.
    pub(super) twin: Option<RepoPath>,
}

/// Paths that are to be written where `onto` has a folder, or below a file of it that stays; where there are none, new
/// paths whose name another one has but for case or Unicode form.
///
/// # Errors
/// [`GitError`] when a tree is missing or damaged.
pub(super) fn misplaced(objects: &mut Objects<'_>, onto: Id, edits: &Edits) -> Result<Vec<Misplaced>, GitError> {
    let removals: Edits =
        edits.iter().filter(|(_, entry)| entry.is_none()).map(|(path, _)| (path.clone(), None)).collect();
    let cleared = objects.edit(onto, &removals)?;
    let added = || edits.iter().filter(|(_, entry)| entry.is_some()).map(|(path, _)| path);
    let mut found = Vec::new();
    for path in added() {
        let mut in_the_way = objects.entry(cleared, path)?.is_some_and(|entry| entry.mode == Mode::Folder);
        let mut above = path.parent();
        while let Some(at) = above.filter(|_| !in_the_way) {
            let file = objects.entry(cleared, &at)?.is_some_and(|entry| entry.mode != Mode::Folder);
            in_the_way = file || matches!(edits.get(&at), Some(Some(_)));
            above = at.parent();
        }
        if in_the_way {
            found.push(Misplaced { path: path.clone(), kind: ConflictKind::Place, twin: None });
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let edited = objects.edit(onto, edits)?;
    for path in added() {
        if objects.entry(onto, path)?.is_none()
            && let Some(twin) = twin(objects, edited, path)?
        {
            found.push(Misplaced { path: path.clone(), kind: ConflictKind::Collision, twin: Some(twin) });
        }
    }
    Ok(found)
}

/// A neighbour in `tree` of `path`, or of a folder on its way, whose name is the same to a file system that folds names.
///
/// # Errors
/// [`GitError`] when a tree is missing or damaged.
pub(super) fn twin(objects: &mut Objects<'_>, tree: Id, path: &RepoPath) -> Result<Option<RepoPath>, GitError> {
    let (mut folder, mut prefix) = (tree, None::<RepoPath>);
    for part in path.parts() {
        let tree = objects.tree(folder)?;
        let name = RepoPath::new(part).map_err(GitError::EvilPath)?;
        let key = name.fold_key();
        let twin = tree
            .entries()
            .find(|(other, _)| *other != part && RepoPath::new(*other).is_ok_and(|other| other.fold_key() == key));
        if let Some((twin, _)) = twin {
            let full = prefix.as_ref().map_or_else(|| RepoPath::new(twin), |prefix| prefix.join(twin));
            return full.map(Some).map_err(GitError::EvilPath);
        }
        match tree.get(part) {
            Some(entry) if entry.mode == Mode::Folder => folder = entry.id,
            _ => return Ok(None),
        }
        prefix = Some(match prefix {
            None => name,
            Some(prefix) => prefix.join(part).map_err(GitError::EvilPath)?,
        });
    }
    Ok(None)
}
