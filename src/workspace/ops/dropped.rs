//! Finds patches that leave a queue, and determines where their changes went.

use super::rewrite::{Rewrite, RewriteError};
use crate::git::{GitError, Id, Objects};
use crate::path::RepoPath;
use crate::stack::{self, Change, Exported, Lazy};
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::synced::Synced;

/// A queue that was written.
#[derive(Debug, Clone, Default)]
pub struct WrittenQueue {
    /// Each patch: its name, its commit, and its exported file.
    pub patches: Vec<(String, Exported)>,
    /// The removed files: those of patches that left the queue, for any reason.
    pub removed: Vec<String>,
    /// Renamed files: old and new name.
    pub renamed: Vec<(String, String)>,
    /// Those of `removed` whose change is now in another patch, and which one.
    pub folded: Vec<(String, String)>,
}

/// A patch whose commit is no longer among those of the checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workspace) struct Vanished {
    /// The patch file's name.
    pub name: String,
    /// Its commit before.
    pub commit: Id,
    /// Where its change went.
    pub fate: Fate,
}

/// What happened to the change of a vanished commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workspace) enum Fate {
    /// It is now in this patch; `None`: the top has all of it, but no single patch does.
    Folded(Option<String>),
    /// These paths no longer have it.
    Lost(Vec<RepoPath>),
}

impl WrittenQueue {
    /// Adds the patches that were already missing from the files.
    #[must_use]
    pub(in crate::workspace) fn and(mut self, taken: RemovedPatches) -> WrittenQueue {
        self.removed.splice(0..0, taken.removed);
        self.renamed.splice(0..0, taken.renamed);
        self
    }
}

/// Checks whether the checkout was moved back: its commits are the first of those in `record`, and some at the top are
/// missing.
pub(in crate::workspace) fn is_moved_back(record: &Synced, line: &[Id]) -> bool {
    line.len() < record.stack.len() && line.iter().zip(&record.stack).all(|(id, (was, _))| id == was)
}

/// Returns what happened to the patches of `record` that have no commit in `rewrite`.
///
/// # Errors
/// [`RewriteError`] when an object is not available.
pub(in crate::workspace) fn vanished(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    record: &Synced,
    rewrite: &Rewrite,
) -> Result<Vec<Vanished>, RewriteError> {
    let gone = record.stack.iter().filter(|(_, name)| rewrite.removed.contains(name));
    let mut found = Vec::new();
    for (commit, name) in gone {
        let change = Change::of(objects, *commit)?;
        let old_top = objects.commit(record.top)?.tree;
        let fate = fetcher.run(objects, |objects| fate(objects, change, old_top, rewrite))?;
        found.push(Vanished { name: name.clone(), commit: *commit, fate });
    }
    Ok(found)
}

/// Determines what happened to a change. A path still has the change if it is equal on the new and the old top, or if
/// applying the change again makes no difference. A patch contains the change if applying it again to that patch's tree
/// makes no difference at all of its paths.
fn fate(objects: &mut Objects<'_>, change: Change, old_top: Id, rewrite: &Rewrite) -> Result<Lazy<Fate>, GitError> {
    let paths: Vec<RepoPath> =
        objects.diff(change.before, change.after)?.into_iter().map(|change| change.path).collect();
    for item in &rewrite.stack.items {
        match lacking(objects, change, item.after)? {
            Lazy::Need(ids) => return Ok(Lazy::Need(ids)),
            Lazy::Done(lacks) if lacks.is_empty() => return Ok(Lazy::Done(Fate::Folded(Some(item.name.clone())))),
            Lazy::Done(_) => {}
        }
    }
    let top = rewrite.stack.tree();
    let mut lost = match lacking(objects, change, top)? {
        Lazy::Need(ids) => return Ok(Lazy::Need(ids)),
        Lazy::Done(lacks) => lacks,
    };
    let mut differing = Vec::new();
    for path in lost.drain(..) {
        if objects.entry(top, &path)? != objects.entry(old_top, &path)? {
            differing.push(path);
        }
    }
    if !differing.is_empty() {
        return Ok(Lazy::Done(Fate::Lost(differing)));
    }
    let mut into = None;
    for item in &rewrite.stack.items {
        let touched = objects.diff(item.before, item.after)?;
        if touched.iter().any(|change| paths.contains(&change.path)) {
            into = Some(item.name.clone());
        }
    }
    Ok(Lazy::Done(Fate::Folded(into)))
}

/// Returns the paths of `change` at which `tree` does not have it.
fn lacking(objects: &mut Objects<'_>, change: Change, tree: Id) -> Result<Lazy<Vec<RepoPath>>, GitError> {
    let picked = match stack::pick(objects, (change.before, change.after), tree)? {
        Lazy::Need(ids) => return Ok(Lazy::Need(ids)),
        Lazy::Done(picked) => picked,
    };
    let mut lacks: Vec<RepoPath> = picked.conflicts.into_iter().map(|conflict| conflict.path).collect();
    lacks.extend(objects.diff(tree, picked.tree)?.into_iter().map(|change| change.path));
    lacks.sort();
    lacks.dedup();
    Ok(Lazy::Done(lacks))
}
