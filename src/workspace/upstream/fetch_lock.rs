//! Allows one fetch at a time into the stores of an upstream: git locks its files there and does not wait.
//!
//! Commands that only read the workspace fetch without the upstream's lock, and may take minutes. So fetches have a
//! separate lock. It is taken after the upstream's lock, if that is held at all, and nothing else is waited for while
//! it is held.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::store::PATIENCE;
use crate::git::{GitError, STARTED_BY, clear_left_fetch_locks};
use crate::process::{self, Limits, Stillness};
use crate::workspace::files::lock::{Holder, Lock, LockError, Mode};
use crate::workspace::files::open::Workspace;
use crate::workspace::manifest::Upstream;

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// The pause between two checks of the holder.
const LOOK: Duration = Duration::from_millis(500);

/// The lock on fetches into an upstream's store and its history of commits.
pub struct FetchLock<'a> {
    path: PathBuf,
    stores: [PathBuf; 2],
    name: String,
    command: &'a str,
    on_wait: &'a dyn Fn(&Holder),
}

impl<'a> FetchLock<'a> {
    /// Makes the lock of `upstream` for `command`; nothing is locked yet. `on_wait` is called each time that another
    /// patchq must be waited for.
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

    /// Runs `fetch` with the lock held. Locks left by an earlier fetch that was killed or failed are removed first.
    ///
    /// The git process of `fetch` holds the lock too. If this patchq is killed, the next one waits until that git ends,
    /// and ends it when it reaches one of the `limits`.
    ///
    /// # Errors
    /// [`LockError`] when another patchq holds it for too long, or old locks cannot be removed.
    pub(in crate::workspace) fn hold<T, E>(
        &self,
        limits: Limits,
        fetch: impl FnOnce() -> Result<T, E>,
    ) -> Result<Result<T, E>, LockError> {
        let lock = cleared(self.acquire(limits)?, &self.stores)?;
        lock.lend_to_children();
        let fetched = fetch();
        if fetched.is_err() {
            // git may have been killed.
            lock.abandon();
        }
        Ok(fetched)
    }

    pub(in crate::workspace) fn command(&self) -> &str {
        self.command
    }

    fn attempt(&self) -> Result<Lock, LockError> {
        Lock::acquire(&self.path, Mode::Exclusive, &self.name, self.command, Duration::ZERO, &mut |_| {})
    }

    fn acquire(&self, limits: Limits) -> Result<Lock, LockError> {
        let began = Instant::now();
        let (mut told, mut looked): (Option<Holder>, Option<Instant>) = (None, None);
        let mut left: Option<Left> = None;
        loop {
            let (holder, what) = match self.attempt() {
                Err(LockError::Held { holder, what }) => (holder, what),
                other => return other,
            };
            if looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                let git = self.left_by(&holder);
                if left.as_ref().map(|left| left.git) != git {
                    left = git.map(Left::new);
                }
                looked = Some(Instant::now());
            }
            let holder = Holder { left: left.as_ref().map(|left| left.git), ..holder };
            if told.as_ref() != Some(&holder) {
                tracing::debug!(path = ?self.path, %holder, "waits for another fetch");
                (self.on_wait)(&holder);
                told = Some(holder.clone());
            }
            let over = left.as_mut().filter(|_| limits != Limits::default()).map(|left| left.is_over(limits));
            match (over, &left) {
                (Some(true), Some(left)) => {
                    tracing::warn!(pid = left.git, "ends a git that a killed patchq left");
                    process::end_stranger(left.git);
                }
                // While it makes progress, its result is useful to someone.
                (Some(false), _) => {}
                _ if began.elapsed() >= PATIENCE => return Err(LockError::Held { holder, what }),
                _ => {}
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Returns the git process that holds the lock after its patchq was killed.
    fn left_by(&self, holder: &Holder) -> Option<u32> {
        let patchq = holder.pid.filter(|patchq| !process::holds(*patchq, &self.path))?;
        process::holders_of(&self.path, (STARTED_BY, &patchq.to_string())).first().copied()
    }
}

/// Returns the lock, after removing what its last holder left locked in the stores.
fn cleared(lock: Lock, stores: &[PathBuf]) -> Result<Lock, LockError> {
    let clear = || stores.iter().filter(|store| store.is_dir()).try_for_each(|store| clear_left_fetch_locks(store));
    match if lock.abandoned() { clear() } else { Ok(()) } {
        Ok(()) => Ok(lock),
        Err(error) => {
            // The stores must still be cleared.
            lock.abandon();
            Err(error.into())
        }
    }
}

/// Removes what a killed patchq left locked in the store at `store`, of any entry, unless a fetch is running there.
pub(in crate::workspace) fn clear_what_was_left(store: &Path, command: &str) -> Result<(), LockError> {
    let name = store.file_name().and_then(|name| name.to_str()?.strip_suffix(".git"));
    let (Some(folder), Some(name)) = (store.parent(), name) else { return Ok(()) };
    let path = folder.join(format!("_fetch-{name}.lock"));
    if !path.metadata().is_ok_and(|meta| meta.len() > 0) {
        return Ok(());
    }
    match Lock::acquire(&path, Mode::Exclusive, name, command, Duration::ZERO, &mut |_| {}) {
        Err(LockError::Held { .. }) => Ok(()),
        lock => cleared(lock?, &[store.to_owned(), folder.join(format!("{name}.history.git"))]).map(drop),
    }
}

/// Runs `work`, which locks something in the upstream's store as git does, while no fetch is running there.
pub(in crate::workspace) fn alone<T>(
    workspace: &Workspace,
    upstream: &Upstream,
    work: impl FnOnce() -> Result<T, GitError>,
) -> Result<T, GitError> {
    let lock = FetchLock::new(workspace, upstream, "setup", &|_| {});
    match lock.hold(Limits::default(), work) {
        Ok(done) => done,
        Err(LockError::Left(error)) => Err(error),
        Err(error) => Err(GitError::io("cannot lock", &lock.path)(std::io::Error::other(error))),
    }
}

/// A git process that outlived its patchq.
struct Left {
    git: u32,
    since: Instant,
    still: Stillness,
}

impl Left {
    fn new(git: u32) -> Left {
        Left { git, since: Instant::now(), still: Stillness::begin() }
    }

    fn is_over(&mut self, limits: Limits) -> bool {
        let stalled = limits.stall.is_some_and(|limit| self.still.look(self.git, limit) >= limit);
        stalled || limits.total.is_some_and(|limit| self.since.elapsed() >= limit)
    }
}
