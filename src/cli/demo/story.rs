//! The demo's story on the screen.

use super::Args;
use crate::cli::context::Context;
use crate::cli::failure::{CliError, Exit};

pub(in crate::cli) fn run(_context: &Context, _args: Args) -> Result<Exit, CliError> {
    Ok(Exit::Done)
}
