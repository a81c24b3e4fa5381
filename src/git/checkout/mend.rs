//! An index that plain git made split or sparse, made whole again by git: libgit2 reads neither.

use std::ffi::OsStr;
use std::sync::atomic::AtomicBool;

use super::CheckoutError;
use super::index::DiskIndex;
use crate::git::{GitProgram, ProgramError, Prompts, Run, Store, Watch};

/// Rewrites the store's index if libgit2 cannot read its form; says whether it did. Nothing else of the checkout
/// changes, and what is staged stays staged.
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
    // Git looks at working files when it writes an index: it takes those that the sparse set leaves out for wanted ones,
    // and runs filters over those that changed within the index's second. So it stands where there are none.
    let nowhere = tempfile::tempdir_in(store.dir()).map_err(ProgramError::Io)?;
    let stand = nowhere.path().as_os_str();
    let args = [OsStr::new("-C"), stand, OsStr::new("update-index"), OsStr::new("--force-write-index")];
    git.run(Run { git_dir: store.dir(), settings: &settings, args: &args, stdin: Vec::new() }, &mut watch)?;
    Ok(true)
}
