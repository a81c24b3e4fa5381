//! Reaches an upstream over the network: its refs, commits and blobs. All network access goes through this module.
//!
//! The requests follow from what git can do: one request brings any number of pins without blobs, a second one brings
//! exactly the blobs that are needed. If a server allows less, less is requested.

mod error;
mod fetch;
mod refs;
mod resolve;
mod tags;

use std::ffi::OsStr;

pub use error::{Failure, Reason, RemoteError};
pub use fetch::{Fetched, History};
pub use refs::{Look, Refs, RemoteRef, stored_tags, tag_on};
pub use resolve::{Resolved, glob_matches};
pub use tags::tag_order;

use super::program::{GitProgram, Output, ProgramError, Run, Watch};
use super::url::{Url, UrlKind};
use super::{GitError, Store, clear_left_fetch_locks};
use crate::process::{Limits, sees_work};

/// The name of the remote in our runs. All its settings are passed with each run: the store's `origin` is for plain git
/// in the checkout, and the user may have settings for every `origin`.
const NAME: &str = "patchq";

/// Which objects may be left out of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Blobs,
    BlobsAndTrees,
    Nothing,
}

impl Filter {
    fn option(self) -> &'static str {
        match self {
            Filter::Blobs => "--filter=blob:none",
            Filter::BlobsAndTrees => "--filter=tree:0",
            Filter::Nothing => "--no-filter",
        }
    }
}

/// An upstream: its url, its mirrors, and the git program to reach them with.
#[derive(Debug)]
pub struct Remote<'a> {
    git: &'a GitProgram,
    urls: Vec<Url>,
    offline: bool,
}

/// The result of asking one url.
enum Attempt {
    /// The error is final for all urls.
    Stop(RemoteError),
    /// The next url may succeed.
    Next(Reason, Vec<String>),
}

impl From<ProgramError> for Attempt {
    fn from(error: ProgramError) -> Attempt {
        match error {
            ProgramError::Failed { lines, .. } => Attempt::Next(Reason::of(&lines), lines),
            ProgramError::Stalled { after, .. } => Attempt::Next(Reason::Stalled(after), Vec::new()),
            ProgramError::TooLong { after, .. } => Attempt::Next(Reason::TooLong(after), Vec::new()),
            other => Attempt::Stop(RemoteError::Program(other)),
        }
    }
}

impl From<GitError> for Attempt {
    fn from(error: GitError) -> Attempt {
        Attempt::Stop(RemoteError::Git(error))
    }
}

impl From<RemoteError> for Attempt {
    fn from(error: RemoteError) -> Attempt {
        match error {
            // The failure of one url in another request.
            RemoteError::Failed { mut failures, .. } if failures.len() == 1 => {
                let failure = failures.remove(0);
                Attempt::Next(failure.reason, failure.lines)
            }
            other => Attempt::Stop(other),
        }
    }
}

impl<'a> Remote<'a> {
    /// Makes a remote. `urls` is the url followed by its mirrors, in the order in which they are tried. `offline`:
    /// every request returns [`RemoteError::Offline`].
    #[must_use]
    pub fn new(git: &'a GitProgram, urls: Vec<Url>, offline: bool) -> Remote<'a> {
        Remote { git, urls, offline }
    }

    /// Returns the git program that is used.
    #[must_use]
    pub const fn program(&self) -> &'a GitProgram {
        self.git
    }

