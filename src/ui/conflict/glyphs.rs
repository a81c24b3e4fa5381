//! Prepares a line of a file for the screen: tabs and control characters visible, every character with its width, and
//! the words. No line can control the terminal.

use std::ops::Range;

use bstr::ByteSlice;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::path::printable;
use crate::stack::suggest::words::words;
use crate::ui::Look;

/// The tab width; eight would leave little of a narrow column.
const TAB: usize = 4;

/// How many bytes of a line are shown; longer lines are not readable.
const LONGEST: usize = 10_000;

/// How many characters without width may follow another one: more only hide it.
const MOST_COMBINED: usize = 4;

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The bytes, with the line end.
    pub(super) source: Vec<u8>,
    text: String,
    /// The glyphs on the screen, from left to right.
    pub(super) glyphs: Vec<Glyph>,
    /// Bytes that are not shown.
    pub(super) left_out: usize,
}

/// A character on the screen, or the few that represent a control character.
#[derive(Debug, Clone)]
pub(super) struct Glyph {
    source: Range<usize>,
    text: Range<usize>,
    /// Its columns.
    pub(super) width: usize,
    /// Its kind.
    pub(super) kind: Kind,
}

/// The kind of a glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter or `_`.
    Letter,
    /// A digit.
    Digit,
    /// A character of two columns, as in Chinese, where there are no blanks between words.
    Wide,
    /// A blank.
    Space,
    /// A tab.
    Tab,
    /// A representation of a character that cannot be shown.
    Escape,
    /// Anything else.
    Punctuation,
}

impl Line {
    /// Makes a line from `source` with its line end.
    pub(super) fn new(look: &Look, source: &[u8]) -> Line {
        let body = source.strip_suffix(b"\n").unwrap_or(source);
        let shown = if body.len() > LONGEST { &body[..cut(body)] } else { body };
        let mut line = Line {
            source: source.to_vec(),
            text: String::with_capacity(shown.len()),
            glyphs: Vec::with_capacity(shown.len()),
            left_out: body.len() - shown.len(),
        };
        let mut at = 0;
        let mut column = 0;
        for chunk in shown.utf8_chunks() {
            for c in chunk.valid().chars() {
                let source = at..at + c.len_utf8();
                at = source.end;
                column += line.push_char(look, c, source, column);
            }
            for byte in chunk.invalid() {
                column += line.push(&format!("\\x{byte:02x}"), at..at + 1, Kind::Escape);
                at += 1;
            }
        }
        line
    }

    /// Returns all lines of a text.
    pub(super) fn all(look: &Look, text: &[u8]) -> Vec<Line> {
        text.lines_with_terminator().map(|line| Line::new(look, line)).collect()
    }

    /// Checks whether there is a line end.
    pub(super) fn is_ended(&self) -> bool {
        self.source.ends_with(b"\n")
    }

    /// Returns the text on the screen for some glyphs.
    pub(super) fn shown(&self, glyphs: Range<usize>) -> &str {
        match self.glyphs[glyphs].split_first() {
            None => "",
            Some((first, rest)) => &self.text[first.text.start..rest.last().unwrap_or(first).text.end],
        }
    }

    /// Returns the columns of some glyphs.
    pub(super) fn width(&self, glyphs: Range<usize>) -> usize {
        self.glyphs[glyphs].iter().map(|glyph| glyph.width).sum()
    }

    /// Returns the bytes of some glyphs.
    pub(super) fn bytes(&self, glyphs: Range<usize>) -> &[u8] {
        match self.glyphs[glyphs].split_first() {
            None => &[],
            Some((first, rest)) => &self.source[first.source.start..rest.last().unwrap_or(first).source.end],
        }
    }

