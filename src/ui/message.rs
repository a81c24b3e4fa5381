//! The format of all messages on stderr:
//!
//! ```text
//! error: kubeflow: 0002-bullseye.patch: cannot be read
//! caused by: the hunk is one line short
//!   --> patches/kubeflow/0002-bullseye.patch:12:1
//!    |
//! 12 | @@ -1,4 +1,4 @@
//!    | ^^^^^^^^^^^^^^^
//! hint: patchq export kubeflow
//! ```

use std::ops::Range;

use console::measure_text_width;

use super::{Look, Paint};
use crate::path::printable;

/// The severity of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It was not done.
    Error,
    /// It was done, but the user should check something.
    Warning,
    /// For information.
    Note,
}

impl Level {
    fn word(self) -> (&'static str, Paint) {
        match self {
            Level::Error => ("error:", Paint::Bad),
            Level::Warning => ("warning:", Paint::Careful),
            Level::Note => ("note:", Paint::Strong),
        }
    }
}

/// A place in one of the maintainer's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The file as the maintainer would name it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The whole line, without its line feed.
    pub text: String,
    /// The marked part, as byte offsets into `text`; an empty range points between two characters. `None` means the
    /// whole line.
    pub marked: Option<Range<usize>>,
}

/// A message for stderr. Texts may be untrusted: they are made printable when rendered, only line feeds are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    level: Level,
    text: String,
    causes: Vec<String>,
    excerpt: Option<Excerpt>,
    also: Vec<(String, Excerpt)>,
    hints: Vec<String>,
}

impl Message {
    /// Makes a message with `text` as the first line: lower case, the upstream and the patch first.
    pub fn new(level: Level, text: impl Into<String>) -> Message {
        Message { level, text: text.into(), causes: Vec::new(), excerpt: None, also: Vec::new(), hints: Vec::new() }
    }

    /// `error: …`
    pub fn error(text: impl Into<String>) -> Message {
        Message::new(Level::Error, text)
    }

    /// `warning: …`
    pub fn warning(text: impl Into<String>) -> Message {
        Message::new(Level::Warning, text)
    }

    /// `note: …`
    pub fn note(text: impl Into<String>) -> Message {
        Message::new(Level::Note, text)
    }

    /// Adds a `caused by: …` line, the nearer cause first. A cause that is part of the line above is left out.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<String>) -> Message {
        let cause = cause.into();
        let above = self.causes.last().unwrap_or(&self.text);
        if !cause.is_empty() && !above.contains(&cause) {
            self.causes.push(cause);
        }
        self
    }

    /// Adds the causes of `error`, from its source on.
    #[must_use]
    pub fn caused_by_sources(mut self, error: &dyn std::error::Error) -> Message {
        let mut source = error.source();
        while let Some(cause) = source {
            self = self.caused_by(cause.to_string());
            source = cause.source();
        }
        self
    }

    /// Shows the place in a file.
    #[must_use]
    pub fn at(mut self, excerpt: Excerpt) -> Message {
        self.excerpt = Some(excerpt);
        self
    }

    /// Checks whether it is only a note.
    #[must_use]
    pub fn is_note(&self) -> bool {
        self.level == Level::Note
    }

    /// Adds another place with an error: it is shown below the first one.
    #[must_use]
    pub fn also(mut self, text: impl Into<String>, excerpt: Excerpt) -> Message {
        self.also.push((text.into(), excerpt));
        self
    }

    /// Adds a `hint: …` line: a command that can be pasted, or one short sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Message {
        self.hints.push(hint.into());
        self
    }

    /// Returns the whole message, each line ended by a line feed.
    #[must_use]
    pub fn render(&self, look: &Look) -> String {
        let mut out = String::new();
        let (word, paint) = self.level.word();
        labelled(&mut out, look, word, paint, &self.text);
        for cause in &self.causes {
            labelled(&mut out, look, "caused by:", Paint::Strong, cause);
        }
        if let Some(excerpt) = &self.excerpt {
            show(&mut out, look, excerpt, paint);
        }
        for (text, excerpt) in &self.also {
            labelled(&mut out, look, " ", Paint::Plain, text);
            show(&mut out, look, excerpt, paint);
        }
        for hint in &self.hints {
            labelled(&mut out, look, "hint:", Paint::Hint, hint);
        }
        out
    }
}

/// Writes `label text`; further lines of the text are indented, so that none looks like a separate message.
fn labelled(out: &mut String, look: &Look, label: &str, paint: Paint, text: &str) {
    out.push_str(&look.paint(paint, label));
    for (at, line) in text.trim_end().split('\n').enumerate() {
        let line = printable(line.trim_end_matches('\r').as_bytes());
        if at > 0 {
            out.push('\n');
        }
        if !line.is_empty() {
            out.push_str(if at == 0 { " " } else { "  " });
            out.push_str(&line);
        }
    }
    out.push('\n');
}

