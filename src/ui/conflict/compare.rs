//! Compares two texts: by lines first, and by words in lines that replaced each other.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::glyphs::{Kind, Line};

/// A person waits, so after this time the comparison is only approximate.
const PATIENCE: Duration = Duration::from_secs(1);

/// If lines that replaced each other have more words than this, the words are not compared.
const MOST_WORDS: usize = 20_000;

/// The change of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The other text has it.
    Same,
    /// The other text has a similar line; which glyphs differ.
    Words(Vec<bool>),
    /// The other text has no similar line.
    Whole,
}

impl Change {
    /// Checks whether the glyph at index `at` differs.
    pub(super) fn is_at(&self, at: usize) -> bool {
        match self {
            Change::Same => false,
            Change::Words(differ) => differ.get(at).is_some_and(|differs| *differs),
            Change::Whole => true,
        }
    }

    /// Combines two comparisons of the same line.
    pub(super) fn or(self, other: Change) -> Change {
        match (self, other) {
            (Change::Same, change) | (change, Change::Same) => change,
            (Change::Words(a), Change::Words(b)) => Change::Words(a.iter().zip(b).map(|(a, b)| *a || b).collect()),
            _ => Change::Whole,
        }
    }
}

/// A comparison of two texts.
#[derive(Debug)]
pub(super) struct Comparison {
    /// For each line of the old text.
    pub(super) old: Vec<Change>,
    /// For each line of the new text.
    pub(super) new: Vec<Change>,
    /// For each line of the old text, the line of the new one in its place: the same, or its replacement.
    pub(super) partner: Vec<Option<usize>>,
}

/// Compares two texts.
pub(super) fn compare(old: &[Line], new: &[Line]) -> Comparison {
    let mut all = Comparison {
        old: vec![Change::Whole; old.len()],
        new: vec![Change::Whole; new.len()],
        partner: vec![None; old.len()],
    };
    let sources = |lines: &[Line]| lines.iter().map(|line| line.source.clone()).collect::<Vec<_>>();
    for op in capture(&sources(old), &sources(new)) {
        let (old_lines, new_lines) = (op.old_range(), op.new_range());
        for (before, after) in old_lines.clone().zip(new_lines.clone()) {
            all.partner[before] = Some(after);
        }
        match op {
            DiffOp::Equal { .. } => {
                for (before, after) in old_lines.zip(new_lines) {
                    all.old[before] = Change::Same;
                    all.new[after] = Change::Same;
                }
            }
            DiffOp::Replace { .. } => {
                let (before, after) = words(&old[old_lines.clone()], &new[new_lines.clone()]);
                all.old.splice(old_lines, before);
                all.new.splice(new_lines, after);
            }
            DiffOp::Delete { .. } | DiffOp::Insert { .. } => {}
        }
    }
    all
}

fn capture<T: std::hash::Hash + Eq + Ord>(old: &[T], new: &[T]) -> Vec<DiffOp> {
    capture_diff_slices_deadline(Algorithm::Patience, old, new, Some(Instant::now() + PATIENCE))
}

/// A word and its position: the line, and its glyphs.
struct Word<'l> {
    text: &'l [u8],
    line: usize,
    glyphs: Range<usize>,
}

/// Returns all words of some lines; a line end is a word.
fn all_words(lines: &[Line]) -> Vec<Word<'_>> {
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        all.extend(line.words().into_iter().map(|word| Word {
            text: line.bytes(word.clone()),
            line: at,
            glyphs: word,
        }));
        let end = line.glyphs.len();
        all.extend(line.is_ended().then_some(Word { text: b"\n", line: at, glyphs: end..end }));
    }
    all
}

