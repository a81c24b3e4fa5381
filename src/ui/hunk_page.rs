//! Shows a hunk as a page for an editor: the lines to edit, with the three sides around them as comments.
//!
//! A comment is a line that begins with the page's prefix. No line of the hunk begins with it, so every other line is
//! content. Whether the last line has an end is a comment too, because editors do not show it.

use bstr::{BString, ByteSlice};

use crate::path::printable_line;
use crate::stack::{Hunk, Lines, leftover_marker};

/// The prefix of comments, unless content has it.
const WORD: &str = "#patchq";
/// The comment that says that the line before it has no end.
const NO_END: &str = "no newline at the end";

/// The content of a page.
#[derive(Debug, Clone, Copy)]
pub struct HunkText<'a> {
    /// One line: the patch, the file and the lines.
    pub title: &'a str,
    /// The three sides.
    pub hunk: &'a Hunk,
    /// The labels of upstream, base and patch.
    pub sides: [&'a str; 3],
    /// Merged lines before and after it.
    pub around: (&'a [&'a [u8]], &'a [&'a [u8]]),
    /// The initial lines: a proposal, or the hunk with markers.
    pub start: &'a [u8],
    /// The length of the markers.
    pub marker_size: usize,
}

/// A page for an editor, and how to read it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkPage {
    text: BString,
    prefix: String,
    start: BString,
    end: &'static [u8],
    marker_size: usize,
}

/// The result of editing a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// This text; may be empty.
    Text(Vec<u8>),
    /// The text is unchanged, and had no markers.
    Unchanged,
    /// Markers are left; the line number of the first one, from 1, in the editor's text.
    LeftMarkers(usize),
}

impl HunkPage {
    /// Makes the page of a hunk.
    #[must_use]
    pub fn new(about: &HunkText<'_>) -> HunkPage {
        let hunk = about.hunk;
        let sides = [&hunk.upstream, &hunk.base, &hunk.patch];
        let contents = sides.into_iter().map(|side| side.text.as_slice()).chain([about.start]);
        let prefix = free_prefix(contents);
        let mut page = Page { prefix: &prefix, end: hunk.line_end(), text: BString::default() };
        page.comment(about.title);
        page.comment(&format!("Lines below without '{prefix}' in front go into the file. An empty text is allowed."));
        for (name, side) in about.sides.into_iter().zip(sides) {
            page.side(name, side);
        }
        page.comment("");
        page.context(about.around.0);
        page.content(about.start);
        page.context(about.around.1);
        let Page { text, end, .. } = page;
        HunkPage { text, start: about.start.into(), end, marker_size: about.marker_size, prefix }
    }

    /// Returns the text for the editor.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Reads the edited text.
    #[must_use]
    pub fn read(&self, page: &[u8]) -> Edited {
        let mut text: Vec<u8> = Vec::new();
        for line in page.lines_with_terminator() {
            match line.strip_prefix(self.prefix.as_bytes()) {
                None => text.extend_from_slice(line),
                Some(comment) if comment.trim() == NO_END.as_bytes() => self.drop_end(&mut text),
                Some(_) => {}
            }
        }
        let marker = page.lines().enumerate().filter(|(_, line)| !line.starts_with(self.prefix.as_bytes()));
        let mut marker = marker.filter(|(_, line)| leftover_marker(line, self.marker_size).is_some());
        match marker.next() {
            Some((at, _)) => Edited::LeftMarkers(at + 1),
            None if text == self.start.as_slice() => Edited::Unchanged,
            None => Edited::Text(text),
        }
    }

    fn drop_end(&self, text: &mut Vec<u8>) {
        let end = if text.ends_with(self.end) { self.end } else { b"\n" };
        let length = text.len() - if text.ends_with(end) { end.len() } else { 0 };
        text.truncate(length);
    }
}

/// Reads an edited file that had markers of the length `marker_size`.
#[must_use]
pub fn read_file_back(before: &[u8], after: Vec<u8>, marker_size: usize) -> Edited {
    match leftover_marker(&after, marker_size) {
        Some(line) => Edited::LeftMarkers(line),
        None if after == before => Edited::Unchanged,
        None => Edited::Text(after),
    }
}

/// Returns a prefix with a colon that begins no line of the texts.
fn free_prefix<'t>(texts: impl Iterator<Item = &'t [u8]> + Clone) -> String {
    let taken = |prefix: &str| texts.clone().flat_map(ByteSlice::lines).any(|line| line.starts_with(prefix.as_bytes()));
    let plain = format!("{WORD}:");
    // With one more number than there are lines, one is unused.
    std::iter::once(plain.clone()).chain((2u32..).map(|n| format!("{WORD}{n}:"))).find(|p| !taken(p)).unwrap_or(plain)
}

struct Page<'a> {
    prefix: &'a str,
    end: &'static [u8],
    text: BString,
}

