//! Finishes steps that killed commands left, before anything of the workspace is read.
//!
//! A step that changes the manifest may have left an entry half written or half removed, so that no command on that
//! upstream could finish it.

use std::path::Path;
use std::time::Duration;

use super::context::StepContext;
use super::error::StepError;
use super::journal::Journal;
use super::publish::PublishError;
use super::run::{TakenBack, finish_pending, take_step_back, take_workspace_step_back};
use crate::workspace::files::disk;
use crate::workspace::files::layout::{MANIFEST, Scope};
use crate::workspace::files::lock::{Lock, LockError};
use crate::workspace::files::open::Workspace;
use crate::workspace::manifest::{Manifest, Name};
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_upstream, lock_workspace};

/// The result of finishing the pending steps.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The finished steps: owner and command.
    pub finished: Vec<(String, String)>,
    /// The steps that cannot be finished.
    pub stuck: Vec<Stuck>,
}

/// A step that is certain and cannot be finished.
#[derive(Debug)]
pub struct Stuck {
    /// Its owner: an upstream's name, or [`Scope::key`] of the workspace.
    pub key: String,
    /// Whether the manifest may be in a mixed state, which concerns every command.
    pub holds_all_up: bool,
    /// The error.
    pub error: StepError,
}

/// Finishes the steps that killed commands left. Steps of running commands are left alone.
///
/// # Errors
/// [`StepError`] when the journals cannot be listed.
pub fn recover(workspace: &Workspace, ctx: &StepContext<'_>) -> Result<Recovered, StepError> {
    let mut all = Recovered::default();
    for (key, journal) in Journal::all_pending(&workspace.layout)? {
        let done = match &journal {
            Ok(journal) => finish(workspace, journal, ctx),
            Err(_) => Ok(false),
        };
        match (journal, done) {
            (Ok(journal), Ok(true)) => all.finished.push((key, journal.kind().to_owned())),
            (Ok(_), Ok(false)) => {}
            (Ok(journal), Err(error)) => {
                all.stuck.push(Stuck { key, holds_all_up: changes_manifest(&journal)?, error });
            }
            // Its content is unknown; the commands of its upstream stop at it.
            (Err(error), _) => all.stuck.push(Stuck { key, holds_all_up: false, error: error.into() }),
        }
    }
    Ok(all)
}

/// Reverts the step of `key`, which [`recover`] could not finish; `None`: it is gone.
///
/// # Errors
/// [`StepError`] when it can be neither finished nor reverted, or a running command holds it.
pub fn take_stuck_back(
    workspace: &Workspace,
    key: &str,
    ctx: &StepContext<'_>,
) -> Result<Option<TakenBack>, StepError> {
    let Ok(name) = Name::parse(key) else {
        let _lock = lock_workspace(workspace, ctx.command, PATIENCE, ctx.on_wait)?;
        return Ok(take_workspace_step_back(&workspace.layout)?);
    };
    let _lock = lock_upstream(workspace, &name, ctx.command, PATIENCE, ctx.on_wait)?;
    let _second = lock_workspace(workspace, ctx.command, PATIENCE, ctx.on_wait)?;
    let with_entry = match Journal::pending(&workspace.layout, Scope::Upstream(&name)) {
        Ok(None) => return Ok(None),
        Ok(Some(journal)) => with_entry(workspace, &journal)?,
        Err(_) => None,
    };
    let workspace = with_entry.as_ref().unwrap_or(workspace);
    let upstream = workspace.manifest.upstream(name.as_str());
    match upstream.map(|upstream| UpstreamStore::open(workspace, upstream)).transpose()?.flatten() {
        Some(upstream) => take_step_back(&upstream),
        // No entry or no store: the step cannot be reverted.
        None => Ok(Some(super::run::set_aside(&workspace.layout, Scope::Upstream(&name), None)?)),
    }
}

fn changes_manifest(journal: &Journal) -> Result<bool, PublishError> {
    Ok(journal.changes()?.iter().any(|change| change.path.as_bytes() == MANIFEST.as_bytes()))
}

