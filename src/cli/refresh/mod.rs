//! `patchq refresh`.

mod document;
mod summary;

use std::cell::Cell;
use std::path::PathBuf;

use super::blame::Blame;
use super::context::Context;
use super::entry::{rev, track};
use super::failure::{CliError, Exit};
use super::hint;
use super::report_file::ReportFile;
use super::session::{self, SessionEnd};
use super::upstreams::same_upstream;
use crate::report::FailureKind;
use crate::stack::AcceptRule;
use crate::workspace::conflict::session::{AcceptOptions, is_open};
use crate::workspace::manifest::Upstream;
use crate::workspace::ops::refresh::{RefreshEnd, RefreshError, RefreshOptions, RefreshPlan, Refreshed};
use crate::workspace::{Fetcher, Moving, PinLines, TargetRequest, UpstreamStore, Workspace, cache_tip};

pub(super) use document::Document;
use document::{as_markdown, reports};
use summary::print_summary;
pub(super) use summary::{failed, with_ways};

/// Move a queue to a newer commit of its upstream
///
/// Rebases the queue from its pin to the tip of the track (or to REV) and reports
/// the outcome of each patch:
///
///   unchanged    upstream did not change the files of the patch
///   merged       the changes of both sides were merged
///   moved        the patch followed a file that upstream renamed
///   upstreamed   upstream already has the change: the patch is dropped
///   conflict     a person must decide
///   blocked      an earlier patch conflicts in the same file
///
/// Everything happens in memory. If every patch applies, patch files, pin, version
/// and checkout are written in one step (`patchq undo` undoes it); unchanged
/// patches keep their bytes. Otherwise nothing is written, all conflicts are
/// listed, and the exit code is 3.
///
/// On a terminal it asks about each conflict in turn. It shows the three sides,
/// the upstream commits that changed the lines, a proposal, and a key for each
/// choice. Every decision is saved at once (in sessions/NAME.toml, which you can
/// commit and hand to a colleague). --continue continues there, --abort abandons
/// the refresh.
///
/// --accept decides conflicts without asking, each by a rule that is reported:
/// `suggested` takes the proposal if there is one; `patch` and `upstream` take one
/// side, for what --only names; `remembered` takes earlier decisions about
/// identical lines in the same file (see `patchq resolutions`). It never takes
/// the text of a generated file, nor a silent downgrade that no person decided.
///
/// --continue moves to the target that was set in this clone or is on the track.
/// If a session from someone else has another target, it asks, or needs --to with
/// --once or --track.
///
/// A refresh never goes back to an older commit without --allow-older. If the tip
/// of the track is behind the pin, nothing changes. Confirm a REV outside the
/// track with --once (keeps the track) or --track NEW (changes it).
#[derive(clap::Args, Debug, Default)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq refresh kubeflow --dry-run          show what would happen
  patchq refresh kubeflow                    move to the tip of the track
  patchq refresh kubeflow --to v1.7.0 --track v1.7-branch
  patchq refresh kubeflow --to v1.7.0 --once --report refresh.md
  patchq refresh kubeflow --continue         continue the open session
  patchq refresh kubeflow --accept remembered,suggested
  patchq refresh kubeflow --accept patch --only 0003 --only '**/Makefile'"
)]
pub(super) struct Args {
    /// The upstream (default: the checkout around the current folder, or the only upstream)
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The commit to move to: an id, a tag, a branch (default: the tip of the track)
    #[arg(long, value_name = "REV")]
    pub(super) to: Option<String>,
    /// Only show what would happen
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Continue the refresh that waits for decisions
    #[arg(long = "continue", conflicts_with_all = ["dry_run", "abort"])]
    pub(super) go_on: bool,
    /// Abandon the refresh that waits for decisions
    #[arg(long, conflicts_with_all = ["to", "dry_run", "track", "once", "allow_older", "allow_drop", "allow_empty", "accept", "only", "report"])]
    pub(super) abort: bool,
    /// Follow this branch, tag or glob over tags from now on
    #[arg(long, value_name = "NEW", conflicts_with = "once")]
    pub(super) track: Option<String>,
    /// Allow a REV outside the track, which does not change
    #[arg(long, requires = "to")]
    pub(super) once: bool,
    /// Allow an older commit
    #[arg(long)]
    pub(super) allow_older: bool,
    /// Drop this patch (its file, its number, or a part of its name) if merging leaves nothing of it (may be given several
    /// times)
    #[arg(long, value_name = "PATCH")]
    pub(super) allow_drop: Vec<String>,
    /// Allow an empty queue
    #[arg(long)]
    pub(super) allow_empty: bool,
    /// Decide conflicts in these ways, in this order: by the proposal, by the patch, by upstream, as remembered
    #[arg(long, value_name = "WAY", value_delimiter = ',')]
    pub(super) accept: Vec<AcceptWay>,
    /// Limit --accept to this patch, or to the paths that this glob matches (may be given several times)
    #[arg(long, value_name = "PATCH|GLOB", requires = "accept")]
    pub(super) only: Vec<String>,
    /// Write a report in Markdown, for a pull request (`-`: to standard output)
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// A way to decide conflicts.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AcceptWay {
    /// The proposal, if there is one
    Suggested,
    /// The patch's version
    Patch,
    /// Upstream's version
    Upstream,
    /// Earlier decisions about identical lines in the same file
    Remembered,
}

