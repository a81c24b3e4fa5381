//! Merges three texts line by line (libgit2's `merge_file` with patience), and returns conflicts as hunks.

use std::collections::HashMap;
use std::ops::Range;

use bstr::{BStr, BString, ByteSlice};

use super::regions::{From, lines, regions};
use crate::git::GitError;

/// A merge of three texts: pieces that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMerge {
    /// The merged text, and between its parts the hunks in conflict.
    pub pieces: Vec<Piece>,
}

/// A piece of a merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Lines that merged, or that no side changed.
    Merged(BString),
    /// Lines that both sides changed.
    Hunk(Hunk),
}

/// Lines that both sides changed, without what they share at the ends (zdiff3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The base's lines.
    pub base: Lines,
    /// Upstream's lines.
    pub upstream: Lines,
    /// The patch's lines.
    pub patch: Lines,
    /// How many hunks before it in the file have the same three texts.
    pub nth: usize,
    /// The lines directly before and after it that upstream and the patch both added, so that they merged.
    pub alike: [BString; 2],
}

/// Some lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The number of the first one, from 1; for no lines, the number that they would begin with.
    pub start: usize,
    /// Their text, line ends included.
    pub text: BString,
}

impl Lines {
    /// Returns the line numbers in the file, from 0 on, the end excluded.
    #[must_use]
    pub fn range(&self) -> Range<u32> {
        let line = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let start = self.start.saturating_sub(1);
        line(start)..line(start + self.count())
    }

    /// Returns the number of lines.
    #[must_use]
    pub fn count(&self) -> usize {
        self.text.lines_with_terminator().count()
    }
}

impl Hunk {
    /// Makes a hunk with these texts (base, upstream, patch), without a place in the file.
    #[must_use]
    pub fn unplaced(texts: [BString; 3], nth: usize, alike: [BString; 2]) -> Hunk {
        let [base, upstream, patch] = texts.map(|text| Lines { start: 1, text });
        Hunk { base, upstream, patch, nth, alike }
    }

    /// Checks whether `other` is the same hunk, wherever it is in the file.
    #[must_use]
    pub fn is_same(&self, other: &Hunk) -> bool {
        self.texts() == other.texts() && self.nth == other.nth && self.alike == other.alike
    }

    /// Checks whether it has these texts.
    #[must_use]
    pub fn has_texts(&self, texts: [&BString; 3]) -> bool {
        self.texts() == texts
    }

    /// Checks whether `text` is an answer here, if it was decided for a hunk with these texts between the lines
    /// `alike`. A side's lines always are; lines put together from both only between the same lines.
    #[must_use]
    pub fn takes(&self, text: &BString, alike: &[BString; 2]) -> bool {
        *alike == self.alike || [&self.upstream.text, &self.patch.text].contains(&text)
    }

    /// Returns the three texts: base, upstream, patch.
    #[must_use]
    pub fn texts(&self) -> [&BString; 3] {
        [&self.base, &self.upstream, &self.patch].map(|side| &side.text)
    }
}

impl TextMerge {
    /// Merges three texts with nothing decided; without hunks all of it merged.
    ///
    /// # Errors
    /// [`GitError`] when libgit2 cannot compare them.
    pub fn of(base: &[u8], upstream: &[u8], patch: &[u8]) -> Result<TextMerge, GitError> {
        pieces(base, upstream, patch)
    }

    /// Returns the hunks in order.
    pub fn hunks(&self) -> impl Iterator<Item = &Hunk> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hunk(hunk) => Some(hunk),
            Piece::Merged(_) => None,
        })
    }

    /// Returns up to `count` merged lines before and after the hunk with the index `n`, in order.
    #[must_use]
    pub fn context(&self, n: usize, count: usize) -> (Vec<&BStr>, Vec<&BStr>) {
        let hunks = self.pieces.iter().enumerate().filter(|(_, piece)| matches!(piece, Piece::Hunk(_)));
        let Some(at) = hunks.map(|(at, _)| at).nth(n) else { return Default::default() };
        let lines = |at: Option<usize>| match at.and_then(|at| self.pieces.get(at)) {
            Some(Piece::Merged(text)) => text.lines_with_terminator().map(BStr::new).collect(),
            _ => Vec::new(),
        };
        let (mut before, mut after) = (lines(at.checked_sub(1)), lines(Some(at + 1)));
        before.drain(..before.len().saturating_sub(count));
        after.truncate(count);
        (before, after)
    }
}

