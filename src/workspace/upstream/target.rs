//! Determines the commit that a refresh moves to: the tip of the track, or a named commit. A move that may be a mistake
//! is refused.

mod direction;
mod moved;
mod newest;
mod pinned;

use super::cached_tip::CachedTip;
use super::fetcher::{FetchError, Fetcher};
use super::query::{RemoteQuery, Tip};
use super::resolve_pin::ResolvePinError;
use super::store::UpstreamStore;
use crate::git::{GitError, Id, Objects, RemoteError, Rev, glob_matches, tag_on};
use crate::path::printable;
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::Track;

use direction::{Direction, direction};
use moved::moved_tags;
use pinned::PinnedVersion;

pub use direction::{Backward, Place, Why};
pub use moved::MovedTag;
use newest::is_ahead;
pub use newest::{Newest, newest};

/// The input, before the upstream is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetRequest {
    /// The commit to move to; `None`: the tip of the track.
    pub to: Option<Rev>,
    /// The track from now on (`--track`); `None`: the manifest's.
    pub track: Option<Track>,
    /// A commit outside the track is allowed, and the track stays.
    pub once: bool,
    /// Moving back is allowed.
    pub allow_older: bool,
    /// Nothing will be moved: refusals become notes.
    pub lenient: bool,
    /// What only the history of commits could tell is left open if the history is not there.
    pub frugal: bool,
}

/// The target of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The commit, which the store now has with its trees.
    pub pin: Id,
    /// Its version.
    pub version: String,
    /// The full name of its branch or tag.
    pub ref_name: Option<String>,
    /// The track to write into the manifest.
    pub track: Option<Track>,
    /// Whether the pin is already the target, or is ahead of the track's tip and stays.
    pub same: bool,
    /// Whether the target is ahead of the track's tip, as far as known.
    pub ahead: bool,
    /// Upstream's versions of pin and target, if the manifest fixes the version.
    pub called: Option<[Option<String>; 2]>,
    /// The tip of the (new) track, if it was read; for [`super::cached_tip::cache_tip`].
    pub tip: Option<Tip>,
    /// The notes for the user.
    pub notes: Vec<TargetNote>,
}

/// A note about a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetNote {
    /// A tag that was used before points at another commit now.
    #[error(transparent)]
    MovedTag(MovedTag),
    /// The target is older than the pin.
    #[error(transparent)]
    Older(Backward),
    /// The tip of the track is older than the pin, which stays.
    #[error("the pin is ahead of its track, so there is nothing to move to: {0}")]
    Ahead(Backward),
    /// The target is not in the track.
    #[error("{}", outside(.rev, .track.as_ref()))]
    Outside {
        /// The name that was given.
        rev: String,
        /// The track.
        track: Option<Track>,
    },
    /// Neither commit is in the other's history, and their versions do not show which is newer.
    #[error("{} is not in the history of {}: upstream's history was rewritten, or these are two branches", .from.short(12), .to.short(12))]
    Diverged {
        /// The pin.
        from: Id,
        /// The target.
        to: Id,
    },
}

/// Why there is no target.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Neither the manifest nor the command line names a track.
    #[error("it has no track, so there is no newest commit to move to")]
    NoTrack,
    /// The commit is not in the track.
    #[error("{}", outside(.rev, .track.as_ref()))]
    Outside {
        /// The name that was given.
        rev: String,
        /// The track; `None`: there is none.
        track: Option<Track>,
    },
    /// The target is older than the pin.
    #[error(transparent)]
    Older(Backward),
    /// The upstream could not be asked, or does not have it.
    #[error(transparent)]
    LookUp(#[from] ResolvePinError),
}

impl From<RemoteError> for TargetError {
    fn from(error: RemoteError) -> TargetError {
        ResolvePinError::from(error).into()
    }
}

impl From<FetchError> for TargetError {
    fn from(error: FetchError) -> TargetError {
        ResolvePinError::from(error).into()
    }
}

impl From<GitError> for TargetError {
    fn from(error: GitError) -> TargetError {
        ResolvePinError::from(error).into()
    }
}

fn outside(rev: &str, track: Option<&Track>) -> String {
    let rev = printable(rev.as_bytes());
    match track {
        Some(track) => format!("'{rev}' is outside of the track '{track}'"),
        None => format!("there is no track that '{rev}' could be in"),
    }
}

