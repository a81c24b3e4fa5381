//! `patchq image`.

mod allow;
mod build;
mod builder;
mod clean;
mod list;
mod load;
mod output;
mod run;
mod staging;

pub(super) use builder::{programs, with_sources};
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
    Build(build::Args),
    Clean(clean::Args),
}

impl Args {
    /// Returns the name of the JSON document.
    pub(super) const fn command(&self) -> &'static str {
        match self.command {
            Command::List(_) => "image-list",
            Command::Build(_) => "image-build",
            Command::Clean(_) => "image-clean",
        }
    }
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    match args.command {
        Command::List(args) => list::run(context, args),
        Command::Build(args) => build::run(context, args),
        Command::Clean(args) => clean::run(context, args),
    }
}
