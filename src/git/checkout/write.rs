//! The second pass: moves the checkout to a commit. Files come first, then the index, then the refs. After a kill at
//! any step, a run with the same plan continues there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bstr::ByteSlice;

use super::attach::{Attachment, attach, attachment};
use super::check::{Actions, Check, Trees};
use super::content::{Content, open_work};
use super::fits::Limits;
use super::index::{DiskIndex, IndexLock, entries, entries_with, in_memory};
use super::listing::{Listing, absent_blobs, list_commit};
use super::root::{Found, Meta, Root};
use super::stage::Stage;
use super::version::{Managed, read, replace};
use super::{CheckoutError, Differences, Materialized, Obstacle, Outcome, Plan, Reason, SparseSet, Warning};
use crate::git::{BRANCH, GitError, Id, Store};
use crate::path::RepoPath;

/// Moves the checkout to `plan.commit`. All obstacles are collected before anything changes. The store has the trees of
/// both commits, and the blobs of [`super::wanted_blobs`].
///
/// `observe` is called with each step before it is done (`attach`, `remove PATH`, `write PATH`, `version`, `config`,
/// `index`, `ref`), so that a test can stop there.
///
/// The caller holds the upstream's lock and has checked the checkout ([`super::status`], [`super::head`]).
///
/// # Errors
/// [`CheckoutError`] when disk or store fail; [`GitError::RefMoved`] when the branch is at neither of the plan's
/// commits.
pub fn materialize(
    store: &Store,
    checkout: &Path,
    plan: &Plan<'_>,
    observe: &dyn Fn(&str),
) -> Result<Outcome, CheckoutError> {
    let state = attachment(store, checkout)?;
    if let Some(refused) = refuse(&state, plan.differences) {
        return Ok(Outcome::Refused(vec![Obstacle { path: ".".to_owned(), reason: refused }]));
    }
    let at = store.read_ref(BRANCH)?;
    if at.is_some() && at != plan.old && at != Some(plan.commit) {
        return Err(GitError::RefMoved { name: BRANCH.to_owned(), expected: plan.old, found: at }.into());
    }
    let new = list_commit(store.repo(), plan.commit)?;
    let old = plan.old.map(|old| list_commit(store.repo(), old)).transpose()?;
    // If the folder is gone, its staged changes are gone too, and its index means nothing any more.
    let absent = state == Attachment::Absent;
    let mut disk = if absent { None } else { DiskIndex::read(store.dir())? };
    let mut managed = Managed::load(store.dir())?;
    let stage = Stage::new(store)?;
    // If there is no folder yet, an empty one takes its place: the rules for paths apply all the same.
    let look_at = if absent { stage.dir() } else { checkout };
    let trees = Trees { old: old.as_ref(), new: &new, index_of: None };
    let check = Checked { store, checkout: look_at, at: checkout, plan, trees, managed: &managed };
    let actions = match check.run(disk.as_mut())? {
        Ok(actions) => actions,
        Err(outcome) => return Ok(outcome),
    };
    let lock = IndexLock::take(store.dir())?;
    observe("attach");
    attach(store, checkout)?;
    let mut root = Root::open(checkout)?;
    root.clear_draft()?;
    let removed = actions.remove.len();
    let wanted = actions.write.iter().map(|(path, (entry, _))| (path.clone(), *entry)).collect();
    let mut warnings = stage.fill(store, &wanted, &entries(&new, plan.sparse, &BTreeMap::new()))?;
    let clean = write_files(&mut root, &actions, &stage, &mut warnings, observe)?;
    observe("version");
    warnings.extend(managed.settle(&mut root, &new, plan.sparse, plan.version)?);
    observe("config");
    configure(store, plan.sparse)?;
    observe("index");
    let written = disk.as_ref().map_or(0, |disk| disk.written);
    let index = entries_with(&actions.carried, written, &new, plan.sparse, &clean);
    let tree = if actions.carried.is_empty() { Some(tree_of(store, plan.commit)?) } else { None };
    lock.write(store.repo(), &index, tree)?;
    observe("ref");
    move_head(store, checkout, plan)?;
    drop(lock);
    Ok(Outcome::Done(Materialized {
        files: clean.len(),
        written: actions.write.len(),
        removed,
        kept: actions.kept,
        warnings,
    }))
}

