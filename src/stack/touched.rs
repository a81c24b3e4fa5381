//! Lists what a patch does to a tree, path by path, with its own renames recognized.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Missing;
use super::similarity::{self, Candidate};
use crate::git::{Entry, GitError, Mode, Objects};
use crate::path::RepoPath;

/// What a patch does to one file: `from` is its old name, if that differs.
pub(super) struct Touch {
    pub(super) from: Option<RepoPath>,
    pub(super) path: RepoPath,
    pub(super) base: Option<Entry>,
    pub(super) patch: Option<Entry>,
}

/// Returns which of the `added` files came from which of the `deleted` ones, as in `git diff -M50%`.
pub(super) fn renamed(
    objects: &Objects<'_>,
    deleted: &[(&RepoPath, Entry)],
    added: &[(&RepoPath, Entry)],
    missing: &mut Missing,
) -> Result<BTreeMap<RepoPath, (RepoPath, Entry)>, GitError> {
    // Equal ids are compared first; contents are read only for the files left on both sides.
    let none = |side: &[(&RepoPath, Entry)]| vec![Rc::default(); side.len()];
    let mut found = similarity::renames(&candidates(deleted, &none(deleted)), &candidates(added, &none(added)));
    let used: BTreeSet<usize> = found.iter().flatten().map(|rename| rename.from).collect();
    if used.len() < deleted.len() && found.iter().any(Option::is_none) {
        let mut contents = |side: &[(&RepoPath, Entry)], known: &dyn Fn(usize) -> bool| {
            let read = side.iter().enumerate().map(|(n, (_, entry))| {
                // A submodule's commit is in another repository; only its id can be compared.
                if known(n) || entry.mode == Mode::Gitlink {
                    return Ok(Rc::default());
                }
                let content = objects.blob(entry.id)?;
                if content.is_none() {
                    missing.need(entry.id, deleted.iter().chain(added).map(|(path, _)| *path));
                }
                Ok(content.unwrap_or_default())
            });
            read.collect::<Result<Vec<Rc<Vec<u8>>>, GitError>>()
        };
        let old = contents(deleted, &|n| used.contains(&n))?;
        let new = contents(added, &|n| found[n].is_some())?;
        found = similarity::renames(&candidates(deleted, &old), &candidates(added, &new));
    }
    let pairs = found.into_iter().zip(added).filter_map(|(rename, (path, _))| {
        let (from, base) = deleted[rename?.from];
        Some(((*path).clone(), (from.clone(), base)))
    });
    Ok(pairs.collect())
}

fn candidates<'a>(side: &[(&'a RepoPath, Entry)], contents: &'a [Rc<Vec<u8>>]) -> Vec<Candidate<'a>> {
    side.iter().zip(contents).map(|((path, entry), content)| Candidate { path, entry: *entry, content }).collect()
}