/// Compares lines that replaced each other.
fn words(old: &[Line], new: &[Line]) -> (Vec<Change>, Vec<Change>) {
    let (before, after) = (all_words(old), all_words(new));
    if before.len() + after.len() > MOST_WORDS {
        return (vec![Change::Whole; old.len()], vec![Change::Whole; new.len()]);
    }
    let texts = |words: &[Word<'_>]| words.iter().map(|word| word.text.to_vec()).collect::<Vec<_>>();
    let mut marks = (unmarked(old), unmarked(new));
    for op in capture(&texts(&before), &texts(&after)) {
        if !matches!(op, DiffOp::Equal { .. }) {
            mark(&mut marks.0, &before[op.old_range()]);
            mark(&mut marks.1, &after[op.new_range()]);
        }
    }
    (judged(old, marks.0), judged(new, marks.1))
}

fn unmarked(lines: &[Line]) -> Vec<Vec<bool>> {
    lines.iter().map(|line| vec![false; line.glyphs.len()]).collect()
}

fn mark(marks: &mut [Vec<bool>], words: &[Word<'_>]) {
    for word in words {
        marks[word.line][word.glyphs.clone()].fill(true);
    }
}

/// Treats a line of which little was kept as another line: marks on most of its words would be hard to read.
fn judged(lines: &[Line], marks: Vec<Vec<bool>>) -> Vec<Change> {
    let judge = |(line, marks): (&Line, Vec<bool>)| {
        let speaks = |kind| matches!(kind, Kind::Letter | Kind::Digit | Kind::Wide);
        let speaking = || line.glyphs.iter().zip(&marks).filter(|(glyph, _)| speaks(glyph.kind));
        let kept = speaking().filter(|(_, differs)| !**differs).count();
        let silent = speaking().count() == 0 && !marks.is_empty() && marks.iter().all(|differs| *differs);
        if silent || kept * 3 < speaking().count() { Change::Whole } else { Change::Words(marks) }
    };
    lines.iter().zip(marks).map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Look;

    /// Returns for each line of both texts: `=`, `*` (whole), or its text with the differences in brackets.
    fn shown(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
        let (old, new) = (Line::all(&Look::plain(), old.as_bytes()), Line::all(&Look::plain(), new.as_bytes()));
        let all = compare(&old, &new);
        let show = |(line, change): (&Line, &Change)| match change {
            Change::Same => "=".to_owned(),
            Change::Whole => "*".to_owned(),
            Change::Words(_) => {
                let glyphs = (0..line.glyphs.len()).map(|at| match change.is_at(at) {
                    true => format!("[{}]", line.shown(at..at + 1)),
                    false => line.shown(at..at + 1).to_owned(),
                });
                glyphs.collect::<String>().replace("][", "")
            }
        };
        (old.iter().zip(&all.old).map(show).collect(), new.iter().zip(&all.new).map(show).collect())
    }

    #[test]
    fn words_differ_and_not_letters() {
        let (old, new) = shown("FROM python:3.7-slim-buster\n", "FROM python:3.8-slim-bullseye\n");
        assert_eq!(
            (old[0].as_str(), new[0].as_str()),
            ("FROM python:[3.7]-slim-[buster]", "FROM python:[3.8]-slim-[bullseye]")
        );
    }

    #[test]
    fn lines_that_are_there_or_not_are_whole() {
        let (old, new) = shown("a\nb\n", "a\nnew line\nb\n");
        assert_eq!((old, new), (vec!["=".to_owned(), "=".to_owned()], vec!["=".to_owned(), "*".into(), "=".into()]));
        let (old, new) = shown("alpha beta gamma\n", "something else entirely\n");
        assert_eq!((old[0].as_str(), new[0].as_str()), ("*", "*"));
        assert_eq!(shown("", "x\n").1, ["*"]);
    }

    #[test]
    fn blanks_and_line_ends_count() {
        assert_eq!(shown("a b\n", "a b  \n").1, ["a b[  ]"]);
        assert_eq!(shown("a b\n", "a b").1, ["a b"]);
        assert_eq!(shown("a b\n", "a b\r\n").1, ["a b[\\r]"]);
        assert_eq!(shown("\ta b\n", "    a b\n").1, ["[    ]a b"]);
    }

    #[test]
    fn what_differs_from_one_or_the_other() {
        let words = |marks: [bool; 2]| Change::Words(marks.to_vec());
        assert_eq!(Change::Same.or(words([true, false])), words([true, false]));
        assert_eq!(words([false, true]).or(words([true, false])), words([true, true]));
        assert_eq!(Change::Whole.or(Change::Same), Change::Whole);
    }
}
