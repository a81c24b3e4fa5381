//! An upstream of a workspace with its store, which every command on an upstream needs first.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fetch_lock::alone;
use crate::git::checkout::SparseSet;
use crate::git::{GitError, Id, Store, clear_left_locks};
use crate::path::RepoPath;
use crate::workspace::files::layout::Scope;
use crate::workspace::files::lock::{Holder, Lock, LockError, Mode};
use crate::workspace::files::open::Workspace;
use crate::workspace::manifest::{Name, Upstream};

/// How long a command waits for another patchq.
pub(in crate::workspace) const PATIENCE: Duration = Duration::from_secs(30);

/// The prefix of the name of an incomplete store.
const HALF: &str = ".store-";

/// An upstream and its store.
pub struct UpstreamStore<'w> {
    /// The workspace.
    pub workspace: &'w Workspace,
    /// The manifest's entry.
    pub entry: &'w Upstream,
    /// The store.
    pub store: Store,
}

impl<'w> UpstreamStore<'w> {
    /// Opens the upstream's store; `None` while it has no store.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be opened.
    pub fn open(workspace: &'w Workspace, entry: &'w Upstream) -> Result<Option<UpstreamStore<'w>>, GitError> {
        let (layout, name) = (&workspace.layout, &entry.name);
        if let Some(dir) = [layout.store(name), layout.history(name)].into_iter().find(|dir| layout.refuses_store(dir))
        {
            return Err(GitError::ForeignStore { dir });
        }
        let store = Store::open(&layout.store(name))?;
        Ok(store.map(|store| UpstreamStore { workspace, entry, store }))
    }

    /// Opens the upstream's store, and makes it if there is none. In a linked worktree the store borrows the objects of
    /// the main one, so that a second worktree needs no transfer.
    ///
    /// # Errors
    /// [`LockError`] when the store cannot be made or opened.
    pub fn make(workspace: &'w Workspace, entry: &'w Upstream) -> Result<UpstreamStore<'w>, LockError> {
        let opened = match UpstreamStore::open(workspace, entry)? {
            Some(opened) => opened,
            None => UpstreamStore::made(workspace, entry)?,
        };
        // Done each time: the main store may have got other commits since.
        if let Some(lender) = workspace.layout.borrowed_objects(&entry.name).as_deref().and_then(Path::parent)
            && opened.store.lacks_marks_of(lender)?
        {
            alone(workspace, entry, || opened.store.mark_borrowed(lender))?;
        }
        Ok(opened)
    }

    fn made(workspace: &'w Workspace, entry: &'w Upstream) -> Result<UpstreamStore<'w>, LockError> {
        let dir = workspace.layout.store(&entry.name);
        // The store is made beside its place and moved there: a killed run leaves no half of a store.
        let parent = dir.parent().map_or_else(PathBuf::new, ToOwned::to_owned);
        fs::create_dir_all(&parent).map_err(GitError::io("cannot make the folder", &parent))?;
        let lock = workspace.layout.stores_lock();
        let _lock = Lock::acquire(&lock, Mode::Exclusive, "the stores", "setup", PATIENCE, &mut |_| {})?;
        // The lock for making stores is held, so these files were left by a killed run.
        clear_halves(&parent)?;
        let scratch = tempfile::Builder::new()
            .prefix(HALF)
            .tempdir_in(&parent)
            .map_err(GitError::io("cannot make a folder in", &parent))?;
        let made = scratch.path().join("git");
        drop(Store::create(&made)?);
        if let Some(objects) = workspace.layout.borrowed_objects(&entry.name).filter(|objects| objects.is_dir()) {
            let file = made.join("objects/info/alternates");
            // The path is relative, so that the workspace can be moved: from wt/ID/NAME.git/objects up to the folder of
            // wt/.
            let own = objects.parent().and_then(|store| store.file_name()).unwrap_or_default();
            let line = [b"../../../../".as_slice(), own.as_encoded_bytes(), b"/objects\n"].concat();
            fs::create_dir_all(made.join("objects/info"))
                .and_then(|()| fs::write(&file, line))
                .map_err(GitError::io("cannot write", file))?;
        }
        // Another patchq may have made it in between; then that one is used.
        if let Err(error) = fs::rename(&made, &dir)
            && !dir.join("HEAD").exists()
        {
            return Err(GitError::io("cannot make", &dir)(error).into());
        }
        let store = Store::open(&dir)?.ok_or(GitError::Missing { kind: "store", id: Id::EMPTY_TREE })?;
        Ok(UpstreamStore { workspace, entry, store })
    }

    /// Returns the upstream's name.
    #[must_use]
    pub fn name(&self) -> &'w Name {
        &self.entry.name
    }

    /// Returns the checkout's folder.
    #[must_use]
    pub fn checkout(&self) -> PathBuf {
        self.workspace.layout.checkout(&self.entry.name)
    }

    /// Returns the path of the history of commits, for versions that no tag gives.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.workspace.layout.history(&self.entry.name)
    }

    /// Returns the paths of the checkout: the manifest's, and those that the queue touches.
    ///
    /// # Errors
    /// [`GitError`] when a tree cannot be read.
    pub fn sparse(&self, tree: Id, touched: &[RepoPath]) -> Result<SparseSet, GitError> {
        SparseSet::new(&self.store, tree, self.entry.sparse.as_deref(), touched)
    }
}

/// Removes the incomplete stores in `folder`.
fn clear_halves(folder: &Path) -> Result<(), GitError> {
    let entries = fs::read_dir(folder).map_err(GitError::io("cannot read", folder))?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().as_encoded_bytes().starts_with(HALF.as_bytes()) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(GitError::io("cannot remove", path))?;
        }
    }
    Ok(())
}

/// Locks one upstream for writing, and removes what a killed holder left locked in its store.
///
/// # Errors
/// [`LockError`] when another patchq holds it for longer than `patience`.
pub(in crate::workspace) fn lock_upstream(
    workspace: &Workspace,
    name: &Name,
    command: &str,
    patience: Duration,
    on_wait: &dyn Fn(&Holder),
) -> Result<Lock, LockError> {
    let path = workspace.layout.lock(Scope::Upstream(name));
    let lock = Lock::acquire(&path, Mode::Exclusive, name.as_str(), command, patience, &mut |holder| on_wait(holder))?;
    if lock.abandoned() {
        clear_left_locks(&workspace.layout.store(name))?;
    }
    Ok(lock)
}

/// Locks the workspace's own files for writing. Taken after an upstream's lock, never before.
///
/// # Errors
/// As [`lock_upstream`].
pub(in crate::workspace) fn lock_workspace(
    workspace: &Workspace,
    command: &str,
    patience: Duration,
    on_wait: &dyn Fn(&Holder),
) -> Result<Lock, LockError> {
    let path = workspace.layout.lock(Scope::Workspace);
    Lock::acquire(&path, Mode::Exclusive, "the workspace", command, patience, &mut |holder| on_wait(holder))
}
