//! Fetches pins, blobs and history of an upstream into a store.

use std::collections::BTreeSet;
use std::path::Path;

use super::{Attempt, Filter, Look, Reason, Remote, RemoteError, RemoteRef};
use crate::git::{GitError, Id, Store, Url, Watch};

/// Where the branches of a strict server are kept during a fetch.
const PASSING: &str = "refs/patchq/passing/";
/// The commits that a history was fetched for, so that the next fetch brings only new commits.
const HISTORY: &str = "refs/patchq/history/";
/// The depths for fetching the branches of a strict server, step by step; the last means everything for git.
const DEPTHS: [u32; 4] = [64, 512, 4096, 0x7fff_ffff];
/// For trees and blobs: the commits in the store do not say which objects it lacks.
const NO_HAVES: &str = "fetch.negotiationAlgorithm=noop";
/// Fetches a whole history. With this option a server that has only a part of it says where it ends. Without it git
/// would fetch the rest in one extra run after another.
const WHOLE: &str = "--depth=2147483647";

/// The result of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// The index in [`Remote::urls`] of the url that answered; `None` when nothing had to be fetched.
    pub served_by: Option<usize>,
    /// Whether the server applied the filter. If not, it sent everything, which costs more once and is worth a warning.
    pub filtered: bool,
}

const NOTHING_TO_DO: Fetched = Fetched { served_by: None, filtered: true };

/// A store of commits and tags without files, and how it was fetched.
pub struct History {
    /// The store.
    pub store: Store,
    /// How the fetch went.
    pub fetched: Fetched,
}

