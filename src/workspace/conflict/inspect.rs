//! Collects background for deciding a conflict: the whole patch, all upstream changes in the file, and their commits.

use std::collections::HashSet;

use bstr::BString;

use super::blame::{BlameResult, Changer, Skipped, blame};
use crate::git::{Entry, Forge, GitError, Id, Mode, Objects, ProgramError, RemoteError, Signature};
use crate::patch;
use crate::path::RepoPath;
use crate::stack::{self, Base, FilePair};
use crate::workspace::files::lock::LockError;
use crate::workspace::files::queue_files::Files;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};

/// The requested data, or why it is not available.
#[derive(Debug)]
pub enum Inspected<T> {
    /// The data.
    Here(T),
    /// It would have to be fetched, which is not possible.
    Away(Away),
}

/// Why something is not available.
#[derive(Debug, thiserror::Error)]
pub enum Away {
    /// The network must not be used.
    #[error("offline")]
    Offline,
    /// The network or the server failed.
    #[error(transparent)]
    Remote(RemoteError),
    /// Another patchq fetches.
    #[error(transparent)]
    Busy(LockError),
    /// The search would cost too much or is not possible.
    #[error(transparent)]
    Skipped(Skipped),
}

impl Away {
    /// Returns its name.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Away::Offline => "offline",
            Away::Remote(_) => "unreachable",
            Away::Busy(_) => "busy",
            Away::Skipped(_) => "too much",
        }
    }

    fn of(error: RemoteError) -> Result<Away, FetchError> {
        match error {
            RemoteError::Offline { .. } => Ok(Away::Offline),
            RemoteError::Git(_) | RemoteError::Program(ProgramError::Cancelled) => Err(error.into()),
            other => Ok(Away::Remote(other)),
        }
    }
}

impl<T> Inspected<T> {
    /// Converts a result: a network failure becomes a value; a damaged store or an interrupted run is an error.
    fn of(result: Result<T, FetchError>) -> Result<Inspected<T>, FetchError> {
        match result {
            Ok(value) => Ok(Inspected::Here(value)),
            Err(FetchError::Remote(error)) => Away::of(error).map(Inspected::Away),
            Err(FetchError::Missing(_)) => Ok(Inspected::Away(Away::Offline)),
            Err(FetchError::Lock(error @ LockError::Held { .. })) => Ok(Inspected::Away(Away::Busy(error))),
            Err(other) => Err(other),
        }
    }
}

/// The paths of a file on two pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Its path on the old pin.
    pub old: RepoPath,
    /// Its path on the new pin, and the similarity in percent, if upstream moved it.
    pub moved: Option<(RepoPath, u8)>,
}

impl Whereabouts {
    /// Returns the path on the new pin.
    #[must_use]
    pub fn new_path(&self) -> &RepoPath {
        self.moved.as_ref().map_or(&self.old, |(to, _)| to)
    }
}

/// An upstream commit that touched a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit.
    pub id: Id,
    /// Who made it, and when.
    pub author: Signature,
    /// The first line of its message. Untrusted bytes.
    pub subject: BString,
    /// Its web page, if the url belongs to a known forge.
    pub link: Option<String>,
}

/// Returns the file of the patch called `name`, unchanged; `None`: there is none.
#[must_use]
pub fn patch_text<'f>(files: &'f Files, name: &str) -> Option<&'f [u8]> {
    files.patches.iter().find(|patch| patch.queued.name == name).map(|patch| patch.bytes.as_slice())
}

/// Returns what upstream changed in one file between the pins `from` and `to`, as `git diff` prints it; empty if
/// nothing. Contents that the store lacks are fetched.
///
/// # Errors
/// [`FetchError`] when the store cannot be read, or the run was interrupted.
pub fn upstream_file_diff(
    fetcher: &Fetcher<'_>,
    (from, to): (Id, Id),
    file: &Whereabouts,
) -> Result<Inspected<Vec<u8>>, FetchError> {
    let upstream = fetcher.upstream;
    match Inspected::of(fetcher.commits(&upstream.store, &[from, to], &[]))? {
        Inspected::Here(()) => {}
        Inspected::Away(why) => return Ok(Inspected::Away(why)),
    }
    let mut objects = Objects::new(&upstream.store)?;
    let mut side = |pin: Id, path: &RepoPath| -> Result<Option<(RepoPath, Entry)>, GitError> {
        let tree = Base::read(&mut objects, pin)?.tree;
        let entry = objects.entry(tree, path)?.filter(|entry| entry.mode != Mode::Folder);
        Ok(entry.map(|entry| (path.clone(), entry)))
    };
    let percent = file.moved.as_ref().map_or(100, |(_, percent)| *percent);
    let pair = FilePair { old: side(from, &file.old)?, new: side(to, file.new_path())?, percent };
    if pair.old == pair.new {
        return Ok(Inspected::Here(Vec::new()));
    }
    let pairs = [pair];
    let diffs = fetcher.run(&mut objects, |objects| stack::pair_diffs(objects, &pairs));
    let printed = diffs.map(|diffs| {
        let mut files = diffs.into_iter().flatten().collect::<Vec<_>>();
        files.iter_mut().for_each(patch::FileDiff::forget_binary);
        patch::print_diffs(&files)
    });
    Inspected::of(printed)
}

/// Returns the upstream commits between the pins `from` and `to` that touched a file under either of its paths, the
/// newest first; those of the new path before those of the old one.
///
/// # Errors
/// [`FetchError`] when a store cannot be read, or the run was interrupted.
pub fn file_history(
    fetcher: &Fetcher<'_>,
    (from, to): (Id, Id),
    file: &Whereabouts,
) -> Result<Inspected<Vec<HistoryEntry>>, FetchError> {
    let upstream = fetcher.upstream;
    let old = file.moved.as_ref().map(|_| &file.old);
    let questions: Vec<_> =
        std::iter::once(file.new_path()).chain(old).map(|path| (path.clone(), Vec::new())).collect();
    let paths = match blame(fetcher, from, to, &questions)? {
        BlameResult::Found(paths) => paths,
        BlameResult::Skipped(Skipped::Remote(error)) => return Ok(Inspected::Away(Away::of(error)?)),
        BlameResult::Skipped(Skipped::Busy(error)) => return Ok(Inspected::Away(Away::Busy(error))),
        BlameResult::Skipped(why) => return Ok(Inspected::Away(Away::Skipped(why))),
    };
    let url = upstream.entry.url.for_git(upstream.workspace.layout.root()).ok();
    let forge = url.and_then(|url| Forge::of(&url));
    let mut seen = HashSet::new();
    let commits = paths.into_iter().flat_map(|path| path.commits).filter(|commit| seen.insert(commit.id));
    let entry = |Changer { id, author, subject, .. }: Changer| {
        let link = forge.as_ref().map(|forge| forge.commit(id));
        HistoryEntry { id, author, subject, link }
    };
    Ok(Inspected::Here(commits.map(entry).collect()))
}
