//! Sets up the checkout from the files: applies the queue to its pin, and records the result in the store.

use super::apply::{refuse_last_copies, stack_of};
use super::error::QueueError;
use super::named_paths::{AbsentPath, absent_paths};
use crate::git::checkout::{self, Attachment, Materialized, WorkChange};
use crate::git::{BRANCH, Id, Objects};
use crate::path::RepoPath;
use crate::stack::{Applied, Stack};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::queue_files::Files;
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::{CheckoutMove, EffectError, GitEffects, RefMove, sparse_of};
use crate::workspace::step::equal_refs::{HowEqual, equal_refs};
use crate::workspace::step::kept;
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{Commits, SyncState, SyncStatus, Unreadable};
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::version::version_text;

/// The options of `setup` and `apply`.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetupOptions {
    /// Leave the queue out.
    pub pristine: bool,
    /// Discard commits and uncommitted changes (`undo` can restore them).
    pub discard: bool,
    /// Make the checkout if there is none.
    pub checkout: bool,
}

/// The result.
#[derive(Debug, Clone)]
pub struct SetupOutcome {
    /// The version that is kept with the pin.
    pub version: Option<String>,
    /// The queue on its pin.
    pub applied: Applied,
    /// Whether anything in store or checkout changed.
    pub changed: bool,
    /// The patches that disappeared from the files since they were last equal with the checkout, if the files were
    /// taken.
    pub taken: RemovedPatches,
    /// What happened to the checkout's files.
    pub checkout: Option<Materialized>,
    /// Uncommitted changes that stay.
    pub work: Vec<WorkChange>,
    /// Commits of the checkout that are in no patch file yet (in a restored checkout).
    pub unexported: Vec<Id>,
    /// The discarded commits and uncommitted changes.
    pub discarded: (Vec<Id>, Vec<WorkChange>),
    /// Whether `discard` had an effect: on what `discarded` lists, or on a series of commits without new ones.
    pub gave_up: bool,
    /// The store was lost and made again: commits that were in no patch file are gone.
    pub lost_store: bool,
    /// Paths of the manifest's entry that the queue's tree does not have.
    pub absent: Vec<AbsentPath>,
    /// Paths that are in the checkout in addition to the manifest's `sparse`, because the queue touches them.
    pub extra: Vec<RepoPath>,
}

/// Makes the checkout equal to the files, if no work of the user is in the way.
///
/// # Errors
/// [`QueueError`]; nothing has changed then, except if a step was certain and only its end failed, which the next
/// command completes.
pub fn setup(fetcher: &Fetcher<'_>, options: SetupOptions, ctx: &StepContext<'_>) -> Result<SetupOutcome, QueueError> {
    let upstream = fetcher.upstream;
    let mut objects = Objects::new(&upstream.store)?;
    // The network comes first, without a lock, so that a `status` of others need not wait for it.
    let files = Files::read(&upstream.workspace.layout, upstream.name())?;
    let there = checkout::attachment(&upstream.store, &upstream.checkout())?;
    let with_checkout = options.checkout || matches!(there, Attachment::Ours | Attachment::Moved);
    let first = stack_of(fetcher, &mut objects, &files, with_checkout)?;
    let _lock = begin(upstream, ctx)?;
    if !files.are_unchanged(&upstream.workspace.layout, upstream.name())? {
        return Err(SideError::ChangedMeanwhile.into());
    }
    let state = SyncState::read(upstream, &mut objects, &files)?;
    let applied = match (options.pristine, &first.failure) {
        (true, _) => Applied { stack: Stack { items: Vec::new(), ..first.stack }, moved: Vec::new(), failure: None },
        (false, Some((n, failure))) => {
            let patch = files.patches[*n].queued.name.clone();
            return Err(QueueError::Apply { patch, failure: Box::new(failure.clone()), applied: *n });
        }
        (false, None) => first,
    };
    let mut done = SetupOutcome {
        version: files.version.clone(),
        applied,
        changed: false,
        taken: RemovedPatches::default(),
        checkout: None,
        work: Vec::new(),
        unexported: Vec::new(),
        discarded: (Vec::new(), Vec::new()),
        gave_up: false,
        lost_store: state.lost_store(),
        absent: Vec::new(),
        extra: Vec::new(),
    };
    judge(&state, options, &mut done)?;
    if !options.discard && done.unexported.is_empty() {
        refuse_last_copies(fetcher, &objects, &state, &files)?;
    }
    if done.unexported.is_empty() {
        done.taken = RemovedPatches::of(&state, &files);
    }
    objects.flush(&[done.applied.stack.top()])?;
    move_there(upstream, &mut objects, &files, &state, options, ctx, &mut done)?;
    done.work = if state.has_checkout() || options.checkout {
        checkout::status(&upstream.store, &upstream.checkout())?
    } else {
        Vec::new()
    };
    if !options.pristine {
        done.absent = absent_paths(&mut objects, upstream.entry, &done.applied.stack)?;
    }
    let touched: Vec<RepoPath> = sparse_of(upstream, files.pin, done.applied.stack.top())?.extra().to_vec();
    done.extra = touched;
    Ok(done)
}

