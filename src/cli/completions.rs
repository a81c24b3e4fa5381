//! `patchq completions`.

use clap_complete::Shell;

use super::context::Context;
use super::failure::{CliError, Exit};

/// Print a completion script for a shell
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq completions bash > ~/.local/share/bash-completion/completions/patchq
  patchq completions zsh > \"${fpath[1]}/_patchq\"
  patchq completions fish > ~/.config/fish/completions/patchq.fish"
)]
pub(super) struct Args {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command_line(), "patchq", &mut script);
    context.out_bytes(&script);
    Ok(Exit::Done)
}
