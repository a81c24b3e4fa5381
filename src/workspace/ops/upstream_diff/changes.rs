//! Compares two trees of upstream by names and ids alone: no content is read.

use std::collections::{BTreeMap, HashMap};

use crate::git::{Entry, Id, Mode, TreeChange};
use crate::path::RepoPath;
use crate::stack::FilePair;

/// The kind of a file's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The file was added.
    Added,
    /// Its content or mode changed.
    Modified,
    /// The file was deleted.
    Deleted,
    /// The file was moved to another path.
    Renamed,
    /// It became another type (file, symlink, submodule).
    Type,
}

impl ChangeKind {
    /// Returns the kind of change of `pair`.
    #[must_use]
    pub fn of(pair: &FilePair) -> ChangeKind {
        match (&pair.old, &pair.new) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Deleted,
            (Some((old, _)), Some((new, _))) if old != new => ChangeKind::Renamed,
            (Some((_, old)), Some((_, new))) if kind(old.mode) != kind(new.mode) => ChangeKind::Type,
            _ => ChangeKind::Modified,
        }
    }

    /// Returns git's letter for it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            ChangeKind::Added => 'A',
            ChangeKind::Modified => 'M',
            ChangeKind::Deleted => 'D',
            ChangeKind::Renamed => 'R',
            ChangeKind::Type => 'T',
        }
    }

    /// Returns its name in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ChangeKind::Added => "added",
            ChangeKind::Modified => "modified",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Renamed => "renamed",
            ChangeKind::Type => "type",
        }
    }
}

/// Returns the file's path, or its old path if it was deleted.
pub(super) fn path(pair: &FilePair) -> &RepoPath {
    match (&pair.new, &pair.old) {
        (Some((path, _)), _) | (None, Some((path, _))) => path,
        (None, None) => unreachable!("a file that changed is on at least one side"),
    }
}

/// Returns the paths of both sides.
pub(super) fn paths(pair: &FilePair) -> impl Iterator<Item = &RepoPath> {
    pair.old.iter().chain(&pair.new).map(|(path, _)| path)
}

/// Returns the changes as files, by path. Moved files are those in `followed` (old path to new path and similarity),
/// and files that were deleted at one path and added at another with the same id, those of the same name first. Empty
/// files never count as moved, because all of them are equal.
pub(super) fn pairs(changes: &[TreeChange], followed: &BTreeMap<RepoPath, (RepoPath, u8)>) -> Vec<FilePair> {
    let (mut deleted, mut added, mut found) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for TreeChange { path, old, new } in changes {
        match (old, new) {
            (Some(old), None) => drop(deleted.insert(path, *old)),
            (None, Some(new)) => drop(added.insert(path, *new)),
            (old, new) => {
                let side = |entry: &Option<Entry>| entry.map(|entry| (path.clone(), entry));
                found.push(FilePair { old: side(old), new: side(new), percent: 100 });
            }
        }
    }
    let mut moved: Vec<(RepoPath, RepoPath, u8)> =
        followed.iter().map(|(from, (to, percent))| (from.clone(), to.clone(), *percent)).collect();
    moved.extend(exact(&deleted, &added, followed));
    for (from, to, percent) in moved {
        if let (Some(old), Some(new)) = (deleted.get(&from).copied(), added.get(&to).copied()) {
            deleted.remove(&from);
            added.remove(&to);
            found.push(FilePair { old: Some((from, old)), new: Some((to, new)), percent });
        }
    }
    let gone =
        deleted.into_iter().map(|(path, old)| FilePair { old: Some((path.clone(), old)), new: None, percent: 0 });
    let new = added.into_iter().map(|(path, new)| FilePair { old: None, new: Some((path.clone(), new)), percent: 0 });
    found.extend(gone.chain(new));
    found.sort_by(|a, b| path(a).cmp(path(b)));
    found
}

/// Returns which deleted file has the id of which added one; each is used once.
fn exact(
    deleted: &BTreeMap<&RepoPath, Entry>,
    added: &BTreeMap<&RepoPath, Entry>,
    followed: &BTreeMap<RepoPath, (RepoPath, u8)>,
) -> Vec<(RepoPath, RepoPath, u8)> {
    let comparable = |entry: &Entry| entry.mode != Mode::Gitlink && entry.id != Id::EMPTY_BLOB;
    let mut sources: HashMap<(Id, u32), Vec<&RepoPath>> = HashMap::new();
    for (path, entry) in deleted.iter().filter(|(path, entry)| comparable(entry) && !followed.contains_key(**path)) {
        sources.entry((entry.id, kind(entry.mode))).or_default().push(path);
    }
    let mut left: Vec<(&RepoPath, Entry)> =
        added.iter().map(|(path, entry)| (*path, *entry)).filter(|(_, entry)| comparable(entry)).collect();
    left.retain(|(path, _)| !followed.values().any(|(to, _)| to == *path));
    let mut found = Vec::new();
    for same_name in [true, false] {
        left.retain(|(path, entry)| {
            let Some(from) = sources.get_mut(&(entry.id, kind(entry.mode))) else { return false };
            let fits = |from: &&RepoPath| !same_name || from.file_name() == path.file_name();
            let Some(at) = from.iter().position(fits) else { return true };
            found.push((from.remove(at).clone(), (*path).clone(), 100));
            false
        });
    }
    found
}

/// Returns file, symlink or submodule, as the bits of the mode.
fn kind(mode: Mode) -> u32 {
    mode.bits() & 0o170_000
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn change(path: &str, old: Option<u8>, new: Option<u8>) -> TreeChange {
        let entry = |n: u8| Entry { mode: Mode::File, id: Id::from_raw([n; 20]) };
        TreeChange { path: RepoPath::new(path).unwrap(), old: old.map(entry), new: new.map(entry) }
    }

    fn shown(changes: &[TreeChange], followed: &[(&str, &str, u8)]) -> Vec<String> {
        let path = |text: &str| RepoPath::new(text).unwrap();
        let followed = followed.iter().map(|(from, to, percent)| (path(from), (path(to), *percent))).collect();
        let line = |pair: &FilePair| {
            let paths: Vec<String> = paths(pair).map(ToString::to_string).collect();
            format!("{} {}", ChangeKind::of(pair).letter(), paths.join(" "))
        };
        pairs(changes, &followed).iter().map(line).collect()
    }

    #[test]
    fn equal_ids_are_renames_those_of_the_same_name_first() {
        let changes = [
            change("a/one", Some(1), None),
            change("b/two", Some(1), None),
            change("c/two", None, Some(1)),
            change("d/three", None, Some(1)),
            change("e/four", None, Some(1)),
            change("m", Some(3), Some(4)),
        ];
        assert_eq!(shown(&changes, &[]), ["R b/two c/two", "R a/one d/three", "A e/four", "M m m"]);
    }

    #[test]
    fn what_was_followed_comes_first_and_empty_files_never() {
        let mut changes = [
            change("a/one", Some(1), None),
            change("b/one", None, Some(1)),
            change("c/one", None, Some(2)),
            change("x/empty", Some(0), None),
            change("y/empty", None, Some(0)),
        ];
        for change in &mut changes[3..] {
            change.old = change.old.map(|entry| Entry { id: Id::EMPTY_BLOB, ..entry });
            change.new = change.new.map(|entry| Entry { id: Id::EMPTY_BLOB, ..entry });
        }
        let wanted = ["A b/one", "R a/one c/one", "D x/empty", "A y/empty"];
        assert_eq!(shown(&changes, &[("a/one", "c/one", 60)]), wanted);
    }
}
