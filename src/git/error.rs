//! What can go wrong between us and a store.

use std::path::PathBuf;

use super::Id;

/// A failure of libgit2, of a store, or of the disk below it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// libgit2 said no; `doing` says what was wanted from it.
    #[error("{doing}: {}", .source.message())]
    Lib {
        /// What was wanted, as `cannot …`.
        doing: String,
        /// libgit2's own word.
        source: git2::Error,
    },
    /// The disk said no.
    #[error("{doing} '{}'", crate::path::printable(.path.as_os_str().as_encoded_bytes()))]
    Io {
        /// What was wanted, as `cannot …`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own word.
        source: std::io::Error,
    },
    /// A store belongs to another user, and the user's settings do not accept it.
    #[error("the store {} belongs to another user, and git's setting safe.directory does not name it", crate::path::printable(.dir.as_os_str().as_encoded_bytes()))]
    ForeignStore {
        /// The store.
        dir: PathBuf,
    },
    /// An object that must be in the store is not.
    #[error("the store lacks {kind} {id}")]
    Missing {
        /// `tree`, `commit` or `blob`.
        kind: &'static str,
        /// Which one.
        id: Id,
    },
    /// An object is not what its kind demands.
    #[error("{kind} {id} is damaged: {what}")]
    Damaged {
        /// `tree` or `commit`.
        kind: &'static str,
        /// Which one.
        id: Id,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file is to stand where a folder keeps other files, or below another file.
    #[error("'{0}' is a folder on one side and a file on the other")]
    InTheWay(crate::path::RepoPath),
    /// A tree holds a path that no checkout may hold.
    #[error("upstream's tree has a path that patchq refuses to write: {0}")]
    EvilPath(crate::path::BadPath),
    /// A ref that no store can hold, or not beside those that it has.
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
        /// What the caller counted on.
        expected: Option<Id>,
        /// What stands there.
        found: Option<Id>,
    },
}

fn show(id: &Option<Id>) -> String {
    id.map_or_else(|| "nothing".to_owned(), |id| id.short(12))
}

impl GitError {
    /// For `map_err`: libgit2's error with what was wanted.
    pub(crate) fn lib(doing: impl Into<String>) -> impl FnOnce(git2::Error) -> GitError {
        let doing = doing.into();
        move |source| GitError::Lib { doing, source }
    }

    /// For `map_err`: the system's error with what was wanted of which path.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> GitError {
        let path = path.into();
        move |source| GitError::Io { doing, path, source }
    }
}
