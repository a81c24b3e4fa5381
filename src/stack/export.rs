//! Makes patch files from commits.
//!
//! A file whose meaning did not change keeps its bytes: if the old file, applied to the commit's parent, gives the
//! commit's tree, author and message, it is kept. Otherwise the diff is made again; the text before it stays if the
//! commit still has the same message.

use std::collections::{HashMap, HashSet};

use bstr::BString;

use super::diff::diffs;
use super::touch::{Touched, touch};
use super::{Base, Lazy, Missing, Moved, Queued, commit_of, header_of};
use crate::git::{Commit, GitError, Id, Objects};
use crate::patch::{self, Header, HeaderForm, Patch, Printed, split_message};

/// A patch file as it is in the workspace.
#[derive(Debug, Clone)]
pub struct OldPatch {
    /// The name and the parsed content.
    pub queued: Queued,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// How an exported file was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is the old file, unchanged.
    Kept,
    /// The old file had to be rewritten.
    Rewritten,
    /// There was no file for this commit.
    New,
}

/// A commit as a patch file.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The commit.
    pub commit: Id,
    /// The file that the commit belongs to; the file may no longer exist.
    pub name: Option<String>,
    /// The commit's subject, for the name of a new file.
    pub subject: BString,
    /// The content for the file.
    pub bytes: Vec<u8>,
    /// How it was made.
    pub origin: Origin,
    /// Message lines that got a blank in front, because `git am` would end the message there.
    pub shielded: Vec<BString>,
}

/// The information that assigns commits to files.
#[derive(Debug, Default, Clone)]
pub struct PatchMatch {
    /// Commits whose file is certain (their ids are those of the queue on its pin).
    pub sure: HashMap<Id, String>,
    /// The file names in the notes; several if commits were squashed.
    pub noted: HashMap<Id, Vec<String>>,
    /// For each file the hunks that apply at another place than it says. A file whose hunks would now apply at
    /// different places is rewritten. `None`: places do not matter.
    pub places: Option<HashMap<String, Vec<Moved>>>,
}

/// Returns the patch files of `commits` (each the child of the one before, the first a child of the pin), in order. A
/// commit without changes is exported too, as a file without a diff; the caller refuses it.
///
/// # Errors
/// [`GitError`] when an object other than a blob is missing, or one is damaged.
pub fn export(
    objects: &mut Objects<'_>,
    base: &Base,
    commits: &[Id],
    old: &[OldPatch],
    belongs: &PatchMatch,
) -> Result<Lazy<Vec<Exported>>, GitError> {
    let mut missing = Missing::default();
    let mut tree = base.tree;
    let mut row = Vec::with_capacity(commits.len());
    for id in commits {
        let commit = objects.commit(*id)?;
        let before = std::mem::replace(&mut tree, commit.tree);
        row.push(Row { id: *id, before, commit, made: None, name: None });
    }
    assign(objects, &mut row, old, belongs, &mut missing)?;
    let mut exported = Vec::with_capacity(row.len());
    let named: HashMap<&str, &OldPatch> = old.iter().rev().map(|file| (file.queued.name.as_str(), file)).collect();
    for row in row {
        let file = row.name.as_ref().and_then(|name| named.get(name.as_str()).copied());
        let places = file.and_then(|file| Some((belongs.places.as_ref()?, &file.queued.name)));
        let places = places.map(|(places, name)| places.get(name).map(Vec::as_slice).unwrap_or_default());
        exported.push(write(objects, base, row, (file, places), &mut missing)?);
    }
    Ok(missing.or_done(exported))
}

struct Row {
    id: Id,
    before: Id,
    commit: Commit,
    /// The patch made from the trees, if it was needed already.
    made: Option<Patch>,
    name: Option<String>,
}

impl Row {
    fn make(&mut self, objects: &mut Objects<'_>, missing: &mut Missing) -> Result<&mut Patch, GitError> {
        let made = match self.made.take() {
            Some(made) => made,
            None => {
                let files = diffs(objects, self.before, self.commit.tree, missing)?;
                Patch { header: header_of(None, &self.commit), files, preamble_len: 0 }
            }
        };
        Ok(self.made.insert(made))
    }
}

