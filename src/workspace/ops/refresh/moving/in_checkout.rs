//! Hands a conflict of a moving queue over to the checkout, and turns the result into decisions of the session.

use std::collections::{BTreeMap, BTreeSet};

use super::{Moving, RefreshError, keep_target};
use crate::git::{Entry, Mode, Objects};
use crate::path::RepoPath;
use crate::stack::{
    Conflict, ConflictKind, Decided, DecisionReason, Hunk, IN_THE_CHECKOUT, Join, Labels, NewFile, Rebased, Resolution,
    Sides, TextMerge,
};
use crate::workspace::conflict::hand_over::{
    self, ConflictPath, HandOver, HandOverError, HandedOver, KeptWork, PutBack, ReadBack, TakenWork, Unmerged,
    missing_blobs, put_back,
};
use crate::workspace::conflict::session::{About, ByHand, Session, SessionDecision, change};
use crate::workspace::files::queue_files::Files;
use crate::workspace::step::context::StepContext;
use crate::workspace::upstream::store::UpstreamStore;

impl Moving<'_> {
    /// Hands the open conflicts of the patch with this `number` over to the checkout and stores the session, in one
    /// step. Missing objects are fetched.
    ///
    /// # Errors
    /// [`RefreshError`]; nothing has changed then. [`HandOverError::First`] when an earlier patch waits.
    pub fn hand_over(
        &mut self,
        rebased: &Rebased,
        number: usize,
        labels: &Labels<'_>,
        ctx: &StepContext<'_>,
    ) -> Result<HandedOver, RefreshError> {
        let order = self.order(rebased, number, labels)?;
        let upstream = self.fetcher.upstream;
        let missing = missing_blobs(upstream, &mut self.objects, &order)?;
        self.fetcher.blobs(&upstream.store, &missing).map_err(RefreshError::of)?;
        let mut decisions = self.decisions.clone();
        decisions.keep(rebased);
        let session = self.session(decisions);
        keep_target(upstream, &session.to)?;
        let bytes = session.bytes(upstream);
        let change = change(upstream, self.on_disk.as_deref(), Some(bytes.clone()))?;
        let done = hand_over::hand_over(upstream, &mut self.objects, &order, change.into_iter().collect(), ctx)?;
        (self.on_disk, self.decisions) = (Some(bytes), session.decisions);
        Ok(done)
    }

    fn order(&mut self, rebased: &Rebased, number: usize, labels: &Labels<'_>) -> Result<HandOver, RefreshError> {
        let (patch, before) = (&rebased.patches[number], &rebased.patches[..number]);
        if let Some(first) = before.iter().find(|patch| patch.waits()) {
            return Err(HandOverError::First(first.name.clone()).into());
        }
        let waiting: Vec<&Conflict> = patch.files.iter().filter_map(|file| file.conflict.as_ref()).collect();
        let homeless = |conflict: &&&Conflict| matches!(conflict.kind, ConflictKind::Place | ConflictKind::Collision);
        let homeless: Vec<RepoPath> = waiting.iter().filter(homeless).map(|conflict| conflict.path.clone()).collect();
        if !homeless.is_empty() {
            return Err(HandOverError::Homeless(homeless).into());
        }
        let below = rebased.stack.items.iter().rev().find(|item| before.iter().any(|patch| patch.name == item.name));
        let head = below.map_or(rebased.stack.base.commit, |item| item.commit);
        let merged = self.objects.diff(patch.before, patch.after)?.into_iter().map(|change| (change.path, change.new));
        let mut merged: BTreeMap<RepoPath, Option<Entry>> = merged.collect();
        for file in patch.files.iter().filter(|file| file.conflict.is_some()) {
            // If the patch renames the file, it is no longer at its old path.
            if let Some(from) = &file.from
                && self.objects.entry(patch.after, from)?.is_some_and(|entry| entry.mode != Mode::Folder)
            {
                merged.insert(from.clone(), None);
            }
        }
        let own = |conflict: &Conflict| {
            let file = patch.files.iter().find(|file| file.place() == &conflict.path);
            file.map_or((conflict.path.clone(), false), |file| (file.path.clone(), file.from.is_some()))
        };
        let unmerged = |conflict: &&Conflict| Unmerged {
            path: conflict.path.clone(),
            own: own(conflict).0,
            renamed: own(conflict).1,
            base: conflict.sides.base,
            upstream: conflict.sides.upstream,
            patch: conflict.sides.patch,
            work: conflict.text.as_ref().map(|text| text.with_markers(labels)),
            mode: conflict.sides.merged_mode(),
        };
        Ok(HandOver {
            patch: patch.name.clone(),
            pin: self.target.pin,
            head,
            picked: patch.old,
            message: self.objects.commit(patch.old)?.message,
            merged: merged.into_iter().collect(),
            conflicts: waiting.iter().map(unmerged).collect(),
        })
    }
}

/// A conflict that was taken back from the checkout.
#[derive(Debug, Clone)]
pub struct CollectedConflict {
    /// The resulting decisions; those about lines with the hunk, and the path in the patch.
    pub decided: Vec<(SessionDecision, Option<(Hunk, RepoPath)>)>,
    /// The work in the checkout that was recorded for `undo`.
    pub kept: KeptWork,
}

