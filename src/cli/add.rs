//! `patchq add`.

/// Add an upstream and pin it
///
/// Writes the entry to `upstreams.toml`, finds the commit to stand on and its version, and writes both to
/// `commits/`. Asks on a terminal for what is missing. For an entry that is in the manifest without a pin it only
/// sets the pin.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq add kubeflow https://github.com/kubeflow/kubeflow.git --track v1.6-branch
  patchq add ray https://github.com/ray-project/ray.git --pin ray-1.11.0
  patchq add kubeflow --pin v1.6.1          the entry exists: set its pin"
)]
pub(super) struct Args {
    /// The upstream's name: lower case, digits, `.`, `_`, `-`
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Where its repository is
    #[arg(value_name = "URL")]
    pub(super) url: Option<String>,
    /// What refresh follows: a branch, a tag, a glob over tags (left out: the remote's HEAD branch)
    #[arg(long, value_name = "T")]
    pub(super) track: Option<String>,
    /// The commit to stand on: an id, a tag, a branch (left out: the tip of the track)
    #[arg(long, value_name = "REV")]
    pub(super) pin: Option<String>,
}

pub(super) fn run(
    _context: &super::context::Context,
    _args: Args,
) -> Result<super::failure::Exit, super::failure::CliError> {
    Err(super::failure::CliError::plain("internal", "not built yet"))
}