impl Remote<'_> {
    /// Fetches commits with their trees, without history and (if the server can) without blobs; any number of commits
    /// in two requests. `within` is for servers that give only commits that a branch or tag points at: the full names
    /// of the refs to search for the commits; empty: every branch.
    ///
    /// # Errors
    /// [`RemoteError`]; [`RemoteError::NotACommit`] when an id names a tag or a tree.
    pub fn fetch_commits(
        &self,
        store: &Store,
        ids: &[Id],
        within: &[String],
        watch: &mut Watch<'_>,
    ) -> Result<Fetched, RemoteError> {
        self.fetch_commits_near(store, ids, within, &[], watch)
    }

    /// Fetches as [`Remote::fetch_commits`], but of the trees only those that the commits `near` do not have. The store
    /// must have the `near` commits with all their trees; empty: the commits that its refs point at.
    ///
    /// # Errors
    /// As [`Remote::fetch_commits`].
    pub fn fetch_commits_near(
        &self,
        store: &Store,
        ids: &[Id],
        within: &[String],
        near: &[Id],
        watch: &mut Watch<'_>,
    ) -> Result<Fetched, RemoteError> {
        let wanted = lacking_commits(store, ids)?;
        if wanted.is_empty() {
            return Ok(NOTHING_TO_DO);
        }
        let what = format!("fetch commit {}", names(&wanted));
        let tips: Vec<_> = near.iter().map(|id| format!("--negotiation-tip={id}")).collect();
        let options: Vec<_> = std::iter::once("--depth=1").chain(tips.iter().map(String::as_str)).collect();
        let (filtered, served_by) = self.each(&what, |url| {
            let specs: Vec<_> = wanted.iter().map(Id::to_string).collect();
            let filtered = match self.fetch(store, url, (Filter::Blobs, &[], &options), &specs, watch) {
                Ok(output) => was_filtered(&output.notes),
                Err(error) => match Attempt::from(error) {
                    Attempt::Next(Reason::Strict, _) => {
                        self.fetch_from_strict(store, url, &wanted, within, watch)?;
                        false
                    }
                    // The server may assume that a blob is here, together with the commits that have it.
                    other @ Attempt::Next(Reason::Other, _) => {
                        let how: (_, &[&str], &[&str]) = (Filter::Blobs, &[NO_HAVES], &["--depth=1"]);
                        let whole = self.fetch(store, url, how, &specs, watch).map_err(|_| other)?;
                        was_filtered(&whole.notes)
                    }
                    other => return Err(other),
                },
            };
            match lacking_commits(store, &wanted)?.as_slice() {
                [] => Ok(filtered),
                rest => Err(Attempt::Next(Reason::NoObject, vec![format!("{} did not arrive", names(rest))])),
            }
        })?;
        Ok(Fetched { served_by: Some(served_by), filtered })
    }

    /// Fetches exactly these blobs, in two requests, and checks that all of them arrived.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn fetch_blobs(
        &self,
        store: &Store,
        ids: &BTreeSet<Id>,
        watch: &mut Watch<'_>,
    ) -> Result<Fetched, RemoteError> {
        let what = |n| format!("fetch {} from the upstream's files", count(n, "blob"));
        // A blob refers to no other object, so nothing else arrives, whatever the server makes of the filter.
        let fetched = self.fetch_exactly(store, ids, Filter::Blobs, what, watch)?;
        Ok(Fetched { filtered: true, ..fetched })
    }

    /// Fetches exactly these trees and blobs, in two requests, and (if the server can) nothing below the trees; checks
    /// that all of them arrived. Meant for the store of [`Remote::fetch_history`]: in the store of a checkout, a tree
    /// without its content would be a hole.
    ///
    /// # Errors
    /// [`RemoteError`]; [`RemoteError::Failed`] for a server that gives only objects that its refs point at.
    pub fn fetch_objects(
        &self,
        store: &Store,
        ids: &BTreeSet<Id>,
        watch: &mut Watch<'_>,
    ) -> Result<Fetched, RemoteError> {
        let what = |n| format!("fetch {} from the upstream's history", count(n, "object"));
        self.fetch_exactly(store, ids, Filter::BlobsAndTrees, what, watch)
    }

    /// Objects that are requested by their ids arrive in spite of the filter; `filter` applies to what is below them.
    fn fetch_exactly(
        &self,
        store: &Store,
        ids: &BTreeSet<Id>,
        filter: Filter,
        what: impl FnOnce(usize) -> String,
        watch: &mut Watch<'_>,
    ) -> Result<Fetched, RemoteError> {
        let wanted = store.lacking(ids.iter().copied())?;
        if wanted.is_empty() {
            return Ok(NOTHING_TO_DO);
        }
        let (filtered, served_by) = self.each(&what(wanted.len()), |url| {
            // A mirror that failed in between may have sent some.
            let specs: Vec<_> = store.lacking(wanted.iter().copied())?.iter().map(Id::to_string).collect();
            let output = self.fetch(store, url, (filter, &[NO_HAVES], &[]), &specs, watch)?;
            match store.lacking(wanted.iter().copied())?.as_slice() {
                [] => Ok(was_filtered(&output.notes)),
                rest => Err(Attempt::Next(Reason::NoObject, vec![format!("{} did not arrive", names(rest))])),
            }
        })?;
        Ok(Fetched { served_by: Some(served_by), filtered })
    }

    /// Fetches the commits and tags that lead to `ids`, without any trees, into a separate store at `dir` (made if
    /// needed): a store with a pin must stay shallow. Its tags are made equal to the upstream's. `branches`: the
    /// history of every branch too. Offline, a store that has `ids` is used as it is.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn fetch_history(
        &self,
        dir: &Path,
        ids: &[Id],
        branches: bool,
        watch: &mut Watch<'_>,
    ) -> Result<History, RemoteError> {
        let store = match Store::open(dir)? {
            Some(store) => store,
            None => Store::create(dir)?,
        };
        if self.is_offline() && !branches && store.lacking(ids.iter().copied())?.is_empty() {
            return Ok(History { store, fetched: NOTHING_TO_DO });
        }
        let tags = "+refs/tags/*:refs/tags/*".to_owned();
        let heads = format!("+refs/heads/*:{HISTORY}heads/*");
        let what = "fetch the upstream's history of commits";
        let (filtered, served_by) = self.each(what, |url| {
            let mut specs = vec![tags.clone()];
            specs.extend(ids.iter().map(|id| format!("{id}:{HISTORY}{id}")));
            if branches {
                specs.push(heads.clone());
            }
            let how: (_, &[&str], &[&str]) = (Filter::BlobsAndTrees, &[], &["--prune", WHOLE]);
            let mut output = self.fetch(&store, url, how, &specs, watch).map_err(Attempt::from);
            if matches!(output, Err(Attempt::Next(Reason::Strict, _))) {
                specs = vec![tags.clone(), heads.clone()];
                output = self.fetch(&store, url, how, &specs, watch).map_err(Attempt::from);
            }
            if matches!(output, Err(Attempt::Next(Reason::Other | Reason::NoObject, _)))
                && self.fetch_what_tags_stand_on(&store, url, watch)?
            {
                output = self.fetch(&store, url, how, &specs, watch).map_err(Attempt::from);
            }
            let output = output?;
            match store.lacking(ids.iter().copied())?.as_slice() {
                [] if store.dir().join("shallow").exists() => Err(Attempt::Next(Reason::Shallow, Vec::new())),
                [] => Ok(was_filtered(&output.notes)),
                rest => Err(Attempt::Next(Reason::NoObject, vec![format!("{} did not arrive", names(rest))])),
            }
        })?;
        Ok(History { store, fetched: Fetched { served_by: Some(served_by), filtered } })
    }

    /// Fetches trees and blobs that tags point at: a history leaves them out, and git then reports the store as broken.
    /// Returns whether any were missing.
    fn fetch_what_tags_stand_on(&self, store: &Store, url: &Url, watch: &mut Watch<'_>) -> Result<bool, Attempt> {
        let only_this = Remote::new(self.git, vec![url.clone()], false);
        let tags = only_this.refs(store, Look::Tags, watch)?.refs;
        let missing: BTreeSet<Id> = store.lacking(tags.iter().map(RemoteRef::commit))?.into_iter().collect();
        if missing.is_empty() {
            return Ok(false);
        }
        match only_this.fetch_objects(store, &missing, watch).map_err(Attempt::from) {
            Err(Attempt::Next(Reason::Strict, _)) => {
                let of_missing = tags.iter().filter(|tag| missing.contains(&tag.commit()));
                let names: Vec<_> = of_missing.map(|tag| tag.name.clone()).collect();
                self.fetch(store, url, (Filter::Nothing, &[], &["--depth=1"]), &names, watch)?;
            }
            fetched => drop(fetched?),
        }
        Ok(missing.into_iter().any(|id| store.tree_or_blob(id).is_some()))
    }

    /// Fetches the tag objects themselves, and almost nothing else.
    pub(in crate::git) fn fetch_tags(
        &self,
        store: &Store,
        tags: &[&RemoteRef],
        watch: &mut Watch<'_>,
    ) -> Result<(), RemoteError> {
        let wanted = store.lacking(tags.iter().map(|tag| tag.id))?;
        if wanted.is_empty() {
            return Ok(());
        }
        // They are fetched by name, because every server gives a tag by its name, even a strict one.
        let specs: Vec<_> = tags.iter().map(|tag| tag.name.clone()).collect();
        self.each("fetch the tags of the pin", |url| {
            self.fetch(store, url, (Filter::BlobsAndTrees, &[], &["--depth=1"]), &specs, watch)?;
            match store.lacking(wanted.iter().copied())?.as_slice() {
                [] => Ok(()),
                rest => Err(Attempt::Next(Reason::NoObject, vec![format!("{} did not arrive", names(rest))])),
            }
        })?;
        Ok(())
    }

    /// Fetches from a server that gives only commits that refs point at: first checks whether a ref points at the
    /// commit, then fetches the refs in `within` deeper and deeper. Blobs are included, because such a server would not
    /// give single blobs later.
    fn fetch_from_strict(
        &self,
        store: &Store,
        url: &Url,
        wanted: &[Id],
        within: &[String],
        watch: &mut Watch<'_>,
    ) -> Result<(), Attempt> {
        let only_this = Remote::new(self.git, vec![url.clone()], false);
        let refs = only_this.refs(store, Look::BranchesAndTags, watch)?.refs;
        let tips: Vec<_> = wanted
            .iter()
            .filter_map(|id| refs.iter().find(|found| found.commit() == *id).map(|found| found.name.clone()))
            .collect();
        if !tips.is_empty() {
            self.fetch(store, url, (Filter::Nothing, &[], &["--depth=1"]), &tips, watch)?;
        }
        let result = self.deepen(store, url, wanted, within, watch);
        forget_passing(store)?;
        result
    }

    fn deepen(
        &self,
        store: &Store,
        url: &Url,
        wanted: &[Id],
        within: &[String],
        watch: &mut Watch<'_>,
    ) -> Result<(), Attempt> {
        let specs: Vec<_> = match within {
            [] => vec![format!("+refs/heads/*:{PASSING}*")],
            refs => refs.iter().enumerate().map(|(place, name)| format!("+{name}:{PASSING}{place}")).collect(),
        };
        for depth in DEPTHS {
            if lacking_commits(store, wanted)?.is_empty() {
                return Ok(());
            }
            self.fetch(store, url, (Filter::Nothing, &[], &[&format!("--depth={depth}")]), &specs, watch)?;
        }
        match lacking_commits(store, wanted)?.as_slice() {
            [] => Ok(()),
            rest => {
                let place = if within.is_empty() { "any branch".to_owned() } else { within.join(", ") };
                Err(Attempt::Next(Reason::Strict, vec![format!("{} is not in the history of {place}", names(rest))]))
            }
        }
    }
}

