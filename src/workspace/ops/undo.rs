//! Reverts changes: each is recorded in the store, as a commit that holds the files' old and new contents and keeps the
//! old commits, under `refs/patchq/undo/`.

mod session;

use std::collections::BTreeSet;

use crate::git::checkout::{self, Attachment, HeadState};
use crate::git::{BRANCH, Edits, GitError, HANDED_OVER, Id, Objects};
use crate::path::{RepoPath, printable};
use crate::workspace::files::digest::Sum;
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::{CheckoutMove, ConflictEffect, GitEffects, RefMove};
use crate::workspace::step::error::StepError;
use crate::workspace::step::publish::{FileChange, PublishError, state_of};
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::sides::Unreadable;
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_workspace};

pub use crate::workspace::step::kept::UndoRecord;
use crate::workspace::step::kept::{REFS, content, entries, read_kept, ref_name, uncommitted, work_tree};
pub(in crate::workspace) use session::{is_brought_back, keep_session};

/// The reverted change.
#[derive(Debug, Clone)]
pub struct Undone {
    /// Its record.
    pub kept: UndoRecord,
    /// The files, printable, from the workspace's root, and whether each exists now.
    pub files: Vec<(String, bool)>,
}

/// Why nothing was reverted.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no change to revert.
    #[error("nothing to undo")]
    Nothing,
    /// Files, commits or checkout are no longer as the change left them.
    #[error("'{command}' cannot be undone: {}", .why.join("; "))]
    Changed {
        /// The command.
        command: String,
        /// What changed since.
        why: Vec<String>,
    },
    /// A refresh waits for decisions and could not be gone on with afterwards.
    #[error(
        "'{command}' cannot be undone while a refresh waits for decisions: the refresh could not continue afterwards"
    )]
    Session {
        /// The command.
        command: String,
    },
    /// What is kept of the change is not what the change was.
    #[error("'{command}' cannot be undone: the stored copies of its files are damaged")]
    Damaged {
        /// The command.
        command: String,
    },
    /// A conflict is in the checkout.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store, checkout, lock or journal failed.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl UndoError {
    fn of(error: impl Into<StepError>) -> UndoError {
        UndoError::Step(error.into())
    }
}

/// Returns the changes that can be reverted, newest first.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub fn list(upstream: &UpstreamStore<'_>) -> Result<Vec<UndoRecord>, GitError> {
    let mut objects = Objects::new(&upstream.store)?;
    let mut all = Vec::new();
    for (_, at) in entries(upstream)?.into_iter().rev() {
        all.extend(read_kept(upstream, &mut objects, at)?);
    }
    Ok(all)
}

/// Sorts the changes of a workspace, each with its data, the last one first; changes without a number and with equal
/// times keep their order.
pub fn sort_last_first<T>(changes: &mut [T], kept: impl Fn(&T) -> &UndoRecord) {
    changes.sort_by_key(|change| std::cmp::Reverse(kept(change).rank()));
}

/// Returns the last change of `upstream`: its number, its commit, and its record. Records that patchq cannot have made
/// are skipped.
fn newest(upstream: &UpstreamStore<'_>, objects: &mut Objects<'_>) -> Result<Option<(u64, Id, UndoRecord)>, GitError> {
    for (number, at) in entries(upstream)?.into_iter().rev() {
        if let Some(kept) = read_kept(upstream, objects, at)? {
            return Ok(Some((number, at, kept)));
        }
    }
    Ok(None)
}

/// Reverts the last change of `upstream`, if everything is still as the change left it.
///
/// # Errors
/// [`UndoError`]; nothing has changed then.
pub fn undo(upstream: &UpstreamStore<'_>, ctx: &StepContext<'_>) -> Result<Undone, UndoError> {
    let _lock = begin(upstream, ctx)?;
    let mut objects = Objects::new(&upstream.store).map_err(UndoError::of)?;
    let (number, at, kept) = newest(upstream, &mut objects).map_err(UndoError::of)?.ok_or(UndoError::Nothing)?;
    if upstream.store.read_ref(HANDED_OVER).map_err(UndoError::of)?.is_some() {
        return Err(Unreadable::HandedOver.into());
    }
    if !session::allows(upstream, &mut objects, &kept, at)? {
        return Err(UndoError::Session { command: kept.command });
    }
    let why = changed_since(upstream, &mut objects, &kept)?;
    if !why.is_empty() {
        return Err(UndoError::Changed { command: kept.command, why });
    }
    let tree = objects.commit(at).map_err(UndoError::of)?.tree;
    let mut changes = Vec::with_capacity(kept.files.len());
    for (n, file) in kept.files.iter().enumerate() {
        let path = RepoPath::new(&file.path).map_err(|e| UndoError::of(GitError::EvilPath(e)))?;
        let old = content(&mut objects, tree, &format!("old/{n}")).map_err(UndoError::of)?;
        let new = content(&mut objects, tree, &format!("new/{n}")).map_err(UndoError::of)?;
        let sum = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(Sum::of);
        if (sum(&old), sum(&new)) != (file.old, file.new) {
            return Err(UndoError::Damaged { command: kept.command });
        }
        changes.push(FileChange { path, old: new, new: old });
    }
    let outside = changes.iter().any(|change| change.path.parent().is_none());
    let _second = outside
        .then(|| lock_workspace(upstream.workspace, ctx.command, PATIENCE, ctx.on_wait))
        .transpose()
        .map_err(UndoError::of)?;
    let mut side = back(upstream, &mut objects, &kept, number, at)?;
    let own = session::shown(upstream);
    let brought = changes.iter().find(|change| change.path.as_bytes() == own.as_bytes());
    let brought = brought.and_then(|change| change.new.clone());
    side.refs.extend(session::remember(upstream, &mut objects, &kept, brought).map_err(UndoError::of)?);
    do_step(upstream, &mut objects, changes, &side, ctx)?;
    let files = kept.files.iter().map(|file| (printable(file.path.as_bytes()), file.old.is_some())).collect();
    Ok(Undone { kept, files })
}

