//! Accesses the files of the working tree, part by part from its top folder and never through a symlink.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode as Permissions, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use crate::git::GitError;
use crate::path::RepoPath;

/// The part of a file's stat data that git's index keeps. Numbers are cut to 32 bits as in git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) executable: bool,
    pub(super) size: u64,
    pub(super) mtime: (i32, u32),
    pub(super) ctime: (i32, u32),
    pub(super) dev: u32,
    pub(super) ino: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// What is at a path of the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Absent,
    File(Meta),
    Symlink(Meta),
    Folder,
    /// A socket, a device, a pipe.
    Other,
    /// Something above the path is not a folder.
    Blocked {
        at: RepoPath,
        symlink: bool,
    },
}

/// An open working tree. The folders of the last used path stay open, so that a walk over a sorted list of paths opens
/// each folder once.
pub(super) struct Root {
    top: OwnedFd,
    path: PathBuf,
    open: Vec<(Vec<u8>, OwnedFd)>,
}

/// The parent folder of a path, or why there is none.
enum Parent {
    Open,
    Absent,
    Blocked { at: RepoPath, symlink: bool },
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Root {
    /// Opens the folder at `path`, which must not be a symlink itself.
    pub(super) fn open(path: &Path) -> Result<Root, GitError> {
        let top = rustix::fs::open(path, FOLDER, Permissions::empty())
            .map_err(|error| GitError::io("cannot open the folder", path)(error.into()))?;
        Ok(Root { top, path: path.to_owned(), open: Vec::new() })
    }

    /// Returns the longest file name here, in bytes; `None`: the file system does not report it.
    pub(super) fn longest_name(&self) -> Option<usize> {
        let longest = rustix::fs::fstatvfs(&self.top).ok()?.f_namemax;
        usize::try_from(longest).ok().filter(|longest| *longest > 0)
    }

    /// Returns the folder's own path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, doing: &'static str, path: &RepoPath) -> impl FnOnce(Errno) -> GitError + use<> {
        let path = path.below(&self.path);
        move |error| GitError::io(doing, path)(error.into())
    }

    fn last(&self) -> &OwnedFd {
        self.open.last().map_or(&self.top, |(_, fd)| fd)
    }

