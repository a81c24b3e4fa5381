//! A copy for building: a plain repository, which needs neither store nor workspace afterwards.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::listing::{absent_blobs, list_commit};
use super::version::{read, replace};
use super::write::materialize;
use super::{Attachment, CheckoutError, Differences, Obstacle, Outcome, Plan, Reason, SparseSet};
use crate::git::{GitError, Id, Store};

/// A file in the copy's top folder until the copy is complete. It distinguishes the rest of a killed run from a
/// repository.
const UNFINISHED: &str = ".patchq-unfinished";

/// Makes a repository at `dest` (absent, empty, or left by a killed run of this function) with `commit` checked out on
/// the branch `patchq`, the store's tags, and all objects of the store. Nothing is fetched. Object files are hard links
/// if the file system allows it, as in a local `git clone`: git never changes them.
///
/// # Errors
/// [`CheckoutError`] when disk or store fail.
pub fn export_copy(
    store: &Store,
    commit: Id,
    sparse: &SparseSet,
    dest: &Path,
    version: Option<&str>,
) -> Result<Outcome, CheckoutError> {
    let need = absent_blobs(store.repo(), &list_commit(store.repo(), commit)?, sparse)?;
    if !need.is_empty() {
        return Ok(Outcome::Need(need));
    }
    if let Some(found) = occupied(dest)? {
        return Ok(Outcome::Refused(vec![Obstacle { path: ".".to_owned(), reason: Reason::NotOurs { found } }]));
    }
    let (git_dir, marker) = (dest.join(".git"), dest.join(UNFINISHED));
    fs::create_dir_all(dest).map_err(GitError::io("cannot make the folder", dest))?;
    fs::write(&marker, b"").map_err(GitError::io("cannot write", &marker))?;
    clear(&git_dir)?;
    let copy = Store::create(&git_dir)?;
    copy_objects(&store.dir().join("objects"), &git_dir.join("objects"), 0)?;
    copy_refs(store, &copy)?;
    let changed = BTreeSet::new();
    let plan = Plan {
        old: None,
        commit,
        sparse,
        differences: Differences::Refuse,
        changed: &changed,
        version,
        reason: "patchq: copy",
    };
    let outcome = materialize(&copy, dest, &plan, &|_| ())?;
    if !matches!(outcome, Outcome::Done(_)) {
        clear(&git_dir)?;
    }
    fs::remove_file(&marker).map_err(GitError::io("cannot remove", marker))?;
    Ok(outcome)
}

fn clear(git_dir: &Path) -> Result<(), GitError> {
    match fs::remove_dir_all(git_dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(GitError::io("cannot remove", git_dir)(error)),
        _ => Ok(()),
    }
}

/// Returns what is at `dest` if it belongs to someone else.
fn occupied(dest: &Path) -> Result<Option<Attachment>, GitError> {
    match fs::symlink_metadata(dest) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(GitError::io("cannot look at", dest)(error)),
        Ok(found) if found.is_symlink() => return Ok(Some(Attachment::Symlink)),
        Ok(found) if !found.is_dir() => return Ok(Some(Attachment::NotAFolder)),
        Ok(_) => {}
    }
    let (git_dir, marker) = (dest.join(".git"), dest.join(UNFINISHED));
    if fs::symlink_metadata(&marker).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    if fs::symlink_metadata(&git_dir).is_ok() {
        return Ok(Some(Attachment::Repository));
    }
    let mut entries = fs::read_dir(dest).map_err(GitError::io("cannot list the folder", dest))?;
    Ok(entries.next().map(|_| Attachment::Plain))
}

/// How deep alternates of alternates are followed, as in git.
const DEEPEST: usize = 5;

/// Links or copies every object of the folder `from` and of its alternates.
fn copy_objects(from: &Path, to: &Path, depth: usize) -> Result<(), GitError> {
    use std::os::unix::ffi::OsStrExt;
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.map_err(|error| GitError::io("cannot list the folder", from)(error.into()))?;
        let Ok(inside) = entry.path().strip_prefix(from) else { continue };
        let target = to.join(inside);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target).map_err(GitError::io("cannot make the folder", target))?;
        } else if !inside.starts_with("info") && !target.exists() {
            link_or_copy(entry.path(), &target)?;
        }
    }
    if depth == DEEPEST {
        return Ok(());
    }
    for line in read(&from.join("info/alternates"))?.split(|byte| *byte == b'\n') {
        if !line.is_empty() && line[0] != b'#' {
            copy_objects(&from.join(std::ffi::OsStr::from_bytes(line)), to, depth + 1)?;
        }
    }
    Ok(())
}

fn link_or_copy(from: &Path, to: &Path) -> Result<(), GitError> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let mut draft = to.as_os_str().to_owned();
    draft.push(".patchq-draft");
    let draft = PathBuf::from(draft);
    fs::copy(from, &draft).map_err(GitError::io("cannot copy", from))?;
    fs::rename(&draft, to).map_err(GitError::io("cannot write", to))
}

/// Copies the shallow boundary, the tags, and the url from which missing blobs can be fetched.
fn copy_refs(store: &Store, copy: &Store) -> Result<(), GitError> {
    let shallow = read(&store.dir().join("shallow"))?;
    if !shallow.is_empty() {
        replace(&copy.dir().join("shallow"), &shallow)?;
    }
    let failed = || GitError::lib("cannot copy the tags");
    for tag in store.repo().references_glob("refs/tags/*").map_err(failed())? {
        let tag = tag.map_err(failed())?;
        if let (Ok(name), Some(id)) = (tag.name(), tag.target()) {
            copy.repo().reference(name, id, true, "patchq: copy").map_err(failed())?;
        }
    }
    let failed = || GitError::lib("cannot configure the copy");
    let config = store.repo().config().map_err(failed())?;
    if let Ok(url) = config.get_string("remote.origin.url") {
        let mut config = copy.repo().config().map_err(failed())?;
        config.set_str("remote.origin.url", &url).map_err(failed())?;
    }
    Ok(())
}
