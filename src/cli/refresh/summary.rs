//! Writes the messages of a refresh on the terminal.

use std::ffi::OsStr;

use super::super::context::Context;
use super::super::failure::{CliError, shown};
use super::super::hint;
use super::super::outcomes;
use super::super::patch_files::{say_patches, say_taken};
use super::super::resolutions::unusable;
use super::super::session::hand_over_failed as hand_over;
use super::{AcceptWay, Args, RefreshError};
use crate::git::Id;
use crate::report::{ConflictReport, FailureKind, FileReport, PatchReport};
use crate::ui::{Message, count};
use crate::workspace::conflict::session::SessionError;
use crate::workspace::manifest::Upstream;
use crate::workspace::ops::refresh::{RefreshEnd, Refreshed};
use crate::workspace::{QueueError, RewriteError, SideError, Target, TargetError, TargetNote};

/// Reports the result: the outcomes to stdout, the rest to stderr.
pub(super) fn print_summary(
    context: &Context,
    upstream: &Upstream,
    refreshed: &Refreshed,
    report: &[PatchReport],
    args: &Args,
    to_stdout: bool,
) -> Result<(), CliError> {
    let name = upstream.name.as_str();
    let target = &refreshed.target;
    for damaged in &refreshed.damaged {
        context.say(&Message::warning(format!("{name}: {}", unusable(damaged))));
    }
    for note in &target.notes {
        context.say(&note_message(name, note, args));
    }
    let place = |version: Option<&str>, pin: Id| match version {
        Some(version) => format!("{} ({})", shown(version.as_bytes()), pin.short(8)),
        None => pin.short(12),
    };
    // If the manifest fixes the version, it does not show the move.
    let from = refreshed.from.version.as_deref().or(Some("no version"));
    let (from, to) = match &target.called {
        Some([from, to]) => (from.as_deref(), to.as_deref()),
        None => (from, Some(target.version.as_str())),
    };
    let (from, here) = (place(from, refreshed.from.pin), place(to, target.pin));
    if let RefreshEnd::There { applied, followed } = &refreshed.end {
        context.tell(&format!("{name}: already at {here}"));
        if let Some(taken) = applied {
            say_taken(context, name, taken);
            context.tell(&format!("{name}: the patch files were newer and have been applied"));
        }
        if let Some(track) = target.track.as_ref().filter(|_| *followed) {
            context.tell(&format!("{name}: now follows {track}"));
        }
        return Ok(());
    }
    if matches!(refreshed.end, RefreshEnd::Left(_)) {
        // If the user was asked, all this has been shown.
        return Ok(());
    }
    let arrow = if context.look.unicode { "→" } else { "->" };
    // With `-q` a success is not reported.
    let silent = context.quiet && refreshed.published().is_some();
    if !context.json && !to_stdout && !silent {
        let mut out = format!("{name}: {from} {arrow} {here}\n");
        out.push_str(&outcomes::table(&context.look, report));
        if !args.dry_run || context.verbose {
            let hunks = outcomes::hunks(&context.look, report);
            if !hunks.is_empty() {
                out.push_str(&format!("{hunks}\n"));
            }
        }
        out.push_str(&format!("{}\n", outcomes::summary(report)));
        context.out(&out);
    }
    let conflicts = refreshed.rebased().map_or(0, |rebased| rebased.decisions());
    if conflicts > 0 {
        context.say(&waiting(name, refreshed, report, conflicts, args));
    } else if args.dry_run {
        context.tell(&format!("{name}: nothing was changed (--dry-run)"));
        let left = refreshed.rebased().map_or(0, |rebased| rebased.stack.items.len());
        if left == 0 && !refreshed.from.patches.is_empty() && !args.allow_empty {
            let note = Message::note(format!("{name}: no patch would be left; the queue would be empty"));
            context.say(&note.hint(again(name, args, &["--allow-empty"])));
        }
    }
    if let Some(published) = refreshed.published() {
        // The table shows the outcomes of the patches; this is about their files.
        say_patches(context, name, &published.queue, ("patch file", "patch files"));
        if let Some(track) = &target.track {
            context.tell(&format!("{name}: now follows {track}"));
        }
        if let Some(version) = &upstream.version {
            let note = format!("{name}: the manifest says version = \"{version}\", which was not changed");
            context.say(&Message::note(note).hint("change it in upstreams.toml if the new pin is another version"));
        }
        context.tell(&format!("{name}: moved to {here}; '{}' undoes it", hint::patchq(&["undo", name])));
    }
    Ok(())
}

