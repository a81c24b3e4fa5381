//! Selects the upstreams of a command, and prepares the work on one.

use std::collections::BTreeMap;
use std::path::Path;

use super::context::Context;
use super::failure::{CliError, Exit, shown};
use super::hint;
use crate::git::checkout::mend_index;
use crate::git::{GitProgram, Progress, Prompts, Remote};
use crate::report::FailureKind;
use crate::ui::{Message, Task};
use crate::workspace::files::lock::Holder;
use crate::workspace::manifest::Upstream;
use crate::workspace::{
    FetchLock, Fetcher, Recovered, StepContext, Stuck, UpstreamStore, Workspace, by_url, neighbours, recover,
};

impl Context {
    /// Returns the workspace of the command's folder; reports the manifest's warnings.
    pub(super) fn workspace(&self) -> Result<Workspace, CliError> {
        self.workspace_at(&self.cwd)
    }

    /// Returns the workspace of the folder `start`.
    pub(super) fn workspace_at(&self, start: &Path) -> Result<Workspace, CliError> {
        let (workspace, stuck) = self.workspace_and_stuck(start)?;
        match stuck.into_iter().find(|step| step.holds_all_up) {
            Some(step) => Err(CliError::left_behind(step.error)),
            None => Ok(workspace),
        }
    }

    /// Returns the workspace, with the stores of other users that git's `safe.directory` accepts.
    fn opened(&self, start: &Path) -> Result<Workspace, CliError> {
        let mut workspace = Workspace::open(start)?;
        workspace.layout.accept_foreign_stores(|store| self.git_unchecked().accepts_owner_of(store));
        Ok(workspace)
    }

    /// Returns the workspace of the folder `start`, and the interrupted steps that cannot be finished.
    pub(super) fn workspace_and_stuck(&self, start: &Path) -> Result<(Workspace, Vec<Stuck>), CliError> {
        let mut workspace = self.opened(start)?;
        hint::note_root(workspace.layout.root());
        let left = self.step_context(self.command(), |ctx| recover(&workspace, ctx));
        let Recovered { finished, stuck } = left.map_err(CliError::left_behind)?;
        for (name, command) in &finished {
            self.tell(&format!("{name}: finished an interrupted '{command}'"));
        }
        if !finished.is_empty() {
            workspace = self.opened(start)?;
        }
        for warning in &workspace.manifest.warnings {
            self.say(&Message::warning(super::errors::mistake(warning)));
        }
        if let Some(old) = workspace.layout.left_behind() {
            self.say(&Message::warning(format!(
                "'{}' is not used in a git repository; the stores are in its git folder",
                old.display()
            )));
        }
        Ok((workspace, stuck))
    }

    /// Reports that the manifest has no upstream, and how to add one.
    pub(super) fn say_no_upstream(&self) {
        self.say(&Message::note("there is no upstream yet").hint(hint::patchq(&["add", "NAME", "URL"])));
    }

