//! `patchq status`.

/// Show where every upstream stands
///
/// One line per upstream: pin and version, how many patches, and how patch files and checkout compare. With names,
/// their patches are listed too. Never uses the network.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The upstreams, with their patches (none: all, in a table)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
}

pub(super) fn run(
    _context: &super::context::Context,
    _args: Args,
) -> Result<super::failure::Exit, super::failure::CliError> {
    Err(super::failure::CliError::plain("internal", "not built yet"))
}
