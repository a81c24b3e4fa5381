//! The errors when neither the files nor the commits of an upstream can be taken: the refusals in the table of "who is
//! right".

use super::last_copy::LastCopy;
use super::sides::{NewCommit, Unreadable};
use crate::git::checkout::WorkChange;
use crate::workspace::files::digest::QueueChange;

/// Why a command may not take the side that it should take.
#[derive(Debug, thiserror::Error)]
pub enum SideError {
    /// The checkout's uncommitted changes are in the way.
    #[error("the checkout has uncommitted changes, and the patch files are newer")]
    Dirty(Vec<WorkChange>),
    /// The checkout has commits that are in no patch file.
    #[error("the checkout has commits that are in no patch file")]
    Commits(Vec<NewCommit>),
    /// Both sides changed.
    #[error("patch files and checkout have diverged")]
    Diverged {
        /// How the files changed.
        files: Vec<QueueChange>,
        /// The checkout's commits that are in no patch file, oldest first; empty if commits were only dropped.
        commits: Vec<NewCommit>,
    },
    /// Patch files that patchq wrote are gone, and the checkout's commits are all that is left of them.
    #[error("patch files are missing, and only the checkout has these patches")]
    LastCopy(Vec<LastCopy>),
    /// The checkout's commits are not a queue.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The files changed while this command ran.
    #[error("the patch files changed while this command ran; run it again")]
    ChangedMeanwhile,
}
