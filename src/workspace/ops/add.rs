//! Adds an upstream's pin, with or without first patches: manifest, pin, version, patch files, ignore files and store
//! change in one step.

use std::path::Path;

use super::apply::stack_of;
use super::error::QueueError;
use crate::git::{BRANCH, GitError, Id, Objects, SYNCED};
use crate::path::{RepoPath, printable};
use crate::stack::{Applied, Stack};
use crate::workspace::files::disk;
use crate::workspace::files::layout::{Layout, MANIFEST};
use crate::workspace::files::open::Workspace;
use crate::workspace::files::pins;
use crate::workspace::files::queue::{Queue, SERIES};
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::{EditError, Manifest, ManifestEdit, Name, NewUpstream, Track};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::{GitEffects, RefMove};
use crate::workspace::step::equal_refs::{HowEqual, equal_refs};
use crate::workspace::step::error::StepError;
use crate::workspace::step::file_changes::{of_ignores, to_hold};
use crate::workspace::step::kept;
use crate::workspace::step::publish::{FileChange, PublishError};
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{SyncState, SyncStatus};
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_workspace};
use crate::workspace::upstream::synced::Synced;

/// A new entry for the manifest.
#[derive(Debug, Clone)]
pub enum NewEntry {
    /// An entry with these keys.
    Written(NewUpstream),
    /// A copy of another entry.
    Like {
        /// Its name.
        name: Name,
        /// The other entry.
        other: Name,
        /// Its track; `None`: that of the other entry.
        track: Option<Track>,
    },
}

/// The new state of an upstream.
#[derive(Debug)]
pub struct NewPin<'a> {
    /// Its new entry in the manifest; `None`: it exists.
    pub entry: Option<&'a NewEntry>,
    /// Pin, version and first patches (if empty, the patches on disk stay).
    pub files: &'a Files,
    /// The pin that the upstream has now.
    pub pin_now: Option<Id>,
}

/// The result.
#[derive(Debug)]
pub struct AddedUpstream {
    /// The patches on the pin.
    pub applied: Applied,
    /// The files that changed, from the workspace's root, printable.
    pub files: Vec<String>,
    /// Whether there is a checkout, which has not moved.
    pub has_checkout: bool,
}

/// The errors; nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The entry cannot be written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// There are patches already.
    #[error("there are patches in {folder} already ({first}{})", if *.more > 0 { format!(" and {} more", .more) } else { String::new() })]
    HasPatches {
        /// The folder, from the workspace's root.
        folder: String,
        /// The first patch.
        first: String,
        /// How many others.
        more: usize,
    },
    /// Another error.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<StepError> for AddError {
    fn from(error: StepError) -> AddError {
        AddError::Queue(error.into())
    }
}

impl AddError {
    fn of(error: impl Into<QueueError>) -> AddError {
        AddError::Queue(error.into())
    }
}

impl From<disk::FileError> for AddError {
    fn from(error: disk::FileError) -> AddError {
        AddError::of(PublishError::from(error))
    }
}

impl Workspace {
    /// Returns the workspace with `new` added to its manifest. Nothing is written.
    ///
    /// # Errors
    /// [`EditError`].
    pub fn with_entry(&self, new: &NewEntry) -> Result<Workspace, EditError> {
        let text = with_entry(&self.text, new)?;
        let manifest = Manifest::parse(&text, Path::new(MANIFEST))?;
        let (checkout, inside) = (self.checkout.clone(), self.inside.clone());
        Ok(Workspace { layout: self.layout.clone(), manifest, text, checkout, inside })
    }
}

fn with_entry(text: &[u8], new: &NewEntry) -> Result<Vec<u8>, EditError> {
    let mut edit = ManifestEdit::new(text, Path::new(MANIFEST))?;
    match new {
        NewEntry::Written(new) => edit.add(new)?,
        NewEntry::Like { name, other, track } => edit.add_like(name, other, track.as_ref())?,
    }
    edit.finish(Path::new(MANIFEST))
}

/// Refuses an upstream that has patches.
///
/// # Errors
/// [`AddError::HasPatches`], or the folder cannot be read.
pub fn refuse_patches(layout: &Layout, name: &Name) -> Result<(), AddError> {
    let folder = layout.patches(name);
    let shown = layout.shown(&folder);
    let there = Queue::read(&folder, shown)
        .map_err(|error| AddError::of(crate::workspace::files::queue_files::FilesError::from(error)))?;
    let mut names = there.files.iter().map(|file| file.name.as_str()).chain(there.series.is_some().then_some(SERIES));
    match names.next() {
        None => Ok(()),
        Some(first) => Err(AddError::HasPatches {
            folder: printable(shown.as_os_str().as_encoded_bytes()),
            first: first.to_owned(),
            more: names.count(),
        }),
    }
}

