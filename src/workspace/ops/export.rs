//! Exports the checkout's commits as patch files.

use std::collections::HashSet;

use super::apply::{refuse_last_copies, stack_of};
use super::dropped::{WrittenQueue, is_moved_back, vanished};
use super::error::QueueError;
use super::rewrite::{Rewrite, RewriteError};
use crate::git::{GitError, Objects};
use crate::patch::Strip;
use crate::stack::{self, Applied, Base, Conflict, Merged, OldPatch, Queued, Queues, Version};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::queue::QueueFile;
use crate::workspace::files::queue_files::Files;
use crate::workspace::files::which_patch::{WhichPatchError, which_patch};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::run::begin;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{SyncState, SyncStatus};

/// What to do when both sides changed.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// Apply the new commits onto the changed files.
    pub merge: bool,
    /// Take the commits and discard the changes of the files.
    pub replace: bool,
    /// Allow a queue that ends up empty.
    pub allow_empty: bool,
    /// Patches that may leave the queue although the checkout was only moved back: names, or the beginnings of names.
    pub allow_drop: Vec<String>,
}

/// The result of an export.
#[derive(Debug)]
pub enum Export {
    /// There was nothing to do.
    Nothing,
    /// Only the files changed; `apply` handles that.
    FilesNewer(Vec<QueueChange>),
    /// The queue was written.
    Written(Written),
}

