//! Determines a new pin from the upstream: the track, the commit and its version.

use super::fetcher::{FetchError, Fetcher};
use super::query::{RemoteQuery, Tip};
use crate::git::{BadRev, GitError, Id, RemoteError, Rev};
use crate::workspace::manifest::{BadTrack, Track};

/// The input, before the upstream is asked.
#[derive(Debug, Clone)]
pub struct PinRequest {
    /// The track; `None`: the branch that the remote's HEAD points at.
    pub track: Option<Track>,
    /// Whether the track must be found, even if the pin does not come from it.
    pub follow: bool,
    /// The commit to pin; `None`: the tip of the track.
    pub pin: Option<Rev>,
    /// The version, if it is fixed.
    pub version: Option<String>,
}

/// The result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPin {
    /// The track and its tip; `None` if it was not asked for.
    pub tip: Option<Tip>,
    /// The commit to pin, which the store now has with its trees.
    pub pin: Id,
    /// Its version.
    pub version: String,
}

impl ResolvedPin {
    /// Returns the track; `None` if it was not asked for.
    #[must_use]
    pub fn track(&self) -> Option<&Track> {
        self.tip.as_ref().map(|tip| &tip.track)
    }
}

/// Why there is no pin.
#[derive(Debug, thiserror::Error)]
pub enum ResolvePinError {
    /// The remote's HEAD is not a branch, or the repository is empty.
    #[error("the upstream has no default branch")]
    NoDefaultBranch,
    /// The default branch has a name that is not valid in a manifest.
    #[error("the upstream's default branch cannot be followed")]
    DefaultBranch(#[source] BadTrack),
    /// The track cannot be a ref.
    #[error(transparent)]
    Rev(#[from] BadRev),
    /// The track names a commit, not a branch or tag.
    #[error("the upstream has no branch or tag '{0}'")]
    NoTrack(String),
    /// The network or the store failed.
    #[error(transparent)]
    Fetcher(#[from] FetchError),
}

impl From<RemoteError> for ResolvePinError {
    fn from(error: RemoteError) -> ResolvePinError {
        FetchError::from(error).into()
    }
}

impl From<GitError> for ResolvePinError {
    fn from(error: GitError) -> ResolvePinError {
        ResolvePinError::Fetcher(error.into())
    }
}

/// Asks the upstream, and fetches the pin's commit and trees.
///
/// # Errors
/// [`ResolvePinError`].
pub fn look_up(fetcher: &Fetcher<'_>, wanted: &PinRequest) -> Result<ResolvedPin, ResolvePinError> {
    let upstream = RemoteQuery::new(fetcher);
    let tip = || match &wanted.track {
        Some(track) => upstream.tip(track),
        None => upstream.default_tip(),
    };
    let (tip, pin, ref_name) = match &wanted.pin {
        Some(rev) => {
            let tip = wanted.follow.then(tip).transpose()?;
            let (id, ref_name) = upstream.resolve(rev)?;
            (tip, id, ref_name)
        }
        None => {
            let tip = match &wanted.track {
                Some(track) => upstream.fetched_tip(track)?,
                None => upstream.default_tip()?,
            };
            let (id, ref_name) = (tip.id, tip.ref_name.clone());
            (Some(tip), id, Some(ref_name))
        }
    };
    upstream.fetch(pin, ref_name.as_deref())?;
    let version = match &wanted.version {
        Some(version) => version.clone(),
        None => upstream.version(pin)?,
    };
    Ok(ResolvedPin { tip, pin, version })
}
