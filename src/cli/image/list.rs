//! `patchq image list`.

use serde::Serialize;

use super::super::context::Context;
use super::super::failure::{CliError, Exit};
use super::load::{Loaded, Wish, load};
use crate::image::{Stability, build_day};
use crate::report::{ImageReport, matrix};
use crate::ship::ShipImage;
use crate::ui::{Cell, Column, Message, Paint, Table};
use crate::workspace::files::layout::MANIFEST;

/// Show what is built from what
///
/// The images in the order in which they can be built, from the entries
/// [[upstream.NAME.image]] of the manifest and the FROM lines of the patched
/// Dockerfiles: which images of the workspace each one needs, and which images
/// from elsewhere it stands on. From the store alone: no builder, no network.
///
/// --bases lists the images from elsewhere: which images stand on each, the file
/// and line that name it, and the patch that put it there. --format
/// github-matrix prints a matrix for GitHub Actions, one row for each group of
/// images that are built on one another.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq image list
  patchq image list kubeflow:jupyter-scipy
  patchq image list --bases"
)]
pub(super) struct Args {
    /// Images (NAME or UPSTREAM:NAME) or upstreams, with the images they need (none: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// List the images from elsewhere
    #[arg(long)]
    bases: bool,
    /// Print for another program: github-matrix
    #[arg(long, value_name = "FORMAT", conflicts_with = "bases")]
    format: Option<Format>,
}

#[derive(clap::ValueEnum, Debug, Clone, Copy)]
enum Format {
    GithubMatrix,
}

#[derive(Debug, Serialize)]
struct Document {
    images: Vec<ImageReport>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    if args.format.is_some() && context.json {
        return Err(CliError::usage("--format and --json are two forms of one answer; choose one"));
    }
    let workspace = context.workspace()?;
    let day = build_day(context.build_time()?);
    let loaded = load(context, &workspace, &args.names, Wish { fetch: false, day: Some(&day) })?;
    let images: Vec<ImageReport> = loaded.plan.images.iter().map(|image| report(&loaded, image)).collect();
    if context.json {
        context.document(Document { images }, None)?;
    } else if let Some(Format::GithubMatrix) = args.format {
        context.out(&format!("{}\n", matrix(&images)));
    } else if images.is_empty() {
        context
            .say(&Message::note(format!("{MANIFEST} has no images")).hint("docs/manifest.md: [[upstream.NAME.image]]"));
    } else {
        let table = if args.bases { base_table(&images) } else { image_table(&images) };
        context.out(&table.render(&context.look));
    }
    Ok(Exit::Done)
}

fn report(loaded: &Loaded<'_>, image: &ShipImage<'_>) -> ImageReport {
    ImageReport::new(image, loaded.references(&image.planned))
}

/// The image's name; with its upstream where there are several.
fn name(image: &ImageReport, several: bool) -> String {
    if several { format!("{}:{}", image.upstream, image.image) } else { image.image.clone() }
}

fn several(images: &[ImageReport]) -> bool {
    images.iter().any(|image| image.upstream != images[0].upstream)
}

fn image_table(images: &[ImageReport]) -> Table {
    let mut table = Table::new([
        // Names of images often differ only at their ends, so they stay whole.
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

/// A row for each line that names an image from elsewhere.
fn base_table(images: &[ImageReport]) -> Table {
    let mut table = Table::new([
        Column::new("base"),
        Column::new("named in").cut_to(24).path(),
        // The number of a patch names it.
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
