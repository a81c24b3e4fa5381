//! Reading and writing the maintainers' files as what they are: regular files in real folders. A symlink in their place could lead
//! anywhere, so none is followed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::path::printable;

/// No file with one line (a pin, a version, where a `.git` leads) is larger, in bytes.
pub(in crate::workspace) const ONE_LINE: u64 = 64 << 10;
/// No file with a list of lines (a series, an ignore file) and no manifest is larger, in bytes.
pub(in crate::workspace) const LIST: u64 = 4 << 20;
/// No other file that is read whole is larger, in bytes.
const MOST: u64 = 1 << 30;

/// Why a file of the workspace cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system said no.
    #[error("cannot {doing} {}: {}", shown(.path), reason(.error))]
    Io {
        /// What was attempted, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said; part of the message, so not a cause of its own.
        error: io::Error,
    },
    /// A symlink where patchq follows none.
    #[error("{} is a symlink; patchq neither reads nor writes through one", shown(.0))]
    Symlink(PathBuf),
    /// A folder, device, pipe or socket in a file's place.
    #[error("{} is not a regular file", shown(.0))]
    NotAFile(PathBuf),
    /// A file that is larger than any that is meant to be there.
    #[error("{} is larger than {most} bytes, which is more than patchq reads of such a file", shown(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        most: u64,
    },
    /// Something else in a folder's place.
    #[error("{} is not a folder", shown(.0))]
    NotAFolder(PathBuf),
}

impl FileError {
    /// For `map_err` of an attempt at `path`.
    pub(in crate::workspace) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_owned();
        move |error| FileError::Io { doing, path, error }
    }
}

/// A path of the file system for messages.
pub(in crate::workspace) fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// The system's reason in words that say what to do, for those that maintainers meet.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "no space is left on the disk".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => printable(error.to_string().as_bytes()),
    }
}

/// What stands at a path itself, symlinks not followed; `None`: nothing.
///
/// # Errors
/// [`FileError::Io`].
pub(in crate::workspace) fn stat(path: &Path) -> Result<Option<fs::Metadata>, FileError> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(FileError::io("look at", path)(error)),
    }
}

/// The bytes of a regular file; `None` where there is nothing.
///
/// # Errors
/// [`FileError`]; symlinks, folders, pipes and devices are refused, and what is larger than any patch file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    read_at_most(path, MOST)
}

/// The same of a file that is not larger than `most` bytes.
///
/// # Errors
/// As [`read`].
pub fn read_at_most(path: &Path, most: u64) -> Result<Option<Vec<u8>>, FileError> {
    let Some(meta) = stat(path)? else { return Ok(None) };
    if meta.is_symlink() {
        return Err(FileError::Symlink(path.to_owned()));
    }
    if !meta.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    // What came into its place meanwhile is neither followed nor waited for.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let io = || FileError::io("read", path);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(io())?;
    let meta = file.metadata().map_err(io())?;
    if !meta.is_file() {
        return Err(FileError::NotAFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    if meta.len() <= most {
        file.take(most + 1).read_to_end(&mut bytes).map_err(io())?;
    }
    if meta.len() > most || bytes.len() as u64 > most {
        return Err(FileError::TooLarge { path: path.to_owned(), most });
    }
    Ok(Some(bytes))
}

/// Checks whether `path` is a folder; nothing there is no folder.
///
/// # Errors
/// [`FileError::Symlink`], [`FileError::NotAFolder`].
pub(in crate::workspace) fn is_folder(path: &Path) -> Result<bool, FileError> {
    match stat(path)? {
        None => Ok(false),
        Some(meta) if meta.is_symlink() => Err(FileError::Symlink(path.to_owned())),
        Some(meta) if meta.is_dir() => Ok(true),
        Some(_) => Err(FileError::NotAFolder(path.to_owned())),
    }
}

/// Writes a new file and waits until it is on the disk; `like`: whose permissions it gets.
///
/// # Errors
/// [`FileError::Io`], also when something stands at `path`.
pub(in crate::workspace) fn write_new(path: &Path, bytes: &[u8], like: Option<&fs::Metadata>) -> Result<(), FileError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        file.write_all(bytes)?;
        if let Some(like) = like {
            file.set_permissions(like.permissions())?;
        }
        file.sync_all()
    };
    write().map_err(FileError::io("write", path))
}

/// Writes a file beside its place and moves it there, on the disk when this returns.
///
/// # Errors
/// [`FileError`]; then what was there is there.
pub(in crate::workspace) fn put(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let (folder, name) = (file.parent().unwrap_or(file), file.file_name().unwrap_or_default());
    let staged = folder.join(format!(".patchq-{}.tmp", name.display()));
    remove(&staged)?;
    write_new(&staged, bytes, None)?;
    fs::rename(&staged, file).map_err(FileError::io("write", file))?;
    sync_folder(folder)
}

/// Removes a file or symlink; nothing there is fine.
///
/// # Errors
/// [`FileError::Io`].
pub(in crate::workspace) fn remove(path: &Path) -> Result<(), FileError> {
    // A read-only file system refuses to remove even what is not there.
    if stat(path)?.is_none() {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Waits until the names in `folder` are on the disk. File systems that cannot sync a folder (they say so) keep names in order themselves.
///
/// # Errors
/// [`FileError::Io`].
pub(in crate::workspace) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    match File::open(folder).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(FileError::io("sync", folder)(error)),
        _ => Ok(()),
    }
}

/// Makes `folder` and what is missing above it, down from `base`, which exists; no part may be a symlink.
///
/// # Errors
/// [`FileError`].
pub(in crate::workspace) fn make_folders(base: &Path, folder: &Path) -> Result<(), FileError> {
    let Ok(below) = folder.strip_prefix(base) else { return Err(FileError::NotAFolder(folder.to_owned())) };
    let mut at = base.to_owned();
    for part in below {
        let parent = at.clone();
        at.push(part);
        if !is_folder(&at)? {
            match fs::create_dir(&at) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(FileError::io("make the folder", &at)(error));
                }
                _ => sync_folder(&parent)?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "x").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        assert_eq!(read(&at("file")).unwrap(), Some(b"x".to_vec()));
        assert_eq!(read(&at("none")).unwrap(), None);
        assert_eq!(read(&at("file/below")).unwrap(), None);
        assert!(matches!(read(&at("link")), Err(FileError::Symlink(_))));
        assert!(matches!(read(&at("folder")), Err(FileError::NotAFile(_))));
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "12345").unwrap();
        assert_eq!(read_at_most(&at("file"), 5).unwrap(), Some(b"12345".to_vec()));
        assert!(matches!(read_at_most(&at("file"), 4), Err(FileError::TooLarge { most: 4, .. })));
        // It has no blocks on the disk, and would fill the memory.
        File::create(at("huge")).unwrap().set_len(10 << 30).unwrap();
        assert!(matches!(read(&at("huge")), Err(FileError::TooLarge { .. })));
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(read(&at("pipe")), Err(FileError::NotAFile(_))));
    }

    #[test]
    fn folders_are_not_made_through_symlinks() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path();
        make_folders(base, &base.join("a/b")).unwrap();
        assert!(is_folder(&base.join("a/b")).unwrap());
        std::os::unix::fs::symlink("a", base.join("link")).unwrap();
        assert!(matches!(make_folders(base, &base.join("link/c")), Err(FileError::Symlink(_))));
        assert!(!base.join("a/c").exists());
    }
}
