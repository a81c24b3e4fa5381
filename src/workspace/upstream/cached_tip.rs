//! What the upstream last said of the track: one commit with a small JSON file under one ref, so that `status` can tell it
//! without the network.

use serde::{Deserialize, Serialize};

use super::json_file;
use super::query::Tip;
use super::store::UpstreamStore;
use crate::git::{Commit, Edits, GitError, Id, Objects, UPSTREAM};

const FILE: &str = "upstream.json";
const FORMAT: u32 = 1;

/// The tip of a track, and when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedTip {
    format: u32,
    /// The track, as the manifest had it.
    pub track: String,
    /// The commit at its tip.
    pub tip: Id,
    /// The full name of the branch or tag there.
    pub ref_name: String,
    /// The tag on the commit, if there is one.
    pub version: Option<String>,
    /// The pin at that time; once it is another, the news are old.
    pub pin: Option<Id>,
    /// When that was, in seconds since 1970.
    pub asked: i64,
    /// Whether the pin was ahead of the tip.
    #[serde(default)]
    pub ahead: bool,
}

impl CachedTip {
    /// The news that a tip is, learned at the time `now` of an upstream that is pinned at `pin`; `ahead` of it, or not.
    #[must_use]
    pub fn new(tip: &Tip, pin: Option<Id>, ahead: bool, now: i64) -> CachedTip {
        CachedTip {
            format: FORMAT,
            track: tip.track.to_string(),
            tip: tip.id,
            ref_name: tip.ref_name.clone(),
            version: tip.version.clone(),
            pin,
            asked: now,
            ahead,
        }
    }

    /// The news that the store keeps; `None` where there are none that this patchq can read.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub fn read(objects: &mut Objects<'_>) -> Result<Option<CachedTip>, GitError> {
        let Some(at) = objects.store().read_ref(UPSTREAM)? else { return Ok(None) };
        let news: Option<CachedTip> = json_file::read(objects, at, FILE)?;
        Ok(news.filter(|news| news.format == FORMAT))
    }

    fn write(&self, upstream: &UpstreamStore<'_>) -> Result<(), GitError> {
        let mut objects = Objects::new(&upstream.store)?;
        let old = upstream.store.read_ref(UPSTREAM)?;
        let mut edits = Edits::new();
        json_file::put(&mut objects, &mut edits, FILE, self)?;
        let tree = objects.edit(Id::EMPTY_TREE, &edits)?;
        // The tip is not a parent: the store need not have it.
        let message = "What the upstream said of the track\n";
        let made = objects.put_commit(&Commit::by_patchq(tree, Vec::new(), message, self.asked));
        objects.flush(&[made])?;
        upstream.store.move_ref(UPSTREAM, old, Some(made), "ask")
    }
}

/// Keeps what was learned of the track, for `status`. `pin` is where the upstream is pinned once the command is over, `ahead`
/// whether that is ahead of the track.
///
/// No lock is held: news change nothing else, and go into the store in one step. A store that cannot be written, or
/// in which somebody else's news came in between, keeps nobody from the work that the news came with.
pub fn cache_tip(upstream: &UpstreamStore<'_>, tip: &Tip, pin: Option<Id>, ahead: bool, now: i64) {
    drop(CachedTip::new(tip, pin, ahead, now).write(upstream));
}
