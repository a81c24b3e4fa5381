//! Copies a patch of one entry to another entry of the same upstream: it is applied in memory on top of that queue, and
//! published there as a separate step.
//!
//! This is a three-way merge as in every refresh: the base is the patch's parent, the patch side is its result, and the
//! upstream side is the top of the other queue. So the outcomes are the same.

use super::apply::{refuse_last_copies, stack_of};
use super::dropped::WrittenQueue;
use super::error::QueueError;
use super::refresh::RefreshError;
use super::refresh::moving::{checkout_blobs, judge};
use super::rewrite::Rewrite;
use crate::git::{Id, Objects};
use crate::stack::{self, Base, Item, Lazy, PatchOutcome, Stack, Version};
use crate::workspace::files::queue_files::Files;
use crate::workspace::step::context::StepContext;
use crate::workspace::step::run::begin;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::UpstreamStore;

/// A patch on top of another queue, not yet written.
pub struct CherryPick<'s> {
    /// Its outcome there.
    pub outcome: PatchOutcome,
    objects: Objects<'s>,
    files: Files,
    /// The queue with the patch; `None`: there is nothing to write, or a conflict.
    rewrite: Option<Rewrite>,
}

/// The written patch.
#[derive(Debug)]
pub struct Picked {
    /// The patch's file name there.
    pub patch: String,
    /// The queue that was written.
    pub queue: WrittenQueue,
    /// Its commit there.
    pub top: Id,
}

/// Checks whether a patch could be written to the queue of `upstream` as it is now: its queue applies, and no work of
/// the user is in the way. Missing objects are fetched.
///
/// # Errors
/// [`RefreshError`], as for a refresh.
pub fn ready(fetcher: &Fetcher<'_>) -> Result<(), RefreshError> {
    let upstream = fetcher.upstream;
    let mut objects = Objects::new(&upstream.store)?;
    let files = Files::read(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)?;
    let state = SyncState::read(upstream, &mut objects, &files).map_err(RefreshError::of)?;
    judge(&state)?;
    refuse_last_copies(fetcher, &objects, &state, &files).map_err(RefreshError::of)?;
    applied(fetcher, &mut objects, &files).map(drop)
}

/// Determines the outcome of `item`, a patch whose commit has `parent` in the store of a neighbour, on top of the queue
/// of the fetcher's upstream. The result does not borrow the fetcher. Only objects are written.
///
/// # Errors
/// [`RefreshError`]; a conflict is not an error.
pub fn cherry_pick<'s>(
    upstream: &'s UpstreamStore<'_>,
    fetcher: &Fetcher<'_>,
    parent: Id,
    item: &Item,
) -> Result<CherryPick<'s>, RefreshError> {
    let files = Files::read(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)?;
    if !fetcher.has_near(&upstream.store, item.commit) {
        return Err(RefreshError::of(FetchError::Missing(
            crate::workspace::upstream::fetcher::MissingObjects::Commit(item.commit),
        )));
    }
    let mut objects = Objects::new(&upstream.store)?;
    let state = SyncState::read(upstream, &mut objects, &files).map_err(RefreshError::of)?;
    judge(&state)?;
    refuse_last_copies(fetcher, &objects, &state, &files).map_err(RefreshError::of)?;
    let queue = applied(fetcher, &mut objects, &files)?;
    let alone = Stack { base: Base::read(&mut objects, parent)?, items: vec![item.clone()] };
    let onto = Base::read(&mut objects, queue.top())?;
    let rebased = fetcher.run(&mut objects, |objects| {
        let rebased = match stack::rebase(objects, &alone, onto, &stack::NoResolver)? {
            Lazy::Done(rebased) => rebased,
            need => return Ok(need),
        };
        if !state.has_checkout() || rebased.stack.items.is_empty() {
            return Ok(Lazy::Done(rebased));
        }
        let items = queue.items.iter().chain(&rebased.stack.items).cloned().collect();
        let needed = checkout_blobs(upstream, objects, &Stack { base: queue.base, items })?;
        Ok(if needed.is_empty() { Lazy::Done(rebased) } else { Lazy::Need(needed) })
    });
    let mut rebased = rebased.map_err(RefreshError::of)?;
    let rewrite = match rebased.stack.items.pop() {
        None => None,
        Some(new) => {
            let name = |item: &Item| Version { name: Some(item.name.clone()), commit: item.commit };
            let mut versions: Vec<Version> = queue.items.iter().map(name).collect();
            versions.push(Version { name: None, commit: new.commit });
            Some(Rewrite::plan(fetcher, &mut objects, &files, queue.base, &versions, None)?)
        }
    };
    let outcome = rebased.patches.pop().ok_or(RefreshError::of(SideError::ChangedMeanwhile))?;
    Ok(CherryPick { outcome, objects, files, rewrite })
}

/// Applies the whole queue to its pin.
fn applied(fetcher: &Fetcher<'_>, objects: &mut Objects<'_>, files: &Files) -> Result<Stack, RefreshError> {
    let applied = stack_of(fetcher, objects, files, false).map_err(RefreshError::of)?;
    match applied.failure {
        None => Ok(applied.stack),
        Some((n, failure)) => {
            let patch = files.patches[n].queued.name.clone();
            Err(RefreshError::of(QueueError::Apply { patch, failure: Box::new(failure), applied: n }))
        }
    }
}

impl CherryPick<'_> {
    /// Checks whether there is a patch to write.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rewrite.is_some()
    }

    /// Writes the patch as the last one of the queue, and moves the checkout, in one step. `None`: there is nothing to
    /// write.
    ///
    /// # Errors
    /// [`RefreshError`] when files or checkout have changed since; nothing is written then.
    pub fn publish(
        mut self,
        upstream: &UpstreamStore<'_>,
        ctx: &StepContext<'_>,
    ) -> Result<Option<Picked>, RefreshError> {
        let Some(rewrite) = self.rewrite else { return Ok(None) };
        let _lock = begin(upstream, ctx).map_err(RefreshError::of)?;
        if !self.files.are_unchanged(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)? {
            return Err(RefreshError::of(SideError::ChangedMeanwhile));
        }
        let state = SyncState::read(upstream, &mut self.objects, &self.files).map_err(RefreshError::of)?;
        judge(&state)?;
        let (queue, top) = (rewrite.written().and(RemovedPatches::of(&state, &self.files)), rewrite.stack.top());
        let patch = queue.patches.last().map(|(name, _)| name.clone()).unwrap_or_default();
        rewrite.publish(upstream, &mut self.objects, &state, None, ctx).map_err(RefreshError::of)?;
        Ok(Some(Picked { patch, queue, top }))
    }
}
