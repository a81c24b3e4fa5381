//! Reads and writes the maintainers' files, which must be regular files in real folders. A symlink in their place could
//! lead anywhere, so none is followed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::path::printable;

/// The largest size, in bytes, of a file with one line (a pin, a version, the target of a `.git` file).
pub(in crate::workspace) const ONE_LINE: u64 = 64 << 10;
/// The largest size, in bytes, of a manifest or of a file with a list of lines (a series, an ignore file).
pub(in crate::workspace) const LIST: u64 = 4 << 20;
/// The largest size, in bytes, of any other file that is read as a whole.
const MOST: u64 = 1 << 30;

/// Why a file of the workspace cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system returned an error.
    #[error("cannot {doing} {}: {}", shown(.path), reason(.error))]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error; it is part of the message, so it is not a separate cause.
        error: io::Error,
    },
    /// A symlink, which patchq does not follow here.
    #[error("{} is a symlink; patchq neither reads nor writes through one", shown(.0))]
    Symlink(PathBuf),
    /// A folder, device, pipe or socket in a file's place.
    #[error("{} is not a regular file", shown(.0))]
    NotAFile(PathBuf),
    /// A file that is larger than its limit.
    #[error("{} is larger than {most} bytes, which is more than patchq reads of such a file", shown(.path))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        most: u64,
    },
    /// Something else in a folder's place.
    #[error("{} is not a folder", shown(.0))]
    NotAFolder(PathBuf),
}

impl FileError {
    /// For `map_err` of an operation on `path`.
    pub(in crate::workspace) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
        let path = path.to_owned();
        move |error| FileError::Io { doing, path, error }
    }
}

/// Formats a path of the file system for messages.
pub(in crate::workspace) fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// Describes the system's error, with words about what to do for the common ones.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "no space is left on the disk".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => printable(error.to_string().as_bytes()),
    }
}

/// Returns the metadata of a path, without following symlinks; `None` when there is nothing.
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

/// Returns the bytes of a regular file; `None` when there is nothing.
///
/// # Errors
/// [`FileError`]; symlinks, folders, pipes and devices are refused, and files larger than any patch file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    read_at_most(path, MOST)
}

/// Reads a file that is not larger than `most` bytes.
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
    // If something else took its place meanwhile, it is neither followed nor waited for.
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

/// Checks whether `path` is a folder; `false` if there is nothing.
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

/// Writes a new file and waits until it is on disk; `like` is a file whose permissions it gets.
///
/// # Errors
/// [`FileError::Io`], also when `path` exists.
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

/// Writes a file beside its place and moves it there; it is on disk when this returns.
///
/// # Errors
/// [`FileError`]; then the old file is unchanged.
pub(in crate::workspace) fn put(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let (folder, name) = (file.parent().unwrap_or(file), file.file_name().unwrap_or_default());
    let staged = folder.join(format!(".patchq-{}.tmp", name.display()));
    remove(&staged)?;
    write_new(&staged, bytes, None)?;
    fs::rename(&staged, file).map_err(FileError::io("write", file))?;
    sync_folder(folder)
}

/// Removes a file or symlink; it is not an error if there is nothing.
///
/// # Errors
/// [`FileError::Io`].
pub(in crate::workspace) fn remove(path: &Path) -> Result<(), FileError> {
    // A read-only file system refuses to remove even files that do not exist.
    if stat(path)?.is_none() {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Waits until the names in `folder` are on disk. File systems that cannot sync a folder (they report it) keep names in
/// order themselves.
///
/// # Errors
/// [`FileError::Io`].
pub(in crate::workspace) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    match File::open(folder).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(FileError::io("sync", folder)(error)),
        _ => Ok(()),
    }
}

/// Makes `folder` and the missing folders above it, from `base` down, which exists; no part may be a symlink.
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
        // A sparse file: it has no blocks on disk, and would fill the memory.
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
