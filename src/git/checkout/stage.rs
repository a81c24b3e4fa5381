//! Prepares files inside the store, with attributes and line endings applied, before they are moved into place.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::Warning;
use super::content::{attribute, open_work};
use super::ignore::covers;
use super::index::in_memory;
use crate::git::{Entry, GitError, Store};
use crate::path::RepoPath;

/// A folder of the store with the files of a move; removed when dropped.
pub(super) struct Stage {
    dir: PathBuf,
}

impl Stage {
    /// Makes the folder, empty; the rest of a killed run is removed.
    pub(super) fn new(store: &Store) -> Result<Stage, GitError> {
        let stage = Stage { dir: store.dir().join("stage.patchq") };
        stage.clear()?;
        fs::create_dir(&stage.dir).map_err(GitError::io("cannot make the folder", &stage.dir))?;
        Ok(stage)
    }

    /// Returns the folder itself.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes `files` as a checkout with the index `index` would have them. Attributes are read from the index, because
    /// `.gitattributes` may be outside the sparse set.
    ///
    /// libgit2 runs no filter programs; the warnings list the files that filters would have changed.
    pub(super) fn fill(
        &self,
        store: &Store,
        files: &BTreeMap<RepoPath, Entry>,
        index: &[git2::IndexEntry],
    ) -> Result<Vec<Warning>, GitError> {
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let failed = || GitError::lib("cannot write the files");
        let repo = open_work(store, &self.dir)?;
        let mut index_of_all = in_memory(index)?;
        repo.set_index(&mut index_of_all).map_err(failed())?;
        let wanted: Vec<git2::IndexEntry> = index
            .iter()
            .filter(|entry| RepoPath::new(&entry.path).is_ok_and(|path| files.contains_key(&path)))
            .map(|entry| git2::IndexEntry { path: entry.path.clone(), ..*entry })
            .collect();
        let mut wanted = in_memory(&wanted)?;
        let mut options = git2::build::CheckoutBuilder::new();
        options.force().refresh(false).update_index(false);
        repo.checkout_index(Some(&mut wanted), Some(&mut options)).map_err(failed())?;
        for path in files.keys() {
            let at = self.path(path);
            fs::symlink_metadata(&at).map_err(GitError::io("was not written", at))?;
        }
        warnings(&repo, files, index)
    }

    /// Returns the path of the prepared file for `path`.
    pub(super) fn path(&self, path: &RepoPath) -> PathBuf {
        path.below(&self.dir)
    }

    fn clear(&self) -> Result<(), GitError> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io("cannot remove", &self.dir)(error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // If files stay, the next move removes them.
        let _ = self.clear();
    }
}

/// Returns warnings for files that plain git would have run a program or a converter on.
fn warnings(
    repo: &git2::Repository,
    files: &BTreeMap<RepoPath, Entry>,
    index: &[git2::IndexEntry],
) -> Result<Vec<Warning>, GitError> {
    let encodings = Encodings::of(repo, index)?;
    let mut found = BTreeMap::new();
    for path in files.keys() {
        let filtered = attribute(repo, path, "filter")?.is_some();
        for (name, _) in [("filter", filtered), (ENCODING, encodings.cover(path))].into_iter().filter(|(_, is)| *is) {
            let (count, _) = found.entry(name).or_insert((0, path.clone()));
            *count += 1;
        }
    }
    Ok(found
        .into_iter()
        .map(|(attribute, (count, example))| Warning::Unfiltered { attribute, count, example })
        .collect())
}

const ENCODING: &str = "working-tree-encoding";

/// What the tree's own `.gitattributes` say about encodings. git and libgit2 cannot be asked, because patchq configures
/// them without encodings.
struct Encodings {
    /// Folder (with a slash at its end; empty for the top) and text of the files that mention encodings.
    files: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Encodings {
    fn of(repo: &git2::Repository, index: &[git2::IndexEntry]) -> Result<Encodings, GitError> {
        let mut files = BTreeMap::new();
        for entry in index {
            let Some(folder) = entry.path.strip_suffix(b".gitattributes") else { continue };
            if !folder.is_empty() && !folder.ends_with(b"/") {
                continue;
            }
            // A blob that is not in the store applies to no path that is written.
            let Ok(blob) = repo.find_blob(entry.id) else { continue };
            if blob.content().contains_str(ENCODING) {
                files.insert(folder.to_vec(), blob.content().to_vec());
            }
        }
        Ok(Encodings { files })
    }

    /// Checks whether an encoding is set for `path`: the nearest file decides, and in it the last line.
    fn cover(&self, path: &RepoPath) -> bool {
        let path = path.as_bytes();
        let ends = path.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1).chain([0]);
        let said = ends.filter_map(|end| Some((self.files.get(&path[..end])?, end))).find_map(|(text, end)| {
            text.lines().rev().find_map(|line| {
                let mut words = line.fields();
                let pattern = words.next()?;
                let said = words.filter_map(encoding).last()?;
                covers(pattern, &path[end..]).then_some(said)
            })
        });
        said.unwrap_or(false)
    }
}

/// Checks whether a word of an attributes line sets an encoding; `None`: it is about something else.
fn encoding(word: &[u8]) -> Option<bool> {
    match word.strip_prefix(ENCODING.as_bytes()) {
        Some(rest) => rest.starts_with(b"=").then_some(true),
        None => matches!(word, b"!working-tree-encoding" | b"-working-tree-encoding").then_some(false),
    }
}
