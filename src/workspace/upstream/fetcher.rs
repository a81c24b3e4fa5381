//! Fetches objects that the engine lacks: the only loop between the engine and the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::fetch_lock::{FetchLock, clear_what_was_left};
use super::store::UpstreamStore;
use crate::git::{self, BASE, GitError, Id, Objects, Prompts, Remote, RemoteError, Store, Watch};
use crate::stack::Lazy;
use crate::workspace::files::lock::LockError;

/// The most rounds that the engine may need; more mean an error in it. One round is usual, renames need two.
const ROUNDS: usize = 4;

/// The sources of missing objects.
pub struct Fetcher<'a> {
    /// The upstream, and the store that lacks the objects.
    pub upstream: &'a UpstreamStore<'a>,
    /// The upstream on the network.
    pub remote: Remote<'a>,
    /// The stores on this machine that are asked first ([`super::neighbours`]).
    pub neighbours: Vec<PathBuf>,
    /// Whether the command never uses the network, whatever its options are: a missing object is then
    /// [`MissingObjects`].
    pub local: bool,
    /// The lock that is held during a fetch.
    pub lock: FetchLock<'a>,
    /// Set by the caller to end the run.
    pub cancel: &'a AtomicBool,
    /// Called with git's progress reports; `None` when no one sees them, so that the server need not send them.
    pub progress: Option<&'a (dyn Fn(git::Progress) + Sync)>,
    /// Called before git is started: a command that uses the terminal for something else releases it, for ctrl-C and
    /// passwords.
    pub before: &'a dyn Fn(),
    /// Whether git may ask for credentials.
    pub prompts: Prompts,
}

/// Why a missing object could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The network failed, or must not be used.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The store failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The command never uses the network, and the store lacks the object.
    #[error(transparent)]
    Missing(#[from] MissingObjects),
    /// Another patchq fetches.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The engine asks again and again.
    #[error("the engine keeps asking for objects: {0} more in its last round (this is a bug, report it)")]
    TooManyRounds(usize),
}

/// Some objects of a neighbour could not be taken.
struct NotAll;

impl From<GitError> for NotAll {
    fn from(_: GitError) -> NotAll {
        NotAll
    }
}

/// Objects that a store lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MissingObjects {
    /// A commit.
    #[error("commit {0} is not in the store")]
    Commit(Id),
    /// So many files of upstream's commits.
    #[error("{}", match .0 { 1 => "an upstream file is not in the store".to_owned(), n => format!("{n} upstream files are not in the store") })]
    Files(usize),
}

