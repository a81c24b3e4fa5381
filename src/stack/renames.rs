//! Finds the files that upstream certainly moved between two pins: a fix in the wrong file is worse than a question.
//!
//! Only paths that exist in the target and not in the old pin are candidates. A file is followed to the only path that
//! has its exact content, else to the one that is clearly most similar (git's own measure), paths of the same name
//! first. A new path with the exact content of another removed file belongs to that file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use bstr::ByteSlice;

use super::conflict::Candidate;
use super::similarity::likeness;
use super::{Missing, Stack};
use crate::git::{Entry, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// Below this many bytes equal contents prove nothing: half of all `__init__.py` files are equal.
const TELLING: usize = 64;
/// A file is followed from this similarity on, in percent.
const LIKE: u8 = 50;
/// The next candidate must be behind by this many points.
const AHEAD: u8 = 10;
/// The most files with other names to compare; if there are more, none of them is certain.
const COMPARED: usize = 100;

/// The new places of files that a queue touches and that are no longer at their paths.
#[derive(Debug, Default)]
pub(super) struct Renames {
    found: BTreeMap<RepoPath, RenameTarget>,
}

/// The new place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RenameTarget {
    /// Certainly there, with the similarity in percent.
    To(RepoPath, u8),
    /// Possibly at one of these.
    Perhaps(Vec<Candidate>),
}

impl RenameTarget {
    /// Checks whether the content is a reason for it, and not a name alone.
    pub(super) fn is_like(&self) -> bool {
        match self {
            RenameTarget::To(..) => true,
            RenameTarget::Perhaps(candidates) => candidates.iter().any(|candidate| candidate.percent.is_some()),
        }
    }
}

impl Renames {
    /// Returns where `path` went; `None`: it did not move, or its new place is unknown.
    pub(super) fn of(&self, path: &RepoPath) -> Option<&RenameTarget> {
        self.found.get(path)
    }

    /// Records where `path` went, as a person says.
    pub(super) fn insert(&mut self, path: RepoPath, to: RepoPath, percent: u8) {
        self.found.insert(path, RenameTarget::To(to, percent));
    }

    /// Finds the new places, in the tree `onto`, of the files that `stack` touches. Contents that are not in the store
    /// go to `missing`.
    ///
    /// # Errors
    /// [`GitError`] when a tree is missing or an object damaged.
    pub(super) fn find(
        objects: &mut Objects<'_>,
        stack: &Stack,
        onto: Id,
        missing: &mut Missing,
    ) -> Result<Renames, GitError> {
        let gone = gone(objects, stack, onto)?;
        if gone.is_empty() {
            return Ok(Renames::default());
        }
        let targets = Targets::of(objects, stack.base.tree, onto)?;
        let mut found = BTreeMap::new();
        for (path, entry) in gone {
            if let Some(went) = follow(objects, &path, entry.id, &targets, missing)? {
                found.insert(path, went);
            }
        }
        doubt_shared(&mut found);
        Ok(Renames { found })
    }
}

/// Returns the regular files of the pin that the stack touches and that are not files in `onto` any more.
fn gone(objects: &mut Objects<'_>, stack: &Stack, onto: Id) -> Result<BTreeMap<RepoPath, Entry>, GitError> {
    let mut touched = BTreeSet::new();
    for item in &stack.items {
        touched.extend(objects.diff(item.before, item.after)?.into_iter().filter(|c| c.old.is_some()).map(|c| c.path));
    }
    let mut gone = BTreeMap::new();
    for path in touched {
        let was = objects.entry(stack.base.tree, &path)?;
        let is = objects.entry(onto, &path)?.filter(|entry| entry.mode != Mode::Folder);
        if let (Some(was), None) = (was.filter(|was| matches!(was.mode, Mode::File | Mode::Executable)), is) {
            gone.insert(path, was);
        }
    }
    Ok(gone)
}

/// The candidates for a removed file: the files that are new in the target.
struct Targets {
    new: Vec<(RepoPath, Entry)>,
    /// How many removed paths, touched by the queue or not, had this content.
    lost: BTreeMap<Id, usize>,
}

impl Targets {
    fn of(objects: &mut Objects<'_>, base: Id, onto: Id) -> Result<Targets, GitError> {
        let is_file = |entry: &Entry| matches!(entry.mode, Mode::File | Mode::Executable);
        let mut targets = Targets { new: Vec::new(), lost: BTreeMap::new() };
        for change in objects.diff(base, onto)? {
            match (change.old, change.new.filter(is_file)) {
                (None, Some(new)) => targets.new.push((change.path, new)),
                (Some(old), None) if change.new.is_none() => *targets.lost.entry(old.id).or_default() += 1,
                _ => {}
            }
        }
        Ok(targets)
    }

    fn equal(&self, id: Id) -> Vec<&RepoPath> {
        self.new.iter().filter(|(_, entry)| entry.id == id).map(|(path, _)| path).collect()
    }

    fn named<'t>(&'t self, path: &RepoPath) -> impl Iterator<Item = &'t (RepoPath, Entry)> {
        self.new.iter().filter(move |(other, _)| other.file_name() == path.file_name())
    }

    /// Returns the files worth comparing with `path` (each must be fetched): those of its name, and of other names
    /// those of the same sort, the nearest first; and whether these are all of them. Exact copies of another removed
    /// file are left out.
    fn likely(&self, path: &RepoPath) -> (Vec<&(RepoPath, Entry)>, bool) {
        let free = |(_, entry): &&(RepoPath, Entry)| !self.lost.contains_key(&entry.id);
        let mut likely: Vec<_> = self.named(path).filter(free).collect();
        let mut others: Vec<_> = self.new.iter().filter(free).collect();
        others.retain(|(other, _)| other.file_name() != path.file_name() && same_sort(path, other));
        others.sort_by_key(|(other, _)| Reverse(shared_parts(other, path)));
        let all = others.len() <= COMPARED;
        others.truncate(COMPARED);
        likely.extend(others);
        (likely, all)
    }
}

