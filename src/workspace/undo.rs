//! What was before: each change is kept in the store, as a commit that holds the files' old and new contents and keeps
//! the old commits alive, under `refs/patchq/undo/`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::digest::Sum;
use super::follow::{GitSide, Hand, Move, RefMove};
use super::publish::{FileChange, PublishError, state_of};
use super::settle::{Around, SettleError, begin, do_step};
use super::site::{PATIENCE, Site, lock_workspace};
use super::state::State;
use crate::git::checkout::{self, Attachment, HeadState, WorkChange, WorkFile};
use crate::git::{
    BRANCH, Commit, Edits, Entry, GitError, HANDED_OVER, Id, Mode, ObjectKind, Objects, SYNCED, Signature,
};
use crate::path::{RepoPath, printable};

/// The folder of the refs.
const REFS: &str = "refs/patchq/undo/";
/// So many changes can be taken back.
const KEPT: usize = 20;
const FILE: &str = "undo.json";

/// A change that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The command that made it.
    pub command: String,
    /// When, in seconds since 1970.
    pub time: i64,
    files: Vec<KeptFile>,
    refs: Vec<RefMove>,
    /// The branch before and after.
    branch: (Option<Id>, Option<Id>),
    /// The pin before; with the branch it tells which paths the checkout held.
    pin: Option<Id>,
    /// The commit whose tree is the working tree before, where that was changed.
    work: Option<Id>,
    /// The commit whose tree is the working tree after, where changes stayed uncommitted.
    #[serde(default)]
    left: Option<Id>,
    /// The conflict that was in the checkout, as it was there.
    #[serde(default)]
    handed: Option<Id>,
    /// What `version.txt` said before.
    version: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct KeptFile {
    path: String,
    old: Option<Sum>,
    new: Option<Sum>,
}

/// What was taken back.
#[derive(Debug, Clone)]
pub struct Undone {
    /// The change.
    pub kept: Kept,
    /// The files, printable, from the workspace's root, and whether each is there again.
    pub files: Vec<(String, bool)>,
}

/// Why nothing was taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is nothing.
    #[error("nothing to undo")]
    Nothing,
    /// Files, commits or checkout are no longer what the change left.
    #[error("'{command}' cannot be undone: {}", .why.join("; "))]
    Changed {
        /// The command.
        command: String,
        /// What changed since.
        why: Vec<String>,
    },
    /// The rest.
    #[error(transparent)]
    Settle(#[from] SettleError),
}

impl UndoError {
    fn of(error: impl Into<SettleError>) -> UndoError {
        UndoError::Settle(error.into())
    }
}

impl Kept {
    /// Whether the change moved the checkout, where there was one.
    fn moved_checkout(&self) -> bool {
        self.branch.0 != self.branch.1 || self.work.is_some() || self.handed.is_some()
    }

    /// The files that the change touched, from the workspace's root.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }
}

/// The tree that the checkout would have if all its uncommitted changes were committed, as a commit on its tip.
///
/// # Errors
/// [`SettleError`] when the checkout cannot be read.
pub(super) fn work_commit(site: &Site<'_>, objects: &mut Objects<'_>, state: &State) -> Result<Id, SettleError> {
    let tip = state.tip.ok_or(GitError::Missing { kind: "commit", id: Id::EMPTY_TREE })?;
    let tree = work_tree(site, objects, tip, &state.work)?;
    Ok(uncommitted(objects, tree, tip))
}

/// A commit on `tip` for a working tree.
pub(super) fn uncommitted(objects: &mut Objects<'_>, tree: Id, tip: Id) -> Id {
    let message = "Uncommitted changes\n".into();
    objects.put_commit(&Commit { tree, parents: vec![tip], author: nobody(), committer: nobody(), message })
}

