//! Names patch files: `NNNN-slug.patch`. A file keeps its name; only if a new order requires it are files renumbered,
//! as few as possible.

use bstr::{BStr, BString, ByteSlice};

/// The digits of a number in a queue without numbers.
const WIDTH: usize = 4;

/// The most bytes of a slug.
const LONGEST_SLUG: usize = 52;

/// One patch in a new order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot<'a> {
    /// A patch with a file of this name.
    Keep(&'a BStr),
    /// A new patch with this subject.
    New(&'a BStr),
}

/// Names for a new order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// One name per slot, strictly increasing in byte order.
    Names(Vec<BString>),
    /// Names alone cannot express this order (files without numbers): the queue needs a `series` file. The names are
    /// the kept ones and free ones for new patches, in the order of the slots.
    NeedsSeries(Vec<BString>),
}

/// Returns the subject as part of a file name: ASCII letters in lower case, digits, `.` and `_`; anything else becomes
/// one `-`; at most 52 bytes, no `-` or `.` at either end.
#[must_use]
pub fn slug(subject: &[u8]) -> String {
    let mut slug = String::new();
    for byte in subject {
        let c = match byte {
            byte if byte.is_ascii_alphanumeric() || *byte == b'_' => char::from(byte.to_ascii_lowercase()),
            b'.' => '.',
            _ => '-',
        };
        let repeats = slug.ends_with(c) && matches!(c, '-' | '.');
        let leads = slug.is_empty() && matches!(c, '-' | '.');
        if !repeats && !leads {
            slug.push(c);
        }
    }
    slug.truncate(LONGEST_SLUG);
    let slug = slug.trim_end_matches(['-', '.']).to_owned();
    let slug = slug.strip_suffix(".patch").map(str::to_owned).unwrap_or(slug);
    if slug.is_empty() { "patch".to_owned() } else { slug }
}

/// Returns the number at the start of a name, and how many digits it has. A number ends at the name's end or at a
/// character that is neither a letter nor a digit.
#[must_use]
pub fn number(name: &[u8]) -> Option<(u64, usize)> {
    let width = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if name.get(width).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    Some((name[..width].to_str().ok()?.parse().ok()?, width))
}

/// Returns a name for a new patch when a `series` gives the order: with a number if the queue has numbers, else the
/// slug alone; never an existing name.
#[must_use]
pub fn free_name(existing: &[BString], subject: &[u8]) -> BString {
    let slug = slug(subject);
    let is_numbered = !existing.is_empty() && existing.iter().all(|name| number(name).is_some());
    if is_numbered || existing.is_empty() {
        return numbered(highest(existing) + 1, width(existing), subject);
    }
    let names = (1_usize..).map(|count| match count {
        1 => BString::from(format!("{slug}.patch")),
        count => BString::from(format!("{slug}-{count}.patch")),
    });
    names.into_iter().find(|name| !existing.contains(name)).unwrap_or_default()
}

