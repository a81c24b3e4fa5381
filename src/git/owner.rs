//! Checks who owns a repository. git opens a repository of another user only if `safe.directory` allows it. libgit2 has
//! the same check but reads only `~/.gitconfig` and ignores `GIT_CONFIG_GLOBAL`, so its check is switched off. Whoever
//! opens a store calls [`is_foreign`] first, and [`GitProgram::accepts_owner_of`] if it is.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Once;

use super::program::GitProgram;

/// Switches libgit2's own check off, once per process. Must be called before a repository is opened or made.
#[allow(unsafe_code)]
pub(super) fn disable_libgit2_owner_check() {
    static ONCE: Once = Once::new();
    // SAFETY: this sets a number that libgit2 reads when it opens a repository. `Once` lets one thread write it; every
    // other thread that is about to open a repository waits until that is done.
    ONCE.call_once(|| unsafe {
        // When this fails, the check stays on and is only stricter, so the error is ignored.
        let _ = git2::opts::set_verify_owner_validation(false);
    });
}

/// Checks whether the folder at `dir` belongs to a user other than the one this process acts for.
///
/// # Errors
/// The system's error when the folder cannot be read; [`io::ErrorKind::NotFound`] when there is none.
pub fn is_foreign(dir: &Path) -> io::Result<bool> {
    let owner = std::fs::metadata(dir)?.uid();
    Ok(owner != rustix::process::geteuid().as_raw())
}

impl GitProgram {
    /// Checks whether git, with all settings of the user, accepts the repository at `dir` although it belongs to
    /// another user.
    #[must_use]
    pub fn accepts_owner_of(&self, dir: &Path) -> bool {
        // `safe.bareRepository` is about repositories inside a clone; a store is not one.
        let args = ["-c", "safe.bareRepository=all", "rev-parse", "--git-dir"];
        self.ask_for_user(dir, &args).is_ok_and(|answer| answer.is_some())
    }
}
