//! `patchq undo`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::hint;
use super::session::tell_open;
use crate::report::FailureKind;
use crate::ui::{Cell, Column, Message, Table, age};
use crate::workspace::files::layout::Scope;
use crate::workspace::ops::undo::{UndoRecord, list, sort_last_first, undo};
use crate::workspace::{Stuck, UpstreamStore, Workspace, take_stuck_back};

/// Undo the last command that changed something
///
/// Undoes the last refresh, save, export, import, add, setup --discard or verify
/// --fix of an upstream: patch files, pin, manifest lines and checkout. An
/// interrupted step that cannot be finished is undone first. It refuses, and says
/// why, if files or checkout have changed since. The last 20 changes can be
/// undone.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq undo                     undo the last change
  patchq undo kubeflow --list     list the changes that can be undone"
)]
pub(super) struct Args {
    /// The upstream (default: the only one with changes; asks if there are several)
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// List the changes that can be undone
    #[arg(long)]
    pub(super) list: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    changes: Vec<Change>,
    /// The step that was reverted because it could not be finished.
    interrupted: Option<Interrupted>,
}

/// A step that was reverted before it was finished.
#[derive(Debug, Serialize)]
struct Interrupted {
    /// `None`: the workspace's own.
    upstream: Option<String>,
    /// `None`: its record could not be read.
    command: Option<String>,
    set_aside: bool,
    /// The parts in neither their old nor their new state.
    left: Vec<String>,
    kept_in: Option<String>,
}

/// A change that was, or can be, reverted.
#[derive(Debug, Serialize)]
struct Change {
    upstream: String,
    command: String,
    time: i64,
    files: Vec<String>,
    /// The notes about it: why patches left the queue.
    notes: Vec<String>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let (workspace, stuck) = context.workspace_and_stuck(&context.cwd)?;
    if !args.list
        && let Some(key) = stuck_step(&stuck, args.name.as_deref())?
    {
        return take_back(context, &workspace, &key);
    }
    let names: Vec<String> = args.name.into_iter().collect();
    let upstreams = context.upstreams(&workspace, &names)?;
    let mut all: Vec<(UpstreamStore<'_>, Vec<UndoRecord>)> = Vec::new();
    for upstream in upstreams {
        if let Some(upstream) = context.upstream_store(&workspace, upstream)? {
            let kept = list(&upstream)?;
            all.push((upstream, kept));
        }
    }
    if args.list {
        return show(context, &all);
    }
    let Some(upstream) = chosen(context, &all)? else {
        context.tell("nothing was undone");
        if context.json {
            context.document(Document { changes: Vec::new(), interrupted: None }, None)?;
        }
        return Ok(Exit::Done);
    };
    let name = upstream.name().to_string();
    let undone =
        context.step_context("undo", |ctx| undo(upstream, ctx)).map_err(|error| CliError::undo(&name, error))?;
    context.tell(&format!("{name}: undid '{}'", shown(undone.kept.command.as_bytes())));
    for (file, there) in &undone.files {
        context.tell(&format!("{name}: {}  {file}", if *there { "restored" } else { "removed" }));
    }
    tell_open(context, &workspace, upstream.name())?;
    if context.json {
        context.document(Document { changes: vec![change(&name, &undone.kept)], interrupted: None }, None)?;
    }
    Ok(Exit::Done)
}

/// Returns the upstream whose last change will be reverted; if there are several, the user must choose. `None`: the
/// user said no.
fn chosen<'a, 'w>(
    context: &Context,
    all: &'a [(UpstreamStore<'w>, Vec<UndoRecord>)],
) -> Result<Option<&'a UpstreamStore<'w>>, CliError> {
    let mut last: Vec<(&UpstreamStore<'_>, &UndoRecord)> =
        all.iter().filter_map(|(upstream, kept)| Some((upstream, kept.first()?))).collect();
    sort_last_first(&mut last, |(_, kept)| kept);
    let said = |(upstream, kept): &(&UpstreamStore<'_>, &UndoRecord)| {
        format!("'{}' of {} ({})", shown(kept.command.as_bytes()), upstream.name(), age(kept.time, context.now()))
    };
    match last.as_slice() {
        [] => {
            let error = CliError::plain(FailureKind::Undo, "nothing to undo");
            Err(if let [(upstream, _)] = all { error.in_upstream(upstream.name().as_str()) } else { error })
        }
        [(upstream, _)] => Ok(Some(upstream)),
        [newest, ..] if context.asker.can_ask() && !context.json => {
            Ok(context.confirm(&format!("undo {}?", said(newest)), false)?.then_some(newest.0))
        }
        [newest, ..] => {
            let text = format!("several upstreams have changes to undo, the last one is {}; name one", said(newest));
            let hint = |(upstream, kept): &(&UpstreamStore<'_>, &UndoRecord)| {
                let (command, age) = (shown(kept.command.as_bytes()), age(kept.time, context.now()));
                hint::noted(hint::patchq(&["undo", upstream.name().as_str()]), format!("{command}, {age}"))
            };
            Err(last.iter().map(hint).fold(CliError::usage(text), CliError::hint))
        }
    }
}

/// Returns the owner of the interrupted step that is reverted before any finished change: NAME's, or the only one.
fn stuck_step(stuck: &[Stuck], name: Option<&str>) -> Result<Option<String>, CliError> {
    let name = name.map(|name| name.trim_end_matches('/'));
    let of = |step: &&Stuck| name.is_none_or(|name| step.key == name || step.key == Scope::Workspace.key());
    let steps: Vec<&Stuck> = stuck.iter().filter(of).collect();
    match steps.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.key.clone())),
        several => match several.iter().find(|step| step.key == Scope::Workspace.key()) {
            Some(own) => Ok(Some(own.key.clone())),
            None => {
                let error = CliError::usage("several upstreams have an interrupted step; name one");
                Err(several.iter().fold(error, |error, step| error.hint(hint::patchq(&["undo", step.key.as_str()]))))
            }
        },
    }
}

