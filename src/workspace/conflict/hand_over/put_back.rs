//! Restores the checkout after a hand-over. Work since then that is not taken into the patch is first recorded for
//! `undo`, which hands the conflict over again in its present state.

use std::collections::BTreeSet;

use super::read_back::{Away, Work, commits_since};
use super::{HandOverError, branch_tip, is_untracked};
use crate::git::checkout::{self, Attachment, HeadState, Materialized};
use crate::git::{Edits, Entry, GitError, HANDED_OVER, Id, Objects};
use crate::path::RepoPath;
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::{CheckoutMove, ConflictEffect, GitEffects, RefMove};
use crate::workspace::step::handed::{HandedConflict, Stages};
use crate::workspace::step::kept;
use crate::workspace::step::publish::FileChange;
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::store::UpstreamStore;

/// How to restore the checkout.
#[derive(Debug, Clone, Default)]
pub struct PutBack {
    /// Changes of the workspace's own files, in the same step.
    pub changes: Vec<FileChange>,
    /// The work that the caller has taken; `None`: nothing, and all work since is kept.
    pub taken: Option<TakenWork>,
    /// `undo` can revert the step even if there is no work to keep.
    pub undoable: bool,
    /// The conflict was restored by `undo`: if there is no work since, it is set aside instead.
    pub brought_back: bool,
}

/// The work taken from a checkout.
#[derive(Debug, Clone)]
pub struct TakenWork {
    /// The paths.
    pub paths: BTreeSet<RepoPath>,
    /// The tree of the working tree that it was taken from ([`super::ReadBack::work`]).
    pub work: Id,
}

/// The work that was kept.
#[derive(Debug, Clone, Default)]
pub struct KeptWork {
    /// Paths that differ from the hand-over and were not taken.
    pub paths: Vec<RepoPath>,
    /// Commits made since, oldest first; left out if some paths were taken from them.
    pub commits: Vec<Id>,
    /// The commit with the working tree as it was, on the HEAD of then; `None`: there was nothing to keep.
    pub at: Option<Id>,
    /// The ref that keeps it, if `undo` cannot revert the step.
    pub set_aside: Option<String>,
    /// What happened to the files.
    pub checkout: Option<Materialized>,
}

/// Moves the checkout back to the branch `patchq` as it was before the hand-over, in one step. The caller holds no
/// lock.
///
/// # Errors
/// [`HandOverError`]; nothing has changed then. [`HandOverError::ChangedMeanwhile`] when the working tree differs from
/// the one that the work was taken from; [`HandOverError::Operation`] while git waits with an operation other than a
/// cherry-pick, because it may hold the only reference to work.
pub fn put_back(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    options: PutBack,
    ctx: &StepContext<'_>,
) -> Result<KeptWork, HandOverError> {
    let _lock = begin(upstream, ctx)?;
    let record_at = upstream.store.read_ref(HANDED_OVER)?.ok_or(HandOverError::Nothing)?;
    let handed = HandedConflict::read(upstream)?.ok_or(HandOverError::Nothing)?;
    let tip = branch_tip(upstream)?;
    let mut side = GitEffects { hand: Some(ConflictEffect::Back), ..GitEffects::default() };
    side.refs.push(RefMove { name: HANDED_OVER.to_owned(), old: Some(record_at), new: None });
    let home = CheckoutMove {
        old: Some(tip),
        pin: handed.old_pin,
        commit: tip,
        keep: false,
        touched: None,
        changed: Vec::new(),
        version: handed.version.clone(),
        reason: format!("patchq {}", ctx.command),
    };
    let there = checkout::attachment(&upstream.store, &upstream.checkout())? == Attachment::Ours;
    let mut kept = KeptWork::default();
    if there {
        let now = Now::read(upstream, objects, &handed, tip)?;
        if let Some(taken) = options.taken.as_ref().filter(|taken| taken.work != now.work.tree) {
            let differs = objects.diff(taken.work, now.work.tree)?;
            let paths: Vec<String> = differs.iter().take(3).map(|change| change.path.to_string()).collect();
            return Err(HandOverError::ChangedMeanwhile(paths.join(", ")));
        }
        kept = now.kept(objects, &handed, &options)?;
        let untouched = options.brought_back && now.work.tree == handed.work;
        let record = now.record(upstream, objects, handed)?;
        let again = record.make(objects, tip)?;
        side.again = Some(again);
        if untouched {
            let name = free_ref(upstream)?;
            side.refs.push(RefMove { name: name.clone(), old: None, new: Some(record_at) });
            (kept.at, kept.set_aside) = (Some(now.commit), Some(name));
        }
        let is_kept = options.undoable || !kept.paths.is_empty() || !kept.commits.is_empty();
        if is_kept && !untouched {
            let commits =
                kept::Handed { tip, record: again, work: now.commit, left: now.left(upstream, objects, &record, tip)? };
            side.refs.extend(kept::keep_handed(upstream, objects, &commits, &options.changes, ctx)?);
            kept.at = Some(now.commit);
        }
        // First the index is made equal to the working tree without touching a file; then every file may be removed.
        let (commit, touched) = (now.commit, Some(Vec::new()));
        side.checkout.push(CheckoutMove { commit, keep: true, touched, ..home.clone() });
        side.checkout.push(CheckoutMove { old: Some(commit), ..home });
    } else {
        side.checkout.push(home);
    }
    kept.checkout = do_step(upstream, objects, options.changes, &side, ctx)?;
    Ok(kept)
}

