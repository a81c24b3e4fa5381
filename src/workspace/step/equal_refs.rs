//! Makes the refs and notes that record that files and commits are equal.

use super::effects::RefMove;
use crate::git::{BASE, GitError, Id, NOTES, Objects, SYNCED, make_notes};
use crate::stack::Stack;
use crate::workspace::files::queue_files::Files;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::synced::Synced;
use crate::workspace::upstream::version::{is_exact, taken_for};

/// How files and commits became equal.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::workspace) struct HowEqual<'a> {
    /// The checkout was set up without its queue.
    pub(in crate::workspace) pristine: bool,
    /// The version of the files was determined just now, whatever was known about it before.
    pub(in crate::workspace) version_taken: bool,
    /// The patch files that this step writes.
    pub(in crate::workspace) written: &'a [String],
}

/// Returns the moves of the refs that record that files and commits are equal.
///
/// # Errors
/// [`GitError`] when the store cannot be read.
pub(in crate::workspace) fn equal_refs(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    stack: &Stack,
    files: &Files,
    how: HowEqual<'_>,
) -> Result<Vec<RefMove>, GitError> {
    let names: Vec<(Id, String)> = stack.items.iter().map(|item| (item.commit, item.name.clone())).collect();
    let notes = make_notes(objects, &names)?;
    let before = Synced::read(objects)?;
    let version_of = taken_for(before.as_ref().filter(|_| !how.version_taken), files);
    let record = Synced { pristine: how.pristine, ..Synced::new(stack, files.digest(), version_of) };
    let record = record.with_written(objects, before.as_ref(), &files.queue, how.written).make(objects)?;
    let mut moves = Vec::new();
    for (name, new) in [(BASE, stack.base.commit), (NOTES, notes), (SYNCED, record)] {
        moves.extend(RefMove::to(upstream, name, Some(new))?);
    }
    moves.extend(version_tag(upstream, before.as_ref(), files)?);
    Ok(moves)
}

/// Adds the stored version as a tag in the store if it is a tag of the pin, so that `git describe` in the checkout
/// finds it; the tag of the pin before is removed. The user's own tags stay.
fn version_tag(upstream: &UpstreamStore<'_>, before: Option<&Synced>, files: &Files) -> Result<Vec<RefMove>, GitError> {
    let tag = |version: &str| format!("refs/tags/{version}");
    let mut moves = Vec::new();
    let wanted = files.version.as_deref().filter(|version| is_exact(version, files.pin));
    if let Some((record, version)) = before.and_then(|record| Some((record, record.files.version.as_deref()?)))
        && wanted != Some(version)
        && upstream.store.read_ref(&tag(version))? == Some(record.pin)
    {
        moves.push(RefMove { name: tag(version), old: Some(record.pin), new: None });
    }
    if let Some(version) = wanted {
        moves.extend(RefMove::to(upstream, &tag(version), Some(files.pin))?);
    }
    Ok(moves)
}
