//! `patchq status`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::hint;
use crate::report::{
    Bytes, OpenSession, PatchChangeWord, PatchStatus, TouchedFile, TrackState, UpstreamState, UpstreamStatus,
    VersionWord,
};
use crate::ui::{Cell, Column, Message, Paint, Table, age, count};
use crate::workspace::manifest::Upstream;
use crate::workspace::{Pending, Status, Workspace};

/// Show the state of every upstream
///
/// Prints one line per upstream: pin and version, the last known news of its
/// track, the number of patches, how patch files and checkout compare, and whether
/// a refresh waits for decisions. With names it also lists patches and
/// differences. Never uses the network; `patchq outdated` asks for news.
///
/// The states of a checkout, and what to do:
///   up to date                 patch files and checkout are equal
///   3 files changed            not committed: `patchq save NAME -m "why"`
///   2 commits to export        not exported: `patchq export NAME`
///   patch files newer: apply   pin or patches changed: `patchq apply NAME`
///   patch files newer: setup   the same, but the new pin must be fetched first
///   diverged                   both changed: `patchq export --merge NAME`
///   pristine                   set up without the queue
///   no checkout, not set up    run `patchq setup`
///   no pin                     run `patchq add NAME --pin REV`
///   rebase in progress, …      finish or abort it with git
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Upstreams to show with their patches (default: a table of all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Document {
    upstreams: Vec<UpstreamStatus>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let Args { names } = args;
    let workspace = context.workspace()?;
    let upstreams = context.upstreams(&workspace, &names)?;
    let mut failed: Option<CliError> = None;
    let mut all = Vec::with_capacity(upstreams.len());
    for &upstream in &upstreams {
        context.check_stop()?;
        let (status, error) = look(context, &workspace, upstream);
        all.push(status);
        if let Some(error) = error {
            context.say(&error.message());
            failed.get_or_insert(error);
        }
    }
    let exit = failed.as_ref().map_or(Exit::Done, |error| error.exit);
    if context.json {
        context.document(Document { upstreams: all }, failed.as_ref())?;
        return Ok(exit);
    }
    if all.is_empty() {
        context.say_no_upstream();
    } else {
        let rows = all.iter().zip(upstreams.iter().map(|upstream| upstream.track.is_some()));
        context.out(&table(rows, context.now()).render(&context.look));
    }
    if !names.is_empty() {
        for status in &all {
            context.out(&details(context, status));
        }
    }
    Ok(exit)
}

fn look(context: &Context, workspace: &Workspace, upstream: &Upstream) -> (UpstreamStatus, Option<CliError>) {
    let name = upstream.name.as_str();
    // If git cannot repair it, this is reported as an error of this upstream below.
    let _ = context.upstream_store(workspace, upstream);
    let (standing, error) = context.step_context("status", |ctx| Status::read(workspace, upstream, ctx));
    match &standing.pending {
        Pending::Nothing => {}
        Pending::Finished(kind) => context.tell(&format!("{name}: finished an interrupted '{kind}'")),
        Pending::Left(kind) => context.say(&Message::note(format!(
            "{name}: an interrupted '{kind}' is not finished; the next command that can write here will finish it"
        ))),
    }
    let error = error.map(|error| CliError::queue(name, error));
    let status = UpstreamStatus::new(name, &standing, error.as_ref().map(CliError::failure));
    (status, error)
}

/// `rows`: each upstream, and whether it has a track.
fn table<'a>(rows: impl Iterator<Item = (&'a UpstreamStatus, bool)>, now: i64) -> Table {
    let mut table = Table::new([
        Column::new("upstream").cut_to(12),
        Column::new("pin"),
        Column::new("version").cut_to(12),
        Column::new("news").cut_to(12).optional(1),
        Column::new("patches").right(),
        Column::new("checkout").cut_to(24),
        Column::new("session"),
    ]);
    for (status, has_track) in rows {
        let stale = if status.version_state == Some(VersionWord::Stale) { " (stale)" } else { "" };
        let paint = match status.state {
            UpstreamState::Error => Paint::Bad,
            _ if status.is_in_step() => Paint::Good,
            _ => Paint::Careful,
        };
        table.row([
            Cell::from(&status.name).paint(Paint::Strong),
            Cell::from(status.pin.map_or_else(|| "-".to_owned(), |pin| pin.short(8))),
            Cell::from(status.version.as_ref().map_or_else(|| "-".to_owned(), |version| format!("{version}{stale}"))),
            news(status, has_track, now),
            Cell::from(status.patches.as_ref().map_or_else(|| "-".to_owned(), |patches| patches.len().to_string())),
            Cell::from(&status.words).paint(paint),
            Cell::from(status.session.as_ref().map(OpenSession::words).unwrap_or_default()).paint(Paint::Careful),
        ]);
    }
    table
}

