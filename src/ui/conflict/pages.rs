//! The other pages: explanations, a text to read, a list to choose from. Pure functions, as for the conflict itself.

use console::AnsiCodeIterator;
use unicode_width::UnicodeWidthStr;

use super::glyphs::{Kind, Line};
use super::ink::{Ink, write};
use super::prose::{cut, hanging};
use super::question::Question;
use super::view::rule;
use crate::ui::Look;

/// The tab width in a text to read.
const TAB: usize = 8;

/// The keys that scroll: letters, alternatives, and their effect.
const SCROLLING: [(&str, &str, &str); 3] = [
    ("space", "PageDown PageUp", "a page on, a page back"),
    ("j k", "arrows", "a row on, a row back"),
    ("g G", "Home End", "the beginning, the end"),
];

/// Columns of the keys that scroll, with a gap after them.
const SCROLLING_WIDTH: usize = 25;

/// A title, rows that scroll, and the key to leave.
pub(super) struct Page {
    look: Look,
    columns: usize,
    height: usize,
    title: String,
    rows: Vec<String>,
    leave: &'static str,
}

impl Page {
    /// Makes a page of `rows`, which all fit the width, on a screen of `height`.
    pub(super) fn new(look: &Look, size: (usize, usize), title: &str, rows: Vec<String>, leave: &'static str) -> Page {
        let (height, columns) = size;
        Page { look: *look, columns, height, title: cut(look, title, columns), rows, leave }
    }

    /// Returns how many rows are on the screen at once.
    pub(super) fn page(&self) -> usize {
        self.height.saturating_sub(3).max(1)
    }

    /// Returns the furthest that it can be scrolled.
    pub(super) fn furthest(&self) -> usize {
        self.rows.len().saturating_sub(self.page())
    }

    /// Returns the rows of the screen while `scroll` rows are above it.
    pub(super) fn frame(&self, scroll: usize) -> Vec<String> {
        let scroll = scroll.min(self.furthest());
        let shown = &self.rows[scroll..(scroll + self.page()).min(self.rows.len())];
        let mut frame = vec![write(&self.look, Ink::Strong, &self.title), rule(&self.look, self.columns, "")];
        frame.extend_from_slice(shown);
        frame.resize(self.page() + 2, String::new());
        let leave = cut(&self.look, self.leave, self.columns);
        let position = match shown.len() == self.rows.len() {
            true => String::new(),
            false => format!("{}-{} of {}", scroll + 1, scroll + shown.len(), self.rows.len()),
        };
        let gap = self.columns.saturating_sub(leave.width() + position.width());
        frame.push(if gap < 2 { leave } else { format!("{leave}{}{position}", " ".repeat(gap)).trim_end().to_owned() });
        // A screen of a row or two shows the end: the key to leave.
        frame.split_off(frame.len().saturating_sub(self.height))
    }
}

/// Returns every choice with its explanation.
pub(super) fn explanations(look: &Look, columns: usize, question: &Question) -> Vec<String> {
    let proposals = question.proposals.iter().map(|proposal| {
        let why = if proposal.reason.is_empty() { String::new() } else { format!(": {}", proposal.reason) };
        (proposal.key, proposal.label.as_str(), format!("{}{why}", proposal.title))
    });
    let choices = question.choices.iter().map(|choice| (choice.key, choice.label.as_str(), choice.help.clone()));
    let entries: Vec<_> = proposals.chain(choices).collect();
    let widest = entries.iter().map(|(_, label, _)| label.width()).max().unwrap_or(0).min(columns / 4);
    let mut rows = Vec::new();
    for (key, label, help) in entries {
        let label = cut(look, label, widest);
        let front = format!("{key}  {label}{}", " ".repeat(widest - label.width() + 2));
        rows.extend(hanging(look, (&front, Ink::Strong), (&help, Ink::Plain), columns));
    }
    rows.push(String::new());
    for (letters, others, help) in SCROLLING {
        // A choice has priority over a key that scrolls.
        let taken = |key: &str| question.keys().any(|taken| key == taken.to_string());
        let free = letters.split(' ').filter(|key| !taken(key)).chain([others]).collect::<Vec<_>>().join(" ");
        rows.extend(hanging(look, (&format!("{free:SCROLLING_WIDTH$}"), Ink::Strong), (help, Ink::Plain), columns));
    }
    rows
}

