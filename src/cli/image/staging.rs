//! Writes the contexts of images to disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::context::Context;
use super::super::failure::CliError;
use super::super::hint;
use super::load::{Loaded, failed};
use crate::git::Prompts;
use crate::image::{ImageId, Stability};
use crate::report::{FailureKind, ImageTag};
use crate::ship::{LabelSource, ShipImage, StageError, Todo, image_folder, stage};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::{FetchError, MissingObjects, Workspace};

/// Returns the references of an image as texts, the fixed ones first.
pub(super) fn in_order(tags: &[ImageTag]) -> Vec<&ImageTag> {
    let (fixed, moving): (Vec<_>, Vec<_>) = tags.iter().partition(|tag| tag.tag.stability == Stability::Fixed);
    fixed.into_iter().chain(moving).collect()
}

/// What a published image gets from its second build.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) labels: BTreeMap<String, String>,
    /// The references, the fixed ones first.
    pub(super) references: Vec<String>,
}

/// Returns labels and references of the images of `loaded` that are published. `created` is the time in the labels.
pub(super) fn published(
    context: &Context,
    workspace: &Workspace,
    loaded: &Loaded<'_>,
    created: i64,
) -> Result<BTreeMap<ImageId, Published>, CliError> {
    let mut all = BTreeMap::new();
    for image in &loaded.plan.images {
        let id = &image.planned.id;
        let tags = loaded.references(&image.planned);
        let ordered = in_order(&tags);
        let (Some(first), Some(source), Some(files)) =
            (ordered.first(), loaded.sources.get(&id.upstream), loaded.files.get(&id.upstream))
        else {
            continue;
        };
        let fixed = (first.tag.stability == Stability::Fixed).then_some(first.tag.text.as_str());
        let texts: Vec<&str> = ordered.iter().map(|tag| tag.tag.text.as_str()).collect();
        let source = LabelSource { files, values: &source.values, named: &source.named, created };
        let labels = loaded.plan.labels(image, &texts, fixed, source);
        let labels = labels.map_err(|error| failed(context, workspace, &[error]))?;
        let references = ordered.iter().map(|tag| tag.reference.clone()).collect();
        all.insert(id.clone(), Published { labels, references });
    }
    Ok(all)
}

/// Stages the images of `loaded` that `todo` names below `out`, each with the build that adds its labels. Returns the number of
/// bytes written.
pub(super) fn stage_all(
    context: &Context,
    workspace: &Workspace,
    loaded: &Loaded<'_>,
    published: &BTreeMap<ImageId, Published>,
    out: &Path,
    todo: &dyn Fn(&ImageId) -> Todo,
) -> Result<u64, CliError> {
    let mut written = 0;
    for upstream in &workspace.manifest.upstreams {
        let name = upstream.name.as_str();
        let Some(files) = loaded.files.get(name) else { continue };
        let is_staged =
            |image: &&ShipImage<'_>| image.planned.id.upstream == name && todo(&image.planned.id) == Todo::Build;
        let staged = loaded.plan.images.iter().filter(is_staged);
        let folders: Vec<(&ShipImage<'_>, usize, PathBuf)> =
            staged.map(|image| (image, 0, out.join(image_folder(&image.planned.id)))).collect();
        if folders.is_empty() {
            continue;
        }
        let Some(upstream) = context.upstream_store(workspace, upstream)? else {
            return Err(CliError::queue(name, FetchError::from(MissingObjects::Commit(files.pin)).into()));
        };
        written += context.with_prompts(|prompts: Prompts| {
            context.with_fetcher(&upstream, false, prompts, |fetcher| {
                stage(fetcher, files, &folders).map_err(|error| of_stage(context, workspace, name, error))
            })
        })?;
    }
    for image in loaded.plan.images.iter().filter(|image| todo(&image.planned.id) != Todo::Nothing) {
        let id = &image.planned.id;
        let (Some(published), Some((_, recipe))) = (published.get(id), image.recipes.first()) else { continue };
        let finished =
            image.stage_finish(&out.join(image_folder(id)), &image.local_reference(*recipe), &published.labels);
        finished.map_err(|error| of_stage(context, workspace, &id.upstream, error))?;
    }
    Ok(written)
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
            let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            CliError::of(FailureKind::Image, &error).hint(pip_download(package, file, &shown))
        }
        StageError::OtherContent { .. } => CliError::of(FailureKind::Image, &error)
            .hint(format!("put the right file there, or set 'sha256' in {MANIFEST}")),
        StageError::Changed(_) => CliError::of(FailureKind::Image, &error).hint("run it again"),
    }
}

/// Returns the command that gets the wheel `file` (`NAME-VERSION-PYTHON-ABI-PLATFORM.whl`) into `folder`.
fn pip_download(package: &str, file: &str, folder: &str) -> String {
    let mut words = vec!["pip", "download", "--no-deps", "--only-binary=:all:", "--dest", folder];
    let parts: Vec<&str> = file.trim_end_matches(".whl").split('-').collect();
    let (python, platform, version) = match parts[..] {
        [_, version, python, _, platform] => (python.trim_start_matches("cp"), platform, version),
        _ => ("", "", ""),
    };
    if !python.is_empty() && python.bytes().all(|byte| byte.is_ascii_digit()) {
        words.extend(["--python-version", python]);
    }
    if !matches!(platform, "" | "any") {
        words.extend(["--platform", platform]);
    }
    let wanted = if version.is_empty() { package.to_owned() } else { format!("{package}=={version}") };
    words.push(&wanted);
    hint::command(words.into_iter().map(str::to_owned).collect::<Vec<_>>())
}
