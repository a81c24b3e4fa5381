//! Repairs what a check found: form, offsets, a stale version, missing ignore lines. It is one step, which `undo` can
//! revert. The effect of the patches does not change.

use crate::git::{GitError, Objects};
use crate::patch;
use crate::path::RepoPath;
use crate::stack::{Applied, Exported, Item, OldPatch, Origin};
use crate::workspace::files::disk;
use crate::workspace::files::pins;
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::apply::stack_of;
use crate::workspace::ops::error::QueueError;
use crate::workspace::ops::rewrite::{Rewrite, RewriteError};
use crate::workspace::ops::verify::files::ignore_changes;
use crate::workspace::ops::verify::{VerifyOptions, canonical, diffs};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::file_changes::only_files;
use crate::workspace::step::publish::{FileChange, PublishError};
use crate::workspace::step::run::begin;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{SyncState, SyncStatus};
use crate::workspace::upstream::store::{PATIENCE, UpstreamStore, lock_workspace};

/// What to repair.
#[derive(Debug, Clone, Default)]
pub struct Repairs {
    /// The required form of patch files. Hunks that apply at other places are always moved there.
    pub demands: VerifyOptions,
    /// The version, if it was determined again.
    pub version: Option<String>,
    /// Whether to add the missing lines of the ignore files.
    pub ignores: bool,
}

/// Repairs what can be repaired, and returns which files changed (from the workspace's root).
///
/// # Errors
/// [`RewriteError`]; nothing has changed then.
pub fn repair(fetcher: &Fetcher<'_>, repairs: &Repairs, ctx: &StepContext<'_>) -> Result<Vec<String>, RewriteError> {
    let upstream = fetcher.upstream;
    let _lock = begin(upstream, ctx)?;
    let old = Files::read(&upstream.workspace.layout, upstream.name()).map_err(QueueError::from)?;
    let mut objects = Objects::new(&upstream.store)?;
    let applied = stack_of(fetcher, &mut objects, &old, false)?;
    let state = SyncState::read(upstream, &mut objects, &old).map_err(QueueError::from)?;
    let exported = if applied.failure.is_some() {
        None
    } else {
        let new = reformed(fetcher, &mut objects, &old, &applied, repairs.demands)?;
        new.iter().any(|patch| patch.origin != Origin::Kept).then_some(new)
    };
    let _second = repairs
        .ignores
        .then(|| lock_workspace(upstream.workspace, ctx.command, PATIENCE, ctx.on_wait))
        .transpose()
        .map_err(QueueError::from)?;
    let mut extra = if repairs.ignores { ignore_changes(upstream.workspace).map_err(published)? } else { Vec::new() };
    extra.extend(version_change(upstream, repairs.version.as_deref())?);
    let version = repairs.version.clone().or_else(|| old.version.clone());
    let equal = matches!(state.cell(), Ok(SyncStatus::Equal));
    if let Some(exported) = exported {
        refuse_commits(&state)?;
        let mut rewrite = Rewrite::reform(upstream, &mut objects, &old, applied.stack.base, exported, version)?;
        rewrite.add(extra, repairs.version.is_some());
        return Ok(publish(upstream, &mut objects, &state, rewrite, equal, ctx)?);
    }
    // A version can be recorded as known only if files and commits are equal.
    if equal && repairs.version.is_some() {
        let kept = kept(&old, &applied);
        let mut rewrite = Rewrite::reform(upstream, &mut objects, &old, applied.stack.base, kept, version)?;
        rewrite.add(extra, true);
        return Ok(publish(upstream, &mut objects, &state, rewrite, true, ctx)?);
    }
    Ok(only_files(upstream, &mut objects, &state, extra, ctx)?)
}

/// Refuses commits that are in no patch file: they would belong to files that have changed.
fn refuse_commits(state: &SyncState) -> Result<(), QueueError> {
    match state.cell()? {
        SyncStatus::Equal | SyncStatus::FilesNewer => Ok(()),
        SyncStatus::CommitsNewer => Err(SideError::Commits(state.made.clone()).into()),
        SyncStatus::Diverged => {
            Err(SideError::Diverged { files: state.files.clone(), commits: state.made.clone() }.into())
        }
    }
}

fn published(error: disk::FileError) -> QueueError {
    PublishError::File(error).into()
}

fn version_change(upstream: &UpstreamStore<'_>, version: Option<&str>) -> Result<Option<FileChange>, QueueError> {
    let Some(version) = version else { return Ok(None) };
    let layout = &upstream.workspace.layout;
    let file = layout.version(upstream.name());
    let old = disk::read_at_most(&file, disk::ONE_LINE).map_err(published)?;
    let new = pins::print_version(version);
    if old.as_ref() == Some(&new) {
        return Ok(None);
    }
    let path = RepoPath::new(layout.shown(&file).as_os_str().as_encoded_bytes()).map_err(GitError::EvilPath)?;
    Ok(Some(FileChange { path, old, new: Some(new) }))
}

/// Publishes the files, with the checkout if it is equal to them; without it if the files are newer already.
fn publish(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
    rewrite: Rewrite,
    equal: bool,
    ctx: &StepContext<'_>,
) -> Result<Vec<String>, QueueError> {
    let changed = rewrite.changed_files();
    if equal {
        rewrite.publish(upstream, objects, state, None, ctx)?;
        Ok(changed)
    } else {
        Ok(only_files(upstream, objects, state, rewrite.into_changes(), ctx)?)
    }
}

fn kept(old: &Files, applied: &Applied) -> Vec<Exported> {
    let keep = |(item, old): (&Item, &OldPatch)| exported(item, old, old.bytes.clone());
    applied.stack.items.iter().zip(&old.patches).map(keep).collect()
}

fn exported(item: &Item, old: &OldPatch, bytes: Vec<u8>) -> Exported {
    Exported {
        commit: item.commit,
        name: Some(item.name.clone()),
        subject: old.queued.patch.header.subject.clone(),
        origin: if bytes == old.bytes { Origin::Kept } else { Origin::Rewritten },
        bytes,
        shielded: Vec::new(),
    }
}

/// Returns every patch in its new form.
fn reformed(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    old: &Files,
    applied: &Applied,
    demands: VerifyOptions,
) -> Result<Vec<Exported>, QueueError> {
    let mut all = Vec::with_capacity(applied.stack.items.len());
    for (n, (item, old)) in applied.stack.items.iter().zip(&old.patches).enumerate() {
        let moved = applied.moved.iter().any(|(at, _)| *at == n);
        let bytes = if demands.canonical {
            canonical(fetcher, objects, item)?
        } else if moved {
            in_place(fetcher, objects, item, old)?
        } else {
            old.bytes.clone()
        };
        all.push(exported(item, old, bytes));
    }
    Ok(all)
}

/// Returns the file with its own text before diffs that have the right line numbers.
fn in_place(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    item: &Item,
    old: &OldPatch,
) -> Result<Vec<u8>, QueueError> {
    let patch = &old.queued.patch;
    let preamble = old.bytes.get(..patch.preamble_len).unwrap_or_default();
    let bytes = [preamble, &patch::print_diffs(&diffs(fetcher, objects, item)?)].concat();
    // In an encoded mail (base64, quoted-printable) the diff cannot be written directly.
    let reads = patch::parse(&bytes, patch::Strip::Default).is_ok_and(|read| read.header == patch.header);
    if reads { Ok(bytes) } else { canonical(fetcher, objects, item) }
}
