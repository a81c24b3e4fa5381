//! Reverts a step that is certain and cannot be finished.

use std::path::PathBuf;

use super::{PublishError, clear_folders, state_of, sync};
use crate::workspace::files::disk;
use crate::workspace::files::layout::{Layout, Scope};
use crate::workspace::step::journal::{Change, Journal, Side};

/// The result of reverting a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// Files, printable, with neither their old nor their new content: they stay as they are.
    pub left: Vec<String>,
    /// The folder that keeps the step's contents, if some file was left.
    pub kept_in: Option<PathBuf>,
}

impl Journal {
    /// Reverts the step, however far it is: first `back` reverts the git part, then the files get their old content.
    /// The caller holds the lock of `scope`, which is the journal's.
    ///
    /// After a kill in between, the step is still certain: every file is old or new, and the step can be finished or
    /// reverted.
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
    /// Removes staged files, and the folders that were made for them.
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
