//! Applies one patch to one tree: determines the result at each touched path.
//!
//! The rules are those of `git apply`: files of one patch are applied in order, each to the result of the earlier ones.
//! But a rename or copy takes its source from the tree before the patch (so that two files can swap names), and a path
//! that the patch removes is not in the way of another.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use bstr::ByteSlice;

use super::Missing;
use super::place::Twins;
use crate::git::{Edits, Entry, GitError, Id, Mode, Objects};
use crate::patch::{self, BinaryData, Change, Content, FileDiff, Patch};
use crate::path::RepoPath;

/// Why a patch does not apply: which file of it, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The path that the patch cannot change.
    pub path: RepoPath,
    /// The line of the patch file (from 1) that fails.
    pub line: usize,
    /// The reason.
    pub reason: Reason,
}

/// Why a patch cannot change a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file to change does not exist.
    #[error("there is no such file")]
    Missing,
    /// The file to add exists.
    #[error("the file exists already")]
    Exists,
    /// The file to delete keeps content that the patch does not remove.
    #[error("the patch deletes the file but not all of its lines")]
    NotEmptied,
    /// The patch is for another type of file.
    #[error("the patch is for {}, and the file is {}", type_name(*.patch), type_name(*.found))]
    Type {
        /// The mode in the patch.
        patch: Mode,
        /// The mode in the tree.
        found: Mode,
    },
    /// A part of the path is a file or a symlink.
    #[error("'{at}' is {}, so nothing can be below it", type_name(*.found))]
    NotAFolder {
        /// The part.
        at: RepoPath,
        /// Its mode.
        found: Mode,
    },
    /// A folder stands where the file is to be.
    #[error("there is a folder")]
    Folder,
    /// Another path differs only by case or Unicode form.
    #[error("it collides with '{0}' where file names ignore case or Unicode form")]
    Collides(String),
    /// A hunk does not match.
    #[error("{0}")]
    Hunk(patch::HunkFailure),
    /// A hunk does not match, and the file already has the result of the patch.
    #[error("the change is in the file already")]
    AlreadyApplied,
    /// A binary change is made for other content.
    #[error("the binary change is made for blob {wanted}, and the file is blob {found}")]
    OtherBlob {
        /// The id in the patch.
        wanted: String,
        /// The id in the tree.
        found: Id,
    },
    /// A binary patch is damaged.
    #[error("{0}")]
    Binary(patch::BinaryError),
    /// `Binary files differ` without the data, and the store lacks the blob too.
    #[error("the patch says that binary files differ but not how; make it again with 'git diff --binary --full-index'")]
    NoData,
    /// A mode that git does not know.
    #[error("the mode {0:o} is unknown to git")]
    Mode(u32),
    /// A submodule's diff that does not name a commit.
    #[error("the submodule's lines do not name a commit")]
    Submodule,
}

fn type_name(mode: Mode) -> &'static str {
    match mode {
        Mode::File | Mode::Executable => "a file",
        Mode::Symlink => "a symlink",
        Mode::Gitlink => "a submodule",
        Mode::Folder => "a folder",
    }
}

/// A hunk that applied at another place than the patch says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The file.
    pub path: RepoPath,
    /// The number of the hunk in the file, from 1.
    pub hunk: usize,
    /// The line of the patch file where that hunk begins.
    pub line: usize,
    /// How many lines further down it applied (negative: up).
    pub by: i64,
}

/// The result of one patch on one tree.
pub(super) enum Touched {
    /// These edits, with these moved hunks; without the paths that went to [`MissingObjects`].
    Edits(Edits, Vec<Moved>),
    /// It does not apply, for this reason.
    Failed(Failure),
}

/// Why a file of the patch has no result yet.
enum Stop {
    Failed(usize, Reason),
    Need(Id),
    Git(GitError),
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Stop {
        Stop::Git(error)
    }
}

/// Applies `patch` to `tree`. A file whose content is not in the store, or depends on one that is not, goes to
/// `missing`; the other files are still applied.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object is damaged.
pub(super) fn touch(
    objects: &mut Objects<'_>,
    tree: Id,
    patch: &Patch,
    missing: &mut Missing,
) -> Result<Touched, GitError> {
    let going = patch.files.iter().filter(|file| matches!(file.change, Change::Delete | Change::Rename(_)));
    let going = going.map(|file| &file.old_path).collect();
    let mut run = Run { objects, tree, going, edits: Edits::new(), created: HashSet::new(), moved: Vec::new() };
    for file in &patch.files {
        if missing.covers(&file.old_path) || missing.covers(&file.new_path) {
            missing.block([&file.old_path, &file.new_path]);
            continue;
        }
        match run.file(file) {
            Ok(()) => {}
            Err(Stop::Git(error)) => return Err(error),
            Err(Stop::Failed(line, reason)) => {
                let path = if reason == Reason::Missing { &file.old_path } else { &file.new_path };
                return Ok(Touched::Failed(Failure { path: path.clone(), line, reason }));
            }
            Err(Stop::Need(id)) => missing.need(id, [&file.old_path, &file.new_path]),
        }
    }
    let line_of = |path: &RepoPath| patch.files.iter().find(|file| file.new_path == *path).map_or(1, |file| file.line);
    if let Some((path, reason)) = run.misplaced()? {
        return Ok(Touched::Failed(Failure { line: line_of(&path), path, reason }));
    }
    Ok(Touched::Edits(run.edits, run.moved))
}

