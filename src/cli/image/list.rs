//! `patchq image list`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::context::Context;
use super::super::failure::{CliError, Exit};
use super::super::hint;
use super::load::{LoadOptions, Loaded, load};
use super::staging::{empty_folder, in_order, published, stage_all};
use crate::image::{Stability, build_day};
use crate::report::{FailureKind, ImageReport, matrix};
use crate::ship::{BAKE_FILE, ShipImage, Todo, bake, image_folder};
use crate::ui::{Cell, Column, Message, Paint, Table, size};
use crate::workspace::Workspace;
use crate::workspace::files::layout::MANIFEST;

/// Show which image is built on which
///
/// Lists the images in build order, from the manifest's [[upstream.NAME.image]]
/// entries and the FROM lines of the patched Dockerfiles: the images of the
/// workspace that each one needs, and its external base images. It needs only the
/// store: no builder, no network.
///
/// --bases lists the external base images instead: the images built on each, the
/// file and line that name it, and the patch that set it. --format github-matrix
/// prints a matrix for GitHub Actions, with one row for each group of images that
/// are built on one another.
///
/// --format bake --out DIR writes all that a builder needs into the folder DIR:
/// for each image its context from the patched tree, its Dockerfile with digests
/// in the FROM lines, and a second small build for its labels; and
/// docker-bake.json, which `docker buildx bake` takes as it is. --plan prints the
/// same as commands.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq image list
  patchq image list kubeflow:jupyter-scipy
  patchq image list --bases
  patchq image list --format bake --out build && cd build && docker buildx bake"
)]
pub(super) struct Args {
    /// Images (NAME or UPSTREAM:NAME) or upstreams, with the images they need (default: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List the external base images
    #[arg(long)]
    bases: bool,
    /// Print the commands that build the images, in their order
    #[arg(long, conflicts_with_all = ["bases", "format"])]
    plan: bool,
    /// Print or write in this format
    #[arg(long, value_name = "FORMAT", conflicts_with = "bases")]
    format: Option<Format>,
    /// With --format bake, the folder that is written
    #[arg(long, value_name = "DIR", requires = "format")]
    out: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Debug, Clone, Copy)]
enum Format {
    GithubMatrix,
    Bake,
}

#[derive(Debug, Serialize)]
struct Document {
    images: Vec<ImageReport>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    if (args.format.is_some() || args.plan) && context.json {
        let option = if args.plan { "--plan" } else { "--format" };
        return Err(CliError::usage(format!("use either {option} or --json")));
    }
    let is_bake = matches!(args.format, Some(Format::Bake));
    if is_bake != args.out.is_some() {
        let error = CliError::usage("--format bake and --out DIR belong together");
        return Err(error.hint(hint::patchq(&["image", "list", "--format", "bake", "--out", "build"])));
    }
    let workspace = context.workspace()?;
    let created = context.build_time()?;
    let day = build_day(created);
    let loaded =
        load(context, &workspace, &args.names, LoadOptions { fetch: is_bake, day: Some(&day), resolve: None })?;
    if let Some(out) = &args.out {
        return write_bake(context, &workspace, &loaded, out, created);
    }
    let images: Vec<ImageReport> = loaded.plan.images.iter().map(|image| report(&loaded, image)).collect();
    if context.json {
        context.document(Document { images }, None)?;
    } else if let Some(Format::GithubMatrix) = args.format {
        context.out(&format!("{}\n", matrix(&images)));
    } else if images.is_empty() {
        context
            .say(&Message::note(format!("{MANIFEST} has no images")).hint("docs/manifest.md: [[upstream.NAME.image]]"));
    } else if args.plan {
        context.out(&commands(&workspace, &loaded, &args.names));
    } else {
        let table = if args.bases { base_table(&images) } else { image_table(&images) };
        context.out(&table.render(&context.look));
    }
    Ok(Exit::Done)
}

/// Stages the images and writes the bake file beside them.
fn write_bake(
    context: &Context,
    workspace: &Workspace,
    loaded: &Loaded<'_>,
    out: &Path,
    created: i64,
) -> Result<Exit, CliError> {
    let images: Vec<_> = loaded.plan.images.iter().map(|image| (image, texts(loaded, image))).collect();
    let file = bake(&images, workspace.layout.root())
        .map_err(|error| CliError::of(FailureKind::Image, &error).hint(hint::patchq(&["image", "list", "--plan"])))?;
    let folder = empty_folder(context, out)?;
    let published = published(context, workspace, loaded, created)?;
    let written = stage_all(context, workspace, loaded, &published, &folder, &|_| Todo::Build)?;
    let path = folder.join(BAKE_FILE);
    fs::write(&path, format!("{file:#}\n")).map_err(|error| CliError::io("cannot write", &path, &error))?;
    context.tell(&format!("{}: {} images, {}", out.display(), images.len(), size(written)));
    Ok(Exit::Done)
}