    /// Opens the folders above `path`; makes them if `make` is set.
    fn enter(&mut self, path: &RepoPath, make: bool) -> Result<Parent, GitError> {
        let parts: Vec<&[u8]> = path.parts().collect();
        let above = &parts[..parts.len() - 1];
        let common = self.open.iter().zip(above).take_while(|((name, _), part)| name.as_slice() == **part).count();
        self.open.truncate(common);
        for part in &above[common..] {
            let mut next = rustix::fs::openat(self.last(), *part, FOLDER, Permissions::empty());
            if make && matches!(next, Err(Errno::NOENT)) {
                rustix::fs::mkdirat(self.last(), *part, Permissions::from_raw_mode(0o777))
                    .map_err(self.failed("cannot make the folder of", path))?;
                next = rustix::fs::openat(self.last(), *part, FOLDER, Permissions::empty());
            }
            match next {
                Ok(fd) => self.open.push((part.to_vec(), fd)),
                // A name that is too long does not exist.
                Err(Errno::NOENT | Errno::NAMETOOLONG) => return Ok(Parent::Absent),
                Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
                    let stat = rustix::fs::statat(self.last(), *part, AtFlags::SYMLINK_NOFOLLOW)
                        .map_err(self.failed("cannot look at", path))?;
                    let symlink = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
                    let at = above_at(path, self.open.len() + 1);
                    return Ok(Parent::Blocked { at, symlink });
                }
                Err(error) => return Err(self.failed("cannot open the folder of", path)(error)),
            }
        }
        Ok(Parent::Open)
    }

    /// Returns what is at `path`.
    pub(super) fn look(&mut self, path: &RepoPath) -> Result<Found, GitError> {
        match self.enter(path, false)? {
            Parent::Absent => return Ok(Found::Absent),
            Parent::Blocked { at, symlink } => return Ok(Found::Blocked { at, symlink }),
            Parent::Open => {}
        }
        match rustix::fs::statat(self.last(), path.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Found::File(meta(&stat)),
                FileType::Symlink => Found::Symlink(meta(&stat)),
                FileType::Directory => Found::Folder,
                _ => Found::Other,
            }),
            Err(Errno::NOENT | Errno::NAMETOOLONG) => Ok(Found::Absent),
            Err(error) => Err(self.failed("cannot look at", path)(error)),
        }
    }

    /// Returns the target of the symlink at `path`.
    pub(super) fn read_link(&mut self, path: &RepoPath) -> Result<Vec<u8>, GitError> {
        self.must_enter(path, false)?;
        rustix::fs::readlinkat(self.last(), path.file_name(), Vec::new())
            .map(std::ffi::CString::into_bytes)
            .map_err(self.failed("cannot read the symlink", path))
    }

    /// Opens the file at `path` for reading.
    pub(super) fn open_file(&mut self, path: &RepoPath) -> Result<std::fs::File, GitError> {
        self.must_enter(path, false)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let fd = rustix::fs::openat(self.last(), path.file_name(), flags, Permissions::empty())
            .map_err(self.failed("cannot open", path))?;
        Ok(std::fs::File::from(fd))
    }

    /// Returns the content of the file at `path`, at most `limit` bytes of it.
    pub(super) fn read(&mut self, path: &RepoPath, limit: u64) -> Result<Vec<u8>, GitError> {
        let file = self.open_file(path)?;
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, limit), &mut bytes)
            .map_err(GitError::io("cannot read", path.below(&self.path)))?;
        Ok(bytes)
    }

    /// Returns the names and kinds of a folder's entries (`None`: the top), sorted.
    pub(super) fn entries(&mut self, folder: Option<&RepoPath>) -> Result<Vec<(Vec<u8>, Kind)>, GitError> {
        let shown = folder.map_or_else(|| self.path.clone(), |folder| folder.below(&self.path));
        let failed = |error: Errno| GitError::io("cannot list the folder", shown.clone())(error.into());
        let fd = match folder {
            None => rustix::fs::openat(&self.top, ".", FOLDER, Permissions::empty()).map_err(failed)?,
            Some(folder) => {
                self.must_enter(folder, false)?;
                rustix::fs::openat(self.last(), folder.file_name(), FOLDER, Permissions::empty()).map_err(failed)?
            }
        };
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(&fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let mut kind = entry.file_type();
            if kind == FileType::Unknown {
                let stat = rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
                kind = FileType::from_raw_mode(stat.st_mode);
            }
            let kind = match kind {
                FileType::Directory => Kind::Folder,
                FileType::RegularFile | FileType::Symlink => Kind::File,
                _ => Kind::Other,
            };
            found.push((name.to_vec(), kind));
        }
        found.sort();
        Ok(found)
    }

    fn must_enter(&mut self, path: &RepoPath, make: bool) -> Result<(), GitError> {
        match self.enter(path, make)? {
            Parent::Open => Ok(()),
            Parent::Absent => Err(self.failed("cannot open the folder of", path)(Errno::NOENT)),
            Parent::Blocked { .. } => Err(self.failed("cannot open the folder of", path)(Errno::NOTDIR)),
        }
    }

    /// Moves the file or symlink at `from`, already complete, to `path`. With `fresh` there must be nothing at `path`;
    /// otherwise whatever is there is replaced in one step.
    pub(super) fn place(&mut self, from: &Path, path: &RepoPath, fresh: bool) -> Result<(), GitError> {
        self.must_enter(path, true)?;
        let failed = self.failed("cannot put into place", path);
        match rename(rustix::fs::CWD, from, self.last(), path.file_name(), fresh) {
            // The store may be on another file system (for example for a linked worktree of the workspace).
            Err(Errno::XDEV) => {
                copy(from, &self.path.join(DRAFT))?;
                rename(self.top.as_fd(), Path::new(DRAFT), self.last(), path.file_name(), fresh).map_err(failed)
            }
            other => other.map_err(failed),
        }
    }

    /// Removes the draft that a killed run may have left.
    pub(super) fn clear_draft(&mut self) -> Result<(), GitError> {
        // A read-only file system refuses to remove even files that do not exist.
        if matches!(rustix::fs::statat(&self.top, DRAFT, AtFlags::SYMLINK_NOFOLLOW), Err(Errno::NOENT)) {
            return Ok(());
        }
        match rustix::fs::unlinkat(&self.top, DRAFT, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(GitError::io("cannot remove", self.path.join(DRAFT))(error.into())),
        }
    }

    /// Makes the folder at `path` and those above it.
    pub(super) fn make_folder(&mut self, path: &RepoPath) -> Result<(), GitError> {
        self.must_enter(path, true)?;
        match rustix::fs::mkdirat(self.last(), path.file_name(), Permissions::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(self.failed("cannot make the folder", path)(error)),
        }
    }

    /// Removes the file or symlink at `path`, and the folders above it that become empty.
    pub(super) fn remove(&mut self, path: &RepoPath) -> Result<(), GitError> {
        self.must_enter(path, false)?;
        match rustix::fs::unlinkat(self.last(), path.file_name(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(self.failed("cannot remove", path)(error)),
        }
        self.remove_empty_above(path)
    }

    /// Removes the folders above `path` that are empty.
    fn remove_empty_above(&mut self, path: &RepoPath) -> Result<(), GitError> {
        let mut above = path.parent();
        while let Some(folder) = above {
            if !self.remove_folder(&folder)? {
                break;
            }
            above = folder.parent();
        }
        Ok(())
    }

    /// Removes the folder at `path` and the folders above it while they are empty; returns whether it is gone.
    pub(super) fn remove_folders(&mut self, path: &RepoPath) -> Result<bool, GitError> {
        let gone = self.remove_folder(path)?;
        if gone {
            self.remove_empty_above(path)?;
        }
        Ok(gone)
    }

    /// Removes the folder at `path` if it is empty; returns whether it is gone.
    pub(super) fn remove_folder(&mut self, path: &RepoPath) -> Result<bool, GitError> {
        self.must_enter(path, false)?;
        match rustix::fs::unlinkat(self.last(), path.file_name(), AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(true),
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::BUSY) => Ok(false),
            Err(error) => Err(self.failed("cannot remove the folder", path)(error)),
        }
    }
}

