//! Three texts merged line by line (libgit2's `merge_file`: patience, zdiff3), and what does not merge as hunks.

use bstr::{BStr, BString, ByteSlice};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::git::GitError;

/// A merge of three texts: pieces that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMerge {
    /// What merged, and between it the hunks that did not.
    pub pieces: Vec<Piece>,
}

/// A piece of a merged text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Lines that merged, or that nobody changed.
    Merged(BString),
    /// Lines that both sides changed.
    Hunk(Hunk),
}

/// Lines that both sides changed; what they have in common at the ends is not in it (zdiff3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// What was there.
    pub base: Lines,
    /// What upstream made of it.
    pub upstream: Lines,
    /// What the patch makes of it.
    pub patch: Lines,
}

/// Some lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The number of the first one, from 1; of no lines: the number that they would begin with.
    pub start: usize,
    /// Their text, line ends included.
    pub text: BString,
}

impl Lines {
    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.text.lines_with_terminator().count()
    }
}

impl TextMerge {
    /// The hunks in order.
    pub fn hunks(&self) -> impl Iterator<Item = &Hunk> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hunk(hunk) => Some(hunk),
            Piece::Merged(_) => None,
        })
    }

    /// Up to `count` lines around the hunk with number `n` that merged: before it and after it, in order.
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

    /// The whole text with `side` of every hunk.
    fn with(&self, side: impl Fn(&Hunk) -> &Lines) -> BString {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Merged(text) => text.as_bytes(),
            Piece::Hunk(hunk) => side(hunk).text.as_bytes(),
        });
        BString::from(pieces.collect::<Vec<_>>().concat())
    }
}

/// What came of a merge of texts.
pub(super) enum Text {
    Clean(Vec<u8>),
    Conflict(TextMerge),
}

/// Merges the changes `base → ours` (upstream's) and `base → theirs` (the patch's). `union`: hunks take the lines of both.
pub(super) fn merge_text(base: &[u8], ours: &[u8], theirs: &[u8], union: bool) -> Result<Text, GitError> {
    let (mut a, mut o, mut t) = (git2::MergeFileInput::new(), git2::MergeFileInput::new(), git2::MergeFileInput::new());
    a.content(base);
    o.content(ours);
    t.content(theirs);
    let size = marker_size([base, ours, theirs]);
    let mut options = git2::MergeFileOptions::new();
    options.patience(true).style_zdiff3(true).marker_size(size);
    if union {
        options.favor(git2::FileFavor::Union);
    }
    let merged = git2::merge_file(&a, &o, &t, Some(&mut options)).map_err(GitError::lib("cannot merge two texts"))?;
    if merged.is_automergeable() {
        return Ok(Text::Clean(merged.content().to_vec()));
    }
    let mut merge = split(merged.content(), size.into(), [base, ours, theirs]);
    number(&mut merge, base, |hunk| &hunk.base, |hunk| &mut hunk.base);
    number(&mut merge, ours, |hunk| &hunk.upstream, |hunk| &mut hunk.upstream);
    number(&mut merge, theirs, |hunk| &hunk.patch, |hunk| &mut hunk.patch);
    Ok(Text::Conflict(merge))
}

const MARKERS: [u8; 4] = *b"<|=>";

/// A length of conflict markers that no line of the texts can be taken for.
fn marker_size(texts: [&[u8]; 3]) -> u16 {
    let run = |line: &[u8]| match line.first() {
        Some(first) if MARKERS.contains(first) => line.iter().take_while(|byte| *byte == first).count(),
        _ => 0,
    };
    let longest = texts.iter().flat_map(|text| text.lines()).map(run).max().unwrap_or(0);
    u16::try_from(longest + 1).unwrap_or(u16::MAX).max(7)
}