/// Returns names for the patches in `new` order. `old` are the names of the queue before, with those that are dropped:
/// a new patch at the end gets the highest of them + 1.
///
/// As many names as possible are kept (the longest increasing run that leaves enough free numbers between its names);
/// the others are renumbered and keep the text after their number.
#[must_use]
pub fn assign(old: &[BString], new: &[Slot<'_>]) -> Naming {
    let width = width(old);
    let limit = u32::try_from(width).ok().and_then(|width| 10_u64.checked_pow(width)).unwrap_or(u64::MAX);
    let kept = longest_run(new, limit);
    let must_keep = |slot: &Slot<'_>| matches!(slot, Slot::Keep(name) if number(name).is_none());
    let named = kept.filter(|kept| new.iter().enumerate().all(|(at, slot)| !must_keep(slot) || kept.contains(&at)));
    let names = named.map(|kept| fill(old, new, &kept, width, limit));
    match names {
        Some(names) if names.is_sorted_by(|a, b| a < b) => Naming::Names(names),
        _ => Naming::NeedsSeries(with_series(old, new)),
    }
}

/// Returns the kept names, and free names for the new patches.
fn with_series(old: &[BString], new: &[Slot<'_>]) -> Vec<BString> {
    let mut known = old.to_vec();
    let mut names = Vec::new();
    for slot in new {
        let name = match slot {
            Slot::Keep(name) => BString::from(name.as_bytes()),
            Slot::New(subject) => free_name(&known, subject),
        };
        known.push(name.clone());
        names.push(name);
    }
    names
}

/// Returns the slots (in order) that keep their names: the largest set that leaves room for the others. `None` when
/// there is no room at all.
fn longest_run(new: &[Slot<'_>], limit: u64) -> Option<Vec<usize>> {
    let name = |at: usize| match new[at] {
        Slot::Keep(name) => Some((name, number(name).map(|(number, _)| number))),
        Slot::New(_) => None,
    };
    let room = |low: Option<u64>, high: Option<u64>, between: usize| match (low, high) {
        _ if between == 0 => true,
        (Some(low), Some(high)) => high.saturating_sub(low).saturating_sub(1) >= between as u64,
        _ => false,
    };
    // For each slot: how many names are kept up to it, and which kept slot comes before it.
    let mut best: Vec<Option<(usize, Option<usize>)>> = Vec::with_capacity(new.len());
    for at in 0..new.len() {
        let mut found = None;
        if let Some((own, high)) = name(at) {
            if room(Some(0), high, at) {
                found = Some((1, None));
            }
            for (before, reached) in best.iter().enumerate() {
                let (Some((count, _)), Some((other, low))) = (reached, name(before)) else { continue };
                let better = found.is_none_or(|(most, _)| count + 1 > most);
                if better && other < own && room(low, high, at - before - 1) {
                    found = Some((count + 1, Some(before)));
                }
            }
        }
        best.push(found);
    }
    let mut end: Option<(usize, Option<usize>)> = room(Some(0), Some(limit), new.len()).then_some((0, None));
    for (at, reached) in best.iter().enumerate() {
        let (Some((count, _)), Some((_, low))) = (reached, name(at)) else { continue };
        if end.is_none_or(|(most, _)| *count > most) && room(low, Some(limit), new.len() - at - 1) {
            end = Some((*count, Some(at)));
        }
    }
    let mut kept = Vec::new();
    let mut at = end?.1;
    while let Some(slot) = at {
        kept.push(slot);
        at = best[slot].and_then(|(_, before)| before);
    }
    kept.reverse();
    Some(kept)
}

/// Assigns numbers to the slots between the kept names.
fn fill(old: &[BString], new: &[Slot<'_>], kept: &[usize], width: usize, limit: u64) -> Vec<BString> {
    let last_kept = kept.last().map_or(0, |at| at + 1);
    let only_new_behind = new[last_kept..].iter().all(|slot| matches!(slot, Slot::New(_)));
    let behind = (new.len() - last_kept) as u64;
    let mut next = 1;
    let mut names = Vec::with_capacity(new.len());
    for (at, slot) in new.iter().enumerate() {
        if at == last_kept && only_new_behind && highest(old) + behind < limit {
            next = highest(old) + 1;
        }
        let name = match slot {
            Slot::Keep(name) if kept.binary_search(&at).is_ok() => {
                next = number(name).map_or(next, |(number, _)| number + 1);
                BString::from(name.as_bytes())
            }
            Slot::Keep(name) => {
                let digits = number(name).map_or(0, |(_, width)| width);
                next += 1;
                BString::from([format!("{:0width$}", next - 1).as_bytes(), &name[digits..]].concat())
            }
            Slot::New(subject) => {
                next += 1;
                numbered(next - 1, width, subject)
            }
        };
        names.push(name);
    }
    names
}

fn numbered(number: u64, width: usize, subject: &[u8]) -> BString {
    BString::from(format!("{number:0width$}-{}.patch", slug(subject)))
}

fn highest(names: &[BString]) -> u64 {
    names.iter().filter_map(|name| number(name)).map(|(number, _)| number).max().unwrap_or(0)
}

/// Returns the width of the highest number.
fn width(names: &[BString]) -> usize {
    names.iter().filter_map(|name| number(name)).max().map_or(WIDTH, |(_, width)| width)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs [`assign`] on a short notation: `+x` is a new patch, anything else a kept name.
    fn named(old: &str, new: &str) -> String {
        let old: Vec<BString> = old.split_whitespace().map(BString::from).collect();
        let slots: Vec<Slot<'_>> = new
            .split_whitespace()
            .map(|word| word.strip_prefix('+').map_or(Slot::Keep(word.into()), |new| Slot::New(new.into())))
            .collect();
        match assign(&old, &slots) {
            Naming::Names(names) => bstr::join(" ", names).to_str().unwrap().to_owned(),
            Naming::NeedsSeries(names) => format!("series: {}", bstr::join(" ", names).to_str().unwrap()),
        }
    }

    #[test]
    fn slugs() {
        assert_eq!(slug(b"Build only the notebook images."), "build-only-the-notebook-images");
        assert_eq!(slug("[fix] Ünïcode / v1.2_x…".as_bytes()), "fix-n-code-v1.2_x");
        assert_eq!(slug(b"..."), "patch");
        assert_eq!(slug(b"../../etc/passwd"), "etc-passwd");
        let long = slug(&b"abcdefghi ".repeat(9));
        assert!(long.len() <= 52 && !long.ends_with('-'), "{long}");
    }

    #[test]
    fn names_are_kept_and_new_ones_come_last() {
        assert_eq!(named("0001-a 0003-c", "0001-a 0003-c"), "0001-a 0003-c");
        assert_eq!(named("0001-a 0003-c", "0001-a 0003-c +d +e"), "0001-a 0003-c 0004-d.patch 0005-e.patch");
        assert_eq!(named("0001-a 0002-b 0003-c", "0001-a +d"), "0001-a 0004-d.patch");
        assert_eq!(named("", "+a +b"), "0001-a.patch 0002-b.patch");
        assert_eq!(named("01-a 02-b", "01-a 02-b +c"), "01-a 02-b 03-c.patch");
    }

    #[test]
    fn between_two_a_free_number_else_the_fewest_move() {
        assert_eq!(named("0001-a 0003-c", "0001-a +b 0003-c"), "0001-a 0002-b.patch 0003-c");
        assert_eq!(
            named("0001-a 0002-b 0003-c 0009-z", "0001-a +n 0002-b 0003-c 0009-z"),
            "0001-a 0002-n.patch 0003-b 0004-c 0009-z"
        );
        assert_eq!(named("0001-a 0002-b", "+n 0001-a 0002-b"), "0001-n.patch 0002-a 0003-b");
    }

    #[test]
    fn reordering_changes_the_fewest() {
        assert_eq!(named("0001-a 0002-b 0003-c", "0001-a 0003-c 0002-b"), "0001-a 0003-c 0004-b");
        assert_eq!(named("0001-a 0005-b 0006-c", "0001-a 0006-c 0005-b"), "0001-a 0006-c 0007-b");
        assert_eq!(named("0001-a 0002-b 0003-c 0004-d", "0004-d 0001-a 0002-b 0003-c").split(' ').count(), 4);
    }

    #[test]
    fn unnumbered_queues_need_a_series_to_insert() {
        assert_eq!(named("fix-a fix-b", "fix-a fix-b"), "fix-a fix-b");
        assert_eq!(named("fix-a fix-b", "fix-b"), "fix-b");
        assert_eq!(named("fix-a fix-b", "fix-a +n fix-b"), "series: fix-a n.patch fix-b");
        assert_eq!(named("fix-a fix-b", "fix-b fix-a"), "series: fix-b fix-a");
    }

    #[test]
    fn the_end_of_the_numbers() {
        assert_eq!(number(b"2fast.patch"), None);
        assert_eq!(free_name(&["n.patch".into()], b"n"), BString::from("n-2.patch"));
        assert_eq!(free_name(&["fix.patch".into()], b"n"), BString::from("n.patch"));
    }

    proptest! {
        #[test]
        fn any_order_gets_increasing_names(
            numbers in prop::collection::btree_set(1_u64..60, 0..12),
            picks in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..12),
        ) {
            let old: Vec<BString> = numbers.iter().map(|n| BString::from(format!("{n:04}-p{n}.patch"))).collect();
            let mut left = old.clone();
            let mut slots = Vec::new();
            let mut names = Vec::new();
            for (index, is_new) in picks {
                if is_new || left.is_empty() {
                    slots.push(None);
                } else {
                    names.push(left.remove(index.index(left.len())));
                    slots.push(Some(names.len() - 1));
                }
            }
            let slots: Vec<Slot<'_>> =
                slots.iter().map(|slot| slot.map_or(Slot::New("n".into()), |at| Slot::Keep(names[at].as_bstr()))).collect();
            let Naming::Names(given) = assign(&old, &slots) else { panic!("a numbered queue needs no series") };
            prop_assert!(given.is_sorted_by(|a, b| a < b));
            let again: Vec<Slot<'_>> = given.iter().map(|name| Slot::Keep(name.as_bstr())).collect();
            prop_assert_eq!(assign(&given, &again), Naming::Names(given.clone()));
        }

        #[test]
        fn nothing_changes_without_a_reason(numbers in prop::collection::btree_set(1_u64..9999, 0..40)) {
            let old: Vec<BString> = numbers.iter().map(|n| BString::from(format!("{n:04}-p.patch"))).collect();
            let slots: Vec<Slot<'_>> = old.iter().map(|name| Slot::Keep(name.as_bstr())).collect();
            prop_assert_eq!(assign(&old, &slots), Naming::Names(old.clone()));
        }
    }
}
