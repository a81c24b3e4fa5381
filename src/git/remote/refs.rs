//! Lists the branches and tags of an upstream.

use super::tags::TagVersion;
use super::{Attempt, NAME, Reason, Remote, RemoteError};
use crate::git::{GitError, Id, Store, Watch};

/// Which refs to list. A server sends only those, if it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// `refs/heads/`
    Branches,
    /// `refs/tags/`
    Tags,
    /// Both of them.
    BranchesAndTags,
    /// `HEAD`, with the branch that it points at. The server lists everything for it (622 KB of pull requests for
    /// Kubeflow): git cannot ask for less.
    Head,
}

/// A ref of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// The full name; refs with bytes that are not UTF-8 are left out.
    pub name: String,
    /// The id that it points at.
    pub id: Id,
    /// For an annotated tag: the object it tags.
    pub peeled: Option<Id>,
}

impl RemoteRef {
    /// Returns the commit of the ref: for an annotated tag the tagged commit.
    #[must_use]
    pub fn commit(&self) -> Id {
        self.peeled.unwrap_or(self.id)
    }

    /// Returns the name without `refs/tags/` or `refs/heads/`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.tag().or_else(|| self.branch()).unwrap_or(&self.name)
    }

    /// Returns the tag's name, if it is a tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.name.strip_prefix("refs/tags/")
    }

    /// Returns the branch's name, if it is a branch.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.name.strip_prefix("refs/heads/")
    }
}

/// Returns the best tag on the commit `at`: an annotated tag before a lightweight one, then the newest version, then
/// the first by name. Nothing is fetched, so of two annotated tags it may not be the one that git would name.
#[must_use]
pub fn tag_on(refs: &[RemoteRef], at: Id) -> Option<&str> {
    let here = refs.iter().filter(|found| found.commit() == at && found.tag().is_some());
    // `max_by_key` returns the last of equals, so the names are reversed.
    let best = here.rev().max_by_key(|found| (found.peeled.is_some(), TagVersion::of(found.short_name())))?;
    best.tag()
}

/// Returns the tags in a store, as the upstream listed them, without those that point at a tree or a blob.
///
/// # Errors
/// [`GitError`] when a tag cannot be read.
pub fn stored_tags(store: &Store) -> Result<Vec<RemoteRef>, GitError> {
    let tags = store.refs_below("refs/tags/")?.into_iter().filter_map(|(name, id)| {
        let Ok(object) = store.repo().find_object(id.into(), None) else {
            return Some(RemoteRef { name, id, peeled: None });
        };
        let commit = object.peel_to_commit().ok()?;
        let peeled = Some(commit.id().into()).filter(|commit| *commit != id);
        Some(RemoteRef { name, id, peeled })
    });
    Ok(tags.collect())
}

/// The result of [`Remote::refs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refs {
    /// The refs, in the order of their names.
    pub refs: Vec<RemoteRef>,
    /// The full name of the branch that `HEAD` points at, if it was asked for and is known.
    pub head: Option<String>,
    /// The index in [`Remote::urls`] of the url that answered.
    pub served_by: usize,
}

impl Remote<'_> {
    /// Lists refs. `store` is only the folder to run in.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn refs(&self, store: &Store, look: Look, watch: &mut Watch<'_>) -> Result<Refs, RemoteError> {
        let args: &[&str] = match look {
            Look::Branches => &["ls-remote", "--heads", NAME],
            Look::Tags => &["ls-remote", "--tags", NAME],
            Look::BranchesAndTags => &["ls-remote", "--heads", "--tags", NAME],
            Look::Head => &["ls-remote", "--symref", NAME, "HEAD"],
        };
        let what = if look == Look::Head { "look up the default branch" } else { "list the branches and tags" };
        let ((refs, head), served_by) = self.each(what, |url| {
            let output = self.run(store, url, &[], args, Vec::new(), watch)?;
            parse(&output.stdout).ok_or_else(|| Attempt::Next(Reason::Sha256, Vec::new()))
        })?;
        Ok(Refs { refs, head, served_by })
    }
}

/// Parses lines `ID<TAB>NAME`, `ID<TAB>NAME^{}` for the object of an annotated tag, `ref: NAME<TAB>HEAD` for a symbolic
/// ref. `None` when the ids are not SHA-1.
fn parse(stdout: &[u8]) -> Option<(Vec<RemoteRef>, Option<String>)> {
    let (mut refs, mut head): (Vec<RemoteRef>, _) = (Vec::new(), None);
    for line in stdout.split(|byte| *byte == b'\n') {
        let Some((left, name)) = std::str::from_utf8(line).ok().and_then(|line| line.split_once('\t')) else {
            continue;
        };
        if let Some(target) = left.strip_prefix("ref: ") {
            if name == "HEAD" {
                head = Some(target.to_owned());
            }
            continue;
        }
        let id: Id = left.parse().ok()?;
        match name.strip_suffix("^{}") {
            Some(tag) => {
                if let Some(last) = refs.last_mut().filter(|last| last.name == tag) {
                    last.peeled = Some(id);
                }
            }
            // For HEAD, git also lists every ref that ends in `/HEAD`; the full name distinguishes them.
            None => refs.push(RemoteRef { name: name.to_owned(), id, peeled: None }),
        }
    }
    refs.sort_by(|a, b| a.name.cmp(&b.name));
    Some((refs, head))
}
