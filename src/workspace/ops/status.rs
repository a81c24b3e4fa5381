//! Where an upstream stands, for people who ask: nothing is locked, fetched or written.

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

/// What can be told of one upstream.
#[derive(Debug)]
pub struct Status {
    /// The pin, where there is one that can be read.
    pub pin: Option<Id>,
    /// The version: the manifest's, or the one kept with the pin.
    pub version: Option<String>,
    /// Whether the version belongs to the pin; none without a pin.
    pub version_state: Option<VersionState>,
    /// Pin and patch files, where they can be read.
    pub files: Option<Files>,
    /// The refresh that waits for decisions, if one does.
    pub session: Option<Result<Session, SessionError>>,
    /// What became of an interrupted step.
    pub pending: Pending,
    /// What was last heard of the manifest's track, if it was heard while the upstream was pinned as it is now.
    pub news: Option<CachedTip>,
    /// Where the checkout stands; none when that cannot be told.
    pub stand: Option<CheckoutStatus>,
}

/// Where a checkout stands.
#[derive(Debug)]
pub enum CheckoutStatus {
    /// The upstream has no pin yet.
    NoPin,
    /// There is no store, or nothing was ever set up in it.
    NotSetUp,
    /// There is a checkout whose store was lost.
    LostStore,
    /// Something else stands where the checkout belongs.
    InTheWay(Attachment),
    /// It was set up.
    SetUp(SetUp),
}

/// An upstream that was set up.
#[derive(Debug)]
pub struct SetUp {
    /// What stands where the checkout belongs: ours, moved, or nothing.
    pub attachment: Attachment,
    /// Set up without its queue.
    pub pristine: bool,
    /// Where it stands in the table of who is right.
    pub cell: Result<SyncStatus, Unreadable>,
    /// Whether the store has the commit that is pinned; if not, only what uses the network can go on.
    pub has_pin: bool,
    /// How the files differ from what they were.
    pub files: Vec<QueueChange>,
    /// The commits that are in no patch file, oldest first.
    pub commits: Vec<NewCommit>,
    /// The uncommitted changes.
    pub work: Vec<WorkChange>,
}

impl Status {
    /// Looks at `upstream`. An interrupted step is finished first, if nobody is in the way. What went wrong comes beside
    /// what could be told all the same.
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
        // The files speak for themselves, whatever is the matter with the store.
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
        // News that cannot be read are none.
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
