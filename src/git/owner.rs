//! Whose a repository is. git opens what belongs to another user only where `safe.directory` allows it. libgit2 has the same
//! check and knows `~/.gitconfig` alone, so that `GIT_CONFIG_GLOBAL` and the like would not count; it is switched off, and
//! whoever opens a store asks [`is_foreign`] before and [`GitProgram::accepts_owner_of`] where it is.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Once;

use super::program::GitProgram;

/// Switches libgit2's own check off, once for the process. Call it before a repository is opened or made.
#[allow(unsafe_code)]
pub(super) fn disable_libgit2_owner_check() {
    static ONCE: Once = Once::new();
    // SAFETY: this sets a number that libgit2 reads when it opens a repository. `Once` lets one thread write it, and every
    // other that is about to open one waits until that is done.
    ONCE.call_once(|| unsafe {
        // Without the switch the check is only stricter, so nothing is done about an error.
        let _ = git2::opts::set_verify_owner_validation(false);
    });
}

/// Checks whether the folder at `dir` belongs to another user than the one this process acts for.
///
/// # Errors
/// The system's own, when the folder cannot be looked at; [`io::ErrorKind::NotFound`] where there is none.
pub fn is_foreign(dir: &Path) -> io::Result<bool> {
    let owner = std::fs::metadata(dir)?.uid();
    Ok(owner != rustix::process::geteuid().as_raw())
}

impl GitProgram {
    /// Checks whether git, with all settings of the user, works in the repository at `dir` although it belongs to
    /// another user.
    #[must_use]
    pub fn accepts_owner_of(&self, dir: &Path) -> bool {
        // `safe.bareRepository` is about repositories that a clone brings along, and a store is none.
        let args = ["-c", "safe.bareRepository=all", "rev-parse", "--git-dir"];
        self.ask_for_user(dir, &args).is_ok_and(|answer| answer.is_some())
    }
}