/// A file in the checkout's top folder while one file is being copied from another file system.
pub(super) const DRAFT: &str = ".patchq-draft";

/// Renames a file; with `fresh` it never replaces another.
fn rename(from: BorrowedFd<'_>, name: &Path, to: &OwnedFd, new: &[u8], fresh: bool) -> Result<(), Errno> {
    let flags = if fresh { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
    match rustix::fs::renameat_with(from, name, to, new, flags) {
        // Not every file system supports "do not replace".
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if fresh => {
            match rustix::fs::statat(to, new, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => rustix::fs::renameat(from, name, to, new),
                Ok(_) => Err(Errno::EXIST),
                Err(error) => Err(error),
            }
        }
        other => other,
    }
}

/// Copies a file with its permissions, or a symlink, to `to`, and replaces the rest of a killed run there.
fn copy(from: &Path, to: &Path) -> Result<(), GitError> {
    let failed = |error: io::Error| GitError::io("cannot write", to)(error);
    match std::fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    if std::fs::symlink_metadata(from).map_err(failed)?.is_symlink() {
        let target = std::fs::read_link(from).map_err(failed)?;
        return std::os::unix::fs::symlink(target, to).map_err(failed);
    }
    std::fs::copy(from, to).map(drop).map_err(failed)
}

/// The kind of a folder's entry. Symlinks count as files, as in git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Folder,
    File,
    Other,
}

/// Returns the first `parts` parts of `path`.
fn above_at(path: &RepoPath, parts: usize) -> RepoPath {
    let mut at = path.clone();
    while at.parts().count() > parts {
        match at.parent() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    at
}

// The fields' types differ between systems.
#[allow(clippy::unnecessary_cast)]
fn meta(stat: &Stat) -> Meta {
    Meta {
        executable: stat.st_mode & 0o100 != 0,
        size: stat.st_size as u64,
        mtime: (stat.st_mtime as i32, stat.st_mtime_nsec as u32),
        ctime: (stat.st_ctime as i32, stat.st_ctime_nsec as u32),
        dev: stat.st_dev as u32,
        ino: stat.st_ino as u32,
        uid: stat.st_uid as u32,
        gid: stat.st_gid as u32,
    }
}
