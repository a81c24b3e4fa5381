//! The checkout: a sparse working tree of a store's branch, which plain git takes for one of its own.
//!
//! libgit2 knows neither sparse working trees nor working trees that may lack blobs, so the working tree is moved
//! here, path by path: one pass that looks and collects every obstacle, one that writes. Nothing is ever reached
//! through a symlink, and no program is run.

mod attach;
mod cache_tree;
mod check;
mod content;
mod export;
mod fits;
mod folding;
mod hand_over;
mod head;
mod ignore;
mod index;
mod listing;
mod mend;
mod place;
mod root;
mod sparse;
mod stage;
mod status;
mod submodule;
mod untracked;
mod version;
mod write;

use std::collections::BTreeSet;
use std::path::PathBuf;

pub use attach::{Attachment, attach, attachment, detach};
pub use export::export_copy;
pub use fits::ref_fits;
pub use hand_over::{HandOver, Indexed, Unmerged, forget_pick, hand_over, hand_over_obstacles, indexed, picked};
pub use head::{HeadState, Line, commits, head, operation};
pub use listing::wanted_blobs;
pub use mend::mend_index;
pub use place::is_in_place;
pub use sparse::SparseSet;
pub use status::{ChangeKind, WorkChange, WorkFile, WorkFiles, status, work_files};
pub use write::{materialize, obstacles};

use super::{GitError, Id};
use crate::path::RepoPath;

/// What happens to working files that are neither the old nor the new version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differences {
    /// They are obstacles.
    Refuse,
    /// No tracked file is written or removed: whatever differs from the commit stays as an uncommitted change
    /// (a missing file as a deletion). For a folder that is tied to a rebuilt store.
    Keep,
    /// They stay as uncommitted changes, all others are moved. For taking a move back that stopped in between.
    Spare,
}

/// A move of the checkout.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The commit that the working tree stands on; files equal to it may be replaced and removed. `None`: there
    /// is none yet.
    pub old: Option<Id>,
    /// The commit to stand on.
    pub commit: Id,
    /// Which of its paths the checkout holds.
    pub sparse: &'a SparseSet,
    /// What happens to other files.
    pub differences: Differences,
    /// Paths that the caller knows to have uncommitted changes: where both commits have the same at one, it stays as
    /// it is (a missing file stays missing, what is staged stays staged), as `git switch` leaves it.
    pub changed: &'a BTreeSet<RepoPath>,
    /// What `version.txt` says; `None`: there is none.
    pub version: Option<&'a str>,
    /// One line for the branch's log.
    pub reason: &'a str,
}

/// How a move ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Done(Materialized),
    /// These are in the way; nothing was touched.
    Refused(Vec<Obstacle>),
    /// These blobs are not in the store; nothing was touched.
    Need(BTreeSet<Id>),
}

/// What a move did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Materialized {
    /// How many files of the tree are on disk and right.
    pub files: usize,
    /// How many of them were written.
    pub written: usize,
    /// How many files were removed.
    pub removed: usize,
    /// Paths that differ from the commit and stay so ([`Differences::Keep`], [`Differences::Spare`], [`Plan::changed`]).
    pub kept: Vec<RepoPath>,
    /// What the user should hear.
    pub warnings: Vec<Warning>,
}

/// Something that is not as plain git would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Files whose attributes name a filter program or an encoding; they are as they are stored.
    Unfiltered {
        /// `filter` or `working-tree-encoding`.
        attribute: &'static str,
        /// How many of the files that were written.
        count: usize,
        /// The first of them.
        example: RepoPath,
    },
    /// The folder of a submodule that is gone upstream is not empty and was left.
    SubmoduleLeft {
        /// Which folder.
        path: RepoPath,
    },
    /// `version.txt` was not written.
    VersionFile {
        /// Because upstream has a file of that name; otherwise because the user has.
        tracked: bool,
    },
}

/// Something that a move would have to overwrite or follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The path, printable; `.` for the checkout's folder itself.
    pub path: String,
    /// What is wrong there.
    pub reason: Reason,
}

/// Why a path is an obstacle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A tracked file was changed and not committed.
    #[error("it has local changes")]
    LocalChange,
    /// The index holds a change that is not committed.
    #[error("it has staged changes")]
    Staged,
    /// The index holds an undecided merge.
    #[error("a merge left it undecided")]
    Conflicted,
    /// An untracked file stands where the commit has one.
    #[error("an untracked file is in the way")]
    Untracked,
    /// A folder with files stands where the commit has a file.
    #[error("a folder with '{holds}' in it is in the way")]
    FolderInTheWay {
        /// A file in it that would be lost.
        holds: String,
    },
    /// A file stands where the commit has a folder.
    #[error("a file is where a folder belongs")]
    FileOnTheWay,
    /// A symlink stands where the commit has a folder.
    #[error("a symlink is where a folder belongs")]
    SymlinkOnTheWay,
    /// A socket, a pipe or a device.
    #[error("it is not a file, a folder or a symlink")]
    NoFile,
    /// The commit's path is not safe to write.
    #[error("the commit has a path that cannot be written: {why}")]
    UnsafePath {
        /// The rule it breaks.
        why: String,
    },
    /// No file system here can hold it.
    #[error("it cannot be written: {why}")]
    Unwritable {
        /// Its name, or what it is.
        why: String,
    },
    /// Two paths of the commit are one for file systems that fold letter case or Unicode form.
    #[error("some file systems read it as '{with}'")]
    Collides {
        /// The other path.
        with: String,
    },
    /// The checkout's folder belongs to somebody else.
    #[error("the folder is not a checkout of this upstream")]
    NotOurs {
        /// What it is.
        found: Attachment,
    },
}

/// What can go wrong with a checkout.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// Disk or store.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Plain git made the index split or sparse, which libgit2 does not read; the git program can rewrite it.
    #[error("the index '{}' is split or sparse", .path.display())]
    IndexForm {
        /// The index.
        path: PathBuf,
    },
    /// Another program holds the index.
    #[error("another git process holds '{}'", .path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
    },
    /// Somebody changed a file while the checkout was being moved; running again looks afresh.
    #[error("'{path}' was changed while the checkout was being moved")]
    ChangedMeanwhile {
        /// The file.
        path: RepoPath,
    },
}
