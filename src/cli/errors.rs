//! Turns the library's errors into messages: the sentence, the place, and the hint.

use std::ffi::OsStr;
use std::path::Path;

use super::context::interrupted;
use super::failure::{CliError, Exit};
use super::hint;
use crate::git::checkout::{Attachment, CheckoutError, Reason, WorkChange};
use crate::git::{GitError, ProgramError, RemoteError};
use crate::patch::ParseErrorKind;
use crate::path::printable;
use crate::report::FailureKind;
use crate::ui::Excerpt;
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::layout::{FindError, MANIFEST, Scope};
use crate::workspace::files::lock::{Holder, LockError};
use crate::workspace::manifest::{ManifestErrors, Mistake};
use crate::workspace::step::publish::PublishError;
use crate::workspace::{EffectError, FetchError, FilesError, OpenError, UnknownUpstream};

/// How many items of a list are named.
const NAMED: usize = 10;

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> CliError {
        match &error {
            OpenError::Find(FindError::None(_)) => CliError::of(FailureKind::Workspace, &error)
                .hint(hint::noted(hint::patchq(&["init"]), "makes a workspace here"))
                .hint("run the command in your workspace, or use -C DIR"),
            OpenError::Manifest(errors) => CliError::from(errors),
            OpenError::Program(error) => CliError::from(error),
            _ => CliError::of(FailureKind::Workspace, &error),
        }
    }
}

impl From<&ManifestErrors> for CliError {
    fn from(errors: &ManifestErrors) -> CliError {
        let Some(first) = errors.0.first() else {
            return CliError::plain(FailureKind::Manifest, "the manifest has errors");
        };
        let excerpt = |mistake: &Mistake| Excerpt {
            file: mistake.file.clone(),
            line: mistake.line,
            text: mistake.text.clone(),
            marked: Some(mistake.marked.clone()),
        };
        let made = CliError::plain(FailureKind::Manifest, first.to_string()).excerpt(excerpt(first));
        errors.0[1..].iter().fold(made, |made, mistake| made.also(mistake.to_string(), excerpt(mistake)))
    }
}

/// Formats a warning about the manifest as a line.
pub(super) fn mistake(mistake: &Mistake) -> String {
    mistake.to_string()
}

