//! The states of upstreams, as data and in words.

use std::cmp::Ordering;

use serde::Serialize;

use super::{Bytes, Failure, TrackState, TrackTip};
use crate::git::checkout::{Attachment, ChangeKind, WorkChange};
use crate::git::{Id, tag_order};
use crate::patch::{Change, FileDiff, Side};
use crate::path::printable;
use crate::stack::OldPatch;
use crate::workspace::conflict::session::{Session, SessionError};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::{
    CachedTip, CheckoutStatus, Pending, SetUp, Status, SyncStatus, Unreadable, VersionState, is_exact,
};

/// One upstream.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Its pin.
    pub pin: Option<Id>,
    /// The pin's version.
    pub version: Option<String>,
    /// Whether the version belongs to the pin: `current`, `stale`, `missing`, `overridden`, `unknown`.
    pub version_state: Option<VersionWord>,
    /// The last known tip of the track; `None` if it is unknown or older than the pin.
    pub news: Option<TrackNews>,
    /// The patches in order; `None` if they cannot be read.
    pub patches: Option<Vec<PatchStatus>>,
    /// The state of the checkout.
    pub state: UpstreamState,
    /// The same for people.
    pub words: String,
    /// How pin and patch files changed since they were last equal with the checkout.
    pub files: Vec<FileNews>,
    /// The checkout's commits that are in no patch file, oldest first.
    pub commits: Vec<Id>,
    /// The first lines of their messages, for people.
    #[serde(skip)]
    pub subjects: Vec<Bytes>,
    /// The checkout's uncommitted changes.
    pub changes: Vec<WorkNews>,
    /// The open session.
    pub session: Option<OpenSession>,
    /// The command whose interrupted step the next writing command will finish.
    pub pending: Option<String>,
    /// Why no more is known.
    pub error: Option<Failure>,
}

/// The state of an upstream's checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamState {
    /// It has no pin.
    NoPin,
    /// It was never set up here.
    NotSetUp,
    /// There is a checkout whose store is gone.
    LostStore,
    /// Something else is where the checkout belongs.
    InTheWay,
    /// A conflict is in the checkout.
    HandedOver,
    /// A git operation is in progress.
    Operation,
    /// The checkout is on another branch.
    OtherBranch,
    /// HEAD is detached.
    Detached,
    /// The commits contain a merge.
    MergeCommit,
    /// The commits are not based on the pin.
    NotOnPin,
    /// Patch files and commits both changed.
    Diverged,
    /// Only the commits changed.
    CommitsNewer,
    /// The checkout was moved.
    Moved,
    /// It was set up without its queue.
    Pristine,
    /// Only the patch files changed.
    FilesNewer,
    /// There is a store and no checkout.
    NoCheckout,
    /// Patch files and commits are equal.
    InStep,
    /// The state cannot be read.
    Error,
}

/// Whether a version belongs to its pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionWord {
    /// It does.
    Current,
    /// It belongs to another pin.
    Stale,
    /// There is none.
    Missing,
    /// The manifest sets it.
    Overridden,
    /// This clone does not know.
    Unknown,
}

/// What a patch does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PatchChangeWord {
    /// Changes its lines or mode.
    Modify,
    /// Makes it.
    Add,
    /// Removes it.
    Delete,
    /// Moves it.
    Rename,
    /// Makes it from another file.
    Copy,
}

/// What happened to a file of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileChangeWord {
    /// Its content changed.
    Changed,
    /// It was added.
    Added,
    /// It was removed.
    Removed,
}

impl FileChangeWord {
    /// Returns the name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            FileChangeWord::Changed => "changed",
            FileChangeWord::Added => "added",
            FileChangeWord::Removed => "removed",
        }
    }
}

/// An open session.
#[derive(Debug, Clone, Serialize)]
pub struct OpenSession {
    /// Its target commit; `None` if its file cannot be read.
    pub pin: Option<Id>,
    /// Its version.
    pub version: Option<String>,
    /// How many decisions were made.
    pub decided: usize,
    /// Why its file cannot be read.
    pub error: Option<String>,
}

