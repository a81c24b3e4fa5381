//! Handles a conflict that is resolved in the checkout, with any tool.

use super::super::context::Context;
use super::super::errors::work_list;
use super::super::failure::{CliError, Exit, shown};
use super::super::hint;
use super::super::refresh::{Args, failed as refresh_failed, with_ways};
use super::answer::{Action, made_by, say};
use super::drift::queue_change;
use super::open::Open;
use super::run::{Session, prompt};
use super::tools::{labels, names};
use crate::git::Objects;
use crate::path::RepoPath;
use crate::report::FailureKind;
use crate::stack::{At, Decided, Rebased};
use crate::ui::{Message, count};
use crate::workspace::conflict::hand_over::{Away, HandOverError, HandedConflict, KeptWork, ReadBack, read_back};
use crate::workspace::conflict::memory::{Entry, Memory};
use crate::workspace::conflict::session::{About, Session as OnDisk};
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::{CollectedConflict, UpstreamStore, collect_conflict as take};

/// Hands the conflicts of the question's patch over to the checkout.
pub(super) fn hand_over<'r>(
    session: &mut Session<'_, '_>,
    rebased: &Rebased,
    open: &Open<'_>,
) -> Result<Action<'r>, CliError> {
    let names = names(session, open);
    match session.hand_over(rebased, open.number, &labels(&names)) {
        Ok(handed) => {
            let waiting = open.patch.files.iter().filter_map(|file| file.conflict.as_ref());
            let paths = waiting.map(|conflict| conflict.path.clone()).collect();
            Ok(Action::HandedOver(open.patch.name.clone(), paths, handed.extra))
        }
        Err(RefreshError::HandOver(HandOverError::Dirty(work))) => {
            say(
                session,
                format!("the checkout has uncommitted changes; save or stash them first:\n{}", work_list(&work)),
            );
            Ok(Action::Again)
        }
        Err(RefreshError::HandOver(error)) => {
            say(session, error);
            Ok(Action::Again)
        }
        Err(error) => Err(super::run::wrong(session.fetcher.upstream, error)),
    }
}

/// Takes the result of a conflict in the checkout into the session, if there is one, and restores the checkout.
pub(in crate::cli) fn collect_conflict(context: &Context, upstream: &UpstreamStore<'_>) -> Result<(), CliError> {
    let name = upstream.name().as_str();
    let args = Args { go_on: true, ..Args::default() };
    let wrong = |error: RefreshError| refresh_failed(name, &args, error);
    let Some(handed) = HandedConflict::read(upstream).map_err(|error| wrong(error.into()))? else { return Ok(()) };
    let patch = shown(handed.patch.as_bytes());
    let session = OnDisk::read(&upstream.workspace.layout, upstream.name()).map_err(|error| wrong(error.into()))?;
    let to = session.ok_or_else(|| wrong(RefreshError::NoSession).hint(put_back_hint(name)))?.0.to;
    if to.pin != handed.pin {
        let text = format!(
            "the conflict of {patch} in the checkout belongs to a refresh to another commit than {}",
            to.version
        );
        return Err(CliError::plain(FailureKind::HandedOver, text).hint(put_back_hint(name)).in_upstream(name));
    }
    let mut objects = Objects::new(&upstream.store).map_err(|error| wrong(error.into()))?;
    let back = match read_back(upstream, &mut objects).map_err(|error| wrong(error.into()))? {
        Ok(back) => Some(back),
        Err(away @ (Away::TakenOut | Away::NoCheckout)) => {
            context.say(&Message::warning(format!("{name}: {away}; the question comes again")));
            None
        }
        Err(away) => {
            let error = CliError::plain(FailureKind::HandedOver, format!("{away}; a conflict of {patch} waits in it"));
            return Err(ways_back(error, name, &away).hint(put_back_hint(name)).in_upstream(name));
        }
    };
    if let Some(back) = &back {
        judge(context, name, &patch, back)?;
    }
    let came = context
        .step_context("refresh --continue", |ctx| take(upstream, &mut objects, back.as_ref(), ctx))
        .map_err(wrong)?;
    if let Some(back) = &back {
        context.tell(&format!("{name}: took the result for {patch} from the checkout"));
        if !back.commits.is_empty() {
            context.tell(&format!("{name}: the patch keeps its own message, whatever the commit says"));
        }
    }
    tell_kept(context, name, &came.kept);
    remember(context, upstream, &handed, &came);
    Ok(())
}

fn put_back_hint(name: &str) -> String {
    hint::noted(hint::patchq(&["refresh", name, "--abort"]), "restores the checkout and abandons the refresh")
}

fn ways_back(error: CliError, name: &str, away: &Away) -> CliError {
    match away {
        Away::Operation(operation) => error.hints(hint::operation(name, operation)),
        Away::Branch(_) | Away::Elsewhere(_) => {
            error.hint(hint::noted(hint::git_in(name, &["switch", "-"]), "or the branch where you resolved it"))
        }
        Away::Merge(_) => error.hint(hint::noted(hint::git_in(name, &["rebase", "HEAD^"]), "makes the history linear")),
        Away::NoCheckout | Away::TakenOut => error,
    }
}

