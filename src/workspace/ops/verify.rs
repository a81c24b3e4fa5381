//! Checks an upstream's queue on its pin.

pub mod files;
pub mod findings;
pub mod fix;

use super::apply::stack_of;
use super::error::QueueError;
use super::named_paths::{AbsentPath, absent_paths};
use super::verify::findings::{Finding, FindingKind, Severity};
use crate::git::{GitError, Id, Objects, Reason, RemoteError};
use crate::patch::{self, HeaderForm};
use crate::stack::{self, Applied, Item, Lazy, OldPatch, Origin, PatchMatch};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::files::queue_files::Files;
use crate::workspace::step::error::StepError;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};
use crate::workspace::upstream::sides::{SyncState, SyncStatus};
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::synced::Synced;
use crate::workspace::upstream::version::VersionState;

/// Requirements in addition to a queue that applies.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions {
    /// A hunk that applies at another place is an error.
    pub strict: bool,
    /// Every patch file has the form that patchq writes.
    pub canonical: bool,
}

/// Checks the queue of `files` on its pin, and the files around it. Findings are added to `findings`, also if an error
/// then prevents further checks.
///
/// # Errors
/// [`QueueError`]: the network, the store or the disk failed.
pub fn judge_queue(
    fetcher: &Fetcher<'_>,
    files: &Files,
    demands: VerifyOptions,
    findings: &mut Vec<Finding>,
) -> Result<(), QueueError> {
    let upstream = fetcher.upstream;
    let mut found = |more: Vec<Finding>| findings.extend(more.into_iter().map(|one| one.of(upstream.name().as_str())));
    let mut objects = Objects::new(&upstream.store)?;
    let record = Synced::read(&mut objects)?;
    found(judge_version(upstream, files, record.as_ref()).into_iter().collect());
    let applied = match stack_of(fetcher, &mut objects, files, false) {
        Ok(applied) => applied,
        Err(error) => {
            found(vec![pin_finding(upstream, files.pin, error)?]);
            return Ok(());
        }
    };
    found(judge_applied(upstream, files, &applied, demands));
    if applied.failure.is_none() {
        found(judge_paths(upstream, &absent_paths(&mut objects, upstream.entry, &applied.stack)?));
    }
    found(judge_export(fetcher, &mut objects, files, &applied)?);
    if demands.canonical {
        found(judge_form(fetcher, &mut objects, files, &applied)?);
    }
    let state = SyncState::read(upstream, &mut objects, files)?;
    found(judge_checkout(upstream, &state).into_iter().collect());
    Ok(())
}

fn judge_version(upstream: &UpstreamStore<'_>, files: &Files, record: Option<&Synced>) -> Option<Finding> {
    let file = upstream.workspace.layout.version(upstream.name());
    let file = upstream.workspace.layout.shown(&file).display().to_string();
    let version = files.version.as_deref();
    let message = match VersionState::of(upstream.entry, files.pin, version, record) {
        VersionState::Overridden | VersionState::Current => return None,
        VersionState::Missing => "there is no version of the pin".to_owned(),
        VersionState::Stale(taken_for) => {
            let taken_for = taken_for.map_or_else(|| "another commit".to_owned(), |id| id.short(8));
            format!("stale: it was taken for {taken_for}, and the pin is {}", files.pin.short(8))
        }
        VersionState::Unknown => {
            let message = "this clone does not know whether the version belongs to the pin";
            return Some(Finding::error(FindingKind::Version, file, message).at(1).severity(Severity::Note));
        }
    };
    let found = Finding::error(FindingKind::Version, file, message).fixable();
    Some(if version.is_some() { found.at(1) } else { found })
}

/// Returns a finding for a pin that upstream does not have, or that is not a commit; other errors prevent the check.
fn pin_finding(upstream: &UpstreamStore<'_>, pin: Id, error: QueueError) -> Result<Finding, QueueError> {
    let message = match &error {
        QueueError::Fetcher(FetchError::Remote(error @ RemoteError::NotACommit { .. })) => error.to_string(),
        QueueError::Fetcher(FetchError::Remote(RemoteError::Failed { failures, .. }))
            if !failures.is_empty() && failures.iter().all(|failure| failure.reason == Reason::NoObject) =>
        {
            format!("upstream has no commit {pin}")
        }
        QueueError::Step(StepError::Git(GitError::Damaged { id, .. })) if *id == pin => {
            format!("{pin} is not a commit")
        }
        _ => return Err(error),
    };
    let file = upstream.workspace.layout.pin(upstream.name());
    let file = upstream.workspace.layout.shown(&file).display().to_string();
    Ok(Finding::error(FindingKind::Pin, file, message).at(1))
}

/// Returns findings for paths that may exist in another release but not here: builds of other releases are not
/// affected.
fn judge_paths(upstream: &UpstreamStore<'_>, absent: &[AbsentPath]) -> Vec<Finding> {
    let finding = |at: &AbsentPath| Finding::error(FindingKind::Path, MANIFEST, at.to_string()).at(upstream.entry.line);
    absent.iter().map(|at| finding(at).severity(Severity::Warning)).collect()
}

/// Returns the path of a patch file for messages.
fn path(upstream: &UpstreamStore<'_>, name: &str) -> String {
    format!("patches/{}/{name}", upstream.name())
}

