//! Other programs that decide a conflict: the editor and the merge tool that git would open.

use std::sync::atomic::Ordering;

use bstr::{BString, ByteSlice};

use super::super::context::PAGING;
use super::super::editor::{EditEnd, Editor};
use super::super::failure::{CliError, shown};
use super::answer::{lines, made_of, say};
use super::hold::Session;
use super::open::{About, Open};
use super::question::suggestion;
use crate::git::{ToMerge, ToolOutcome};
use crate::stack::{Conflict, Labels, Marked, leftover_marker};
use crate::ui::{Edited, HunkPage, HunkText};
use crate::workspace::session::Decision;

/// Lines of context that an editor is given.
const CONTEXT: usize = 3;

type Decided = Option<Vec<Decision>>;

/// Opens the lines of a question in the editor.
pub(super) fn edit_hunk(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Decided, CliError> {
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
    let scratch = session.site.workspace.layout.scratch();
    let path = conflict.path.clone();
    let end = session.screen.suspended(|| editor.hunk(&scratch, &path, &page));
    let text = edited(session, end);
    Ok(text.and_then(|text| lines(open, text, "hand".to_owned(), "edited by hand".to_owned())))
}

/// Opens the whole file of a question in the editor.
pub(super) fn edit_file(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Decided, CliError> {
    let Some(conflict) = open.conflict() else { return Ok(None) };
    let Some(editor) = editor(session)? else { return Ok(None) };
    let names = names(session, open);
    let Some(start) = start(session, conflict, &names) else { return Ok(None) };
    let scratch = session.site.workspace.layout.scratch();
    let path = conflict.path.clone();
    let end = session.screen.suspended(|| editor.file(&scratch, &path, &start.text, start.size));
    let text = edited(session, end);
    let mode = conflict.sides.merged_mode();
    Ok(text.and_then(|text| made_of(open, Some((mode, text)), "edited by hand")))
}

/// Opens the merge tool on the file of a question.
pub(super) fn merge_tool(session: &mut Session<'_, '_>, open: &Open<'_>) -> Result<Decided, CliError> {
    let Some(conflict) = open.conflict().filter(|conflict| conflict.text.is_some()) else { return Ok(None) };
    let names = names(session, open);
    let Some(work) = start(session, conflict, &names) else { return Ok(None) };
    let side = |entry| session.moving.content(entry);
    let (base, upstream) = (conflict.sides.base.and_then(side), conflict.sides.upstream.and_then(side));
    let patch = conflict.sides.patch.and_then(side);
    let (Some(upstream), Some(patch)) = (upstream, patch) else {
        say(session, "a side of it is not at hand");
        return Ok(None);
    };
    let texts = ToMerge {
        path: &conflict.path,
        base: base.as_deref().map(Vec::as_slice),
        upstream: &upstream,
        patch: &patch,
        work: &work.text,
    };
    let (git, scratch) = (session.context.git()?, session.site.workspace.layout.scratch());
    let outcome = session.screen.suspended(|| {
        // Ctrl-C is the tool's as long as it runs.
        PAGING.store(true, Ordering::SeqCst);
        let outcome = crate::git::merge_tool(git, &scratch, &texts);
        PAGING.store(false, Ordering::SeqCst);
        outcome
    });
    match outcome {
        Ok(ToolOutcome::Merged(text)) => match leftover_marker(&text, work.size) {
            Some(line) => say(session, format!("nothing is taken: a conflict marker is left in line {line}")),
            None => {
                let mode = conflict.sides.merged_mode();
                return Ok(made_of(open, Some((mode, text.into())), "merged with the merge tool"));
            }
        },
        Ok(ToolOutcome::NotResolved(_)) => say(session, "the merge tool ended without a merge; nothing is taken"),
        Ok(ToolOutcome::NotConfigured) => {
            say(session, "git knows no merge tool: git config --global merge.tool vimdiff (or another)");
        }
        Err(error) => say(session, error),
    }
    Ok(None)
}

/// The editor, if there is one.
fn editor(session: &mut Session<'_, '_>) -> Result<Option<Editor>, CliError> {
    let editor = Editor::of_git(session.context.git()?, session.site.store.dir());
    let editor = editor.map_err(|error| CliError::of("git", &error))?;
    if editor.is_none() {
        say(session, "no editor is known: set VISUAL, EDITOR or git's core.editor");
    }
    Ok(editor)
}

/// What the editor left; `None`: the question comes again, with a word about why.
fn edited(session: &mut Session<'_, '_>, end: std::io::Result<EditEnd>) -> Option<BString> {
    match end {
        Ok(EditEnd::Done(Edited::Text(text))) => return Some(text.into()),
        Ok(EditEnd::Done(Edited::Unchanged)) => say(session, "the editor changed nothing; nothing is taken"),
        Ok(EditEnd::Done(Edited::LeftMarkers(line))) => {
            say(session, format!("nothing is taken: a conflict marker is left in line {line}"));
        }
        Ok(EditEnd::GaveUp(_)) => say(session, "the editor ended with a failure; nothing is taken"),
        Err(error) => say(session, format!("the editor could not be opened: {error}")),
    }
    None
}

/// The text to begin with: the file with markers, or the side that is there.
fn start(session: &mut Session<'_, '_>, conflict: &Conflict, names: &[String; 3]) -> Option<Marked> {
    if let Some(text) = &conflict.text {
        return Some(text.with_markers(&labels(names)));
    }
    let entry = conflict.sides.patch.or(conflict.sides.upstream)?;
    let content = session.moving.content(entry);
    match content {
        Some(content) if content.contains_str(b"\0") => say(session, "a binary file is not for an editor"),
        Some(content) => {
            return Some(Marked {
                size: crate::stack::marker_size([content.as_slice()]),
                text: content.to_vec().into(),
            });
        }
        None => say(session, "its content is not at hand"),
    }
    None
}

/// What upstream, base and patch are called.
pub(super) fn names(session: &Session<'_, '_>, open: &Open<'_>) -> [String; 3] {
    let moving = &session.moving;
    let old = moving.from.version.clone().unwrap_or_else(|| moving.from.pin.short(12));
    let upstream = format!("upstream {}", moving.target.version);
    [upstream, format!("base {old}"), format!("patch {}", shown(open.patch.name.as_bytes()))]
}

pub(super) fn labels(names: &[String; 3]) -> Labels<'_> {
    Labels { upstream: &names[0], base: &names[1], patch: &names[2] }
}
