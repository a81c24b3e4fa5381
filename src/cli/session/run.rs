//! Runs a session: one question after the other until none is open, and a last one before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::blame::Blame;
use super::super::context::{Context, interrupted};
use super::super::failure::{CliError, Exit, shown};
use super::super::hint;
use super::super::refresh::{Args, failed};
use super::answer::{Action, act, made_by};
use super::open::{About, Key, Open, open};
use super::question::{Beside, question};
use super::summary::{Last, last};
use super::tell_ways;
use crate::path::RepoPath;
use crate::report::{FailureKind, UpstreamCommit};
use crate::stack::suggest::Choice;
use crate::stack::{At, Conflict, Decided, DecidedBy, Labels, Rebased, Resolution};
use crate::ui::conflict::Screen;
use crate::ui::{PromptError, count};
use crate::workspace::abort;
use crate::workspace::conflict::hand_over::HandedOver;
use crate::workspace::conflict::memory::{Entry, Memory, Remembered};
use crate::workspace::conflict::session::{self, SessionDecision};
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::{Fetcher, Moving, PinLines, StepContext, UpstreamStore};

/// How a session ended.
pub(in crate::cli) enum SessionEnd {
    /// Everything is decided, and the user confirmed it.
    Decided(Rebased),
    /// It was left, with this exit; the last run.
    Ended(Exit, Rebased),
}

/// A running session.
pub(super) struct Session<'a, 'm> {
    pub(super) context: &'a Context,
    pub(super) fetcher: &'a Fetcher<'a>,
    pub(super) moving: &'m mut Moving<'a>,
    pub(super) screen: Screen<'a>,
    pub(super) memory: Memory,
    /// The decisions that this session added to the memory, by their numbers.
    kept: Vec<(u32, Remembered)>,
    later: BTreeSet<Key>,
    /// The decision that was removed last: its question is asked next, and the decision is offered again.
    pub(super) withdrawn: Vec<SessionDecision>,
    /// Unfinished texts from an editor or a tool, by question, for the next try.
    pub(super) drafts: BTreeMap<Key, Vec<u8>>,
    blame: Vec<Blame>,
    pin_lines: PinLines,
}

/// How the questions ended.
enum End {
    Write,
    Stop,
    Declined,
    Aborted,
    /// The conflicts of this patch are in the checkout: their paths, and the paths in addition to the manifest's.
    HandedOver(String, Vec<RepoPath>, Vec<RepoPath>),
}

/// Asks all open questions in `rebased`, which `moving` computed. The objects for all questions are fetched before the
/// first one.
pub(in crate::cli) fn run_session<'a>(
    context: &'a Context,
    fetcher: &'a Fetcher<'a>,
    moving: &mut Moving<'a>,
    rebased: Rebased,
) -> Result<SessionEnd, CliError> {
    let upstream = fetcher.upstream;
    match moving.prepare(&rebased) {
        // Offline the user can decide now, and write it later.
        Err(error) if !fetcher.remote.is_offline() => return Err(wrong(upstream, error)),
        _ => {}
    }
    let pins = (moving.from.pin, moving.target.pin);
    let pin_lines = moving.pin_lines(&rebased).map_err(|error| wrong(upstream, error))?;
    let waiting = open(&rebased);
    let blame = Blame::of(fetcher, pins, waiting.iter().filter_map(Open::conflict), &pin_lines)?;
    context.progress.pause();
    let mut session = Session {
        context,
        fetcher,
        moving,
        screen: Screen::open(context.look, context.stop()),
        memory: Memory::open(upstream.workspace, upstream.entry),
        kept: Vec::new(),
        later: BTreeSet::new(),
        withdrawn: Vec::new(),
        drafts: BTreeMap::new(),
        blame: vec![blame],
        pin_lines,
    };
    let ended = session.run(rebased);
    let kept = session.moving.is_kept();
    // The screen closes, with everything that was shown on it.
    drop(session);
    context.progress.resume();
    match ended {
        Ok((End::Write, rebased)) => Ok(SessionEnd::Decided(rebased)),
        Ok((end, rebased)) => Ok(SessionEnd::Ended(told(context, upstream, end, kept, &rebased), rebased)),
        Err(error) if kept && error.exit == Exit::Interrupted => Err(error.hint(go_on(upstream))),
        Err(error) => Err(error),
    }
}

fn go_on(upstream: &UpstreamStore<'_>) -> String {
    hint::noted(hint::patchq(&["refresh", upstream.name().as_str(), "--continue"]), "what was decided is kept")
}

