//! The errors of working with a store.

use std::path::PathBuf;

use super::Id;

/// A failure of libgit2, of a store, or of the disk below it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// libgit2 returned an error.
    #[error("{doing}: {}", .source.message())]
    Lib {
        /// What was tried, as `cannot …`.
        doing: String,
        /// The error from libgit2.
        source: git2::Error,
    },
    /// The operating system returned an error.
    #[error("{doing} '{}'", crate::path::printable(.path.as_os_str().as_encoded_bytes()))]
    Io {
        /// What was tried, as `cannot …`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error from the system.
        source: std::io::Error,
    },
    /// A store belongs to another user, and the user's settings do not accept it.
    #[error("the store {} belongs to another user, and git's setting safe.directory does not name it", crate::path::printable(.dir.as_os_str().as_encoded_bytes()))]
    ForeignStore {
        /// The store.
        dir: PathBuf,
    },
    /// An object that must be in the store is missing.
    #[error("the store lacks {kind} {id}")]
    Missing {
        /// `tree`, `commit` or `blob`.
        kind: &'static str,
        /// Its id.
        id: Id,
    },
    /// The content of an object is not valid for its kind.
    #[error("{kind} {id} is damaged: {what}")]
    Damaged {
        /// `tree` or `commit`.
        kind: &'static str,
        /// Its id.
        id: Id,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file is to be written where a folder keeps other files, or below another file.
    #[error("'{0}' is a folder on one side and a file on the other")]
    InTheWay(crate::path::RepoPath),
    /// A tree holds a path that no checkout may hold.
    #[error("upstream's tree has a path that patchq refuses to write: {0}")]
    EvilPath(crate::path::BadPath),
    /// A ref that no store can hold, or that does not fit beside the existing refs.
    #[error("the ref {} cannot be written: {why}", crate::path::printable(.name.as_bytes()))]
    RefUnfit {
        /// The ref's full name.
        name: String,
        /// What is in the way.
        why: String,
    },
    /// A ref is not where the caller last saw it.
    #[error("the ref {} was moved by another program: expected {}, found {}", crate::path::printable(.name.as_bytes()), show(.expected), show(.found))]
    RefMoved {
        /// The ref's full name.
        name: String,
        /// The commit that the caller expected.
        expected: Option<Id>,
        /// The commit that the ref is at.
        found: Option<Id>,
    },
}

fn show(id: &Option<Id>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.short(12))
}

impl GitError {
    /// For `map_err`: wraps an error from libgit2 with what was tried.
    pub(crate) fn lib(doing: impl Into<String>) -> impl FnOnce(git2::Error) -> GitError {
        let doing = doing.into();
        move |source| GitError::Lib { doing, source }
    }

    /// For `map_err`: wraps an error from the system with what was tried and the path.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> GitError {
        let path = path.into();
        move |source| GitError::Io { doing, path, source }
    }
}
