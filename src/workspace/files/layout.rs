//! Finds a workspace, and knows the paths of all its files.
//!
//! Patchq's own folder is `patchq/` in the git folder of the repository that contains the workspace, so that `git
//! clean` cannot remove it; without a repository it is `.patchq/` in the workspace. Its content:
//!
//! ```text
//! NAME.git  NAME.history.git  NAME.lock  _fetch-NAME.lock  _workspace.lock  _order  _order.lock  _stores.lock
//! journal/NAME/  journal/_workspace/  scratch/
//! aside/KEY.N/          journals of steps that could not be used; nothing reads them
//! resolutions/KEY/      remembered decisions that are not shared; resolutions/_forgotten/KEY/ forgotten ones
//! at/SLUG-DIGEST/…      all of the above for a workspace that is a subfolder of its repository: two of them never collide
//! [at/…/]wt/ID/…        the first line for a linked worktree; NAME.git there borrows the objects of the NAME.git above wt/
//! ```
//!
//! No name of an upstream begins with `_`, so files of an upstream never collide with files of the workspace.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::disk::{self, FileError};
use crate::git;
use crate::path::RepoPath;
use crate::workspace::manifest::Name;

/// The manifest's file name.
pub const MANIFEST: &str = "upstreams.toml";

/// The paths of all files of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
    private: PathBuf,
    shared: PathBuf,
    /// Stores of other users that may still be opened.
    accepted: BTreeSet<PathBuf>,
}

/// The git repository that contains a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosing {
    /// Its git folder, the common one of all worktrees (absolute).
    pub common_dir: PathBuf,
    /// The top of the working tree that contains the workspace (absolute).
    pub work_tree: PathBuf,
    /// Git's id of that working tree, if it is a linked one.
    pub worktree_id: Option<String>,
}

/// A workspace that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The folder with the manifest.
    pub root: PathBuf,
    /// Where the search began, relative to `root`; empty at the root itself.
    pub inside: PathBuf,
    /// The name of the checkout that the search began in, if it did.
    pub checkout: Option<String>,
}

/// The owner of a lock or a journalled step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// One upstream.
    Upstream(&'a Name),
    /// The workspace's own files (manifest, ignore files).
    Workspace,
}

/// Why no workspace was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No folder upwards contains a manifest.
    #[error("no {MANIFEST} in {} or any folder above it", disk::shown(.0))]
    None(PathBuf),
    /// A folder on the way cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Scope<'_> {
    /// Returns the part of file names for it.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Scope::Upstream(name) => name.as_str(),
            Scope::Workspace => "_workspace",
        }
    }
}

impl Layout {
    /// Returns the layout of the workspace at `root` (absolute), inside the git repository `enclosing`, if any.
    #[must_use]
    pub fn new(root: &Path, enclosing: Option<&Enclosing>) -> Layout {
        let shared = match enclosing {
            None => root.join(".patchq"),
            Some(git) => {
                let own = git.common_dir.join("patchq");
                match root.strip_prefix(&git.work_tree) {
                    Ok(below) if below != Path::new("") => own.join("at").join(subfolder_key(below)),
                    _ => own,
                }
            }
        };
        let private = match enclosing.and_then(|git| git.worktree_id.as_ref()) {
            Some(id) => shared.join("wt").join(id),
            None => shared.clone(),
        };
        Layout { root: root.to_owned(), private, shared, accepted: BTreeSet::new() }
    }

    /// Accepts the stores of other users for which `accepts` returns true; it is called for these alone. The others are
    /// not opened.
    pub fn accept_foreign_stores(&mut self, accepts: impl Fn(&Path) -> bool) {
        for folder in [&self.private, &self.shared] {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
            let stores = entries.filter(|path| path.extension().is_some_and(|extension| extension == "git"));
            let foreign = stores.filter(|store| git::is_foreign(store).unwrap_or(false));
            self.accepted.extend(foreign.filter(|store| accepts(store)));
        }
    }

    /// Checks whether the store at `dir` belongs to another user and was not accepted.
    pub(in crate::workspace) fn refuses_store(&self, dir: &Path) -> bool {
        !self.accepted.contains(dir) && git::is_foreign(dir).unwrap_or(false)
    }

    /// Returns the folder with the manifest.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns patchq's own folder for this working tree of the workspace.
    #[must_use]
    pub fn private(&self) -> &Path {
        &self.private
    }

    /// Returns `.patchq/` if that is patchq's own folder, so that `.gitignore` must name it.
    #[must_use]
    pub fn private_in_root(&self) -> bool {
        self.shared == self.root.join(".patchq")
    }

