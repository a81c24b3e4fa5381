//! `patchq man`.

use std::path::PathBuf;

use super::context::Context;
use super::failure::{CliError, Exit};
use crate::report::FailureKind;

/// Print the manual page, or write all of them into a folder
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq man | man -l -
  patchq man --to ~/.local/share/man/man1"
)]
pub(super) struct Args {
    /// Write patchq.1 and a page per command into DIR
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let command = super::command_line();
    if let Some(dir) = args.to {
        let dir = context.cwd.join(dir);
        let written = std::fs::create_dir_all(&dir).and_then(|()| clap_mangen::generate_to(command, &dir));
        written.map_err(|error| CliError::io("cannot write manual pages to", &dir, &error))?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| CliError::plain(FailureKind::Io, error.to_string()))?;
    context.out_bytes(&page);
    Ok(Exit::Done)
}
