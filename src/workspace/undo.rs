//! What was before: each change is kept in the store, as a commit that holds the files' old and new contents and keeps
//! the old commits alive, under `refs/patchq/undo/`.

mod keep;

use std::collections::BTreeSet;

use super::follow::{GitSide, Hand, Move, RefMove};
use super::publish::{FileChange, PublishError, state_of};
use super::settle::{Around, SettleError, begin, do_step};
use super::site::{PATIENCE, Site, lock_workspace};
use super::state::Unreadable;
use crate::git::checkout::{self, Attachment, HeadState};
use crate::git::{BRANCH, Edits, GitError, HANDED_OVER, Id, Objects};
use crate::path::{RepoPath, printable};

use keep::{FILE, REFS, entries, ref_name};
pub(super) use keep::{Handed, keep, keep_files, keep_handed, tree_with, uncommitted, work_commit};
pub use keep::{Kept, work_tree};

/// What was taken back.
#[derive(Debug, Clone)]
pub struct Undone {
    /// The change.
    pub kept: Kept,
    /// The files, printable, from the workspace's root, and whether each is there again.
    pub files: Vec<(String, bool)>,
}

/// Why nothing was taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is nothing.
    #[error("nothing to undo")]
    Nothing,
    /// Files, commits or checkout are no longer what the change left.
    #[error("'{command}' cannot be undone: {}", .why.join("; "))]
    Changed {
        /// The command.
        command: String,
        /// What changed since.
        why: Vec<String>,
    },
    /// The rest.
    #[error(transparent)]
    Settle(#[from] SettleError),
}

impl UndoError {
    fn of(error: impl Into<SettleError>) -> UndoError {
        UndoError::Settle(error.into())
    }
}

/// What can be taken back, newest first.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub fn list(site: &Site<'_>) -> Result<Vec<Kept>, GitError> {
    let mut objects = Objects::new(&site.store)?;
    let mut all = Vec::new();
    for (_, at) in entries(site)?.into_iter().rev() {
        all.extend(read(&mut objects, at)?.map(|(kept, _)| kept));
    }
    Ok(all)
}

/// A kept change and the contents of its files, old and new.
type Contents = Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>;

fn read(objects: &mut Objects<'_>, at: Id) -> Result<Option<(Kept, Contents)>, GitError> {
    let tree = objects.commit(at)?.tree;
    let mut content = |name: String| -> Result<Option<Vec<u8>>, GitError> {
        let path = RepoPath::new(name).map_err(GitError::EvilPath)?;
        let Some(entry) = objects.entry(tree, &path)? else { return Ok(None) };
        Ok(objects.blob(entry.id)?.map(|bytes| bytes.to_vec()))
    };
    let text = content(FILE.to_owned())?.unwrap_or_default();
    let Ok(kept) = serde_json::from_slice::<Kept>(&text) else { return Ok(None) };
    let mut contents = Vec::with_capacity(kept.files.len());
    for n in 0..kept.files.len() {
        contents.push((content(format!("old/{n}"))?, content(format!("new/{n}"))?));
    }
    Ok(Some((kept, contents)))
}

/// Takes the last change of `site` back, if everything is still what it left.
///
/// # Errors
/// [`UndoError`]; nothing has changed then.
pub fn undo(site: &Site<'_>, around: &Around<'_>) -> Result<Undone, UndoError> {
    let _lock = begin(site, around)?;
    let mut objects = Objects::new(&site.store).map_err(UndoError::of)?;
    let newest = entries(site).map_err(UndoError::of)?.pop().ok_or(UndoError::Nothing)?;
    let (kept, contents) = read(&mut objects, newest.1).map_err(UndoError::of)?.ok_or(UndoError::Nothing)?;
    let why = changed_since(site, &mut objects, &kept)?;
    if !why.is_empty() {
        return Err(UndoError::Changed { command: kept.command, why });
    }
    let mut changes = Vec::with_capacity(kept.files.len());
    for (file, (old, new)) in kept.files.iter().zip(contents) {
        let path = RepoPath::new(&file.path).map_err(|e| UndoError::of(GitError::EvilPath(e)))?;
        changes.push(FileChange { path, old: new, new: old });
    }
    let outside = changes.iter().any(|change| change.path.parent().is_none());
    let _second = outside
        .then(|| lock_workspace(site.workspace, around.command, PATIENCE, around.on_wait))
        .transpose()
        .map_err(UndoError::of)?;
    let side = back(site, &mut objects, &kept, newest).map_err(UndoError::Settle)?;
    do_step(site, &mut objects, changes, &side, around)?;
    let files = kept.files.iter().map(|file| (printable(file.path.as_bytes()), file.old.is_some())).collect();
    Ok(Undone { kept, files })
}

