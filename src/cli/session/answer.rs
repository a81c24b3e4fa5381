//! Performs the action of a key at a question.

use bstr::BString;

use super::super::context::Context;
use super::super::failure::{CliError, shown};
use super::open::{About, Key, Open};
use super::question::{suggestion, whole_suggestion};
use super::run::{Session, prompt};
use super::{checkout, tools, views};
use crate::git::Id;
use crate::patch::{Date, Person};
use crate::path::RepoPath;
use crate::stack::suggest::Choice;
use crate::stack::{
    AcceptRule, Conflict, Decided, DecidedBy, DecisionReason, NewFile as File, PatchOutcome, Rebased, Resolution,
    choices,
};
use crate::ui::Message;
use crate::workspace::UpstreamStore;
use crate::workspace::conflict::memory::DecisionOrigin;
use crate::workspace::conflict::session::{self, ByHand, SessionDecision};

/// The result of a key.
pub(super) enum Action<'r> {
    /// A decision; with its conflict, and the path in the patch.
    Decide(Vec<SessionDecision>, Option<(&'r Conflict, &'r RepoPath)>),
    /// It is asked again after the others.
    Later(Key),
    /// The last decision is removed.
    Back,
    /// The session is left, and stays open.
    Stop,
    /// The refresh is aborted.
    Abort,
    /// The conflicts of this patch are in the checkout: their paths, and the paths in addition to the manifest's.
    HandedOver(String, Vec<RepoPath>, Vec<RepoPath>),
    /// It is asked again.
    Again,
}

/// Returns the action of `key`.
pub(super) fn act<'r>(
    session: &mut Session<'_, '_>,
    rebased: &'r Rebased,
    open: &Open<'r>,
    key: char,
) -> Result<Action<'r>, CliError> {
    let decided = match key {
        'l' => return Ok(Action::Later(open.key())),
        'z' => return Ok(Action::Back),
        'q' => return Ok(Action::Stop),
        'A' => return Ok(Action::Abort),
        'c' => return checkout::hand_over(session, rebased, open),
        'v' => views::patch(session, open).map(|()| None)?,
        'o' => views::upstream(session, open).map(|()| None)?,
        'h' => views::history(session, open).map(|()| None)?,
        'd' => drop_patch(session, open)?,
        'e' => tools::edit_hunk(session, open)?,
        'E' => tools::edit_file(session, open)?,
        'm' => tools::merge_tool(session, open)?,
        key => take(session, open, key)?,
    };
    let about = open.conflict().zip(open.file().map(|file| &file.path));
    Ok(decided.map_or(Action::Again, |decided| Action::Decide(decided, about)))
}

/// Returns the decisions of a key.
fn take(session: &mut Session<'_, '_>, open: &Open<'_>, key: char) -> Result<Option<Vec<SessionDecision>>, CliError> {
    if key == 'r' && session.withdrawn(open).is_some() {
        // All decisions that were made together: paths that joined the patch have no question of their own.
        return Ok(Some(session.withdrawn.clone()));
    }
    match open.about {
        About::Lines { hunk, .. } => {
            let side = |choice: Choice| Some((choice.text(hunk), DecidedBy::Hand, choice.said().to_owned()));
            let taken = match key {
                'r' => session
                    .remembered(open)
                    .map(|(entry, _)| (entry.text.clone(), DecidedBy::Accepted(AcceptRule::Remembered), entry.said())),
                's' => suggestion(open).map(|found| (found.text, DecidedBy::Rule(found.rule), found.reason)),
                'p' => side(Choice::Patch),
                'u' => side(Choice::Upstream),
                'b' => side(Choice::PatchFirst),
                'B' => side(Choice::UpstreamFirst),
                _ => None,
            };
            Ok(taken.and_then(|(text, by, reason)| lines(open, text, by, DecisionReason::Ours(reason))))
        }
        About::Whole { conflict, file } => {
            let by_hand = |take: Resolution| {
                let said = take.said().unwrap_or_default().to_owned();
                (take, DecidedBy::Hand, said)
            };
            let taken = match key {
                's' => whole_suggestion(open).map(|(take, rule, reason, _)| (take, DecidedBy::FileRule(rule), reason)),
                'p' => Some(by_hand(Resolution::Patch)),
                'u' => Some(by_hand(Resolution::Upstream)),
                'f' => follow(session, choices(conflict, file.from.is_some()))?.map(by_hand),
                _ => None,
            };
            Ok(taken.and_then(|(take, by, reason)| whole(open, take, by, DecisionReason::Ours(reason))))
        }
        About::Emptied => Ok(None),
    }
}

