//! The three-way step: one change of a tree carried to another tree, along the paths it touches.
//!
//! Ids decide first: where the other tree did not change the path, the change is taken; where it has it already,
//! there is nothing to do. Only where all three differ are blobs read and merged (patience, zdiff3), which gives
//! what `git merge-tree -X diff-algorithm=patience -X no-renames` gives.

use std::rc::Rc;

use super::Missing;
use super::attributes::{Driver, merge_driver};
use super::conflict::{Conflict, ConflictKind, Sides};
use super::diff::is_binary;
use super::place::{Misplaced, misplaced};
use super::text::{Text, TextMerge, merge_text};
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

/// What becomes of one path.
pub(super) enum Merged {
    /// The patch's version: upstream did not change the path.
    Resolution(Option<Entry>),
    /// Both changes in one.
    Both(Entry),
    /// Upstream has the patch's version already.
    Keep,
    /// They do not go together.
    Conflict(ConflictKind, Option<TextMerge>),
    /// A content is not at hand.
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

/// Carries the change `before → after` to the tree `onto`.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub fn pick(objects: &mut Objects<'_>, change: (Id, Id), onto: Id) -> Result<super::Lazy<Picked>, GitError> {
    let mut missing = Missing::default();
    let picked = pick_into(objects, change, onto, &mut missing)?;
    Ok(missing.or_done(picked))
}

/// Merges one path into the tree `onto`, whose attributes say how. The three sides may stand at different paths;
/// `path` is the one in `onto`, and the one that is unknown while a content is missing.
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
    // A file that became a folder is gone, to a patch that deletes it.
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

/// Files, symlinks and submodules do not merge with each other.
fn kind(mode: Mode) -> u32 {
    mode.bits() & 0o170_000
}
