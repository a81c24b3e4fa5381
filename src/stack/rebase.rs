//! Moves a stack to another pin: determines the outcome of each patch and of each path it touches.
//!
//! For each path: if upstream did not change it, the patch's version is taken; if upstream already has it, nothing is
//! to be done; otherwise the two are merged; if upstream certainly renamed the file, the patch follows. Ids are
//! compared first, and contents are read only if all three differ. After a conflict the rest of the queue continues
//! with upstream's version of the path; patches that need that path are blocked.

use std::collections::{BTreeMap, BTreeSet};

use super::attributes::{Driver, merge_driver};
use super::conflict::{Candidate, Conflict, ConflictKind, Sides};
use super::evidence::{Evidence, evidence};
use super::merge::{Merged, merge};
use super::outcome::{FileOutcome, Outcome, PatchOutcome, Rebased};
use super::place::{Misplaced, misplaced};
use super::renames::{RenameTarget, Renames};
use super::resolve::{Resolved, Resolver, join, resolve};
use super::standing::standing;
use super::touched::{Touch, renamed};
use super::{Base, Item, Lazy, Missing, Stack};
use crate::git::{Commit, Edits, Entry, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// Moves `stack` to `onto`. If a clean merge leaves a patch without a change, and upstream does not have its exact
/// result, this is a conflict ([`ConflictKind::Emptied`]) unless `resolver` lets the patch go. `resolver` may decide
/// other conflicts too.
///
/// # Errors
/// [`GitError`] when an object other than a blob is missing, or one is damaged.
pub fn rebase(
    objects: &mut Objects<'_>,
    stack: &Stack,
    onto: Base,
    resolver: &dyn Resolver,
) -> Result<Lazy<Rebased>, GitError> {
    let mut missing = Missing::default();
    let renames = Renames::find(objects, stack, onto.tree, &mut missing)?;
    let mut run = Run { objects, renames, resolver, undecided: BTreeMap::new(), missing, tree: onto.tree };
    let mut rebased = Rebased { patches: Vec::new(), stack: Stack { base: onto, items: Vec::new() } };
    let mut parent = onto.commit;
    for item in &stack.items {
        let mut patch = run.patch(item)?;
        if !patch.waits() && !patch.is_dropped() {
            let like = run.objects.commit(item.commit)?;
            parent = run.objects.put_commit(&Commit { tree: run.tree, parents: vec![parent], ..like });
            patch.new = Some(parent);
            let name = item.name.clone();
            rebased.stack.items.push(Item { name, before: patch.before, after: patch.after, commit: parent });
        }
        rebased.patches.push(patch);
    }
    Ok(run.missing.or_done(rebased))
}

struct Run<'r, 's> {
    objects: &'r mut Objects<'s>,
    renames: Renames,
    resolver: &'r dyn Resolver,
    /// Paths in conflict, each with its patch.
    undecided: BTreeMap<RepoPath, String>,
    missing: Missing,
    /// The new stack's tree so far.
    tree: Id,
}

/// Returns the patch that is in conflict about `path`, about a folder above it, or about something below it.
fn undecided_about<'u>(undecided: &'u BTreeMap<RepoPath, String>, path: &RepoPath) -> Option<&'u String> {
    let mut above: Vec<RepoPath> = std::iter::successors(Some(path.clone()), RepoPath::parent).collect();
    above.reverse();
    let below = || {
        let (found, patch) = undecided.range(path.before_all_below()..).next()?;
        found.is_within(path).then_some(patch)
    };
    above.iter().find_map(|path| undecided.get(path)).or_else(below)
}

