//! The image tags of an upstream as data.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::git::Id;
use crate::image::{ImageId, Placeholder, Reference, ReferenceError, Tag, TagInput, Template, references};
use crate::ship::{PinValues, ValuesError, pin_values};
use crate::workspace::manifest::Upstream;
use crate::workspace::{Files, Workspace};

/// The tags of one upstream.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamTags {
    /// The upstream's name.
    pub name: String,
    /// Its pin.
    pub pin: Id,
    /// The value of `{version}`; `None` when it is missing and no template needs it.
    pub version: Option<String>,
    /// The first eight digits of the queue's digest.
    pub queue: String,
    /// The references, in the order of images and templates.
    pub references: Vec<ImageTag>,
}

/// One reference.
#[derive(Debug, Clone, Serialize)]
pub struct ImageTag {
    /// The full reference; only the tag if the upstream has no images.
    pub reference: String,
    /// The image's name; `None` if the upstream has no images.
    pub image: Option<String>,
    /// `registry/image`; `None` if the upstream has no images.
    pub repository: Option<String>,
    /// The template.
    pub template: String,
    /// The tag, and whether it can later mean another image.
    #[serde(flatten)]
    pub tag: Tag,
}

/// Why an upstream has no tags.
#[derive(Debug, thiserror::Error)]
pub enum TagsError {
    /// A value for the templates is missing.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// A template has no result, or two have the same.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

/// The values of `{build}`, by the image's name; else why they are unknown.
pub type BuildDigits = BTreeMap<String, Result<String, String>>;

/// Values that only a plan or a build of the images has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Builds<'a> {
    /// The values of `{build}`, if they were computed.
    pub digits: Option<&'a BuildDigits>,
    /// The value of `{built}`.
    pub day: Option<&'a str>,
}

/// Returns the tags of `upstream`; with `image` only those of that image.
///
/// # Errors
/// [`TagsError`].
pub fn tags(
    workspace: &Workspace,
    upstream: &Upstream,
    image: Option<&str>,
    builds: Builds<'_>,
) -> Result<UpstreamTags, TagsError> {
    let only = image.map(|image| vec![ImageId { upstream: upstream.name.to_string(), image: image.to_owned() }]);
    let files = Files::read(&workspace.layout, &upstream.name).map_err(ValuesError::from)?;
    let wanted = |field| upstream.tags.iter().any(|template| template.has(field));
    let checks_version = wanted(&Placeholder::Version) || wanted(&Placeholder::Semver);
    let values = pin_values(workspace, upstream, &files, checks_version)?;
    Ok(upstream_tags(upstream, &values, only.as_deref(), builds)?)
}

/// Returns the tags of `upstream` with these values; with `only` those of the images in it.
///
/// # Errors
/// [`ReferenceError`].
pub fn upstream_tags(
    upstream: &Upstream,
    values: &PinValues,
    only: Option<&[ImageId]>,
    builds: Builds<'_>,
) -> Result<UpstreamTags, ReferenceError> {
    let queue = values.queue.short();
    let input = TagInput { built: builds.day, ..values.tag_input(&queue) };
    let references = all(upstream, &input, only, builds)?;
    let (pin, version) = (values.pin, values.version.clone());
    Ok(UpstreamTags { name: upstream.name.to_string(), pin, version, queue, references })
}

fn all(
    upstream: &Upstream,
    input: &TagInput<'_>,
    only: Option<&[ImageId]>,
    builds: Builds<'_>,
) -> Result<Vec<ImageTag>, ReferenceError> {
    let templates = &upstream.tags;
    // Images that are only bases of others have no tags.
    let wanted = |name: &str| {
        only.is_none_or(|only| only.iter().any(|id| id.upstream == upstream.name.as_str() && id.image == name))
    };
    // All images take part, so that two of one name are found; but `{build}` is known only of those that were planned.
    let by_build = templates.iter().any(|template| template.has(&Placeholder::Build));
    let planned = |name: &str| builds.digits.is_some_and(|digits| digits.contains_key(name));
    let published = upstream.images.iter().filter(|image| image.publish);
    let published = published.filter(|image| !by_build || wanted(&image.name) || planned(&image.name));
    let images: Vec<&str> = published.map(|image| image.name.as_str()).collect();
    let build = |image: &str| match builds.digits.and_then(|digits| digits.get(image)) {
        Some(digits) => digits.as_ref().map(String::as_str).map_err(String::as_str),
        None => Err("the image was not looked at"),
    };
    let inputs: Vec<_> = images.iter().map(|image| (*image, TagInput { build: build(image), ..*input })).collect();
    if upstream.images.is_empty() {
        let bare = |template: &Template| {
            let tag = template.render(input).map_err(ReferenceError::Tag)?;
            let template = template.as_str().to_owned();
            Ok(ImageTag { reference: tag.text.clone(), image: None, repository: None, template, tag })
        };
        return templates.iter().map(bare).collect();
    }
    let references = references(upstream.registry.as_deref(), &inputs, templates)?;
    let named = |(at, reference): (usize, Reference)| ImageTag {
        reference: reference.to_string(),
        image: images.get(at / templates.len().max(1)).map(|name| (*name).to_owned()),
        repository: Some(reference.repository),
        template: reference.template.as_str().to_owned(),
        tag: reference.tag,
    };
    let all = references.into_iter().enumerate().map(named);
    Ok(all.filter(|tag| tag.image.as_deref().is_some_and(wanted)).collect())
}
