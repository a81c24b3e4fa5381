//! Remembers decisions on conflicts, one file each, under the texts of the conflict (like git's `rerere`, with
//! authors).
//!
//! The files are in `resolutions/KEY/` of the workspace if the manifest says `remember = "shared"`, else in patchq's
//! own folder. Shared files come from other people: a file that patchq did not write is [`Damaged`]; it is not an
//! error, and is never used. A look-up reads the names in the folder and the files with the same texts, not all files.

mod entry;
mod format;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use entry::{DecisionOrigin, Entry, Unfit};
pub use format::Damage;

use self::entry::texts_key;
use crate::path::printable;
use crate::stack::{At, Hunk, Recall, Recalled};
use crate::workspace::files::disk::{self, FileError};
use crate::workspace::files::layout::Layout;
use crate::workspace::files::open::Workspace;
use crate::workspace::manifest::{Name, Remember, Upstream};

/// The largest size of a decision, in bytes.
pub(in crate::workspace) const LARGEST: u64 = 1 << 20;

/// The extension of decision files.
const ENDING: &str = ".toml";

/// The remembered decisions under one key.
#[derive(Debug)]
pub struct Memory {
    /// The key.
    pub key: Name,
    /// Whether they are in the workspace, shared with all maintainers.
    pub shared: bool,
    /// The entries of the manifest that remember here.
    pub upstreams: Vec<Name>,
    layout: Layout,
    folder: PathBuf,
    known: RefCell<Known>,
}

/// What was read so far. It never changes, so that a question always has the same answer.
#[derive(Debug, Default)]
struct Known {
    /// The entries' names.
    ids: Option<BTreeSet<String>>,
    /// The entries that were read; `None`: damaged.
    entries: BTreeMap<String, Option<Rc<Entry>>>,
    damaged: BTreeMap<String, String>,
}

/// A file that is not a valid decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its path, relative to the workspace's root if it is below it; printable.
    pub file: String,
    /// Why it is not used, in a sentence without a full stop; printable.
    pub reason: String,
}

/// The effect of [`Memory::remember`], for [`Memory::take_back`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The name of the decision.
    pub id: String,
    old: Option<Vec<u8>>,
    new: Vec<u8>,
}

/// A decision that was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Its name.
    pub id: String,
    /// The removed file.
    pub file: PathBuf,
    /// The path of the copy that is kept.
    pub kept: PathBuf,
}

/// Why a decision is not remembered or forgotten.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It could not be used again.
    #[error("the decision on {path} cannot be remembered")]
    Unfit {
        /// The path of the decision, printable.
        path: String,
        /// Why.
        #[source]
        reason: Unfit,
    },
    /// It is larger than the limit for reading.
    #[error("the decision on {0} is larger than {LARGEST} bytes and cannot be remembered")]
    TooLarge(String),
    /// The decision no longer exists.
    #[error("{} is gone", disk::shown(.0))]
    Gone(PathBuf),
    /// Its file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why a name does not select one decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhichDecisionError {
    /// None is called so.
    #[error("there is no decision '{0}'")]
    None(String),
    /// Several names begin like this.
    #[error("'{wanted}' may be {}", .candidates.join(" or "))]
    Several {
        /// The given name, printable.
        wanted: String,
        /// The possible decisions: `KEY/ID`.
        candidates: Vec<String>,
    },
}

impl Memory {
    /// Returns the memory of `upstream`. Nothing is read yet.
    #[must_use]
    pub fn open(workspace: &Workspace, upstream: &Upstream) -> Memory {
        let (layout, manifest) = (&workspace.layout, &workspace.manifest);
        let key = upstream.memory_key(manifest);
        let shared = upstream.remember == Remember::Shared;
        let same = |other: &&Upstream| other.memory_key(manifest) == key && other.remember == upstream.remember;
        let upstreams = manifest.upstreams.iter().filter(same).map(|other| other.name.clone()).collect();
        let folder = if shared { layout.resolutions(key) } else { layout.own_resolutions(key) };
        Memory { key: key.clone(), shared, upstreams, layout: layout.clone(), folder, known: RefCell::default() }
    }

    /// Returns the memories of `upstreams`, each once.
    #[must_use]
    pub fn of_all(workspace: &Workspace, upstreams: &[&Upstream]) -> Vec<Memory> {
        let mut all: Vec<Memory> = Vec::new();
        for memory in upstreams.iter().map(|upstream| Memory::open(workspace, upstream)) {
            if !all.iter().any(|known| known.folder == memory.folder) {
                all.push(memory);
            }
        }
        all
    }