    /// Returns a `.patchq/` from before the workspace became a git repository. It is not used any more, because a
    /// repository can contain a `.patchq/` from a stranger; its owner has to move it to [`Layout::private`].
    #[must_use]
    pub fn left_behind(&self) -> Option<PathBuf> {
        let old = self.root.join(".patchq");
        (!self.private_in_root() && old.is_dir()).then_some(old)
    }

    /// `upstreams.toml`
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join(MANIFEST)
    }

    /// `patches/NAME`
    #[must_use]
    pub fn patches(&self, name: &Name) -> PathBuf {
        self.root.join("patches").join(name.as_str())
    }

    /// `commits/NAME.txt`
    #[must_use]
    pub fn pin(&self, name: &Name) -> PathBuf {
        self.root.join("commits").join(format!("{name}.txt"))
    }

    /// `commits/NAME.version.txt`
    #[must_use]
    pub fn version(&self, name: &Name) -> PathBuf {
        self.root.join("commits").join(format!("{name}.version.txt"))
    }

    /// `sessions/NAME.toml`
    #[must_use]
    pub fn session(&self, name: &Name) -> PathBuf {
        self.root.join("sessions").join(format!("{name}.toml"))
    }

    /// `resolutions/KEY`, the shared decisions.
    #[must_use]
    pub fn resolutions(&self, key: &Name) -> PathBuf {
        self.root.join("resolutions").join(key.as_str())
    }

    /// `resolutions/KEY` in the private folder of all working trees: the decisions of this clone.
    #[must_use]
    pub fn own_resolutions(&self, key: &Name) -> PathBuf {
        self.shared.join("resolutions").join(key.as_str())
    }

    /// Returns where forgotten decisions of both kinds are kept.
    #[must_use]
    pub fn forgotten(&self, key: &Name) -> PathBuf {
        self.shared.join("resolutions").join("_forgotten").join(key.as_str())
    }

    /// Returns the private folder that all working trees of the workspace share.
    #[must_use]
    pub fn common(&self) -> &Path {
        &self.shared
    }

    /// The checkout, `NAME`.
    #[must_use]
    pub fn checkout(&self, name: &Name) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// The store, `NAME.git` in the private folder.
    #[must_use]
    pub fn store(&self, name: &Name) -> PathBuf {
        self.private.join(format!("{name}.git"))
    }

    /// The store of the upstream's commit history, `NAME.history.git`.
    #[must_use]
    pub fn history(&self, name: &Name) -> PathBuf {
        self.private.join(format!("{name}.history.git"))
    }

    /// Returns the objects that the store borrows, if this is a linked worktree.
    #[must_use]
    pub fn borrowed_objects(&self, name: &Name) -> Option<PathBuf> {
        (self.private != self.shared).then(|| self.shared.join(format!("{name}.git")).join("objects"))
    }

    /// `NAME.target` in the private folder: the target that this clone moves the queue to.
    #[must_use]
    pub fn target(&self, name: &Name) -> PathBuf {
        self.private.join(format!("{name}.target"))
    }

    /// Returns the lock file for writing to `scope`.
    #[must_use]
    pub fn lock(&self, scope: Scope<'_>) -> PathBuf {
        self.private.join(format!("{}.lock", scope.key()))
    }

    /// Returns the lock file for making a store.
    #[must_use]
    pub fn stores_lock(&self) -> PathBuf {
        self.private.join("_stores.lock")
    }

    /// Returns the lock file for fetching into a store of `name`.
    #[must_use]
    pub fn fetch_lock(&self, name: &Name) -> PathBuf {
        self.private.join(format!("_fetch-{name}.lock"))
    }

    /// Returns the folder of the journalled steps.
    #[must_use]
    pub fn journals(&self) -> PathBuf {
        self.private.join("journal")
    }

    /// Returns the folder of the journalled step of `scope`.
    #[must_use]
    pub fn journal(&self, scope: Scope<'_>) -> PathBuf {
        self.journals().join(scope.key())
    }

    /// Returns the file with the number of the workspace's last change that can be undone.
    #[must_use]
    pub fn order(&self) -> PathBuf {
        self.private.join("_order")
    }

    /// Returns the folder of journals that were set aside because they could not be used: the maintainer decides about
    /// them.
    #[must_use]
    pub fn set_aside(&self) -> PathBuf {
        self.private.join("aside")
    }

    /// Checks whether a journalled step of `scope` may change `path` (from the root): no other file belongs to patchq.
    #[must_use]
    pub fn is_changed_by(&self, scope: Scope<'_>, path: &RepoPath) -> bool {
        let path = path.as_bytes();
        if [MANIFEST, ".gitignore", ".gitattributes"].iter().any(|own| path == own.as_bytes()) {
            return true;
        }
        let Scope::Upstream(name) = scope else { return false };
        let own = [self.pin(name), self.version(name), self.session(name)];
        let patches = format!("patches/{name}/");
        own.iter().any(|file| self.shown(file).as_os_str().as_encoded_bytes() == path)
            || path.starts_with(patches.as_bytes())
    }

    /// Returns the folder of the wheels that go into images.
    #[must_use]
    pub fn wheels(&self) -> PathBuf {
        self.common().join("wheels")
    }

    /// Returns the folder for the records of built images.
    #[must_use]
    pub fn build_records(&self) -> PathBuf {
        self.common().join("images")
    }

    /// Returns the folder for the logs of builds.
    #[must_use]
    pub fn build_logs(&self) -> PathBuf {
        self.common().join("log")
    }

    /// Returns the file that is locked while images are built.
    #[must_use]
    pub fn images_lock(&self) -> PathBuf {
        self.common().join("_images.lock")
    }

    /// Returns the file with what builds may do on this machine: one digest per line.
    #[must_use]
    pub fn allowed(&self) -> PathBuf {
        self.common().join("allowed")
    }

    /// Returns the folder for temporary files of a command.
    #[must_use]
    pub fn scratch(&self) -> PathBuf {
        self.private.join("scratch")
    }

    /// Returns `path` for messages: relative to the workspace's root if it is below it.
    #[must_use]
    pub fn shown<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// Returns the part of a path for a workspace in the subfolder `below` of its repository: the folder's name for people,
