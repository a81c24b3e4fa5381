//! The git part of a step: changes to checkout and refs after its files are written. All of it can be repeated after a
//! kill, with the same result.

mod back;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tracing::debug;

pub use back::Left;
pub(in crate::workspace) use back::take_back;

use super::handed;
use crate::git::checkout::{self, CheckoutError, Differences, Materialized, Obstacle, Outcome, Plan};
use crate::git::{GitError, HANDED_OVER, Id, Objects};
use crate::path::RepoPath;
use crate::workspace::upstream::store::UpstreamStore;

/// What a step does to the store and the checkout, in this order: hands a conflict over or takes it back, moves the
/// checkout, then the refs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) struct GitEffects {
    /// A conflict that is handed over to the checkout, or leaves it.
    #[serde(default)]
    pub hand: Option<ConflictEffect>,
    /// The record with which a conflict that leaves the checkout could be handed over again.
    #[serde(default)]
    pub again: Option<Id>,
    /// Moves of the checkout, one after the other.
    pub checkout: Vec<CheckoutMove>,
    /// Moves of refs.
    pub refs: Vec<RefMove>,
}

/// The change of a conflict in the checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) enum ConflictEffect {
    /// It is handed over, as this record says.
    Over(Id),
    /// git's state of a waiting cherry-pick is removed; the moves do the rest.
    Back,
}

/// A move of the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) struct CheckoutMove {
    /// The commit of the checkout now; `None`: it has none yet.
    pub old: Option<Id>,
    /// The pin below `commit`; it determines the paths that the queue touches.
    pub pin: Id,
    /// The commit to move to.
    pub commit: Id,
    /// No file is written: every difference stays as an uncommitted change.
    pub keep: bool,
    /// The paths that the checkout holds beyond the manifest's; `None`: those that the queue touches, from `pin` to
    /// `commit`.
    #[serde(default)]
    pub touched: Option<Vec<Vec<u8>>>,
    /// Paths with uncommitted changes that stay as they are (bytes, because not every path is text).
    #[serde(default)]
    pub changed: Vec<Vec<u8>>,
    /// The text of `version.txt`.
    pub version: Option<String>,
    /// One line for the branch's reflog.
    pub reason: String,
}

/// A move of a ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::workspace) struct RefMove {
    /// The full name.
    pub name: String,
    /// The old commit.
    pub old: Option<Id>,
    /// The new commit; `None`: the ref is removed.
    pub new: Option<Id>,
}

/// Why the git part cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum EffectError {
    /// The checkout failed.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// The store failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Something in the checkout is in the way; nothing of it was touched.
    #[error("these are in the way in the checkout:\n{}", list(.0))]
    Obstacles(Vec<Obstacle>),
    /// Objects that should have been fetched before are missing.
    #[error("{}", match .0 {
        1 => "an object that the checkout needs is not in the store".to_owned(),
        n => format!("{n} objects that the checkout needs are not in the store"),
    })]
    Missing(usize),
    /// A journal from another version of patchq, or a damaged one.
    #[error("the step's record cannot be read")]
    Record(#[from] serde_json::Error),
}

fn list(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(|at| format!("{}: {}", at.path, at.reason)).collect::<Vec<_>>().join("\n")
}

impl GitEffects {
    /// Returns the commits that checkout and refs move to.
    pub(in crate::workspace) fn ids(&self) -> Vec<Id> {
        let moves = self.checkout.iter().map(|step| step.commit);
        let hand = self.hand.and_then(|hand| match hand {
            ConflictEffect::Over(record) => Some(record),
            ConflictEffect::Back => None,
        });
        moves.chain(hand).chain(self.again).chain(self.refs.iter().filter_map(|step| step.new)).collect()
    }
}

impl RefMove {
    /// Returns the move of `name` to `new` from its present commit; `None` when it is there already.
    ///
    /// # Errors
    /// [`GitError`] when the ref cannot be read.
    pub(in crate::workspace) fn to(
        upstream: &UpstreamStore<'_>,
        name: &str,
        new: Option<Id>,
    ) -> Result<Option<RefMove>, GitError> {
        let old = upstream.store.read_ref(name)?;
        Ok((old != new).then(|| RefMove { name: name.to_owned(), old, new }))
    }
}

/// Does the git part of a step. `reason` goes into the reflogs; `observe` is called with each step before it is done.
///
/// # Errors
/// [`EffectError`].
pub(in crate::workspace) fn run_effects(
    upstream: &UpstreamStore<'_>,
    side: &GitEffects,
    reason: &str,
    observe: &dyn Fn(&str),
) -> Result<Option<Materialized>, EffectError> {
    let mut last = None;
    match side.hand {
        Some(ConflictEffect::Over(record)) => last = Some(handed::finish(upstream, record, observe)?),
        // If the ref is gone, this is done, and git may be waiting for something of the user.
        Some(ConflictEffect::Back) if upstream.store.read_ref(HANDED_OVER)?.is_some() => {
            observe("forget");
            checkout::forget_pick(&upstream.store)?;
        }
        Some(ConflictEffect::Back) | None => {}
    }
    for (n, step) in side.checkout.iter().enumerate() {
        // A move ends with moving the branch. If the branch is already at the target of this move or of a later one, a
        // killed run has done this move, and the files may have changed since.
        let at = upstream.store.read_ref(crate::git::BRANCH)?;
        if at != step.old && side.checkout[n..].iter().any(|step| at == Some(step.commit)) {
            continue;
        }
        debug!(from = ?step.old, to = %step.commit, keep = step.keep, "moves the checkout");
        last = Some(move_there(upstream, step, step.differences(), observe)?);
    }
    for step in &side.refs {
        observe("refs");
        if upstream.store.read_ref(&step.name)? != step.new {
            debug!(name = step.name, from = ?step.old, to = ?step.new, "moves a ref");
            upstream.store.move_ref(&step.name, step.old, step.new, reason)?;
        }
    }
    Ok(last)
}

