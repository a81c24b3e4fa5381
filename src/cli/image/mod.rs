//! `patchq image`.

mod list;
mod load;
mod staging;

pub(super) use load::builds;

use super::context::Context;
use super::failure::{CliError, Exit};

/// Work with images built from the patched sources
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    List(list::Args),
}

impl Args {
    /// Returns the name of the JSON document.
    pub(super) const fn command(&self) -> &'static str {
        match self.command {
            Command::List(_) => "image-list",
        }
    }
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    match args.command {
        Command::List(args) => list::run(context, args),
    }
}
