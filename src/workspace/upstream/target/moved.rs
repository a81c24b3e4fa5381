//! Finds tags that no longer point at the same commit: this must never go unnoticed.

use super::pinned::PinnedVersion;
use crate::git::{Id, RemoteRef};
use crate::workspace::upstream::cached_tip::CachedTip;
use crate::workspace::upstream::version::is_exact;

/// An upstream tag that points at another commit than before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tag '{}' was moved: it was {was}, and upstream has it at {is} now", crate::path::printable(.tag.as_bytes()))]
pub struct MovedTag {
    /// The tag's name.
    pub tag: String,
    /// The old commit.
    pub was: Id,
    /// The new commit.
    pub is: Id,
}

/// Returns the tags in `refs`, the upstream's branches and tags, that point at another commit than when `pin` was taken
/// by them, or than in the last `news`.
pub(in crate::workspace) fn moved_tags(
    refs: &[RemoteRef],
    pin: Id,
    version: &PinnedVersion,
    news: Option<&CachedTip>,
) -> Vec<MovedTag> {
    let pinned = version.text().filter(|text| is_exact(text, pin)).map(|text| (text, pin));
    let seen = news.and_then(|news| Some((news.ref_name.strip_prefix("refs/tags/")?, news.tip)));
    let mut moved: Vec<MovedTag> = Vec::new();
    for (tag, was) in pinned.into_iter().chain(seen) {
        let name = format!("refs/tags/{tag}");
        let Some(is) = refs.iter().find(|found| found.name == name).map(RemoteRef::commit) else { continue };
        if is != was && !moved.iter().any(|known| known.tag == tag) {
            moved.push(MovedTag { tag: tag.to_owned(), was, is });
        }
    }
    moved
}