    /// The words, as the proposals split them. Signs of two columns and escapes are words by themselves, because no
    /// blank separates them from their neighbours.
    pub(super) fn words(&self) -> Vec<Range<usize>> {
        let shown = self.bytes(0..self.glyphs.len());
        let mut ends = words(shown).into_iter().scan(0, |end, word| {
            *end += word.text.len();
            Some(*end)
        });
        let (mut ranges, mut word_end, mut after_single) = (Vec::<Range<usize>>::new(), 0, true);
        for (at, glyph) in self.glyphs.iter().enumerate() {
            let single = match glyph.kind {
                Kind::Wide | Kind::Escape => true,
                Kind::Punctuation => !self.shown(at..at + 1).is_ascii(),
                _ => false,
            };
            match ranges.last_mut() {
                Some(last) if glyph.source.start < word_end && !single && !after_single => last.end = at + 1,
                _ => ranges.push(at..at + 1),
            }
            while word_end <= glyph.source.start {
                word_end = ends.next().unwrap_or(usize::MAX);
            }
            after_single = single;
        }
        ranges
    }

    /// Returns where the blanks at the end begin.
    pub(super) fn trailing(&self) -> usize {
        self.glyphs.iter().rposition(|glyph| glyph.kind != Kind::Space).map_or(0, |at| at + 1)
    }

    /// Breaks the line into rows of at most `width` columns, after a blank if one is near the end. At least one row.
    pub(super) fn fold(&self, width: usize) -> Vec<Range<usize>> {
        let mut rows = Vec::new();
        let (mut start, mut column, mut blank) = (0, 0, None);
        let mut at = 0;
        while let Some(glyph) = self.glyphs.get(at) {
            if column + glyph.width > width && at > start {
                let end = blank.filter(|end| self.width(start..*end) * 2 > width).unwrap_or(at);
                rows.push(start..end);
                (start, column, blank, at) = (end, 0, None, end);
                continue;
            }
            column += glyph.width;
            at += 1;
            if matches!(glyph.kind, Kind::Space | Kind::Tab) {
                blank = Some(at);
            }
        }
        rows.push(start..self.glyphs.len());
        rows
    }

    fn push_char(&mut self, look: &Look, c: char, source: Range<usize>, column: usize) -> usize {
        if c == '\t' {
            let width = TAB - column % TAB;
            let sign = if look.unicode { "→" } else { "\\t" };
            // A tab must not be narrower than its sign.
            let width = if sign.width() > width { width + TAB } else { width };
            return self.push(&format!("{sign}{}", " ".repeat(width - sign.width())), source, Kind::Tab);
        }
        let mut buffer = [0; 4];
        let text: &str = c.encode_utf8(&mut buffer);
        let shown = printable(text.as_bytes());
        match c.width() {
            _ if shown != text => self.push(&shown, source, Kind::Escape),
            None => self.push(&c.escape_unicode().to_string(), source, Kind::Escape),
            Some(0) => self.combine(c, source),
            Some(_) if !look.unicode && !c.is_ascii() => {
                self.push(&c.escape_unicode().to_string(), source, Kind::Escape)
            }
            Some(2..) => self.push(text, source, Kind::Wide),
            Some(1) if c.is_numeric() => self.push(text, source, Kind::Digit),
            Some(1) if c.is_alphabetic() || c == '_' => self.push(text, source, Kind::Letter),
            Some(1) if c == ' ' => self.push(text, source, Kind::Space),
            // Other white space looks like a blank but is not one.
            Some(1) if c.is_whitespace() => self.push(&c.escape_unicode().to_string(), source, Kind::Escape),
            Some(1) => self.push(text, source, Kind::Punctuation),
        }
    }

    /// Adds a character without width to the one before it, unless there is none or it has enough already.
    fn combine(&mut self, c: char, source: Range<usize>) -> usize {
        let last = self.glyphs.last_mut().filter(|last| {
            !matches!(last.kind, Kind::Escape | Kind::Tab | Kind::Space)
                && self.text[last.text.clone()].chars().count() <= MOST_COMBINED
        });
        let Some(last) = last else {
            return self.push(&c.escape_unicode().to_string(), source, Kind::Escape);
        };
        self.text.push(c);
        last.text.end = self.text.len();
        last.source.end = source.end;
        let width = self.text[last.text.clone()].width();
        // It may have grown: a heart becomes an emoji by the character after it.
        let more = width.saturating_sub(last.width);
        last.width += more;
        more
    }

