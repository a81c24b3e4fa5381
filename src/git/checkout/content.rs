//! Working files against entries of a tree: stat data first, then the content as git would store it.

use std::path::Path;

use super::index::DiskIndex;
use super::root::{Found, Meta, Root};
use crate::git::{Entry, GitError, Id, Mode, Store};
use crate::path::RepoPath;

/// A second handle on a store whose working tree is `workdir`. New objects stay in memory: looking at a working
/// tree must not fill the store.
pub(super) fn open_work(store: &Store, workdir: &Path) -> Result<git2::Repository, GitError> {
    let failed = || GitError::lib("cannot open the store");
    let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::BARE;
    let none: [&std::ffi::OsStr; 0] = [];
    let repo = git2::Repository::open_ext(store.dir(), flags, none).map_err(failed())?;
    repo.set_workdir(workdir, false).map_err(failed())?;
    repo.odb().and_then(|odb| odb.add_new_mempack_backend(1000).map(drop)).map_err(failed())?;
    Ok(repo)
}

/// How a working file stands to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    Equal(Meta),
    Content,
    Mode,
    Type,
    Absent,
}

/// Compares working files. Line endings and `ident` are undone as the attributes say; programs that attributes
/// name as filters are never run.
pub(super) struct Content<'a> {
    pub(super) repo: &'a git2::Repository,
    pub(super) index: Option<&'a DiskIndex>,
    trust_mode: bool,
}

impl<'a> Content<'a> {
    pub(super) fn new(repo: &'a git2::Repository, index: Option<&'a DiskIndex>) -> Content<'a> {
        let trust_mode = repo.config().and_then(|config| config.get_bool("core.filemode")).unwrap_or(true);
        Content { repo, index, trust_mode }
    }

    /// How what was `found` at `path` stands to `entry`.
    pub(super) fn compare(
        &self,
        root: &mut Root,
        path: &RepoPath,
        found: &Found,
        entry: Entry,
    ) -> Result<Against, GitError> {
        let meta = match (found, entry.mode) {
            (Found::Absent | Found::Blocked { .. }, _) => return Ok(Against::Absent),
            (Found::File(meta), Mode::File | Mode::Executable) | (Found::Symlink(meta), Mode::Symlink) => *meta,
            _ => return Ok(Against::Type),
        };
        let same_bytes = self.index.is_some_and(|index| index.proves(path, entry, &meta))
            || self.stored_id(root, path, found)? == entry.id;
        let same_mode =
            !self.trust_mode || entry.mode == Mode::Symlink || meta.executable == (entry.mode == Mode::Executable);
        Ok(match (same_bytes, same_mode) {
            (false, _) => Against::Content,
            (true, false) => Against::Mode,
            (true, true) => Against::Equal(meta),
        })
    }

    /// The id that the file or symlink would have as a blob. The blob itself is in memory afterwards.
    pub(super) fn stored_id(&self, root: &mut Root, path: &RepoPath, found: &Found) -> Result<Id, GitError> {
        let failed = || GitError::lib(format!("cannot read '{path}'"));
        if matches!(found, Found::Symlink(_)) {
            let target = root.read_link(path)?;
            return self.repo.blob(&target).map(Id::from).map_err(failed());
        }
        self.repo.blob_path(&path.below(root.path())).map(Id::from).map_err(failed())
    }

    /// The mode that what was `found` would be stored with; where the file system's own bit means nothing, `like`'s.
    pub(super) fn mode(&self, found: &Found, like: Option<Mode>) -> Option<Mode> {
        match found {
            Found::Symlink(_) => Some(Mode::Symlink),
            Found::File(_) if !self.trust_mode => {
                Some(like.filter(|mode| *mode == Mode::Executable).unwrap_or(Mode::File))
            }
            Found::File(meta) if meta.executable => Some(Mode::Executable),
            Found::File(_) => Some(Mode::File),
            _ => None,
        }
    }

    /// The attribute `name` of `path`, where it is set to a value.
    pub(super) fn attribute(&self, path: &RepoPath, name: &str) -> Result<Option<String>, GitError> {
        attribute(self.repo, path, name)
    }
}

/// The attribute `name` of `path`, where it is set to a value.
pub(super) fn attribute(repo: &git2::Repository, path: &RepoPath, name: &str) -> Result<Option<String>, GitError> {
    let flags = git2::AttrCheckFlags::FILE_THEN_INDEX;
    let value = repo
        .get_attr_bytes(&path.below(Path::new("")), name, flags)
        .map_err(GitError::lib(format!("cannot read the attributes of '{path}'")))?;
    Ok(match git2::AttrValue::from_bytes(value) {
        git2::AttrValue::String(text) => Some(text.to_owned()),
        git2::AttrValue::Bytes(bytes) => Some(crate::path::printable(bytes)),
        _ => None,
    })
}
