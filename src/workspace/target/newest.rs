//! Whether the track has moved past the pin, from one look at the upstream's branches and tags.

use std::cmp::Ordering;

use super::pinned::PinnedVersion;
use super::{MovedTag, TargetError, moved_tags};
use crate::git::{Id, Objects, tag_order};
use crate::workspace::inquiry::{Inquiry, Tip};
use crate::workspace::news::News;
use crate::workspace::settle::is_exact;
use crate::workspace::site::Site;
use crate::workspace::supply::Supply;

/// What an upstream has, beside what is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// Where the track stands; `None` where there is no track.
    pub tip: Option<Tip>,
    /// Tags that were relied on and point elsewhere now.
    pub moved: Vec<MovedTag>,
    /// The pin's tag is newer than the tip's, so that there is nothing to move to.
    pub ahead: bool,
}

/// Asks the upstream of `site` once for its branches and tags. `version` is what is kept with the pin. Neither commits nor
/// history are fetched: a tip without a tag has no version.
///
/// # Errors
/// [`TargetError::LookUp`].
pub fn newest(site: &Site<'_>, supply: &Supply<'_>, pin: Id, version: Option<&str>) -> Result<Newest, TargetError> {
    let upstream = Inquiry::new(site, supply);
    let refs = upstream.refs()?;
    let tip = site.upstream.track.as_ref().map(|track| upstream.tip(track)).transpose()?;
    let pinned = PinnedVersion::read(site, pin, version)?;
    let news = News::read(&mut Objects::new(&site.store)?)?;
    let moved = moved_tags(refs, pin, &pinned, news.as_ref());
    let known = pinned.trusted(Some(refs), pin).filter(|version| is_exact(version, pin));
    let newer = tip.as_ref().and_then(|tip| tip.version.as_deref());
    let ahead =
        matches!((known, newer), (Some(known), Some(newer)) if tag_order(newer, &known) == Some(Ordering::Less));
    Ok(Newest { tip, moved, ahead })
}
