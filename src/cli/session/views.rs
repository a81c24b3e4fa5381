//! Shows the background of a question: the patch, upstream's changes, the file's history.

use super::super::blame::day;
use super::super::failure::{CliError, shown};
use super::open::Open;
use super::run::Session;
use crate::ui::diff_on_screen;
use crate::workspace::conflict::inspect::{Away, Inspected, Whereabouts, file_history, patch_text, upstream_file_diff};

/// Shows the whole patch.
pub(super) fn patch(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<(), CliError> {
    let text = patch_text(&session.moving.from, &open.patch.name).unwrap_or_default();
    let lines = lines(&diff_on_screen(&session.context.look, text));
    session.shown(|screen| screen.read(&shown(open.patch.name.as_bytes()), &lines))
}

/// Shows what upstream changed in the file.
pub(super) fn upstream(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<(), CliError> {
    let Some(file) = whereabouts(open) else { return Ok(()) };
    let pins = (session.moving.from.pin, session.moving.target.pin);
    let (name, fetcher) = (session.fetcher.upstream.name().as_str(), session.fetcher);
    let found = upstream_file_diff(fetcher, pins, &file);
    match found.map_err(|error| CliError::queue(name, error.into()))? {
        Inspected::Here(diff) => {
            let mut lines = lines(&diff_on_screen(&session.context.look, &diff));
            if lines.is_empty() {
                lines.push("upstream did not change it: an earlier patch of the queue did".to_owned());
            }
            session.shown(|screen| {
                screen.read(&format!("upstream's changes of {}", shown(file.new_path().as_bytes())), &lines)
            })
        }
        Inspected::Away(why) => away(session, &why),
    }
}

/// Shows the upstream commits that touched the file.
pub(super) fn history(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<(), CliError> {
    let Some(file) = whereabouts(open) else { return Ok(()) };
    let pins = (session.moving.from.pin, session.moving.target.pin);
    let fetcher = session.fetcher;
    match file_history(fetcher, pins, &file)? {
        Inspected::Here(commits) => {
            let mut lines: Vec<String> = Vec::new();
            for commit in &commits {
                let by = shown(&commit.author.name);
                lines.push(format!(
                    "{} {} {}  ({by})",
                    commit.id.short(12),
                    day(&commit.author),
                    shown(&commit.subject)
                ));
                lines.extend(commit.link.as_ref().map(|link| format!("    {}", shown(link.as_bytes()))));
            }
            if lines.is_empty() {
                lines.push("no upstream commit touched it between the two pins".to_owned());
            }
            session.shown(|screen| screen.read(&format!("history of {}", shown(file.new_path().as_bytes())), &lines))
        }
        Inspected::Away(why) => away(session, &why),
    }
}

fn away(session: &mut Session<'_, '_>, why: &Away) -> Result<(), CliError> {
    session.screen.message(format!("{}: {why}", why.word()));
    Ok(())
}

/// Returns the paths of the file of a question on both pins.
fn whereabouts(open: &Open<'_>) -> Option<Whereabouts> {
    let file = open.file()?;
    let old = file.from.as_ref().unwrap_or(&file.path).clone();
    Some(Whereabouts { old, moved: file.moved.clone() })
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
