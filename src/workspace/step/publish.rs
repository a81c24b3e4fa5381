//! The one place that changes files of the maintainers: a step of changes happens wholly or not at all, also when the process is
//! killed in between.
//!
//! [`Journal::prepare`] makes the step certain without touching a file; [`Journal::roll_forward`] does it, and does it again after
//! a kill until it is done. Each file is replaced by one rename; a file that is neither what it was nor what it will be stops the
//! step before it changes anything.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::effects::{EffectError, GitEffects};
use super::journal::{Change, Journal, KillPoint, Side};
use crate::path::RepoPath;
use crate::workspace::files::digest::Sum;
use crate::workspace::files::disk::{self, FileError, shown};
use crate::workspace::files::layout::{Layout, Scope};

/// Changes that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// A word for people and for `undo`: the command.
    pub kind: String,
    /// What becomes of the files; each path once.
    pub changes: Vec<FileChange>,
    /// What is done to checkout and refs after the files; `None`: the step is about files alone.
    pub(in crate::workspace) git: Option<GitEffects>,
}

/// What becomes of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file, from the workspace's root.
    pub path: RepoPath,
    /// Its content now; `None`: it is not there.
    pub old: Option<Vec<u8>>,
    /// Its content then; `None`: it goes.
    pub new: Option<Vec<u8>>,
}

/// Why a step did not happen, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Files changed between the moment the step was made and now; nothing happened.
    #[error("changed by another program: {}; nothing was written", files.join(", "))]
    InTheWay {
        /// The files, printable.
        files: Vec<String>,
    },
    /// A killed command's step cannot be finished, because files are neither what they were before it nor what it makes them.
    #[error(
        "{key}: an interrupted '{kind}' cannot be finished: {} changed since; what stood there before and what it writes are in {folder}",
        files.join(", ")
    )]
    Stopped {
        /// Whose step it is.
        key: String,
        /// The step's word.
        kind: String,
        /// The files, printable.
        files: Vec<String>,
        /// The journal's folder, as it is shown.
        folder: String,
    },
    /// A step must be finished before the next one.
    #[error("{key}: an interrupted '{kind}' must be finished first")]
    Pending {
        /// Whose step it is.
        key: String,
        /// The step's word.
        kind: String,
    },
    /// The journal itself is damaged.
    #[error("{file}: the journal of a step cannot be read: {reason}")]
    Journal {
        /// Whose step it is.
        key: String,
        /// The file, as it is shown.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two changes of a step are in each other's way.
    #[error("'{path}' is changed twice, or is a file and a folder, in one step")]
    Clash {
        /// The path, printable.
        path: String,
    },
    /// A path that the journal cannot hold.
    #[error("'{path}' is not UTF-8 text")]
    NotText {
        /// The path, printable.
        path: String,
    },
    /// What follows the files failed; the step is certain and will be finished by the next attempt.
    #[error("{key}: the files were written, but the rest of the step failed")]
    Follow {
        /// Whose step it is.
        key: String,
        /// Why.
        source: Box<EffectError>,
    },
    /// What followed the files cannot be taken back; the step is certain still.
    #[error("{key}: an interrupted '{kind}' cannot be taken back")]
    Back {
        /// Whose step it is.
        key: String,
        /// The step's word.
        kind: String,
        /// Why.
        source: Box<EffectError>,
    },
}

/// What follows the files of a step; it may be called again for a step that was already followed, wholly or in part.
pub type Follow<'a> = &'a mut dyn FnMut() -> Result<(), EffectError>;

impl Step {
    /// The step that takes the files of this one back.
    #[must_use]
    pub fn reverse(&self, kind: &str) -> Step {
        let reverse = |change: &FileChange| FileChange {
            path: change.path.clone(),
            old: change.new.clone(),
            new: change.old.clone(),
        };
        Step { kind: kind.to_owned(), changes: self.changes.iter().rev().map(reverse).collect(), git: None }
    }
}

/// Makes `step` certain and does it. The caller holds the lock of `scope` and has finished what was pending.
///
/// When no file could be replaced (a full disk, a read-only folder), the step is taken back and nothing has happened.
///
/// # Errors
/// [`PublishError`].
pub fn publish(
    layout: &Layout,
    scope: Scope<'_>,
    step: &Step,
    run_effects: Follow<'_>,
    watch: &dyn Fn(KillPoint),
) -> Result<(), PublishError> {
    let journal = Journal::prepare(layout, scope, step, watch)?;
    let error = match journal.roll_forward(layout, run_effects, watch) {
        Err(error) if !matches!(error, PublishError::Follow { .. }) => error,
        done => return done,
    };
    // What failed is what the caller must hear of; where even taking back fails, the journal stays and the next command goes on.
    let _ = journal.withdraw(layout);
    Err(error)
}

impl Journal {
    /// Finishes the step, from wherever it stands. The caller holds the lock of its scope.
    ///
    /// # Errors
    /// [`PublishError::Stopped`] before anything changes; else the step stays pending and another attempt goes on.
    pub fn roll_forward(
        &self,
        layout: &Layout,
        run_effects: Follow<'_>,
        watch: &dyn Fn(KillPoint),
    ) -> Result<(), PublishError> {
        let changes = self.changes()?;
        let todo = self.check(layout, &changes)?;
        tracing::debug!(files = changes.len(), to_write = todo.len(), "the step is certain");
        for (at, change) in &todo {
            self.stage(layout, *at, change, Side::New)?;
            watch(KillPoint::Staged(*at));
        }
        for (at, change) in &todo {
            self.replace(layout, *at, change)?;
            tracing::debug!(file = %change.path, goes = change.new.is_none(), "wrote");
            watch(KillPoint::Replaced(*at));
        }
        // A file that became the new one by another hand has left its staged content over.
        for (at, change) in changes.iter().enumerate() {
            disk::remove(&self.staged(layout, at, change))?;
        }
        clear_folders(layout, changes.iter().filter(|change| change.new.is_none()))?;
        watch(KillPoint::Cleared);
        sync(layout, &changes)?;
        run_effects().map_err(|error| PublishError::Follow { key: self.key().to_owned(), source: Box::new(error) })?;
        watch(KillPoint::Followed);
        self.close(watch)
    }

