//! Turns errors into text, hints and an exit code, in one place.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::Global;
use super::context::{failed_document, look_of, write_err, write_out};
use crate::path::{on_screen, printable};
use crate::report::{Bytes, Failure, FailureKind};
use crate::ui::{Excerpt, Look, Message};

/// How a command ended, in order of priority for several upstreams: the first that occurs counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exit {
    /// The user stopped it.
    Interrupted,
    /// The command line is wrong.
    Usage,
    /// It failed.
    Failed,
    /// It stopped on conflicts.
    Conflicts,
    /// A check failed.
    CheckSaidNo,
    /// It succeeded.
    Done,
}

impl Exit {
    pub(super) const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Conflicts => 3,
            Exit::CheckSaidNo => 4,
            Exit::Interrupted => 130,
        }
    }
}

/// An error that stops a command (or one upstream of it), ready to be shown.
#[derive(Debug, Clone)]
pub(super) struct CliError {
    pub(super) exit: Exit,
    /// Boxed, because errors are moved through every `?`.
    said: Box<Said>,
}

#[derive(Debug, Clone)]
struct Said {
    kind: FailureKind,
    text: String,
    causes: Vec<String>,
    excerpt: Option<Excerpt>,
    /// Further errors in the same file, each with its place.
    also: Vec<(String, Excerpt)>,
    file: Option<String>,
    line: Option<usize>,
    hints: Vec<String>,
}

impl CliError {
    /// Makes a failure of one sentence, exit 1. `kind` is its name in `docs/json.md`.
    pub(super) fn plain(kind: FailureKind, text: impl Into<String>) -> CliError {
        let said = Said {
            kind,
            text: text.into(),
            causes: Vec::new(),
            excerpt: None,
            also: Vec::new(),
            file: None,
            line: None,
            hints: Vec::new(),
        };
        CliError { exit: Exit::Failed, said: Box::new(said) }
    }

    /// Makes the error for a wrong command line, exit 2.
    pub(super) fn usage(text: impl Into<String>) -> CliError {
        CliError { exit: Exit::Usage, ..CliError::plain(FailureKind::Usage, text) }
    }

    /// Converts a library error, with its sources as causes, and `doing` first if that adds information.
    pub(super) fn of(kind: FailureKind, error: &dyn std::error::Error) -> CliError {
        let mut made = CliError::plain(kind, without_class(&error.to_string()));
        let mut source = error.source();
        while let Some(cause) = source {
            let text = without_class(&cause.to_string());
            // Many errors contain the text of their cause.
            if !made.said.text.contains(&text) && !made.said.causes.iter().any(|said| said.contains(&text)) {
                made.said.causes.push(text);
            }
            source = cause.source();
        }
        made
    }

    /// Makes an error of the disk.
    pub(super) fn io(doing: &str, path: &Path, error: &std::io::Error) -> CliError {
        let mut made = CliError::plain(FailureKind::Io, format!("{doing} '{}'", path.display()));
        made.said.causes.push(error.to_string());
        made.said.file = Some(path.display().to_string());
        made
    }

    /// Makes the error for a failed write to standard output, so that the printed text is incomplete.
    pub(super) fn unsaid(error: &std::io::Error) -> CliError {
        CliError::plain(FailureKind::Output, format!("cannot write to standard output: {error}"))
    }

    /// Puts the upstream in front of the text.
    pub(super) fn in_upstream(mut self, name: &str) -> CliError {
        if !self.said.text.starts_with(&format!("{name}:")) {
            self.said.text = format!("{name}: {}", self.said.text);
        }
        self
    }

    /// Removes hints that are valid only elsewhere.
    pub(super) fn without_hints(mut self) -> CliError {
        self.said.hints.clear();
        self
    }

    pub(super) fn exit(mut self, exit: Exit) -> CliError {
        self.exit = exit;
        self
    }

    pub(super) fn caused_by(mut self, cause: impl Into<String>) -> CliError {
        self.said.causes.push(cause.into());
        self
    }

    pub(super) fn at(mut self, file: impl Into<String>, line: Option<usize>) -> CliError {
        self.said.file = Some(file.into());
        self.said.line = line;
        self
    }

    pub(super) fn excerpt(mut self, excerpt: Excerpt) -> CliError {
        self.said.file = Some(excerpt.file.clone());
        self.said.line = Some(excerpt.line);
        self.said.excerpt = Some(excerpt);
        self
    }

    /// Adds a further error with its place.
    pub(super) fn also(mut self, text: impl Into<String>, excerpt: Excerpt) -> CliError {
        self.said.also.push((text.into(), excerpt));
        self
    }

