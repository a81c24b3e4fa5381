//! A step of one upstream: its files under the journal, then what follows in store and checkout; finished when a killed
//! command left it, and taken back when it cannot be finished.

use tracing::{info, info_span};

use super::context::Around;
use super::effects::{FollowError, GitSide, Left, check, check_refs, follow, take_back};
use super::error::StepError;
use super::journal::{Journal, KillPoint};
use super::publish::{self, FileChange, PublishError, Step};
use crate::git::checkout::{CheckoutError, Materialized};
use crate::git::{GitError, Objects};
use crate::workspace::files::disk::shown;
use crate::workspace::files::layout::{Layout, Scope};
use crate::workspace::files::lock::Lock;
use crate::workspace::upstream::store::{PATIENCE, Site, lock_upstream};

/// What was taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Whose step it was: an upstream's name, or what [`Scope::key`] has for the workspace.
    pub key: String,
    /// The command that it was; `None`: its record could not be read.
    pub command: Option<String>,
    /// It was neither done nor taken back: everything is as it was found.
    pub set_aside: bool,
    /// Files of the workspace, printable, that are neither what they were before the step nor what it makes them.
    pub files: Vec<String>,
    /// What of the checkout and the refs was left.
    pub left: Left,
    /// The folder, as it is shown, that keeps what the journal held, where not all was taken back.
    pub kept_in: Option<String>,
}

/// Does a step with this git side under the journal; the caller holds the lock.
///
/// # Errors
/// [`StepError`]. When the checkout is in the way and no file was to change, nothing happened;
/// [`PublishError::Follow`] where the step is certain and its end failed.
pub(in crate::workspace) fn do_step(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    changes: Vec<FileChange>,
    side: &GitSide,
    around: &Around<'_>,
) -> Result<Option<Materialized>, StepError> {
    let _step = info_span!("step", upstream = %site.name(), command = around.command).entered();
    objects.flush(&side.ids())?;
    check_refs(site, side)?;
    // Of several moves the first must not be done where the second cannot.
    if !changes.is_empty() || side.checkout.len() > 1 || side.hand.is_some() {
        check(site, side)?;
    }
    let layout = &site.workspace.layout;
    let step = Step { kind: around.command.to_owned(), changes, git: Some(side.clone()) };
    let only_git = step.changes.is_empty();
    let mut done = None;
    let reason = format!("patchq {}", around.command);
    let scope = Scope::Upstream(site.name());
    let watch = |point: KillPoint| around.passed(point);
    let mut after = || -> Result<(), FollowError> {
        done = follow(site, side, &reason, around.observe)?;
        Ok(())
    };
    match publish::publish(layout, scope, &step, &mut after, &watch) {
        Ok(()) => Ok(done),
        Err(PublishError::Follow { key, source }) => {
            // Refused before anything was touched: there is nothing to finish.
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

/// Whether the first move of a checkout fails so only before it touches anything.
fn is_before_all(error: &FollowError) -> bool {
    match error {
        FollowError::Obstacles(_) | FollowError::Missing(_) => true,
        FollowError::Checkout(error) => {
            matches!(error, CheckoutError::Locked { .. } | CheckoutError::IndexForm { .. })
        }
        FollowError::Git(_) | FollowError::Record(_) => false,
    }
}

/// Locks the upstream of `site` for a change, and finishes what a killed command left behind.
///
/// # Errors
/// [`StepError`] when another patchq does not let go, or the step cannot be finished.
pub(in crate::workspace) fn begin(site: &Site<'_>, around: &Around<'_>) -> Result<Lock, StepError> {
    let lock = lock_upstream(site.workspace, site.name(), around.command, PATIENCE, around.on_wait)?;
    finish_pending(site, around)?;
    Ok(lock)
}

/// Finishes the step that a killed command left behind, if there is one. The caller holds the lock.
///
/// # Errors
/// [`StepError`] when it cannot be finished.
pub fn finish_pending(site: &Site<'_>, around: &Around<'_>) -> Result<bool, StepError> {
    let layout = &site.workspace.layout;
    let Some(journal) = Journal::pending(layout, Scope::Upstream(site.name()))? else { return Ok(false) };
    let _step = info_span!("step", upstream = %site.name(), command = journal.kind()).entered();
    info!("finishes what a killed command left");
    let side = side_of(site, &journal)?;
    let reason = format!("patchq {} (finished later)", journal.kind());
    let mut after = || follow(site, side, &reason, around.observe).map(drop);
    journal.roll_forward(layout, &mut after, &|point| around.passed(point))?;
    Ok(true)
}

/// The git side that a journal records, once it is sure that the step is one of this upstream's.
fn side_of<'j>(site: &Site<'_>, journal: &'j Journal) -> Result<&'j GitSide, PublishError> {
    let layout = &site.workspace.layout;
    for change in journal.changes()? {
        if !layout.is_changed_by(Scope::Upstream(site.name()), &change.path) {
            return Err(journal.damaged(&format!("no step of '{}' changes '{}'", site.name(), change.path)));
        }
    }
    let Some(side) = journal.git() else { return Err(journal.damaged("it does not say what becomes of the checkout")) };
    match side.refs.iter().find(|step| !is_own_ref(&step.name)) {
        Some(step) => Err(journal.damaged(&format!("no step moves the ref '{}'", step.name))),
        None => Ok(side),
    }
}

/// Whether `name` is a ref that patchq keeps, or a tag.
pub(in crate::workspace) fn is_own_ref(name: &str) -> bool {
    use crate::git::{BRANCH, NOTES};
    name == BRANCH || name == NOTES || name.starts_with("refs/patchq/") || name.starts_with("refs/tags/")
}

/// Takes the step back that stands at `site` and cannot be finished; where its record is damaged, or the store has lost
/// what it speaks of, it is set aside and everything stays as it is. `None`: there is none. The caller holds the lock.
///
/// # Errors
/// [`StepError`] when it can neither be taken back; it is certain still.
pub(in crate::workspace) fn take_step_back(site: &Site<'_>) -> Result<Option<TakenBack>, StepError> {
    let (layout, scope) = (&site.workspace.layout, Scope::Upstream(site.name()));
    let key = site.name().to_string();
    let journal = match Journal::pending(layout, scope) {
        Ok(None) => return Ok(None),
        Ok(Some(journal)) => journal,
        Err(error) => return Ok(Some(aside(layout, scope, None, error)?)),
    };
    let command = Some(journal.kind().to_owned());
    let side = match side_of(site, &journal) {
        Ok(side) => side,
        Err(error) => return Ok(Some(aside(layout, scope, command, error)?)),
    };
    let _step = info_span!("step", upstream = %site.name(), command = journal.kind()).entered();
    info!("takes back what a killed command left");
    let reason = format!("patchq undo: {}", journal.kind());
    let mut left = Left::default();
    let mut back = || -> Result<(), FollowError> {
        left = take_back(site, side, &reason)?;
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

/// Takes the step of the workspace's own files back, or sets it aside. The caller holds the workspace's lock.
///
/// # Errors
/// [`PublishError`] when it can neither be taken back.
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

/// Sets a step aside of which nothing can be made any more; an `error` that may pass is given back.
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
            FollowError::Record(_) | FollowError::Git(GitError::Missing { .. } | GitError::Damaged { .. })
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
