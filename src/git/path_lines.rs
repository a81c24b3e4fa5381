//! Finds the commits that touched given lines of a path: it follows the lines back through the path's versions, as `git
//! log -L` does.
//!
//! A range of lines is mapped through the diff to each parent. Lines that a parent has too are followed in that parent
//! (the first one, if several have them). Lines that no parent has were touched by the commit; the lines that they
//! replaced are followed further. Removed lines leave a place between two lines, which is followed like a line: a
//! commit that removed lines inside a range, or directly at its edge, touched the range.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

use super::path_log::{PathLog, Step};
use super::{Entry, GitError, Id, Lazy, Objects, Store};

/// Lines, from 0 on, the end excluded. An empty range is the place before the line with that number.
type Lines = Range<u32>;

/// A path with more versions than this is not followed line by line, because each version must be fetched.
const MOST_VERSIONS: usize = 500;
/// git looks for a NUL in this many first bytes to recognize a binary file.
const BINARY_PROBE: usize = 8000;

/// The ranges that are followed in one commit's version: the number of the range that was asked for, and its lines
/// there.
type Followed = BTreeSet<(usize, u32, u32)>;

/// Lines that differ between two versions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hunk {
    old: Lines,
    new: Lines,
}

impl PathLog {
    /// For each of [`PathLog::commits`], returns the indexes (in `ranges`) of the ranges that it touched, or the blobs
    /// that are needed to find out. `ranges` are lines (from 0 on, the end excluded; an empty range is the place before
    /// its line) of the path's last version. Returns `None` when the lines cannot be followed: a version is not a file
    /// or is binary, or there are too many versions. A change of the mode alone touches no range.
    ///
    /// # Errors
    /// [`GitError`] when a blob is damaged.
    pub fn touched(&self, history: &Store, ranges: &[Lines]) -> Result<Lazy<Option<Vec<Vec<usize>>>>, GitError> {
        if self.commits().count() > MOST_VERSIONS {
            return Ok(Lazy::Done(None));
        }
        let versions: BTreeSet<Entry> = self.visits.iter().flat_map(|visit| visit.step.versions()).collect();
        if versions.iter().any(|entry| !entry.mode.has_blob()) {
            return Ok(Lazy::Done(None));
        }
        let lacking = history.lacking(versions.iter().map(|entry| entry.id))?;
        if !lacking.is_empty() {
            return Ok(Lazy::Need(lacking.into_iter().collect()));
        }
        let objects = Objects::new(history)?;
        let mut contents = BTreeMap::new();
        for Entry { id, .. } in versions {
            let content = objects.blob(id)?.ok_or(GitError::Missing { kind: "blob", id })?;
            if content[..content.len().min(BINARY_PROBE)].contains(&0) {
                return Ok(Lazy::Done(None));
            }
            contents.insert(id, content);
        }
        self.follow(&contents, ranges).map(|touched| Lazy::Done(Some(touched)))
    }

    fn follow(&self, contents: &BTreeMap<Id, Rc<Vec<u8>>>, ranges: &[Lines]) -> Result<Vec<Vec<usize>>, GitError> {
        // A missing version counts as an empty file, so that lines can be followed past a removal and a new beginning
        // of the path.
        let content = |entry: &Option<Entry>| entry.and_then(|entry| contents.get(&entry.id)).map_or(&[][..], |c| c);
        let asked = ranges.iter().enumerate().map(|(which, range)| (which, range.start, range.end.max(range.start)));
        let mut followed: BTreeMap<Id, Followed> = BTreeMap::from([(self.new, asked.collect())]);
        let mut touched = Vec::new();
        for visit in &self.visits {
            let here = joined(followed.remove(&visit.commit).unwrap_or_default());
            match &visit.step {
                Step::Nothing => {}
                Step::Same(parent) => followed.entry(*parent).or_default().extend(here),
                Step::Changed { entry, parents } => {
                    let mut hunks = Vec::new();
                    for (_, before) in parents {
                        hunks.push(diff(content(before), content(entry))?);
                    }
                    let mut rest = here;
                    for ((parent, _), hunks) in parents.iter().zip(&hunks) {
                        let (passed, left) = split(&rest, hunks);
                        followed.entry(*parent).or_default().extend(passed);
                        rest = joined(left);
                    }
                    for ((parent, _), hunks) in parents.iter().zip(&hunks) {
                        followed.entry(*parent).or_default().extend(replaced(&rest, hunks));
                    }
                    touched.push(rest.iter().map(|(which, ..)| *which).collect::<BTreeSet<_>>().into_iter().collect());
                }
            }
        }
        Ok(touched)
    }
}