/// The git side of taking `kept` back.
fn back(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    kept: &Kept,
    (number, at): (u64, Id),
) -> Result<GitSide, SettleError> {
    let reverse = |step: &RefMove| RefMove { name: step.name.clone(), old: step.new, new: step.old };
    let refs = kept.refs.iter().rev().map(reverse).collect();
    let mut side = GitSide { hand: kept.handed.map(Hand::Over), checkout: Vec::new(), refs };
    side.refs.retain(|step| !step.name.starts_with(REFS));
    side.refs.push(RefMove { name: ref_name(number), old: Some(at), new: None });
    let attached = checkout::attachment(&site.store, &site.checkout())? == Attachment::Ours;
    let pin = kept.pin.filter(|_| attached && kept.moved_checkout());
    if let (Some(pin), Some(before)) = (pin, kept.branch.0) {
        let reason = format!("patchq undo: {}", kept.command);
        let stayed = checkout::status(&site.store, &site.checkout())?;
        let step = Move {
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
                side.checkout.push(Move { commit: work, ..step.clone() });
                side.checkout.push(Move { old: Some(work), keep: true, ..step });
            }
            None => side.checkout.push(step),
        }
        side.refs.retain(|step| step.name != BRANCH);
    } else if kept.branch.0 != kept.branch.1 && !side.refs.iter().any(|step| step.name == BRANCH) {
        side.refs.push(RefMove { name: BRANCH.to_owned(), old: kept.branch.1, new: kept.branch.0 });
    }
    Ok(side)
}

/// A commit on `before` with the uncommitted changes that `kept` took and did not leave; `None`: there are none.
fn taken(objects: &mut Objects<'_>, kept: &Kept, before: Id) -> Result<Option<Id>, GitError> {
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

/// What is no longer as the change left it.
fn changed_since(site: &Site<'_>, objects: &mut Objects<'_>, kept: &Kept) -> Result<Vec<String>, UndoError> {
    let mut why = Vec::new();
    for file in &kept.files {
        let path = RepoPath::new(&file.path).map_err(|e| UndoError::of(GitError::EvilPath(e)))?;
        let state = state_of(&site.workspace.layout, &path).map_err(|e| UndoError::of(PublishError::from(e)))?;
        if state.0 != file.new {
            why.push(format!("{path} changed since"));
        }
    }
    let tip = site.store.read_ref(BRANCH).map_err(UndoError::of)?;
    if tip != kept.branch.1 {
        why.push("the checkout's commits changed since".to_owned());
    }
    if site.store.read_ref(HANDED_OVER).map_err(UndoError::of)?.is_some() {
        return Err(UndoError::Settle(SettleError::Unreadable(Unreadable::HandedOver)));
    }
    let folder = site.checkout();
    let attached = checkout::attachment(&site.store, &folder).map_err(UndoError::of)? == Attachment::Ours;
    if kept.handed.is_some() && !attached {
        why.push("there is no checkout any more".to_owned());
    }
    if attached && kept.moved_checkout() {
        if kept.branch.0.is_none() {
            why.push(format!(
                "it was checked out since, in {0}/ (once nothing there is needed: rm -r {0})",
                site.name()
            ));
        }
        if let Some(operation) = checkout::operation(&site.store) {
            why.push(format!("a git {operation} is in progress in the checkout"));
        }
        if let (HeadState::OnQueue(_), Some(tip)) = (checkout::head(&site.store).map_err(UndoError::of)?, tip) {
            why.extend(edited_since(site, objects, kept, tip).map_err(UndoError::Settle)?);
        } else {
            why.push("the checkout is not on the branch 'patchq'".to_owned());
        }
    }
    Ok(why)
}

/// How the working tree of a checkout at `tip` is no longer what the change left.
fn edited_since(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    kept: &Kept,
    tip: Id,
) -> Result<Option<String>, SettleError> {
    let changes = checkout::status(&site.store, &site.checkout())?;
    let tree = work_tree(site, objects, tip, &changes)?;
    let left = objects.commit(kept.left.unwrap_or(tip))?.tree;
    let differing = objects.diff(left, tree)?;
    Ok(differing.first().map(|first| {
        let more = differing.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("the checkout was edited since ({}{more})", first.path)
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_record_that_says_nothing_of_what_stayed_is_read() {
        let kept = Kept {
            command: "save".to_owned(),
            time: 1,
            files: Vec::new(),
            refs: Vec::new(),
            branch: (Some(Id::EMPTY_TREE), None),
            pin: None,
            work: Some(Id::EMPTY_TREE),
            left: None,
            handed: None,
            version: None,
            notes: Vec::new(),
        };
        let mut value = serde_json::to_value(&kept).unwrap();
        assert!(value.as_object_mut().unwrap().remove("left").is_some());
        assert_eq!(serde_json::from_value::<Kept>(value).unwrap(), kept);
    }
}