impl OpenSession {
    fn new(found: &Result<Session, SessionError>) -> OpenSession {
        match found {
            Ok(session) => OpenSession {
                pin: Some(session.to.pin),
                version: Some(session.to.version.clone()),
                decided: session.decisions.0.len(),
                error: None,
            },
            Err(error) => OpenSession { pin: None, version: None, decided: 0, error: Some(error.to_string()) },
        }
    }

    /// Returns the same in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match &self.version {
            Some(version) => format!("to {}, {} decided", printable(version.as_bytes()), self.decided),
            None => "cannot be read".to_owned(),
        }
    }
}

/// The last known tip of a track.
#[derive(Debug, Clone, Serialize)]
pub struct TrackNews {
    /// `up-to-date`, `moved`, `tag-moved` or `ahead`, as in `outdated`.
    pub state: TrackState,
    /// The tip of the track at that time.
    pub newest: TrackTip,
    /// The time, in seconds since 1970.
    pub asked: i64,
}

/// A patch file.
#[derive(Debug, Clone, Serialize)]
pub struct PatchStatus {
    /// Its name.
    pub file: String,
    /// Its subject; empty if it has none.
    pub subject: Bytes,
    /// The files that it touches.
    pub files: Vec<TouchedFile>,
}

/// A file that a patch touches.
#[derive(Debug, Clone, Serialize)]
pub struct TouchedFile {
    /// The path after the patch.
    pub path: Bytes,
    /// The path before, if it differs.
    pub old_path: Option<Bytes>,
    /// What happens to it.
    pub change: PatchChangeWord,
    /// Lines added; `None` for a binary.
    pub added: Option<usize>,
    /// Lines removed; `None` for a binary.
    pub removed: Option<usize>,
}

/// A file of the workspace that changed.
#[derive(Debug, Clone, Serialize)]
pub struct FileNews {
    /// `pin`, `series`, or the patch file's name.
    pub file: String,
    /// What happened to it.
    pub change: FileChangeWord,
}

/// An uncommitted change.
#[derive(Debug, Clone, Serialize)]
pub struct WorkNews {
    /// The path in the checkout.
    pub path: Bytes,
    /// How it differs from the last commit.
    pub change: ChangeKind,
}

impl UpstreamStatus {
    /// Makes the report of the upstream `name` from `standing`; `error` is the failure, if there was one.
    #[must_use]
    pub fn new(name: &str, standing: &Status, error: Option<Failure>) -> UpstreamStatus {
        let set_up = match &standing.stand {
            Some(CheckoutStatus::SetUp(set_up)) => Some(set_up),
            _ => None,
        };
        UpstreamStatus {
            name: name.to_owned(),
            pin: standing.pin,
            version: standing.version.clone(),
            version_state: standing.version_state.as_ref().map(version_word),
            news: standing.news.as_ref().map(|news| TrackNews::new(news, standing)),
            patches: standing.files.as_ref().map(|files| files.patches.iter().map(patch_status).collect()),
            state: standing.stand.as_ref().map_or(UpstreamState::Error, state),
            words: standing.stand.as_ref().map_or_else(|| "cannot be read".to_owned(), words),
            files: set_up.iter().flat_map(|set_up| &set_up.files).filter_map(file_news).collect(),
            commits: set_up.map(|set_up| set_up.commits.iter().map(|made| made.id).collect()).unwrap_or_default(),
            subjects: set_up
                .iter()
                .flat_map(|set_up| &set_up.commits)
                .map(|made| Bytes::from(made.subject.as_slice()))
                .collect(),
            changes: set_up.iter().flat_map(|set_up| &set_up.work).map(work_news).collect(),
            session: standing.session.as_ref().map(OpenSession::new),
            pending: match &standing.pending {
                Pending::Left(kind) => Some(kind.clone()),
                Pending::Nothing | Pending::Finished(_) => None,
            },
            error,
        }
    }