/// A queue that was written.
#[derive(Debug)]
pub struct Written {
    /// The files.
    pub queue: WrittenQueue,
    /// The changes of the files that were discarded (`--replace`).
    pub given_up: Vec<QueueChange>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The checkout was set up without the queue.
    #[error("the checkout is the pristine pin (set up with --no-apply): it has no queue to export")]
    Pristine,
    /// No commit is left.
    #[error("no commit is left on the pin: the queue would be empty")]
    Empty,
    /// The checkout was moved back, and these patches were not named with `--allow-drop`.
    #[error("the checkout was moved back: {} would leave the queue", .0.join(", "))]
    MovedBack(Vec<String>),
    /// A name does not select one patch.
    #[error(transparent)]
    Which(#[from] WhichPatchError),
    /// The same patches were changed on both sides.
    #[error("changed on both sides: {}", .0.join(", "))]
    Clash(Vec<String>),
    /// A patch of one side does not go onto the other.
    #[error("commit {} does not apply to the patch files", .commit.short(12))]
    Conflicts {
        /// The commit.
        commit: crate::git::Id,
        /// The paths; empty: it would have no effect left.
        conflicts: Vec<Conflict>,
    },
    /// Another error.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}

impl ExportError {
    fn of(error: impl Into<QueueError>) -> ExportError {
        ExportError::Rewrite(RewriteError::Queue(error.into()))
    }
}

impl From<GitError> for ExportError {
    fn from(error: GitError) -> ExportError {
        ExportError::of(error)
    }
}

impl From<ExportError> for super::save::SaveError {
    fn from(error: ExportError) -> super::save::SaveError {
        use super::save::SaveError;
        match error {
            ExportError::Rewrite(error) => SaveError::Rewrite(error),
            ExportError::Conflicts { conflicts, .. } => {
                SaveError::Conflicts { patch: "the new patch".to_owned(), conflicts }
            }
            ExportError::Clash(names) => SaveError::Conflicts { patch: names.join(", "), conflicts: Vec::new() },
            ExportError::Which(error) => SaveError::Which(error),
            ExportError::Pristine | ExportError::Empty | ExportError::MovedBack(_) => SaveError::FilesNewer,
        }
    }
}

/// Writes the commits of `upstream`'s checkout as its queue.
///
/// # Errors
/// [`ExportError`]; nothing has changed then.
pub fn export(fetcher: &Fetcher<'_>, wanted: &ExportOptions, ctx: &StepContext<'_>) -> Result<Export, ExportError> {
    let upstream = fetcher.upstream;
    let _lock = begin(upstream, ctx).map_err(ExportError::of)?;
    let files = Files::read(&upstream.workspace.layout, upstream.name()).map_err(ExportError::of)?;
    let mut objects = Objects::new(&upstream.store)?;
    let state = SyncState::read(upstream, &mut objects, &files).map_err(ExportError::of)?;
    let cell = state.cell().map_err(ExportError::of)?;
    let allowed = which_patches(&files, &wanted.allow_drop)?;
    let Some(record) = &state.record else { return Ok(Export::FilesNewer(Vec::new())) };
    if record.pristine {
        return Err(ExportError::Pristine);
    }
    let ours = versions_of(&state);
    let (base, versions) = match cell {
        SyncStatus::Equal => return Ok(Export::Nothing),
        SyncStatus::FilesNewer if !wanted.replace => return Ok(Export::FilesNewer(state.files)),
        SyncStatus::Diverged if wanted.merge => {
            refuse_last_copies(fetcher, &objects, &state, &files).map_err(ExportError::of)?;
            let applied = stack_of(fetcher, &mut objects, &files, true).map_err(ExportError::of)?;
            merge_sides(fetcher, &mut objects, &files, &state, &applied, &ours)?
        }
        SyncStatus::Diverged if !wanted.replace => {
            let (files, commits) = (state.files.clone(), state.made.clone());
            return Err(ExportError::of(SideError::Diverged { files, commits }));
        }
        SyncStatus::CommitsNewer | SyncStatus::Diverged | SyncStatus::FilesNewer => {
            (Base::read(&mut objects, record.pin)?, ours)
        }
    };
    if versions.is_empty() && !files.patches.is_empty() && !wanted.allow_empty {
        return Err(ExportError::Empty);
    }
    let (known, gone) = with_gone(&objects, &state, &files)?;
    let mut rewrite = Rewrite::plan(fetcher, &mut objects, &known, base, &versions, None)?;
    rewrite.bring_back(upstream, &gone)?;
    let vanished = vanished(fetcher, &mut objects, record, &rewrite)?;
    let dropped: Vec<String> = vanished.iter().map(|patch| patch.name.clone()).collect();
    let kept_back: Vec<String> = dropped.into_iter().filter(|name| !allowed.contains(name)).collect();
    if !kept_back.is_empty() && !versions.is_empty() && is_moved_back(record, &state.line()) {
        return Err(ExportError::MovedBack(kept_back));
    }
    rewrite.note_vanished(&vanished);
    let given_up = if wanted.replace { state.files.clone() } else { Vec::new() };
    let taken = if wanted.merge { RemovedPatches::of(&state, &files) } else { RemovedPatches::default() };
    let written = Written { queue: rewrite.written().and(taken), given_up };
    rewrite.publish(upstream, &mut objects, &state, None, ctx).map_err(ExportError::of)?;
    Ok(Export::Written(written))
}

/// Returns the files with those that patchq wrote and that are gone, and the names of the latter: their commits may
/// restore them unchanged.
fn with_gone(objects: &Objects<'_>, state: &SyncState, files: &Files) -> Result<(Files, Vec<String>), ExportError> {
    let (mut known, mut gone) = (files.clone(), Vec::new());
    let Some(record) = &state.record else { return Ok((known, gone)) };
    for name in RemovedPatches::of(state, files).removed {
        let Some(bytes) = record.written.get(&name).map(|blob| objects.blob(*blob)).transpose()?.flatten() else {
            continue;
        };
        let Ok(patch) = crate::patch::parse(&bytes, Strip::Default) else { continue };
        let bytes = bytes.to_vec();
        known.queue.files.push(QueueFile { name: name.clone(), bytes: bytes.clone(), strip: Strip::Default });
        known.patches.push(OldPatch { queued: Queued { name: name.clone(), patch }, bytes });
        gone.push(name);
    }
    Ok((known, gone))
}

/// Returns the patch files of `files` that `wanted` selects.
pub(in crate::workspace) fn which_patches(files: &Files, wanted: &[String]) -> Result<Vec<String>, WhichPatchError> {
    let names: Vec<&str> = files.queue.files.iter().map(|file| file.name.as_str()).collect();
    let one = |name: &String| which_patch(names.iter().copied(), name).map(|n| names[n].to_owned());
    wanted.iter().map(one).collect()
}

/// Returns the checkout's commits; those that patchq made have their files.
pub(in crate::workspace) fn versions_of(state: &SyncState) -> Vec<Version> {
    let known = |commit| {
        let stack = state.record.iter().flat_map(|record| &record.stack);
        stack.into_iter().find(|(id, _)| *id == commit).map(|(_, name)| name.clone())
    };
    state.line().into_iter().map(|commit| Version { name: known(commit), commit }).collect()
}

/// Returns the checkout's commits, each with the file that it would be exported to.
pub(in crate::workspace) fn line_of_versions(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    base: Base,
    state: &SyncState,
) -> Result<Vec<Version>, RewriteError> {
    let versions = versions_of(state);
    if versions.iter().all(|version| version.name.is_some()) {
        return Ok(versions);
    }
    let plan = Rewrite::plan(fetcher, objects, files, base, &versions, None)?;
    Ok(plan.patches.into_iter().map(|(name, exported)| Version { name: Some(name), commit: exported.commit }).collect())
}

/// Merges the checkout's commits with the changed files, on the files' pin.
pub(in crate::workspace) fn merge_sides(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    state: &SyncState,
    applied: &Applied,
    commits: &[Version],
) -> Result<(Base, Vec<Version>), ExportError> {
    if let Some((n, failure)) = &applied.failure {
        let patch = files.patches[*n].queued.name.clone();
        return Err(ExportError::of(QueueError::Apply { patch, failure: Box::new(failure.clone()), applied: *n }));
    }
    let pristine = state.record.as_ref().is_some_and(|record| record.pristine);
    let stack = state.record.iter().filter(|record| !record.pristine).flat_map(|record| &record.stack);
    let synced: Vec<Version> =
        stack.map(|(commit, name)| Version { name: Some(name.clone()), commit: *commit }).collect();
    let changed = |change: &QueueChange| match change {
        QueueChange::Added(name) | QueueChange::Removed(name) | QueueChange::Changed(name) => Some(name.clone()),
        _ => None,
    };
    let files_changed: HashSet<String> = if pristine {
        files.queue.files.iter().map(|file| file.name.clone()).collect()
    } else {
        state.files.iter().filter_map(changed).collect()
    };
    // A commit that lost its file's name in a rewrite is recognized by its note.
    let notes = crate::git::read_notes(objects)?;
    let named = |version: &Version| {
        let noted = notes.get(&version.commit).and_then(|names| names.first()).cloned();
        Version { name: version.name.clone().or(noted), commit: version.commit }
    };
    let commits: Vec<Version> = commits.iter().map(named).collect();
    let queues = Queues { synced: &synced, files: &applied.stack, files_changed: &files_changed, commits: &commits };
    let merged = fetcher.run(objects, |objects| stack::merge_queues(objects, &queues)).map_err(ExportError::of)?;
    match merged {
        Merged::Clean(versions) => Ok((applied.stack.base, versions)),
        Merged::Clash(names) => Err(ExportError::Clash(names)),
        Merged::Conflicts(commit, conflicts) => Err(ExportError::Conflicts { commit, conflicts }),
    }
}
