//! Compares the patches of a moved queue with their files.

use crate::git::Objects;
use crate::patch::{self, Patch};
use crate::stack::{self, PatchDifference, Rebased};
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::upstream::fetcher::Fetcher;

/// Returns how each patch that applies differs from its file, if its change is different there; with the names.
///
/// # Errors
/// [`RefreshError`] when a content is missing and cannot be fetched.
pub(in crate::workspace) fn differences(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    from: &Files,
    rebased: &Rebased,
) -> Result<Vec<(String, PatchDifference)>, RefreshError> {
    let mut found = Vec::new();
    for item in &rebased.stack.items {
        let Some(file) = from.patches.iter().find(|file| file.queued.name == item.name) else { continue };
        let old = &file.queued.patch;
        let files = fetcher.run(objects, |objects| stack::file_diffs(objects, item.before, item.after));
        let new = Patch { header: old.header.clone(), files: files.map_err(RefreshError::of)?, preamble_len: 0 };
        if patch::meaning::same_patch(old, &new) {
            continue;
        }
        let difference = stack::patch_difference(old, &new)?;
        if !difference.is_empty() {
            found.push((item.name.clone(), difference));
        }
    }
    Ok(found)
}
