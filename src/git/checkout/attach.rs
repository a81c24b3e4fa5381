//! Connects a checkout's folder to its store: a `.git` file with a relative path.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use bstr::ByteSlice;

use super::root::DRAFT;
use crate::git::{GitError, Store};

/// What is at the path of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attachment {
    /// Nothing exists there.
    Absent,
    /// An empty folder.
    Empty,
    /// A checkout of this store.
    Ours,
    /// A checkout whose `.git` file names a store of the same name that no longer exists: the folder or the workspace
    /// was moved. [`attach`] repairs it.
    Moved,
    /// A `.git` file that names another git folder.
    Elsewhere {
        /// The git folder that the file names.
        target: PathBuf,
    },
    /// A git repository with its own `.git` folder.
    Repository,
    /// A folder with files but without `.git`.
    Plain,
    /// A symlink; never followed.
    Symlink,
    /// A file, or something that is neither file nor folder.
    NotAFolder,
}

/// Inspects the folder `checkout` without changing it.
///
/// # Errors
/// [`GitError::Io`] when it cannot be read.
pub fn attachment(store: &Store, checkout: &Path) -> Result<Attachment, GitError> {
    let failed = |path: &Path| GitError::io("cannot look at", path.to_owned());
    match fs::symlink_metadata(checkout) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Attachment::Absent),
        Err(error) => return Err(failed(checkout)(error)),
        Ok(found) if found.is_symlink() => return Ok(Attachment::Symlink),
        Ok(found) if !found.is_dir() => return Ok(Attachment::NotAFolder),
        Ok(_) => {}
    }
    let link = checkout.join(".git");
    match fs::symlink_metadata(&link) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let entries = fs::read_dir(checkout).map_err(failed(checkout))?;
            // A run that was killed in `attach` leaves only a draft.
            let mut others = entries.filter(|entry| entry.as_ref().map_or(true, |entry| entry.file_name() != DRAFT));
            Ok(if others.next().is_none() { Attachment::Empty } else { Attachment::Plain })
        }
        Err(error) => Err(failed(&link)(error)),
        Ok(found) if found.is_file() => where_to(store, checkout, &link),
        // A copy for building has its git folder inside.
        Ok(found) if found.is_dir() && real(&link)? == real(store.dir())? => Ok(Attachment::Ours),
        Ok(_) => Ok(Attachment::Repository),
    }
}

/// Reads the `.git` file at `link`.
fn where_to(store: &Store, checkout: &Path, link: &Path) -> Result<Attachment, GitError> {
    use std::os::unix::ffi::OsStrExt;
    let text = fs::read(link).map_err(GitError::io("cannot read", link))?;
    let Some(target) = text.strip_prefix(b"gitdir: ") else { return Ok(Attachment::Repository) };
    let target = Path::new(std::ffi::OsStr::from_bytes(target.trim_end_with(|c| c == '\n' || c == '\r')));
    match fs::canonicalize(checkout.join(target)) {
        Ok(found) if found == real(store.dir())? => Ok(Attachment::Ours),
        Err(error) if error.kind() == ErrorKind::NotFound && ends_alike(target, store.dir()) => Ok(Attachment::Moved),
        _ => Ok(Attachment::Elsewhere { target: target.to_owned() }),
    }
}

/// Checks whether both paths end in the same folder and name (`patchq/NAME.git`).
fn ends_alike(one: &Path, other: &Path) -> bool {
    let end = |path: &Path| {
        path.file_name().map(ToOwned::to_owned).zip(path.parent().and_then(Path::file_name).map(ToOwned::to_owned))
    };
    end(one).is_some() && end(one) == end(other)
}

/// Makes the folder `checkout` if needed and connects it to `store`; on [`Attachment::Ours`] nothing changes. The
/// caller has called [`attachment`] first.
///
/// # Errors
/// [`GitError::Io`] when the folder or its `.git` file cannot be written.
pub fn attach(store: &Store, checkout: &Path) -> Result<(), GitError> {
    match fs::create_dir(checkout) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(GitError::io("cannot make the folder", checkout)(error));
        }
        _ => {}
    }
    if attachment(store, checkout)? == Attachment::Ours {
        return Ok(());
    }
    let mut text = b"gitdir: ".to_vec();
    text.extend_from_slice(relative(&real(checkout)?, &real(store.dir())?).as_os_str().as_encoded_bytes());
    text.push(b'\n');
    // The file is complete before it is in place: a half-written file would look like someone else's repository.
    let draft = checkout.join(DRAFT);
    fs::write(&draft, text).map_err(GitError::io("cannot write", &draft))?;
    let link = checkout.join(".git");
    fs::rename(&draft, &link).map_err(GitError::io("cannot write", link))
}

/// Disconnects the folder `checkout` from `store`: removes the `.git` file and the store's index, and the folder if it
/// is empty. The caller has emptied the checkout first.
///
/// # Errors
/// [`GitError::Io`] when something cannot be removed.
pub fn detach(store: &Store, checkout: &Path) -> Result<(), GitError> {
    let link = checkout.join(".git");
    if fs::symlink_metadata(&link).is_ok_and(|found| found.is_file()) {
        fs::remove_file(&link).map_err(GitError::io("cannot remove", &link))?;
    }
    let index = store.dir().join("index");
    match fs::remove_file(&index) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(GitError::io("cannot remove", index)(error)),
        _ => {}
    }
    match fs::remove_dir(checkout) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
            Err(GitError::io("cannot remove the folder", checkout)(error))
        }
        _ => Ok(()),
    }
}

fn real(path: &Path) -> Result<PathBuf, GitError> {
    fs::canonicalize(path).map_err(GitError::io("cannot look at", path))
}

/// Returns the relative path from the folder `from` to `to`, both absolute and without symlinks.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_folders_is_relative() {
        let way = relative(Path::new("/w/kubeflow"), Path::new("/w/.git/patchq/kubeflow.git"));
        assert_eq!(way, Path::new("../.git/patchq/kubeflow.git"));
        assert!(ends_alike(Path::new("../../.git/patchq/ray.git"), Path::new("/v/.git/patchq/ray.git")));
        assert!(!ends_alike(Path::new("../patchq/ray.git"), Path::new("/v/patchq/kubeflow.git")));
    }
}
