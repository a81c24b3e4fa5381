//! Conflict markers in git's zdiff3 style: written into a text, and found in one that came back.
//!
//! The form is git's (git-merge(1), *How conflicts are presented*): a line of seven equal characters, a blank and a label;
//! where the text has such lines of its own the markers are longer, as git's attribute `conflict-marker-size` would make them.

use bstr::{BString, ByteSlice};

use super::text::{Hunk, Piece, TextMerge};

/// How long git's markers are.
const USUAL: usize = 7;
/// Line ends that texts have.
const LF: &[u8] = b"\n";
const CRLF: &[u8] = b"\r\n";

/// What stands behind the markers. Each is one line; what would break it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'a> {
    /// Behind `<<<<<<<`.
    pub upstream: &'a str,
    /// Behind `|||||||`.
    pub base: &'a str,
    /// Behind `>>>>>>>`.
    pub patch: &'a str,
}

/// A text with markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The text.
    pub text: BString,
    /// How long its markers are, for [`leftover_marker`].
    pub size: usize,
}

impl TextMerge {
    /// The whole text, its hunks between markers.
    #[must_use]
    pub fn with_markers(&self, labels: &Labels<'_>) -> Marked {
        let texts = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Merged(text) => vec![text],
            Piece::Hunk(hunk) => hunk.texts().to_vec(),
        });
        let size = marker_size(texts.map(|text| text.as_slice()));
        Marked { text: self.with_markers_of(size, labels), size }
    }

    /// The whole text with markers of `size`.
    pub(super) fn with_markers_of(&self, size: usize, labels: &Labels<'_>) -> BString {
        let (mut text, mut before) = (BString::default(), None);
        for piece in &self.pieces {
            match piece {
                Piece::Merged(merged) => {
                    text.extend_from_slice(merged);
                    before = merged.lines_with_terminator().next_back();
                }
                Piece::Hunk(hunk) => text.extend_from_slice(&between_markers(hunk, before, labels, size)),
            }
        }
        text
    }
}

impl Hunk {
    /// The hunk alone between markers.
    #[must_use]
    pub fn with_markers(&self, labels: &Labels<'_>) -> Marked {
        let size = marker_size(self.texts().map(|text| text.as_slice()));
        Marked { text: between_markers(self, None, labels, size), size }
    }

    /// The end of its lines: CRLF where all of them have it.
    #[must_use]
    pub fn line_end(&self) -> &'static [u8] {
        line_end(self, None)
    }
}

/// How long markers must be so that no line of `texts` looks like one.
#[must_use]
pub fn marker_size<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> usize {
    let longest = texts.into_iter().flat_map(ByteSlice::lines).filter_map(run_length).max();
    longest.filter(|longest| *longest >= USUAL).map_or(USUAL, |longest| longest + 1)
}

/// The number (from 1) of the first line of `text` that is a marker of `size`, a `=======` too; `None`: there is none.
#[must_use]
pub fn leftover_marker(text: &[u8], size: usize) -> Option<usize> {
    numbered_markers(text, size).map(|(number, _)| number).next()
}

/// As [`leftover_marker`], but for `=======`, which may be the underline of a heading: for texts of which somebody said
/// that they are done.
#[must_use]
pub fn certain_leftover_marker(text: &[u8], size: usize) -> Option<usize> {
    numbered_markers(text, size).find(|(_, byte)| *byte != b'=').map(|(number, _)| number)
}

fn numbered_markers(text: &[u8], size: usize) -> impl Iterator<Item = (usize, u8)> {
    let marker = move |line: &[u8]| (run_length(line) == Some(size)).then(|| line[0]);
    text.lines().enumerate().filter_map(move |(at, line)| marker(line).map(|byte| (at + 1, byte)))
}

/// Returns how many marker characters begin a line that is nothing but a marker and its label.
fn run_length(line: &[u8]) -> Option<usize> {
    let first = *line.first().filter(|byte| b"<|=>".contains(byte))?;
    let length = line.iter().take_while(|byte| **byte == first).count();
    let rest = &line[length..];
    (rest.is_empty() || (rest[0] == b' ' && first != b'=')).then_some(length)
}

