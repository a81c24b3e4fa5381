//! Finds paths that no file system here can hold, before anything is written: git's trees have no such limits.

use std::path::Path;

use super::Reason;
use super::root::Root;
use crate::git::{Entry, GitError, Mode, Store, is_ref_name};
use crate::path::RepoPath;

/// The longest path that the system takes, with the NUL at its end (`PATH_MAX`).
const LONGEST_PATH: usize = if cfg!(target_os = "macos") { 1024 } else { 4096 };

/// The longest name if the file system does not report a limit (`NAME_MAX`).
const LONGEST_NAME: usize = 255;

/// The limits of one checkout.
pub(super) struct Limits {
    name: usize,
    path: usize,
}

impl Limits {
    /// Returns the limits of a checkout at `folder` that is filled from the store. `root` is on the checkout's file
    /// system, or on the store's if there is no checkout yet.
    pub(super) fn of(root: &Root, store: &Path, folder: &Path) -> Limits {
        let above = [folder, store].map(|path| path.as_os_str().len()).into_iter().max().unwrap_or(0);
        // The store's files are prepared in a folder of the store; git opens both by their full paths.
        let above = above + "/stage.patchq/".len() + 1;
        Limits { name: root.longest_name().unwrap_or(LONGEST_NAME), path: LONGEST_PATH.saturating_sub(above) }
    }

    /// Returns why `entry` cannot be written at `path`; `None`: it can, as far as is known. A blob that is not fetched
    /// yet is not checked.
    pub(super) fn against(&self, repo: &git2::Repository, path: &RepoPath, entry: Entry) -> Option<Reason> {
        let why = if let Some(part) = path.parts().find(|part| part.len() > self.name) {
            format!("a name in it has {} bytes, and the file system takes {}", part.len(), self.name)
        } else if path.as_bytes().len() > self.path {
            format!("it has {} bytes, and {} fit here", path.as_bytes().len(), self.path)
        } else {
            unfit_symlink(repo, path, entry)?.to_owned()
        };
        Some(Reason::Unwritable { why })
    }
}

fn unfit_symlink(repo: &git2::Repository, path: &RepoPath, entry: Entry) -> Option<&'static str> {
    if entry.mode != Mode::Symlink {
        return None;
    }
    if is_git_modules(path.file_name()) {
        return Some("git takes no symlink of that name");
    }
    let blob = repo.find_blob(entry.id.into()).ok()?;
    match blob.content() {
        [] => Some("it is a symlink that says nothing of where to"),
        target if target.contains(&0) => Some("it is a symlink to a path with a NUL byte"),
        target if target.len() >= LONGEST_PATH => Some("it is a symlink to a path that is too long"),
        _ => None,
    }
}

/// Checks whether a file system could open `name` as `.gitmodules`: in any letter case, with code points that HFS+
/// ignores, with dots and blanks at the end, or by a short name of NTFS.
fn is_git_modules(name: &[u8]) -> bool {
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let text: String = String::from_utf8_lossy(name).chars().filter(|c| !ignored(c)).collect();
    let text = text.to_lowercase();
    let text = text.trim_end_matches([' ', '.']);
    text == ".gitmodules" || text.starts_with("gitmod~") || text.starts_with("gi7eba~")
}

/// Checks that the ref `name` can be written: the name is valid, no part is too long, and no other ref is where it
/// needs a folder or below it.
///
/// # Errors
/// [`GitError::RefUnfit`] when it cannot.
pub fn ref_fits(store: &Store, name: &str) -> Result<(), GitError> {
    let unfit = |why: String| Err(GitError::RefUnfit { name: name.to_owned(), why });
    if !is_ref_name(name) {
        return unfit("git takes no such name".to_owned());
    }
    // Its lock file has a longer name.
    if name.split('/').any(|part| part.len() + ".lock".len() > LONGEST_NAME) {
        return unfit("its name is too long".to_owned());
    }
    let above = name.match_indices('/').map(|(at, _)| &name[..at]).filter(|above| above.matches('/').count() > 1);
    for above in above {
        if store.read_ref(above)?.is_some() {
            return unfit(format!("{above} is in the way"));
        }
    }
    match store.refs_below(&format!("{name}/"))?.first() {
        Some((below, _)) => unfit(format!("{below} is in the way")),
        None => Ok(()),
    }
}
