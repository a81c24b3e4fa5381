//! An upstream across the network: its refs, its commits, its blobs. The only interface to the network there is.
//!
//! What is fetched, and how, follows from what git can do: any number of pins come in one request without blobs, then
//! exactly the blobs that are needed come in another. Servers that allow less get asked for less.

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

/// The name of the remote in our own runs. Its settings are all given with each run: the `origin` of a store is
/// for the plain git that a maintainer uses in the checkout, and a user may have settings for every `origin`.
const NAME: &str = "patchq";

/// What may be left out of a transfer.
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

/// What came of asking one url.
enum Attempt {
    /// No other url can do better.
    Stop(RemoteError),
    /// The next url may do better.
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
            // What one url said by way of another question.
            RemoteError::Failed { mut failures, .. } if failures.len() == 1 => {
                let failure = failures.remove(0);
                Attempt::Next(failure.reason, failure.lines)
            }
            other => Attempt::Stop(other),
        }
    }
}

impl<'a> Remote<'a> {
    /// `urls` is the url and then its mirrors, in the order in which they are tried. `offline`: every request is
    /// [`RemoteError::Offline`].
    #[must_use]
    pub fn new(git: &'a GitProgram, urls: Vec<Url>, offline: bool) -> Remote<'a> {
        Remote { git, urls, offline }
    }

    /// The git program that asks it.
    #[must_use]
    pub const fn program(&self) -> &'a GitProgram {
        self.git
    }

    /// The url and its mirrors.
    #[must_use]
    pub fn urls(&self) -> &[Url] {
        &self.urls
    }

    /// How long one waits for it.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.git.limits()
    }

    /// Checks whether the network is not to be used.
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.offline
    }

    /// Writes the url, without the user of an http url, as the store's `origin`, where plain git in the checkout
    /// looks for what a sparse and filtered store lacks.
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

    /// Asks one url after the other until one of them serves; gives back its place in [`Remote::urls`] too.
    /// `what` completes "cannot …".
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

    /// `git fetch` from one url; `how` is what may be left out, settings on top of ours, and options; `specs` are ids
    /// and refspecs.
    fn fetch(
        &self,
        store: &Store,
        url: &Url,
        how: (Filter, &[&str], &[&str]),
        specs: &[String],
        watch: &mut Watch<'_>,
    ) -> Result<Output, ProgramError> {
        let (filter, settings, options) = how;
        // Where nobody else can see whether something comes, git is to say so.
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
            // The next url is asked at once; a git that had to be killed has left what it locked.
            // What cannot be cleared keeps it from writing, and it says so.
            let _ = clear_left_fetch_locks(store.dir());
        }
        fetched
    }

    /// One run of git against one url, which is the value of a setting and never an argument.
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
            // Both must be set before a filtered fetch, or git writes them into the store and moves its format on.
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
