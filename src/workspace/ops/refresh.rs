//! Moving a queue to another commit of its upstream: what is wished for, and what came of it. The moving itself is
//! [`Moving`](super::refresh::moving::Moving).

pub mod abort;
mod differences;
pub mod moving;

use super::dropped::WrittenQueue;
use super::error::QueueError;
use super::refresh::moving::PinLines;
use super::rewrite::RewriteError;
use crate::git::checkout::{Materialized, WorkChange};
use crate::git::{GitError, Id};
use crate::stack::{PatchDifference, Rebased};
use crate::workspace::conflict::hand_over::HandOverError;
use crate::workspace::conflict::memory::Damaged;
use crate::workspace::conflict::session::{AcceptOptions, AcceptOptionsError, Session, SessionError};
use crate::workspace::files::disk;
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::{EditError, Track};
use crate::workspace::step::publish::PublishError;
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::target::{Target, TargetError, TargetRequest};

/// How a refresh goes about it.
#[derive(Debug, Clone, Default)]
pub struct RefreshOptions {
    /// Where to.
    pub target: TargetRequest,
    /// What was agreed to.
    pub agreed: AcceptOptions,
    /// Only say what would become of the queue.
    pub dry_run: bool,
    /// Allow a queue that ends up empty.
    pub allow_empty: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Refreshed {
    /// Pin, version and patches before.
    pub from: Files,
    /// Where to.
    pub target: Target,
    /// Remembered decisions that were asked for and are damaged.
    pub damaged: Vec<Damaged>,
    /// How many of the hunks in conflict a remembered decision would settle.
    pub remembered: usize,
    /// How it ended.
    pub end: RefreshEnd,
}

/// How a refresh ended.
#[derive(Debug)]
pub enum RefreshEnd {
    /// The pin is there already.
    There {
        /// Newer files that were applied, and what of the queue had gone with them; `None`: the checkout had them.
        applied: Option<RemovedPatches>,
        /// Whether the track was written.
        followed: bool,
    },
    /// It was worked out and nothing was written: conflicts wait, or that was all that was asked for.
    Planned(RefreshPlan),
    /// Somebody was asked, and left or refused: they saw what waits.
    Left(Rebased),
    /// It was written.
    Published(RefreshPlan, Published),
}

/// A queue on its new pin.
#[derive(Debug)]
pub struct RefreshPlan {
    /// What became of the patches.
    pub rebased: Rebased,
    /// How the patches that do something else now differ from their files, with their names; empty where nobody asked.
    pub differences: Vec<(String, PatchDifference)>,
    /// Where lines in conflict stand on the pin; empty where nobody asked.
    pub pin_lines: PinLines,
}

impl Refreshed {
    /// What became of the patches; `None`: the pin is there already.
    #[must_use]
    pub fn rebased(&self) -> Option<&Rebased> {
        match &self.end {
            RefreshEnd::There { .. } => None,
            RefreshEnd::Left(rebased) => Some(rebased),
            RefreshEnd::Planned(plan) | RefreshEnd::Published(plan, _) => Some(&plan.rebased),
        }
    }

    /// The queue on its new pin with what a report says of it; `None`: there is no report to be written.
    #[must_use]
    pub fn plan(&self) -> Option<&RefreshPlan> {
        match &self.end {
            RefreshEnd::Planned(plan) | RefreshEnd::Published(plan, _) => Some(plan),
            RefreshEnd::There { .. } | RefreshEnd::Left(_) => None,
        }
    }

    /// What was written.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        if let RefreshEnd::Published(_, published) = &self.end { Some(published) } else { None }
    }

    /// For a pin that is there already: newer files that were applied.
    #[must_use]
    pub fn applied(&self) -> Option<&RemovedPatches> {
        if let RefreshEnd::There { applied, .. } = &self.end { applied.as_ref() } else { None }
    }

    /// For a pin that is there already: whether the track was written.
    #[must_use]
    pub fn followed(&self) -> bool {
        matches!(self.end, RefreshEnd::There { followed: true, .. })
    }
}

/// What a refresh wrote.
#[derive(Debug)]
pub struct Published {
    /// The files.
    pub queue: WrittenQueue,
    /// What happened to the checkout; `None`: there is none.
    pub checkout: Option<Materialized>,
}

/// Why a queue was not moved. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// There is nothing to move to.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// What was agreed to cannot be followed.
    #[error(transparent)]
    AcceptOptions(#[from] AcceptOptionsError),
    /// A session is open.
    #[error("a refresh to {} waits for decisions", .0.to.version)]
    Open(Box<Session>),
    /// There is no session to go on with.
    #[error("no refresh waits for decisions")]
    NoSession,
    /// The session goes where the pin is already.
    #[error("the pin is at {0} already, where the open refresh moves to")]
    There(String),
    /// The session goes where nothing leads that is known here.
    #[error("the open refresh moves to {}{}", .pin.short(12), elsewhere(.track.as_ref()))]
    Elsewhere {
        /// The commit.
        pin: Id,
        /// The track that it would write into the manifest.
        track: Option<Track>,
        /// Why the manifest's track does not lead there.
        #[source]
        why: Option<Box<TargetError>>,
    },
    /// Somebody names another commit than the one that the session goes to.
    #[error("the open refresh moves to {}, not to {}", .session.short(12), .named.short(12))]
    OtherTarget {
        /// The session's.
        session: Id,
        /// The one that was named.
        named: Id,
    },
    /// The session cannot be read or written.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A conflict cannot go to the checkout, or not come back from it.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// No patch would be left, and nobody said that this is meant.
    #[error("no patch would be left: the queue would be empty")]
    Empty,
    /// The checkout's uncommitted changes would not go along.
    #[error("the checkout has uncommitted changes")]
    Dirty(Vec<WorkChange>),
    /// The store was lost, so that nobody knows what the checkout's files were made from.
    #[error("the store was lost and the checkout is still there")]
    LostStore,
    /// The track cannot be written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The rest.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}

fn elsewhere(track: Option<&Track>) -> String {
    match track {
        Some(track) => format!(" and would set the track to '{track}', which was not asked for here"),
        None => ", which is neither the manifest's track nor a target named here".to_owned(),
    }
}

impl RefreshError {
    pub(in crate::workspace) fn of(error: impl Into<QueueError>) -> RefreshError {
        RefreshError::Rewrite(RewriteError::Queue(error.into()))
    }
}

impl From<GitError> for RefreshError {
    fn from(error: GitError) -> RefreshError {
        RefreshError::of(error)
    }
}

impl From<disk::FileError> for RefreshError {
    fn from(error: disk::FileError) -> RefreshError {
        RefreshError::of(PublishError::from(error))
    }
}
