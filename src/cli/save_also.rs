//! `patchq save --also`: offers the new patch to other entries of the same upstream.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit};
use super::hint;
use super::patch_files::{Patch, Renamed, patches, renames, say_patches};
use super::session::refuse_open;
use super::{outcomes, refresh};
use crate::git::Prompts;
use crate::report::PatchReport;
use crate::stack::Outcome;
use crate::ui::{Message, Paint};
use crate::workspace::manifest::Upstream;
use crate::workspace::ops::cherry_pick::{CherryPick, Picked, cherry_pick, ready};
use crate::workspace::ops::save::Saved;
use crate::workspace::{UpstreamStore, Workspace, WrittenQueue};

/// The result for another entry.
#[derive(Debug, Serialize)]
pub(super) struct Also {
    name: String,
    /// Whether it is in that queue now.
    saved: bool,
    /// The patch's file there.
    patch: Option<String>,
    /// Its outcome there, as for a refresh; `file` and `old_commit` are those of the saved patch.
    outcome: PatchReport,
    /// The patch files there, if they were written.
    patches: Vec<Patch>,
    /// The files of patches that were already gone.
    removed: Vec<String>,
    renamed: Vec<Renamed>,
}

/// Returns the named entries, each once, if the patch can be offered to them at all.
pub(super) fn entries<'w>(
    context: &Context,
    workspace: &'w Workspace,
    upstream: &Upstream,
    names: &[String],
) -> Result<Vec<&'w Upstream>, CliError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = context.upstreams(workspace, names)?;
    let url = |of: &Upstream| of.url.for_git(workspace.layout.root()).ok().map(|url| url.stored());
    for other in &found {
        if other.name == upstream.name {
            let error = CliError::usage(format!("--also {}: the patch is already saved there", other.name));
            return Err(error.hint("--also NAME needs another entry"));
        }
        if url(other) != url(upstream) {
            let text = format!("--also {}: it has another url; the patch is for {}", other.name, upstream.url);
            return Err(CliError::usage(text).hint("--also works only for entries with the same url"));
        }
    }
    for other in &found {
        refuse_open(workspace, &other.name)?;
        let upstream = upstream_store(context, workspace, other)?;
        context.with_prompts(|prompts| {
            context
                .with_fetcher(&upstream, false, prompts, |fetcher| ready(fetcher).map_err(|error| failed(other, error)))
        })?;
    }
    Ok(found)
}

/// Offers the patch to each of `entries`.
pub(super) fn offer(
    context: &Context,
    workspace: &Workspace,
    saved: &Saved,
    subject: &[u8],
    entries: &[&Upstream],
) -> super::upstreams::Each<Also> {
    context.each(entries, |other| offer_to(context, workspace, saved, subject, other))
}

fn offer_to(
    context: &Context,
    workspace: &Workspace,
    saved: &Saved,
    subject: &[u8],
    other: &Upstream,
) -> Result<(Exit, Also), CliError> {
    let name = other.name.as_str();
    let upstream = upstream_store(context, workspace, other)?;
    let work = |prompts| {
        context.with_fetcher(&upstream, false, prompts, |fetcher| {
            cherry_pick(&upstream, fetcher, saved.parent, &saved.item).map_err(|error| failed(other, error))
        })
    };
    let picked = context.with_prompts(|prompts: Prompts| work(prompts))?;
    let report = PatchReport::new(&picked.outcome, subject);
    show(context, name, &report);
    let decisions = decisions(&picked);
    let written = if picked.is_clean() && wanted(context, name, &report)? {
        context.step_context("save", |ctx| picked.publish(&upstream, ctx)).map_err(|error| failed(other, error))?
    } else {
        None
    };
    tell(context, name, &report, written.as_ref());
    let exit = if decisions { Exit::Conflicts } else { Exit::Done };
    let outcome = PatchReport { new_commit: written.as_ref().map(|written| written.top), ..report };
    let (patch, queue) = match written {
        Some(Picked { patch, queue, .. }) => (Some(patch), queue),
        None => (None, WrittenQueue::default()),
    };
    let (saved, patches, renamed) = (patch.is_some(), patches(&queue), renames(&queue.renamed));
    Ok((exit, Also { name: name.to_owned(), saved, patch, outcome, patches, removed: queue.removed, renamed }))
}

/// Checks whether a decision is open.
fn decisions(picked: &CherryPick<'_>) -> bool {
    use crate::stack::Outcome;
    matches!(picked.outcome.outcome, Outcome::Conflict | Outcome::Blocked)
}

fn upstream_store<'w>(
    context: &Context,
    workspace: &'w Workspace,
    other: &'w Upstream,
) -> Result<UpstreamStore<'w>, CliError> {
    let upstream = UpstreamStore::make(workspace, other)
        .map_err(|error| CliError::from(error).in_upstream(other.name.as_str()))?;
    context.mend_index(&upstream)?;
    Ok(upstream)
}

fn failed(other: &Upstream, error: crate::workspace::ops::refresh::RefreshError) -> CliError {
    refresh::failed(other.name.as_str(), &refresh::Args::default(), error)
}

/// Shows the outcome, and the lines in conflict.
fn show(context: &Context, name: &str, report: &PatchReport) {
    if context.json || (context.quiet && !matches!(report.outcome, Outcome::Conflict | Outcome::Blocked)) {
        return;
    }
    let report = std::slice::from_ref(report);
    let mut out = format!("{}\n{}", context.look.paint(Paint::Strong, name), outcomes::table(&context.look, report));
    let hunks = outcomes::hunks(&context.look, report);
    if !hunks.is_empty() {
        out.push_str(&format!("{hunks}\n"));
    }
    context.out(&out);
}

/// Checks whether to write it: asks if someone can answer.
fn wanted(context: &Context, name: &str, report: &PatchReport) -> Result<bool, CliError> {
    context.confirm(&format!("save it in {name} too ({})?", report.outcome.word()), true)
}

fn tell(context: &Context, name: &str, report: &PatchReport, written: Option<&Picked>) {
    match (written, report.outcome) {
        (Some(Picked { patch, queue, .. }), _) => {
            say_patches(context, name, queue, ("patch", "patches"));
            let undo = hint::patchq(&["undo", name]);
            context.tell(&format!("{name}: saved in patches/{name}/{patch}; '{undo}' undoes it"));
        }
        (None, Outcome::Upstreamed) => {
            context.tell(&format!("{name}: nothing was written: it already has the whole patch"));
        }
        (None, Outcome::Conflict | Outcome::Blocked) => {
            let note = format!("{name}: nothing was changed; the patch conflicts with this queue");
            let hint = hint::noted(hint::save(name), "after you made the change in its checkout");
            context.say(&Message::note(note).hint(hint));
        }
        (None, _) => context.tell(&format!("{name}: nothing was written")),
    }
}
