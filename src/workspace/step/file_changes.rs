//! Makes changes of the workspace's own files, based on their present content.

use super::context::StepContext;
use super::effects::GitEffects;
use super::error::StepError;
use super::kept;
use super::publish::FileChange;
use super::run::do_step;
use crate::git::Objects;
use crate::path::RepoPath;
use crate::workspace::files::disk::{self, FileError};
use crate::workspace::files::ignore_files::{missing_attributes, missing_ignores, with_lines};
use crate::workspace::files::layout::Layout;
use crate::workspace::manifest::Name;
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::UpstreamStore;

/// Returns the change after which `path` (from the workspace's root) contains `new`; `None` when it does already.
///
/// # Errors
/// [`FileError`] when the present content cannot be read.
pub(in crate::workspace) fn to_hold(
    layout: &Layout,
    path: RepoPath,
    new: Vec<u8>,
) -> Result<Option<FileChange>, FileError> {
    let old = disk::read(&path.below(layout.root()))?;
    Ok((old.as_ref() != Some(&new)).then_some(FileChange { path, old, new: Some(new) }))
}

/// Returns the changes that `.gitignore` and `.gitattributes` need for the checkouts of `names`.
///
/// # Errors
/// [`FileError`] when one of them cannot be read.
pub(in crate::workspace) fn of_ignores<'a>(
    layout: &Layout,
    names: impl IntoIterator<Item = &'a Name>,
) -> Result<Vec<FileChange>, FileError> {
    let mut changes = Vec::new();
    let mut change = |name: &str, lines: &dyn Fn(&[u8]) -> Vec<String>| -> Result<(), FileError> {
        let old = disk::read_at_most(&layout.root().join(name), disk::LIST)?;
        let bytes = old.as_deref().unwrap_or_default();
        // The two names are constants and valid paths.
        if let (Some(new), Ok(path)) = (with_lines(bytes, &lines(bytes)), RepoPath::new(name)) {
            changes.push(FileChange { path, old, new: Some(new) });
        }
        Ok(())
    };
    let names: Vec<&Name> = names.into_iter().collect();
    change(".gitignore", &|old| missing_ignores(old, names.iter().copied(), layout.private_in_root()))?;
    change(".gitattributes", &missing_attributes)?;
    Ok(changes)
}

/// Makes `changes`, and nothing else, in one step that `undo` can revert; returns the files, printable. The caller
/// holds the locks.
///
/// # Errors
/// [`StepError`]; nothing has changed then.
pub(in crate::workspace) fn only_files(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    state: &SyncState,
    changes: Vec<FileChange>,
    ctx: &StepContext<'_>,
) -> Result<Vec<String>, StepError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let changed = changes.iter().map(|change| change.path.to_string()).collect();
    let mut side = GitEffects::default();
    side.refs = kept::keep(upstream, objects, state, kept::About::of(&changes, &side), ctx)?;
    do_step(upstream, objects, changes, &side, ctx)?;
    Ok(changed)
}
