//! Records a conflict that was handed over to the checkout, as a commit in the store: it is enough to do it again, to
//! read its result, and to go back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::effects::EffectError;
use crate::git::checkout::{self, HandOver as Plan, Materialized, Obstacle, Outcome, SparseSet};
use crate::git::{BRANCH, Commit, Edits, Entry, GitError, HANDED_OVER, Id, Mode, Objects};
use crate::path::RepoPath;
use crate::stack::{Marked, Sides};
use crate::workspace::files::digest::{FilesDigest, QueueChange};
use crate::workspace::files::queue_files::Files;
use crate::workspace::upstream::store::UpstreamStore;

/// A path that did not merge.
#[derive(Debug, Clone)]
pub struct Unmerged {
    /// The path on the new pin.
    pub path: RepoPath,
    /// The path in the patch.
    pub own: RepoPath,
    /// Whether the patch renames it.
    pub renamed: bool,
    /// Before the patch, on the old pin.
    pub base: Option<Entry>,
    /// On the new pin, with the patches before this one.
    pub upstream: Option<Entry>,
    /// After the patch, on the old pin.
    pub patch: Option<Entry>,
    /// The content of the working file. `None`: the one that git would leave there, upstream's version or else the
    /// patch's.
    pub work: Option<Marked>,
    /// The mode of `work`.
    pub mode: Mode,
}

/// A conflict that is in the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedConflict {
    /// The patch file's name.
    pub patch: String,
    /// The new pin.
    pub pin: Id,
    /// The pin of the checkout before.
    pub old_pin: Id,
    /// The commit of the new stack so far.
    pub head: Id,
    /// The commit for HEAD; after an undone way back the commit where HEAD was.
    pub(in crate::workspace) at: Id,
    /// The commit in `CHERRY_PICK_HEAD`.
    pub(in crate::workspace) picked: Option<Id>,
    pub(in crate::workspace) message: Vec<u8>,
    /// The tree of the working tree when it was first handed over.
    pub(in crate::workspace) given: Id,
    /// The tree to write; it differs from `given` after an undone way back.
    pub(in crate::workspace) work: Id,
    /// The tree of the index at stage 0.
    pub(in crate::workspace) index: Id,
    /// The patch's commit on the old pin.
    pub(in crate::workspace) from: Id,
    /// The state of pin and patches.
    pub(in crate::workspace) files: FilesDigest,
    /// The patch's paths that merged (bytes, because not every path is text).
    pub(in crate::workspace) merged: Vec<Vec<u8>>,
    /// The patch's paths in conflict.
    pub(in crate::workspace) conflicts: Vec<HandedPath>,
    /// The unmerged paths of the index; fewer than were handed over if some were staged since.
    pub(in crate::workspace) unmerged: Vec<Stages>,
    /// The text of `version.txt`.
    pub(in crate::workspace) version: Option<String>,
}

/// A path of the patch in conflict, as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) struct HandedPath {
    pub(in crate::workspace) path: Vec<u8>,
    /// The path in the patch.
    own: Vec<u8>,
    /// Whether the patch renames it.
    renamed: bool,
    /// Base, upstream and patch.
    sides: [Option<(u32, Id)>; 3],
    /// The length of the markers in it; `None`: there are none.
    pub(in crate::workspace) markers: Option<usize>,
}

/// The same, parsed.
#[derive(Debug, Clone)]
pub(in crate::workspace) struct ConflictPath {
    pub(in crate::workspace) path: RepoPath,
    pub(in crate::workspace) own: RepoPath,
    pub(in crate::workspace) renamed: bool,
    pub(in crate::workspace) sides: Sides,
    /// Whether there were lines to compare.
    pub(in crate::workspace) is_text: bool,
}

/// An unmerged path: base, upstream and patch as mode and id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) struct Stages {
    path: Vec<u8>,
    sides: [Option<(u32, Id)>; 3],
}

pub(in crate::workspace) fn safe(path: &[u8]) -> Result<RepoPath, GitError> {
    RepoPath::new(path).map_err(GitError::EvilPath)
}

impl Stages {
    pub(in crate::workspace) fn of(at: &checkout::Unmerged) -> Stages {
        let sides = [at.base, at.upstream, at.patch].map(|side| side.map(|entry| (entry.mode.bits(), entry.id)));
        Stages { path: at.path.as_bytes().to_vec(), sides }
    }

    fn read(&self) -> Result<checkout::Unmerged, GitError> {
        let [base, upstream, patch] = self.sides.map(entry);
        Ok(checkout::Unmerged { path: safe(&self.path)?, base, upstream, patch })
    }
}

fn entry(side: Option<(u32, Id)>) -> Option<Entry> {
    side.and_then(|(bits, id)| Mode::from_bits(bits).map(|mode| Entry { mode, id }))
}

