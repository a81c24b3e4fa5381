//! `patchq verify`.

/// Check that the workspace is in order
///
/// For CI and pre-commit. Every patch applies on its pin at the place it says, `export` would rewrite nothing, and
/// series, names, pins, versions and ignore files are in order. Works without the network when the store has the
/// objects. Exit 4 when a check says no.
///
/// A hunk that applies only at another line is a warning (an error with --strict). --canonical also wants every
/// patch file in the form patchq writes. --fix puts right what it can: form, offsets, a stale version, missing lines
/// of .gitignore and .gitattributes.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
As a pre-commit hook of the workspace:
  printf '#!/bin/sh\\nexec patchq verify --offline\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit"
)]
pub(super) struct Args {
    /// The upstreams (none: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Hunks that apply only at another line are errors
    #[arg(long)]
    pub(super) strict: bool,
    /// Patch files must be in canonical form
    #[arg(long)]
    pub(super) canonical: bool,
    /// Put right what can be
    #[arg(long)]
    pub(super) fix: bool,
}

pub(super) fn run(
    _context: &super::context::Context,
    _args: Args,
) -> Result<super::failure::Exit, super::failure::CliError> {
    Err(super::failure::CliError::plain("internal", "not built yet"))
}
