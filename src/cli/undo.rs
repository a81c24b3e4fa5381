//! `patchq undo`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::session::tell_open;
use crate::ui::{Cell, Column, Table, age};
use crate::workspace::Site;
use crate::workspace::undo::{Kept, list, undo};

/// Go back to before the last command that changed something
///
/// Takes back the last refresh, save, export, import, add, setup --discard or
/// verify --fix of an upstream: patch files, pin, manifest lines and checkout.
/// Only if files and checkout are still what that command left; otherwise it says
/// what is in the way. The last 20 are kept.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq undo                     the last change, of whichever upstream
  patchq undo kubeflow --list     what could be taken back"
)]
pub(super) struct Args {
    /// The upstream (left out: the one that changed last)
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Only list what could be taken back
    #[arg(long)]
    pub(super) list: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    changes: Vec<Change>,
}

/// A change that was, or could be, taken back.
#[derive(Debug, Serialize)]
struct Change {
    upstream: String,
    command: String,
    time: i64,
    files: Vec<String>,
    /// What should be known of it: why patches left the queue.
    notes: Vec<String>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let names: Vec<String> = args.name.into_iter().collect();
    let upstreams = context.upstreams(&workspace, &names)?;
    let mut all: Vec<(Site<'_>, Vec<Kept>)> = Vec::new();
    for upstream in upstreams {
        if let Some(site) = context.site(&workspace, upstream)? {
            let kept = list(&site)?;
            all.push((site, kept));
        }
    }
    if args.list {
        return show(context, &all);
    }
    let newest = all.iter().filter_map(|(site, kept)| Some((kept.first()?.time, site))).max_by_key(|(time, _)| *time);
    let Some((_, site)) = newest else {
        let error = CliError::plain("undo", "nothing to undo");
        return Err(if let [(site, _)] = all.as_slice() { error.in_upstream(site.name().as_str()) } else { error });
    };
    let name = site.name().to_string();
    let undone = context.around("undo", |around| undo(site, around)).map_err(|error| CliError::undo(&name, error))?;
    context.tell(&format!("{name}: undid '{}'", undone.kept.command));
    for (file, there) in &undone.files {
        context.tell(&format!("{name}: {}  {file}", if *there { "put back" } else { "took out" }));
    }
    tell_open(context, &workspace, site.name())?;
    if context.json {
        context.document(Document { changes: vec![change(&name, &undone.kept)] }, None)?;
    }
    Ok(Exit::Done)
}

fn change(upstream: &str, kept: &Kept) -> Change {
    Change {
        upstream: upstream.to_owned(),
        command: kept.command.clone(),
        time: kept.time,
        files: kept.files().map(str::to_owned).collect(),
        notes: kept.notes.clone(),
    }
}

fn show(context: &Context, all: &[(Site<'_>, Vec<Kept>)]) -> Result<Exit, CliError> {
    let mut rows: Vec<(i64, String, &Kept)> = Vec::new();
    for (site, kept) in all {
        rows.extend(kept.iter().map(|kept| (kept.time, site.name().to_string(), kept)));
    }
    rows.sort_by_key(|(time, ..)| std::cmp::Reverse(*time));
    if context.json {
        let changes = rows.iter().map(|(_, name, kept)| change(name, kept)).collect();
        context.document(Document { changes }, None)?;
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
