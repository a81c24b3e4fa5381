//! Finds patch files that a person removed from the queue or renamed.

use std::collections::BTreeMap;

use super::sides::SyncState;
use crate::workspace::files::digest::{QueueChange, Sum};
use crate::workspace::files::queue_files::Files;

/// The files that disappeared since files and commits were last equal: only a person can have removed them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovedPatches {
    /// The files that are gone.
    pub removed: Vec<String>,
    /// Renamed files: old and new name.
    pub renamed: Vec<(String, String)>,
}

impl RemovedPatches {
    /// Returns the patch files that disappeared since `state` was recorded.
    pub(in crate::workspace) fn of(state: &SyncState, files: &Files) -> RemovedPatches {
        let Some(record) = state.record.as_ref().filter(|record| !record.pristine) else {
            return RemovedPatches::default();
        };
        let now = files.digest().files;
        let mut added: BTreeMap<Sum, &String> = BTreeMap::new();
        for change in &state.files {
            if let QueueChange::Added(name) = change
                && let Some(sum) = now.get(name)
            {
                added.insert(*sum, name);
            }
        }
        let mut taken = RemovedPatches::default();
        for change in &state.files {
            let QueueChange::Removed(name) = change else { continue };
            match record.files.files.get(name).and_then(|sum| added.remove(sum)) {
                Some(new) => taken.renamed.push((name.clone(), new.clone())),
                None => taken.removed.push(name.clone()),
            }
        }
        taken
    }

    /// Returns a sentence for each removed patch, for `undo --list`.
    pub(in crate::workspace) fn notes(&self) -> Vec<String> {
        self.removed.iter().map(|name| format!("{name} left the queue: its file was gone")).collect()
    }
}
