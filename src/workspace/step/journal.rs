//! The journal of a step: everything needed to finish it is on disk before the first of the maintainers' files changes.
//!
//! `journal/KEY/` holds `old-N` and `new-N`, the contents before and after the N-th change, and `step.json`, the
//! record. The record appears by a rename after all else is on disk: from that moment the step is certain; before it
//! nothing happened.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::effects::GitEffects;
use super::publish::{PublishError, Step, state_of};
use crate::path::RepoPath;
use crate::workspace::files::digest::Sum;
use crate::workspace::files::disk::{self, FileError, shown};
use crate::workspace::files::layout::{Layout, Scope};
use crate::workspace::manifest::Name;

/// The name of the record.
const RECORD: &str = "step.json";

/// The version of the record's format.
const FORM: u32 = 1;

/// The largest size of a record, in bytes.
const LARGEST: u64 = 64 << 20;

/// The longest description of an error in a record, in characters.
const LONGEST_REASON: usize = 300;

/// The longest name of a command, in bytes.
const LONGEST_KIND: usize = 64;

/// Points of a step at which a test ends the process; each is reported right after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillPoint {
    /// The contents of the N-th change are in the journal.
    Stored(usize),
    /// The record is written under its temporary name.
    Recorded,
    /// The record has its name: the step is certain.
    Committed,
    /// The new content of the N-th change is beside its file.
    Staged(usize),
    /// The file of the N-th change is replaced or removed.
    Replaced(usize),
    /// Folders that became empty are gone.
    Cleared,
    /// The git part is done.
    Followed,
    /// The record is removed: the step is over.
    Over,
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KillPoint::Stored(at) => write!(f, "Stored({at})"),
            KillPoint::Recorded => f.write_str("Recorded"),
            KillPoint::Committed => f.write_str("Committed"),
            KillPoint::Staged(at) => write!(f, "Staged({at})"),
            KillPoint::Replaced(at) => write!(f, "Replaced({at})"),
            KillPoint::Cleared => f.write_str("Cleared"),
            KillPoint::Followed => f.write_str("Followed"),
            KillPoint::Over => f.write_str("Over"),
        }
    }
}

/// A step that is certain and not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    folder: PathBuf,
    key: String,
    record: Record,
}

/// The owner of a pending step, and its journal, or why that cannot be read.
pub type Found = (String, Result<Journal, PublishError>);

/// One of the two contents of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workspace) enum Side {
    /// The one before the step.
    Old,
    /// The one after it.
    New,
}

/// One change of a [`Journal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workspace) struct Change {
    pub(in crate::workspace) path: RepoPath,
    pub(in crate::workspace) old: Option<Sum>,
    pub(in crate::workspace) new: Option<Sum>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    form: u32,
    kind: String,
    changes: Vec<RecordedChange>,
    /// `null` on disk for a step that changes only files.
    payload: Option<GitEffects>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordedChange {
    path: String,
    old: Option<Sum>,
    new: Option<Sum>,
}

impl Journal {
    /// Makes `step` certain. None of the maintainers' files has changed yet when this returns. The caller holds the
    /// lock of `scope`.
    ///
    /// # Errors
    /// [`PublishError`]: a step of `scope` is pending, a file is not in the state that the step expects, or the journal
    /// cannot be written; in each case nothing happened.
    pub fn prepare(
        layout: &Layout,
        scope: Scope<'_>,
        step: &Step,
        watch: &dyn Fn(KillPoint),
    ) -> Result<Journal, PublishError> {
        if let Some(pending) = Journal::pending(layout, scope)? {
            return Err(PublishError::Pending { key: pending.key, kind: pending.record.kind });
        }
        let record =
            Record { form: FORM, kind: step.kind.clone(), changes: recorded(step)?, payload: step.git.clone() };
        let folder = layout.journal(scope);
        let journal = Journal { folder, key: scope.key().to_owned(), record };
        let mut in_the_way = Vec::new();
        for change in journal.changes()? {
            if state_of(layout, &change.path)?.0 != change.old {
                in_the_way.push(change.path.to_string());
            }
        }
        if !in_the_way.is_empty() {
            return Err(PublishError::InTheWay { files: in_the_way });
        }
        if let Err(error) = journal.write(layout, step, watch) {
            // The disk may be full of what was written so far; the error to report is why it could not be written.
            let _ = journal.close(&|_| {});
            return Err(error);
        }
        Ok(journal)
    }