/// Returns an unused ref for work that is set aside.
fn free_ref(upstream: &UpstreamStore<'_>) -> Result<String, GitError> {
    let below = "refs/patchq/aside/";
    let known = upstream.store.refs_below(below)?;
    let numbers = known.iter().filter_map(|(name, _)| name.strip_prefix(below)?.parse::<u64>().ok());
    Ok(format!("{below}{}", numbers.max().unwrap_or(0) + 1))
}

/// The present state of the checkout.
struct Now {
    head: Id,
    /// The commits on top of the hand-over; `None`: HEAD is somewhere else.
    commits: Option<Vec<Id>>,
    /// Whether they are on a branch.
    on_branch: bool,
    work: Work,
    /// The working tree as a commit on HEAD.
    commit: Id,
}

impl Now {
    fn read(
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        handed: &HandedConflict,
        tip: Id,
    ) -> Result<Now, HandOverError> {
        let commits = match commits_since(upstream, handed)? {
            Err(Away::Operation(operation)) => return Err(HandOverError::Operation(operation)),
            other => other.ok(),
        };
        let (head, on_branch) = match checkout::head(&upstream.store)? {
            HeadState::OnQueue(id) | HeadState::OnBranch { id, .. } => (id.unwrap_or(tip), true),
            HeadState::Detached(id) => (id, false),
        };
        let work = Work::read(upstream, objects, handed, head)?;
        let commit = kept::uncommitted(objects, work.tree, head);
        Ok(Now { head, commits, on_branch, work, commit })
    }

    fn kept(
        &self,
        objects: &mut Objects<'_>,
        handed: &HandedConflict,
        options: &PutBack,
    ) -> Result<KeptWork, GitError> {
        let mut kept = KeptWork::default();
        let paths: Vec<RepoPath> = match &self.commits {
            Some(_) => objects.diff(handed.given, self.work.tree)?.into_iter().map(|change| change.path).collect(),
            None => self.work.changes.iter().map(|change| change.path.clone()).collect(),
        };
        let taken = |path: &RepoPath| options.taken.as_ref().is_some_and(|taken| taken.paths.contains(path));
        kept.paths = paths.into_iter().filter(|path| !taken(path)).collect();
        if options.taken.is_none() && !self.on_branch {
            kept.commits = self.commits.clone().unwrap_or_else(|| vec![self.head]);
        }
        Ok(kept)
    }

    /// Makes the record with which a hand-over restores the present state of the checkout.
    fn record(
        &self,
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        handed: HandedConflict,
    ) -> Result<HandedConflict, HandOverError> {
        let indexed = checkout::indexed(&upstream.store)?;
        let head = objects.commit(self.head)?.tree;
        let mut edits: Edits = indexed.unmerged.iter().map(|at| (at.path.clone(), None)).collect();
        let changed = self.work.changes.iter().map(|change| &change.path);
        let held = |path: &RepoPath| -> Option<Entry> { indexed.files.get(path).copied() };
        edits.extend(
            changed.filter(|path| !edits.contains_key(path)).map(|path| (path.clone(), held(path))).collect::<Vec<_>>(),
        );
        let index = objects.edit(head, &edits)?;
        Ok(HandedConflict {
            at: self.head,
            picked: checkout::picked(&upstream.store)?,
            work: self.work.tree,
            index,
            unmerged: indexed.unmerged.iter().map(Stages::of).collect(),
            ..handed
        })
    }

    /// Returns the working tree after the way back, as a commit on the branch's `tip`: files that were untracked before
    /// stay.
    fn left(
        &self,
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        handed: &HandedConflict,
        tip: Id,
    ) -> Result<Id, HandOverError> {
        let mut stays = checkout::status(&upstream.store, &upstream.checkout())?;
        let own: BTreeSet<&[u8]> = handed.own().collect();
        stays.retain(|change| is_untracked(change) && !own.contains(change.path.as_bytes()));
        let tree = kept::work_tree(upstream, objects, tip, &stays)?;
        Ok(kept::uncommitted(objects, tree, tip))
    }
}
