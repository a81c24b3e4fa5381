//! Writes the contexts of images to disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::context::Context;
use super::super::failure::CliError;
use super::load::{Loaded, failed};
use crate::git::Prompts;
use crate::image::Stability;
use crate::report::{FailureKind, ImageTag};
use crate::ship::{LabelSource, ShipImage, StageError, image_folder, stage};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::{FetchError, Files, MissingObjects, Workspace};

/// Returns the references of an image as texts, the fixed ones first.
pub(super) fn in_order(tags: &[ImageTag]) -> Vec<&ImageTag> {
    let (fixed, moving): (Vec<_>, Vec<_>) = tags.iter().partition(|tag| tag.tag.stability == Stability::Fixed);
    fixed.into_iter().chain(moving).collect()
}

/// Stages every image of `loaded` below `out`, each with the build that adds its labels. Returns the number of bytes
/// written.
pub(super) fn stage_all(
    context: &Context,
    workspace: &Workspace,
    loaded: &Loaded<'_>,
    out: &Path,
    created: i64,
) -> Result<u64, CliError> {
    let mut written = 0;
    for upstream in &workspace.manifest.upstreams {
        let name = upstream.name.as_str();
        let Some(source) = loaded.sources.get(name) else { continue };
        let of_it = |image: &&ShipImage<'_>| image.planned.id.upstream == name;
        let images: Vec<&ShipImage<'_>> = loaded.plan.images.iter().filter(of_it).collect();
        let folders: Vec<(&ShipImage<'_>, usize, PathBuf)> =
            images.iter().map(|image| (*image, 0, out.join(image_folder(&image.planned.id)))).collect();
        let files = Files::read(&workspace.layout, &upstream.name)?;
        let Some(upstream) = context.upstream_store(workspace, upstream)? else {
            return Err(CliError::queue(name, FetchError::from(MissingObjects::Commit(files.pin)).into()));
        };
        written += context.with_prompts(|prompts: Prompts| {
            context.with_fetcher(&upstream, false, prompts, |fetcher| {
                stage(fetcher, &files, &folders).map_err(|error| of_stage(context, workspace, name, error))
            })
        })?;
        let labels = LabelSource { files: &files, values: &source.values, named: &source.named, created };
        for (image, _, folder) in &folders {
            finish(context, workspace, loaded, image, folder, labels)?;
        }
    }
    Ok(written)
}

/// Writes the second build of `image`, if it is published.
fn finish(
    context: &Context,
    workspace: &Workspace,
    loaded: &Loaded<'_>,
    image: &ShipImage<'_>,
    folder: &Path,
    source: LabelSource<'_>,
) -> Result<(), CliError> {
    let references = loaded.references(&image.planned);
    let ordered = in_order(&references);
    let (Some(first), Some((_, recipe))) = (ordered.first(), image.recipes.first()) else { return Ok(()) };
    let fixed = (first.tag.stability == Stability::Fixed).then_some(first.tag.text.as_str());
    let tags: Vec<&str> = ordered.iter().map(|tag| tag.tag.text.as_str()).collect();
    let labels = loaded.plan.labels(image, &tags, fixed, source);
    let labels: BTreeMap<String, String> = labels.map_err(|error| failed(context, workspace, &[error]))?;
    let built = image.local_reference(*recipe);
    let name = image.planned.id.upstream.as_str();
    image.stage_finish(folder, &built, &labels).map_err(|error| of_stage(context, workspace, name, error))
}

/// Returns the folder that the command line names for output: created if needed, and empty.
pub(super) fn empty_folder(context: &Context, out: &Path) -> Result<PathBuf, CliError> {
    let folder = context.cwd.join(out);
    fs::create_dir_all(&folder).map_err(|error| CliError::io("cannot make the folder", out, &error))?;
    let mut entries = fs::read_dir(&folder).map_err(|error| CliError::io("cannot read the folder", out, &error))?;
    if entries.next().is_some() {
        let text = format!("'{}' is not empty", out.display());
        return Err(CliError::usage(text).hint("name a folder that is not there yet: --out DIR"));
    }
    Ok(folder)
}

pub(super) fn of_stage(context: &Context, workspace: &Workspace, upstream: &str, error: StageError) -> CliError {
    match error {
        StageError::Queue(error) => CliError::queue(upstream, error),
        StageError::Plan(error) => failed(context, workspace, &[error]),
        StageError::Io { doing, path, source } => CliError::io(doing, &path, &source),
        StageError::NoWheel { ref path, ref package } => {
            let folder = path.parent().unwrap_or(Path::new("."));
            let shown = workspace.layout.shown(folder).display().to_string();
            CliError::of(FailureKind::Image, &error)
                .hint(format!("get '{package}' with pip download --no-deps --only-binary=:all: --dest {shown}"))
        }
        StageError::OtherContent { .. } => CliError::of(FailureKind::Image, &error)
            .hint(format!("put the right file there, or set 'sha256' in {MANIFEST}")),
        StageError::Changed(_) => CliError::of(FailureKind::Image, &error).hint("run it again"),
    }
}
