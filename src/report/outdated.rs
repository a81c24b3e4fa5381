//! Compares tracks with their pins, as data and in words.

use serde::Serialize;

use crate::git::Id;
use crate::workspace::manifest::Upstream;
use crate::workspace::{CachedTip, MovedTag, Newest, Tip};

/// One upstream.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamOutdated {
    /// Its name.
    pub name: String,
    /// Its pin.
    pub pin: Option<Id>,
    /// The pin's version.
    pub version: Option<String>,
    /// Its track.
    pub track: Option<String>,
    /// The tip of the track; `None` if the upstream was not asked.
    pub newest: Option<TrackTip>,
    /// Tags that point at another commit than before.
    pub moved_tags: Vec<TagMove>,
    /// The name for how pin and track compare.
    pub state: TrackState,
    /// The same for people.
    pub words: &'static str,
}

/// How pin and track compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrackState {
    /// The pin is the tip of the track.
    UpToDate,
    /// The track has moved.
    Moved,
    /// A tag points at another commit than before.
    TagMoved,
    /// The pin is ahead of the track.
    Ahead,
    /// There is no pin.
    NoPin,
    /// There is no track.
    NoTrack,
}

/// The tip of a track.
#[derive(Debug, Clone, Serialize)]
pub struct TrackTip {
    /// The commit.
    pub id: Id,
    /// The full name of the branch or tag there.
    #[serde(rename = "ref")]
    pub ref_name: String,
    /// The tag on the commit, if there is one.
    pub version: Option<String>,
}

/// A tag that points at another commit than before.
#[derive(Debug, Clone, Serialize)]
pub struct TagMove {
    /// Its name.
    pub tag: String,
    /// The old commit.
    pub was: Id,
    /// The new commit.
    pub is: Id,
}

impl UpstreamOutdated {
    /// Makes the report of `upstream`, which is pinned at `pin` with `version`; `newest` is `None` if it was not asked.
    #[must_use]
    pub fn new(
        upstream: &Upstream,
        pin: Option<Id>,
        version: Option<String>,
        newest: Option<&Newest>,
    ) -> UpstreamOutdated {
        let tip = newest.and_then(|newest| newest.tip.as_ref());
        let moved = newest.map(|newest| newest.moved.as_slice()).unwrap_or_default();
        let (state, words) = match (pin, tip) {
            _ if !moved.is_empty() => (TrackState::TagMoved, "tag moved"),
            (None, _) => (TrackState::NoPin, "no pin"),
            (_, None) => (TrackState::NoTrack, "no track"),
            (Some(pin), Some(tip)) if pin == tip.id => (TrackState::UpToDate, "up to date"),
            _ if newest.is_some_and(|newest| newest.ahead) => (TrackState::Ahead, "pin is ahead"),
            _ => (TrackState::Moved, "moved"),
        };
        UpstreamOutdated {
            name: upstream.name.to_string(),
            pin,
            version: upstream.version.clone().or(version),
            track: upstream.track.as_ref().map(ToString::to_string),
            newest: tip.map(TrackTip::new),
            moved_tags: moved.iter().map(TagMove::new).collect(),
            state,
            words,
        }
    }

    /// Checks whether the exit code must report a change.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        matches!(self.state, TrackState::Moved | TrackState::TagMoved)
    }
}

impl TrackTip {
    /// Returns the tip in `news`.
    #[must_use]
    pub fn of_news(news: &CachedTip) -> TrackTip {
        TrackTip { id: news.tip, ref_name: news.ref_name.clone(), version: news.version.clone() }
    }

    fn new(tip: &Tip) -> TrackTip {
        TrackTip { id: tip.id, ref_name: tip.ref_name.clone(), version: tip.version.clone() }
    }

    /// Returns the tag, or the first twelve digits of the id.
    #[must_use]
    pub fn short(&self) -> String {
        self.version.clone().unwrap_or_else(|| self.id.short(12))
    }
}

impl TagMove {
    fn new(moved: &MovedTag) -> TagMove {
        TagMove { tag: moved.tag.clone(), was: moved.was, is: moved.is }
    }
}
