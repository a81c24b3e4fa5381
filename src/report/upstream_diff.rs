//! The data of upstream's changes.

use serde::Serialize;

use super::{Bytes, PatchReport};
use crate::git::Id;
use crate::patch::print_diffs;
use crate::path::RepoPath;
use crate::stack::{FilePair, Outcome};
use crate::workspace::{
    ChangeKind, Files, LineCounts, RestChange, ReviewChange, Target, TouchedChange, Touching, UpstreamDiff,
};

/// One upstream.
#[derive(Debug, Clone, Serialize)]
pub struct UpstreamDiffReport {
    /// Its name.
    pub name: String,
    /// Its pin.
    pub pin: Id,
    /// The pin's version.
    pub version: Option<String>,
    /// The commit that the pin was compared with.
    pub target: TargetReport,
    /// How many commits are between, if known.
    pub commits: Option<usize>,
    /// How many files the queue touches, changed or not.
    pub queue_files: usize,
    /// Those of them that upstream changed.
    pub touched: Vec<TouchedReport>,
    /// Other changed files that match the manifest's `review`.
    pub review: Vec<ReviewReport>,
    /// How many other files changed.
    pub rest: RestReport,
    /// The outcome of each patch.
    pub patches: Vec<PatchReport>,
    /// Upstream's diff of the touched files and those to review, if it was requested.
    pub diff: Option<Bytes>,
}

/// The commit that a pin is compared with.
#[derive(Debug, Clone, Serialize)]
pub struct TargetReport {
    /// The commit.
    pub pin: Id,
    /// Its version.
    pub version: String,
    /// The branch or tag by which it was found.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// Whether it is the pin.
    pub same: bool,
    /// The notes about it.
    pub notes: Vec<String>,
}

/// Lines of a file that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LinesChanged {
    /// Lines added.
    pub added: usize,
    /// Lines removed.
    pub removed: usize,
}

/// A file that upstream changed and the queue touches.
#[derive(Debug, Clone, Serialize)]
pub struct TouchedReport {
    /// Its path; its old path if it was deleted.
    pub path: Bytes,
    /// Its old path, if upstream moved it.
    pub old_path: Option<Bytes>,
    /// The similarity in percent, if upstream moved it.
    pub similarity: Option<u8>,
    /// `added`, `modified`, `deleted`, `renamed`, `type`.
    pub change: ChangeKind,
    /// What upstream changed in it; `None` for a binary.
    pub upstream: Option<LinesChanged>,
    /// What the queue changes in it; `None` for a binary.
    pub queue: Option<LinesChanged>,
    /// The patches that touch it, in order.
    pub patches: Vec<TouchingReport>,
}

/// The change of a patch to a file.
#[derive(Debug, Clone, Serialize)]
pub struct TouchingReport {
    /// The patch file's name.
    pub file: String,
    /// What it changes in the file; `None` for a binary.
    pub lines: Option<LinesChanged>,
    /// The outcome of the file in it.
    pub outcome: Outcome,
}

/// A changed file that matches `review`.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewReport {
    /// Its path; its old path if it was deleted.
    pub path: Bytes,
    /// Its old path, if upstream moved it.
    pub old_path: Option<Bytes>,
    /// `added`, `modified`, `deleted`, `renamed`, `type`.
    pub change: ChangeKind,
    /// What upstream changed in it; `None` for a binary, and if it was not requested.
    pub upstream: Option<LinesChanged>,
    /// Whether it is in the manifest's `sparse`.
    pub in_sparse: bool,
}

/// Files that are neither touched nor to review.
#[derive(Debug, Clone, Serialize)]
pub struct RestReport {
    /// How many changed.
    pub files: usize,
    /// How many of them are in the manifest's `sparse`; `None` without that key.
    pub in_sparse: Option<usize>,
    /// How many changed directly in each folder, by path.
    pub folders: Vec<FolderReport>,
}

/// A folder.
#[derive(Debug, Clone, Serialize)]
pub struct FolderReport {
    /// Its path; `None` is the top.
    pub path: Option<Bytes>,
    /// How many files directly in it changed.
    pub files: usize,
}