impl Run<'_, '_> {
    fn patch(&mut self, item: &Item) -> Result<PatchOutcome, GitError> {
        let (mut edits, mut files) = (Edits::new(), Vec::new());
        for touch in self.touches(item)? {
            let file = self.file(touch, &mut edits)?;
            files.push(file);
        }
        if let Some(why) = self.resolver.drop_reason(&item.name) {
            return Ok(self.left(item, files, why));
        }
        for file in &mut files {
            self.decide(&item.name, file, &mut edits)?;
        }
        let undecided = &self.undecided;
        let waits = |path: &RepoPath| undecided_about(undecided, path).is_some();
        join(self.objects, self.resolver, (item, self.tree), (&mut edits, &mut files), waits)?;
        self.place(&item.name, &mut edits, &mut files)?;
        let before = self.tree;
        let after = self.objects.edit(before, &edits)?;
        let mut outcome = files.iter().map(|file| file.outcome).max().unwrap_or(Outcome::Unchanged);
        if outcome == Outcome::Upstreamed && files.iter().any(|file| file.outcome != Outcome::Upstreamed) {
            outcome = Outcome::Merged;
        }
        // With a content missing the trees are incomplete.
        let empty = after == before && item.before != item.after && self.missing.is_empty();
        let emptied = empty && matches!(outcome, Outcome::Unchanged | Outcome::Merged | Outcome::Moved);
        let may_drop = emptied && self.resolver.may_drop(&item.name);
        if emptied {
            outcome = if may_drop { Outcome::Upstreamed } else { Outcome::Conflict };
        }
        for file in files.iter().filter(|file| matches!(file.outcome, Outcome::Conflict | Outcome::Blocked)) {
            for path in file.paths() {
                self.undecided.entry(path.clone()).or_insert_with(|| item.name.clone());
            }
        }
        self.tree = after;
        let (name, old, emptied) = (item.name.clone(), item.commit, emptied && !may_drop);
        let standing = match outcome {
            Outcome::Conflict => standing(self.objects, &files)?,
            _ => None,
        };
        Ok(PatchOutcome { name, old, new: None, outcome, emptied, standing, dropped: None, before, after, files })
    }

    /// Returns the outcome of a patch that a person removed from the queue: the one that it would have had, with
    /// nothing to decide.
    fn left(&mut self, item: &Item, mut files: Vec<FileOutcome>, why: String) -> PatchOutcome {
        let outcome = files.iter().map(|file| file.outcome).max().unwrap_or(Outcome::Unchanged);
        files.iter_mut().for_each(|file| file.conflict = None);
        let (name, old, tree) = (item.name.clone(), item.commit, self.tree);
        let dropped = Some(why);
        let (standing, emptied) = (None, false);
        PatchOutcome { name, old, new: None, outcome, emptied, standing, dropped, before: tree, after: tree, files }
    }

    /// Asks the resolver about the conflict of a file until it is settled or no answer is left.
    fn decide(&mut self, patch: &str, file: &mut FileOutcome, edits: &mut Edits) -> Result<(), GitError> {
        while let Some(conflict) = file.conflict.take() {
            match resolve(self.objects, self.resolver, patch, file, conflict) {
                Resolved::Open(conflict) => {
                    file.conflict = Some(conflict);
                    return Ok(());
                }
                Resolved::Keep => file.outcome = file.settled(),
                Resolved::Entry(entry) => self.settle(file, entry, edits)?,
                Resolved::Follow(to, percent) => self.follow(file, to, percent, edits)?,
            }
        }
        Ok(())
    }

    /// Adds the decision about a file to `edits`.
    fn settle(&mut self, file: &mut FileOutcome, entry: Option<Entry>, edits: &mut Edits) -> Result<(), GitError> {
        file.outcome = file.settled();
        let place = file.place().clone();
        if entry != self.objects.entry(self.tree, &place)? {
            edits.insert(place, entry);
        }
        // The file goes where the patch moves it, or is removed, and is no longer at its old path.
        if let Some(from) = file.from.clone()
            && self.objects.entry(self.tree, &from)?.is_some_and(|entry| entry.mode != Mode::Folder)
        {
            edits.insert(from, None);
        }
        Ok(())
    }

    /// Applies the change of a file to the path that a person names as its new place upstream. Later patches follow
    /// too.
    fn follow(&mut self, file: &mut FileOutcome, to: RepoPath, percent: u8, edits: &mut Edits) -> Result<(), GitError> {
        self.renames.insert(file.path.clone(), to.clone(), percent);
        file.sides.upstream = self.objects.entry(self.tree, &to)?;
        file.moved = Some((to, percent));
        file.outcome = Outcome::Unchanged;
        file.waits_for = self.waits_for(file.paths());
        if file.waits_for.is_some() {
            file.outcome = Outcome::Blocked;
            return Ok(());
        }
        if file.sides.patch.is_none() {
            edits.insert(file.place().clone(), None);
        } else {
            self.merge(file, None, edits)?;
        }
        if matches!(file.outcome, Outcome::Unchanged | Outcome::Merged) {
            file.outcome = Outcome::Moved;
        }
        Ok(())
    }