impl HandedConflict {
    /// Returns the conflict in the checkout of `upstream`; `None` when there is none.
    ///
    /// # Errors
    /// [`GitError`] when the record cannot be read.
    pub fn read(upstream: &UpstreamStore<'_>) -> Result<Option<HandedConflict>, GitError> {
        upstream.store.read_ref(HANDED_OVER)?.map(|at| HandedConflict::at(upstream, at)).transpose()
    }

    /// Returns the paths that did not merge.
    ///
    /// # Errors
    /// [`GitError`] when the record is damaged.
    pub fn conflicts(&self) -> Result<Vec<RepoPath>, GitError> {
        self.conflicts.iter().map(|own| safe(&own.path)).collect()
    }

    /// Returns them with their entries on the three sides.
    ///
    /// # Errors
    /// [`GitError`] when the record is damaged.
    pub(in crate::workspace) fn asked(&self) -> Result<Vec<ConflictPath>, GitError> {
        let one = |waiting: &HandedPath| {
            let [base, upstream, patch] = waiting.sides.map(entry);
            let (path, own) = (safe(&waiting.path)?, safe(&waiting.own)?);
            let (sides, is_text) = (Sides { base, upstream, patch }, waiting.markers.is_some());
            Ok(ConflictPath { path, own, renamed: waiting.renamed, sides, is_text })
        };
        self.conflicts.iter().map(one).collect()
    }

    /// Returns changes in `files` that may change the conflict: of the pin, the order, this patch or one before it.
    pub(in crate::workspace) fn changed(&self, files: &Files) -> Vec<QueueChange> {
        let before = |name: &str| match files.patches.iter().position(|patch| patch.queued.name == self.patch) {
            Some(mine) => files.patches[..=mine].iter().any(|patch| patch.queued.name == name),
            None => true,
        };
        let mut changes = self.files.diff(&files.digest());
        changes.retain(|change| match change {
            QueueChange::Version => false,
            QueueChange::Pin | QueueChange::Series | QueueChange::Removed(_) => true,
            QueueChange::Added(name) | QueueChange::Changed(name) => before(name),
        });
        changes
    }

    /// Returns the entries of `path` before and after the patch itself.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub(in crate::workspace) fn own_change(
        &self,
        objects: &mut Objects<'_>,
        path: &RepoPath,
    ) -> Result<[Option<Entry>; 2], GitError> {
        let commit = objects.commit(self.from)?;
        let before = match commit.parents.first() {
            Some(parent) => objects.commit(*parent)?.tree,
            None => Id::EMPTY_TREE,
        };
        Ok([objects.entry(before, path)?, objects.entry(commit.tree, path)?])
    }

    /// Returns the entry of `path` when it was handed over; for a path of the patch that merged, its merged entry.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub(in crate::workspace) fn given_entry(
        &self,
        objects: &mut Objects<'_>,
        path: &RepoPath,
    ) -> Result<Option<Entry>, GitError> {
        objects.entry(self.given, path)
    }

    fn at(upstream: &UpstreamStore<'_>, at: Id) -> Result<HandedConflict, GitError> {
        let mut objects = Objects::new(&upstream.store)?;
        let damaged = GitError::Damaged { kind: "commit", id: at, what: "it says nothing of a conflict" };
        serde_json::from_slice(&objects.commit(at)?.message).map_err(|_| damaged)
    }

    pub(in crate::workspace) fn with_conflicts(mut self, conflicts: &[Unmerged]) -> HandedConflict {
        for at in conflicts {
            let side = |side: Option<Entry>| side.map(|entry| (entry.mode.bits(), entry.id));
            self.conflicts.push(HandedPath {
                path: at.path.as_bytes().to_vec(),
                own: at.own.as_bytes().to_vec(),
                renamed: at.renamed,
                sides: [at.base, at.upstream, at.patch].map(side),
                markers: at.work.as_ref().map(|marked| marked.size),
            });
            let (path, base, upstream, patch) = (at.path.clone(), at.base, at.upstream, at.patch);
            self.unmerged.push(Stages::of(&checkout::Unmerged { path, base, upstream, patch }));
        }
        self.unmerged.sort_by(|one, other| one.path.cmp(&other.path));
        self
    }

    /// Makes the record as a commit, whose parents keep everything that it names.
    pub(in crate::workspace) fn make(&self, objects: &mut Objects<'_>, old: Id) -> Result<Id, GitError> {
        let mut parents = vec![old, self.pin, self.head, self.at, self.from];
        parents.extend(self.picked);
        for tree in [self.given, self.work, self.index] {
            parents.push(objects.put_commit(&Commit::by_patchq(tree, vec![self.head], "In the checkout\n", 0)));
        }
        parents.sort();
        parents.dedup();
        let text = serde_json::to_vec(self).map_err(|_| GitError::Damaged {
            kind: "commit",
            id: self.head,
            what: "it cannot be written down",
        })?;
        let blobs = self.unmerged.iter().flat_map(|at| at.sides).flatten().map(|(_, id)| id);
        // Entries that no tree contains: new ones from a patch that was just read.
        let mut tree = Edits::new();
        for (n, id) in blobs.enumerate() {
            if objects.has(id) {
                tree.insert(safe(format!("{n}").as_bytes())?, Some(Entry { mode: Mode::File, id }));
            }
        }
        let tree = objects.edit(Id::EMPTY_TREE, &tree)?;
        Ok(objects.put_commit(&Commit::by_patchq(tree, parents, text, 0)))
    }

    /// Returns the paths that belong to the patch.
    pub(in crate::workspace) fn own(&self) -> impl Iterator<Item = &[u8]> {
        self.merged.iter().chain(self.conflicts.iter().map(|waiting| &waiting.path)).map(Vec::as_slice)
    }

    /// Returns the paths of the checkout.
    pub(in crate::workspace) fn sparse(
        &self,
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
    ) -> Result<SparseSet, GitError> {
        let own = self.own().map(safe);
        let own = own.collect::<Result<Vec<_>, _>>()?;
        sparse_with(upstream, objects, (self.pin, self.work), own)
    }

    fn with_plan<T>(
        &self,
        upstream: &UpstreamStore<'_>,
        run: impl FnOnce(&Plan<'_>) -> Result<T, EffectError>,
    ) -> Result<T, EffectError> {
        let mut objects = Objects::new(&upstream.store)?;
        let sparse = self.sparse(upstream, &mut objects)?;
        let unmerged = self.unmerged.iter().map(Stages::read).collect::<Result<Vec<_>, _>>()?;
        run(&Plan {
            old: branch_tip(upstream)?,
            head: self.at,
            picked: self.picked,
            work: self.work,
            index: self.index,
            unmerged: &unmerged,
            sparse: &sparse,
            message: self.message.as_slice().into(),
            version: self.version.as_deref(),
            // git reads these words: `git status` to show where HEAD was detached, and `git switch -` to find where it
            // came from.
            reason: &format!("checkout: moving from patchq to {}", self.at),
        })
    }
}

