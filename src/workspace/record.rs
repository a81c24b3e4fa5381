//! S, the state in which patchq last made files and commits equal: one commit that holds a small JSON file and
//! keeps the stack of that moment alive, under one ref, so that it changes in one step.

use serde::{Deserialize, Serialize};

use super::digest::FilesDigest;
use crate::git::{Commit, Edits, GitError, Id, Mode, Objects, SYNCED, Signature};
use crate::path::RepoPath;
use crate::stack::Stack;

const FILE: &str = "synced.json";
const FORMAT: u32 = 1;

/// What files and commits were when they were last equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub(super) format: u32,
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
    /// For which pin the version in `commits/` was taken, if this store saw it taken.
    pub version_of: Option<(Id, String)>,
}

impl Record {
    /// What is to be kept of `stack`, made from files with these digests.
    #[must_use]
    pub fn new(stack: &Stack, files: FilesDigest, version_of: Option<(Id, String)>) -> Record {
        Record {
            format: FORMAT,
            pin: stack.base.commit,
            top: stack.top(),
            stack: stack.items.iter().map(|item| (item.commit, item.name.clone())).collect(),
            files,
            pristine: false,
            version_of,
        }
    }

    /// The record that the store keeps; `None` before the first one (and where a newer patchq wrote it in a form that
    /// this one does not know, which then is as good as a new store).
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub fn read(objects: &mut Objects<'_>) -> Result<Option<Record>, GitError> {
        match objects.store().read_ref(SYNCED)? {
            Some(at) => Record::read_at(objects, at),
            None => Ok(None),
        }
    }

    /// The record that the commit `at` holds.
    ///
    /// # Errors
    /// As [`Record::read`].
    pub fn read_at(objects: &mut Objects<'_>, at: Id) -> Result<Option<Record>, GitError> {
        let tree = objects.commit(at)?.tree;
        let file = RepoPath::new(FILE).map_err(GitError::EvilPath)?;
        let Some(entry) = objects.entry(tree, &file)? else { return Ok(None) };
        let bytes = objects.blob(entry.id)?.unwrap_or_default();
        Ok(serde_json::from_slice::<Record>(&bytes).ok().filter(|record| record.format == FORMAT))
    }

    /// Makes the commit that holds the record. It says nothing of the moment, so the same state has the same id.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be read.
    pub fn make(&self, objects: &mut Objects<'_>) -> Result<Id, GitError> {
        let text =
            serde_json::to_vec_pretty(self).expect("a record is made of strings, lists and maps with string keys");
        let blob = objects.put_file(Mode::File, text);
        let file = RepoPath::new(FILE).map_err(GitError::EvilPath)?;
        let tree = objects.edit(Id::EMPTY_TREE, &Edits::from([(file, Some(blob))]))?;
        let nobody = Signature::clean(b"patchq", b"patchq@patchq.invalid", 0, 0);
        let message = "Files and commits are equal\n".into();
        let commit = Commit { tree, parents: vec![self.top], author: nobody.clone(), committer: nobody, message };
        Ok(objects.put_commit(&commit))
    }
}
