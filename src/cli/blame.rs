//! Finds the upstream commits behind conflicts, for reports: one request for all conflicts.

use std::collections::BTreeMap;
use std::ops::Range;

use super::context::Context;
use super::failure::{CliError, shown};
use crate::git::{Forge, Id, Signature};
use crate::path::RepoPath;
use crate::report::{ConflictReport, UpstreamCommit};
use crate::stack::{Conflict, Hunk, Rebased};
use crate::workspace::{
    self, BlameResult, Changer, Fetcher, PathChanges, PinLines, Question, Workspace, upstream_lines,
};

/// The commits that changed lines in conflict.
pub(super) struct Blame {
    paths: Vec<PathChanges>,
    forge: Option<Forge>,
    /// Where lines of the new stack so far are on the pin.
    pin_lines: PinLines,
    /// The lines on the pin that were searched.
    asked: BTreeMap<RepoPath, Vec<Range<u32>>>,
    /// Why the commits are unknown, if the upstream could not be asked.
    pub(super) skipped: Option<String>,
}

impl Blame {
    /// Finds the commits between `old` and `new` that touched the lines in conflict; if the upstream cannot be asked,
    /// that is reported and there are no commits.
    pub(super) fn ask(
        context: &Context,
        fetcher: &Fetcher<'_>,
        pins: (Id, Id),
        rebased: &Rebased,
        pin_lines: &PinLines,
    ) -> Result<Blame, CliError> {
        let files = rebased.patches.iter().flat_map(|patch| &patch.files);
        let blame = Blame::of(fetcher, pins, files.filter_map(|file| file.conflict.as_ref()), pin_lines)?;
        if let Some(why) = &blame.skipped {
            context.tell(&format!("{}: the report does not list upstream commits: {why}", fetcher.upstream.name()));
        }
        Ok(blame)
    }

    /// Does the same for some conflicts, without messages.
    pub(super) fn of<'c>(
        fetcher: &Fetcher<'_>,
        (old, new): (Id, Id),
        conflicts: impl Iterator<Item = &'c Conflict>,
        pin_lines: &PinLines,
    ) -> Result<Blame, CliError> {
        let upstream = fetcher.upstream;
        let mut lines: BTreeMap<RepoPath, Vec<Range<u32>>> = BTreeMap::new();
        for conflict in conflicts {
            let on_pin = upstream_lines(conflict).map(|lines| pin_lines.on_pin(&conflict.path, lines));
            lines.entry(conflict.path.clone()).or_default().extend(on_pin);
        }
        let questions: Vec<Question> = lines.into_iter().collect();
        let mut blame = Blame {
            paths: Vec::new(),
            forge: forge(upstream.workspace, upstream.name().as_str()),
            pin_lines: pin_lines.clone(),
            asked: questions.iter().cloned().collect(),
            skipped: None,
        };
        if !questions.is_empty() {
            match workspace::blame(fetcher, old, new, &questions)? {
                BlameResult::Found(paths) => blame.paths = paths,
                BlameResult::Skipped(why) => blame.skipped = Some(why.to_string()),
            }
        }
        Ok(blame)
    }

    /// Checks whether the search covered all lines of a conflict, at their present places.
    pub(super) fn knows(&self, conflict: &Conflict, pin_lines: &PinLines) -> bool {
        let Some(asked) = self.asked.get(&conflict.path) else { return false };
        upstream_lines(conflict).all(|lines| {
            let now = pin_lines.on_pin(&conflict.path, lines.clone());
            asked.contains(&now) && self.pin_lines.on_pin(&conflict.path, lines) == now
        })
    }

    /// Returns the web page with all changes between two commits.
    pub(super) fn compare(&self, old: Id, new: Id) -> Option<String> {
        Some(self.forge.as_ref()?.compare(old, new))
    }

    /// Returns the commits that touched the hunk with the index `n` of a conflict; `None`: the path.
    pub(super) fn of_report(&self, conflict: &ConflictReport, n: Option<usize>) -> Vec<UpstreamCommit> {
        let hunk = n.and_then(|n| conflict.hunks.get(n));
        self.of_lines(&conflict.path.0, hunk.map(|hunk| range(hunk.upstream.start, hunk.upstream.lines.len())))
    }

    /// Returns the commits that touched the lines of a hunk; `None`: the path.
    pub(super) fn of_hunk(&self, conflict: &Conflict, hunk: Option<&Hunk>) -> Vec<UpstreamCommit> {
        self.of_lines(conflict.path.as_bytes(), hunk.map(|hunk| hunk.upstream.range()))
    }

    fn of_lines(&self, path: &[u8], lines: Option<Range<u32>>) -> Vec<UpstreamCommit> {
        let Some(path) = self.paths.iter().find(|known| known.path.as_bytes() == path) else { return Vec::new() };
        let lines = lines.map(|lines| self.pin_lines.on_pin(&path.path, lines));
        let touched = |commit: &&Changer| lines.as_ref().is_none_or(|lines| commit.touched.contains(lines));
        path.commits.iter().filter(touched).map(|commit| self.shown(commit)).collect()
    }

    fn shown(&self, commit: &Changer) -> UpstreamCommit {
        UpstreamCommit {
            id: commit.id.short(12),
            date: day(&commit.author),
            subject: shown(&commit.subject),
            link: self.forge.as_ref().map(|forge| forge.commit(commit.id)),
        }
    }
}

/// Returns the web pages of the upstream called `name`, if its url belongs to a known forge.
pub(super) fn forge(workspace: &Workspace, name: &str) -> Option<Forge> {
    let upstream = workspace.manifest.upstream(name)?;
    Forge::of(&upstream.url.for_git(workspace.layout.root()).ok()?)
}

/// Returns the day of a signature in its own time zone, YYYY-MM-DD; empty for a time beyond the calendar.
pub(super) fn day(signature: &Signature) -> String {
    let seconds = signature.seconds.saturating_add(i64::from(signature.offset) * 60);
    let time = jiff::Timestamp::from_second(seconds).map(|time| time.strftime("%Y-%m-%d").to_string());
    time.unwrap_or_default()
}

/// Returns lines counted from 0, for lines that a side counts from 1.
fn range(start: usize, count: usize) -> Range<u32> {
    let line = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    line(start.saturating_sub(1))..line(start.saturating_sub(1) + count)
}
