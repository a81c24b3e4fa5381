//! Finds which deleted file became which added one, so that exported patches name the renames that `git diff -M50%`
//! names.
//!
//! git's method is described in gitdiffcore(7) and git-diff(1) (`-M`, `-l`): files with equal contents first, then
//! files with a unique base name, if they are rather similar, then all others against each other, unless there are too
//! many. The similarity is our own measure: the share of the larger file that the other has too, counted in bytes of
//! equal lines, each as often as both have it. Long lines are cut into pieces, so that a file without line ends can be
//! compared too. Copies are not detected.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use bstr::{BStr, ByteSlice};

use super::diff::is_binary;
use crate::git::{Entry, Id, Mode};
use crate::path::RepoPath;

/// A pair is a rename from this similarity on, in percent: `-M50%`.
const ALIKE: u64 = 50;
/// A pair with a unique base name is taken before all others are compared from this similarity on, in percent.
const ALIKE_BY_NAME: u64 = 75;
/// The most pairs to compare by similarity alone: git's default for `-l`, squared.
const MOST_PAIRS: usize = 1000 * 1000;
/// The longest piece of a line, in bytes.
const PIECE: usize = 64;

/// A file on one side, with its content if it has one to compare.
pub(super) struct Candidate<'a> {
    pub(super) path: &'a RepoPath,
    pub(super) entry: Entry,
    pub(super) content: &'a [u8],
}

impl Candidate<'_> {
    /// Returns the kind: files are renamed to files, symlinks to symlinks, submodules to submodules.
    const fn kind(&self) -> u32 {
        self.entry.mode.bits() & 0o170_000
    }

    const fn is_file(&self) -> bool {
        matches!(self.entry.mode, Mode::File | Mode::Executable)
    }

    fn name(&self) -> &BStr {
        BStr::new(self.path.file_name())
    }
}

/// A rename: the index of the deleted file, and the similarity in percent.
#[derive(Clone, Copy)]
pub(super) struct Rename {
    pub(super) from: usize,
    pub(super) percent: u8,
}

/// Returns for each added file the deleted file that it came from, if git would name one.
pub(super) fn renames(deleted: &[Candidate<'_>], added: &[Candidate<'_>]) -> Vec<Option<Rename>> {
    let mut pairs = Pairs { deleted, added, found: vec![None; added.len()], gone: vec![false; deleted.len()] };
    pairs.by_id();
    let mut words = Words::default();
    pairs.by_name(&mut words);
    pairs.by_likeness(&mut words);
    pairs.found
}

/// Returns the similarity of two contents in percent; 0 below the limit for a rename.
pub(super) fn likeness(old: &[u8], new: &[u8]) -> u8 {
    let mut words = Words::default();
    words.bag(old).share(&words.bag(new)).filter(|share| share.is_at_least(ALIKE)).map_or(0, Share::percent)
}

struct Pairs<'c> {
    deleted: &'c [Candidate<'c>],
    added: &'c [Candidate<'c>],
    found: Vec<Option<Rename>>,
    /// Whether a deleted file became one of the added ones.
    gone: Vec<bool>,
}

impl<'c> Pairs<'c> {
    fn pair(&mut self, from: usize, to: usize, percent: u8) {
        self.found[to] = Some(Rename { from, percent });
        self.gone[from] = true;
    }

    /// Pairs files with equal content: each added one with the first free deleted one, of the same base name if
    /// possible.
    fn by_id(&mut self) {
        let deleted = self.deleted;
        let mut first: HashMap<(Id, u32), Vec<usize>> = HashMap::new();
        let mut named: HashMap<(Id, u32, &BStr), Vec<usize>> = HashMap::new();
        for (n, file) in deleted.iter().enumerate().rev() {
            first.entry((file.entry.id, file.kind())).or_default().push(n);
            named.entry((file.entry.id, file.kind(), file.name())).or_default().push(n);
        }
        for (to, file) in self.added.iter().enumerate() {
            let (id, kind) = (file.entry.id, file.kind());
            // The lists are ordered from the last to the first; a file taken through one list is skipped in the other.
            let lists = [named.get_mut(&(id, kind, file.name())), first.get_mut(&(id, kind))];
            let from = lists.into_iter().flatten().find_map(|list| {
                while list.last().is_some_and(|n| self.gone[*n]) {
                    list.pop();
                }
                list.pop()
            });
            if let Some(from) = from {
                self.pair(from, to, 100);
            }
        }
    }

    /// Returns the remaining files, by their indexes.
    fn left(&self) -> [Vec<usize>; 2] {
        let deleted = (0..self.deleted.len()).filter(|n| !self.gone[*n] && self.deleted[*n].is_file());
        let added = (0..self.added.len()).filter(|n| self.found[*n].is_none() && self.added[*n].is_file());
        [deleted.collect(), added.collect()]
    }

