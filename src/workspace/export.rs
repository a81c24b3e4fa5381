//! The checkout's commits as patch files.

use std::collections::HashSet;

use super::digest::QueueChange;
use super::files_side::Files;
use super::rewrite::{Rewrite, RewriteError};
use super::settle::{Around, SettleError, begin, stack_of};
use super::site::Site;
use super::state::{Cell, State};
use super::supply::Supply;
use crate::git::{GitError, Objects};
use crate::stack::{self, Applied, Base, Conflict, Exported, Merged, Queues, Version};

/// What to do when both sides changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Carry the new commits onto the changed files.
    pub merge: bool,
    /// Take the commits and give the changed files up.
    pub replace: bool,
    /// Allow a queue that ends up empty.
    pub allow_empty: bool,
}

/// What was exported.
#[derive(Debug)]
pub enum Export {
    /// Nothing was to be done.
    Nothing,
    /// Only the files changed; that is for `apply`.
    FilesNewer(Vec<QueueChange>),
    /// The queue was written.
    Written(Written),
}

/// A queue that was written.
#[derive(Debug)]
pub struct Written {
    /// Each patch: its name, its commit, and what became of its file.
    pub patches: Vec<(String, Exported)>,
    /// The names of files that went.
    pub removed: Vec<String>,
    /// Files that got another name: old and new.
    pub renamed: Vec<(String, String)>,
    /// The changes of the files that were given up (`--replace`).
    pub given_up: Vec<QueueChange>,
}

/// Why nothing was exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The queue was left out of the checkout.
    #[error("the checkout is the pristine pin (set up with --no-apply): it has no queue to export")]
    Pristine,
    /// No commit is left.
    #[error("no commit is left on the pin: the queue would be empty")]
    Empty,
    /// The same patches were changed on both sides.
    #[error("changed on both sides: {}", .0.join(", "))]
    Clash(Vec<String>),
    /// A patch of one side does not go onto the other.
    #[error("commit {} does not go onto the patch files", .commit.short(12))]
    Conflicts {
        /// The commit.
        commit: crate::git::Id,
        /// The paths; none: it would have nothing left to do.
        conflicts: Vec<Conflict>,
    },
    /// The rest.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}

impl ExportError {
    fn of(error: impl Into<SettleError>) -> ExportError {
        ExportError::Rewrite(RewriteError::Settle(error.into()))
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
            ExportError::Pristine | ExportError::Empty => SaveError::FilesNewer,
        }
    }
}

/// Writes the commits of `site`'s checkout as its queue.
///
/// # Errors
/// [`ExportError`]; nothing has changed then.
pub fn export(
    site: &Site<'_>,
    supply: &Supply<'_>,
    wanted: Wanted,
    around: &Around<'_>,
) -> Result<Export, ExportError> {
    let _lock = begin(site, around).map_err(ExportError::of)?;
    let files = Files::read(&site.workspace.layout, site.name()).map_err(ExportError::of)?;
    let mut objects = Objects::new(&site.store)?;
    let state = State::read(site, &mut objects, &files).map_err(ExportError::of)?;
    let cell = state.cell().map_err(ExportError::of)?;
    let Some(record) = &state.record else { return Ok(Export::FilesNewer(Vec::new())) };
    if record.pristine {
        return Err(ExportError::Pristine);
    }
    let ours = versions_of(&state);
    let (base, versions) = match cell {
        Cell::Equal => return Ok(Export::Nothing),
        Cell::FilesNewer if !wanted.replace => return Ok(Export::FilesNewer(state.files)),
        Cell::Diverged if wanted.merge => {
            let applied = stack_of(site, supply, &mut objects, &files, true).map_err(ExportError::of)?;
            merge_sides(supply, &mut objects, &files, &state, &applied, &ours)?
        }
        Cell::Diverged if !wanted.replace => {
            let (files, commits) = (state.files.clone(), state.made.clone());
            return Err(ExportError::of(SettleError::Diverged { files, commits }));
        }
        Cell::CommitsNewer | Cell::Diverged | Cell::FilesNewer => (Base::read(&mut objects, record.pin)?, ours),
    };
    if versions.is_empty() && !files.patches.is_empty() && !wanted.allow_empty {
        return Err(ExportError::Empty);
    }
    let rewrite = Rewrite::plan(site, supply, &mut objects, &files, base, &versions, None)?;
    let given_up = if wanted.replace { state.files.clone() } else { Vec::new() };
    let written = Written {
        patches: rewrite.patches.iter().map(|(name, exported)| (name.clone(), exported.clone())).collect(),
        removed: rewrite.removed.clone(),
        renamed: rewrite.renamed.clone(),
        given_up,
    };
    rewrite.publish(site, &mut objects, &state, None, around).map_err(ExportError::of)?;
    Ok(Export::Written(written))
}

/// The checkout's commits; those that patchq made know their files.
pub(super) fn versions_of(state: &State) -> Vec<Version> {
    let known = |commit| {
        let stack = state.record.iter().flat_map(|record| &record.stack);
        stack.into_iter().find(|(id, _)| *id == commit).map(|(_, name)| name.clone())
    };
    state.line().into_iter().map(|commit| Version { name: known(commit), commit }).collect()
}

/// The checkout's commits, each with the file that it would be exported to.
pub(super) fn line_of_versions(
    site: &Site<'_>,
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    base: Base,
    state: &State,
) -> Result<Vec<Version>, RewriteError> {
    let versions = versions_of(state);
    if versions.iter().all(|version| version.name.is_some()) {
        return Ok(versions);
    }
    let plan = Rewrite::plan(site, supply, objects, files, base, &versions, None)?;
    Ok(plan.patches.into_iter().map(|(name, exported)| Version { name: Some(name), commit: exported.commit }).collect())
}

/// Merges the checkout's commits with the changed files, on the files' pin.
pub(super) fn merge_sides(
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    state: &State,
    applied: &Applied,
    commits: &[Version],
) -> Result<(Base, Vec<Version>), ExportError> {
    if let Some((n, failure)) = &applied.failure {
        let patch = files.patches[*n].queued.name.clone();
        return Err(ExportError::of(SettleError::Apply { patch, failure: Box::new(failure.clone()), applied: *n }));
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
    // A commit that lost its file's name in a rewrite is known again by its note.
    let notes = crate::git::read_notes(objects)?;
    let named = |version: &Version| {
        let noted = notes.get(&version.commit).and_then(|names| names.first()).cloned();
        Version { name: version.name.clone().or(noted), commit: version.commit }
    };
    let commits: Vec<Version> = commits.iter().map(named).collect();
    let queues = Queues { synced: &synced, files: &applied.stack, files_changed: &files_changed, commits: &commits };
    let merged = supply.run(objects, |objects| stack::merge_queues(objects, &queues)).map_err(ExportError::of)?;
    match merged {
        Merged::Clean(versions) => Ok((applied.stack.base, versions)),
        Merged::Clash(names) => Err(ExportError::Clash(names)),
        Merged::Conflicts(commit, conflicts) => Err(ExportError::Conflicts { commit, conflicts }),
    }
}
