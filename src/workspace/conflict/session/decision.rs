//! A decision of a session, and how decisions answer the engine.

use std::collections::{BTreeMap, BTreeSet};

use bstr::BString;

use crate::path::RepoPath;
use crate::stack::{
    Answer, At, Conflict, Decided, DecidedBy, DecisionReason, Hunk, Join, Lines, PatchOutcome, Rebased, Resolution,
    Resolver, Sides, What, trusted_for_join, trusted_for_lines, trusted_for_path,
};
use crate::workspace::files::digest::{FilesDigest, Sum};

/// A decision about a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The patch file's name.
    pub patch: String,
    /// What was decided.
    pub about: About,
    /// By what.
    pub by: DecidedBy,
    /// Why; of a patch that leaves the queue the reason that was given. What was read from a file is a quotation.
    pub reason: DecisionReason,
    /// Which one it was, from 1; 0: nobody was asked.
    pub order: u32,
}

/// What a decision is about, and what it is. Each says itself what was decided about, so that it holds where that is still the
/// question, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The patch leaves the queue.
    Leaves {
        /// The digest of its file.
        file: Sum,
    },
    /// A path as a whole.
    Whole {
        /// The path on the new pin.
        path: RepoPath,
        /// What it is on the three sides.
        sides: Sides,
        /// What becomes of it.
        take: Resolution,
    },
    /// Lines that both sides changed.
    Lines {
        /// The path on the new pin.
        path: RepoPath,
        /// The lines of base, upstream and patch.
        texts: [BString; 3],
        /// So many hunks before it in the file have the same lines.
        nth: usize,
        /// The lines before and behind these that upstream and the patch both brought.
        alike: [BString; 2],
        /// The lines that are taken.
        text: BString,
    },
    /// A path that was changed by hand beyond the conflicts.
    Joined(Join),
}

impl Decision {
    /// A decision that a person made at once, not by a rule.
    #[must_use]
    pub fn by_hand(patch: &str, about: About, reason: DecisionReason) -> Decision {
        Decision { patch: patch.to_owned(), about, by: DecidedBy::Hand, reason, order: 0 }
    }

    /// What it answers, in the order of the file: one question has one decision.
    #[must_use]
    pub fn question(&self) -> QuestionKey<'_> {
        let (kind, lines) = match &self.about {
            About::Leaves { .. } => (0, None),
            About::Whole { .. } => (1, None),
            About::Lines { texts, nth, .. } => (2, Some((texts, *nth))),
            About::Joined(_) => (3, None),
        };
        (self.patch.as_str(), self.path(), kind, lines)
    }

    /// Why, as far as it is to be believed without a look at the files.
    #[must_use]
    pub fn why(&self) -> DecisionReason {
        let (by, reason) = (self.by, &self.reason);
        match &self.about {
            About::Leaves { .. } => self.reason.clone(),
            About::Whole { take, .. } => trusted_for_path(by, reason, None, take).1,
            About::Lines { path, texts, nth, alike, text } => {
                let [base, upstream, patch] = texts.clone().map(|text| Lines { start: 1, text });
                trusted_for_lines(
                    by,
                    reason,
                    path,
                    &Hunk { base, upstream, patch, nth: *nth, alike: alike.clone() },
                    text,
                )
                .1
            }
            About::Joined(_) => trusted_for_join(by, reason).1,
        }
    }

    /// The path that it is about; `None`: the patch.
    #[must_use]
    pub fn path(&self) -> Option<&RepoPath> {
        match &self.about {
            About::Leaves { .. } => None,
            About::Whole { path, .. } | About::Lines { path, .. } => Some(path),
            About::Joined(join) => Some(&join.path),
        }
    }
}

/// A patch, a path, what kind of question, and its lines with which of several it is.
pub type QuestionKey<'d> = (&'d str, Option<&'d RepoPath>, u8, Option<(&'d [BString; 3], usize)>);

/// Decisions, as many as there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions(pub Vec<Decision>);

impl Decisions {
    /// Adds `decision`, in the place of an earlier one about the same question.
    pub fn put(&mut self, decision: Decision) {
        self.0.retain(|old| old.question() != decision.question());
        self.0.push(decision);
    }

