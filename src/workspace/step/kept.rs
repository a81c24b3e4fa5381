//! Records a change for `undo`: a commit that holds the files' old and new contents, and keeps the old commits.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::context::StepContext;
use super::effects::{GitEffects, RefMove};
use super::error::StepError;
use super::order::next;
use super::publish::FileChange;
use super::run::is_own_ref;
use crate::git::checkout::{self, WorkChange, WorkFile};
use crate::git::{BRANCH, Commit, Edits, Entry, GitError, HANDED_OVER, Id, Mode, Objects, SYNCED};
use crate::path::RepoPath;
use crate::workspace::files::digest::Sum;
use crate::workspace::files::layout::Scope;
use crate::workspace::upstream::json_file;
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::UpstreamStore;

/// The folder of the refs.
pub(in crate::workspace) const REFS: &str = "refs/patchq/undo/";
/// The most changes that can be undone.
const KEPT: usize = 20;
const FILE: &str = "undo.json";
/// The longest name of a command, in bytes.
const LONGEST_COMMAND: usize = 64;
/// The longest note about a change, in characters.
const LONGEST_NOTE: usize = 1000;
/// The longest version, in characters.
const LONGEST_VERSION: usize = 1000;
/// The largest size of a record, in bytes.
const LARGEST: usize = 64 << 20;

/// A change that can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRecord {
    /// The command that made it.
    pub command: String,
    /// The time, in seconds since 1970, by the clock.
    pub time: i64,
    /// Its number among all changes of the workspace; `None`: an older patchq made it, before all numbered ones.
    #[serde(default)]
    pub(in crate::workspace) order: Option<u64>,
    pub(in crate::workspace) files: Vec<UndoFile>,
    pub(in crate::workspace) refs: Vec<RefMove>,
    /// The branch before and after.
    pub(in crate::workspace) branch: (Option<Id>, Option<Id>),
    /// The pin before; with the branch it determines the paths of the checkout.
    pub(in crate::workspace) pin: Option<Id>,
    /// The commit whose tree is the working tree before, if that had changes.
    pub(in crate::workspace) work: Option<Id>,
    /// The commit whose tree is the working tree after, if changes stayed uncommitted.
    #[serde(default)]
    pub(in crate::workspace) left: Option<Id>,
    /// The conflict that was in the checkout.
    #[serde(default)]
    pub(in crate::workspace) handed: Option<Id>,
    /// The text of `version.txt` before.
    pub(in crate::workspace) version: Option<String>,
    /// Notes about the change, a sentence each: why a patch left the queue.
    #[serde(default)]
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) struct UndoFile {
    pub(in crate::workspace) path: String,
    pub(in crate::workspace) old: Option<Sum>,
    pub(in crate::workspace) new: Option<Sum>,
}

impl UndoRecord {
    /// Checks whether the change moved the checkout, if there was one.
    pub(in crate::workspace) fn moved_checkout(&self) -> bool {
        self.branch.0 != self.branch.1 || self.work.is_some() || self.handed.is_some()
    }

    /// Returns the change of the file at `path`, from the workspace's root.
    pub(in crate::workspace) fn file(&self, path: &str) -> Option<&UndoFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Returns its place among the changes of a workspace: a later change has a larger one. Changes by an older patchq
    /// have only the time.
    pub(in crate::workspace) fn rank(&self) -> (Option<u64>, i64) {
        (self.order, if self.order.is_some() { 0 } else { self.time })
    }

    /// Checks whether it describes only what a change of the upstream can do; records may come from others.
    fn is_sound(&self, upstream: &UpstreamStore<'_>) -> bool {
        let named =
            self.command.len() <= LONGEST_COMMAND && self.command.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let layout = &upstream.workspace.layout;
        let scope = Scope::Upstream(upstream.name());
        let own = |file: &UndoFile| RepoPath::new(&file.path).is_ok_and(|path| layout.is_changed_by(scope, &path));
        let files = self.files.iter().all(own);
        let refs = self.refs.iter().all(|step| is_own_ref(&step.name));
        let version = self.version.as_ref().is_none_or(|version| version.len() <= LONGEST_VERSION);
        named && files && refs && version
    }