impl Step {
    /// Returns the versions of the path at this step.
    fn versions(&self) -> impl Iterator<Item = Entry> {
        let (entry, parents) = match self {
            Step::Changed { entry, parents } => (*entry, parents.as_slice()),
            Step::Same(_) | Step::Nothing => (None, &[][..]),
        };
        entry.into_iter().chain(parents.iter().filter_map(|(_, entry)| *entry))
    }
}

/// Returns where `lines` of the text `new` were in the text `old`; replaced lines count as their replacement.
///
/// # Errors
/// [`GitError`] when libgit2 cannot compare them.
pub fn lines_before(old: &[u8], new: &[u8], lines: Lines) -> Result<Lines, GitError> {
    let hunks = diff(old, new)?;
    let moved = |at: u32| {
        let before = hunks.iter().filter(|hunk| hunk.new.end <= at);
        before.fold(at, |at, hunk| at.saturating_add_signed(grown(hunk)))
    };
    let at_start = hunks.iter().find(|hunk| hunk.new.contains(&lines.start));
    let at_end = hunks.iter().find(|hunk| hunk.new.start < lines.end && lines.end < hunk.new.end);
    let start = at_start.map_or_else(|| moved(lines.start), |hunk| hunk.old.start);
    let end = at_end.map_or_else(|| moved(lines.end), |hunk| hunk.old.end);
    Ok(start..end.max(start))
}

/// Returns how many more lines the old side of a hunk has.
fn grown(hunk: &Hunk) -> i32 {
    let count = |lines: &Lines| i32::try_from(lines.len()).unwrap_or(i32::MAX);
    count(&hunk.old) - count(&hunk.new)
}

/// Returns the lines that differ, in order; two hunks never touch.
fn diff(old: &[u8], new: &[u8]) -> Result<Vec<Hunk>, GitError> {
    let failed = || GitError::lib("cannot compare two versions of a file");
    let mut options = git2::DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).force_text(true);
    let patch = git2::Patch::from_buffers(old, None, new, None, Some(&mut options)).map_err(failed())?;
    let mut hunks = Vec::new();
    for at in 0..patch.num_hunks() {
        let (hunk, _) = patch.hunk(at).map_err(failed())?;
        let lines = |start: u32, count: u32| {
            // An empty side is numbered by the line before it.
            let start = if count == 0 { start } else { start - 1 };
            start..start + count
        };
        hunks.push(Hunk {
            old: lines(hunk.old_start(), hunk.old_lines()),
            new: lines(hunk.new_start(), hunk.new_lines()),
        });
    }
    Ok(hunks)
}

/// Joins ranges that overlap or touch.
fn joined(ranges: Followed) -> Followed {
    let mut out: Vec<(usize, u32, u32)> = Vec::new();
    for (which, start, end) in ranges {
        match out.last_mut() {
            Some(last) if last.0 == which && start <= last.2 => last.2 = last.2.max(end),
            _ => out.push((which, start, end)),
        }
    }
    out.into_iter().collect()
}

/// Checks whether the change is in the lines `start..end` of the new side, or removes lines at their edge. A removal at
/// the place between two lines touches that place; a change of its neighbours alone does not.
fn touches(hunk: &Hunk, start: u32, end: u32) -> bool {
    let (from, to) = (hunk.new.start, hunk.new.end);
    if from == to {
        start <= from && from <= end
    } else if start == end {
        from <= start && start <= to && (hunk.old.len() > hunk.new.len() || from < start && start < to)
    } else {
        from < end && start < to
    }
}

/// Returns the old number of a line that both sides have; for a place, its old position.
fn old_number(line: u32, hunks: &[Hunk]) -> u32 {
    let before = hunks.iter().rev().find(|hunk| hunk.new.end <= line);
    before.map_or(line, |hunk| hunk.old.end + (line - hunk.new.end))
}

/// Splits ranges of the new side into those that the old side has too (in its numbers), and those that it lacks.
fn split(ranges: &Followed, hunks: &[Hunk]) -> (Followed, Followed) {
    let (mut passed, mut left) = (Followed::new(), Followed::new());
    for &(which, start, end) in ranges {
        let (mut at, mut changed) = (start, false);
        for hunk in hunks.iter().filter(|hunk| touches(hunk, start, end)) {
            changed = true;
            let (from, to) = (hunk.new.start.clamp(start, end), hunk.new.end.clamp(start, end));
            if at < from {
                let old = old_number(at, hunks);
                passed.insert((which, old, old + (from - at)));
            }
            left.insert((which, from, to));
            at = to;
        }
        if at < end || !changed {
            let old = old_number(at, hunks);
            passed.insert((which, old, old + (end - at)));
        }
    }
    (passed, left)
}

