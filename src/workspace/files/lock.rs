//! Advisory locks on files: two patchq processes wait for each other, or report which process they wait for.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{self, FileError, shown};
use crate::git::GitError;
use crate::path::printable;

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// A lock that is held until it is dropped (or its process ends).
#[derive(Debug)]
pub struct Lock {
    file: File,
    mode: Mode,
    abandoned: bool,
    /// Whether the holder's name is removed when the lock is released.
    signed_off: bool,
}

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Together with others that share it.
    Shared,
    /// Alone.
    Exclusive,
}

/// The holder of a lock, as far as known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// Its process id.
    pub pid: Option<u32>,
    /// Its command, printable.
    pub command: Option<String>,
    /// It was killed; the git with this process id, which it started, still holds the lock.
    pub left: Option<u32>,
}

/// Why a lock was not acquired.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it, longer than the caller wanted to wait.
    #[error("{holder} works on {what}")]
    Held {
        /// The holder.
        holder: Holder,
        /// What is locked, in words (an upstream's name, or the workspace).
        what: String,
    },
    /// The file system has no locks.
    #[error("cannot lock {}: {error} (the file system must support locks)", shown(.path))]
    Unsupported {
        /// The lock's file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The lock file cannot be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// Files left by a killed holder cannot be removed.
    #[error(transparent)]
    Left(#[from] GitError),
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(git) = self.left {
            write!(f, "git (pid {git}), started by a patchq that was killed")?;
            return match (self.pid, &self.command) {
                (Some(pid), Some(command)) => write!(f, " (pid {pid}, {command})"),
                _ => Ok(()),
            };
        }
        match (&self.pid, &self.command) {
            (Some(pid), Some(command)) => write!(f, "another patchq (pid {pid}, {command})"),
            (Some(pid), None) => write!(f, "another patchq (pid {pid})"),
            _ => f.write_str("another patchq"),
        }
    }
}

impl Lock {
    /// Locks the file at `path`, which is made with its folder if it is missing.
    ///
    /// `what` is the locked thing in messages; `command` is this process in the messages of others. If another process
    /// holds the lock, `on_wait` is called once with the holder, and attempts continue for `patience`.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn acquire(
        path: &Path,
        mode: Mode,
        what: &str,
        command: &str,
        patience: Duration,
        on_wait: &mut dyn FnMut(&Holder),
    ) -> Result<Lock, LockError> {
        let mut file = open(path)?;
        let mut waited = Duration::ZERO;
        loop {
            let attempt = match mode {
                Mode::Shared => file.try_lock_shared(),
                Mode::Exclusive => file.try_lock(),
            };
            match attempt {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(LockError::Unsupported { path: path.to_owned(), error }),
                Err(TryLockError::WouldBlock) => {
                    let holder = read_holder(&mut file);
                    if waited >= patience {
                        return Err(LockError::Held { holder, what: what.to_owned() });
                    }
                    if waited.is_zero() {
                        tracing::debug!(?path, %holder, "waits for a lock");
                        on_wait(&holder);
                    }
                    let pause = PAUSE.min(patience - waited);
                    std::thread::sleep(pause);
                    waited += pause;
                }
            }
        }
        tracing::debug!(?path, ?mode, ?waited, "locked");
        let abandoned = file.metadata().is_ok_and(|meta| meta.len() > 0);
        // Only an exclusive holder can write its name; a shared one removes the name left by a killed holder.
        let mut sign = || -> io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            if mode == Mode::Exclusive {
                writeln!(file, "{} {command}", std::process::id())?;
            }
            Ok(())
        };
        // The lock is held; if the disk is full, others only do not learn the holder's name.
        let _ = sign();
        Ok(Lock { file, mode, abandoned, signed_off: true })
    }

    /// Checks whether its last exclusive holder was killed: a holder that ends normally removes its name from the file.
    #[must_use]
    pub fn abandoned(&self) -> bool {
        self.abandoned
    }

    /// Lets programs started from now on hold it too, until they end or this process drops it. So after a kill of this
    /// process the lock stays while its programs still work.
    pub fn lend_to_children(&self) {
        // If the system refuses, it stays an ordinary lock.
        let _ = rustix::io::fcntl_setfd(&self.file, rustix::io::FdFlags::empty());
    }

    /// Releases the lock like a killed holder: the next one finds it [abandoned](Lock::abandoned).
    pub fn abandon(mut self) {
        self.signed_off = false;
    }

    /// Returns how it is held.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.mode == Mode::Exclusive && self.signed_off {
            // The name of the holder is only for messages; the unlock follows in any case.
            let _ = self.file.set_len(0);
        }
        // Closing the file unlocks it only if no child process has it open.
        let _ = self.file.unlock();
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder).map_err(FileError::io("make the folder", folder))?;
    if disk::stat(path)?.is_some_and(|meta| meta.is_symlink()) {
        return Err(FileError::Symlink(path.to_owned()));
    }
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    open.map_err(FileError::io("open the lock", path))
}