    /// Returns the files that the change touched, from the workspace's root.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }
}

/// Returns the tree that the checkout would have with all its uncommitted changes, as a commit on its tip.
///
/// # Errors
/// [`StepError`] when the checkout cannot be read.
pub(in crate::workspace) fn work_commit(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
) -> Result<Id, StepError> {
    let tip = state.tip.ok_or(GitError::Missing { kind: "commit", id: Id::EMPTY_TREE })?;
    let tree = work_tree(upstream, objects, tip, &state.work)?;
    Ok(uncommitted(objects, tree, tip))
}

/// Makes a commit on `tip` for a working tree.
pub(in crate::workspace) fn uncommitted(objects: &mut Objects<'_>, tree: Id, tip: Id) -> Id {
    objects.put_commit(&Commit::by_patchq(tree, vec![tip], "Uncommitted changes\n", 0))
}

/// Returns the working tree after the moves of `side`, as a commit on the last of them: a change stays where no move
/// changes the path. `None`: nothing stays uncommitted.
fn left(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
    side: &GitEffects,
) -> Result<Option<Id>, StepError> {
    let (Some(tip), Some(last)) = (state.tip, side.checkout.last()) else { return Ok(None) };
    let trees = side.checkout.iter().map(|step| objects.commit(step.commit).map(|commit| commit.tree));
    let trees = trees.collect::<Result<Vec<Id>, _>>()?;
    let before = objects.commit(tip)?.tree;
    let mut stays = Vec::new();
    let changed: BTreeSet<&[u8]> = last.changed.iter().map(|path| path.as_slice()).collect();
    let known = |change: &&WorkChange| changed.contains(change.path.as_bytes());
    for change in state.work.iter().filter(known) {
        let entry = objects.entry(before, &change.path)?;
        let mut same = true;
        for tree in &trees {
            same &= objects.entry(*tree, &change.path)? == entry;
        }
        stays.extend(same.then(|| change.clone()));
    }
    if stays.is_empty() {
        return Ok(None);
    }
    let tree = work_tree(upstream, objects, last.commit, &stays)?;
    let clean = trees.last() == Some(&tree);
    Ok((!clean).then(|| uncommitted(objects, tree, last.commit)))
}

/// Returns the tree of `tip` with `changes` of the checkout. Changes that cannot be taken (a nested repository, an
/// unmerged path) are left as in `tip`.
///
/// # Errors
/// [`StepError`] when the checkout cannot be read.
pub(in crate::workspace) fn work_tree(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    tip: Id,
    changes: &[WorkChange],
) -> Result<Id, StepError> {
    let work = checkout::work_files(&upstream.store, &upstream.checkout(), changes)?;
    Ok(tree_with(objects, tip, work.files)?)
}

/// Returns the tree of `tip` with working files.
///
/// # Errors
/// [`GitError`] when a tree cannot be read.
pub(in crate::workspace) fn tree_with(
    objects: &mut Objects<'_>,
    tip: Id,
    files: BTreeMap<RepoPath, Option<WorkFile>>,
) -> Result<Id, GitError> {
    let mut edits = Edits::new();
    for (path, file) in files {
        let entry = file.map(|file| match file.object {
            Some(id) => Entry { mode: file.mode, id },
            None => objects.put_file(file.mode, file.bytes),
        });
        edits.insert(path, entry);
    }
    let tree = objects.commit(tip)?.tree;
    objects.edit(tree, &edits)
}

/// A change that is about to be made.
#[derive(Debug, Clone)]
pub(in crate::workspace) struct About<'a> {
    /// What becomes of the workspace's files.
    pub(in crate::workspace) changes: &'a [FileChange],
    /// What becomes of checkout and refs.
    pub(in crate::workspace) side: &'a GitEffects,
    /// Notes about it, a sentence each: why a patch left the queue.
    pub(in crate::workspace) notes: Vec<String>,
}

