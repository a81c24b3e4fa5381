//! Compares the pin with a newer commit of upstream: the files that the queue touches, then those that the maintainers
//! want to review, then the rest as numbers; and the outcome of each patch.
//!
//! Trees show which files changed. Contents are fetched for files that the queue touches (the merge needs most of them
//! anyway), and for files to review only if they are shown. All of that needs one request.

mod changes;

use std::collections::{BTreeMap, BTreeSet};

use globset::GlobSet;

use super::apply::stack_of;
use super::error::QueueError;
use crate::git::checkout::SparseSet;
use crate::git::{Entry, GitError, Id, Objects, Store, TreeChange};
use crate::patch::{Change, FileDiff, Side};
use crate::path::RepoPath;
use crate::stack::{self, Base, FileOutcome, FilePair, Lazy, Outcome, PatchOutcome, Rebased, Stack};
use crate::workspace::files::queue_files::Files;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::target::{Target, TargetError, TargetRequest, find_target};

pub use changes::ChangeKind;
use changes::{pairs, path, paths};

/// The options of the comparison.
#[derive(Debug, Clone, Default)]
pub struct UpstreamDiffOptions {
    /// The commit to compare the pin with.
    pub target: TargetRequest,
    /// Whether contents of files to review are needed, not only their names.
    pub contents: bool,
}

/// What upstream changed.
#[derive(Debug, Clone)]
pub struct UpstreamDiff {
    /// The commit that the pin was compared with.
    pub target: Target,
    /// How many commits are between, if the history of commits is available.
    pub commits: Option<usize>,
    /// How many files the queue touches, changed or not.
    pub queue_files: usize,
    /// Those of them that upstream changed, by path.
    pub touched: Vec<TouchedChange>,
    /// Other files that match the manifest's `review`: first those in `sparse`, then the others, each by path.
    pub review: Vec<ReviewChange>,
    /// Everything else.
    pub rest: RestChange,
    /// The outcome of each patch; empty if the target is the pin.
    pub patches: Vec<PatchOutcome>,
}

/// A file that upstream changed and the queue touches.
#[derive(Debug, Clone)]
pub struct TouchedChange {
    /// Its old and new version.
    pub pair: FilePair,
    /// What upstream changed in it (several if its type changed).
    pub diffs: Vec<FileDiff>,
    /// The patches that touch it, in order.
    pub patches: Vec<Touching>,
}

/// The change of a patch to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touching {
    /// The patch file's name.
    pub patch: String,
    /// Lines that it adds and removes; `None` for a binary.
    pub lines: Option<LineCounts>,
    /// The outcome of the file in this patch.
    pub outcome: Outcome,
}

/// A file that upstream changed and that matches `review`.
#[derive(Debug, Clone)]
pub struct ReviewChange {
    /// Its old and new version.
    pub pair: FilePair,
    /// What upstream changed in it, if contents were requested.
    pub diffs: Option<Vec<FileDiff>>,
    /// Whether it is in the manifest's `sparse`.
    pub in_sparse: bool,
}

/// Changed files that are neither touched nor to review.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestChange {
    /// How many there are.
    pub files: usize,
    /// How many of them are in the manifest's `sparse`; `None` without that key.
    pub in_sparse: Option<usize>,
    /// How many there are in each folder; `None` is the top.
    pub folders: BTreeMap<Option<RepoPath>, usize>,
}

/// Lines added and removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Added lines.
    pub added: usize,
    /// Removed lines.
    pub removed: usize,
}

/// Why the comparison failed.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamDiffError {
    /// There is nothing to compare with.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The queue does not apply, or objects are missing.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl LineCounts {
    /// Adds the lines of some diffs; `None` if one of them is binary.
    #[must_use]
    pub fn of<'d>(diffs: impl IntoIterator<Item = &'d FileDiff>) -> Option<LineCounts> {
        diffs.into_iter().try_fold(LineCounts::default(), |sum, diff| {
            let added = sum.added + diff.changed_lines(Side::New)?;
            Some(LineCounts { added, removed: sum.removed + diff.changed_lines(Side::Old)? })
        })
    }
}

impl UpstreamDiff {
    /// Checks whether upstream changed a file that the queue touches or that matches `review`.
    #[must_use]
    pub fn matters(&self) -> bool {
        !self.touched.is_empty() || !self.review.is_empty()
    }
}

