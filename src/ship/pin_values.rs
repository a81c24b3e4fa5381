//! Computes the values for an upstream's tags, labels and build arguments, from the workspace's files alone.

use std::collections::BTreeMap;

use crate::git::{Id, Objects};
use crate::image::{DigestError, QueueDigest, TagInput, queue_digest, semver};
use crate::patch::Date;
use crate::stack::Base;
use crate::workspace::manifest::{Track, Upstream};
use crate::workspace::{Files, FilesError, Synced, UpstreamStore, VersionState, Workspace};

/// The values of the placeholders of one upstream.
#[derive(Debug, Clone)]
pub struct PinValues {
    /// The pin.
    pub pin: Id,
    /// The value of `{version}`; `None` when it is missing and not needed.
    pub version: Option<String>,
    /// The queue's digest.
    pub queue: QueueDigest,
    /// The pin's commit date, if the store has the commit.
    pub date: Option<Date>,
    /// The track, if it is a branch.
    pub branch: Option<String>,
    /// The values of `{wheel:NAME.tags}`.
    pub wheel_tags: BTreeMap<String, String>,
}

/// Why an upstream has no values.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// The files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A patch whose effect cannot be determined.
    #[error("{patch}:{line}: '{path}' is a binary without its data and without full ids, so {{queue}} cannot be had")]
    Binary {
        /// The patch file's name.
        patch: String,
        /// The line in it, from 1.
        line: usize,
        /// The path.
        path: String,
    },
    /// The version is needed, but missing.
    #[error("no version: {file} does not exist")]
    NoVersion {
        /// The file that would hold it.
        file: String,
    },
    /// The version belongs to another pin.
    #[error(
        "the version '{version}' is stale: it was taken for {}, and the pin is {}",
        .taken_for.map_or_else(|| "another commit".to_owned(), |id| id.short(8)), .pin.short(8)
    )]
    Stale {
        /// The version.
        version: String,
        /// The pin that it was taken for, if known.
        taken_for: Option<Id>,
        /// The pin now.
        pin: Id,
    },
}

/// Returns the values of `upstream`; `files` are its pin and patches. With `checks_version` a missing or stale version
/// is an error.
///
/// # Errors
/// [`ValuesError`].
pub fn pin_values(
    workspace: &Workspace,
    upstream: &Upstream,
    files: &Files,
    checks_version: bool,
) -> Result<PinValues, ValuesError> {
    // The store only adds information; a store that cannot be read does not prevent tags.
    let store = UpstreamStore::open(workspace, upstream).ok().flatten();
    let mut objects = store.as_ref().and_then(|store| Objects::new(&store.store).ok());
    let record = objects.as_mut().and_then(|objects| Synced::read(objects).ok().flatten());
    let version = if checks_version {
        Some(version(workspace, upstream, files, record.as_ref())?)
    } else {
        upstream.version.clone().or_else(|| files.version.clone())
    };
    let digest = queue_digest(files.pin, files.patches.iter().map(|patch| &patch.queued.patch));
    let queue = digest.map_err(|error| {
        let DigestError::UnknownBinary { patch, path, line } = error;
        let patch = files.patches.get(patch).map(|patch| patch.queued.name.clone()).unwrap_or_default();
        ValuesError::Binary { patch, line, path: path.to_string() }
    })?;
    let date = objects.as_mut().and_then(|objects| date(objects, files.pin));
    let branch = branch(upstream, files, store.as_ref()).map(str::to_owned);
    let wheel_tags = upstream.wheels.iter().map(|(name, wheel)| (name.clone(), wheel.tags())).collect();
    Ok(PinValues { pin: files.pin, version, queue, date, branch, wheel_tags })
}

impl PinValues {
    /// Returns the values for tag templates; `queue` is the first digits of the queue's digest. Values of a build are
    /// left out.
    #[must_use]
    pub fn tag_input<'a>(&'a self, queue: &'a str) -> TagInput<'a> {
        TagInput {
            version: self.version.as_deref().unwrap_or_default(),
            pin: self.pin,
            queue,
            date: self.date,
            branch: self.branch.as_deref(),
            build: Err("it belongs to an image, and there is none"),
            built: None,
            wheels: &self.wheel_tags,
        }
    }

    /// Returns the values for build arguments and labels. The value of a wheel of `upstream` is its file name.
    #[must_use]
    pub fn named(&self, upstream: &Upstream) -> BTreeMap<String, String> {
        let mut values =
            BTreeMap::from([("commit".to_owned(), self.pin.short(8)), ("queue".to_owned(), self.queue.short())]);
        if let Some(version) = &self.version {
            values.extend(semver(version).ok().map(|semver| ("semver".to_owned(), semver.to_owned())));
            values.insert("version".to_owned(), version.clone());
        }
        let name_of = |wheel: &crate::image::Wheel| wheel.file_name(&values).ok();
        let wheels: Vec<_> = upstream.wheels.iter().filter_map(|(name, wheel)| Some((name, name_of(wheel)?))).collect();
        values.extend(wheels.into_iter().map(|(name, file)| (format!("wheel:{name}"), file)));
        values
    }
}

fn version(
    workspace: &Workspace,
    upstream: &Upstream,
    files: &Files,
    record: Option<&Synced>,
) -> Result<String, ValuesError> {
    let text = || upstream.version.clone().or_else(|| files.version.clone()).unwrap_or_default();
    match VersionState::of(upstream, files.pin, files.version.as_deref(), record) {
        VersionState::Overridden | VersionState::Current | VersionState::Unknown => Ok(text()),
        VersionState::Stale(taken_for) => Err(ValuesError::Stale { version: text(), taken_for, pin: files.pin }),
        VersionState::Missing => {
            let file = workspace.layout.version(&upstream.name);
            Err(ValuesError::NoVersion { file: workspace.layout.shown(&file).display().to_string() })
        }
    }
}

/// Returns the pin's commit date, if the store has the commit.
fn date(objects: &mut Objects<'_>, pin: Id) -> Option<Date> {
    objects.has(pin).then(|| Base::read(objects, pin).ok()).flatten().map(|base| base.date)
}

/// Returns the track, if it is a branch. Only the remote knows whether a name is a branch or a tag; the pin's own
/// version and the tags in the store are not branches.
fn branch<'u>(upstream: &'u Upstream, files: &Files, store: Option<&UpstreamStore<'_>>) -> Option<&'u str> {
    let Some(Track::Ref(name)) = &upstream.track else { return None };
    let in_store =
        || store.is_some_and(|store| matches!(store.store.read_ref(&format!("refs/tags/{name}")), Ok(Some(_))));
    let is_tag = files.version.as_ref() == Some(name) || in_store();
    (!is_tag).then_some(name.as_str())
}
