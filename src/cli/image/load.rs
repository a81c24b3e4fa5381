//! The plan of the images that a command is about: what the manifest says of them, and their Dockerfiles.

use std::collections::BTreeMap;

use super::super::context::Context;
use super::super::failure::{CliError, shown};
use super::super::tag;
use crate::image::dockerfile::{Dockerfile, Role};
use crate::image::{BaseImage, ImageId, Plan, PlanError, PlanFault, PlanInput, PlannedImage, plan, semver};
use crate::path::nearest;
use crate::report::{ImageTag, UpstreamTags, tags};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::{Image, Upstream};
use crate::workspace::{DockerfileVersion, Files, Missing, SupplyError, Workspace, dockerfiles};

/// The images of a workspace, in the order in which they can be built.
pub(super) struct Loaded {
    pub(super) plan: Plan,
    /// The tags of each upstream that was read.
    tags: Vec<UpstreamTags>,
    /// The states of each image's Dockerfile.
    versions: BTreeMap<ImageId, Vec<DockerfileVersion>>,
}

/// What was read of one image.
struct Entry<'w> {
    id: ImageId,
    image: &'w Image,
    values: BTreeMap<&'static str, String>,
}

/// The images that `names` (none: all) mean, and those that they need.
pub(super) fn load(context: &Context, workspace: &Workspace, names: &[String]) -> Result<Loaded, CliError> {
    let wanted = with_needs(workspace, chosen(workspace, names)?);
    let (mut all_tags, mut versions, mut entries) = (Vec::new(), BTreeMap::new(), Vec::new());
    let is_read = |upstream: &&Upstream| wanted.iter().any(|id| id.upstream == upstream.name.as_str());
    for upstream in workspace.manifest.upstreams.iter().filter(is_read) {
        let tags = tags(workspace, upstream, None).map_err(|error| tag::failed(upstream, &error))?;
        let values = values(&tags);
        for (image, states) in upstream.images.iter().zip(read(context, workspace, upstream)?) {
            let id = ImageId { upstream: upstream.name.to_string(), image: image.name.clone() };
            versions.insert(id.clone(), states);
            entries.push(Entry { id, image, values: values.clone() });
        }
        all_tags.push(tags);
    }
    let wanted_entries = entries.iter().filter(|entry| wanted.contains(&entry.id));
    let inputs: Vec<PlanInput<'_>> = wanted_entries.map(|entry| input(entry, &versions)).collect();
    let plan = plan(&inputs).map_err(|errors| failed(context, workspace, &errors))?;
    Ok(Loaded { plan, tags: all_tags, versions })
}

fn input<'a>(entry: &'a Entry<'_>, versions: &'a BTreeMap<ImageId, Vec<DockerfileVersion>>) -> PlanInput<'a> {
    let built = versions.get(&entry.id).and_then(|states| states.last()).and_then(|state| state.content.as_deref());
    PlanInput {
        id: entry.id.clone(),
        path: &entry.image.dockerfile,
        dockerfile: built.map(Vec::as_slice),
        args: &entry.image.args,
        needs: &entry.image.needs,
        target: entry.image.target.as_deref(),
        publish: entry.image.publish,
        values: &entry.values,
    }
}

impl Loaded {
    /// Where `image` is published, under each of its tags; nowhere if it is only built on.
    pub(super) fn references(&self, image: &PlannedImage) -> Vec<ImageTag> {
        let of = self.tags.iter().find(|tags| tags.name == image.id.upstream).filter(|_| image.publish);
        let references = of.into_iter().flat_map(|tags| &tags.references);
        references.filter(|tag| tag.image.as_ref() == Some(&image.id.image)).cloned().collect()
    }

    /// For each base of `image` the patch that put it there: the first of the unbroken row of states that have it.
    pub(super) fn origins(&self, image: &PlannedImage) -> Vec<Option<String>> {
        let states = self.versions.get(&image.id).map(Vec::as_slice).unwrap_or_default();
        let bases: Vec<Vec<(String, Role)>> = states.iter().map(|state| bases_of(state, image)).collect();
        let origin = |base: &BaseImage| {
            let has = |found: &Vec<(String, Role)>| {
                found.iter().any(|(name, role)| *name == base.image && *role == base.role)
            };
            let first = bases.iter().rposition(|found| !has(found)).map_or(0, |without| without + 1);
            states.get(first).and_then(|state| state.patch.clone())
        };
        image.bases.iter().map(origin).collect()
    }
}

/// The bases that a state of the Dockerfile of `image` has; none where it does not read.
fn bases_of(state: &DockerfileVersion, image: &PlannedImage) -> Vec<(String, Role)> {
    let file = state.content.as_deref().and_then(|bytes| Dockerfile::parse(bytes).ok());
    let resolved = file.and_then(|file| file.resolve(&image.args, image.target.as_deref()).ok());
    resolved
        .into_iter()
        .flat_map(|resolved| resolved.externals)
        .map(|external| (external.image, external.role))
        .collect()
}

/// What the placeholders of build arguments stand for.
fn values(tags: &UpstreamTags) -> BTreeMap<&'static str, String> {
    let mut values = BTreeMap::from([("commit", tags.pin.short(8)), ("queue", tags.queue.clone())]);
    if let Some(version) = &tags.version {
        values.extend(semver(version).ok().map(|semver| ("semver", semver.to_owned())));
        values.insert("version", version.clone());
    }
    values
}