    /// Returns the url and its mirrors.
    #[must_use]
    pub fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// Returns the time limits.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.git.limits()
    }

    /// Checks whether the network must not be used.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Writes the url, without the user of an http url, as the store's `origin`. Plain git in the checkout uses it to
    /// fetch what a sparse and filtered store lacks.
    ///
    /// # Errors
    /// [`GitError`] when the store's settings cannot be written.
    pub fn store_url(&self, store: &Store) -> Result<(), GitError> {
        let Some(url) = self.urls.first().map(Url::stored) else { return Ok(()) };
        let failed = || GitError::lib("cannot write the upstream's url into the store");
        let mut config = store.repo().config().and_then(|c| c.open_level(git2::ConfigLevel::Local)).map_err(failed())?;
        if config.get_string("remote.origin.url").is_ok_and(|found| found == url) {
            return Ok(());
        }
        config.set_str("remote.origin.url", &url).map_err(failed())
    }

    /// Asks one url after the other until one succeeds; returns its index in [`Remote::urls`] too. `what` completes
    /// "cannot …".
    fn each<T>(&self, what: &str, mut ask: impl FnMut(&Url) -> Result<T, Attempt>) -> Result<(T, usize), RemoteError> {
        if self.offline {
            return Err(RemoteError::Offline { what: what.to_owned() });
        }
        let mut failures = Vec::new();
        for (place, url) in self.urls.iter().enumerate() {
            match ask(url) {
                Ok(value) => return Ok((value, place)),
                Err(Attempt::Stop(error)) => return Err(error),
                Err(Attempt::Next(reason, lines)) => {
                    tracing::info!(url = url.shown(), ?reason, ?lines, "cannot {what}");
                    failures.push(Failure { url: url.shown().to_owned(), reason, lines });
                }
            }
        }
        Err(RemoteError::Failed { what: what.to_owned(), failures })
    }

    /// Runs `git fetch` from one url. `how` holds the filter, extra settings and options; `specs` are ids and refspecs.
    fn fetch(
        &self,
        store: &Store,
        url: &Url,
        how: (Filter, &[&str], &[&str]),
        specs: &[String],
        watch: &mut Watch<'_>,
    ) -> Result<Output, ProgramError> {
        let (filter, settings, options) = how;
        // If nothing else can see whether data arrives, git must report progress.
        let told = watch.progress.is_some() || (self.limits().stall.is_some() && !sees_work());
        let progress = if told { "--progress" } else { "--no-progress" };
        let mut args = vec![
            "fetch",
            progress,
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--no-write-commit-graph",
            "--jobs=1",
            "--refmap=",
            filter.option(),
        ];
        args.extend(options);
        args.extend(["--stdin", NAME]);
        let mut stdin = specs.join("\n").into_bytes();
        stdin.push(b'\n');
        let _fetch =
            tracing::info_span!("fetch", url = url.shown(), filter = filter.option(), wanted = specs.len()).entered();
        let before = tracing::enabled!(tracing::Level::INFO).then(|| store.pack_bytes());
        let fetched = self.run(store, url, settings, &args, stdin, watch);
        if let Some(before) = before {
            let bytes = store.pack_bytes().saturating_sub(before);
            tracing::info!(ok = fetched.is_ok(), bytes, "the store has grown");
        }
        if matches!(fetched, Err(ProgramError::Stalled { .. } | ProgramError::TooLong { .. })) {
            // The next url is asked at once, and a git that was killed has left its locks. If a lock cannot be removed,
            // the next run fails and reports it.
            let _ = clear_left_fetch_locks(store.dir());
        }
        fetched
    }

    /// Runs git once against one url, which is the value of a setting and never an argument.
    fn run(
        &self,
        store: &Store,
        url: &Url,
        settings: &[&str],
        args: &[&str],
        stdin: Vec<u8>,
        watch: &mut Watch<'_>,
    ) -> Result<Output, ProgramError> {
        let mut all = vec![
            format!("remote.{NAME}.url={}", url.for_git()),
            // Both must be set before a filtered fetch. Otherwise git writes them into the store and changes its format
            // version.
            format!("remote.{NAME}.promisor=true"),
            format!("remote.{NAME}.partialclonefilter=blob:none"),
        ];
        if url.kind() == UrlKind::File || url.kind() == UrlKind::Path {
            // A repository on this machine is served by a git of ours, which by default allows neither.
            all.push(format!(
                "remote.{NAME}.uploadpack=git -c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true \
                 upload-pack"
            ));
        }
        all.extend(settings.iter().map(|setting| (*setting).to_owned()));
        let args: Vec<_> = args.iter().map(OsStr::new).collect();
        self.git.transfer(Run { git_dir: store.dir(), settings: &all, args: &args, stdin }, watch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstreams_can_be_asked_from_threads() {
        fn can_be_shared<T: Send + Sync>() {}
        fn can_move<T: Send>() {}
        can_be_shared::<Remote<'_>>();
        can_move::<Store>();
        can_move::<RemoteError>();
    }
}
