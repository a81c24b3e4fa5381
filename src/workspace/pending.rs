//! The step of a killed command, for commands that only read: they finish it when nobody is in the way.

use std::time::Duration;

use super::journal::Journal;
use super::layout::Scope;
use super::lock::{Lock, Mode};
use super::settle::{Around, SettleError, finish_pending};
use super::site::Site;

/// What became of an interrupted step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// There was none.
    Nothing,
    /// It was finished; the command that it belongs to.
    Finished(String),
    /// Another patchq is at work, or nothing can be written here; the command that it belongs to.
    Left(String),
}

/// Finishes the step that a killed command left behind at `site`, if its lock is free.
///
/// # Errors
/// [`SettleError`] when the step cannot be finished although the lock was free.
pub fn finish_if_free(site: &Site<'_>, around: &Around<'_>) -> Result<Pending, SettleError> {
    let layout = &site.workspace.layout;
    let scope = Scope::Upstream(site.name());
    let Some(journal) = Journal::pending(layout, scope)? else { return Ok(Pending::Nothing) };
    let kind = journal.kind().to_owned();
    let lock = layout.lock(scope);
    let free = Lock::acquire(&lock, Mode::Exclusive, site.name().as_str(), around.command, Duration::ZERO, &mut |_| {});
    let Ok(_lock) = free else { return Ok(Pending::Left(kind)) };
    // Whoever held the lock may have finished it in between.
    Ok(if finish_pending(site, around)? { Pending::Finished(kind) } else { Pending::Nothing })
}