    fn push(&mut self, text: &str, source: Range<usize>, kind: Kind) -> usize {
        let start = self.text.len();
        self.text.push_str(text);
        let width = text.width();
        self.glyphs.push(Glyph { source, text: start..self.text.len(), width, kind });
        width
    }
}

/// Returns where a line that is too long is cut: not within a character.
fn cut(body: &[u8]) -> usize {
    (LONGEST - 3..=LONGEST).rev().find(|at| body[*at] & 0xc0 != 0x80).unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(look: &Look, source: &[u8]) -> String {
        let line = Line::new(look, source);
        line.shown(0..line.glyphs.len()).to_owned()
    }

    fn words(source: &str) -> Vec<String> {
        let line = Line::new(&Look::plain(), source.as_bytes());
        line.words().into_iter().map(|word| line.shown(word).to_owned()).collect()
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let look = Look::plain();
        assert_eq!(shown(&look, b"\ta\tbcd\r\n"), "→   a→  bcd\\r");
        assert_eq!(shown(&look, b"\x1b[2J\x07\xff\xc3"), "\\x1b[2J\\x07\\xff\\xc3");
        assert_eq!(
            shown(&look, "a\u{202e}b\u{200b}\u{a0}\u{3000}\n".as_bytes()),
            "a\\u{202e}b\\u{200b}\\u{a0}\u{3000}"
        );
        assert_eq!(shown(&look, "\u{301}e\u{301}".as_bytes()), "\\u{301}e\u{301}");
        let ascii = Look { unicode: false, ..look };
        assert_eq!(shown(&ascii, "\tbcd\té".as_bytes()), "\\t  bcd\\t   \\u{e9}");
    }

    #[test]
    fn widths_are_those_of_the_screen() {
        let width = |text: &str| {
            let line = Line::new(&Look::plain(), text.as_bytes());
            line.width(0..line.glyphs.len())
        };
        assert_eq!((width("漢字a"), width("e\u{301}"), width("\u{2764}\u{fe0f}"), width("\u{1b}")), (5, 1, 2, 4));
        let marks = format!("e{}", "\u{301}".repeat(9));
        assert_eq!(Line::new(&Look::plain(), marks.as_bytes()).glyphs.len(), 6);
    }

    #[test]
    fn a_version_is_one_word_and_wide_signs_stand_alone() {
        assert_eq!(
            words("python:3.7-slim.b go1.19.2"),
            ["python", ":", "3.7", "-", "slim", ".", "b", " ", "go", "1.19.2"]
        );
        assert_eq!(words("  a\t\tv1.6.0. 漢字"), ["  ", "a", "→→   ", "v1.6.0", ".", " ", "漢", "字"]);
    }

    #[test]
    fn lines_fold_behind_blanks_and_never_within_a_sign() {
        let fold = |text: &str, width: usize| {
            let line = Line::new(&Look::plain(), text.as_bytes());
            line.fold(width).into_iter().map(|row| line.shown(row).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(fold("one two three", 10), ["one two ", "three"]);
        assert_eq!(fold("a bcdefghijklm", 6), ["a bcde", "fghijk", "lm"]);
        assert_eq!(fold("漢字漢", 3), ["漢", "字", "漢"]);
        assert_eq!((fold("", 5), fold("漢a", 1)), (vec![String::new()], vec!["漢".to_owned(), "a".to_owned()]));
    }

    #[test]
    fn a_line_that_nobody_reads_is_cut() {
        let line = Line::new(&Look::plain(), "é".repeat(9_000).as_bytes());
        assert_eq!((line.glyphs.len(), line.left_out), (5_000, 8_000));
    }
}
