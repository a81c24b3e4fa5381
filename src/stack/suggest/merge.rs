//! Merges any items (lines, words) three-way; edits may touch, but not overlap.

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};

/// Items that replace others; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) old: Range<usize>,
    pub(super) new: Range<usize>,
}

/// The items of the base that an edit replaces, and their replacement.
type Change<'s, T> = (Range<usize>, &'s [T]);

/// More items than this are not compared: a proposal for such a long hunk helps no one.
const MOST: usize = 20_000;

/// Returns the edits that turn `old` into `new`, in order; edits that touch are joined. `None` when there is too much
/// to compare.
pub(super) fn edits<T: Eq + Hash>(old: &[T], new: &[T]) -> Option<Vec<Edit>> {
    if old.len() + new.len() > MOST {
        return None;
    }
    let mut all: Vec<Edit> = Vec::new();
    for op in capture_diff_slices(Algorithm::Patience, old, new) {
        if op.tag() == DiffTag::Equal {
            continue;
        }
        let (old, new) = (op.old_range(), op.new_range());
        match all.last_mut() {
            Some(last) if last.old.end == old.start && last.new.end == new.start => {
                (last.old.end, last.new.end) = (old.end, new.end);
            }
            _ => all.push(Edit { old, new }),
        }
    }
    Some(all)
}

/// Applies both changes to `base`, under these conditions: no item is changed by both in different ways, they do not
/// insert at one place, neither adds what the other removes, and edits that touch do not add the same item, which might
/// be one (items without `weight` do not count in that). The result depends neither on which side is which, nor on
/// where an edit among equal items is placed: compared from the end it must be the same.
pub(super) fn merge<T>(base: &[T], [ours, theirs]: [&[T]; 2], weight: impl Fn(&T) -> bool) -> Option<Vec<T>>
where
    T: Eq + Hash + Copy,
{
    let merged = merge_forward(base, [ours, theirs], &weight)?;
    let [base, ours, theirs] = [base, ours, theirs].map(|side| side.iter().rev().copied().collect::<Vec<_>>());
    let back = merge_forward(&base, [&ours, &theirs], &weight)?;
    merged.iter().eq(back.iter().rev()).then_some(merged)
}

fn merge_forward<T>(base: &[T], sides: [&[T]; 2], weight: &impl Fn(&T) -> bool) -> Option<Vec<T>>
where
    T: Eq + Hash + Copy,
{
    let changes = |side| Some(edits(base, side)?.into_iter().map(|edit| (edit.old, &side[edit.new])).collect());
    let [ours, theirs]: [Vec<Change<'_, T>>; 2] = [changes(sides[0])?, changes(sides[1])?];
    if brings_back(base, &ours, &theirs, weight) || brings_back(base, &theirs, &ours, weight) {
        return None;
    }
    let mut all = [ours, theirs].concat();
    all.sort_by_key(|(old, _)| (old.start, old.end));
    all.dedup();
    let mut merged = Vec::new();
    let mut last: Change<'_, T> = (0..0, &[]);
    for (old, new) in all {
        let at = last.0.end;
        let both_insert = old.is_empty() && last.0 == old && !last.1.is_empty();
        let share = || new.iter().any(|item| weight(item) && last.1.contains(item));
        if old.start < at || both_insert || (old.start == at && share()) {
            return None;
        }
        merged.extend_from_slice(&base[at..old.start]);
        merged.extend_from_slice(new);
        last = (old, new);
    }
    merged.extend_from_slice(&base[last.0.end..]);
    Some(merged)
}

/// Checks whether `some` add an item that `others` remove: one side may have moved it, and the other does not want it.
fn brings_back<T: Eq + Hash>(
    base: &[T],
    some: &[Change<'_, T>],
    others: &[Change<'_, T>],
    weight: &impl Fn(&T) -> bool,
) -> bool {
    let mut taken = HashSet::new();
    for (old, new) in others {
        taken.extend(base[old.clone()].iter().filter(|item| !new.contains(item)));
    }
    let brought = |(old, new): &Change<'_, T>| {
        new.iter().any(|item| weight(item) && taken.contains(item) && !base[old.clone()].contains(item))
    };
    some.iter().any(brought)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
        let [base, ours, theirs] = [base, ours, theirs].map(str::as_bytes);
        let all = |_: &u8| true;
        let found = merge(base, [ours, theirs], all);
        assert_eq!(found, merge(base, [theirs, ours], all));
        found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    #[test]
    fn edits_may_touch() {
        assert_eq!(merged("ab", "Ab", "aB").as_deref(), Some("AB"));
        assert_eq!(merged("a", "A", "ax").as_deref(), Some("Ax"));
        assert_eq!(merged("a", "A", "xa").as_deref(), Some("xA"));
        assert_eq!(merged("ab", "b", "aB").as_deref(), Some("B"));
        assert_eq!(merged("abc", "Abc", "Abx").as_deref(), Some("Abx"));
    }

    #[test]
    fn edits_may_not_overlap() {
        assert_eq!(merged("a", "b", "c"), None);
        assert_eq!(merged("ab", "axb", "ayb"), None);
        assert_eq!(merged("abc", "xc", "ayc"), None);
        assert_eq!(merged("ab", "axb", ""), None);
        assert_eq!(merged("", "x", "y"), None);
    }

    #[test]
    fn what_both_bring_to_one_place_may_be_one() {
        assert_eq!(merged("b", "xfb", "fB"), None);
        assert_eq!(merged("b", "xfb", "gB").as_deref(), Some("xfgB"));
    }

    #[test]
    fn an_edit_that_may_stand_in_two_places_is_not_made() {
        assert_eq!(merged("a", "aa", "b"), None);
        assert_eq!(merged("aab", "ab", "axb"), None);
        assert_eq!(merged("aab", "ab", "aaB").as_deref(), Some("aB"));
    }
}
