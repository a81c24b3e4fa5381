//! Finds numbers that upstream changed, and proposals for patches that overwrite them.

use bstr::BString;

use super::merge::edits;
use super::said::pairs;
use super::words::{Word, numbers, owners, words};
use crate::stack::text::Hunk;

/// A number that upstream replaced by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bump<'t> {
    pub(super) old: Word<'t>,
    pub(super) new: Word<'t>,
    /// Its name: the last name before it in its line.
    pub(super) of: Option<&'t [u8]>,
}

/// Returns the numbers that upstream changed in the lines of a hunk. If an edit has as many numbers before as after,
/// they are paired in their order; otherwise numbers of the same name are paired, wherever they are.
pub(super) fn bumps(hunk: &Hunk) -> Vec<Bump<'_>> {
    let (base, upstream) = (words(&hunk.base.text), words(&hunk.upstream.text));
    let names = owners(&base);
    let mut all = Vec::new();
    for edit in edits(&base, &upstream).unwrap_or_default() {
        let old: Vec<_> = edit.old.clone().filter(|at| base[*at].is_number()).collect();
        let new: Vec<_> = upstream[edit.new].iter().filter(|word| word.is_number()).collect();
        if old.len() == new.len() {
            let moved = old
                .into_iter()
                .zip(new)
                .filter(|(at, new)| base[*at].kind == new.kind && !base[*at].is_same_number(**new));
            all.extend(moved.map(|(at, new)| Bump { old: base[at], new: *new, of: names[at] }));
        }
    }
    let (was, is) = (numbers(&base), numbers(&upstream));
    for old in was.iter().filter(|old| old.of.is_some()) {
        let named: Vec<_> = is.iter().filter(|new| new.of == old.of && new.number.kind == old.number.kind).collect();
        if named.iter().any(|new| new.number.is_same_number(old.number)) {
            continue;
        }
        for new in named {
            let bump = Bump { old: old.number, new: new.number, of: old.of };
            if !all.contains(&bump) {
                all.push(bump);
            }
        }
    }
    all
}

/// Proposes the patch's lines if it overwrites lines in which upstream only changed numbers, and its lines do not
/// contain the old ones. (The guard checks whether they fall behind upstream's in another way.)
pub(super) fn overwritten(hunk: &Hunk) -> Option<(String, BString)> {
    let [base, upstream, patch] = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| words(&side.text));
    if base.len() != upstream.len() || patch.is_empty() {
        return None;
    }
    let mut moved: Vec<_> = base.iter().copied().zip(upstream).filter(|(old, new)| old != new).collect();
    if moved.is_empty() || !moved.iter().all(|(old, new)| old.is_number() && old.kind == new.kind) {
        return None;
    }
    let held = numbers(&patch);
    let holds = |old: Word<'_>| held.iter().any(|held| held.number.is_same_number(old) || held.number.refines(old));
    if moved.iter().any(|(old, _)| holds(*old)) {
        return None;
    }
    moved.sort_unstable();
    moved.dedup();
    let reason = format!("upstream only moved {} in lines that the patch replaces", pairs(&moved));
    Some((reason, hunk.patch.text.clone()))
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::super::tests::{hunk, suggested};

    #[test]
    fn a_patch_that_overwrites_a_bump_stays() {
        let rows = [
            ("FROM python:3.7-slim\n", "FROM python:3.8-slim\n", "FROM ubi8/ubi:8.6\n"),
            ("FROM golang:1.17 AS b\n", "FROM golang:1.18 AS b\n", "ARG X\nFROM $X AS b\n"),
            ("numpy==1.20\n", "numpy==1.22\n", "numpy==1.23.1\n"),
            ("n: 5\nm: 5\n", "n: 6\nm: 6\n", "n: many\n"),
        ];
        for (base, upstream, patch) in rows {
            let found = suggested(&hunk(base, upstream, patch));
            assert_eq!(found, Some((Rule::OverwrittenBump, patch.to_owned())));
        }
    }

    #[test]
    fn a_patch_that_goes_back_is_never_proposed() {
        let rows = [
            ("FROM python:3.7\n", "FROM python:3.8\n", "FROM other:3.7-x\n"),
            ("FROM python:3.7\n", "FROM python:3.8\n", "FROM other:3.7.12-x\n"),
            ("numpy==1.20\n", "numpy==1.22\n", "numpy==1.21\n"),
            ("go v1.19\n", "go v1.20\n", "golang 1.19\n"),
        ];
        for (base, upstream, patch) in rows {
            let found = suggested(&hunk(base, upstream, patch));
            assert!(found.is_none_or(|(_, text)| text != patch), "{patch}");
        }
    }

    #[test]
    fn a_deletion_does_not_stand_and_more_than_a_number_is_no_bump() {
        let rows = [
            ("numpy==1.20\n", "numpy==1.22\n", ""),
            ("FROM python:3.7-slim\n", "FROM python:3.8-alpine\n", "FROM ubi:8\n"),
            ("x = python\n", "x = ruby\n", "y\n"),
        ];
        for (base, upstream, patch) in rows {
            assert_eq!(suggested(&hunk(base, upstream, patch)), None, "{upstream}");
        }
    }
}
