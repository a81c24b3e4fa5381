//! A refresh that waits for decisions: where it comes from, where it goes, and what was decided so far.

mod agreed;
mod decision;
mod file;

#[cfg(test)]
mod tests;

use bstr::ByteSlice;

use super::changes::{only_files, to_hold};
use super::digest::{FilesDigest, Sum};
use super::files;
use super::files_side::Files;
use super::layout::Layout;
use super::manifest::{Name, Track};
use super::publish::{FileChange, PublishError};
use super::settle::{Around, SettleError, begin, do_step};
use super::site::Site;
use super::state::State;
use crate::git::{GitError, Id, Objects};
use crate::path::RepoPath;

pub use agreed::{Agreed, AgreedError};
pub use decision::{About, Decision, Decisions};
pub use file::SessionFileError;

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
    Settle(#[from] SettleError),
}

impl Session {
    /// The session of the upstream `name`, if one is open, with its bytes.
    ///
    /// # Errors
    /// [`SessionError::Content`], [`SessionError::File`].
    pub fn read(layout: &Layout, name: &Name) -> Result<Option<(Session, Vec<u8>)>, SessionError> {
        let file = layout.session(name);
        let Some(bytes) = files::read(&file)? else { return Ok(None) };
        let session = file::parse(&bytes, layout.shown(&file))?;
        Ok(Some((session, bytes)))
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
        let bytes = file::print(self, site.name().as_str());
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

/// Gives the session of `site` up, in a step that `undo` takes back; whether there was one.
///
/// # Errors
/// [`SessionError`]; nothing has changed then.
pub fn abort(site: &Site<'_>, around: &Around<'_>) -> Result<bool, SessionError> {
    let _lock = begin(site, around)?;
    let Some(change) = ending(site)? else { return Ok(false) };
    let mut objects = Objects::new(&site.store).map_err(SettleError::from)?;
    let files = Files::read(&site.workspace.layout, site.name()).map_err(SettleError::from)?;
    let state = State::read(site, &mut objects, &files).map_err(SettleError::from)?;
    only_files(site, &mut objects, &state, vec![change], around)?;
    Ok(true)
}

/// Puts `new` in the place of the session's file, if that is still `before`. No step for `undo`.
pub(super) fn replace(
    site: &Site<'_>,
    before: Option<&[u8]>,
    new: Option<Vec<u8>>,
    around: &Around<'_>,
) -> Result<(), SessionError> {
    let _lock = begin(site, around)?;
    let path = RepoPath::new(shown(site).as_bytes()).map_err(|error| SettleError::from(GitError::EvilPath(error)))?;
    let mut change = FileChange { path, old: before.map(<[u8]>::to_vec), new };
    if let Some(new) = &change.new {
        let held = to_hold(&site.workspace.layout, change.path.clone(), new.clone())?;
        let Some(held) = held else { return Ok(()) };
        if held.old.as_deref() != before {
            return Err(SessionError::ChangedMeanwhile(shown(site)));
        }
        change = held;
    }
    let mut objects = Objects::new(&site.store).map_err(SettleError::from)?;
    match do_step(site, &mut objects, vec![change], &Default::default(), around) {
        Err(SettleError::Publish(PublishError::InTheWay { .. })) => Err(SessionError::ChangedMeanwhile(shown(site))),
        done => Ok(done.map(drop)?),
    }
}

/// The file, from the workspace's root.
fn shown(site: &Site<'_>) -> String {
    let layout = &site.workspace.layout;
    let file = layout.session(site.name());
    layout.shown(&file).as_os_str().as_encoded_bytes().to_str_lossy().into_owned()
}
