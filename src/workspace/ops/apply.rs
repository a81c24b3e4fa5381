//! Applies a queue to its pin, in memory.

use super::error::QueueError;
use crate::git::{Objects, checkout};
use crate::path::RepoPath;
use crate::stack::{self, Applied, Base, Lazy};
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::Track;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::last_copy::last_copies;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::UpstreamStore;

/// Applies the queue of `files` in memory. Everything needed for this and for the checkout is fetched in one request.
///
/// # Errors
/// [`QueueError::Fetcher`] and [`QueueError::Step`]; a patch that does not apply is a value of the result.
pub fn stack_of(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    with_checkout: bool,
) -> Result<Applied, QueueError> {
    let upstream = fetcher.upstream;
    fetcher.commits(&upstream.store, &[files.pin], &track_refs(upstream))?;
    let base = Base::read(objects, files.pin)?;
    let queue = files.queued();
    let touched: Vec<RepoPath> = queue
        .iter()
        .flat_map(|queued| &queued.patch.files)
        .flat_map(|f| [f.old_path.clone(), f.new_path.clone()])
        .collect();
    let sparse = upstream.sparse(base.tree, &touched)?;
    Ok(fetcher.run(objects, |objects| {
        let applied = stack::apply(objects, base, &queue)?;
        let wanted = if with_checkout {
            checkout::wanted_blobs(objects.store(), base.tree, &sparse)?
        } else {
            Default::default()
        };
        Ok(match applied {
            Lazy::Done(applied) if wanted.is_empty() => Lazy::Done(applied),
            Lazy::Done(_) => Lazy::Need(wanted),
            Lazy::Need(ids) => Lazy::Need(ids.union(&wanted).copied().collect()),
        })
    })?)
}

/// Returns the refs in which a server that gives only commits that refs point at may have the pin.
fn track_refs(upstream: &UpstreamStore<'_>) -> Vec<String> {
    let Some(Track::Ref(name)) = &upstream.entry.track else { return Vec::new() };
    vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")]
}

/// Refuses to take the files if this would remove the last copy of a patch.
///
/// # Errors
/// [`QueueError::LastCopy`].
pub(in crate::workspace) fn refuse_last_copies(
    fetcher: &Fetcher<'_>,
    objects: &Objects<'_>,
    state: &SyncState,
    files: &Files,
) -> Result<(), QueueError> {
    match last_copies(fetcher, objects, state, files)? {
        lost if lost.is_empty() => Ok(()),
        lost => Err(SideError::LastCopy(lost).into()),
    }
}
