//! A refresh that waits for decisions: where it comes from, where it goes, and what was decided so far.

mod agreed;
mod by_hand;
mod decision;
mod file;

#[cfg(test)]
mod tests;

use bstr::ByteSlice;

use crate::git::{GitError, Id, Objects};
use crate::path::RepoPath;
use crate::workspace::files::digest::{FilesDigest, Sum};
use crate::workspace::files::disk;
use crate::workspace::files::layout::Layout;
use crate::workspace::manifest::{Name, Track};
use crate::workspace::step::context::Around;
use crate::workspace::step::error::StepError;
use crate::workspace::step::file_changes::to_hold;
use crate::workspace::step::publish::{FileChange, PublishError};
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::store::Site;

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
    File(#[from] disk::FileError),
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
        let bytes = match disk::read_at_most(&file, LARGEST) {
            Err(disk::FileError::TooLarge { .. }) => {
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
    pub(in crate::workspace) fn bytes(&self, site: &Site<'_>) -> Vec<u8> {
        file::print(self, site.name().as_str())
    }

    /// Writes the session; `before`: the bytes that are there (`None`: no file). Gives the bytes that it wrote.
    ///
    /// # Errors
    /// [`SessionError`]; nothing has changed then.
    pub(in crate::workspace) fn write(
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
/// [`disk::FileError`].
pub fn is_open(layout: &Layout, name: &Name) -> Result<bool, disk::FileError> {
    Ok(disk::stat(&layout.session(name))?.is_some())
}

/// The change that ends the session of `site`, if one is open.
///
/// # Errors
/// [`disk::FileError`].
pub(in crate::workspace) fn ending(site: &Site<'_>) -> Result<Option<FileChange>, disk::FileError> {
    let layout = &site.workspace.layout;
    let old = disk::read(&layout.session(site.name()))?;
    // The name of an upstream makes a path that holds.
    let path = RepoPath::new(shown(site).as_bytes()).ok();
    Ok(path.filter(|_| old.is_some()).map(|path| FileChange { path, old, new: None }))
}

/// Puts `new` in the place of the session's file, if that is still `before`. No step for `undo`.
pub(in crate::workspace) fn replace(
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
pub(in crate::workspace) fn change(
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