/// Assigns files to commits: by known id, by note, by equal diff, by equal subject; each file once.
fn assign(
    objects: &mut Objects<'_>,
    rows: &mut [Row],
    old: &[OldPatch],
    belongs: &PatchMatch,
    missing: &mut Missing,
) -> Result<(), GitError> {
    let mut free: HashSet<&str> = old.iter().map(|file| file.queued.name.as_str()).collect();
    for row in rows.iter_mut() {
        // A removed file gets its old name again when its patch returns.
        let is_gone = |name: &str| !old.iter().any(|file| file.queued.name == name);
        let name = belongs.sure.get(&row.id);
        row.name = name.filter(|name| free.remove(name.as_str()) || is_gone(name)).cloned();
    }
    for row in rows.iter_mut().filter(|row| row.name.is_none()) {
        let noted = belongs.noted.get(&row.id).into_iter().flatten();
        row.name = noted.into_iter().find(|name| free.remove(name.as_str())).cloned();
    }
    for row in rows.iter_mut().filter(|row| row.name.is_none()) {
        if free.is_empty() {
            return Ok(());
        }
        let made = row.make(objects, missing)?;
        let equal = |file: &&OldPatch| {
            free.contains(file.queued.name.as_str()) && patch::meaning::same_patch(&file.queued.patch, made)
        };
        let name = old.iter().find(equal).map(|file| file.queued.name.clone());
        row.name = name.filter(|name| free.remove(name.as_str()));
    }
    for row in rows.iter_mut().filter(|row| row.name.is_none()) {
        let subject = split_message(&row.commit.message).0;
        let equal = |file: &&OldPatch| {
            free.contains(file.queued.name.as_str())
                && !subject.is_empty()
                && file.queued.patch.header.subject == subject
        };
        let name = old.iter().find(equal).map(|file| file.queued.name.clone());
        row.name = name.filter(|name| free.remove(name.as_str()));
    }
    Ok(())
}

fn write(
    objects: &mut Objects<'_>,
    base: &Base,
    mut row: Row,
    (file, places): (Option<&OldPatch>, Option<&[Moved]>),
    missing: &mut Missing,
) -> Result<Exported, GitError> {
    let header = header_of(row.name.as_deref(), &row.commit);
    let mut out = Exported {
        commit: row.id,
        name: row.name.clone(),
        subject: header.subject.clone(),
        bytes: Vec::new(),
        origin: Origin::New,
        shielded: Vec::new(),
    };
    let Some(file) = file else {
        let printed = print(row.make(objects, missing)?, header);
        return Ok(Exported { bytes: printed.bytes, shielded: printed.shielded, ..out });
    };
    let old = &file.queued;
    let would_be = commit_of(&old.name, &old.patch.header, base, row.before, row.commit.tree);
    let same_words = would_be.author == row.commit.author && would_be.message == row.commit.message;
    out.origin = Origin::Kept;
    if same_words && same_change(objects, &row, &old.patch, places, missing)? {
        return Ok(Exported { bytes: file.bytes.clone(), ..out });
    }
    out.origin = Origin::Rewritten;
    let made = row.make(objects, missing)?;
    if same_words && old.patch.header.form != HeaderForm::Mail {
        let preamble = file.bytes.get(..old.patch.preamble_len).unwrap_or_default();
        let bytes = [preamble, &patch::print_diffs(&made.files)].concat();
        return Ok(Exported { bytes, ..out });
    }
    let printed = print(made, header);
    Ok(Exported { bytes: printed.bytes, shielded: printed.shielded, ..out })
}

/// Prints the patch as a mail. Its file name, which also replaces an empty message, was not known when the patch was
/// made.
fn print(made: &mut Patch, header: Header) -> Printed {
    made.header = header;
    patch::print(made)
}

/// Checks whether the old file makes the same change to the commit's parent as the commit, and (if that matters) at the
/// same places.
fn same_change(
    objects: &mut Objects<'_>,
    row: &Row,
    old: &Patch,
    places: Option<&[Moved]>,
    missing: &mut Missing,
) -> Result<bool, GitError> {
    match touch(objects, row.before, old, missing)? {
        Touched::Edits(_, moved) if places.is_some_and(|places| places != moved) => Ok(false),
        Touched::Edits(edits, _) => Ok(objects.edit(row.before, &edits)? == row.commit.tree),
        Touched::Failed(_) => Ok(false),
    }
}