/// The working tree that the moves of `side` leave, as a commit on the last of them: a change stays where no move
/// changes the path. `None`: nothing stays uncommitted.
fn left(site: &Site<'_>, objects: &mut Objects<'_>, state: &State, side: &GitSide) -> Result<Option<Id>, SettleError> {
    let (Some(tip), Some(last)) = (state.tip, side.checkout.last()) else { return Ok(None) };
    let trees = side.checkout.iter().map(|step| objects.commit(step.commit).map(|commit| commit.tree));
    let trees = trees.collect::<Result<Vec<Id>, _>>()?;
    let before = objects.commit(tip)?.tree;
    let mut stays = Vec::new();
    let known = |change: &&WorkChange| last.changed.iter().any(|path| path == change.path.as_bytes());
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
    let tree = work_tree(site, objects, last.commit, &stays)?;
    let clean = trees.last() == Some(&tree);
    Ok((!clean).then(|| uncommitted(objects, tree, last.commit)))
}

/// The tree of `tip` with `changes` of the checkout on top. What cannot be taken (a nested repository, an undecided
/// merge) is left as it is in `tip`.
///
/// # Errors
/// [`SettleError`] when the checkout cannot be read.
pub fn work_tree(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    tip: Id,
    changes: &[WorkChange],
) -> Result<Id, SettleError> {
    let work = checkout::work_files(&site.store, &site.checkout(), changes)?;
    Ok(tree_with(objects, tip, work.files)?)
}

/// The tree of `tip` with working files on top.
///
/// # Errors
/// [`GitError`] when a tree cannot be read.
pub(super) fn tree_with(
    objects: &mut Objects<'_>,
    tip: Id,
    files: BTreeMap<RepoPath, Option<WorkFile>>,
) -> Result<Id, GitError> {
    let mut edits = Edits::new();
    for (path, file) in files {
        let entry = file.map(|file| match file.gitlink {
            Some(id) => Entry { mode: Mode::Gitlink, id },
            None => objects.put_file(file.mode, file.bytes),
        });
        edits.insert(path, entry);
    }
    let tree = objects.commit(tip)?.tree;
    objects.edit(tree, &edits)
}

fn nobody() -> Signature {
    Signature::clean(b"patchq", b"patchq@patchq.invalid", 0, 0)
}

/// Keeps a change that is about to be made; the moves of refs that do it belong to the change's own step.
///
/// # Errors
/// [`SettleError`] when store or checkout cannot be read.
pub(super) fn keep(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    state: &State,
    changes: &[FileChange],
    side: &GitSide,
    around: &Around<'_>,
) -> Result<Vec<RefMove>, SettleError> {
    let dirty = !state.work.is_empty() && !side.checkout.is_empty();
    let work = if dirty { Some(work_commit(site, objects, state)?) } else { None };
    let after = side.checkout.last().map(|step| step.commit);
    let after = after.or_else(|| side.refs.iter().find(|step| step.name == BRANCH).and_then(|step| step.new));
    let kept = Kept {
        command: around.command.to_owned(),
        time: around.now,
        files: changes.iter().map(kept_file).collect(),
        refs: side.refs.clone(),
        branch: (state.tip, after.or(state.tip)),
        pin: state.record.as_ref().map(|record| record.pin),
        work,
        left: left(site, objects, state, side)?,
        handed: None,
        version: version_before(site, state),
    };
    let alive: Vec<Id> = [state.tip, state.record_at].into_iter().flatten().collect();
    keep_as_newest(site, objects, &kept, changes, &alive)
}

/// A conflict that is about to leave the checkout.
pub(super) struct Handed {
    /// The branch's tip.
    pub tip: Id,
    /// The record after which the conflict would be there again.
    pub record: Id,
    /// The working tree with it, as a commit.
    pub work: Id,
    /// The working tree without it, as a commit on `tip`.
    pub left: Id,
}

/// Keeps a conflict that is about to leave the checkout.
///
/// # Errors
/// [`SettleError`] when the store cannot be read.
pub(super) fn keep_handed(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    handed: &Handed,
    changes: &[FileChange],
    around: &Around<'_>,
) -> Result<Vec<RefMove>, SettleError> {
    let Handed { tip, record, work, left } = *handed;
    let kept = Kept {
        command: around.command.to_owned(),
        time: around.now,
        files: changes.iter().map(kept_file).collect(),
        refs: vec![RefMove { name: HANDED_OVER.to_owned(), old: Some(record), new: None }],
        branch: (Some(tip), Some(tip)),
        pin: None,
        work: None,
        left: Some(left),
        handed: Some(record),
        version: None,
    };
    keep_as_newest(site, objects, &kept, changes, &[tip, record, work])
}