impl Page<'_> {
    fn comment(&mut self, text: &str) {
        self.line(b"", printable_line(text.as_bytes()).as_bytes());
    }

    /// Adds a comment line: a gap, unless it is empty, and its text.
    fn line(&mut self, sign: &[u8], text: &[u8]) {
        self.text.extend_from_slice(self.prefix.as_bytes());
        for part in [sign, text].into_iter().filter(|part| !part.is_empty()) {
            self.text.push(b' ');
            self.text.extend_from_slice(part);
        }
        self.text.extend_from_slice(self.end);
    }

    fn quoted(&mut self, line: &[u8]) {
        // Carriage returns belong to the line end, which is the page's own here.
        self.line(b"  |", line.trim_end_with(|c| c == '\n' || c == '\r'));
    }

    fn side(&mut self, name: &str, side: &Lines) {
        let (first, count) = (side.start, side.count());
        let place = match count {
            0 => format!("{name}: nothing, before line {first}"),
            1 => format!("{name}: line {first}"),
            _ => format!("{name}: lines {first} to {}", first + count - 1),
        };
        self.comment("");
        self.comment(&place);
        for line in side.text.lines_with_terminator() {
            self.quoted(line);
        }
        if count > 0 && !side.text.ends_with(b"\n") {
            self.comment("  (no newline at the end of this side)");
        }
    }

    fn context(&mut self, lines: &[&[u8]]) {
        for line in lines {
            self.quoted(line);
        }
        let rule = "-".repeat(20);
        self.comment(&rule);
    }

    fn content(&mut self, start: &[u8]) {
        self.text.extend_from_slice(start);
        if !start.is_empty() && !start.ends_with(b"\n") {
            self.text.extend_from_slice(self.end);
            self.comment(NO_END);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stack::Labels;

    fn hunk(upstream: &str, base: &str, patch: &str) -> Hunk {
        let side = |text: &str| Lines { start: 3, text: text.into() };
        Hunk { base: side(base), upstream: side(upstream), patch: side(patch), nth: 0, alike: Default::default() }
    }

    fn page(hunk: &Hunk, start: &[u8], marker_size: usize) -> HunkPage {
        let (title, sides) = ("0001-x.patch: app/main.py", ["upstream v2", "base v1", "the patch"]);
        let around = (&[b"before\r\n".as_slice()][..], &[b"after".as_slice()][..]);
        HunkPage::new(&HunkText { title, hunk, sides, around, start, marker_size })
    }

    #[test]
    fn a_page_shows_the_sides_and_gives_the_lines_back() {
        let hunk = hunk("u\n", "", "p1\np2");
        let page = page(&hunk, b"u\np2", 7);
        let expected = "\
#patchq: 0001-x.patch: app/main.py
#patchq: Lines below without '#patchq:' in front go into the file. An empty text is allowed.
#patchq:
#patchq: upstream v2: line 3
#patchq:   | u
#patchq:
#patchq: base v1: nothing, before line 3
#patchq:
#patchq: the patch: lines 3 to 4
#patchq:   | p1
#patchq:   | p2
#patchq:   (no newline at the end of this side)
#patchq:
#patchq:   | before
#patchq: --------------------
u
p2
#patchq: no newline at the end
#patchq:   | after
#patchq: --------------------
";
        assert_eq!(page.text().as_bstr(), expected);
        assert_eq!(page.read(expected.as_bytes()), Edited::Unchanged);
        let without = expected.replace("#patchq: no newline at the end\n", "");
        assert_eq!(page.read(without.as_bytes()), Edited::Text(b"u\np2\n".to_vec()));
        assert_eq!(page.read(expected.replace("u\np2\n", "").as_bytes()), Edited::Text(Vec::new()));
        assert_eq!(page.read(b"only this, and no end"), Edited::Text(b"only this, and no end".to_vec()));
    }

    #[test]
    fn what_is_left_as_it_was_with_markers_is_refused() {
        let hunk = hunk("u\n", "b\n", "p\n");
        let marked = hunk.with_markers(&Labels { upstream: "u", base: "b", patch: "p" });
        let page = page(&hunk, &marked.text, marked.size);
        let first = page.text().lines().position(|line| line.starts_with(b"<<<<<<<")).map(|at| at + 1);
        assert_eq!(Some(page.read(page.text())), first.map(Edited::LeftMarkers));
        let one = page.text().replace("<<<<<<< u\n", "");
        assert!(matches!(page.read(&one), Edited::LeftMarkers(_)));
    }

    #[test]
    fn dos_pages_have_dos_ends_throughout() {
        let hunk = hunk("u\r\n", "b\r\n", "p");
        let page = page(&hunk, b"u\r\np", 7);
        assert_eq!(page.text().replace("\r\n", "").find_byte(b'\n'), None);
        assert_eq!(page.read(page.text()), Edited::Unchanged);
        let changed = page.text().replace("\np\r\n", "\nq\r\n");
        assert_eq!(page.read(&changed), Edited::Text(b"u\r\nq".to_vec()));
    }

    #[test]
    fn a_whole_file_is_taken_when_nothing_is_left_to_decide() {
        let before = b"a\n<<<<<<< x\n";
        assert_eq!(read_file_back(before, before.to_vec(), 7), Edited::LeftMarkers(2));
        assert_eq!(read_file_back(before, b"a\r\n".to_vec(), 7), Edited::Text(b"a\r\n".to_vec()));
        assert_eq!(read_file_back(b"a", b"a".to_vec(), 7), Edited::Unchanged);
    }

    proptest! {
        #[test]
        fn any_content_survives_any_page(
            sides in prop::collection::vec("(#patchq[:2]?|[ab ])?(#patchq: x)?[\r\n]{0,2}(#patchq2?:)?", 4),
            now in "(#?patch|[ab\r\n])*",
        ) {
            let hunk = hunk(&sides[0], &sides[1], &sides[2]);
            let page = page(&hunk, sides[3].as_bytes(), 7);
            prop_assert_eq!(page.read(page.text()), Edited::Unchanged);
            let mut edited = now.into_bytes();
            edited.extend_from_slice(b"\n");
            let content = edited.clone();
            edited.extend_from_slice(format!("{} end", page.prefix).as_bytes());
            let expected = if content == sides[3].as_bytes() { Edited::Unchanged } else { Edited::Text(content) };
            prop_assert_eq!(page.read(&edited), expected);
        }
    }
}
