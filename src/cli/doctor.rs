//! `patchq doctor`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit};
use super::image::{programs, with_sources};
use crate::container::{BuilderKind, Found, NotFound, find_all};
use crate::git::ProgramError;
use crate::ui::{Cell, Column, Message, Paint, Table};

/// Check the programs that patchq uses
///
/// Lists git and the image builders: which version is there, whether it works, and
/// what it is needed for. It installs nothing and changes nothing.
///
/// Without a builder only `patchq image build` and `patchq image clean` cannot be
/// used. The exit code is 4 if something is missing that this workspace needs:
/// git, or any builder if the manifest has images.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq doctor
  patchq doctor --json"
)]
pub(super) struct Args {}

/// How a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Works,
    Missing,
    Broken,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            State::Works => "works",
            State::Missing => "missing",
            State::Broken => "does not work",
        }
    }
}

#[derive(Debug, Serialize)]
struct Check {
    program: &'static str,
    state: State,
    version: Option<String>,
    /// What it is for.
    used_for: String,
    /// Whether this workspace cannot do without it, and has no other.
    needed: bool,
    /// What is wrong with it.
    problem: Option<String>,
}

#[derive(Debug, Serialize)]
struct Document {
    programs: Vec<Check>,
}

pub(super) fn run(context: &Context, _: Args) -> Result<Exit, CliError> {
    let mut checks = vec![git(context)];
    let has_images = match context.workspace() {
        Ok(workspace) => workspace.manifest.upstreams.iter().any(|upstream| !upstream.images.is_empty()),
        // Programs can be looked at everywhere.
        Err(_) => false,
    };
    let builders = find_all(&programs(), context.stop());
    context.check_stop()?;
    let chosen = builders.iter().find(|(_, found)| found.is_ok()).map(|(kind, _)| *kind);
    checks.extend(builders.iter().map(|(kind, found)| builder(*kind, found, chosen, has_images)));
    let missing: Vec<&Check> = checks.iter().filter(|check| check.needed && check.state != State::Works).collect();
    let exit = if missing.is_empty() { Exit::Done } else { Exit::CheckSaidNo };
    let no_builder = has_images && chosen.is_none();
    if context.json {
        context.document(Document { programs: checks }, None)?;
        return Ok(exit);
    }
    context.out(&table(&checks).render(&context.look));
    if no_builder {
        let message = Message::warning("no builder works, and the manifest has images");
        let message = message.hint("Debian 12 and later, Ubuntu: apt-get install buildah");
        context.say(&message.hint("docker needs its daemon, and from 23.0 on the package docker-buildx"));
    }
    Ok(exit)
}

fn git(context: &Context) -> Check {
    let (state, version, problem) = match context.git_unchecked().check() {
        Ok(version) => (State::Works, Some(version.to_string()), None),
        Err(error @ ProgramError::NotFound(_)) => (State::Missing, None, Some(with_sources(&error))),
        Err(error) => (State::Broken, None, Some(with_sources(&error))),
    };
    Check { program: "git", state, version, used_for: "everything".to_owned(), needed: true, problem }
}

fn builder(kind: BuilderKind, found: &Found, chosen: Option<BuilderKind>, has_images: bool) -> Check {
    let (state, version, problem) = match found {
        Ok(builder) => (State::Works, Some(builder.versions()), None),
        Err(error @ NotFound::NotInstalled(_)) => (State::Missing, None, Some(error.to_string())),
        Err(error) => (State::Broken, None, Some(with_sources(error))),
    };
    let used_for = match chosen {
        Some(chosen) if chosen == kind => "image build".to_owned(),
        Some(_) if state == State::Works => format!("image build --builder {kind}"),
        _ => "image build".to_owned(),
    };
    Check { program: kind.word(), state, version, used_for, needed: has_images && chosen.is_none(), problem }
}

fn table(checks: &[Check]) -> Table {
    let mut table = Table::new([
        Column::new("program"),
        Column::new("version").cut_to(10),
        Column::new("state").cut_to(20),
        Column::new("used for").cut_to(10),
    ]);
    for check in checks {
        let paint = match check.state {
            State::Works => Paint::Good,
            State::Missing | State::Broken if check.needed => Paint::Bad,
            State::Missing | State::Broken => Paint::Faint,
        };
        let state = match (&check.problem, check.state) {
            (Some(problem), State::Broken) => format!("{}: {problem}", check.state.word()),
            _ => check.state.word().to_owned(),
        };
        table.row([
            Cell::from(check.program).paint(Paint::Strong),
            Cell::from(check.version.clone().unwrap_or_else(|| "-".to_owned())),
            Cell::from(state).paint(paint),
            Cell::from(check.used_for.clone()),
        ]);
    }
    table
}