/// Breaks lines, which may be styled, into rows of at most `columns`. Of control sequences only colours are kept.
pub(super) fn fold_styled(look: &Look, columns: usize, lines: &[String]) -> Vec<String> {
    lines.iter().flat_map(|line| fold_styled_line(look, columns.max(1), line)).collect()
}

fn fold_styled_line(look: &Look, columns: usize, line: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let (mut row, mut used, mut active) = (String::new(), 0, String::new());
    let mut column = 0;
    for (part, is_code) in AnsiCodeIterator::new(line) {
        if is_code {
            if is_style(part) && look.colour {
                row.push_str(part);
                if part == RESET || part == "\u{1b}[m" { active.clear() } else { active.push_str(part) }
            }
            continue;
        }
        let mut put = |text: &str, width: usize| {
            if used + width > columns && used > 0 {
                let end = if active.is_empty() { "" } else { RESET };
                rows.push(format!("{}{end}", std::mem::replace(&mut row, active.clone())));
                used = 0;
            }
            row.push_str(text);
            used += width;
            column += width;
            column
        };
        for (at, piece) in part.split('\t').enumerate() {
            if at > 0 {
                let column = put("", 0);
                (0..TAB - column % TAB).for_each(|_| _ = put(" ", 1));
            }
            let piece = Line::new(look, piece.trim_end_matches('\n').as_bytes());
            debug_assert!(piece.glyphs.iter().all(|glyph| glyph.kind != Kind::Tab));
            for at in 0..piece.glyphs.len() {
                put(piece.shown(at..at + 1), piece.glyphs[at].width);
            }
        }
    }
    rows.push(row);
    rows
}

const RESET: &str = "\u{1b}[0m";

/// Checks for colour, bold and the like (`ESC [ … m`), and nothing else.
fn is_style(code: &str) -> bool {
    let inner = code.strip_prefix("\u{1b}[").and_then(|rest| rest.strip_suffix('m'));
    inner.is_some_and(|inner| inner.chars().all(|c| c.is_ascii_digit() || c == ';'))
}

/// Returns a list with a pointer at the item `cursor`: its rows, and which of them belong to the item.
pub(super) fn list(
    look: &Look,
    columns: usize,
    items: &[String],
    cursor: usize,
) -> (Vec<String>, std::ops::Range<usize>) {
    let mut rows = Vec::new();
    let mut here = 0..0;
    for (at, item) in items.iter().enumerate() {
        let number = if at < 9 { (at + 1).to_string() } else { String::new() };
        let (sign, ink) = if at == cursor { (">", Ink::Strong) } else { (" ", Ink::Plain) };
        let start = rows.len();
        rows.extend(hanging(look, (&format!("{sign} {number:1} "), Ink::Key), (item, ink), columns));
        if at == cursor {
            here = start..rows.len();
        }
    }
    (rows, here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styled_lines_fold_with_their_style_and_nothing_else_gets_through() {
        let look = Look { colour: true, ..Look::plain() };
        let fold = |line: &str| fold_styled(&look, 8, &[line.to_owned()]);
        assert_eq!(fold("\u{1b}[31mabcdefghij\u{1b}[0mk"), ["\u{1b}[31mabcdefgh\u{1b}[0m", "\u{1b}[31mij\u{1b}[0mk"]);
        assert_eq!(fold("a\tb"), ["a       ", "b"]);
        assert_eq!(fold("a\u{1b}[2Jb\u{7}"), ["ab\\x07"]);
        assert_eq!(fold(""), [""]);
        assert_eq!(fold_styled(&Look::plain(), 8, &["\u{1b}[31mab\u{1b}[0m".to_owned()]), ["ab"]);
    }

    #[test]
    fn the_list_points_at_one_item() {
        let items = ["components/a/Dockerfile".to_owned(), "b".to_owned()];
        let (rows, here) = list(&Look::plain(), 20, &items, 0);
        assert_eq!((rows, here), (vec!["> 1 components/a/Doc".to_owned(), "    kerfile".into(), "  2 b".into()], 0..2));
    }

    #[test]
    fn a_page_says_where_one_is() {
        let rows = (1..=9).map(|n| n.to_string()).collect();
        let page = Page::new(&Look::plain(), (6, 20), "title", rows, "q: back");
        assert_eq!((page.page(), page.furthest()), (3, 6));
        assert_eq!(page.frame(99), ["title", &"─".repeat(20), "7", "8", "9", "q: back     7-9 of 9"]);
        let low = Page::new(&Look::plain(), (1, 20), "title", Vec::new(), "q: back");
        assert_eq!(low.frame(0), ["q: back"]);
    }
}