impl Fetcher<'_> {
    /// Calls `ask`, which does not fetch into a store, with the git program's watch.
    pub fn with_watch<T>(&self, ask: impl FnOnce(&Remote<'_>, &mut Watch<'_>) -> T) -> T {
        (self.before)();
        let mut show = self.progress.map(|progress| move |report| progress(report));
        let progress = show.as_mut().map(|show| show as &mut dyn FnMut(git::Progress));
        ask(&self.remote, &mut Watch { prompts: self.prompts, cancel: self.cancel, progress })
    }

    /// Calls `fetch` with the git program's watch, while no other fetch into the upstream's stores is running.
    ///
    /// # Errors
    /// [`FetchError::Remote`], [`FetchError::Lock`].
    pub fn fetching<T>(
        &self,
        fetch: impl FnOnce(&Remote<'_>, &mut Watch<'_>) -> Result<T, RemoteError>,
    ) -> Result<T, FetchError> {
        if self.remote.is_offline() {
            return Ok(self.with_watch(fetch)?);
        }
        Ok(self.lock.hold(self.remote.limits(), || self.with_watch(fetch))??)
    }

    /// Makes sure that the store has these commits and their trees.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn commits(&self, store: &Store, ids: &[Id], within: &[String]) -> Result<(), FetchError> {
        let lacking = |ids: &[Id]| ids.iter().copied().filter(|id| !store.has(*id)).collect::<Vec<_>>();
        // The store may have the tag's object, which is not a commit.
        if let Some((id, kind)) = ids.iter().find_map(|id| Some((*id, store.tree_or_blob(*id)?))) {
            return Err(RemoteError::NotACommit { id, kind, commit: None }.into());
        }
        let mut wanted = lacking(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        // Even if no neighbour has the commits: only the differences must then come over the network.
        let mut near = self.take_from_neighbours(store, |_| true);
        wanted = lacking(&wanted);
        if wanted.is_empty() {
            return Ok(());
        }
        if let Some(first) = wanted.first().filter(|_| self.local) {
            return Err(MissingObjects::Commit(*first).into());
        }
        if !near.is_empty() {
            near.extend(store.read_ref(BASE)?.filter(|id| store.has(*id)));
        }
        let near: Vec<Id> = near.into_iter().collect();
        self.fetching(|remote, watch| remote.fetch_commits_near(store, &wanted, within, &near, watch))?;
        Ok(())
    }

    /// Checks whether the store has this commit, which no upstream has; only the neighbours are asked.
    pub(in crate::workspace) fn has_near(&self, store: &Store, commit: Id) -> bool {
        if !store.has(commit) {
            self.take_from_neighbours(store, |neighbour| neighbour.has(commit));
        }
        store.has(commit)
    }

    /// Makes sure that the store has these blobs.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn blobs(&self, store: &Store, ids: &BTreeSet<Id>) -> Result<(), FetchError> {
        let lacking = |ids: &BTreeSet<Id>| ids.iter().copied().filter(|id| !store.has(*id)).collect::<BTreeSet<_>>();
        let mut wanted = lacking(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        self.take_from_neighbours(store, |neighbour| neighbour.has_any(&wanted));
        wanted = lacking(&wanted);
        if wanted.is_empty() {
            return Ok(());
        }
        if self.local {
            return Err(MissingObjects::Files(wanted.len()).into());
        }
        self.fetching(|remote, watch| remote.fetch_blobs(store, &wanted, watch))?;
        Ok(())
    }

    /// Takes all objects of the neighbours, if one of them `is_worth_it`; returns their pins. Neighbours only save
    /// transfers: what they cannot give comes from the network.
    fn take_from_neighbours(&self, store: &Store, is_worth_it: impl Fn(&Store) -> bool) -> BTreeSet<Id> {
        let stores: Vec<Store> = self.neighbours.iter().filter_map(|dir| Store::open(dir).ok().flatten()).collect();
        let mut pins = BTreeSet::new();
        if !stores.iter().any(is_worth_it) {
            return pins;
        }
        // Files left there by a killed process would make it unreadable forever.
        let command = self.lock.command();
        let readable = stores.iter().all(|neighbour| clear_what_was_left(neighbour.dir(), command).is_ok());
        // All of them are taken: one may borrow objects from another. The lock is held because these objects count as
        // fetched: after a kill, the next fetch cleans up.
        let take = || stores.iter().try_for_each(|near| store.take_from(near.dir())?.then_some(()).ok_or(NotAll));
        let all = readable && self.lock.hold(self.remote.limits(), take).is_ok_and(|taken| taken.is_ok());
        tracing::debug!(stores = ?self.neighbours, readable, all, "takes from neighbours");
        if all {
            let stand_on = stores.iter().filter_map(|neighbour| neighbour.read_ref(BASE).ok().flatten());
            pins.extend(stand_on.filter(|id| store.has(*id)));
        }
        pins
    }

    /// Returns the store of commits at `dir` with all that leads to `ids`; fetches them if one is missing.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn history(&self, dir: &Path, ids: &[Id]) -> Result<Store, FetchError> {
        if let Some(store) = Store::open(dir)?
            && !store.is_shallow()
            && store.lacking(ids.iter().copied())?.is_empty()
        {
            return Ok(store);
        }
        Ok(self.fetching(|remote, watch| remote.fetch_history(dir, ids, false, watch))?.store)
    }

    /// Runs `walk` through a store of commits until it has a result, at most `rounds` times, and fetches the trees and
    /// blobs that it needs in between, without their content below.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn objects<T>(
        &self,
        history: &Store,
        rounds: usize,
        mut walk: impl FnMut() -> Result<Lazy<T>, GitError>,
    ) -> Result<T, FetchError> {
        let mut lacking = 0;
        for round in 1..=rounds {
            let _round = tracing::debug_span!("round", of = "history", round).entered();
            match walk()? {
                Lazy::Done(result) => return Ok(result),
                Lazy::Need(ids) => {
                    lacking = ids.len();
                    tracing::debug!(lacking, "needs objects");
                    self.fetching(|remote, watch| remote.fetch_objects(history, &ids, watch))?;
                }
            }
        }
        Err(FetchError::TooManyRounds(lacking))
    }

    /// Runs `engine` until it has a result, and fetches what it needs in between.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn run<T>(
        &self,
        objects: &mut Objects<'_>,
        mut engine: impl FnMut(&mut Objects<'_>) -> Result<Lazy<T>, GitError>,
    ) -> Result<T, FetchError> {
        let mut lacking = 0;
        for round in 1..=ROUNDS {
            let _round = tracing::debug_span!("round", of = "engine", round).entered();
            match engine(objects)? {
                Lazy::Done(result) => return Ok(result),
                Lazy::Need(ids) => {
                    lacking = ids.len();
                    tracing::debug!(lacking, "needs objects");
                    self.blobs(objects.store(), &ids)?;
                }
            }
        }
        Err(FetchError::TooManyRounds(lacking))
    }
}
