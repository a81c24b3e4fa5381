//! Moves a queue to another commit of its upstream: the options and the results.
//! [`Moving`](super::refresh::moving::Moving) does the work.

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

/// The options of a refresh.
#[derive(Debug, Clone, Default)]
pub struct RefreshOptions {
    /// The target.
    pub target: TargetRequest,
    /// The options for deciding without asking.
    pub agreed: AcceptOptions,
    /// Only report the outcomes.
    pub dry_run: bool,
    /// Allow a queue that ends up empty.
    pub allow_empty: bool,
}

/// The result of a refresh.
#[derive(Debug)]
pub struct Refreshed {
    /// Pin, version and patches before.
    pub from: Files,
    /// The target.
    pub target: Target,
    /// Damaged decisions that were looked up.
    pub damaged: Vec<Damaged>,
    /// How many hunks in conflict a remembered decision would resolve.
    pub remembered: usize,
    /// How it ended.
    pub end: RefreshEnd,
}

/// How a refresh ended.
#[derive(Debug)]
pub enum RefreshEnd {
    /// The pin was already at the target.
    There {
        /// Newer files that were applied, and the patches that had been removed with them; `None`: the checkout was up
        /// to date.
        applied: Option<RemovedPatches>,
        /// Whether the track was written.
        followed: bool,
    },
    /// It was computed and nothing was written: conflicts wait, or only the report was requested.
    Planned(RefreshPlan),
    /// A person was asked, and left or refused.
    Left(Rebased),
    /// It was written.
    Published(RefreshPlan, Published),
}

/// A queue on its new pin, not yet written.
#[derive(Debug)]
pub struct RefreshPlan {
    /// The outcomes of the patches.
    pub rebased: Rebased,
    /// How changed patches differ from their files, with their names; empty if not requested.
    pub differences: Vec<(String, PatchDifference)>,
    /// Where lines in conflict are on the pin; empty if not requested.
    pub pin_lines: PinLines,
}

impl Refreshed {
    /// Returns the outcomes of the patches; `None`: the pin was already at the target.
    #[must_use]
    pub fn rebased(&self) -> Option<&Rebased> {
        match &self.end {
            RefreshEnd::There { .. } => None,
            RefreshEnd::Left(rebased) => Some(rebased),
            RefreshEnd::Planned(plan) | RefreshEnd::Published(plan, _) => Some(&plan.rebased),
        }
    }

    /// Returns the queue on its new pin with the data of a report; `None`: there is nothing to report.
    #[must_use]
    pub fn plan(&self) -> Option<&RefreshPlan> {
        match &self.end {
            RefreshEnd::Planned(plan) | RefreshEnd::Published(plan, _) => Some(plan),
            RefreshEnd::There { .. } | RefreshEnd::Left(_) => None,
        }
    }

    /// Returns what was written.
    #[must_use]
    pub fn published(&self) -> Option<&Published> {
        if let RefreshEnd::Published(_, published) = &self.end { Some(published) } else { None }
    }

    /// Returns the newer files that were applied, if the pin was already at the target.
    #[must_use]
    pub fn applied(&self) -> Option<&RemovedPatches> {
        if let RefreshEnd::There { applied, .. } = &self.end { applied.as_ref() } else { None }
    }

    /// Checks whether the track was written, if the pin was already at the target.
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
    /// There is no target.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The options for deciding without asking are not valid.
    #[error(transparent)]
    AcceptOptions(#[from] AcceptOptionsError),
    /// A session is open.
    #[error("a refresh to {} waits for decisions", .0.to.version)]
    Open(Box<Session>),
    /// There is no session to continue.
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
        /// The track that the session would write into the manifest.
        track: Option<Track>,
        /// Why the manifest's track does not lead there.
        #[source]
        why: Option<Box<TargetError>>,
    },
    /// Somebody names another commit than the one that the session goes to.
    #[error("the open refresh moves to {}, not to {}", .session.short(12), .named.short(12))]
    OtherTarget {
        /// The session's target.
        session: Id,
        /// The named commit.
        named: Id,
    },
    /// The session cannot be read or written.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A conflict cannot be handed over, or taken back.
    #[error(transparent)]
    HandOver(#[from] HandOverError),
    /// No patch would be left, and the command line does not allow that.
    #[error("no patch would be left: the queue would be empty")]
    Empty,
    /// The checkout has uncommitted changes that would not be moved.
    #[error("the checkout has uncommitted changes")]
    Dirty(Vec<WorkChange>),
    /// The store was lost, so it is unknown what the checkout's files were made from.
    #[error("the store was lost and the checkout is still there")]
    LostStore,
    /// The track cannot be written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// Another error.
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