fn between_markers(hunk: &Hunk, before: Option<&[u8]>, labels: &Labels<'_>, size: usize) -> BString {
    let end = line_end(hunk, before);
    let mut text = BString::default();
    let marker = |text: &mut BString, byte: u8, label: &str| {
        text.extend(std::iter::repeat_n(byte, size));
        let label: String = label.chars().filter(|c| !c.is_control()).collect();
        if !label.is_empty() {
            text.push(b' ');
            text.extend_from_slice(label.as_bytes());
        }
        text.extend_from_slice(end);
    };
    for (byte, label, side) in
        [(b'<', labels.upstream, &hunk.upstream), (b'|', labels.base, &hunk.base), (b'=', "", &hunk.patch)]
    {
        marker(&mut text, byte, label);
        text.extend_from_slice(&side.text);
        if !side.text.is_empty() && !side.text.ends_with(LF) {
            text.extend_from_slice(end);
        }
    }
    marker(&mut text, b'>', labels.patch);
    text
}

/// CRLF where every line of the hunk that has an end, and the one before it, end so.
fn line_end(hunk: &Hunk, before: Option<&[u8]>) -> &'static [u8] {
    let lines = hunk.texts().into_iter().flat_map(|text| text.lines_with_terminator()).chain(before);
    let mut ended = lines.filter(|line| line.ends_with(LF)).peekable();
    if ended.peek().is_some() && ended.all(|line| line.ends_with(CRLF)) { CRLF } else { LF }
}

#[cfg(test)]
mod tests {
    use super::super::text::Lines;
    use super::*;

    const LABELS: Labels<'static> = Labels { upstream: "upstream v2", base: "base", patch: "0001-fix.patch\n" };

    fn hunk(upstream: &str, base: &str, patch: &str) -> Hunk {
        let side = |text: &str| Lines { start: 1, text: text.into() };
        Hunk { base: side(base), upstream: side(upstream), patch: side(patch), nth: 0, alike: Default::default() }
    }

    fn merge(before: &str, hunk: Hunk, after: &str) -> TextMerge {
        let merged = |text: &str| Piece::Merged(text.into());
        TextMerge { pieces: vec![merged(before), Piece::Hunk(hunk), merged(after)] }
    }

    #[test]
    fn a_text_with_markers_is_as_git_writes_it() {
        let marked = merge("a\n", hunk("u\n", "", "p\n"), "z\n").with_markers(&LABELS);
        let text = "a\n<<<<<<< upstream v2\nu\n||||||| base\n=======\np\n>>>>>>> 0001-fix.patch\nz\n";
        assert_eq!((marked.text.to_string().as_str(), marked.size), (text, 7));
        assert_eq!(leftover_marker(&marked.text, 7), Some(2));
        assert_eq!(leftover_marker(b"a\nu\nz\n", 7), None);
    }

    #[test]
    fn dos_line_ends_go_to_the_markers_too() {
        let marked = merge("a\r\n", hunk("u\r\n", "b\r\n", "p"), "").with_markers(&LABELS);
        let text = "a\r\n<<<<<<< upstream v2\r\nu\r\n||||||| base\r\nb\r\n=======\r\np\r\n>>>>>>> 0001-fix.patch\r\n";
        assert_eq!(marked.text, text);
        assert_eq!(leftover_marker(&marked.text, 7), Some(2));
        // One line that ends otherwise, and nobody can say that the file is a DOS file.
        let mixed = merge("a\n", hunk("u\r\n", "b\r\n", "p\r\n"), "").with_markers(&LABELS);
        assert!(mixed.text.contains_str("upstream v2\nu\r\n"));
    }

    #[test]
    fn markers_are_longer_than_what_looks_like_one() {
        let marked = merge("Heading\n=======\n", hunk("u\n", "<<<<<<<<< nine\n", "p\n"), "").with_markers(&LABELS);
        assert_eq!(marked.size, 10);
        assert_eq!(leftover_marker(&marked.text, 10), Some(3));
        let done = b"Heading\n=======\n<<<<<<<<< nine\n";
        assert_eq!(leftover_marker(done, marked.size), None);
        // Neither is a marker: something else follows, or it is too short.
        assert_eq!(marker_size([b"=======x\n<<<<<<<<x y\n====\n".as_slice()]), 7);
    }

    #[test]
    fn a_heading_is_told_from_a_marker_where_somebody_said_it_is_done() {
        assert_eq!(leftover_marker(b"Heading\n=======\n", 7), Some(2));
        assert_eq!(certain_leftover_marker(b"Heading\n=======\n", 7), None);
        assert_eq!(certain_leftover_marker(b"a\n=======\nb\n>>>>>>> x\n", 7), Some(4));
    }
}
