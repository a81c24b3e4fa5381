//! The first pass: finds what a move of the checkout would write and remove, and every obstacle. It changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use bstr::{BStr, BString};

use super::content::{Against, Content};
use super::fits::Limits;
use super::folding::Folding;
use super::index::{Carried, DiskIndex, can_hold};
use super::listing::Listing;
use super::root::{Found, Kind, Meta, Root};
use super::version::Managed;
use super::{Differences, Obstacle, Plan, Reason, SparseSet};
use crate::git::{Entry, GitError, Id, Mode};
use crate::path::{RepoPath, printable};

/// The work of the second pass.
#[derive(Debug, Default)]
pub(super) struct Actions {
    /// Files and symlinks to write, and what is there now.
    pub(super) write: BTreeMap<RepoPath, (Entry, Found)>,
    /// Files and symlinks to remove, and what is there now.
    pub(super) remove: BTreeMap<RepoPath, Found>,
    /// Empty folders to make, for submodules.
    pub(super) folders: Vec<RepoPath>,
    /// Folders of submodules that are no longer in the tree: removed where empty.
    pub(super) old_folders: Vec<RepoPath>,
    /// Paths that are already right, with their stat data.
    pub(super) clean: BTreeMap<RepoPath, Meta>,
    /// Paths that differ and are left as they are.
    pub(super) kept: Vec<RepoPath>,
    /// Staged changes that stay.
    pub(super) carried: Carried,
}

/// The trees of a move.
#[derive(Clone, Copy)]
pub(super) struct Trees<'a> {
    pub(super) old: Option<&'a Listing>,
    pub(super) new: &'a Listing,
    /// The commit that the index is based on, if another move comes before this one.
    pub(super) index_of: Option<&'a Listing>,
}

