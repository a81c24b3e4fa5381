//! The image tags of an upstream, from the workspace's files alone.

use serde::Serialize;

use crate::git::{Id, Objects};
use crate::image::{Placeholder, Reference, ReferenceError, Tag, TagInput, Template, queue_digest, references};
use crate::patch::Date;
use crate::stack::Base;
use crate::workspace::manifest::{Track, Upstream};
use crate::workspace::{Files, FilesError, Record, Site, VersionState, Workspace};

/// The tags of one upstream.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamTags {
    /// The upstream's name.
    pub name: String,
    /// Its pin.
    pub pin: Id,
    /// The version that `{version}` stands for; none where there is none and no template wants it.
    pub version: Option<String>,
    /// The first eight digits of the queue's digest.
    pub queue: String,
    /// The references, in the order of images and templates.
    pub references: Vec<ImageTag>,
}

/// One reference.
#[derive(Debug, Clone, Serialize)]
pub struct ImageTag {
    /// As a registry takes it; the bare tag where the upstream has no images.
    pub reference: String,
    /// The image's name; none where the upstream has no images.
    pub image: Option<String>,
    /// `registry/image`; none where the upstream has no images.
    pub repository: Option<String>,
    /// The template.
    pub template: String,
    /// The tag, and whether it can ever mean another image.
    #[serde(flatten)]
    pub tag: Tag,
}

/// Why an upstream has no tags.
#[derive(Debug, thiserror::Error)]
pub enum TagsError {
    /// The files' side cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A template has no outcome, or two have the same one.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A patch of which cannot be told what it does.
    #[error("{patch}:{line}: '{path}' is a binary without its data and without full ids, so {{queue}} cannot be had")]
    Binary {
        /// The patch file's name.
        patch: String,
        /// The line in it, from 1.
        line: usize,
        /// The path.
        path: String,
    },
    /// A template wants the version, and there is none.
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
        /// The pin that it was taken for, where that is known.
        taken_for: Option<Id>,
        /// The pin now.
        pin: Id,
    },
}

/// The tags of `upstream`; with `image` only those of that image.
///
/// # Errors
/// [`TagsError`].
pub fn tags(workspace: &Workspace, upstream: &Upstream, image: Option<&str>) -> Result<UpstreamTags, TagsError> {
    let layout = &workspace.layout;
    let files = Files::read(layout, &upstream.name)?;
    // What the store knows helps; a store that cannot be read keeps nobody from having tags.
    let site = Site::open(workspace, upstream).ok().flatten();
    let mut objects = site.as_ref().and_then(|site| Objects::new(&site.store).ok());
    let record = objects.as_mut().and_then(|objects| Record::read(objects).ok().flatten());
    let wanted = |field| upstream.tags.iter().any(|template| template.has(field));
    let version = if wanted(Placeholder::Version) || wanted(Placeholder::Semver) {
        Some(version(workspace, upstream, &files, record.as_ref())?)
    } else {
        upstream.version.clone().or_else(|| files.version.clone())
    };
    let digest = queue_digest(files.pin, files.patches.iter().map(|patch| &patch.queued.patch));
    let queue = digest.map_err(|error| {
        let crate::image::DigestError::UnknownBinary { patch, path, line } = error;
        let patch = files.patches.get(patch).map(|patch| patch.queued.name.clone()).unwrap_or_default();
        TagsError::Binary { patch, line, path: path.to_string() }
    })?;
    let date =
        if wanted(Placeholder::Date) { objects.as_mut().and_then(|objects| date(objects, files.pin)) } else { None };
    let queue = queue.short();
    let input = TagInput {
        version: version.as_deref().unwrap_or_default(),
        pin: files.pin,
        queue: &queue,
        date,
        branch: branch(upstream, &files, site.as_ref()),
    };
    let references = all(upstream, &input, image)?;
    Ok(UpstreamTags { name: upstream.name.to_string(), pin: files.pin, version, queue, references })
}

fn version(
    workspace: &Workspace,
    upstream: &Upstream,
    files: &Files,
    record: Option<&Record>,
) -> Result<String, TagsError> {
    let text = || upstream.version.clone().or_else(|| files.version.clone()).unwrap_or_default();
    match VersionState::of(upstream, files.pin, files.version.as_deref(), record) {
        VersionState::Overridden | VersionState::Current | VersionState::Unknown => Ok(text()),
        VersionState::Stale(taken_for) => Err(TagsError::Stale { version: text(), taken_for, pin: files.pin }),
        VersionState::Missing => {
            let file = workspace.layout.version(&upstream.name);
            Err(TagsError::NoVersion { file: workspace.layout.shown(&file).display().to_string() })
        }
    }
}

/// The pin's commit date, where the store has the commit.
fn date(objects: &mut Objects<'_>, pin: Id) -> Option<Date> {
    objects.has(pin).then(|| Base::read(objects, pin).ok()).flatten().map(|base| base.date)
}

/// The track, if it is a branch. Only the remote knows whether a name is a branch or a tag; the pin's own version and
/// the tags of the store are none.
fn branch<'u>(upstream: &'u Upstream, files: &Files, site: Option<&Site<'_>>) -> Option<&'u str> {
    let Some(Track::Ref(name)) = &upstream.track else { return None };
    let in_store = || site.is_some_and(|site| matches!(site.store.read_ref(&format!("refs/tags/{name}")), Ok(Some(_))));
    let is_tag = files.version.as_ref() == Some(name) || in_store();
    (!is_tag).then_some(name)
}

fn all(upstream: &Upstream, input: &TagInput<'_>, image: Option<&str>) -> Result<Vec<ImageTag>, TagsError> {
    let templates = &upstream.tags;
    // What is only built on has no tags.
    let published = upstream.images.iter().filter(|image| image.publish);
    let images: Vec<&str> = published.map(|image| image.name.as_str()).collect();
    if upstream.images.is_empty() {
        let bare = |template: &Template| {
            let tag = template.render(input).map_err(ReferenceError::Tag)?;
            let template = template.as_str().to_owned();
            Ok(ImageTag { reference: tag.text.clone(), image: None, repository: None, template, tag })
        };
        return templates.iter().map(bare).collect();
    }
    let references = references(upstream.registry.as_deref(), &images, templates, input)?;
    let named = |(at, reference): (usize, Reference)| ImageTag {
        reference: reference.to_string(),
        image: images.get(at / templates.len().max(1)).map(|name| (*name).to_owned()),
        repository: Some(reference.repository),
        template: reference.template.as_str().to_owned(),
        tag: reference.tag,
    };
    let all = references.into_iter().enumerate().map(named);
    Ok(all.filter(|tag| image.is_none_or(|wanted| tag.image.as_deref() == Some(wanted))).collect())
}
