//! The engine: applies, moves and exports a queue as git objects.
//!
//! The engine consists of pure functions over values and an object store: no terminal, no clock, no environment, no
//! working tree. A patch that does not apply is a value in the result ([`Failure`], [`Conflict`]), never an error. The
//! engine does not fetch. It records a blob that the store lacks and continues; all missing blobs are returned together
//! as [`Lazy::Need`], and the caller fetches them and calls again.
//!
//! The example applies a queue of one patch to a commit and moves it to a newer one. All new objects stay in memory,
//! until [`Objects::flush`](crate::git::Objects::flush) writes them to the store:
//!
//! ```
//! use patchq::git::{Commit, Edits, GitError, Id, Mode, Objects, Signature, Store};
//! use patchq::patch::{self, Strip};
//! use patchq::path::RepoPath;
//! use patchq::stack::{self, Base, Lazy, NoResolver, Outcome, Queued};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let store = Store::create(&folder.path().join("up.git"))?;
//! let mut objects = Objects::new(&store)?;
//!
//! // Two commits of an upstream. In a store that was fetched, `Base::read` takes them by their ids.
//! let dockerfile = RepoPath::new("Dockerfile")?;
//! let mut upstream = |objects: &mut Objects<'_>, text: &str, parents: Vec<Id>| -> Result<Base, GitError> {
//!     let file = objects.put_file(Mode::File, text.into());
//!     let tree = objects.edit(Id::EMPTY_TREE, &Edits::from([(dockerfile.clone(), Some(file))]))?;
//!     let who = Signature::clean(b"Up", b"up@example.org", 1_700_000_000, 0);
//!     let (author, message) = (who.clone(), "Upstream\n".into());
//!     let commit = objects.put_commit(&Commit { tree, parents, author, committer: who, message });
//!     Base::read(objects, commit)
//! };
//! let pin = upstream(&mut objects, "FROM python:3.7\n\nRUN one\nRUN two\n", vec![])?;
//! let newer = upstream(&mut objects, "FROM python:3.7\n\nRUN one\nRUN two\nRUN three\n", vec![pin.commit])?;
//!
//! // The queue on its pin.
//! let file = b"--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,2 @@\n-FROM python:3.7\n+FROM python:3.8\n \n";
//! let queue = [Queued { name: "0001-newer-python.patch".into(), patch: patch::parse(file, Strip::Default)? }];
//! let Lazy::Done(applied) = stack::apply(&mut objects, pin, &queue)? else { panic!("a file is not in the store") };
//! assert!(applied.failure.is_none());
//!
//! // The queue on the newer commit. `NoResolver` leaves every conflict open; `Accept` decides some of them.
//! let Lazy::Done(moved) = stack::rebase(&mut objects, &applied.stack, newer, &NoResolver)? else { panic!("the same") };
//! assert_eq!(moved.patches[0].outcome, Outcome::Merged);
//! assert!(moved.is_clean());
//! let result = objects.entry(moved.stack.tree(), &dockerfile)?.ok_or("the file is gone")?;
//! let text = objects.blob(result.id)?.ok_or("the content is not in the store")?;
//! assert_eq!(*text, b"FROM python:3.8\n\nRUN one\nRUN two\nRUN three\n");
//! # Ok(())
//! # }
//! ```

mod accept;
mod apply;
mod attributes;
mod conflict;
mod diff;
mod evidence;
mod export;
mod identity;
mod markers;
mod merge;
mod outcome;
mod patch_difference;
mod place;
mod queues;
mod reason;
mod rebase;
mod regions;
mod renames;
mod replay;
mod resolve;
mod similarity;
mod split;
mod standing;
pub mod suggest;
mod text;
mod touch;
mod touched;

use std::collections::{BTreeSet, HashSet};

pub use accept::{Accept, AcceptRule, Recall, Recalled};
pub use apply::{Applied, Queued, apply};
pub use conflict::{Candidate, Conflict, ConflictKind, Sides};
pub use diff::{FilePair, file_diffs, pair_diffs};
pub use evidence::Evidence;
pub use export::{Exported, OldPatch, Origin, PatchMatch, export};
pub use identity::{Base, FALLBACK_EMAIL, FALLBACK_NAME, commit_of, header_of};
pub use markers::{Labels, Marked, certain_leftover_marker, leftover_marker, marker_size};
pub use merge::{Picked, pick};
pub use outcome::{FileOutcome, Outcome, PatchOutcome, Rebased};
pub use patch_difference::{
    DifferencePlace, DifferenceRow, DifferenceSection, Inner, PatchDifference, patch_difference,
};
pub use queues::{Merged, Queues, Version, merge_queues};
pub use reason::{
    DecidedBy, DecisionReason, EDITED, IN_THE_CHECKOUT, MERGED, trusted_for_join, trusted_for_lines, trusted_for_path,
};
pub use rebase::rebase;
pub use replay::{Change, Replayed, fold, replay};
pub use resolve::{
    Answer, At, Chain, Decided, Decision, Join, NewFile, NoResolver, Resolution, Resolver, can_make, choices,
};
pub use text::{Hunk, Lines, Piece, TextMerge};
pub use touch::{Failure, Moved, Reason};

pub use crate::git::Lazy;

use crate::git::Id;
use crate::path::RepoPath;

/// The blobs that a run found missing, and the paths that are unknown because of them.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    ids: BTreeSet<Id>,
    paths: HashSet<RepoPath>,
}

impl Missing {
    fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    fn covers(&self, path: &RepoPath) -> bool {
        self.paths.contains(path)
    }

    fn block<'p>(&mut self, paths: impl IntoIterator<Item = &'p RepoPath>) {
        self.paths.extend(paths.into_iter().cloned());
    }

    fn need<'p>(&mut self, id: Id, paths: impl IntoIterator<Item = &'p RepoPath>) {
        self.ids.insert(id);
        self.block(paths);
    }

    fn or_done<T>(self, result: T) -> Lazy<T> {
        if self.is_empty() { Lazy::Done(result) } else { Lazy::Need(self.ids) }
    }
}

/// The queue as git objects: the pin, then one commit per patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stack {
    /// What the queue is based on.
    pub base: Base,
    /// One item per patch, in order.
    pub items: Vec<Item>,
}

/// One patch of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The patch file's name.
    pub name: String,
    /// The tree before the patch.
    pub before: Id,
    /// The tree after the patch.
    pub after: Id,
    /// The patch's commit.
    pub commit: Id,
}

impl Stack {
    /// Returns the commit on top: the last patch's, or the pin.
    #[must_use]
    pub fn top(&self) -> Id {
        self.items.last().map_or(self.base.commit, |item| item.commit)
    }

    /// Returns the tree on top.
    #[must_use]
    pub fn tree(&self) -> Id {
        self.items.last().map_or(self.base.tree, |item| item.after)
    }
}
