//! Writes what a refresh changes in addition to pin and patches: the pin's version, and the new track in the manifest.

use std::path::Path;

use super::RefreshError;
use crate::git::{GitError, Objects};
use crate::path::RepoPath;
use crate::workspace::files::disk;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::files::pins;
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::{ManifestEdit, Track};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::file_changes::{only_files, to_hold};
use crate::workspace::step::publish::FileChange;
use crate::workspace::step::run::begin;
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_workspace};
use crate::workspace::upstream::target::Target;

/// Returns the changes in addition to pin and patches: the version, and the track if it is new.
pub(super) fn entry_changes(upstream: &UpstreamStore<'_>, target: &Target) -> Result<Vec<FileChange>, RefreshError> {
    let layout = &upstream.workspace.layout;
    let file = layout.version(upstream.name());
    let path = RepoPath::new(layout.shown(&file).as_os_str().as_encoded_bytes()).map_err(GitError::EvilPath)?;
    let version = to_hold(layout, path, pins::print_version(&target.version))?;
    let track = target.track.as_ref().map(|track| track_change(upstream, track)).transpose()?.flatten();
    Ok(version.into_iter().chain(track).collect())
}

/// Returns the change of the manifest that writes the track, based on its present content.
fn track_change(upstream: &UpstreamStore<'_>, track: &Track) -> Result<Option<FileChange>, RefreshError> {
    let layout = &upstream.workspace.layout;
    let text = disk::read_at_most(&layout.manifest(), disk::LIST)?.unwrap_or_default();
    let mut edit = ManifestEdit::new(&text, Path::new(MANIFEST))?;
    edit.set_track(upstream.name(), track)?;
    let path = RepoPath::new(MANIFEST).map_err(GitError::EvilPath)?;
    Ok(to_hold(layout, path, edit.finish(Path::new(MANIFEST))?)?)
}

/// Writes the new track for a pin that is already at its tip; returns whether the manifest changed.
pub(super) fn follow_track(
    upstream: &UpstreamStore<'_>,
    from: &Files,
    track: &Track,
    ctx: &StepContext<'_>,
) -> Result<bool, RefreshError> {
    let _lock = begin(upstream, ctx).map_err(RefreshError::of)?;
    let _second = lock_workspace(upstream.workspace, ctx.command, PATIENCE, ctx.on_wait).map_err(RefreshError::of)?;
    let mut objects = Objects::new(&upstream.store)?;
    let state = SyncState::read(upstream, &mut objects, from).map_err(RefreshError::of)?;
    let changes = track_change(upstream, track)?.into_iter().collect();
    let changed = only_files(upstream, &mut objects, &state, changes, ctx).map_err(RefreshError::of)?;
    Ok(!changed.is_empty())
}