    fn write(&self, layout: &Layout, step: &Step, watch: &dyn Fn(KillPoint)) -> Result<(), PublishError> {
        let journals = layout.journals();
        fs::create_dir_all(&journals).map_err(FileError::io("make the folder", &journals))?;
        // A run that was killed before the rename of its record left only temporary files.
        clear(&self.folder)?;
        disk::make_folders(&journals, &self.folder)?;
        for (at, change) in step.changes.iter().enumerate() {
            for (side, content) in [("old", &change.old), ("new", &change.new)] {
                if let Some(bytes) = content {
                    disk::write_new(&self.folder.join(format!("{side}-{at}")), bytes, None)?;
                }
            }
            watch(KillPoint::Stored(at));
        }
        let text = serde_json::to_vec_pretty(&self.record).map_err(|error| self.damaged(&error.to_string()))?;
        let (temporary, record) = (self.folder.join("step.json.tmp"), self.folder.join(RECORD));
        disk::write_new(&temporary, &text, None)?;
        disk::sync_folder(&self.folder)?;
        watch(KillPoint::Recorded);
        fs::rename(&temporary, &record).map_err(FileError::io("write", &record))?;
        disk::sync_folder(&self.folder)?;
        disk::sync_folder(&journals)?;
        watch(KillPoint::Committed);
        Ok(())
    }

    /// Returns the pending step of `scope` that a killed command left, if there is one.
    ///
    /// # Errors
    /// [`PublishError`] when the record cannot be read.
    pub fn pending(layout: &Layout, scope: Scope<'_>) -> Result<Option<Journal>, PublishError> {
        Journal::read(layout, scope.key())
    }

    /// Returns all pending steps that killed commands left, in the order of their keys, each with the error if it
    /// cannot be read.
    ///
    /// # Errors
    /// [`PublishError`] when the journals cannot be listed.
    pub fn all_pending(layout: &Layout) -> Result<Vec<Found>, PublishError> {
        let journals = layout.journals();
        if !disk::is_folder(&journals)? {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        for entry in fs::read_dir(&journals).map_err(FileError::io("read", &journals))? {
            let name = entry.map_err(FileError::io("read", &journals))?.file_name();
            // A folder with another name does not belong to a step.
            let key = name.to_str().filter(|key| *key == Scope::Workspace.key() || Name::parse(key).is_ok());
            keys.extend(key.map(str::to_owned));
        }
        keys.sort();
        let read = |key: String| Some((key.clone(), Journal::read(layout, &key).transpose()?));
        Ok(keys.into_iter().filter_map(read).collect())
    }

    fn read(layout: &Layout, key: &str) -> Result<Option<Journal>, PublishError> {
        let folder = layout.journals().join(key);
        let path = folder.join(RECORD);
        let damaged = |reason: String| {
            let reason = crate::path::printable(reason.as_bytes()).chars().take(LONGEST_REASON).collect();
            PublishError::Journal { key: key.to_owned(), file: shown(&path), reason }
        };
        if disk::stat(&path)?.is_some_and(|meta| meta.len() > LARGEST) {
            return Err(damaged(format!("it is larger than {LARGEST} bytes")));
        }
        let Some(bytes) = disk::read(&path)? else { return Ok(None) };
        let record: Record = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if record.form != FORM {
            return Err(damaged(format!("it has form {}, this patchq knows form {FORM}", record.form)));
        }
        if record.kind.len() > LONGEST_KIND || !record.kind.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(damaged("its command is none".to_owned()));
        }
        let journal = Journal { folder, key: key.to_owned(), record };
        journal.changes()?;
        Ok(Some(journal))
    }

