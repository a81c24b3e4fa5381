//! The three-way step: one change of a tree carried to another tree, along the paths it touches.
//!
//! Ids decide first: where the other tree did not change the path, the change is taken; where it has it already,
//! there is nothing to do. Only where all three differ are blobs read and merged (patience, zdiff3), which gives
//! what `git merge-tree -X diff-algorithm=patience -X no-renames` gives.

use std::rc::Rc;

use super::Missing;
use super::diff::is_binary;
use crate::git::{Edits, Entry, GitError, Id, Mode, Objects, TreeChange};
use crate::path::RepoPath;

/// A change on another tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// The tree with every path that merged; paths in conflict are as they were there.
    pub tree: Id,
    /// The paths that did not merge.
    pub conflicts: Vec<Conflict>,
}

/// A path that a change cannot be carried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Which one.
    pub path: RepoPath,
    /// Why.
    pub kind: ConflictKind,
}

/// Why a path does not merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConflictKind {
    /// Both sides changed the same lines.
    #[error("both sides changed the same lines")]
    Content,
    /// Both sides added the file, each its own.
    #[error("both sides added the file")]
    AddAdd,
    /// One side changed the file, the other deleted it.
    #[error("one side changed the file, the other deleted it")]
    ModifyDelete,
    /// Both sides changed the mode.
    #[error("both sides changed the mode")]
    Mode,
    /// File, symlink and submodule do not merge.
    #[error("the sides differ in what the path is (file, symlink, submodule)")]
    Type,
    /// Both sides changed a binary file.
    #[error("both sides changed a binary file")]
    Binary,
    /// A file on one side, a folder on the other.
    #[error("the path is a file on one side and a folder on the other")]
    Place,
}

enum Merged {
    Take(Option<Entry>),
    Keep,
    Conflict(ConflictKind),
    Missing,
}

/// Carries the change `before → after` to the tree `onto`. Contents that are not at hand go to `missing`.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub(super) fn pick_into(
    objects: &mut Objects<'_>,
    (before, after): (Id, Id),
    onto: Id,
    missing: &mut Missing,
) -> Result<Picked, GitError> {
    if before == onto {
        return Ok(Picked { tree: after, conflicts: Vec::new() });
    }
    let (mut edits, mut conflicts) = (Edits::new(), Vec::new());
    for TreeChange { path, old: base, new: theirs } in objects.diff(before, after)? {
        if missing.covers(&path) {
            continue;
        }
        let ours = objects.entry(onto, &path)?;
        match merge(objects, &path, [base, ours, theirs], missing)? {
            Merged::Take(entry) => {
                edits.insert(path, entry);
            }
            Merged::Keep | Merged::Missing => {}
            Merged::Conflict(kind) => conflicts.push(Conflict { path, kind }),
        }
    }
    let misplaced: Vec<RepoPath> = misplaced(objects, onto, &edits)?;
    for path in misplaced {
        edits.remove(&path);
        conflicts.push(Conflict { path, kind: ConflictKind::Place });
    }
    let tree = objects.edit(onto, &edits)?;
    Ok(Picked { tree, conflicts })
}

/// Carries the change `before → after` to the tree `onto`.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub fn pick(objects: &mut Objects<'_>, change: (Id, Id), onto: Id) -> Result<super::Lazy<Picked>, GitError> {
    let mut missing = Missing::default();
    let picked = pick_into(objects, change, onto, &mut missing)?;
    Ok(missing.or_done(picked))
}