/// The states of the Dockerfiles of `upstream`, from its store alone.
fn read(
    context: &Context,
    workspace: &Workspace,
    upstream: &Upstream,
) -> Result<Vec<Vec<DockerfileVersion>>, CliError> {
    let name = upstream.name.as_str();
    let files = Files::read(&workspace.layout, &upstream.name)?;
    let Some(site) = context.site(workspace, upstream)? else {
        return Err(CliError::queue(name, SupplyError::from(Missing::Commit(files.pin)).into()));
    };
    context.with_supply(workspace, upstream, true, crate::git::Prompts::Never, |supply| {
        dockerfiles(&site, supply, &files).map_err(|error| CliError::queue(name, error))
    })
}

/// The images that `names` mean: `UPSTREAM:NAME`, an image's name, or an upstream's for all of its images.
fn chosen(workspace: &Workspace, names: &[String]) -> Result<Vec<ImageId>, CliError> {
    let of = |upstream: &Upstream| {
        let name = upstream.name.to_string();
        upstream.images.iter().map(move |image| ImageId { upstream: name.clone(), image: image.name.clone() }).collect()
    };
    let all: Vec<ImageId> = workspace.manifest.upstreams.iter().flat_map(|one| -> Vec<ImageId> { of(one) }).collect();
    if names.is_empty() {
        return Ok(all);
    }
    let mut found: Vec<ImageId> = Vec::new();
    for name in names {
        let exact: Vec<&ImageId> = all.iter().filter(|id| id.to_string() == *name).collect();
        let by_image: Vec<&ImageId> = all.iter().filter(|id| id.image == *name).collect();
        let by_upstream = || all.iter().filter(|id| id.upstream == *name).collect::<Vec<_>>();
        let ids = match (exact.as_slice(), by_image.as_slice()) {
            ([one], _) | ([], [one]) => vec![*one],
            ([], [_, _, ..]) => return Err(ambiguous(name, &by_image)),
            _ => by_upstream(),
        };
        if ids.is_empty() {
            return Err(unknown(name, &all));
        }
        for id in ids {
            if !found.contains(id) {
                found.push(id.clone());
            }
        }
    }
    Ok(found)
}

fn ambiguous(name: &str, ids: &[&ImageId]) -> CliError {
    let error = CliError::usage(format!("'{}' is an image of several upstreams", shown(name)));
    ids.iter().fold(error, |error, id| error.hint(format!("patchq image list {id}")))
}

fn unknown(name: &str, all: &[ImageId]) -> CliError {
    let error = CliError::usage(format!("there is no image '{}' in {MANIFEST}", shown(name)));
    match nearest(name, all.iter().map(|id| id.image.as_str())) {
        Some(near) => error.hint(format!("patchq image list {near}")),
        None if all.is_empty() => error.hint("images are entries [[upstream.NAME.image]]"),
        None => error.hint("patchq image list"),
    }
}

/// `ids` and the images that the manifest says they need.
fn with_needs(workspace: &Workspace, mut ids: Vec<ImageId>) -> Vec<ImageId> {
    let mut at = 0;
    while let Some(id) = ids.get(at).cloned() {
        let upstream = workspace.manifest.upstream(&id.upstream);
        let image = upstream.and_then(|upstream| upstream.images.iter().find(|image| image.name == id.image));
        let needs =
            image.into_iter().flat_map(|image| image.args.values().flat_map(|arg| arg.images()).chain(&image.needs));
        for need in needs {
            if !ids.contains(need) {
                ids.push(need.clone());
            }
        }
        at += 1;
    }
    ids
}

/// All errors but the last are said here; the last one is the command's.
fn failed(context: &Context, workspace: &Workspace, errors: &[PlanError]) -> CliError {
    let mut errors: Vec<CliError> = errors.iter().map(|error| of_plan(workspace, error)).collect();
    let last = errors.pop().unwrap_or_else(|| CliError::plain("image", "there is no plan"));
    errors.iter().for_each(|error| context.say(&error.message()));
    last
}

fn of_plan(workspace: &Workspace, error: &PlanError) -> CliError {
    let entry = workspace.manifest.upstream(&error.id.upstream);
    let image = entry.and_then(|entry| entry.images.iter().find(|image| image.name == error.id.image));
    let (file, line) = match &error.at {
        Some((path, line)) => (format!("{}/{path}", error.id.upstream), Some(*line)),
        None => (MANIFEST.to_owned(), image.map(|image| image.line)),
    };
    let place = line.map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
    let made = CliError::plain("image", format!("{place}: {error}")).at(file, line);
    match &*error.fault {
        PlanFault::NoImage(_) => made.hint(argument("ARG")),
        PlanFault::Resolve(found) => match &found.fault {
            crate::image::dockerfile::ResolveFault::NoImage { variables, .. } => {
                made.hint(argument(variables.first().map_or("ARG", String::as_str)))
            }
            _ => made,
        },
        PlanFault::NoDockerfile(_) => made.hint(format!("set 'dockerfile' of the image in {MANIFEST}")),
        _ => made,
    }
}

fn argument(name: &str) -> String {
    format!("name the base in {MANIFEST}: args = {{ {name} = \"{{image:NAME}}\" }}")
}
