//! From the files to the checkout: the queue applied on its pin, and everything in the store made to say so.

use super::digest::QueueChange;
use super::files_side::{Files, FilesError};
use super::follow::{FollowError, GitSide, Move, RefMove, sparse_of};
use super::last_copy::{LastCopy, last_copies};
use super::left::Taken;
use super::lock::{Holder, LockError};
use super::manifest::Track;
use super::named_paths::{AbsentPath, absent_paths};
use super::publish::PublishError;
use super::record::Record;
use super::site::Site;
use super::state::{Cell, Commits, NewCommit, State, Unreadable};
pub(super) use super::step::{begin, do_step};
use super::supply::{Supply, SupplyError};
use super::undo;
use super::version::taken_for;
use crate::git::checkout::{self, Attachment, CheckoutError, Materialized, WorkChange};
use crate::git::{BASE, BRANCH, GitError, Id, NOTES, Objects, SYNCED, make_notes};
use crate::path::RepoPath;
use crate::stack::{self, Applied, Base, Failure, Lazy, Stack};

/// What surrounds a change: who makes it, when, and who watches.
pub struct Around<'a> {
    /// The command, for locks, logs and `undo`.
    pub command: &'a str,
    /// Seconds since 1970.
    pub now: i64,
    /// Called once when another patchq must be waited for.
    pub on_wait: &'a dyn Fn(&Holder),
    /// Told each step, so that a test can stop there.
    pub observe: &'a dyn Fn(&str),
}

/// Why files and checkout could not be made equal.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The files' side cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Objects are missing and did not come.
    #[error(transparent)]
    Supply(#[from] SupplyError),
    /// The store.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The checkout.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// The checkout or the refs could not follow.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Another patchq works on the upstream.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journalled step.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A patch does not apply.
    #[error("{patch}: {}: {}", .failure.path, .failure.reason)]
    Apply {
        /// The patch file's name.
        patch: String,
        /// Where and why.
        failure: Box<Failure>,
        /// How many patches before it applied.
        applied: usize,
    },
    /// The checkout's uncommitted changes would be in the way.
    #[error("the checkout has uncommitted changes, and the patch files are newer")]
    Dirty(Vec<WorkChange>),
    /// The checkout's commits differ from the patch files: those that are in none, or (empty) some were dropped.
    #[error("the checkout has commits that are in no patch file")]
    Commits(Vec<NewCommit>),
    /// Both sides changed.
    #[error("patch files and checkout have diverged")]
    Diverged {
        /// How the files changed.
        files: Vec<QueueChange>,
        /// The checkout's commits that are in no patch file, oldest first; empty where some were only dropped.
        commits: Vec<NewCommit>,
    },
    /// Patch files that patchq wrote are gone, and the checkout's commits are all that is left of them.
    #[error("the checkout has the last copy of patches whose files are gone")]
    LastCopy(Vec<LastCopy>),
    /// The checkout's commits are no queue.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The files changed while this command ran.
    #[error("the patch files changed while this command ran; run it again")]
    ChangedMeanwhile,
}

/// How `setup` and `apply` go about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Leave the queue out.
    pub pristine: bool,
    /// Give up commits and uncommitted changes (they are kept for `undo`).
    pub discard: bool,
    /// Make the checkout where there is none.
    pub checkout: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The version that is kept with the pin.
    pub version: Option<String>,
    /// The queue on its pin.
    pub applied: Applied,
    /// Whether anything in store or checkout changed.
    pub changed: bool,
    /// What the files had lost since they were last equal with the checkout, if they were taken.
    pub taken: Taken,
    /// What happened to the checkout's files.
    pub checkout: Option<Materialized>,
    /// Uncommitted changes that are still there.
    pub work: Vec<WorkChange>,
    /// Commits of the checkout that are in no patch file yet (a checkout that was brought back).
    pub unexported: Vec<Id>,
    /// What was given up: commits and uncommitted changes.
    pub discarded: (Vec<Id>, Vec<WorkChange>),
    /// Whether `discard` gave up anything: what `discarded` lists, or a line of commits with nothing new in it.
    pub gave_up: bool,
    /// The store was lost and made anew: commits that were in no patch file are gone.
    pub lost_store: bool,
    /// Paths of the manifest's entry that the queue's tree does not have.
    pub absent: Vec<AbsentPath>,
    /// Paths that came beyond the manifest's `sparse` because the queue touches them.
    pub extra: Vec<RepoPath>,
}

