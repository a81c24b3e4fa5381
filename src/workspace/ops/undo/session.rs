//! Reverts a change while a session is open: afterwards there must be a session that can be continued.

use std::path::PathBuf;

use crate::git::{BROUGHT_BACK, GitError, HANDED_OVER, Id, ObjectKind, Objects, SYNCED};
use crate::workspace::conflict::session::Session;
use crate::workspace::files::digest::Sum;
use crate::workspace::files::disk::{self, FileError};
use crate::workspace::step::effects::RefMove;
use crate::workspace::step::error::StepError;
use crate::workspace::step::kept::{UndoRecord, content};
use crate::workspace::step::publish::PublishError;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::synced::Synced;

/// Checks whether `kept` can be reverted with the present session: there is none, it is the one that the change left,
/// or it can be continued afterwards, because the checkout will be clean and up to date, and the session knows the pin.
pub(super) fn allows(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    kept: &UndoRecord,
    at: Id,
) -> Result<bool, StepError> {
    let Some(bytes) = open(upstream)? else { return Ok(true) };
    if let Some(file) = kept.file(&shown(upstream)) {
        return Ok(file.new == Some(Sum::of(&bytes)));
    }
    if kept.work.is_some() || kept.handed.is_some() {
        return Ok(false);
    }
    let moved = kept.refs.iter().find(|step| step.name == SYNCED);
    let synced = moved.map_or_else(|| upstream.store.read_ref(SYNCED), |step| Ok(step.old))?;
    let before = synced.map_or(Ok(None), |at| Synced::read_at(objects, at))?;
    if before.map(|record| record.top) != kept.branch.0 {
        return Ok(false);
    }
    let layout = &upstream.workspace.layout;
    let pin = layout.shown(&layout.pin(upstream.name())).to_string_lossy().into_owned();
    let Some(n) = kept.files.iter().position(|file| file.path == pin) else { return Ok(true) };
    let tree = objects.commit(at)?.tree;
    let pin = content(objects, tree, &format!("old/{n}"))?;
    let pin = pin.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse::<Id>().ok());
    let session = Session::read(layout, upstream.name());
    Ok(pin.is_some() && session.is_ok_and(|session| session.is_some_and(|(session, _)| session.files.pin == pin)))
}

/// Returns the move of the ref that records what `kept` restores, if that is a session or a conflict in the checkout.
pub(super) fn remember(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    kept: &UndoRecord,
    session: Option<Vec<u8>>,
) -> Result<Option<RefMove>, GitError> {
    let brought = session.map(|bytes| objects.put(ObjectKind::Blob, bytes)).or(kept.handed);
    brought.map_or(Ok(None), |id| RefMove::to(upstream, BROUGHT_BACK, Some(id)))
}

/// Checks whether the session of `upstream` (or the conflict in its checkout, if no session is open) is still the one
/// that `undo` restored last: aborting it again must not become the change that `undo` reverts first.
///
/// # Errors
/// [`StepError`] when session or store cannot be read.
pub(in crate::workspace) fn is_brought_back(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
) -> Result<bool, StepError> {
    let Some(brought) = upstream.store.read_ref(BROUGHT_BACK)? else { return Ok(false) };
    Ok(match open(upstream)? {
        Some(bytes) => objects.put(ObjectKind::Blob, bytes) == brought,
        None => upstream.store.read_ref(HANDED_OVER)? == Some(brought),
    })
}

/// Copies the session of `upstream` to the folder of set-aside data; returns the copy's path, from the workspace's
/// root.
///
/// # Errors
/// [`StepError`] when it cannot be copied.
pub(in crate::workspace) fn keep_session(upstream: &UpstreamStore<'_>) -> Result<Option<PathBuf>, StepError> {
    let layout = &upstream.workspace.layout;
    let Some(bytes) = open(upstream)? else { return Ok(None) };
    let folder = layout.set_aside();
    let copy = || -> Result<PathBuf, FileError> {
        std::fs::create_dir_all(&folder).map_err(FileError::io("make the folder", &folder))?;
        let mut n = 1_u32;
        loop {
            let file = folder.join(format!("{}.session.{n}.toml", upstream.name()));
            // A copy with the same bytes is enough.
            match disk::read(&file)? {
                Some(known) if known == bytes => return Ok(file),
                Some(_) => n += 1,
                None => {
                    disk::write_new(&file, &bytes, None)?;
                    return Ok(file);
                }
            }
        }
    };
    let file = copy().map_err(PublishError::from)?;
    Ok(Some(layout.shown(&file).to_owned()))
}

fn open(upstream: &UpstreamStore<'_>) -> Result<Option<Vec<u8>>, StepError> {
    Ok(disk::read(&upstream.workspace.layout.session(upstream.name())).map_err(PublishError::from)?)
}

/// Returns the session's file, from the workspace's root.
pub(super) fn shown(upstream: &UpstreamStore<'_>) -> String {
    let layout = &upstream.workspace.layout;
    layout.shown(&layout.session(upstream.name())).to_string_lossy().into_owned()
}
