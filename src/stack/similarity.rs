//! Which deleted file became which added one: git's own rename detection, so that our patches name the same renames.
//!
//! Source: git's `diffcore-delta.c` (`hash_chars`, `diffcore_count_changes`) and `diffcore-rename.c`
//! (`estimate_similarity`, `find_identical_files`, `find_basename_matches`, the score matrix). No copies, no
//! limits below the thousands of files at which git gives up too.

use std::collections::{BTreeMap, HashMap};

use crate::git::Entry;
use crate::path::RepoPath;

/// Git's scores run from 0 to this.
const MAX_SCORE: u64 = 60_000;
/// `-M50%`.
const MINIMUM: u64 = MAX_SCORE / 2;
/// What a pair that is alone in sharing its base name must reach to be taken before all others are compared.
const MINIMUM_BY_NAME: u64 = MINIMUM + (MAX_SCORE - MINIMUM) / 2;

/// A file on one side, with its content where it has one to compare.
pub(super) struct Candidate<'a> {
    pub(super) path: &'a RepoPath,
    pub(super) entry: Entry,
    pub(super) content: &'a [u8],
}

/// A rename: the index of the deleted file, and how alike the two are, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rename {
    pub(super) from: usize,
    pub(super) percent: u8,
}

/// For each added file the deleted file that it came from, if git would say so.
pub(super) fn renames(deleted: &[Candidate<'_>], added: &[Candidate<'_>]) -> Vec<Option<Rename>> {
    let mut pairs = Pairs { found: vec![None; added.len()], used: vec![false; deleted.len()] };
    pairs.exact(deleted, added);
    let prints: Vec<_> = deleted.iter().map(|file| Print::of(file.content)).collect();
    let prints_added: Vec<_> = added.iter().map(|file| Print::of(file.content)).collect();
    let score = |from: usize, to: usize| {
        let regular = |file: &Candidate<'_>| file.entry.mode.bits() & 0o170_000 == 0o100_000;
        if regular(&deleted[from]) && regular(&added[to]) { prints[from].score(&prints_added[to]) } else { 0 }
    };
    pairs.by_name(deleted, added, &score);
    pairs.by_score(deleted, added, &score);
    pairs.found
}

struct Pairs {
    found: Vec<Option<Rename>>,
    used: Vec<bool>,
}

impl Pairs {
    fn take(&mut self, from: usize, to: usize, score: u64) {
        self.used[from] = true;
        let percent = u8::try_from(score * 100 / MAX_SCORE).unwrap_or(100);
        self.found[to] = Some(Rename { from, percent });
    }

    /// Equal blobs, those of equal base name first.
    fn exact(&mut self, deleted: &[Candidate<'_>], added: &[Candidate<'_>]) {
        for (to, new) in added.iter().enumerate() {
            let same = |from: &usize| {
                let old = &deleted[*from];
                let kind = |mode: crate::git::Mode| mode.bits() & 0o170_000;
                !self.used[*from] && old.entry.id == new.entry.id && kind(old.entry.mode) == kind(new.entry.mode)
            };
            let named = |from: &usize| deleted[*from].path.file_name() == new.path.file_name();
            let mut equal = (0..deleted.len()).filter(same).peekable();
            let first = equal.peek().copied();
            if let Some(from) = equal.find(named).or(first) {
                self.take(from, to, MAX_SCORE);
            }
        }
    }

    /// Pairs whose base name stands once on each side.
    fn by_name(&mut self, deleted: &[Candidate<'_>], added: &[Candidate<'_>], score: &dyn Fn(usize, usize) -> u64) {
        let only = |files: &[Candidate<'_>], free: &dyn Fn(usize) -> bool| {
            let mut names: BTreeMap<Vec<u8>, Option<usize>> = BTreeMap::new();
            for (n, file) in files.iter().enumerate().filter(|(n, _)| free(*n)) {
                names.entry(file.path.file_name().to_vec()).and_modify(|seen| *seen = None).or_insert(Some(n));
            }
            names
        };
        let from = only(deleted, &|n| !self.used[n]);
        let to = only(added, &|n| self.found[n].is_none());
        for (name, from) in from {
            if let (Some(from), Some(Some(to))) = (from, to.get(&name)) {
                let score = score(from, *to);
                if score >= MINIMUM_BY_NAME {
                    self.take(from, *to, score);
                }
            }
        }
    }

    /// All that is left, best score first, equal base names before others.
    fn by_score(&mut self, deleted: &[Candidate<'_>], added: &[Candidate<'_>], score: &dyn Fn(usize, usize) -> u64) {
        let mut all = Vec::new();
        for to in (0..added.len()).filter(|to| self.found[*to].is_none()) {
            for from in (0..deleted.len()).filter(|from| !self.used[*from]) {
                let score = score(from, to);
                if score >= MINIMUM {
                    let named = deleted[from].path.file_name() == added[to].path.file_name();
                    all.push((std::cmp::Reverse((score, named)), to, from));
                }
            }
        }
        all.sort();
        for (std::cmp::Reverse((score, _)), to, from) in all {
            if self.found[to].is_none() && !self.used[from] {
                self.take(from, to, score);
            }
        }
    }
}

/// How many bytes of each line (or 64-byte piece of one) a content has, by the piece's hash.
struct Print {
    pieces: HashMap<u32, u64>,
    size: u64,
}

impl Print {
    fn of(content: &[u8]) -> Print {
        let text = !super::diff::is_binary(content);
        let mut pieces = HashMap::new();
        let (mut a, mut b, mut length) = (0u32, 0u32, 0u64);
        for (at, byte) in content.iter().enumerate() {
            if text && *byte == b'\r' && content.get(at + 1) == Some(&b'\n') {
                continue;
            }
            let old = a;
            a = (a << 7) ^ (b >> 25);
            b = (b << 7) ^ (old >> 25);
            a = a.wrapping_add(u32::from(*byte));
            length += 1;
            if length < 64 && *byte != b'\n' {
                continue;
            }
            *pieces.entry(piece_hash(a, b)).or_insert(0) += length;
            (a, b, length) = (0, 0, 0);
        }
        if length > 0 {
            *pieces.entry(piece_hash(a, b)).or_insert(0) += length;
        }
        Print { pieces, size: content.len() as u64 }
    }

    fn score(&self, new: &Print) -> u64 {
        let (large, small) = (self.size.max(new.size), self.size.min(new.size));
        if new.size == 0 || self.size == 0 || large * (MAX_SCORE - MINIMUM) < (large - small) * MAX_SCORE {
            return 0;
        }
        let kept: u64 = self.pieces.iter().map(|(hash, n)| n.min(new.pieces.get(hash).unwrap_or(&0))).sum();
        kept * MAX_SCORE / large
    }
}

fn piece_hash(a: u32, b: u32) -> u32 {
    a.wrapping_add(b.wrapping_mul(0x61)) % 107_927
}

/// How alike two contents are, in percent, as git measures it (0 below its 50 %).
pub(super) fn likeness(old: &[u8], new: &[u8]) -> u8 {
    u8::try_from(Print::of(old).score(&Print::of(new)) * 100 / MAX_SCORE).unwrap_or(100)
}
