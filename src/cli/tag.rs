//! `patchq tag`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::hint;
use super::image::builds;
use crate::image::{ReferenceError, TagError};
use crate::path::nearest;
use crate::report::{Builds, FailureKind, ImageTag, TagsError, UpstreamTags, tags};
use crate::ship::ValuesError;
use crate::ui::Message;
use crate::workspace::FilesError;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::Upstream;

/// Print the image tags
///
/// Prints one reference per line (REGISTRY/IMAGE:TAG), from the manifest's `tags`
/// templates, the pin, its version and the queue. It needs only the workspace's
/// files: no store, no checkout, no network. Only {date} and {build} need the
/// pin's commit in the store. For an upstream without images it prints the bare
/// tags.
///
/// It is an error if the version belongs to another pin (after the pin was edited
/// by hand): `patchq verify --fix` corrects it. With --json each tag is marked
/// `fixed` (it contains {queue} or {build}, so a changed queue never gets the same
/// tag) or `moving`.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq tag kubeflow
  patchq tag kubeflow --image notebook-controller"
)]
pub(super) struct Args {
    /// The upstreams (default: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Print only the tags of this image
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
}

#[derive(Debug, Serialize)]
struct Document {
    upstreams: Vec<UpstreamTags>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let Args { names, image } = args;
    let workspace = context.workspace()?;
    let mut upstreams = context.upstreams(&workspace, &names)?;
    let image = image.as_deref();
    if let Some(image) = image {
        known_image(&upstreams, image)?;
        upstreams.retain(|upstream| upstream.images.iter().any(|known| known.name == image));
    }
    let mut all = context.each(&upstreams, |upstream| {
        let digits = builds(context, &workspace, upstream)?;
        let builds = Builds { digits: digits.as_ref(), day: None };
        let tags = tags(&workspace, upstream, image, builds).map_err(|error| failed(upstream, &error))?;
        Ok((Exit::Done, tags))
    });
    if let Err(error) = same_twice(&all.results) {
        context.say(&error.message());
        all.exit = all.exit.min(error.exit);
        all.failed.get_or_insert(error);
        all.results.clear();
    }
    for upstream in all.results.iter().filter(|upstream| upstream.references.iter().any(|tag| tag.image.is_none())) {
        let text = format!("{}: {MANIFEST} has no images for it; these are the bare tags", upstream.name);
        context.say(&Message::note(text));
    }
    if context.json {
        context.document(Document { upstreams: all.results }, all.failed.as_ref())?;
    } else {
        let lines: String = all.results.iter().flat_map(|upstream| &upstream.references).map(line).collect();
        context.out(&lines);
    }
    Ok(all.exit)
}

fn line(tag: &ImageTag) -> String {
    format!("{}\n", tag.reference)
}

/// Refuses an image that none of `upstreams` has or publishes: it is a typing error.
fn known_image(upstreams: &[&Upstream], image: &str) -> Result<(), CliError> {
    let all = || upstreams.iter().flat_map(|upstream| &upstream.images);
    let known: Vec<&str> = all().filter(|one| one.publish).map(|one| one.name.as_str()).collect();
    if known.contains(&image) {
        return Ok(());
    }
    if all().any(|one| one.name == image) {
        let text = format!("the image '{}' has no tags: it is not published", shown(image));
        return Err(CliError::usage(text).hint(format!("remove its 'publish = false' from {MANIFEST}")));
    }
    let error = CliError::usage(format!("there is no image '{}' in {MANIFEST}", shown(image)));
    Err(match (nearest(image, known.iter().copied()), known.as_slice()) {
        (Some(near), _) => error.hint(hint::patchq(&["tag", "--image", near])),
        (None, []) => error.hint("images are entries [[upstream.NAME.image]]"),
        (None, known) => error.hint(format!("the images are {}", known.join(", "))),
    })
}

/// Refuses the same reference in two upstreams: one image would overwrite the other.
fn same_twice(all: &[UpstreamTags]) -> Result<(), CliError> {
    let mut seen = std::collections::HashMap::new();
    for upstream in all {
        for tag in upstream.references.iter().filter(|tag| tag.image.is_some()) {
            if let Some(first) = seen.insert(tag.reference.as_str(), upstream.name.as_str()) {
                let text = format!("'{}' is given twice, by {first} and by {}", tag.reference, upstream.name);
                return Err(CliError::plain(FailureKind::Tag, text)
                    .at(MANIFEST, None)
                    .hint(format!("change the image name, registry or tags of one of them in {MANIFEST}")));
            }
        }
    }
    Ok(())
}

pub(super) fn failed(upstream: &Upstream, error: &TagsError) -> CliError {
    let name = upstream.name.as_str();
    let overridden = format!("or set it in {MANIFEST}: version = \"1.2.3\"");
    match error {
        TagsError::Values(ValuesError::Files(error @ FilesError::NoPin { .. })) => {
            CliError::from(error).hint(hint::patchq(&["add", name, "--pin", "REV"]))
        }
        TagsError::Values(ValuesError::Files(error)) => CliError::from(error),
        TagsError::Values(ValuesError::NoVersion { file }) => CliError::of(FailureKind::Version, error)
            .at(file.clone(), None)
            .hint(hint::patchq(&["verify", "--fix", name]))
            .hint(overridden),
        TagsError::Values(ValuesError::Stale { .. }) => CliError::of(FailureKind::Version, error)
            .at(format!("commits/{name}.version.txt"), Some(1))
            .hint(hint::patchq(&["verify", "--fix", name])),
        TagsError::Values(ValuesError::Binary { patch, line, .. }) => CliError::of(FailureKind::Patch, error)
            .at(format!("patches/{name}/{patch}"), Some(*line))
            .hint("make the patch again with 'git diff --binary --full-index'"),
        TagsError::Reference(reference) => {
            let made = CliError::of(FailureKind::Tag, error).at(MANIFEST, Some(upstream.line));
            let hint = match reference {
                ReferenceError::Tag(TagError::Date { .. }) => Some(hint::patchq(&["setup", "--only", name])),
                ReferenceError::Tag(TagError::Build { .. }) => Some(format!(
                    "say what the base is in {MANIFEST}: [upstream.{name}.base.\"IMAGE\"] digest = \"sha256:…\""
                )),
                ReferenceError::Tag(TagError::Built { .. }) => Some(hint::patchq(&["image", "list", name])),
                ReferenceError::Tag(error) => error.hint(),
                _ => None,
            };
            hint.into_iter().fold(made, CliError::hint)
        }
    }
}
