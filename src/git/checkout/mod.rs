//! The checkout: a sparse working tree on a branch of the store, which plain git accepts as its own.
//!
//! libgit2 supports neither sparse working trees nor missing blobs, so this code moves the working tree path by path:
//! one pass finds every obstacle, a second one writes. Nothing is reached through a symlink, and no program runs.

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
    /// No tracked file is written or removed: every difference from the commit stays as an uncommitted change (a
    /// missing file as a deletion). For a folder that is connected to a rebuilt store.
    Keep,
    /// They stay as uncommitted changes; all others are moved. For reverting a move that stopped in between.
    Spare,
}

/// A move of the checkout.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The commit of the working tree now; files equal to it may be replaced and removed. `None`: there is none yet.
    pub old: Option<Id>,
    /// The commit to move to.
    pub commit: Id,
    /// Which of its paths the checkout holds.
    pub sparse: &'a SparseSet,
    /// What happens to files with other content.
    pub differences: Differences,
    /// Paths that the caller knows to have uncommitted changes. If both commits are the same at such a path, it stays
    /// as it is (a missing file stays missing, a staged change stays staged), as in `git switch`.
    pub changed: &'a BTreeSet<RepoPath>,
    /// The text of `version.txt`; `None`: there is no such file.
    pub version: Option<&'a str>,
    /// One line for the branch's reflog.
    pub reason: &'a str,
}

/// How a move ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The move is done.
    Done(Materialized),
    /// There are obstacles; nothing was changed.
    Refused(Vec<Obstacle>),
    /// The store lacks these blobs; nothing was changed.
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
    /// Paths that differ from the commit and are left so ([`Differences::Keep`], [`Differences::Spare`],
    /// [`Plan::changed`]).
    pub kept: Vec<RepoPath>,
    /// Warnings for the user.
    pub warnings: Vec<Warning>,
}

/// A difference from what plain git would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Files whose attributes name a filter program or an encoding; they are written as they are stored.
    Unfiltered {
        /// `filter` or `working-tree-encoding`.
        attribute: &'static str,
        /// How many of the written files.
        count: usize,
        /// The first of them.
        example: RepoPath,
    },
    /// The folder of a submodule that was removed upstream is not empty, and stays.
    SubmoduleLeft {
        /// Which folder.
        path: RepoPath,
    },
    /// `version.txt` was not written.
    VersionFile {
        /// Upstream has a file of that name; otherwise the user has one.
        tracked: bool,
    },
}

/// A path that a move would have to overwrite or follow.
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
    /// The index holds an unmerged path.
    #[error("a merge left it undecided")]
    Conflicted,
    /// An untracked file is where the commit has one.
    #[error("an untracked file is in the way")]
    Untracked,
    /// A folder with files is where the commit has a file.
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
        /// The broken rule.
        why: String,
    },
    /// No file system here can hold the path.
    #[error("it cannot be written: {why}")]
    Unwritable {
        /// The name that is too long, or the kind of entry.
        why: String,
    },
    /// Two paths of the commit are one for file systems that fold letter case or Unicode form.
    #[error("some file systems read it as '{with}'")]
    Collides {
        /// The other path.
        with: String,
    },
    /// The checkout's folder belongs to something else.
    #[error("the folder is not a checkout of this upstream")]
    NotOurs {
        /// What it is.
        found: Attachment,
    },
}

/// The errors of a checkout.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// The disk or the store failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Plain git made the index split or sparse, which libgit2 does not read; the git program can rewrite it.
    #[error("the index '{}' is split or sparse", .path.display())]
    IndexForm {
        /// The index.
        path: PathBuf,
    },
    /// Another program holds the lock on the index.
    #[error("another git process holds '{}'", .path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
    },
    /// A file changed while the checkout was being moved; running again reads it again.
    #[error("'{path}' was changed while the checkout was being moved")]
    ChangedMeanwhile {
        /// The file.
        path: RepoPath,
    },
}