/// Returns what would be in the way of a move, as [`materialize`] would find it now; nothing changes. With `now`,
/// another move from that commit to `plan.old`, which writes no file, comes before this one. That move handles the
/// staged changes, except those that it keeps.
///
/// # Errors
/// [`CheckoutError`] when disk or store fail, or git holds the index.
pub fn obstacles(
    store: &Store,
    checkout: &Path,
    plan: &Plan<'_>,
    now: Option<Id>,
) -> Result<Vec<Obstacle>, CheckoutError> {
    let state = attachment(store, checkout)?;
    if let Some(refused) = refuse(&state, plan.differences) {
        return Ok(vec![Obstacle { path: ".".to_owned(), reason: refused }]);
    }
    drop(IndexLock::take(store.dir())?);
    let new = list_commit(store.repo(), plan.commit)?;
    let old = plan.old.map(|old| list_commit(store.repo(), old)).transpose()?;
    let absent = state == Attachment::Absent;
    let mut disk = if absent { None } else { DiskIndex::read(store.dir())? };
    let managed = Managed::load(store.dir())?;
    let stage = Stage::new(store)?;
    let look_at = if absent { stage.dir() } else { checkout };
    let now = now.map(|now| list_commit(store.repo(), now)).transpose()?;
    let trees = Trees { old: old.as_ref(), new: &new, index_of: now.as_ref() };
    let check = Checked { store, checkout: look_at, at: checkout, plan, trees, managed: &managed };
    let Err(Outcome::Refused(found)) = check.run(disk.as_mut())? else { return Ok(Vec::new()) };
    Ok(found)
}

/// Returns why a checkout cannot be made at `state`; `None`: it can.
pub(super) fn refuse(state: &Attachment, differences: Differences) -> Option<Reason> {
    match state {
        Attachment::Absent | Attachment::Empty | Attachment::Ours | Attachment::Moved => None,
        Attachment::Plain if differences == Differences::Keep => None,
        _ => Some(Reason::NotOurs { found: state.clone() }),
    }
}

/// The input of the first pass.
pub(super) struct Checked<'a> {
    pub(super) store: &'a Store,
    /// The folder to check.
    pub(super) checkout: &'a Path,
    /// Where the checkout is, or will be.
    pub(super) at: &'a Path,
    pub(super) plan: &'a Plan<'a>,
    pub(super) trees: Trees<'a>,
    pub(super) managed: &'a Managed,
}

impl Checked<'_> {
    /// Returns what to do, or why it cannot be done.
    pub(super) fn run(&self, mut disk: Option<&mut DiskIndex>) -> Result<Result<Actions, Outcome>, CheckoutError> {
        let plan = self.plan;
        let repo = open_work(self.store, self.checkout)?;
        // Attributes of files outside the sparse set are read from an index.
        let mut stand_in = in_memory(&match disk {
            Some(_) => Vec::new(),
            None => holdable(self.trees.new, plan.sparse),
        })?;
        let index = disk.as_mut().map_or(&mut stand_in, |disk| &mut disk.lib);
        repo.set_index(index).map_err(GitError::lib("cannot use the index"))?;
        let mut root = Root::open(self.checkout)?;
        let content = Content::new(&repo, disk.as_deref());
        let limits = Limits::of(&root, self.store.dir(), self.at);
        let check = Check::new(content, &mut root, self.trees, plan, self.managed, limits);
        let (actions, mut obstacles) = check.run()?;
        if !obstacles.is_empty() {
            let mut seen = BTreeSet::new();
            obstacles.retain(|obstacle| seen.insert(obstacle.path.clone()));
            obstacles.sort_by(|one, other| one.path.cmp(&other.path));
            return Ok(Err(Outcome::Refused(obstacles)));
        }
        let need = absent_blobs(&repo, self.trees.new, plan.sparse)?;
        Ok(if need.is_empty() { Ok(actions) } else { Err(Outcome::Need(need)) })
    }
}

/// Returns the index of `listing` without the paths that no index can hold; the check reports those later.
fn holdable(listing: &Listing, sparse: &SparseSet) -> Vec<git2::IndexEntry> {
    let safe = listing.iter().filter(|(path, _)| RepoPath::new(path).is_ok());
    entries(&safe.map(|(path, entry)| (path.clone(), *entry)).collect(), sparse, &BTreeMap::new())
}