    /// The number of the last decision of a person; 0: there is none.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.0.iter().map(|decision| decision.order).max().unwrap_or(0)
    }

    /// The number of the last decision of a person that `rebased` was made by; 0: there is none.
    #[must_use]
    pub fn last_applied(&self, rebased: &Rebased) -> u32 {
        let unused = self.unused(rebased);
        let applies = |one: &&Decision| !unused.iter().any(|other| std::ptr::eq(*other, *one));
        self.0.iter().filter(applies).map(|one| one.order).max().unwrap_or(0)
    }

    /// Takes out the decision with the number `order`, or several that were made at once.
    pub fn take_back(&mut self, order: u32) -> Vec<Decision> {
        let (back, kept) = std::mem::take(&mut self.0).into_iter().partition(|one| order > 0 && one.order == order);
        self.0 = kept;
        back
    }

    /// Adds what was decided in `rebased` with nobody asked, so that it is decided in the same way when the rules or the
    /// memory that decided it are others.
    pub fn keep(&mut self, rebased: &Rebased) {
        for decision in applied(rebased) {
            if !self.0.iter().any(|known| known.patch == decision.patch && known.about == decision.about) {
                self.put(decision);
            }
        }
    }

    /// The decisions that were not applied in `rebased` although their patch waits for nothing: the question is another one
    /// by now, or is not asked any more. Lines of a path that was decided as a whole later were applied in that.
    #[must_use]
    pub fn unused(&self, rebased: &Rebased) -> Vec<&Decision> {
        let applied: Vec<Decision> = applied(rebased).collect();
        let answered: BTreeSet<QuestionKey<'_>> = applied.iter().map(Decision::question).collect();
        let of_paths = applied.iter().filter(|one| !matches!(one.about, About::Lines { .. }));
        let paths: BTreeSet<(&str, Option<&RepoPath>)> = of_paths.map(|one| (one.patch.as_str(), one.path())).collect();
        let patches: BTreeMap<&str, &PatchOutcome> =
            rebased.patches.iter().map(|patch| (patch.name.as_str(), patch)).collect();
        let unused = |decision: &&Decision| match patches.get(decision.patch.as_str()) {
            None => true,
            Some(patch) if patch.dropped.is_some() => false,
            Some(_) if matches!(decision.about, About::Leaves { .. }) => true,
            // What it is about may come to light with what the patch waits for.
            Some(patch) if patch.files.iter().any(|file| file.waits_for.is_some()) => false,
            Some(_) if answered.contains(&decision.question()) => false,
            Some(_) => {
                let lines = matches!(decision.about, About::Lines { .. });
                !(lines && paths.contains(&(decision.patch.as_str(), decision.path())))
            }
        };
        self.0.iter().filter(unused).collect()
    }

    /// Those that may hold for the files with this digest: a patch of other bytes was not meant to leave.
    #[must_use]
    pub fn for_files(&self, files: &FilesDigest) -> Decisions {
        let holds = |one: &&Decision| match &one.about {
            About::Leaves { file } => files.files.get(&one.patch) == Some(file),
            _ => true,
        };
        Decisions(self.0.iter().filter(holds).cloned().collect())
    }

    fn of<'d>(&'d self, patch: &'d str) -> impl Iterator<Item = &'d Decision> {
        self.0.iter().filter(move |decision| decision.patch == patch)
    }
}

/// What was decided in a run; nobody was asked about it here.
fn applied(rebased: &Rebased) -> impl Iterator<Item = Decision> {
    rebased.patches.iter().flat_map(|patch| {
        patch.files.iter().flat_map(|file| {
            file.decided.iter().map(|decided| {
                let about = match &decided.what {
                    What::Lines { hunk, text } => About::Lines {
                        path: file.place().clone(),
                        texts: hunk.texts().map(Clone::clone),
                        nth: hunk.nth,
                        alike: hunk.alike.clone(),
                        text: text.clone(),
                    },
                    What::Whole { take, sides } => {
                        // Where a file was followed to is decided at the path where it was.
                        let followed = matches!(take, Resolution::Renamed(_));
                        let path = if followed { file.path.clone() } else { file.place().clone() };
                        About::Whole { path, sides: *sides, take: take.clone() }
                    }
                    What::Joined(join) => About::Joined(join.clone()),
                };
                let (by, reason) = (decided.by, decided.reason.clone());
                Decision { patch: patch.name.clone(), about, by, reason, order: 0 }
            })
        })
    })
}

impl Resolver for Decisions {
    fn drop_reason(&self, patch: &str) -> Option<String> {
        self.of(patch).find(|one| matches!(one.about, About::Leaves { .. })).map(|one| one.reason.words().to_owned())
    }

    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Resolution> {
        let found = self.of(at.patch).find_map(|one| match &one.about {
            About::Whole { path, sides, take } if path == at.path && *sides == conflict.sides => {
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
            About::Lines { path, texts, nth, alike, text } if path == at.path && *nth == hunk.nth => {
                (hunk.has_texts(texts) && hunk.takes(text, alike)).then(|| (one, text.clone()))
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

    fn extra_changes(&self, patch: &str) -> Vec<Decided> {
        let joined = self.of(patch).filter_map(|one| match &one.about {
            About::Joined(join) => {
                let (by, reason) = trusted_for_join(one.by, &one.reason);
                Some(Decided { what: What::Joined(join.clone()), by, reason })
            }
            _ => None,
        });
        joined.collect()
    }
}