    /// Returns the upstreams called `names`, all if there are none.
    pub(super) fn upstreams<'w>(
        &self,
        workspace: &'w Workspace,
        names: &[String],
    ) -> Result<Vec<&'w Upstream>, CliError> {
        if names.is_empty() {
            return Ok(workspace.manifest.upstreams.iter().collect());
        }
        let mut found: Vec<&Upstream> = Vec::new();
        for name in names {
            let upstream = workspace.upstream(name.trim_end_matches('/'))?;
            if !found.iter().any(|known| known.name == upstream.name) {
                found.push(upstream);
            }
        }
        Ok(found)
    }

    /// Returns the upstream's store, if it has one; an index that plain git made split or sparse is rewritten first.
    pub(super) fn upstream_store<'w>(
        &self,
        workspace: &'w Workspace,
        upstream: &'w Upstream,
    ) -> Result<Option<UpstreamStore<'w>>, CliError> {
        let upstream = UpstreamStore::open(workspace, upstream)?;
        if let Some(upstream) = &upstream {
            self.mend_index(upstream)?;
        }
        Ok(upstream)
    }

    /// Rewrites the index of `upstream`, and reports it.
    pub(super) fn mend_index(&self, upstream: &UpstreamStore<'_>) -> Result<(), CliError> {
        if mend_index(&upstream.store, self.git_unchecked()).map_err(|error| CliError::from(&error))? {
            let name = upstream.name();
            self.say(&Message::note(format!(
                "{name}: the checkout's index was split or sparse and has been made a full index"
            )));
        }
        Ok(())
    }

    /// Runs `work` with a fetcher for the store of `upstream`; `local`: the command never uses the network.
    pub(super) fn with_fetcher<T>(
        &self,
        upstream: &UpstreamStore<'_>,
        local: bool,
        prompts: Prompts,
        work: impl FnOnce(&Fetcher<'_>) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let (workspace, entry) = (upstream.workspace, upstream.entry);
        let _upstream = tracing::info_span!("upstream", name = %upstream.name()).entered();
        let task = self.progress.task(upstream.name().as_str());
        let remote = remote(self.git_unchecked(), workspace, entry, local || self.offline)?;
        let progress = |report: Progress| show(&task, &report);
        let seen = self.look.terminal_err && !self.quiet && !self.json;
        let progress = seen.then_some(&progress as &(dyn Fn(Progress) + Sync));
        let neighbours = neighbours(workspace, entry);
        let on_wait = |holder: &Holder| self.waiting(holder);
        let lock = FetchLock::new(workspace, entry, self.command(), &on_wait);
        let before = || self.step_out();
        work(&Fetcher {
            upstream,
            remote,
            neighbours,
            local,
            lock,
            cancel: self.stop(),
            progress,
            before: &before,
            prompts,
        })
    }

    /// Tries without prompts first, and again with git asking on the terminal if credentials were missing and someone
    /// can answer.
    pub(super) fn with_prompts<T>(&self, work: impl Fn(Prompts) -> Result<T, CliError>) -> Result<T, CliError> {
        match work(Prompts::Never) {
            Err(error) if error.lacks_credentials() && self.asker.can_ask() && !self.json => work(Prompts::Terminal),
            done => done,
        }
    }

    /// Runs `work` with the context of a change.
    pub(super) fn step_context<T>(&self, command: &str, work: impl FnOnce(&StepContext<'_>) -> T) -> T {
        let on_wait = |holder: &Holder| self.waiting(holder);
        let observe = |point: &str| self.passing(point);
        work(&StepContext { command, now: self.now(), on_wait: &on_wait, observe: &observe })
    }

    /// Restores the terminal if a full screen uses it.
    fn step_out(&self) {
        if crate::ui::step_out() {
            self.progress.resume();
        }
    }

    pub(super) fn waiting(&self, holder: &Holder) {
        self.step_out();
        let until = match (holder.left, self.git_unchecked().limits().stall) {
            (Some(_), Some(stall)) => format!("; it is ended after {} s without progress", stall.as_secs()),
            _ => String::new(),
        };
        self.tell(&format!("waiting for {holder}{until}"));
    }

    /// Does `work` for every upstream separately: a failure of one is reported and does not stop the others.
    pub(super) fn each<T>(
        &self,
        upstreams: &[&Upstream],
        mut work: impl FnMut(&Upstream) -> Result<(Exit, T), CliError>,
    ) -> Each<T> {
        let mut all = Each { exit: Exit::Done, results: Vec::new(), failed: None };
        for upstream in upstreams {
            match self.check_stop().and_then(|()| work(upstream)) {
                Ok((exit, result)) => {
                    all.exit = all.exit.min(exit);
                    all.results.push(result);
                }
                Err(error) => {
                    let error = error.in_upstream(upstream.name.as_str());
                    self.say(&error.message());
                    all.exit = all.exit.min(error.exit);
                    let interrupted = error.exit == Exit::Interrupted;
                    all.failed.get_or_insert(error);
                    if interrupted {
                        break;
                    }
                }
            }
        }
        all
    }

    /// Does `work` for all upstreams at once: those of one url one after the other, because they take objects from each
    /// other; the others each in its own thread. Those that lacked credentials are repeated one at a time, with git
    /// asking on the terminal. `then` gets the results in order.
    pub(super) fn each_at_once<T: Send, R>(
        &self,
        workspace: &Workspace,
        upstreams: &[&Upstream],
        work: impl Fn(&Upstream, Prompts) -> Result<T, CliError> + Sync,
        mut then: impl FnMut(&Upstream, T) -> Result<(Exit, R), CliError>,
    ) -> Each<R> {
        let (work, groups) = (&work, by_url(workspace, upstreams));
        let mut firsts: BTreeMap<String, Result<T, CliError>> = std::thread::scope(|scope| {
            let row = |group: &[&Upstream]| -> Vec<Result<T, CliError>> {
                group.iter().map(|of| work(of, Prompts::Never)).collect()
            };
            let threads: Vec<_> = groups.iter().map(|group| (group, scope.spawn(move || row(group)))).collect();
            let named = |(group, thread): (&Vec<&Upstream>, std::thread::ScopedJoinHandle<'_, Vec<_>>)| {
                let names = group.iter().map(|of| of.name.to_string());
                names.zip(thread.join().unwrap_or_default()).collect::<Vec<_>>()
            };
            threads.into_iter().flat_map(named).collect()
        });
        self.each(upstreams, |upstream| {
            let broken = || Err(CliError::plain(FailureKind::Internal, "a thread ended without a result"));
            let mut result = firsts.remove(upstream.name.as_str()).unwrap_or_else(broken);
            if result.as_ref().is_err_and(CliError::lacks_credentials) && self.asker.can_ask() && !self.json {
                result = work(upstream, Prompts::Terminal);
            }
            then(upstream, result?)
        })
    }
}

/// Returns the upstream that `patch` (`[NAME/]PATCH`, or the path of its file) names, if it names one.
pub(super) fn named_in(patch: &str) -> Option<&str> {
    let (folder, _) = patch.rsplit_once('/')?;
    folder.rsplit('/').next().filter(|name| !name.is_empty() && *name != ".")
}

/// Refuses a patch that names an upstream other than `name`.
pub(super) fn same_upstream(name: &str, patch: &str) -> Result<(), CliError> {
    match named_in(patch) {
        Some(other) if other != name => {
            let text = format!("'{}' is not a patch of '{name}'", shown(patch));
            Err(CliError::usage(text).hint(hint::patchq(&["status", name])).in_upstream(name))
        }
        _ => Ok(()),
    }
}

/// The results of several upstreams.
pub(super) struct Each<T> {
    /// The first code that occurs of 130, 2, 1, 3, 4.
    pub(super) exit: Exit,
    /// The results of those that succeeded.
    pub(super) results: Vec<T>,
    /// The first failure.
    pub(super) failed: Option<CliError>,
}

/// Returns the remote of an upstream.
pub(super) fn remote<'g>(
    git: &'g GitProgram,
    workspace: &Workspace,
    upstream: &Upstream,
    offline: bool,
) -> Result<Remote<'g>, CliError> {
    let root = workspace.layout.root();
    let urls = std::iter::once(&upstream.url).chain(&upstream.mirrors);
    let urls = urls
        .map(|url| url.for_git(root).map_err(|error| CliError::of(FailureKind::Manifest, &error)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Remote::new(git, urls, offline))
}

fn show(task: &Task, report: &Progress) {
    task.set(&report.what, report.done, report.total.unwrap_or(0));
    if let Some(bytes) = report.bytes {
        task.received(bytes);
    }
}
