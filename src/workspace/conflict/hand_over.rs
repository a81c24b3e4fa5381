//! Hands a conflict over to the checkout, to be resolved there with any tool, and takes the result back.
//!
//! Both are journalled steps, like every change: the record is in the store, and the journal on disk, before a file is
//! touched; the next command finishes a killed one. While the ref [`HANDED_OVER`] exists, the commits of the checkout
//! are not a queue ([`crate::workspace::upstream::sides::Unreadable::HandedOver`]).

mod put_back;
mod read_back;

use std::collections::BTreeSet;

use bstr::BString;

pub(in crate::workspace) use crate::workspace::step::handed::ConflictPath;
pub use crate::workspace::step::handed::{HandedConflict, Unmerged};
use crate::workspace::step::handed::{branch_tip, sparse_with};
pub use put_back::{KeptWork, PutBack, TakenWork, put_back};
pub use read_back::{Away, ReadBack, read_back};

use crate::git::checkout::{
    self, Attachment, ChangeKind, CheckoutError, HeadState, Materialized, SparseSet, WorkChange,
};
use crate::git::{BASE, Edits, Entry, GitError, HANDED_OVER, Id, Mode, Objects};
use crate::path::RepoPath;
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::queue_files::{Files, FilesError};
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::{ConflictEffect, GitEffects, RefMove};
use crate::workspace::step::error::StepError;
use crate::workspace::step::publish::FileChange;
use crate::workspace::step::run::{begin, do_step};
use crate::workspace::upstream::sides::Unreadable;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::version::version_text;

/// A conflict for the checkout. Its objects are in the store or new in memory.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// The patch file's name.
    pub patch: String,
    /// The new pin.
    pub pin: Id,
    /// The commit of the new stack so far.
    pub head: Id,
    /// The patch's commit on the old pin; its parent is in the store too, so that git can show the change.
    pub picked: Id,
    /// The patch's whole message.
    pub message: BString,
    /// The patch's entries at the paths that merged; `None`: the path is removed.
    pub merged: Vec<(RepoPath, Option<Entry>)>,
    /// The paths that did not merge.
    pub conflicts: Vec<Unmerged>,
}

/// The result of a hand-over.
#[derive(Debug, Clone)]
pub struct HandedOver {
    /// What happened to the files.
    pub checkout: Option<Materialized>,
    /// Paths that are in the checkout in addition to the manifest's `sparse`.
    pub extra: Vec<RepoPath>,
}

/// Why a conflict cannot be handed over, or taken back.
#[derive(Debug, thiserror::Error)]
pub enum HandOverError {
    /// There is no checkout of this upstream.
    #[error("there is no checkout")]
    NoCheckout,
    /// Uncommitted changes of tracked files.
    #[error("the checkout has uncommitted changes")]
    Dirty(Vec<WorkChange>),
    /// HEAD is not the stack's branch, or git waits for the user.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Another conflict is in the checkout; only one is allowed at a time.
    #[error("a conflict of {0} is in the checkout already")]
    Already(String),
    /// No checkout can hold these paths: a file on one side is a folder on the other.
    #[error("{} cannot be put into a checkout: a file on one side is a folder on the other", list(.0))]
    Unfit(Vec<RepoPath>),
    /// A file that no checkout of every system can hold, or that has no place.
    #[error("{} cannot be put into a checkout: another path is in its place, or has the same name in other letters", list(.0))]
    Homeless(Vec<RepoPath>),
    /// An earlier patch must be resolved first.
    #[error("{0} comes first, and waits for a decision")]
    First(String),
    /// What a path was replaced by is not a file.
    #[error("a path that was in conflict is a {} now, which a decision cannot store", if *.0 == Mode::Gitlink { "submodule" } else { "folder" })]
    NoFile(Mode),
    /// A file changed while the result was read.
    #[error("the checkout was changed while its conflict was taken ({0})")]
    ChangedMeanwhile(String),
    /// The queue has changed since the conflict was handed over.
    #[error(
        "the queue changed since the conflict of {patch} was put into the checkout, so that what was made there answers another question"
    )]
    AnotherQuestion {
        /// The patch file's name.
        patch: String,
        /// The changes.
        changes: Vec<QueueChange>,
    },
    /// There is no conflict in the checkout.
    #[error("no conflict is in the checkout")]
    Nothing,
    /// Git waits for the user with an operation that does not belong to the conflict.
    #[error("a git {0} is in progress in the checkout")]
    Operation(&'static str),
    /// The pin or the patch files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The store, checkout, lock or journal failed.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<GitError> for HandOverError {
    fn from(error: GitError) -> HandOverError {
        HandOverError::Step(error.into())
    }
}

