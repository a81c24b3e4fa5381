//! Shows a diff on the screen in git's colours.

use bstr::ByteSlice;

use super::{Look, Paint};
use crate::path::printable;

/// Colours `diff` (the output of `git diff`) as git does, with everything that could control a terminal made printable;
/// tabs stay.
#[must_use]
pub fn diff_on_screen(look: &Look, diff: &[u8]) -> String {
    let mut out = String::with_capacity(diff.len() + diff.len() / 8);
    let mut in_hunks = false;
    for line in diff.lines_with_terminator() {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match line.first() {
            Some(b'@') => {
                in_hunks = true;
                hunk_header(look, line, &mut out);
            }
            Some(b'+') if in_hunks => out.push_str(&look.paint(Paint::Good, &shown(line))),
            Some(b'-') if in_hunks => out.push_str(&look.paint(Paint::Gone, &shown(line))),
            Some(b' ' | b'\\') if in_hunks => out.push_str(&shown(line)),
            _ => {
                in_hunks = false;
                out.push_str(&look.paint(Paint::Strong, &shown(line)));
            }
        }
        out.push('\n');
    }
    out
}

/// Writes the ranges of a hunk in colour, and the function line after them unchanged.
fn hunk_header(look: &Look, line: &[u8], out: &mut String) {
    let end = line.find_iter("@@").nth(1).map_or(line.len(), |at| at + 2);
    out.push_str(&look.paint(Paint::Hint, &shown(&line[..end])));
    out.push_str(&shown(&line[end..]));
}

fn shown(line: &[u8]) -> String {
    line.split_str("\t").map(printable).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ all:\n \tkeep\n--- gone\n\
                        +new\u{1b}[2J\r\n\\ No newline at end of file\ndiff --git a/y b/y\n";

    #[test]
    fn lines_have_the_colours_of_git() {
        let text = diff_on_screen(&Look { colour: true, ..Look::plain() }, DIFF.as_bytes());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "\u{1b}[1mdiff --git a/x b/x\u{1b}[0m");
        assert_eq!(lines[2], "\u{1b}[1m--- a/x\u{1b}[0m");
        assert_eq!(lines[4], "\u{1b}[36m@@ -1,2 +1,2 @@\u{1b}[0m all:");
        assert_eq!(lines[6], "\u{1b}[31m--- gone\u{1b}[0m");
        assert_eq!(lines[9], "\u{1b}[1mdiff --git a/y b/y\u{1b}[0m");
    }

    #[test]
    fn nothing_steers_the_terminal_and_tabs_stay() {
        let text = diff_on_screen(&Look::plain(), DIFF.as_bytes());
        assert!(text.contains("\n \tkeep\n") && text.contains("+new\\x1b[2J\\r\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
}
