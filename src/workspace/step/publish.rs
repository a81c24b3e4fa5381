//! Changes the maintainers' files, and is the only code that does: the changes of a step happen all or not at all, even
//! if the process is killed in between.
//!
//! [`Journal::prepare`] makes the step certain without touching a file; [`Journal::roll_forward`] does it, and can be
//! repeated after a kill until it is done. Each file is replaced by one rename. A file with neither its old nor its new
//! content stops the step before it changes anything.

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
    /// The command, for people and for `undo`.
    pub kind: String,
    /// The changes of files; each path once.
    pub changes: Vec<FileChange>,
    /// What to do with checkout and refs after the files; `None`: the step changes only files.
    pub(in crate::workspace) git: Option<GitEffects>,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// The file, from the workspace's root.
    pub path: RepoPath,
    /// The old content; `None`: the file does not exist.
    pub old: Option<Vec<u8>>,
    /// The new content; `None`: the file is removed.
    pub new: Option<Vec<u8>>,
}

/// Why a step was not done, or not completed.
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
    /// A killed command's step cannot be finished, because files have neither their old nor their new content.
    #[error(
        "{key}: an interrupted '{kind}' cannot be finished: {} changed since; what stood there before and what it writes are in {folder}",
        files.join(", ")
    )]
    Stopped {
        /// Its owner.
        key: String,
        /// The name of the step.
        kind: String,
        /// The files, printable.
        files: Vec<String>,
        /// The journal's folder for messages.
        folder: String,
    },
    /// A pending step must be finished before the next one.
    #[error("{key}: an interrupted '{kind}' must be finished first")]
    Pending {
        /// Its owner.
        key: String,
        /// The name of the step.
        kind: String,
    },
    /// The journal itself is damaged.
    #[error("{file}: the journal of a step cannot be read: {reason}")]
    Journal {
        /// Its owner.
        key: String,
        /// The file for messages.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two changes of a step conflict with each other.
    #[error("'{path}' is changed twice, or is a file and a folder, in one step")]
    Clash {
        /// The path, printable.
        path: String,
    },
    /// A path that cannot be written in the journal.
    #[error("'{path}' is not UTF-8 text")]
    NotText {
        /// The path, printable.
        path: String,
    },
    /// What follows the files failed; the step is certain and will be finished by the next attempt.
    #[error("{key}: the files were written, but the rest of the step failed")]
    Follow {
        /// Its owner.
        key: String,
        /// The reason.
        source: Box<EffectError>,
    },
    /// The git part cannot be reverted; the step is still certain.
    #[error("{key}: an interrupted '{kind}' cannot be taken back")]
    Back {
        /// Its owner.
        key: String,
        /// The name of the step.
        kind: String,
        /// The reason.
        source: Box<EffectError>,
    },
}

/// The git part of a step; it may be called again for a step for which it was done before, completely or partly.
pub type Follow<'a> = &'a mut dyn FnMut() -> Result<(), EffectError>;

impl Step {
    /// Returns the step that reverts the files of this one.
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

/// Makes `step` certain and does it. The caller holds the lock of `scope` and has finished pending steps.
///
/// If no file could be replaced (a full disk, a read-only folder), the step is reverted and nothing has happened.
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
    // The first error is the one to report. If reverting fails too, the journal stays and the next command continues.
    let _ = journal.withdraw(layout);
    Err(error)
}

impl Journal {
    /// Finishes the step, however far it is. The caller holds the lock of its scope.
    ///
    /// # Errors
    /// [`PublishError::Stopped`] before anything changes; else the step stays pending and another attempt continues.
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
        // If a file got its new content in another way, its staged content is left over.
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

    /// Reverts the step if no file was replaced yet; returns whether it did. Files that someone else changed stay as
    /// they are.
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

    /// Returns the changes that are still to be made, after checking that every file is either old or new.
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

    /// Returns the path where the new content of a change is staged: beside its file, under a name that only this
    /// change of this scope uses.
    fn staged(&self, layout: &Layout, at: usize, change: &Change) -> PathBuf {
        change.path.below(layout.root()).with_file_name(format!(".patchq-{}-{at}.tmp", self.key()))
    }

    /// Writes the content of `change` on `side` from the journal beside the file, with its permissions.
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

    /// Replaces or removes the file, unless it was changed since it was checked.
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

/// Returns the digest and the bytes of a file of the workspace, `None` when there is none; every folder on the way must
/// be a real one.
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

/// Waits until the names in all folders of `changes` are on disk.
fn sync(layout: &Layout, changes: &[Change]) -> Result<(), PublishError> {
    let mut folders = HashSet::new();
    for change in changes {
        let target = change.path.below(layout.root());
        // For a folder that was removed, the nearest existing one above.
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
