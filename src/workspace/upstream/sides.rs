//! Compares the files (F), the checkout's commits (C), and the state when patchq last made them equal (S), and decides
//! which side is right.

use bstr::{BString, ByteSlice};

use super::store::UpstreamStore;
use super::synced::Synced;
use crate::git::checkout::{self, Attachment, CheckoutError, HeadState, Line, WorkChange};
use crate::git::{BRANCH, GitError, HANDED_OVER, Id, Objects, SYNCED};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::queue_files::Files;

/// The state of one upstream.
#[derive(Debug, Clone)]
pub struct SyncState {
    /// S; `None` if files and commits were never made equal in this store.
    pub record: Option<Synced>,
    /// The commit that holds S.
    pub record_at: Option<Id>,
    /// How F differs from S.
    pub files: Vec<QueueChange>,
    /// C.
    pub commits: Commits,
    /// The commits of C that are in no patch file, oldest first; empty if commits were only dropped.
    pub made: Vec<NewCommit>,
    /// The commit of the branch `patchq`.
    pub tip: Option<Id>,
    /// What is at the path of the checkout.
    pub attachment: Attachment,
    /// The checkout's uncommitted changes; empty without a checkout.
    pub work: Vec<WorkChange>,
}

/// A commit of the checkout that is in no patch file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The commit.
    pub id: Id,
    /// The first line of its message.
    pub subject: BString,
}

/// The checkout's commits compared with S.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commits {
    /// Unchanged since patchq made them.
    Same,
    /// Changed: all commits from the pin to the tip, oldest first.
    Made(Vec<Id>),
    /// They cannot be read as a queue.
    Unreadable(Unreadable),
}

/// Why a checkout's commits are not a queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A conflict was handed over to the checkout and has not been taken back.
    #[error("a conflict waits in the checkout to be resolved")]
    HandedOver,
    /// HEAD is on another branch.
    #[error("the checkout is on the branch '{0}', not on 'patchq'")]
    OtherBranch(String),
    /// HEAD is detached.
    #[error("the checkout's HEAD is detached at {}", .0.short(12))]
    Detached(Id),
    /// Git waits for the user.
    #[error("a git {0} is in progress in the checkout")]
    Operation(&'static str),
    /// The history is not linear.
    #[error("commit {} is a merge", .0.short(12))]
    Merge(Id),
    /// The branch does not come from the pin.
    #[error("the branch 'patchq' is not based on the pin {}", .0.short(12))]
    NotOnPin(Id),
}

/// The cell of the table in `docs/architecture.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncStatus {
    /// F = S, C = S.
    Equal,
    /// F ≠ S, C = S.
    FilesNewer,
    /// F = S, C ≠ S.
    CommitsNewer,
    /// F ≠ S, C ≠ S.
    Diverged,
}

impl NewCommit {
    fn read(objects: &mut Objects<'_>, id: Id) -> Result<NewCommit, GitError> {
        let message = objects.commit(id)?.message;
        Ok(NewCommit { id, subject: message.lines().next().unwrap_or_default().into() })
    }
}

