//! What an upstream says of a new pin: what to follow, which commit to stand on, which version that is.

use super::manifest::{BadTrack, Track};
use super::pins;
use super::settle::SettleError;
use super::site::Site;
use super::supply::{Supply, SupplyError};
use crate::git::{BadRev, GitError, Id, Look, RemoteError, RemoteRef, Rev};

/// What is known before the upstream is asked.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What refresh follows; `None`: the branch that the remote's HEAD stands for.
    pub track: Option<Track>,
    /// Whether the track is to be found (and found to be there) even where the pin does not come from it.
    pub follow: bool,
    /// The commit to stand on; `None`: the tip of the track.
    pub pin: Option<Rev>,
    /// The version, where it is fixed.
    pub version: Option<String>,
}

/// What is known then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What refresh follows; `None` where that was not asked.
    pub track: Option<Track>,
    /// The commit to stand on, which the store now has with its trees.
    pub pin: Id,
    /// Its version.
    pub version: String,
}

/// Why there is no pin.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The remote's HEAD is no branch, or the repository is empty.
    #[error("the upstream has no default branch")]
    NoDefaultBranch,
    /// The default branch has a name that no manifest takes.
    #[error("the upstream's default branch cannot be followed")]
    DefaultBranch(#[source] BadTrack),
    /// The track can be no ref at all.
    #[error(transparent)]
    Rev(#[from] BadRev),
    /// The track names a commit and no branch or tag.
    #[error("the upstream has no branch or tag '{0}'")]
    NoTrack(String),
    /// The network, the store.
    #[error(transparent)]
    Settle(#[from] SettleError),
}

impl From<RemoteError> for LookUpError {
    fn from(error: RemoteError) -> LookUpError {
        LookUpError::Settle(SupplyError::from(error).into())
    }
}

impl From<GitError> for LookUpError {
    fn from(error: GitError) -> LookUpError {
        LookUpError::Settle(error.into())
    }
}

/// Where the track stands.
struct Tip {
    track: Track,
    id: Id,
    ref_name: Option<String>,
    refs: Option<Vec<RemoteRef>>,
}

/// Asks the upstream of `site`, and fetches the pin's commit and trees.
///
/// # Errors
/// [`LookUpError`].
pub fn look_up(site: &Site<'_>, supply: &Supply<'_>, wanted: &Wanted) -> Result<Found, LookUpError> {
    let tip = || match &wanted.track {
        Some(track) => tip_of(site, supply, track),
        None => default_tip(site, supply),
    };
    let (track, id, ref_name, refs) = match &wanted.pin {
        None => {
            let tip = tip()?;
            (Some(tip.track), tip.id, tip.ref_name, tip.refs)
        }
        Some(rev) => {
            let tip = wanted.follow.then(tip).transpose()?;
            let found = supply.with_watch(|remote, watch| remote.resolve(&site.store, &site.history(), rev, watch))?;
            let (track, refs) = tip.map_or((None, None), |tip| (Some(tip.track), tip.refs));
            (track, found.id, found.ref_name, found.refs.or(refs))
        }
    };
    let within: Vec<String> = ref_name.into_iter().collect();
    supply.commits(&site.store, &[id], &within).map_err(SettleError::from)?;
    let version = match &wanted.version {
        Some(version) => version.clone(),
        None => version_of(site, supply, id, refs.as_deref())?,
    };
    Ok(Found { track, pin: id, version })
}

fn tip_of(site: &Site<'_>, supply: &Supply<'_>, track: &Track) -> Result<Tip, LookUpError> {
    let rev = Rev::parse(track.as_str())?;
    let found = supply.with_watch(|remote, watch| remote.resolve(&site.store, &site.history(), &rev, watch))?;
    match found.ref_name {
        Some(name) if name.starts_with("refs/") => {
            Ok(Tip { track: track.clone(), id: found.id, ref_name: Some(name), refs: found.refs })
        }
        _ => Err(LookUpError::NoTrack(track.to_string())),
    }
}

fn default_tip(site: &Site<'_>, supply: &Supply<'_>) -> Result<Tip, LookUpError> {
    let found = supply.with_watch(|remote, watch| remote.refs(&site.store, Look::Head, watch))?;
    let head = found.refs.iter().find(|found| found.name == "HEAD").map(|head| head.id);
    let name = found.head.as_deref().and_then(|name| name.strip_prefix("refs/heads/"));
    let (Some(id), Some(name)) = (head, name) else { return Err(LookUpError::NoDefaultBranch) };
    let track = Track::parse(name).map_err(LookUpError::DefaultBranch)?;
    Ok(Tip { track, id, ref_name: found.head.clone(), refs: None })
}

/// The pin's version. A tag whose name cannot be kept in a text file and shown is none; the id stands for it.
fn version_of(
    site: &Site<'_>,
    supply: &Supply<'_>,
    pin: Id,
    refs: Option<&[RemoteRef]>,
) -> Result<String, LookUpError> {
    let found =
        supply.with_watch(|remote, watch| remote.describe(&site.store, &site.history(), pin, refs, watch))?.text;
    let file = site.workspace.layout.version(site.name());
    let is_kept = pins::parse_version(&pins::print_version(&found), &file).is_ok_and(|kept| kept == found);
    Ok(if is_kept { found } else { pin.short(8) })
}