/// Lets the user choose the new path of a file among several.
fn follow(session: &mut Session<'_, '_>, possible: Vec<Resolution>) -> Result<Option<Resolution>, CliError> {
    let places: Vec<Resolution> = possible.into_iter().filter(|take| matches!(take, Resolution::Renamed(_))).collect();
    if let [only] = places.as_slice() {
        return Ok(Some(only.clone()));
    }
    let name = |take: &Resolution| match take {
        Resolution::Renamed(to) => shown(to.as_bytes()),
        _ => String::new(),
    };
    let items: Vec<String> = places.iter().map(name).collect();
    let chosen = session.shown(|screen| screen.choose("where did upstream move the file?", &items))?;
    Ok(chosen.and_then(|n| places.into_iter().nth(n)))
}

/// Makes the decision to take `text` for the lines of a question.
pub(super) fn lines(
    open: &Open<'_>,
    text: BString,
    by: DecidedBy,
    reason: DecisionReason,
) -> Option<Vec<SessionDecision>> {
    let About::Lines { conflict, hunk, .. } = open.about else { return None };
    let what = Decided::Lines { path: conflict.path.clone(), hunk: hunk.clone(), text };
    let about = session::About::Path(what);
    Some(vec![SessionDecision { patch: open.patch.name.clone(), about, by, reason, order: 0 }])
}

/// Makes the decision about the path of a question as a whole.
fn whole(open: &Open<'_>, take: Resolution, by: DecidedBy, reason: DecisionReason) -> Option<Vec<SessionDecision>> {
    let Conflict { path, sides, .. } = open.conflict()?;
    let about = session::About::Path(Decided::Whole { path: path.clone(), sides: *sides, take });
    Some(vec![SessionDecision { patch: open.patch.name.clone(), about, by, reason, order: 0 }])
}

/// Returns the decisions that give `made` at the path of a question.
pub(super) fn made_of(open: &Open<'_>, made: File, reason: &'static str) -> Option<Vec<SessionDecision>> {
    let conflict = open.conflict()?;
    let (patch, path, sides) = (open.patch.name.as_str(), &conflict.path, conflict.sides);
    Some(ByHand { patch, path, sides, text: conflict.text.as_ref(), reason }.decisions(made))
}

/// Asks why a patch leaves the queue.
fn drop_patch(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Option<Vec<SessionDecision>>, CliError> {
    let name = &open.patch.name;
    let Some(file) = session.moving.from.digest().files.get(name).copied() else { return Ok(None) };
    let proposed = crate::stack::suggest::patch(open.patch).map(|found| found.reason);
    let proposed = proposed.or_else(|| open.patch.emptied.then(|| why_empty(open.patch)));
    let context = session.context;
    let why = session.screen.suspended(|| {
        // On separate lines: a question that is longer than the screen would be shown twice.
        let leaves = format!("{} leaves the queue", shown(name.as_bytes()));
        let because = proposed.as_ref().map(|proposed| format!("\n{}", shown(proposed.as_bytes())));
        context.show(&Message::note(leaves + &because.unwrap_or_default()));
        let (enter, empty) = if proposed.is_some() { ("Enter: that; ", Some("")) } else { ("", None) };
        context.asker.text(&format!("why? ({enter}'-' keeps the patch)"), empty)
    });
    let why = match why.map_err(prompt)? {
        empty if empty.is_empty() => proposed.unwrap_or_else(|| "-".to_owned()),
        why => why,
    };
    let about = session::About::Dropped { file };
    Ok((why != "-").then(|| vec![SessionDecision::by_hand(name, about, DecisionReason::Quoted(why))]))
}

/// Returns why nothing is left of a patch, as far as decisions show it.
fn why_empty(patch: &PatchOutcome) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for decided in patch.files.iter().flat_map(|file| &file.decided) {
        let reason = decided.reason.to_string();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { "nothing is left of it".to_owned() } else { reasons.join("; ") }
}

/// Returns who decides about a queue during its move between two pins, and when, for the memory.
pub(super) fn made_by(context: &Context, upstream: &UpstreamStore<'_>, (old, new): (Id, Id)) -> DecisionOrigin {
    let nobody = Person { name: "somebody".into(), email: BString::default() };
    let author = context.identity(upstream).ok().flatten();
    let author = author.map_or(nobody, |(name, email)| Person { name: name.into(), email: email.into() });
    let date = Date { seconds: context.now(), offset: context.zone() };
    DecisionOrigin { author, date, pin: new, old_pin: Some(old) }
}

/// Reports a failure that is not about the question itself; the question is asked again.
pub(super) fn say(session: &mut Session<'_, '_>, error: impl std::fmt::Display) {
    session.screen.message(error.to_string());
}
