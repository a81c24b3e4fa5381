//! A repository's history as data, and the code that builds the repository.

use std::path::Path;

use crate::git::{FileChange, GitError, Id, Made, Mode, RepoBuilder};
use crate::path::{BadPath, RepoPath};

/// One commit.
#[derive(Debug)]
pub(super) struct Step {
    /// The branch of the commit.
    pub(super) branch: &'static str,
    /// The branch at whose tip a new branch begins.
    pub(super) from: Option<&'static str>,
    /// The time, in seconds since 1970.
    pub(super) seconds: i64,
    /// The subject.
    pub(super) subject: &'static str,
    /// The changes.
    pub(super) edits: &'static [Edit],
    /// Its release tag.
    pub(super) tag: Option<Tag>,
}

/// The change of one path in a commit.
#[derive(Debug)]
pub(super) enum Edit {
    /// A file with this content.
    Put(&'static str, &'static str),
    /// An executable file with this content.
    PutExecutable(&'static str, &'static str),
    /// A symlink with this target.
    Link(&'static str, &'static str),
    /// Replaces every occurrence of a text in an existing file.
    Replace(&'static str, &'static str, &'static str),
}

/// A tag on a commit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tag {
    /// An annotated tag.
    Annotated(&'static str),
    /// A lightweight tag.
    Light(&'static str),
}

/// The releases of a built upstream, with their commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Releases(Vec<(&'static str, Id)>);

impl Releases {
    /// Returns the commit of a release.
    #[must_use]
    pub fn commit(&self, tag: &str) -> Option<Id> {
        self.0.iter().find(|(name, _)| *name == tag).map(|(_, id)| *id)
    }
}

/// Why an upstream could not be built.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The repository could not be written.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A path of the demo's data is not valid.
    #[error(transparent)]
    Path(#[from] BadPath),
    /// A replacement of the demo's data finds nothing.
    #[error("the demo's material is at odds with itself: '{path}' has no '{text}'")]
    Nothing {
        /// The file.
        path: &'static str,
        /// What it should contain.
        text: &'static str,
    },
}

const NAME: &str = "Upstream Developers";
const EMAIL: &str = "developers@upstream.example";

/// Builds a bare repository in `dir` from `steps`.
pub(super) fn build(dir: &Path, head: &str, steps: &[Step]) -> Result<Releases, DemoError> {
    let builder = RepoBuilder::create(dir, head)?;
    let mut tips: Vec<(&str, Id)> = Vec::new();
    let mut releases = Vec::new();
    for step in steps {
        let tip_of = |branch: &str| tips.iter().rfind(|(name, _)| *name == branch).map(|(_, id)| *id);
        let start = step.from.and_then(tip_of);
        if let Some(start) = start {
            builder.branch(step.branch, start)?;
        }
        let before = start.or_else(|| tip_of(step.branch));
        let written = step.edits.iter().map(|edit| written(&builder, before, edit)).collect::<Result<Vec<_>, _>>()?;
        let changes: Vec<FileChange<'_>> =
            written.iter().map(|(path, content, mode)| FileChange { path, content: Some((content, *mode)) }).collect();
        let made = Made { name: NAME, email: EMAIL, seconds: step.seconds, offset: 0 };
        let id = builder.commit(step.branch, made, &format!("{}\n", step.subject), &changes)?;
        tips.push((step.branch, id));
        match step.tag {
            None => continue,
            Some(Tag::Light(name)) => {
                builder.tag(name, id, None)?;
                releases.push((name, id));
            }
            Some(Tag::Annotated(name)) => {
                builder.tag(name, id, Some((made, &format!("{name}\n"))))?;
                releases.push((name, id));
            }
        }
    }
    Ok(Releases(releases))
}

/// Returns the content at the path of `edit` after it.
fn written(builder: &RepoBuilder, before: Option<Id>, edit: &Edit) -> Result<(RepoPath, Vec<u8>, Mode), DemoError> {
    let (path, content, mode) = match *edit {
        Edit::Put(path, text) => (path, text.to_owned(), Mode::File),
        Edit::PutExecutable(path, text) => (path, text.to_owned(), Mode::Executable),
        Edit::Link(path, target) => (path, target.to_owned(), Mode::Symlink),
        Edit::Replace(path, from, to) => {
            let there = before.map(|commit| builder.read(commit, &RepoPath::new(path)?).map_err(DemoError::from));
            let there = there.transpose()?.flatten().unwrap_or_default();
            let text = String::from_utf8_lossy(&there);
            if !text.contains(from) {
                return Err(DemoError::Nothing { path, text: from });
            }
            (path, text.replace(from, to), Mode::File)
        }
    };
    Ok((RepoPath::new(path)?, content.into_bytes(), mode))
}