fn finish(workspace: &Workspace, journal: &Journal, ctx: &StepContext<'_>) -> Result<bool, StepError> {
    let layout = &workspace.layout;
    let Ok(name) = Name::parse(journal.key()) else {
        let Some(_lock) = free(workspace, Scope::Workspace, ctx)? else { return Ok(false) };
        let Some(journal) = Journal::pending(layout, Scope::Workspace)? else { return Ok(false) };
        if let Some(other) = journal.changes()?.iter().find(|it| !layout.is_changed_by(Scope::Workspace, &it.path)) {
            return Err(journal.damaged(&format!("no step of the workspace changes '{}'", other.path)).into());
        }
        journal.roll_forward(layout, &mut || Ok(()), &|point| ctx.passed(point))?;
        return Ok(true);
    };
    let Some(_lock) = free(workspace, Scope::Upstream(&name), ctx)? else { return Ok(false) };
    let second = if changes_manifest(journal)? { free(workspace, Scope::Workspace, ctx)? } else { None };
    if changes_manifest(journal)? && second.is_none() {
        return Ok(false);
    }
    let Some(with_entry) = with_entry(workspace, journal)? else { return Ok(false) };
    let Some(upstream) = with_entry.manifest.upstream(name.as_str()) else { return Ok(false) };
    match UpstreamStore::open(&with_entry, upstream)? {
        Some(upstream) => finish_pending(&upstream, ctx),
        None => Ok(false),
    }
}

/// Returns the lock, if it is free.
fn free(workspace: &Workspace, scope: Scope<'_>, ctx: &StepContext<'_>) -> Result<Option<Lock>, StepError> {
    let lock = match scope {
        Scope::Upstream(name) => lock_upstream(workspace, name, ctx.command, Duration::ZERO, &|_| {}),
        Scope::Workspace => lock_workspace(workspace, ctx.command, Duration::ZERO, &|_| {}),
    };
    match lock {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the workspace with a manifest that has the entry: the one on disk, or the one before or after the step.
fn with_entry(workspace: &Workspace, journal: &Journal) -> Result<Option<Workspace>, StepError> {
    let mut texts = vec![workspace.text.clone()];
    for (at, change) in journal.changes()?.iter().enumerate() {
        if change.path.as_bytes() == MANIFEST.as_bytes() {
            for side in ["new", "old"] {
                let file = journal.folder().join(format!("{side}-{at}"));
                texts.extend(disk::read(&file).map_err(PublishError::from)?);
            }
        }
    }
    Ok(texts.into_iter().find_map(|text| {
        let manifest = Manifest::parse(&text, Path::new(MANIFEST)).ok()?;
        manifest.upstream(journal.key())?;
        let (checkout, inside) = (workspace.checkout.clone(), workspace.inside.clone());
        Some(Workspace { layout: workspace.layout.clone(), manifest, text, checkout, inside })
    }))
}

/// The result for an interrupted step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// There was none.
    Nothing,
    /// It was finished; its command.
    Finished(String),
    /// Another patchq is running, or nothing can be written here; the command of the step.
    Left(String),
}

/// Finishes the step that a killed command left at `upstream`, if its lock is free.
///
/// # Errors
/// [`StepError`] when the step cannot be finished although the lock was free.
pub fn finish_if_free(upstream: &UpstreamStore<'_>, ctx: &StepContext<'_>) -> Result<Pending, StepError> {
    let scope = Scope::Upstream(upstream.name());
    let Some(journal) = Journal::pending(&upstream.workspace.layout, scope)? else { return Ok(Pending::Nothing) };
    let kind = journal.kind().to_owned();
    // Without the lock, for whatever reason, the step is left to others: this command only reads.
    let Ok(Some(_lock)) = free(upstream.workspace, scope, ctx) else { return Ok(Pending::Left(kind)) };
    // The last holder of the lock may have finished it meanwhile.
    Ok(if finish_pending(upstream, ctx)? { Pending::Finished(kind) } else { Pending::Nothing })
}