/// Returns the old lines that were replaced by ranges of the new side; the hunks changed all lines of these ranges.
fn replaced(ranges: &Followed, hunks: &[Hunk]) -> Followed {
    let mut out = Followed::new();
    for &(which, start, end) in ranges {
        for hunk in hunks.iter().filter(|hunk| touches(hunk, start, end)) {
            out.insert((which, hunk.old.start, hunk.old.end));
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    fn text(lines: &str) -> Vec<u8> {
        lines.split(' ').filter(|line| !line.is_empty()).flat_map(|line| format!("{line}\n").into_bytes()).collect()
    }

    fn hunks(old: &str, new: &str) -> Vec<Hunk> {
        diff(&text(old), &text(new)).unwrap()
    }

    fn parted(old: &str, new: &str, range: Lines) -> (Vec<Lines>, Vec<Lines>, Vec<Lines>) {
        let hunks = hunks(old, new);
        let (passed, left) = split(&Followed::from([(0, range.start, range.end)]), &hunks);
        let lines = |ranges: &Followed| ranges.iter().map(|(_, start, end)| *start..*end).collect();
        (lines(&passed), lines(&left), lines(&replaced(&left, &hunks)))
    }

    #[test]
    fn hunks_have_the_numbers_of_lines_from_0_on() {
        assert_eq!(hunks("a b c", "a X Y c"), [Hunk { old: 1..2, new: 1..3 }]);
        assert_eq!(hunks("a b", "x a b"), [Hunk { old: 0..0, new: 0..1 }]);
        assert_eq!(hunks("a b c", "a c"), [Hunk { old: 1..2, new: 1..1 }]);
        assert_eq!(hunks("a", ""), [Hunk { old: 0..1, new: 0..0 }]);
        assert_eq!(hunks("", "a b"), [Hunk { old: 0..0, new: 0..2 }]);
    }

    #[test]
    fn lines_that_both_have_go_on_with_their_old_numbers() {
        assert_eq!(parted("a b c d", "x a b c d", 2..4), (vec![1..3], vec![], vec![]));
        assert_eq!(parted("a b c d", "a b c X", 0..2), (vec![0..2], vec![], vec![]));
        assert_eq!(
            parted("a b c d e", "a X c Y e", 0..5),
            (vec![0..1, 2..3, 4..5], vec![1..2, 3..4], vec![1..2, 3..4])
        );
    }

    #[test]
    fn lines_that_were_added_leave_their_place_and_no_claim_on_their_neighbours() {
        assert_eq!(parted("a b", "a X b", 1..2), (vec![], vec![1..2], vec![1..1]));
        assert_eq!(parted("a b", "a Y", 1..1), (vec![1..1], vec![], vec![]), "the neighbour changed");
        assert_eq!(parted("a b", "X a b", 1..2), (vec![0..1], vec![], vec![]), "a neighbour came");
    }

    #[test]
    fn lines_that_were_taken_away_count_at_their_place_and_at_the_edge() {
        assert_eq!(parted("a b c", "a c", 1..1), (vec![], vec![1..1], vec![1..2]));
        assert_eq!(parted("a b c", "a c", 0..2), (vec![0..1, 2..3], vec![1..1], vec![1..2]));
        assert_eq!(parted("a b c", "a c", 1..2), (vec![2..3], vec![1..1], vec![1..2]));
        assert_eq!(parted("a b c", "X c", 1..1), (vec![], vec![1..1], vec![0..2]));
        assert_eq!(parted("a b c d", "a c d", 2..3), (vec![3..4], vec![], vec![]));
    }

    #[test]
    fn lines_are_found_where_they_stood() {
        let (old, new) = ("1\n2\n3\n4\n5\n", "x\ny\n1\n2\nC\nD\n5\n");
        let before = |lines| lines_before(old.as_bytes(), new.as_bytes(), lines).unwrap();
        assert_eq!((before(2..4), before(4..6), before(6..7)), (0..2, 2..4, 4..5));
        // Lines that do not exist yet map to the place where they are inserted.
        assert_eq!((before(0..2), before(3..3), before(4..5)), (0..0, 1..1, 2..4));
    }

    #[test]
    fn ranges_that_meet_are_one() {
        let ranges = Followed::from([(0, 1, 2), (0, 2, 4), (0, 3, 3), (0, 6, 7), (1, 1, 2)]);
        assert_eq!(joined(ranges), Followed::from([(0, 1, 4), (0, 6, 7), (1, 1, 2)]));
    }
}
