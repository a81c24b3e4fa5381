//! Puts a conflict into the checkout, in the state of a stopped `git cherry-pick`: HEAD detached, unmerged paths in the
//! index, and the picked commit known to git.
//!
//! The order makes it possible to repeat a killed run: the files first (each has its old or its new content), then the
//! index in one step, then HEAD, and last the two files that tell git about the cherry-pick. Once HEAD has left the
//! branch, neither files nor index are written any more, because they may be the user's work.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bstr::BStr;

use super::attach::attachment;
use super::check::{Actions, Trees};
use super::content::open_work;
use super::head::{HeadState, head};
use super::index::{DiskIndex, IndexLock, entries, stage_entry};
use super::listing::{Listing, list_commit, list_tree};
use super::root::{Meta, Root};
use super::stage::Stage;
use super::version::{Managed, replace};
use super::write::{Checked, configure, refuse, write_files};
use super::{CheckoutError, Differences, Materialized, Obstacle, Outcome, Plan, SparseSet, Warning};
use crate::git::{Entry, GitError, Id, Mode, Store};
use crate::path::RepoPath;

/// The files that tell git about a waiting cherry-pick, and those that it leaves behind.
const PICK: [&str; 3] = ["CHERRY_PICK_HEAD", "MERGE_MSG", "AUTO_MERGE"];

/// An unmerged path in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmerged {
    /// The path.
    pub path: RepoPath,
    /// Stage 1, the base.
    pub base: Option<Entry>,
    /// Stage 2, "ours" in git's words.
    pub upstream: Option<Entry>,
    /// Stage 3, "theirs" in git's words.
    pub patch: Option<Entry>,
}

/// A conflict to put into a clean checkout. All objects that it names are in the store.
#[derive(Debug, Clone, Copy)]
pub struct HandOver<'a> {
    /// The commit of the checkout, on the stack's branch.
    pub old: Id,
    /// The new commit of HEAD.
    pub head: Id,
    /// The commit for `CHERRY_PICK_HEAD`; `None`: git is not told about a pick.
    pub picked: Option<Id>,
    /// The tree for the working tree.
    pub work: Id,
    /// The tree for stage 0 of the index; it has no paths of `unmerged`.
    pub index: Id,
    /// The unmerged paths.
    pub unmerged: &'a [Unmerged],
    /// Which paths the checkout holds.
    pub sparse: &'a SparseSet,
    /// The text for `MERGE_MSG`.
    pub message: &'a BStr,
    /// The text of `version.txt`.
    pub version: Option<&'a str>,
    /// One line for HEAD's reflog.
    pub reason: &'a str,
}

/// The content of the index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Indexed {
    /// The merged paths.
    pub files: BTreeMap<RepoPath, Entry>,
    /// The unmerged paths.
    pub unmerged: Vec<Unmerged>,
}

/// Puts a conflict into the checkout, or completes this after a kill. All obstacles are collected before anything
/// changes. If HEAD is not on the stack's branch, the files count as written: the caller has checked the checkout
/// before the first run, and holds the upstream's lock.
///
/// `observe` is called with each step before it is done, as in [`super::materialize`].
///
/// # Errors
/// [`CheckoutError`] when disk or store fail.
pub fn hand_over(
    store: &Store,
    checkout: &Path,
    plan: &HandOver<'_>,
    observe: &dyn Fn(&str),
) -> Result<Outcome, CheckoutError> {
    if let Some(reason) = refuse(&attachment(store, checkout)?, Differences::Refuse) {
        return Ok(Outcome::Refused(vec![Obstacle { path: ".".to_owned(), reason }]));
    }
    let mut done = Materialized { files: 0, written: 0, removed: 0, kept: Vec::new(), warnings: Vec::new() };
    let _lock = match head(store)? {
        HeadState::OnQueue(_) => {
            let sides = Sides::read(store, plan)?;
            let mut disk = DiskIndex::read(store.dir())?;
            let written = disk.as_ref().is_some_and(|disk| sides.are_in(disk, plan));
            let managed = Managed::load(store.dir())?;
            let found =
                if written { None } else { Some(sides.look(store, checkout, plan, &managed, disk.as_mut())?) };
            let lock = IndexLock::take(store.dir())?;
            match found {
                None => {}
                Some(Err(outcome)) => return Ok(outcome),
                Some(Ok(actions)) => {
                    let clean = sides.write(store, checkout, plan, (&actions, managed), &mut done, observe)?;
                    observe("index");
                    lock.write(store.repo(), &sides.index_entries(plan, &clean), None)?;
                }
            }
            observe("head");
            let repo = open_work(store, checkout)?;
            repo.reference("HEAD", plan.head.into(), true, plan.reason).map_err(GitError::lib("cannot move HEAD"))?;
            Some(lock)
        }
        // This only removes the lock of a killed run. Any other lock belongs to git, and nothing is written here.
        _ => match IndexLock::take(store.dir()) {
            Ok(lock) => Some(lock),
            Err(CheckoutError::Locked { .. }) => None,
            Err(error) => return Err(error),
        },
    };
    tell_git(store, plan, observe)?;
    Ok(Outcome::Done(done))
}

