//! Reports changes since a session began, and which of its decisions are still valid.

use super::super::context::Context;
use super::super::failure::shown;
use crate::stack::{Decided, Rebased};
use crate::ui::{Message, count};
use crate::workspace::conflict::session::{About, SessionDecision};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::{Drift, Moving};

/// Reports what changed since the session began, and which decisions are no longer valid. A decision that was replaced
/// by another, or whose question is not asked any more, is not reported.
pub(in crate::cli) fn tell_drift(context: &Context, name: &str, moving: &Moving<'_>, rebased: &Rebased) {
    let (asked, over): (Vec<&SessionDecision>, Vec<&SessionDecision>) =
        moving.decisions().unused(rebased).into_iter().partition(|decision| is_asked(rebased, decision));
    if moving.drift.is_empty() && asked.is_empty() {
        return;
    }
    let all = moving.decisions().0.len();
    let what = match moving.drift.is_empty() {
        true => "some decisions no longer apply".to_owned(),
        false => format!("changed since the session began: {}", changes(&moving.drift)),
    };
    let mut holds = match all - asked.len() - over.len() {
        1 if all == 1 => "the decision still applies".to_owned(),
        n if n == all => format!("all {all} decisions still apply"),
        n => count(n, "decision applies", "decisions apply"),
    };
    if !over.is_empty() {
        holds.push_str(&format!(", {} no longer needed", count(over.len(), "is", "are")));
    }
    match asked.len() {
        0 => {}
        1 => holds.push_str(", this one is asked again:"),
        _ => holds.push_str(", these are asked again:"),
    }
    let lines: String = asked.into_iter().map(|decision| format!("\n{}", of(decision))).collect();
    context.say(&Message::warning(format!("{name}: {what}\n{holds}{lines}")));
}

/// Checks whether the question of a decision is open again.
fn is_asked(rebased: &Rebased, decision: &SessionDecision) -> bool {
    let Some(patch) = rebased.patches.iter().find(|patch| patch.name == decision.patch) else { return false };
    match decision.path() {
        None => patch.waits(),
        Some(path) => patch.files.iter().any(|file| {
            file.conflict.is_some() && (&file.path == path || file.place() == path || file.from.as_ref() == Some(path))
        }),
    }
}

fn changes(drift: &[Drift]) -> String {
    let word = |drift: &Drift| match drift {
        Drift::Manifest => "url or track in upstreams.toml".to_owned(),
        Drift::Version(said) => format!("the version of where it goes (its file says '{}')", shown(said.as_bytes())),
        Drift::Option(option) => format!("the patch of {} (gone)", shown(option.as_bytes())),
        Drift::Queue(change) => queue_change(change),
    };
    drift.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Describes a change of a queue.
pub(super) fn queue_change(change: &QueueChange) -> String {
    match change {
        QueueChange::Pin => "the pin".to_owned(),
        QueueChange::Version => "the pin's version".to_owned(),
        QueueChange::Series => "the series".to_owned(),
        QueueChange::Added(file) => format!("{} (new)", shown(file.as_bytes())),
        QueueChange::Removed(file) => format!("{} (gone)", shown(file.as_bytes())),
        QueueChange::Changed(file) => shown(file.as_bytes()),
    }
}

/// Describes the question of a decision.
fn of(decision: &SessionDecision) -> String {
    let patch = shown(decision.patch.as_bytes());
    let path = decision.path().map(|path| path.to_string()).unwrap_or_default();
    match &decision.about {
        About::Dropped { .. } => format!("{patch}: it leaves the queue"),
        About::Path(Decided::Whole { .. } | Decided::Joined(_)) => format!("{patch}: {path}"),
        About::Path(Decided::Lines { hunk, .. }) => {
            let [base, upstream, patch_text] = hunk.texts();
            let line = [upstream, patch_text, base].into_iter().find(|text| !text.is_empty());
            let line = line.and_then(|text| bstr::ByteSlice::lines(text.as_slice()).next()).unwrap_or_default();
            format!("{patch}: {path}: '{}'", shown(line))
        }
    }
}