/// Removes and writes files; returns the stat data of every file that is right afterwards.
pub(super) fn write_files(
    root: &mut Root,
    actions: &Actions,
    stage: &Stage,
    warnings: &mut Vec<Warning>,
    observe: &dyn Fn(&str),
) -> Result<BTreeMap<RepoPath, Meta>, CheckoutError> {
    for (path, found) in &actions.remove {
        observe(&format!("remove {path}"));
        unchanged(root, path, found)?;
        root.remove(path)?;
    }
    for path in &actions.old_folders {
        if !root.remove_folders(path)? {
            warnings.push(Warning::SubmoduleLeft { path: path.clone() });
        }
    }
    let mut clean = actions.clean.clone();
    for (path, (_, found)) in &actions.write {
        observe(&format!("write {path}"));
        match found {
            Found::Folder => clear_folders(root, path)?,
            Found::Blocked { .. } | Found::Absent => {}
            _ => unchanged(root, path, found)?,
        }
        let fresh = !matches!(found, Found::File(_) | Found::Symlink(_));
        root.place(&stage.path(path), path, fresh)?;
        if let Found::File(meta) | Found::Symlink(meta) = root.look(path)? {
            clean.insert(path.clone(), meta);
        }
    }
    for path in &actions.folders {
        root.make_folder(path)?;
    }
    Ok(clean)
}

/// Fails if the file is no longer the one that the first pass saw.
fn unchanged(root: &mut Root, path: &RepoPath, found: &Found) -> Result<(), CheckoutError> {
    if root.look(path)? == *found { Ok(()) } else { Err(CheckoutError::ChangedMeanwhile { path: path.clone() }) }
}

/// Removes `folder` and the folders in it. Files stay, and so do the folders above them.
fn clear_folders(root: &mut Root, folder: &RepoPath) -> Result<(), GitError> {
    if root.look(folder)? != Found::Folder {
        return Ok(());
    }
    for (name, kind) in root.entries(Some(folder))? {
        if let (super::root::Kind::Folder, Ok(path)) = (kind, folder.join(&name)) {
            clear_folders(root, &path)?;
        }
    }
    root.remove_folder(folder).map(drop)
}

/// Writes git's settings about which paths are in the checkout.
pub(super) fn configure(store: &Store, sparse: &SparseSet) -> Result<(), GitError> {
    let failed = || GitError::lib("cannot write the store's settings");
    let file = store.dir().join("info/sparse-checkout");
    if let Some(patterns) = sparse.patterns()
        && (read(&file)? != patterns.as_slice() || !file.exists())
    {
        replace(&file, &patterns)?;
    }
    tell_encoding(store)?;
    // `git sparse-checkout set` moves these settings into a file that overrides the store's own.
    let mut configs = vec![git2::Config::open(&store.dir().join("config")).map_err(failed())?];
    let of_worktree = store.dir().join("config.worktree");
    if of_worktree.exists() {
        configs.push(git2::Config::open(&of_worktree).map_err(failed())?);
    }
    for config in &mut configs {
        for (key, value) in [
            ("core.sparseCheckout", !sparse.is_everything()),
            ("core.sparseCheckoutCone", false),
            ("index.sparse", false),
        ] {
            if config.get_bool(key).ok() != Some(value) {
                config.set_bool(key, value).map_err(failed())?;
            }
        }
    }
    Ok(())
}

/// Tells git to ignore encodings. Files are written as they are stored, whatever encoding an attribute names for the
/// working tree. Without this git would take each of them as changed, and would fail when it reads one.
fn tell_encoding(store: &Store) -> Result<(), GitError> {
    const LINE: &[u8] = b"* !working-tree-encoding\n";
    let file = store.dir().join("info/attributes");
    let text = read(&file)?;
    if text.lines_with_terminator().any(|line| line == LINE) {
        return Ok(());
    }
    // Our line comes first, so that lines that a person adds below override it.
    let ours = b"# patchq writes files as they are stored.\n";
    replace(&file, &[ours, LINE, text.as_slice()].concat())
}

fn tree_of(store: &Store, commit: Id) -> Result<Id, GitError> {
    let failed = GitError::lib(format!("cannot read commit {commit}"));
    store.repo().find_commit(commit.into()).map(|found| found.tree_id().into()).map_err(failed)
}

/// Moves the branch to the plan's commit, and HEAD to the branch.
fn move_head(store: &Store, checkout: &Path, plan: &Plan<'_>) -> Result<(), GitError> {
    // With a working tree libgit2 writes reflogs, as git does.
    let repo = open_work(store, checkout)?;
    if store.read_ref(BRANCH)? != Some(plan.commit) {
        repo.reference(BRANCH, plan.commit.into(), true, plan.reason)
            .map_err(GitError::lib(format!("cannot move {BRANCH}")))?;
    }
    let head = repo.find_reference("HEAD").map_err(GitError::lib("cannot read HEAD"))?;
    if head.symbolic_target_bytes() != Some(BRANCH.as_bytes()) {
        repo.reference_symbolic("HEAD", BRANCH, true, plan.reason).map_err(GitError::lib("cannot move HEAD"))?;
    }
    Ok(())
}