impl From<CheckoutError> for HandOverError {
    fn from(error: CheckoutError) -> HandOverError {
        HandOverError::Step(error.into())
    }
}

fn list(paths: &[RepoPath]) -> String {
    paths.iter().map(|path| format!("'{path}'")).collect::<Vec<_>>().join(", ")
}

/// The trees of a hand-over: stage 0 of the index, and the working tree.
struct Trees {
    index: Id,
    work: Id,
}

impl HandOver {
    fn trees(&self, objects: &mut Objects<'_>) -> Result<Trees, HandOverError> {
        let head = objects.commit(self.head)?.tree;
        let mut edits: Edits = self.merged.iter().cloned().collect();
        edits.extend(self.conflicts.iter().map(|at| (at.path.clone(), None)));
        let index = self.edited(objects, head, &edits)?;
        for at in &self.conflicts {
            let entry = match &at.work {
                Some(marked) => Some(objects.put_file(at.mode, marked.text.to_vec())),
                None => at.upstream.or(at.patch),
            };
            edits.insert(at.path.clone(), entry);
        }
        let work = self.edited(objects, head, &edits)?;
        Ok(Trees { index, work })
    }

    fn edited(&self, objects: &mut Objects<'_>, tree: Id, edits: &Edits) -> Result<Id, HandOverError> {
        objects.edit(tree, edits).map_err(|error| match error {
            GitError::InTheWay(path) => {
                // A conflict at the path itself, or below it: a file is where a folder must be.
                let hit = self.conflicts.iter().map(|at| &at.path);
                let hit: Vec<RepoPath> = hit.filter(|at| at.is_within(&path) || path.is_within(at)).cloned().collect();
                let all = || self.conflicts.iter().map(|at| at.path.clone()).collect();
                HandOverError::Unfit(if hit.is_empty() { all() } else { hit })
            }
            other => other.into(),
        })
    }

    /// Returns the paths that belong to the patch.
    fn own(&self) -> impl Iterator<Item = &RepoPath> {
        self.merged.iter().map(|(path, _)| path).chain(self.conflicts.iter().map(|at| &at.path))
    }

    fn sparse(&self, upstream: &UpstreamStore<'_>, objects: &mut Objects<'_>, work: Id) -> Result<SparseSet, GitError> {
        let own: Vec<RepoPath> = self.own().cloned().collect();
        sparse_with(upstream, objects, (self.pin, work), own)
    }
}

/// Returns the blobs that must be in the store before [`hand_over`] and are missing: those of the checkout on the new
/// stack, and those of all three sides, which git shows. New objects needed for this are written to the store.
///
/// # Errors
/// [`HandOverError::Unfit`], [`HandOverError::Step`].
pub fn missing_blobs(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    order: &HandOver,
) -> Result<BTreeSet<Id>, HandOverError> {
    let trees = order.trees(objects)?;
    objects.flush(&[trees.work, trees.index, order.head])?;
    let sparse = order.sparse(upstream, objects, trees.work)?;
    let mut wanted = checkout::wanted_blobs(&upstream.store, trees.work, &sparse)?;
    let sides = order.conflicts.iter().flat_map(|at| [at.base, at.upstream, at.patch]).flatten();
    let sides = sides.chain(order.merged.iter().filter_map(|(_, entry)| *entry));
    wanted.extend(sides.filter(|entry| entry.mode.has_blob()).map(|entry| entry.id).filter(|id| !objects.has(*id)));
    Ok(wanted)
}