/// The moves of refs that put `kept` on top of what can be undone. `alive`: what it needs beside what it names.
fn keep_as_newest(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    kept: &Kept,
    changes: &[FileChange],
    alive: &[Id],
) -> Result<Vec<RefMove>, SettleError> {
    let commit = make(objects, kept, changes, alive)?;
    let mut entries = entries(site)?;
    let next = entries.last().map_or(1, |(number, _)| number + 1);
    let mut moves = vec![RefMove { name: ref_name(next), old: None, new: Some(commit) }];
    let surplus = (entries.len() + 1).saturating_sub(KEPT);
    moves.extend(entries.drain(..surplus).map(|(n, at)| RefMove { name: ref_name(n), old: Some(at), new: None }));
    Ok(moves)
}

/// What `version.txt` in the checkout says before a change: the manifest's version, or the one that files and commits
/// agreed on last.
fn version_before(site: &Site<'_>, state: &State) -> Option<String> {
    let kept = state.record.as_ref().and_then(|record| record.files.version.clone());
    site.upstream.version.clone().or(kept)
}

fn kept_file(change: &FileChange) -> KeptFile {
    let sum = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Sum::of);
    KeptFile { path: change.path.to_string(), old: sum(&change.old), new: sum(&change.new) }
}

fn make(objects: &mut Objects<'_>, kept: &Kept, changes: &[FileChange], alive: &[Id]) -> Result<Id, SettleError> {
    let mut edits = Edits::new();
    let file = |name: String| RepoPath::new(name).map_err(GitError::EvilPath);
    for (n, change) in changes.iter().enumerate() {
        for (side, bytes) in [("old", &change.old), ("new", &change.new)] {
            if let Some(bytes) = bytes {
                edits.insert(file(format!("{side}/{n}"))?, Some(objects.put_file(Mode::File, bytes.clone())));
            }
        }
    }
    let text = serde_json::to_vec_pretty(kept).map_err(super::follow::FollowError::from)?;
    let blob = objects.put(ObjectKind::Blob, text);
    edits.insert(file(FILE.to_owned())?, Some(Entry { mode: Mode::File, id: blob }));
    let tree = objects.edit(Id::EMPTY_TREE, &edits)?;
    // As parents, so that no garbage collection takes what undo needs.
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
    let who = Signature { seconds: kept.time, ..nobody() };
    let message = format!("Before {}\n", kept.command).into();
    Ok(objects.put_commit(&Commit { tree, parents, author: who.clone(), committer: who, message }))
}

fn ref_name(number: u64) -> String {
    format!("{REFS}{number:06}")
}

/// The kept changes' numbers and commits, oldest first.
fn entries(site: &Site<'_>) -> Result<Vec<(u64, Id)>, GitError> {
    let mut found: Vec<(u64, Id)> = site
        .store
        .refs_below(REFS)?
        .into_iter()
        .filter_map(|(name, at)| Some((name.strip_prefix(REFS)?.parse().ok()?, at)))
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// What can be taken back, newest first.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub fn list(site: &Site<'_>) -> Result<Vec<Kept>, GitError> {
    let mut objects = Objects::new(&site.store)?;
    let mut all = Vec::new();
    for (_, at) in entries(site)?.into_iter().rev() {
        all.extend(read(&mut objects, at)?.map(|(kept, _)| kept));
    }
    Ok(all)
}

/// A kept change and the contents of its files, old and new.
type Contents = Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>;

