//! Putting right what a check found: form, offsets, a stale version, missing ignore lines. One step, which `undo` takes
//! back. What the patches do does not change.

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
use crate::workspace::ops::verify::{Demands, canonical, diffs};
use crate::workspace::step::context::Around;
use crate::workspace::step::file_changes::only_files;
use crate::workspace::step::publish::{FileChange, PublishError};
use crate::workspace::step::run::begin;
use crate::workspace::upstream::fetcher::Supply;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::{Cell, State};
use crate::workspace::upstream::store::{PATIENCE, Site, lock_workspace};

/// What is to be put right.
#[derive(Debug, Clone, Default)]
pub struct Repairs {
    /// Which form patch files must have. Hunks that apply elsewhere are always put where they apply.
    pub demands: Demands,
    /// The version, where it was taken anew.
    pub version: Option<String>,
    /// Whether to add the missing lines of the ignore files.
    pub ignores: bool,
}

/// Puts right what can be, and says which files changed (from the workspace's root).
///
/// # Errors
/// [`RewriteError`]; nothing has changed then.
pub fn repair(
    site: &Site<'_>,
    supply: &Supply<'_>,
    repairs: &Repairs,
    around: &Around<'_>,
) -> Result<Vec<String>, RewriteError> {
    let _lock = begin(site, around)?;
    let old = Files::read(&site.workspace.layout, site.name()).map_err(QueueError::from)?;
    let mut objects = Objects::new(&site.store)?;
    let applied = stack_of(site, supply, &mut objects, &old, false)?;
    let state = State::read(site, &mut objects, &old).map_err(QueueError::from)?;
    let exported = if applied.failure.is_some() {
        None
    } else {
        let new = reformed(supply, &mut objects, &old, &applied, repairs.demands)?;
        new.iter().any(|patch| patch.origin != Origin::Kept).then_some(new)
    };
    let _second = repairs
        .ignores
        .then(|| lock_workspace(site.workspace, around.command, PATIENCE, around.on_wait))
        .transpose()
        .map_err(QueueError::from)?;
    let mut extra = if repairs.ignores { ignore_changes(site.workspace).map_err(published)? } else { Vec::new() };
    extra.extend(version_change(site, repairs.version.as_deref())?);
    let version = repairs.version.clone().or_else(|| old.version.clone());
    let equal = matches!(state.cell(), Ok(Cell::Equal));
    if let Some(exported) = exported {
        refuse_commits(&state)?;
        let mut rewrite = Rewrite::reform(site, &mut objects, &old, applied.stack.base, exported, version)?;
        rewrite.add(extra, repairs.version.is_some());
        return Ok(publish(site, &mut objects, &state, rewrite, equal, around)?);
    }
    // A version can be kept as known only where files and commits are equal.
    if equal && repairs.version.is_some() {
        let kept = kept(&old, &applied);
        let mut rewrite = Rewrite::reform(site, &mut objects, &old, applied.stack.base, kept, version)?;
        rewrite.add(extra, true);
        return Ok(publish(site, &mut objects, &state, rewrite, true, around)?);
    }
    Ok(only_files(site, &mut objects, &state, extra, around)?)
}

/// Commits that are in no patch file would belong to files that no longer are what they were.
fn refuse_commits(state: &State) -> Result<(), QueueError> {
    match state.cell()? {
        Cell::Equal | Cell::FilesNewer => Ok(()),
        Cell::CommitsNewer => Err(SideError::Commits(state.made.clone()).into()),
        Cell::Diverged => Err(SideError::Diverged { files: state.files.clone(), commits: state.made.clone() }.into()),
    }
}

fn published(error: disk::FileError) -> QueueError {
    PublishError::File(error).into()
}

fn version_change(site: &Site<'_>, version: Option<&str>) -> Result<Option<FileChange>, QueueError> {
    let Some(version) = version else { return Ok(None) };
    let layout = &site.workspace.layout;
    let file = layout.version(site.name());
    let old = disk::read_at_most(&file, disk::ONE_LINE).map_err(published)?;
    let new = pins::print_version(version);
    if old.as_ref() == Some(&new) {
        return Ok(None);
    }
    let path = RepoPath::new(layout.shown(&file).as_os_str().as_encoded_bytes()).map_err(GitError::EvilPath)?;
    Ok(Some(FileChange { path, old, new: Some(new) }))
}

/// With the checkout where it is equal to the files; without it where the files are newer already.
fn publish(
    site: &Site<'_>,
    objects: &mut Objects<'_>,
    state: &State,
    rewrite: Rewrite,
    equal: bool,
    around: &Around<'_>,
) -> Result<Vec<String>, QueueError> {
    let changed = rewrite.changed_files();
    if equal {
        rewrite.publish(site, objects, state, None, around)?;
        Ok(changed)
    } else {
        Ok(only_files(site, objects, state, rewrite.into_changes(), around)?)
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

/// Every patch as its file is to be.
fn reformed(
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    old: &Files,
    applied: &Applied,
    demands: Demands,
) -> Result<Vec<Exported>, QueueError> {
    let mut all = Vec::with_capacity(applied.stack.items.len());
    for (n, (item, old)) in applied.stack.items.iter().zip(&old.patches).enumerate() {
        let moved = applied.moved.iter().any(|(at, _)| *at == n);
        let bytes = if demands.canonical {
            canonical(supply, objects, item)?
        } else if moved {
            in_place(supply, objects, item, old)?
        } else {
            old.bytes.clone()
        };
        all.push(exported(item, old, bytes));
    }
    Ok(all)
}

/// The file with its own words before diffs that say where they apply.
fn in_place(
    supply: &Supply<'_>,
    objects: &mut Objects<'_>,
    item: &Item,
    old: &OldPatch,
) -> Result<Vec<u8>, QueueError> {
    let patch = &old.queued.patch;
    let preamble = old.bytes.get(..patch.preamble_len).unwrap_or_default();
    let bytes = [preamble, &patch::print_diffs(&diffs(supply, objects, item)?)].concat();
    // In an encoded mail (base64, quoted-printable) the diff cannot stand as it is.
    let reads = patch::parse(&bytes, patch::Strip::Default).is_ok_and(|read| read.header == patch.header);
    if reads { Ok(bytes) } else { canonical(supply, objects, item) }
}