fn texts(loaded: &Loaded<'_>, image: &ShipImage<'_>) -> Vec<String> {
    let references = loaded.references(&image.planned);
    in_order(&references).into_iter().map(|tag| tag.reference.clone()).collect()
}

/// Returns the commands that stage the images and build them with docker, podman or buildah, as they could be typed.
fn commands(workspace: &Workspace, loaded: &Loaded<'_>, names: &[String]) -> String {
    let mut stage = vec!["image", "list", "--format", "bake", "--out", "build"];
    stage.extend(names.iter().map(String::as_str));
    let mut out = format!("{}\ncd build\n", hint::patchq(&stage));
    for image in &loaded.plan.images {
        let folder = PathBuf::from(image_folder(&image.planned.id));
        let root = workspace.layout.root();
        let mut specs: Vec<_> = vec![image.build_spec(0, &folder, root)];
        let references = texts(loaded, image);
        if !references.is_empty() {
            specs.push(image.finish_spec(0, &folder, &references));
        }
        for spec in specs {
            let mut words = vec!["docker".to_owned(), "build".to_owned()];
            words.extend(spec.common_arguments());
            out.push_str(&format!("{}\n", hint::command(&words)));
        }
    }
    out
}

fn report(loaded: &Loaded<'_>, image: &ShipImage<'_>) -> ImageReport {
    ImageReport::new(image, loaded.references(&image.planned))
}

/// Returns the image's name; with its upstream if there are several.
fn name(image: &ImageReport, several: bool) -> String {
    if several { format!("{}:{}", image.upstream, image.image) } else { image.image.clone() }
}

fn several(images: &[ImageReport]) -> bool {
    images.iter().any(|image| image.upstream != images[0].upstream)
}

fn image_table(images: &[ImageReport]) -> Table {
    let mut table = Table::new([
        // Names of images often differ only at their ends, so they are not cut.
        Column::new("image"),
        Column::new("needs"),
        Column::new("base").cut_to(12),
        Column::new("published").cut_to(10).optional(1),
    ]);
    let several = several(images);
    let or_none = |text: String| Cell::from(if text.is_empty() { "-".to_owned() } else { text });
    for image in images {
        let own = format!("{}:", image.upstream);
        let needs: Vec<&str> = image.needs.iter().map(|need| need.strip_prefix(&own).unwrap_or(need)).collect();
        let mut bases: Vec<&str> = Vec::new();
        for base in &image.bases {
            if !bases.contains(&base.image.as_str()) {
                bases.push(&base.image);
            }
        }
        let fixed = image.references.iter().find(|tag| tag.tag.stability == Stability::Fixed);
        let tag = fixed.or(image.references.first()).map(|tag| tag.tag.text.clone());
        table.row([
            Cell::from(name(image, several)).paint(Paint::Strong),
            or_none(needs.join(", ")),
            or_none(bases.join(", ")),
            tag.map_or_else(|| Cell::from("no").paint(Paint::Faint), Cell::from),
        ]);
    }
    table
}

/// Returns a table with a row for each line that names an external image.
fn base_table(images: &[ImageReport]) -> Table {
    let mut table = Table::new([
        Column::new("base"),
        Column::new("named in").cut_to(24).path(),
        // The number of a patch is enough to name it.
        Column::new("by").cut_to(5),
        Column::new("images").cut_to(8),
    ]);
    let mut rows: Vec<(&str, String, &str, Vec<&str>)> = Vec::new();
    for image in images {
        for base in &image.bases {
            let place = format!("{}/{}:{}", image.upstream, base.file, base.line);
            match rows.iter_mut().find(|(name, at, ..)| *name == base.image && *at == place) {
                Some((.., names)) => names.push(&image.image),
                None => {
                    let by = base.patch.as_deref().unwrap_or("upstream");
                    rows.push((&base.image, place, by, vec![&image.image]));
                }
            }
        }
    }
    rows.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    for (base, place, by, names) in rows {
        table.row([
            Cell::from(base).paint(Paint::Strong),
            Cell::from(place),
            Cell::from(by),
            Cell::from(names.join(", ")),
        ]);
    }
    table
}
