//! Reads the result of a conflict in the checkout: staged, committed, or only edited.

use std::collections::{BTreeMap, BTreeSet};

use super::{HandOverError, is_untracked};
use crate::git::checkout::{self, Attachment, ChangeKind, HeadState, Indexed, Line, WorkChange};
use crate::git::{Edits, Entry, GitError, Id, Mode, Objects};
use crate::path::RepoPath;
use crate::stack::{certain_leftover_marker, leftover_marker};
use crate::workspace::step::handed::{HandedConflict, HandedPath, safe};
use crate::workspace::step::kept::tree_with;
use crate::workspace::upstream::store::UpstreamStore;

/// The maintainer's result of a conflict. Contents that are in no commit are new objects in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadBack {
    /// The patch's own paths, with those that merged; `None`: the path is removed.
    pub paths: Vec<(RepoPath, Option<Entry>)>,
    /// Other paths that differ from the hand-over. New files count after a `git add`.
    pub others: Vec<(RepoPath, Option<Entry>)>,
    /// Conflict markers that are left: the path, and the first line (from 1).
    pub leftover: Vec<(RepoPath, usize)>,
    /// Paths without markers that are unchanged: one side deleted the file, or it has no lines.
    pub undecided: Vec<RepoPath>,
    /// Paths whose attributes name a filter program. It did not run: the bytes are those on disk.
    pub filtered: Vec<RepoPath>,
    /// New files that are neither added to git nor ignored: their purpose is unknown.
    pub untracked: Vec<RepoPath>,
    /// The commits made on the new stack so far, oldest first.
    pub commits: Vec<Id>,
    /// The tree of the working tree that was read.
    pub work: Option<Id>,
}

impl ReadBack {
    /// Checks whether every path is decided.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.leftover.is_empty() && self.undecided.is_empty()
    }
}

/// Why the state of the checkout is not an answer to the conflict.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Away {
    /// The folder is gone, or is not this checkout.
    #[error("the checkout is gone")]
    NoCheckout,
    /// Another branch, which is not based on the handed-over commit.
    #[error("the checkout was switched to the branch '{0}'")]
    Branch(String),
    /// Another commit.
    #[error("the checkout's HEAD was moved to {}, which is not based on the commit that the conflict was given out on", .0.short(12))]
    Elsewhere(Id),
    /// Commits that are not linear.
    #[error("commit {} is a merge", .0.short(12))]
    Merge(Id),
    /// Git waits for the user with another operation.
    #[error("a git {0} is in progress in the checkout")]
    Operation(&'static str),
    /// `git cherry-pick --abort` or `--skip`, `git reset --hard`: nothing of the conflict is left.
    #[error("the conflict was removed from the checkout (by 'git cherry-pick --abort', for example)")]
    TakenOut,
}

/// Reads the result of the conflict in the checkout. Nothing changes.
///
/// # Errors
/// [`HandOverError::Nothing`] when there is none, [`HandOverError::Step`] when the checkout cannot be read.
pub fn read_back(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
) -> Result<Result<ReadBack, Away>, HandOverError> {
    let handed = HandedConflict::read(upstream)?.ok_or(HandOverError::Nothing)?;
    let commits = match commits_since(upstream, &handed)? {
        Ok(commits) => commits,
        Err(away) => return Ok(Err(away)),
    };
    let head = commits.last().copied().unwrap_or(handed.head);
    let work = Work::read(upstream, objects, &handed, head)?;
    let index = checkout::indexed(&upstream.store)?;
    let (filtered, untracked) = (work.filtered, work.untracked);
    let mut back = ReadBack { commits, filtered, untracked, work: Some(work.tree), ..ReadBack::default() };
    let mut sides = Sides { objects, given: handed.given, head: handed.head, work: work.tree };
    let waits = checkout::operation(&upstream.store).is_some();
    let taken_out = back.commits.is_empty() && index.unmerged.is_empty() && !waits;
    if taken_out && sides.nothing_left(&handed)? {
        return Ok(Err(Away::TakenOut));
    }
    sides.judge(&handed, &index, waits, &mut back)?;
    back.leftover.sort();
    back.undecided.sort();
    Ok(Ok(back))
}