/// Checks git's notes for the warning that it had to fetch everything.
fn was_filtered(notes: &[String]) -> bool {
    !notes.iter().any(|note| note.contains("filtering not recognized by server"))
}

fn forget_passing(store: &Store) -> Result<(), GitError> {
    let failed = || GitError::lib("cannot remove passing refs");
    for found in store.repo().references_glob(&format!("{PASSING}*")).map_err(failed())? {
        found.and_then(|mut found| found.delete()).map_err(failed())?;
    }
    Ok(())
}

/// Returns which of the commits `ids` the store lacks, itself or its root tree (a tag's commit may have arrived
/// without).
fn lacking_commits(store: &Store, ids: &[Id]) -> Result<Vec<Id>, RemoteError> {
    let failed = || GitError::lib("cannot look into the store");
    let odb = store.repo().odb().map_err(failed())?;
    odb.refresh().map_err(failed())?;
    let mut missing = BTreeSet::new();
    for &id in ids {
        let Ok(object) = store.repo().find_object(id.into(), None) else {
            missing.insert(id);
            continue;
        };
        match object.as_commit() {
            Some(commit) if odb.exists(commit.tree_id()) => {}
            Some(_) => {
                missing.insert(id);
            }
            None => {
                let kind = object.kind().map_or("thing", |kind| kind.str());
                let commit = object.peel_to_commit().ok().map(|commit| commit.id().into());
                return Err(RemoteError::NotACommit { id, kind, commit });
            }
        }
    }
    Ok(missing.into_iter().collect())
}

fn names(ids: &[Id]) -> String {
    let shown: Vec<_> = ids.iter().take(3).map(Id::to_string).collect();
    let more = if ids.len() > 3 { format!(" and {} more", ids.len() - 3) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("one {noun}") } else { format!("{n} {noun}s") }
}
