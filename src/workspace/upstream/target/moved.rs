//! Tags that no longer point where they did: the one thing about an upstream that must never go unnoticed.

use super::pinned::PinnedVersion;
use crate::git::{Id, RemoteRef};
use crate::workspace::upstream::cached_tip::CachedTip;
use crate::workspace::upstream::version::is_exact;

/// A tag of the upstream's that points elsewhere than it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the tag '{}' was moved: it was {was}, and upstream has it at {is} now", crate::path::printable(.tag.as_bytes()))]
pub struct MovedTag {
    /// The tag's name.
    pub tag: String,
    /// The commit that it stood for.
    pub was: Id,
    /// The commit that it stands for now.
    pub is: Id,
}

/// The tags that point elsewhere in `refs`, the upstream's branches and tags, than when `pin` was taken by them, or than
/// the last `news` had them.
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