    /// Returns the owner: an upstream's name, or [`Scope::key`] of the workspace.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the name of the step.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.record.kind
    }

    /// Returns what to do with checkout and refs after the files; `None`: the step changes only files.
    #[must_use]
    pub(in crate::workspace) fn git(&self) -> Option<&GitEffects> {
        self.record.payload.as_ref()
    }

    /// Returns the folder of the contents before and after.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the changes, with checked paths.
    pub(in crate::workspace) fn changes(&self) -> Result<Vec<Change>, PublishError> {
        let change = |change: &RecordedChange| {
            let path = RepoPath::new(&change.path).map_err(|error| self.damaged(&error.to_string()))?;
            Ok(Change { path, old: change.old, new: change.new })
        };
        self.record.changes.iter().map(change).collect()
    }

    /// Returns a content of the `at`-th change, if it has the digest of the record.
    pub(in crate::workspace) fn content(&self, side: Side, at: usize, sum: Sum) -> Result<Vec<u8>, PublishError> {
        let side = if side == Side::Old { "old" } else { "new" };
        let path = self.folder.join(format!("{side}-{at}"));
        let bytes = disk::read(&path)?.filter(|bytes| Sum::of(bytes) == sum);
        let reason = "it is not what the step's record says".to_owned();
        bytes.ok_or_else(|| PublishError::Journal { key: self.key.clone(), file: shown(&path), reason })
    }

    /// Returns the error for an invalid record.
    pub(in crate::workspace) fn damaged(&self, reason: &str) -> PublishError {
        let reason: String = crate::path::printable(reason.as_bytes()).chars().take(LONGEST_REASON).collect();
        PublishError::Journal { key: self.key.clone(), file: shown(&self.folder.join(RECORD)), reason }
    }

    /// Ends the step of `scope`, done or not, readable or not: the journal's content is kept in the returned folder.
    /// The caller holds the lock of `scope`.
    ///
    /// # Errors
    /// [`PublishError::File`] when it cannot be moved.
    pub fn set_aside(layout: &Layout, scope: Scope<'_>) -> Result<PathBuf, PublishError> {
        let folder = layout.set_aside();
        fs::create_dir_all(&folder).map_err(FileError::io("make the folder", &folder))?;
        let mut free = (1_u32..).map(|n| folder.join(format!("{}.{n}", scope.key())));
        let to = loop {
            match free.next() {
                Some(to) if disk::stat(&to)?.is_some() => {}
                Some(to) => break to,
                None => return Err(FileError::NotAFolder(folder).into()),
            }
        };
        let from = layout.journal(scope);
        fs::rename(&from, &to).map_err(FileError::io("move away", &from))?;
        disk::sync_folder(&folder)?;
        disk::sync_folder(&layout.journals())?;
        Ok(to)
    }

    /// Ends the step: removes first the record, then the rest.
    pub(in crate::workspace) fn close(&self, watch: &dyn Fn(KillPoint)) -> Result<(), PublishError> {
        disk::remove(&self.folder.join(RECORD))?;
        disk::sync_folder(&self.folder)?;
        watch(KillPoint::Over);
        clear(&self.folder)
    }
}

/// Returns the changes in the record; no path may occur twice or be below another.
fn recorded(step: &Step) -> Result<Vec<RecordedChange>, PublishError> {
    let mut seen: BTreeMap<&[u8], &RepoPath> = BTreeMap::new();
    for change in &step.changes {
        if seen.insert(change.path.as_bytes(), &change.path).is_some() {
            return Err(PublishError::Clash { path: change.path.to_string() });
        }
    }
    let below = |path: &RepoPath| {
        std::iter::successors(path.parent(), RepoPath::parent).any(|folder| seen.contains_key(folder.as_bytes()))
    };
    if let Some(path) = seen.values().find(|path| below(path)) {
        return Err(PublishError::Clash { path: path.to_string() });
    }
    let text = |path: &RepoPath| match std::str::from_utf8(path.as_bytes()) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(PublishError::NotText { path: path.to_string() }),
    };
    let sum = |content: &Option<Vec<u8>>| content.as_deref().map(Sum::of);
    let change = |change: &super::publish::FileChange| {
        Ok(RecordedChange { path: text(&change.path)?, old: sum(&change.old), new: sum(&change.new) })
    };
    step.changes.iter().map(change).collect()
}

/// Removes a journal's folder with its content.
fn clear(folder: &Path) -> Result<(), PublishError> {
    if !disk::is_folder(folder)? {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(FileError::io("remove", folder))?;
    Ok(())
}
