//! `patchq import`.

use std::path::PathBuf;

/// Take over patches that exist
///
/// PATH is a patch file (made by `git diff` or `git format-patch`), a folder of patch files, or a quilt series (the
/// folder with `series` in it, or the file itself). The files are copied byte for byte into `patches/NAME/`, the
/// commit they were made on becomes the pin, and the queue is tried on it before anything is written.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq import kubeflow.patch --commit-file kubeflow-patch-commit.txt \\
         --url https://github.com/kubeflow/kubeflow.git
  patchq import ray ../old/patches --commit ray-1.11.0"
)]
pub(super) struct Args {
    /// The upstream (left out: PATH's name without its ending), then PATH
    #[arg(value_name = "[NAME] PATH", num_args = 1..=2, required = true)]
    pub(super) name_and_path: Vec<PathBuf>,
    /// Where the upstream's repository is, for an upstream that is not in the manifest yet
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// What refresh follows, for an upstream that is not in the manifest yet
    #[arg(long, value_name = "T")]
    pub(super) track: Option<String>,
    /// A file whose only line is the commit that the patches were made on (may be abbreviated)
    #[arg(long, value_name = "F", conflicts_with = "commit")]
    pub(super) commit_file: Option<PathBuf>,
    /// The commit that the patches were made on: an id (may be abbreviated), a tag, a branch
    #[arg(long, value_name = "ID")]
    pub(super) commit: Option<String>,
}

pub(super) fn run(
    _context: &super::context::Context,
    _args: Args,
) -> Result<super::failure::Exit, super::failure::CliError> {
    Err(super::failure::CliError::plain("internal", "not built yet"))
}