/// Adds the files of `adoption` to the upstream (whose workspace already has the entry). The patches are applied to the
/// pin before anything is written.
///
/// # Errors
/// [`AddError`]; nothing has changed then. A patch that does not apply is [`QueueError::Apply`].
pub fn add_entry(
    fetcher: &Fetcher<'_>,
    adoption: &NewPin<'_>,
    ctx: &StepContext<'_>,
) -> Result<AddedUpstream, AddError> {
    let upstream = fetcher.upstream;
    let mut objects = Objects::new(&upstream.store).map_err(AddError::of)?;
    let new = adoption.files;
    let applied = stack_of(fetcher, &mut objects, new, false)?;
    if let Some((n, failure)) = applied.failure {
        let patch = new.patches[n].queued.name.clone();
        return Err(AddError::of(QueueError::Apply { patch, failure: Box::new(failure), applied: n }));
    }
    let workspace = upstream.workspace;
    let _lock = begin(upstream, ctx)?;
    let _second = lock_workspace(workspace, ctx.command, PATIENCE, ctx.on_wait).map_err(AddError::of)?;
    let pin = workspace.layout.pin(upstream.name());
    let pin_now = pins::read_pin(&pin, workspace.layout.shown(&pin))
        .map_err(|error| AddError::of(crate::workspace::files::queue_files::FilesError::from(error)))?;
    if pin_now != adoption.pin_now {
        return Err(AddError::of(SideError::ChangedMeanwhile));
    }
    if !new.queue.files.is_empty() {
        refuse_patches(&workspace.layout, upstream.name())?;
    }
    let mut state = SyncState::read(upstream, &mut objects, new).map_err(AddError::of)?;
    if matches!(state.cell().map_err(AddError::of)?, SyncStatus::CommitsNewer | SyncStatus::Diverged) {
        return Err(AddError::of(SideError::Commits(state.made.clone())));
    }
    let changes = changes(upstream, adoption)?;
    let refs = refs(upstream, &mut objects, &state, &applied.stack, new)?;
    let mut side = GitEffects { refs, ..GitEffects::default() };
    let listed = changes.iter().map(|change| printable(change.path.as_bytes())).collect();
    let has_checkout = state.has_checkout();
    // The checkout is not touched, so its changes need not be recorded.
    state.work.clear();
    side.refs.extend(kept::keep(upstream, &mut objects, &state, kept::About::of(&changes, &side), ctx)?);
    do_step(upstream, &mut objects, changes, &side, ctx)?;
    Ok(AddedUpstream { applied, files: listed, has_checkout })
}

/// Returns the refs that record what was made equal. If there is a checkout, which does not move, only the version's
/// pin is recorded: the files are then newer, and `setup` applies them.
fn refs(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
    stack: &Stack,
    new: &Files,
) -> Result<Vec<RefMove>, AddError> {
    let version_of = new.version.clone().map(|version| (new.pin, version));
    let moved = |error: GitError| AddError::of(error);
    if !state.has_checkout() {
        let written: Vec<String> = new.queue.files.iter().map(|file| file.name.clone()).collect();
        let how = HowEqual { version_taken: true, written: &written, ..HowEqual::default() };
        let mut moves = equal_refs(upstream, objects, stack, new, how).map_err(moved)?;
        moves.extend(RefMove::to(upstream, BRANCH, Some(stack.top())).map_err(moved)?);
        return Ok(moves);
    }
    let Some(record) = state.record.clone() else { return Ok(Vec::new()) };
    let record = Synced { version_of, ..record }.make(objects).map_err(moved)?;
    Ok(RefMove::to(upstream, SYNCED, Some(record)).map_err(moved)?.into_iter().collect())
}

/// Returns the changes of the workspace's files, based on their present content.
fn changes(upstream: &UpstreamStore<'_>, adoption: &NewPin<'_>) -> Result<Vec<FileChange>, AddError> {
    let (layout, name, new) = (&upstream.workspace.layout, upstream.name(), adoption.files);
    let mut changes = Vec::new();
    let at = |path: &str| RepoPath::new(path).map_err(|error| AddError::of(GitError::EvilPath(error)));
    let mut hold = |path: String, bytes: Vec<u8>| -> Result<(), AddError> {
        changes.extend(to_hold(layout, at(&path)?, bytes)?);
        Ok(())
    };
    for file in &new.queue.files {
        hold(format!("patches/{name}/{}", file.name), file.bytes.clone())?;
    }
    if let Some(series) = &new.queue.series {
        hold(format!("patches/{name}/{SERIES}"), series.clone())?;
    }
    hold(format!("commits/{name}.txt"), pins::print_pin(&new.pin))?;
    if let Some(version) = &new.version {
        hold(format!("commits/{name}.version.txt"), pins::print_version(version))?;
    }
    if let Some(entry) = adoption.entry {
        // Based on the present content: another entry may have been added since.
        let text = disk::read_at_most(&layout.manifest(), disk::LIST)?.unwrap_or_default();
        hold(MANIFEST.to_owned(), with_entry(&text, entry)?)?;
    }
    let names = upstream.workspace.manifest.upstreams.iter().map(|upstream| &upstream.name);
    changes.extend(of_ignores(layout, names)?);
    Ok(changes)
}

/// Returns the files of an upstream that has only a pin.
#[must_use]
pub fn pinned(pin: Id, version: String) -> Files {
    Files { pin, version: Some(version), queue: Queue::default(), patches: Vec::new() }
}
