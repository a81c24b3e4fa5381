//! Giving a session up.

use std::path::PathBuf;

use crate::git::Objects;
use crate::workspace::conflict::hand_over::{Handed, Kept, PutBack, put_back};
use crate::workspace::conflict::session::{SessionError, ending};
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::ops::undo;
use crate::workspace::step::context::Around;
use crate::workspace::step::effects::GitSide;
use crate::workspace::step::kept;
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::store::Site;

/// What was given up.
#[derive(Debug, Clone)]
pub enum Aborted {
    /// There was nothing.
    Nothing,
    /// A session.
    Session,
    /// A session that `undo` had brought back: it is kept in this file, from the workspace's root, and is no step of `undo`,
    /// which would bring it back for ever.
    SetAside(PathBuf),
    /// A conflict in the checkout as well: what of it was kept for `undo`.
    HandedOver(Kept),
}

/// Gives the session of `site` up, readable or not, and puts the checkout back where a conflict is in it, in a step that `undo` takes back.
///
/// # Errors
/// [`RefreshError`]; nothing has changed then.
pub fn abort(site: &Site<'_>, around: &Around<'_>) -> Result<Aborted, RefreshError> {
    if Handed::read(site)?.is_some() {
        let mut objects = Objects::new(&site.store)?;
        let changes = ending(site)?.into_iter().collect();
        let brought_back = undo::is_brought_back(site, &mut objects).map_err(RefreshError::of)?;
        if brought_back {
            undo::keep_session(site).map_err(RefreshError::of)?;
        }
        let wish = PutBack { changes, taken: None, undoable: true, brought_back };
        return Ok(Aborted::HandedOver(put_back(site, &mut objects, wish, around)?));
    }
    let _lock = begin(site, around).map_err(SessionError::from)?;
    let Some(change) = ending(site)? else { return Ok(Aborted::Nothing) };
    let mut objects = Objects::new(&site.store)?;
    let changes = vec![change];
    if undo::is_brought_back(site, &mut objects).map_err(RefreshError::of)?
        && let Some(kept) = undo::keep_session(site).map_err(RefreshError::of)?
    {
        do_step(site, &mut objects, changes, &GitSide::default(), around).map_err(RefreshError::of)?;
        return Ok(Aborted::SetAside(kept));
    }
    let refs = kept::keep_files(site, &mut objects, &changes, around).map_err(RefreshError::of)?;
    let side = GitSide { refs, ..GitSide::default() };
    do_step(site, &mut objects, changes, &side, around).map_err(RefreshError::of)?;
    Ok(Aborted::Session)
}
