//! Checks everything that can be checked without a store: the workspace's own files, and an upstream's files each
//! alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::patch::{self, names};
use crate::path::RepoPath;
use crate::stack::{OldPatch, Queued};
use crate::workspace::conflict::memory::{Damaged, Memory};
use crate::workspace::conflict::session::{Session, SessionError};
use crate::workspace::files::disk::{self, FileError};
use crate::workspace::files::ignore_files::{missing_attributes, missing_ignores, with_lines};
use crate::workspace::files::layout::{Layout, MANIFEST};
use crate::workspace::files::open::Workspace;
use crate::workspace::files::pins::{self, PinError};
use crate::workspace::files::queue::{Queue, QueueMistake, QueueMistakes};
use crate::workspace::files::queue_files::{Files, FilesError, LARGEST_QUEUE, count_bytes};
use crate::workspace::manifest::{Name, Upstream};
use crate::workspace::ops::verify::findings::{Finding, FindingKind, Severity};
use crate::workspace::step::publish::FileChange;

/// An ignore file.
const IGNORE: &str = ".gitignore";
/// The attributes file.
const ATTRIBUTES: &str = ".gitattributes";

/// Checks the workspace's own files; `tracked` is what its repository tracks at the top level.
///
/// # Errors
/// [`FileError`] when one cannot be read.
pub fn judge_workspace(workspace: &Workspace, tracked: &BTreeSet<Vec<u8>>) -> Result<Vec<Finding>, FileError> {
    let mut findings = Vec::new();
    for (file, _, lines) in lacking(workspace)? {
        let lacks = |line: String| Finding::error(FindingKind::Ignore, file, format!("lacks the line '{line}'"));
        findings.extend(lines.into_iter().map(|line| lacks(line).fixable()));
    }
    for upstream in &workspace.manifest.upstreams {
        if tracked.contains(upstream.name.as_str().as_bytes()) {
            let message =
                format!("'{0}' is tracked in the workspace's repository: git rm -r --cached {0}", upstream.name);
            let found = Finding::error(FindingKind::Tracked, MANIFEST, message).at(upstream.line);
            findings.push(found.of(upstream.name.as_str()));
        }
    }
    if tracked.contains(b".patchq".as_slice()) {
        let message = "patchq's own folder is tracked in the workspace's repository: git rm -r --cached .patchq";
        findings.push(Finding::error(FindingKind::Tracked, ".patchq", message));
    }
    findings.extend(judge_memories(workspace));
    findings.extend(judge_sessions(workspace)?);
    Ok(findings)
}

