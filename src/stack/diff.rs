//! Makes the files of a patch from two trees: the output of `git diff --full-index --binary -M`, independent of any
//! diff configuration.

use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::Missing;
use super::similarity::{Candidate, renames};
use crate::git::{Entry, GitError, Id, Mode, Objects, TreeChange};
use crate::patch::{BinaryData, Change, Content, FileDiff, Hunk, Line, Side};
use crate::path::RepoPath;

/// Lines of context around a change.
const CONTEXT: u32 = 3;
/// git looks for a NUL in this many first bytes to recognize a binary file.
const BINARY_PROBE: usize = 8000;

/// Checks whether git would treat the content as binary.
pub(super) fn is_binary(content: &[u8]) -> bool {
    content[..content.len().min(BINARY_PROBE)].contains(&0)
}

/// One side of a file's change.
#[derive(Clone)]
struct Version {
    path: RepoPath,
    entry: Entry,
    content: Rc<Vec<u8>>,
}

/// A file on two sides, possibly at two paths; it exists on at least one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePair {
    /// The old path and entry.
    pub old: Option<(RepoPath, Entry)>,
    /// The new path and entry.
    pub new: Option<(RepoPath, Entry)>,
    /// The similarity in percent; only displayed, and only if the paths differ.
    pub percent: u8,
}

/// Returns what `git diff` shows for each pair: one file, or a deleted and an added one if a file becomes a symlink or
/// a submodule. Contents are read only if the two ids differ.
///
/// # Errors
/// [`GitError`] when an object is damaged.
pub fn pair_diffs(objects: &Objects<'_>, pairs: &[FilePair]) -> Result<super::Lazy<Vec<Vec<FileDiff>>>, GitError> {
    let mut missing = Missing::default();
    let mut all = Vec::with_capacity(pairs.len());
    for pair in pairs {
        all.push(pair_diff(objects, pair, &mut missing)?);
    }
    Ok(missing.or_done(all))
}

fn pair_diff(objects: &Objects<'_>, pair: &FilePair, missing: &mut Missing) -> Result<Vec<FileDiff>, GitError> {
    let (old, new) = match (&pair.old, &pair.new) {
        (Some((old_path, old)), Some((new_path, new))) if old.id == new.id && same_kind(old.mode, new.mode) => {
            let at = |path: &RepoPath, entry: Entry| Version { path: path.clone(), entry, content: Rc::default() };
            (Some(at(old_path, *old)), Some(at(new_path, *new)))
        }
        (old, new) => {
            let mut read = |side: &Option<(RepoPath, Entry)>| match side {
                Some((path, entry)) => version(objects, path, Some(*entry), missing),
                None => Ok(None),
            };
            (read(old)?, read(new)?)
        }
    };
    if old.is_some() != pair.old.is_some() || new.is_some() != pair.new.is_some() {
        return Ok(Vec::new());
    }
    let sides: Vec<(Option<&Version>, Option<&Version>, Change)> = match (&old, &new) {
        (Some(a), Some(b)) if !same_kind(a.entry.mode, b.entry.mode) => {
            vec![(Some(a), None, Change::Delete), (None, Some(b), Change::Add)]
        }
        (Some(a), Some(b)) if a.path != b.path => vec![(Some(a), Some(b), Change::Rename(Some(pair.percent)))],
        (Some(a), Some(b)) => vec![(Some(a), Some(b), Change::Modify)],
        (Some(a), None) => vec![(Some(a), None, Change::Delete)],
        (None, Some(b)) => vec![(None, Some(b), Change::Add)],
        (None, None) => Vec::new(),
    };
    sides.into_iter().map(|(old, new, change)| file_diff(old, new, change)).collect()
}

/// Returns the files that differ between two trees, by new path, with the renames of `git diff -M50%`. A file whose
/// content is not in the store goes to `missing`.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub fn file_diffs(objects: &mut Objects<'_>, before: Id, after: Id) -> Result<super::Lazy<Vec<FileDiff>>, GitError> {
    let mut missing = Missing::default();
    let files = diffs(objects, before, after, &mut missing)?;
    Ok(missing.or_done(files))
}

