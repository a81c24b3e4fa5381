//! What upstream changed since the pin, as far as it matters here: the files that the queue touches, then those that its
//! maintainers want to review, then the rest as numbers; and what would become of the queue.
//!
//! Names first: trees say which files changed. Contents are fetched of the files that the queue touches (the merge wants
//! most of them anyway), and of files for review only where they are to be shown. All of that comes in one request.

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

/// What is to be told.
#[derive(Debug, Clone, Default)]
pub struct UpstreamDiffOptions {
    /// What to compare the pin with.
    pub target: TargetRequest,
    /// The contents of the files for review too, and not their names alone.
    pub contents: bool,
}

/// What upstream changed.
#[derive(Debug, Clone)]
pub struct UpstreamDiff {
    /// What the pin was compared with.
    pub target: Target,
    /// How many commits lie between, where the history of commits is at hand.
    pub commits: Option<usize>,
    /// How many files the queue touches, changed or not.
    pub queue_files: usize,
    /// Those of them that upstream changed, by path.
    pub touched: Vec<TouchedChange>,
    /// What else matches the manifest's `review`: first what `sparse` has, then what it leaves out, each by path.
    pub review: Vec<ReviewChange>,
    /// Everything else.
    pub rest: RestChange,
    /// What would become of each patch; empty where the target is the pin.
    pub patches: Vec<PatchOutcome>,
}

/// A file that upstream changed and the queue touches.
#[derive(Debug, Clone)]
pub struct TouchedChange {
    /// What it was and is.
    pub pair: FilePair,
    /// What upstream changed in it (more than one where its type changed).
    pub diffs: Vec<FileDiff>,
    /// The patches that touch it, in order.
    pub patches: Vec<Touching>,
}

/// What a patch does to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touching {
    /// The patch file's name.
    pub patch: String,
    /// Lines that it adds and removes; `None` for a binary.
    pub lines: Option<LineCounts>,
    /// What would become of the file in this patch.
    pub outcome: Outcome,
}

/// A file that upstream changed and its maintainers want to review.
#[derive(Debug, Clone)]
pub struct ReviewChange {
    /// What it was and is.
    pub pair: FilePair,
    /// What upstream changed in it, if that was wished for.
    pub diffs: Option<Vec<FileDiff>>,
    /// Whether the manifest's `sparse` has it.
    pub in_sparse: bool,
}

/// Changed files that nobody named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestChange {
    /// How many there are.
    pub files: usize,
    /// How many of them the manifest's `sparse` has; `None` where it has no such key and everything is there.
    pub in_sparse: Option<usize>,
    /// How many there are in each folder; `None` is the top.
    pub folders: BTreeMap<Option<RepoPath>, usize>,
}

/// Lines added and removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
}

/// Why it cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamDiffError {
    /// There is nothing to compare with.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The queue does not apply, or something is missing and did not come.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl LineCounts {
    /// The lines of some diffs together; `None` where one of them is a binary's.
    #[must_use]
    pub fn of<'d>(diffs: impl IntoIterator<Item = &'d FileDiff>) -> Option<LineCounts> {
        diffs.into_iter().try_fold(LineCounts::default(), |sum, diff| {
            let added = sum.added + diff.changed_lines(Side::New)?;
            Some(LineCounts { added, removed: sum.removed + diff.changed_lines(Side::Old)? })
        })
    }
}

impl UpstreamDiff {
    /// Checks whether upstream changed a file that the queue touches or that is to be reviewed.
    #[must_use]
    pub fn matters(&self) -> bool {
        !self.touched.is_empty() || !self.review.is_empty()
    }
}

impl TouchedChange {
    /// The lines of all patches together; `None` where one of them has the file as a binary.
    #[must_use]
    pub fn queue_lines(&self) -> Option<LineCounts> {
        self.patches.iter().try_fold(LineCounts::default(), |sum, touching| {
            let lines = touching.lines?;
            Some(LineCounts { added: sum.added + lines.added, removed: sum.removed + lines.removed })
        })
    }
}

/// Compares the pin of `files` with what `options` names, in memory: nothing is locked or written but fetched objects.
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

/// Every path that a patch changes; the source of a copy is none of them.
fn touched_paths(files: &Files) -> BTreeSet<RepoPath> {
    let diffs = files.patches.iter().flat_map(|patch| &patch.queued.patch.files);
    diffs.flat_map(changed_paths).cloned().collect()
}

fn changed_paths(diff: &FileDiff) -> impl Iterator<Item = &RepoPath> {
    let old = (!matches!(diff.change, Change::Copy(_))).then_some(&diff.old_path);
    std::iter::once(&diff.new_path).chain(old)
}

/// What is known before any content is.
struct Known {
    changes: Vec<TreeChange>,
    touched: BTreeSet<RepoPath>,
    review: GlobSet,
    sparse: SparseSet,
}

/// The changed files by what they are to the maintainers.
struct Sorted {
    touched: Vec<FilePair>,
    review: Vec<(FilePair, bool)>,
    rest: RestChange,
}

/// The diffs of the touched files and, if they were wished for, of the files for review.
type Diffs = (Vec<Vec<FileDiff>>, Option<Vec<Vec<FileDiff>>>);

/// All that needs contents, so that what is missing of them comes out together.
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

/// The patches that touch a file, under either of its paths.
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
        // A file that a patch makes and unmakes in one go has no outcome of its own.
        let worst = files.map(|file| file.outcome).max().unwrap_or(Outcome::Unchanged);
        let lines = LineCounts::of(diffs);
        found.push(Touching { patch: outcome.name.clone(), lines, outcome: worst });
    }
    found
}
