//! Keeps the patch file name of each commit in git notes. `git commit --amend` and `git rebase` copy the notes
//! (`notes.rewriteRef`), and a squash joins them, so patch files keep their names when commits are rewritten.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::{Commit, Edits, Entry, GitError, Id, Mode, ObjectKind, Objects};
use crate::path::RepoPath;

/// The notes ref.
pub const NOTES: &str = "refs/notes/patchq";

/// Returns the patch file names noted for each commit, in the order of the note's lines.
///
/// # Errors
/// [`GitError`] when the notes are there but cannot be read.
pub fn read_notes(objects: &mut Objects<'_>) -> Result<HashMap<Id, Vec<String>>, GitError> {
    let mut notes = HashMap::new();
    let Some(at) = objects.store().read_ref(NOTES)? else { return Ok(notes) };
    let tree = objects.commit(at)?.tree;
    // git spreads many notes over folders named by the first digits (`ab/cd…`), so the parts of each id are joined.
    for change in objects.diff(Id::EMPTY_TREE, tree)? {
        let digits: Vec<u8> = change.path.as_bytes().iter().copied().filter(|b| *b != b'/').collect();
        let id = digits.to_str().ok().and_then(|digits| digits.parse::<Id>().ok());
        let (Some(id), Some(entry)) = (id, change.new) else { continue };
        let text = objects.blob(entry.id)?.unwrap_or_default();
        let names = text.lines().filter_map(|line| line.to_str().ok()).filter(|line| !line.is_empty());
        notes.insert(id, names.map(str::to_owned).collect());
    }
    Ok(notes)
}

/// Makes a notes commit with exactly `names`. Its dates are fixed, so equal notes have equal ids.
///
/// # Errors
/// [`GitError`] when a tree cannot be read.
pub fn make_notes(objects: &mut Objects<'_>, names: &[(Id, String)]) -> Result<Id, GitError> {
    let mut edits = Edits::new();
    for (commit, name) in names {
        let blob = objects.put(ObjectKind::Blob, format!("{name}\n").into_bytes());
        let path = RepoPath::new(commit.to_string()).map_err(GitError::EvilPath)?;
        edits.insert(path, Some(Entry { mode: Mode::File, id: blob }));
    }
    let tree = objects.edit(Id::EMPTY_TREE, &edits)?;
    Ok(objects.put_commit(&Commit::by_patchq(tree, Vec::new(), "Patch files of the commits\n", 0)))
}
