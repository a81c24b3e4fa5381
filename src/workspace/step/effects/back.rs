//! The git side of a step, taken back from wherever it stands: what is what the step makes of it becomes what it was, what is
//! neither stays as it is.

use super::{FollowError, GitSide, Hand, Move, move_there};
use crate::git::checkout::{self, Attachment, Differences, HeadState};
use crate::git::{BRANCH, Commit, GitError, Id, Objects, SYNCED, Signature};
use crate::workspace::step::handed;
use crate::workspace::step::kept;
use crate::workspace::upstream::store::Site;
use crate::workspace::upstream::synced::Record;

/// What was not taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// The checkout was left alone: its branch or HEAD is where neither the step nor what was before it has it.
    pub checkout: bool,
    /// Paths of the checkout, printable, that are neither what they were nor what the step makes them.
    pub paths: Vec<String>,
    /// Refs, printable, that somebody else moved.
    pub refs: Vec<String>,
}

/// Takes the git side of a step back. May be done again.
///
/// # Errors
/// [`FollowError`]; whatever was done, `side` can still be done or taken back.
pub(in crate::workspace) fn take_back(site: &Site<'_>, side: &GitSide, reason: &str) -> Result<Left, FollowError> {
    let mut left = Left::default();
    take_checkout_back(site, side, reason, &mut left)?;
    for step in side.refs.iter().rev() {
        match site.store.read_ref(&step.name)? {
            at if at == step.old => {}
            at if at == step.new => site.store.move_ref(&step.name, step.new, step.old, reason)?,
            _ => left.refs.push(crate::path::printable(step.name.as_bytes())),
        }
    }
    Ok(left)
}

fn take_checkout_back(site: &Site<'_>, side: &GitSide, reason: &str, left: &mut Left) -> Result<(), FollowError> {
    if side.hand.is_none() && side.checkout.is_empty() {
        return Ok(());
    }
    match checkout::attachment(&site.store, &site.checkout())? {
        Attachment::Ours | Attachment::Moved | Attachment::Empty | Attachment::Absent => {}
        _ => {
            left.checkout = true;
            return Ok(());
        }
    }
    let mut objects = Objects::new(&site.store)?;
    let over = match side.hand {
        Some(Hand::Over(record)) => Some(way_out(site, &mut objects, record)?),
        Some(Hand::Back) | None => None,
    };
    let moves = over.as_ref().unwrap_or(&side.checkout);
    let at = site.store.read_ref(BRANCH)?;
    let elsewhere = matches!(checkout::head(&site.store)?, HeadState::OnBranch { .. });
    let (Some(begun), false) = (begun(moves, at, over.is_some()), elsewhere) else {
        left.checkout = true;
        return Ok(());
    };
    if side.hand == Some(Hand::Back) && !checkout::indexed(&site.store)?.unmerged.is_empty() {
        // The first move would have written the index: all that is gone is what git knew of a pick.
        return again(site, side);
    }
    let before = before(site, &mut objects, side)?;
    if side.hand.is_some() {
        checkout::forget_pick(&site.store)?;
    }
    // All but one write no file: what they record was in the working tree before.
    let writer = moves.iter().rposition(|step| !step.keep);
    for (n, step) in moves[..=begun].iter().enumerate().rev() {
        let writes = writer == Some(n);
        let Some(old) = step.old else {
            take_down(site, &mut objects, step, left)?;
            continue;
        };
        let (pin, version) =
            before.as_ref().map_or((step.pin, None), |record| (record.pin, record.files.version.clone()));
        let version = site.upstream.version.clone().or(version);
        let touched = step.touched.clone().filter(|_| !writes);
        let (goal, reason) = (Some(step.commit), reason.to_owned());
        let back = Move { old: goal, commit: old, pin, touched, version, reason, ..step.clone() };
        let spare = if writes { Differences::Spare } else { Differences::Keep };
        let kept = move_there(site, &back, spare, &|_| {})?.kept;
        left.paths.extend(kept.iter().filter(|_| writes).map(ToString::to_string));
    }
    again(site, side)
}

/// Puts the conflict that `side` took out of the checkout there again.
fn again(site: &Site<'_>, side: &GitSide) -> Result<(), FollowError> {
    if let (Some(Hand::Back), Some(again)) = (side.hand, side.again) {
        handed::finish(site, again, &|_| {})?;
    }
    Ok(())
}

/// The number of the last move that may have begun when the branch is `at`; `None`: the branch is somewhere else.
fn begun(moves: &[Move], at: Option<Id>, all: bool) -> Option<usize> {
    let last = moves.len().checked_sub(1)?;
    if all {
        return Some(last);
    }
    // A move's last deed is to move the branch.
    match moves.iter().rposition(|step| at == Some(step.commit)) {
        Some(done) => Some(last.min(done + 1)),
        None => (at == moves[0].old).then_some(0),
    }
}

/// What files and commits were when they were last equal before the step.
fn before(site: &Site<'_>, objects: &mut Objects<'_>, side: &GitSide) -> Result<Option<Record>, GitError> {
    let moved = side.refs.iter().find(|step| step.name == SYNCED);
    let at = match moved {
        Some(step) => step.old,
        None => site.store.read_ref(SYNCED)?,
    };
    at.map_or(Ok(None), |at| Record::read_at(objects, at))
}

/// The moves that a conflict put into the checkout is the reverse of: the index follows the files as they shall be, and then
/// they may go.
fn way_out(site: &Site<'_>, objects: &mut Objects<'_>, record: Id) -> Result<Vec<Move>, FollowError> {
    let (tip, work) = (site.store.read_ref(BRANCH)?, handed::work_of(site, record)?);
    let Some(tip) = tip else { return Ok(Vec::new()) };
    let work = kept::uncommitted(objects, work, tip);
    objects.flush(&[work])?;
    let forth = Move {
        old: Some(tip),
        pin: tip,
        commit: work,
        keep: false,
        touched: None,
        changed: Vec::new(),
        version: None,
        reason: String::new(),
    };
    // Read backwards: first to `work` without touching a file, then from there to the tip.
    Ok(vec![forth.clone(), Move { old: Some(work), commit: tip, keep: true, touched: Some(Vec::new()), ..forth }])
}

/// Takes a checkout down that the step was the first to make.
fn take_down(site: &Site<'_>, objects: &mut Objects<'_>, step: &Move, left: &mut Left) -> Result<(), FollowError> {
    let folder = site.checkout();
    let there = checkout::attachment(&site.store, &folder)?;
    if !step.keep && matches!(there, Attachment::Ours | Attachment::Moved) {
        let who = Signature::clean(b"patchq", b"patchq@patchq.invalid", 0, 0);
        let (author, committer, message) = (who.clone(), who, "Nothing\n".into());
        let nothing = Commit { tree: Id::EMPTY_TREE, parents: Vec::new(), author, committer, message };
        let nothing = objects.put_commit(&nothing);
        objects.flush(&[nothing])?;
        let down =
            Move { old: Some(step.commit), commit: nothing, version: None, touched: Some(Vec::new()), ..step.clone() };
        let done = move_there(site, &down, Differences::Spare, &|_| {})?;
        left.paths.extend(done.kept.iter().map(ToString::to_string));
        checkout::detach(&site.store, &folder)?;
    }
    let at = site.store.read_ref(BRANCH)?;
    site.store.move_ref(BRANCH, at, None, "patchq undo")?;
    Ok(())
}