/// and the digest of the whole path to make it unique.
fn subfolder_key(below: &Path) -> String {
    let name = below.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let slug: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(32).collect();
    let digest = Sha256::digest(below.as_os_str().as_encoded_bytes());
    format!("{slug}-{}", crate::hex::encode(&digest[..6]))
}

/// Finds the workspace of the folder `start` (absolute): the nearest folder upwards with a manifest.
///
/// A manifest inside a checkout is one of upstream's files: from a checkout the search continues above it.
///
/// # Errors
/// [`FindError`].
pub fn find(start: &Path) -> Result<Found, FindError> {
    let mut found: Option<PathBuf> = None;
    let mut checkout: Option<PathBuf> = None;
    for folder in start.ancestors() {
        if found.is_none() && disk::stat(&folder.join(MANIFEST))?.is_some_and(|meta| !meta.is_dir()) {
            found = Some(folder.to_owned());
        }
        match dot_git(folder)? {
            DotGit::Checkout => {
                found = None;
                checkout = Some(folder.to_owned());
            }
            // A folder above a repository cannot make the found folder a checkout.
            DotGit::Repository if found.is_some() => break,
            DotGit::Repository | DotGit::None => {}
        }
    }
    let root = found.ok_or_else(|| FindError::None(start.to_owned()))?;
    let inside = start.strip_prefix(&root).unwrap_or(Path::new("")).to_owned();
    let checkout = checkout
        .and_then(|folder| folder.strip_prefix(&root).ok().map(Path::to_owned))
        .filter(|below| below.components().count() == 1)
        .and_then(|below| below.to_str().map(str::to_owned));
    Ok(Found { root, inside, checkout })
}

/// What `.git` in a folder is.
enum DotGit {
    None,
    Checkout,
    Repository,
}

fn dot_git(folder: &Path) -> Result<DotGit, FileError> {
    let path = folder.join(".git");
    match disk::stat(&path)? {
        None => return Ok(DotGit::None),
        Some(meta) if !meta.is_file() => return Ok(DotGit::Repository),
        Some(_) => {}
    }
    let text = disk::read_at_most(&path, disk::ONE_LINE)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let target = text.trim_end().strip_prefix("gitdir: ").unwrap_or_default();
    let is_checkout = folder.file_name().is_some_and(|name| is_store(Path::new(target), &name.to_string_lossy()));
    Ok(if is_checkout { DotGit::Checkout } else { DotGit::Repository })
}

/// Checks whether `target` is the store of the checkout `name` in a layout: `patchq/[at/KEY/][wt/ID/]NAME.git`. The
/// last part decides, so that a linked worktree of a project that is called patchq is not taken as a checkout.
fn is_store(target: &Path, name: &str) -> bool {
    let parts: Vec<_> = target
        .components()
        .filter_map(|part| if let Component::Normal(part) = part { part.to_str() } else { None })
        .collect();
    let Some((last, mut above)) = parts.split_last() else { return false };
    for middle in ["wt", "at"] {
        if let [rest @ .., folder, _] = above
            && *folder == middle
        {
            above = rest;
        }
    }
    *last == format!("{name}.git") && matches!(above.last(), Some(&("patchq" | ".patchq")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "layout_tests.rs"]
mod tests;
