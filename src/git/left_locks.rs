//! Removes lock files that a killed process left in a store. libgit2 and git remove them at every other end of a run; a
//! lock that stays blocks all later writes.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::GitError;

/// A lock that did not change for this long was left behind. git holds these locks for milliseconds. The lock on the
/// index is not among them: git holds it while an editor is open.
const STILL: Duration = Duration::from_secs(1);

/// Removes the lock files of refs and settings, and incomplete objects, that a killed patchq left in the store at
/// `dir`. The caller holds the upstream's lock and knows that its last holder did not release it.
///
/// Only patchq writes below `refs/patchq`, so those locks are removed at once. Others may belong to a git that is
/// running: they are removed when they do not change for a second.
///
/// # Errors
/// [`GitError`] when a lock cannot be removed.
pub fn clear_left_locks(dir: &Path) -> Result<(), GitError> {
    let own = dir.join("refs/patchq");
    let all = |dir: &Path| locks(dir).into_iter().chain(halves(dir)).collect::<Vec<_>>();
    let (ours, others) = all(dir).into_iter().partition(|(path, _)| path.starts_with(&own));
    clear(dir, all, ours, others)
}

/// Removes the lock files that a killed fetch left in the store at `dir`. The caller holds the lock on fetches alone: all
/// else may belong to somebody who works in the store, so what goes must have made no progress for a second.
///
/// # Errors
/// [`GitError`] when a lock cannot be removed.
pub fn clear_left_fetch_locks(dir: &Path) -> Result<(), GitError> {
    clear(dir, locks, Vec::new(), locks(dir))
}

/// A lock file, and when it was written.
type Left = (PathBuf, Option<SystemTime>);

/// Removes all of `ours`, and those of `others` that do not change.
fn clear(dir: &Path, look: impl Fn(&Path) -> Vec<Left>, ours: Vec<Left>, others: Vec<Left>) -> Result<(), GitError> {
    if !others.is_empty() {
        std::thread::sleep(STILL);
    }
    let now = if others.is_empty() { Vec::new() } else { look(dir) };
    for (path, _) in ours.into_iter().chain(others.into_iter().filter(|lock| now.contains(lock))) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(GitError::io("cannot remove", path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Lists incomplete objects and packs from libgit2, and incomplete objects from git. Packs from git are left out: a
/// transfer may pause for longer than this code waits.
fn halves(dir: &Path) -> Vec<Left> {
    let objects = WalkDir::new(dir.join("objects")).max_depth(2).into_iter().filter_map(Result::ok);
    let half = |name: &[u8]| name.starts_with(b"tmp_obj") || name.starts_with(b"pack_git2_");
    let found = objects.filter(|entry| half(entry.file_name().as_encoded_bytes()));
    let files = found.filter_map(|entry| entry.path().symlink_metadata().ok().map(|meta| (entry.into_path(), meta)));
    files.filter(|(_, meta)| meta.is_file()).map(|(path, meta)| (path, meta.modified().ok())).collect()
}

/// Lists the lock files.
fn locks(dir: &Path) -> Vec<Left> {
    let top = ["HEAD.lock", "config.lock", "config.worktree.lock", "packed-refs.lock", "shallow.lock"];
    let below = WalkDir::new(dir.join("refs")).into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    let found = below.filter(|path| path.extension() == Some(OsStr::new("lock"))).chain(top.map(|name| dir.join(name)));
    let files = found.filter_map(|path| fs::symlink_metadata(&path).ok().map(|meta| (path, meta)));
    files.filter(|(_, meta)| meta.is_file()).map(|(path, meta)| (path, meta.modified().ok())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn locks_that_stand_still_go_and_those_in_use_stay() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir_all(at("refs/patchq/undo")).unwrap();
        fs::create_dir_all(at("refs/heads")).unwrap();
        for name in ["refs/patchq/undo/000001.lock", "refs/heads/patchq.lock", "refs/heads/patchq", "index.lock"] {
            fs::write(at(name), "x").unwrap();
        }
        let busy = at("config.lock");
        fs::write(&busy, "first").unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(STILL / 2);
            fs::write(&busy, "second").unwrap();
        });
        clear_left_locks(dir.path()).unwrap();
        writer.join().unwrap();
        assert!(!at("refs/patchq/undo/000001.lock").exists() && !at("refs/heads/patchq.lock").exists());
        assert!(at("refs/heads/patchq").exists() && at("index.lock").exists() && at("config.lock").exists());
    }

    #[test]
    fn halves_of_objects_that_stand_still_go() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join("objects").join(name);
        fs::create_dir_all(at("ab")).unwrap();
        fs::create_dir_all(at("pack")).unwrap();
        let left = ["ab/tmp_obj_Ab12", "tmp_object_git2_x1", "pack/pack_git2_x1"];
        let stay = ["ab/cdef", "pack/pack-1.pack", "pack/tmp_pack_Ab12"];
        for name in left.iter().chain(&stay) {
            fs::write(at(name), "x").unwrap();
        }
        let busy = at("ab/tmp_obj_busy");
        fs::write(&busy, "first").unwrap();
        let writer = std::thread::spawn(move || {
            std::thread::sleep(STILL / 2);
            fs::write(&busy, "second").unwrap();
        });
        clear_left_locks(dir.path()).unwrap();
        writer.join().unwrap();
        assert!(left.iter().all(|name| !at(name).exists()), "{left:?}");
        assert!(stay.iter().all(|name| at(name).exists()) && at("ab/tmp_obj_busy").exists());
    }
}