/// Applies the queue of `files` in memory, with everything fetched that this and the checkout need, in one request.
///
/// # Errors
/// [`SettleError::Supply`], [`SettleError::Git`]; a patch that does not apply is a value of the result.
pub fn stack_of(
    site: &Site<'_>,
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    with_checkout: bool,
) -> Result<Applied, SettleError> {
    supply.commits(&site.store, &[files.pin], &track_refs(site))?;
    let base = Base::read(objects, files.pin)?;
    let queue = files.queued();
    let touched: Vec<RepoPath> = queue
        .iter()
        .flat_map(|queued| &queued.patch.files)
        .flat_map(|f| [f.old_path.clone(), f.new_path.clone()])
        .collect();
    let sparse = site.sparse(base.tree, &touched)?;
    Ok(supply.run(objects, |objects| {
        let applied = stack::apply(objects, base, &queue)?;
        let wanted = if with_checkout {
            checkout::wanted_blobs(objects.store(), base.tree, &sparse)?
        } else {
            Default::default()
        };
        Ok(match applied {
            Lazy::Done(applied) if wanted.is_empty() => Lazy::Done(applied),
            Lazy::Done(_) => Lazy::Need(wanted),
            Lazy::Need(ids) => Lazy::Need(ids.union(&wanted).copied().collect()),
        })
    })?)
}

/// The refs in which a server that gives only what refs point at may have the pin.
fn track_refs(site: &Site<'_>) -> Vec<String> {
    let Some(Track::Ref(name)) = &site.upstream.track else { return Vec::new() };
    vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
}

/// Makes the checkout what the files say, if nothing of the user's is in the way.
///
/// # Errors
/// [`SettleError`]; nothing has changed then, except where a step was certain and only its end failed, which the next
/// command makes good.
pub fn settle(site: &Site<'_>, supply: &Supply<'_>, wish: Wish, around: &Around<'_>) -> Result<Settled, SettleError> {
    let mut objects = Objects::new(&site.store)?;
    // The network first, without a lock: somebody else's `status` need not wait for it.
    let files = Files::read(&site.workspace.layout, site.name())?;
    let there = checkout::attachment(&site.store, &site.checkout())?;
    let with_checkout = wish.checkout || matches!(there, Attachment::Ours | Attachment::Moved);
    let first = stack_of(site, supply, &mut objects, &files, with_checkout)?;
    let _lock = begin(site, around)?;
    if !files.are_unchanged(&site.workspace.layout, site.name())? {
        return Err(SettleError::ChangedMeanwhile);
    }
    let state = State::read(site, &mut objects, &files)?;
    let applied = match (wish.pristine, &first.failure) {
        (true, _) => Applied { stack: Stack { items: Vec::new(), ..first.stack }, moved: Vec::new(), failure: None },
        (false, Some((n, failure))) => {
            let patch = files.patches[*n].queued.name.clone();
            return Err(SettleError::Apply { patch, failure: Box::new(failure.clone()), applied: *n });
        }
        (false, None) => first,
    };
    let mut settled = Settled {
        version: files.version.clone(),
        applied,
        changed: false,
        taken: Taken::default(),
        checkout: None,
        work: Vec::new(),
        unexported: Vec::new(),
        discarded: (Vec::new(), Vec::new()),
        gave_up: false,
        lost_store: state.lost_store(),
        absent: Vec::new(),
        extra: Vec::new(),
    };
    judge(&state, wish, &mut settled)?;
    if !wish.discard && settled.unexported.is_empty() {
        refuse_last_copies(site, supply, &objects, &state, &files)?;
    }
    if settled.unexported.is_empty() {
        settled.taken = Taken::of(&state, &files);
    }
    objects.flush(&[settled.applied.stack.top()])?;
    move_there(site, &mut objects, &files, &state, wish, around, &mut settled)?;
    settled.work = if state.has_checkout() || wish.checkout {
        checkout::status(&site.store, &site.checkout())?
    } else {
        Vec::new()
    };
    if !wish.pristine {
        settled.absent = absent_paths(&mut objects, site.upstream, &settled.applied.stack)?;
    }
    let touched: Vec<RepoPath> = sparse_of(site, files.pin, settled.applied.stack.top())?.extra().to_vec();
    settled.extra = touched;
    Ok(settled)
}