/// Returns the git part of reverting `kept`.
fn back(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    kept: &UndoRecord,
    number: u64,
    at: Id,
) -> Result<GitEffects, StepError> {
    let reverse = |step: &RefMove| RefMove { name: step.name.clone(), old: step.new, new: step.old };
    let refs = kept.refs.iter().rev().map(reverse).collect();
    let mut side = GitEffects { hand: kept.handed.map(ConflictEffect::Over), refs, ..GitEffects::default() };
    side.refs.retain(|step| !step.name.starts_with(REFS));
    side.refs.push(RefMove { name: ref_name(number), old: Some(at), new: None });
    let attached = checkout::attachment(&upstream.store, &upstream.checkout())? == Attachment::Ours;
    let pin = kept.pin.filter(|_| attached && kept.moved_checkout());
    if let (Some(pin), Some(before)) = (pin, kept.branch.0) {
        let reason = format!("patchq undo: {}", kept.command);
        let stayed = checkout::status(&upstream.store, &upstream.checkout())?;
        let step = CheckoutMove {
            old: kept.branch.1,
            pin,
            commit: before,
            keep: false,
            touched: None,
            changed: stayed.iter().map(|change| change.path.as_bytes().to_vec()).collect(),
            version: kept.version.clone(),
            reason,
        };
        match taken(objects, kept, before)? {
            Some(work) => {
                side.checkout.push(CheckoutMove { commit: work, ..step.clone() });
                side.checkout.push(CheckoutMove { old: Some(work), keep: true, ..step });
            }
            None => side.checkout.push(step),
        }
        side.refs.retain(|step| step.name != BRANCH);
    } else if kept.branch.0 != kept.branch.1 && !side.refs.iter().any(|step| step.name == BRANCH) {
        side.refs.push(RefMove { name: BRANCH.to_owned(), old: kept.branch.1, new: kept.branch.0 });
    }
    Ok(side)
}

/// Returns a commit on `before` with the uncommitted changes that `kept` took and did not leave; `None`: there are
/// none.
fn taken(objects: &mut Objects<'_>, kept: &UndoRecord, before: Id) -> Result<Option<Id>, GitError> {
    let Some(work) = kept.work else { return Ok(None) };
    let (tree, work) = (objects.commit(before)?.tree, objects.commit(work)?.tree);
    let mut stayed = BTreeSet::new();
    if let (Some(after), Some(left)) = (kept.branch.1, kept.left) {
        let (after, left) = (objects.commit(after)?.tree, objects.commit(left)?.tree);
        stayed.extend(objects.diff(after, left)?.into_iter().map(|change| change.path));
    }
    let mut edits = Edits::new();
    for change in objects.diff(tree, work)?.into_iter().filter(|change| !stayed.contains(&change.path)) {
        let entry = objects.entry(work, &change.path)?;
        edits.insert(change.path, entry);
    }
    let taken = objects.edit(tree, &edits)?;
    Ok((taken != tree).then(|| uncommitted(objects, taken, before)))
}

/// Returns what is no longer as the change left it.
fn changed_since(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    kept: &UndoRecord,
) -> Result<Vec<String>, UndoError> {
    let mut why = Vec::new();
    for file in &kept.files {
        let path = RepoPath::new(&file.path).map_err(|e| UndoError::of(GitError::EvilPath(e)))?;
        let state = state_of(&upstream.workspace.layout, &path).map_err(|e| UndoError::of(PublishError::from(e)))?;
        if state.0 != file.new {
            why.push(format!("{path} changed since"));
        }
    }
    let tip = upstream.store.read_ref(BRANCH).map_err(UndoError::of)?;
    if tip != kept.branch.1 {
        why.push("the checkout's commits changed since".to_owned());
    }
    let folder = upstream.checkout();
    let attached = checkout::attachment(&upstream.store, &folder).map_err(UndoError::of)? == Attachment::Ours;
    if kept.handed.is_some() && !attached {
        why.push("there is no checkout any more".to_owned());
    }
    if attached && kept.moved_checkout() {
        if kept.branch.0.is_none() {
            why.push(format!(
                "it was checked out since, in {0}/ (once nothing there is needed: rm -r {0})",
                upstream.name()
            ));
        }
        if let Some(operation) = checkout::operation(&upstream.store) {
            why.push(format!("a git {operation} is in progress in the checkout"));
        }
        if let (HeadState::OnQueue(_), Some(tip)) = (checkout::head(&upstream.store).map_err(UndoError::of)?, tip) {
            why.extend(edited_since(upstream, objects, kept, tip)?);
        } else {
            why.push("the checkout is not on the branch 'patchq'".to_owned());
        }
    }
    Ok(why)
}

/// Returns how the working tree of a checkout at `tip` differs from what the change left.
fn edited_since(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    kept: &UndoRecord,
    tip: Id,
) -> Result<Option<String>, StepError> {
    let changes = checkout::status(&upstream.store, &upstream.checkout())?;
    let tree = work_tree(upstream, objects, tip, &changes)?;
    let left = objects.commit(kept.left.unwrap_or(tip))?.tree;
    let differing = objects.diff(left, tree)?;
    Ok(differing.first().map(|first| {
        let more = differing.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("the checkout was edited since ({}{more})", first.path)
    }))
}

#[cfg(test)]
mod tests;