struct Run<'a, 's> {
    objects: &'a mut Objects<'s>,
    tree: Id,
    going: HashSet<&'a RepoPath>,
    edits: Edits,
    created: HashSet<RepoPath>,
    moved: Vec<Moved>,
}

impl Run<'_, '_> {
    /// Returns the entry at `path` after the files of the patch so far.
    fn now(&mut self, path: &RepoPath) -> Result<Option<Entry>, GitError> {
        match self.edits.get(path) {
            Some(edited) => Ok(*edited),
            None => self.objects.entry(self.tree, path),
        }
    }

    fn file(&mut self, file: &FileDiff) -> Result<(), Stop> {
        let at = |reason| Stop::Failed(file.line, reason);
        let source = match file.change {
            Change::Add => None,
            Change::Rename(_) | Change::Copy(_) => self.objects.entry(self.tree, &file.old_path)?,
            Change::Modify | Change::Delete => self.now(&file.old_path)?,
        };
        if file.change == Change::Add || file.old_path != file.new_path {
            let there = self.now(&file.new_path)?.filter(|entry| entry.mode != Mode::Folder);
            let goes = self.going.contains(&file.new_path) && !self.created.contains(&file.new_path);
            let stays = there.is_some() && !goes;
            if stays {
                return Err(at(Reason::Exists));
            }
        }
        if file.change != Change::Add {
            let Some(source) = source else { return Err(at(Reason::Missing)) };
            if source.mode == Mode::Folder {
                return Err(at(Reason::Folder));
            }
            if let Some(old) = self.mode(file, file.old_mode)?
                && kind_of(old) != kind_of(source.mode)
            {
                return Err(at(Reason::Type { patch: old, found: source.mode }));
            }
        }
        let mode = match self.mode(file, file.new_mode)? {
            Some(mode) => mode,
            None => source.map_or(Mode::File, |entry| entry.mode),
        };
        let entry = self.content(file, source, mode)?;
        if file.change == Change::Delete {
            self.edits.insert(file.old_path.clone(), None);
            return Ok(());
        }
        if matches!(file.change, Change::Rename(_)) && !self.created.contains(&file.old_path) {
            self.edits.insert(file.old_path.clone(), None);
        }
        if file.change != Change::Modify {
            self.created.insert(file.new_path.clone());
        }
        self.edits.insert(file.new_path.clone(), Some(entry));
        Ok(())
    }

    fn mode(&self, file: &FileDiff, bits: Option<u32>) -> Result<Option<Mode>, Stop> {
        let known = |bits| Mode::from_bits(bits).filter(|mode| *mode != Mode::Folder);
        bits.map(|bits| known(bits).ok_or(Stop::Failed(file.line, Reason::Mode(bits)))).transpose()
    }

    /// Returns the entry after the patch; for a deletion the empty blob means that all lines are removed.
    fn content(&mut self, file: &FileDiff, source: Option<Entry>, mode: Mode) -> Result<Entry, Stop> {
        let at = |reason| Stop::Failed(file.line, reason);
        match &file.content {
            Content::Same => {
                let Some(source) = source else { return Ok(self.objects.put_file(mode, Vec::new())) };
                if file.change == Change::Delete {
                    let empty = self.objects.put_file(source.mode, Vec::new());
                    return if source.id == empty.id { Ok(empty) } else { Err(at(Reason::NotEmptied)) };
                }
                Ok(Entry { mode, id: source.id })
            }
            Content::Text(hunks) => {
                let old = self.text(source)?;
                let applied = match patch::apply_hunks(&old, hunks) {
                    Ok(applied) => applied,
                    Err(_) if patch::already_applied(&old, hunks) => return Err(at(Reason::AlreadyApplied)),
                    Err(failure) => return Err(Stop::Failed(failure.line, Reason::Hunk(failure))),
                };
                for (n, by) in applied.offsets.iter().enumerate().filter(|(_, by)| **by != 0) {
                    let path = file.new_path.clone();
                    self.moved.push(Moved { path, hunk: n + 1, line: hunks[n].line, by: *by });
                }
                if file.change == Change::Delete && !applied.bytes.is_empty() {
                    return Err(at(Reason::NotEmptied));
                }
                if mode == Mode::Gitlink && file.change != Change::Delete {
                    let id = submodule_commit(&applied.bytes).ok_or_else(|| at(Reason::Submodule))?;
                    return Ok(Entry { mode, id });
                }
                Ok(self.objects.put_file(mode, applied.bytes))
            }
            Content::Binary { forward, .. } => {
                self.check_blob(file, source)?;
                let old = match (forward, source) {
                    (BinaryData::Delta(_), Some(_)) => self.text(source)?,
                    _ => Rc::new(Vec::new()),
                };
                let new = patch::apply_binary(&old, forward).map_err(|error| at(Reason::Binary(error)))?;
                Ok(self.objects.put_file(mode, new))
            }
            Content::BinaryWithoutData => {
                self.check_blob(file, source)?;
                let new: Option<Id> = file.index.as_ref().and_then(|(_, new)| new.to_str().ok()?.parse().ok());
                match new {
                    Some(id) if file.change == Change::Delete || self.objects.has(id) => Ok(Entry { mode, id }),
                    _ => Err(at(Reason::NoData)),
                }
            }
        }
    }

