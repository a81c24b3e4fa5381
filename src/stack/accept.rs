//! Decides conflicts by rules that the user agreed to beforehand (`refresh --accept`), for unattended runs.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::rc::Rc;

use bstr::BString;
use globset::GlobSet;

use super::conflict::{Conflict, ConflictKind};
use super::reason::{DecidedBy, DecisionReason};
use super::resolve::{Answer, At, Resolution, Resolver, first_answer};
use super::suggest::{self, Choice};
use super::text::Hunk;

/// A way to decide; each decision also names the rule that it was made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptRule {
    /// The proposal, if there is one.
    Suggested,
    /// The patch's version.
    Patch,
    /// Upstream's version.
    Upstream,
    /// What a person decided earlier about the same lines.
    Remembered,
}

/// Decisions that people made earlier. For one hunk the answer must stay the same within a run.
pub trait Recall: fmt::Debug {
    /// Returns the decision about the texts of `hunk` at this path, if it may be used without asking again.
    fn recall(&self, at: At<'_>, hunk: &Hunk) -> Option<Recalled>;
}

/// An earlier decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// The chosen lines, line ends included.
    pub text: BString,
    /// Who decided it, when and for what, in a sentence without a full stop; printable.
    pub reason: String,
}

impl AcceptRule {
    /// All of them.
    pub const ALL: [AcceptRule; 4] =
        [AcceptRule::Remembered, AcceptRule::Suggested, AcceptRule::Patch, AcceptRule::Upstream];

    /// Returns the name on the command line and in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            AcceptRule::Remembered => "remembered",
            AcceptRule::Suggested => "suggested",
            AcceptRule::Patch => "patch",
            AcceptRule::Upstream => "upstream",
        }
    }

    /// Returns the reason for taking the lines of an accepted side; empty for the other ways.
    pub(super) const fn lines_sentence(self) -> &'static str {
        match self {
            AcceptRule::Patch => "the patch's lines, as agreed",
            AcceptRule::Upstream => "upstream's lines, as agreed",
            AcceptRule::Remembered | AcceptRule::Suggested => "",
        }
    }

    /// Returns the same for a file.
    pub(super) const fn version_sentence(self) -> &'static str {
        match self {
            AcceptRule::Patch => "the patch's version, as agreed",
            AcceptRule::Upstream => "upstream's version, as agreed",
            AcceptRule::Remembered | AcceptRule::Suggested => "",
        }
    }
}

/// What the user agreed to.
#[derive(Debug, Clone, Default)]
pub struct Accept {
    /// The ways in the order in which they are tried.
    pub ways: Vec<AcceptRule>,
    /// The patches (by name) and the paths that may be decided; `None`: all.
    pub only: Option<(BTreeSet<String>, GlobSet)>,
    /// Patches that may leave the queue when a merge leaves nothing of them.
    pub may_drop: BTreeSet<String>,
    /// The source for [`AcceptRule::Remembered`]; `None`: nothing is remembered.
    pub memory: Option<Rc<dyn Recall>>,
}

impl Accept {
    fn covers(&self, at: At<'_>) -> bool {
        let path = at.path.below(Path::new(""));
        self.only.as_ref().is_none_or(|(patches, paths)| patches.contains(at.patch) || paths.is_match(path))
    }

    /// Returns what a person decided earlier. That person saw the lines, so only one guard applies: the text of a
    /// generated file is never taken unattended.
    fn remembered(&self, at: At<'_>, hunk: &Hunk) -> Answer<BString> {
        let Some(found) = self.memory.as_ref().and_then(|memory| memory.recall(at, hunk)) else {
            return Answer::Unresolved;
        };
        match suggest::generated(at.path) {
            Some(what) => Answer::Declined(suggest::Guard::Generated { what }.to_string()),
            None => Answer::Resolved {
                take: found.text,
                by: DecidedBy::Accepted(AcceptRule::Remembered),
                reason: DecisionReason::Ours(found.reason),
            },
        }
    }

    /// Returns the first answer of the ways that may decide at `at`.
    fn first<T>(&self, at: At<'_>, answer: impl Fn(AcceptRule) -> Answer<T>) -> Answer<T> {
        first_answer(self.ways.iter().filter(|_| self.covers(at)).map(|way| answer(*way)))
    }
}

impl Resolver for Accept {
    fn hunk(&self, at: At<'_>, hunk: &Hunk) -> Answer<BString> {
        let side = |choice: Choice, text: &BString, way: AcceptRule| match suggest::guard(at.path, hunk, choice) {
            Err(guard) => Answer::Declined(guard.to_string()),
            Ok(()) => Answer::Resolved {
                take: text.clone(),
                by: DecidedBy::Accepted(way),
                reason: DecisionReason::Ours(way.lines_sentence().to_owned()),
            },
        };
        self.first(at, |way| match way {
            AcceptRule::Suggested => match suggest::hunk(at.path, hunk) {
                Some(found) => {
                    let (by, reason) = (DecidedBy::Rule(found.rule), DecisionReason::Ours(found.reason));
                    Answer::Resolved { take: found.text, by, reason }
                }
                None => Answer::Unresolved,
            },
            AcceptRule::Patch => side(Choice::Patch, &hunk.patch.text, way),
            AcceptRule::Upstream => side(Choice::Upstream, &hunk.upstream.text, way),
            AcceptRule::Remembered => self.remembered(at, hunk),
        })
    }

    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Resolution> {
        if conflict.text.is_some() || !has_versions(conflict.kind) {
            return Answer::Unresolved;
        }
        let side = |take: Resolution, way: AcceptRule| match suggest::generated(at.path) {
            Some(what) => Answer::Declined(suggest::Guard::Generated { what }.to_string()),
            None => Answer::Resolved {
                take,
                by: DecidedBy::Accepted(way),
                reason: DecisionReason::Ours(way.version_sentence().to_owned()),
            },
        };
        self.first(at, |way| match way {
            AcceptRule::Suggested => match suggest::file(conflict, None) {
                Some(found) => Answer::Resolved {
                    take: match found.action {
                        suggest::Action::Delete => Resolution::Patch,
                        suggest::Action::Drop => Resolution::Upstream,
                    },
                    by: DecidedBy::FileRule(found.rule),
                    reason: DecisionReason::Ours(found.reason),
                },
                None => Answer::Unresolved,
            },
            AcceptRule::Patch => side(Resolution::Patch, way),
            AcceptRule::Upstream => side(Resolution::Upstream, way),
            // Only lines are remembered: other conflicts have no text by which they could be recognized.
            AcceptRule::Remembered => Answer::Unresolved,
        })
    }

    fn may_drop(&self, patch: &str) -> bool {
        self.may_drop.contains(patch)
    }
}

/// Checks for conflicts in which one side's version can be taken. If a path has no place in the tree, or may have
/// moved, more must be decided than the side.
fn has_versions(kind: ConflictKind) -> bool {
    matches!(
        kind,
        ConflictKind::ModifyDelete
            | ConflictKind::AddAdd
            | ConflictKind::Binary
            | ConflictKind::Mode
            | ConflictKind::Type
            | ConflictKind::Content
    )
}
