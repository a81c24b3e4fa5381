//! Runs a step of one upstream: its files under the journal, then store and checkout. A step that a killed command left
//! is finished, or reverted if that is impossible.

use tracing::{info, info_span};

use super::context::StepContext;
use super::effects::{EffectError, GitEffects, Left, check, check_refs, run_effects, take_back};
use super::error::StepError;
use super::journal::{Journal, KillPoint};
use super::publish::{self, FileChange, PublishError, Step};
use crate::git::checkout::{CheckoutError, Materialized};
use crate::git::{GitError, Objects};
use crate::workspace::files::disk::shown;
use crate::workspace::files::layout::{Layout, Scope};
use crate::workspace::files::lock::Lock;
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_upstream};

/// A reverted step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Its owner: an upstream's name, or [`Scope::key`] of the workspace.
    pub key: String,
    /// Its command; `None`: its record could not be read.
    pub command: Option<String>,
    /// It was neither finished nor reverted: everything is unchanged.
    pub set_aside: bool,
    /// Files of the workspace, printable, with neither their old nor their new content.
    pub files: Vec<String>,
    /// The parts of checkout and refs that were not reverted.
    pub left: Left,
    /// The folder (for messages) that keeps the journal's content, if not all was reverted.
    pub kept_in: Option<String>,
}

/// Does a step with this git part under the journal; the caller holds the lock.
///
/// # Errors
/// [`StepError`]. If the checkout is in the way and no file was to change, nothing happened; [`PublishError::Follow`]
/// if the step is certain and its end failed.
pub(in crate::workspace) fn do_step(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    changes: Vec<FileChange>,
    side: &GitEffects,
    ctx: &StepContext<'_>,
) -> Result<Option<Materialized>, StepError> {
    let _step = info_span!("step", upstream = %upstream.name(), command = ctx.command).entered();
    objects.flush(&side.ids())?;
    check_refs(upstream, side)?;
    // Of several moves the first must not be done if the second cannot be done.
    if !changes.is_empty() || side.checkout.len() > 1 || side.hand.is_some() {
        check(upstream, side)?;
    }
    let layout = &upstream.workspace.layout;
    let step = Step { kind: ctx.command.to_owned(), changes, git: Some(side.clone()) };
    let only_git = step.changes.is_empty();
    let mut done = None;
    let reason = format!("patchq {}", ctx.command);
    let scope = Scope::Upstream(upstream.name());
    let watch = |point: KillPoint| ctx.passed(point);
    let mut after = || -> Result<(), EffectError> {
        done = run_effects(upstream, side, &reason, ctx.observe)?;
        Ok(())
    };
    match publish::publish(layout, scope, &step, &mut after, &watch) {
        Ok(()) => Ok(done),
        Err(PublishError::Follow { key, source }) => {
            // Refused before anything changed: there is nothing to finish.
            if only_git
                && is_before_all(&source)
                && let Some(journal) = Journal::pending(layout, scope)?
            {
                journal.withdraw(layout)?;
                return Err((*source).into());
            }
            Err(PublishError::Follow { key, source }.into())
        }
        Err(other) => Err(other.into()),
    }
}

/// Checks for errors with which the first move of a checkout fails only before it changes anything.
fn is_before_all(error: &EffectError) -> bool {
    match error {
        EffectError::Obstacles(_) | EffectError::Missing(_) => true,
        EffectError::Checkout(error) => {
            matches!(error, CheckoutError::Locked { .. } | CheckoutError::IndexForm { .. })
        }
        EffectError::Git(_) | EffectError::Record(_) => false,
    }
}

/// Locks the upstream for a change, and finishes the step that a killed command left.
///
/// # Errors
/// [`StepError`] when another patchq keeps the lock, or the step cannot be finished.
pub(in crate::workspace) fn begin(upstream: &UpstreamStore<'_>, ctx: &StepContext<'_>) -> Result<Lock, StepError> {
    let lock = lock_upstream(upstream.workspace, upstream.name(), ctx.command, PATIENCE, ctx.on_wait)?;
    finish_pending(upstream, ctx)?;
    Ok(lock)
}

/// Finishes the step that a killed command left, if there is one. The caller holds the lock.
///
/// # Errors
/// [`StepError`] when it cannot be finished.
pub fn finish_pending(upstream: &UpstreamStore<'_>, ctx: &StepContext<'_>) -> Result<bool, StepError> {
    let layout = &upstream.workspace.layout;
    let Some(journal) = Journal::pending(layout, Scope::Upstream(upstream.name()))? else { return Ok(false) };
    let _step = info_span!("step", upstream = %upstream.name(), command = journal.kind()).entered();
    info!("finishes what a killed command left");
    let side = side_of(upstream, &journal)?;
    let reason = format!("patchq {} (finished later)", journal.kind());
    let mut after = || run_effects(upstream, side, &reason, ctx.observe).map(drop);
    journal.roll_forward(layout, &mut after, &|point| ctx.passed(point))?;
    Ok(true)
}

