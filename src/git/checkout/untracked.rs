//! Finds the files of a working tree that git does not track and does not ignore.

use std::collections::BTreeSet;
use std::path::PathBuf;

use bstr::BString;

use super::ignore::{Chain, Rules};
use super::index::DiskIndex;
use super::root::{Found, Kind, Root};
use crate::git::{GitError, Mode};
use crate::path::RepoPath;

/// The largest size of an ignore file, in bytes; the rest of a larger one is not read.
const IGNORE_LIMIT: u64 = 1 << 20;

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Untracked {
    /// Files and symlinks.
    pub(super) files: Vec<RepoPath>,
    /// Folders that are git repositories of their own.
    pub(super) repositories: Vec<RepoPath>,
}

/// Walks the working tree. Names that no repository path may have (`.git` and its look-alikes) are skipped.
pub(super) fn find(repo: &git2::Repository, root: &mut Root, index: Option<&DiskIndex>) -> Result<Untracked, GitError> {
    let mut folders = BTreeSet::new();
    for path in index.iter().flat_map(|index| index.files.keys().chain(&index.conflicts)) {
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/').rev() {
            if !folders.insert(BString::from(&path[..at])) {
                break;
            }
        }
    }
    let chain = Chain::new(vec![exclude_file(repo)?, users_rules(repo)?]);
    let mut walk = Walk { repo, root, index, folders, chain, found: Untracked::default() };
    walk.folder(None, false)?;
    Ok(walk.found)
}

struct Walk<'a> {
    repo: &'a git2::Repository,
    root: &'a mut Root,
    index: Option<&'a DiskIndex>,
    /// Every folder that holds a tracked path.
    folders: BTreeSet<BString>,
    chain: Chain,
    found: Untracked,
}

impl Walk<'_> {
    fn folder(&mut self, folder: Option<&RepoPath>, ignored: bool) -> Result<(), GitError> {
        let mut prefix = folder.map_or_else(BString::default, |folder| BString::from(folder.as_bytes()));
        if folder.is_some() {
            prefix.push(b'/');
        }
        let rules = self.rules_of(&prefix)?;
        self.chain.push(prefix, rules);
        for (name, kind) in self.root.entries(folder)? {
            let path = match folder {
                None => RepoPath::new(&name),
                Some(folder) => folder.join(&name),
            };
            let Ok(path) = path else { continue };
            match kind {
                Kind::Folder => self.below(&path, ignored)?,
                Kind::File if !ignored && !self.tracks(&path) && !self.chain.ignores(path.as_bytes(), false) => {
                    self.found.files.push(path);
                }
                Kind::File | Kind::Other => {}
            }
        }
        self.chain.pop();
        Ok(())
    }

    fn below(&mut self, path: &RepoPath, ignored: bool) -> Result<(), GitError> {
        if self.index.is_some_and(|index| {
            index.files.get(path.as_bstr()).is_some_and(|tracked| tracked.entry.mode == Mode::Gitlink)
        }) {
            return Ok(());
        }
        let ignored = ignored || self.chain.ignores(path.as_bytes(), true);
        if self.folders.contains(path.as_bstr()) {
            return self.folder(Some(path), ignored);
        }
        if ignored {
            return Ok(());
        }
        if self.root.entries(Some(path))?.iter().any(|(name, _)| name == b".git") {
            self.found.repositories.push(path.clone());
            return Ok(());
        }
        self.folder(Some(path), false)
    }

    fn tracks(&self, path: &RepoPath) -> bool {
        self.index.is_some_and(|index| {
            index.files.contains_key(path.as_bstr()) || index.conflicts.iter().any(|other| other == path.as_bstr())
        })
    }

    /// Returns the rules of the folder's `.gitignore`; if the sparse set leaves the file out, those in the index.
    fn rules_of(&mut self, prefix: &BString) -> Result<Rules, GitError> {
        let mut path = prefix.clone();
        path.extend_from_slice(b".gitignore");
        let Ok(path) = RepoPath::new(&path) else { return Ok(Rules::default()) };
        match self.root.look(&path)? {
            Found::File(_) => Ok(Rules::parse(&self.root.read(&path, IGNORE_LIMIT)?)),
            Found::Absent => {
                let tracked = self.index.and_then(|index| index.files.get(path.as_bstr()));
                let blob = tracked
                    .filter(|tracked| tracked.skipped)
                    .map(|tracked| self.repo.find_blob(tracked.entry.id.into()));
                Ok(blob.and_then(Result::ok).map_or_else(Rules::default, |blob| Rules::parse(blob.content())))
            }
            _ => Ok(Rules::default()),
        }
    }
}

/// Returns the rules of the store's `info/exclude`.
fn exclude_file(repo: &git2::Repository) -> Result<Rules, GitError> {
    rules_at(repo.path().join("info/exclude"))
}

/// Returns the rules of the user's own ignore file: `core.excludesFile`, or `ignore` beside the user's git
/// configuration.
fn users_rules(repo: &git2::Repository) -> Result<Rules, GitError> {
    let config = repo.config().map_err(GitError::lib("cannot read the configuration"))?;
    if let Ok(path) = config.get_path("core.excludesFile") {
        return rules_at(path);
    }
    let beside = git2::Config::find_xdg().map(|path| path.with_file_name("ignore"));
    let below = || git2::Config::find_global().map(|path| path.with_file_name(".config").join("git/ignore"));
    beside.or_else(|_| below()).map_or_else(|_| Ok(Rules::default()), rules_at)
}

/// Returns the rules of the file at `path`; no rules if the file cannot be read, as in git.
fn rules_at(path: PathBuf) -> Result<Rules, GitError> {
    match std::fs::read(&path) {
        Ok(text) => Ok(Rules::parse(&text)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(Rules::default())
        }
        Err(error) => Err(GitError::io("cannot read the ignore rules", path)(error)),
    }
}
