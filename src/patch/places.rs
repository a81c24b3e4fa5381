//! Finds the places of some lines in a file, nearest first: the search for hunks that are not at their stated place.
//!
//! Each line of the file gets a number, equal lines the same one, and an index lists the places of each number. The
//! searched lines are compared only at the places of their rarest line. If there are too many of these, all matches are
//! found in one pass over the file (Knuth, Morris and Pratt). A patch could still be made for which this takes forever,
//! so the number of compared lines is limited.

use std::collections::HashMap;

/// The largest number of lines to compare for the hunks of one file.
pub(super) const MOST_COMPARED: u64 = 1 << 30;

/// The lines of a file, prepared for many searches.
pub(super) struct Places<'f> {
    lines: &'f [&'f [u8]],
    index: Option<Index<'f>>,
    /// Lines compared so far.
    compared: u64,
}

/// The index of lines by their numbers.
struct Index<'f> {
    numbers: HashMap<&'f [u8], u32>,
    /// The number of each line of the file.
    of_line: Vec<u32>,
    /// All lines of the file by their numbers: those with the number `n` are `sorted[starts[n]..starts[n + 1]]`, in order.
    sorted: Vec<u32>,
    starts: Vec<usize>,
}

impl<'f> Places<'f> {
    pub(super) const fn new(lines: &'f [&'f [u8]]) -> Places<'f> {
        Places { lines, index: None, compared: 0 }
    }

    /// Checks whether the search was given up, so that lines that were not found may still exist.
    pub(super) const fn gave_up(&self) -> bool {
        self.compared > MOST_COMPARED
    }

    /// Checks whether `wanted` matches at line `at`.
    pub(super) fn is_at(&mut self, wanted: &[&[u8]], at: usize) -> bool {
        let Some(have) = self.lines.get(at..at + wanted.len()) else { return false };
        let same = wanted.iter().zip(have).take_while(|(want, have)| want == have).count();
        self.compared += same as u64 + 1;
        same == wanted.len()
    }

    /// Returns up to `most` lines from `first` on at which `wanted` matches, the nearest to `start` first; of two at
    /// equal distance the one below comes first.
    pub(super) fn nearest(&mut self, wanted: &[&[u8]], first: usize, start: usize, most: usize) -> Vec<usize> {
        let Some(last) = self.lines.len().checked_sub(wanted.len()).filter(|last| *last >= first) else {
            return Vec::new();
        };
        let next = start.clamp(first, last);
        if most == 1 && self.is_at(wanted, next) {
            return vec![next];
        }
        let index = self.index.get_or_insert_with(|| Index::of(self.lines));
        let numbers: Option<Vec<u32>> = wanted.iter().map(|line| index.numbers.get(line).copied()).collect();
        let Some(numbers) = numbers.filter(|_| self.compared <= MOST_COMPARED) else { return Vec::new() };
        let rarest = (0..numbers.len()).min_by_key(|at| index.lines_of(numbers[*at]).len());
        let Some(rarest) = rarest else {
            return by_distance(&(first..=last).collect::<Vec<_>>(), start).take(most).collect();
        };
        let lines = index.lines_of(numbers[rarest]);
        let from = lines.partition_point(|line| (*line as usize) < first + rarest);
        let to = lines.partition_point(|line| (*line as usize) <= last + rarest);
        let likely: Vec<usize> = lines[from..to].iter().map(|line| *line as usize - rarest).collect();
        let pass = self.lines.len() - first + numbers.len();
        if likely.len().saturating_mul(numbers.len()) <= pass.saturating_mul(4) {
            let mut compared = 0;
            let is_there = |at: &usize| {
                let have = &index.of_line[*at..*at + numbers.len()];
                let same = numbers.iter().zip(have).take_while(|(want, have)| want == have).count();
                compared += same as u64 + 1;
                same == numbers.len()
            };
            let found = by_distance(&likely, start).filter(is_there).take(most).collect();
            self.compared += compared;
            return found;
        }
        self.compared += 2 * pass as u64;
        by_distance(&all(&numbers, &index.of_line, first), start).take(most).collect()
    }
}

impl<'f> Index<'f> {
    fn of(lines: &[&'f [u8]]) -> Index<'f> {
        let mut numbers = HashMap::new();
        let number = |line: &&'f [u8]| {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
            *numbers.entry(*line).or_insert(next)
        };
        let of_line: Vec<u32> = lines.iter().map(number).collect();
        let mut starts = vec![0; numbers.len() + 1];
        of_line.iter().for_each(|number| starts[*number as usize + 1] += 1);
        for n in 1..starts.len() {
            starts[n] += starts[n - 1];
        }
        let (mut next, mut sorted) = (starts.clone(), vec![0; of_line.len()]);
        for (line, number) in of_line.iter().enumerate() {
            let place = &mut next[*number as usize];
            sorted[*place] = u32::try_from(line).unwrap_or(u32::MAX);
            *place += 1;
        }
        Index { numbers, of_line, sorted, starts }
    }

    fn lines_of(&self, number: u32) -> &[u32] {
        let number = number as usize;
        &self.sorted[self.starts[number]..self.starts[number + 1]]
    }
}

/// Returns the places sorted by their distance from `start`; at equal distance the one below comes first.
fn by_distance(places: &[usize], start: usize) -> impl Iterator<Item = usize> + '_ {
    let mut down = places.partition_point(|at| *at < start);
    let mut up = down;
    std::iter::from_fn(move || {
        let below = places.get(down).copied();
        let above = up.checked_sub(1).map(|at| places[at]);
        match (below, above) {
            (Some(below), above) if above.is_none_or(|above| below.abs_diff(start) <= start.abs_diff(above)) => {
                down += 1;
                Some(below)
            }
            (_, Some(above)) => {
                up -= 1;
                Some(above)
            }
            (_, None) => None,
        }
    })
}