/// Reverts the interrupted step of `key`, and reports the result.
fn take_back(context: &Context, workspace: &Workspace, key: &str) -> Result<Exit, CliError> {
    let taken = context.step_context("undo", |ctx| take_stuck_back(workspace, key, ctx));
    let taken = taken.map_err(|error| CliError::step(key, error))?;
    let Some(taken) = taken else { return Err(CliError::plain(FailureKind::Undo, "nothing to undo").in_upstream(key)) };
    let name = if key == Scope::Workspace.key() { "the workspace" } else { key };
    let command = taken.command.as_deref().map(|command| shown(command.as_bytes()));
    let what =
        command.map_or_else(|| "an interrupted step".to_owned(), |command| format!("the interrupted '{command}'"));
    if taken.set_aside {
        context.tell(&format!("{name}: {what} is set aside; files and checkout are as they were found"));
    } else {
        context.tell(&format!("{name}: undid {what}"));
    }
    for (list, word) in [(&taken.files, ""), (&taken.left.paths, " in the checkout"), (&taken.left.refs, " (a ref)")] {
        for item in list {
            context.say(&Message::warning(format!("{name}: left as it is{word}: {item}")));
        }
    }
    if taken.left.checkout {
        context.say(&Message::warning(format!("{name}: the checkout was left as it is, because it has moved since")));
    }
    if let Some(folder) = &taken.kept_in {
        context.tell(&format!("{name}: the old and the new contents are kept in {folder}"));
    }
    if context.json {
        let interrupted = Interrupted {
            upstream: (key != Scope::Workspace.key()).then(|| key.to_owned()),
            command: taken.command,
            set_aside: taken.set_aside,
            left: taken.files.into_iter().chain(taken.left.paths).chain(taken.left.refs).collect(),
            kept_in: taken.kept_in,
        };
        context.document(Document { changes: Vec::new(), interrupted: Some(interrupted) }, None)?;
    }
    Ok(Exit::Done)
}

fn change(upstream: &str, kept: &UndoRecord) -> Change {
    Change {
        upstream: upstream.to_owned(),
        command: kept.command.clone(),
        time: kept.time,
        files: kept.files().map(str::to_owned).collect(),
        notes: kept.notes.clone(),
    }
}

fn show(context: &Context, all: &[(UpstreamStore<'_>, Vec<UndoRecord>)]) -> Result<Exit, CliError> {
    let mut rows: Vec<(i64, String, &UndoRecord)> = Vec::new();
    for (upstream, kept) in all {
        rows.extend(kept.iter().map(|kept| (kept.time, upstream.name().to_string(), kept)));
    }
    sort_last_first(&mut rows, |(_, _, kept)| kept);
    if context.json {
        let changes = rows.iter().map(|(_, name, kept)| change(name, kept)).collect();
        context.document(Document { changes, interrupted: None }, None)?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new([Column::new(""), Column::new("").cut_to(12), Column::new(""), Column::new("").cut_to(24)]);
    for (time, name, kept) in &rows {
        let files: Vec<&str> = kept.files().collect();
        let files = match files.as_slice() {
            [] => "only the checkout".to_owned(),
            [one] => (*one).to_owned(),
            several => format!("{} files", several.len()),
        };
        let age = age(*time, context.now());
        table.row([Cell::from(age), Cell::from(name), Cell::from(&kept.command), Cell::from(files)]);
    }
    if table.is_empty() {
        context.tell("nothing to undo");
    } else {
        context.out(&table.render(&context.look));
        let noted = rows.iter().flat_map(|(time, name, kept)| kept.notes.iter().map(move |note| (*time, name, note)));
        for (time, name, note) in noted {
            context.out(&format!("{}, {name}: {}\n", age(time, context.now()), shown(note.as_bytes())));
        }
    }
    Ok(Exit::Done)
}
