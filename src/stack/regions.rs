//! Where two changes of one text meet, by the numbers of the lines.
//!
//! Source: git's `xdiff/xmerge.c` (`xdl_do_merge`, `xdl_append_merge`, `xdl_refine_zdiff3_conflicts`), on libgit2's diffs with
//! patience. `merge_file` does the same inside, but gives only a text with markers in it, which does not say where its
//! lines stand in the three files, nor which lines that look like markers are markers.

use std::ops::Range;

use crate::git::GitError;

/// Lines (from 0) that one side changed, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) from: From,
    pub(super) base: Range<usize>,
    pub(super) ours: Range<usize>,
    pub(super) theirs: Range<usize>,
}

/// Whose lines are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Ours,
    Theirs,
    /// Both changed them.
    Nobody,
}

/// A change between two texts: lines of the old one, and the lines that stand there in the new one.
#[derive(Clone, PartialEq, Eq)]
struct Change {
    old: Range<usize>,
    new: Range<usize>,
}

/// The regions of the changes `base → ours` and `base → theirs`, in order; lines that both sides share at the ends of a
/// conflict are not in it (zdiff3). Between the regions the lines are ours.
///
/// # Errors
/// [`GitError`] when the texts cannot be compared.
pub(super) fn regions(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<Region>, GitError> {
    let (left, right) = (changes(base, ours)?, changes(base, theirs)?);
    let (our_lines, their_lines) = (lines(ours), lines(theirs));
    let mut all = Regions(Vec::new());
    let (mut l, mut r) = (0, 0);
    // By how much the lines of each side are ahead of the base's.
    let (mut ahead_l, mut ahead_r) = (0isize, 0isize);
    while l < left.len() || r < right.len() {
        let (a, b) = (left.get(l), right.get(r));
        match (a, b) {
            (Some(a), b) if b.is_none_or(|b| a.old.end < b.old.start) => {
                all.add(From::Ours, a.old.clone(), a.new.clone(), shift(&a.old, ahead_r));
                ahead_l = gap(a);
                l += 1;
            }
            (a, Some(b)) if a.is_none_or(|a| b.old.end < a.old.start) => {
                all.add(From::Theirs, b.old.clone(), shift(&b.old, ahead_l), b.new.clone());
                ahead_r = gap(b);
                r += 1;
            }
            (Some(a), Some(b)) => {
                if a.old != b.old || our_lines[a.new.clone()] != their_lines[b.new.clone()] {
                    all.meet(a, b);
                }
                if a.old.end >= b.old.end {
                    ahead_r = gap(b);
                    r += 1;
                }
                if b.old.end >= a.old.end {
                    ahead_l = gap(a);
                    l += 1;
                }
            }
            _ => break,
        }
    }
    for region in all.0.iter_mut().filter(|region| region.from == From::Nobody) {
        trim(region, &our_lines, &their_lines);
    }
    Ok(all.0)
}

/// The lines of a text, their ends included.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

struct Regions(Vec<Region>);

impl Regions {
    /// Two changes that overlap or touch: both are made as wide as they are together.
    fn meet(&mut self, a: &Change, b: &Change) {
        let old = a.old.start.min(b.old.start)..a.old.end.max(b.old.end);
        // Before the start there may be fewer lines than that: then the region becomes one with the last.
        let wide = |change: &Change| {
            let start = change.new.start.saturating_sub(change.old.start - old.start);
            start..change.new.end + (old.end - change.old.end)
        };
        self.add(From::Nobody, old.clone(), wide(a), wide(b));
    }

    /// The next region; one that touches the last becomes one with it.
    fn add(&mut self, from: From, base: Range<usize>, ours: Range<usize>, theirs: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if ours.start <= last.ours.end || theirs.start <= last.theirs.end => {
                if from != last.from {
                    last.from = From::Nobody;
                }
                (last.base.end, last.ours.end, last.theirs.end) = (base.end, ours.end, theirs.end);
            }
            _ => self.0.push(Region { from, base, ours, theirs }),
        }
    }
}

/// Takes the lines that both sides share at its ends out of a conflict.
fn trim(region: &mut Region, ours: &[&[u8]], theirs: &[&[u8]]) {
    let Region { ours: o, theirs: t, .. } = region;
    while o.start < o.end && t.start < t.end && ours[o.start] == theirs[t.start] {
        o.start += 1;
        t.start += 1;
    }
    while o.start < o.end && t.start < t.end && ours[o.end - 1] == theirs[t.end - 1] {
        o.end -= 1;
        t.end -= 1;
    }
}

fn gap(change: &Change) -> isize {
    change.new.end.cast_signed() - change.old.end.cast_signed()
}

fn shift(range: &Range<usize>, by: isize) -> Range<usize> {
    range.start.saturating_add_signed(by)..range.end.saturating_add_signed(by)
}

/// The changes between two texts, as `merge_file` with patience sees them.
fn changes(old: &[u8], new: &[u8]) -> Result<Vec<Change>, GitError> {
    let failed = || GitError::lib("cannot compare two versions of a file");
    let mut options = git2::DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).patience(true).force_text(true);
    let name = std::path::Path::new("file");
    let patch = git2::Patch::from_buffers(old, Some(name), new, Some(name), Some(&mut options)).map_err(failed())?;
    let range = |start: u32, count: u32| {
        // Of no lines git gives the number of the line before.
        let start = start as usize - usize::from(count > 0);
        start..start + count as usize
    };
    (0..patch.num_hunks())
        .map(|n| {
            let (head, _) = patch.hunk(n).map_err(failed())?;
            Ok(Change {
                old: range(head.old_start(), head.old_lines()),
                new: range(head.new_start(), head.new_lines()),
            })
        })
        .collect()
}
