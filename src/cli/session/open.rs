//! Lists the open questions of a refresh, in the order in which they are asked.

use crate::path::RepoPath;
use crate::stack::{Conflict, Decided, FileOutcome, Hunk, PatchOutcome, Rebased};
use crate::workspace::conflict::session::{self, SessionDecision};

/// An open question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open<'r> {
    /// The index of its patch, from 0.
    pub(super) number: usize,
    pub(super) patch: &'r PatchOutcome,
    pub(super) about: About<'r>,
}

/// The subject of a question.
#[derive(Debug, Clone, Copy)]
pub(super) enum About<'r> {
    /// Lines that both sides changed, and the index of the hunk among the open ones, from 0.
    Lines { file: &'r FileOutcome, conflict: &'r Conflict, hunk: &'r Hunk, n: usize },
    /// A path as a whole.
    Whole { file: &'r FileOutcome, conflict: &'r Conflict },
    /// A patch of which nothing is left.
    Emptied,
}

impl<'r> Open<'r> {
    pub(super) fn conflict(&self) -> Option<&'r Conflict> {
        match self.about {
            About::Lines { conflict, .. } | About::Whole { conflict, .. } => Some(conflict),
            About::Emptied => None,
        }
    }

    pub(super) fn file(&self) -> Option<&'r FileOutcome> {
        match self.about {
            About::Lines { file, .. } | About::Whole { file, .. } => Some(file),
            About::Emptied => None,
        }
    }

    pub(super) fn hunk(&self) -> Option<&'r Hunk> {
        match self.about {
            About::Lines { hunk, .. } => Some(hunk),
            About::Whole { .. } | About::Emptied => None,
        }
    }

    /// Checks whether `decision` is an answer to it.
    pub(super) fn is_answered_by(&self, decision: &SessionDecision) -> bool {
        let same_path = decision.path() == self.conflict().map(|conflict| &conflict.path);
        decision.patch == self.patch.name
            && match (&decision.about, self.about) {
                (session::About::Dropped { .. }, _) => true,
                (session::About::Path(Decided::Lines { hunk: known, .. }), About::Lines { hunk, .. }) => {
                    same_path && hunk.nth == known.nth && hunk.has_texts(known.texts())
                }
                (session::About::Path(Decided::Whole { .. }), _) => same_path,
                _ => false,
            }
    }

    /// Returns its key, different from all others.
    pub(super) fn key(&self) -> Key {
        let path = self.conflict().map(|conflict| conflict.path.clone());
        let lines = match self.about {
            About::Lines { hunk, .. } => Some((hunk.texts().map(|text| text.to_vec()), hunk.nth)),
            About::Whole { .. } | About::Emptied => None,
        };
        Key { patch: self.patch.name.clone(), path, lines }
    }

    /// Returns the key of all questions about its file.
    pub(super) fn file_key(&self) -> Key {
        Key { lines: None, ..self.key() }
    }
}

/// The key by which a question is recognized in another run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    patch: String,
    path: Option<RepoPath>,
    lines: Option<([Vec<u8>; 3], usize)>,
}

/// Returns all open questions.
pub(super) fn open(rebased: &Rebased) -> Vec<Open<'_>> {
    let mut all = Vec::new();
    for (number, patch) in rebased.patches.iter().enumerate() {
        for file in &patch.files {
            let Some(conflict) = &file.conflict else { continue };
            let whole = conflict.hunks().next().is_none().then_some(About::Whole { file, conflict });
            let lines = |(n, hunk)| About::Lines { file, conflict, hunk, n };
            let abouts = conflict.hunks().enumerate().map(lines).chain(whole);
            all.extend(abouts.map(|about| Open { number, patch, about }));
        }
        if patch.emptied {
            all.push(Open { number, patch, about: About::Emptied });
        }
    }
    all
}

/// Returns how many questions of a refresh were answered, in any way.
pub(super) fn answered(rebased: &Rebased) -> usize {
    let of = |patch: &PatchOutcome| match &patch.dropped {
        Some(_) => 1,
        None => {
            let decided = patch.files.iter().flat_map(|file| &file.decided);
            decided.filter(|decided| !matches!(decided.what, Decided::Joined(_))).count()
        }
    };
    rebased.patches.iter().map(of).sum()
}
