//! An upstream of a workspace as in a command: its store, and the sources of missing objects.

#![allow(dead_code, clippy::unwrap_used, reason = "every test binary uses a part of it")]

use std::path::Path;
use std::sync::atomic::AtomicBool;

use patchq::git::{GitProgram, Prompts, Remote, Url};
use patchq::workspace::{FetchLock, Fetcher, UpstreamStore, Workspace};

static NEVER: AtomicBool = AtomicBool::new(false);

/// Runs `run` with the upstream `up` of the workspace `ws`; `url` replaces the manifest's.
pub(crate) fn with_upstream<T>(
    git: &GitProgram,
    ws: &Path,
    (offline, url): (bool, Option<&str>),
    run: impl FnOnce(&Fetcher<'_>) -> T,
) -> T {
    let workspace = Workspace::open(ws).unwrap();
    let upstream = workspace.upstream("up").unwrap();
    let store = UpstreamStore::make(&workspace, upstream).unwrap();
    let url = Url::parse(url.unwrap_or(upstream.url.as_str()), ws).unwrap();
    let remote = Remote::new(git, vec![url], offline);
    let lock = FetchLock::new(&workspace, upstream, "test", &|_| {});
    let (cancel, prompts, neighbours) = (&NEVER, Prompts::Never, Vec::new());
    let fetcher = Fetcher {
        upstream: &store,
        remote,
        local: false,
        lock,
        cancel,
        progress: None,
        before: &|| {},
        prompts,
        neighbours,
    };
    run(&fetcher)
}