/// Refuses to take files where that would take the last copy of a patch along.
///
/// # Errors
/// [`SettleError::LastCopy`].
pub(super) fn refuse_last_copies(
    site: &Site<'_>,
    supply: &Supply<'_>,
    objects: &Objects<'_>,
    state: &State,
    files: &Files,
) -> Result<(), SettleError> {
    match last_copies(site, supply, objects, state, files)? {
        lost if lost.is_empty() => Ok(()),
        lost => Err(SettleError::LastCopy(lost)),
    }
}

/// The table of `who is right`, for `setup` and `apply`.
fn judge(state: &State, wish: Wish, settled: &mut Settled) -> Result<(), SettleError> {
    if wish.discard {
        // HEAD is not the queue's, or git has the word: what to discard cannot be told.
        if let Commits::Unreadable(why) = &state.commits
            && !matches!(why, Unreadable::Merge(_) | Unreadable::NotOnPin(_))
        {
            return Err(SettleError::Unreadable(why.clone()));
        }
        settled.gave_up = state.commits != Commits::Same || !state.work.is_empty();
        let made = state.line();
        let kept: Vec<Id> = state.record.iter().flat_map(|r| &r.stack).map(|(id, _)| *id).collect();
        settled.discarded = (made.into_iter().filter(|id| !kept.contains(id)).collect(), state.work.clone());
        return Ok(());
    }
    let cell = state.cell();
    // Nothing is to be done for the checkout's sake, so nothing of it can be in the way.
    let moves = !matches!(cell, Ok(Cell::Equal)) || wish.pristine != state.record.as_ref().is_some_and(|r| r.pristine);
    match cell? {
        Cell::CommitsNewer if !state.has_checkout() && wish.checkout && !wish.pristine => {
            settled.unexported = match state.made.as_slice() {
                [] => state.line(),
                made => made.iter().map(|commit| commit.id).collect(),
            };
            Ok(())
        }
        Cell::CommitsNewer => Err(SettleError::Commits(state.made.clone())),
        Cell::Diverged => Err(SettleError::Diverged { files: state.files.clone(), commits: state.made.clone() }),
        Cell::Equal | Cell::FilesNewer if moves && !state.work.is_empty() => {
            Err(SettleError::Dirty(state.work.clone()))
        }
        Cell::Equal | Cell::FilesNewer => Ok(()),
    }
}

fn move_there(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    state: &State,
    wish: Wish,
    around: &Around<'_>,
    settled: &mut Settled,
) -> Result<(), SettleError> {
    let stack = &settled.applied.stack;
    let brings_back = !settled.unexported.is_empty();
    let goal = if brings_back { state.tip.unwrap_or(stack.top()) } else { stack.top() };
    let mut side = GitSide::default();
    let with_checkout = state.has_checkout() || wish.checkout;
    if with_checkout {
        let step = Move {
            old: state.tip,
            pin: files.pin,
            commit: goal,
            keep: state.lost_store(),
            touched: None,
            changed: if wish.discard {
                Vec::new()
            } else {
                state.work.iter().map(|change| change.path.as_bytes().to_vec()).collect()
            },
            version: version_text(site, files),
            reason: format!("patchq {}", around.command),
        };
        let done = !wish.discard && state.tip == Some(goal) && is_in_place(site, state, &step)?;
        if !done {
            if wish.discard && !state.work.is_empty() {
                let work = undo::work_commit(site, objects, state)?;
                side.checkout.push(Move { old: state.tip, commit: work, keep: true, ..step.clone() });
                side.checkout.push(Move { old: Some(work), ..step });
            } else {
                side.checkout.push(step);
            }
        }
    } else {
        side.refs.extend(RefMove::to(site, BRANCH, Some(goal))?);
    }
    if !brings_back {
        side.refs.extend(equal_refs(site, objects, stack, files, (wish.pristine, false), &[])?);
    }
    if settled.gave_up || state.record.is_some() && state.files.iter().any(is_loss) {
        let notes = settled.taken.notes();
        side.refs.extend(undo::keep(site, objects, state, &[], &side, (around, notes))?);
    }
    settled.changed = !side.checkout.is_empty() || !side.refs.is_empty();
    if settled.changed {
        settled.checkout = do_step(site, objects, Vec::new(), &side, around)?;
    }
    Ok(())
}

/// Whether a change of the files takes something away that only the checkout's commits still say.
fn is_loss(change: &QueueChange) -> bool {
    matches!(change, QueueChange::Removed(_) | QueueChange::Changed(_))
}

