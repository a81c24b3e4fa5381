//! Finds the commits between two commits that changed a path, as `git log OLD..NEW -- PATH` does, in a store that has
//! commits without trees.
//!
//! The rule is git's default history simplification (`git-log(1)`, "History Simplification"). If the path is the same
//! in a commit and in one of its parents, the commit did not change it, and only that parent is followed: changes from
//! the other side of a merge did not survive. If the path differs from every parent, the commit changed it, and all
//! parents are followed. There is one deviation: a parent from before the range that has the same path as a merge
//! counts like any other parent; git shows the merge and follows its other parents. Such a merge took the path as it
//! was before the range, so no commit in the range changed it.
//!
//! Trees are fetched level by level, for all commits in one batch. There are as many rounds as the path is deep, and
//! none below a folder that is the same everywhere.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::objects::ObjectKind;
use super::{Entry, GitError, Id, Lazy, Mode, Objects, Store, Tree};
use crate::path::RepoPath;

/// The commits that are reachable from one commit and not from another.
#[derive(Debug, Clone)]
pub struct CommitRange {
    old: Id,
    new: Id,
    /// The newest first, each commit before its parents.
    commits: Vec<Node>,
    /// The trees of the commits and of all their parents.
    trees: BTreeMap<Id, Id>,
}

#[derive(Debug, Clone)]
struct Node {
    id: Id,
    parents: Vec<Id>,
}

/// The history of one path in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathLog {
    /// The commits that lead to the path's last state, the newest first.
    pub(super) visits: Vec<Visit>,
    pub(super) new: Id,
}

/// A commit on the walk back through a path's versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) commit: Id,
    pub(super) step: Step,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The path is the same in this parent.
    Same(Id),
    /// The path differs from every parent. For a root commit: the path exists.
    Changed {
        /// The entry in the commit.
        entry: Option<Entry>,
        /// The entry in each parent.
        parents: Vec<(Id, Option<Entry>)>,
    },
    /// A root commit without the path.
    Nothing,
}

