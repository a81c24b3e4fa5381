//! One fetch at a time into the stores of an upstream: git locks what it writes there and does not wait.
//!
//! Whoever only reads the workspace fetches without the upstream's lock, and may take minutes for it. So fetches have a lock of
//! their own. It is taken after the upstream's, if that is held at all, and nothing is waited for while it is held.

use std::path::PathBuf;

use super::lock::{Holder, Lock, LockError, Mode};
use super::manifest::Upstream;
use super::open::Workspace;
use super::site::PATIENCE;
use crate::git::clear_left_fetch_locks;

/// The lock on fetches into an upstream's store and its history of commits.
pub struct FetchLock<'a> {
    path: PathBuf,
    stores: [PathBuf; 2],
    name: String,
    command: &'a str,
    on_wait: &'a dyn Fn(&Holder),
}

impl<'a> FetchLock<'a> {
    /// The one of `upstream`, which `command` wants; nothing is locked yet. `on_wait` is called each time that another patchq
    /// must be waited for.
    #[must_use]
    pub fn new(
        workspace: &Workspace,
        upstream: &Upstream,
        command: &'a str,
        on_wait: &'a dyn Fn(&Holder),
    ) -> FetchLock<'a> {
        let (layout, name) = (&workspace.layout, &upstream.name);
        FetchLock {
            path: layout.fetch_lock(name),
            stores: [layout.store(name), layout.history(name)],
            name: name.to_string(),
            command,
            on_wait,
        }
    }

    /// Runs `fetch` with the lock held. What a fetch before it that was killed or failed left locked is cleared first.
    ///
    /// The git that `fetch` starts holds the lock too: if this process is killed, the next one waits until that git ended.
    ///
    /// # Errors
    /// [`LockError`] when another patchq holds it for too long, or something left cannot be cleared.
    pub(super) fn hold<T, E>(&self, fetch: impl FnOnce() -> Result<T, E>) -> Result<Result<T, E>, LockError> {
        let mut on_wait = |holder: &Holder| (self.on_wait)(holder);
        let lock = Lock::acquire(&self.path, Mode::Exclusive, &self.name, self.command, PATIENCE, &mut on_wait)?;
        lock.lend_to_children();
        if lock.abandoned() {
            for store in self.stores.iter().filter(|store| store.is_dir()) {
                clear_left_fetch_locks(store)?;
            }
        }
        let fetched = fetch();
        if fetched.is_err() {
            // Perhaps it was git that was killed.
            lock.abandon();
        }
        Ok(fetched)
    }
}
