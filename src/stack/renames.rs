//! Which files upstream moved between two pins, as far as that is sure: a fix in the wrong file is worse than a question.
//!
//! Only paths that exist in the target and not in the old pin are looked at. A file is followed to the one path that has
//! its very content, else to the one that is clearly most like it (git's own measure), those of the same name first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::conflict::Candidate;
use super::similarity::likeness;
use super::{Missing, Stack};
use crate::git::{Entry, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// Below this many bytes equal contents say nothing: half the `__init__.py` of the world are equal.
const TELLING: usize = 64;
/// A file is followed from this likeness on, in percent.
const LIKE: u8 = 50;
/// So many points the next one must be behind.
const AHEAD: u8 = 10;
/// Files of other names that are compared at most; where there are more, none of them is sure.
const COMPARED: usize = 100;

/// Where the files went that a queue touches and that are no longer where they were.
#[derive(Debug, Default)]
pub(super) struct Renames {
    found: BTreeMap<RepoPath, Went>,
}

/// Where a file went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Went {
    /// Surely there; how alike the two are, in percent.
    To(RepoPath, u8),
    /// Perhaps to one of these.
    Perhaps(Vec<Candidate>),
}

impl Renames {
    /// Where `path` went; `None`: it did not move, or nobody knows where to.
    pub(super) fn of(&self, path: &RepoPath) -> Option<&Went> {
        self.found.get(path)
    }

    /// Finds where the files that `stack` touches went in the tree `onto`. Contents that are not at hand go to `missing`.
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
        let is_file = |entry: &Entry| matches!(entry.mode, Mode::File | Mode::Executable);
        let changes = objects.diff(stack.base.tree, onto)?.into_iter();
        let new: Vec<(RepoPath, Entry)> = changes
            .filter(|change| change.old.is_none())
            .filter_map(|change| Some((change.path, change.new.filter(is_file)?)))
            .collect();
        let mut found = BTreeMap::new();
        for (path, entry) in gone {
            let Some(content) = objects.blob(entry.id)? else {
                missing.need(entry.id, [&path]);
                continue;
            };
            if let Some(went) = follow(objects, (&path, entry.id, &content), &new, missing)? {
                found.insert(path, went);
            }
        }
        doubt_shared(&mut found);
        Ok(Renames { found })
    }
}

/// The regular files of the pin that the stack touches and that are no files in `onto` any more.
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

fn follow(
    objects: &mut Objects<'_>,
    (path, id, content): (&RepoPath, Id, &Rc<Vec<u8>>),
    new: &[(RepoPath, Entry)],
    missing: &mut Missing,
) -> Result<Option<Went>, GitError> {
    let exact: Vec<&RepoPath> = new.iter().filter(|(_, entry)| entry.id == id).map(|(path, _)| path).collect();
    match exact.as_slice() {
        [only] if content.len() >= TELLING => return Ok(Some(Went::To((*only).clone(), 100))),
        [] if content.len() < TELLING => {
            let named = new.iter().filter(|(other, _)| other.file_name() == path.file_name());
            return Ok(perhaps(named.map(|(other, _)| Candidate { path: other.clone(), percent: None }).collect()));
        }
        [] => {}
        equal => {
            return Ok(perhaps(equal.iter().map(|path| candidate(path, 100)).collect()));
        }
    }
    let (named, others): (Vec<_>, Vec<_>) = new.iter().partition(|(other, _)| other.file_name() == path.file_name());
    let Some(scored) = score(objects, path, content, &named, missing)? else { return Ok(None) };
    if !scored.is_empty() {
        return Ok(Some(choose(scored, true)));
    }
    // Of other names those are likely that are of the same sort; the nearest first.
    let mut likely: Vec<_> = others.into_iter().filter(|(other, _)| extension(other) == extension(path)).collect();
    likely.sort_by_key(|(other, _)| Reverse(shared_parts(other, path)));
    let all = likely.len() <= COMPARED;
    likely.truncate(COMPARED);
    let Some(scored) = score(objects, path, content, &likely, missing)? else { return Ok(None) };
    Ok((!scored.is_empty()).then(|| choose(scored, all)))
}

fn candidate(path: &RepoPath, percent: u8) -> Candidate {
    Candidate { path: path.clone(), percent: Some(percent) }
}

fn perhaps(candidates: Vec<Candidate>) -> Option<Went> {
    (!candidates.is_empty()).then_some(Went::Perhaps(candidates))
}

/// The candidates that are alike enough, the most alike first; `None` while contents are missing.
fn score(
    objects: &mut Objects<'_>,
    path: &RepoPath,
    content: &[u8],
    candidates: &[&(RepoPath, Entry)],
    missing: &mut Missing,
) -> Result<Option<Vec<Candidate>>, GitError> {
    let (mut scored, mut complete) = (Vec::new(), true);
    for (other, entry) in candidates {
        match objects.blob(entry.id)? {
            Some(other_content) => scored.push(candidate(other, likeness(content, &other_content))),
            None => {
                missing.need(entry.id, [path]);
                complete = false;
            }
        }
    }
    scored.retain(|candidate| candidate.percent >= Some(LIKE));
    scored.sort_by(|a, b| b.percent.cmp(&a.percent).then_with(|| a.path.cmp(&b.path)));
    Ok(complete.then_some(scored))
}

fn choose(scored: Vec<Candidate>, all: bool) -> Went {
    let percent = |n: usize| scored.get(n).and_then(|candidate| candidate.percent).unwrap_or(0);
    if all && percent(0) >= percent(1) + AHEAD {
        return Went::To(scored[0].path.clone(), percent(0));
    }
    Went::Perhaps(scored)
}

/// Two files cannot both have become one.
fn doubt_shared(found: &mut BTreeMap<RepoPath, Went>) {
    let mut targets: BTreeMap<RepoPath, usize> = BTreeMap::new();
    for went in found.values() {
        if let Went::To(to, _) = went {
            *targets.entry(to.clone()).or_default() += 1;
        }
    }
    for went in found.values_mut() {
        if let Went::To(to, percent) = went
            && targets[to] > 1
        {
            *went = Went::Perhaps(vec![candidate(to, *percent)]);
        }
    }
}

fn extension(path: &RepoPath) -> Option<&[u8]> {
    let name = path.file_name();
    name.iter().rposition(|byte| *byte == b'.').map(|at| &name[at..])
}

/// How many folders two paths share, from the root on.
fn shared_parts(a: &RepoPath, b: &RepoPath) -> usize {
    a.parts().zip(b.parts()).take_while(|(a, b)| a == b).count()
}