    /// Returns the file of the decision called `id`.
    #[must_use]
    pub fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{ENDING}"))
    }

    /// Returns the names of all decisions, damaged ones too, in order.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<String> {
        let mut known = self.known.borrow_mut();
        if known.ids.is_none() {
            let ids = self.names().unwrap_or_else(|error| {
                known.damaged.insert(self.shown(&self.folder), reason(&Damage::File(error)));
                BTreeSet::new()
            });
            known.ids = Some(ids);
        }
        known.ids.clone().unwrap_or_default()
    }

    /// Returns the decision called `id`; `None` when there is none or it is [damaged](Memory::damaged).
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Rc<Entry>> {
        if !self.ids().contains(id) {
            return None;
        }
        let mut known = self.known.borrow_mut();
        if let Some(entry) = known.entries.get(id) {
            return entry.clone();
        }
        let file = self.file(id);
        let entry = match read(&file, id) {
            Ok(entry) => Some(Rc::new(entry)),
            Err(damage) => {
                known.damaged.insert(self.shown(&file), reason(&damage));
                None
            }
        };
        known.entries.insert(id.to_owned(), entry.clone());
        entry
    }

    /// Returns all decisions, the newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Rc<Entry>> {
        newest_first(self.ids().iter().filter_map(|id| self.get(id)).collect())
    }

    /// Returns the decisions on exactly the texts of `hunk` (white space counts), at any path; the newest first.
    #[must_use]
    pub fn look_up(&self, hunk: &Hunk) -> Vec<Rc<Entry>> {
        let key = texts_key([&hunk.base.text, &hunk.upstream.text, &hunk.patch.text]);
        let ids = self.ids();
        let same = ids.range(key.clone()..).take_while(|id| id.starts_with(&key));
        newest_first(same.filter_map(|id| self.get(id)).filter(|entry| entry.is_about(hunk)).collect())
    }

    /// Returns the decision of [`Memory::look_up`] that may be used without asking: the one made at this path, else at
    /// the patch's own path for the file, else one that has either as another path of its file, if all of those chose
    /// the same lines.
    #[must_use]
    pub fn recalled(&self, at: At<'_>, hunk: &Hunk) -> Option<Rc<Entry>> {
        let found = self.look_up(hunk);
        if let Some(own) = [at.path, at.own].iter().find_map(|path| found.iter().find(|entry| entry.path == **path)) {
            return Some(own.clone());
        }
        let renamed = |entry: &&Rc<Entry>| [at.path, at.own].iter().any(|path| entry.also.contains(*path));
        let mut renamed = found.iter().filter(renamed);
        let first = renamed.next()?;
        renamed.all(|other| other.text == first.text).then(|| first.clone())
    }

    /// Returns the files that are not used, as far as they were read; after [`Memory::list`] all of them.
    #[must_use]
    pub fn damaged(&self) -> Vec<Damaged> {
        let known = self.known.borrow();
        known.damaged.iter().map(|(file, why)| Damaged { file: file.clone(), reason: why.clone() }).collect()
    }

    /// Stores a decision, in one step; one on the same texts at the same path is replaced.
    ///
    /// # Errors
    /// [`MemoryError`]; then nothing changed.
    pub fn remember(&self, entry: &Entry) -> Result<Remembered, MemoryError> {
        let path = entry.path.to_string();
        entry.check().map_err(|reason| MemoryError::Unfit { path: path.clone(), reason })?;
        let (id, new) = (entry.id(), format::print(entry));
        if new.len() as u64 > LARGEST {
            return Err(MemoryError::TooLarge(path));
        }
        self.make_folder(&self.folder)?;
        let file = self.file(&id);
        let old = disk::read(&file)?;
        disk::put(&file, &new)?;
        self.known.replace(Known::default());
        Ok(Remembered { id, old, new })
    }

    /// Restores the state before; `false`: the file was changed since, and stays.
    ///
    /// # Errors
    /// [`MemoryError::File`].
    pub fn take_back(&self, done: &Remembered) -> Result<bool, MemoryError> {
        let file = self.file(&done.id);
        if disk::read(&file)?.as_ref() != Some(&done.new) {
            return Ok(false);
        }
        match &done.old {
            Some(old) => disk::put(&file, old)?,
            None => remove(&file)?,
        }
        self.known.replace(Known::default());
        Ok(true)
    }

    /// Removes the decision called `id`, damaged or not, from the memory. It is kept in [`Layout::forgotten`], where it
    /// replaces an earlier one of its name.
    ///
    /// # Errors
    /// [`MemoryError`]; a symlink or a folder is left alone.
    pub fn forget(&self, id: &str) -> Result<Forgotten, MemoryError> {
        let file = self.file(id);
        let bytes = disk::read(&file)?.ok_or_else(|| MemoryError::Gone(file.clone()))?;
        let folder = self.layout.forgotten(&self.key);
        self.make_folder(&folder)?;
        let kept = folder.join(format!("{id}{ENDING}"));
        disk::put(&kept, &bytes)?;
        remove(&file)?;
        self.known.replace(Known::default());
        Ok(Forgotten { id: id.to_owned(), file, kept })
    }

    /// Formats a path of the memory for messages.
    #[must_use]
    pub fn shown(&self, path: &Path) -> String {
        disk::shown(self.layout.shown(path))
    }

    /// Makes a folder below the workspace's root or patchq's own folder, which may be anywhere; below them no symlink
    /// is followed.
    fn make_folder(&self, folder: &Path) -> Result<(), FileError> {
        let own = self.layout.common();
        if folder.starts_with(own) {
            fs::create_dir_all(own).map_err(FileError::io("make the folder", own))?;
            return disk::make_folders(own, folder);
        }
        disk::make_folders(self.layout.root(), folder)
    }

    /// Returns the names in the folder, without their extension. Other files are ignored.
    fn names(&self) -> Result<BTreeSet<String>, FileError> {
        let above = self.folder.parent().unwrap_or(&self.folder);
        if !disk::is_folder(above)? || !disk::is_folder(&self.folder)? {
            return Ok(BTreeSet::new());
        }
        let io = || FileError::io("read the folder", &self.folder);
        let mut ids = BTreeSet::new();
        for found in fs::read_dir(&self.folder).map_err(io())? {
            let name = found.map_err(io())?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(ENDING)).filter(|id| is_id(id));
            ids.extend(id.map(str::to_owned));
        }
        Ok(ids)
    }
}