/// Whether the checkout already is what a move would make of it: right commit, right paths, right index.
fn is_in_place(site: &Site<'_>, state: &State, step: &Move) -> Result<bool, SettleError> {
    if !state.has_checkout() {
        return Ok(false);
    }
    let sparse = sparse_of(site, step.pin, step.commit)?;
    Ok(checkout::is_in_place(&site.store, &site.checkout(), &sparse, step.version.as_deref())?)
}

/// What `version.txt` in the checkout says.
pub(super) fn version_text(site: &Site<'_>, files: &Files) -> Option<String> {
    site.upstream.version.clone().or_else(|| files.version.clone())
}

/// The moves of the refs that say "files and commits are equal, and this is what they are". `version_taken`: the
/// version of `files` was taken just now, whatever was known of it before. `written`: the patch files that this step writes.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub(super) fn equal_refs(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    stack: &Stack,
    files: &Files,
    (pristine, version_taken): (bool, bool),
    written: &[String],
) -> Result<Vec<RefMove>, GitError> {
    let names: Vec<(Id, String)> = stack.items.iter().map(|item| (item.commit, item.name.clone())).collect();
    let notes = make_notes(objects, &names)?;
    let before = Record::read(objects)?;
    let version_of = taken_for(before.as_ref().filter(|_| !version_taken), files);
    let record = Record { pristine, ..Record::new(stack, files.digest(), version_of) };
    let record = record.with_written(objects, before.as_ref(), &files.queue, written).make(objects)?;
    let mut moves = Vec::new();
    for (name, new) in [(BASE, stack.base.commit), (NOTES, notes), (SYNCED, record)] {
        moves.extend(RefMove::to(site, name, Some(new))?);
    }
    moves.extend(version_tag(site, before.as_ref(), files)?);
    Ok(moves)
}

/// A stored version that is a tag of the pin becomes one in the store, so that `git describe` in the checkout says it;
/// the one of the pin before goes. Tags of the user's own stay.
fn version_tag(site: &Site<'_>, before: Option<&Record>, files: &Files) -> Result<Vec<RefMove>, GitError> {
    let tag = |version: &str| format!("refs/tags/{version}");
    let mut moves = Vec::new();
    let wanted = files.version.as_deref().filter(|version| is_exact(version, files.pin));
    if let Some((record, version)) = before.and_then(|record| Some((record, record.files.version.as_deref()?)))
        && wanted != Some(version)
        && site.store.read_ref(&tag(version))? == Some(record.pin)
    {
        moves.push(RefMove { name: tag(version), old: Some(record.pin), new: None });
    }
    if let Some(version) = wanted {
        moves.extend(RefMove::to(site, &tag(version), Some(files.pin))?);
    }
    Ok(moves)
}

/// Whether a version is a tag's name: neither an id nor a tag with commits on top (`v1.6.1-4-g0123abcd`).
#[must_use]
pub fn is_exact(version: &str, pin: Id) -> bool {
    let described = version.rsplit_once("-g").is_some_and(|(front, digits)| {
        let count = front.rsplit_once('-').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        count && digits.len() >= 4 && pin.to_string().starts_with(digits)
    });
    let id = version.len() >= 4 && pin.to_string().starts_with(version);
    !described && !id
}

/// Makes a plain, independent repository of the stack's top at `dest`, outside of the workspace.
///
/// # Errors
/// [`SettleError`].
pub fn copy(site: &Site<'_>, supply: &Supply<'_>, dest: &std::path::Path) -> Result<Materialized, SettleError> {
    let files = Files::read(&site.workspace.layout, site.name())?;
    let mut objects = Objects::new(&site.store)?;
    let applied = stack_of(site, supply, &mut objects, &files, true)?;
    if let Some((n, failure)) = applied.failure {
        let patch = files.patches[n].queued.name.clone();
        return Err(SettleError::Apply { patch, failure: Box::new(failure), applied: n });
    }
    let top = applied.stack.top();
    objects.flush(&[top])?;
    let sparse = sparse_of(site, files.pin, top)?;
    match checkout::export_copy(&site.store, top, &sparse, dest, version_text(site, &files).as_deref())? {
        checkout::Outcome::Done(done) => Ok(done),
        checkout::Outcome::Refused(obstacles) => Err(FollowError::Obstacles(obstacles).into()),
        checkout::Outcome::Need(ids) => Err(FollowError::Missing(ids.len()).into()),
    }
}