impl AcceptWay {
    const fn way(self) -> AcceptRule {
        match self {
            AcceptWay::Suggested => AcceptRule::Suggested,
            AcceptWay::Patch => AcceptRule::Patch,
            AcceptWay::Upstream => AcceptRule::Upstream,
            AcceptWay::Remembered => AcceptRule::Remembered,
        }
    }
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let upstream = which(&workspace, &args)?;
    if args.abort {
        return session::give_up(context, &workspace, upstream);
    }
    let (exit, document) = perform(context, &workspace, upstream, &args)?;
    if context.json {
        context.document(document, None)?;
    }
    Ok(exit)
}

/// Moves the queue of `upstream` and reports the result; the caller writes the document.
pub(super) fn perform(
    context: &Context,
    workspace: &Workspace,
    upstream: &Upstream,
    args: &Args,
) -> Result<(Exit, Document), CliError> {
    let name = upstream.name.as_str();
    let patches = args.only.iter().filter(|only| only.ends_with(".patch")).chain(&args.allow_drop);
    patches.into_iter().try_for_each(|patch| same_upstream(name, patch))?;
    context.git()?;
    let options = options(args)?;
    let file = ReportFile::at(context, args.report.as_deref())?;
    let upstream = UpstreamStore::make(workspace, upstream).map_err(|error| CliError::from(error).in_upstream(name))?;
    context.mend_index(&upstream)?;
    let begun = Cell::new(args.go_on);
    let (exit, refreshed, blame) = context.with_prompts(|prompts| {
        context.with_fetcher(&upstream, false, prompts, |fetcher| {
            fetcher.remote.store_url(&upstream.store).map_err(|error| CliError::from(error).in_upstream(name))?;
            let (exit, refreshed) = moved(context, fetcher, args, &options, &begun)?;
            tell_news(context, &upstream, &refreshed);
            let pins = (refreshed.from.pin, refreshed.target.pin);
            let nowhere = PinLines::default();
            let pin_lines = refreshed.plan().map_or(&nowhere, |plan| &plan.pin_lines);
            let ask = |rebased| Blame::ask(context, fetcher, pins, rebased, pin_lines);
            let blame = args.report.as_ref().and(refreshed.rebased()).map(ask).transpose()?;
            Ok((exit, refreshed, blame))
        })
    })?;
    let report = reports(&refreshed);
    file.write(context, || as_markdown(name, &refreshed, &report, blame.as_ref(), args.dry_run))?;
    print_summary(context, upstream.entry, &refreshed, &report, args, file.is_stdout())?;
    Ok((exit, document::document(name, refreshed, report, args.dry_run)))
}

/// Reports the move of a copy in the step that made it.
pub(super) fn tell_copy(context: &Context, upstream: &Upstream, refreshed: Refreshed) -> Result<Document, CliError> {
    let report = reports(&refreshed);
    print_summary(context, upstream, &refreshed, &report, &Args::default(), false)?;
    Ok(document::document(upstream.name.as_str(), refreshed, report, false))
}

/// Computes the move of the queue, asks about its conflicts if someone can answer, and writes it. `begun`: whether
/// there is a session to continue, also when this is tried again.
fn moved(
    context: &Context,
    fetcher: &Fetcher<'_>,
    args: &Args,
    options: &RefreshOptions,
    begun: &Cell<bool>,
) -> Result<(Exit, Refreshed), CliError> {
    let upstream = fetcher.upstream;
    let name = upstream.name().as_str();
    let wrong = |error| failed(name, args, error);
    let mut moving = match begun.get() {
        true => {
            session::collect_conflict(context, upstream)?;
            session::resume(context, fetcher, args, options)?
        }
        false => Moving::begin(fetcher, options).map_err(wrong)?,
    };
    if moving.target.same {
        let stayed = if options.dry_run { Ok((None, false)) } else { step_context(context, |ctx| moving.stay(ctx)) };
        let (applied, followed) = stayed.map_err(wrong)?;
        return Ok((Exit::Done, moving.done(RefreshEnd::There { applied, followed })));
    }
    let mut rebased = moving.run().map_err(wrong)?;
    session::tell_drift(context, name, &moving, &rebased);
    let mut allowed = options.allow_empty;
    let asks = context.asker.can_ask() && !context.json && !options.dry_run;
    // After decisions in a session there is a last question before writing.
    if asks && (begun.get() || !rebased.is_clean()) {
        let held = session::run_session(context, fetcher, &mut moving, rebased);
        begun.set(moving.is_kept());
        rebased = match held? {
            // The last question has already shown it.
            SessionEnd::Decided(rebased) => {
                allowed = true;
                rebased
            }
            SessionEnd::Ended(exit, rebased) => return Ok((exit, moving.done(RefreshEnd::Left(rebased)))),
        };
    }
    let differences = if args.report.is_some() { moving.differences(&rebased).map_err(wrong)? } else { Vec::new() };
    let pin_lines =
        if args.report.is_some() { moving.pin_lines(&rebased).map_err(wrong)? } else { PinLines::default() };
    if !rebased.is_clean() || options.dry_run {
        let exit = if rebased.is_clean() { Exit::Done } else { Exit::Conflicts };
        return Ok((exit, moving.done(RefreshEnd::Planned(RefreshPlan { rebased, differences, pin_lines }))));
    }
    let question = format!("{name}: no patch would be left; write the empty queue?");
    let allow_empty = allowed || !moving.empties(&rebased) || context.confirm(&question, false)?;
    let published = step_context(context, |ctx| moving.publish(&rebased, allow_empty, ctx)).map_err(wrong)?;
    Ok((Exit::Done, moving.done(RefreshEnd::Published(RefreshPlan { rebased, differences, pin_lines }, published))))
}

