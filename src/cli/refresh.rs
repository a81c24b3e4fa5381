//! `patchq refresh`.

use std::path::PathBuf;

use globset::GlobBuilder;
use serde::Serialize;

use super::changers::Changers;
use super::context::Context;
use super::entry::{rev, track};
use super::export::{Patch, patches, say_patches};
use super::failure::{CliError, Exit, shown};
use super::outcomes;
use super::report_file::ReportFile;
use crate::git::Id;
use crate::report::{ConflictReport, FileReport, Heading, PatchReport, markdown};
use crate::stack::{Origin, Way};
use crate::ui::{Message, count};
use crate::workspace::manifest::Upstream;
use crate::workspace::refresh::{Only, RefreshError, RefreshWish, Refreshed, refresh};
use crate::workspace::{Site, Target, TargetError, TargetWish, Workspace, remember_news};

/// Move a queue to a newer commit of its upstream
///
/// Takes the queue from its pin to the tip of the track (or to REV) and says what
/// becomes of each patch:
///
///   unchanged    upstream did not change what it touches
///   merged       both changes went together
///   moved        it followed a file that upstream renamed
///   upstreamed   upstream has it already: it leaves the queue
///   conflict     a person must decide
///   blocked      it needs a file that an earlier patch is in conflict about
///
/// All of it happens in memory. If every patch goes over, patch files, pin,
/// version and checkout are written in one step (`patchq undo` takes it back);
/// files whose patch did not change keep their bytes. Otherwise nothing is
/// written, the conflicts are listed whole, and the exit code is 3.
///
/// --accept decides conflicts unattended, each by a rule that is reported:
/// `suggested` takes the proposal where there is one; `patch` and `upstream`
/// take one side, of what --only names. A silent downgrade, or the text of a
/// generated file, is never taken that way.
///
/// A refresh never goes back by itself, and a REV outside of the track must be
/// meant: --once leaves the track as it is, --track NEW changes it.
#[derive(clap::Args, Debug, Default)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq refresh kubeflow --dry-run          what would become of the queue?
  patchq refresh kubeflow                    to the tip of the track
  patchq refresh kubeflow --to v1.7.0 --track v1.7-branch
  patchq refresh kubeflow --to v1.7.0 --once --report refresh.md
  patchq refresh kubeflow --accept suggested
  patchq refresh kubeflow --accept patch --only 0003 --only '**/Makefile'"
)]
pub(super) struct Args {
    /// The upstream (left out: the checkout you stand in, or the only one)
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The commit to move to: an id, a tag, a branch (left out: the tip of the track)
    #[arg(long, value_name = "REV")]
    pub(super) to: Option<String>,
    /// Only say what would become of the queue
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Follow this branch, tag or glob over tags from now on
    #[arg(long, value_name = "NEW", conflicts_with = "once")]
    pub(super) track: Option<String>,
    /// REV may be outside of the track, which stays as it is
    #[arg(long, requires = "to")]
    pub(super) once: bool,
    /// Allow going back to an older commit
    #[arg(long)]
    pub(super) allow_older: bool,
    /// Drop this patch if a clean merge leaves nothing of it (may be given several times)
    #[arg(long, value_name = "PATCH")]
    pub(super) allow_drop: Vec<String>,
    /// Decide conflicts in this way, in order: by the proposal where there is one, by the patch, by upstream
    #[arg(long, value_name = "WAY", value_delimiter = ',')]
    pub(super) accept: Vec<AcceptWay>,
    /// --accept decides only about this patch, or the paths that this glob matches (may be given several times)
    #[arg(long, value_name = "PATCH|GLOB", requires = "accept")]
    pub(super) only: Vec<String>,
    /// Write what became of each patch as Markdown, for a pull request (`-`: to standard output)
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// A way to decide conflicts.
#[derive(clap::ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AcceptWay {
    /// The proposal, where there is one
    Suggested,
    /// The patch's version
    Patch,
    /// Upstream's version
    Upstream,
}

