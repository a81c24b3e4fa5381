//! Plans the images of a workspace in the order in which they can be built, each with all its inputs.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::context::BuildContext;
use super::read::UpstreamSource;
use crate::image::dockerfile::{Dockerfile, Role, with_names};
use crate::image::{
    BaseImage, ContentDigest, ImageId, Network, PlanError, PlanFault, PlanInput, PlannedImage, Platform, RecipeDigest,
    RecipeInput, build_digits, local_name, plan, recipe,
};
use crate::path::RepoPath;
use crate::workspace::manifest::{Image, Manifest, Upstream};

use super::dockerfiles::DockerfileVersion;

/// The images of a workspace, each after those that it needs.
#[derive(Debug, Clone)]
pub struct ShipPlan<'w> {
    /// The images.
    pub images: Vec<ShipImage<'w>>,
}

/// An image with all its inputs.
#[derive(Debug, Clone)]
pub struct ShipImage<'w> {
    /// Its place in the build plan.
    pub planned: PlannedImage,
    /// Its upstream's entry.
    pub upstream: &'w Upstream,
    /// Its entry in the manifest.
    pub entry: &'w Image,
    /// The versions of its Dockerfile.
    pub states: Vec<DockerfileVersion>,
    /// Its Dockerfile after the queue.
    pub dockerfile: Rc<Vec<u8>>,
    /// Its context.
    pub context: BuildContext,
    /// For each base the digest that it is pinned by, if any.
    pub digests: Vec<Option<ContentDigest>>,
    /// A recipe for each platform; one if no platform is named.
    pub recipes: Vec<(Option<Platform>, RecipeDigest)>,
    /// The recipes of the images that it needs, for each of its own.
    pub needs: Vec<BTreeMap<ImageId, RecipeDigest>>,
    /// The value of `{build}`; else the base without a digest because of which it is unknown.
    pub build: Result<String, String>,
    /// The pin's commit date, in seconds since 1970.
    pub seconds: i64,
}

/// Returns the plan of `images`, read from `sources` (by upstream). `resolved` has digests of bases without one in the
/// manifest, by the name in the Dockerfile.
///
/// # Errors
/// One error for each problem of an image.
pub fn ship_plan<'w>(
    manifest: &'w Manifest,
    images: &[ImageId],
    sources: &BTreeMap<String, UpstreamSource>,
    resolved: &BTreeMap<String, ContentDigest>,
) -> Result<ShipPlan<'w>, Vec<PlanError>> {
    let mut entries = Vec::new();
    for upstream in &manifest.upstreams {
        let Some(source) = sources.get(upstream.name.as_str()) else { continue };
        for entry in &upstream.images {
            let id = ImageId { upstream: upstream.name.to_string(), image: entry.name.clone() };
            if images.contains(&id)
                && let Some(image) = source.images.get(&entry.name)
            {
                entries.push((id, upstream, entry, source, image));
            }
        }
    }
    let inputs: Vec<PlanInput<'_>> = entries
        .iter()
        .map(|(id, _, entry, source, image)| PlanInput {
            id: id.clone(),
            path: &entry.dockerfile,
            dockerfile: image.states.last().and_then(|state| state.content.as_deref()).map(Vec::as_slice),
            args: &entry.args,
            needs: &entry.needs,
            target: entry.target.as_deref(),
            publish: entry.publish,
            values: &source.named,
        })
        .collect();
    let mut errors: Vec<PlanError> = Vec::new();
    for (id, _, _, _, image) in &entries {
        let fault = |(fault, line): &(PlanFault, Option<usize>)| {
            let error = PlanError::of(id, fault.clone());
            line.map_or(error.clone(), |line| error.in_entry(line))
        };
        errors.extend(image.context.faults.iter().map(fault));
    }
    let planned = match plan(&inputs) {
        Ok(planned) => planned,
        Err(found) => {
            errors.extend(found);
            return Err(errors);
        }
    };
    let mut done: Vec<ShipImage<'w>> = Vec::new();
    for planned in planned.images {
        let Some((_, upstream, entry, source, image)) = entries.iter().find(|(id, ..)| *id == planned.id) else {
            continue;
        };
        errors.extend(outside_sparse(&planned, entry, &image.context));
        let dockerfile = image.states.last().and_then(|state| state.content.clone()).unwrap_or_default();
        let digests = planned.bases.iter().map(|base| digest_of(base, upstream, resolved)).collect();
        let mut made = ShipImage {
            planned,
            upstream,
            entry,
            states: image.states.clone(),
            dockerfile,
            context: image.context.clone(),
            digests,
            recipes: Vec::new(),
            needs: Vec::new(),
            build: Err(String::new()),
            seconds: source.seconds,
        };
        made.work_out(&done, source);
        done.push(made);
    }
    if errors.is_empty() { Ok(ShipPlan { images: done }) } else { Err(errors) }
}

