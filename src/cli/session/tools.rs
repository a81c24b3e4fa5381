//! Runs other programs on a conflict: the editor and the merge tool that git would open.

use std::sync::atomic::Ordering;

use bstr::{BString, ByteSlice};

use super::super::context::PAGING;
use super::super::editor::{EditEnd, Editor, Ended};
use super::super::failure::{CliError, shown};
use super::answer::{lines, made_of, say};
use super::open::{About, Key, Open};
use super::question::suggestion;
use super::run::Session;
use crate::git::{Mode, ToMerge, ToolOutcome};
use crate::report::FailureKind;
use crate::stack::{Conflict, DecidedBy, DecisionReason, EDITED, Labels, MERGED, Marked, leftover_marker};
use crate::ui::{Edited, HunkPage, HunkText};
use crate::workspace::conflict::session::SessionDecision;

/// Lines of context in an editor.
const CONTEXT: usize = 3;

type Answered = Option<Vec<SessionDecision>>;

/// Opens the lines of a question in the editor.
pub(super) fn edit_hunk(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Answered, CliError> {
    let About::Lines { conflict, hunk, n, .. } = open.about else { return Ok(None) };
    let Some(editor) = editor(session)? else { return Ok(None) };
    let names = names(session, open);
    let labels = labels(&names);
    let marked = hunk.with_markers(&labels);
    let start = suggestion(open).map_or(marked.text.clone(), |found| found.text);
    let (before, after) = conflict.text.as_ref().map(|text| text.context(n, CONTEXT)).unwrap_or_default();
    let (before, after): (Vec<&[u8]>, Vec<&[u8]>) =
        (before.into_iter().map(AsRef::as_ref).collect(), after.into_iter().map(AsRef::as_ref).collect());
    let title = format!("{}, {}:{}", names[2], conflict.path, hunk.upstream.start);
    let page = HunkPage::new(&HunkText {
        title: &title,
        hunk,
        sides: [labels.upstream, labels.base, labels.patch],
        around: (&before, &after),
        start: &start,
        marker_size: marked.size,
    });
    let scratch = session.fetcher.upstream.workspace.layout.scratch();
    let path = conflict.path.clone();
    let draft = session.drafts.get(&open.key()).cloned();
    let end = session.screen.suspended(|| editor.hunk(&scratch, &path, &page, draft.as_deref()));
    let text = edited(session, &editor, open.key(), 'e', end);
    Ok(text.and_then(|text| lines(open, text, DecidedBy::Hand, DecisionReason::Ours(EDITED.to_owned()))))
}

/// Opens the whole file of a question in the editor.
pub(super) fn edit_file(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Answered, CliError> {
    let Some(conflict) = open.conflict() else { return Ok(None) };
    let Some(editor) = editor(session)? else { return Ok(None) };
    let names = names(session, open);
    let Some(start) = start(session, open, conflict, &names) else { return Ok(None) };
    let scratch = session.fetcher.upstream.workspace.layout.scratch();
    let path = conflict.path.clone();
    let end = session.screen.suspended(|| editor.file(&scratch, &path, &start.text, start.size));
    let mode = conflict.sides.merged_mode();
    let mut text = edited(session, &editor, open.file_key(), 'E', end);
    if let (Mode::Symlink, Some(to)) = (mode, &mut text)
        && to.ends_with(b"\n")
    {
        // Editors end every line; the target of a symlink has no line end.
        to.pop();
    }
    Ok(text.and_then(|text| made_of(open, Some((mode, text)), EDITED)))
}

/// Opens the merge tool on the file of a question.
pub(super) fn merge_tool(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Answered, CliError> {
    let Some(conflict) = open.conflict().filter(|conflict| conflict.text.is_some()) else { return Ok(None) };
    let names = names(session, open);
    let Some(work) = start(session, open, conflict, &names) else { return Ok(None) };
    let side = |entry| session.moving.content(entry);
    let (base, upstream) = (conflict.sides.base.and_then(side), conflict.sides.upstream.and_then(side));
    let patch = conflict.sides.patch.and_then(side);
    let (Some(upstream), Some(patch)) = (upstream, patch) else {
        say(session, "one side of it is not available");
        return Ok(None);
    };
    let texts = ToMerge {
        path: &conflict.path,
        base: base.as_deref().map(Vec::as_slice),
        upstream: &upstream,
        patch: &patch,
        work: &work.text,
    };
    let layout = &session.fetcher.upstream.workspace.layout;
    let (git, scratch, folder) = (session.context.git()?, layout.scratch(), layout.root());
    let outcome = session.screen.suspended(|| {
        // The tool handles ctrl-C while it runs.
        PAGING.store(true, Ordering::SeqCst);
        let outcome = crate::git::merge_tool(git, &scratch, folder, &texts);
        PAGING.store(false, Ordering::SeqCst);
        outcome
    });
    match outcome {
        Ok(ToolOutcome::Merged(text)) => match leftover_marker(&text, work.size) {
            Some(line) => {
                let why = format!("a conflict marker is left in line {line} of what the tool wrote");
                say(session, format!("nothing was taken: {why}; the text is kept, [m] and [E] continue it"));
                session.drafts.insert(open.file_key(), text);
            }
            None => {
                session.drafts.remove(&open.file_key());
                let mode = conflict.sides.merged_mode();
                return Ok(made_of(open, Some((mode, text.into())), MERGED));
            }
        },
        Ok(ToolOutcome::NotResolved(_)) => say(session, "nothing was taken: the merge tool ended without a merge"),
        Ok(ToolOutcome::NotConfigured) => {
            say(session, "no merge tool is configured: git config --global merge.tool vimdiff (or another)");
        }
        Err(error) => say(session, error),
    }
    Ok(None)
}

/// Returns the editor, if there is one.
fn editor(session: &mut Session<'_, '_>) -> Result<Option<Editor>, CliError> {
    let editor = Editor::of_git(session.context.git()?, session.fetcher.upstream.workspace.layout.root());
    let editor = editor.map_err(|error| CliError::of(FailureKind::Git, &error))?;
    if editor.is_none() {
        say(session, "no editor is configured: set VISUAL, EDITOR or git's core.editor");
    }
    Ok(editor)
}

/// Reads the edited text; `None`: the question is asked again, with the reason, and the text is kept for the next try.
fn edited(
    session: &mut Session<'_, '_>,
    editor: &Editor,
    question: Key,
    again: char,
    ended: std::io::Result<Ended>,
) -> Option<BString> {
    let (end, after) = match ended {
        Ok(ended) => ended,
        Err(error) => {
            say(session, format!("the editor could not be opened: {error}"));
            return None;
        }
    };
    let why = match end {
        EditEnd::Done(Edited::Text(text)) => {
            session.drafts.remove(&question);
            return Some(text.into());
        }
        EditEnd::Done(Edited::Unchanged) => {
            say(session, "the editor changed nothing, so nothing was taken");
            return None;
        }
        EditEnd::Done(Edited::LeftMarkers(line)) => {
            format!("a conflict marker is left in line {line} of what was written")
        }
        EditEnd::GaveUp(code) => {
            let code = code.map_or("by a signal".to_owned(), |code| format!("with exit code {code}"));
            format!("the editor '{}' ended {code}", shown(editor.name().as_encoded_bytes()))
        }
    };
    let kept = if after.is_empty() { "" } else { "; what was written is kept" };
    let go_on = if after.is_empty() { String::new() } else { format!(", [{again}] continues it") };
    say(session, format!("nothing was taken: {why}{kept}{go_on}"));
    if !after.is_empty() {
        session.drafts.insert(question, after);
    }
    None
}

/// Returns the initial text: the file with markers, or the side that exists.
fn start(session: &mut Session<'_, '_>, open: &Open<'_>, conflict: &Conflict, names: &[String; 3]) -> Option<Marked> {
    let draft = session.drafts.get(&open.file_key()).cloned();
    if let Some(text) = &conflict.text {
        let marked = text.with_markers(&labels(names));
        let text = draft.map_or_else(|| marked.text.clone(), BString::from);
        return Some(Marked { text, ..marked });
    }
    if let Some(draft) = draft {
        return Some(Marked { size: crate::stack::marker_size([draft.as_slice()]), text: draft.into() });
    }
    let entry = conflict.sides.patch.or(conflict.sides.upstream)?;
    let content = session.moving.content(entry);
    match content {
        Some(content) if content.contains_str(b"\0") => say(session, "a binary file cannot be edited"),
        Some(content) => {
            return Some(Marked {
                size: crate::stack::marker_size([content.as_slice()]),
                text: content.to_vec().into(),
            });
        }
        None => say(session, "its content is not available"),
    }
    None
}

/// Returns the labels of upstream, base and patch.
pub(super) fn names(session: &Session<'_, '_>, open: &Open<'_>) -> [String; 3] {
    let moving = &session.moving;
    let old = moving.from.version.clone().unwrap_or_else(|| moving.from.pin.short(12));
    let upstream = format!("upstream {}", moving.target.version);
    [upstream, format!("base {old}"), format!("patch {}", shown(open.patch.name.as_bytes()))]
}

pub(super) fn labels(names: &[String; 3]) -> Labels<'_> {
    Labels { upstream: &names[0], base: &names[1], patch: &names[2] }
}