pub(super) fn diffs(
    objects: &mut Objects<'_>,
    before: Id,
    after: Id,
    missing: &mut Missing,
) -> Result<Vec<FileDiff>, GitError> {
    let (mut deleted, mut added, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for TreeChange { path, old, new } in objects.diff(before, after)? {
        let old = version(objects, &path, old, missing)?;
        let new = version(objects, &path, new, missing)?;
        if missing.covers(&path) {
            continue;
        }
        match (old, new) {
            (Some(old), Some(new)) if same_kind(old.entry.mode, new.entry.mode) => {
                files.push((Some(old), Some(new), Change::Modify));
            }
            // git shows a file that becomes a symlink as one deleted and one added.
            (Some(old), Some(new)) => {
                files.push((Some(old), None, Change::Delete));
                files.push((None, Some(new), Change::Add));
            }
            (Some(old), None) => deleted.push(old),
            (None, Some(new)) => added.push(new),
            (None, None) => {}
        }
    }
    let found = renames(&candidates(&deleted), &candidates(&added));
    let mut moved = vec![false; deleted.len()];
    for (new, rename) in added.into_iter().zip(found) {
        match rename {
            Some(rename) => {
                moved[rename.from] = true;
                files.push((Some(deleted[rename.from].clone()), Some(new), Change::Rename(Some(rename.percent))));
            }
            None => files.push((None, Some(new), Change::Add)),
        }
    }
    for (old, moved) in deleted.into_iter().zip(moved) {
        if !moved {
            files.push((Some(old), None, Change::Delete));
        }
    }
    let mut files = files
        .into_iter()
        .map(|(old, new, change)| file_diff(old.as_ref(), new.as_ref(), change))
        .collect::<Result<Vec<_>, _>>()?;
    files.sort_by(|a, b| a.new_path.cmp(&b.new_path));
    Ok(files)
}

fn candidates(versions: &[Version]) -> Vec<Candidate<'_>> {
    versions.iter().map(|v| Candidate { path: &v.path, entry: v.entry, content: &v.content }).collect()
}

fn same_kind(a: Mode, b: Mode) -> bool {
    a.bits() & 0o170_000 == b.bits() & 0o170_000
}

fn version(
    objects: &Objects<'_>,
    path: &RepoPath,
    entry: Option<Entry>,
    missing: &mut Missing,
) -> Result<Option<Version>, GitError> {
    let Some(entry) = entry else { return Ok(None) };
    let content = if entry.mode == Mode::Gitlink {
        Rc::new(format!("Subproject commit {}\n", entry.id).into_bytes())
    } else {
        match objects.blob(entry.id)? {
            Some(content) => content,
            None => {
                missing.need(entry.id, [path]);
                return Ok(None);
            }
        }
    };
    Ok(Some(Version { path: path.clone(), entry, content }))
}

fn file_diff(old: Option<&Version>, new: Option<&Version>, change: Change) -> Result<FileDiff, GitError> {
    let id = |side: Option<&Version>| side.map_or_else(|| "0".repeat(40), |v| v.entry.id.to_string());
    let text = |side: Option<&Version>| side.map_or_else(Rc::default, |v| v.content.clone());
    let same = matches!((old, new), (Some(old), Some(new)) if old.entry.id == new.entry.id);
    let (before, after) = (text(old), text(new));
    let content = if same || (before.is_empty() && after.is_empty()) {
        Content::Same
    } else if is_binary(&before) || is_binary(&after) {
        let forward = BinaryData::Literal(after.to_vec().into());
        Content::Binary { forward, reverse: Some(BinaryData::Literal(before.to_vec().into())) }
    } else {
        Content::Text(hunks(&before, &after)?)
    };
    let path = |side: Option<&Version>, other: Option<&Version>| side.or(other).map(|v| v.path.clone());
    let (Some(old_path), Some(new_path)) = (path(old, new), path(new, old)) else {
        unreachable!("a file that differs is on at least one side");
    };
    Ok(FileDiff {
        change,
        old_path,
        new_path,
        old_mode: old.map(|v| v.entry.mode.bits()),
        new_mode: new.map(|v| v.entry.mode.bits()),
        index: (!same).then(|| (BString::from(id(old)), BString::from(id(new)))),
        content,
        line: 0,
    })
}

/// Returns the hunks between two texts: git's default algorithm with its indent heuristic.
pub(super) fn hunks(old: &[u8], new: &[u8]) -> Result<Vec<Hunk>, GitError> {
    let failed = || GitError::lib("cannot compare two versions of a file");
    let mut options = git2::DiffOptions::new();
    options.context_lines(CONTEXT).interhunk_lines(0).indent_heuristic(true).force_text(true);
    let name = std::path::Path::new("file");
    let patch = git2::Patch::from_buffers(old, Some(name), new, Some(name), Some(&mut options)).map_err(failed())?;
    let mut hunks = Vec::with_capacity(patch.num_hunks());
    for n in 0..patch.num_hunks() {
        let (head, count) = patch.hunk(n).map_err(failed())?;
        let (old_start, new_start, section) = (head.old_start(), head.new_start(), section_of(head.header()));
        let mut lines: Vec<Line> = Vec::with_capacity(count);
        for at in 0..count {
            let line = patch.line_in_hunk(n, at).map_err(failed())?;
            let side = match line.origin() {
                ' ' => Side::Both,
                '-' => Side::Old,
                '+' => Side::New,
                // "No newline at end of file": libgit2 reports it as a separate line; the line before has no line feed.
                _ => continue,
            };
            lines.push(Line { side, bytes: BString::from(line.content()) });
        }
        hunks.push(Hunk { old_start, new_start, section, lines, line: 0 });
    }
    Ok(hunks)
}

/// Returns the text after the second `@@` of a hunk's header; git removes the blanks at its end.
fn section_of(header: &[u8]) -> BString {
    let behind = header.splitn_str(3, "@@").nth(2).unwrap_or_default();
    let behind = behind.strip_prefix(b" ").unwrap_or(behind);
    BString::from(behind.trim_end())
}