fn read(objects: &mut Objects<'_>, at: Id) -> Result<Option<(Kept, Contents)>, GitError> {
    let tree = objects.commit(at)?.tree;
    let mut content = |name: String| -> Result<Option<Vec<u8>>, GitError> {
        let path = RepoPath::new(name).map_err(GitError::EvilPath)?;
        let Some(entry) = objects.entry(tree, &path)? else { return Ok(None) };
        Ok(objects.blob(entry.id)?.map(|bytes| bytes.to_vec()))
    };
    let text = content(FILE.to_owned())?.unwrap_or_default();
    let Ok(kept) = serde_json::from_slice::<Kept>(&text) else { return Ok(None) };
    let mut contents = Vec::with_capacity(kept.files.len());
    for n in 0..kept.files.len() {
        contents.push((content(format!("old/{n}"))?, content(format!("new/{n}"))?));
    }
    Ok(Some((kept, contents)))
}

/// Takes the last change of `site` back, if everything is still what it left.
///
/// # Errors
/// [`UndoError`]; nothing has changed then.
pub fn undo(site: &Site<'_>, around: &Around<'_>) -> Result<Undone, UndoError> {
    let _lock = begin(site, around)?;
    let mut objects = Objects::new(&site.store).map_err(UndoError::of)?;
    let newest = entries(site).map_err(UndoError::of)?.pop().ok_or(UndoError::Nothing)?;
    let (kept, contents) = read(&mut objects, newest.1).map_err(UndoError::of)?.ok_or(UndoError::Nothing)?;
    let why = changed_since(site, &mut objects, &kept)?;
    if !why.is_empty() {
        return Err(UndoError::Changed { command: kept.command, why });
    }
    let mut changes = Vec::with_capacity(kept.files.len());
    for (file, (old, new)) in kept.files.iter().zip(contents) {
        let path = RepoPath::new(&file.path).map_err(|e| UndoError::of(GitError::EvilPath(e)))?;
        changes.push(FileChange { path, old: new, new: old });
    }
    let outside = changes.iter().any(|change| change.path.parent().is_none());
    let _second = outside
        .then(|| lock_workspace(site.workspace, around.command, PATIENCE, around.on_wait))
        .transpose()
        .map_err(UndoError::of)?;
    let side = back(site, &mut objects, &kept, newest).map_err(UndoError::Settle)?;
    do_step(site, &mut objects, changes, &side, around)?;
    let files = kept.files.iter().map(|file| (printable(file.path.as_bytes()), file.old.is_some())).collect();
    Ok(Undone { kept, files })
}

/// The git side of taking `kept` back.
fn back(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    kept: &Kept,
    (number, at): (u64, Id),
) -> Result<GitSide, SettleError> {
    let reverse = |step: &RefMove| RefMove { name: step.name.clone(), old: step.new, new: step.old };
    let refs = kept.refs.iter().rev().map(reverse).collect();
    let mut side = GitSide { hand: kept.handed.map(Hand::Over), checkout: Vec::new(), refs };
    side.refs.retain(|step| !step.name.starts_with(REFS));
    side.refs.push(RefMove { name: ref_name(number), old: Some(at), new: None });
    let attached = checkout::attachment(&site.store, &site.checkout())? == Attachment::Ours;
    let pin = kept.pin.filter(|_| attached && kept.moved_checkout());
    if let (Some(pin), Some(before)) = (pin, kept.branch.0) {
        let reason = format!("patchq undo: {}", kept.command);
        let stayed = checkout::status(&site.store, &site.checkout())?;
        let step = Move {
            old: kept.branch.1,
            pin,
            commit: before,
            keep: false,
            touched: None,
            changed: stayed.iter().map(|change| change.path.as_bytes().to_vec()).collect(),
            version: kept.version.clone(),
            reason,
        };
        match taken(objects, kept, before)? {
            Some(work) => {
                side.checkout.push(Move { commit: work, ..step.clone() });
                side.checkout.push(Move { old: Some(work), keep: true, ..step });
            }
            None => side.checkout.push(step),
        }
        side.refs.retain(|step| step.name != BRANCH);
    } else if kept.branch.0 != kept.branch.1 && !side.refs.iter().any(|step| step.name == BRANCH) {
        side.refs.push(RefMove { name: BRANCH.to_owned(), old: kept.branch.1, new: kept.branch.0 });
    }
    Ok(side)
}

