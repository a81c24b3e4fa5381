//! Finds where lines in conflict are in the files of the new pin itself: in the new stack so far, patches moved them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Moving, RefreshError};
use crate::git::lines_before;
use crate::path::RepoPath;
use crate::stack::{Conflict, Rebased};

/// Lines in the new stack so far that are at other places on the pin: from 0 on, the end excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PinLines(BTreeMap<(RepoPath, (u32, u32)), Range<u32>>);

impl PinLines {
    /// Returns the same lines on the pin.
    #[must_use]
    pub fn on_pin(&self, path: &RepoPath, lines: Range<u32>) -> Range<u32> {
        self.0.get(&(path.clone(), (lines.start, lines.end))).cloned().unwrap_or(lines)
    }
}

/// Returns upstream's lines of a conflict, in the new stack so far.
pub fn upstream_lines(conflict: &Conflict) -> impl Iterator<Item = Range<u32>> {
    conflict.hunks().map(|hunk| hunk.upstream.range())
}

impl Moving<'_> {
    /// Returns the lines of all open conflicts in `rebased` that are at other places on the pin, as far as contents are
    /// in the store.
    ///
    /// # Errors
    /// [`RefreshError`] when the store cannot be read.
    pub fn pin_lines(&mut self, rebased: &Rebased) -> Result<PinLines, RefreshError> {
        let mut found = PinLines::default();
        let conflicts = rebased.patches.iter().flat_map(|patch| &patch.files).filter_map(|file| file.conflict.as_ref());
        for conflict in conflicts {
            let on_pin = self.objects.entry(rebased.stack.base.tree, &conflict.path)?;
            let (Some(pin), Some(now)) = (on_pin, conflict.sides.upstream) else { continue };
            if pin.id == now.id {
                continue;
            }
            let (Some(pin), Some(now)) = (self.content(pin), self.content(now)) else { continue };
            for lines in upstream_lines(conflict) {
                let key = (conflict.path.clone(), (lines.start, lines.end));
                found.0.insert(key, lines_before(&pin, &now, lines)?);
            }
        }
        Ok(found)
    }
}
