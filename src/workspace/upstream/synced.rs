//! Stores S, the state in which patchq last made files and commits equal: one commit that holds a small JSON file and
//! keeps the stack of that moment, under one ref, so that it changes in one step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::json_file;
use crate::git::{Commit, Edits, Entry, GitError, Id, Mode, Objects, SYNCED};
use crate::path::RepoPath;
use crate::stack::Stack;
use crate::workspace::files::digest::FilesDigest;
use crate::workspace::files::queue::Queue;

const FILE: &str = "synced.json";
/// The folder of copies of the files that patchq wrote.
const WRITTEN: &str = "written";
const FORMAT: u32 = 1;

/// The state of files and commits when they were last equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    pub(in crate::workspace) format: u32,
    /// The pin.
    pub pin: Id,
    /// The commit on top of the stack.
    pub top: Id,
    /// The stack's commits in order, each with its patch file.
    pub stack: Vec<(Id, String)>,
    /// The files' digests.
    pub files: FilesDigest,
    /// Whether the queue was left out (`setup --no-apply`).
    pub pristine: bool,
    /// The patch files that patchq wrote in this working tree and that are unchanged since: their contents, as blobs
    /// that the record keeps. Older records have none.
    #[serde(default)]
    pub written: BTreeMap<String, Id>,
    /// The pin for which the version in `commits/` was taken, if that happened with this store.
    pub version_of: Option<(Id, String)>,
}

impl Synced {
    /// Makes the record of `stack`, which was made from files with these digests.
    #[must_use]
    pub fn new(stack: &Stack, files: FilesDigest, version_of: Option<(Id, String)>) -> Synced {
        Synced {
            format: FORMAT,
            pin: stack.base.commit,
            top: stack.top(),
            stack: stack.items.iter().map(|item| (item.commit, item.name.clone())).collect(),
            files,
            pristine: false,
            written: BTreeMap::new(),
            version_of,
        }
    }

    /// Adds the files of `queue` that patchq wrote: `fresh` ones now, and those that it had written `before` and that
    /// are unchanged.
    #[must_use]
    pub(in crate::workspace) fn with_written(
        mut self,
        objects: &mut Objects<'_>,
        before: Option<&Synced>,
        queue: &Queue,
        fresh: &[String],
    ) -> Synced {
        for file in &queue.files {
            let same = before.filter(|before| before.files.files.get(&file.name) == self.files.files.get(&file.name));
            let kept = same.and_then(|before| before.written.get(&file.name)).copied();
            let new = || fresh.contains(&file.name).then(|| objects.put_file(Mode::File, file.bytes.clone()).id);
            self.written.extend(kept.or_else(new).map(|blob| (file.name.clone(), blob)));
        }
        self
    }

    /// Returns the record in the store; `None` before the first one, and if a newer patchq wrote it in a form that this
    /// one does not know (then the store counts as new).
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub fn read(objects: &mut Objects<'_>) -> Result<Option<Synced>, GitError> {
        match objects.store().read_ref(SYNCED)? {
            Some(at) => Synced::read_at(objects, at),
            None => Ok(None),
        }
    }

    /// Returns the record in the commit `at`.
    ///
    /// # Errors
    /// As [`Synced::read`].
    pub fn read_at(objects: &mut Objects<'_>, at: Id) -> Result<Option<Synced>, GitError> {
        let record: Option<Synced> = json_file::read(objects, at, FILE)?;
        Ok(record.filter(|record| record.format == FORMAT))
    }

    /// Makes the commit that holds the record. It contains no time, so the same state has the same id.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub fn make(&self, objects: &mut Objects<'_>) -> Result<Id, GitError> {
        let mut edits = Edits::new();
        json_file::put(objects, &mut edits, FILE, self)?;
        for (name, blob) in &self.written {
            let path = RepoPath::new(format!("{WRITTEN}/{name}")).map_err(GitError::EvilPath)?;
            edits.insert(path, Some(Entry { mode: Mode::File, id: *blob }));
        }
        let tree = objects.edit(Id::EMPTY_TREE, &edits)?;
        Ok(objects.put_commit(&Commit::by_patchq(tree, vec![self.top], "Files and commits are equal\n", 0)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_says_nothing_of_who_wrote_is_read() {
        let files = FilesDigest { pin: None, version: None, series: None, files: BTreeMap::new() };
        let (pin, top, stack) = (Id::EMPTY_TREE, Id::EMPTY_TREE, Vec::new());
        let written = BTreeMap::from([("a.patch".to_owned(), Id::EMPTY_BLOB)]);
        let record = Synced { format: FORMAT, pin, top, stack, files, pristine: false, written, version_of: None };
        let mut value = serde_json::to_value(&record).unwrap();
        assert_eq!(serde_json::from_value::<Synced>(value.clone()).unwrap(), record);
        assert!(value.as_object_mut().unwrap().remove("written").is_some());
        let old = serde_json::from_value::<Synced>(value).unwrap();
        assert_eq!(old, Synced { written: BTreeMap::new(), ..record });
    }
}