    /// Checks whether there is nothing to do.
    #[must_use]
    pub fn is_in_step(&self) -> bool {
        matches!(self.state, UpstreamState::InStep | UpstreamState::Pristine) && self.changes.is_empty()
    }
}

impl TrackNews {
    fn new(news: &CachedTip, standing: &Status) -> TrackNews {
        let trusted = matches!(standing.version_state, Some(VersionState::Current | VersionState::Unknown));
        let version = standing.version.as_ref().zip(standing.pin);
        let tag = version.filter(|(version, pin)| trusted && is_exact(version, *pin)).map(|(version, _)| version);
        let order = tag.zip(news.version.as_ref()).and_then(|(own, tip)| tag_order(tip, own));
        let state = match order {
            _ if standing.pin == Some(news.tip) => TrackState::UpToDate,
            _ if tag.is_some() && tag == news.version.as_ref() => TrackState::TagMoved,
            Some(Ordering::Less) => TrackState::Ahead,
            _ if news.ahead && news.pin == standing.pin => TrackState::Ahead,
            _ => TrackState::Moved,
        };
        TrackNews { state, newest: TrackTip::of_news(news), asked: news.asked }
    }
}

fn version_word(state: &VersionState) -> VersionWord {
    match state {
        VersionState::Overridden => VersionWord::Overridden,
        VersionState::Current => VersionWord::Current,
        VersionState::Stale(_) => VersionWord::Stale,
        VersionState::Missing => VersionWord::Missing,
        VersionState::Unknown => VersionWord::Unknown,
    }
}

fn state(stand: &CheckoutStatus) -> UpstreamState {
    let set_up = match stand {
        CheckoutStatus::NoPin => return UpstreamState::NoPin,
        CheckoutStatus::NotSetUp => return UpstreamState::NotSetUp,
        CheckoutStatus::LostStore => return UpstreamState::LostStore,
        CheckoutStatus::InTheWay(_) => return UpstreamState::InTheWay,
        CheckoutStatus::SetUp(set_up) => set_up,
    };
    match &set_up.cell {
        Err(Unreadable::HandedOver) => UpstreamState::HandedOver,
        Err(Unreadable::Operation(_)) => UpstreamState::Operation,
        Err(Unreadable::OtherBranch(_)) => UpstreamState::OtherBranch,
        Err(Unreadable::Detached(_)) => UpstreamState::Detached,
        Err(Unreadable::Merge(_)) => UpstreamState::MergeCommit,
        Err(Unreadable::NotOnPin(_)) => UpstreamState::NotOnPin,
        Ok(SyncStatus::Diverged) if !set_up.pristine => UpstreamState::Diverged,
        Ok(SyncStatus::CommitsNewer | SyncStatus::Diverged) => UpstreamState::CommitsNewer,
        Ok(_) if set_up.attachment == Attachment::Moved => UpstreamState::Moved,
        Ok(SyncStatus::FilesNewer) if set_up.files.is_empty() => UpstreamState::Pristine,
        Ok(SyncStatus::FilesNewer) => UpstreamState::FilesNewer,
        Ok(SyncStatus::Equal) if matches!(set_up.attachment, Attachment::Absent | Attachment::Empty) => {
            UpstreamState::NoCheckout
        }
        Ok(SyncStatus::Equal) => UpstreamState::InStep,
    }
}

/// Returns the state in a few words; the command of the next action is named.
fn words(stand: &CheckoutStatus) -> String {
    let set_up = match stand {
        CheckoutStatus::NoPin => return "no pin".to_owned(),
        CheckoutStatus::NotSetUp => return "not set up".to_owned(),
        CheckoutStatus::LostStore => return "store lost: run setup".to_owned(),
        CheckoutStatus::InTheWay(attachment) => return in_the_way(attachment).to_owned(),
        CheckoutStatus::SetUp(set_up) => set_up,
    };
    let mut parts = Vec::new();
    match &set_up.attachment {
        Attachment::Absent | Attachment::Empty => parts.push("no checkout".to_owned()),
        Attachment::Moved => parts.push("moved: setup".to_owned()),
        _ => {}
    }
    parts.extend(cell_words(set_up));
    match set_up.work.len() {
        0 => {}
        1 => parts.push("1 file changed".to_owned()),
        many => parts.push(format!("{many} files changed")),
    }
    if parts.is_empty() { "up to date".to_owned() } else { parts.join(", ") }
}