impl AcceptWay {
    const fn way(self) -> Way {
        match self {
            AcceptWay::Suggested => Way::Suggested,
            AcceptWay::Patch => Way::Patch,
            AcceptWay::Upstream => Way::Upstream,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            AcceptWay::Suggested => "suggested",
            AcceptWay::Patch => "patch",
            AcceptWay::Upstream => "upstream",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Document {
    name: String,
    from: Place,
    to: Place,
    /// The track that was written into the manifest.
    track: Option<String>,
    dry_run: bool,
    /// Whether the pin was there already.
    same: bool,
    /// Whether the workspace's files changed.
    published: bool,
    /// Whether newer files were applied, with the pin there already.
    applied: bool,
    /// What is worth saying of the target.
    notes: Vec<String>,
    patches: Vec<PatchReport>,
    /// What became of the patch files.
    files: Vec<Patch>,
    removed: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Place {
    commit: Id,
    version: Option<String>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let upstream = which(&workspace, args.name.as_deref())?;
    let (exit, document) = perform(context, &workspace, upstream, &args)?;
    if context.json {
        context.document(document, None)?;
    }
    Ok(exit)
}

/// Moves the queue of `upstream` and says what became of it; the document is for the caller to write.
pub(super) fn perform(
    context: &Context,
    workspace: &Workspace,
    upstream: &Upstream,
    args: &Args,
) -> Result<(Exit, Document), CliError> {
    let name = upstream.name.as_str();
    context.git()?;
    let wish = wish(args)?;
    let file = ReportFile::at(context, args.report.as_deref())?;
    let site = Site::make(workspace, upstream).map_err(|error| CliError::from(error).in_upstream(name))?;
    context.mend_index(&site)?;
    let (refreshed, changers) = context.with_prompts(|prompts| {
        context.with_supply(workspace, upstream, false, prompts, |supply| {
            supply.remote.store_url(&site.store)?;
            let refreshed = context.around("refresh", |around| refresh(&site, supply, &wish, around));
            let refreshed = refreshed.map_err(|error| failed(name, args, error))?;
            // News of a track that the manifest does not have would only replace those of its own.
            let written =
                refreshed.target.track.as_ref().filter(|_| refreshed.published.is_some() || refreshed.followed);
            let track = written.or(upstream.track.as_ref());
            if let Some(tip) = refreshed.target.tip.as_ref().filter(|tip| Some(&tip.track) == track) {
                let pin = if refreshed.published.is_some() { refreshed.target.pin } else { refreshed.from.pin };
                remember_news(&site, tip, Some(pin), context.now());
            }
            let pins = (refreshed.from.pin, refreshed.target.pin);
            let ask = |rebased| Changers::ask(context, (&site, supply), pins, rebased);
            let changers = args.report.as_ref().and(refreshed.rebased.as_ref()).map(ask).transpose()?;
            Ok((refreshed, changers))
        })
    })?;
    let report = reports(&refreshed);
    file.write(context, || as_markdown(name, &refreshed, &report, (changers.as_ref(), args.dry_run)))?;
    told(context, upstream, &refreshed, &report, (args, file.is_stdout()))?;
    let exit = match &refreshed.rebased {
        Some(rebased) if !rebased.is_clean() => Exit::Conflicts,
        _ => Exit::Done,
    };
    Ok((exit, document(name, refreshed, report, args.dry_run)))
}

fn wish(args: &Args) -> Result<RefreshWish, CliError> {
    let target = TargetWish {
        to: args.to.as_deref().map(rev).transpose()?,
        track: args.track.as_deref().map(track).transpose()?,
        once: args.once,
        allow_older: args.allow_older,
        lenient: args.dry_run,
    };
    let accept: Vec<Way> = args.accept.iter().map(|way| way.way()).collect();
    if args.only.is_empty()
        && let Some(way) = args.accept.iter().find(|way| !matches!(way, AcceptWay::Suggested))
    {
        let error = CliError::usage(format!("--accept {} must be told what for", way.word()));
        return Err(error.hint("--only PATCH (its name or number), or --only 'GLOB' for paths"));
    }
    let only = args.only.iter().map(|text| only(text)).collect::<Result<_, _>>()?;
    Ok(RefreshWish { target, may_drop: args.allow_drop.clone(), accept, only, dry_run: args.dry_run })
}

/// What `--only` names: a patch, or with a slash or a wildcard in it paths.
fn only(text: &str) -> Result<Only, CliError> {
    if text.ends_with(".patch") || !text.contains(['/', '*', '?', '[', '{']) {
        return Ok(Only::Patch(text.to_owned()));
    }
    // A folder means what is below it.
    let glob = format!("{}{{,/**}}", text.trim_end_matches('/'));
    let glob = GlobBuilder::new(&glob).literal_separator(true).empty_alternates(true).build();
    let glob =
        glob.map_err(|error| CliError::usage(format!("the glob '{}' cannot be read: {}", shown(text), error.kind())))?;
    Ok(Only::Paths(glob))
}

/// The upstream that is meant: the named one, the checkout one stands in, the only one.
fn which<'w>(workspace: &'w Workspace, name: Option<&str>) -> Result<&'w Upstream, CliError> {
    if let Some(name) = name.or(workspace.checkout.as_deref()) {
        return Ok(workspace.upstream(name.trim_end_matches('/'))?);
    }
    match workspace.manifest.upstreams.as_slice() {
        [only] => Ok(only),
        [] => Err(CliError::plain("nothing", "there is no upstream yet").hint("patchq add NAME URL")),
        several => {
            let names: Vec<&str> = several.iter().map(|upstream| upstream.name.as_str()).collect();
            let error = CliError::usage(format!("several upstreams: {}; which one?", names.join(", ")));
            Err(error.hint(format!("patchq refresh {}", names[0])))
        }
    }
}

fn reports(refreshed: &Refreshed) -> Vec<PatchReport> {
    let patches = refreshed.rebased.iter().flat_map(|rebased| &rebased.patches);
    let subjects = refreshed.from.patches.iter().map(|patch| patch.queued.patch.header.subject.as_slice());
    let report = if refreshed.published.is_some() { PatchReport::moved } else { PatchReport::new };
    patches.zip(subjects).map(|(patch, subject)| report(patch, subject)).collect()
}

/// Says what became of the queue: the outcomes to stdout, the rest to stderr.
fn told(
    context: &Context,
    upstream: &Upstream,
    refreshed: &Refreshed,
    report: &[PatchReport],
    (args, to_stdout): (&Args, bool),
) -> Result<(), CliError> {
    let name = upstream.name.as_str();
    let target = &refreshed.target;
    for note in &target.notes {
        context.say(&Message::warning(format!("{name}: {note}")));
    }
    let here = format!("{} ({})", target.version, target.pin.short(8));
    if refreshed.rebased.is_none() {
        context.tell(&format!("{name}: at {here} already"));
        if refreshed.applied {
            context.tell(&format!("{name}: the patch files were newer; they are applied now"));
        }
        if let Some(track) = target.track.as_ref().filter(|_| refreshed.followed) {
            context.tell(&format!("{name}: follows {track} from now on"));
        }
        return Ok(());
    }
    let arrow = if context.look.unicode { "→" } else { "->" };
    let from = refreshed.from.version.as_deref().unwrap_or("no version");
    if !context.json && !to_stdout {
        let mut out = format!("{name}: {from} ({}) {arrow} {here}\n", refreshed.from.pin.short(8));
        out.push_str(&outcomes::table(&context.look, report));
        if !args.dry_run || context.verbose {
            let hunks = outcomes::hunks(&context.look, report);
            if !hunks.is_empty() {
                out.push_str(&format!("{hunks}\n"));
            }
        }
        out.push_str(&format!("{}\n", outcomes::summary(report)));
        context.out(&out)?;
    }
    let conflicts = refreshed.rebased.as_ref().map_or(0, |rebased| rebased.decisions());
    if conflicts > 0 {
        context.say(&waiting(name, &refreshed.target, report, (conflicts, args)));
    } else if args.dry_run && !context.quiet {
        context.tell(&format!("{name}: nothing was changed (--dry-run)"));
    }
    if let Some(published) = &refreshed.published {
        // The table says what became of the patches; this is about their files.
        let (kept, written): (Vec<_>, Vec<_>) =
            published.patches.iter().cloned().partition(|(_, patch)| patch.origin == Origin::Kept);
        say_patches(context, name, &written);
        if !kept.is_empty() {
            context.tell(&format!("{name}: {} unchanged", count(kept.len(), "patch file", "patch files")));
        }
        for file in &published.removed {
            context.tell(&format!("{name}: removed   {file}"));
        }
        if let Some(track) = &target.track {
            context.tell(&format!("{name}: follows {track} from now on"));
        }
        if let Some(version) = &upstream.version {
            let note = format!("{name}: the manifest says version = \"{version}\", which stays as it is");
            context.say(&Message::note(note).hint("change it in upstreams.toml if the new pin is another version"));
        }
        context.tell(&format!("{name}: moved to {here}; 'patchq undo {name}' takes it back"));
    }
    Ok(())
}

/// What to do about so many conflicts.
fn waiting(name: &str, target: &Target, report: &[PatchReport], (conflicts, args): (usize, &Args)) -> Message {
    let decisions = count(conflicts, "decision", "decisions");
    // The tip of the manifest's track needs no name.
    let to = match (&args.to, &args.track) {
        (Some(to), _) => format!(" --to {to}"),
        (None, Some(_)) => format!(" --to {}", target.pin.short(12)),
        (None, None) => String::new(),
    };
    let mut message = Message::note(format!("{name}: nothing was changed; {decisions} must be made first"))
        .hint(format!("patchq diff-upstream {name}{to} -p     (what upstream did)"));
    if args.dry_run {
        message = message.hint(format!("{} --dry-run -v     (the lines)", again(name, args)));
    }
    let proposals: usize = report.iter().map(proposals).sum();
    if proposals > 0 {
        message = message.hint(format!("{} --accept suggested", again(name, args)));
    }
    let touched = |file: &FileReport| !file.decided.is_empty() || !file.refused.is_empty();
    if !args.only.is_empty() && !report.iter().flat_map(|patch| &patch.files).any(touched) {
        message = message.caused_by(format!("--only {} names no conflict", args.only.join(", ")));
    }
    let emptied = report.iter().filter(|patch| patch.emptied);
    let drops: Vec<String> = emptied.map(|patch| format!(" --allow-drop {}", patch.file)).collect();
    if drops.is_empty() {
        return message;
    }
    let drops = format!("{}{}", again(name, args), drops.concat());
    message.hint(format!("{drops}     (if nothing of that is needed any more)"))
}

/// How many conflicts of a patch come with a proposal.
fn proposals(patch: &PatchReport) -> usize {
    let of = |conflict: &ConflictReport| {
        let hunks = conflict.hunks.iter().filter(|hunk| hunk.suggestion.is_some()).count();
        hunks + usize::from(conflict.suggestion.is_some())
    };
    patch.files.iter().filter_map(|file| file.conflict.as_ref()).map(of).sum()
}

/// The command line once more, as far as it says where to go.
fn again(name: &str, args: &Args) -> String {
    let mut line = format!("patchq refresh {name}");
    for (option, value) in [("--to", &args.to), ("--track", &args.track)] {
        if let Some(value) = value {
            let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
            line.push_str(&if plain { format!(" {option} {value}") } else { format!(" {option} '{value}'") });
        }
    }
    for (option, given) in [("--once", args.once), ("--allow-older", args.allow_older)] {
        if given {
            line.push_str(&format!(" {option}"));
        }
    }
    args.allow_drop.iter().for_each(|name| line.push_str(&format!(" --allow-drop {name}")));
    args.accept.iter().for_each(|way| line.push_str(&format!(" --accept {}", way.word())));
    args.only.iter().for_each(|only| line.push_str(&format!(" --only '{only}'")));
    line
}

fn document(name: &str, refreshed: Refreshed, patches_then: Vec<PatchReport>, dry_run: bool) -> Document {
    let Target { pin, version, track, same, notes, .. } = refreshed.target;
    let published = refreshed.published;
    Document {
        name: name.to_owned(),
        from: Place { commit: refreshed.from.pin, version: refreshed.from.version },
        to: Place { commit: pin, version: Some(version) },
        track: track.map(|track| track.to_string()),
        dry_run,
        same,
        published: published.is_some() || refreshed.followed,
        applied: refreshed.applied,
        notes: notes.iter().map(ToString::to_string).collect(),
        patches: patches_then,
        files: published.as_ref().map(|done| patches(&done.patches)).unwrap_or_default(),
        removed: published.map(|done| done.removed).unwrap_or_default(),
    }
}

/// The report for a pull request.
fn as_markdown(
    name: &str,
    refreshed: &Refreshed,
    report: &[PatchReport],
    (changers, dry_run): (Option<&Changers>, bool),
) -> String {
    let target = &refreshed.target;
    let notes: Vec<String> = target.notes.iter().map(ToString::to_string).collect();
    let compare = changers.and_then(|changers| changers.compare(refreshed.from.pin, target.pin));
    let pin = refreshed.from.pin.short(12);
    let state = match (&refreshed.rebased, &refreshed.published) {
        (None, _) => "The queue stands there already.",
        (Some(_), Some(_)) => "The queue was moved.",
        (Some(rebased), None) if !rebased.is_clean() => {
            "The queue was not moved: these conflicts must be decided first."
        }
        _ if dry_run => "The queue can be moved (this was a dry run).",
        _ => "The queue was not moved.",
    };
    let heading = Heading {
        name,
        from: refreshed.from.version.as_deref().unwrap_or(&pin),
        to: &target.version,
        state,
        notes: &notes,
        compare: compare.as_deref(),
    };
    let touched_by = |conflict: &ConflictReport, hunk| changers.map(|all| all.of(conflict, hunk)).unwrap_or_default();
    markdown(&heading, report, &outcomes::summary(report), &touched_by)
}

fn failed(name: &str, args: &Args, error: RefreshError) -> CliError {
    use super::errors::work_list;
    let made = match error {
        RefreshError::Target(TargetError::Older(ref back)) => {
            CliError::of("older", back).hint(format!("{} --allow-older", again(name, args)))
        }
        RefreshError::Target(error) => CliError::target(name, error),
        RefreshError::Which(error) => CliError::usage(error.to_string()).hint(format!("patchq status {name}")),
        RefreshError::Dirty(ref work) => CliError::plain("dirty", format!("{error}:\n{}", work_list(work)))
            .hint(format!("patchq save {name} -m \"why\""))
            .hint(format!("git -C {name} stash --include-untracked     (and 'stash pop' afterwards)")),
        RefreshError::LostStore => CliError::of("store", &error).hint(format!("patchq setup --only {name}")),
        RefreshError::Edit(ref edit) => CliError::edit(name, edit),
        RefreshError::Rewrite(error) => CliError::rewrite(name, error),
    };
    made.in_upstream(name)
}