/// Applies the table of "who is right", for `setup` and `apply`.
fn judge(state: &SyncState, options: SetupOptions, done: &mut SetupOutcome) -> Result<(), QueueError> {
    if options.discard {
        // HEAD is not on the queue's branch, or a git operation is under way: it is unknown what would be discarded.
        if let Commits::Unreadable(why) = &state.commits
            && !matches!(why, Unreadable::Merge(_) | Unreadable::NotOnPin(_))
        {
            return Err(SideError::Unreadable(why.clone()).into());
        }
        done.gave_up = state.commits != Commits::Same || !state.work.is_empty();
        let made = state.line();
        let kept: Vec<Id> = state.record.iter().flat_map(|r| &r.stack).map(|(id, _)| *id).collect();
        done.discarded = (made.into_iter().filter(|id| !kept.contains(id)).collect(), state.work.clone());
        return Ok(());
    }
    let cell = state.cell();
    // If the checkout need not move, nothing in it can be in the way.
    let moves =
        !matches!(cell, Ok(SyncStatus::Equal)) || options.pristine != state.record.as_ref().is_some_and(|r| r.pristine);
    match cell? {
        SyncStatus::CommitsNewer if !state.has_checkout() && options.checkout && !options.pristine => {
            done.unexported = match state.made.as_slice() {
                [] => state.line(),
                made => made.iter().map(|commit| commit.id).collect(),
            };
            Ok(())
        }
        SyncStatus::CommitsNewer => Err(SideError::Commits(state.made.clone()).into()),
        SyncStatus::Diverged => {
            Err(SideError::Diverged { files: state.files.clone(), commits: state.made.clone() }.into())
        }
        SyncStatus::Equal | SyncStatus::FilesNewer if moves && !state.work.is_empty() => {
            Err(SideError::Dirty(state.work.clone()).into())
        }
        SyncStatus::Equal | SyncStatus::FilesNewer => Ok(()),
    }
}

fn move_there(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    state: &SyncState,
    options: SetupOptions,
    ctx: &StepContext<'_>,
    done: &mut SetupOutcome,
) -> Result<(), QueueError> {
    let stack = &done.applied.stack;
    let brings_back = !done.unexported.is_empty();
    let goal = if brings_back { state.tip.unwrap_or(stack.top()) } else { stack.top() };
    let mut side = GitEffects::default();
    let with_checkout = state.has_checkout() || options.checkout;
    if with_checkout {
        let step = CheckoutMove {
            old: state.tip,
            pin: files.pin,
            commit: goal,
            keep: state.lost_store(),
            touched: None,
            changed: if options.discard {
                Vec::new()
            } else {
                state.work.iter().map(|change| change.path.as_bytes().to_vec()).collect()
            },
            version: version_text(upstream, files),
            reason: format!("patchq {}", ctx.command),
        };
        let done = !options.discard && state.tip == Some(goal) && is_in_place(upstream, state, &step)?;
        if !done {
            if options.discard && !state.work.is_empty() {
                let work = kept::work_commit(upstream, objects, state)?;
                side.checkout.push(CheckoutMove { old: state.tip, commit: work, keep: true, ..step.clone() });
                side.checkout.push(CheckoutMove { old: Some(work), ..step });
            } else {
                side.checkout.push(step);
            }
        }
    } else {
        side.refs.extend(RefMove::to(upstream, BRANCH, Some(goal))?);
    }
    if !brings_back {
        let how = HowEqual { pristine: options.pristine, ..HowEqual::default() };
        side.refs.extend(equal_refs(upstream, objects, stack, files, how)?);
    }
    if done.gave_up || state.record.is_some() && state.files.iter().any(is_loss) {
        let notes = done.taken.notes();
        side.refs.extend(kept::keep(
            upstream,
            objects,
            state,
            kept::About { notes, ..kept::About::of(&[], &side) },
            ctx,
        )?);
    }
    done.changed = !side.checkout.is_empty() || !side.refs.is_empty();
    if done.changed {
        done.checkout = do_step(upstream, objects, Vec::new(), &side, ctx)?;
    }
    Ok(())
}

/// Checks whether a change of the files removes something that only the checkout's commits still have.
fn is_loss(change: &QueueChange) -> bool {
    matches!(change, QueueChange::Removed(_) | QueueChange::Changed(_))
}

/// Checks whether the checkout already has the result of a move: the right commit, paths and index.
fn is_in_place(upstream: &UpstreamStore<'_>, state: &SyncState, step: &CheckoutMove) -> Result<bool, QueueError> {
    if !state.has_checkout() {
        return Ok(false);
    }
    let sparse = sparse_of(upstream, step.pin, step.commit)?;
    Ok(checkout::is_in_place(&upstream.store, &upstream.checkout(), &sparse, step.version.as_deref())?)
}

/// Makes a plain, independent repository of the stack's top at `dest`, outside the workspace.
///
/// # Errors
/// [`QueueError`].
pub fn copy(fetcher: &Fetcher<'_>, dest: &std::path::Path) -> Result<Materialized, QueueError> {
    let upstream = fetcher.upstream;
    let files = Files::read(&upstream.workspace.layout, upstream.name())?;
    let mut objects = Objects::new(&upstream.store)?;
    let applied = stack_of(fetcher, &mut objects, &files, true)?;
    if let Some((n, failure)) = applied.failure {
        let patch = files.patches[n].queued.name.clone();
        return Err(QueueError::Apply { patch, failure: Box::new(failure), applied: n });
    }
    let top = applied.stack.top();
    objects.flush(&[top])?;
    let sparse = sparse_of(upstream, files.pin, top)?;
    match checkout::export_copy(&upstream.store, top, &sparse, dest, version_text(upstream, &files).as_deref())? {
        checkout::Outcome::Done(done) => Ok(done),
        checkout::Outcome::Refused(obstacles) => Err(EffectError::Obstacles(obstacles).into()),
        checkout::Outcome::Need(ids) => Err(EffectError::Missing(ids.len()).into()),
    }
}
