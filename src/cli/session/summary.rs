//! Asks the last question: shows the result of all decisions before anything is written.

use super::super::failure::{CliError, shown};
use super::super::outcomes;
use super::run::{Session, wrong};
use crate::report::PatchReport;
use crate::stack::suggest::{Guard, guard_text};
use crate::stack::{Decided, Decision, FileOutcome, Rebased};
use crate::ui::conflict::{Body, ChangedBy, Choice, Heading, Question};
use crate::ui::{Paint, difference_counts, difference_on_screen};

/// The answer to the last question.
pub(super) enum Last {
    Write,
    Back,
    Stop,
    Abort,
}

/// Shows what would be written, and asks.
pub(super) fn last(session: &mut Session<'_, '_>, rebased: &Rebased) -> Result<Last, CliError> {
    let lines = summary(session, rebased)?;
    let moving = &session.moving;
    let old = moving.from.version.clone().unwrap_or_else(|| moving.from.pin.short(12));
    let name = session.fetcher.upstream.name().to_string();
    let question = Question {
        heading: Heading {
            upstream: name,
            from: old,
            to: moving.target.version.clone(),
            patch_file: "Write this?".to_owned(),
            subject: String::new(),
            patch: (rebased.patches.len(), rebased.patches.len()),
            conflict: (0, 0),
        },
        place: format!("pin {}", moving.target.pin.short(12)),
        line: None,
        what: outcomes::summary(&reports(session, rebased)),
        body: Body::Text(lines),
        changed_by: ChangedBy::NotAsked,
        proposals: Vec::new(),
        notes: careful(rebased, moving.empties(rebased)),
        choices: choices(moving.decisions().last_applied(rebased) > 0),
    };
    Ok(match session.shown(|screen| screen.ask(&question))? {
        'y' => Last::Write,
        'z' => Last::Back,
        'A' => Last::Abort,
        _ => Last::Stop,
    })
}

/// Lists decisions that fall behind upstream, and reports if no patch is left.
fn careful(rebased: &Rebased, empties: bool) -> Vec<String> {
    let files = rebased.patches.iter().filter(|patch| patch.dropped.is_none()).flat_map(|patch| &patch.files);
    let of_file = |file: &FileOutcome| {
        let downgrade = |decided: &Decision| match &decided.what {
            Decided::Lines { hunk, text, .. } => match guard_text(file.place(), hunk, text) {
                Err(Guard::Downgrade { old, new, held }) => Some(format!(
                    "careful: {}:{} has '{held}' now, where upstream moved '{old}' to '{new}'",
                    shown(file.place().as_bytes()),
                    hunk.upstream.start
                )),
                _ => None,
            },
            Decided::Whole { .. } | Decided::Joined(_) => None,
        };
        file.decided.iter().filter_map(downgrade).collect::<Vec<_>>()
    };
    let empty = empties.then(|| "careful: no patch is left; the queue will be empty".to_owned());
    files.flat_map(of_file).chain(empty).collect()
}

fn choices(can_go_back: bool) -> Vec<Choice> {
    let choice = |key: char, label: &str, help: &str| Choice { key, label: label.to_owned(), help: help.to_owned() };
    let mut all = vec![
        choice('y', "yes, write it", "write patches, pin, version and checkout in one step; 'patchq undo' undoes it"),
        choice('n', "no", "stop and keep the decisions; 'patchq refresh --continue' returns to this question"),
    ];
    if can_go_back {
        all.push(choice('z', "undo", "undo the last decision"));
    }
    all.push(choice('q', "stop here", "the same as [n]"));
    all.push(choice('A', "abort", "abandon the refresh and all its decisions"));
    all
}

fn reports(session: &Session<'_, '_>, rebased: &Rebased) -> Vec<PatchReport> {
    let subjects = session.moving.from.patches.iter().map(|patch| patch.queued.patch.header.subject.as_slice());
    rebased.patches.iter().zip(subjects).map(|(patch, subject)| PatchReport::new(patch, subject)).collect()
}

/// Returns the outcome of each patch, and how the changed ones differ from their files.
fn summary(session: &mut Session<'_, '_>, rebased: &Rebased) -> Result<Vec<String>, CliError> {
    let look = session.context.look;
    let table = outcomes::table(&look, &reports(session, rebased));
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    let differences = session.moving.differences(rebased).map_err(|error| wrong(session.fetcher.upstream, error))?;
    for (patch, difference) in &differences {
        lines.push(String::new());
        let title = format!("{}: {}", shown(patch.as_bytes()), difference_counts(difference));
        lines.push(look.paint(Paint::Strong, &title));
        lines.extend(difference_on_screen(&look, difference).lines().map(str::to_owned));
    }
    Ok(lines)
}