    /// Removes from `edits` what has no place in the tree.
    fn place(&mut self, patch: &str, edits: &mut Edits, files: &mut [FileOutcome]) -> Result<(), GitError> {
        loop {
            let misplaced = misplaced(self.objects, self.tree, edits)?;
            if misplaced.is_empty() {
                return Ok(());
            }
            let mut places: BTreeMap<RepoPath, Vec<usize>> = BTreeMap::new();
            for (n, file) in files.iter().enumerate() {
                places.entry(file.place().clone()).or_default().push(n);
            }
            for Misplaced { path, kind, twin } in misplaced {
                edits.remove(&path);
                let mut here = places.get(&path).into_iter().flatten();
                let here = here.find(|n| *files[**n].place() == path && files[**n].conflict.is_none());
                let Some(file) = here.map(|n| &mut files[*n]) else { continue };
                // If it cannot be written there, it stays at its old path.
                if let Some(from) = &file.from {
                    edits.remove(from);
                }
                file.clash(kind);
                if let Some(conflict) = &mut file.conflict {
                    conflict.candidates.extend(twin.map(|path| Candidate { path, percent: None }));
                }
                self.decide(patch, file, edits)?;
            }
        }
    }

    /// Returns the earlier patch that is in conflict about one of `paths`, or about a file that must become a folder
    /// for it, or the other way round.
    fn waits_for<'p>(&self, paths: impl Iterator<Item = &'p RepoPath>) -> Option<String> {
        paths.filter_map(|path| undecided_about(&self.undecided, path)).next().cloned()
    }

    /// Requests what a path of unknown content will need once it is known.
    fn foresee(&mut self, file: &FileOutcome) -> Result<(), GitError> {
        self.missing.block(file.paths());
        let (Some(base), Some(patch)) = (file.sides.base, file.sides.patch) else { return Ok(()) };
        let regular = |side: &Entry| matches!(side.mode, Mode::File | Mode::Executable);
        if base.id == patch.id || !regular(&base) || !regular(&patch) {
            return Ok(());
        }
        for side in [base, patch].into_iter().filter(|side| !self.objects.has(side.id)) {
            self.missing.need(side.id, file.paths());
        }
        merge_driver(self.objects, self.tree, file.place(), &mut self.missing).map(drop)
    }

    /// Returns what a patch does, path by path. A rename by the patch is one item if upstream changed the file under
    /// its old name, so that upstream's change is kept.
    fn touches(&mut self, item: &Item) -> Result<Vec<Touch>, GitError> {
        let changes = self.objects.diff(item.before, item.after)?;
        let (mut deleted, mut added, mut changed) = (Vec::new(), Vec::new(), BTreeSet::new());
        for change in &changes {
            match (change.old, change.new) {
                (Some(old), None) => {
                    if self.objects.entry(self.tree, &change.path)? != Some(old) {
                        changed.insert(&change.path);
                    }
                    deleted.push((&change.path, old));
                }
                (None, Some(new)) => added.push((&change.path, new)),
                _ => {}
            }
        }
        // All files that the patch deletes are candidates for those that it adds, though only the changed ones matter.
        let mut pairs = if changed.is_empty() || added.is_empty() {
            BTreeMap::new()
        } else {
            renamed(self.objects, &deleted, &added, &mut self.missing)?
        };
        pairs.retain(|_, (from, _)| changed.contains(from));
        let gone: BTreeSet<RepoPath> = pairs.values().map(|(from, _)| from.clone()).collect();
        let touches = changes.into_iter().filter(|change| !gone.contains(&change.path)).map(|change| {
            match pairs.get(&change.path) {
                Some((from, base)) => {
                    Touch { from: Some(from.clone()), path: change.path, base: Some(*base), patch: change.new }
                }
                None => Touch { from: None, path: change.path, base: change.old, patch: change.new },
            }
        });
        Ok(touches.collect())
    }

    /// Determines the outcome of one file, and adds its result to `edits`.
    fn file(&mut self, touch: Touch, edits: &mut Edits) -> Result<FileOutcome, GitError> {
        let Touch { from, path, base, patch } = touch;
        let before = from.as_ref().unwrap_or(&path);
        let standing = self.objects.entry(self.tree, before)?.filter(|entry| entry.mode != Mode::Folder);
        // If an earlier patch of the queue added it there again, upstream did not move it.
        let went = self.renames.of(before).filter(|_| base.is_some() && standing.is_none()).cloned();
        let moved = match &went {
            Some(RenameTarget::To(to, percent)) if patch.is_some() && from.is_none() => Some((to.clone(), *percent)),
            _ => None,
        };
        let upstream = self.objects.entry(self.tree, moved.as_ref().map_or(before, |(to, _)| to))?;
        let sides = Sides { base, upstream, patch };
        let mut file = FileOutcome { moved, ..FileOutcome::new(path, from, sides) };
        file.waits_for = self.waits_for(file.paths());
        if file.waits_for.is_some() {
            file.outcome = Outcome::Blocked;
            return Ok(file);
        }
        if file.paths().any(|path| self.missing.covers(path)) {
            self.foresee(&file)?;
            return Ok(file);
        }
        if let Some(from) = file.from.clone() {
            self.renamed_by_patch(&mut file, from, went.as_ref(), edits)?;
        } else {
            self.merge(&mut file, went.as_ref(), edits)?;
        }
        if file.moved.is_some() && matches!(file.outcome, Outcome::Unchanged | Outcome::Merged) {
            file.outcome = Outcome::Moved;
        }
        if let (Some(went), Some(conflict)) = (went, &mut file.conflict) {
            conflict.suspect(went);
        }
        let sides = file.sides;
        let compared = sides.upstream != sides.base && sides.upstream != sides.patch;
        if compared && !matches!(file.outcome, Outcome::Unchanged | Outcome::Upstreamed) {
            let entries = [sides.base, sides.upstream, sides.patch];
            file.evidence = evidence(self.objects, &file.path, entries, &mut self.missing)?;
        }
        Ok(file)
    }

    fn merge(
        &mut self,
        file: &mut FileOutcome,
        went: Option<&RenameTarget>,
        edits: &mut Edits,
    ) -> Result<(), GitError> {
        let place = file.place().clone();
        let merged = merge(self.objects, self.tree, &place, file.sides, &mut self.missing)?;
        if matches!(merged, Merged::Both(_) | Merged::Conflict(_, Some(_))) && file.sides.all_differ() {
            let driver = merge_driver(self.objects, self.tree, &place, &mut self.missing)?;
            file.not_run = driver.and_then(Driver::not_run);
        }
        match merged {
            Merged::Missing => {}
            Merged::Resolution(entry) => {
                edits.insert(place, entry);
            }
            Merged::Both(entry) => {
                file.outcome = Outcome::Merged;
                edits.insert(place, Some(entry));
            }
            // Both deleted it; but upstream may have only moved it.
            Merged::Keep if file.sides.patch.is_none() && went.is_some_and(RenameTarget::is_like) => {
                file.clash(ConflictKind::RenameDelete);
            }
            Merged::Keep => {
                file.outcome = Outcome::Upstreamed;
                file.evidence = Some(Evidence::IDENTICAL);
            }
            Merged::Conflict(kind, text) => {
                file.clash(kind);
                if let Some(conflict) = &mut file.conflict {
                    conflict.text = text;
                }
            }
        }
        Ok(())
    }

    /// Handles a file that the patch renames and that upstream changed, deleted or renamed too.
    fn renamed_by_patch(
        &mut self,
        file: &mut FileOutcome,
        from: RepoPath,
        went: Option<&RenameTarget>,
        edits: &mut Edits,
    ) -> Result<(), GitError> {
        let there = self.objects.entry(self.tree, &file.path)?;
        let same_rename = matches!(went, Some(RenameTarget::To(to, _)) if *to == file.path);
        if same_rename {
            file.sides.upstream = there;
            return self.merge(file, None, edits);
        }
        // A file that became a folder is gone.
        match (file.sides.upstream.filter(|entry| entry.mode != Mode::Folder), there, went) {
            (None, _, Some(_)) => file.clash(ConflictKind::Moved),
            (None, ..) => file.clash(ConflictKind::RenameDelete),
            (Some(_), Some(there), _) => {
                file.sides.upstream = Some(there);
                let folder = there.mode == Mode::Folder;
                file.clash(if folder { ConflictKind::Place } else { ConflictKind::AddAdd });
            }
            (Some(_), None, _) => {
                self.merge(file, None, edits)?;
                if file.conflict.is_none() {
                    edits.insert(from, None);
                }
                // The rename must still be done, whatever upstream's content is.
                if file.outcome == Outcome::Upstreamed {
                    file.outcome = Outcome::Merged;
                    file.evidence = None;
                    edits.insert(file.path.clone(), file.sides.patch);
                }
            }
        }
        Ok(())
    }
}

impl Conflict {
    /// Records where the file may have gone.
    fn suspect(&mut self, went: RenameTarget) {
        if self.kind == ConflictKind::ModifyDelete {
            self.kind = ConflictKind::Moved;
        }
        if matches!(self.kind, ConflictKind::Moved | ConflictKind::RenameDelete | ConflictKind::Place) {
            self.candidates = match went {
                RenameTarget::To(path, percent) => vec![Candidate { path, percent: Some(percent) }],
                RenameTarget::Perhaps(candidates) => candidates,
            };
        }
    }
}
