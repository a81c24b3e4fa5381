//! Proposes how to decide a conflict, with the reason and with how often such proposals were right.
//!
//! The functions here are pure and depend only on the lines of a conflict. Nothing is decided here: a person accepts a
//! proposal, and [`guard()`] says when a person is required. The rules and their rates are those of
//! `docs/conflicts.md`. They were measured on the conflicts of 415 upgrades of public queues, against the maintainers'
//! own results.

mod bumps;
mod choice;
mod file;
mod generated;
mod inserted;
mod merge;
mod renaming;
mod said;
mod touching;
pub(crate) mod words;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use bstr::{BString, ByteSlice};

pub use choice::{Choice, Guard, guard, guard_text};
pub use file::{Action, AdoptedLines, FileRule, FileSuggestion, file, patch};
pub use generated::generated;
pub use inserted::orders;

use super::regions::lines;
use super::text::Hunk;
use crate::path::RepoPath;

/// A proposal for the lines of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The rule that it follows from.
    pub rule: Rule,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why, in one sentence without a full stop, with the words concerned; printable.
    pub reason: String,
    /// The lines to take, line ends included.
    pub text: BString,
}

/// The rules of proposals for a hunk, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Both sides have the same result.
    Same,
    /// Both sides insert, and one has all lines of the other.
    Superset,
    /// The patch overwrites lines in which upstream changed only a number that the patch's lines do not contain.
    OverwrittenBump,
    /// Upstream replaced words, each by one other: the same is done to the patch's lines.
    Renaming,
    /// The two edits touch, and no line is changed by both.
    Adjacent,
    /// No word is changed by both.
    Words,
    /// Upstream renamed words and removed others that the patch replaced: the renaming is applied to the patch's lines.
    RenamingAndRemoval,
}

impl Rule {
    /// All rules.
    pub const ALL: [Rule; 7] = [
        Rule::Same,
        Rule::Superset,
        Rule::OverwrittenBump,
        Rule::Renaming,
        Rule::Adjacent,
        Rule::Words,
        Rule::RenamingAndRemoval,
    ];

    /// Returns the name in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Rule::Same => "same",
            Rule::Superset => "superset",
            Rule::OverwrittenBump => "overwritten-bump",
            Rule::Renaming => "renaming",
            Rule::Adjacent => "adjacent",
            Rule::Words => "words",
            Rule::RenamingAndRemoval => "renaming-and-removal",
        }
    }

    /// Returns how sure its proposals are, by the measured rate.
    #[must_use]
    pub const fn confidence(self) -> Confidence {
        match self {
            Rule::Same | Rule::Superset => Confidence::Sure,
            Rule::OverwrittenBump => Confidence::Likely,
            Rule::Renaming | Rule::Adjacent | Rule::Words | Rule::RenamingAndRemoval => Confidence::Perhaps,
        }
    }
}

/// How sure a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Right two times of three.
    Perhaps,
    /// Right eight times of ten or more.
    Likely,
    /// Right 95 times of 100 or more.
    Sure,
}

impl Confidence {
    /// Returns the name, in data and for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Confidence::Perhaps => "perhaps",
            Confidence::Likely => "likely",
            Confidence::Sure => "sure",
        }
    }
}

/// A rule: returns the reason and the lines, if it applies.
type Apply = fn(&Hunk) -> Option<(String, BString)>;

/// The rules in their order: the surer first. Of equally sure ones renaming comes before edits that touch, because it
/// also applies to words that the patch added.
const RULES: [(Rule, Apply); 7] = [
    (Rule::Same, inserted::same),
    (Rule::Superset, inserted::superset),
    (Rule::OverwrittenBump, bumps::overwritten),
    (Rule::Renaming, renaming::renaming),
    (Rule::Adjacent, touching::adjacent),
    (Rule::Words, touching::word_by_word),
    (Rule::RenamingAndRemoval, renaming::with_removal),
];

/// Returns a proposal for a hunk of the file: that of the first [`Rule`] that applies, `None` if none does, and always
/// `None` for a [`generated`] file. It is never one that [`guard()`] forbids.
#[must_use]
pub fn hunk(path: &RepoPath, hunk: &Hunk) -> Option<Suggestion> {
    if generated(path).is_some() {
        return None;
    }
    RULES.iter().find_map(|(rule, apply)| {
        let (reason, text) = apply(hunk)?;
        let spliced = splices_a_digest(hunk, &text) || doubles_a_line(hunk, &text);
        let wrong = has_marker(&text) || spliced || guard_text(path, hunk, &text).is_err();
        (!wrong).then(|| Suggestion { rule: *rule, confidence: rule.confidence(), reason, text })
    })
}

/// Checks whether a line looks like a conflict marker that was left over. (`=======` alone underlines titles.)
#[must_use]
pub fn has_marker(text: &[u8]) -> bool {
    let markers: [&[u8]; 3] = [b"<<<<<<<", b"|||||||", b">>>>>>>"];
    text.lines().any(|line| markers.iter().any(|marker| line.starts_with(marker)))
}

/// Checks whether a line occurs more often than on any side: lines added by both sides may be the same one.
fn doubles_a_line(hunk: &Hunk, text: &[u8]) -> bool {
    let speaks = |line: &[u8]| words::words(line).iter().any(|word| word.speaks());
    let sides = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| counted(&side.text));
    counted(text).into_iter().any(|(line, count)| {
        let most = sides.iter().filter_map(|side| side.get(line).copied()).max();
        count > most.unwrap_or(1) && speaks(line)
    })
}

/// Returns how often each line occurs in a text.
fn counted(text: &[u8]) -> HashMap<&[u8], usize> {
    let mut counts = HashMap::new();
    for line in lines(text) {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

/// Checks whether a line with a digest is neither upstream's nor the patch's: a digest belongs to the rest of its line.
fn splices_a_digest(hunk: &Hunk, text: &[u8]) -> bool {
    let known = |line: &[u8]| [&hunk.upstream, &hunk.patch].iter().any(|side| lines(&side.text).contains(&line));
    let has_digest = |line: &[u8]| words::words(line).iter().any(|word| word.kind == words::Kind::Digest);
    lines(text).into_iter().any(|line| has_digest(line) && !known(line))
}