/// Returns the paths of a checkout whose working tree is `work` on `pin`, with those of `own`. The tree is in the
/// store.
pub(in crate::workspace) fn sparse_with(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    (pin, work): (Id, Id),
    own: Vec<RepoPath>,
) -> Result<SparseSet, GitError> {
    let base = objects.commit(pin)?.tree;
    let mut touched: BTreeSet<RepoPath> = own.into_iter().collect();
    touched.extend(objects.diff(base, work)?.into_iter().map(|change| change.path));
    upstream.sparse(work, &touched.into_iter().collect::<Vec<_>>())
}

/// Returns the commit of the stack's branch.
pub(in crate::workspace) fn branch_tip(upstream: &UpstreamStore<'_>) -> Result<Id, GitError> {
    upstream.store.read_ref(BRANCH)?.ok_or(GitError::Missing { kind: "commit", id: Id::EMPTY_TREE })
}

/// Does the hand-over of the record at `at`; can be repeated.
///
/// # Errors
/// [`EffectError`].
pub(in crate::workspace) fn finish(
    upstream: &UpstreamStore<'_>,
    at: Id,
    observe: &dyn Fn(&str),
) -> Result<Materialized, EffectError> {
    HandedConflict::at(upstream, at)?.with_plan(upstream, |plan| {
        match checkout::hand_over(&upstream.store, &upstream.checkout(), plan, observe)? {
            Outcome::Done(done) => Ok(done),
            Outcome::Refused(obstacles) => Err(EffectError::Obstacles(obstacles)),
            Outcome::Need(ids) => Err(EffectError::Missing(ids.len())),
        }
    })
}

/// Returns the tree of the working tree after it.
///
/// # Errors
/// [`GitError`] when the record cannot be read.
pub(in crate::workspace) fn work_of(upstream: &UpstreamStore<'_>, at: Id) -> Result<Id, GitError> {
    Ok(HandedConflict::at(upstream, at)?.work)
}

/// Returns what would be in its way.
///
/// # Errors
/// [`EffectError::Missing`] when blobs are not fetched; others when store or checkout cannot be read.
pub(in crate::workspace) fn in_the_way(upstream: &UpstreamStore<'_>, at: Id) -> Result<Vec<Obstacle>, EffectError> {
    HandedConflict::at(upstream, at)?.with_plan(upstream, |plan| {
        match checkout::hand_over_obstacles(&upstream.store, &upstream.checkout(), plan)? {
            Some(Outcome::Refused(obstacles)) => Ok(obstacles),
            Some(Outcome::Need(ids)) => Err(EffectError::Missing(ids.len())),
            Some(Outcome::Done(_)) | None => Ok(Vec::new()),
        }
    })
}
