//! Aborts a session.

use std::path::PathBuf;

use crate::git::Objects;
use crate::workspace::conflict::hand_over::{HandedConflict, KeptWork, PutBack, put_back};
use crate::workspace::conflict::session::{SessionError, ending};
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::ops::undo;
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::GitEffects;
use crate::workspace::step::kept;
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::store::UpstreamStore;

/// What was aborted.
#[derive(Debug, Clone)]
pub enum Aborted {
    /// There was no session.
    Nothing,
    /// A session.
    Session,
    /// A session that `undo` had restored: it is kept in this file, from the workspace's root. `undo` does not restore
    /// it again, because that would repeat forever.
    SetAside(PathBuf),
    /// A conflict in the checkout as well, with the work that was recorded for `undo`.
    HandedOver(KeptWork),
}

/// Aborts the session of `upstream`, readable or not, and restores the checkout if a conflict is in it, in a step that
/// `undo` can revert.
///
/// # Errors
/// [`RefreshError`]; nothing has changed then.
pub fn abort(upstream: &UpstreamStore<'_>, ctx: &StepContext<'_>) -> Result<Aborted, RefreshError> {
    if HandedConflict::read(upstream)?.is_some() {
        let mut objects = Objects::new(&upstream.store)?;
        let changes = ending(upstream)?.into_iter().collect();
        let brought_back = undo::is_brought_back(upstream, &mut objects).map_err(RefreshError::of)?;
        if brought_back {
            undo::keep_session(upstream).map_err(RefreshError::of)?;
        }
        let options = PutBack { changes, taken: None, undoable: true, brought_back };
        return Ok(Aborted::HandedOver(put_back(upstream, &mut objects, options, ctx)?));
    }
    let _lock = begin(upstream, ctx).map_err(SessionError::from)?;
    let Some(change) = ending(upstream)? else { return Ok(Aborted::Nothing) };
    let mut objects = Objects::new(&upstream.store)?;
    let changes = vec![change];
    if undo::is_brought_back(upstream, &mut objects).map_err(RefreshError::of)?
        && let Some(kept) = undo::keep_session(upstream).map_err(RefreshError::of)?
    {
        do_step(upstream, &mut objects, changes, &GitEffects::default(), ctx).map_err(RefreshError::of)?;
        return Ok(Aborted::SetAside(kept));
    }
    let refs = kept::keep_files(upstream, &mut objects, &changes, ctx).map_err(RefreshError::of)?;
    let side = GitEffects { refs, ..GitEffects::default() };
    do_step(upstream, &mut objects, changes, &side, ctx).map_err(RefreshError::of)?;
    Ok(Aborted::Session)
}
