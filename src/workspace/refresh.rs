//! A queue moved to another commit of its upstream: worked out in memory, and published in one step when nothing waits for a
//! person.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use globset::{Glob, GlobSetBuilder};

use super::changes::{only_files, to_hold};
use super::files_side::Files;
use super::layout::MANIFEST;
use super::manifest::{EditError, ManifestEdit, Track};
use super::publish::{FileChange, PublishError};
use super::rewrite::{Rewrite, RewriteError};
use super::settle::{Around, SettleError, Wish, begin, settle, stack_of};
use super::site::{PATIENCE, Site, lock_workspace};
use super::state::{Cell, State};
use super::supply::Supply;
use super::target::{Target, TargetError, TargetWish, find_target};
use super::which_patch::{WhichPatchError, which_patch};
use super::{files, pins};
use crate::git::checkout::{self, Materialized, WorkChange};
use crate::git::{GitError, Objects};
use crate::path::RepoPath;
use crate::stack::{self, Accept, Base, Exported, Lazy, Moved, Rebased, Stack, Version, Way};

/// How a refresh goes about it.
#[derive(Debug, Clone, Default)]
pub struct RefreshWish {
    /// Where to.
    pub target: TargetWish,
    /// Patches (names, or how they begin) that may leave the queue when a clean merge leaves nothing of them.
    pub may_drop: Vec<String>,
    /// Ways to decide conflicts that were agreed to.
    pub accept: Vec<Way>,
    /// What they may decide about; none: everything.
    pub only: Vec<Only>,
    /// Only say what would become of the queue.
    pub dry_run: bool,
}

/// A part of a queue.
#[derive(Debug, Clone)]
pub enum Only {
    /// A patch: its name, or how it begins.
    Patch(String),
    /// The paths that a glob matches.
    Paths(Glob),
}

/// What came of it.
#[derive(Debug)]
pub struct Refreshed {
    /// Pin, version and patches before.
    pub from: Files,
    /// Where to.
    pub target: Target,
    /// What became of the patches; `None`: the pin is there already.
    pub rebased: Option<Rebased>,
    /// What was written; `None`: nothing.
    pub published: Option<Published>,
    /// For a pin that is there already: whether the track was written.
    pub followed: bool,
    /// For a pin that is there already: whether newer files were applied.
    pub applied: bool,
}

/// What a refresh wrote.
#[derive(Debug)]
pub struct Published {
    /// Each patch of the new queue: its name, its commit, and what became of its file.
    pub patches: Vec<(String, Exported)>,
    /// The files of patches that left the queue.
    pub removed: Vec<String>,
    /// What happened to the checkout; `None`: there is none.
    pub checkout: Option<Materialized>,
}