impl<'a> About<'a> {
    /// A change without notes.
    pub(in crate::workspace) fn of(changes: &'a [FileChange], side: &'a GitEffects) -> About<'a> {
        About { changes, side, notes: Vec::new() }
    }
}

/// Records a change that is about to be made; the moves of refs for it belong to the change's own step.
///
/// # Errors
/// [`StepError`] when store or checkout cannot be read.
pub(in crate::workspace) fn keep(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
    about: About<'_>,
    ctx: &StepContext<'_>,
) -> Result<Vec<RefMove>, StepError> {
    let About { changes, side, notes } = about;
    let dirty = !state.work.is_empty() && !side.checkout.is_empty();
    let work = if dirty { Some(work_commit(upstream, objects, state)?) } else { None };
    let after = side.checkout.last().map(|step| step.commit);
    let after = after.or_else(|| side.refs.iter().find(|step| step.name == BRANCH).and_then(|step| step.new));
    let kept = UndoRecord {
        command: ctx.command.to_owned(),
        time: ctx.now,
        order: Some(next(upstream, ctx)?),
        files: changes.iter().map(kept_file).collect(),
        refs: side.refs.clone(),
        branch: (state.tip, after.or(state.tip)),
        pin: state.record.as_ref().map(|record| record.pin),
        work,
        left: left(upstream, objects, state, side)?,
        handed: None,
        version: version_before(upstream, state),
        notes,
    };
    let alive: Vec<Id> = [state.tip, state.record_at].into_iter().flatten().collect();
    keep_as_newest(upstream, objects, &kept, changes, &alive)
}

/// Records a change of the workspace's files and nothing else; pin, patches and checkout need not be readable.
///
/// # Errors
/// [`StepError`] when the store cannot be read.
pub(in crate::workspace) fn keep_files(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    changes: &[FileChange],
    ctx: &StepContext<'_>,
) -> Result<Vec<RefMove>, StepError> {
    let tip = upstream.store.read_ref(BRANCH)?;
    let kept = UndoRecord {
        command: ctx.command.to_owned(),
        time: ctx.now,
        order: Some(next(upstream, ctx)?),
        files: changes.iter().map(kept_file).collect(),
        refs: Vec::new(),
        branch: (tip, tip),
        pin: None,
        work: None,
        left: None,
        handed: None,
        version: None,
        notes: Vec::new(),
    };
    keep_as_newest(upstream, objects, &kept, changes, &[])
}

/// A conflict that is about to leave the checkout.
pub(in crate::workspace) struct Handed {
    /// The branch's tip.
    pub tip: Id,
    /// The record with which the conflict could be handed over again.
    pub record: Id,
    /// The working tree with the conflict, as a commit.
    pub work: Id,
    /// The working tree without it, as a commit on `tip`.
    pub left: Id,
}

/// Records a conflict that is about to leave the checkout.
///
/// # Errors
/// [`StepError`] when the store cannot be read.
pub(in crate::workspace) fn keep_handed(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    handed: &Handed,
    changes: &[FileChange],
    ctx: &StepContext<'_>,
) -> Result<Vec<RefMove>, StepError> {
    let Handed { tip, record, work, left } = *handed;
    let kept = UndoRecord {
        command: ctx.command.to_owned(),
        time: ctx.now,
        order: Some(next(upstream, ctx)?),
        files: changes.iter().map(kept_file).collect(),
        refs: vec![RefMove { name: HANDED_OVER.to_owned(), old: Some(record), new: None }],
        branch: (Some(tip), Some(tip)),
        pin: None,
        work: None,
        left: Some(left),
        handed: Some(record),
        version: None,
        notes: Vec::new(),
    };
    keep_as_newest(upstream, objects, &kept, changes, &[tip, record, work])
}

/// Returns the moves of refs that add `kept` as the newest change to undo. `alive`: what it needs in addition to what
/// it names.
fn keep_as_newest(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    kept: &UndoRecord,
    changes: &[FileChange],
    alive: &[Id],
) -> Result<Vec<RefMove>, StepError> {
    let commit = make(objects, kept, changes, alive)?;
    let mut entries = entries(upstream)?;
    let next = entries.last().map_or(1, |(number, _)| number + 1);
    let mut moves = vec![RefMove { name: ref_name(next), old: None, new: Some(commit) }];
    let surplus = (entries.len() + 1).saturating_sub(KEPT);
    moves.extend(entries.drain(..surplus).map(|(n, at)| RefMove { name: ref_name(n), old: Some(at), new: None }));
    Ok(moves)
}