/// Takes the result of the conflict in the checkout of `upstream` into its session, with changes of other paths, and
/// restores the checkout, in one step. If `back` is `None`, nothing is taken: the work since is recorded for `undo`.
///
/// # Errors
/// [`RefreshError`]; nothing has changed then.
pub fn collect_conflict(
    upstream: &UpstreamStore<'_>,
    objects: &mut Objects<'_>,
    back: Option<&ReadBack>,
    ctx: &StepContext<'_>,
) -> Result<CollectedConflict, RefreshError> {
    let Some(back) = back else {
        let kept = put_back(upstream, objects, PutBack::default(), ctx)?;
        return Ok(CollectedConflict { decided: Vec::new(), kept });
    };
    let (mut session, bytes) =
        Session::read(&upstream.workspace.layout, upstream.name())?.ok_or(RefreshError::NoSession)?;
    let handed = hand_over::HandedConflict::read(upstream)?.ok_or(HandOverError::Nothing)?;
    let because = || DecisionReason::Ours(IN_THE_CHECKOUT.to_owned());
    let mut decided = Vec::new();
    let files = Files::read(&upstream.workspace.layout, upstream.name()).map_err(RefreshError::of)?;
    let changes = handed.changed(&files);
    if !changes.is_empty() {
        return Err(HandOverError::AnotherQuestion { patch: handed.patch, changes }.into());
    }
    let asked = handed.asked()?;
    for question in &asked {
        let ConflictPath { path, sides, .. } = question;
        let now = back.paths.iter().find(|(other, _)| other == path).and_then(|(_, entry)| *entry);
        if let Some(take) = side_of(question, now) {
            let about = About::Path(Decided::Whole { path: path.clone(), sides: *sides, take });
            decided.push((SessionDecision::by_hand(&handed.patch, about, because()), None));
            continue;
        }
        let made = read_made(objects, now)?;
        let text = if question.is_text { text_of(objects, *sides)? } else { None };
        let hunks: Vec<&Hunk> = text.iter().flat_map(TextMerge::hunks).collect();
        let (patch, sides, reason) = (handed.patch.as_str(), *sides, IN_THE_CHECKOUT);
        let decisions = ByHand { patch, path, sides, text: text.as_ref(), reason }.decisions(made);
        let at = |hunk: &Hunk| Some((hunk.clone(), question.own.clone()));
        let hunks = hunks.into_iter().map(at).chain(std::iter::repeat(None));
        decided.extend(decisions.into_iter().zip(hunks));
    }
    for (path, now) in back.paths.iter().chain(&back.others) {
        let over = handed.given_entry(objects, path)?;
        if over != *now && !asked.iter().any(|question| question.path == *path) {
            let own = handed.own_change(objects, path)?;
            let join = Join { path: path.clone(), own, over, made: read_made(objects, *now)? };
            decided
                .push((SessionDecision::by_hand(&handed.patch, About::Path(Decided::Joined(join)), because()), None));
        }
    }
    // A hunk that was decided before keeps its decision.
    let known = |one: &SessionDecision| session.decisions.0.iter().any(|old| old.is_same(one));
    decided.retain(|(one, _)| !known(one));
    let order = session.decisions.last() + 1;
    for (decision, _) in &mut decided {
        decision.order = order;
        session.decisions.put(decision.clone());
    }
    let paths: BTreeSet<RepoPath> = back.paths.iter().chain(&back.others).map(|(path, _)| path.clone()).collect();
    let taken = back.work.map(|work| TakenWork { paths, work });
    let changes = change(upstream, Some(&bytes), Some(session.bytes(upstream)))?.into_iter().collect();
    let kept = put_back(upstream, objects, PutBack { changes, taken, ..PutBack::default() }, ctx)?;
    Ok(CollectedConflict { decided, kept })
}

/// Returns the side whose version a path without lines has now, if it is one of them. A file that the patch renames is
/// no longer at its old path, on either side.
fn side_of(question: &ConflictPath, now: Option<Entry>) -> Option<Resolution> {
    let is = |side: Option<Entry>| !question.is_text && now.is_some() && now == side;
    let upstream = is(question.sides.upstream) && !question.renamed;
    if is(question.sides.patch) { Some(Resolution::Patch) } else { upstream.then_some(Resolution::Upstream) }
}

fn read_made(objects: &mut Objects<'_>, entry: Option<Entry>) -> Result<NewFile, RefreshError> {
    let Some(Entry { mode, id }) = entry else { return Ok(None) };
    if !mode.has_blob() {
        return Err(HandOverError::NoFile(mode).into());
    }
    let content = objects.blob(id)?.ok_or(crate::git::GitError::Missing { kind: "blob", id })?;
    Ok(Some((mode, content.to_vec().into())))
}

/// Compares the lines of the three sides; `None`: a side is not in the store.
fn text_of(objects: &mut Objects<'_>, sides: Sides) -> Result<Option<TextMerge>, RefreshError> {
    let content = |side: Option<Entry>| match side {
        Some(entry) => objects.blob(entry.id),
        None => Ok(Some(Default::default())),
    };
    let (base, upstream, patch) = (content(sides.base)?, content(sides.upstream)?, content(sides.patch)?);
    let (Some(base), Some(upstream), Some(patch)) = (base, upstream, patch) else { return Ok(None) };
    Ok(Some(TextMerge::of(&base, &upstream, &patch)?))
}
