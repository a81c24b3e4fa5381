//! Where a move begins: what is read of an upstream, and whether its queue may be moved.

use std::rc::Rc;

use super::Moving;
use crate::git::Objects;
use crate::stack::Accept;
use crate::workspace::conflict::memory::Memory;
use crate::workspace::conflict::session::{Agreed, Decisions};
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::apply::refuse_last_copies;
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::upstream::fetcher::Supply;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{Cell, State};
use crate::workspace::upstream::store::Site;
use crate::workspace::upstream::target::Target;

/// What is read of an upstream before it is known where its queue goes.
pub(super) struct Ground<'a> {
    site: &'a Site<'a>,
    supply: &'a Supply<'a>,
    objects: Objects<'a>,
    state: State,
    pub(super) from: Files,
    agreed: Agreed,
    accept: Accept,
    memory: Rc<Memory>,
    /// Whether something will be written.
    writes: bool,
}

impl<'a> Ground<'a> {
    /// Reads store and checkout; refuses what may not be moved, if something will be written.
    pub(super) fn read(
        site: &'a Site<'a>,
        supply: &'a Supply<'a>,
        from: Files,
        agreed: Agreed,
        writes: bool,
    ) -> Result<Ground<'a>, RefreshError> {
        let memory = Rc::new(Memory::open(site.workspace, site.upstream));
        let accept = Accept { memory: Some(memory.clone()), ..agreed.accept(&from)? };
        let (objects, state) = read_state(site, &from)?;
        if writes {
            judge(&state)?;
            refuse_last_copies(site, supply, &objects, &state, &from).map_err(RefreshError::of)?;
        }
        Ok(Ground { site, supply, objects, state, from, agreed, accept, memory, writes })
    }

    /// The queue on its way to `target`, with nothing decided.
    pub(super) fn moving(self, target: Target) -> Moving<'a> {
        let Ground { site, supply, objects, state, from, agreed, accept, memory, writes } = self;
        let with_checkout = state.has_checkout() && writes;
        let (decisions, on_disk, drift, applied) = (Decisions::default(), None, Vec::new(), None);
        Moving {
            site,
            supply,
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

fn read_state<'a>(site: &'a Site<'a>, from: &Files) -> Result<(Objects<'a>, State), RefreshError> {
    let mut objects = Objects::new(&site.store)?;
    let state = State::read(site, &mut objects, from).map_err(RefreshError::of)?;
    Ok((objects, state))
}

/// The table of `who is right`, for `refresh`: newer files go along, commits and uncommitted changes are in the way.
pub(in crate::workspace) fn judge(state: &State) -> Result<(), RefreshError> {
    if state.lost_store() {
        return Err(RefreshError::LostStore);
    }
    match state.cell().map_err(RefreshError::of)? {
        Cell::CommitsNewer => Err(RefreshError::of(SideError::Commits(state.made.clone()))),
        Cell::Diverged => {
            let (files, commits) = (state.files.clone(), state.made.clone());
            Err(RefreshError::of(SideError::Diverged { files, commits }))
        }
        Cell::Equal | Cell::FilesNewer if !state.work.is_empty() => Err(RefreshError::Dirty(state.work.clone())),
        Cell::Equal | Cell::FilesNewer => Ok(()),
    }
}
