//! A session: a refresh that waits for decisions, with its start, its target, and the decisions so far.

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
use crate::workspace::step::context::StepContext;
use crate::workspace::step::error::StepError;
use crate::workspace::step::file_changes::to_hold;
use crate::workspace::step::publish::{FileChange, PublishError};
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::store::UpstreamStore;

pub use agreed::{AcceptOptions, AcceptOptionsError};
pub use by_hand::ByHand;
pub use decision::{About, Decisions, QuestionKey, SessionDecision};
pub use file::SessionFileError;

/// The largest size of a session, in bytes.
const LARGEST: u64 = 16 << 20;

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The state of pin and patches when it began.
    pub files: FilesDigest,
    /// The digest of the manifest's entry at that time.
    pub manifest: Sum,
    /// The target.
    pub to: SessionTarget,
    /// The options for deciding without asking.
    pub agreed: AcceptOptions,
    /// The decisions.
    pub decisions: Decisions,
}

/// The target of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTarget {
    /// The commit.
    pub pin: Id,
    /// Its version.
    pub version: String,
    /// The track to write into the manifest.
    pub track: Option<Track>,
    /// The branch or tag by which it was found, for servers that need it.
    pub found_by: Option<String>,
}

/// Why a session cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Its content is not valid.
    #[error(transparent)]
    Content(#[from] SessionFileError),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] disk::FileError),
    /// Somebody else changed it while this command ran.
    #[error("{0} was changed by another program, so the decision was not written")]
    ChangedMeanwhile(String),
    /// Another error of the step.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl Session {
    /// Returns the session of the upstream `name`, if one is open, with its bytes.
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

    /// Returns the content of its file.
    pub(in crate::workspace) fn bytes(&self, upstream: &UpstreamStore<'_>) -> Vec<u8> {
        file::print(self, upstream.name().as_str())
    }

    /// Writes the session; `before`: the bytes on disk (`None`: no file). Returns the bytes that it wrote.
    ///
    /// # Errors
    /// [`SessionError`]; nothing has changed then.
    pub(in crate::workspace) fn write(
        &self,
        upstream: &UpstreamStore<'_>,
        before: Option<&[u8]>,
        ctx: &StepContext<'_>,
    ) -> Result<Vec<u8>, SessionError> {
        let bytes = self.bytes(upstream);
        replace(upstream, before, Some(bytes.clone()), ctx)?;
        Ok(bytes)
    }
}

/// Checks whether a session of the upstream `name` is on disk, readable or not.
///
/// # Errors
/// [`disk::FileError`].
pub fn is_open(layout: &Layout, name: &Name) -> Result<bool, disk::FileError> {
    Ok(disk::stat(&layout.session(name))?.is_some())
}

/// Returns the change that ends the session of `upstream`, if one is open.
///
/// # Errors
/// [`disk::FileError`].
pub(in crate::workspace) fn ending(upstream: &UpstreamStore<'_>) -> Result<Option<FileChange>, disk::FileError> {
    let layout = &upstream.workspace.layout;
    let old = disk::read(&layout.session(upstream.name()))?;
    // The name of an upstream makes a valid path.
    let path = RepoPath::new(shown(upstream).as_bytes()).ok();
    Ok(path.filter(|_| old.is_some()).map(|path| FileChange { path, old, new: None }))
}

/// Replaces the session's file by `new` if it is still `before`. `undo` does not revert this.
pub(in crate::workspace) fn replace(
    upstream: &UpstreamStore<'_>,
    before: Option<&[u8]>,
    new: Option<Vec<u8>>,
    ctx: &StepContext<'_>,
) -> Result<(), SessionError> {
    let _lock = begin(upstream, ctx)?;
    let Some(change) = change(upstream, before, new)? else { return Ok(()) };
    let mut objects = Objects::new(&upstream.store).map_err(StepError::from)?;
    match do_step(upstream, &mut objects, vec![change], &Default::default(), ctx) {
        Err(StepError::Publish(PublishError::InTheWay { .. })) => Err(SessionError::ChangedMeanwhile(shown(upstream))),
        done => Ok(done.map(drop)?),
    }
}

/// Returns the change after which the session's file, which must be `before` now, is `new`; `None`: it is already.
pub(in crate::workspace) fn change(
    upstream: &UpstreamStore<'_>,
    before: Option<&[u8]>,
    new: Option<Vec<u8>>,
) -> Result<Option<FileChange>, SessionError> {
    let path = RepoPath::new(shown(upstream).as_bytes()).map_err(|error| StepError::from(GitError::EvilPath(error)))?;
    let Some(new) = new else {
        return Ok(Some(FileChange { path, old: before.map(<[u8]>::to_vec), new: None }));
    };
    let held = to_hold(&upstream.workspace.layout, path, new)?;
    match held {
        Some(held) if held.old.as_deref() != before => Err(SessionError::ChangedMeanwhile(shown(upstream))),
        held => Ok(held),
    }
}

/// Returns the file, from the workspace's root.
fn shown(upstream: &UpstreamStore<'_>) -> String {
    let layout = &upstream.workspace.layout;
    let file = layout.session(upstream.name());
    layout.shown(&file).as_os_str().as_encoded_bytes().to_str_lossy().into_owned()
}
