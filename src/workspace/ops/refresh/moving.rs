//! Moves a queue to another commit: computes it in memory, again after each decision, and publishes it in one step when
//! no decision is open.

mod copied;
mod goes;
mod in_checkout;
mod pin_lines;
mod start;
mod track;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::git::checkout;
use crate::git::{Entry, GitError, Id, Objects};
use crate::path::{RepoPath, printable};
use crate::stack::suggest::generated;
use crate::stack::{
    self, Accept, AcceptRule, At, Base, Chain, FileOutcome, Lazy, Moved, PatchDifference, Rebased, Stack, Version,
};
use crate::workspace::conflict::memory::Memory;
use crate::workspace::conflict::session::{self, AcceptOptions, Decisions, Session, SessionDecision, SessionTarget};
use crate::workspace::files::digest::{QueueChange, Sum};
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::Track;
use crate::workspace::ops::apply::stack_of;
use crate::workspace::ops::error::QueueError;
use crate::workspace::ops::refresh::differences::differences;
use crate::workspace::ops::refresh::{Published, RefreshEnd, RefreshError, RefreshOptions, Refreshed};
use crate::workspace::ops::rewrite::Rewrite;
use crate::workspace::ops::setup::{SetupOptions, setup};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::run::begin;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_workspace};
use crate::workspace::upstream::target::{Target, find_target};

use goes::{keep_target, target_of};
pub use in_checkout::{CollectedConflict, collect_conflict};
pub use pin_lines::{PinLines, upstream_lines};
use start::StartingPoint;
pub(in crate::workspace) use start::judge;
use track::{entry_changes, follow_track};

/// For each patch file the hunks that apply at another place than it says.
type Places = HashMap<String, Vec<Moved>>;

/// A queue during its move.
pub struct Moving<'a> {
    fetcher: &'a Fetcher<'a>,
    objects: Objects<'a>,
    state: SyncState,
    /// Pin, version and patches before.
    pub from: Files,
    /// The target.
    pub target: Target,
    /// The options for deciding without asking, as given.
    agreed: AcceptOptions,
    accept: Accept,
    /// The decisions of other refreshes.
    memory: Rc<Memory>,
    /// The decisions.
    decisions: Decisions,
    /// The session's file on disk; `None`: there is none.
    on_disk: Option<Vec<u8>>,
    /// What changed since the session began.
    pub drift: Vec<Drift>,
    /// The queue on its pin, after it was applied.
    applied: Option<(Stack, Places)>,
    with_checkout: bool,
}

/// What changed since a session began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// Pin or patches.
    Queue(QueueChange),
    /// The manifest's entry.
    Manifest,
    /// An option names a patch that is gone.
    Option(String),
    /// The target's version differs from the one in the session's file.
    Version(String),
}

