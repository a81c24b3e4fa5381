//! A refresh that waits for decisions: where it comes from, where it goes, and what was decided so far.

mod agreed;
mod by_hand;
mod decision;
mod file;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use bstr::ByteSlice;

use super::changes::to_hold;
use super::digest::{FilesDigest, Sum};
use super::files;
use super::follow::GitSide;
use super::hand_over::{Handed, Kept, PutBack, put_back};
use super::layout::Layout;
use super::manifest::{Name, Track};
use super::publish::{FileChange, PublishError};
use super::refresh::RefreshError;
use super::site::Site;
use super::step::{Around, begin, do_step};
use super::step_error::StepError;
use super::undo;
use crate::git::{GitError, Id, Objects};
use crate::path::RepoPath;

pub use agreed::{Agreed, AgreedError};
pub use by_hand::ByHand;
pub use decision::{About, Decision, Decisions, QuestionKey};
pub use file::SessionFileError;

/// No session is larger, in bytes.
const LARGEST: u64 = 16 << 20;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What pin and patches were when it began.
    pub files: FilesDigest,
    /// The digest of the manifest's entry then.
    pub manifest: Sum,
    /// Where it goes.
    pub to: To,
    /// What was agreed to beforehand.
    pub agreed: Agreed,
    /// What was decided.
    pub decisions: Decisions,
}

/// Where a session goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To {
    /// The commit.
    pub pin: Id,
    /// Its version.
    pub version: String,
    /// The track that is to be written into the manifest.
    pub track: Option<Track>,
    /// The branch or tag that it was found by, which a server may want to hear.
    pub found_by: Option<String>,
}

/// Why a session cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// It cannot be used.
    #[error(transparent)]
    Content(#[from] SessionFileError),
    /// The file.
    #[error(transparent)]
    File(#[from] files::FileError),
    /// Somebody else changed it while this command ran.
    #[error("{0} changed meanwhile, so the decision was not written")]
    ChangedMeanwhile(String),
    /// The rest.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl Session {
    /// The session of the upstream `name`, if one is open, with its bytes.
    ///
    /// # Errors
    /// [`SessionError::Content`], [`SessionError::File`].
    pub fn read(layout: &Layout, name: &Name) -> Result<Option<(Session, Vec<u8>)>, SessionError> {
        let file = layout.session(name);
        let bytes = match files::read_at_most(&file, LARGEST) {
            Err(files::FileError::TooLarge { .. }) => {
                let (file, reason) = (layout.shown(&file).to_owned(), format!("it is larger than {LARGEST} bytes"));
                return Err(SessionFileError { file, line: None, reason }.into());
            }
            read => read?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        let session = file::parse(&bytes, layout.shown(&file))?;
        Ok(Some((session, bytes)))
    }

    /// What its file holds.
    pub(super) fn bytes(&self, site: &Site<'_>) -> Vec<u8> {
        file::print(self, site.name().as_str())
    }

    /// Writes the session; `before`: the bytes that are there (`None`: no file). Gives the bytes that it wrote.
    ///
    /// # Errors
    /// [`SessionError`]; nothing has changed then.
    pub(super) fn write(
        &self,
        site: &Site<'_>,
        before: Option<&[u8]>,
        around: &Around<'_>,
    ) -> Result<Vec<u8>, SessionError> {
        let bytes = self.bytes(site);
        replace(site, before, Some(bytes.clone()), around)?;
        Ok(bytes)
    }
}

/// Whether a session of the upstream `name` is on the disk, readable or not.
///
/// # Errors
/// [`files::FileError`].
pub fn is_open(layout: &Layout, name: &Name) -> Result<bool, files::FileError> {
    Ok(files::stat(&layout.session(name))?.is_some())
}

/// The change that ends the session of `site`, if one is open.
///
/// # Errors
/// [`files::FileError`].
pub(super) fn ending(site: &Site<'_>) -> Result<Option<FileChange>, files::FileError> {
    let layout = &site.workspace.layout;
    let old = files::read(&layout.session(site.name()))?;
    // The name of an upstream makes a path that holds.
    let path = RepoPath::new(shown(site).as_bytes()).ok();
    Ok(path.filter(|_| old.is_some()).map(|path| FileChange { path, old, new: None }))
}

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
    let refs = undo::keep_files(site, &mut objects, &changes, around).map_err(RefreshError::of)?;
    let side = GitSide { refs, ..GitSide::default() };
    do_step(site, &mut objects, changes, &side, around).map_err(RefreshError::of)?;
    Ok(Aborted::Session)
}

/// Puts `new` in the place of the session's file, if that is still `before`. No step for `undo`.
pub(super) fn replace(
    site: &Site<'_>,
    before: Option<&[u8]>,
    new: Option<Vec<u8>>,
    around: &Around<'_>,
) -> Result<(), SessionError> {
    let _lock = begin(site, around)?;
    let Some(change) = change(site, before, new)? else { return Ok(()) };
    let mut objects = Objects::new(&site.store).map_err(StepError::from)?;
    match do_step(site, &mut objects, vec![change], &Default::default(), around) {
        Err(StepError::Publish(PublishError::InTheWay { .. })) => Err(SessionError::ChangedMeanwhile(shown(site))),
        done => Ok(done.map(drop)?),
    }
}

/// The change after which the session's file, which must be `before` now, is `new`; `None`: it is already.
pub(super) fn change(
    site: &Site<'_>,
    before: Option<&[u8]>,
    new: Option<Vec<u8>>,
) -> Result<Option<FileChange>, SessionError> {
    let path = RepoPath::new(shown(site).as_bytes()).map_err(|error| StepError::from(GitError::EvilPath(error)))?;
    let Some(new) = new else {
        return Ok(Some(FileChange { path, old: before.map(<[u8]>::to_vec), new: None }));
    };
    let held = to_hold(&site.workspace.layout, path, new)?;
    match held {
        Some(held) if held.old.as_deref() != before => Err(SessionError::ChangedMeanwhile(shown(site))),
        held => Ok(held),
    }
}

/// The file, from the workspace's root.
fn shown(site: &Site<'_>) -> String {
    let layout = &site.workspace.layout;
    let file = layout.session(site.name());
    layout.shown(&file).as_os_str().as_encoded_bytes().to_str_lossy().into_owned()
}
