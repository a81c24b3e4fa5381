//! What the engine lacks, fetched: the one loop between the engine and the network.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use crate::git::{self, GitError, Id, Objects, Prompts, Remote, RemoteError, Store, Watch};
use crate::stack::Lazy;

/// So often the engine may ask before it is taken for broken. One round is ordinary, two happen with renames.
const ROUNDS: usize = 4;

/// Where missing objects come from.
pub struct Supply<'a> {
    /// The upstream.
    pub remote: Remote<'a>,
    /// Set by whoever wants the run to end.
    pub cancel: &'a AtomicBool,
    /// Called with git's progress reports; `None` where nobody sees them, which saves a server's telling them.
    pub progress: Option<&'a (dyn Fn(git::Progress) + Sync)>,
    /// Whether git may ask for credentials.
    pub prompts: Prompts,
}

/// Why something missing did not come.
#[derive(Debug, thiserror::Error)]
pub enum SupplyError {
    /// The network, or the wish not to use it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The store.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The engine asks again and again.
    #[error("the engine asks for objects without end: {0} more after {ROUNDS} rounds (please report this)")]
    NoEnd(usize),
}

impl Supply<'_> {
    /// Calls `ask` with the git program's watch.
    pub fn with_watch<T>(&self, ask: impl FnOnce(&Remote<'_>, &mut Watch<'_>) -> T) -> T {
        let mut show = self.progress.map(|progress| move |report| progress(report));
        let progress = show.as_mut().map(|show| show as &mut dyn FnMut(git::Progress));
        ask(&self.remote, &mut Watch { prompts: self.prompts, cancel: self.cancel, progress })
    }

    /// Makes sure that the store has these commits and their trees.
    ///
    /// # Errors
    /// [`SupplyError`].
    pub fn commits(&self, store: &Store, ids: &[Id], within: &[String]) -> Result<(), SupplyError> {
        let lacking: Vec<Id> = ids.iter().copied().filter(|id| !store.has(*id)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        self.with_watch(|remote, watch| remote.fetch_commits(store, &lacking, within, watch))?;
        Ok(())
    }

    /// Makes sure that the store has these blobs.
    ///
    /// # Errors
    /// [`SupplyError`].
    pub fn blobs(&self, store: &Store, ids: &BTreeSet<Id>) -> Result<(), SupplyError> {
        let lacking: BTreeSet<Id> = ids.iter().copied().filter(|id| !store.has(*id)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        self.with_watch(|remote, watch| remote.fetch_blobs(store, &lacking, watch))?;
        Ok(())
    }

    /// Runs `engine` until it has a result, fetching in between what it needs.
    ///
    /// # Errors
    /// [`SupplyError`].
    pub fn run<T>(
        &self,
        objects: &mut Objects<'_>,
        mut engine: impl FnMut(&mut Objects<'_>) -> Result<Lazy<T>, GitError>,
    ) -> Result<T, SupplyError> {
        let mut lacking = 0;
        for _ in 0..ROUNDS {
            match engine(objects)? {
                Lazy::Done(result) => return Ok(result),
                Lazy::Need(ids) => {
                    lacking = ids.len();
                    self.blobs(objects.store(), &ids)?;
                }
            }
        }
        Err(SupplyError::NoEnd(lacking))
    }
}
