//! Patches that leave a queue: which, and what became of what they did.

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
    /// Each patch: its name, its commit, and what became of its file.
    pub patches: Vec<(String, Exported)>,
    /// The files that went: those of patches that left the queue, whoever took them out.
    pub removed: Vec<String>,
    /// Files that got another name: old and new.
    pub renamed: Vec<(String, String)>,
    /// Those of `removed` whose change is in another patch now, and in which.
    pub folded: Vec<(String, String)>,
}

/// A patch whose commit is no longer among those of the checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workspace) struct Vanished {
    /// The patch file's name.
    pub name: String,
    /// Its commit, as it was.
    pub commit: Id,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a change whose commit vanished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workspace) enum Fate {
    /// It is in this patch now; `None`: the top has all of it, and no patch alone does.
    Folded(Option<String>),
    /// These paths no longer have it.
    Lost(Vec<RepoPath>),
}

impl WrittenQueue {
    /// With what the files' side had lost already.
    #[must_use]
    pub(in crate::workspace) fn and(mut self, taken: RemovedPatches) -> WrittenQueue {
        self.removed.splice(0..0, taken.removed);
        self.renamed.splice(0..0, taken.renamed);
        self
    }
}

/// Checks whether the checkout was moved back: its commits are the first of those of `record`, and some are missing on
/// top.
pub(in crate::workspace) fn is_moved_back(record: &Synced, line: &[Id]) -> bool {
    line.len() < record.stack.len() && line.iter().zip(&record.stack).all(|(id, (was, _))| id == was)
}

/// What became of the patches of `record` that `rewrite` has no commit for any more.
///
/// # Errors
/// [`RewriteError`] when an object cannot be had.
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

/// A path has what the change did if it is on the new top what it was on the old one, or if carrying the change there once
/// more leaves it as it is. A patch has the change if carrying it to that patch's tree leaves all of its paths as they are.
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

/// The paths of `change` that `tree` does not have it at.
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
