//! `patchq schema`, hidden: for editors and for the documentation.

use super::context::Context;
use super::failure::{CliError, Exit};

/// Print the JSON schema of upstreams.toml
#[derive(clap::Args, Debug)]
pub(super) struct Args {}

pub(super) fn run(context: &Context, _args: Args) -> Result<Exit, CliError> {
    context.out(&crate::workspace::manifest_schema());
    Ok(Exit::Done)
}