    /// Takes the step back if no file was replaced yet; says whether it did. Files that somebody else changed stay as they are.
    ///
    /// # Errors
    /// [`PublishError`]; the step is pending then.
    pub fn withdraw(&self, layout: &Layout) -> Result<bool, PublishError> {
        let changes = self.changes()?;
        for change in changes.iter().filter(|change| change.old != change.new) {
            if state_of(layout, &change.path)?.0 == change.new {
                return Ok(false);
            }
        }
        for (at, change) in changes.iter().enumerate() {
            disk::remove(&self.staged(layout, at, change))?;
        }
        clear_folders(layout, changes.iter().filter(|change| change.old.is_none()))?;
        self.close(&|_| {})?;
        Ok(true)
    }

    /// The changes that are still to be made, once it is sure that every file is either old or new.
    fn check<'c>(&self, layout: &Layout, changes: &'c [Change]) -> Result<Vec<(usize, &'c Change)>, PublishError> {
        let (mut todo, mut strange) = (Vec::new(), Vec::new());
        for (at, change) in changes.iter().enumerate() {
            match state_of(layout, &change.path)?.0 {
                state if state == change.new => {}
                state if state == change.old => todo.push((at, change)),
                _ => strange.push(change.path.to_string()),
            }
        }
        if strange.is_empty() { Ok(todo) } else { Err(self.stopped(strange)) }
    }

    fn stopped(&self, files: Vec<String>) -> PublishError {
        let folder = shown(self.folder());
        PublishError::Stopped { key: self.key().to_owned(), kind: self.kind().to_owned(), files, folder }
    }

    /// Returns where the new content of a change waits: beside its file, under a name that only this change of this
    /// scope uses.
    fn staged(&self, layout: &Layout, at: usize, change: &Change) -> PathBuf {
        change.path.below(layout.root()).with_file_name(format!(".patchq-{}-{at}.tmp", self.key()))
    }

    /// Writes what `change` makes of the file, the journal's content on `side`, beside it, with its permissions.
    fn stage(&self, layout: &Layout, at: usize, change: &Change, side: Side) -> Result<(), PublishError> {
        let Some(sum) = change.new else { return Ok(()) };
        let bytes = self.content(side, at, sum)?;
        let (staged, target) = (self.staged(layout, at, change), change.path.below(layout.root()));
        if let Some(folder) = target.parent() {
            disk::make_folders(layout.root(), folder)?;
        }
        disk::remove(&staged)?;
        disk::write_new(&staged, &bytes, disk::stat(&target)?.as_ref())?;
        Ok(())
    }

    /// Replaces or removes the file, unless somebody changed it since it was checked.
    fn replace(&self, layout: &Layout, at: usize, change: &Change) -> Result<(), PublishError> {
        if state_of(layout, &change.path)?.0 != change.old {
            return Err(self.stopped(vec![change.path.to_string()]));
        }
        let target = change.path.below(layout.root());
        match change.new {
            None => disk::remove(&target)?,
            Some(_) => {
                fs::rename(self.staged(layout, at, change), &target).map_err(FileError::io("replace", &target))?;
            }
        }
        Ok(())
    }
}

/// The digest and the bytes of a file of the workspace, `None` where there is none; every folder on the way must be one.
///
/// # Errors
/// [`FileError`]: a symlink or something else in the place of a folder or of the file.
pub(in crate::workspace) fn state_of(
    layout: &Layout,
    path: &RepoPath,
) -> Result<(Option<Sum>, Option<Vec<u8>>), FileError> {
    let mut folders: Vec<RepoPath> = std::iter::successors(path.parent(), RepoPath::parent).collect();
    folders.reverse();
    for folder in folders {
        if !disk::is_folder(&folder.below(layout.root()))? {
            return Ok((None, None));
        }
    }
    let bytes = disk::read(&path.below(layout.root()))?;
    Ok((bytes.as_deref().map(Sum::of), bytes))
}

/// Removes the folders that `changes` left empty, up to the workspace's root; git keeps no empty folders either.
fn clear_folders<'c>(layout: &Layout, changes: impl Iterator<Item = &'c Change>) -> Result<(), PublishError> {
    for change in changes {
        for folder in std::iter::successors(change.path.parent(), RepoPath::parent) {
            let path = folder.below(layout.root());
            if disk::stat(&path)?.is_none() {
                continue;
            }
            match fs::remove_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => break,
                Err(error) => return Err(FileError::io("remove the folder", &path)(error).into()),
            }
        }
    }
    Ok(())
}

/// Waits until the names in all folders of `changes` are on the disk.
fn sync(layout: &Layout, changes: &[Change]) -> Result<(), PublishError> {
    let mut folders = HashSet::new();
    for change in changes {
        let target = change.path.below(layout.root());
        // Of a folder that went, the nearest one that is still there.
        let folder = target.ancestors().skip(1).find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned();
        if !folders.contains(&folder) {
            disk::sync_folder(&folder)?;
            folders.insert(folder);
        }
    }
    Ok(())
}

mod back;
pub use back::RolledBack;

#[cfg(test)]
mod tests;
