//! The three-way merge: applies one change of a tree to another tree, along the paths it touches.
//!
//! Ids are compared first: if the other tree did not change the path, the change is taken; if it already has the
//! result, there is nothing to do. Only if all three differ are blobs read and merged (patience, zdiff3), with the
//! result of `git merge-tree -X diff-algorithm=patience -X no-renames`.

use std::rc::Rc;

use super::Missing;
use super::attributes::{Driver, merge_driver};
use super::conflict::{Conflict, ConflictKind, Sides};
use super::diff::is_binary;
use super::place::{Misplaced, misplaced};
use super::text::{Text, TextMerge, merge_text};
use crate::git::{Edits, Entry, GitError, Id, Mode, Objects, TreeChange};
use crate::path::RepoPath;

/// The result of a change on another tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picked {
    /// The tree with every path that merged; paths in conflict are unchanged.
    pub tree: Id,
    /// The paths in conflict.
    pub conflicts: Vec<Conflict>,
}

/// The result for one path.
pub(super) enum Merged {
    /// The patch's version: upstream did not change the path.
    Resolution(Option<Entry>),
    /// Both changes in one.
    Both(Entry),
    /// Upstream already has the patch's version.
    Keep,
    /// The changes are in conflict.
    Conflict(ConflictKind, Option<TextMerge>),
    /// A content is not in the store.
    Missing,
}

/// Applies the change `before → after` to the tree `onto`. Contents that are not in the store go to `missing`.
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
    for TreeChange { path, old: base, new: patch } in objects.diff(before, after)? {
        if missing.covers(&path) {
            continue;
        }
        let sides = Sides { base, upstream: objects.entry(onto, &path)?, patch };
        match merge(objects, onto, &path, sides, missing)? {
            Merged::Resolution(entry) => {
                edits.insert(path, entry);
            }
            Merged::Both(entry) => {
                edits.insert(path, Some(entry));
            }
            Merged::Keep | Merged::Missing => {}
            Merged::Conflict(kind, text) => conflicts.push(Conflict { text, ..Conflict::new(path, kind, sides) }),
        }
    }
    loop {
        let misplaced = misplaced(objects, onto, &edits)?;
        if misplaced.is_empty() {
            break;
        }
        for Misplaced { path, kind, .. } in misplaced {
            let patch = edits.remove(&path).flatten();
            conflicts.push(Conflict::new(path, kind, Sides { patch, ..Sides::default() }));
        }
    }
    let tree = objects.edit(onto, &edits)?;
    Ok(Picked { tree, conflicts })
}

/// Applies the change `before → after` to the tree `onto`.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub fn pick(objects: &mut Objects<'_>, change: (Id, Id), onto: Id) -> Result<super::Lazy<Picked>, GitError> {
    let mut missing = Missing::default();
    let picked = pick_into(objects, change, onto, &mut missing)?;
    Ok(missing.or_done(picked))
}

/// Merges one path into the tree `onto`, whose attributes say how. The three sides may be at different paths; `path` is
/// the one in `onto`, and is recorded if a content is missing.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub(super) fn merge(
    objects: &mut Objects<'_>,
    onto: Id,
    path: &RepoPath,
    Sides { base, upstream, patch }: Sides,
    missing: &mut Missing,
) -> Result<Merged, GitError> {
    // For a patch that deletes a file, a file that became a folder is gone.
    let upstream = upstream.filter(|entry| entry.mode != Mode::Folder || patch.is_some());
    if upstream == patch {
        return Ok(Merged::Keep);
    }
    if upstream == base {
        return Ok(Merged::Resolution(patch));
    }
    let conflict = |kind| Ok(Merged::Conflict(kind, None));
    let (upstream, patch) = match (upstream, patch) {
        (Some(upstream), _) if upstream.mode == Mode::Folder => return conflict(ConflictKind::Place),
        (Some(upstream), Some(patch)) => (upstream, patch),
        _ => return conflict(ConflictKind::ModifyDelete),
    };
    let kinds_differ =
        kind(upstream.mode) != kind(patch.mode) || base.is_some_and(|base| kind(base.mode) != kind(upstream.mode));
    if kinds_differ {
        return conflict(ConflictKind::Type);
    }
    let mode = match base {
        _ if upstream.mode == patch.mode => upstream.mode,
        Some(base) if base.mode == upstream.mode => patch.mode,
        Some(base) if base.mode == patch.mode => upstream.mode,
        _ => return conflict(ConflictKind::Mode),
    };
    let base_id = base.map(|base| base.id);
    if upstream.id == patch.id || base_id == Some(patch.id) {
        return Ok(Merged::Both(Entry { mode, id: upstream.id }));
    }
    if base_id == Some(upstream.id) {
        return Ok(Merged::Both(Entry { mode, id: patch.id }));
    }
    if kind(mode) != kind(Mode::File) {
        return conflict(if base.is_none() { ConflictKind::AddAdd } else { ConflictKind::Content });
    }
    merge_contents(objects, onto, path, ([base_id, Some(upstream.id), Some(patch.id)], mode), missing)
}

/// Merges the contents of three regular files; without a base both were added.
fn merge_contents(
    objects: &mut Objects<'_>,
    onto: Id,
    path: &RepoPath,
    (ids, mode): ([Option<Id>; 3], Mode),
    missing: &mut Missing,
) -> Result<Merged, GitError> {
    let mut read = |id: Option<Id>| -> Result<Option<Rc<Vec<u8>>>, GitError> {
        let Some(id) = id else { return Ok(Some(Rc::default())) };
        let content = objects.blob(id)?;
        if content.is_none() {
            missing.need(id, [path]);
        }
        Ok(content)
    };
    let contents = (read(ids[0])?, read(ids[1])?, read(ids[2])?);
    let (Some(driver), (Some(base), Some(upstream), Some(patch))) =
        (merge_driver(objects, onto, path, missing)?, contents)
    else {
        return Ok(Merged::Missing);
    };
    let binary = [&base, &upstream, &patch].iter().any(|content| is_binary(content));
    if binary || driver == Driver::Binary {
        return Ok(Merged::Conflict(ConflictKind::Binary, None));
    }
    let changed_both = if ids[0].is_none() { ConflictKind::AddAdd } else { ConflictKind::Content };
    Ok(match merge_text(&base, &upstream, &patch, driver == Driver::Union)? {
        Text::Clean(merged) => Merged::Both(objects.put_file(mode, merged)),
        Text::Conflict(text) => Merged::Conflict(changed_both, Some(text)),
    })
}

/// Returns the kind: files, symlinks and submodules do not merge with each other.
fn kind(mode: Mode) -> u32 {
    mode.bits() & 0o170_000
}