fn step_context<T>(context: &Context, work: impl FnOnce(&crate::workspace::StepContext<'_>) -> T) -> T {
    context.step_context("refresh", work)
}

/// Stores what was learned about the track.
fn tell_news(context: &Context, upstream: &UpstreamStore<'_>, refreshed: &Refreshed) {
    // A tip of a track that the manifest does not have would only replace the tip of its own.
    let written = refreshed.target.track.as_ref().filter(|_| refreshed.published().is_some() || refreshed.followed());
    let track = written.or(upstream.entry.track.as_ref());
    if let Some(tip) = refreshed.target.tip.as_ref().filter(|tip| Some(&tip.track) == track) {
        let published = refreshed.published().is_some();
        let pin = if published { refreshed.target.pin } else { refreshed.from.pin };
        let ahead = refreshed.target.ahead && (published || refreshed.target.same);
        cache_tip(upstream, tip, Some(pin), ahead, context.now());
    }
}

fn options(args: &Args) -> Result<RefreshOptions, CliError> {
    let target = TargetRequest {
        to: args.to.as_deref().map(rev).transpose()?,
        track: args.track.as_deref().map(track).transpose()?,
        once: args.once,
        allow_older: args.allow_older,
        lenient: args.dry_run,
        frugal: false,
    };
    let accept: Vec<AcceptRule> = args.accept.iter().map(|way| way.way()).collect();
    if args.only.is_empty()
        && let Some(way) = accept.iter().find(|way| matches!(way, AcceptRule::Patch | AcceptRule::Upstream))
    {
        let error = CliError::usage(format!("--accept {} needs --only, which says for what", way.word()));
        return Err(error
            .hint("--only PATCH: its file, its number, or a part of its name")
            .hint("--only 'GLOB': these paths"));
    }
    let agreed = AcceptOptions { accept, only: args.only.clone(), allow_drop: args.allow_drop.clone() };
    agreed.check().map_err(|error| CliError::usage(error.to_string()))?;
    Ok(RefreshOptions { target, agreed, dry_run: args.dry_run, allow_empty: args.allow_empty })
}

/// Returns the upstream: the named one, that of the current checkout, the only one; for a session the only one with an
/// open session.
fn which<'w>(workspace: &'w Workspace, args: &Args) -> Result<&'w Upstream, CliError> {
    if let Some(name) = args.name.as_deref().or(workspace.checkout.as_deref()) {
        return Ok(workspace.upstream(name.trim_end_matches('/'))?);
    }
    let of_session = args.go_on || args.abort;
    let all = workspace.manifest.upstreams.iter();
    let open = all.clone().filter(|upstream| of_session && is_open(&workspace.layout, &upstream.name).unwrap_or(false));
    let open: Vec<&Upstream> = open.collect();
    let several = if open.is_empty() { all.collect() } else { open };
    match several.as_slice() {
        [only] => Ok(only),
        [] => Err(CliError::plain(FailureKind::Nothing, "there is no upstream yet")
            .hint(hint::patchq(&["add", "NAME", "URL"]))),
        several => {
            let names: Vec<&str> = several.iter().map(|upstream| upstream.name.as_str()).collect();
            let error = CliError::usage(format!("there are several upstreams; name one of {}", names.join(", ")));
            let option = match (args.abort, args.go_on) {
                (true, _) => Some("--abort"),
                (false, true) => Some("--continue"),
                (false, false) => None,
            };
            let words: Vec<&str> = ["refresh", names[0]].into_iter().chain(option).collect();
            Err(error.hint(hint::patchq(&words)))
        }
    }
}
