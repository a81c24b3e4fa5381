//! The decisions of a session, and how they answer the engine.

use std::collections::{BTreeMap, BTreeSet};

use bstr::BString;

use crate::path::RepoPath;
use crate::stack::{
    Answer, At, Conflict, Decided, DecidedBy, Decision, DecisionReason, Hunk, PatchOutcome, Rebased, Resolution,
    Resolver, trusted_for_join, trusted_for_lines, trusted_for_path,
};
use crate::workspace::files::digest::{FilesDigest, Sum};

/// A decision of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDecision {
    /// The patch file's name.
    pub patch: String,
    /// The question and the answer.
    pub about: About,
    /// By what it was decided.
    pub by: DecidedBy,
    /// The reason; for a dropped patch the one that was given. Words from a file count as quoted.
    pub reason: DecisionReason,
    /// The number of the decision, from 1; 0: no one was asked.
    pub order: u32,
}

/// The question and the answer of a session's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The patch leaves the queue.
    Dropped {
        /// The digest of its file: the decision does not apply to a patch with other bytes.
        file: Sum,
    },
    /// A path of it is decided.
    Path(Decided),
}

impl SessionDecision {
    /// Makes a decision of a person.
    #[must_use]
    pub fn by_hand(patch: &str, about: About, reason: DecisionReason) -> SessionDecision {
        SessionDecision { patch: patch.to_owned(), about, by: DecidedBy::Hand, reason, order: 0 }
    }

    /// Returns the question, in the order of the file: one question has one decision.
    #[must_use]
    pub fn question(&self) -> QuestionKey<'_> {
        let subject = match &self.about {
            About::Dropped { .. } => Subject::Patch,
            About::Path(Decided::Whole { .. }) => Subject::Whole,
            About::Path(Decided::Lines { hunk, .. }) => Subject::Lines(hunk.texts(), hunk.nth),
            About::Path(Decided::Joined(_)) => Subject::Joined,
        };
        QuestionKey { patch: &self.patch, path: self.path(), subject }
    }

    /// Returns the reason, as far as it can be trusted without the files.
    #[must_use]
    pub fn why(&self) -> DecisionReason {
        let (by, reason) = (self.by, &self.reason);
        match &self.about {
            About::Dropped { .. } => self.reason.clone(),
            About::Path(Decided::Whole { take, .. }) => trusted_for_path(by, reason, None, take).1,
            About::Path(Decided::Lines { path, hunk, text }) => trusted_for_lines(by, reason, path, hunk, text).1,
            About::Path(Decided::Joined(_)) => trusted_for_join(by, reason).1,
        }
    }

    /// Returns the path; `None`: the decision is about the patch.
    #[must_use]
    pub fn path(&self) -> Option<&RepoPath> {
        match &self.about {
            About::Dropped { .. } => None,
            About::Path(decided) => Some(decided.path()),
        }
    }

    /// Checks whether `other` decides the same question of the same patch in the same way.
    #[must_use]
    pub fn is_same(&self, other: &SessionDecision) -> bool {
        let same = match (&self.about, &other.about) {
            (About::Path(one), About::Path(other)) => one.is_same(other),
            (one, other) => one == other,
        };
        self.patch == other.patch && same
    }
}

/// The key of a question in a session, ordered as in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuestionKey<'d> {
    patch: &'d str,
    path: Option<&'d RepoPath>,
    subject: Subject<'d>,
}