impl UpstreamDiffReport {
    /// Makes the report of the upstream `name`, whose files are `files`; with upstream's diff itself if `with_diff`.
    #[must_use]
    pub fn new(name: &str, version: Option<String>, files: &Files, diff: &UpstreamDiff, with_diff: bool) -> Self {
        let subjects = files.patches.iter().map(|patch| patch.queued.patch.header.subject.as_slice());
        let patches = diff.patches.iter().zip(subjects).map(|(patch, subject)| PatchReport::new(patch, subject));
        UpstreamDiffReport {
            name: name.to_owned(),
            pin: files.pin,
            version,
            target: TargetReport::new(&diff.target),
            commits: diff.commits,
            queue_files: diff.queue_files,
            touched: diff.touched.iter().map(TouchedReport::new).collect(),
            review: diff.review.iter().map(ReviewReport::new).collect(),
            rest: RestReport::new(&diff.rest),
            patches: patches.collect(),
            diff: with_diff.then(|| Bytes::from(diff_text(diff))),
        }
    }
}

/// Returns upstream's diff of the touched files and then of those to review, as `git diff` prints it: a binary is only
/// named.
#[must_use]
pub fn diff_text(diff: &UpstreamDiff) -> Vec<u8> {
    let touched = diff.touched.iter().flat_map(|file| &file.diffs);
    let review = diff.review.iter().flat_map(|file| file.diffs.iter().flatten());
    let mut files: Vec<_> = touched.chain(review).cloned().collect();
    for file in &mut files {
        file.forget_binary();
    }
    print_diffs(&files)
}

impl TargetReport {
    fn new(target: &Target) -> TargetReport {
        TargetReport {
            pin: target.pin,
            version: target.version.clone(),
            ref_name: target.ref_name.clone(),
            same: target.same,
            notes: target.notes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<LineCounts> for LinesChanged {
    fn from(LineCounts { added, removed }: LineCounts) -> LinesChanged {
        LinesChanged { added, removed }
    }
}

/// Returns the path of a file, its old path if that differs, and the name of the change.
fn named(pair: &FilePair) -> (Bytes, Option<Bytes>, ChangeKind) {
    let bytes = |side: &Option<(RepoPath, _)>| side.as_ref().map(|(path, _)| Bytes::from(path.as_bytes()));
    let kind = ChangeKind::of(pair);
    let (old, new) = (bytes(&pair.old), bytes(&pair.new));
    match (old, new) {
        (old, Some(new)) => (new, old.filter(|_| kind == ChangeKind::Renamed), kind),
        (old, None) => (old.unwrap_or_default(), None, kind),
    }
}

impl TouchedReport {
    /// Makes the report of a touched file.
    #[must_use]
    pub fn new(file: &TouchedChange) -> TouchedReport {
        let (path, old_path, change) = named(&file.pair);
        TouchedReport {
            path,
            similarity: old_path.is_some().then_some(file.pair.percent),
            old_path,
            change,
            upstream: LineCounts::of(&file.diffs).map(LinesChanged::from),
            queue: file.queue_lines().map(LinesChanged::from),
            patches: file.patches.iter().map(TouchingReport::new).collect(),
        }
    }
}

impl TouchingReport {
    fn new(touching: &Touching) -> TouchingReport {
        TouchingReport {
            file: touching.patch.clone(),
            lines: touching.lines.map(LinesChanged::from),
            outcome: touching.outcome,
        }
    }
}

impl ReviewReport {
    /// Makes the report of a file to review.
    #[must_use]
    pub fn new(file: &ReviewChange) -> ReviewReport {
        let (path, old_path, change) = named(&file.pair);
        let upstream = file.diffs.as_ref().and_then(LineCounts::of).map(LinesChanged::from);
        ReviewReport { path, old_path, change, upstream, in_sparse: file.in_sparse }
    }
}

impl RestReport {
    fn new(rest: &RestChange) -> RestReport {
        let folder = |(path, files): (&Option<RepoPath>, &usize)| FolderReport {
            path: path.as_ref().map(|path| Bytes::from(path.as_bytes())),
            files: *files,
        };
        RestReport { files: rest.files, in_sparse: rest.in_sparse, folders: rest.folders.iter().map(folder).collect() }
    }
}