/// Reports how a session was left before its end, and returns the exit.
fn told(context: &Context, upstream: &UpstreamStore<'_>, end: End, kept: bool, rebased: &Rebased) -> Exit {
    let name = upstream.name();
    match end {
        End::HandedOver(patch, paths, extra) => {
            context.tell(&format!("{name}: the conflicts of {} are in the checkout:", shown(patch.as_bytes())));
            paths.iter().for_each(|path| context.tell(&format!("  {name}/{path}")));
            for path in extra {
                context.tell(&format!("{name}: {path} was checked out too, outside the manifest's 'sparse'"));
            }
            context.tell("resolve them there, then run 'git add' (or 'git rm') or commit, and");
            tell_ways(
                context,
                name,
                ["takes your result and continues", "restores the checkout and abandons the refresh"],
            );
            return Exit::Conflicts;
        }
        End::Aborted if kept => {
            let undo = hint::patchq(&["undo", name.as_str()]);
            context.tell(&format!("{name}: the refresh is abandoned; '{undo}' restores its decisions"));
        }
        End::Aborted => context.tell(&format!("{name}: the refresh is abandoned; nothing was changed")),
        _ if kept => {
            let waits = match rebased.decisions() {
                0 => "everything is decided".to_owned(),
                n => count(n, "conflict is open", "conflicts are open"),
            };
            context.tell(&format!("{name}: nothing was changed yet; {waits}; the session is in sessions/{name}.toml"));
            tell_ways(context, name, ["continues the refresh", "abandons the refresh"]);
        }
        _ => context.tell(&format!("{name}: nothing was changed")),
    }
    if matches!(end, End::Stop) { Exit::Conflicts } else { Exit::Failed }
}