/// Checks whether the refs can follow `side`, before a step is made certain, because afterwards they must.
///
/// # Errors
/// [`GitError::RefUnfit`], [`GitError::RefMoved`].
pub(in crate::workspace) fn check_refs(upstream: &UpstreamStore<'_>, side: &GitEffects) -> Result<(), GitError> {
    for step in &side.refs {
        let found = upstream.store.read_ref(&step.name)?;
        if found != step.old && found != step.new {
            return Err(GitError::RefMoved { name: step.name.clone(), expected: step.old, found });
        }
        if step.new.is_some() && found.is_none() {
            checkout::ref_fits(&upstream.store, &step.name)?;
        }
    }
    Ok(())
}

/// Checks whether the checkout can follow `side`, before a step is made certain, because afterwards it must.
///
/// # Errors
/// [`EffectError::Obstacles`] when something is in the way.
pub(in crate::workspace) fn check(upstream: &UpstreamStore<'_>, side: &GitEffects) -> Result<(), EffectError> {
    let mut all = match side.hand {
        Some(ConflictEffect::Over(record)) => handed::in_the_way(upstream, record)?,
        Some(ConflictEffect::Back) | None => Vec::new(),
    };
    // Of several moves all but one write no file, so each can be checked against the present state of the disk.
    let first = side.checkout.first().and_then(|step| step.old);
    for (n, step) in side.checkout.iter().enumerate() {
        let now = first.filter(|_| n > 0);
        let found = step.with_plan(upstream, step.differences(), |plan| {
            checkout::obstacles(&upstream.store, &upstream.checkout(), plan, now)
        })?;
        all.extend(found.into_iter().filter(|obstacle| !all.contains(obstacle)).collect::<Vec<_>>());
    }
    if all.is_empty() { Ok(()) } else { Err(EffectError::Obstacles(all)) }
}

impl CheckoutMove {
    fn differences(&self) -> Differences {
        if self.keep { Differences::Keep } else { Differences::Refuse }
    }

    fn with_plan<T>(
        &self,
        upstream: &UpstreamStore<'_>,
        differences: Differences,
        run: impl FnOnce(&Plan<'_>) -> Result<T, CheckoutError>,
    ) -> Result<T, EffectError> {
        let safe = |paths: &[Vec<u8>]| paths.iter().map(RepoPath::new).collect::<Result<Vec<_>, _>>();
        let sparse = match &self.touched {
            None => sparse_of(upstream, self.pin, self.commit)?,
            Some(touched) => {
                let tree = Objects::new(&upstream.store)?.commit(self.commit)?.tree;
                upstream.sparse(tree, &safe(touched).map_err(GitError::EvilPath)?)?
            }
        };
        let paths = self.changed.iter().map(RepoPath::new);
        let changed = paths.collect::<Result<BTreeSet<_>, _>>().map_err(GitError::EvilPath)?;
        Ok(run(&Plan {
            old: self.old,
            commit: self.commit,
            sparse: &sparse,
            differences,
            changed: &changed,
            version: self.version.as_deref(),
            reason: &self.reason,
        })?)
    }
}

fn move_there(
    upstream: &UpstreamStore<'_>,
    step: &CheckoutMove,
    differences: Differences,
    observe: &dyn Fn(&str),
) -> Result<Materialized, EffectError> {
    match step.with_plan(upstream, differences, |plan| {
        checkout::materialize(&upstream.store, &upstream.checkout(), plan, observe)
    })? {
        Outcome::Done(done) => Ok(done),
        Outcome::Refused(obstacles) => Err(EffectError::Obstacles(obstacles)),
        Outcome::Need(ids) => Err(EffectError::Missing(ids.len())),
    }
}

/// Returns the paths of a checkout of `commit` on `pin`.
///
/// # Errors
/// [`GitError`] when commits or trees cannot be read.
pub(in crate::workspace) fn sparse_of(
    upstream: &UpstreamStore<'_>,
    pin: Id,
    commit: Id,
) -> Result<checkout::SparseSet, GitError> {
    let mut objects = Objects::new(&upstream.store)?;
    let (base, top) = (objects.commit(pin)?.tree, objects.commit(commit)?.tree);
    let touched: Vec<RepoPath> = objects.diff(base, top)?.into_iter().map(|change| change.path).collect();
    upstream.sparse(top, &touched)
}
