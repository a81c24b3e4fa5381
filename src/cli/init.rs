//! `patchq init`.

use std::path::PathBuf;

/// Make a workspace
///
/// Writes an `upstreams.toml` to fill in, and the lines of `.gitignore` and `.gitattributes` that keep checkouts out
/// of your commits and patch files byte for byte. Nothing that exists is overwritten.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The folder (left out: this one)
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

pub(super) fn run(
    _context: &super::context::Context,
    _args: Args,
) -> Result<super::failure::Exit, super::failure::CliError> {
    Err(super::failure::CliError::plain("internal", "not built yet"))
}
