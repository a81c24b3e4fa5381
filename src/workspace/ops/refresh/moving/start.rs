//! Starts a move: reads the upstream's state, and checks whether its queue may be moved.

use std::rc::Rc;

use super::Moving;
use crate::git::Objects;
use crate::stack::Accept;
use crate::workspace::conflict::memory::Memory;
use crate::workspace::conflict::session::{AcceptOptions, Decisions};
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::apply::refuse_last_copies;
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{SyncState, SyncStatus};
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::target::Target;

/// The state of an upstream before the target is known.
pub(super) struct StartingPoint<'a> {
    fetcher: &'a Fetcher<'a>,
    objects: Objects<'a>,
    state: SyncState,
    pub(super) from: Files,
    agreed: AcceptOptions,
    accept: Accept,
    memory: Rc<Memory>,
    /// Whether something will be written.
    writes: bool,
}

impl<'a> StartingPoint<'a> {
    /// Reads store and checkout; refuses states that may not be moved, if something will be written.
    pub(super) fn read(
        fetcher: &'a Fetcher<'a>,
        from: Files,
        agreed: AcceptOptions,
        writes: bool,
    ) -> Result<StartingPoint<'a>, RefreshError> {
        let upstream = fetcher.upstream;
        let memory = Rc::new(Memory::open(upstream.workspace, upstream.entry));
        let accept = Accept { memory: Some(memory.clone()), ..agreed.accept(&from)? };
        let (objects, state) = read_state(upstream, &from)?;
        if writes {
            judge(&state)?;
            refuse_last_copies(fetcher, &objects, &state, &from).map_err(RefreshError::of)?;
        }
        Ok(StartingPoint { fetcher, objects, state, from, agreed, accept, memory, writes })
    }

    /// Returns the queue on its way to `target`, with nothing decided.
    pub(super) fn moving(self, target: Target) -> Moving<'a> {
        let StartingPoint { fetcher, objects, state, from, agreed, accept, memory, writes } = self;
        let with_checkout = state.has_checkout() && writes;
        let (decisions, on_disk, drift, applied) = (Decisions::default(), None, Vec::new(), None);
        Moving {
            fetcher,
            objects,
            state,
            from,
            target,
            agreed,
            accept,
            memory,
            decisions,
            on_disk,
            drift,
            applied,
            with_checkout,
        }
    }
}

fn read_state<'a>(upstream: &'a UpstreamStore<'a>, from: &Files) -> Result<(Objects<'a>, SyncState), RefreshError> {
    let mut objects = Objects::new(&upstream.store)?;
    let state = SyncState::read(upstream, &mut objects, from).map_err(RefreshError::of)?;
    Ok((objects, state))
}

/// Applies the table of "who is right" for `refresh`: newer files are taken, commits and uncommitted changes are in the
/// way.
pub(in crate::workspace) fn judge(state: &SyncState) -> Result<(), RefreshError> {
    if state.lost_store() {
        return Err(RefreshError::LostStore);
    }
    match state.cell().map_err(RefreshError::of)? {
        SyncStatus::CommitsNewer => Err(RefreshError::of(SideError::Commits(state.made.clone()))),
        SyncStatus::Diverged => {
            let (files, commits) = (state.files.clone(), state.made.clone());
            Err(RefreshError::of(SideError::Diverged { files, commits }))
        }
        SyncStatus::Equal | SyncStatus::FilesNewer if !state.work.is_empty() => {
            Err(RefreshError::Dirty(state.work.clone()))
        }
        SyncStatus::Equal | SyncStatus::FilesNewer => Ok(()),
    }
}