/// Why a queue was not moved. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// There is nothing to move to.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A patch that may be dropped is none of the queue.
    #[error(transparent)]
    Which(#[from] WhichPatchError),
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

impl RefreshError {
    fn of(error: impl Into<SettleError>) -> RefreshError {
        RefreshError::Rewrite(RewriteError::Settle(error.into()))
    }
}

impl From<GitError> for RefreshError {
    fn from(error: GitError) -> RefreshError {
        RefreshError::of(error)
    }
}

impl From<files::FileError> for RefreshError {
    fn from(error: files::FileError) -> RefreshError {
        RefreshError::of(PublishError::from(error))
    }
}

/// Moves the queue of `site`. Where a patch is in conflict nothing is written, and the result says what waits.
///
/// # Errors
/// [`RefreshError`].
pub fn refresh(
    site: &Site<'_>,
    supply: &Supply<'_>,
    wish: &RefreshWish,
    around: &Around<'_>,
) -> Result<Refreshed, RefreshError> {
    let from = Files::read(&site.workspace.layout, site.name()).map_err(RefreshError::of)?;
    let accept = accept(&from, wish)?;
    let mut objects = Objects::new(&site.store)?;
    let state = State::read(site, &mut objects, &from).map_err(RefreshError::of)?;
    if !wish.dry_run {
        judge(&state)?;
    }
    let target = find_target(site, supply, &from, &wish.target)?;
    let mut refreshed = Refreshed { from, target, rebased: None, published: None, followed: false, applied: false };
    if refreshed.target.same {
        if !wish.dry_run {
            stay(site, supply, &state, &mut refreshed, around)?;
        }
        return Ok(refreshed);
    }
    let with_checkout = state.has_checkout() && !wish.dry_run;
    let (rebased, places) = move_queue(site, supply, &mut objects, &refreshed, &accept, with_checkout)?;
    if rebased.is_clean() && !wish.dry_run {
        refreshed.published = Some(publish(site, supply, &mut objects, &refreshed, (&rebased.stack, places), around)?);
    }
    refreshed.rebased = Some(rebased);
    Ok(refreshed)
}

/// What was agreed to, with the full names of patches.
fn accept(files: &Files, wish: &RefreshWish) -> Result<Accept, WhichPatchError> {
    let names = || files.patches.iter().map(|patch| patch.queued.name.as_str());
    let full = |wanted: &str| which_patch(names(), wanted).map(|n| files.patches[n].queued.name.clone());
    let may_drop = wish.may_drop.iter().map(|name| full(name)).collect::<Result<_, _>>()?;
    let (mut patches, mut paths) = (BTreeSet::new(), GlobSetBuilder::new());
    for only in &wish.only {
        match only {
            Only::Patch(name) => drop(patches.insert(full(name)?)),
            Only::Paths(glob) => drop(paths.add(glob.clone())),
        }
    }
    // Globs that were read one by one are read together as well.
    let only = (!wish.only.is_empty()).then(|| (patches, paths.build().unwrap_or_default()));
    Ok(Accept { ways: wish.accept.clone(), only, may_drop })
}

/// The table of `who is right`, for `refresh`: newer files go along, commits and uncommitted changes are in the way.
fn judge(state: &State) -> Result<(), RefreshError> {
    if state.lost_store() {
        return Err(RefreshError::LostStore);
    }
    match state.cell().map_err(RefreshError::of)? {
        Cell::CommitsNewer => Err(RefreshError::of(SettleError::Commits(state.made.clone()))),
        Cell::Diverged => {
            let (files, commits) = (state.files.clone(), state.made.clone());
            Err(RefreshError::of(SettleError::Diverged { files, commits }))
        }
        Cell::Equal | Cell::FilesNewer if !state.work.is_empty() => Err(RefreshError::Dirty(state.work.clone())),
        Cell::Equal | Cell::FilesNewer => Ok(()),
    }
}

/// Per patch file the hunks that apply elsewhere than it says.
type Places = HashMap<String, Vec<Moved>>;

/// The queue on its pin and then on the target, in memory. Everything that this and the checkout need comes in one request.
fn move_queue(
    site: &Site<'_>,
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    refreshed: &Refreshed,
    accept: &Accept,
    with_checkout: bool,
) -> Result<(Rebased, Places), RefreshError> {
    let applied = stack_of(site, supply, objects, &refreshed.from, false).map_err(RefreshError::of)?;
    if let Some((n, failure)) = applied.failure {
        let patch = refreshed.from.patches[n].queued.name.clone();
        return Err(RefreshError::of(SettleError::Apply { patch, failure: Box::new(failure), applied: n }));
    }
    let onto = Base::read(objects, refreshed.target.pin)?;
    let rebased = supply.run(objects, |objects| {
        let rebased = stack::rebase(objects, &applied.stack, onto, accept)?;
        if !with_checkout {
            return Ok(rebased);
        }
        Ok(match rebased {
            // What waits for a person needs no checkout yet.
            Lazy::Done(rebased) if !rebased.is_clean() => Lazy::Done(rebased),
            Lazy::Done(rebased) => match checkout_blobs(site, objects, &rebased.stack)? {
                needed if needed.is_empty() => Lazy::Done(rebased),
                needed => Lazy::Need(needed),
            },
            need => need,
        })
    });
    let mut places = Places::new();
    for (n, moved) in applied.moved {
        places.entry(refreshed.from.patches[n].queued.name.clone()).or_default().push(moved);
    }
    let mut rebased = rebased.map_err(RefreshError::of)?;
    as_the_files_say(objects, &refreshed.from, &mut rebased);
    Ok((rebased, places))
}

/// Makes the commits of the new stack anew as the patch files give them there: what a file leaves open comes from the pin, and
/// that is another one now.
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

/// The blobs that a checkout of `stack` needs and the store lacks.
fn checkout_blobs(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    stack: &Stack,
) -> Result<BTreeSet<crate::git::Id>, GitError> {
    let touched: Vec<RepoPath> =
        objects.diff(stack.base.tree, stack.tree())?.into_iter().map(|change| change.path).collect();
    let sparse = site.sparse(stack.base.tree, &touched)?;
    checkout::wanted_blobs(objects.store(), stack.base.tree, &sparse)
}

/// Writes pin, version, patch files, track, refs and checkout in one step.
fn publish(
    site: &Site<'_>,
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    refreshed: &Refreshed,
    (stack, places): (&Stack, Places),
    around: &Around<'_>,
) -> Result<Published, RefreshError> {
    let (from, target) = (&refreshed.from, &refreshed.target);
    let version = |item: &stack::Item| Version { name: Some(item.name.clone()), commit: item.commit };
    let versions: Vec<Version> = stack.items.iter().map(version).collect();
    let mut rewrite = Rewrite::plan(site, supply, objects, from, stack.base, &versions, Some(places))?;
    rewrite.files.version = Some(target.version.clone());
    let _lock = begin(site, around).map_err(RefreshError::of)?;
    let _second = target
        .track
        .is_some()
        .then(|| lock_workspace(site.workspace, around.command, PATIENCE, around.on_wait))
        .transpose()
        .map_err(RefreshError::of)?;
    if !from.are_unchanged(&site.workspace.layout, site.name()).map_err(RefreshError::of)? {
        return Err(RefreshError::of(SettleError::ChangedMeanwhile));
    }
    let state = State::read(site, objects, from).map_err(RefreshError::of)?;
    judge(&state)?;
    rewrite.add(entry_changes(site, target)?, true);
    let (patches, removed) = (rewrite.patches.clone(), rewrite.removed.clone());
    let checkout = rewrite.publish(site, objects, &state, None, around).map_err(RefreshError::of)?;
    Ok(Published { patches, removed, checkout })
}

/// The changes beside pin and patches: the version, and the track where it is a new one.
fn entry_changes(site: &Site<'_>, target: &Target) -> Result<Vec<FileChange>, RefreshError> {
    let layout = &site.workspace.layout;
    let file = layout.version(site.name());
    let path = RepoPath::new(layout.shown(&file).as_os_str().as_encoded_bytes()).map_err(GitError::EvilPath)?;
    let version = to_hold(layout, path, pins::print_version(&target.version))?;
    let track = target.track.as_ref().map(|track| track_change(site, track)).transpose()?.flatten();
    Ok(version.into_iter().chain(track).collect())
}

/// The change of the manifest that writes the track, from what stands there now.
fn track_change(site: &Site<'_>, track: &Track) -> Result<Option<FileChange>, RefreshError> {
    let layout = &site.workspace.layout;
    let text = files::read(&layout.manifest())?.unwrap_or_default();
    let mut edit = ManifestEdit::new(&text, Path::new(MANIFEST))?;
    edit.set_track(site.name(), track)?;
    let path = RepoPath::new(MANIFEST).map_err(GitError::EvilPath)?;
    Ok(to_hold(layout, path, edit.finish(Path::new(MANIFEST))?)?)
}

/// The pin is there already: what is left are files that are newer than store and checkout, and a new track.
fn stay(
    site: &Site<'_>,
    supply: &Supply<'_>,
    state: &State,
    refreshed: &mut Refreshed,
    around: &Around<'_>,
) -> Result<(), RefreshError> {
    // What was never set up is for `setup`.
    if state.record.is_some() && state.files_newer() {
        let wish = Wish { pristine: false, discard: false, checkout: state.has_checkout() };
        refreshed.applied = settle(site, supply, wish, around).map_err(RefreshError::of)?.changed;
    }
    if let Some(track) = &refreshed.target.track {
        refreshed.followed = follow_track(site, &refreshed.from, track, around)?;
    }
    Ok(())
}

/// Writes the new track for a pin that is at its tip already; whether the manifest changed.
fn follow_track(site: &Site<'_>, from: &Files, track: &Track, around: &Around<'_>) -> Result<bool, RefreshError> {
    let _lock = begin(site, around).map_err(RefreshError::of)?;
    let _second = lock_workspace(site.workspace, around.command, PATIENCE, around.on_wait).map_err(RefreshError::of)?;
    let mut objects = Objects::new(&site.store)?;
    let state = State::read(site, &mut objects, from).map_err(RefreshError::of)?;
    let changes = track_change(site, track)?.into_iter().collect();
    let changed = only_files(site, &mut objects, &state, changes, around).map_err(RefreshError::of)?;
    Ok(!changed.is_empty())
}