/// Paths that are to be written where the other tree has a folder, or below a file of it that stays.
fn misplaced(objects: &mut Objects<'_>, onto: Id, edits: &Edits) -> Result<Vec<RepoPath>, GitError> {
    let removals: Edits =
        edits.iter().filter(|(_, entry)| entry.is_none()).map(|(path, _)| (path.clone(), None)).collect();
    let cleared = objects.edit(onto, &removals)?;
    let mut found = Vec::new();
    for path in edits.iter().filter(|(_, entry)| entry.is_some()).map(|(path, _)| path) {
        let mut in_the_way = objects.entry(cleared, path)?.is_some_and(|entry| entry.mode == Mode::Folder);
        let mut above = path.parent();
        while let Some(at) = above.filter(|_| !in_the_way) {
            in_the_way = objects.entry(cleared, &at)?.is_some_and(|entry| entry.mode != Mode::Folder);
            above = at.parent();
        }
        if in_the_way {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn merge(
    objects: &mut Objects<'_>,
    path: &RepoPath,
    [base, ours, theirs]: [Option<Entry>; 3],
    missing: &mut Missing,
) -> Result<Merged, GitError> {
    if ours == base {
        return Ok(Merged::Take(theirs));
    }
    if ours == theirs {
        return Ok(Merged::Keep);
    }
    let (ours, theirs) = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        (Some(ours), None) if ours.mode == Mode::Folder => return Ok(Merged::Conflict(ConflictKind::Place)),
        _ => return Ok(Merged::Conflict(ConflictKind::ModifyDelete)),
    };
    if ours.mode == Mode::Folder {
        return Ok(Merged::Conflict(ConflictKind::Place));
    }
    let kind = |mode: Mode| mode.bits() & 0o170_000;
    let kinds_differ =
        kind(ours.mode) != kind(theirs.mode) || base.is_some_and(|base| kind(base.mode) != kind(ours.mode));
    if kinds_differ {
        return Ok(Merged::Conflict(ConflictKind::Type));
    }
    let mode = match base {
        _ if ours.mode == theirs.mode => ours.mode,
        Some(base) if base.mode == ours.mode => theirs.mode,
        Some(base) if base.mode == theirs.mode => ours.mode,
        _ => return Ok(Merged::Conflict(ConflictKind::Mode)),
    };
    let base_id = base.map(|base| base.id);
    if ours.id == theirs.id || base_id == Some(theirs.id) {
        return Ok(Merged::Take(Some(Entry { mode, id: ours.id })));
    }
    if base_id == Some(ours.id) {
        return Ok(Merged::Take(Some(Entry { mode, id: theirs.id })));
    }
    if base.is_none() {
        return Ok(Merged::Conflict(ConflictKind::AddAdd));
    }
    if kind(mode) != kind(Mode::File) {
        return Ok(Merged::Conflict(ConflictKind::Content));
    }
    let mut read = |id: Id| -> Result<Option<Rc<Vec<u8>>>, GitError> {
        let content = objects.blob(id)?;
        if content.is_none() {
            missing.need(id, [path]);
        }
        Ok(content)
    };
    let contents = (base_id.map_or(Ok(None), &mut read)?, read(ours.id)?, read(theirs.id)?);
    let (Some(base), Some(ours), Some(theirs)) = contents else { return Ok(Merged::Missing) };
    if [&base, &ours, &theirs].iter().any(|content| is_binary(content)) {
        return Ok(Merged::Conflict(ConflictKind::Binary));
    }
    Ok(match merge_text(&base, &ours, &theirs)? {
        Some(merged) => Merged::Take(Some(objects.put_file(mode, merged))),
        None => Merged::Conflict(ConflictKind::Content),
    })
}

/// The merged text, or `None` when the sides changed the same lines.
fn merge_text(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>, GitError> {
    let (mut a, mut o, mut t) = (git2::MergeFileInput::new(), git2::MergeFileInput::new(), git2::MergeFileInput::new());
    a.content(base);
    o.content(ours);
    t.content(theirs);
    let mut options = git2::MergeFileOptions::new();
    options.patience(true).style_zdiff3(true);
    let merged = git2::merge_file(&a, &o, &t, Some(&mut options)).map_err(GitError::lib("cannot merge two texts"))?;
    Ok(merged.is_automergeable().then(|| merged.content().to_vec()))
}
