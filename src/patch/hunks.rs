//! Applies hunks to content: at the exact place, then at an offset with the full context, never with fuzz.
//!
//! The possible places of a hunk, and the choice among them, are those of `git apply` without `--unidiff-zero`, with
//! two deviations. Hunks keep their order: git would place a later hunk before an earlier one if only that matches;
//! here it fails. And the search is limited to a number of compared lines.

use bstr::BString;

use super::model::{Hunk, Line, Side};
use super::parse::shown;
use super::places::{MOST_COMPARED, Places};

/// The result of applying hunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The new content.
    pub bytes: Vec<u8>,
    /// For each hunk: how many lines below (above, when negative) the place in its header it applied.
    pub offsets: Vec<i64>,
    /// The hunks (by index) that moved although their lines occur at more than one place.
    pub ambiguous: Vec<usize>,
}

/// The first hunk whose old lines are nowhere in the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
pub struct HunkFailure {
    /// The index of the hunk in the file, from 0.
    pub hunk: usize,
    /// The line of the patch file (from 1) on which that hunk begins.
    pub line: usize,
    /// The line of the content (from 1, after the hunks before it) where the hunk was expected.
    pub expected_at: usize,
    /// The first line of the content (from 1) that differs from the hunk at the expected place.
    pub differs_at: usize,
    /// What the hunk has there; `None` when the content should end or begin there.
    pub expected: Option<BString>,
    /// The line of the content there; `None` past its end.
    pub found: Option<BString>,
    /// The lines exist, but the hunk must be at the very start or end of the file.
    pub edge: Option<Edge>,
    /// The hunk may match somewhere, but its lines are so common in the file that the search was given up.
    pub gave_up: bool,
}

/// The end of a file that a hunk without context on that side must touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The first line.
    Start,
    /// The last line.
    End,
}

impl HunkFailure {
    fn describe(&self) -> String {
        let hunk = self.hunk + 1;
        let at = self.expected_at;
        if self.gave_up {
            return format!(
                "hunk {hunk} is not at line {at}, and its lines are too common to look for it everywhere: more than \
                 {MOST_COMPARED} lines were compared"
            );
        }
        match (self.edge, &self.expected, &self.found) {
            (Some(Edge::Start), ..) => {
                format!("hunk {hunk} must be at the start of the file, and does not match there")
            }
            (Some(Edge::End), ..) => format!("hunk {hunk} must be at the end of the file, and does not match there"),
            (None, Some(expected), Some(found)) => format!(
                "hunk {hunk} does not apply at line {at}: line {} is '{}', expected '{}'",
                self.differs_at,
                shown(found),
                shown(expected)
            ),
            (None, Some(expected), None) => {
                format!("hunk {hunk} does not apply at line {at}: the file ends before '{}'", shown(expected))
            }
            (None, None, _) => format!("hunk {hunk} does not apply at line {at}"),
        }
    }
}

/// Applies the hunks of one file, in order, to its old content.
///
/// # Errors
/// [`HunkFailure`] for the first hunk that finds no place.
pub fn apply_hunks(old: &[u8], hunks: &[Hunk]) -> Result<Applied, HunkFailure> {
    let lines: Vec<&[u8]> = old.split_inclusive(|byte| *byte == b'\n').collect();
    let mut image = Image { lines: &lines, places: Places::new(&lines), taken: 0, shift: 0 };
    let mut applied = Applied { bytes: Vec::with_capacity(old.len()), offsets: Vec::new(), ambiguous: Vec::new() };
    for (index, hunk) in hunks.iter().enumerate() {
        let want = Wanted::of(hunk);
        let Some(at) = image.places(&want, 1).first().copied() else {
            return Err(image.failure(index, hunk, &want));
        };
        let offset = signed(at) + image.shift - signed(want.start);
        if offset != 0 && image.places(&want, 2).len() > 1 {
            applied.ambiguous.push(index);
        }
        applied.offsets.push(offset);
        copy(&lines[image.taken..at], &mut applied.bytes);
        for line in side(hunk, Side::New) {
            applied.bytes.extend_from_slice(line);
        }
        image.taken = at + want.lines.len();
        image.shift += signed(hunk.len(Side::New)) - signed(want.lines.len());
    }
    copy(&lines[image.taken..], &mut applied.bytes);
    Ok(applied)
}

