//! Writes `version.txt` in a checkout and excludes it, unless upstream or the user has a file of that name.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

use super::listing::Listing;
use super::root::{Found, Root};
use super::{SparseSet, Warning};
use crate::git::GitError;
use crate::path::RepoPath;

/// The file's name.
const NAME: &str = "version.txt";
const RULE: &str = "# written by patchq\n/version.txt\n";

/// The contents that patchq wrote to `version.txt` before. They are kept in the store, so that a user's own file can be
/// distinguished.
#[derive(Debug)]
pub(super) struct Managed {
    record: PathBuf,
    exclude: PathBuf,
    /// Usually one line; two while the file is being changed.
    known: Vec<Vec<u8>>,
}

impl Managed {
    pub(super) fn load(store: &Path) -> Result<Managed, GitError> {
        let record = store.join("version.patchq");
        let known = read(&record)?.lines().map(<[u8]>::to_vec).collect();
        Ok(Managed { record, exclude: store.join("info/exclude"), known })
    }

    /// Checks whether what was `found` at `path` is a `version.txt` that patchq wrote and nobody changed since.
    pub(super) fn is_own(&self, root: &mut Root, path: &RepoPath, found: &Found) -> Result<bool, GitError> {
        if path.as_bytes() != NAME.as_bytes() || !matches!(found, Found::File(_)) {
            return Ok(false);
        }
        let bytes = root.read(path, 4096)?;
        Ok(self.known.iter().any(|known| bytes.strip_suffix(b"\n") == Some(known)))
    }

    /// Writes, replaces or removes the file, so that the checkout of `listing` says `version`.
    pub(super) fn settle(
        &mut self,
        root: &mut Root,
        listing: &Listing,
        sparse: &SparseSet,
        version: Option<&str>,
    ) -> Result<Option<Warning>, GitError> {
        let Ok(path) = RepoPath::new(NAME) else { return Ok(None) };
        let tracked = listing.keys().any(|tracked| {
            let top = tracked.split(|byte| *byte == b'/').next().unwrap_or_default();
            top.eq_ignore_ascii_case(NAME.as_bytes())
        });
        let found = root.look(&path)?;
        let own = self.is_own(root, &path, &found)?;
        let Some(version) = version.filter(|_| !tracked) else {
            // If the checkout holds the path, the file there is upstream's.
            let upstreams = listing.contains_key(path.as_bstr()) && sparse.contains(&path);
            if own && !upstreams {
                root.remove(&path)?;
            }
            self.exclude(false)?;
            self.remember(&[])?;
            return Ok(tracked.then_some(Warning::VersionFile { tracked: true }));
        };
        let line = version.lines().next().unwrap_or_default();
        let text = format!("{line}\n");
        let right = matches!(found, Found::File(_)) && root.read(&path, 4096)? == text.as_bytes();
        if !right && !own && found != Found::Absent {
            return Ok(Some(Warning::VersionFile { tracked: false }));
        }
        self.exclude(true)?;
        if !right {
            let mut both = self.known.clone();
            both.push(line.as_bytes().to_vec());
            self.remember(&both)?;
            let draft = self.record.with_extension("draft");
            fs::write(&draft, &text).map_err(GitError::io("cannot write", &draft))?;
            root.place(&draft, &path, !own)?;
        }
        self.remember(&[line.as_bytes().to_vec()])?;
        Ok(None)
    }

    fn remember(&mut self, known: &[Vec<u8>]) -> Result<(), GitError> {
        if self.known != known {
            let mut text = known.join(b"\n".as_slice());
            text.push(b'\n');
            replace(&self.record, if known.is_empty() { b"" } else { &text })?;
            self.known = known.to_vec();
        }
        Ok(())
    }

    /// Adds the file to `info/exclude` or removes it.
    fn exclude(&self, wanted: bool) -> Result<(), GitError> {
        let text = read(&self.exclude)?;
        let there = text.contains_str(RULE);
        if there == wanted {
            return Ok(());
        }
        let mut text = text.replace(RULE, "");
        if wanted {
            if !text.is_empty() && !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            text.extend_from_slice(RULE.as_bytes());
        }
        replace(&self.exclude, &text)
    }
}

/// Returns the file's bytes; empty if there is no file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, GitError> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(GitError::io("cannot read", path)(error)),
    }
}

/// Replaces a file of the store in one step; makes the folder above it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), GitError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(GitError::io("cannot make the folder", folder))?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(".patchq-draft");
    fs::write(&draft, bytes).map_err(GitError::io("cannot write", &draft))?;
    fs::rename(&draft, path).map_err(GitError::io("cannot write", path))
}
