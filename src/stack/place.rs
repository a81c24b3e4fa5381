//! Checks whether added paths have a place in a tree.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bstr::BString;

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

/// Returns paths that are to be written where `onto` has a folder, or below a file that stays; if there are none, new
/// paths whose name differs from another only by case or Unicode form.
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
    let (edited, mut twins) = (objects.edit(onto, edits)?, Twins::default());
    for path in added() {
        if objects.entry(onto, path)?.is_none()
            && let Some(twin) = twins.of(objects, edited, path)?
        {
            found.push(Misplaced { path: path.clone(), kind: ConflictKind::Collision, twin: Some(twin) });
        }
    }
    Ok(found)
}

/// The names in folders, by the form that a file system that folds names gives them; each folder is read once.
#[derive(Default)]
pub(super) struct Twins {
    folders: HashMap<Id, HashMap<Vec<u8>, Vec<BString>>>,
}

impl Twins {
    /// Returns a neighbour in `tree` of `path`, or of a folder above it, whose name is the same for such a file system.
    ///
    /// # Errors
    /// [`GitError`] when a tree is missing or damaged.
    pub(super) fn of(
        &mut self,
        objects: &mut Objects<'_>,
        tree: Id,
        path: &RepoPath,
    ) -> Result<Option<RepoPath>, GitError> {
        let (mut folder, mut prefix) = (tree, None::<RepoPath>);
        for part in path.parts() {
            let name = RepoPath::new(part).map_err(GitError::EvilPath)?;
            let alike = self.names(objects, folder)?.get(&name.fold_key());
            if let Some(twin) = alike.into_iter().flatten().find(|other| *other != part) {
                let full = prefix.as_ref().map_or_else(|| RepoPath::new(twin), |prefix| prefix.join(twin));
                return full.map(Some).map_err(GitError::EvilPath);
            }
            match objects.tree(folder)?.get(part) {
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

    fn names(&mut self, objects: &mut Objects<'_>, folder: Id) -> Result<&HashMap<Vec<u8>, Vec<BString>>, GitError> {
        let vacant = match self.folders.entry(folder) {
            Entry::Occupied(known) => return Ok(known.into_mut()),
            Entry::Vacant(vacant) => vacant,
        };
        let mut names: HashMap<Vec<u8>, Vec<BString>> = HashMap::new();
        for (name, _) in objects.tree(folder)?.entries() {
            if let Ok(path) = RepoPath::new(name) {
                names.entry(path.fold_key()).or_default().push(name.into());
            }
        }
        Ok(vacant.insert(names))
    }
}