/// The subject of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject<'d> {
    /// The patch.
    Patch,
    /// A path as a whole.
    Whole,
    /// Lines: base, upstream and patch, and the number among hunks with these texts.
    Lines([&'d BString; 3], usize),
    /// A path beyond the conflicts.
    Joined,
}

/// Decisions, as many as there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions(pub Vec<SessionDecision>);

impl Decisions {
    /// Adds `decision`, and replaces an earlier one about the same question.
    pub fn put(&mut self, decision: SessionDecision) {
        self.0.retain(|old| old.question() != decision.question());
        self.0.push(decision);
    }

    /// Returns the number of a person's last decision; 0: there is none.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.0.iter().map(|decision| decision.order).max().unwrap_or(0)
    }

    /// Returns the number of a person's last decision that was applied in `rebased`; 0: there is none.
    #[must_use]
    pub fn last_applied(&self, rebased: &Rebased) -> u32 {
        let unused = self.unused(rebased);
        let applies = |one: &&SessionDecision| !unused.iter().any(|other| std::ptr::eq(*other, *one));
        self.0.iter().filter(applies).map(|one| one.order).max().unwrap_or(0)
    }

    /// Removes the decision with the number `order`, or several that were made together.
    pub fn take_back(&mut self, order: u32) -> Vec<SessionDecision> {
        let (back, kept) = std::mem::take(&mut self.0).into_iter().partition(|one| order > 0 && one.order == order);
        self.0 = kept;
        back
    }

    /// Adds the decisions in `rebased` that were made without asking, so that they stay the same when rules or memory
    /// change.
    pub fn keep(&mut self, rebased: &Rebased) {
        for decision in applied(rebased) {
            if !self.0.iter().any(|known| known.is_same(&decision)) {
                self.put(decision);
            }
        }
    }

    /// Returns the decisions that were not applied in `rebased` although their patch waits for nothing: the question
    /// has changed, or is not asked any more. Decisions about lines of a path that was later decided as a whole count
    /// as applied.
    #[must_use]
    pub fn unused(&self, rebased: &Rebased) -> Vec<&SessionDecision> {
        let applied: Vec<SessionDecision> = applied(rebased).collect();
        let answered: BTreeSet<QuestionKey<'_>> = applied.iter().map(SessionDecision::question).collect();
        let of_paths = applied.iter().filter(|one| !matches!(one.about, About::Path(Decided::Lines { .. })));
        let paths: BTreeSet<(&str, Option<&RepoPath>)> = of_paths.map(|one| (one.patch.as_str(), one.path())).collect();
        let patches: BTreeMap<&str, &PatchOutcome> =
            rebased.patches.iter().map(|patch| (patch.name.as_str(), patch)).collect();
        let unused = |decision: &&SessionDecision| match patches.get(decision.patch.as_str()) {
            None => true,
            Some(patch) if patch.dropped.is_some() => false,
            Some(_) if matches!(decision.about, About::Dropped { .. }) => true,
            // The question may appear once the patch no longer waits.
            Some(patch) if patch.files.iter().any(|file| file.waits_for.is_some()) => false,
            Some(_) if answered.contains(&decision.question()) => false,
            Some(_) => {
                let lines = matches!(decision.about, About::Path(Decided::Lines { .. }));
                !(lines && paths.contains(&(decision.patch.as_str(), decision.path())))
            }
        };
        self.0.iter().filter(unused).collect()
    }

    /// Returns those that may apply to the files with this digest: a dropped patch with other bytes is left out.
    #[must_use]
    pub fn for_files(&self, files: &FilesDigest) -> Decisions {
        let holds = |one: &&SessionDecision| match &one.about {
            About::Dropped { file } => files.files.get(&one.patch) == Some(file),
            _ => true,
        };
        Decisions(self.0.iter().filter(holds).cloned().collect())
    }

    fn of<'d>(&'d self, patch: &'d str) -> impl Iterator<Item = &'d SessionDecision> {
        self.0.iter().filter(move |decision| decision.patch == patch)
    }
}

/// Returns the decisions of a run; no one was asked about them here.
fn applied(rebased: &Rebased) -> impl Iterator<Item = SessionDecision> {
    rebased.patches.iter().flat_map(|patch| {
        patch.files.iter().flat_map(|file| {
            file.decided.iter().map(|Decision { what, by, reason }| SessionDecision {
                patch: patch.name.clone(),
                about: About::Path(what.clone()),
                by: *by,
                reason: reason.clone(),
                order: 0,
            })
        })
    })
}

impl Resolver for Decisions {
    fn drop_reason(&self, patch: &str) -> Option<String> {
        self.of(patch).find(|one| matches!(one.about, About::Dropped { .. })).map(|one| one.reason.words().to_owned())
    }

    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Resolution> {
        let found = self.of(at.patch).find_map(|one| match &one.about {
            About::Path(Decided::Whole { path, sides, take }) if path == at.path && *sides == conflict.sides => {
                Some((one, take.clone()))
            }
            _ => None,
        });
        found.map_or(Answer::Unresolved, |(one, take)| {
            let (by, reason) = trusted_for_path(one.by, &one.reason, Some(conflict), &take);
            Answer::Resolved { take, by, reason }
        })
    }

    fn hunk(&self, at: At<'_>, hunk: &Hunk) -> Answer<BString> {
        let found = self.of(at.patch).find_map(|one| match &one.about {
            About::Path(Decided::Lines { path, hunk: known, text }) if path == at.path && known.nth == hunk.nth => {
                (hunk.has_texts(known.texts()) && hunk.takes(text, &known.alike)).then(|| (one, text.clone()))
            }
            _ => None,
        });
        found.map_or(Answer::Unresolved, |(one, take)| {
            let (by, reason) = trusted_for_lines(one.by, &one.reason, at.path, hunk, &take);
            Answer::Resolved { take, by, reason }
        })
    }

    fn may_drop(&self, _: &str) -> bool {
        false
    }

    fn extra_changes(&self, patch: &str) -> Vec<Decision> {
        let joined = self.of(patch).filter_map(|one| match &one.about {
            About::Path(Decided::Joined(join)) => {
                let (by, reason) = trusted_for_join(one.by, &one.reason);
                Some(Decision { what: Decided::Joined(join.clone()), by, reason })
            }
            _ => None,
        });
        joined.collect()
    }
}
