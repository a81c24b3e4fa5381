//! Lists the files of a whole tree, and the blobs that a checkout of it needs.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map};

use bstr::BString;

use super::SparseSet;
use crate::git::{Entry, GitError, Id, Mode, Store};
use crate::path::RepoPath;

/// Every file, symlink and submodule of a tree by its path, in the order of git's index. Paths are not checked.
pub(super) type Listing = BTreeMap<BString, Entry>;

/// Lists the tree of `commit`.
pub(super) fn list_commit(repo: &git2::Repository, commit: Id) -> Result<Listing, GitError> {
    let tree = repo.find_commit(commit.into()).map_err(|error| missing("commit", commit)(error))?.tree_id();
    list_tree(repo, tree.into())
}

/// Lists `tree`.
pub(super) fn list_tree(repo: &git2::Repository, tree: Id) -> Result<Listing, GitError> {
    let mut files = Listing::new();
    let mut folders = vec![(BString::default(), tree)];
    while let Some((prefix, id)) = folders.pop() {
        let tree = repo.find_tree(id.into()).map_err(missing("tree", id))?;
        for entry in tree.iter() {
            let mut path = prefix.clone();
            path.extend_from_slice(entry.name_bytes());
            let bits = u32::try_from(entry.filemode_raw()).unwrap_or(0);
            let mode =
                Mode::from_bits(bits).ok_or(GitError::Damaged { kind: "tree", id, what: "unknown file mode" })?;
            let id = Id::from(entry.id());
            if mode == Mode::Folder {
                path.push(b'/');
                folders.push((path, id));
            } else {
                files.insert(path, Entry { mode, id });
            }
        }
    }
    Ok(files)
}

/// For `map_err`: distinguishes a missing object from one that cannot be read.
pub(super) fn missing(kind: &'static str, id: Id) -> impl FnOnce(git2::Error) -> GitError {
    move |error| match error.code() {
        git2::ErrorCode::NotFound => GitError::Missing { kind, id },
        _ => GitError::lib(format!("cannot read {kind} {id}"))(error),
    }
}

/// The entry of each name in a folder; the mode is `None` if git does not know it.
type Folder = HashMap<Vec<u8>, (Option<Mode>, Id)>;

/// Looks up many paths in a tree; each folder is read once.
pub(super) struct Modes<'r> {
    repo: &'r git2::Repository,
    folders: HashMap<Id, Folder>,
}

impl<'r> Modes<'r> {
    pub(super) fn new(repo: &'r git2::Repository) -> Modes<'r> {
        Modes { repo, folders: HashMap::new() }
    }

    /// Returns the mode of the entry at `path` of `tree`.
    pub(super) fn at(&mut self, tree: Id, path: &RepoPath) -> Result<Option<Mode>, GitError> {
        let (mut id, mut mode) = (tree, Mode::Folder);
        for part in path.parts() {
            if mode != Mode::Folder {
                return Ok(None);
            }
            let Some((Some(found), below)) = self.folder(id)?.get(part).copied() else { return Ok(None) };
            (id, mode) = (below, found);
        }
        Ok(Some(mode))
    }

    fn folder(&mut self, id: Id) -> Result<&Folder, GitError> {
        let vacant = match self.folders.entry(id) {
            hash_map::Entry::Occupied(known) => return Ok(known.into_mut()),
            hash_map::Entry::Vacant(vacant) => vacant,
        };
        let tree = self.repo.find_tree(id.into()).map_err(missing("tree", id))?;
        let entries = tree.iter().map(|entry| {
            let mode = u32::try_from(entry.filemode_raw()).ok().and_then(Mode::from_bits);
            (entry.name_bytes().to_vec(), (mode, entry.id().into()))
        });
        Ok(vacant.insert(entries.collect()))
    }
}

/// Returns the blobs that a checkout of `sparse` needs and the store lacks: those of the wanted paths, and every
/// `.gitignore` and `.gitattributes` above one (and `.gitmodules`). git reads those from the index if the sparse set
/// leaves them out; without them the first `git status` would fetch them one by one.
///
/// # Errors
/// [`GitError`] when a tree cannot be read.
pub fn wanted_blobs(store: &Store, tree: Id, sparse: &SparseSet) -> Result<BTreeSet<Id>, GitError> {
    let listing = list_tree(store.repo(), tree)?;
    absent_blobs(store.repo(), &listing, sparse)
}

/// Returns [`wanted_blobs`] of a listing.
pub(super) fn absent_blobs(
    repo: &git2::Repository,
    listing: &Listing,
    sparse: &SparseSet,
) -> Result<BTreeSet<Id>, GitError> {
    let odb = repo.odb().map_err(GitError::lib("cannot open the store's objects"))?;
    let mut ids: BTreeSet<Id> = BTreeSet::new();
    let mut folders: BTreeSet<BString> = BTreeSet::from([BString::default()]);
    for (path, entry) in listing {
        let Ok(path) = RepoPath::new(path) else { continue };
        if !sparse.contains_entry(&path, entry.mode) {
            continue;
        }
        if entry.mode.has_blob() {
            ids.insert(entry.id);
        }
        let mut above = path.parent();
        while let Some(folder) = above {
            let mut prefix = BString::from(folder.as_bytes());
            prefix.push(b'/');
            if !folders.insert(prefix) {
                break;
            }
            above = folder.parent();
        }
    }
    for folder in &folders {
        for name in [".gitignore", ".gitattributes", ".gitmodules"] {
            let mut path = folder.clone();
            path.extend_from_slice(name.as_bytes());
            ids.extend(listing.get(&path).filter(|entry| entry.mode.has_blob()).map(|entry| entry.id));
        }
    }
    Ok(ids.into_iter().filter(|id| !odb.exists((*id).into())).collect())
}
