//! Determines the name by which a pin was taken.

use crate::git::{GitError, Id, Objects, RemoteRef, tag_on};
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::synced::Synced;
use crate::workspace::upstream::version::VersionState;

/// The version kept with a pin, and whether it tells how the pin was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workspace) enum PinnedVersion {
    /// It was taken for this pin.
    RemovedPatches(String),
    /// This clone does not know when it was taken.
    Unsure(String),
    /// There is none, the manifest fixes another, or it belongs to another pin.
    Unknown,
}

impl PinnedVersion {
    /// Judges `version`, which is kept with `pin`.
    ///
    /// # Errors
    /// [`GitError`] when the store's record cannot be read.
    pub(in crate::workspace) fn read(
        upstream: &UpstreamStore<'_>,
        pin: Id,
        version: Option<&str>,
    ) -> Result<PinnedVersion, GitError> {
        let Some(text) = version else { return Ok(PinnedVersion::Unknown) };
        let record = Synced::read(&mut Objects::new(&upstream.store)?)?;
        Ok(match VersionState::of(upstream.entry, pin, version, record.as_ref()) {
            VersionState::Current => PinnedVersion::RemovedPatches(text.to_owned()),
            VersionState::Unknown => PinnedVersion::Unsure(text.to_owned()),
            VersionState::Overridden | VersionState::Stale(_) | VersionState::Missing => PinnedVersion::Unknown,
        })
    }

    /// Returns the version, if it may be the pin's.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            PinnedVersion::RemovedPatches(text) | PinnedVersion::Unsure(text) => Some(text),
            PinnedVersion::Unknown => None,
        }
    }

    /// Returns the name by which the age of `pin` can be judged: the version, if it certainly belongs to the pin, else
    /// a tag that upstream (`refs`) has there.
    pub(in crate::workspace) fn trusted(&self, refs: Option<&[RemoteRef]>, pin: Id) -> Option<String> {
        let stands_there = |text: &str| {
            let name = format!("refs/tags/{text}");
            refs.is_none_or(|refs| refs.iter().any(|tag| tag.name == name && tag.commit() == pin))
        };
        match self {
            PinnedVersion::RemovedPatches(text) => Some(text.clone()),
            PinnedVersion::Unsure(text) if stands_there(text) => Some(text.clone()),
            _ => refs.and_then(|refs| tag_on(refs, pin)).map(str::to_owned),
        }
    }
}
