//! `patchq diff-upstream`.

mod screen;

use serde::Serialize;

use super::context::Context;
use super::entry::rev;
use super::failure::{CliError, Exit};
use super::hint;
use crate::git::Prompts;
use crate::path::on_screen;
use crate::report::{FailureKind, UpstreamDiffReport, diff_text};
use crate::ui::{Message, diff_on_screen};
use crate::workspace::manifest::Upstream;
use crate::workspace::{
    Files, FilesError, QueueError, ResolvePinError, TargetError, TargetNote, TargetRequest, UpstreamDiff,
    UpstreamDiffError, UpstreamDiffOptions, UpstreamStore, Workspace, diff_upstream,
};

/// Show what upstream changed since the pin
///
/// Compares the pin with the tip of the track, or with REV. It lists the changed
/// files that the queue touches (with the number of lines that upstream and the
/// queue change, the patches, and their outcome), then the files that match
/// `review` in the manifest, then the number of other files by folder, and finally
/// what would happen to each patch. Changes nothing and needs no checkout. Only
/// what is shown is fetched.
///
/// The outcome of a patch:
///   unchanged    upstream did not change the files of the patch
///   merged       the changes of both sides can be merged
///   moved        the patch follows a file that upstream renamed
///   upstreamed   upstream already has the change: a refresh drops the patch
///   conflict     a person must decide
///   blocked      an earlier patch conflicts in the same file
///
/// -p adds upstream's diff of the touched files and the files to review, on a
/// terminal through the pager (GIT_PAGER, core.pager, PAGER, or less). --exit-code
/// is for CI.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The upstreams (default: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
    /// Compare with this branch, tag or commit (default: the tip of the track)
    #[arg(long, value_name = "REV")]
    pub(super) to: Option<String>,
    /// Show the number of changed lines also for the files to review
    #[arg(long)]
    pub(super) stat: bool,
    /// Show the diff
    #[arg(short, long)]
    pub(super) patch: bool,
    /// Exit with 4 if a file to review, or one that the queue touches, has changed
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Serialize)]
struct Document {
    upstreams: Vec<UpstreamDiffReport>,
}

/// The result for one upstream.
struct Told {
    report: UpstreamDiffReport,
    /// Its text on the screen.
    text: Vec<u8>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let options = UpstreamDiffOptions {
        target: TargetRequest {
            to: args.to.as_deref().map(rev).transpose()?,
            lenient: true,
            frugal: true,
            ..TargetRequest::default()
        },
        contents: args.stat || args.patch,
    };
    let workspace = context.workspace()?;
    let upstreams = context.upstreams(&workspace, &args.names)?;
    let all = context.each(&upstreams, |upstream| {
        let look = |prompts| one(context, &workspace, upstream, &options, args.patch, prompts);
        let (told, matters) = context.with_prompts(look)?;
        Ok((if args.exit_code && matters { Exit::CheckSaidNo } else { Exit::Done }, told))
    });
    if context.json {
        let upstreams = all.results.into_iter().map(|told| told.report).collect();
        context.document(Document { upstreams }, all.failed.as_ref())?;
        return Ok(all.exit);
    }
    if upstreams.is_empty() {
        context.say_no_upstream();
    }
    let texts: Vec<Vec<u8>> = all.results.into_iter().map(|told| told.text).collect();
    let text = texts.join(&b'\n');
    match upstreams.first() {
        Some(_) if args.patch => context.page(&text, workspace.layout.root()),
        _ => context.out_bytes(&text),
    }
    Ok(all.exit)
}

/// Compares one upstream; returns too whether the changes concern it.
fn one(
    context: &Context,
    workspace: &Workspace,
    upstream: &Upstream,
    options: &UpstreamDiffOptions,
    with_diff: bool,
    prompts: Prompts,
) -> Result<(Told, bool), CliError> {
    let name = upstream.name.as_str();
    let files = Files::read(&workspace.layout, &upstream.name).map_err(|error| files_error(name, error))?;
    let store = context.upstream_store(workspace, upstream)?;
    if store.is_none() && context.offline {
        let text = format!("cannot fetch commit {} without the network (--offline)", files.pin);
        return Err(CliError::plain(FailureKind::Offline, text).hint("run the command again without --offline"));
    }
    let is_new = store.is_none();
    let store = match store {
        Some(store) => store,
        None => UpstreamStore::make(workspace, upstream)?,
    };
    let diff = context.with_fetcher(&store, false, prompts, |fetcher| {
        if is_new {
            fetcher.remote.store_url(&store.store)?;
        }
        diff_upstream(fetcher, &files, options).map_err(|error| failed(name, error))
    })?;
    tell_notes(context, name, &diff);
    let version = upstream.version.clone().or_else(|| files.version.clone());
    let report = UpstreamDiffReport::new(name, version, &files, &diff, with_diff);
    let mut text = Vec::new();
    if !context.json {
        let shown = screen::text(&context.look, context.verbose, options.contents, &report);
        text = on_screen(&shown, context.look.colour).into_bytes();
        if with_diff {
            text.extend(shown_diff(context, &diff));
        }
    }
    Ok((Told { report, text }, diff.matters()))
}

/// Returns upstream's diff for stdout: for a terminal nothing in it may control the terminal; elsewhere it is data,
/// unchanged.
fn shown_diff(context: &Context, diff: &UpstreamDiff) -> Vec<u8> {
    let diff = diff_text(diff);
    let look = &context.look;
    let shown = if look.terminal_out || look.colour { diff_on_screen(look, &diff).into_bytes() } else { diff };
    if shown.is_empty() { shown } else { [b"\n", shown.as_slice()].concat() }
}

fn tell_notes(context: &Context, name: &str, diff: &UpstreamDiff) {
    for note in &diff.target.notes {
        let text = format!("{name}: {note}");
        match note {
            TargetNote::MovedTag(_) => context.say(&Message::warning(text)),
            _ => context.say(&Message::note(text)),
        }
    }
}

fn files_error(name: &str, error: FilesError) -> CliError {
    CliError::queue(name, QueueError::Files(error))
}

fn failed(name: &str, error: UpstreamDiffError) -> CliError {
    match error {
        UpstreamDiffError::Queue(error) => CliError::queue(name, error),
        UpstreamDiffError::Target(TargetError::LookUp(ResolvePinError::Fetcher(error))) => {
            CliError::queue(name, error.into())
        }
        UpstreamDiffError::Target(error @ TargetError::NoTrack) => CliError::of(FailureKind::Track, &error)
            .hint(hint::patchq(&["diff-upstream", name, "--to", "REV"]))
            .hint(format!("or write track = \"BRANCH\" under [upstream.{name}] in upstreams.toml")),
        UpstreamDiffError::Target(error) => CliError::of(FailureKind::Revision, &error),
    }
}