/// The result of a merge of texts.
pub(super) enum Text {
    Clean(Vec<u8>),
    Conflict(TextMerge),
}

/// Merges the changes `base → ours` (upstream's) and `base → theirs` (the patch's). `union`: hunks take the lines of both.
pub(super) fn merge_text(base: &[u8], ours: &[u8], theirs: &[u8], union: bool) -> Result<Text, GitError> {
    let merge = pieces(base, ours, theirs)?;
    if merge.pieces.is_empty() {
        return Ok(Text::Clean(Vec::new())); // git2 makes a slice of a null pointer of it.
    }
    let (mut a, mut o, mut t) = (git2::MergeFileInput::new(), git2::MergeFileInput::new(), git2::MergeFileInput::new());
    a.content(base);
    o.content(ours);
    t.content(theirs);
    let mut options = git2::MergeFileOptions::new();
    options.patience(true);
    if union {
        options.favor(git2::FileFavor::Union);
    }
    let merged = git2::merge_file(&a, &o, &t, Some(&mut options)).map_err(GitError::lib("cannot merge two texts"))?;
    if merged.is_automergeable() {
        return Ok(Text::Clean(merged.content().to_vec()));
    }
    Ok(Text::Conflict(merge))
}

/// Returns the merged parts and the hunks, in order.
fn pieces(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<TextMerge, GitError> {
    let regions = regions(base, ours, theirs)?;
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let (mut pieces, mut plain, mut at) = (Vec::new(), BString::default(), 0);
    let mut seen: HashMap<[BString; 3], usize> = HashMap::new();
    for region in regions {
        plain.extend(ours[at..region.ours.start].concat());
        at = region.ours.end;
        match region.from {
            From::Ours => plain.extend(ours[region.ours].concat()),
            From::Theirs => plain.extend(theirs[region.theirs].concat()),
            From::Conflict => {
                if !plain.is_empty() {
                    pieces.push(Piece::Merged(std::mem::take(&mut plain)));
                }
                let side = |all: &[&[u8]], range: Range<usize>| Lines {
                    start: range.start + 1,
                    text: BString::from(all[range].concat()),
                };
                let [head, tail] = region.alike;
                let alike = [region.ours.start - head..region.ours.start, region.ours.end..region.ours.end + tail];
                let alike = alike.map(|range| BString::from(ours[range].concat()));
                let (base, upstream) = (side(&base, region.base), side(&ours, region.ours));
                let mut hunk = Hunk { base, upstream, patch: side(&theirs, region.theirs), nth: 0, alike };
                let same = seen.entry(hunk.texts().map(Clone::clone)).or_default();
                (hunk.nth, *same) = (*same, *same + 1);
                pieces.push(Piece::Hunk(hunk));
            }
        }
    }
    plain.extend(ours[at..].concat());
    if !plain.is_empty() {
        pieces.push(Piece::Merged(plain));
    }
    Ok(TextMerge { pieces })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::super::markers::Labels;
    use super::*;

    /// Merges with libgit2. This is the only call that does not initialize libgit2; elsewhere a store was opened
    /// before.
    fn merged(base: &str, ours: &str, theirs: &str, union: bool) -> Text {
        drop(git2::Config::new().unwrap());
        merge_text(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), union).unwrap()
    }

    fn conflict(base: &str, ours: &str, theirs: &str) -> TextMerge {
        match merged(base, ours, theirs, false) {
            Text::Conflict(merge) => merge,
            Text::Clean(text) => panic!("merged: {}", BString::from(text)),
        }
    }

    fn lines_at(start: usize, text: &str) -> Lines {
        Lines { start, text: text.into() }
    }

    #[test]
    fn a_hunk_has_its_three_sides_and_where_they_stand() {
        let merge = conflict("a\nb\nc\nd\ne\nf\n", "0\na\nb\nc\nD\ne\nf\n", "a\nb\nc\nx\ny\ne\nF\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk {
                base: lines_at(4, "d\n"),
                upstream: lines_at(5, "D\n"),
                patch: lines_at(4, "x\ny\n"),
                nth: 0,
                alike: Default::default()
            }]
        );
        let (before, after) = merge.context(0, 2);
        assert_eq!(
            (before, after),
            (vec![BStr::new("b\n"), BStr::new("c\n")], vec![BStr::new("e\n"), BStr::new("F\n")])
        );
    }

    #[test]
    fn what_both_ends_share_is_outside() {
        let merge = conflict("a\nz\n", "a\n1\n2\n3\nz\n", "a\n1\nx\n3\nz\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk {
                base: lines_at(2, ""),
                upstream: lines_at(3, "2\n"),
                patch: lines_at(3, "x\n"),
                nth: 0,
                alike: ["1\n".into(), "3\n".into()]
            }]
        );
    }

    #[test]
    fn texts_with_markers_and_without_a_last_newline() {
        let merge = conflict("<<<<<<< a\nx", "<<<<<<< a\ny", "<<<<<<< a\n=======\nz\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk {
                base: lines_at(2, "x"),
                upstream: lines_at(2, "y"),
                patch: lines_at(2, "=======\nz\n"),
                nth: 0,
                alike: Default::default()
            }]
        );
        assert_eq!(merge.pieces[0], Piece::Merged("<<<<<<< a\n".into()));
    }

    #[test]
    fn dos_line_ends_stay() {
        let merge = conflict("a\r\nb", "a\r\nc", "a\r\nd\r\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk {
                base: lines_at(2, "b"),
                upstream: lines_at(2, "c"),
                patch: lines_at(2, "d\r\n"),
                nth: 0,
                alike: Default::default()
            }]
        );
    }

    #[test]
    fn both_added_each_its_own() {
        let merge = conflict("", "a\nb\n", "c\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk {
                base: lines_at(1, ""),
                upstream: lines_at(1, "a\nb\n"),
                patch: lines_at(1, "c\n"),
                nth: 0,
                alike: Default::default()
            }]
        );
    }

    #[test]
    fn nothing_may_be_left() {
        for union in [false, true] {
            assert!(matches!(merged("a\n", "", "", union), Text::Clean(text) if text.is_empty()));
        }
    }

    #[test]
    fn a_union_takes_both() {
        assert!(matches!(merged("a\n", "a\nb\n", "a\nc\n", true), Text::Clean(text) if text == b"a\nb\nc\n"));
    }

    /// Returns the text with markers that `merge_file` would write.
    fn with_markers(merge: &TextMerge, size: usize) -> String {
        merge.with_markers_of(size, &Labels { upstream: "", base: "", patch: "" }).to_string()
    }

    /// Returns the text of libgit2: merged, with markers in git's zdiff3 style.
    fn by_libgit2(base: &str, ours: &str, theirs: &str) -> String {
        let (mut a, mut o, mut t) =
            (git2::MergeFileInput::new(), git2::MergeFileInput::new(), git2::MergeFileInput::new());
        a.content(base.as_bytes());
        o.content(ours.as_bytes());
        t.content(theirs.as_bytes());
        let mut options = git2::MergeFileOptions::new();
        options.patience(true).style_zdiff3(true).marker_size(30);
        let merged = git2::merge_file(&a, &o, &t, Some(&mut options)).unwrap();
        // It adds its own label to markers.
        String::from_utf8(merged.content().to_vec()).unwrap().replace(" file.txt\n", "\n")
    }

    /// Makes a text with many equal lines, some of them like markers; the last may have no end.
    fn text() -> impl Strategy<Value = String> {
        let line = prop::sample::select(vec!["a", "b", "c", "d", "", "<<<<<<<", "=======", ">>>>>>> x"]);
        (prop::collection::vec(line, 0..10), any::<bool>()).prop_map(|(lines, open)| {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            if open { text.trim_end_matches('\n').to_owned() } else { text }
        })
    }

    /// Returns the text with some of its lines replaced, removed or added.
    fn changed(text: &str, edits: &[(usize, u8)]) -> String {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for (at, kind) in edits {
            let at = at % (lines.len() + 1);
            match kind % 3 {
                0 if at < lines.len() => drop(lines.remove(at)),
                1 if at < lines.len() => lines[at] = "new\n".to_owned(),
                _ if lines.iter().all(|line| line.ends_with('\n')) => lines.insert(at, format!("{kind}\n")),
                _ => {}
            }
        }
        lines.concat()
    }

    fn edits() -> impl Strategy<Value = Vec<(usize, u8)>> {
        prop::collection::vec((0usize..12, 0u8..9), 0..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn hunks_are_zdiff3s_and_stand_where_they_say(
            base in text(), left in edits(), right in edits(), dos in any::<bool>(),
        ) {
            let (mut ours, mut theirs, mut base) = (changed(&base, &left), changed(&base, &right), base);
            if dos {
                for text in [&mut base, &mut ours, &mut theirs] {
                    *text = text.replace('\n', "\r\n");
                }
            }
            drop(git2::Config::new().unwrap());
            let merge = pieces(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).unwrap();
            let expected =
                if merge.pieces.is_empty() { String::new() } else { by_libgit2(&base, &ours, &theirs) };
            let text = merged(&base, &ours, &theirs, false);
            match &text {
                Text::Clean(text) => {
                    prop_assert!(merge.hunks().next().is_none());
                    prop_assert_eq!(BString::from(text.clone()), BString::from(with_markers(&merge, 30)));
                }
                Text::Conflict(found) => prop_assert!(found == &merge && found.hunks().next().is_some()),
            }
            // For zdiff3, an equal result by different edits is a conflict; for others it is not. With DOS line ends
            // libgit2 writes its markers so too.
            if !dos && expected.matches(&"<".repeat(30)).count() == merge.hunks().count() {
                prop_assert_eq!(with_markers(&merge, 30), expected);
            }
            type Side = fn(&Hunk) -> &Lines;
            let sides: [(&str, Side); 3] =
                [(&base, |hunk| &hunk.base), (&ours, |hunk| &hunk.upstream), (&theirs, |hunk| &hunk.patch)];
            for (whole, side) in sides {
                let all = lines(whole.as_bytes());
                let mut end = 0;
                for found in merge.hunks().map(side) {
                    let from = found.start - 1;
                    prop_assert!(from >= end);
                    end = from + found.count();
                    prop_assert_eq!(BString::from(all[from..end].concat()), found.text.clone());
                }
            }
        }

        #[test]
        fn with_upstreams_lines_it_is_upstreams_text_where_the_patch_changes_nothing_else(
            base in text(), left in edits(), line in "[x-z]{3}",
        ) {
            drop(git2::Config::new().unwrap());
            let ours = changed(&base, &left);
            let all: Vec<&str> = base.split_inclusive('\n').collect();
            prop_assume!(!all.is_empty());
            let at = left.first().map_or(0, |(at, _)| at % all.len());
            let theirs: String =
                all.iter().enumerate().map(|(n, old)| if n == at { format!("{line}\n") } else { (*old).to_owned() }).collect();
            if let Text::Conflict(merge) = merged(&base, &ours, &theirs, false) {
                let text: Vec<&[u8]> = merge.pieces.iter().map(|piece| match piece {
                    Piece::Merged(text) => text.as_bytes(),
                    Piece::Hunk(hunk) => hunk.upstream.text.as_bytes(),
                }).collect();
                prop_assert_eq!(BString::from(text.concat()), BString::from(ours));
            }
        }
    }
}
