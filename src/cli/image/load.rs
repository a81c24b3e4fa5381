//! Loads the images of a command: their entries in the manifest, their Dockerfiles and their contexts.

use std::collections::BTreeMap;

use super::super::context::Context;
use super::super::failure::CliError;
use super::super::{hint, tag};
use crate::git::{Prompts, Tracked, enclosing};
use crate::image::dockerfile::ResolveFault;
use crate::image::{BuildArg, ContentDigest, FileSource, ImageId, Placeholder, PlanError, PlanFault, PlannedImage};
use crate::report::{BuildDigits, Builds, FailureKind, ImageTag, TagsError, UpstreamTags, upstream_tags};
use crate::ship::{SelectError, ShipPlan, UpstreamSource, ValuesError, pin_values, read_images, select, ship_plan};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::Upstream;
use crate::workspace::{FetchError, Files, MissingObjects, Workspace};

/// The images of a workspace, in the order in which they can be built.
pub(in crate::cli) struct Loaded<'w> {
    pub(in crate::cli) plan: ShipPlan<'w>,
    /// The tags of each upstream that was read.
    pub(in crate::cli) tags: Vec<UpstreamTags>,
    /// The data of each upstream.
    pub(in crate::cli) sources: BTreeMap<String, UpstreamSource>,
    /// The files of each upstream, as they were read.
    pub(in crate::cli) files: BTreeMap<String, Files>,
}

/// Finds the digests of external images that nothing pins.
pub(in crate::cli) type Resolve<'a> = &'a dyn Fn(&ShipPlan<'_>) -> Result<BTreeMap<String, ContentDigest>, CliError>;

/// What a command needs of its images.
#[derive(Clone, Copy, Default)]
pub(in crate::cli) struct LoadOptions<'a> {
    /// Whether objects that the store lacks may be fetched.
    pub(in crate::cli) fetch: bool,
    /// The value of `{built}`.
    pub(in crate::cli) day: Option<&'a str>,
    /// Where the digests of bases come from that nothing pins; `None`: they stay without.
    pub(in crate::cli) resolve: Option<Resolve<'a>>,
}

/// Loads the images that `names` select (empty: all), and those that they need.
pub(in crate::cli) fn load<'w>(
    context: &Context,
    workspace: &'w Workspace,
    names: &[String],
    options: LoadOptions<'_>,
) -> Result<Loaded<'w>, CliError> {
    let wanted = select(&workspace.manifest, names).map_err(|error| unknown(&error))?;
    let Read { sources, files } = sources(context, workspace, &wanted, options)?;
    let mut plan = planned(context, workspace, &wanted, &sources, &BTreeMap::new())?;
    if let Some(resolve) = options.resolve {
        let resolved = resolve(&plan)?;
        plan = planned(context, workspace, &wanted, &sources, &resolved)?;
    }
    let mut tags = Vec::new();
    for upstream in &workspace.manifest.upstreams {
        let Some(source) = sources.get(upstream.name.as_str()) else { continue };
        let digits = digits(&plan, upstream);
        let builds = Builds { digits: Some(&digits), day: options.day };
        let of = upstream_tags(upstream, &source.values, Some(&wanted), builds);
        tags.push(of.map_err(|error| tag::failed(upstream, &TagsError::from(error)))?);
    }
    Ok(Loaded { plan, tags, sources, files })
}

/// The upstreams of some images, by name.
#[derive(Default)]
struct Read {
    sources: BTreeMap<String, UpstreamSource>,
    files: BTreeMap<String, Files>,
}

/// Reads the upstreams of `wanted`.
fn sources(
    context: &Context,
    workspace: &Workspace,
    wanted: &[ImageId],
    options: LoadOptions<'_>,
) -> Result<Read, CliError> {
    let mut read = Read::default();
    for upstream in &workspace.manifest.upstreams {
        let name = upstream.name.as_str();
        if !wanted.iter().any(|id| id.upstream == name) {
            continue;
        }
        let files = Files::read(&workspace.layout, &upstream.name)
            .map_err(|error| tag::failed(upstream, &TagsError::from(ValuesError::from(error))))?;
        let values = pin_values(workspace, upstream, &files, wants_version(upstream))
            .map_err(|error| tag::failed(upstream, &TagsError::from(error)))?;
        let tracked = tracked(context, workspace, upstream)?;
        let Some(upstream) = context.upstream_store(workspace, upstream)? else {
            return Err(CliError::queue(name, FetchError::from(MissingObjects::Commit(files.pin)).into()));
        };
        let source = context.with_fetcher(&upstream, !options.fetch, Prompts::Never, |fetcher| {
            read_images(fetcher, &files, values.clone(), tracked.as_ref()).map_err(|error| CliError::queue(name, error))
        })?;
        read.sources.insert(name.to_owned(), source);
        read.files.insert(name.to_owned(), files);
    }
    Ok(read)
}

/// Checks whether a stale version would end up in a tag, a build argument or a label.
fn wants_version(upstream: &Upstream) -> bool {
    let is_version = |name: &str| matches!(name, "version" | "semver");
    let of_images = upstream.images.iter().flat_map(|image| image.args.values().chain(image.labels.values()));
    let of_wheels = upstream.wheels.values().map(|wheel| &wheel.version);
    let mut texts = of_images.chain(upstream.labels.values()).chain(of_wheels).flat_map(BuildArg::values);
    let in_tags =
        |template: &crate::image::Template| template.has(&Placeholder::Version) || template.has(&Placeholder::Semver);
    upstream.tags.iter().any(in_tags) || texts.any(is_version)
}

