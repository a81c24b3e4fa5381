//! From commits to patch files.
//!
//! A file whose meaning did not change keeps its bytes: if the old file, applied to the commit's parent, gives the
//! commit's tree, author and message, it stands. Otherwise the diff is made again; the old file's own words before it
//! stay if the commit still says the same.

use std::collections::{HashMap, HashSet};

use bstr::BString;

use super::diff::diffs;
use super::touch::{Touched, touch};
use super::{Base, Lazy, Missing, Moved, Queued, commit_of, header_of};
use crate::git::{Commit, GitError, Id, Objects};
use crate::patch::{self, Header, HeaderForm, Patch, Printed, split_message};

/// A patch file as it stands in the workspace.
#[derive(Debug, Clone)]
pub struct OldPatch {
    /// The name and what the file says.
    pub queued: Queued,
    /// The file's bytes.
    pub bytes: Vec<u8>,
}

/// Where an exported file's bytes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// They are the old file's.
    Kept,
    /// The old file had to be written again.
    Rewritten,
    /// There was no file for this commit.
    New,
}

/// A commit as a patch file.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The commit.
    pub commit: Id,
    /// The file that the commit belongs to, which may be gone.
    pub name: Option<String>,
    /// The commit's subject, for the name of a new file.
    pub subject: BString,
    /// What the file is to hold.
    pub bytes: Vec<u8>,
    /// Where the bytes come from.
    pub origin: Origin,
    /// Message lines that got a blank in front because `git am` would end the message there.
    pub shielded: Vec<BString>,
}

/// What tells which commit belongs to which file.
#[derive(Debug, Default, Clone)]
pub struct PatchMatch {
    /// Commits whose file is known for sure (the ids that the queue gives on its pin).
    pub sure: HashMap<Id, String>,
    /// What the notes say; several names where commits were squashed.
    pub noted: HashMap<Id, Vec<String>>,
    /// Per file the hunks that apply elsewhere than it says. A file whose hunks would now apply at other places than
    /// that is written again. `None`: places do not matter.
    pub places: Option<HashMap<String, Vec<Moved>>>,
}

/// The patch files of `commits` (each the child of the one before, the first a child of the pin), in order. A commit
/// that changes nothing is exported too, as a file without a diff; the caller refuses it.
///
/// # Errors
/// [`GitError`] when an object is missing that is no blob, or damaged.
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
    /// The patch made from the trees, where it was needed already.
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

/// Gives each commit its file: by known id, by note, by equal diff, by equal subject, each file once.
fn assign(
    objects: &mut Objects<'_>,
    rows: &mut [Row],
    old: &[OldPatch],
    belongs: &PatchMatch,
    missing: &mut Missing,
) -> Result<(), GitError> {
    let mut free: HashSet<&str> = old.iter().map(|file| file.queued.name.as_str()).collect();
    for row in rows.iter_mut() {
        // A file that is gone is called what it was called when it comes back.
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

/// The patch as a mail. Its file, and with it what an empty message becomes, was not known when it was made.
fn print(made: &mut Patch, header: Header) -> Printed {
    made.header = header;
    patch::print(made)
}

/// Checks whether the old file does to the commit's parent what the commit did, and (where that matters) at the same
/// places.
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
