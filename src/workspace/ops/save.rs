//! Saves the checkout's uncommitted changes as a patch: as a new one on top, or folded into an existing one.

use crate::workspace::step::kept;
use crate::workspace::upstream::side_error::SideError;
use bstr::BString;

use super::apply::{refuse_last_copies, stack_of};
use super::dropped::{Fate, WrittenQueue, is_moved_back, vanished};
use super::error::QueueError;
use super::export::{line_of_versions, merge_sides, versions_of, which_patches};
use super::rewrite::{Rewrite, RewriteError};
use crate::git::checkout::{Attachment, ChangeKind, WorkChange};
use crate::git::{Commit, GitError, Id, Objects, Signature};
use crate::path::RepoPath;
use crate::stack::{self, Base, Change, Conflict, Replayed, Version};
use crate::workspace::files::queue_files::Files;
use crate::workspace::files::which_patch::{WhichPatchError, which_patch};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::run::begin;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::removed_patches::RemovedPatches;
use crate::workspace::upstream::sides::{SyncState, SyncStatus};
use crate::workspace::upstream::store::UpstreamStore;

/// More new files than this are saved only with an option.
pub const MANY_FILES: usize = 50;
/// A new file larger than this (in bytes) is saved only with an option.
pub const LARGE_FILE: u64 = 1024 * 1024;

/// The options of a save.
#[derive(Debug, Clone)]
pub struct SaveOptions {
    /// The whole message of a new patch; empty when changes are folded.
    pub message: BString,
    /// The patch to fold into: its name, or the beginning of it.
    pub into: Option<String>,
    /// Only changes of these files and folders; empty: all.
    pub paths: Vec<RepoPath>,
    /// Take many and large new files too.
    pub all: bool,
    /// Patches that may leave the queue with their commits: names, or the beginnings of names.
    pub allow_drop: Vec<String>,
    /// The author of the patch, and the time.
    pub author: Signature,
}

/// What was saved.
#[derive(Debug)]
pub struct Saved {
    /// The changes that went into the patch.
    pub changes: Vec<WorkChange>,
    /// The patch's file name.
    pub patch: String,
    /// The queue that was written.
    pub queue: WrittenQueue,
    /// The commit on top.
    pub top: Id,
    /// The patch in the written stack.
    pub item: stack::Item,
    /// Its parent commit.
    pub parent: Id,
}

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// There is no checkout.
    #[error("there is no checkout")]
    NoCheckout,
    /// Something else stands where it belongs.
    #[error("the folder in the checkout's place is not a checkout of this upstream")]
    NotACheckout(Attachment),
    /// The checkout has no changes (at the given paths).
    #[error("the checkout has no changes to save")]
    Nothing,
    /// None of the changes is at a path that was given.
    #[error("no change at '{0}'")]
    NoSuchPath(RepoPath),
    /// Changes that cannot be a part of a patch.
    #[error("these cannot be saved")]
    Unusable(Vec<WorkChange>),
    /// So many or such large files may be a mistake.
    #[error("{count} new files{}", .large.as_ref().map(|(path, size)| format!(", and '{path}' has {size} bytes")).unwrap_or_default())]
    Many {
        /// How many new files there are.
        count: usize,
        /// The largest one over the limit.
        large: Option<(RepoPath, u64)>,
    },
    /// A name does not select one patch.
    #[error(transparent)]
    Which(#[from] WhichPatchError),
    /// The changes do not go into that patch, or a later one does not go on top of it.
    #[error("'{patch}' does not apply with it")]
    Conflicts {
        /// The patch that does not apply.
        patch: String,
        /// The paths; empty: it would have no effect left.
        conflicts: Vec<Conflict>,
    },
    /// Commits and their changes are missing from the checkout, and removing their patches was not allowed.
    #[error("commits and their changes are missing from the checkout")]
    Vanished {
        /// For each patch its name, its commit, and the paths that no longer have the change.
        patches: Vec<(String, Id, Vec<RepoPath>)>,
        /// Whether the checkout was only moved back: it is at one of the queue's own commits.
        moved_back: bool,
    },
    /// The patch files are newer, so the patch to fold into may be different there.
    #[error("the patch files are newer than the checkout")]
    FilesNewer,
    /// Another error.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
}

impl SaveError {
    fn of(error: impl Into<QueueError>) -> SaveError {
        SaveError::Rewrite(RewriteError::Queue(error.into()))
    }
}

