//! Determines whether a move goes forward.
//!
//! Two exact tags of one family are compared by their versions, without the history. Otherwise the history of commits
//! decides: a descendant of the pin is forward, an ancestor is back. If the two are on different branches, the versions
//! decide as far as they can (of `v1.6.1-4-g0123abcd` the tag counts).

use std::cmp::Ordering;
use std::fmt;

use crate::git::{Id, Store, tag_order};
use crate::path::printable;
use crate::workspace::upstream::fetcher::FetchError;
use crate::workspace::upstream::query::RemoteQuery;
use crate::workspace::upstream::version::is_exact;

/// A commit with its version, if known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The commit.
    pub id: Id,
    /// A tag, or a tag with commits after it.
    pub version: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{} ({})", printable(version.as_bytes()), self.id.short(12)),
            None => f.write_str(&self.id.short(12)),
        }
    }
}

/// Why a move goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its version is older.
    Version,
    /// It is an ancestor of the pin.
    Ancestor,
}

/// A move that goes back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{to} is older than {from}, the queue's pin{}", match .why { Why::Version => "", Why::Ancestor => ": it is in its history" })]
pub struct Backward {
    /// The pin.
    pub from: Place,
    /// The target.
    pub to: Place,
    /// The reason.
    pub why: Why,
}

/// The direction from the pin to a target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Back(Backward),
    /// On another branch, and no version shows which is newer.
    Apart,
}

/// Returns the direction of a move from `from` to `to` (each a commit with its version). `cheaply`: only the versions
/// of two tags are compared; otherwise it counts as forward.
pub(super) fn direction(
    remote: &RemoteQuery<'_>,
    from: (Id, Option<String>),
    to: (Id, Option<String>),
    cheaply: bool,
) -> Result<Direction, FetchError> {
    let back = |why| {
        let place = |(id, version): &(Id, Option<String>)| Place { id: *id, version: version.clone() };
        Ok(Direction::Back(Backward { from: place(&from), to: place(&to), why }))
    };
    let tags = (tag_part(&from), tag_part(&to));
    let order = match &tags {
        (Some((from, _)), Some((to, _))) => tag_order(to, from),
        _ => None,
    };
    let both_exact = matches!(tags, (Some((_, true)), Some((_, true))));
    match order {
        Some(Ordering::Less) if both_exact => return back(Why::Version),
        Some(Ordering::Greater) if both_exact => return Ok(Direction::Forward),
        _ if cheaply => return Ok(Direction::Forward),
        _ => {}
    }
    if remote.history(to.0)?.leads_to(from.0, to.0)? {
        return Ok(Direction::Forward);
    }
    if history_of_pin(remote, from.0, to.0)?.leads_to(to.0, from.0)? {
        return back(Why::Ancestor);
    }
    match order {
        Some(Ordering::Less) => back(Why::Version),
        Some(Ordering::Greater) => Ok(Direction::Forward),
        _ => Ok(Direction::Apart),
    }
}

/// Returns a store with the history of the pin. If upstream rewrote its branch, it may not have the pin any more; then
/// the history that was fetched before is used.
fn history_of_pin(remote: &RemoteQuery<'_>, pin: Id, target: Id) -> Result<Store, FetchError> {
    match remote.history(pin) {
        Err(FetchError::Remote(error)) if error.lacks_object() => remote.history(target),
        found => found,
    }
}

/// Returns the tag in a version, and whether the version is only the tag.
fn tag_part((id, version): &(Id, Option<String>)) -> Option<(&str, bool)> {
    let version = version.as_deref()?;
    if is_exact(version, *id) {
        return Some((version, true));
    }
    let (front, _) = version.rsplit_once("-g")?;
    let (tag, _) = front.rsplit_once('-')?;
    Some((tag, false))
}