fn cell_words(set_up: &SetUp) -> Vec<String> {
    let commits = match set_up.commits.len() {
        0 => "commits dropped: export".to_owned(),
        1 => "1 commit to export".to_owned(),
        many => format!("{many} commits to export"),
    };
    let newer = format!("patch files newer: {}", if set_up.has_pin { "apply" } else { "setup" });
    let pristine = set_up.pristine.then(|| "pristine".to_owned());
    let own: Option<String> = match &set_up.cell {
        Ok(SyncStatus::Equal) => None,
        Ok(SyncStatus::FilesNewer) if set_up.files.is_empty() => None,
        Ok(SyncStatus::FilesNewer) => Some(newer),
        Ok(SyncStatus::CommitsNewer) => Some(commits),
        Ok(SyncStatus::Diverged) if set_up.pristine => Some(commits),
        Ok(SyncStatus::Diverged) => Some("diverged".to_owned()),
        Err(Unreadable::HandedOver) => Some("conflict to resolve".to_owned()),
        Err(Unreadable::Operation(operation)) => Some(format!("{operation} in progress")),
        Err(Unreadable::OtherBranch(branch)) => Some(format!("on branch {branch}")),
        Err(Unreadable::Detached(id)) => Some(format!("HEAD detached at {}", id.short(8))),
        Err(Unreadable::Merge(id)) => Some(format!("{} is a merge", id.short(8))),
        Err(Unreadable::NotOnPin(_)) => Some("not on its pin".to_owned()),
    };
    pristine.into_iter().chain(own).collect()
}

fn in_the_way(attachment: &Attachment) -> &'static str {
    match attachment {
        Attachment::Elsewhere { .. } => "another store's checkout",
        Attachment::Repository => "a repository in the way",
        Attachment::Plain => "other files in the way",
        Attachment::Symlink => "a symlink in the way",
        _ => "a file in the way",
    }
}

fn patch_status(patch: &OldPatch) -> PatchStatus {
    let queued = &patch.queued;
    PatchStatus {
        file: queued.name.clone(),
        subject: Bytes(queued.patch.header.subject.clone()),
        files: queued.patch.files.iter().map(touched).collect(),
    }
}

fn touched(file: &FileDiff) -> TouchedFile {
    let change = match file.change {
        Change::Modify => PatchChangeWord::Modify,
        Change::Add => PatchChangeWord::Add,
        Change::Delete => PatchChangeWord::Delete,
        Change::Rename(_) => PatchChangeWord::Rename,
        Change::Copy(_) => PatchChangeWord::Copy,
    };
    TouchedFile {
        path: Bytes::from(file.new_path.as_bytes()),
        old_path: (file.old_path != file.new_path).then(|| Bytes::from(file.old_path.as_bytes())),
        change,
        added: file.changed_lines(Side::New),
        removed: file.changed_lines(Side::Old),
    }
}

fn file_news(change: &QueueChange) -> Option<FileNews> {
    let (file, change) = match change {
        QueueChange::Pin => ("pin".to_owned(), FileChangeWord::Changed),
        QueueChange::Series => ("series".to_owned(), FileChangeWord::Changed),
        QueueChange::Version => return None,
        QueueChange::Added(name) => (name.clone(), FileChangeWord::Added),
        QueueChange::Removed(name) => (name.clone(), FileChangeWord::Removed),
        QueueChange::Changed(name) => (name.clone(), FileChangeWord::Changed),
    };
    Some(FileNews { file, change })
}

fn work_news(change: &WorkChange) -> WorkNews {
    WorkNews { path: Bytes::from(change.path.as_bytes()), change: change.kind }
}