/// Requires that everything is decided, and asks about other changes.
fn judge(context: &Context, name: &str, patch: &str, back: &ReadBack) -> Result<(), CliError> {
    if !back.is_decided() {
        let mut text = format!("a conflict of {patch} is not resolved yet in the checkout:");
        for (path, line) in &back.leftover {
            text.push_str(&format!("\n{path}:{line}: a conflict marker"));
        }
        for path in &back.undecided {
            text.push_str(&format!("\n{path}: edit it, or run 'git add' or 'git rm' on it"));
        }
        let error = CliError::plain(FailureKind::HandedOver, text).exit(Exit::Conflicts).in_upstream(name);
        return Err(with_ways(error.hint(hint::git_in(name, &["status"])), name));
    }
    for path in &back.filtered {
        let text =
            format!("{name}: {path} is taken as it is on the disk, without running the filter of its attributes");
        context.say(&Message::warning(text));
    }
    if !back.untracked.is_empty() {
        let list = back.untracked.iter().map(|path| format!("\n{path}")).collect::<String>();
        let new = count(back.untracked.len(), "file", "files");
        let text = format!("the checkout has {new} that git does not track:{list}");
        let error = CliError::plain(FailureKind::HandedOver, text).exit(Exit::Conflicts).in_upstream(name);
        return Err(error
            .hint(hint::noted(hint::git_in(name, &["add", "PATH"]), format!("adds it to {patch}")))
            .hint("or move it away, or ignore it with git"));
    }
    if back.others.is_empty() {
        return Ok(());
    }
    let others: Vec<&RepoPath> = back.others.iter().map(|(path, _)| path).collect();
    let list = others.iter().map(|path| format!("\n{path}")).collect::<String>();
    let what = format!("{} changed outside the conflict:{list}", count(others.len(), "path was", "paths were"));
    let joins = if context.asker.can_ask() && !context.json {
        context.show(&Message::note(format!("{name}: {what}")));
        let question = format!("should they become part of {patch}?");
        context.progress.suspend(|| context.asker.confirm(&question, true)).map_err(prompt)?
    } else {
        false
    };
    if joins {
        return Ok(());
    }
    let error = CliError::plain(FailureKind::HandedOver, format!("{what}\nthey would become part of {patch}"));
    let error = error.exit(Exit::Conflicts).in_upstream(name);
    Err(error.hint(hint::git_in(name, &["restore", "--staged", "--worktree", "PATH"])).hint(hint::noted(
        hint::patchq(&["refresh", name, "--continue"]),
        "on a terminal, asks whether they belong to the patch",
    )))
}

/// Reports which work in the checkout was recorded for `undo`.
pub(super) fn tell_kept(context: &Context, name: &str, kept: &KeptWork) {
    const MOST: usize = 10;
    let named: Vec<String> = kept.paths.iter().take(MOST).map(ToString::to_string).collect();
    let more = kept.paths.len() - named.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let paths = (!named.is_empty()).then(|| format!("the work on {}{more}", named.join(", ")));
    let commits = (!kept.commits.is_empty()).then(|| count(kept.commits.len(), "commit", "commits"));
    let all: Vec<String> = paths.into_iter().chain(commits).collect();
    if !all.is_empty() && kept.set_aside.is_none() {
        context.tell(&format!("{name}: kept for '{}': {}", hint::patchq(&["undo", name]), all.join(", ")));
    }
}

/// Remembers decisions about lines.
fn remember(context: &Context, upstream: &UpstreamStore<'_>, handed: &HandedConflict, came: &CollectedConflict) {
    let memory = Memory::open(upstream.workspace, upstream.entry);
    let made = made_by(context, upstream, (handed.old_pin, handed.pin));
    for (decision, hunk) in &came.decided {
        let (About::Path(Decided::Lines { path, text, .. }), Some((hunk, own))) = (&decision.about, hunk) else {
            continue;
        };
        let at = At { patch: &decision.patch, path, own };
        if let Err(error) = memory.remember(&Entry::new(at, hunk, text.clone(), made.clone())) {
            context.say(&Message::warning(format!("{}: decided, but not remembered: {error}", upstream.name())));
        }
    }
}

/// Converts an error of handing a conflict over or taking it back, with a hint.
pub(in crate::cli) fn failed(name: &str, error: HandOverError) -> CliError {
    let made = |error: &HandOverError| CliError::of(FailureKind::HandedOver, error);
    match error {
        HandOverError::Step(error) => CliError::step(name, error),
        HandOverError::Files(error) => CliError::queue(name, error.into()),
        HandOverError::Unreadable(ref why) => made(&error).hints(super::super::errors::unreadable_hints(name, why)),
        HandOverError::Dirty(ref work) => CliError::plain(FailureKind::Dirty, format!("{error}:\n{}", work_list(work)))
            .hint(hint::git_in(name, &["stash", "--include-untracked"])),
        HandOverError::NoCheckout => made(&error).hint(hint::patchq(&["setup", "--only", name])),
        HandOverError::Operation(operation) => made(&error).hints(hint::operation(name, operation)),
        HandOverError::AnotherQuestion { ref changes, .. } => {
            let changes: Vec<String> = changes.iter().map(|change| format!("\n{}", queue_change(change))).collect();
            CliError::plain(FailureKind::HandedOver, format!("{error}:{}", changes.concat()))
                .hint("restore those files (git stash, git checkout), then continue")
                .hint(hint::noted(
                    hint::patchq(&["refresh", name, "--abort"]),
                    "restores the checkout; undo brings the work back",
                ))
        }
        HandOverError::ChangedMeanwhile(_) => made(&error).hint(hint::patchq(&["refresh", name, "--continue"])),
        HandOverError::NoFile(_) => made(&error).hint(hint::git_in(name, &["status"])),
        HandOverError::Already(_)
        | HandOverError::Unfit(_)
        | HandOverError::Homeless(_)
        | HandOverError::First(_)
        | HandOverError::Nothing => with_ways(made(&error), name),
    }
}