impl<'a> Moving<'a> {
    /// Determines the target of the queue. Nothing is computed yet.
    ///
    /// # Errors
    /// [`RefreshError`]; also when a session is open, unless nothing will be written.
    pub fn begin(fetcher: &'a Fetcher<'a>, options: &RefreshOptions) -> Result<Moving<'a>, RefreshError> {
        let upstream = fetcher.upstream;
        if let Some((session, _)) =
            Session::read(&upstream.workspace.layout, upstream.name())?.filter(|_| !options.dry_run)
        {
            return Err(RefreshError::Open(Box::new(session)));
        }
        let from = Files::read(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)?;
        Moving::start(fetcher, options, from)
    }

    fn start(fetcher: &'a Fetcher<'a>, options: &RefreshOptions, from: Files) -> Result<Moving<'a>, RefreshError> {
        let ground = StartingPoint::read(fetcher, from, options.agreed.clone(), !options.dry_run)?;
        let target = find_target(fetcher, &ground.from, &options.target)?;
        Ok(ground.moving(target))
    }

    /// Continues the session of `upstream`. Options for deciding without asking that are given now replace the earlier
    /// ones. The target must be known here, be in the manifest's track, or be named in `options`.
    ///
    /// # Errors
    /// [`RefreshError`]; also when no session is open.
    pub fn resume(fetcher: &'a Fetcher<'a>, options: &RefreshOptions) -> Result<Moving<'a>, RefreshError> {
        let upstream = fetcher.upstream;
        let (session, bytes) =
            Session::read(&upstream.workspace.layout, upstream.name())?.ok_or(RefreshError::NoSession)?;
        let from = Files::read(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)?;
        if from.pin == session.to.pin {
            return Err(RefreshError::There(session.to.version));
        }
        let (agreed, gone) = match options.agreed == AcceptOptions::default() {
            true => session.agreed.for_files(&from),
            false => (options.agreed.clone(), Vec::new()),
        };
        let moved = session.files.pin != Some(from.pin);
        let changes = session.files.diff(&from.digest());
        let ground = StartingPoint::read(fetcher, from, agreed, true)?;
        let (target, other_version) = target_of(fetcher, &ground.from, moved, session.to, &options.target)?;
        let mut drift: Vec<Drift> = changes.into_iter().map(Drift::Queue).collect();
        if session.manifest != entry_digest(upstream) {
            drift.push(Drift::Manifest);
        }
        drift.extend(gone.into_iter().map(Drift::Option).chain(other_version));
        Ok(Moving { decisions: session.decisions, on_disk: Some(bytes), drift, ..ground.moving(target) })
    }

    /// Applies the queue to its pin and moves it to the target, as far as it is decided. Everything needed for this and
    /// for the checkout is fetched in one request.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn run(&mut self) -> Result<Rebased, RefreshError> {
        self.apply()?;
        let Some((stack, _)) = &self.applied else { return Err(RefreshError::NoSession) };
        let onto = Base::read(&mut self.objects, self.target.pin)?;
        let decisions = self.decisions.for_files(&self.from.digest());
        let resolver = Chain(vec![&decisions, &self.accept]);
        let (upstream, with_checkout) = (self.fetcher.upstream, self.with_checkout);
        let rebased = self.fetcher.run(&mut self.objects, |objects| {
            let rebased = stack::rebase(objects, stack, onto, &resolver)?;
            Ok(match rebased {
                // While decisions are open, no checkout is needed yet.
                Lazy::Done(rebased) if with_checkout && rebased.is_clean() => {
                    match checkout_blobs(upstream, objects, &rebased.stack)? {
                        needed if needed.is_empty() => Lazy::Done(rebased),
                        needed => Lazy::Need(needed),
                    }
                }
                done_or_need => done_or_need,
            })
        });
        let mut rebased = rebased.map_err(RefreshError::of)?;
        as_the_files_say(&mut self.objects, &self.from, &mut rebased);
        Ok(rebased)
    }

    fn apply(&mut self) -> Result<(), RefreshError> {
        if self.applied.is_some() {
            return Ok(());
        }
        let applied = stack_of(self.fetcher, &mut self.objects, &self.from, false).map_err(RefreshError::of)?;
        let name = |n: usize| self.from.patches[n].queued.name.clone();
        if let Some((n, failure)) = applied.failure {
            let (patch, failure) = (name(n), Box::new(failure));
            return Err(RefreshError::of(QueueError::Apply { patch, failure, applied: n }));
        }
        let mut places = Places::new();
        for (n, moved) in applied.moved {
            places.entry(name(n)).or_default().push(moved);
        }
        self.applied = Some((applied.stack, places));
        Ok(())
    }

    /// Checks whether there is a checkout.
    #[must_use]
    pub const fn has_checkout(&self) -> bool {
        self.with_checkout
    }

    /// Fetches everything needed for deciding about `rebased`, in one request: the sides of all open conflicts, and the
    /// files of the checkout on the new pin.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn prepare(&mut self, rebased: &Rebased) -> Result<(), RefreshError> {
        let mut wanted = self.lacking_sides(rebased);
        if self.with_checkout {
            wanted.extend(checkout_blobs(self.fetcher.upstream, &mut self.objects, &rebased.stack)?);
        }
        self.fetcher.blobs(&self.fetcher.upstream.store, &wanted).map_err(RefreshError::of)
    }

    /// Fetches only the sides, for conflicts that appeared later.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn fetch_sides(&self, rebased: &Rebased) -> Result<(), RefreshError> {
        self.fetcher.blobs(&self.fetcher.upstream.store, &self.lacking_sides(rebased)).map_err(RefreshError::of)
    }

    fn lacking_sides(&self, rebased: &Rebased) -> BTreeSet<Id> {
        let conflicts = rebased.patches.iter().flat_map(|patch| &patch.files).filter_map(|file| file.conflict.as_ref());
        let sides = conflicts.flat_map(|conflict| {
            let stack::Sides { base, upstream, patch } = conflict.sides;
            [base, upstream, patch].into_iter().flatten()
        });
        let mut wanted: BTreeSet<Id> = sides.filter(|entry| entry.mode.has_blob()).map(|entry| entry.id).collect();
        wanted.retain(|id| !self.objects.has(*id));
        wanted
    }

    /// Returns the content of a file or symlink, if it is in the store and can be read.
    #[must_use]
    pub fn content(&self, entry: Entry) -> Option<Rc<Vec<u8>>> {
        if entry.mode.has_blob() { self.objects.blob(entry.id).ok().flatten() } else { None }
    }

    /// Returns how the patches that apply differ from their files, if their changes are different there; with their
    /// names.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn differences(&mut self, rebased: &Rebased) -> Result<Vec<(String, PatchDifference)>, RefreshError> {
        differences(self.fetcher, &mut self.objects, &self.from, rebased)
    }

    /// Returns the decisions so far.
    #[must_use]
    pub const fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    /// Checks whether a session is on disk.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.on_disk.is_some()
    }

    /// Stores the decisions that a person made together, and those that `rebased` (the run that they saw) made without
    /// asking. They are on disk when this returns.
    ///
    /// # Errors
    /// [`RefreshError`]; nothing has changed then.
    pub fn decide(
        &mut self,
        decided: Vec<SessionDecision>,
        rebased: &Rebased,
        ctx: &StepContext<'_>,
    ) -> Result<(), RefreshError> {
        let mut decisions = self.decisions.clone();
        decisions.keep(rebased);
        let order = decisions.last() + 1;
        decided.into_iter().for_each(|decision| decisions.put(SessionDecision { order, ..decision }));
        self.write(decisions, ctx)
    }

    /// Removes the last decision of a person that was applied in `rebased`, and returns it.
    ///
    /// # Errors
    /// [`RefreshError`]; nothing has changed then.
    pub fn take_back(
        &mut self,
        rebased: &Rebased,
        ctx: &StepContext<'_>,
    ) -> Result<Vec<SessionDecision>, RefreshError> {
        let mut decisions = self.decisions.clone();
        let back = decisions.take_back(decisions.last_applied(rebased));
        if decisions.last() > 0 {
            self.write(decisions, ctx)?;
        } else if self.on_disk.is_some() {
            session::replace(self.fetcher.upstream, self.on_disk.as_deref(), None, ctx)?;
            (self.on_disk, self.decisions) = (None, Decisions::default());
        }
        Ok(back)
    }

    fn write(&mut self, decisions: Decisions, ctx: &StepContext<'_>) -> Result<(), RefreshError> {
        let session = self.session(decisions);
        keep_target(self.fetcher.upstream, &session.to)?;
        self.on_disk = Some(session.write(self.fetcher.upstream, self.on_disk.as_deref(), ctx)?);
        self.decisions = session.decisions;
        Ok(())
    }

    fn session(&self, decisions: Decisions) -> Session {
        let Target { pin, version, track, ref_name, .. } = self.target.clone();
        Session {
            files: self.from.digest(),
            manifest: entry_digest(self.fetcher.upstream),
            to: SessionTarget { pin, version, track, found_by: ref_name },
            agreed: self.agreed.clone(),
            decisions,
        }
    }

    /// Writes pin, version, patch files, track, refs and checkout in one step, and ends the session. `rebased` is
    /// clean. `allow_empty`: the queue may become empty.
    ///
    /// # Errors
    /// [`RefreshError`]; nothing has changed then.
    pub fn publish(
        &mut self,
        rebased: &Rebased,
        allow_empty: bool,
        ctx: &StepContext<'_>,
    ) -> Result<Published, RefreshError> {
        if self.empties(rebased) && !allow_empty {
            return Err(RefreshError::Empty);
        }
        let mut rewrite = self.plan(rebased)?;
        let (upstream, from, target) = (self.fetcher.upstream, &self.from, &self.target);
        let _lock = begin(upstream, ctx).map_err(RefreshError::of)?;
        let _second = target
            .track
            .is_some()
            .then(|| lock_workspace(upstream.workspace, ctx.command, PATIENCE, ctx.on_wait))
            .transpose()
            .map_err(RefreshError::of)?;
        if !from.are_unchanged(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)? {
            return Err(RefreshError::of(SideError::ChangedMeanwhile));
        }
        let ending = session::ending(upstream)?;
        if ending.as_ref().and_then(|change| change.old.as_deref()) != self.on_disk.as_deref() {
            return Err(RefreshError::of(SideError::ChangedMeanwhile));
        }
        let state = SyncState::read(upstream, &mut self.objects, from).map_err(RefreshError::of)?;
        judge(&state)?;
        let mut changes = entry_changes(upstream, target)?;
        changes.extend(ending);
        rewrite.add(changes, true);
        let left = rebased.patches.iter().filter_map(|patch| Some((&patch.name, patch.dropped.as_ref()?)));
        rewrite.notes =
            left.map(|(name, why)| format!("{name} left the queue: '{}'", printable(why.as_bytes()))).collect();
        let taken = RemovedPatches::of(&state, from);
        rewrite.notes.extend(taken.notes());
        let queue = rewrite.written().and(taken);
        let checkout = rewrite.publish(upstream, &mut self.objects, &state, None, ctx).map_err(RefreshError::of)?;
        Ok(Published { queue, checkout })
    }

    /// Returns the queue as it will be written.
    fn plan(&mut self, rebased: &Rebased) -> Result<Rewrite, RefreshError> {
        let stack = &rebased.stack;
        let places = self.applied.as_ref().map(|(_, places)| places.clone()).unwrap_or_default();
        let version = |item: &stack::Item| Version { name: Some(item.name.clone()), commit: item.commit };
        let versions: Vec<Version> = stack.items.iter().map(version).collect();
        let (fetcher, from) = (self.fetcher, &self.from);
        let mut rewrite = Rewrite::plan(fetcher, &mut self.objects, from, stack.base, &versions, Some(places))?;
        rewrite.files.version = Some(self.target.version.clone());
        Ok(rewrite)
    }

    /// Checks whether a queue with patches would become empty.
    #[must_use]
    pub fn empties(&self, rebased: &Rebased) -> bool {
        rebased.stack.items.is_empty() && !self.from.patches.is_empty()
    }

    /// Handles a pin that is already at the target: newer files are applied (returns the patches removed with them),
    /// and a new track is written (returns whether it was).
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn stay(&mut self, ctx: &StepContext<'_>) -> Result<(Option<RemovedPatches>, bool), RefreshError> {
        let (mut applied, mut followed) = (None, false);
        // If it was never set up, `setup` does that.
        if self.state.record.is_some() && self.state.files_newer() {
            let options = SetupOptions { pristine: false, discard: false, checkout: self.state.has_checkout() };
            let settled = setup(self.fetcher, options, ctx).map_err(RefreshError::of)?;
            applied = settled.changed.then_some(settled.taken);
        }
        if let Some(track) = &self.target.track {
            followed = follow_track(self.fetcher.upstream, &self.from, track, ctx)?;
        }
        Ok((applied, followed))
    }
}