/// Returns why [`hand_over`] cannot be done now ([`Outcome::Refused`], [`Outcome::Need`]); nothing changes.
///
/// # Errors
/// [`CheckoutError`] when disk or store fail, or git holds the index.
pub fn hand_over_obstacles(
    store: &Store,
    checkout: &Path,
    plan: &HandOver<'_>,
) -> Result<Option<Outcome>, CheckoutError> {
    if let Some(reason) = refuse(&attachment(store, checkout)?, Differences::Refuse) {
        return Ok(Some(Outcome::Refused(vec![Obstacle { path: ".".to_owned(), reason }])));
    }
    drop(IndexLock::take(store.dir())?);
    let sides = Sides::read(store, plan)?;
    let mut disk = DiskIndex::read(store.dir())?;
    let managed = Managed::load(store.dir())?;
    Ok(sides.look(store, checkout, plan, &managed, disk.as_mut())?.err())
}

/// Reads the index.
///
/// # Errors
/// [`CheckoutError::IndexForm`] when plain git made it split or sparse; [`GitError`] when it holds a path that no
/// checkout may hold.
pub fn indexed(store: &Store) -> Result<Indexed, CheckoutError> {
    let Some(disk) = DiskIndex::read(store.dir())? else { return Ok(Indexed::default()) };
    let safe = |path: &[u8]| RepoPath::new(path).map_err(GitError::EvilPath);
    let files = disk.files.iter().map(|(path, tracked)| Ok((safe(path)?, tracked.entry)));
    let files = files.collect::<Result<_, GitError>>()?;
    Ok(Indexed { files, unmerged: unmerged_of(&disk)? })
}

/// Returns the commit of git's waiting cherry-pick; `None` when there is none.
///
/// # Errors
/// [`GitError`] when it cannot be read.
pub fn picked(store: &Store) -> Result<Option<Id>, GitError> {
    Ok(std::str::from_utf8(&super::version::read(&store.dir().join(PICK[0]))?)
        .ok()
        .and_then(|id| id.trim().parse().ok()))
}

/// Removes the state of a waiting cherry-pick; files and index do not change.
///
/// # Errors
/// [`GitError::Io`] when a file cannot be removed.
pub fn forget_pick(store: &Store) -> Result<(), GitError> {
    for name in PICK {
        let path = store.dir().join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(GitError::io("cannot remove", path)(error));
            }
            _ => {}
        }
    }
    let path = store.dir().join("sequencer");
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io("cannot remove", path)(error)),
        _ => Ok(()),
    }
}

/// The listings of a hand-over.
struct Sides {
    old: Listing,
    work: Listing,
    index: Listing,
}

impl Sides {
    fn read(store: &Store, plan: &HandOver<'_>) -> Result<Sides, GitError> {
        let repo = store.repo();
        Ok(Sides {
            old: list_commit(repo, plan.old)?,
            work: list_tree(repo, plan.work)?,
            index: list_tree(repo, plan.index)?,
        })
    }

    /// Checks whether the index is written already, and so are the files, which come before it.
    fn are_in(&self, disk: &DiskIndex, plan: &HandOver<'_>) -> bool {
        let decided = disk.files.len() == self.index.len()
            && self.index.iter().all(|(path, entry)| disk.files.get(path).is_some_and(|held| held.entry == *entry));
        let told = !plan.unmerged.is_empty() || self.index != self.old;
        decided && told && unmerged_of(disk).is_ok_and(|found| same_paths(&found, plan.unmerged))
    }