/// Returns all places of `wanted`, which is not empty, in `text` from `first` on, in one pass.
fn all(wanted: &[u32], text: &[u32], first: usize) -> Vec<usize> {
    // For each number of matching leading items: how many still match when the next one does not.
    let mut shorter = vec![0; wanted.len() + 1];
    let mut matched = 0;
    for at in 1..wanted.len() {
        while matched > 0 && wanted[matched] != wanted[at] {
            matched = shorter[matched];
        }
        matched += usize::from(wanted[matched] == wanted[at]);
        shorter[at + 1] = matched;
    }
    let (mut found, mut matched) = (Vec::new(), 0);
    for (at, item) in text.iter().enumerate().skip(first) {
        while matched > 0 && (matched == wanted.len() || wanted[matched] != *item) {
            matched = shorter[matched];
        }
        matched += usize::from(wanted[matched] == *item);
        if matched == wanted.len() {
            found.push(at + 1 - wanted.len());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn places_are_those_that_trying_each_finds(
            text in prop::collection::vec(0u8..3, 0..40), wanted in prop::collection::vec(0u8..3, 0..6),
            first in 0usize..20, start in 0usize..50, most in 1usize..5,
        ) {
            let names = ["a", "b", "c"].map(str::as_bytes);
            let text: Vec<&[u8]> = text.iter().map(|n| names[usize::from(*n)]).collect();
            let wanted: Vec<&[u8]> = wanted.iter().map(|n| names[usize::from(*n)]).collect();
            let mut expected: Vec<usize> = (first..=text.len()).filter(|at| text[*at..].starts_with(&wanted)).collect();
            expected.sort_by_key(|at| (at.abs_diff(start), *at < start));
            let in_one_pass = all_of(&text, &wanted, first);
            prop_assert!(wanted.is_empty() || in_one_pass.iter().all(|at| expected.contains(at)));
            prop_assert!(wanted.is_empty() || in_one_pass.len() == expected.len());
            expected.truncate(most);
            prop_assert_eq!(Places::new(&text).nearest(&wanted, first, start, most), expected);
        }
    }

    fn numbered(lines: usize, of: usize) -> Vec<String> {
        (0..lines).map(|n| format!("{}\n", n % of)).collect()
    }

    #[test]
    fn the_work_follows_the_file_and_not_the_number_of_searches() {
        // Every search misses by one line, in a file where all lines differ, and in one where many are equal.
        for of in [60_000, 5_000] {
            let text = numbered(60_000, of);
            let text: Vec<&[u8]> = text.iter().map(String::as_bytes).collect();
            let mut places = Places::new(&text);
            for at in (0..50_000).step_by(7) {
                assert_eq!(places.nearest(&text[at..at + 7], at, at + 1, 1), [at]);
            }
            assert!(places.compared < 1_000_000, "{}", places.compared);
        }
    }

    #[test]
    fn equal_lines_are_gone_through_once() {
        let text: Vec<&[u8]> = vec![b"a"; 200_000];
        let wanted = [vec![b"a".as_slice(); 100_000], vec![b"b"]].concat();
        let mut places = Places::new(&text);
        assert!(places.nearest(&wanted, 0, 50_000, 2).is_empty());
        assert_eq!(places.nearest(&wanted[..100_000], 0, 50_000, 2), [50_000, 50_001]);
        let text = [text, vec![b"b"]].concat();
        let mut places = Places::new(&text);
        assert_eq!(places.nearest(&wanted, 0, 50_000, 2), [100_000]);
        assert!(places.compared < 2_000_000, "{}", places.compared);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let text: Vec<&[u8]> = vec![b"a", b"b", b"a", b"c"];
        let mut places = Places { compared: MOST_COMPARED, ..Places::new(&text) };
        assert!(!places.gave_up());
        assert!(places.nearest(&[b"a", b"c"], 0, 0, 1).is_empty());
        assert!(places.gave_up());
    }

    fn all_of(text: &[&[u8]], wanted: &[&[u8]], first: usize) -> Vec<usize> {
        let number = |line: &&[u8]| u32::from(line[0]);
        let [text, wanted] = [text, wanted].map(|lines| lines.iter().map(number).collect::<Vec<_>>());
        if wanted.is_empty() { Vec::new() } else { all(&wanted, &text, first) }
    }
}
