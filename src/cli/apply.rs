//! `patchq apply`.

use super::context::Context;
use super::failure::{CliError, Exit};
use super::setup::{finish, settle_all};
use crate::workspace::Wish;

/// Bring checkouts to what the patch files say
///
/// After `git pull` or a hand edit of a patch file: the queue is applied anew, in
/// memory, and the checkout follows. Never uses the network. Refuses rather than
/// lose a change, as `setup` does.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  git pull && patchq apply        take what colleagues changed
  patchq apply kubeflow           one upstream"
)]
pub(super) struct Args {
    /// The upstreams (none: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let upstreams = context.upstreams(&workspace, &args.names)?;
    if upstreams.is_empty() && !context.json {
        context.say_no_upstream();
    }
    let wish = Wish { pristine: false, discard: false, checkout: false };
    let all = settle_all(context, &workspace, &upstreams, wish, "apply", true);
    finish(context, all)
}
