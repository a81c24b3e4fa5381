//! Three texts merged line by line (libgit2's `merge_file` with patience), and what does not merge as hunks.

use std::ops::Range;

use bstr::{BStr, BString, ByteSlice};

use super::regions::{From, lines, regions};
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
    let mut options = git2::MergeFileOptions::new();
    options.patience(true);
    if union {
        options.favor(git2::FileFavor::Union);
    }
    let merged = git2::merge_file(&a, &o, &t, Some(&mut options)).map_err(GitError::lib("cannot merge two texts"))?;
    if merged.is_automergeable() {
        return Ok(Text::Clean(merged.content().to_vec()));
    }
    Ok(Text::Conflict(pieces(base, ours, theirs)?))
}

/// What merges and what does not, in order.
fn pieces(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<TextMerge, GitError> {
    let regions = regions(base, ours, theirs)?;
    let (base, ours, theirs) = (lines(base), lines(ours), lines(theirs));
    let (mut pieces, mut plain, mut at) = (Vec::new(), BString::default(), 0);
    for region in regions {
        plain.extend(ours[at..region.ours.start].concat());
        at = region.ours.end;
        match region.from {
            From::Ours => plain.extend(ours[region.ours].concat()),
            From::Theirs => plain.extend(theirs[region.theirs].concat()),
            // Both made the same of it, on different ways.
            From::Nobody if ours[region.ours.clone()] == theirs[region.theirs.clone()] => {
                plain.extend(ours[region.ours].concat());
            }
            From::Nobody => {
                if !plain.is_empty() {
                    pieces.push(Piece::Merged(std::mem::take(&mut plain)));
                }
                let side = |all: &[&[u8]], range: Range<usize>| Lines {
                    start: range.start + 1,
                    text: BString::from(all[range].concat()),
                };
                pieces.push(Piece::Hunk(Hunk {
                    base: side(&base, region.base),
                    upstream: side(&ours, region.ours),
                    patch: side(&theirs, region.theirs),
                }));
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

    fn lines_at(start: usize, text: &str) -> Lines {
        Lines { start, text: text.into() }
    }

    #[test]
    fn a_hunk_has_its_three_sides_and_where_they_stand() {
        let merge = conflict("a\nb\nc\nd\ne\nf\n", "0\na\nb\nc\nD\ne\nf\n", "a\nb\nc\nx\ny\ne\nF\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk { base: lines_at(4, "d\n"), upstream: lines_at(5, "D\n"), patch: lines_at(4, "x\ny\n") }]
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
        assert_eq!(hunks, [Hunk { base: lines_at(2, ""), upstream: lines_at(3, "2\n"), patch: lines_at(3, "x\n") }]);
    }

    #[test]
    fn texts_with_markers_and_without_a_last_newline() {
        let merge = conflict("<<<<<<< a\nx", "<<<<<<< a\ny", "<<<<<<< a\n=======\nz\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(
            hunks,
            [Hunk { base: lines_at(2, "x"), upstream: lines_at(2, "y"), patch: lines_at(2, "=======\nz\n") }]
        );
        assert_eq!(merge.pieces[0], Piece::Merged("<<<<<<< a\n".into()));
    }

    #[test]
    fn dos_line_ends_stay() {
        let merge = conflict("a\r\nb", "a\r\nc", "a\r\nd\r\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(hunks, [Hunk { base: lines_at(2, "b"), upstream: lines_at(2, "c"), patch: lines_at(2, "d\r\n") }]);
    }

    #[test]
    fn both_added_each_its_own() {
        let merge = conflict("", "a\nb\n", "c\n");
        let hunks: Vec<_> = merge.hunks().cloned().collect();
        assert_eq!(hunks, [Hunk { base: lines_at(1, ""), upstream: lines_at(1, "a\nb\n"), patch: lines_at(1, "c\n") }]);
    }

    #[test]
    fn a_union_takes_both() {
        assert!(matches!(merged("a\n", "a\nb\n", "a\nc\n", true), Text::Clean(text) if text == b"a\nb\nc\n"));
    }
}
