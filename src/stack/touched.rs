//! What a patch does to a tree, path by path, its own renames seen as such.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Missing;
use super::similarity::{self, Candidate};
use crate::git::{Entry, GitError, Mode, Objects};
use crate::path::RepoPath;

/// What a patch does to one file: `from` is its name before, where that is another.
pub(super) struct Touch {
    pub(super) from: Option<RepoPath>,
    pub(super) path: RepoPath,
    pub(super) base: Option<Entry>,
    pub(super) patch: Option<Entry>,
}

/// Which of the `added` files came from which of the `deleted` ones, as `git diff -M50%` says.
pub(super) fn renamed(
    objects: &Objects<'_>,
    deleted: &[(&RepoPath, Entry)],
    added: &[(&RepoPath, Entry)],
    missing: &mut Missing,
) -> Result<BTreeMap<RepoPath, (RepoPath, Entry)>, GitError> {
    let mut contents = |side: &[(&RepoPath, Entry)]| -> Result<Vec<Rc<Vec<u8>>>, GitError> {
        let mut all = Vec::with_capacity(side.len());
        for (path, entry) in side {
            // A submodule's commit is in another repository; only its id can be compared.
            let content = if entry.mode == Mode::Gitlink { Some(Rc::default()) } else { objects.blob(entry.id)? };
            all.push(content.unwrap_or_else(|| {
                missing.need(entry.id, [*path]);
                Rc::default()
            }));
        }
        Ok(all)
    };
    let (old, new) = (contents(deleted)?, contents(added)?);
    let found = similarity::renames(&candidates(deleted, &old), &candidates(added, &new));
    let pairs = found.into_iter().zip(added).filter_map(|(rename, (path, _))| {
        let (from, base) = deleted[rename?.from];
        Some(((*path).clone(), (from.clone(), base)))
    });
    Ok(pairs.collect())
}

fn candidates<'a>(side: &[(&'a RepoPath, Entry)], contents: &'a [Rc<Vec<u8>>]) -> Vec<Candidate<'a>> {
    side.iter().zip(contents).map(|((path, entry), content)| Candidate { path, entry: *entry, content }).collect()
}
