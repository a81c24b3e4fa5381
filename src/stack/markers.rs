//! Writes conflict markers in git's zdiff3 style into a text, and finds them in an edited text.
//!
//! The form is git's (git-merge(1), *How conflicts are presented*): a line of seven equal characters, a blank and a
//! label. If the text itself has such lines, the markers are longer, as with git's attribute `conflict-marker-size`.

use bstr::{BString, ByteSlice};

use super::text::{Hunk, Piece, TextMerge};

/// The length of git's markers.
const USUAL: usize = 7;
/// The line ends of texts.
const LF: &[u8] = b"\n";
const CRLF: &[u8] = b"\r\n";

/// The labels after the markers. Each is one line; characters that would break the line are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels<'a> {
    /// After `<<<<<<<`.
    pub upstream: &'a str,
    /// After `|||||||`.
    pub base: &'a str,
    /// After `>>>>>>>`.
    pub patch: &'a str,
}

/// A text with markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The text.
    pub text: BString,
    /// The length of its markers, for [`leftover_marker`].
    pub size: usize,
}

impl TextMerge {
    /// Returns the whole text with its hunks between markers.
    #[must_use]
    pub fn with_markers(&self, labels: &Labels<'_>) -> Marked {
        let texts = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Merged(text) => vec![text],
            Piece::Hunk(hunk) => hunk.texts().to_vec(),
        });
        let size = marker_size(texts.map(|text| text.as_slice()));
        Marked { text: self.with_markers_of(size, labels), size }
    }

    /// Returns the whole text with markers of the length `size`.
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
    /// Returns the hunk alone between markers.
    #[must_use]
    pub fn with_markers(&self, labels: &Labels<'_>) -> Marked {
        let size = marker_size(self.texts().map(|text| text.as_slice()));
        Marked { text: between_markers(self, None, labels, size), size }
    }

    /// Returns the end of its lines: CRLF if all of them have it.
    #[must_use]
    pub fn line_end(&self) -> &'static [u8] {
        line_end(self, None)
    }
}

/// Returns the length that markers need so that no line of `texts` looks like one.
#[must_use]
pub fn marker_size<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> usize {
    let longest = texts.into_iter().flat_map(ByteSlice::lines).filter_map(run_length).max();
    longest.filter(|longest| *longest >= USUAL).map_or(USUAL, |longest| longest + 1)
}

/// Returns the number (from 1) of the first line of `text` that is a marker of the length `size`, including `=======`;
/// `None` when there is none.
#[must_use]
pub fn leftover_marker(text: &[u8], size: usize) -> Option<usize> {
    numbered_markers(text, size).map(|(number, _)| number).next()
}

/// Finds markers as [`leftover_marker`], except `=======`, which may underline a heading: for texts that a person said
/// are done.
#[must_use]
pub fn certain_leftover_marker(text: &[u8], size: usize) -> Option<usize> {
    numbered_markers(text, size).find(|(_, byte)| *byte != b'=').map(|(number, _)| number)
}

fn numbered_markers(text: &[u8], size: usize) -> impl Iterator<Item = (usize, u8)> {
    let marker = move |line: &[u8]| (run_length(line) == Some(size)).then(|| line[0]);
    text.lines().enumerate().filter_map(move |(at, line)| marker(line).map(|byte| (at + 1, byte)))
}

/// Returns how many marker characters begin a line that has only a marker and its label.
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

/// Returns CRLF if every line of the hunk that has an end, and the line before it, ends so.
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
        // With one line that ends differently, it is not certain that the file is a DOS file.
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
        // Neither is a marker: other text follows, or it is too short.
        assert_eq!(marker_size([b"=======x\n<<<<<<<<x y\n====\n".as_slice()]), 7);
    }

    #[test]
    fn a_heading_is_told_from_a_marker_where_somebody_said_it_is_done() {
        assert_eq!(leftover_marker(b"Heading\n=======\n", 7), Some(2));
        assert_eq!(certain_leftover_marker(b"Heading\n=======\n", 7), None);
        assert_eq!(certain_leftover_marker(b"a\n=======\nb\n>>>>>>> x\n", 7), Some(4));
    }
}