/// Hands a conflict over to the checkout, together with `changes` of the workspace's files, in one step. The caller
/// holds no lock, and has fetched [`missing_blobs`]. Untracked files stay unless one is in the way, which is refused
/// ([`crate::workspace::step::effects::EffectError::Obstacles`]).
///
/// # Errors
/// [`HandOverError`]; nothing has changed then.
pub fn hand_over(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    order: &HandOver,
    changes: Vec<FileChange>,
    ctx: &StepContext<'_>,
) -> Result<HandedOver, HandOverError> {
    let _lock = begin(upstream, ctx)?;
    if let Some(handed) = HandedConflict::read(upstream)? {
        return Err(HandOverError::Already(handed.patch));
    }
    if checkout::attachment(&upstream.store, &upstream.checkout())? != Attachment::Ours {
        return Err(HandOverError::NoCheckout);
    }
    if let Some(operation) = checkout::operation(&upstream.store) {
        return Err(Unreadable::Operation(operation).into());
    }
    let old = match checkout::head(&upstream.store)? {
        HeadState::OnQueue(Some(id)) => id,
        HeadState::OnQueue(None) => return Err(HandOverError::NoCheckout),
        HeadState::OnBranch { name, .. } => return Err(Unreadable::OtherBranch(name).into()),
        HeadState::Detached(id) => return Err(Unreadable::Detached(id).into()),
    };
    let mut dirty = checkout::status(&upstream.store, &upstream.checkout())?;
    dirty.retain(|change| !is_untracked(change));
    if !dirty.is_empty() {
        return Err(HandOverError::Dirty(dirty));
    }
    let trees = order.trees(objects)?;
    let files = Files::read(&upstream.workspace.layout, upstream.name())?;
    let record = HandedConflict {
        patch: order.patch.clone(),
        pin: order.pin,
        old_pin: upstream.store.read_ref(BASE)?.unwrap_or(old),
        head: order.head,
        at: order.head,
        picked: Some(order.picked),
        from: order.picked,
        files: files.digest(),
        message: order.message.to_vec(),
        given: trees.work,
        work: trees.work,
        index: trees.index,
        merged: order.merged.iter().map(|(path, _)| path.as_bytes().to_vec()).collect(),
        conflicts: Vec::new(),
        unmerged: Vec::new(),
        version: version_text(upstream, &files),
    }
    .with_conflicts(&order.conflicts);
    let record_at = record.make(objects, old)?;
    objects.flush(&[record_at])?;
    let mut side = GitEffects { hand: Some(ConflictEffect::Over(record_at)), ..GitEffects::default() };
    side.refs.extend(RefMove::to(upstream, HANDED_OVER, Some(record_at))?);
    let checkout = do_step(upstream, objects, changes, &side, ctx)?;
    let extra = record.sparse(upstream, objects)?.extra().to_vec();
    Ok(HandedOver { checkout, extra })
}

/// Checks whether the path is untracked: such files are not part of the conflict.
fn is_untracked(change: &WorkChange) -> bool {
    matches!(change.kind, ChangeKind::Untracked | ChangeKind::Repository)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::git::{Entry, Store};

    #[test]
    fn only_the_conflict_that_does_not_fit_is_blamed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&dir.path().join("s.git")).unwrap();
        let mut objects = Objects::new(&store).unwrap();
        let path = |text: &str| RepoPath::new(text).unwrap();
        let file = objects.put_file(Mode::File, b"x".to_vec());
        let tree = objects.edit(Id::EMPTY_TREE, &Edits::from([(path("lib/a/x"), Some(file))])).unwrap();
        let at = |at: &str| Unmerged {
            path: path(at),
            own: path(at),
            renamed: false,
            base: None,
            upstream: None,
            patch: Some(Entry { mode: Mode::File, id: file.id }),
            work: None,
            mode: Mode::File,
        };
        let order = HandOver {
            patch: "0001-x.patch".to_owned(),
            pin: Id::EMPTY_TREE,
            head: Id::EMPTY_TREE,
            picked: Id::EMPTY_TREE,
            message: BString::default(),
            merged: Vec::new(),
            conflicts: vec![at("lib/a"), at("other/a")],
        };
        let edits = Edits::from([(path("lib/a"), Some(file)), (path("other/a"), Some(file))]);
        match order.edited(&mut objects, tree, &edits) {
            Err(HandOverError::Unfit(paths)) => assert_eq!(paths, [path("lib/a")]),
            other => panic!("{other:?}"),
        }
    }
}