impl From<UnknownUpstream> for CliError {
    fn from(error: UnknownUpstream) -> CliError {
        let hint =
            error.nearest.as_ref().map_or_else(|| hint::patchq(&["status"]), |near| format!("use the name '{near}'"));
        CliError::of(FailureKind::Usage, &error).exit(Exit::Usage).hint(hint)
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> CliError {
        let made = CliError::of(FailureKind::Store, &error);
        match &error {
            GitError::ForeignStore { dir } => made
                .hint(hint::git_here(
                    &["config", "--global", "--add", "safe.directory"]
                        .map(OsStr::new)
                        .into_iter()
                        .chain([dir.as_os_str()])
                        .collect::<Vec<_>>(),
                ))
                .hint("or run as the user who owns it"),
            _ => made,
        }
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> CliError {
        if let LockError::Left(error @ GitError::ForeignStore { .. }) = error {
            return error.into();
        }
        let made = CliError::of(FailureKind::Locked, &error);
        match &error {
            LockError::Held { holder: Holder { left: Some(git), .. }, .. } => {
                let group = if crate::process::leads_group(*git) { "-- -" } else { "" };
                made.hint(format!("kill {group}{git}")).hint("or wait until it ends, and run the command again")
            }
            LockError::Held { .. } => made.hint("wait until it ends, and run the command again"),
            _ => made,
        }
    }
}

impl From<RemoteError> for CliError {
    fn from(error: RemoteError) -> CliError {
        match &error {
            RemoteError::Program(ProgramError::Cancelled) => interrupted(),
            RemoteError::Program(error) => CliError::from(error),
            RemoteError::Git(error) => CliError::of(FailureKind::Store, error),
            RemoteError::Offline { .. } => CliError::of(FailureKind::Offline, &error).hint("run the command again without --offline"),
            RemoteError::Failed { .. } if error.lacks_credentials() => CliError::of(FailureKind::Credentials, &error)
                .hint("set up a credential helper or an ssh key, so that `git ls-remote URL` works"),
            RemoteError::Failed { .. } if error.timed_out() => CliError::of(FailureKind::Timeout, &error)
                .hint(format!("run the command again; if it keeps failing, use another of the 'mirrors' in {MANIFEST}"))
                .hint("to wait longer, set PATCHQ_STALL_TIMEOUT=300 or PATCHQ_FETCH_TIMEOUT=7200 (in seconds, 0: no limit)"),
            RemoteError::Failed { .. } if error.found_a_lock() => CliError::of(FailureKind::Locked, &error)
                .hint("run the command again when no other git process uses the store; locks of a killed one are removed then"),
            RemoteError::Failed { .. } => CliError::of(FailureKind::Network, &error)
                .hint(format!("check 'url' and 'mirrors' in {MANIFEST}, and the network")),
            RemoteError::Ambiguous { .. } => {
                CliError::of(FailureKind::Revision, &error).hint("give one of these in full, or with more digits")
            }
            RemoteError::NoSuchRev { .. } => {
                CliError::of(FailureKind::Revision, &error).hint("git ls-remote URL     (lists the branches and tags)")
            }
            _ => CliError::of(FailureKind::Revision, &error),
        }
    }
}

impl From<FetchError> for CliError {
    fn from(error: FetchError) -> CliError {
        match error {
            FetchError::Remote(error) => error.into(),
            FetchError::Git(error) => error.into(),
            FetchError::Lock(error) => error.into(),
            FetchError::Missing(_) => CliError::of(FailureKind::Offline, &error),
            FetchError::TooManyRounds(_) => CliError::of(FailureKind::Internal, &error),
        }
    }
}

impl From<CheckoutError> for CliError {
    fn from(error: CheckoutError) -> CliError {
        let made = CliError::of(FailureKind::Checkout, &error);
        match &error {
            CheckoutError::Locked { path } => made.hint(hint::noted(hint::remove(path), "if no git process uses it")),
            CheckoutError::IndexForm { .. } => {
                made.hint("git update-index --no-split-index").hint("git sparse-checkout reapply --no-sparse-index")
            }
            _ => made,
        }
    }
}

impl From<EffectError> for CliError {
    fn from(error: EffectError) -> CliError {
        match error {
            EffectError::Checkout(error) => error.into(),
            EffectError::Git(error) => error.into(),
            EffectError::Obstacles(ref found) if found.iter().all(|at| is_unfit(&at.reason)) => {
                CliError::plain(FailureKind::Checkout, error.to_string())
                    .hint(format!("leave them out of the checkout with 'sparse' in {MANIFEST}"))
            }
            EffectError::Obstacles(_) => CliError::plain(FailureKind::Dirty, error.to_string())
                .hint("move or save these files, and run the command again"),
            other => CliError::of(FailureKind::Store, &other),
        }
    }
}

impl From<PublishError> for CliError {
    fn from(error: PublishError) -> CliError {
        let made = CliError::of(FailureKind::Files, &error);
        match &error {
            PublishError::Stopped { key, .. } => made
                .hint(hint::noted(
                    hint::patchq(&["status"]),
                    "finishes the step, once the files have one of the two contents again",
                ))
                .hint(hint::noted(undo_of(key), "undoes the step, and leaves these files as they are")),
            PublishError::Follow { key, .. } => made
                .hint(hint::noted(hint::patchq(&["status"]), "finishes the step, as every command does first"))
                .hint(hint::noted(undo_of(key), "undoes the step")),
            PublishError::Back { key, .. } => made.hint(hint::noted(undo_of(key), "tries again")),
            PublishError::Journal { key, file, .. } => made
                .at(file.clone(), None)
                .hint(hint::noted(undo_of(key), "sets the record aside; files and checkout stay as they are")),
            PublishError::InTheWay { .. } => made.hint("run the command again"),
            _ => made,
        }
    }
}

impl From<FilesError> for CliError {
    fn from(error: FilesError) -> CliError {
        CliError::from(&error)
    }
}

/// Checks whether the line that was found is a context line, and is in the file itself (a mail may have been decoded
/// first).
fn is_context(line: &str, found: &str) -> bool {
    line.starts_with(' ') && printable(line.as_bytes()).starts_with(found.trim_end_matches('…'))
}

/// Returns the upstream whose queue a patch file of the workspace belongs to.
fn queue_of(file: &Path) -> Option<&str> {
    let folder = file.parent()?.strip_prefix("patches").ok()?;
    folder.to_str().filter(|name| !name.is_empty())
}

impl From<&FilesError> for CliError {
    fn from(error: &FilesError) -> CliError {
        match error {
            FilesError::Patch { file, error: parse, text } => {
                let queue = queue_of(file);
                let delete = format!("sed -i {}d '{}'", parse.line, file.display());
                let (file, line) = (file.display().to_string(), parse.line);
                let excerpt = Excerpt { file, line, text: text.clone(), marked: None };
                let made = CliError::plain(FailureKind::Patch, error.to_string()).excerpt(excerpt);
                match (&parse.kind, queue) {
                    (ParseErrorKind::SeveralMails, Some(name)) => {
                        made.hint(format!("mv patches/{name} {name}.mails && patchq import {name} {name}.mails"))
                    }
                    // Tools that apply patches drop such a line too. About a line that adds or removes something a
                    // person must decide.
                    (ParseErrorKind::HunkTooLong(found), _)
                        if is_context(text, found) && delete.matches('\'').count() == 2 =>
                    {
                        made.hint("the hunk has one context line too many, which 'git am' ignores; to remove it:")
                            .hint(delete)
                    }
                    _ => made,
                }
            }
            FilesError::NoPin { file } => CliError::of(FailureKind::Pin, error).at(file.display().to_string(), None),
            FilesError::Pin(_) => CliError::of(FailureKind::Pin, error),
            FilesError::Queue(_) | FilesError::TooMuch { .. } => CliError::plain(FailureKind::Queue, error.to_string()),
        }
    }
}

impl CliError {
    /// Returns the error for something else at the path of the checkout of the upstream `name`.
    pub(super) fn not_a_checkout(name: &str, found: &Attachment) -> CliError {
        let what = match found {
            Attachment::Symlink => "a symlink, which patchq does not follow".to_owned(),
            Attachment::Repository => "a git repository itself".to_owned(),
            Attachment::Elsewhere { target } => format!("a checkout of another store ({})", target.display()),
            Attachment::NotAFolder => "not a folder".to_owned(),
            _ => "a folder with other files".to_owned(),
        };
        CliError::plain(
            FailureKind::Checkout,
            format!("'{name}' exists and is not this upstream's checkout: it is {what}"),
        )
        .at(name, None)
        .hint(format!("{} && {}", hint::aside(name), hint::patchq(&["setup", "--only", name])))
    }
}

/// Returns the command that reverts the interrupted step of `key`.
fn undo_of(key: &str) -> String {
    let name = (key != Scope::Workspace.key()).then_some(key);
    hint::patchq(&std::iter::once("undo").chain(name).collect::<Vec<_>>())
}

/// Checks whether something in the commit itself cannot be in a checkout, whatever the checkout contains.
fn is_unfit(reason: &Reason) -> bool {
    matches!(reason, Reason::Unwritable { .. } | Reason::UnsafePath { .. } | Reason::Collides { .. })
}

/// The ways out of a checkout whose commits are not queue.
pub(super) fn unreadable_hints(name: &str, why: &crate::workspace::Unreadable) -> Vec<String> {
    use crate::workspace::Unreadable;
    match why {
        Unreadable::HandedOver => {
            hint::ways(name, ["takes the result from the checkout", "restores the checkout"]).into()
        }
        Unreadable::OtherBranch(_) | Unreadable::Detached(_) => vec![hint::git_in(name, &["switch", "patchq"])],
        Unreadable::Operation(operation) => hint::operation(name, operation).into(),
        Unreadable::Merge(_) => vec![hint::git_in(name, &["rebase", "refs/patchq/base"])],
        Unreadable::NotOnPin(_) => {
            vec![hint::git_in(name, &["rebase", "--onto", "refs/patchq/base", "UPSTREAM", "patchq"])]
        }
    }
}

/// Adds a hint about moved submodules, which may only have been left behind when the commits moved.
pub(super) fn with_submodules(error: CliError, name: &str, work: &[WorkChange]) -> CliError {
    match work.iter().any(|change| change.kind == crate::git::checkout::ChangeKind::Submodule) {
        true => {
            let update = hint::git_in(name, &["submodule", "update"]);
            error.hint(hint::noted(update, "updates submodules to the recorded commits"))
        }
        false => error,
    }
}

/// Formats uncommitted changes as lines.
pub(super) fn work_list(work: &[WorkChange]) -> String {
    use crate::git::checkout::ChangeKind;
    let word = |kind: ChangeKind| match kind {
        ChangeKind::Untracked => "new",
        kind => kind.word(),
    };
    let lines = work.iter().map(|change| format!("{:<10} {}", word(change.kind), change.path));
    some(lines, work.len())
}

/// Describes a change of the files.
pub(super) fn queue_change(change: &QueueChange) -> String {
    match change {
        QueueChange::Pin => "the pin".to_owned(),
        QueueChange::Version => "the version".to_owned(),
        QueueChange::Series => "series".to_owned(),
        QueueChange::Added(name) => format!("{name} (new)"),
        QueueChange::Removed(name) => format!("{name} (gone)"),
        QueueChange::Changed(name) => format!("{name} (changed)"),
    }
}

pub(super) fn some(lines: impl Iterator<Item = String>, all: usize) -> String {
    let mut lines: Vec<String> = lines.take(NAMED).collect();
    if all > NAMED {
        lines.push(format!("and {} more", all - NAMED));
    }
    lines.join("\n")
}
