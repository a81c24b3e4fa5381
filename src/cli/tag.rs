//! `patchq tag`.

/// Print the image tags
///
/// One reference per line (REGISTRY/IMAGE:TAG), made from the templates `tags` of the manifest, the pin, its version
/// and the queue. From the workspace's files alone: no store, no checkout, no network. Only {date} needs the pin's
/// commit in the store.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq tag kubeflow
  patchq tag kubeflow --image notebook-controller"
)]
pub(super) struct Args {
    /// The upstreams (none: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Only this image
    #[arg(long, value_name = "IMAGE")]
    pub(super) image: Option<String>,
}

pub(super) fn run(
    _context: &super::context::Context,
    _args: Args,
) -> Result<super::failure::Exit, super::failure::CliError> {
    Err(super::failure::CliError::plain("internal", "not built yet"))
}
