//! The message of a new patch: from `-m`, or written in the user's editor.

use std::path::PathBuf;

use bstr::{BString, ByteSlice};

use super::context::Context;
use super::editor::{EditEnd, Editor};
use super::errors::work_list;
use super::failure::{CliError, shown};
use super::hint;
use crate::git::checkout::WorkChange;
use crate::report::FailureKind;
use crate::workspace::UpstreamStore;

/// The name of the file, in patchq's own folder, that keeps the last message from an editor.
const KEPT: &str = "SAVE_EDITMSG";

/// Joins the paragraphs of `-m` as `git commit -m` does.
pub(super) fn of_options(paragraphs: &[String]) -> BString {
    let paragraphs: Vec<&str> = paragraphs.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    let mut message = paragraphs.join("\n\n");
    if !message.is_empty() {
        message.push('\n');
    }
    BString::from(message)
}

/// Returns the error when no message was given and no one can be asked.
pub(super) fn missing(name: Option<&str>) -> CliError {
    let words: Vec<&str> = std::iter::once("save").chain(name).collect();
    let save = hint::patchq(&words);
    let error = CliError::usage("a new patch needs a message (--message), and there is no terminal to ask for one");
    error.hint(format!("{save} -m \"why\"")).hint(format!("{save} --into PATCH"))
}

/// Lets the user write the message about `changes` in the editor that git would open. It is stored, so that it is not
/// lost if the save fails; returns its path too.
pub(super) fn edited(
    context: &Context,
    upstream: &UpstreamStore<'_>,
    changes: &[WorkChange],
) -> Result<(BString, PathBuf), CliError> {
    let name = upstream.name().as_str();
    let editor = Editor::of_git(context.git()?, upstream.store.dir()).map_err(|error| CliError::from(&error))?;
    let Some(editor) = editor else { return Err(missing(Some(name))) };
    let list: String = work_list(changes).lines().map(|line| format!("#   {line}\n")).collect();
    let page = format!(
        "\n# The message of the new patch of {name}: the subject, an empty line, why.\n\
         # Lines that start with '#' are ignored; with an empty message nothing is saved.\n#\n{list}"
    );
    let layout = &upstream.workspace.layout;
    let failed = |error: std::io::Error| CliError::io("cannot edit the message in", &layout.scratch(), &error);
    let ended = context.progress.suspend(|| editor.message(&layout.scratch(), page.as_bytes()));
    let (end, after) = ended.map_err(failed)?;
    if let EditEnd::GaveUp(code) = end {
        let how = code.map_or_else(|| "ended by a signal".to_owned(), |code| format!("ended with {code}"));
        let text = format!("nothing was saved: the editor ({}) {how}", shown(editor.name().as_encoded_bytes()));
        return Err(CliError::plain(FailureKind::Nothing, text));
    }
    let message = cleaned(&after);
    if message.is_empty() {
        return Err(CliError::plain(FailureKind::Nothing, "nothing was saved: the message is empty"));
    }
    let kept = layout.private().join(KEPT);
    std::fs::write(&kept, &message).map_err(|error| CliError::io("cannot write", &kept, &error))?;
    Ok((message, kept))
}

/// Cleans an edited text as `git commit` does: no comments, no blanks at ends of lines, no empty lines around, one
/// between paragraphs.
fn cleaned(text: &[u8]) -> BString {
    let mut message = BString::default();
    let mut empty = false;
    for line in text.lines().filter(|line| !line.starts_with(b"#")) {
        let line = line.trim_end();
        if line.is_empty() {
            empty = !message.is_empty();
            continue;
        }
        if std::mem::take(&mut empty) {
            message.push(b'\n');
        }
        message.extend_from_slice(line);
        message.push(b'\n');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_message_is_cleaned_as_git_does() {
        let text = b"\n# comment\nSubject  \n\n\n# more\nWhy\tit is\t\n #no comment\n\n\n";
        assert_eq!(cleaned(text), "Subject\n\nWhy\tit is\n #no comment\n");
        assert_eq!(cleaned(b"\n  \n# only comments\n"), "");
    }
}
