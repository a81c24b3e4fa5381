//! What the engine lacks, fetched: the one loop between the engine and the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::fetch_lock::{FetchLock, clear_what_was_left};
use super::store::UpstreamStore;
use crate::git::{self, BASE, GitError, Id, Objects, Prompts, Remote, RemoteError, Store, Watch};
use crate::stack::Lazy;
use crate::workspace::files::lock::LockError;

/// So often the engine may ask before it is taken for broken. One round is ordinary, two happen with renames.
const ROUNDS: usize = 4;

/// Where missing objects come from.
pub struct Fetcher<'a> {
    /// The upstream, and the store that misses them.
    pub upstream: &'a UpstreamStore<'a>,
    /// Where the upstream is on the network.
    pub remote: Remote<'a>,
    /// The stores on this machine that are asked first ([`super::neighbours`]).
    pub neighbours: Vec<PathBuf>,
    /// Whether the command never uses the network, whatever its options say: what is not there is then [`MissingObjects`].
    pub local: bool,
    /// Held while something is fetched.
    pub lock: FetchLock<'a>,
    /// Set by whoever wants the run to end.
    pub cancel: &'a AtomicBool,
    /// Called with git's progress reports; `None` where nobody sees them, which saves a server's telling them.
    pub progress: Option<&'a (dyn Fn(git::Progress) + Sync)>,
    /// Called before git is started: whoever has the terminal for something else gives it back, for ctrl-C and for passwords.
    pub before: &'a dyn Fn(),
    /// Whether git may ask for credentials.
    pub prompts: Prompts,
}

/// Why something missing did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The network, or the wish not to use it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The store.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The command never uses the network, and the store does not have it.
    #[error(transparent)]
    Missing(#[from] MissingObjects),
    /// Another patchq fetches.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The engine asks again and again.
    #[error("the engine keeps asking for objects: {0} more in its last round (this is a bug, report it)")]
    TooManyRounds(usize),
}

/// Something of a neighbour's could not be taken.
struct NotAll;

impl From<GitError> for NotAll {
    fn from(_: GitError) -> NotAll {
        NotAll
    }
}

/// What a store does not have.
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
    /// Calls `ask`, which fetches nothing into a store, with the git program's watch.
    pub fn with_watch<T>(&self, ask: impl FnOnce(&Remote<'_>, &mut Watch<'_>) -> T) -> T {
        (self.before)();
        let mut show = self.progress.map(|progress| move |report| progress(report));
        let progress = show.as_mut().map(|show| show as &mut dyn FnMut(git::Progress));
        ask(&self.remote, &mut Watch { prompts: self.prompts, cancel: self.cancel, progress })
    }

    /// Calls `fetch` with the git program's watch, while nobody else fetches into the upstream's stores.
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
        // What a tag stands on may be here, and no commit.
        if let Some((id, kind)) = ids.iter().find_map(|id| Some((*id, store.tree_or_blob(*id)?))) {
            return Err(RemoteError::NotACommit { id, kind, commit: None }.into());
        }
        let mut wanted = lacking(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        // Also where none of them has the commits: what comes over the network is then only what differs.
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

    /// Checks whether the store has this commit, which no upstream has; the neighbours are asked, and nobody else.
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

    /// Takes everything that the neighbours have, if one of them `is_worth_it`; gives the pins that they stand on. They are
    /// a short way and nothing else: what one of them cannot give is left to the network.
    fn take_from_neighbours(&self, store: &Store, is_worth_it: impl Fn(&Store) -> bool) -> BTreeSet<Id> {
        let stores: Vec<Store> = self.neighbours.iter().filter_map(|dir| Store::open(dir).ok().flatten()).collect();
        let mut pins = BTreeSet::new();
        if !stores.iter().any(is_worth_it) {
            return pins;
        }
        // What a killed one left there would keep it from being read forever.
        let command = self.lock.command();
        let readable = stores.iter().all(|neighbour| clear_what_was_left(neighbour.dir(), command).is_ok());
        // All of them: one may borrow objects of another. With the lock, because they come as if they were fetched: killed
        // meanwhile, this is a fetch that the next one cleans up after.
        let take = || stores.iter().try_for_each(|near| store.take_from(near.dir())?.then_some(()).ok_or(NotAll));
        let all = readable && self.lock.hold(self.remote.limits(), take).is_ok_and(|taken| taken.is_ok());
        tracing::debug!(stores = ?self.neighbours, readable, all, "takes from neighbours");
        if all {
            let stand_on = stores.iter().filter_map(|neighbour| neighbour.read_ref(BASE).ok().flatten());
            pins.extend(stand_on.filter(|id| store.has(*id)));
        }
        pins
    }

    /// The store of commits at `dir` with all that leads to `ids`, fetched where one of them is not there.
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

    /// Runs `walk` through a store of commits until it has a result, at most `rounds` times, fetching in between the
    /// trees and blobs that it needs, and nothing below them.
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

    /// Runs `engine` until it has a result, fetching in between what it needs.
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
