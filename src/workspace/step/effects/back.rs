//! Reverts the git part of a step, however far it is: what the step changed gets its old state, and what is in neither
//! state stays as it is.

use super::{CheckoutMove, ConflictEffect, EffectError, GitEffects, move_there};
use crate::git::checkout::{self, Attachment, Differences, HeadState};
use crate::git::{BRANCH, Commit, GitError, Id, Objects, SYNCED};
use crate::workspace::step::handed;
use crate::workspace::step::kept;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::synced::Synced;

/// The parts that were not reverted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The checkout was left alone: its branch or HEAD is neither where the step nor where the state before it has it.
    pub checkout: bool,
    /// Paths of the checkout, printable, with neither their old nor their new content.
    pub paths: Vec<String>,
    /// Refs, printable, that someone else moved.
    pub refs: Vec<String>,
}

/// Reverts the git part of a step. Can be repeated.
///
/// # Errors
/// [`EffectError`]; `side` can then still be done or reverted.
pub(in crate::workspace) fn take_back(
    upstream: &UpstreamStore<'_>,
    side: &GitEffects,
    reason: &str,
) -> Result<Left, EffectError> {
    let mut left = Left::default();
    take_checkout_back(upstream, side, reason, &mut left)?;
    for step in side.refs.iter().rev() {
        match upstream.store.read_ref(&step.name)? {
            at if at == step.old => {}
            at if at == step.new => upstream.store.move_ref(&step.name, step.new, step.old, reason)?,
            _ => left.refs.push(crate::path::printable(step.name.as_bytes())),
        }
    }
    Ok(left)
}

fn take_checkout_back(
    upstream: &UpstreamStore<'_>,
    side: &GitEffects,
    reason: &str,
    left: &mut Left,
) -> Result<(), EffectError> {
    if side.hand.is_none() && side.checkout.is_empty() {
        return Ok(());
    }
    match checkout::attachment(&upstream.store, &upstream.checkout())? {
        Attachment::Ours | Attachment::Moved | Attachment::Empty | Attachment::Absent => {}
        _ => {
            left.checkout = true;
            return Ok(());
        }
    }
    let mut objects = Objects::new(&upstream.store)?;
    let over = match side.hand {
        Some(ConflictEffect::Over(record)) => Some(way_out(upstream, &mut objects, record)?),
        Some(ConflictEffect::Back) | None => None,
    };
    let moves = over.as_ref().unwrap_or(&side.checkout);
    let at = upstream.store.read_ref(BRANCH)?;
    let elsewhere = matches!(checkout::head(&upstream.store)?, HeadState::OnBranch { .. });
    let (Some(begun), false) = (begun(moves, at, over.is_some()), elsewhere) else {
        left.checkout = true;
        return Ok(());
    };
    if side.hand == Some(ConflictEffect::Back) && !checkout::indexed(&upstream.store)?.unmerged.is_empty() {
        // The first move would have written the index: only git's cherry-pick state is gone.
        return again(upstream, side);
    }
    let before = before(upstream, &mut objects, side)?;
    if side.hand.is_some() {
        checkout::forget_pick(&upstream.store)?;
    }
    // All but one write no file: the changes that they record were in the working tree before.
    let writer = moves.iter().rposition(|step| !step.keep);
    for (n, step) in moves[..=begun].iter().enumerate().rev() {
        let writes = writer == Some(n);
        let Some(old) = step.old else {
            take_down(upstream, &mut objects, step, left)?;
            continue;
        };
        let (pin, version) =
            before.as_ref().map_or((step.pin, None), |record| (record.pin, record.files.version.clone()));
        let version = upstream.entry.version.clone().or(version);
        let touched = step.touched.clone().filter(|_| !writes);
        let (goal, reason) = (Some(step.commit), reason.to_owned());
        let back = CheckoutMove { old: goal, commit: old, pin, touched, version, reason, ..step.clone() };
        let spare = if writes { Differences::Spare } else { Differences::Keep };
        let kept = move_there(upstream, &back, spare, &|_| {})?.kept;
        left.paths.extend(kept.iter().filter(|_| writes).map(ToString::to_string));
    }
    again(upstream, side)
}

/// Hands over again the conflict that `side` took out of the checkout.
fn again(upstream: &UpstreamStore<'_>, side: &GitEffects) -> Result<(), EffectError> {
    if let (Some(ConflictEffect::Back), Some(again)) = (side.hand, side.again) {
        handed::finish(upstream, again, &|_| {})?;
    }
    Ok(())
}

/// Returns the index of the last move that may have begun when the branch is `at`; `None`: the branch is somewhere
/// else.
fn begun(moves: &[CheckoutMove], at: Option<Id>, all: bool) -> Option<usize> {
    let last = moves.len().checked_sub(1)?;
    if all {
        return Some(last);
    }
    // A move ends with moving the branch.
    match moves.iter().rposition(|step| at == Some(step.commit)) {
        Some(done) => Some(last.min(done + 1)),
        None => (at == moves[0].old).then_some(0),
    }
}

/// Returns the state when files and commits were last equal before the step.
fn before(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    side: &GitEffects,
) -> Result<Option<Synced>, GitError> {
    let moved = side.refs.iter().find(|step| step.name == SYNCED);
    let at = match moved {
        Some(step) => step.old,
        None => upstream.store.read_ref(SYNCED)?,
    };
    at.map_or(Ok(None), |at| Synced::read_at(objects, at))
}

/// Returns the moves that reverse a hand-over: the index follows the files, which can then be removed.
fn way_out(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    record: Id,
) -> Result<Vec<CheckoutMove>, EffectError> {
    let (tip, work) = (upstream.store.read_ref(BRANCH)?, handed::work_of(upstream, record)?);
    let Some(tip) = tip else { return Ok(Vec::new()) };
    let work = kept::uncommitted(objects, work, tip);
    objects.flush(&[work])?;
    let forth = CheckoutMove {
        old: Some(tip),
        pin: tip,
        commit: work,
        keep: false,
        touched: None,
        changed: Vec::new(),
        version: None,
        reason: String::new(),
    };
    // In reverse order: first to `work` without touching a file, then from there to the tip.
    Ok(vec![
        forth.clone(),
        CheckoutMove { old: Some(work), commit: tip, keep: true, touched: Some(Vec::new()), ..forth },
    ])
}

/// Removes a checkout that the step made for the first time.
fn take_down(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    step: &CheckoutMove,
    left: &mut Left,
) -> Result<(), EffectError> {
    let folder = upstream.checkout();
    let there = checkout::attachment(&upstream.store, &folder)?;
    if !step.keep && matches!(there, Attachment::Ours | Attachment::Moved) {
        let nothing = objects.put_commit(&Commit::by_patchq(Id::EMPTY_TREE, Vec::new(), "Nothing\n", 0));
        objects.flush(&[nothing])?;
        let down = CheckoutMove {
            old: Some(step.commit),
            commit: nothing,
            version: None,
            touched: Some(Vec::new()),
            ..step.clone()
        };
        let done = move_there(upstream, &down, Differences::Spare, &|_| {})?;
        left.paths.extend(done.kept.iter().map(ToString::to_string));
        checkout::detach(&upstream.store, &folder)?;
    }
    let at = upstream.store.read_ref(BRANCH)?;
    upstream.store.move_ref(BRANCH, at, None, "patchq undo")?;
    Ok(())
}
