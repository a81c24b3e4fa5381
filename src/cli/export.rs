//! `patchq export`.

use serde::Serialize;

use super::context::Context;
use super::errors::queue_change;
use super::failure::{CliError, Exit};
use super::hint;
use super::patch_files::{Folded, Patch, Renamed, foldings, patches, renames, say_patches};
use super::session::refuse_open;
use crate::git::Prompts;
use crate::report::FailureKind;
use crate::ui::Message;
use crate::workspace::WrittenQueue;
use crate::workspace::manifest::Upstream;
use crate::workspace::ops::export::{Export, ExportError, ExportOptions, Written, export};

/// Write patch files from the checkout's commits
///
/// Use any git command in NAME/ (commit, commit --amend, rebase -i). The commits
/// from the pin to HEAD become the queue. A patch file whose meaning did not
/// change keeps its name and bytes; directly after `setup` nothing changes.
///
/// If the patch files have changed too (after a `git pull`), the two have
/// diverged, and export refuses and lists both sides. --merge rebases your new
/// commits onto the patch files, in memory. --replace keeps the commits and
/// discards the changes of the patch files (they are listed, and kept for
/// `patchq undo`).
///
/// Export drops and lists patches whose commits you removed. If the checkout was
/// only moved back (`git reset --hard HEAD~2`), this may be a mistake, so each
/// patch needs --allow-drop, and an empty queue needs --allow-empty.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  git -C kubeflow rebase -i refs/patchq/base && patchq export kubeflow
  patchq export --merge kubeflow"
)]
pub(super) struct Args {
    /// The upstreams (default: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Rebase the checkout's new commits onto the changed patch files
    #[arg(long, conflicts_with = "replace")]
    pub(super) merge: bool,
    /// Keep the commits and discard changes of the patch files (kept for `patchq undo`)
    #[arg(long)]
    pub(super) replace: bool,
    /// Allow an empty queue
    #[arg(long)]
    pub(super) allow_empty: bool,
    /// Drop this patch although the checkout was only moved back (may be given several times)
    #[arg(long, value_name = "PATCH")]
    pub(super) allow_drop: Vec<String>,
}

/// The top of the stack as patchq left it in the checkout.
pub(super) const OLD_TOP: &str = "refs/patchq/synced~1";

/// The changes to one upstream's patch files.
#[derive(Debug, Serialize)]
struct Report {
    name: String,
    patches: Vec<Patch>,
    removed: Vec<String>,
    folded: Vec<Folded>,
    renamed: Vec<Renamed>,
    given_up: Vec<String>,
    files_newer: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    upstreams: Vec<Report>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let Args { names, merge, replace, allow_empty, allow_drop } = args;
    let upstreams = context.upstreams(&workspace, &names)?;
    let wanted = ExportOptions { merge, replace, allow_empty, allow_drop };
    let all = context.each(&upstreams, |upstream| {
        let name = upstream.name.as_str();
        let Some(upstream) = context.upstream_store(&workspace, upstream)? else {
            context.tell(&format!("{name}: nothing to export: it is not set up"));
            return Ok((Exit::Done, nothing(name, false)));
        };
        refuse_open(&workspace, upstream.name())?;
        let export = context.with_fetcher(&upstream, false, Prompts::Never, |fetcher| {
            let done = context.step_context("export", |ctx| export(fetcher, &wanted, ctx));
            done.map_err(|error| failed(name, error))
        })?;
        Ok((Exit::Done, print_summary(context, upstream.entry, export)))
    });
    if context.json {
        context.document(Document { upstreams: all.results }, all.failed.as_ref())?;
    }
    Ok(all.exit)
}

fn nothing(name: &str, files_newer: bool) -> Report {
    report(name, &WrittenQueue::default(), Vec::new(), files_newer)
}

/// Reports the changes to the files.
fn print_summary(context: &Context, upstream: &Upstream, export: Export) -> Report {
    let name = upstream.name.as_str();
    match export {
        Export::Nothing => {
            context.tell(&format!("{name}: nothing to export"));
            nothing(name, false)
        }
        Export::FilesNewer(changes) => {
            let changes: Vec<String> = changes.iter().map(queue_change).collect();
            let note = format!("{name}: the patch files are newer than the checkout: {}", changes.join(", "));
            context.say(&Message::note(note).hint(hint::patchq(&["apply", name])));
            nothing(name, true)
        }
        Export::Written(written) => written_report(context, name, &written),
    }
}

fn written_report(context: &Context, name: &str, written: &Written) -> Report {
    say_patches(context, name, &written.queue, ("patch", "patches"));
    let given_up: Vec<String> = written.given_up.iter().map(queue_change).collect();
    if !given_up.is_empty() {
        let note = format!("{name}: discarded changes of the patch files: {}", given_up.join(", "));
        context.say(&Message::note(note).hint(hint::patchq(&["undo", name])));
    }
    report(name, &written.queue, given_up, false)
}

fn report(name: &str, queue: &WrittenQueue, given_up: Vec<String>, files_newer: bool) -> Report {
    Report {
        name: name.to_owned(),
        patches: patches(queue),
        removed: queue.removed.clone(),
        folded: foldings(queue),
        renamed: renames(&queue.renamed),
        given_up,
        files_newer,
    }
}

fn failed(name: &str, error: ExportError) -> CliError {
    match error {
        ExportError::Rewrite(error) => CliError::rewrite(name, error),
        ExportError::Pristine => {
            CliError::of(FailureKind::Pristine, &error).hint(hint::patchq(&["setup", "--only", name]))
        }
        ExportError::Empty => {
            CliError::of(FailureKind::Empty, &error).hint(hint::patchq(&["export", "--allow-empty", name]))
        }
        ExportError::MovedBack(ref patches) => {
            let text =
                format!("the checkout was moved back, so these patches would be dropped:\n{}", patches.join("\n"));
            let back = hint::git_in(name, &["reset", "--keep", OLD_TOP]);
            CliError::plain(FailureKind::Unexported, text)
                .hint(hint::noted(back, "restores their commits"))
                .hint(hint::noted(hint::dropping(&hint::patchq(&["export", name]), patches), "to drop them"))
        }
        ExportError::Which(_) => CliError::usage(error.to_string()).hint(hint::patchq(&["status", name])),
        ExportError::Clash(ref patches) => {
            let text = format!("changed on both sides:\n{}", patches.join("\n"));
            CliError::plain(FailureKind::Conflicts, text)
                .exit(Exit::Conflicts)
                .hint(hint::noted(
                    hint::patchq(&["export", "--replace", name]),
                    "keeps the commits, discards the file changes",
                ))
                .hint(hint::noted(
                    hint::patchq(&["setup", "--discard", "--only", name]),
                    "keeps the files, discards the commits",
                ))
        }
        ExportError::Conflicts { ref conflicts, .. } => {
            CliError::plain(FailureKind::Conflicts, format!("{error}{}", conflict_list(conflicts)))
                .exit(Exit::Conflicts)
        }
    }
}

/// Formats the paths of conflicts as lines; if there are none, the change would have no effect left.
pub(super) fn conflict_list(conflicts: &[crate::stack::Conflict]) -> String {
    if conflicts.is_empty() {
        return ": nothing would be left of it".to_owned();
    }
    conflicts.iter().map(|conflict| format!("\n{}: {}", conflict.path, conflict.kind)).collect()
}
