//! What a refresh says on the terminal.

use super::super::context::Context;
use super::super::export::say_patches;
use super::super::failure::{CliError, shown};
use super::super::outcomes;
use super::super::resolutions::unusable;
use super::super::session::hand_over_failed as hand_over;
use super::{AcceptWay, Args, RefreshError};
use crate::report::{ConflictReport, FileReport, PatchReport};
use crate::stack::Origin;
use crate::ui::{Message, count};
use crate::workspace::manifest::Upstream;
use crate::workspace::refresh::Refreshed;
use crate::workspace::session::SessionError;
use crate::workspace::{RewriteError, SettleError, TargetError};

/// Says what became of the queue: the outcomes to stdout, the rest to stderr.
pub(super) fn told(
    context: &Context,
    upstream: &Upstream,
    refreshed: &Refreshed,
    report: &[PatchReport],
    (args, to_stdout): (&Args, bool),
) -> Result<(), CliError> {
    let name = upstream.name.as_str();
    let target = &refreshed.target;
    for damaged in &refreshed.damaged {
        context.say(&Message::warning(format!("{name}: {}", unusable(damaged))));
    }
    for note in &target.notes {
        context.say(&Message::warning(format!("{name}: {note}")));
    }
    let here = format!("{} ({})", shown(target.version.as_bytes()), target.pin.short(8));
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
    if refreshed.held {
        // Whoever was asked has seen it, and was told how it goes on.
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
        context.out(&out);
    }
    let conflicts = refreshed.rebased.as_ref().map_or(0, |rebased| rebased.decisions());
    if conflicts > 0 {
        context.say(&waiting(name, refreshed, report, (conflicts, args)));
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
fn waiting(name: &str, refreshed: &Refreshed, report: &[PatchReport], (conflicts, args): (usize, &Args)) -> Message {
    let decisions = count(conflicts, "decision", "decisions");
    // The tip of the manifest's track needs no name.
    let to = match (&args.to, &args.track) {
        (Some(to), _) => format!(" --to {to}"),
        (None, Some(_)) => format!(" --to {}", refreshed.target.pin.short(12)),
        (None, None) if args.go_on => format!(" --to {}", refreshed.target.pin.short(12)),
        (None, None) => String::new(),
    };
    let waits = if conflicts == 1 { "waits" } else { "wait" };
    let mut message = Message::note(match args.go_on {
        true => format!("{name}: nothing was changed; {decisions} still {waits}"),
        false => format!("{name}: nothing was changed; {decisions} must be made first"),
    })
    .hint(format!("patchq diff-upstream {name}{to} -p     (what upstream did)"));
    if args.dry_run {
        message = message.hint(format!("{} --dry-run -v     (the lines)", again(name, args)));
    }
    if refreshed.remembered > 0 && !args.accept.contains(&AcceptWay::Remembered) {
        let n = refreshed.remembered;
        let line = format!("{} --accept remembered     ({n} of them decided before)", again(name, args));
        message = message.hint(line);
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
pub(super) fn again(name: &str, args: &Args) -> String {
    let mut line = format!("patchq refresh {name}{}", if args.go_on { " --continue" } else { "" });
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
    args.accept.iter().for_each(|way| line.push_str(&format!(" --accept {}", way.way().word())));
    args.only.iter().for_each(|only| line.push_str(&format!(" --only '{only}'")));
    line
}

/// A failure of a refresh, with the way out.
pub(in crate::cli) fn failed(name: &str, args: &Args, error: RefreshError) -> CliError {
    use super::super::errors::work_list;
    let made = match error {
        RefreshError::Target(TargetError::Older(ref back)) if args.go_on => CliError::of("older", back)
            .caused_by("the pin was moved since the session began")
            .hint(format!("patchq refresh {name} --abort     (gives the session up)")),
        RefreshError::Target(TargetError::Older(ref back)) => {
            CliError::of("older", back).hint(format!("{} --allow-older", again(name, args)))
        }
        RefreshError::Target(error) => CliError::target(name, error),
        RefreshError::Agreed(error) => CliError::usage(error.to_string()).hint(format!("patchq status {name}")),
        RefreshError::Open(_) => with_ways(CliError::of("session", &error), name),
        RefreshError::There(_) => {
            CliError::of("session", &error).hint(format!("patchq refresh {name} --abort     (ends it)"))
        }
        RefreshError::NoSession => CliError::of("no-session", &error).hint(format!("patchq refresh {name}")),
        RefreshError::Session(error) => session(name, error),
        RefreshError::Dirty(ref work) if args.go_on => {
            // Nothing is saved while a session is open.
            CliError::plain("dirty", format!("{error}:\n{}", work_list(work)))
                .hint(format!("git -C {name} stash --include-untracked     (and 'stash pop' afterwards)"))
        }
        RefreshError::Dirty(ref work) => CliError::plain("dirty", format!("{error}:\n{}", work_list(work)))
            .hint(format!("patchq save {name} -m \"why\""))
            .hint(format!("git -C {name} stash --include-untracked     (and 'stash pop' afterwards)")),
        RefreshError::HandOver(error) => hand_over(name, error),
        RefreshError::LostStore => CliError::of("store", &error).hint(format!("patchq setup --only {name}")),
        RefreshError::Edit(ref edit) => CliError::edit(name, edit),
        RefreshError::Rewrite(RewriteError::Settle(SettleError::Commits(ref commits))) if args.go_on => {
            let made =
                CliError::rewrite(name, RewriteError::Settle(SettleError::Commits(commits.clone()))).without_hints();
            made.hint(format!(
                "patchq refresh {name} --abort && patchq export {name}     ('patchq undo' keeps the session)"
            ))
        }
        RefreshError::Rewrite(error) => CliError::rewrite(name, error),
    };
    made.in_upstream(name)
}

/// A session that cannot be read or written.
fn session(name: &str, error: SessionError) -> CliError {
    match error {
        SessionError::Content(content) => CliError::of("session", &content)
            .at(content.file.display().to_string(), content.line)
            .hint(format!("mend it, or take it back from your repository: git log -p -- {}", content.file.display()))
            .hint(format!("patchq refresh {name} --abort     (gives up what was decided)")),
        SessionError::File(file) => CliError::of("io", &file),
        error @ SessionError::ChangedMeanwhile(_) => {
            CliError::of("changed", &error).hint(format!("patchq status {name}     (is it still open?)"))
        }
        SessionError::Settle(error) => CliError::settle(name, error),
    }
}

/// An open session is in the way: how to get past it.
pub(in crate::cli) fn with_ways(error: CliError, name: &str) -> CliError {
    error
        .hint(format!("patchq refresh {name} --continue     (goes on with it)"))
        .hint(format!("patchq refresh {name} --abort        (gives it up)"))
}
