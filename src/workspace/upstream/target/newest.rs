//! Whether the track has moved past the pin, from one look at the upstream's branches and tags.

use super::direction::{Direction, direction};
use super::pinned::PinnedVersion;
use super::{MovedTag, TargetError, moved_tags};
use crate::git::{Id, Objects, RemoteError};
use crate::workspace::upstream::cached_tip::CachedTip;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};
use crate::workspace::upstream::query::{RemoteQuery, Tip};

/// What an upstream has, beside what is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Where the track stands; `None` where there is no track.
    pub tip: Option<Tip>,
    /// Tags that were relied on and point elsewhere now.
    pub moved: Vec<MovedTag>,
    /// The pin is ahead of the tip, as far as is known, so that there is nothing to move to.
    pub ahead: bool,
}

/// Asks the upstream of `upstream` once for its branches and tags. `version` is what is kept with the pin. Neither commits nor
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

/// Checks whether the pin (a commit with its version) is ahead of the `tip` of its track: the same rules as for a
/// refresh, which would stay there. Without the history of commits at hand only the tags decide.
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