impl CommitRange {
    /// Returns the commits that are reachable from `new` and not from `old`, in a store that has all of their history;
    /// `None` when there are more than `most`.
    ///
    /// # Errors
    /// [`GitError`] when a commit is missing or cannot be read.
    pub fn between(history: &Store, old: Id, new: Id, most: usize) -> Result<Option<CommitRange>, GitError> {
        let failed = || GitError::lib(format!("cannot list the commits {}..{}", old.short(12), new.short(12)));
        let repo = history.repo();
        let mut walk = repo.revwalk().map_err(failed())?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME).map_err(failed())?;
        walk.push(new.into()).and_then(|()| walk.hide(old.into())).map_err(failed())?;
        let (mut commits, mut trees) = (Vec::new(), BTreeMap::new());
        for id in walk {
            if commits.len() == most {
                return Ok(None);
            }
            let commit = repo.find_commit(id.map_err(failed())?).map_err(failed())?;
            trees.insert(commit.id().into(), commit.tree_id().into());
            commits.push(Node { id: commit.id().into(), parents: commit.parent_ids().map(Id::from).collect() });
        }
        for parent in commits.iter().flat_map(|commit| &commit.parents) {
            if !trees.contains_key(parent) {
                let commit = repo.find_commit((*parent).into()).map_err(failed())?;
                trees.insert(*parent, commit.tree_id().into());
            }
        }
        Ok(Some(CommitRange { old, new, commits, trees }))
    }

    /// Returns the number of commits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.commits.len()
    }

    /// Checks whether there are no commits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.commits.is_empty()
    }

    /// Returns the history of each of `paths` (files or folders), in their order; or the trees that are needed for it.
    ///
    /// # Errors
    /// [`GitError`] when a tree is damaged.
    pub fn log(&self, history: &Store, paths: &[RepoPath]) -> Result<Lazy<Vec<PathLog>>, GitError> {
        let objects = Objects::new(history)?;
        let (mut logs, mut need) = (Vec::new(), BTreeSet::new());
        for path in paths {
            match self.versions(&objects, path)? {
                Lazy::Need(ids) => need.extend(ids),
                Lazy::Done(versions) => logs.push(self.simplified(&versions)),
            }
        }
        Ok(if need.is_empty() { Lazy::Done(logs) } else { Lazy::Need(need) })
    }

    /// Returns the entry at `path` in each root tree. When it is the same in all of them, the entry may be unknown: the
    /// folder above it, which is equal everywhere, takes its place.
    fn versions(&self, objects: &Objects<'_>, path: &RepoPath) -> Result<Lazy<BTreeMap<Id, Option<Entry>>>, GitError> {
        let folder = |id| Some(Entry { mode: Mode::Folder, id });
        let mut at: BTreeMap<Id, Option<Entry>> = self.trees.values().map(|tree| (*tree, folder(*tree))).collect();
        for part in path.parts() {
            let seen: HashSet<Option<Entry>> = at.values().copied().collect();
            if seen.len() <= 1 {
                break;
            }
            let folders: BTreeSet<Id> =
                seen.into_iter().flatten().filter(|entry| entry.mode == Mode::Folder).map(|entry| entry.id).collect();
            let known = |id: &Id| *id != Id::EMPTY_TREE;
            let lacking = objects.store().lacking(folders.iter().copied().filter(known))?;
            if !lacking.is_empty() {
                return Ok(Lazy::Need(lacking.into_iter().collect()));
            }
            let mut below = BTreeMap::new();
            for id in folders {
                below.insert(id, entry_in(objects, id, part)?);
            }
            for entry in at.values_mut() {
                let is_folder = entry.filter(|entry| entry.mode == Mode::Folder);
                *entry = is_folder.and_then(|entry| below.get(&entry.id).copied().flatten());
            }
        }
        Ok(Lazy::Done(at))
    }

    fn simplified(&self, versions: &BTreeMap<Id, Option<Entry>>) -> PathLog {
        let at = |commit: &Id| self.trees.get(commit).and_then(|tree| versions.get(tree)).copied().flatten();
        let in_range: HashSet<Id> = self.commits.iter().map(|commit| commit.id).collect();
        let mut reached = HashSet::from([self.new]);
        let mut visits = Vec::new();
        for Node { id, parents } in &self.commits {
            if !reached.contains(id) {
                continue;
            }
            let entry = at(id);
            let same = |parent: &&Id| at(parent) == entry;
            // If several parents are the same, git takes the first that is in the range or at its very beginning.
            let best = parents.iter().filter(|parent| **parent == self.old || in_range.contains(parent)).find(same);
            let step = match best.or_else(|| parents.iter().find(same)) {
                Some(parent) => Step::Same(*parent),
                None if parents.is_empty() && entry.is_none() => Step::Nothing,
                None => Step::Changed { entry, parents: parents.iter().map(|parent| (*parent, at(parent))).collect() },
            };
            match &step {
                Step::Same(parent) => reached.extend([*parent]),
                _ => reached.extend(parents),
            }
            visits.push(Visit { commit: *id, step });
        }
        PathLog { visits, new: self.new }
    }
}

/// Returns the entry at `name` in a tree. The tree is not kept: only one entry of each of thousands of trees is needed.
fn entry_in(objects: &Objects<'_>, id: Id, name: &[u8]) -> Result<Option<Entry>, GitError> {
    if id == Id::EMPTY_TREE {
        return Ok(None);
    }
    let bytes = objects.read(id, ObjectKind::Tree)?.ok_or(GitError::Missing { kind: "tree", id })?;
    Ok(Tree::parse(id, &bytes)?.get(name))
}

impl PathLog {
    /// Returns the commits that changed the path, the newest first and each before its ancestors.
    pub fn commits(&self) -> impl Iterator<Item = Id> {
        self.visits.iter().filter(|visit| matches!(visit.step, Step::Changed { .. })).map(|visit| visit.commit)
    }
}