/// Returns where the file went that was at `path` with the content `id`; `None`: unknown, or contents are missing. All
/// contents that may be needed are requested together.
fn follow(
    objects: &mut Objects<'_>,
    path: &RepoPath,
    id: Id,
    targets: &Targets,
    missing: &mut Missing,
) -> Result<Option<RenameTarget>, GitError> {
    let equal = targets.equal(id);
    let content = objects.blob(id)?;
    if content.is_none() {
        missing.need(id, [path]);
    }
    if !equal.is_empty() {
        let Some(content) = content else { return Ok(None) };
        let sure = equal.len() == 1 && targets.lost.get(&id) == Some(&1) && content.len() >= TELLING;
        return Ok(Some(match equal.as_slice() {
            [only] if sure => RenameTarget::To((*only).clone(), 100),
            _ => RenameTarget::Perhaps(equal.iter().map(|path| candidate(path, 100)).collect()),
        }));
    }
    if content.as_ref().is_some_and(|content| content.len() < TELLING) {
        let named = targets.named(path).map(|(other, _)| Candidate { path: other.clone(), percent: None });
        return Ok(perhaps(named.collect()));
    }
    let (likely, all) = targets.likely(path);
    let scored = score(objects, path, content.as_deref(), &likely, missing)?;
    Ok(scored.filter(|scored| !scored.is_empty()).map(|scored| choose(path, scored, all)))
}

fn candidate(path: &RepoPath, percent: u8) -> Candidate {
    Candidate { path: path.clone(), percent: Some(percent) }
}

fn perhaps(candidates: Vec<Candidate>) -> Option<RenameTarget> {
    (!candidates.is_empty()).then_some(RenameTarget::Perhaps(candidates))
}

/// Returns the candidates that are similar enough, the most similar first; `None` while contents are missing.
fn score(
    objects: &mut Objects<'_>,
    path: &RepoPath,
    content: Option<&Vec<u8>>,
    candidates: &[&(RepoPath, Entry)],
    missing: &mut Missing,
) -> Result<Option<Vec<Candidate>>, GitError> {
    let (mut scored, mut complete) = (Vec::new(), content.is_some());
    for (other, entry) in candidates {
        match (objects.blob(entry.id)?, content) {
            (Some(now), Some(content)) => scored.push(candidate(other, likeness(content, &now))),
            (Some(_), None) => {}
            (None, _) => {
                missing.need(entry.id, [path]);
                complete = false;
            }
        }
    }
    scored.retain(|candidate| candidate.percent >= Some(LIKE));
    scored.sort_by(|a, b| b.percent.cmp(&a.percent).then_with(|| a.path.cmp(&b.path)));
    Ok(complete.then_some(scored))
}

/// Returns the certain candidate, if there is one: clearly ahead of the others of its kind, and no file of another name
/// is more similar. Files of the same name come first; without one, `all` says whether every file of another name was
/// compared.
fn choose(path: &RepoPath, scored: Vec<Candidate>, all: bool) -> RenameTarget {
    let percent = |candidate: Option<&Candidate>| candidate.and_then(|candidate| candidate.percent).unwrap_or(0);
    let (named, others): (Vec<_>, Vec<_>) =
        scored.iter().cloned().partition(|candidate| candidate.path.file_name() == path.file_name());
    let (kind, rivals) = if named.is_empty() { (&others, &named) } else { (&named, &others) };
    let (first, next, rival) = (percent(kind.first()), percent(kind.get(1)), percent(rivals.first()));
    if (all || !named.is_empty()) && first >= next + AHEAD && first >= rival {
        return RenameTarget::To(kind[0].path.clone(), first);
    }
    RenameTarget::Perhaps(scored)
}

/// Makes targets uncertain that two files share: two files cannot both have become one.
fn doubt_shared(found: &mut BTreeMap<RepoPath, RenameTarget>) {
    let mut targets: BTreeMap<RepoPath, usize> = BTreeMap::new();
    for went in found.values() {
        if let RenameTarget::To(to, _) = went {
            *targets.entry(to.clone()).or_default() += 1;
        }
    }
    for went in found.values_mut() {
        if let RenameTarget::To(to, percent) = went
            && targets[to] > 1
        {
            *went = RenameTarget::Perhaps(vec![candidate(to, *percent)]);
        }
    }
}

/// Checks whether a file of another name may be worth comparing: below the same folder of the root, with the same
/// extension. Files without an extension can be anything, also large: only those in the same folder, and those that
/// have the name as a part of theirs (`Dockerfile` and `ray.Dockerfile`).
fn same_sort(path: &RepoPath, other: &RepoPath) -> bool {
    let near = path.parent().is_none() || shared_parts(path, other) > 0;
    let alike = match extension(path) {
        Some(ending) => extension(other) == Some(ending),
        None => {
            let beside = extension(other).is_none() && other.parent() == path.parent();
            beside || other.file_name().find(path.file_name()).is_some()
        }
    };
    near && alike
}

fn extension(path: &RepoPath) -> Option<&[u8]> {
    let name = path.file_name();
    name.iter().rposition(|byte| *byte == b'.').map(|at| &name[at..])
}

/// Returns how many folders two paths share, from the root on.
fn shared_parts(a: &RepoPath, b: &RepoPath) -> usize {
    a.parts().zip(b.parts()).take_while(|(a, b)| a == b).count()
}