impl Moving<'_> {
    /// Returns the final result.
    #[must_use]
    pub fn done(self, end: RefreshEnd) -> Refreshed {
        // Damaged decisions are reported only if remembered decisions were requested.
        let asked = self.accept.ways.contains(&AcceptRule::Remembered);
        let damaged = if asked { self.memory.damaged() } else { Vec::new() };
        let mut refreshed = Refreshed { from: self.from, target: self.target, damaged, remembered: 0, end };
        refreshed.remembered = refreshed.rebased().map_or(0, |rebased| remembered(&self.memory, rebased));
        refreshed
    }
}

/// Returns how many hunks in conflict `memory` would resolve without asking.
fn remembered(memory: &Memory, rebased: &Rebased) -> usize {
    let of_file = |patch: &str, file: &FileOutcome| {
        let Some(conflict) = file.conflict.as_ref().filter(|conflict| generated(&conflict.path).is_none()) else {
            return 0;
        };
        let at = At { patch, path: &conflict.path, own: &file.path };
        conflict.hunks().filter(|hunk| memory.recalled(at, hunk).is_some()).count()
    };
    rebased.patches.iter().flat_map(|patch| patch.files.iter().map(|file| of_file(&patch.name, file))).sum()
}

/// Returns the digest of the parts of the manifest that determine source and target of the queue.
fn entry_digest(upstream: &UpstreamStore<'_>) -> Sum {
    let track = upstream.entry.track.as_ref().map(Track::as_str).unwrap_or_default();
    Sum::of(format!("{}\0{track}", upstream.entry.url.as_str()).as_bytes())
}

/// Makes the commits of the new stack again, exactly as the patch files give them there: data that a file leaves out
/// comes from the pin, which is a different one now.
fn as_the_files_say(objects: &mut Objects<'_>, from: &Files, rebased: &mut Rebased) {
    let base = rebased.stack.base;
    let mut parent = base.commit;
    for item in &mut rebased.stack.items {
        if let Some(file) = from.patches.iter().find(|file| file.queued.name == item.name) {
            let header = &file.queued.patch.header;
            item.commit = objects.put_commit(&stack::commit_of(&item.name, header, &base, parent, item.after));
        }
        parent = item.commit;
        for patch in rebased.patches.iter_mut().filter(|patch| patch.name == item.name) {
            patch.new = Some(item.commit);
        }
    }
}

/// Returns the blobs that a checkout of `stack` needs and the store lacks.
pub(in crate::workspace) fn checkout_blobs(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    stack: &Stack,
) -> Result<BTreeSet<Id>, GitError> {
    let touched: Vec<RepoPath> =
        objects.diff(stack.base.tree, stack.tree())?.into_iter().map(|change| change.path).collect();
    let sparse = upstream.sparse(stack.base.tree, &touched)?;
    checkout::wanted_blobs(objects.store(), stack.base.tree, &sparse)
}