/// Returns the git part in a journal, after checking that the step belongs to this upstream.
fn side_of<'j>(upstream: &UpstreamStore<'_>, journal: &'j Journal) -> Result<&'j GitEffects, PublishError> {
    let layout = &upstream.workspace.layout;
    for change in journal.changes()? {
        if !layout.is_changed_by(Scope::Upstream(upstream.name()), &change.path) {
            return Err(journal.damaged(&format!("no step of '{}' changes '{}'", upstream.name(), change.path)));
        }
    }
    let Some(side) = journal.git() else { return Err(journal.damaged("it does not say what becomes of the checkout")) };
    match side.refs.iter().find(|step| !is_own_ref(&step.name)) {
        Some(step) => Err(journal.damaged(&format!("no step moves the ref '{}'", step.name))),
        None => Ok(side),
    }
}

/// Checks whether `name` is a ref of patchq, or a tag.
pub(in crate::workspace) fn is_own_ref(name: &str) -> bool {
    use crate::git::{BRANCH, NOTES};
    name == BRANCH || name == NOTES || name.starts_with("refs/patchq/") || name.starts_with("refs/tags/")
}

/// Reverts the pending step of `upstream` that cannot be finished. If its record is damaged, or the store has lost its
/// objects, it is set aside and everything stays as it is. `None`: there is none. The caller holds the lock.
///
/// # Errors
/// [`StepError`] when it cannot be reverted either; it is still certain.
pub(in crate::workspace) fn take_step_back(upstream: &UpstreamStore<'_>) -> Result<Option<TakenBack>, StepError> {
    let (layout, scope) = (&upstream.workspace.layout, Scope::Upstream(upstream.name()));
    let key = upstream.name().to_string();
    let journal = match Journal::pending(layout, scope) {
        Ok(None) => return Ok(None),
        Ok(Some(journal)) => journal,
        Err(error) => return Ok(Some(aside(layout, scope, None, error)?)),
    };
    let command = Some(journal.kind().to_owned());
    let side = match side_of(upstream, &journal) {
        Ok(side) => side,
        Err(error) => return Ok(Some(aside(layout, scope, command, error)?)),
    };
    let _step = info_span!("step", upstream = %upstream.name(), command = journal.kind()).entered();
    info!("takes back what a killed command left");
    let reason = format!("patchq undo: {}", journal.kind());
    let mut left = Left::default();
    let mut back = || -> Result<(), EffectError> {
        left = take_back(upstream, side, &reason)?;
        Ok(())
    };
    match journal.roll_back(layout, scope, &mut back) {
        Ok(done) => {
            let kept_in = done.kept_in.as_deref().map(|folder| shown(layout.shown(folder)));
            Ok(Some(TakenBack { key, command, files: done.left, left, kept_in, ..TakenBack::default() }))
        }
        Err(error) => Ok(Some(aside(layout, scope, command, error)?)),
    }
}

/// Reverts the step of the workspace's own files, or sets it aside. The caller holds the workspace's lock.
///
/// # Errors
/// [`PublishError`] when it cannot be reverted either.
pub(in crate::workspace) fn take_workspace_step_back(layout: &Layout) -> Result<Option<TakenBack>, PublishError> {
    let scope = Scope::Workspace;
    let journal = match Journal::pending(layout, scope) {
        Ok(None) => return Ok(None),
        Ok(Some(journal)) => journal,
        Err(error) => return aside(layout, scope, None, error).map(Some),
    };
    let command = Some(journal.kind().to_owned());
    match journal.roll_back(layout, scope, &mut || Ok(())) {
        Ok(done) => {
            let kept_in = done.kept_in.as_deref().map(|folder| shown(layout.shown(folder)));
            let key = scope.key().to_owned();
            Ok(Some(TakenBack { key, command, files: done.left, kept_in, ..TakenBack::default() }))
        }
        Err(error) => aside(layout, scope, command, error).map(Some),
    }
}

/// Sets a step aside that cannot be used any more; an `error` that may be temporary is returned.
fn aside(
    layout: &Layout,
    scope: Scope<'_>,
    command: Option<String>,
    error: PublishError,
) -> Result<TakenBack, PublishError> {
    let lost = match &error {
        PublishError::Journal { .. } => true,
        PublishError::Back { source, .. } => matches!(
            **source,
            EffectError::Record(_) | EffectError::Git(GitError::Missing { .. } | GitError::Damaged { .. })
        ),
        _ => false,
    };
    if !lost {
        return Err(error);
    }
    set_aside(layout, scope, command)
}

/// Sets the step of `scope` aside and leaves everything as it is. The caller holds the lock.
///
/// # Errors
/// [`PublishError`] when it cannot be moved.
pub(in crate::workspace) fn set_aside(
    layout: &Layout,
    scope: Scope<'_>,
    command: Option<String>,
) -> Result<TakenBack, PublishError> {
    let folder = Journal::set_aside(layout, scope)?;
    let (key, kept_in) = (scope.key().to_owned(), Some(shown(layout.shown(&folder))));
    Ok(TakenBack { key, command, set_aside: true, kept_in, ..TakenBack::default() })
}
