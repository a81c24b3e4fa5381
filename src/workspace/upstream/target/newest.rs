//! Checks whether the track has moved past the pin, from one list of the upstream's branches and tags.

use super::direction::{Direction, direction};
use super::pinned::PinnedVersion;
use super::{MovedTag, TargetError, moved_tags};
use crate::git::{Id, Objects, RemoteError};
use crate::workspace::upstream::cached_tip::CachedTip;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};
use crate::workspace::upstream::query::{RemoteQuery, Tip};

/// The state of an upstream compared with the pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The track and its tip; `None` when there is no track.
    pub tip: Option<Tip>,
    /// Tags that were used before and point at another commit now.
    pub moved: Vec<MovedTag>,
    /// The pin is ahead of the tip, as far as known, so there is nothing to move to.
    pub ahead: bool,
}

/// Asks the upstream once for its branches and tags. `version` is the version kept with the pin. Neither commits nor
/// history are fetched: a tip without a tag has no version.
///
/// # Errors
/// [`TargetError::LookUp`].
pub fn newest(fetcher: &Fetcher<'_>, pin: Id, version: Option<&str>) -> Result<Newest, TargetError> {
    let upstream = fetcher.upstream;
    let remote = RemoteQuery::new(fetcher);
    let refs = remote.refs()?;
    let tip = upstream.entry.track.as_ref().map(|track| remote.tip(track)).transpose()?;
    let pinned = PinnedVersion::read(upstream, pin, version)?;
    let news = CachedTip::read(&mut Objects::new(&upstream.store)?)?;
    let moved = moved_tags(refs, pin, &pinned, news.as_ref());
    let known = pinned.trusted(Some(refs), pin);
    let ahead = is_ahead(fetcher, (pin, known), tip.as_ref())?;
    Ok(Newest { tip, moved, ahead })
}

/// Checks whether the pin (a commit with its version) is ahead of the `tip` of its track, by the same rules as a
/// refresh, which would stay. Without the history of commits only the tags decide.
pub(super) fn is_ahead(
    fetcher: &Fetcher<'_>,
    pin: (Id, Option<String>),
    tip: Option<&Tip>,
) -> Result<bool, FetchError> {
    let Some(tip) = tip.filter(|tip| tip.id != pin.0) else { return Ok(false) };
    let at_hand = RemoteQuery::new(fetcher).frugal(true);
    match direction(&at_hand, pin, (tip.id, tip.version.clone()), false) {
        Ok(found) => Ok(matches!(found, Direction::Back(_))),
        Err(FetchError::Remote(RemoteError::Offline { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}