/// Returns the tracked files of the workspace's repository, if an image adds one of them.
fn tracked(context: &Context, workspace: &Workspace, upstream: &Upstream) -> Result<Option<Tracked>, CliError> {
    let mut files = upstream.images.iter().flat_map(|image| &image.files);
    if !files.any(|file| matches!(file.source, FileSource::Workspace(_))) {
        return Ok(None);
    }
    let root = workspace.layout.root();
    let Some(around) = enclosing(root).map_err(|error| CliError::of(FailureKind::Git, &error))? else {
        return Ok(None);
    };
    around.tracked(root, context.git_unchecked()).map(Some).map_err(|error| CliError::from(&error))
}

/// Plans `wanted`.
fn planned<'w>(
    context: &Context,
    workspace: &'w Workspace,
    wanted: &[ImageId],
    sources: &BTreeMap<String, UpstreamSource>,
    resolved: &BTreeMap<String, ContentDigest>,
) -> Result<ShipPlan<'w>, CliError> {
    ship_plan(&workspace.manifest, wanted, sources, resolved).map_err(|errors| failed(context, workspace, &errors))
}

/// Returns the values of `{build}` for the images of `upstream`.
fn digits(plan: &ShipPlan<'_>, upstream: &Upstream) -> BuildDigits {
    let images = plan.images.iter().filter(|image| image.planned.id.upstream == upstream.name.as_str());
    images.map(|image| (image.planned.id.image.clone(), image.build.clone())).collect()
}

/// Returns the values of `{build}` for the images of `upstream`, if one of its tags needs them.
pub(in crate::cli) fn builds(
    context: &Context,
    workspace: &Workspace,
    upstream: &Upstream,
) -> Result<Option<BuildDigits>, CliError> {
    let wants = upstream.tags.iter().any(|template| template.has(&Placeholder::Build));
    if !wants || upstream.images.is_empty() {
        return Ok(None);
    }
    let names = [upstream.name.to_string()];
    let wanted = select(&workspace.manifest, &names).map_err(|error| unknown(&error))?;
    let Read { sources, .. } = sources(context, workspace, &wanted, LoadOptions::default())?;
    Ok(Some(digits(&planned(context, workspace, &wanted, &sources, &BTreeMap::new())?, upstream)))
}

impl Loaded<'_> {
    /// Returns where `image` is published, under each of its tags; empty if it is only a base of others.
    pub(in crate::cli) fn references(&self, image: &PlannedImage) -> Vec<ImageTag> {
        let of = self.tags.iter().find(|tags| tags.name == image.id.upstream).filter(|_| image.publish);
        let references = of.into_iter().flat_map(|tags| &tags.references);
        references.filter(|tag| tag.image.as_ref() == Some(&image.id.image)).cloned().collect()
    }
}

fn unknown(error: &SelectError) -> CliError {
    let made = CliError::usage(error.to_string());
    match error {
        SelectError::Ambiguous { images, .. } => {
            images.iter().fold(made, |error, id| error.hint(hint::patchq(&["image", "list", &id.to_string()])))
        }
        SelectError::Unknown { nearest: Some(near), .. } => made.hint(hint::patchq(&["image", "list", near])),
        SelectError::Unknown { has_images: false, .. } => made.hint("images are entries [[upstream.NAME.image]]"),
        SelectError::Unknown { .. } => made.hint(hint::patchq(&["image", "list"])),
    }
}

/// Reports all errors but the last; the last one is returned as the command's error.
pub(super) fn failed(context: &Context, workspace: &Workspace, errors: &[PlanError]) -> CliError {
    let mut errors: Vec<CliError> = errors.iter().map(|error| of_plan(workspace, error)).collect();
    let last = errors.pop().unwrap_or_else(|| CliError::plain(FailureKind::Image, "no plan was made"));
    errors.iter().for_each(|error| context.say(&error.message()));
    last
}

fn of_plan(workspace: &Workspace, error: &PlanError) -> CliError {
    let entry = workspace.manifest.upstream(&error.id.upstream);
    let image = entry.and_then(|entry| entry.images.iter().find(|image| image.name == error.id.image));
    let (file, line) = match &error.at {
        Some((path, line)) => (format!("{}/{path}", error.id.upstream), Some(*line)),
        None => (MANIFEST.to_owned(), error.entry_line.or(image.map(|image| image.line))),
    };
    let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
    let made = CliError::plain(FailureKind::Image, format!("{place}: {error}")).at(file, line);
    match &*error.fault {
        PlanFault::NoImage(_) => made.hint(argument("ARG")),
        PlanFault::Resolve(found) => match &found.fault {
            ResolveFault::NoImage { variables, .. } => {
                made.hint(argument(variables.first().map_or("ARG", String::as_str)))
            }
            _ => made,
        },
        PlanFault::NoDockerfile(_) => made.hint(format!("set 'dockerfile' of the image in {MANIFEST}")),
        PlanFault::NoContext(_) => made.hint(format!("set 'context' of the image in {MANIFEST}")),
        PlanFault::FileOver(_) => made.hint("a patch can change a file of the tree; 'files' only adds"),
        PlanFault::FileIgnored { ignore, .. } => made.hint(format!("patch {ignore}, or add the file elsewhere")),
        PlanFault::OutsideSparse { path } => made.hint(format!("add it in {MANIFEST}: sparse = [\"{path}\", …]")),
        PlanFault::Submodule(_) | PlanFault::LargeFile(_) => {
            made.hint("patch it away, or let it be: allow-pointers = true")
        }
        _ => made,
    }
}

fn argument(name: &str) -> String {
    format!("name the base in {MANIFEST}: args = {{ {name} = \"{{image:NAME}}\" }}")
}