    /// Pairs files whose base name is unique on their side.
    fn by_name(&mut self, words: &mut Words<'c>) {
        let mut names: BTreeMap<&BStr, [Vec<usize>; 2]> = BTreeMap::new();
        let sides = [self.deleted, self.added];
        for (side, left) in self.left().into_iter().enumerate() {
            for n in left {
                names.entry(sides[side][n].name()).or_default()[side].push(n);
            }
        }
        for [deleted, added] in names.into_values() {
            let ([from], [to]) = (deleted.as_slice(), added.as_slice()) else { continue };
            let [old, new] = [words.bag(self.deleted[*from].content), words.bag(self.added[*to].content)];
            if let Some(share) = old.share(&new).filter(|share| share.is_at_least(ALIKE_BY_NAME)) {
                self.pair(*from, *to, share.percent());
            }
        }
    }

    /// Pairs the remaining files, the most similar first, equal base names before others.
    fn by_likeness(&mut self, words: &mut Words<'c>) {
        let [deleted, added] = self.left();
        if deleted.len().saturating_mul(added.len()) > MOST_PAIRS {
            return;
        }
        let mut bags = |side: &'c [Candidate<'c>], left: &[usize]| -> Vec<Bag> {
            left.iter().map(|n| words.bag(side[*n].content)).collect()
        };
        let (old, new) = (bags(self.deleted, &deleted), bags(self.added, &added));
        let mut likely = Vec::new();
        for (to, new) in added.iter().zip(&new) {
            for (from, old) in deleted.iter().zip(&old) {
                if let Some(share) = old.share(new).filter(|share| share.is_at_least(ALIKE)) {
                    likely.push((share, self.deleted[*from].name() == self.added[*to].name(), *from, *to));
                }
            }
        }
        likely.sort_by(|one, other| other.0.compare(one.0).then(other.1.cmp(&one.1)));
        for (share, _, from, to) in likely {
            if !self.gone[from] && self.found[to].is_none() {
                self.pair(from, to, share.percent());
            }
        }
    }
}

/// Numbers for pieces of lines, so that contents are compared by numbers.
#[derive(Default)]
struct Words<'c>(HashMap<&'c [u8], u32>);

/// The pieces of a content, in the order of their numbers, and how many bytes each has.
struct Bag {
    bytes: Vec<(u32, u64)>,
    size: u64,
}

/// What two contents share: this many bytes of the total.
#[derive(Clone, Copy)]
struct Share {
    common: u64,
    of: u64,
}

impl<'c> Words<'c> {
    /// Splits a content into pieces. DOS line ends make no difference in a text.
    fn bag(&mut self, content: &'c [u8]) -> Bag {
        let text = !is_binary(content);
        let mut all: Vec<(u32, u64)> = Vec::new();
        let mut add = |piece: &'c [u8], bytes: usize| {
            let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
            all.push((*self.0.entry(piece).or_insert(next), bytes as u64));
        };
        for line in content.lines_with_terminator() {
            let Some(bare) = line.strip_suffix(b"\n").filter(|_| text) else {
                line.chunks(PIECE).for_each(|piece| add(piece, piece.len()));
                continue;
            };
            let pieces = bare.strip_suffix(b"\r").unwrap_or(bare).chunks_exact(PIECE);
            let last = pieces.remainder();
            pieces.for_each(|piece| add(piece, PIECE));
            add(last, last.len() + 1);
        }
        all.sort_unstable();
        all.dedup_by(|one, kept| {
            let same = one.0 == kept.0;
            kept.1 += if same { one.1 } else { 0 };
            same
        });
        Bag { bytes: all, size: content.len() as u64 }
    }
}

impl Bag {
    /// Returns the share; `None` when one of them is empty, or their sizes differ by too much for a rename.
    fn share(&self, other: &Bag) -> Option<Share> {
        let [less, of] = [self.size.min(other.size), self.size.max(other.size)];
        if less == 0 || less * 100 < of * ALIKE {
            return None;
        }
        let (mut one, mut two, mut common) = (self.bytes.as_slice(), other.bytes.as_slice(), 0);
        while let ([(word, bytes), rest @ ..], [(other, theirs), others @ ..]) = (one, two) {
            common += if word == other { *bytes.min(theirs) } else { 0 };
            one = if word <= other { rest } else { one };
            two = if other <= word { others } else { two };
        }
        Some(Share { common, of })
    }
}

impl Share {
    const fn is_at_least(&self, percent: u64) -> bool {
        self.common * 100 >= self.of * percent
    }

    /// Compares two shares with any totals.
    fn compare(self, other: Share) -> Ordering {
        let [one, two] = [(self, other), (other, self)].map(|(a, b)| u128::from(a.common) * u128::from(b.of));
        one.cmp(&two)
    }

    fn percent(self) -> u8 {
        u8::try_from(self.common * 100 / self.of).unwrap_or(100)
    }
}
