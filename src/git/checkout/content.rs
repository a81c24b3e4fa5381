//! Compares working files with entries of a tree: stat data first, then the content as git would store it.

use std::io::{Read, Write};
use std::path::Path;

use super::index::DiskIndex;
use super::root::{Found, Meta, Root};
use crate::git::{Entry, GitError, Id, Mode, Store};
use crate::path::RepoPath;

/// Opens the store again, with `workdir` as its working tree. New objects stay in memory: inspecting a working tree
/// must not fill the store.
pub(super) fn open_work(store: &Store, workdir: &Path) -> Result<git2::Repository, GitError> {
    let failed = || GitError::lib("cannot open the store");
    let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::BARE;
    let none: [&std::ffi::OsStr; 0] = [];
    let repo = git2::Repository::open_ext(store.dir(), flags, none).map_err(failed())?;
    repo.set_workdir(workdir, false).map_err(failed())?;
    repo.odb().and_then(|odb| odb.add_new_mempack_backend(1000).map(drop)).map_err(failed())?;
    Ok(repo)
}

/// A larger working file (in bytes) is never read as a whole, unless its line ends or `$Id$` must be undone.
const LARGE: u64 = 8 << 20;
/// How many bytes of a large file are in memory at a time.
const CHUNK: usize = 1 << 20;

/// How a working file compares to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    Equal(Meta),
    Content,
    Mode,
    Type,
    Absent,
}

/// Compares working files. Line endings and `ident` are undone as the attributes say; filter programs that attributes
/// name never run.
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

    /// Compares what was `found` at `path` with `entry`.
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

    /// Returns the id that the file or symlink would have as a blob. The blob itself is in memory afterwards, unless it
    /// is large.
    pub(super) fn stored_id(&self, root: &mut Root, path: &RepoPath, found: &Found) -> Result<Id, GitError> {
        let failed = || GitError::lib(format!("cannot read '{path}'"));
        if matches!(found, Found::Symlink(_)) {
            let target = root.read_link(path)?;
            return self.repo.blob(&target).map(Id::from).map_err(failed());
        }
        let file = path.below(root.path());
        if matches!(found, Found::File(meta) if meta.size > LARGE) && !self.converts(path)? {
            return git2::Oid::hash_file(git2::ObjectType::Blob, file).map(Id::from).map_err(failed());
        }
        self.repo.blob_path(&file).map(Id::from).map_err(failed())
    }

    /// Writes a working file to `store` in pieces. `None`: it is not a file, or its line ends or `$Id$` must be undone,
    /// which needs the whole content.
    pub(super) fn store(
        &self,
        store: &Store,
        root: &mut Root,
        path: &RepoPath,
        found: &Found,
    ) -> Result<Option<Id>, GitError> {
        let Found::File(meta) = found else { return Ok(None) };
        if self.converts(path)? {
            return Ok(None);
        }
        let failed = || GitError::lib(format!("cannot put '{path}' into the store"));
        let size = usize::try_from(meta.size).unwrap_or(usize::MAX);
        let mut file = root.open_file(path)?.take(meta.size);
        let odb = store.repo().odb().map_err(failed())?;
        let mut writer = odb.writer(size, git2::ObjectType::Blob).map_err(failed())?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let io = || GitError::io("cannot read", path.below(root.path()));
            let count = file.read(&mut chunk).map_err(io())?;
            if count == 0 {
                break;
            }
            writer.write_all(&chunk[..count]).map_err(GitError::io("cannot write to", store.dir()))?;
        }
        let id = Id::from(writer.finalize().map_err(failed())?);
        store.sync_loose(id)?;
        Ok(Some(id))
    }

    /// Checks whether git would store other bytes than those of the file, because of the attributes.
    fn converts(&self, path: &RepoPath) -> Result<bool, GitError> {
        for name in ["text", "crlf", "eol", "ident"] {
            let flags = git2::AttrCheckFlags::FILE_THEN_INDEX;
            let value = self
                .repo
                .get_attr_bytes(&path.below(Path::new("")), name, flags)
                .map_err(GitError::lib(format!("cannot read the attributes of '{path}'")))?;
            if !matches!(git2::AttrValue::from_bytes(value), git2::AttrValue::Unspecified | git2::AttrValue::False) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the mode that git would store; where the file system's executable bit has no meaning, the mode of
    /// `like`.
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

    /// Returns the attribute `name` of `path`, if it is set to a value.
    pub(super) fn attribute(&self, path: &RepoPath, name: &str) -> Result<Option<String>, GitError> {
        attribute(self.repo, path, name)
    }
}

/// Returns the attribute `name` of `path`, if it is set to a value.
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
