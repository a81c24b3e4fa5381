//! Records by what something was decided, and why: in patchq's own words, which no one else can forge, or in the words
//! of others, which are always shown as quoted.

use std::fmt;

use bstr::BString;

use super::accept::AcceptRule;
use super::conflict::Conflict;
use super::resolve::Resolution;
use super::suggest::{self, Action, Choice, FileRule, Rule};
use super::text::Hunk;
use crate::path::{RepoPath, printable};

/// How a person made a text that no key selects.
pub const EDITED: &str = "edited in an editor";
/// The same for a merge tool.
pub const MERGED: &str = "merged with the merge tool";
/// The same for the checkout.
pub const IN_THE_CHECKOUT: &str = "decided in the checkout";

/// Reasons that are valid for any text made by a person: they say nothing about the text.
const MADE: [&str; 3] = [EDITED, MERGED, IN_THE_CHECKOUT];

/// By what something was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy {
    /// By a person who was asked.
    Hand,
    /// By a rule agreed to beforehand: one side, or a remembered decision.
    Accepted(AcceptRule),
    /// By a proposal for lines.
    Rule(Rule),
    /// By a proposal for a file.
    FileRule(FileRule),
    /// By a session file whose statement about it is not true.
    Session,
}

impl DecidedBy {
    /// Returns the name in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            DecidedBy::Hand => "hand",
            DecidedBy::Accepted(way) => way.word(),
            DecidedBy::Rule(rule) => rule.word(),
            DecidedBy::FileRule(rule) => rule.word(),
            DecidedBy::Session => "session",
        }
    }

    /// Returns the value with this name; `None` when there is none.
    #[must_use]
    pub fn of_word(word: &str) -> Option<DecidedBy> {
        let agreed = AcceptRule::ALL.into_iter().filter(|way| *way != AcceptRule::Suggested).map(DecidedBy::Accepted);
        let rules =
            Rule::ALL.into_iter().map(DecidedBy::Rule).chain(FileRule::ALL.into_iter().map(DecidedBy::FileRule));
        [DecidedBy::Hand, DecidedBy::Session].into_iter().chain(agreed).chain(rules).find(|by| by.word() == word)
    }
}

/// Why something was decided, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecisionReason {
    /// In patchq's words; all parts from elsewhere are printable.
    Ours(String),
    /// In the words of another: a person, or a file from a person.
    Quoted(String),
}

impl DecisionReason {
    /// Returns the words as they came; they may be anything.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            DecisionReason::Ours(words) | DecisionReason::Quoted(words) => words,
        }
    }
}

impl fmt::Display for DecisionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecisionReason::Ours(words) => f.write_str(&printable(words.as_bytes())),
            DecisionReason::Quoted(words) => write!(f, "'{}'", printable(words.as_bytes())),
        }
    }
}

/// Returns the part that can be trusted of the stated reason for taking `text` for the lines of `hunk` at `path`. Words
/// from outside this process count as patchq's only if patchq gives them for exactly this text.
#[must_use]
pub fn trusted_for_lines(
    by: DecidedBy,
    because: &DecisionReason,
    path: &RepoPath,
    hunk: &Hunk,
    text: &BString,
) -> (DecidedBy, DecisionReason) {
    trusted(by, because, |words| match by {
        DecidedBy::Hand => {
            let taken = |choice: &Choice| choice.said() == words && choice.text(hunk) == *text;
            MADE.contains(&words) || Choice::ALL.iter().any(taken)
        }
        DecidedBy::Accepted(AcceptRule::Patch) => {
            words == AcceptRule::Patch.lines_sentence() && *text == hunk.patch.text
        }
        DecidedBy::Accepted(AcceptRule::Upstream) => {
            words == AcceptRule::Upstream.lines_sentence() && *text == hunk.upstream.text
        }
        DecidedBy::Rule(rule) => suggest::hunk(path, hunk)
            .is_some_and(|found| found.rule == rule && found.text == *text && found.reason == words),
        DecidedBy::Accepted(AcceptRule::Remembered | AcceptRule::Suggested)
        | DecidedBy::FileRule(_)
        | DecidedBy::Session => false,
    })
}

/// Returns the same for the decision to take `take` for the path of `conflict` (`None`: it is not available, and no
/// rule is trusted).
#[must_use]
pub fn trusted_for_path(
    by: DecidedBy,
    because: &DecisionReason,
    conflict: Option<&Conflict>,
    take: &Resolution,
) -> (DecidedBy, DecisionReason) {
    trusted(by, because, |words| match by {
        DecidedBy::Hand => take.said().map_or(MADE.contains(&words), |said| said == words),
        DecidedBy::Accepted(way) => {
            let side = matches!(
                (way, take),
                (AcceptRule::Patch, Resolution::Patch) | (AcceptRule::Upstream, Resolution::Upstream)
            );
            side && words == way.version_sentence()
        }
        DecidedBy::FileRule(rule) => conflict.and_then(|conflict| suggest::file(conflict, None)).is_some_and(|found| {
            let same = match found.action {
                Action::Delete => *take == Resolution::Patch,
                Action::Drop => *take == Resolution::Upstream,
            };
            same && found.rule == rule && found.reason == words
        }),
        DecidedBy::Rule(_) | DecidedBy::Session => false,
    })
}

/// Returns the same for a path that joined a patch.
#[must_use]
pub fn trusted_for_join(by: DecidedBy, because: &DecisionReason) -> (DecidedBy, DecisionReason) {
    trusted(by, because, |words| by == DecidedBy::Hand && MADE.contains(&words))
}

fn trusted(by: DecidedBy, because: &DecisionReason, is_ours: impl FnOnce(&str) -> bool) -> (DecidedBy, DecisionReason) {
    match because {
        DecisionReason::Ours(_) => (by, because.clone()),
        DecisionReason::Quoted(words) if is_ours(words) => (by, DecisionReason::Ours(words.clone())),
        DecisionReason::Quoted(_) if matches!(by, DecidedBy::Hand | DecidedBy::Session) => (by, because.clone()),
        // A rule of patchq did not decide it, or this cannot be checked.
        DecisionReason::Quoted(words) => {
            (DecidedBy::Session, DecisionReason::Quoted(format!("{}: {words}", by.word())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back() {
        for rule in Rule::ALL {
            assert_eq!(DecidedBy::of_word(rule.word()), Some(DecidedBy::Rule(rule)));
        }
        for by in [
            DecidedBy::Hand,
            DecidedBy::Session,
            DecidedBy::Accepted(AcceptRule::Remembered),
            DecidedBy::FileRule(FileRule::UpstreamDeleted),
        ] {
            assert_eq!(DecidedBy::of_word(by.word()), Some(by));
        }
        // Accepting proposals is not a rule: each decision names its own.
        assert_eq!(
            (DecidedBy::of_word("suggested"), DecidedBy::of_word("Hand"), DecidedBy::of_word("")),
            (None, None, None)
        );
    }

    #[test]
    fn words_of_others_stand_in_quotes() {
        assert_eq!(DecisionReason::Ours("the patch's lines".into()).to_string(), "the patch's lines");
        assert_eq!(DecisionReason::Quoted("a\u{1b}[2J\nb".into()).to_string(), "'a\\x1b[2J\\nb'");
    }
}