fn judge_applied(
    upstream: &UpstreamStore<'_>,
    files: &Files,
    applied: &Applied,
    demands: VerifyOptions,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let severity = if demands.strict { Severity::Error } else { Severity::Warning };
    for (n, moved) in &applied.moved {
        let lines = if moved.by.abs() == 1 { "line" } else { "lines" };
        let way = if moved.by < 0 { "higher up" } else { "further down" };
        let message =
            format!("hunk {} of {} applies {} {lines} {way} than it says", moved.hunk, moved.path, moved.by.abs());
        let found = Finding::error(FindingKind::Offset, path(upstream, &files.patches[*n].queued.name), message);
        findings.push(found.at(moved.line).severity(severity).fixable());
    }
    for item in applied.stack.items.iter().filter(|item| item.before == item.after) {
        findings.push(Finding::error(FindingKind::Empty, path(upstream, &item.name), "changes nothing on its pin"));
    }
    if let Some((n, failure)) = &applied.failure {
        let later = files.patches.len() - n - 1;
        let later = match later {
            0 => String::new(),
            1 => " (the patch after it was not tried)".to_owned(),
            many => format!(" (the {many} patches after it were not tried)"),
        };
        let message = format!("does not apply: {}: {}{later}", failure.path, failure.reason);
        let found = Finding::error(FindingKind::Apply, path(upstream, &files.patches[*n].queued.name), message);
        findings.push(found.at(failure.line));
    }
    findings
}

/// Finds files that `export` would rewrite from the stack that the files themselves give.
fn judge_export(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    applied: &Applied,
) -> Result<Vec<Finding>, QueueError> {
    let upstream = fetcher.upstream;
    let items = &applied.stack.items;
    let ids: Vec<Id> = items.iter().map(|item| item.commit).collect();
    let sure = items.iter().map(|item| (item.commit, item.name.clone())).collect();
    let belongs = PatchMatch { sure, ..PatchMatch::default() };
    let old = files.patches.get(..items.len()).unwrap_or_default();
    let exported = fetcher.run(objects, |objects| stack::export(objects, &applied.stack.base, &ids, old, &belongs))?;
    let rewritten = exported
        .iter()
        .zip(items)
        .filter(|(exported, item)| exported.origin != Origin::Kept || exported.name.as_ref() != Some(&item.name));
    let finding =
        |name: &str| Finding::error(FindingKind::Rewrite, path(upstream, name), "'export' would write it differently");
    Ok(rewritten.map(|(_, item)| finding(&item.name)).collect())
}

fn judge_form(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
    applied: &Applied,
) -> Result<Vec<Finding>, QueueError> {
    let upstream = fetcher.upstream;
    let mut findings = Vec::new();
    for (item, old) in applied.stack.items.iter().zip(&files.patches) {
        let wanted = canonical(fetcher, objects, item)?;
        if wanted == old.bytes {
            continue;
        }
        let (line, message) = form_message(old, &wanted);
        findings.push(Finding::error(FindingKind::Form, path(upstream, &item.name), message).at(line).fixable());
    }
    Ok(findings)
}

/// Returns the first difference between a file's form and the form that patchq writes, in words, and its line.
fn form_message(old: &OldPatch, wanted: &[u8]) -> (usize, &'static str) {
    let header = &old.queued.patch.header;
    match header.form {
        HeaderForm::None => return (1, "has no header, so 'git am' does not accept it"),
        HeaderForm::Text | HeaderForm::Dep3 => return (1, "its header is not a mail, so 'git am' does not accept it"),
        HeaderForm::Mail => {}
    }
    if header.author.is_none() {
        return (1, "names no author");
    }
    if header.subject.is_empty() {
        return (1, "has no subject");
    }
    let lines = |bytes: &[u8]| bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (is, should) = (lines(&old.bytes), lines(wanted));
    let same = is.iter().zip(&should).take_while(|(is, should)| is == should).count();
    (same + 1, "is not in the form that patchq writes, from this line on")
}

/// Returns the canonical bytes of a patch of the stack.
///
/// # Errors
/// [`QueueError`] when an object is not available.
pub(in crate::workspace) fn canonical(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    item: &Item,
) -> Result<Vec<u8>, QueueError> {
    let header = stack::header_of(Some(&item.name), &objects.commit(item.commit)?);
    let files = diffs(fetcher, objects, item)?;
    Ok(patch::print(&patch::Patch { header, files, preamble_len: 0 }).bytes)
}

/// Returns the changes of a patch of the stack, as a diff of its trees.
///
/// # Errors
/// As [`canonical`].
pub(in crate::workspace) fn diffs(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    item: &Item,
) -> Result<Vec<patch::FileDiff>, QueueError> {
    Ok(fetcher
        .run(objects, |objects| -> Result<Lazy<_>, GitError> { stack::file_diffs(objects, item.before, item.after) })?)
}

/// Finds commits that the next clone would not get.
fn judge_checkout(upstream: &UpstreamStore<'_>, state: &SyncState) -> Option<Finding> {
    let name = upstream.name().to_string();
    let message = match state.cell() {
        Ok(SyncStatus::CommitsNewer) => format!("its commits differ from the patch files: patchq export {name}"),
        Ok(SyncStatus::Diverged) => format!("commits and patch files have diverged: patchq export --merge {name}"),
        _ => return None,
    };
    Some(Finding::error(FindingKind::Unexported, name, message).severity(Severity::Warning))
}