/// Finds sessions that cannot be continued; builds are not affected.
fn judge_sessions(workspace: &Workspace) -> Result<Vec<Finding>, FileError> {
    let (layout, mut findings) = (&workspace.layout, Vec::new());
    let mut folder = None;
    for upstream in &workspace.manifest.upstreams {
        let file = layout.session(&upstream.name);
        if let Err(error) = Session::read(layout, &upstream.name) {
            let (line, reason) = match error {
                SessionError::Content(content) => (content.line, content.reason),
                other => (None, other.to_string()),
            };
            let message = format!("{reason} (patchq refresh {} --abort gives it up)", upstream.name);
            let found = Finding::error(FindingKind::Session, shown(layout, &file), message);
            let found = Finding { line, ..found.of(upstream.name.as_str()) };
            findings.push(found.severity(Severity::Warning));
        }
        folder = file.parent().map(Path::to_owned);
    }
    let Some(folder) = folder.filter(|folder| disk::is_folder(folder).unwrap_or(false)) else { return Ok(findings) };
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .map_err(FileError::io("read the folder", &folder))?
        .filter_map(|found| found.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    for name in names.iter().filter_map(|name| name.strip_suffix(".toml")) {
        if workspace.manifest.upstream(name).is_none() {
            let file = folder.join(format!("{name}.toml"));
            let message = "no upstream has this session, so it cannot be continued";
            let found = Finding::error(FindingKind::Session, shown(layout, &file), message);
            findings.push(found.severity(Severity::Warning));
        }
    }
    Ok(findings)
}

/// Finds shared decisions that cannot be used; everything works without them.
fn judge_memories(workspace: &Workspace) -> Vec<Finding> {
    let upstreams: Vec<&Upstream> = workspace.manifest.upstreams.iter().collect();
    let mut findings = Vec::new();
    for memory in Memory::of_all(workspace, &upstreams).iter().filter(|memory| memory.shared) {
        // Only decisions that were read are known to be damaged.
        drop(memory.list());
        let warning = |found: Damaged| Finding::error(FindingKind::Resolution, found.file, found.reason);
        findings.extend(memory.damaged().into_iter().map(|found| warning(found).severity(Severity::Warning)));
    }
    findings
}

/// Returns the changes that add the missing lines of the ignore files.
///
/// # Errors
/// [`FileError`] when one cannot be read.
pub(in crate::workspace) fn ignore_changes(workspace: &Workspace) -> Result<Vec<FileChange>, FileError> {
    let change = |(file, old, lines): (&str, Option<Vec<u8>>, Vec<String>)| {
        let new = with_lines(old.as_deref().unwrap_or_default(), &lines)?;
        // Both names are valid paths for git.
        Some(FileChange { path: RepoPath::new(file).ok()?, old, new: Some(new) })
    };
    Ok(lacking(workspace)?.into_iter().filter_map(change).collect())
}

/// The ignore files with their bytes and missing lines.
type Lacking = Vec<(&'static str, Option<Vec<u8>>, Vec<String>)>;

fn lacking(workspace: &Workspace) -> Result<Lacking, FileError> {
    let layout = &workspace.layout;
    let read = |file: &str| disk::read_at_most(&layout.root().join(file), disk::LIST);
    let (ignore, attributes) = (read(IGNORE)?, read(ATTRIBUTES)?);
    let names = workspace.manifest.upstreams.iter().map(|upstream| &upstream.name);
    let ignores = missing_ignores(ignore.as_deref().unwrap_or_default(), names, layout.private_in_root());
    let kept = missing_attributes(attributes.as_deref().unwrap_or_default());
    Ok(vec![(IGNORE, ignore, ignores), (ATTRIBUTES, attributes, kept)])
}

/// Reads an upstream's files and reports all their errors together; returns no files if the errors prevent applying the
/// queue.
///
/// # Errors
/// [`FilesError`] only when the disk fails.
pub fn judge_files(layout: &Layout, name: &Name) -> Result<(Option<Files>, Vec<Finding>), FilesError> {
    let mut findings = Vec::new();
    let (pin, version) = (layout.pin(name), layout.version(name));
    let pin = match pins::read_pin(&pin, layout.shown(&pin)) {
        Ok(Some(pin)) => Some(pin),
        Ok(None) => {
            let message = format!("there is no pin: patchq add {name} --pin REV");
            findings.push(Finding::error(FindingKind::Pin, shown(layout, &pin), message));
            None
        }
        Err(error) => {
            findings.push(pin_finding(FindingKind::Pin, &shown(layout, &pin), error)?);
            None
        }
    };
    let version = match pins::read_version(&version, layout.shown(&version)) {
        Ok(version) => Some(version),
        Err(error) => {
            findings.push(pin_finding(FindingKind::Version, &shown(layout, &version), error)?);
            None
        }
    };
    let folder = layout.patches(name);
    let shown_folder = shown(layout, &folder);
    let queue = match Queue::read(&folder, layout.shown(&folder)) {
        Ok(queue) => Some(queue),
        Err(errors) => {
            findings.extend(queue_findings(&shown_folder, errors)?);
            None
        }
    };
    let (mut patches, mut sum) = (Vec::new(), 0);
    for file in queue.iter().flat_map(|queue| &queue.files) {
        match patch::parse(&file.bytes, file.strip) {
            Ok(patch) => {
                count_bytes(&mut sum, &file.bytes, &patch, LARGEST_QUEUE)?;
                patches.push(OldPatch { queued: Queued { name: file.name.clone(), patch }, bytes: file.bytes.clone() });
            }
            Err(error) => {
                let path = format!("{shown_folder}/{}", file.name);
                findings.push(Finding::error(FindingKind::Patch, path, error.kind.to_string()).at(error.line));
            }
        }
    }
    findings.extend(queue.iter().flat_map(|queue| judge_names(&shown_folder, queue)));
    let findings: Vec<Finding> = findings.into_iter().map(|finding| finding.of(name.as_str())).collect();
    let files = match (pin, version, queue) {
        (Some(pin), Some(version), Some(queue)) if patches.len() == queue.files.len() => {
            Some(Files { pin, version, queue, patches })
        }
        _ => None,
    };
    Ok((files, findings))
}

fn shown(layout: &Layout, path: &Path) -> String {
    disk::shown(layout.shown(path))
}

/// Converts an error of a pin or a version to a finding, unless the disk failed.
fn pin_finding(kind: FindingKind, file: &str, error: PinError) -> Result<Finding, FilesError> {
    if let PinError::File(FileError::Io { .. }) = error {
        return Err(error.into());
    }
    Ok(placed(kind, file, &error.to_string()))
}

/// Converts the errors of a queue's folder to findings, unless the disk failed.
fn queue_findings(folder: &str, errors: QueueMistakes) -> Result<Vec<Finding>, FilesError> {
    if errors.0.iter().any(|error| matches!(error, QueueMistake::File(FileError::Io { .. }))) {
        return Err(errors.into());
    }
    let finding = |error: &QueueMistake| {
        let file = match error {
            QueueMistake::NoFile { series, .. }
            | QueueMistake::NoEntry { series, .. }
            | QueueMistake::Line { series, .. } => series.as_str(),
            QueueMistake::Name { .. } | QueueMistake::File(_) => folder,
        };
        placed(FindingKind::Queue, file, &error.to_string())
    };
    Ok(errors.0.iter().map(finding).collect())
}

/// Returns the finding for a message that may begin with `file` and a line.
fn placed(kind: FindingKind, file: &str, text: &str) -> Finding {
    let Some(rest) = text.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')) else {
        return Finding::error(kind, file, text);
    };
    let numbered = rest.split_once(": ").and_then(|(line, message)| Some((line.parse().ok()?, message)));
    match numbered {
        Some((line, message)) => Finding::error(kind, file, message).at(line),
        None => Finding::error(kind, file, rest.trim_start()),
    }
}

/// Finds names that collide on some file system, repeated numbers, and files that were probably meant as patches.
fn judge_names(folder: &str, queue: &Queue) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut folded: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    let mut numbers: BTreeMap<u64, &str> = BTreeMap::new();
    for file in &queue.files {
        let path = format!("{folder}/{}", file.name);
        let Ok(name) = RepoPath::new(&file.name) else {
            findings.push(Finding::error(FindingKind::Name, path, "no name that git takes"));
            continue;
        };
        if let Some(other) = folded.insert(name.fold_key(), &file.name) {
            let message = format!("is one file with '{other}' where names ignore case or Unicode form");
            findings.push(Finding::error(FindingKind::Name, path, message));
            continue;
        }
        // With a series the numbers have no meaning.
        let number = names::number(file.name.as_bytes()).filter(|_| queue.series.is_none());
        if let Some(other) = number.and_then(|(number, _)| numbers.insert(number, &file.name)) {
            let message = format!("has the number of '{other}'; their order hangs on the words behind it");
            findings.push(Finding::error(FindingKind::Name, path, message).severity(Severity::Warning));
        }
    }
    for other in &queue.others {
        let lower = other.to_lowercase();
        if [".patch", ".diff", ".mbox"].iter().any(|ending| lower.ends_with(ending)) && !other.starts_with('.') {
            let message = match queue.series {
                Some(_) => "is not in the series and so not in the queue",
                None => "does not end in '.patch' and so is not in the queue",
            };
            let found = Finding::error(FindingKind::Name, format!("{folder}/{other}"), message);
            findings.push(found.severity(Severity::Warning));
        }
    }
    findings
}