/// Takes a text with zdiff3 markers of `size` apart.
fn split(text: &[u8], size: usize, [base, ours, theirs]: [&[u8]; 3]) -> TextMerge {
    let marker = |line: &[u8]| {
        let first = *line.first()?;
        let is = line.len() >= size && MARKERS.contains(&first) && line[..size].iter().all(|byte| *byte == first);
        is.then_some(first)
    };
    let (mut pieces, mut plain) = (Vec::new(), BString::default());
    // The sections of the hunk that is being read: upstream, base, patch.
    let mut hunk: Option<Vec<BString>> = None;
    for line in text.lines_with_terminator() {
        match (marker(line), &mut hunk) {
            (Some(b'<'), _) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Merged(std::mem::take(&mut plain)));
                }
                hunk = Some(vec![BString::default()]);
            }
            (Some(b'|' | b'='), Some(sections)) => sections.push(BString::default()),
            (Some(_), Some(_)) => {
                let lines = |text: Option<BString>| Lines { start: 1, text: text.unwrap_or_default() };
                let mut sections = hunk.take().unwrap_or_default().into_iter();
                let (upstream, base, patch) = (sections.next(), sections.next(), sections.next());
                pieces.push(Piece::Hunk(Hunk { base: lines(base), upstream: lines(upstream), patch: lines(patch) }));
            }
            (_, Some(sections)) => {
                if let Some(section) = sections.last_mut() {
                    section.extend_from_slice(line);
                }
            }
            (_, None) => plain.extend_from_slice(line),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Merged(plain));
    }
    // Where a file ends in the hunk without a newline, the marker below it brought one.
    if let Some(Piece::Hunk(hunk)) = pieces.last_mut() {
        for (lines, whole) in [(&mut hunk.base, base), (&mut hunk.upstream, ours), (&mut hunk.patch, theirs)] {
            while !whole.ends_with(&lines.text) && matches!(lines.text.last(), Some(b'\n' | b'\r')) {
                lines.text.pop();
            }
        }
    }
    TextMerge { pieces }
}

/// Tells each hunk where its lines stand in `whole`, by lining up the merged text of that side with it.
fn number(
    merge: &mut TextMerge,
    whole: &[u8],
    side: impl Fn(&Hunk) -> &Lines,
    side_mut: impl Fn(&mut Hunk) -> &mut Lines,
) {
    let text = merge.with(side);
    let (left, right) =
        (text.lines_with_terminator().collect::<Vec<_>>(), whole.lines_with_terminator().collect::<Vec<_>>());
    let ops = capture_diff_slices(Algorithm::Patience, &left, &right);
    let mut line = 0;
    for piece in &mut merge.pieces {
        match piece {
            Piece::Merged(text) => line += text.lines_with_terminator().count(),
            Piece::Hunk(hunk) => {
                let lines = side_mut(hunk);
                lines.start = place_of(&ops, line) + 1;
                line += lines.count();
            }
        }
    }
}

/// Where the line with number `line` (from 0) of the left text stands in the right one.
fn place_of(ops: &[DiffOp], line: usize) -> usize {
    let mut end = 0;
    for op in ops {
        let (old, new) = (op.old_range(), op.new_range());
        if old.contains(&line) {
            return match op {
                DiffOp::Equal { .. } => new.start + (line - old.start),
                _ => new.start + (line - old.start).min(new.len()),
            };
        }
        end = new.end;
    }
    end
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Merging is the one call of libgit2 that does not make it ready; everywhere else a store was opened before.
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

    fn lines(start: usize, text: &str) -> Lines {
        Lines { start, text: text.into() }
    }

    #[test]
    fn a_hunk_has_its_three_sides_and_where_they_stand() {
        let merge = conflict("a\nb\nc\nd\ne\nf\n", "0\na\nb\nc\nD\ne\nf\n", "a\nb\nc\nx\ny\ne\nF\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(hunks, [Hunk { base: lines(4, "d\n"), upstream: lines(5, "D\n"), patch: lines(4, "x\ny\n") }]);
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
        assert_eq!(hunks, [Hunk { base: lines(2, ""), upstream: lines(3, "2\n"), patch: lines(3, "x\n") }]);
    }

    #[test]
    fn texts_with_markers_and_without_a_last_newline() {
        let merge = conflict("<<<<<<< a\nx", "<<<<<<< a\ny", "<<<<<<< a\n=======\nz\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(hunks, [Hunk { base: lines(2, "x"), upstream: lines(2, "y"), patch: lines(2, "=======\nz\n") }]);
        assert_eq!(merge.pieces[0], Piece::Merged("<<<<<<< a\n".into()));
    }

    #[test]
    fn dos_line_ends_stay() {
        let merge = conflict("a\r\nb", "a\r\nc", "a\r\nd\r\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(hunks, [Hunk { base: lines(2, "b"), upstream: lines(2, "c"), patch: lines(2, "d\r\n") }]);
    }

    #[test]
    fn both_added_each_its_own() {
        let merge = conflict("", "a\nb\n", "c\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(hunks, [Hunk { base: lines(1, ""), upstream: lines(1, "a\nb\n"), patch: lines(1, "c\n") }]);
    }

    #[test]
    fn a_union_takes_both() {
        assert!(matches!(merged("a\n", "a\nb\n", "a\nc\n", true), Text::Clean(text) if text == b"a\nb\nc\n"));
    }
}
