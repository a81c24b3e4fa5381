//! Checks whether the version that is kept beside a pin belongs to it.

use super::store::UpstreamStore;
use super::synced::Synced;
use crate::git::Id;
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::Upstream;

/// The state of an upstream's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionState {
    /// The manifest fixes it, so the file does not matter.
    Overridden,
    /// It belongs to the pin.
    Current,
    /// It belongs to another pin, which is given if known.
    Stale(Option<Id>),
    /// There is none.
    Missing,
    /// It is a name, and this clone does not know for which pin it was taken.
    Unknown,
}

impl VersionState {
    /// Judges the version in the files of `upstream`; `record` is the store's record, if there is a store.
    #[must_use]
    pub fn of(upstream: &Upstream, pin: Id, version: Option<&str>, record: Option<&Synced>) -> VersionState {
        if upstream.version.is_some() {
            return VersionState::Overridden;
        }
        let Some(version) = version else { return VersionState::Missing };
        // A version that contains the id of its commit needs no record.
        if let Some(digits) = described_digits(version) {
            let current = pin.to_string().starts_with(digits);
            return if current { VersionState::Current } else { VersionState::Stale(None) };
        }
        if version.len() >= 7 && pin.to_string().starts_with(version) {
            return VersionState::Current;
        }
        match record.and_then(|record| record.version_of.as_ref()) {
            Some((taken_for, text)) if text == version => {
                if *taken_for == pin {
                    VersionState::Current
                } else {
                    VersionState::Stale(Some(*taken_for))
                }
            }
            _ => VersionState::Unknown,
        }
    }
}

/// Returns the digits of the commit in a version of `git describe` with commits after a tag (`v1.6.1-4-g0123abcd`).
fn described_digits(version: &str) -> Option<&str> {
    let (front, digits) = version.rsplit_once("-g")?;
    let (_, count) = front.rsplit_once('-')?;
    let counted = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let is_id = digits.len() >= 4 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (counted && is_id).then_some(digits)
}

/// Returns the pin for which the version of `files` was taken, for the next record: the one in `before` for the same
/// text, else the pin that it was first seen with.
pub(in crate::workspace) fn taken_for(before: Option<&Synced>, files: &Files) -> Option<(Id, String)> {
    let known = before.and_then(|record| record.version_of.clone());
    let Some(version) = &files.version else { return known };
    known.filter(|(_, text)| text == version).or_else(|| Some((files.pin, version.clone())))
}

/// Returns the text of `version.txt` in the checkout.
pub(in crate::workspace) fn version_text(upstream: &UpstreamStore<'_>, files: &Files) -> Option<String> {
    upstream.entry.version.clone().or_else(|| files.version.clone())
}

/// Checks whether a version is a tag's name: neither an id nor a tag with commits after it (`v1.6.1-4-g0123abcd`).
#[must_use]
pub fn is_exact(version: &str, pin: Id) -> bool {
    let described = version.rsplit_once("-g").is_some_and(|(front, digits)| {
        let count = front.rsplit_once('-').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        count && digits.len() >= 4 && pin.to_string().starts_with(digits)
    });
    let id = version.len() >= 4 && pin.to_string().starts_with(version);
    !described && !id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_name_their_commit() {
        assert_eq!(described_digits("v1.6.1-4-g0123abcd"), Some("0123abcd"));
        for other in ["v1.6.1", "v1-g0123", "x-y-g0123abcd", "v1.6.1-4-gamma", "v1-4-g"] {
            assert_eq!(described_digits(other), None, "{other}");
        }
    }
}
