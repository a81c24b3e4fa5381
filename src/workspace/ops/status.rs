//! Reads the state of an upstream for display: nothing is locked, fetched or written.

use super::error::QueueError;
use crate::git::checkout::{Attachment, WorkChange};
use crate::git::{Id, Objects};
use crate::workspace::conflict::session::{Session, SessionError};
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::open::Workspace;
use crate::workspace::files::pins;
use crate::workspace::files::queue_files::{Files, FilesError};
use crate::workspace::manifest::{Track, Upstream};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::pending::{Pending, finish_if_free};
use crate::workspace::upstream::cached_tip::CachedTip;
use crate::workspace::upstream::sides::{NewCommit, SyncState, SyncStatus, Unreadable};
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::version::VersionState;

/// The state of one upstream, as far as it is known.
#[derive(Debug)]
pub struct Status {
    /// The pin, if there is a valid one.
    pub pin: Option<Id>,
    /// The version: the manifest's, or the one kept with the pin.
    pub version: Option<String>,
    /// Whether the version belongs to the pin; `None` without a pin.
    pub version_state: Option<VersionState>,
    /// Pin and patch files, if they can be read.
    pub files: Option<Files>,
    /// The session, if one is open.
    pub session: Option<Result<Session, SessionError>>,
    /// The result for an interrupted step.
    pub pending: Pending,
    /// The cached tip of the manifest's track, if it was read while the upstream had the present pin.
    pub news: Option<CachedTip>,
    /// The state of the checkout; `None` if it cannot be read.
    pub stand: Option<CheckoutStatus>,
}

/// The state of a checkout.
#[derive(Debug)]
pub enum CheckoutStatus {
    /// The upstream has no pin yet.
    NoPin,
    /// There is no store, or it was never set up.
    NotSetUp,
    /// There is a checkout whose store was lost.
    LostStore,
    /// Something else is at the path of the checkout.
    InTheWay(Attachment),
    /// It was set up.
    SetUp(SetUp),
}

/// An upstream that was set up.
#[derive(Debug)]
pub struct SetUp {
    /// What is at the path of the checkout: ours, moved, or nothing.
    pub attachment: Attachment,
    /// Set up without its queue.
    pub pristine: bool,
    /// Its cell in the table of "who is right".
    pub cell: Result<SyncStatus, Unreadable>,
    /// Whether the store has the pinned commit; if not, only commands that use the network can continue.
    pub has_pin: bool,
    /// How the files differ from the last equal state.
    pub files: Vec<QueueChange>,
    /// The commits that are in no patch file, oldest first.
    pub commits: Vec<NewCommit>,
    /// The uncommitted changes.
    pub work: Vec<WorkChange>,
}

impl Status {
    /// Reads the state of `upstream`. An interrupted step is finished first, if its lock is free. Errors are returned
    /// together with everything that could be read.
    pub fn read(workspace: &Workspace, upstream: &Upstream, ctx: &StepContext<'_>) -> (Status, Option<QueueError>) {
        let layout = &workspace.layout;
        let session = Session::read(layout, &upstream.name).map(|found| found.map(|(session, _)| session)).transpose();
        let mut status = Status {
            pin: None,
            version: None,
            version_state: None,
            files: None,
            session,
            pending: Pending::Nothing,
            news: None,
            stand: None,
        };
        match status.look(workspace, upstream, ctx) {
            Ok(stand) => {
                status.stand = Some(stand);
                (status, None)
            }
            Err(error) => (status, Some(error)),
        }
    }

    fn look(
        &mut self,
        workspace: &Workspace,
        upstream: &Upstream,
        ctx: &StepContext<'_>,
    ) -> Result<CheckoutStatus, QueueError> {
        let layout = &workspace.layout;
        let store = UpstreamStore::open(workspace, upstream);
        let finished = match &store {
            Ok(Some(store)) => finish_if_free(store, ctx),
            _ => Ok(Pending::Nothing),
        };
        // The files can be read even if the store cannot.
        let (pin, version) = (layout.pin(&upstream.name), layout.version(&upstream.name));
        self.pin = pins::read_pin(&pin, layout.shown(&pin)).ok().flatten();
        let kept = pins::read_version(&version, layout.shown(&version)).ok().flatten();
        self.version = upstream.version.clone().or_else(|| kept.clone());
        self.version_state = self.pin.map(|pin| VersionState::of(upstream, pin, kept.as_deref(), None));
        let files = match Files::read(layout, &upstream.name) {
            Err(FilesError::NoPin { .. }) => return Ok(CheckoutStatus::NoPin),
            read => read?,
        };
        let files = self.files.insert(files);
        self.pending = finished?;
        let Some(store) = store? else { return Ok(CheckoutStatus::NotSetUp) };
        let mut objects = Objects::new(&store.store)?;
        // A cached tip that cannot be read is ignored.
        let news = CachedTip::read(&mut objects).ok().flatten();
        let track = upstream.track.as_ref().map(Track::as_str);
        let is_of = |news: &CachedTip| track == Some(news.track.as_str());
        self.news = news.filter(|news| is_of(news) && (news.tip == files.pin || news.pin == Some(files.pin)));
        let state = SyncState::read(&store, &mut objects, files)?;
        self.version_state =
            Some(VersionState::of(upstream, files.pin, files.version.as_deref(), state.record.as_ref()));
        Ok(stand(state, store.store.has(files.pin)))
    }
}

fn stand(state: SyncState, has_pin: bool) -> CheckoutStatus {
    if state.lost_store() {
        return CheckoutStatus::LostStore;
    }
    match &state.attachment {
        Attachment::Absent | Attachment::Empty | Attachment::Ours | Attachment::Moved => {}
        _ => return CheckoutStatus::InTheWay(state.attachment),
    }
    let cell = state.cell();
    let Some(record) = state.record else { return CheckoutStatus::NotSetUp };
    CheckoutStatus::SetUp(SetUp {
        attachment: state.attachment,
        pristine: record.pristine,
        cell,
        has_pin,
        files: state.files,
        commits: state.made,
        work: state.work,
    })
}