/// The state of the first pass.
pub(super) struct Check<'a> {
    pub(super) content: Content<'a>,
    pub(super) root: &'a mut Root,
    pub(super) old: Option<&'a Listing>,
    pub(super) new: &'a Listing,
    pub(super) sparse: &'a SparseSet,
    pub(super) differences: Differences,
    pub(super) changed: &'a BTreeSet<RepoPath>,
    pub(super) managed: &'a Managed,
    index_of: Option<&'a Listing>,
    limits: Limits,
    pub(super) actions: Actions,
    pub(super) obstacles: Vec<Obstacle>,
    /// Folders where a file belongs: each must be empty once everything is removed.
    in_way: Vec<RepoPath>,
    /// Files or symlinks above a path: each must be removed first.
    blocked: BTreeMap<RepoPath, bool>,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        content: Content<'a>,
        root: &'a mut Root,
        trees: Trees<'a>,
        plan: &Plan<'a>,
        managed: &'a Managed,
        limits: Limits,
    ) -> Check<'a> {
        Check {
            content,
            root,
            old: trees.old,
            new: trees.new,
            sparse: plan.sparse,
            differences: plan.differences,
            changed: plan.changed,
            managed,
            index_of: trees.index_of,
            limits,
            actions: Actions::default(),
            obstacles: Vec::new(),
            in_way: Vec::new(),
            blocked: BTreeMap::new(),
        }
    }

    /// Checks every path of both trees.
    pub(super) fn run(mut self) -> Result<(Actions, Vec<Obstacle>), GitError> {
        let old = self.old;
        let none = Listing::new();
        let paths: BTreeSet<&BString> = self.new.keys().chain(old.unwrap_or(&none).keys()).collect();
        for path in paths {
            let (before, after) = (old.and_then(|old| old.get(path)).copied(), self.new.get(path).copied());
            match (RepoPath::new(path), after) {
                (Ok(safe), _) => self.path(safe, before, after)?,
                (Err(bad), Some(after)) => self.unsafe_path(path, after, &bad.to_string()),
                (Err(_), None) => {}
            }
        }
        self.collisions();
        self.staged();
        self.ways()?;
        Ok((self.actions, self.obstacles))
    }

    /// Handles a path of the tree that no checkout may write. It is an obstacle only if it is wanted, or if git's
    /// index, which lists every path, would not accept it.
    fn unsafe_path(&mut self, path: &BString, entry: Entry, why: &str) {
        let wanted = self.sparse.is_everything()
            || (0..path.len())
                .filter(|at| path[*at] == b'/')
                .filter_map(|at| RepoPath::new(&path[..at]).ok())
                .any(|above| self.sparse.contains_entry(&above, Mode::Folder));
        if wanted || !can_hold(path, entry) {
            self.obstacles.push(Obstacle { path: printable(path), reason: Reason::UnsafePath { why: why.to_owned() } });
        }
    }

    fn obstacle(&mut self, path: &RepoPath, reason: Reason) {
        self.obstacles.push(Obstacle { path: path.to_string(), reason });
    }

    fn path(&mut self, path: RepoPath, before: Option<Entry>, after: Option<Entry>) -> Result<(), GitError> {
        let found = self.root.look(&path)?;
        match (after, before) {
            (Some(after), _) if self.sparse.contains_entry(&path, after.mode) => {
                self.wanted(path, before, after, found)
            }
            (_, Some(before)) => self.unwanted(path, before, after, found),
            (Some(after), None) => {
                // In the tree, outside the sparse set, and still on disk: git takes such a file as the tree's own.
                if matches!(found, Found::File(_) | Found::Symlink(_))
                    && !self.equals(&path, &found, after)?
                    && !self.ours(&path, &found)?
                {
                    self.differs(path, Reason::Untracked);
                }
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// Keeps a difference if the plan allows that; otherwise it is an obstacle.
    fn differs(&mut self, path: RepoPath, reason: Reason) {
        match self.differences {
            Differences::Keep | Differences::Spare => self.actions.kept.push(path),
            Differences::Refuse => self.obstacle(&path, reason),
        }
    }

    fn equals(&mut self, path: &RepoPath, found: &Found, entry: Entry) -> Result<bool, GitError> {
        Ok(matches!(self.content.compare(self.root, path, found, entry)?, Against::Equal(_)))
    }

    /// Checks whether the file is the `version.txt` that patchq wrote.
    fn ours(&mut self, path: &RepoPath, found: &Found) -> Result<bool, GitError> {
        self.managed.is_own(self.root, path, found)
    }

    /// Handles a path that the checkout is to hold.
    fn wanted(&mut self, path: RepoPath, before: Option<Entry>, after: Entry, found: Found) -> Result<(), GitError> {
        if after.mode == Mode::Gitlink {
            return self.wanted_submodule(path, before, found);
        }
        if let Against::Equal(meta) = self.content.compare(self.root, &path, &found, after)? {
            self.actions.clean.insert(path, meta);
            return Ok(());
        }
        if self.differences == Differences::Keep {
            self.actions.kept.push(path);
            return Ok(());
        }
        let changed = self.changed.contains(&path);
        if changed && before == Some(after) {
            self.actions.kept.push(path);
            return Ok(());
        }
        match &found {
            Found::Absent if changed && before.is_some() => {
                self.differs(path, Reason::LocalChange);
                return Ok(());
            }
            Found::Absent => {}
            Found::Blocked { at, symlink } => {
                self.blocked.entry(at.clone()).or_insert(*symlink);
            }
            Found::Folder => self.in_way.push(path.clone()),
            Found::Other => {
                self.differs(path, Reason::NoFile);
                return Ok(());
            }
            Found::File(_) | Found::Symlink(_) => {
                let old = match before {
                    Some(before) => self.equals(&path, &found, before)?,
                    None => false,
                };
                if !old && !self.ours(&path, &found)? {
                    let reason = if before.is_some() { Reason::LocalChange } else { Reason::Untracked };
                    self.differs(path, reason);
                    return Ok(());
                }
            }
        }
        if let Some(reason) = self.limits.against(self.content.repo, &path, after) {
            self.obstacle(&path, reason);
            return Ok(());
        }
        self.actions.write.insert(path, (after, found));
        Ok(())
    }

    fn wanted_submodule(&mut self, path: RepoPath, before: Option<Entry>, found: Found) -> Result<(), GitError> {
        match &found {
            Found::Folder => {}
            _ if self.differences == Differences::Keep => self.actions.kept.push(path),
            Found::Absent | Found::Blocked { .. } if self.unfit_folder(&path) => {}
            Found::Absent => self.actions.folders.push(path),
            Found::Blocked { at, symlink } => {
                self.blocked.entry(at.clone()).or_insert(*symlink);
                self.actions.folders.push(path);
            }
            Found::File(_) | Found::Symlink(_) => {
                let old = match before {
                    Some(before) => self.equals(&path, &found, before)?,
                    None => false,
                };
                if old {
                    self.actions.remove.insert(path.clone(), found);
                    self.actions.folders.push(path);
                } else {
                    self.differs(path, if before.is_some() { Reason::LocalChange } else { Reason::Untracked });
                }
            }
            Found::Other => self.differs(path, Reason::NoFile),
        }
        Ok(())
    }

    /// Checks whether no folder can have this path, and then adds an obstacle.
    fn unfit_folder(&mut self, path: &RepoPath) -> bool {
        let entry = Entry { mode: Mode::Folder, id: Id::EMPTY_TREE };
        let reason = self.limits.against(self.content.repo, path, entry);
        let unfit = reason.is_some();
        if let Some(reason) = reason {
            self.obstacle(path, reason);
        }
        unfit
    }

    /// Handles a path that the checkout held and is not to hold any more.
    fn unwanted(&mut self, path: RepoPath, before: Entry, after: Option<Entry>, found: Found) -> Result<(), GitError> {
        match &found {
            Found::Folder if before.mode == Mode::Gitlink => {
                if self.differences != Differences::Keep {
                    self.actions.old_folders.push(path);
                }
            }
            Found::Absent | Found::Blocked { .. } | Found::Folder | Found::Other => {}
            Found::File(_) | Found::Symlink(_) => {
                if self.equals(&path, &found, before)? {
                    match self.differences {
                        Differences::Refuse | Differences::Spare => drop(self.actions.remove.insert(path, found)),
                        Differences::Keep => self.actions.kept.push(path),
                    }
                } else if !self.ours(&path, &found)? {
                    let same = match after {
                        Some(after) => self.equals(&path, &found, after)?,
                        None => false,
                    };
                    if !same {
                        self.differs(path, Reason::LocalChange);
                    }
                }
            }
        }
        Ok(())
    }

    /// Finds wanted paths that are the same name for this file system, and files that are folders at the same time.
    fn collisions(&mut self) {
        let mut folders: BTreeMap<Vec<u8>, RepoPath> = BTreeMap::new();
        let mut files: BTreeMap<Vec<u8>, RepoPath> = BTreeMap::new();
        let mut hits = Vec::new();
        for (path, entry) in self.new {
            let Ok(path) = RepoPath::new(path) else { continue };
            if !self.sparse.contains_entry(&path, entry.mode) {
                continue;
            }
            let mut above = path.parent();
            while let Some(folder) = above {
                if folders.insert(folder.fold_key(), path.clone()).is_some() {
                    break;
                }
                above = folder.parent();
            }
            if let Some(other) = files.insert(path.fold_key(), path.clone()) {
                hits.push((path, other));
            }
        }
        for (key, path) in files {
            if let Some(other) = folders.get(&key) {
                hits.push((path, other.clone()));
            }
        }
        if hits.is_empty() {
            return;
        }
        // Most file systems of Linux can hold both names, and git writes both there.
        let folding = Folding::of(self.root.path());
        for (path, other) in hits.into_iter().filter(|(path, other)| folding.meets(path, other)) {
            self.obstacle(&path, Reason::Collides { with: other.to_string() });
        }
    }

    /// Keeps staged changes, as `git switch` does, where the move changes nothing; elsewhere they would be lost.
    fn staged(&mut self) {
        let (Some(index), Some(old)) = (self.content.index, self.old) else { return };
        let refuse = self.differences != Differences::Keep;
        let DiskIndex { files, conflicts, .. } = index;
        // A move before this one leaves no conflict in the index.
        if refuse && self.index_of.is_none() {
            let hits = conflicts.iter().map(|path| Obstacle { path: printable(path), reason: Reason::Conflicted });
            self.obstacles.extend(hits);
        }
        let paths: BTreeSet<&BString> = files.keys().chain(old.keys()).collect();
        for path in paths {
            let tracked = files.get(path);
            let held = tracked.map(|tracked| tracked.entry);
            let (before, after) = (old.get(path).copied(), self.new.get(path).copied());
            if held == before || held == after || conflicts.contains(path) {
                continue;
            }
            let changed = RepoPath::new(path).is_ok_and(|path| self.changed.contains(&path));
            if self.index_of.is_some_and(|now| !changed || now.get(path) != old.get(path)) {
                continue;
            }
            if before == after && changed && (after.is_some() || !self.clashes(path)) {
                self.actions.carried.insert(path.clone(), tracked.cloned());
            } else if (refuse || changed) && (before == after || !tracked.is_some_and(|tracked| tracked.intent)) {
                self.obstacles.push(Obstacle { path: printable(path), reason: Reason::Staged });
            }
        }
    }

    /// Checks whether the commit has a file where `path`, which it lacks, needs a folder, or a folder where it needs a
    /// file.
    fn clashes(&self, path: &BString) -> bool {
        let mut below = path.clone();
        below.push(b'/');
        let folder = self.new.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below));
        let mut above = (0..path.len()).filter(|at| path[*at] == b'/');
        folder || above.any(|at| self.new.contains_key(BStr::new(&path[..at])))
    }

    /// Finds things in the way of files that do not disappear when the old files are removed.
    fn ways(&mut self) -> Result<(), GitError> {
        for (at, symlink) in std::mem::take(&mut self.blocked) {
            if !self.actions.remove.contains_key(&at)
                && !self.obstacles.iter().any(|other| other.path == at.to_string())
                && !self.spared(&at)
            {
                self.obstacle(&at, if symlink { Reason::SymlinkOnTheWay } else { Reason::FileOnTheWay });
            }
        }
        for folder in std::mem::take(&mut self.in_way) {
            if let Some(inside) = self.stays(&folder)?
                && !self.spared(&folder)
            {
                self.obstacle(&folder, Reason::FolderInTheWay { holds: inside.to_string() });
            }
        }
        Ok(())
    }

    /// Checks whether whatever is at `at` stays, so that nothing is written there or below: this is so when all
    /// differences are spared.
    fn spared(&mut self, at: &RepoPath) -> bool {
        if self.differences != Differences::Spare {
            return false;
        }
        let below: Vec<RepoPath> = self.actions.write.keys().filter(|path| path.is_within(at)).cloned().collect();
        for path in below {
            self.actions.write.remove(&path);
            self.actions.kept.push(path);
        }
        self.actions.folders.retain(|path| !path.is_within(at));
        true
    }

    /// Returns a path below `folder` that will not be removed.
    fn stays(&mut self, folder: &RepoPath) -> Result<Option<RepoPath>, GitError> {
        for (name, kind) in self.root.entries(Some(folder))? {
            let Ok(path) = folder.join(&name) else { return Ok(Some(folder.clone())) };
            let found = match kind {
                Kind::Folder => self.stays(&path)?,
                Kind::File if self.actions.remove.contains_key(&path) => None,
                Kind::File | Kind::Other => Some(path),
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }
}