/// Returns the digest that `base` is pinned by: in the Dockerfile, in the manifest, or from a registry.
fn digest_of(
    base: &BaseImage,
    upstream: &Upstream,
    resolved: &BTreeMap<String, ContentDigest>,
) -> Option<ContentDigest> {
    let named = base.image.split_once('@').and_then(|(_, digest)| digest.parse().ok());
    let known = || upstream.bases.get(&base.image).and_then(|base| base.digest.clone());
    named.or_else(known).or_else(|| resolved.get(&base.image).cloned())
}

/// Returns the sources of `COPY` that are not in the checkout.
fn outside_sparse(planned: &PlannedImage, entry: &Image, context: &BuildContext) -> Option<PlanError> {
    planned.copies.iter().find_map(|copy| {
        let text = copy.path.to_string();
        let text = text.trim_start_matches("./").trim_matches('/');
        let path = RepoPath::new(text).ok()?;
        let has = |path: &RepoPath| context.files.range(path..).next().is_some_and(|(next, _)| next.is_within(path));
        let lacks = context.outside.range(&path..).next().is_some_and(|next| next.is_within(&path));
        if has(&path) || !lacks {
            return None;
        }
        let whole =
            entry.context.as_ref().map_or_else(|| Some(path.clone()), |above| above.join(path.as_bytes()).ok())?;
        let fault = PlanFault::OutsideSparse { path: whole };
        Some(PlanError::of(&planned.id, fault).in_file(&planned.dockerfile, copy.line))
    })
}

