//! The store: the bare git folder with the objects and refs of one upstream, which is also the git folder of its
//! checkout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::owner::disable_libgit2_owner_check;
use super::{GitError, Id};

/// The branch of the checkout, at the tip of the stack.
pub const BRANCH: &str = "refs/heads/patchq";
/// The pin that the checkout is based on.
pub const BASE: &str = "refs/patchq/base";
/// The tip of the stack when files and commits were last equal.
pub const SYNCED: &str = "refs/patchq/synced";
/// The commit of the track that the upstream reported last.
pub const UPSTREAM: &str = "refs/patchq/upstream";

/// A conflict that was handed over to the checkout, and what is needed to take it back.
pub const HANDED_OVER: &str = "refs/patchq/handed-over";

/// The bytes of the session that `undo` restored last.
pub const BROUGHT_BACK: &str = "refs/patchq/undo/brought-back";

/// An open store.
pub struct Store {
    repo: git2::Repository,
    dir: PathBuf,
}

impl Store {
    /// Makes an empty store at `dir` (which must be empty or not exist): refs as files, SHA-1, no template, no hooks,
    /// and the settings that libgit2, the checkout and a partial clone need, whatever the user's settings are.
    ///
    /// # Errors
    /// [`GitError`] when the folder cannot be made.
    pub fn create(dir: &Path) -> Result<Store, GitError> {
        disable_libgit2_owner_check();
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).external_template(false).mkpath(true).initial_head("patchq");
        let repo = git2::Repository::init_opts(dir, &options).map_err(GitError::lib("cannot make a store"))?;
        let store = Store { repo, dir: dir.to_owned() };
        store.configure()?;
        Ok(store)
    }

    /// Returns the size of all packs in bytes, for the log: a fetch adds its objects as a pack.
    pub(super) fn pack_bytes(&self) -> u64 {
        let entries = std::fs::read_dir(self.dir.join("objects/pack")).into_iter().flatten().flatten();
        let packs = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack"));
        packs.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
    }

    /// Opens the store at `dir`; `None` when there is none. The caller has checked that it belongs to the user, or that
    /// the user's git accepts it ([`super::is_foreign`]).
    ///
    /// # Errors
    /// [`GitError`] when it exists but cannot be read.
    pub fn open(dir: &Path) -> Result<Option<Store>, GitError> {
        if !dir.join("HEAD").exists() {
            return Ok(None);
        }
        disable_libgit2_owner_check();
        let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::BARE;
        let none: [&std::ffi::OsStr; 0] = [];
        let repo = git2::Repository::open_ext(dir, flags, none).map_err(GitError::lib("cannot open the store"))?;
        Ok(Some(Store { repo, dir: dir.to_owned() }))
    }

    fn configure(&self) -> Result<(), GitError> {
        let failed = || GitError::lib("cannot configure the store");
        let mut config = self.repo.config().map_err(failed())?;
        // With `bare = false` and no `core.worktree`, git uses the folder of the `.git` file as the working tree.
        for (key, value) in
            [("core.bare", false), ("core.autocrlf", false), ("core.splitIndex", false), ("index.sparse", false)]
        {
            config.set_bool(key, value).map_err(failed())?;
        }
        for (key, value) in [
            ("notes.rewriteRef", "refs/notes/patchq"),
            ("notes.rewriteMode", "concatenate"),
            // A linked worktree's store borrows objects that are no longer reachable here.
            ("gc.pruneExpire", "never"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "blob:none"),
        ] {
            config.set_str(key, value).map_err(failed())?;
        }
        Ok(())
    }

    /// Returns the store's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns libgit2's handle, for this room and the engine.
    pub(crate) fn repo(&self) -> &git2::Repository {
        &self.repo
    }

    /// Checks whether an object is in the store.
    #[must_use]
    pub fn has(&self, id: Id) -> bool {
        self.repo.odb().is_ok_and(|odb| odb.exists(id.into()))
    }

    /// Returns `tree` or `blob` if the object is in the store and is one: a tag may point at any object.
    #[must_use]
    pub fn tree_or_blob(&self, id: Id) -> Option<&'static str> {
        let kind = self.repo.odb().and_then(|odb| odb.read_header(id.into())).map(|(_, kind)| kind);
        match kind {
            Ok(git2::ObjectType::Tree) => Some("tree"),
            Ok(git2::ObjectType::Blob) => Some("blob"),
            _ => None,
        }
    }

    /// Checks whether some commits are in the store without their parents.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.repo.is_shallow()
    }

    /// Returns which of `ids` the store lacks, in order and without repetition. The list of packs is read again first,
    /// because git may have written some.
    ///
    /// # Errors
    /// [`GitError`] when the store's object database cannot be opened.
    pub fn lacking(&self, ids: impl IntoIterator<Item = Id>) -> Result<Vec<Id>, GitError> {
        let failed = || GitError::lib("cannot look into the store");
        let odb = self.repo.odb().map_err(failed())?;
        odb.refresh().map_err(failed())?;
        let here = |id: Id| odb.exists_ext(id.into(), git2::OdbLookupFlags::NO_REFRESH);
        let missing: BTreeSet<_> = ids.into_iter().filter(|id| !here(*id)).collect();
        Ok(missing.into_iter().collect())
    }

    /// Returns the id that a ref points at; `None` when there is no such ref.
    ///
    /// # Errors
    /// [`GitError`] when the ref exists but cannot be read.
    pub fn read_ref(&self, name: &str) -> Result<Option<Id>, GitError> {
        match self.repo.refname_to_id(name) {
            Ok(id) => Ok(Some(id.into())),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(GitError::lib(format!("cannot read {name}"))(error)),
        }
    }

    /// Moves a ref from `old` to `new` (`None`: it does not exist), with `why` in its reflog.
    ///
    /// # Errors
    /// [`GitError::RefMoved`] when the ref is not at `old`.
    pub fn move_ref(&self, name: &str, old: Option<Id>, new: Option<Id>, why: &str) -> Result<(), GitError> {
        let found = self.read_ref(name)?;
        if found == new {
            return Ok(());
        }
        if found != old {
            return Err(GitError::RefMoved { name: name.to_owned(), expected: old, found });
        }
        let failed = || GitError::lib(format!("cannot move {name}"));
        match (old, new) {
            (None, Some(new)) => self.repo.reference(name, new.into(), false, why).map(drop).map_err(failed()),
            (Some(old), Some(new)) => {
                self.repo.reference_matching(name, new.into(), true, old.into(), why).map(drop).map_err(failed())
            }
            (_, None) => self.repo.find_reference(name).and_then(|mut found| found.delete()).map_err(failed()),
        }
    }

    /// Returns the refs whose full name begins with `prefix`, with their ids, sorted by name.
    ///
    /// # Errors
    /// [`GitError`] when a ref cannot be read.
    pub fn refs_below(&self, prefix: &str) -> Result<Vec<(String, Id)>, GitError> {
        let failed = || GitError::lib(format!("cannot read the refs below {prefix}"));
        let mut found = Vec::new();
        for reference in self.repo.references_glob(&format!("{prefix}*")).map_err(failed())? {
            let reference = reference.map_err(failed())?;
            if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
                found.push((name.to_owned(), id.into()));
            }
        }
        found.sort();
        Ok(found)
    }
}