impl Recall for Memory {
    fn recall(&self, at: At<'_>, hunk: &Hunk) -> Option<Recalled> {
        let entry = self.recalled(at, hunk)?;
        Some(Recalled { text: entry.text.clone(), reason: entry.said() })
    }
}

/// Returns the decision that `wanted` selects: the index of its memory, and its name. The start of the name is enough;
/// a folder before it and the extension are ignored.
///
/// # Errors
/// [`WhichDecisionError`].
pub fn which_decision(memories: &[Memory], wanted: &str) -> Result<(usize, String), WhichDecisionError> {
    let start = wanted.rsplit('/').next().unwrap_or(wanted);
    let start = start.strip_suffix(ENDING).unwrap_or(start);
    let begins = |id: &String| !start.is_empty() && id.starts_with(start);
    let of = |n: usize| memories[n].ids().into_iter().filter(begins).map(move |id| (n, id)).collect::<Vec<_>>();
    let mut found: Vec<(usize, String)> = (0..memories.len()).flat_map(of).collect();
    let wanted = printable(wanted.as_bytes());
    match found.len() {
        0 => Err(WhichDecisionError::None(wanted)),
        1 => Ok(found.remove(0)),
        _ => {
            let candidates = found.iter().map(|(n, id)| format!("{}/{id}", memories[*n].key)).collect();
            Err(WhichDecisionError::Several { wanted, candidates })
        }
    }
}

/// Checks whether a file may have this name: `0123456789abcdef-01234567`.
fn is_id(id: &str) -> bool {
    let digits = |part: &str, count: usize| {
        part.len() == count && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    id.split_once('-').is_some_and(|(texts, path)| digits(texts, 16) && digits(path, 8))
}

fn newest_first(mut entries: Vec<Rc<Entry>>) -> Vec<Rc<Entry>> {
    entries.sort_by_key(|entry| Reverse(entry.made.date.seconds));
    entries
}

fn read(file: &Path, id: &str) -> Result<Entry, Damage> {
    let bytes = match disk::read_at_most(file, LARGEST) {
        Err(FileError::TooLarge { .. }) => return Err(Damage::TooLarge),
        read => read?.unwrap_or_default(),
    };
    let entry = format::parse(&bytes)?;
    let name = entry.id();
    if name == id { Ok(entry) } else { Err(Damage::Name(name)) }
}

/// Describes the damage, without the file's name if the sentence begins with it.
fn reason(damage: &Damage) -> String {
    match damage {
        Damage::File(FileError::Symlink(_)) => "it is a symlink".to_owned(),
        Damage::File(FileError::NotAFile(_)) => "it is not a regular file".to_owned(),
        other => other.to_string(),
    }
}

fn remove(file: &Path) -> Result<(), FileError> {
    disk::remove(file)?;
    file.parent().map_or(Ok(()), disk::sync_folder)
}