/// Returns a note on the target; if nothing was moved yet, with the options that a refresh to it needs.
fn note_message(name: &str, note: &TargetNote, args: &Args) -> Message {
    let text = format!("{name}: {note}");
    match note {
        TargetNote::Ahead(_) => {
            let back = hint::patchq(&["refresh", name, "--allow-older"]);
            Message::note(text).hint(hint::noted(back, "moves back to it"))
        }
        TargetNote::Outside { .. } if args.dry_run => Message::warning(text)
            .hint(hint::noted(again(name, args, &["--once"]), "the track stays as it is"))
            .hint(hint::noted(again(name, args, &["--track", "NEW"]), "follows NEW from now on")),
        TargetNote::Older(_) if args.dry_run && !args.allow_older => {
            Message::warning(text).hint(hint::noted(again(name, args, &["--allow-older"]), "moves there"))
        }
        _ => Message::warning(text),
    }
}

/// Returns the options that a refresh to `target` needs, about which a dry run only warns.
fn meant(target: &Target) -> Vec<&'static str> {
    let option = |note: &TargetNote| match note {
        TargetNote::Outside { .. } => Some("--once"),
        TargetNote::Older(_) => Some("--allow-older"),
        _ => None,
    };
    target.notes.iter().filter_map(option).collect()
}

/// Returns the message about open conflicts.
fn waiting(name: &str, refreshed: &Refreshed, report: &[PatchReport], conflicts: usize, args: &Args) -> Message {
    let decisions = count(conflicts, "decision", "decisions");
    // The tip of the manifest's track needs no name.
    let to = match (&args.to, &args.track) {
        (Some(to), _) => hint::option("--to", to),
        (None, None) if !args.go_on => Vec::new(),
        _ => hint::option("--to", &refreshed.target.pin.short(12)),
    };
    let look: Vec<&str> =
        ["diff-upstream", name].into_iter().chain(to.iter().map(String::as_str)).chain(["-p"]).collect();
    let waits = if conflicts == 1 { "is" } else { "are" };
    let mut message = Message::note(match args.go_on {
        true => format!("{name}: nothing was changed; {decisions} {waits} still needed"),
        false => format!("{name}: nothing was changed; {decisions} {waits} needed first"),
    })
    .hint(hint::noted(hint::patchq(&look), "upstream's diff"));
    let meant = meant(&refreshed.target);
    let again = |more: &[&str]| again(name, args, &[meant.as_slice(), more].concat());
    if args.dry_run {
        message = message.hint(hint::noted(again(&["--dry-run", "-v"]), "shows the lines"));
    }
    if refreshed.remembered > 0 && !args.accept.contains(&AcceptWay::Remembered) {
        let n = refreshed.remembered;
        let line = again(&["--accept", "remembered"]);
        message = message.hint(hint::noted(line, format!("{n} of them were decided before")));
    }
    let proposals: usize = report.iter().map(proposals).sum();
    if proposals > 0 {
        message = message.hint(again(&["--accept", "suggested"]));
    }
    let touched = |file: &FileReport| !file.decided.is_empty() || !file.refused.is_empty();
    if !args.only.is_empty() && !report.iter().flat_map(|patch| &patch.files).any(touched) {
        message = message.caused_by(format!("--only {} matches no conflict", args.only.join(", ")));
    }
    let emptied = report.iter().filter(|patch| patch.emptied);
    let drops: Vec<String> = emptied.flat_map(|patch| hint::option("--allow-drop", &patch.file)).collect();
    if drops.is_empty() {
        return message;
    }
    message.hint(hint::noted(
        again(&drops.iter().map(String::as_str).collect::<Vec<_>>()),
        "if nothing of them is needed any more",
    ))
}

/// Returns how many conflicts of a patch have a proposal.
fn proposals(patch: &PatchReport) -> usize {
    let of = |conflict: &ConflictReport| {
        let hunks = conflict.hunks.iter().filter(|hunk| hunk.suggestion.is_some()).count();
        hunks + usize::from(conflict.suggestion.is_some())
    };
    patch.files.iter().filter_map(|file| file.conflict.as_ref()).map(of).sum()
}

/// Returns the command line again, as far as it names the target, with `more`.
fn again(name: &str, args: &Args, more: &[&str]) -> String {
    let mut words = vec!["refresh".to_owned(), name.to_owned()];
    if args.go_on {
        words.push("--continue".to_owned());
    }
    for (option, value) in [("--to", &args.to), ("--track", &args.track)] {
        words.extend(value.iter().flat_map(|value| hint::option(option, value)));
    }
    // With `--track`, `--once` is not needed.
    let once = args.once || (more.contains(&"--once") && args.track.is_none());
    let older = args.allow_older || more.contains(&"--allow-older");
    for (option, given) in [("--once", once), ("--allow-older", older)] {
        if given {
            words.push(option.to_owned());
        }
    }
    words.extend(args.allow_drop.iter().flat_map(|name| hint::option("--allow-drop", name)));
    words.extend(args.accept.iter().flat_map(|way| hint::option("--accept", way.way().word())));
    words.extend(args.only.iter().flat_map(|only| hint::option("--only", only)));
    words.extend(more.iter().filter(|word| !["--once", "--allow-older"].contains(word)).map(|word| (*word).to_owned()));
    hint::patchq(&words)
}

