//! The result of moving a queue to another pin: one outcome for each patch and each file, and the open decisions.

use super::Stack;
use super::conflict::{Conflict, ConflictKind, Sides};
use super::evidence::Evidence;
use super::resolve::Decision;
use super::suggest::AdoptedLines;
use crate::git::Id;
use crate::path::RepoPath;

/// The outcome of a patch, or of one of its files. The worst comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Upstream did not change the touched files.
    Unchanged,
    /// Upstream already has the change.
    Upstreamed,
    /// The changes of both sides merged.
    Merged,
    /// It followed a file that upstream renamed.
    Moved,
    /// It needs a file that an earlier patch is in conflict about.
    Blocked,
    /// A person must decide.
    Conflict,
}

impl Outcome {
    /// Returns its name, which is the same everywhere.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Unchanged => "unchanged",
            Outcome::Merged => "merged",
            Outcome::Moved => "moved",
            Outcome::Upstreamed => "upstreamed",
            Outcome::Conflict => "conflict",
            Outcome::Blocked => "blocked",
        }
    }
}

/// A stack on another pin, as far as its patches apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// The outcome of each patch, in order.
    pub patches: Vec<PatchOutcome>,
    /// The patches that apply there; complete if nothing [waits](Rebased::is_clean).
    pub stack: Stack,
}

impl Rebased {
    /// Checks whether no patch is in conflict or blocked.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.patches.iter().any(PatchOutcome::waits)
    }

    /// Returns how many decisions a person must make: one for each hunk, each conflict without hunks, and each emptied
    /// patch.
    #[must_use]
    pub fn decisions(&self) -> usize {
        let of = |patch: &PatchOutcome| {
            let conflicts = patch.files.iter().filter_map(|file| file.conflict.as_ref());
            conflicts.map(|conflict| conflict.hunks().count().max(1)).sum::<usize>() + usize::from(patch.emptied)
        };
        self.patches.iter().map(of).sum()
    }
}

/// The outcome of one patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchOutcome {
    /// The patch file's name.
    pub name: String,
    /// Its commit on the old pin.
    pub old: Id,
    /// Its commit on the new pin; `None`: the patch is dropped or undecided.
    pub new: Option<Id>,
    /// The outcome.
    pub outcome: Outcome,
    /// Whether it merged and nothing is left of it, although upstream does not have its exact result.
    pub emptied: bool,
    /// How many of its added lines upstream's files have; counted if it is in conflict.
    pub standing: Option<AdoptedLines>,
    /// Why a person removed it from the queue, in their words; `outcome` is then what it would have been.
    pub dropped: Option<String>,
    /// The new stack's tree before it.
    pub before: Id,
    /// The same with all decided parts of it applied.
    pub after: Id,
    /// The outcomes of its files, by path.
    pub files: Vec<FileOutcome>,
}

impl PatchOutcome {
    /// Checks whether it waits for a decision about itself or about an earlier patch.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.dropped.is_none() && matches!(self.outcome, Outcome::Conflict | Outcome::Blocked)
    }

    /// Checks whether it leaves the queue.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.dropped.is_some() || self.outcome == Outcome::Upstreamed
    }
}

/// The outcome of one file of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutcome {
    /// The path after the patch.
    pub path: RepoPath,
    /// The path before the patch, if the patch renames it and upstream changed it there.
    pub from: Option<RepoPath>,
    /// Where upstream moved it, and the similarity in percent.
    pub moved: Option<(RepoPath, u8)>,
    /// The outcome.
    pub outcome: Outcome,
    /// The entries on the three sides.
    pub sides: Sides,
    /// What a person must decide.
    pub conflict: Option<Conflict>,
    /// Which parts of the change upstream already has; known if contents had to be compared.
    pub evidence: Option<Evidence>,
    /// The earlier patch that it waits for.
    pub waits_for: Option<String>,
    /// The custom merge driver that the tree's attributes name for it, if contents were merged: it did not run.
    pub not_run: Option<String>,
    /// The decisions about it.
    pub decided: Vec<Decision>,
    /// Why something was not decided by a rule that applies, one sentence each.
    pub refused: Vec<String>,
}

impl FileOutcome {
    /// Makes the outcome of `path` before anything is known.
    pub(super) fn new(path: RepoPath, from: Option<RepoPath>, sides: Sides) -> FileOutcome {
        FileOutcome {
            path,
            from,
            moved: None,
            outcome: Outcome::Unchanged,
            sides,
            conflict: None,
            evidence: None,
            waits_for: None,
            not_run: None,
            decided: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// Returns the path on the new pin.
    #[must_use]
    pub fn place(&self) -> &RepoPath {
        self.moved.as_ref().map_or(&self.path, |(to, _)| to)
    }

    /// Returns its outcome after all its conflicts are decided.
    pub(super) fn settled(&self) -> Outcome {
        if self.moved.is_some() { Outcome::Moved } else { Outcome::Merged }
    }

    /// Returns all names of the file: before, after, on the new pin.
    pub(super) fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        [Some(&self.path), self.from.as_ref(), Some(self.place())].into_iter().flatten()
    }

    /// Marks the file as in conflict.
    pub(super) fn clash(&mut self, kind: ConflictKind) {
        self.outcome = Outcome::Conflict;
        self.conflict = Some(Conflict::new(self.place().clone(), kind, self.sides));
    }
}
