//! The command line: parses arguments, runs a command, and returns an exit code. Each command has one file: its
//! arguments, whose doc comments are the manual, and `run`.

mod add;
mod add_like;
mod apply;
mod blame;
mod completions;
mod context;
pub mod demo;
mod diff_upstream;
mod doctor;
pub mod editor;
mod entry;
mod errors;
mod export;
mod failure;
mod hint;
mod identity;
mod image;
mod import;
mod init;
mod kill_points;
mod log;
mod man;
mod message;
mod outcomes;
mod outdated;
mod pager;
mod patch_files;
mod queue_errors;
mod refresh;
mod report_file;
mod resolutions;
mod save;
mod save_also;
mod schema;
mod session;
mod setup;
mod status;
mod tag;
mod undo;
mod upstreams;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::ui::ColourChoice;
use context::Context;
use failure::{CliError, Exit};

/// Keep a downstream patch queue on top of upstream git repositories
///
/// patchq keeps your patches for other people's software. A workspace is your own
/// git repository with `upstreams.toml` in it. For each upstream it has a pinned
/// commit (the pin, in `commits/`), patch files in order (the queue, in
/// `patches/`), and a checkout with the queue applied. Plain git works in a
/// checkout.
///
/// The daily loop:
///   patchq setup .                     check everything out, patched
///   (edit files in kubeflow/)
///   patchq save kubeflow -m "why"      save the edits as a patch file
///   git add -A && git commit           commit the patch file yourself
///
/// Run `patchq demo` for a tour, `patchq init` to start a workspace, and `patchq
/// import` to import existing patches.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 stopped on conflicts, 4 a check
/// said no, 130 interrupted.
#[derive(Parser, Debug)]
#[command(name = "patchq", version, max_term_width = 100, verbatim_doc_comment, disable_help_subcommand = false)]
#[command(subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(clap::Args, Debug, Clone)]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// Run as if patchq was started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    directory: Option<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    /// Print only errors, warnings and requested output
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more details; -vv also logs every step, for bug reports
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// When to colour: auto, always or never
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_default_value = true)]
    color: Colour,
    /// Never use the network
    #[arg(long, global = true)]
    offline: bool,
}

#[derive(clap::ValueEnum, Debug, Clone, Copy)]
enum Colour {
    Auto,
    Always,
    Never,
}

impl From<Colour> for ColourChoice {
    fn from(colour: Colour) -> ColourChoice {
        match colour {
            Colour::Auto => ColourChoice::Auto,
            Colour::Always => ColourChoice::Always,
            Colour::Never => ColourChoice::Never,
        }
    }
}

#[derive(Subcommand, Debug)]
enum Command {
    Init(init::Args),
    Add(add::Args),
    Import(import::Args),
    Setup(setup::Args),
    Status(status::Args),
    Apply(apply::Args),
    Save(save::Args),
    Export(export::Args),
    Refresh(refresh::Args),
    DiffUpstream(diff_upstream::Args),
    Resolutions(resolutions::Args),
    Outdated(outdated::Args),
    Verify(verify::Args),
    Tag(tag::Args),
    Image(image::Args),
    Undo(undo::Args),
    Doctor(doctor::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
    #[command(hide = true)]
    Schema(schema::Args),
}

impl Command {
    /// Returns the name as it is typed, which also names the command's JSON document.
    const fn name(&self) -> &'static str {
        match self {
            Command::Init(_) => "init",
            Command::Add(_) => "add",
            Command::Import(_) => "import",
            Command::Setup(_) => "setup",
            Command::Status(_) => "status",
            Command::Apply(_) => "apply",
            Command::Save(_) => "save",
            Command::Export(_) => "export",
            Command::DiffUpstream(_) => "diff-upstream",
            Command::Verify(_) => "verify",
            Command::Refresh(_) => "refresh",
            Command::Resolutions(_) => "resolutions",
            Command::Outdated(_) => "outdated",
            Command::Tag(_) => "tag",
            Command::Image(args) => args.command(),
            Command::Undo(_) => "undo",
            Command::Doctor(_) => "doctor",
            Command::Demo(_) => "demo",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
            Command::Schema(_) => "schema",
        }
    }

    fn run(self, context: &Context) -> Result<Exit, CliError> {
        match self {
            Command::Init(args) => init::run(context, args),
            Command::Add(args) => add::run(context, args),
            Command::Import(args) => import::run(context, args),
            Command::Setup(args) => setup::run(context, args),
            Command::Status(args) => status::run(context, args),
            Command::Apply(args) => apply::run(context, args),
            Command::Save(args) => save::run(context, args),
            Command::Export(args) => export::run(context, args),
            Command::DiffUpstream(args) => diff_upstream::run(context, args),
            Command::Verify(args) => verify::run(context, args),
            Command::Refresh(args) => refresh::run(context, args),
            Command::Resolutions(args) => resolutions::run(context, args),
            Command::Outdated(args) => outdated::run(context, args),
            Command::Tag(args) => tag::run(context, args),
            Command::Image(args) => image::run(context, args),
            Command::Undo(args) => undo::run(context, args),
            Command::Doctor(args) => doctor::run(context, args),
            Command::Demo(args) => demo::run(context, args),
            Command::Completions(args) => completions::run(context, args),
            Command::Man(args) => man::run(context, args),
            Command::Schema(args) => schema::run(context, args),
        }
    }
}

/// Runs patchq with the process's arguments and environment.
#[must_use]
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return failure::usage(&error, &arguments),
    };
    let name = cli.command.name();
    let exit = match Context::new(&cli.global, name) {
        Ok(context) => {
            tracing::info!(version = env!("CARGO_PKG_VERSION"), folder = ?context.cwd, command_line = ?&arguments[1..], "begins");
            let exit = context.end(cli.command.run(&context));
            tracing::info!(exit = exit.code(), "ends");
            exit
        }
        Err(error) => failure::before_context(&error, &cli.global, name),
    };
    ExitCode::from(exit.code())
}

/// Returns the command line for clap, for completions, manual pages, and for checking whether a command line is valid.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::command_line;

    /// The texts are wrapped by hand, because clap wraps wide lines in the middle of a paragraph or a table.
    #[test]
    fn the_manual_fits_a_terminal_of_80_columns() {
        let top = command_line();
        let mut commands = vec![&top];
        while let Some(command) = commands.pop() {
            commands.extend(command.get_subcommands());
            let texts = [command.get_long_about(), command.get_after_help()];
            for line in texts.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("\n").lines() {
                assert!(line.chars().count() <= 79, "{}: {line}", command.get_name());
            }
        }
    }
}
