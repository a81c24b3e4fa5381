//! Finds and reads a workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::disk::{self, FileError};
use super::layout::{self, Enclosing, FindError, Found, Layout, MANIFEST};
use crate::git::{self, GitError, GitProgram, ProgramError};
use crate::workspace::manifest::{Manifest, ManifestErrors, Upstream};

/// A workspace with its manifest.
#[derive(Debug)]
pub struct Workspace {
    /// The paths of its files.
    pub layout: Layout,
    /// The parsed manifest.
    pub manifest: Manifest,
    /// The manifest's bytes.
    pub text: Vec<u8>,
    /// The checkout in which the search began, if any.
    pub checkout: Option<String>,
    /// Where the search began, relative to the root.
    pub inside: PathBuf,
}

/// Why no workspace could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is none.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The manifest cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The manifest has errors.
    #[error("the manifest has mistakes")]
    Manifest(#[source] ManifestErrors),
    /// The enclosing repository cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The git program was needed and failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// A name that the workspace's own repository already uses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{MANIFEST}:{line}: the upstream '{name}' cannot be checked out: '{name}' is tracked in the workspace's repository"
)]
pub struct TrackedName {
    /// The line of the entry.
    pub line: usize,
    /// The name.
    pub name: String,
}

/// A name of no upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no upstream '{name}' in {MANIFEST}{}", .nearest.as_ref().map(|near| format!("; did you mean '{near}'?")).unwrap_or_default())]
pub struct UnknownUpstream {
    /// The given name, printable.
    pub name: String,
    /// The nearest existing name.
    pub nearest: Option<String>,
}

/// Returns the layout of the workspace at `root`.
///
/// # Errors
/// [`GitError`] when the repository around it cannot be read.
pub(in crate::workspace) fn layout_of(root: &Path) -> Result<Layout, GitError> {
    let enclosing = git::enclosing(root)?.map(|found| Enclosing {
        common_dir: found.common_dir,
        work_tree: found.workdir,
        worktree_id: found.worktree_id,
    });
    Ok(Layout::new(root, enclosing.as_ref()))
}

impl Workspace {
    /// Finds the workspace of the folder `start` (absolute), and reads its manifest. Stores of other users are opened
    /// only if [`Layout::accept_foreign_stores`] allows it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(start: &Path) -> Result<Workspace, OpenError> {
        let Found { root, inside, checkout } = layout::find(start)?;
        let layout = layout_of(&root)?;
        let text = disk::read_at_most(&layout.manifest(), disk::LIST)?.unwrap_or_default();
        let manifest = Manifest::parse(&text, Path::new(MANIFEST)).map_err(OpenError::Manifest)?;
        Ok(Workspace { layout, manifest, text, checkout, inside })
    }

    /// Returns what the enclosing repository tracks at the workspace's top level; nothing when there is no repository.
    ///
    /// # Errors
    /// [`OpenError::Git`], [`OpenError::Program`].
    pub fn tracked_names(&self, git: &GitProgram) -> Result<BTreeSet<Vec<u8>>, OpenError> {
        match git::enclosing(self.layout.root())? {
            Some(enclosing) => Ok(enclosing.tracked(self.layout.root(), git)?.top_level()),
            None => Ok(BTreeSet::new()),
        }
    }

    /// Returns the first entry whose name is in `tracked`: its checkout would replace committed files.
    #[must_use]
    pub fn tracked_name(&self, tracked: &BTreeSet<Vec<u8>>) -> Option<TrackedName> {
        let taken = |upstream: &&Upstream| tracked.contains(upstream.name.as_str().as_bytes());
        let upstream = self.manifest.upstreams.iter().find(taken)?;
        Some(TrackedName { line: upstream.line, name: upstream.name.to_string() })
    }

    /// Returns the entry called `name`.
    ///
    /// # Errors
    /// [`UnknownUpstream`], with the nearest name.
    pub fn upstream(&self, name: &str) -> Result<&Upstream, UnknownUpstream> {
        self.manifest.upstream(name).ok_or_else(|| {
            let nearest = self.manifest.nearest(name).map(|near| near.name.to_string());
            UnknownUpstream { name: crate::path::printable(name.as_bytes()), nearest }
        })
    }
}
