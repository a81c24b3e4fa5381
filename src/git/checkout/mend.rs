//! Lets git rewrite an index that plain git made split or sparse, because libgit2 reads neither form.

use std::ffi::OsStr;
use std::sync::atomic::AtomicBool;

use super::CheckoutError;
use super::index::DiskIndex;
use crate::git::{GitProgram, ProgramError, Prompts, Run, Store, Watch};

/// Rewrites the store's index if libgit2 cannot read its form; returns whether it did. Nothing else of the checkout
/// changes, and staged changes stay.
///
/// # Errors
/// [`ProgramError`] when git cannot do it.
pub fn mend_index(store: &Store, git: &GitProgram) -> Result<bool, ProgramError> {
    if !matches!(DiskIndex::read(store.dir()), Err(CheckoutError::IndexForm { .. })) {
        return Ok(false);
    }
    let never = AtomicBool::new(false);
    let mut watch = Watch { prompts: Prompts::Never, cancel: &never, progress: None };
    let settings = ["index.sparse=false".to_owned(), "core.splitIndex=false".to_owned()];
    // When git writes an index, it looks at working files: it takes those outside the sparse set as wanted, and runs
    // filters on files that changed within the index's second. So git runs here in an empty folder.
    let nowhere = tempfile::tempdir_in(store.dir()).map_err(ProgramError::Io)?;
    let stand = nowhere.path().as_os_str();
    let args = [OsStr::new("-C"), stand, OsStr::new("update-index"), OsStr::new("--force-write-index")];
    git.run(Run { git_dir: store.dir(), settings: &settings, args: &args, stdin: Vec::new() }, &mut watch)?;
    Ok(true)
}