/// Returns the text of `version.txt` in the checkout before a change: the manifest's version, or the one when files and
/// commits were last equal.
fn version_before(upstream: &UpstreamStore<'_>, state: &SyncState) -> Option<String> {
    let kept = state.record.as_ref().and_then(|record| record.files.version.clone());
    upstream.entry.version.clone().or(kept)
}

fn kept_file(change: &FileChange) -> UndoFile {
    let sum = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Sum::of);
    UndoFile { path: change.path.to_string(), old: sum(&change.old), new: sum(&change.new) }
}

fn make(objects: &mut Objects<'_>, kept: &UndoRecord, changes: &[FileChange], alive: &[Id]) -> Result<Id, StepError> {
    let mut edits = Edits::new();
    let file = |name: String| RepoPath::new(name).map_err(GitError::EvilPath);
    for (n, change) in changes.iter().enumerate() {
        for (side, bytes) in [("old", &change.old), ("new", &change.new)] {
            if let Some(bytes) = bytes {
                edits.insert(file(format!("{side}/{n}"))?, Some(objects.put_file(Mode::File, bytes.clone())));
            }
        }
    }
    json_file::put(objects, &mut edits, FILE, kept)?;
    let tree = objects.edit(Id::EMPTY_TREE, &edits)?;
    // They are parents, so that garbage collection keeps what undo needs.
    let mut parents: Vec<Id> = [kept.branch.1, kept.work, kept.left].into_iter().flatten().collect();
    parents.extend(alive);
    parents.extend(
        kept.refs
            .iter()
            .filter(|step| step.name.starts_with("refs/notes/") || step.name == SYNCED)
            .filter_map(|s| s.old),
    );
    parents.sort();
    parents.dedup();
    let message = format!("Before {}\n", kept.command);
    Ok(objects.put_commit(&Commit::by_patchq(tree, parents, message, kept.time)))
}

/// Returns the change recorded in the commit `at`; `None`: it holds none that patchq could have made.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub(in crate::workspace) fn read_kept(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    at: Id,
) -> Result<Option<UndoRecord>, GitError> {
    let Some(text) = json_file::bytes(objects, at, FILE)?.filter(|text| text.len() <= LARGEST) else { return Ok(None) };
    let Some(mut kept) = serde_json::from_slice::<UndoRecord>(&text).ok().filter(|kept| kept.is_sound(upstream)) else {
        return Ok(None);
    };
    for note in &mut kept.notes {
        if let Some((end, _)) = note.char_indices().nth(LONGEST_NOTE) {
            note.truncate(end);
        }
    }
    Ok(Some(kept))
}

/// Returns a file in the tree of a recorded change.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub(in crate::workspace) fn content(
    objects: &mut Objects<'_>,
    tree: Id,
    name: &str,
) -> Result<Option<Vec<u8>>, GitError> {
    let path = RepoPath::new(name).map_err(GitError::EvilPath)?;
    let Some(entry) = objects.entry(tree, &path)? else { return Ok(None) };
    Ok(objects.blob(entry.id)?.map(|bytes| bytes.to_vec()))
}

pub(in crate::workspace) fn ref_name(number: u64) -> String {
    format!("{REFS}{number:06}")
}

/// Returns the numbers and commits of the recorded changes, oldest first.
pub(in crate::workspace) fn entries(upstream: &UpstreamStore<'_>) -> Result<Vec<(u64, Id)>, GitError> {
    let mut found: Vec<(u64, Id)> = upstream
        .store
        .refs_below(REFS)?
        .into_iter()
        .filter_map(|(name, at)| Some((name.strip_prefix(REFS)?.parse().ok()?, at)))
        .collect();
    found.sort_unstable();
    Ok(found)
}