/// Checks whether the content already has the changes of the hunks: reversed, all of them apply. Used for hints; a hunk
/// that only removes lines proves little.
#[must_use]
pub fn already_applied(old: &[u8], hunks: &[Hunk]) -> bool {
    let backwards: Vec<Hunk> = hunks.iter().map(reversed).collect();
    !hunks.is_empty() && apply_hunks(old, &backwards).is_ok()
}

/// Returns the reverse of `hunk`.
fn reversed(hunk: &Hunk) -> Hunk {
    let turn = |line: &Line| Line {
        side: match line.side {
            Side::Both => Side::Both,
            Side::Old => Side::New,
            Side::New => Side::Old,
        },
        bytes: line.bytes.clone(),
    };
    Hunk {
        old_start: hunk.new_start,
        new_start: hunk.old_start,
        section: hunk.section.clone(),
        lines: hunk.lines.iter().map(turn).collect(),
        line: hunk.line,
    }
}

/// The content's lines, and the progress of the hunks.
struct Image<'a> {
    lines: &'a [&'a [u8]],
    places: Places<'a>,
    /// Lines of the old content that earlier hunks have used.
    taken: usize,
    /// The number of lines that earlier hunks added (removed, when negative).
    shift: i64,
}

/// What a hunk requires of its place.
struct Wanted<'a> {
    lines: Vec<&'a [u8]>,
    /// The line (from 0) of the content as changed so far.
    start: usize,
    at_start: bool,
    at_end: bool,
}

impl<'a> Wanted<'a> {
    fn of(hunk: &'a Hunk) -> Wanted<'a> {
        Wanted {
            lines: side(hunk, Side::Old).collect(),
            start: hunk.new_start.saturating_sub(1) as usize,
            at_start: hunk.old_start <= 1,
            at_end: hunk.lines.last().is_none_or(|line| line.side != Side::Both),
        }
    }
}

impl Image<'_> {
    /// Returns up to `most` places (lines of the old content, from 0) where the hunk matches, nearest first, below
    /// before above.
    fn places(&mut self, want: &Wanted<'_>, most: usize) -> Vec<usize> {
        let Some(last) = self.lines.len().checked_sub(want.lines.len()).filter(|last| *last >= self.taken) else {
            return Vec::new();
        };
        if want.at_start || want.at_end {
            // There is only one possible place.
            let at = if want.at_start { 0 } else { last };
            let edges = (!want.at_start || self.taken == 0) && (!want.at_end || at == last);
            return if edges && self.places.is_at(&want.lines, at) { vec![at] } else { Vec::new() };
        }
        let start = self.begin(want);
        self.places.nearest(&want.lines, self.taken, start, most)
    }

    /// Returns the line of the old content where the search begins; earlier hunks may have used it.
    fn begin(&self, want: &Wanted<'_>) -> usize {
        if want.at_start {
            return 0;
        }
        if want.at_end {
            return self.lines.len().saturating_sub(want.lines.len());
        }
        usize::try_from(signed(want.start) - self.shift).unwrap_or(0).min(self.lines.len())
    }

    fn failure(&mut self, index: usize, hunk: &Hunk, want: &Wanted<'_>) -> HunkFailure {
        let free = Wanted { lines: want.lines.clone(), start: want.start, at_start: false, at_end: false };
        let elsewhere = !self.places(&free, 1).is_empty();
        let edge = match (elsewhere, want.at_start) {
            (false, _) => None,
            (true, true) => Some(Edge::Start),
            (true, false) => Some(Edge::End),
        };
        let at = self.begin(&free).max(self.taken);
        let same = want.lines.iter().zip(&self.lines[at..]).take_while(|(want, have)| want == have).count();
        let here = |line: usize| usize::try_from(signed(line) + self.shift).unwrap_or(0) + 1;
        HunkFailure {
            hunk: index,
            line: hunk.line,
            expected_at: want.start + 1,
            differs_at: here(at + same),
            expected: want.lines.get(same).map(|line| BString::from(*line)),
            found: self.lines.get(at + same).map(|line| BString::from(*line)),
            edge,
            gave_up: self.places.gave_up(),
        }
    }
}

/// Returns the lines of one side of a hunk.
fn side(hunk: &Hunk, side: Side) -> impl Iterator<Item = &[u8]> {
    hunk.lines.iter().filter(move |line| line.side == Side::Both || line.side == side).map(|line| line.bytes.as_slice())
}

fn copy(lines: &[&[u8]], out: &mut Vec<u8>) {
    for line in lines {
        out.extend_from_slice(line);
    }
}

/// Converts a count of lines, which is far below the limit of `i64`.
fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