impl TouchedChange {
    /// Returns the lines of all patches together; `None` if the file is binary in one of them.
    #[must_use]
    pub fn queue_lines(&self) -> Option<LineCounts> {
        self.patches.iter().try_fold(LineCounts::default(), |sum, touching| {
            let lines = touching.lines?;
            Some(LineCounts { added: sum.added + lines.added, removed: sum.removed + lines.removed })
        })
    }
}

/// Compares the pin of `files` with the target of `options`, in memory: nothing is locked, and only fetched objects are
/// written.
///
/// # Errors
/// [`UpstreamDiffError`].
pub fn diff_upstream(
    fetcher: &Fetcher<'_>,
    files: &Files,
    options: &UpstreamDiffOptions,
) -> Result<UpstreamDiff, UpstreamDiffError> {
    let upstream = fetcher.upstream;
    let target = find_target(fetcher, files, &options.target)?;
    let touched = touched_paths(files);
    let mut diff = UpstreamDiff {
        target,
        commits: None,
        queue_files: touched.len(),
        touched: Vec::new(),
        review: Vec::new(),
        rest: RestChange::default(),
        patches: Vec::new(),
    };
    if diff.target.same {
        return Ok(diff);
    }
    let mut objects = Objects::new(&upstream.store).map_err(QueueError::from)?;
    let applied = stack_of(fetcher, &mut objects, files, false)?;
    if let Some((n, failure)) = applied.failure {
        let patch = files.patches[n].queued.name.clone();
        return Err(QueueError::Apply { patch, failure: Box::new(failure), applied: n }.into());
    }
    let stack = applied.stack;
    let onto = Base::read(&mut objects, diff.target.pin).map_err(QueueError::from)?;
    let changes = objects.diff(stack.base.tree, onto.tree).map_err(QueueError::from)?;
    let known = Known {
        changes,
        touched,
        review: upstream.entry.review_set(),
        sparse: upstream.sparse(stack.base.tree, &[]).map_err(QueueError::from)?,
    };
    let found = fetcher.run(&mut objects, |objects| look(objects, &stack, onto, &known, options.contents));
    let (rebased, sorted, diffs) = found.map_err(QueueError::from)?;
    diff.commits = commits(upstream, files, &diff.target).map_err(QueueError::from)?;
    sorted.told(diffs, &rebased, files, &mut diff);
    diff.patches = rebased.patches;
    Ok(diff)
}

/// Returns how many commits came since the pin, if the history of commits was fetched before.
fn commits(upstream: &UpstreamStore<'_>, files: &Files, target: &Target) -> Result<Option<usize>, GitError> {
    match Store::open(&upstream.history())? {
        Some(history) => history.commits_between(files.pin, target.pin),
        None => Ok(None),
    }
}

/// Returns every path that a patch changes; the source of a copy is not changed.
fn touched_paths(files: &Files) -> BTreeSet<RepoPath> {
    let diffs = files.patches.iter().flat_map(|patch| &patch.queued.patch.files);
    diffs.flat_map(changed_paths).cloned().collect()
}

fn changed_paths(diff: &FileDiff) -> impl Iterator<Item = &RepoPath> {
    let old = (!matches!(diff.change, Change::Copy(_))).then_some(&diff.old_path);
    std::iter::once(&diff.new_path).chain(old)
}

/// What is known without contents.
struct Known {
    changes: Vec<TreeChange>,
    touched: BTreeSet<RepoPath>,
    review: GlobSet,
    sparse: SparseSet,
}

/// The changed files by their meaning for the maintainers.
struct Sorted {
    touched: Vec<FilePair>,
    review: Vec<(FilePair, bool)>,
    rest: RestChange,
}

/// The diffs of the touched files and, if requested, of the files to review.
type Diffs = (Vec<Vec<FileDiff>>, Option<Vec<Vec<FileDiff>>>);