    /// Adds a hint that can be pasted.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> CliError {
        self.said.hints.push(hint.into());
        self
    }

    /// Adds several hints.
    pub(super) fn hints(self, hints: impl IntoIterator<Item = String>) -> CliError {
        hints.into_iter().fold(self, CliError::hint)
    }

    /// Checks whether a second try, in which git may ask, can succeed.
    pub(super) fn lacks_credentials(&self) -> bool {
        self.said.kind == FailureKind::Credentials
    }

    pub(super) fn message(&self) -> Message {
        let mut message = Message::error(&self.said.text);
        for cause in &self.said.causes {
            message = message.caused_by(cause);
        }
        if let Some(excerpt) = &self.said.excerpt {
            message = message.at(excerpt.clone());
        }
        for (text, excerpt) in &self.said.also {
            message = message.also(text, excerpt.clone());
        }
        self.said.hints.iter().fold(message, Message::hint)
    }

    pub(super) fn failure(&self) -> Failure {
        let mut text = one_line(&self.said.text);
        for (also, _) in &self.said.also {
            text.push_str("; ");
            text.push_str(&one_line(also));
        }
        for cause in &self.said.causes {
            text.push_str(": ");
            text.push_str(&one_line(cause));
        }
        Failure {
            file: self.said.file.as_deref().map(Bytes::from),
            line: self.said.line,
            hint: (!self.said.hints.is_empty()).then(|| self.said.hints.join("\n")),
            ..Failure::new(self.said.kind, text)
        }
    }
}

/// Handles wrong arguments, and `--help` and `--version`, which clap reports the same way.
pub(super) fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    use clap::error::ErrorKind;
    let shown = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let mut written = Ok(());
    if !shown && arguments.iter().any(|argument| argument == "--json") {
        let text = error.kind().to_string();
        let rendered = error.render().to_string();
        // The first paragraph: its arguments are on separate lines.
        let lines: Vec<&str> = rendered.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
        let first = lines.join(" ");
        let first = if first.is_empty() { text.as_str() } else { first.trim_start_matches("error: ") };
        written = write_document("error", &CliError::usage(first));
    }
    match error.print() {
        Err(failed) if shown && failed.kind() != std::io::ErrorKind::BrokenPipe => written = Err(failed),
        // If stderr cannot be written, the error cannot be reported.
        _ => {}
    }
    ExitCode::from(ended(if shown { Exit::Done } else { Exit::Usage }, written, &Look::plain()).code())
}

/// Reports an error before there is a context.
pub(super) fn before_context(error: &CliError, global: &Global, command: &'static str) -> Exit {
    let look = look_of(global);
    write_err(on_screen(&error.message().render(&look), look.colour).as_bytes());
    let written = if global.json { write_document(command, error) } else { Ok(()) };
    ended(error.exit, written, &look)
}

fn write_document(command: &'static str, error: &CliError) -> io::Result<()> {
    failed_document(command, error).map_or(Ok(()), |text| write_out(text.as_bytes()))
}

/// Returns the exit code of `exit` if standard output was written; otherwise reports the write error.
fn ended(exit: Exit, written: io::Result<()>, look: &Look) -> Exit {
    let Err(error) = written else { return exit };
    let unsaid = CliError::unsaid(&error);
    write_err(unsaid.message().render(look).as_bytes());
    exit.min(unsaid.exit)
}

/// Joins a text of several lines (a sentence, and a list below it) into one: items are separated by `; `.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match out.chars().last() {
            None => {}
            Some(':' | ',' | ';') => out.push(' '),
            Some(_) => out.push_str("; "),
        }
        out.push_str(&printable(line.as_bytes()));
    }
    out
}

/// Returns `text` without the class and code that libgit2 adds to its messages: `…; class=Os (2); code=NotFound (-3)`.
fn without_class(text: &str) -> String {
    let end = text.rfind("; class=").filter(|at| text[*at..].ends_with(')') && !text[*at..].contains('\n'));
    text[..end.unwrap_or(text.len())].to_owned()
}

/// Formats `bytes` for a sentence.
pub(super) fn shown(bytes: impl AsRef<[u8]>) -> String {
    printable(bytes.as_ref())
}

#[cfg(test)]
mod tests {
    use super::{CliError, without_class};
    use crate::report::FailureKind;
    use crate::ui::Look;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot write: {0}")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("no space; class=Os (2)")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot save")]
    struct Plain(#[source] Inner);

    #[test]
    fn a_cause_is_said_once_and_without_the_words_of_the_library() {
        let text =
            |error: &dyn std::error::Error| CliError::of(FailureKind::Io, error).message().render(&Look::plain());
        assert_eq!(text(&Outer(Inner)), "error: cannot write: no space\n");
        assert_eq!(text(&Plain(Inner)), "error: cannot save\ncaused by: no space\n");
        assert_eq!(without_class("a; class=b"), "a; class=b");
    }
}
