//! By what something was decided, and why: patchq's own words, which nobody else can put into its mouth, and the words of others,
//! which are never shown but as such.

use std::fmt;

use bstr::BString;

use super::accept::Way;
use super::conflict::Conflict;
use super::resolve::Take;
use super::suggest::{self, Action, Choice, FileRule, Rule};
use super::text::Hunk;
use crate::path::{RepoPath, printable};

/// How a person came to a text that no key takes.
pub const EDITED: &str = "edited in an editor";
/// The same.
pub const MERGED: &str = "merged with the merge tool";
/// The same.
pub const IN_THE_CHECKOUT: &str = "decided in the checkout";

/// What may be said of any text that a person made: it says nothing of the text.
const MADE: [&str; 3] = [EDITED, MERGED, IN_THE_CHECKOUT];

/// By what something was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By a person who saw the question.
    Hand,
    /// By what was agreed to beforehand: one side, or what is remembered.
    Agreed(Way),
    /// By a proposal for lines.
    Rule(Rule),
    /// By a proposal for a file.
    FileRule(FileRule),
    /// By a session's file, which says of it what is not so.
    Session,
}

impl By {
    /// Its word in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            By::Hand => "hand",
            By::Agreed(way) => way.word(),
            By::Rule(rule) => rule.word(),
            By::FileRule(rule) => rule.word(),
            By::Session => "session",
        }
    }

    /// What has this word; `None`: nothing.
    #[must_use]
    pub fn of_word(word: &str) -> Option<By> {
        let agreed = Way::ALL.into_iter().filter(|way| *way != Way::Suggested).map(By::Agreed);
        let rules = Rule::ALL.into_iter().map(By::Rule).chain(FileRule::ALL.into_iter().map(By::FileRule));
        [By::Hand, By::Session].into_iter().chain(agreed).chain(rules).find(|by| by.word() == word)
    }
}

/// Why something was decided, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// In patchq's words; of what comes from elsewhere in them every piece is printable.
    Ours(String),
    /// In the words of somebody else: a person, or a file that came from one.
    Quoted(String),
}

impl Because {
    /// The words as they came, which may be anything.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Because::Ours(words) | Because::Quoted(words) => words,
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Ours(words) => f.write_str(&printable(words.as_bytes())),
            Because::Quoted(words) => write!(f, "'{}'", printable(words.as_bytes())),
        }
    }
}

/// What was said of the decision to take `text` for the lines of `hunk` at `path`, as far as it is to be believed: words that are
/// none of this process's stay patchq's only where patchq says them of this very text.
#[must_use]
pub fn believed_of_lines((by, because): (By, &Because), path: &RepoPath, hunk: &Hunk, text: &BString) -> (By, Because) {
    believed(by, because, |words| match by {
        By::Hand => {
            let taken = |choice: &Choice| choice.said() == words && choice.text(hunk) == *text;
            MADE.contains(&words) || Choice::ALL.iter().any(taken)
        }
        By::Agreed(Way::Patch) => words == Way::Patch.lines_sentence() && *text == hunk.patch.text,
        By::Agreed(Way::Upstream) => words == Way::Upstream.lines_sentence() && *text == hunk.upstream.text,
        By::Rule(rule) => suggest::hunk(path, hunk)
            .is_some_and(|found| found.rule == rule && found.text == *text && found.reason == words),
        By::Agreed(Way::Remembered | Way::Suggested) | By::FileRule(_) | By::Session => false,
    })
}

/// The same of the decision to take `take` for the path of `conflict` (`None`: it is not at hand, and no rule is believed).
#[must_use]
pub fn believed_of_path((by, because): (By, &Because), conflict: Option<&Conflict>, take: &Take) -> (By, Because) {
    believed(by, because, |words| match by {
        By::Hand => take.said().map_or(MADE.contains(&words), |said| said == words),
        By::Agreed(way) => {
            let side = matches!((way, take), (Way::Patch, Take::Patch) | (Way::Upstream, Take::Upstream));
            side && words == way.version_sentence()
        }
        By::FileRule(rule) => conflict.and_then(|conflict| suggest::file(conflict, None)).is_some_and(|found| {
            let same = match found.action {
                Action::Delete => *take == Take::Patch,
                Action::Drop => *take == Take::Upstream,
            };
            same && found.rule == rule && found.reason == words
        }),
        By::Rule(_) | By::Session => false,
    })
}

/// The same of a path that joined a patch.
#[must_use]
pub fn believed_of_join((by, because): (By, &Because)) -> (By, Because) {
    believed(by, because, |words| by == By::Hand && MADE.contains(&words))
}

fn believed(by: By, because: &Because, is_ours: impl FnOnce(&str) -> bool) -> (By, Because) {
    match because {
        Because::Ours(_) => (by, because.clone()),
        Because::Quoted(words) if is_ours(words) => (by, Because::Ours(words.clone())),
        Because::Quoted(_) if matches!(by, By::Hand | By::Session) => (by, because.clone()),
        // That a rule of patchq's decided it is not so, or cannot be known.
        Because::Quoted(words) => (By::Session, Because::Quoted(format!("{}: {words}", by.word()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        for rule in Rule::ALL {
            assert_eq!(By::of_word(rule.word()), Some(By::Rule(rule)));
        }
        for by in [By::Hand, By::Session, By::Agreed(Way::Remembered), By::FileRule(FileRule::UpstreamDeleted)] {
            assert_eq!(By::of_word(by.word()), Some(by));
        }
        // To agree to proposals is no rule: each decision names its own.
        assert_eq!((By::of_word("suggested"), By::of_word("Hand"), By::of_word("")), (None, None, None));
    }

    #[test]
    fn words_of_others_stand_in_quotes() {
        assert_eq!(Because::Ours("the patch's lines".into()).to_string(), "the patch's lines");
        assert_eq!(Because::Quoted("a\u{1b}[2J\nb".into()).to_string(), "'a\\x1b[2J\\nb'");
    }
}