/// Asks the upstream for the target of its queue, which is based on `files.pin`.
///
/// Without `to` this is the tip of the track, unless the pin is ahead of it: then the queue stays. A named commit must
/// be in the track (the track itself, a tag that its glob matches, its tip, or a commit in the history of its tip),
/// unless `once` allows others. The target must not be older than the pin: in its history, or with an older version
/// (see [`Backward`]). The history of commits is fetched only if refs and versions do not decide, and never with
/// `frugal`.
///
/// # Errors
/// [`TargetError`].
pub fn find_target(fetcher: &Fetcher<'_>, files: &Files, wanted: &TargetRequest) -> Result<Target, TargetError> {
    let upstream = fetcher.upstream;
    let remote = RemoteQuery::new(fetcher).frugal(wanted.frugal);
    let track = wanted.track.as_ref().or(upstream.entry.track.as_ref());
    let (tip, pin, ref_name) = match &wanted.to {
        None => {
            let tip = remote.fetched_tip(track.ok_or(TargetError::NoTrack)?)?;
            let (id, ref_name) = (tip.id, tip.ref_name.clone());
            (Some(tip), id, Some(ref_name))
        }
        Some(rev) => {
            let tip = tip_beside(fetcher, &remote, track, wanted)?;
            let (id, ref_name) = remote.resolve(rev)?;
            (tip, id, ref_name)
        }
    };
    let same = pin == files.pin;
    remote.fetch(pin, ref_name.as_deref())?;
    let found = Found { pin, ref_name: ref_name.as_deref(), tip: tip.as_ref() };
    let mut notes: Vec<TargetNote> = is_outside(&remote, wanted, track, same, &found)?.into_iter().collect();
    let pinned = PinnedVersion::read(upstream, files.pin, files.version.as_deref())?;
    let version = match (&upstream.entry.version, &pinned) {
        (Some(version), _) => version.clone(),
        (None, PinnedVersion::RemovedPatches(version) | PinnedVersion::Unsure(version)) if same => version.clone(),
        (None, _) => match unless_offline(wanted, remote.version(pin))? {
            Some(version) => version,
            None => last_known_version(upstream, pin)?,
        },
    };
    let from = (files.pin, pinned.trusted(remote.asked(), files.pin));
    let own = found.own_version(upstream, &remote, &version);
    let moved = match remote.asked() {
        Some(refs) => {
            moved_tags(refs, files.pin, &pinned, CachedTip::read(&mut Objects::new(&upstream.store)?)?.as_ref())
        }
        None => Vec::new(),
    };
    let called = upstream.entry.version.as_ref().map(|_| {
        let of_pin = remote.asked().and_then(|refs| tag_on(refs, files.pin)).map(str::to_owned);
        [of_pin, found.named_version(own.as_deref())]
    });
    let target = Target {
        pin,
        version,
        track: wanted.track.clone(),
        same,
        ahead: is_ahead(fetcher, (pin, found.named_version(own.as_deref())), tip.as_ref())?,
        called,
        ref_name: ref_name.clone(),
        tip: tip.clone(),
        notes: Vec::new(),
    };
    if !same && let Some(note) = way(&remote, wanted, from, &found, own)? {
        let stays = wanted.to.is_none() && wanted.track.is_none() && !wanted.allow_older && moved.is_empty();
        match note {
            // A moved tag does not lead to a track that the pin could be ahead of.
            TargetNote::Older(back) if stays => return Ok(stay(files, target, back)),
            TargetNote::Older(back) if !wanted.allow_older && !wanted.lenient => return Err(TargetError::Older(back)),
            note => notes.push(note),
        }
    }
    notes.extend(moved.into_iter().map(TargetNote::MovedTag));
    Ok(Target { notes, ..target })
}

/// Returns the target for a queue that stays: the tip of its track is older.
fn stay(files: &Files, target: Target, back: Backward) -> Target {
    let version = files.version.clone().unwrap_or_else(|| files.pin.short(8));
    let notes = vec![TargetNote::Ahead(back)];
    Target { pin: files.pin, version, ref_name: None, same: true, ahead: true, called: None, notes, ..target }
}

/// Returns the note that a named commit is outside the track.
fn is_outside(
    remote: &RemoteQuery<'_>,
    wanted: &TargetRequest,
    track: Option<&Track>,
    same: bool,
    found: &Found<'_>,
) -> Result<Option<TargetNote>, TargetError> {
    let Some(rev) = &wanted.to else { return Ok(None) };
    if (same && wanted.track.is_none())
        || wanted.once
        || unless_offline(wanted, is_inside(remote, track, found))? != Some(false)
    {
        return Ok(None);
    }
    let (rev, track) = (rev.to_string(), track.cloned());
    if wanted.lenient { Ok(Some(TargetNote::Outside { rev, track })) } else { Err(TargetError::Outside { rev, track }) }
}