impl From<GitError> for SaveError {
    fn from(error: GitError) -> SaveError {
        SaveError::of(error)
    }
}

/// Saves the checkout's changes.
///
/// # Errors
/// [`SaveError`]; nothing has changed then.
pub fn save(fetcher: &Fetcher<'_>, request: &SaveOptions, ctx: &StepContext<'_>) -> Result<Saved, SaveError> {
    let upstream = fetcher.upstream;
    let _lock = begin(upstream, ctx).map_err(SaveError::of)?;
    let files = Files::read(&upstream.workspace.layout, upstream.name()).map_err(SaveError::of)?;
    let mut objects = Objects::new(&upstream.store)?;
    let state = SyncState::read(upstream, &mut objects, &files).map_err(SaveError::of)?;
    let cell = state.cell().map_err(SaveError::of)?;
    let tip = match (state.tip, &state.attachment) {
        (Some(tip), _) if state.has_checkout() => tip,
        (_, Attachment::Absent | Attachment::Empty | Attachment::Ours | Attachment::Moved) => {
            return Err(SaveError::NoCheckout);
        }
        (_, other) => return Err(SaveError::NotACheckout(other.clone())),
    };
    if cell == SyncStatus::Diverged {
        let (files, commits) = (state.files.clone(), state.made.clone());
        return Err(SaveError::of(SideError::Diverged { files, commits }));
    }
    if cell == SyncStatus::FilesNewer {
        refuse_last_copies(fetcher, &objects, &state, &files).map_err(SaveError::of)?;
    }
    let allowed = which_patches(&files, &request.allow_drop)?;
    let changes = chosen(&state.work, request)?;
    let tree = kept::work_tree(upstream, &mut objects, tip, &changes).map_err(SaveError::of)?;
    let work = Work { tip, tree, changes };
    let (base, versions, at) = match &request.into {
        Some(name) if cell == SyncStatus::FilesNewer => return Err(no_folding(&files, name)),
        Some(name) => folded(fetcher, &mut objects, (&files, &state), &work, name)?,
        None => on_top(fetcher, &mut objects, (&files, &state), &work, request)?,
    };
    let mut rewrite = Rewrite::plan(fetcher, &mut objects, &files, base, &versions, None)?;
    judge_vanished(fetcher, &mut objects, &state, &mut rewrite, &allowed)?;
    let patch = rewrite.patches.get(at).map(|(name, _)| name.clone()).unwrap_or_default();
    let queue = rewrite.written().and(RemovedPatches::of(&state, &files));
    let top = rewrite.stack.top();
    let items = &rewrite.stack.items;
    let parent = at.checked_sub(1).and_then(|below| items.get(below)).map_or(base.commit, |item| item.commit);
    let item = items.get(at).cloned().ok_or(SaveError::Nothing)?;
    let message = "Uncommitted changes\n".into();
    let (author, committer) = (request.author.clone(), request.author.clone());
    let through = objects.put_commit(&Commit { tree: work.tree, parents: vec![tip], author, committer, message });
    rewrite.publish(upstream, &mut objects, &state, Some(through), ctx).map_err(SaveError::of)?;
    Ok(Saved { changes: work.changes, patch, queue, top, item, parent })
}

/// Checks vanished commits: their patches are removed only if their changes are still in the queue, or an option allows
/// it.
fn judge_vanished(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
    rewrite: &mut Rewrite,
    allowed: &[String],
) -> Result<(), SaveError> {
    let Some(record) = &state.record else { return Ok(()) };
    let vanished = vanished(fetcher, objects, record, rewrite)?;
    let lost = vanished.iter().filter(|patch| !allowed.contains(&patch.name)).filter_map(|patch| match &patch.fate {
        Fate::Lost(paths) => Some((patch.name.clone(), patch.commit, paths.clone())),
        Fate::Folded(_) => None,
    });
    let patches: Vec<(String, Id, Vec<RepoPath>)> = lost.collect();
    if !patches.is_empty() {
        return Err(SaveError::Vanished { patches, moved_back: is_moved_back(record, &state.line()) });
    }
    rewrite.note_vanished(&vanished);
    Ok(())
}

/// The changes to save.
struct Work {
    tip: Id,
    tree: Id,
    changes: Vec<WorkChange>,
}

fn no_folding(files: &Files, name: &str) -> SaveError {
    match which_patch(files.queue.files.iter().map(|file| file.name.as_str()), name) {
        Ok(_) => SaveError::FilesNewer,
        Err(error) => error.into(),
    }
}