impl<'a> Session<'a, '_> {
    fn run(&mut self, mut rebased: Rebased) -> Result<(End, Rebased), CliError> {
        loop {
            self.context.check_stop()?;
            let all = open(&rebased);
            // A question that was decided in another way needs no draft any more.
            self.drafts.retain(|key, _| all.iter().any(|open| [open.key(), open.file_key()].contains(key)));
            let act = match all.is_empty() {
                true => match last(self, &rebased)? {
                    Last::Write => return Ok((End::Write, rebased)),
                    Last::Stop => return Ok((End::Declined, rebased)),
                    Last::Back => Action::Back,
                    Last::Abort => Action::Abort,
                },
                false => {
                    let n = self.next(&all);
                    let key = self.ask(&rebased, &all[n], (n, all.len()))?;
                    act(self, &rebased, &all[n], key)?
                }
            };
            match act {
                Action::Again => continue,
                Action::Later(key) => {
                    self.withdrawn.clear();
                    self.later.insert(key);
                    continue;
                }
                Action::Decide(decisions, conflict) => {
                    let answered =
                        |one: &SessionDecision| decisions.iter().any(|made| made.question() == one.question());
                    self.withdrawn.retain(|one| !answered(one));
                    self.decide(&rebased, conflict, decisions)?;
                }
                Action::Back => self.back(&rebased)?,
                Action::Stop if self.may_leave()? => return Ok((End::Stop, rebased)),
                Action::Stop => continue,
                Action::HandedOver(patch, paths, extra) => return Ok((End::HandedOver(patch, paths, extra), rebased)),
                Action::Abort if self.may_leave()? && self.give_up()? => return Ok((End::Aborted, rebased)),
                Action::Abort => continue,
            }
            rebased = self.moving.run().map_err(|error| wrong(self.fetcher.upstream, error))?;
            self.moving.fetch_sides(&rebased).or_else(|error| self.only_online(error))?;
            self.pin_lines = self.moving.pin_lines(&rebased).map_err(|error| wrong(self.fetcher.upstream, error))?;
        }
    }

    /// Ignores errors of the network: what cannot be fetched is not needed to decide.
    fn only_online(&self, error: RefreshError) -> Result<(), CliError> {
        if self.fetcher.remote.is_offline() { Ok(()) } else { Err(wrong(self.fetcher.upstream, error)) }
    }

    /// Returns the decision that was removed last, if it answers this question.
    pub(super) fn withdrawn(&self, open: &Open<'_>) -> Option<&SessionDecision> {
        self.withdrawn.iter().find(|decision| open.is_answered_by(decision))
    }

    /// Returns the next question: the one whose decision was just removed; else the first one that was not postponed;
    /// if all were, they are asked again.
    fn next(&mut self, all: &[Open<'_>]) -> usize {
        if let Some(n) = all.iter().position(|open| self.withdrawn(open).is_some()) {
            return n;
        }
        if let Some(n) = all.iter().position(|open| !self.later.contains(&open.key())) {
            return n;
        }
        self.later.clear();
        self.screen.message("the conflicts left for later come again");
        0
    }

    fn ask(&mut self, rebased: &Rebased, open: &Open<'_>, position: (usize, usize)) -> Result<char, CliError> {
        let blame = self.blame(open)?;
        let kept = [open.key(), open.file_key()];
        let remembered = self.remembered(open);
        let beside = Beside {
            name: self.fetcher.upstream.name().as_str(),
            blame,
            remembered: remembered.as_ref().map(|(entry, here)| (entry.as_ref(), *here)),
            can_go_back: self.moving.decisions().last_applied(rebased) > 0,
            withdrawn: self.withdrawn(open),
            draft: kept.iter().any(|key| self.drafts.contains_key(key)),
            has_checkout: self.moving.has_checkout(),
        };
        let question = question(self.moving, rebased, open, position, &beside);
        self.shown(|screen| screen.ask(&question))
    }

    /// Does something on the screen. Nothing else may draw there, and a transfer may have drawn in between.
    pub(super) fn shown<T>(
        &mut self,
        work: impl FnOnce(&mut Screen<'a>) -> Result<T, PromptError>,
    ) -> Result<T, CliError> {
        self.context.progress.pause();
        work(&mut self.screen).map_err(prompt)
    }

    /// Returns the upstream commits behind a question, or why they are unknown.
    fn blame(&mut self, open: &Open<'_>) -> Result<Result<Vec<UpstreamCommit>, String>, CliError> {
        let Some(conflict) = open.conflict() else { return Ok(Ok(Vec::new())) };
        if !self.blame.iter().any(|known| known.knows(conflict, &self.pin_lines)) {
            let (from, pins) = ((self.fetcher), (self.moving.from.pin, self.moving.target.pin));
            self.blame.push(Blame::of(from, pins, std::iter::once(conflict), &self.pin_lines)?);
        }
        let known = self.blame.iter().find(|known| known.knows(conflict, &self.pin_lines));
        Ok(match known.map(|known| (known, &known.skipped)) {
            Some((_, Some(why))) => Err(why.clone()),
            Some((known, None)) => Ok(known.of_hunk(conflict, open.hunk())),
            None => Ok(Vec::new()),
        })
    }

    /// Returns an earlier decision about the same lines, and whether it was at this path.
    pub(super) fn remembered(&self, open: &Open<'_>) -> Option<(Rc<Entry>, bool)> {
        let About::Lines { file, conflict, hunk, .. } = open.about else { return None };
        let at = At { patch: &open.patch.name, path: &conflict.path, own: &file.path };
        match self.memory.recalled(at, hunk) {
            Some(entry) => Some((entry, true)),
            None => self.memory.look_up(hunk).into_iter().next().map(|entry| (entry, false)),
        }
    }

    /// Stores decisions that were made together: on disk, and in the memory if they are about lines.
    fn decide(
        &mut self,
        rebased: &Rebased,
        about: Option<(&Conflict, &RepoPath)>,
        decisions: Vec<SessionDecision>,
    ) -> Result<(), CliError> {
        let order = self.moving.decisions().last() + 1;
        let made = made_by(self.context, self.fetcher.upstream, (self.moving.from.pin, self.moving.target.pin));
        // The memory comes first: after a kill in between, the question is asked again and the decision is offered.
        let mut kept = Vec::new();
        for decision in &decisions {
            let (session::About::Path(Decided::Lines { path, hunk: known, text }), Some((conflict, own))) =
                (&decision.about, about)
            else {
                continue;
            };
            let mut hunks = conflict.hunks().filter(|hunk| conflict.path == *path && hunk.has_texts(known.texts()));
            let Some(hunk) = hunks.next() else { continue };
            let at = At { patch: &decision.patch, path: &conflict.path, own };
            match self.memory.remember(&Entry::new(at, hunk, text.clone(), made.clone())) {
                Ok(remembered) => kept.push((order, remembered)),
                Err(error) => self.screen.message(format!("decided, but not remembered: {error}")),
            }
        }
        let written = self.write(|moving, ctx| moving.decide(decisions, rebased, ctx));
        if written.is_err() {
            for (_, remembered) in kept {
                // Only the first failure is reported.
                self.memory.take_back(&remembered).ok();
            }
        } else {
            self.kept.extend(kept);
        }
        written
    }

    /// Undoes the last decision.
    fn back(&mut self, rebased: &Rebased) -> Result<(), CliError> {
        let last = self.moving.decisions().last_applied(rebased);
        let back = self.write(|moving, ctx| moving.take_back(rebased, ctx))?;
        let io = |error| CliError::of(FailureKind::Io, &error);
        let mut here = false;
        for (_, kept) in self.kept.extract_if(.., |(order, _)| *order == last) {
            self.memory.take_back(&kept).map_err(io)?;
            here = true;
        }
        for entry in back.iter().filter(|_| !here).filter_map(|decision| self.remembered_of(decision)) {
            // It was made in an earlier run.
            self.memory.forget(&entry.id()).map_err(io)?;
        }
        self.screen.message(match back.as_slice() {
            [] => "there is no decision to undo".to_owned(),
            [one, ..] => format!("undone: {}", taken_back(one)),
        });
        self.withdrawn = back;
        self.later.clear();
        Ok(())
    }

    /// Returns the memory's entry for a decision of this refresh.
    fn remembered_of(&self, decision: &SessionDecision) -> Option<Rc<Entry>> {
        let session::About::Path(Decided::Lines { path, hunk, text }) = &decision.about else { return None };
        let found = self.memory.look_up(hunk);
        let mine =
            |entry: &&Rc<Entry>| entry.path == *path && entry.text == *text && entry.made.pin == self.moving.target.pin;
        found.iter().find(mine).cloned()
    }

    /// Whether nothing is lost by leaving, or somebody says that it may be: what was written by hand and is not a decision.
    fn may_leave(&mut self) -> Result<bool, CliError> {
        let taken_back = self.withdrawn.iter().any(is_written);
        let what = match (taken_back, self.drafts.is_empty()) {
            (false, true) => return Ok(true),
            (true, _) => "what you just undid was written by hand and is not kept anywhere",
            (false, false) => "an edit that could not be used is not kept anywhere",
        };
        let asker = self.context.asker;
        self.screen.suspended(|| asker.confirm(&format!("{what}; leave anyway?"), false)).map_err(prompt)
    }

    /// Aborts the whole refresh, if the user confirms it.
    fn give_up(&mut self) -> Result<bool, CliError> {
        let made = self.moving.decisions().0.len();
        if !self.moving.is_kept() {
            return Ok(true);
        }
        let question = format!("abandon the refresh, with {}?", count(made, "decision", "decisions"));
        let asker = self.context.asker;
        if !self.screen.suspended(|| asker.confirm(&question, false)).map_err(prompt)? {
            return Ok(false);
        }
        self.context
            .step_context("refresh --abort", |ctx| abort(self.fetcher.upstream, ctx))
            .map_err(|error| wrong(self.fetcher.upstream, error))?;
        Ok(true)
    }

    /// Hands the conflicts of a patch over to the checkout.
    pub(super) fn hand_over(
        &mut self,
        rebased: &Rebased,
        number: usize,
        labels: &Labels<'_>,
    ) -> Result<HandedOver, RefreshError> {
        let moving = &mut *self.moving;
        self.context.step_context("refresh", |ctx| moving.hand_over(rebased, number, labels, ctx))
    }

    fn write<T>(
        &mut self,
        work: impl FnOnce(&mut Moving<'a>, &StepContext<'_>) -> Result<T, RefreshError>,
    ) -> Result<T, CliError> {
        let moving = &mut *self.moving;
        self.context
            .step_context("refresh", |ctx| work(moving, ctx))
            .map_err(|error| wrong(self.fetcher.upstream, error))
    }
}

/// Checks whether a decision has text that neither side has.
fn is_written(decision: &SessionDecision) -> bool {
    match &decision.about {
        session::About::Path(Decided::Lines { hunk, text, .. }) => {
            let taken = |choice: &Choice| choice.text(hunk) == *text;
            decision.by == DecidedBy::Hand && !Choice::ALL.iter().any(taken)
        }
        session::About::Path(Decided::Whole { take: Resolution::Edited(Some(_)), .. } | Decided::Joined(_)) => true,
        session::About::Path(Decided::Whole { .. }) | session::About::Dropped { .. } => false,
    }
}

/// Describes a decision in a few words.
fn taken_back(decision: &SessionDecision) -> String {
    let what = decision.path().map_or_else(|| shown(decision.patch.as_bytes()), |path| shown(path.as_bytes()));
    match decision.about {
        session::About::Dropped { .. } => format!("{what} leaves the queue"),
        _ => format!("{what}: {}", decision.why()),
    }
}

/// Converts a failure of the continued refresh.
pub(super) fn wrong(upstream: &UpstreamStore<'_>, error: RefreshError) -> CliError {
    failed(upstream.name().as_str(), &Args { go_on: true, ..Args::default() }, error)
}

/// Converts the reason for a missing answer.
pub(super) fn prompt(error: PromptError) -> CliError {
    match error {
        PromptError::Interrupted => interrupted(),
        error => CliError::of(FailureKind::Io, &error),
    }
}
