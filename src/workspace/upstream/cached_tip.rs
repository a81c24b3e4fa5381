//! Caches what the upstream last reported about the track: one commit with a small JSON file under one ref, so that
//! `status` can show it without the network.

use serde::{Deserialize, Serialize};

use super::json_file;
use super::query::Tip;
use super::store::UpstreamStore;
use crate::git::{Commit, Edits, GitError, Id, Objects, UPSTREAM};

const FILE: &str = "upstream.json";
const FORMAT: u32 = 1;

/// The tip of a track, and when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedTip {
    format: u32,
    /// The track in the manifest at that time.
    pub track: String,
    /// The commit at its tip.
    pub tip: Id,
    /// The full name of the branch or tag there.
    pub ref_name: String,
    /// The tag on the commit, if there is one.
    pub version: Option<String>,
    /// The pin at that time; if the pin has changed, the cached tip is outdated.
    pub pin: Option<Id>,
    /// The time, in seconds since 1970.
    pub asked: i64,
    /// Whether the pin was ahead of the tip.
    #[serde(default)]
    pub ahead: bool,
}

impl CachedTip {
    /// Makes the cached tip from `tip`, read at the time `now`; the upstream is pinned at `pin`, which is `ahead` of
    /// the tip or not.
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

    /// Reads the cached tip in the store; `None` when there is none that this patchq can read.
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
        // The tip is not a parent: the store may not have it.
        let message = "What the upstream said of the track\n";
        let made = objects.put_commit(&Commit::by_patchq(tree, Vec::new(), message, self.asked));
        objects.flush(&[made])?;
        upstream.store.move_ref(UPSTREAM, old, Some(made), "ask")
    }
}

/// Writes what was learned about the track to the store, for `status`. `pin` is the upstream's pin after the command,
/// `ahead` whether it is ahead of the track.
///
/// No lock is held: the cached tip affects nothing else, and is written in one step. If the store cannot be written, or
/// another process wrote a cached tip meanwhile, the command goes on.
pub fn cache_tip(upstream: &UpstreamStore<'_>, tip: &Tip, pin: Option<Id>, ahead: bool, now: i64) {
    drop(CachedTip::new(tip, pin, ahead, now).write(upstream));
}
