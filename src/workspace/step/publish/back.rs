//! The way back from a step that is certain and cannot be finished.

use std::path::PathBuf;

use super::{PublishError, clear_folders, state_of, sync};
use crate::workspace::files::disk;
use crate::workspace::files::layout::{Layout, Scope};
use crate::workspace::step::journal::{Change, Journal, Side};

/// What came of taking a step back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// Files, printable, that are neither what they were before the step nor what it makes them: they stay as they are.
    pub left: Vec<String>,
    /// Where the step's contents are kept, where some file was left.
    pub kept_in: Option<PathBuf>,
}

impl Journal {
    /// Takes the step back, from wherever it stands: first `back` undoes what followed the files, then the files become what
    /// they were. The caller holds the lock of `scope`, which is the journal's.
    ///
    /// Killed in between, the step still is certain: every file is old or new, and it can be finished or taken back.
    ///
    /// # Errors
    /// [`PublishError::Journal`] when an old content is lost, before anything changes; else the step stays pending.
    pub fn roll_back(
        &self,
        layout: &Layout,
        scope: Scope<'_>,
        back: super::Follow<'_>,
    ) -> Result<RolledBack, PublishError> {
        let changes: Vec<Change> = self.changes()?.into_iter().map(flipped).collect();
        let (mut todo, mut left) = (Vec::new(), Vec::new());
        for (at, change) in changes.iter().enumerate() {
            match state_of(layout, &change.path)?.0 {
                state if state == change.new => {}
                state if state == change.old => todo.push((at, change)),
                _ => left.push(change.path.to_string()),
            }
        }
        for (at, change) in &todo {
            self.stage(layout, *at, change, Side::Old)?;
        }
        let (key, kind) = (self.key().to_owned(), self.kind().to_owned());
        if let Err(error) = back() {
            self.unstage(layout, &changes)?;
            return Err(PublishError::Back { key, kind, source: Box::new(error) });
        }
        for (at, change) in &todo {
            self.replace(layout, *at, change)?;
        }
        self.unstage(layout, &changes)?;
        sync(layout, &changes)?;
        if left.is_empty() {
            self.close(&|_| {})?;
            return Ok(RolledBack { left, kept_in: None });
        }
        Ok(RolledBack { left, kept_in: Some(Journal::set_aside(layout, scope)?) })
    }
}

impl Journal {
    /// Removes what waits beside the files, and the folders that were made for it.
    fn unstage(&self, layout: &Layout, changes: &[Change]) -> Result<(), PublishError> {
        for (at, change) in changes.iter().enumerate() {
            disk::remove(&self.staged(layout, at, change))?;
        }
        clear_folders(layout, changes.iter())
    }
}

fn flipped(change: Change) -> Change {
    Change { path: change.path, old: change.new, new: change.old }
}