/// Returns the commits made on top of the hand-over.
pub(super) fn commits_since(
    upstream: &UpstreamStore<'_>,
    handed: &HandedConflict,
) -> Result<Result<Vec<Id>, Away>, HandOverError> {
    let store = &upstream.store;
    if checkout::attachment(store, &upstream.checkout())? != Attachment::Ours {
        return Ok(Err(Away::NoCheckout));
    }
    match checkout::operation(store) {
        None | Some("cherry-pick") => {}
        Some(other) => return Ok(Err(Away::Operation(other))),
    }
    let (id, away) = match checkout::head(store)? {
        HeadState::Detached(id) => (id, Away::Elsewhere(id)),
        HeadState::OnBranch { name, id } => {
            let away = Away::Branch(name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
            match id {
                Some(id) => (id, away),
                None => return Ok(Err(away)),
            }
        }
        HeadState::OnQueue(_) => return Ok(Err(Away::Branch("patchq".to_owned()))),
    };
    Ok(match checkout::commits(store, handed.head, id)? {
        Line::Linear(line) => Ok(line),
        Line::Merge(merge) => Err(Away::Merge(merge)),
        Line::NotOnBase => Err(away),
    })
}

/// The working tree in the form of a commit.
pub(super) struct Work {
    /// Its tree, without untracked files except the patch's own paths.
    pub(super) tree: Id,
    /// The paths that differ from HEAD.
    pub(super) changes: Vec<WorkChange>,
    filtered: Vec<RepoPath>,
    /// The untracked paths that are left out, as far as their names are valid.
    untracked: Vec<RepoPath>,
}

impl Work {
    pub(super) fn read(
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        handed: &HandedConflict,
        head: Id,
    ) -> Result<Work, HandOverError> {
        let own: BTreeSet<&[u8]> = handed.own().collect();
        let mut changes = checkout::status(&upstream.store, &upstream.checkout())?;
        let theirs = |change: &WorkChange| is_untracked(change) && !own.contains(change.path.as_bytes());
        let untracked = changes.iter().filter(|change| theirs(change)).map(|change| change.path.clone()).collect();
        changes.retain(|change| !theirs(change));
        for change in &mut changes {
            // The content of the working file counts, even if the index is unmerged.
            if change.kind == ChangeKind::Conflicted {
                change.kind = ChangeKind::Modified;
            }
        }
        let files = checkout::work_files(&upstream.store, &upstream.checkout(), &changes)?;
        let tree = tree_with(objects, head, files.files)?;
        // An unmerged submodule has no file with a result: its entry stays.
        let mut submodules = Edits::new();
        for path in files.unusable {
            let given = objects.entry(handed.given, &path)?;
            submodules.extend(given.filter(|entry| entry.mode == Mode::Gitlink).map(|entry| (path, Some(entry))));
        }
        let tree = objects.edit(tree, &submodules)?;
        Ok(Work { tree, changes, filtered: files.filtered, untracked })
    }
}

struct Sides<'o, 's> {
    objects: &'o mut Objects<'s>,
    given: Id,
    head: Id,
    work: Id,
}

impl Sides<'_, '_> {
    fn nothing_left(&mut self, handed: &HandedConflict) -> Result<bool, GitError> {
        let head = self.objects.commit(self.head)?.tree;
        let (mut differs, mut same) = (false, true);
        for own in handed.own() {
            let path = safe(own)?;
            let was = self.objects.entry(head, &path)?;
            same &= self.objects.entry(self.work, &path)? == was;
            differs |= self.objects.entry(self.given, &path)? != was;
        }
        Ok(same && (differs || !handed.conflicts.is_empty()))
    }

    fn judge(
        mut self,
        handed: &HandedConflict,
        index: &Indexed,
        waits: bool,
        back: &mut ReadBack,
    ) -> Result<(), GitError> {
        let mut own = BTreeMap::new();
        for merged in &handed.merged {
            let path = safe(merged)?;
            own.insert(path.clone(), self.objects.entry(self.work, &path)?);
        }
        for conflict in &handed.conflicts {
            let path = safe(&conflict.path)?;
            let entry = self.conflict(conflict, &path, index, waits, back)?;
            own.insert(path, entry);
        }
        for change in self.objects.diff(self.given, self.work)? {
            if !own.contains_key(&change.path) {
                back.others.push((change.path, change.new));
            }
        }
        back.paths = own.into_iter().collect();
        Ok(())
    }

    /// Determines the result of a path in conflict, and records it if that is not an answer. `waits`: git's cherry-pick
    /// state still exists, so a path that is not unmerged was decided by a person, not lost by a reset.
    fn conflict(
        &mut self,
        own: &HandedPath,
        path: &RepoPath,
        index: &Indexed,
        waits: bool,
        back: &mut ReadBack,
    ) -> Result<Option<Entry>, GitError> {
        let unmerged = index.unmerged.iter().any(|at| at.path == *path);
        let tracked = index.files.contains_key(path);
        let committed = !back.commits.is_empty();
        if committed && !unmerged && !tracked {
            // Removed by a commit; a file still on disk is untracked.
            return Ok(None);
        }
        let entry = self.objects.entry(self.work, path)?;
        let text = match entry {
            Some(Entry { mode: Mode::File | Mode::Executable, id }) => self.objects.blob(id)?,
            _ => None,
        };
        let said_done = !unmerged && (committed || (waits && (tracked || entry.is_none())));
        let find = if said_done { certain_leftover_marker } else { leftover_marker };
        let line = own.markers.zip(text).and_then(|(size, text)| find(&text, size));
        if let Some(line) = line {
            back.leftover.push((path.clone(), line));
        } else if !said_done && own.markers.is_none() && entry == self.objects.entry(self.given, path)? {
            back.undecided.push(path.clone());
        }
        Ok(entry)
    }
}
