//! `patchq resolutions`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::hint;
use super::outcomes::side;
use crate::path::printable;
use crate::report::{Bytes, DamagedReport, FailureKind, ResolutionReport};
use crate::ui::{Cell, Column, Message, Paint, Table, count};
use crate::workspace::Workspace;
use crate::workspace::conflict::memory::{Damaged, Entry, Memory, MemoryError, WhichDecisionError, which_decision};

/// How many digits of a name are shown, more if several names begin alike.
const SHOWN: usize = 8;

/// List, show or forget remembered decisions on conflicts
///
/// patchq remembers every decision of a person about lines that both sides
/// changed, with author and date. It offers the decision when exactly the same
/// lines conflict again. `patchq refresh --accept remembered` uses it without
/// asking, but only at the same path (or where upstream has moved the file).
///
/// Decisions are kept in this clone. With remember = "shared" in the manifest they
/// are kept in resolutions/KEY/ of the workspace, one file each, to be committed
/// and reviewed. Entries with the same url share them. Files edited by hand are
/// reported and ignored.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq resolutions list kubeflow
  patchq resolutions show 3f2a9c81
  patchq resolutions forget 3f2a9c81"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand, Debug)]
enum What {
    /// List remembered decisions, the newest first
    List {
        /// List only decisions of this upstream
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
    /// Show a decision: author, date, path, and the lines
    Show {
        /// The decision: its name in `list`, or the start of it
        #[arg(value_name = "ID")]
        id: String,
        /// Search only decisions of this upstream
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Forget remembered decisions
    ///
    /// The files are moved to patchq's own folder, and their new paths are printed. A
    /// file of the same name that was moved there before is replaced.
    #[command(verbatim_doc_comment)]
    Forget {
        /// The decisions: their names in `list`, or the start of them
        #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// Forget all decisions
        #[arg(long)]
        all: bool,
        /// Search only decisions of this upstream
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
}

#[derive(Debug, Default, Serialize)]
struct Document {
    resolutions: Vec<ResolutionReport>,
    damaged: Vec<DamagedReport>,
    forgotten: Vec<ForgottenReport>,
}

#[derive(Debug, Serialize)]
struct ForgottenReport {
    id: String,
    key: String,
    file: String,
    kept: String,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let (document, failed) = match &args.what {
        What::List { name } => (list(context, &memories(context, &workspace, name.as_ref())?)?, None),
        What::Show { id, only } => (show(context, &memories(context, &workspace, only.as_ref())?, id)?, None),
        What::Forget { ids, only, .. } => forget(context, &memories(context, &workspace, only.as_ref())?, ids)?,
    };
    if context.json {
        context.document(document, failed.as_ref())?;
    }
    if let Some(error) = &failed {
        context.say(&error.message());
    }
    Ok(failed.map_or(Exit::Done, |error| error.exit))
}

/// Returns the memories of the named upstream, or of all.
fn memories(context: &Context, workspace: &Workspace, name: Option<&String>) -> Result<Vec<Memory>, CliError> {
    let names: Vec<String> = name.into_iter().cloned().collect();
    Ok(Memory::of_all(workspace, &context.upstreams(workspace, &names)?))
}

fn list(context: &Context, memories: &[Memory]) -> Result<Document, CliError> {
    let mut document = Document::default();
    let mut table = Table::new([
        Column::new("ID"),
        Column::new("DECIDED").optional(1),
        Column::new("BY").cut_to(8).optional(2),
        Column::new("KEY"),
        Column::new("PATH").cut_to(12).path(),
        Column::new("PATCH").cut_to(12).optional(3),
    ]);
    let digits = shown_digits(memories);
    for memory in memories {
        for entry in memory.list() {
            let id: String = entry.id().chars().take(digits).collect();
            table.row([
                Cell::new(id),
                Cell::new(entry.day()),
                Cell::new(by(&entry)),
                Cell::new(memory.key.as_str()),
                Cell::new(entry.path.as_bytes()),
                Cell::new(&entry.file),
            ]);
            document.resolutions.push(ResolutionReport::new(memory, &entry));
        }
        for damaged in memory.damaged() {
            context.say(&Message::warning(unusable(&damaged)));
            document.damaged.push(DamagedReport::new(&damaged));
        }
    }
    if document.resolutions.is_empty() {
        context.tell("no decisions are remembered");
    } else if !context.json {
        context.out(&table.render(&context.look));
    }
    Ok(document)
}

fn show(context: &Context, memories: &[Memory], wanted: &str) -> Result<Document, CliError> {
    let (n, id) = which_decision(memories, wanted).map_err(which_failed)?;
    let memory = &memories[n];
    let Some(entry) = memory.get(&id) else {
        let file = memory.shown(&memory.file(&id));
        let said = memory.damaged().iter().find(|damaged| damaged.file == file).map(unusable).unwrap_or_default();
        return Err(CliError::plain(FailureKind::Files, said).at(file, None).hint(hint::patchq(&[
            "resolutions",
            "forget",
            &id,
        ])));
    };
    let report = ResolutionReport::with_lines(memory, &entry);
    if !context.json {
        context.out(&on_screen(context, &report, &entry));
    }
    Ok(Document { resolutions: vec![report], ..Document::default() })
}

fn on_screen(context: &Context, report: &ResolutionReport, entry: &Entry) -> String {
    let look = &context.look;
    let mut out = format!("{}\n", look.paint(Paint::Strong, &report.id));
    let mut row = |name: &str, text: String| out.push_str(&format!("  {name:<8} {text}\n"));
    let also: Vec<String> = report.also.iter().map(|path| shown(&path.0)).collect();
    let also = if also.is_empty() { String::new() } else { format!(" (also {})", also.join(", ")) };
    row("path", format!("{}{also}", shown(&report.path.0)));
    row("patch", printable(report.patch.as_bytes()));
    row("moved to", report.commit.to_string());
    let email = printable(&entry.made.author.email);
    row("decided", format!("{} by {} <{email}>", entry.made.date.iso8601(), printable(&entry.made.author.name)));
    row("file", report.file.clone());
    out.push('\n');
    if let Some(lines) = &report.lines {
        let sides: [(&str, Paint, &[Bytes]); 4] = [
            ("base", Paint::Plain, &lines.base),
            ("upstream", Paint::Careful, &lines.upstream),
            ("patch", Paint::Good, &lines.patch),
            ("decided", Paint::Hint, &lines.decided),
        ];
        sides.iter().for_each(|(name, paint, lines)| out.push_str(&side(look, name, *paint, lines)));
    }
    out
}

/// Forgets one after the other; an error is returned with those forgotten before it.
fn forget(context: &Context, memories: &[Memory], wanted: &[String]) -> Result<(Document, Option<CliError>), CliError> {
    // All of them are found before the first is removed.
    let mut chosen: Vec<(usize, String)> = if wanted.is_empty() {
        let all = memories.iter().enumerate().map(|(n, memory)| memory.ids().into_iter().map(move |id| (n, id)));
        all.flatten().collect()
    } else {
        wanted.iter().map(|id| which_decision(memories, id).map_err(which_failed)).collect::<Result<_, _>>()?
    };
    chosen.sort();
    chosen.dedup();
    let mut document = Document::default();
    for (n, id) in chosen {
        let memory = &memories[n];
        let done = match memory.forget(&id) {
            Ok(done) => done,
            Err(error) => return Ok((document, Some(failed(&error)))),
        };
        let (file, kept) = (memory.shown(&done.file), memory.shown(&done.kept));
        context.tell(&format!("forgot {file}; kept as {kept}"));
        document.forgotten.push(ForgottenReport { id, key: memory.key.to_string(), file, kept });
    }
    if document.forgotten.is_empty() {
        context.tell("no decisions are remembered");
    } else {
        context.tell(&format!("{} forgotten", count(document.forgotten.len(), "decision", "decisions")));
    }
    Ok((document, None))
}

/// Returns how many digits distinguish all names.
fn shown_digits(memories: &[Memory]) -> usize {
    let mut ids: Vec<String> = memories.iter().flat_map(Memory::ids).collect();
    ids.sort();
    let alike = |(one, two): (&String, &String)| one.bytes().zip(two.bytes()).take_while(|(a, b)| a == b).count();
    let longest = ids.iter().zip(ids.iter().skip(1)).map(alike).max();
    longest.map_or(SHOWN, |alike| SHOWN.max(alike + 1))
}

fn by(entry: &Entry) -> &[u8] {
    let author = &entry.made.author;
    if author.name.is_empty() { &author.email } else { &author.name }
}

/// Describes a file of a memory that is not used, in a sentence.
pub(super) fn unusable(Damaged { file, reason }: &Damaged) -> String {
    format!("{file} cannot be used as a decision: {reason}")
}

fn failed(error: &MemoryError) -> CliError {
    CliError::of(FailureKind::Files, error)
}

fn which_failed(error: WhichDecisionError) -> CliError {
    let several = matches!(error, WhichDecisionError::Several { .. });
    let made = CliError::usage(error.to_string());
    if several {
        made.hint("give more of its name, or name the upstream with --only NAME")
    } else {
        made.hint(hint::patchq(&["resolutions", "list"]))
    }
}
