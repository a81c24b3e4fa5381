//! A decision of a session, and how decisions answer the engine.

use bstr::BString;

use super::super::digest::{FilesDigest, Sum};
use crate::path::RepoPath;
use crate::stack::{Answer, At, Conflict, Hunk, Join, Rebased, Resolver, Sides, Take, What};

/// A decision about a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The patch file's name.
    pub patch: String,
    /// What was decided.
    pub about: About,
    /// By which rule: `hand`, or that of a proposal or of an agreement.
    pub by: String,
    /// Why, in a sentence; of a patch that leaves the queue the reason that was given.
    pub reason: String,
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
        take: Take,
    },
    /// Lines that both sides changed.
    Lines {
        /// The path on the new pin.
        path: RepoPath,
        /// The lines of base, upstream and patch.
        texts: [BString; 3],
        /// So many hunks before it in the file have the same lines.
        nth: usize,
        /// The lines that are taken.
        text: BString,
    },
    /// A path that was changed by hand beyond the conflicts.
    Joined(Join),
}

impl Decision {
    /// A decision that a person made at once, not by a rule.
    #[must_use]
    pub fn by_hand(patch: &str, about: About, reason: impl Into<String>) -> Decision {
        Decision { patch: patch.to_owned(), about, by: "hand".to_owned(), reason: reason.into(), order: 0 }
    }

    /// Whether both are about the same question.
    #[must_use]
    pub fn same_question(&self, other: &Decision) -> bool {
        self.patch == other.patch
            && match (&self.about, &other.about) {
                (About::Leaves { .. }, About::Leaves { .. }) => true,
                (About::Whole { path, .. }, About::Whole { path: other, .. }) => path == other,
                (About::Joined(join), About::Joined(other)) => join.path == other.path,
                (
                    About::Lines { path, texts, nth, .. },
                    About::Lines { path: other_path, texts: other_texts, nth: other_nth, .. },
                ) => (path, texts, nth) == (other_path, other_texts, other_nth),
                _ => false,
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

/// Decisions, as many as there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions(pub Vec<Decision>);

impl Decisions {
    /// Adds `decision`, in the place of an earlier one about the same question.
    pub fn put(&mut self, decision: Decision) {
        self.0.retain(|old| !old.same_question(&decision));
        self.0.push(decision);
    }

    /// The number of the last decision of a person; 0: there is none.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.0.iter().map(|decision| decision.order).max().unwrap_or(0)
    }

    /// Takes out what a person decided last: a decision, or several that were made at once.
    pub fn take_back(&mut self) -> Vec<Decision> {
        let last = self.last();
        let (back, kept) = std::mem::take(&mut self.0).into_iter().partition(|one| last > 0 && one.order == last);
        self.0 = kept;
        back
    }

    /// Adds what was decided in `rebased` with nobody asked, so that it is decided in the same way when the rules or the
    /// memory that decided it are others.
    pub fn keep(&mut self, rebased: &Rebased) {
        for decision in applied(rebased) {
            if !self.0.iter().any(|known| known.same_question(&decision)) {
                self.0.push(decision);
            }
        }
    }

    /// The decisions that were not applied in `rebased` although their patch waits for nothing: the question is another one
    /// by now, or is not asked any more.
    #[must_use]
    pub fn unused(&self, rebased: &Rebased) -> Vec<&Decision> {
        let applied: Vec<Decision> = applied(rebased).collect();
        let unused = |decision: &&Decision| {
            let patch = rebased.patches.iter().find(|patch| patch.name == decision.patch);
            match patch {
                None => true,
                Some(patch) if patch.dropped.is_some() => false,
                Some(_) if matches!(decision.about, About::Leaves { .. }) => true,
                // What it is about may come to light with what the patch waits for.
                Some(patch) if patch.files.iter().any(|file| file.waits_for.is_some()) => false,
                Some(_) => !applied.iter().any(|used| used.same_question(decision)),
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
                    What::Lines { hunk, nth, text } => About::Lines {
                        path: file.place().clone(),
                        texts: hunk.texts().map(Clone::clone),
                        nth: *nth,
                        text: text.clone(),
                    },
                    What::Whole { take, sides } => {
                        // Where a file was followed to is decided at the path where it was.
                        let followed = matches!(take, Take::Follow(_));
                        let path = if followed { file.path.clone() } else { file.place().clone() };
                        About::Whole { path, sides: *sides, take: take.clone() }
                    }
                    What::Joined(join) => About::Joined(join.clone()),
                };
                let (by, reason) = (decided.by.clone(), decided.reason.clone());
                Decision { patch: patch.name.clone(), about, by, reason, order: 0 }
            })
        })
    })
}

impl Resolver for Decisions {
    fn leaves(&self, patch: &str) -> Option<String> {
        self.of(patch).find(|one| matches!(one.about, About::Leaves { .. })).map(|one| one.reason.clone())
    }

    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Take> {
        let found = self.of(at.patch).find_map(|one| match &one.about {
            About::Whole { path, sides, take } if path == at.path && *sides == conflict.sides => {
                Some((one, take.clone()))
            }
            _ => None,
        });
        found.map_or(Answer::Open, |(one, take)| answer(one, take))
    }

    fn hunk(&self, at: At<'_>, hunk: &Hunk, nth: usize) -> Answer<BString> {
        let found = self.of(at.patch).find_map(|one| match &one.about {
            About::Lines { path, texts: [base, upstream, patch], nth: n, text }
                if path == at.path
                    && *n == nth
                    && (base, upstream, patch) == (&hunk.base.text, &hunk.upstream.text, &hunk.patch.text) =>
            {
                Some((one, text.clone()))
            }
            _ => None,
        });
        found.map_or(Answer::Open, |(one, text)| answer(one, text))
    }

    fn drop(&self, _: &str) -> bool {
        false
    }

    fn joins(&self, patch: &str) -> Vec<Join> {
        let joined = self.of(patch).filter_map(|one| match &one.about {
            About::Joined(join) => Some(join.clone()),
            _ => None,
        });
        joined.collect()
    }
}

fn answer<T>(decision: &Decision, take: T) -> Answer<T> {
    Answer::Decided { take, by: decision.by.clone(), reason: decision.reason.clone() }
}