/// Converts an error of a refresh, with a hint.
pub(in crate::cli) fn failed(name: &str, args: &Args, error: RefreshError) -> CliError {
    use super::super::errors::{with_submodules, work_list};
    let made = match error {
        RefreshError::Target(TargetError::Older(ref back)) if args.go_on => CliError::of(FailureKind::Older, back)
            .caused_by("the pin has moved since the session began")
            .hint(hint::noted(hint::patchq(&["refresh", name, "--abort"]), "abandons the session")),
        RefreshError::Target(TargetError::Older(ref back)) => {
            CliError::of(FailureKind::Older, back).hint(again(name, args, &["--allow-older"]))
        }
        RefreshError::Target(error) => CliError::target(name, error),
        RefreshError::AcceptOptions(error) => CliError::usage(error.to_string()).hint(hint::patchq(&["status", name])),
        RefreshError::Open(_) => with_ways(CliError::of(FailureKind::Session, &error), name),
        RefreshError::There(_) => CliError::of(FailureKind::Session, &error)
            .hint(hint::noted(hint::patchq(&["refresh", name, "--abort"]), "ends the session")),
        RefreshError::Elsewhere { pin, ref track, .. } => {
            let to =
                Args { to: Some(pin.short(12)), track: track.as_ref().map(ToString::to_string), ..Args::default() };
            let to = Args { go_on: true, once: track.is_none(), ..to };
            let give_up = hint::patchq(&["refresh", name, "--abort"]);
            CliError::of(FailureKind::Session, &error)
                .hint(hint::noted(again(name, &to, &[]), "if you want that"))
                .hint(hint::noted(give_up, "abandons the refresh"))
        }
        RefreshError::OtherTarget { .. } => CliError::usage(error.to_string())
            .hints(hint::ways(name, ["moves to the session's target", "abandons the refresh"])),
        RefreshError::NoSession => CliError::of(FailureKind::NoSession, &error).hint(hint::patchq(&["refresh", name])),
        RefreshError::Session(error) => session(name, error),
        RefreshError::Dirty(ref work) if args.go_on => {
            // `save` is refused while a session is open.
            CliError::plain(FailureKind::Dirty, format!("{error}:\n{}", work_list(work)))
                .hint(hint::noted(hint::git_in(name, &["stash", "--include-untracked"]), "and 'stash pop' afterwards"))
        }
        RefreshError::Dirty(ref work) => {
            let made = CliError::plain(FailureKind::Dirty, format!("{error}:\n{}", work_list(work)))
                .hint(hint::save(name))
                .hint(hint::noted(hint::git_in(name, &["stash", "--include-untracked"]), "and 'stash pop' afterwards"));
            with_submodules(made, name, work)
        }
        RefreshError::HandOver(error) => hand_over(name, error),
        RefreshError::Empty => CliError::of(FailureKind::Empty, &error).hint(again(name, args, &["--allow-empty"])),
        RefreshError::LostStore => {
            CliError::of(FailureKind::Store, &error).hint(hint::patchq(&["setup", "--only", name]))
        }
        RefreshError::Edit(ref edit) => CliError::edit(name, edit),
        RefreshError::Rewrite(RewriteError::Queue(QueueError::Side(error @ SideError::Commits(_)))) if args.go_on => {
            let made = CliError::side(name, error).without_hints();
            // A session is open: the hint aborts it first.
            made.hint(hint::noted(hint::patchq(&["export", name]), "'patchq undo' restores the session"))
        }
        RefreshError::Rewrite(error) => CliError::rewrite(name, error),
    };
    made.in_upstream(name)
}

/// Converts an error of reading or writing a session.
fn session(name: &str, error: SessionError) -> CliError {
    match error {
        SessionError::Content(content) => CliError::of(FailureKind::Session, &content)
            .at(content.file.display().to_string(), content.line)
            .hint(hint::noted(
                hint::git_here(
                    &["log", "-p", "--"]
                        .map(OsStr::new)
                        .into_iter()
                        .chain([content.file.as_os_str()])
                        .collect::<Vec<_>>(),
                ),
                "to fix the file, or to restore it",
            ))
            .hint(hint::noted(hint::patchq(&["refresh", name, "--abort"]), "discards the decisions")),
        SessionError::File(file) => CliError::of(FailureKind::Io, &file),
        error @ SessionError::ChangedMeanwhile(_) => CliError::of(FailureKind::Changed, &error)
            .hint(hint::noted(hint::patchq(&["status", name]), "shows whether the session is still open")),
        SessionError::Step(error) => CliError::step(name, error),
    }
}

/// Adds the two ways to handle an open session.
pub(in crate::cli) fn with_ways(error: CliError, name: &str) -> CliError {
    error.hints(hint::ways(name, ["continues the refresh", "abandons the refresh"]))
}