/// Returns the cached tip of the track, and its age.
fn news(status: &UpstreamStatus, has_track: bool, now: i64) -> Cell {
    let Some(news) = &status.news else {
        let words = if !has_track {
            "no track"
        } else if status.pin.is_none() {
            "-"
        } else {
            "not checked yet"
        };
        return Cell::from(words).paint(Paint::Faint);
    };
    let age = age(news.asked, now);
    let newest = &news.newest;
    match (news.state, &newest.version) {
        (TrackState::UpToDate, _) => Cell::from(format!("up to date, {age}")).paint(Paint::Good),
        (TrackState::TagMoved, _) => Cell::from(format!("tag moved ({age})")).paint(Paint::Bad),
        (TrackState::Ahead, _) => Cell::from(format!("pin is ahead, {age}")),
        (_, Some(version)) => Cell::from(format!("{version} is out ({age})")).paint(Paint::Careful),
        (_, None) => {
            let name = newest.ref_name.strip_prefix("refs/heads/").unwrap_or(&newest.ref_name);
            Cell::from(format!("{name} moved ({age})")).paint(Paint::Careful)
        }
    }
}

/// Returns what `status NAME` shows in addition to its line.
fn details(context: &Context, status: &UpstreamStatus) -> String {
    let mut out = String::new();
    for patch in status.patches.iter().flatten() {
        out.push('\n');
        out.push_str(&patch_lines(context, patch));
    }
    let mut section = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let title = context.look.paint(Paint::Strong, &format!("{} {title}:", status.name));
            out.push_str(&format!("\n{title}\n"));
            lines.iter().for_each(|line| out.push_str(&format!("  {line}\n")));
        }
    };
    let files = status.files.iter().map(|news| format!("{:<10}  {}", news.change.word(), news.file));
    section("files newer than the checkout", files.collect());
    let commits = status.commits.iter().zip(&status.subjects);
    let commits = commits.map(|(id, subject)| format!("{}  {}", id.short(8), shown(&subject.0)));
    section("commits not exported yet", commits.collect());
    let changes = status.changes.iter().map(|news| format!("{:<10}  {}", news.change.word(), shown(&news.path.0)));
    section("uncommitted changes", changes.collect());
    if let Some(session) = &status.session {
        let mut lines = vec![match &session.error {
            Some(error) => shown(error.as_bytes()),
            None => format!("a refresh {}", session.words()),
        }];
        lines.extend(hint::ways(&status.name, ["continues the refresh", "abandons the refresh"]));
        section("session", lines);
    }
    out
}

fn patch_lines(context: &Context, patch: &PatchStatus) -> String {
    let mut out = context.look.paint(Paint::Strong, &patch.file);
    out.push('\n');
    if !patch.subject.0.is_empty() {
        out.push_str(&format!("  {}\n", shown(&patch.subject.0)));
    }
    let mut table = Table::new([
        Column::new(""),
        Column::new("").right(),
        Column::new("").right(),
        Column::new("").cut_to(20),
        Column::new(""),
    ]);
    for file in &patch.files {
        let number =
            |sign: &str, lines: Option<usize>| lines.map_or_else(|| "bin".to_owned(), |n| format!("{sign}{n}"));
        table.row([
            Cell::from(" "),
            Cell::from(number("+", file.added)).paint(Paint::Good),
            Cell::from(number("-", file.removed)).paint(Paint::Bad),
            Cell::new(&file.path.0),
            Cell::from(how(file)).paint(Paint::Faint),
        ]);
    }
    out.push_str(&table.render(&context.look));
    if patch.files.len() > 1 {
        let sum = |of: fn(&TouchedFile) -> Option<usize>| patch.files.iter().filter_map(of).sum::<usize>();
        let files = count(patch.files.len(), "file", "files");
        out.push_str(&format!("  {files}, +{} -{}\n", sum(|file| file.added), sum(|file| file.removed)));
    }
    out
}

/// Describes a file's change other than its lines.
fn how(file: &TouchedFile) -> String {
    let old = |old: &Option<Bytes>| old.as_ref().map(|old| shown(&old.0)).unwrap_or_default();
    match file.change {
        PatchChangeWord::Add => "new".to_owned(),
        PatchChangeWord::Delete => "deleted".to_owned(),
        PatchChangeWord::Rename => format!("renamed from {}", old(&file.old_path)),
        PatchChangeWord::Copy => format!("copied from {}", old(&file.old_path)),
        PatchChangeWord::Modify => String::new(),
    }
}