/// Returns the note about the direction from the pin to the target; `own`: the target's own version, whatever name was
/// given.
fn way(
    remote: &RemoteQuery<'_>,
    wanted: &TargetRequest,
    from: (Id, Option<String>),
    found: &Found<'_>,
    own: Option<String>,
) -> Result<Option<TargetNote>, FetchError> {
    let (pin, named) = (found.pin, found.named_version(own.as_deref()));
    let way = direction(remote, from.clone(), (pin, named), wanted.allow_older);
    // A moved tag does not name its old commit; the commit's other version counts too.
    let way = match (way, direction(remote, from.clone(), (pin, own), true)) {
        (Ok(Direction::Forward | Direction::Apart), Ok(back @ Direction::Back(_))) => Ok(back),
        (way, _) => way,
    };
    Ok(match unless_offline(wanted, way)?.unwrap_or(Direction::Forward) {
        Direction::Forward => None,
        Direction::Apart => Some(TargetNote::Diverged { from: from.0, to: pin }),
        Direction::Back(back) => Some(TargetNote::Older(back)),
    })
}

/// Returns the version of a commit from the cached tip of the track; else its id.
fn last_known_version(upstream: &UpstreamStore<'_>, pin: Id) -> Result<String, GitError> {
    let news = CachedTip::read(&mut Objects::new(&upstream.store)?)?.filter(|news| news.tip == pin);
    Ok(news.and_then(|news| news.version).unwrap_or_else(|| pin.short(8)))
}

/// A commit and the name by which it was found.
struct Found<'a> {
    pin: Id,
    ref_name: Option<&'a str>,
    tip: Option<&'a Tip>,
}

impl Found<'_> {
    /// Returns the version by which the commit's age is judged: the tag that was given, else its own version.
    fn named_version(&self, own: Option<&str>) -> Option<String> {
        let asked = self.ref_name.and_then(|name| name.strip_prefix("refs/tags/"));
        asked.or(own).map(str::to_owned)
    }

    /// Returns the commit's own version, whatever name was given. A `version` that the manifest fixes does not belong
    /// to this commit.
    fn own_version(&self, upstream: &UpstreamStore<'_>, remote: &RemoteQuery<'_>, version: &str) -> Option<String> {
        match &upstream.entry.version {
            None => Some(version.to_owned()),
            Some(_) => remote.asked().and_then(|refs| tag_on(refs, self.pin)).map(str::to_owned),
        }
    }
}

/// Returns the tip of the track, for a named commit. If the manifest's track is gone, a commit can still be named;
/// offline the tip is unknown.
fn tip_beside(
    fetcher: &Fetcher<'_>,
    remote: &RemoteQuery<'_>,
    track: Option<&Track>,
    wanted: &TargetRequest,
) -> Result<Option<Tip>, TargetError> {
    let Some(track) = track.filter(|_| !fetcher.remote.is_offline()) else { return Ok(None) };
    match remote.tip(track) {
        Err(error) if wanted.track.is_none() && is_gone(&error) => Ok(None),
        tip => Ok(Some(tip?)),
    }
}

fn is_gone(error: &ResolvePinError) -> bool {
    let ResolvePinError::Fetcher(FetchError::Remote(error)) = error else { return false };
    matches!(
        error,
        RemoteError::NoSuchRev { .. } | RemoteError::OnlyPrereleases { .. } | RemoteError::NoVersions { .. }
    )
}

/// Checks whether the commit is in the track.
fn is_inside(remote: &RemoteQuery<'_>, track: Option<&Track>, found: &Found<'_>) -> Result<bool, FetchError> {
    let Some(track) = track else { return Ok(false) };
    if found.tip.is_some_and(|tip| tip.id == found.pin || Some(tip.ref_name.as_str()) == found.ref_name) {
        return Ok(true);
    }
    match track {
        Track::TagGlob(glob) => {
            let matches = |name: &str| name.strip_prefix("refs/tags/").is_some_and(|tag| glob_matches(glob, tag));
            let known;
            let refs = match remote.asked() {
                Some(refs) => refs,
                None => {
                    known = remote.known_tags()?;
                    &known
                }
            };
            Ok(refs.iter().any(|found_ref| found_ref.commit() == found.pin && matches(&found_ref.name)))
        }
        Track::Ref(name) => match found.tip {
            Some(tip) => Ok(remote.history(tip.id)?.leads_to(found.pin, tip.id)?),
            // Offline only the track's own name can decide; otherwise the request reports that the network is not
            // available.
            None if found.ref_name.is_some_and(|found| found.strip_prefix("refs/tags/") == Some(name)) => Ok(true),
            None => Ok(remote.refs().map(|_| false)?),
        },
    }
}

/// Ignores what cannot be judged without the network for a command that only shows something.
fn unless_offline<T>(wanted: &TargetRequest, judged: Result<T, FetchError>) -> Result<Option<T>, FetchError> {
    match judged {
        Err(FetchError::Remote(RemoteError::Offline { .. })) if wanted.lenient => Ok(None),
        judged => judged.map(Some),
    }
}