/// Shows the line of the file with a caret under the marked part. Tabs are shown as four blanks.
fn show(out: &mut String, look: &Look, excerpt: &Excerpt, paint: Paint) {
    let shown = |text: &str| printable(text.replace('\t', "    ").as_bytes());
    let marked = excerpt.marked.clone().map(|range| {
        let (start, end) = (floor(&excerpt.text, range.start), floor(&excerpt.text, range.end.max(range.start)));
        (&excerpt.text[..start], &excerpt.text[start..end], &excerpt.text[end..])
    });
    let number = excerpt.line.to_string();
    let margin = " ".repeat(number.len());
    let column = marked.map_or(String::new(), |(before, ..)| format!(":{}", before.chars().count() + 1));
    let faint = |text: &str| look.paint(Paint::Faint, text);
    out.push_str(&format!("{margin}{} {}:{number}{column}\n", faint("-->"), printable(excerpt.file.as_bytes())));
    out.push_str(&format!("{margin} {}\n", faint("|")));
    let room = match look.width {
        0 => usize::MAX,
        width => width.saturating_sub(number.len() + 3).max(20),
    };
    let Some((before, meant, after)) = marked else {
        let line = console::truncate_str(&shown(&excerpt.text), room, look.ellipsis()).into_owned();
        out.push_str(format!("{number} {} {line}", faint("|")).trim_end());
        out.push('\n');
        return;
    };
    let (before, meant) = (shown(before), shown(meant));
    // The marked part must be visible: a long line is cut at its front first.
    let kept = keep_end(&before, room / 2, look.ellipsis());
    let line = format!("{kept}{meant}{}", shown(after));
    let line = console::truncate_str(&line, room, look.ellipsis());
    let start = measure_text_width(&kept);
    let carets = measure_text_width(&meant).max(1).min(room.saturating_sub(start).max(1));
    out.push_str(format!("{number} {} {line}", faint("|")).trim_end());
    out.push_str(&format!(
        "\n{margin} {} {}{}\n",
        faint("|"),
        " ".repeat(start),
        look.paint(paint, &"^".repeat(carets))
    ));
}

/// Returns the end of `text` that fits into `room` columns, with an ellipsis in front if it was cut.
fn keep_end(text: &str, room: usize, ellipsis: &str) -> String {
    if measure_text_width(text) <= room {
        return text.to_owned();
    }
    let room = room.saturating_sub(measure_text_width(ellipsis));
    let start = text.char_indices().map(|(at, _)| at).find(|at| measure_text_width(&text[*at..]) <= room);
    format!("{ellipsis}{}", &text[start.unwrap_or(text.len())..])
}

/// Returns the nearest character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, marked: Option<Range<usize>>) -> Excerpt {
        Excerpt { file: "upstreams.toml".to_owned(), line: 12, text: text.to_owned(), marked }
    }

    #[test]
    fn everything_in_order() {
        let message = Message::error("kubeflow: cannot read the manifest")
            .hint("patchq verify")
            .caused_by("unknown key 'trak'")
            .caused_by("unknown key")
            .at(excerpt("\ttrak = \"main\"", Some(1..5)));
        assert_eq!(
            message.render(&Look::plain()),
            "error: kubeflow: cannot read the manifest\n\
             caused by: unknown key 'trak'\n\
             \x20 --> upstreams.toml:12:2\n\
             \x20  |\n\
             12 |     trak = \"main\"\n\
             \x20  |     ^^^^\n\
             hint: patchq verify\n"
        );
    }

    #[test]
    fn a_text_from_outside_cannot_steer_the_terminal_or_start_a_message() {
        let message = Message::warning("a\u{1b}[31mb\nerror: c\r\n").hint("d\u{202e}");
        assert_eq!(message.render(&Look::plain()), "warning: a\\x1b[31mb\n  error: c\nhint: d\\u{202e}\n");
    }

    #[test]
    fn carets_stand_under_wide_characters() {
        let rendered = Message::note("n").at(excerpt("日本 = ö!", Some(9..12))).render(&Look::plain());
        assert!(rendered.ends_with("12 | 日本 = ö!\n   |        ^^\n"), "{rendered}");
        assert!(rendered.contains("upstreams.toml:12:6"), "{rendered}");
    }

    #[test]
    fn ranges_that_are_wrong_do_no_harm() {
        for marked in [Some(500..600), Some(1..2), Some(Range { start: 3, end: 0 }), Some(0..0), None] {
            let rendered = Message::error("x").at(excerpt("ö", marked.clone())).render(&Look::plain());
            assert_eq!(rendered.contains('^'), marked.is_some(), "{rendered}");
        }
    }

    #[test]
    fn long_lines_are_cut_around_what_is_meant() {
        let look = Look { width: 40, ..Look::plain() };
        let text = format!("{}HERE{}", "a".repeat(300), "b".repeat(300));
        let rendered = Message::error("x").at(excerpt(&text, Some(300..304))).render(&look);
        assert!(rendered.lines().all(|line| measure_text_width(line) <= 40), "{rendered}");
        let lines: Vec<&str> = rendered.lines().collect();
        let (shown, carets) = (lines[lines.len() - 2], lines[lines.len() - 1]);
        let column = |line: &str, what: &str| line.find(what).map(|at| measure_text_width(&line[..at]));
        assert_eq!(column(shown, "HERE"), column(carets, "^^^^"), "{rendered}");
    }

    #[test]
    fn sources_are_listed_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: {0}")]
        struct Outer(#[source] std::io::Error);
        let error = Outer(std::io::Error::other("disk full"));
        let told = Message::error(error.to_string()).caused_by_sources(&error);
        assert_eq!(told.render(&Look::plain()), "error: outer: disk full\n");
        let short = Message::error("cannot write").caused_by_sources(&error);
        assert_eq!(short.render(&Look::plain()), "error: cannot write\ncaused by: disk full\n");
    }
}