/// Returns what `save` would take, as far as can be known without a lock.
///
/// # Errors
/// [`SaveError`] when there is nothing to save.
pub fn to_save(upstream: &UpstreamStore<'_>, request: &SaveOptions) -> Result<Vec<WorkChange>, SaveError> {
    let files = Files::read(&upstream.workspace.layout, upstream.name()).map_err(SaveError::of)?;
    let mut objects = Objects::new(&upstream.store)?;
    let state = SyncState::read(upstream, &mut objects, &files).map_err(SaveError::of)?;
    state.cell().map_err(SaveError::of)?;
    chosen(&state.work, request)
}

fn chosen(work: &[WorkChange], request: &SaveOptions) -> Result<Vec<WorkChange>, SaveError> {
    let wanted =
        |change: &&WorkChange| request.paths.is_empty() || request.paths.iter().any(|path| change.path.is_within(path));
    let changes: Vec<WorkChange> = work.iter().filter(wanted).cloned().collect();
    if let Some(path) = request.paths.iter().find(|path| !changes.iter().any(|change| change.path.is_within(path))) {
        return Err(SaveError::NoSuchPath(path.clone()));
    }
    if changes.is_empty() {
        return Err(SaveError::Nothing);
    }
    let unusable = |change: &&WorkChange| matches!(change.kind, ChangeKind::Conflicted | ChangeKind::Repository);
    let unusable: Vec<WorkChange> = changes.iter().filter(unusable).cloned().collect();
    if !unusable.is_empty() {
        return Err(SaveError::Unusable(unusable));
    }
    let new: Vec<&WorkChange> = changes.iter().filter(|change| change.kind == ChangeKind::Untracked).collect();
    let largest =
        new.iter().filter_map(|change| Some((change.path.clone(), change.size?))).max_by_key(|(_, size)| *size);
    let large = largest.filter(|(_, size)| *size > LARGE_FILE);
    if !request.all && (new.len() > MANY_FILES || large.is_some()) {
        return Err(SaveError::Many { count: new.len(), large });
    }
    Ok(changes)
}

/// Returns the queue with a new commit on top, based on the files if they are newer.
fn on_top(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    (files, state): (&Files, &SyncState),
    work: &Work,
    request: &SaveOptions,
) -> Result<(Base, Vec<Version>, usize), SaveError> {
    let (author, committer) = (request.author.clone(), request.author.clone());
    let message = request.message.clone();
    let parents = vec![work.tip];
    let commit = objects.put_commit(&Commit { tree: work.tree, parents, author, committer, message });
    let mut versions = versions_of(state);
    versions.push(Version { name: None, commit });
    if !state.files_newer() {
        let base = Base::read(objects, files.pin)?;
        let at = versions.len() - 1;
        return Ok((base, versions, at));
    }
    let applied = stack_of(fetcher, objects, files, true).map_err(SaveError::of)?;
    let (base, merged) = merge_sides(fetcher, objects, files, state, &applied, &versions)?;
    let at = merged.iter().rposition(|version| version.name.is_none()).unwrap_or(0);
    Ok((base, merged, at))
}

/// Returns the queue with the changes folded into one of its patches.
fn folded(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    (files, state): (&Files, &SyncState),
    work: &Work,
    name: &str,
) -> Result<(Base, Vec<Version>, usize), SaveError> {
    let base = Base::read(objects, files.pin)?;
    let line = line_of_versions(fetcher, objects, files, base, state)?;
    let names: Vec<String> = line.iter().map(|version| version.name.clone().unwrap_or_default()).collect();
    let into = which_patch(names.iter().map(String::as_str), name)?;
    let changes = line.iter().map(|version| Change::of(objects, version.commit)).collect::<Result<Vec<_>, _>>()?;
    let folded = fetcher
        .run(objects, |objects| stack::fold(objects, base.commit, &changes, into, work.tree))
        .map_err(SaveError::of)?;
    let patch = |n: usize| names.get(n).cloned().unwrap_or_default();
    match folded {
        Replayed::Clean(commits, _) => {
            let versions = line.into_iter().zip(commits).map(|(version, commit)| Version { commit, ..version });
            Ok((base, versions.collect(), into))
        }
        Replayed::Conflicts(n, conflicts) => Err(SaveError::Conflicts { patch: patch(n), conflicts }),
        Replayed::Emptied(n) => Err(SaveError::Conflicts { patch: patch(n), conflicts: Vec::new() }),
    }
}
