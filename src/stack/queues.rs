//! Merges two changed versions of a queue: the patch files and the checkout's commits, both changed since they were
//! last equal. A change of one side is taken; a change of both sides is a clash that a person must settle.

use std::collections::{HashMap, HashSet};

use super::replay::{Change, Replayed, replay};
use super::{Base, Conflict, Lazy, Stack};
use crate::git::{GitError, Id, Objects};

/// A patch on one side: the file that it belongs to, and its commit there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The patch file's name; `None` for a commit that has no file yet.
    pub name: Option<String>,
    /// The commit.
    pub commit: Id,
}

/// The three states to merge.
#[derive(Debug, Clone)]
pub struct Queues<'a> {
    /// The stack when files and commits were last equal.
    pub synced: &'a [Version],
    /// The stack from the files now.
    pub files: &'a Stack,
    /// The names of the files that changed since.
    pub files_changed: &'a HashSet<String>,
    /// The checkout's commits, oldest first.
    pub commits: &'a [Version],
}

/// The result of the merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// One queue on the files' pin: its commits in order, each with its file.
    Clean(Vec<Version>),
    /// The same patch was changed on both sides.
    Clash(Vec<String>),
    /// A patch does not apply to the result of the other side: its commit, and the paths (empty: it has no effect
    /// left).
    Conflicts(Id, Vec<Conflict>),
}

/// The side that a patch of the merged queue comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    File(String),
    Commit(Id),
}

fn key(version: &Version) -> Key {
    version.name.clone().map_or(Key::Commit(version.commit), Key::File)
}

/// Merges both sides onto the files' pin.
///
/// # Errors
/// [`GitError`] when an object other than a blob is missing, or one is damaged.
pub fn merge_queues(objects: &mut Objects<'_>, queues: &Queues<'_>) -> Result<Lazy<Merged>, GitError> {
    let files: Vec<Version> =
        queues.files.items.iter().map(|item| Version { name: Some(item.name.clone()), commit: item.commit }).collect();
    let synced: HashMap<Key, Id> = queues.synced.iter().map(|version| (key(version), version.commit)).collect();
    let in_files: HashMap<Key, Id> = files.iter().map(|version| (key(version), version.commit)).collect();
    let in_commits: HashMap<Key, Id> = queues.commits.iter().map(|version| (key(version), version.commit)).collect();
    let file_changed = |key: &Key| matches!(key, Key::File(name) if queues.files_changed.contains(name));

    let mut clashes = Vec::new();
    let mut chosen: HashMap<Key, Id> = HashMap::new();
    for key in in_files.keys().chain(in_commits.keys()).chain(synced.keys()).collect::<HashSet<_>>() {
        let (was, file, commit) = (synced.get(key), in_files.get(key), in_commits.get(key));
        let by_files = if was.is_some() { file.is_none() || file_changed(key) } else { file.is_some() };
        let by_commits = commit != was;
        let take = match (by_files, by_commits) {
            (true, true) if file.is_none() && commit.is_none() => None,
            (true, true) => {
                if let Key::File(name) = key {
                    clashes.push(name.clone());
                }
                None
            }
            (_, true) => commit,
            (_, false) => file,
        };
        if let Some(take) = take {
            chosen.insert(key.clone(), *take);
        }
    }
    if !clashes.is_empty() {
        clashes.sort();
        return Ok(Lazy::Done(Merged::Clash(clashes)));
    }
    let order = order(queues.synced, &files, queues.commits);
    rebuild(objects, &queues.files.base, &order, &chosen)
}

/// Returns the order of the merged queue. The side that changed the order decides it (the files, if both did); an extra
/// patch of the other side comes after its predecessor there. Patches added at the end of both come in the order of
/// files first, commits after: new commits are applied onto the files, whose names then need not change.
fn order(synced: &[Version], files: &[Version], commits: &[Version]) -> Vec<Key> {
    let keys = |side: &[Version]| side.iter().map(key).collect::<Vec<_>>();
    let (synced, files, commits) = (keys(synced), keys(files), keys(commits));
    let shared: HashSet<&Key> = synced.iter().filter(|k| files.contains(k) && commits.contains(k)).collect();
    let kept = |side: &[Key]| side.iter().filter(|k| shared.contains(k)).cloned().collect::<Vec<_>>();
    let files_lead = kept(&files) != kept(&synced) || kept(&commits) == kept(&synced);
    let (mut lead, follow) = if files_lead { (files, commits) } else { (commits, files) };
    for (n, key) in follow.iter().enumerate().filter(|(_, key)| !synced.contains(key)) {
        if lead.contains(key) {
            continue;
        }
        let at_end = !follow[n + 1..].iter().any(|later| lead.contains(later));
        let before = match (at_end, files_lead) {
            (true, true) => lead.len().checked_sub(1),
            (true, false) => lead.iter().rposition(|k| follow.contains(k)),
            (false, _) => follow[..n].iter().rev().find_map(|earlier| lead.iter().position(|k| k == earlier)),
        };
        lead.insert(before.map_or(0, |at| at + 1), key.clone());
    }
    lead
}

fn rebuild(
    objects: &mut Objects<'_>,
    base: &Base,
    order: &[Key],
    chosen: &HashMap<Key, Id>,
) -> Result<Lazy<Merged>, GitError> {
    let row: Vec<(&Key, Id)> = order.iter().filter_map(|key| chosen.get(key).map(|commit| (key, *commit))).collect();
    let changes = row.iter().map(|(_, commit)| Change::of(objects, *commit)).collect::<Result<Vec<_>, _>>()?;
    Ok(match replay(objects, base.commit, base.tree, &changes)? {
        Lazy::Need(ids) => Lazy::Need(ids),
        Lazy::Done(Replayed::Emptied(n)) => Lazy::Done(Merged::Conflicts(row[n].1, Vec::new())),
        Lazy::Done(Replayed::Conflicts(n, conflicts)) => Lazy::Done(Merged::Conflicts(row[n].1, conflicts)),
        Lazy::Done(Replayed::Clean(commits, _)) => {
            let named = |key: &Key| match key {
                Key::File(name) => Some(name.clone()),
                Key::Commit(_) => None,
            };
            let merged = row.iter().zip(commits).map(|((key, _), commit)| Version { name: named(key), commit });
            Lazy::Done(Merged::Clean(merged.collect()))
        }
    })
}
