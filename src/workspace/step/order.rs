//! Numbers the changes of a workspace in order, independently of the clock.

use std::fs;

use super::context::StepContext;
use super::error::StepError;
use super::kept::{entries, read_kept};
use super::publish::PublishError;
use crate::git::{GitError, Objects};
use crate::workspace::files::disk::{self, FileError};
use crate::workspace::files::lock::{Lock, Mode};
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore};

/// Returns the number for a change that is about to be recorded: larger than that of every earlier change of the
/// workspace.
///
/// # Errors
/// [`StepError`] when it cannot be determined.
pub(in crate::workspace) fn next(upstream: &UpstreamStore<'_>, ctx: &StepContext<'_>) -> Result<u64, StepError> {
    let layout = &upstream.workspace.layout;
    // Each upstream has its own lock, and this file belongs to all; its lock is held for a moment.
    let lock = layout.order().with_extension("lock");
    let mut on_wait = |holder: &_| (ctx.on_wait)(holder);
    let _lock = Lock::acquire(&lock, Mode::Exclusive, "the workspace", ctx.command, PATIENCE, &mut on_wait)?;
    let file = layout.order();
    let last = disk::read(&file).map_err(PublishError::from)?.and_then(|bytes| parse(&bytes));
    let last = match last {
        Some(last) => last.max(newest_of(upstream)?),
        None => newest_of_all(upstream)?,
    };
    let next = last.saturating_add(1);
    let draft = file.with_extension("tmp");
    let write = || -> Result<(), FileError> {
        disk::remove(&draft)?;
        disk::write_new(&draft, format!("{next}\n").as_bytes(), None)?;
        fs::rename(&draft, &file).map_err(FileError::io("write", &file))
    };
    write().map_err(PublishError::from)?;
    Ok(next)
}

fn parse(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

/// Returns the number of the last change of `upstream`.
fn newest_of(upstream: &UpstreamStore<'_>) -> Result<u64, GitError> {
    let mut objects = Objects::new(&upstream.store)?;
    for (_, at) in entries(upstream)?.into_iter().rev() {
        if let Some(order) = read_kept(upstream, &mut objects, at)?.and_then(|kept| kept.order) {
            return Ok(order);
        }
    }
    Ok(0)
}

/// Returns the number of the last change of the workspace, if the file is missing.
fn newest_of_all(upstream: &UpstreamStore<'_>) -> Result<u64, GitError> {
    let mut newest = newest_of(upstream)?;
    for entry in &upstream.workspace.manifest.upstreams {
        // A store that cannot be read is skipped.
        if let Ok(Some(other)) = UpstreamStore::open(upstream.workspace, entry) {
            newest = newest.max(newest_of(&other).unwrap_or(0));
        }
    }
    Ok(newest)
}
