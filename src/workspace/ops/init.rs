//! Makes a workspace.

use std::fs;
use std::path::{Path, PathBuf};

use crate::git::GitError;
use crate::path::{RepoPath, printable};
use crate::workspace::files::disk::{self, FileError};
use crate::workspace::files::layout::{self, FindError, Layout, MANIFEST, Scope};
use crate::workspace::files::lock::{Lock, LockError, Mode};
use crate::workspace::files::open::layout_of;
use crate::workspace::manifest::{Manifest, ManifestErrors};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::file_changes::{of_ignores, to_hold};
use crate::workspace::step::journal::Journal;
use crate::workspace::step::publish::{PublishError, Step, publish};
use crate::workspace::step::run::take_workspace_step_back;
use crate::workspace::upstream::store::PATIENCE;

/// The content of a new manifest: an example in comments.
const EXAMPLE: &[u8] = include_bytes!("init/upstreams.toml");

/// A workspace that was made or already existed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialised {
    /// Its folder.
    pub root: PathBuf,
    /// Whether it was a workspace before.
    pub existed: bool,
    /// The created files.
    pub created: Vec<String>,
    /// The files with added lines.
    pub extended: Vec<String>,
    /// Whether it is in a git repository.
    pub in_git: bool,
}

/// Why no workspace was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The folder belongs to an upstream.
    #[error("{} is inside the checkout of '{checkout}' in the workspace {}", disk::shown(.dir), disk::shown(.root))]
    Checkout {
        /// The folder.
        dir: PathBuf,
        /// The checkout's name.
        checkout: String,
        /// The workspace's folder.
        root: PathBuf,
    },
    /// A folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The existing manifest has errors.
    #[error("the manifest has mistakes")]
    Manifest(#[source] ManifestErrors),
    /// The enclosing repository cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Another patchq is running here.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journalled step failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Makes `dir` (absolute; created if needed) a workspace: the manifest, and the lines that `.gitignore` and
/// `.gitattributes` need. Existing content stays, lines are only added; doing it again changes nothing.
///
/// # Errors
/// [`InitError`].
pub fn init(dir: &Path, ctx: &StepContext<'_>) -> Result<Initialised, InitError> {
    fs::create_dir_all(dir).map_err(FileError::io("make the folder", dir))?;
    let root = dir.canonicalize().map_err(FileError::io("find", dir))?;
    refuse_checkout(&root)?;
    let layout = layout_of(&root)?;
    let had_private = layout.private().exists();
    let lock = layout.lock(Scope::Workspace);
    let _lock = Lock::acquire(&lock, Mode::Exclusive, "the workspace", ctx.command, PATIENCE, &mut |holder| {
        (ctx.on_wait)(holder);
    })?;
    let watch = |point| ctx.passed(point);
    if let Some(pending) = Journal::pending(&layout, Scope::Workspace)? {
        // A step that cannot be finished is made again, with the files as they are now.
        if pending.roll_forward(&layout, &mut || Ok(()), &watch).is_err() {
            take_workspace_step_back(&layout)?;
        }
    }
    let made = make(&layout, ctx.command, &watch);
    if layout.private_in_root() && !had_private {
        // If this folder becomes a git repository later, the stores are made there, so nothing may stay here.
        fs::remove_dir_all(layout.private()).map_err(FileError::io("remove", layout.private()))?;
    }
    made
}

fn make(
    layout: &Layout,
    command: &str,
    watch: &dyn Fn(crate::workspace::step::journal::KillPoint),
) -> Result<Initialised, InitError> {
    let old = disk::read_at_most(&layout.manifest(), disk::LIST)?;
    let manifest = match &old {
        Some(text) => Manifest::parse(text, Path::new(MANIFEST)).map_err(InitError::Manifest)?,
        None => Manifest { upstreams: Vec::new(), warnings: Vec::new() },
    };
    let mut changes = of_ignores(layout, manifest.upstreams.iter().map(|upstream| &upstream.name))?;
    // This comes last, because it makes the folder a workspace.
    if let (None, Ok(path)) = (&old, RepoPath::new(MANIFEST)) {
        changes.extend(to_hold(layout, path, EXAMPLE.to_vec())?);
    }
    let named = |new: bool| {
        let some = changes.iter().filter(|change| change.old.is_none() == new);
        some.map(|change| printable(change.path.as_bytes())).collect()
    };
    let made = Initialised {
        root: layout.root().to_owned(),
        existed: old.is_some(),
        created: named(true),
        extended: named(false),
        in_git: !layout.private_in_root(),
    };
    if !changes.is_empty() {
        let step = Step { kind: command.to_owned(), changes, git: None };
        publish(layout, Scope::Workspace, &step, &mut || Ok(()), watch)?;
    }
    Ok(made)
}

fn refuse_checkout(root: &Path) -> Result<(), InitError> {
    match layout::find(root) {
        Ok(found) => match found.checkout {
            Some(checkout) => Err(InitError::Checkout { dir: root.to_owned(), checkout, root: found.root }),
            None => Ok(()),
        },
        Err(FindError::None(_)) => Ok(()),
        Err(FindError::File(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_an_empty_manifest_and_a_true_one_without_its_comments() {
        let empty = Manifest::parse(EXAMPLE, Path::new(MANIFEST));
        assert_eq!(empty, Ok(Manifest { upstreams: Vec::new(), warnings: Vec::new() }));
        let text = String::from_utf8_lossy(EXAMPLE);
        let entry: String = text
            .lines()
            .skip_while(|line| !line.starts_with("# ["))
            .map(|line| format!("{}\n", line.trim_start_matches('#').trim_start()))
            .collect();
        let manifest = Manifest::parse(entry.as_bytes(), Path::new(MANIFEST));
        let names: Option<Vec<String>> =
            manifest.ok().map(|manifest| manifest.upstreams.iter().map(|upstream| upstream.name.to_string()).collect());
        assert_eq!(names, Some(vec!["kubeflow".to_owned()]));
    }
}
