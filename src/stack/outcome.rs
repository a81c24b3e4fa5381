//! What becomes of a queue on another pin: one word for each patch and each file, and what waits for a person.

use super::Stack;
use super::conflict::{Conflict, ConflictKind, Sides};
use super::evidence::Evidence;
use super::resolve::Decision;
use super::suggest::AdoptedLines;
use crate::git::Id;
use crate::path::RepoPath;

/// What became of a patch, or of one of its files. The worst comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Upstream did not change what it touches.
    Unchanged,
    /// Upstream has it already.
    Upstreamed,
    /// Both changes went together.
    Merged,
    /// It followed a file that upstream renamed.
    Moved,
    /// It needs a file that an earlier patch is in conflict about.
    Blocked,
    /// A person must decide.
    Conflict,
}

impl Outcome {
    /// Its one word, used everywhere.
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

/// A stack on another pin, as far as it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebased {
    /// What became of each patch, in order.
    pub patches: Vec<PatchOutcome>,
    /// The patches that went there; complete if nothing [waits](Rebased::is_clean).
    pub stack: Stack,
}

impl Rebased {
    /// Checks whether no patch is in conflict or blocked.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.patches.iter().any(PatchOutcome::waits)
    }

    /// Returns how many decisions a person must make: each hunk is one, each conflict without hunks, and each emptied
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

/// What became of one patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchOutcome {
    /// The patch file's name.
    pub name: String,
    /// Its commit on the old pin.
    pub old: Id,
    /// Its commit on the new pin; `None`: it is dropped, or undecided.
    pub new: Option<Id>,
    /// The word.
    pub outcome: Outcome,
    /// Whether it merged and nothing is left of it, without upstream having it byte for byte.
    pub emptied: bool,
    /// How many of the lines that it adds stand in upstream's files; counted where it is in conflict.
    pub standing: Option<AdoptedLines>,
    /// Why a person took it out of the queue, in their words; the outcome is then what would have become of it.
    pub dropped: Option<String>,
    /// The new stack's tree before it.
    pub before: Id,
    /// The same with all of it that is decided.
    pub after: Id,
    /// What became of its files, by path.
    pub files: Vec<FileOutcome>,
}

impl PatchOutcome {
    /// Checks whether it waits for a decision, its own or an earlier patch's.
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

/// What became of one file of a patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutcome {
    /// The path as the patch leaves it.
    pub path: RepoPath,
    /// The path before the patch, where the patch renames it and upstream changed it there.
    pub from: Option<RepoPath>,
    /// Where upstream moved it, and how alike the two are in percent.
    pub moved: Option<(RepoPath, u8)>,
    /// The word.
    pub outcome: Outcome,
    /// What the path is on the three sides.
    pub sides: Sides,
    /// What a person must decide.
    pub conflict: Option<Conflict>,
    /// What of the change upstream has already; known where contents had to be compared.
    pub evidence: Option<Evidence>,
    /// The earlier patch that it waits for.
    pub waits_for: Option<String>,
    /// The merge driver of somebody's that the tree's attributes name for it, where contents were merged: it did not run.
    pub not_run: Option<String>,
    /// What was decided about it.
    pub decided: Vec<Decision>,
    /// Why something was not decided that would have been, each in a sentence.
    pub refused: Vec<String>,
}

impl FileOutcome {
    /// What is said of `path` before anything was found out.
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

    /// The path on the new pin.
    #[must_use]
    pub fn place(&self) -> &RepoPath {
        self.moved.as_ref().map_or(&self.path, |(to, _)| to)
    }

    /// Its word once all about it is decided.
    pub(super) fn settled(&self) -> Outcome {
        if self.moved.is_some() { Outcome::Moved } else { Outcome::Merged }
    }

    /// All names that the file has: before, after, on the new pin.
    pub(super) fn paths(&self) -> impl Iterator<Item = &RepoPath> {
        [Some(&self.path), self.from.as_ref(), Some(self.place())].into_iter().flatten()
    }

    /// Puts the file into conflict.
    pub(super) fn clash(&mut self, kind: ConflictKind) {
        self.outcome = Outcome::Conflict;
        self.conflict = Some(Conflict::new(self.place().clone(), kind, self.sides));
    }
}
