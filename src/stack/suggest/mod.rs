//! How a conflict may be decided: a proposal with its reason and how often such proposals were right.
//!
//! Pure functions over the lines of a conflict. Nothing here decides anything: a proposal is for somebody who says yes, and
//! [`guard()`] says where nobody may be left out. The rules and their rates are those of `docs/conflicts.md`, measured on the
//! conflicts of 415 upgrades of public queues: what the maintainers made of them afterwards.

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
    /// What it follows from.
    pub rule: Rule,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why, in one sentence without a full stop, naming the words concerned; printable.
    pub reason: String,
    /// The lines to take, line ends included.
    pub text: BString,
}

/// What a proposal for a hunk follows from, in the order in which they are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Both sides made the same of it.
    Same,
    /// Both sides insert, and the one has all lines of the other.
    Superset,
    /// The patch overwrites lines in which upstream changed only a number that the patch's lines do not hold.
    OverwrittenBump,
    /// Upstream replaced words by others, each by one: the same is done to the patch's lines.
    Renaming,
    /// The two edits touch, and no line is changed by both.
    Adjacent,
    /// No word is changed by both.
    Words,
    /// Upstream renamed words and removed others that the patch replaced: the renaming is done to the patch's lines.
    RenamingAndRemoval,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 7] = [
        Rule::Same,
        Rule::Superset,
        Rule::OverwrittenBump,
        Rule::Renaming,
        Rule::Adjacent,
        Rule::Words,
        Rule::RenamingAndRemoval,
    ];

    /// Its word in data.
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

    /// How sure its proposals are, by the measured rate.
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
    /// Its word, in data and for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Confidence::Perhaps => "perhaps",
            Confidence::Likely => "likely",
            Confidence::Sure => "sure",
        }
    }
}

/// A rule: the reason and the lines, where it applies.
type Apply = fn(&Hunk) -> Option<(String, BString)>;

/// The rules in their order: the surer first; of those that are equally sure a renaming before the two edits that touch,
/// because it also reaches the words that the patch added.
const RULES: [(Rule, Apply); 7] = [
    (Rule::Same, inserted::same),
    (Rule::Superset, inserted::superset),
    (Rule::OverwrittenBump, bumps::overwritten),
    (Rule::Renaming, renaming::renaming),
    (Rule::Adjacent, touching::adjacent),
    (Rule::Words, touching::word_by_word),
    (Rule::RenamingAndRemoval, renaming::with_removal),
];

/// A proposal for a hunk of the file: that of the first [`Rule`] that applies, `None` where none does, and always `None` for
/// a [`generated`] file. Never what [`guard()`] forbids.
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

/// Checks whether a line stands there more often than on any side: what both brought may be one.
fn doubles_a_line(hunk: &Hunk, text: &[u8]) -> bool {
    let speaks = |line: &[u8]| words::words(line).iter().any(|word| word.speaks());
    let sides = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| counted(&side.text));
    counted(text).into_iter().any(|(line, count)| {
        let most = sides.iter().filter_map(|side| side.get(line).copied()).max();
        count > most.unwrap_or(1) && speaks(line)
    })
}

/// How often each line stands in a text.
fn counted(text: &[u8]) -> HashMap<&[u8], usize> {
    let mut counts = HashMap::new();
    for line in lines(text) {
        *counts.entry(line).or_default() += 1;
    }
    counts
}

/// Checks whether a line with a digest is neither upstream's nor the patch's: a digest belongs to what its line names.
fn splices_a_digest(hunk: &Hunk, text: &[u8]) -> bool {
    let known = |line: &[u8]| [&hunk.upstream, &hunk.patch].iter().any(|side| lines(&side.text).contains(&line));
    let has_digest = |line: &[u8]| words::words(line).iter().any(|word| word.kind == words::Kind::Digest);
    lines(text).into_iter().any(|line| has_digest(line) && !known(line))
}