    /// Checks that a binary change fits: only the content that the patch's index line names does.
    fn check_blob(&mut self, file: &FileDiff, source: Option<Entry>) -> Result<(), Stop> {
        let Some((old, _)) = &file.index else { return Ok(()) };
        let Some(source) = source else { return Ok(()) };
        let found = source.id.to_string();
        if old.len() >= 7 && found.as_bytes().starts_with(old) {
            return Ok(());
        }
        Err(Stop::Failed(file.line, Reason::OtherBlob { wanted: crate::path::printable(old), found: source.id }))
    }

    /// Returns the lines that hunks apply to: a blob's, or the one line by which git shows a submodule.
    fn text(&mut self, source: Option<Entry>) -> Result<Rc<Vec<u8>>, Stop> {
        let Some(source) = source else { return Ok(Rc::new(Vec::new())) };
        if source.mode == Mode::Gitlink {
            return Ok(Rc::new(format!("Subproject commit {}\n", source.id).into_bytes()));
        }
        self.objects.blob(source.id)?.ok_or(Stop::Need(source.id))
    }

    /// Returns the first added path that has no place in the tree, and why.
    fn misplaced(&mut self) -> Result<Option<(RepoPath, Reason)>, GitError> {
        let (mut added, mut folded) = (Vec::new(), HashMap::new());
        for (path, _) in self.edits.iter().filter(|(_, entry)| entry.is_some()) {
            added.push(path.clone());
            let alike: &mut Vec<RepoPath> = folded.entry(path.fold_key()).or_default();
            // Only the first two are needed.
            if alike.len() < 2 {
                alike.push(path.clone());
            }
        }
        let removals = self.edits.iter().filter(|(_, entry)| entry.is_none()).map(|(path, _)| (path.clone(), None));
        let removals: Edits = removals.collect();
        let mut look = Look { folded, cleared: None, removals, twins: Twins::default() };
        for path in added {
            if let Some(reason) = self.no_place_for(&path, &mut look)? {
                return Ok(Some((path, reason)));
            }
        }
        Ok(None)
    }

    fn no_place_for(&mut self, path: &RepoPath, look: &mut Look) -> Result<Option<Reason>, GitError> {
        let mut above = path.parent();
        while let Some(at) = above {
            if let Some(entry) = self.now(&at)?.filter(|entry| entry.mode != Mode::Folder) {
                return Ok(Some(Reason::NotAFolder { at, found: entry.mode }));
            }
            above = at.parent();
        }
        let before = self.objects.entry(self.tree, path)?;
        if before.is_none() {
            return Ok(self.collision(path, look)?.map(Reason::Collides));
        }
        if before.is_some_and(|entry| entry.mode == Mode::Folder) && self.keeps_files(path, look)? {
            return Ok(Some(Reason::Folder));
        }
        Ok(None)
    }

    /// Checks whether the folder at `path` still contains a file after the patch's removals.
    fn keeps_files(&mut self, path: &RepoPath, look: &mut Look) -> Result<bool, GitError> {
        let after = match look.cleared {
            Some(after) => after,
            None => *look.cleared.insert(self.objects.edit(self.tree, &look.removals)?),
        };
        Ok(self.objects.entry(after, path)?.is_some())
    }

    /// Returns a neighbour of `path`, or of a folder above it, whose name is the same for a file system that folds
    /// names.
    fn collision(&mut self, path: &RepoPath, look: &mut Look) -> Result<Option<String>, GitError> {
        let alike = look.folded.get(&path.fold_key());
        if let Some(twin) = alike.into_iter().flatten().find(|other| *other != path) {
            return Ok(Some(twin.to_string()));
        }
        let twin = look.twins.of(self.objects, self.tree, path)?;
        Ok(twin.filter(|twin| !matches!(self.edits.get(twin), Some(None))).map(|twin| twin.to_string()))
    }
}

/// The data for checking added paths, computed once per patch.
struct Look {
    /// The added paths, by the form that a file system that folds names gives them.
    folded: HashMap<Vec<u8>, Vec<RepoPath>>,
    /// The removals of the patch.
    removals: Edits,
    /// The tree after the removals.
    cleared: Option<Id>,
    twins: Twins,
}

/// Returns the kind: a modification does not turn a file, symlink or submodule into another kind.
fn kind_of(mode: Mode) -> u32 {
    mode.bits() & 0o170_000
}

fn submodule_commit(text: &[u8]) -> Option<Id> {
    text.strip_prefix(b"Subproject commit ")?.trim_end().to_str().ok()?.parse().ok()
}