/// Reads the name that the holder wrote: `PID COMMAND`.
fn read_holder(file: &mut File) -> Holder {
    let mut text = Vec::new();
    let read = file.rewind().and_then(|()| file.take(200).read_to_end(&mut text));
    let text = match read {
        Ok(_) => printable(text.trim_ascii()),
        Err(_) => return Holder::default(),
    };
    let (pid, command) = text.split_once(' ').unwrap_or((&text, ""));
    Holder { pid: pid.parse().ok(), command: (!command.is_empty()).then(|| command.to_owned()), left: None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn lock(path: &Path, mode: Mode, patience: u64) -> Result<Lock, LockError> {
        Lock::acquire(path, mode, "kubeflow", "refresh", Duration::from_millis(patience), &mut |_| {})
    }

    #[test]
    fn the_holder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("patchq/kubeflow.lock");
        let held = lock(&path, Mode::Exclusive, 0).unwrap();
        let mut waits = Vec::new();
        let patience = Duration::from_millis(120);
        let error = Lock::acquire(&path, Mode::Exclusive, "kubeflow", "save", patience, &mut |holder| {
            waits.push(holder.to_string());
        });
        let holder = format!("another patchq (pid {}, refresh)", std::process::id());
        assert_eq!(error.unwrap_err().to_string(), format!("{holder} works on kubeflow"));
        assert_eq!(waits, [holder]);
        drop(held);
        assert!(!lock(&path, Mode::Exclusive, 0).unwrap().abandoned());
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        std::fs::write(&path, "1 killed").unwrap();
        assert!(lock(&path, Mode::Exclusive, 0).unwrap().abandoned());
        lock(&path, Mode::Exclusive, 0).unwrap().abandon();
        assert!(lock(&path, Mode::Exclusive, 0).unwrap().abandoned());
        assert!(!lock(&path, Mode::Exclusive, 0).unwrap().abandoned());
    }

    #[test]
    fn a_lent_lock_ends_with_its_holder_whatever_that_one_started() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let held = lock(&path, Mode::Exclusive, 0).unwrap();
        held.lend_to_children();
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        drop(held);
        assert!(lock(&path, Mode::Exclusive, 0).is_ok());
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn shared_locks_stand_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        std::fs::write(&path, "1 killed").unwrap();
        let one = lock(&path, Mode::Shared, 0).unwrap();
        let two = lock(&path, Mode::Shared, 0).unwrap();
        assert_eq!((one.mode(), two.mode()), (Mode::Shared, Mode::Shared));
        let error = lock(&path, Mode::Exclusive, 0).unwrap_err().to_string();
        assert_eq!(error, "another patchq works on kubeflow");
    }

    #[test]
    fn a_lock_that_is_freed_in_time_is_had() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        let held = lock(&path, Mode::Exclusive, 0).unwrap();
        let waiter = std::thread::spawn(move || lock(&path, Mode::Exclusive, 20_000).map(|lock| lock.mode()));
        std::thread::sleep(Duration::from_millis(80));
        drop(held);
        assert_eq!(waiter.join().unwrap().unwrap(), Mode::Exclusive);
    }

    #[test]
    fn a_symlink_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.lock");
        std::fs::write(dir.path().join("victim"), "dear").unwrap();
        std::os::unix::fs::symlink("victim", &path).unwrap();
        assert!(lock(&path, Mode::Exclusive, 0).is_err());
        assert_eq!(std::fs::read(dir.path().join("victim")).unwrap(), b"dear");
    }
}