/// A commit on `before` with the uncommitted changes that `kept` took and did not leave; `None`: there are none.
fn taken(objects: &mut Objects<'_>, kept: &Kept, before: Id) -> Result<Option<Id>, GitError> {
    let Some(work) = kept.work else { return Ok(None) };
    let (tree, work) = (objects.commit(before)?.tree, objects.commit(work)?.tree);
    let mut stayed = BTreeSet::new();
    if let (Some(after), Some(left)) = (kept.branch.1, kept.left) {
        let (after, left) = (objects.commit(after)?.tree, objects.commit(left)?.tree);
        stayed.extend(objects.diff(after, left)?.into_iter().map(|change| change.path));
    }
    let mut edits = Edits::new();
    for change in objects.diff(tree, work)?.into_iter().filter(|change| !stayed.contains(&change.path)) {
        let entry = objects.entry(work, &change.path)?;
        edits.insert(change.path, entry);
    }
    let taken = objects.edit(tree, &edits)?;
    Ok((taken != tree).then(|| uncommitted(objects, taken, before)))
}

/// What is no longer as the change left it.
fn changed_since(site: &Site<'_>, objects: &mut Objects<'_>, kept: &Kept) -> Result<Vec<String>, UndoError> {
    let mut why = Vec::new();
    for file in &kept.files {
        let path = RepoPath::new(&file.path).map_err(|e| UndoError::of(GitError::EvilPath(e)))?;
        let state = state_of(&site.workspace.layout, &path).map_err(|e| UndoError::of(PublishError::from(e)))?;
        if state.0 != file.new {
            why.push(format!("{path} changed since"));
        }
    }
    let tip = site.store.read_ref(BRANCH).map_err(UndoError::of)?;
    if tip != kept.branch.1 {
        why.push("the checkout's commits changed since".to_owned());
    }
    if site.store.read_ref(HANDED_OVER).map_err(UndoError::of)?.is_some() {
        why.push("a conflict waits in the checkout to be resolved".to_owned());
        return Ok(why);
    }
    let folder = site.checkout();
    let attached = checkout::attachment(&site.store, &folder).map_err(UndoError::of)? == Attachment::Ours;
    if kept.handed.is_some() && !attached {
        why.push("there is no checkout any more".to_owned());
    }
    if attached && kept.moved_checkout() {
        if kept.branch.0.is_none() {
            why.push(format!(
                "it was checked out since, in {0}/ (once nothing there is needed: rm -r {0})",
                site.name()
            ));
        }
        if let Some(operation) = checkout::operation(&site.store) {
            why.push(format!("a git {operation} is in progress in the checkout"));
        }
        if let (HeadState::OnQueue(_), Some(tip)) = (checkout::head(&site.store).map_err(UndoError::of)?, tip) {
            why.extend(edited_since(site, objects, kept, tip).map_err(UndoError::Settle)?);
        } else {
            why.push("the checkout is not on the branch 'patchq'".to_owned());
        }
    }
    Ok(why)
}

/// How the working tree of a checkout at `tip` is no longer what the change left.
fn edited_since(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    kept: &Kept,
    tip: Id,
) -> Result<Option<String>, SettleError> {
    let changes = checkout::status(&site.store, &site.checkout())?;
    let tree = work_tree(site, objects, tip, &changes)?;
    let left = objects.commit(kept.left.unwrap_or(tip))?.tree;
    let differing = objects.diff(left, tree)?;
    Ok(differing.first().map(|first| {
        let more = differing.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("the checkout was edited since ({}{more})", first.path)
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_that_says_nothing_of_what_stayed_is_read() {
        let kept = Kept {
            command: "save".to_owned(),
            time: 1,
            files: Vec::new(),
            refs: Vec::new(),
            branch: (Some(Id::EMPTY_TREE), None),
            pin: None,
            work: Some(Id::EMPTY_TREE),
            left: None,
            handed: None,
            version: None,
        };
        let mut value = serde_json::to_value(&kept).unwrap();
        assert!(value.as_object_mut().unwrap().remove("left").is_some());
        assert_eq!(serde_json::from_value::<Kept>(value).unwrap(), kept);
    }
}
