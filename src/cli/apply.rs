//! `patchq apply`.

use super::context::Context;
use super::failure::{CliError, Exit};
use super::setup::{finish, setup_all};
use crate::workspace::SetupOptions;

/// Update checkouts to the patch files
///
/// Use it after `git pull`, or after you edited a patch file: it applies the queue
/// again in memory and updates the checkout. Never uses the network. Like `setup`,
/// it refuses if it would lose a change.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  git pull && patchq apply        apply what colleagues changed
  patchq apply kubeflow           update one checkout"
)]
pub(super) struct Args {
    /// The upstreams (default: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let upstreams = context.upstreams(&workspace, &args.names)?;
    if upstreams.is_empty() && !context.json {
        context.say_no_upstream();
    }
    let options = SetupOptions { pristine: false, discard: false, checkout: false };
    let all = setup_all(context, &workspace, &upstreams, options, "apply", true);
    finish(context, all)
}
