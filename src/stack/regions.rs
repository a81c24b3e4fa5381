//! Finds where two changes of one text meet, by line numbers.
//!
//! A change of a text is a list of edits: lines of the base, and the lines that replace them. Edits of the two sides
//! that overlap or touch form a group, with every edit that touches the group again. A group is in conflict unless both
//! sides have the same result; every other edit is taken. The edits are those of libgit2's patience diff, the same that
//! `merge_file` uses. `merge_file` itself returns only a text with markers: it does not say where its lines are in the
//! three files, nor which lines that look like markers are markers.

use std::ops::Range;

use bstr::ByteSlice;

use crate::git::GitError;

/// Lines (from 0) that one side changed, or both in different ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) from: From,
    pub(super) base: Range<usize>,
    pub(super) ours: Range<usize>,
    pub(super) theirs: Range<usize>,
    /// How many lines before and after a conflict are equal on both sides, and were added or changed by both.
    pub(super) alike: [usize; 2],
}

/// The side whose lines are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    Ours,
    Theirs,
    /// Both changed them.
    Conflict,
}

/// Lines of the base, and the lines that replace them on a side.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    base: Range<usize>,
    side: Range<usize>,
}

/// Returns the regions of the changes `base → ours` and `base → theirs`, in order; lines that both sides share at the
/// ends of a conflict are not part of it (as in git's style `zdiff3`). Between the regions the lines are ours.
///
/// # Errors
/// [`GitError`] when the texts cannot be compared.
pub(super) fn regions(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<Region>, GitError> {
    let (our_edits, their_edits) = (edits(base, ours)?, edits(base, theirs)?);
    let (our_lines, their_lines) = (lines(ours), lines(theirs));
    let (mut ours, mut theirs) = (Side::new(&our_edits), Side::new(&their_edits));
    let mut regions = Vec::new();
    while let Some(start) = [ours.next_at(), theirs.next_at()].into_iter().flatten().min() {
        let mut place = start..start;
        let [our_start, their_start] = [ours.place_of(start), theirs.place_of(start)];
        let [mut by_us, mut by_them] = [false, false];
        loop {
            let [we, they] = [ours.take(&mut place), theirs.take(&mut place)];
            (by_us, by_them) = (by_us || we, by_them || they);
            if !we && !they {
                break;
            }
        }
        let mut region = Region {
            from: if by_them { From::Theirs } else { From::Ours },
            ours: our_start..ours.place_of(place.end),
            theirs: their_start..theirs.place_of(place.end),
            base: place,
            alike: [0, 0],
        };
        if by_us && by_them {
            let [us, them] = [&our_lines[region.ours.clone()], &their_lines[region.theirs.clone()]];
            if us == them {
                continue;
            }
            region.from = From::Conflict;
            region.trim(us, them);
        }
        regions.push(region);
    }
    Ok(regions)
}

/// Returns the lines of a text, with their ends.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.lines_with_terminator().collect()
}

impl Region {
    /// Removes the lines that `ours` and `theirs`, which differ, share at their ends.
    fn trim(&mut self, ours: &[&[u8]], theirs: &[&[u8]]) {
        let head = ours.iter().zip(theirs).take_while(|(one, other)| one == other).count();
        let tails = ours[head..].iter().rev().zip(theirs[head..].iter().rev());
        let tail = tails.take_while(|(one, other)| one == other).count();
        for side in [&mut self.ours, &mut self.theirs] {
            *side = side.start + head..side.end - tail;
        }
        self.alike = [head, tail];
    }
}

/// The edits of one side, read from the front.
struct Side<'e> {
    rest: &'e [Edit],
    /// Where the last edit ended.
    base: usize,
    side: usize,
}

impl<'e> Side<'e> {
    const fn new(edits: &'e [Edit]) -> Side<'e> {
        Side { rest: edits, base: 0, side: 0 }
    }

    /// Returns the line of the base at which the next edit begins.
    fn next_at(&self) -> Option<usize> {
        self.rest.first().map(|edit| edit.base.start)
    }

    /// Returns where a line of the base, after the last edit and not after the next, is on this side.
    const fn place_of(&self, line: usize) -> usize {
        self.side + (line - self.base)
    }

    /// Consumes the edits that begin within `place` or at its end, and extends `place` by them. Returns whether there
    /// was one.
    fn take(&mut self, place: &mut Range<usize>) -> bool {
        let mut any = false;
        while let Some((edit, rest)) = self.rest.split_first().filter(|(edit, _)| edit.base.start <= place.end) {
            place.end = place.end.max(edit.base.end);
            (self.rest, self.base, self.side, any) = (rest, edit.base.end, edit.side.end, true);
        }
        any
    }
}

/// Returns the edits that turn `old` into `new`, in order; at least one line is between two of them.
fn edits(old: &[u8], new: &[u8]) -> Result<Vec<Edit>, GitError> {
    let failed = || GitError::lib("cannot compare two texts");
    let mut options = git2::DiffOptions::new();
    options.patience(true).context_lines(0).interhunk_lines(0).force_text(true);
    let patch = git2::Patch::from_buffers(old, None, new, None, Some(&mut options)).map_err(failed())?;
    let mut edits = Vec::new();
    for at in 0..patch.num_hunks() {
        let (hunk, _) = patch.hunk(at).map_err(failed())?;
        // An empty range is numbered by the line before it.
        let lines = |start: u32, count: u32| {
            let start = start as usize - usize::from(count > 0);
            start..start + count as usize
        };
        let base = lines(hunk.old_start(), hunk.old_lines());
        edits.push(Edit { base, side: lines(hunk.new_start(), hunk.new_lines()) });
    }
    Ok(edits)
}