/// Computes everything that needs contents, so that all missing ones are returned together.
fn look(
    objects: &mut Objects<'_>,
    stack: &Stack,
    onto: Base,
    known: &Known,
    contents: bool,
) -> Result<Lazy<(Rebased, Sorted, Diffs)>, GitError> {
    let rebased = stack::rebase(objects, stack, onto, &stack::NoResolver)?;
    let followed = match &rebased {
        Lazy::Done(rebased) => followed(rebased),
        Lazy::Need(_) => BTreeMap::new(),
    };
    let sorted = Sorted::new(known, &followed);
    let touched = stack::pair_diffs(objects, &sorted.touched)?;
    let review = if contents {
        let pairs: Vec<FilePair> = sorted.review.iter().map(|(pair, _)| pair.clone()).collect();
        Some(stack::pair_diffs(objects, &pairs)?)
    } else {
        None
    };
    let mut need = BTreeSet::new();
    let (rebased, touched) = (or_need(rebased, &mut need), or_need(touched, &mut need));
    let review = review.map(|review| or_need(review, &mut need));
    Ok(match (rebased, touched, review) {
        (Some(rebased), Some(touched), None) => Lazy::Done((rebased, sorted, (touched, None))),
        (Some(rebased), Some(touched), Some(Some(review))) => Lazy::Done((rebased, sorted, (touched, Some(review)))),
        _ => Lazy::Need(need),
    })
}

fn or_need<T>(lazy: Lazy<T>, need: &mut BTreeSet<Id>) -> Option<T> {
    match lazy {
        Lazy::Done(done) => Some(done),
        Lazy::Need(ids) => {
            need.extend(ids);
            None
        }
    }
}

/// Returns where upstream moved files that the queue touches, as far as the engine followed them.
fn followed(rebased: &Rebased) -> BTreeMap<RepoPath, (RepoPath, u8)> {
    let files = rebased.patches.iter().flat_map(|patch| &patch.files);
    files.filter_map(|file| Some((file.path.clone(), file.moved.clone()?))).collect()
}

impl Sorted {
    fn new(known: &Known, followed: &BTreeMap<RepoPath, (RepoPath, u8)>) -> Sorted {
        let mut sorted = Sorted { touched: Vec::new(), review: Vec::new(), rest: RestChange::default() };
        let mut rest_in_sparse = 0;
        for pair in pairs(&known.changes, followed) {
            let held = |(path, entry): &(RepoPath, Entry)| known.sparse.contains_entry(path, entry.mode);
            let in_sparse = pair.old.iter().chain(&pair.new).any(held);
            if paths(&pair).any(|path| known.touched.contains(path)) {
                sorted.touched.push(pair);
            } else if paths(&pair).any(|path| known.review.is_match(path.below("".as_ref()))) {
                sorted.review.push((pair, in_sparse));
            } else {
                sorted.rest.files += 1;
                rest_in_sparse += usize::from(in_sparse);
                *sorted.rest.folders.entry(path(&pair).parent()).or_default() += 1;
            }
        }
        sorted.review.sort_by_key(|(_, in_sparse)| !in_sparse);
        sorted.rest.in_sparse = (!known.sparse.is_everything()).then_some(rest_in_sparse);
        sorted
    }

    fn told(self, diffs: Diffs, rebased: &Rebased, files: &Files, diff: &mut UpstreamDiff) {
        let touched = self.touched.into_iter().zip(diffs.0);
        diff.touched = touched
            .map(|(pair, diffs)| TouchedChange { patches: touching(&pair, rebased, files), pair, diffs })
            .collect();
        let mut contents = diffs.1.map(Vec::into_iter);
        let mut next = || contents.as_mut().map(|contents| contents.next().unwrap_or_default());
        let review = self.review.into_iter();
        diff.review = review.map(|(pair, in_sparse)| ReviewChange { pair, diffs: next(), in_sparse }).collect();
        diff.rest = self.rest;
    }
}

/// Returns the patches that touch a file, under either of its paths.
fn touching(pair: &FilePair, rebased: &Rebased, files: &Files) -> Vec<Touching> {
    let is_it = |path: &RepoPath| paths(pair).any(|one| one == path);
    let mut found = Vec::new();
    for (outcome, patch) in rebased.patches.iter().zip(&files.patches) {
        let diffs = patch.queued.patch.files.iter().filter(|diff| changed_paths(diff).any(is_it));
        let diffs: Vec<&FileDiff> = diffs.collect();
        if diffs.is_empty() {
            continue;
        }
        let stands = |file: &&FileOutcome| [Some(&file.path), file.from.as_ref()].into_iter().flatten().any(is_it);
        let files = outcome.files.iter().filter(stands);
        // A file that a patch adds and removes has no outcome.
        let worst = files.map(|file| file.outcome).max().unwrap_or(Outcome::Unchanged);
        let lines = LineCounts::of(diffs);
        found.push(Touching { patch: outcome.name.clone(), lines, outcome: worst });
    }
    found
}