impl SyncState {
    /// Reads the state of `upstream`, whose files are `files`.
    ///
    /// # Errors
    /// [`CheckoutError`] when store or checkout cannot be read.
    pub fn read(
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        files: &Files,
    ) -> Result<SyncState, CheckoutError> {
        let record_at = upstream.store.read_ref(SYNCED)?;
        let record = Synced::read(objects)?;
        let folder = upstream.checkout();
        let attachment = checkout::attachment(&upstream.store, &folder)?;
        let changes = match &record {
            Some(record) => differing(record, files),
            None => Vec::new(),
        };
        let tip = upstream.store.read_ref(BRANCH)?;
        let commits = match &record {
            Some(record) => commits(upstream, record, tip, &attachment)?,
            None => Commits::Same,
        };
        let known = |id: &Id| record.iter().flat_map(|record| &record.stack).any(|(known, _)| known == id);
        let made = match &commits {
            Commits::Made(line) => {
                line.iter().filter(|id| !known(id)).map(|id| NewCommit::read(objects, *id)).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        let work = match attachment {
            Attachment::Ours if tip.is_some() => checkout::status(&upstream.store, &folder)?,
            _ => Vec::new(),
        };
        Ok(SyncState { record, record_at, files: changes, commits, made, tip, attachment, work })
    }

    /// Checks whether the files differ from the last equal state (or there was none).
    #[must_use]
    pub fn files_newer(&self) -> bool {
        !self.files.is_empty() || self.record.as_ref().is_none_or(|record| record.pristine)
    }

    /// Returns the upstream's cell in the table.
    ///
    /// # Errors
    /// [`Unreadable`] when the commits cannot be judged.
    pub fn cell(&self) -> Result<SyncStatus, Unreadable> {
        match (&self.commits, self.files_newer()) {
            (Commits::Unreadable(why), _) => Err(why.clone()),
            (Commits::Same, false) => Ok(SyncStatus::Equal),
            (Commits::Same, true) => Ok(SyncStatus::FilesNewer),
            (Commits::Made(_), false) => Ok(SyncStatus::CommitsNewer),
            (Commits::Made(_), true) => Ok(SyncStatus::Diverged),
        }
    }

    /// Returns the commits from the pin of S to the tip, oldest first.
    #[must_use]
    pub fn line(&self) -> Vec<Id> {
        match (&self.commits, &self.record) {
            (Commits::Made(line), _) => line.clone(),
            (Commits::Same, Some(record)) => record.stack.iter().map(|(commit, _)| *commit).collect(),
            _ => Vec::new(),
        }
    }

    /// Checks whether there is a checkout of this store.
    #[must_use]
    pub fn has_checkout(&self) -> bool {
        matches!(self.attachment, Attachment::Ours | Attachment::Moved)
    }

    /// Checks whether the store was lost and made again below an existing checkout: the folder belongs to it, but its
    /// history is gone.
    #[must_use]
    pub fn lost_store(&self) -> bool {
        self.record.is_none() && self.tip.is_none() && self.has_checkout()
    }
}

/// Returns how the files differ from the record. A version alone is not a difference: it is not part of the queue.
fn differing(record: &Synced, files: &Files) -> Vec<QueueChange> {
    let mut changes = record.files.diff(&files.digest());
    changes.retain(|change| *change != QueueChange::Version);
    changes
}

fn commits(
    upstream: &UpstreamStore<'_>,
    record: &Synced,
    tip: Option<Id>,
    attachment: &Attachment,
) -> Result<Commits, GitError> {
    if upstream.store.read_ref(HANDED_OVER)?.is_some() {
        return Ok(Commits::Unreadable(Unreadable::HandedOver));
    }
    if *attachment == Attachment::Ours {
        if let Some(operation) = checkout::operation(&upstream.store) {
            return Ok(Commits::Unreadable(Unreadable::Operation(operation)));
        }
        match checkout::head(&upstream.store)? {
            HeadState::OnQueue(_) => {}
            HeadState::OnBranch { name, .. } => {
                let name = name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned();
                return Ok(Commits::Unreadable(Unreadable::OtherBranch(name)));
            }
            HeadState::Detached(id) => return Ok(Commits::Unreadable(Unreadable::Detached(id))),
        }
    }
    match tip {
        None => Ok(Commits::Same),
        Some(tip) if tip == record.top => Ok(Commits::Same),
        Some(tip) => Ok(match checkout::commits(&upstream.store, record.pin, tip)? {
            Line::Linear(line) => Commits::Made(line),
            Line::Merge(merge) => Commits::Unreadable(Unreadable::Merge(merge)),
            Line::NotOnBase => Commits::Unreadable(Unreadable::NotOnPin(record.pin)),
        }),
    }
}