impl ShipImage<'_> {
    /// Computes the recipes, and the values that depend on them; `done` has the images that this one needs.
    fn work_out(&mut self, done: &[ShipImage<'_>], source: &UpstreamSource) {
        let platforms: Vec<Option<Platform>> = match self.entry.platforms.as_slice() {
            [] => vec![None],
            platforms => platforms.iter().cloned().map(Some).collect(),
        };
        let needed: Vec<&ShipImage<'_>> =
            done.iter().filter(|other| self.planned.needs.contains(&other.planned.id)).collect();
        for platform in platforms {
            let below = |other: &&ShipImage<'_>| {
                let same = other.recipes.iter().find(|(of, _)| *of == platform).or(other.recipes.first());
                same.map(|(_, recipe)| (other.planned.id.clone(), *recipe))
            };
            let needs: BTreeMap<ImageId, RecipeDigest> = needed.iter().filter_map(below).collect();
            let input = RecipeInput {
                dockerfile: &self.dockerfile,
                ignore: self.context.own_ignore.as_deref().map(Vec::as_slice),
                target: self.planned.target.as_deref(),
                platform: platform.as_ref(),
                network: self.entry.network,
                args: &self.planned.args,
                secrets: self.entry.secrets.keys().map(String::as_str).collect(),
                context: self.context.files.iter().map(|(path, file)| (path, (file.mode, &file.content))).collect(),
                bases: self.bases().map(|(base, digest)| (base.role, base.image.as_str(), digest)).collect(),
                needs: needs.iter().map(|(id, recipe)| (id.to_string(), *recipe)).collect(),
            };
            let made = recipe(&input);
            self.recipes.push((platform, made));
            self.needs.push(needs);
        }
        let unpinned = self.bases().find(|(_, digest)| digest.is_none()).map(|(base, _)| {
            format!(
                "the base '{}' ({}/{}:{}) has no digest",
                base.image, self.planned.id.upstream, self.planned.dockerfile, base.line
            )
        });
        let below = needed.iter().find_map(|other| other.build.as_ref().err());
        self.build = match (unpinned, below) {
            (Some(why), _) => Err(why),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => {
                let recipes: Vec<RecipeDigest> = self.recipes.iter().map(|(_, recipe)| *recipe).collect();
                Ok(build_digits(&recipes, source.values.queue, &self.label_templates()))
            }
        };
    }

    /// Returns the bases with their digests.
    pub fn bases(&self) -> impl Iterator<Item = (&BaseImage, Option<&ContentDigest>)> {
        self.planned.bases.iter().zip(self.digests.iter().map(Option::as_ref))
    }

    /// Returns the local name of the image for one of its recipes, while other images are built on it.
    #[must_use]
    pub fn local_reference(&self, recipe: RecipeDigest) -> String {
        local_reference(&self.planned.id, recipe)
    }

    /// Returns the network of its RUN instructions.
    #[must_use]
    pub fn network(&self) -> Network {
        self.entry.network
    }

    /// Returns the Dockerfile for the builder, for the recipe at `at`: bases by their digests, images of the workspace
    /// by the recipe that they are built from.
    #[must_use]
    pub fn staged_dockerfile(&self, at: usize) -> Vec<u8> {
        let mut names = Vec::new();
        for (base, digest) in self.bases() {
            if let Some(digest) = digest.filter(|_| !base.image.contains('@')) {
                names.push((base.span.clone(), format!("{}@{digest}", base.image)));
            }
        }
        for (id, span) in &self.planned.built_on {
            if let Some(recipe) = self.needs.get(at).and_then(|needs| needs.get(id)) {
                names.push((span.clone(), local_reference(id, *recipe)));
            }
        }
        with_names(&self.dockerfile, &names)
    }

    /// Returns the data of the labels, with placeholders not replaced.
    fn label_templates(&self) -> BTreeMap<String, String> {
        let metadata = &self.upstream.metadata;
        let keys = [
            ("metadata-file", &metadata.file),
            ("label-prefix", &metadata.label_prefix),
            ("vendor", &metadata.vendor),
            ("licenses", &metadata.licenses),
            ("documentation", &metadata.documentation),
            ("team", &metadata.team),
        ];
        let keys = keys.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text.clone()?)));
        let labels = self.upstream.labels.iter().chain(&self.entry.labels);
        keys.chain(labels.map(|(key, text)| (key.clone(), text.as_str().to_owned()))).collect()
    }

    /// Returns for each base the patch that introduced it: the first of the consecutive versions that have it; `None`:
    /// upstream.
    #[must_use]
    pub fn origins(&self) -> Vec<Option<String>> {
        let bases: Vec<Vec<(String, Role)>> = self.states.iter().map(|state| self.bases_of(state)).collect();
        let origin = |base: &BaseImage| {
            let has = |found: &Vec<(String, Role)>| {
                found.iter().any(|(name, role)| *name == base.image && *role == base.role)
            };
            let first = bases.iter().rposition(|found| !has(found)).map_or(0, |without| without + 1);
            self.states.get(first).and_then(|state| state.patch.clone())
        };
        self.planned.bases.iter().map(origin).collect()
    }

    /// Returns the bases in a version of the Dockerfile; empty if it cannot be parsed.
    fn bases_of(&self, state: &DockerfileVersion) -> Vec<(String, Role)> {
        let file = state.content.as_deref().and_then(|bytes| Dockerfile::parse(bytes).ok());
        let resolved = file.and_then(|file| file.resolve(&self.planned.args, self.planned.target.as_deref()).ok());
        let externals = resolved.into_iter().flat_map(|resolved| resolved.externals);
        externals.map(|external| (external.image, external.role)).collect()
    }
}

/// Returns the local name of an image while other images are built on it. No registry can have this name, so it is
/// never pulled. Each recipe has its own name, so it is never outdated.
fn local_reference(id: &ImageId, recipe: RecipeDigest) -> String {
    format!("{}:{recipe}", local_name(id))
}