    /// Runs the first pass.
    fn look(
        &self,
        store: &Store,
        checkout: &Path,
        plan: &HandOver<'_>,
        managed: &Managed,
        disk: Option<&mut DiskIndex>,
    ) -> Result<Result<Actions, Outcome>, CheckoutError> {
        let changed = BTreeSet::new();
        let plan = Plan {
            old: Some(plan.old),
            commit: plan.head,
            sparse: plan.sparse,
            differences: Differences::Refuse,
            changed: &changed,
            version: plan.version,
            reason: plan.reason,
        };
        let trees = Trees { old: Some(&self.old), new: &self.work, index_of: None };
        Checked { store, checkout, at: checkout, plan: &plan, trees, managed }.run(disk)
    }

    /// Writes the files; returns the stat data of those that are right.
    fn write(
        &self,
        store: &Store,
        checkout: &Path,
        plan: &HandOver<'_>,
        (actions, mut managed): (&Actions, Managed),
        done: &mut Materialized,
        observe: &dyn Fn(&str),
    ) -> Result<BTreeMap<RepoPath, Meta>, CheckoutError> {
        let stage = Stage::new(store)?;
        let mut root = Root::open(checkout)?;
        root.clear_draft()?;
        let wanted = actions.write.iter().map(|(path, (entry, _))| (path.clone(), *entry)).collect();
        let mut warnings: Vec<Warning> =
            stage.fill(store, &wanted, &entries(&self.work, plan.sparse, &BTreeMap::new()))?;
        let clean = write_files(&mut root, actions, &stage, &mut warnings, observe)?;
        observe("version");
        warnings.extend(managed.settle(&mut root, &self.work, plan.sparse, plan.version)?);
        observe("config");
        configure(store, plan.sparse)?;
        *done = Materialized {
            files: clean.len(),
            written: actions.write.len(),
            removed: actions.remove.len(),
            kept: Vec::new(),
            warnings,
        };
        Ok(clean)
    }

    fn index_entries(&self, plan: &HandOver<'_>, clean: &BTreeMap<RepoPath, Meta>) -> Vec<git2::IndexEntry> {
        // git trusts stat data: it says that a file is the same as in the index.
        let mut same = clean.clone();
        same.retain(|path, _| self.index.get(path.as_bstr()) == self.work.get(path.as_bstr()));
        let mut all = entries(&self.index, plan.sparse, &same);
        for at in plan.unmerged {
            let stages = [(1, at.base), (2, at.upstream), (3, at.patch)];
            let held = stages.into_iter().filter_map(|(stage, entry)| Some((stage, entry?)));
            all.extend(held.map(|(stage, entry)| stage_entry(&at.path, entry, stage)));
        }
        all
    }
}

fn same_paths(one: &[Unmerged], other: &[Unmerged]) -> bool {
    one.len() == other.len() && one.iter().all(|path| other.contains(path))
}

fn unmerged_of(disk: &DiskIndex) -> Result<Vec<Unmerged>, GitError> {
    let mut found: BTreeMap<RepoPath, [Option<Entry>; 3]> = BTreeMap::new();
    for entry in disk.lib.iter() {
        let stage = usize::from((entry.flags >> 12) & 0b11);
        if let (1.., Some(mode)) = (stage, Mode::from_bits(entry.mode)) {
            let path = RepoPath::new(&entry.path).map_err(GitError::EvilPath)?;
            found.entry(path).or_default()[stage - 1] = Some(Entry { mode, id: entry.id.into() });
        }
    }
    let all = found.into_iter().map(|(path, [base, upstream, patch])| Unmerged { path, base, upstream, patch });
    Ok(all.collect())
}

/// Writes the cherry-pick state for git, if the checkout is still as it was handed over.
fn tell_git(store: &Store, plan: &HandOver<'_>, observe: &dyn Fn(&str)) -> Result<(), CheckoutError> {
    let Some(id) = plan.picked else { return Ok(()) };
    let untouched = head(store)? == HeadState::Detached(plan.head)
        && DiskIndex::read(store.dir())?
            .is_some_and(|disk| unmerged_of(&disk).is_ok_and(|found| same_paths(&found, plan.unmerged)));
    if untouched && picked(store)?.is_none() {
        observe("message");
        replace(&store.dir().join(PICK[1]), plan.message)?;
        observe("pick");
        replace(&store.dir().join(PICK[0]), format!("{id}\n").as_bytes())?;
    }
    Ok(())
}
