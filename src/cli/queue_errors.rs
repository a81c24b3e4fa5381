//! Turns errors of an upstream's queue into messages with hints.

use super::errors::{queue_change, some, unreadable_hints, with_submodules, work_list};
use super::failure::CliError;
use super::hint;
use crate::git::checkout::{Attachment, Reason};
use crate::path::printable;
use crate::report::FailureKind;
use crate::ui::count;
use crate::workspace::files::digest::QueueChange;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::ops::undo::UndoError;
use crate::workspace::{
    EffectError, FetchError, FilesError, LastCopy, NewCommit, QueueError, ResolvePinError, RewriteError, SideError,
    StepError, TargetError, is_exact,
};

impl CliError {
    /// Converts an error of the queue of the upstream `name`.
    pub(super) fn queue(name: &str, error: QueueError) -> CliError {
        let made = match error {
            QueueError::Files(FilesError::NoPin { .. }) => {
                CliError::from_files(error).hint(hint::patchq(&["add", name, "--pin", "REV"]))
            }
            QueueError::Files(error) => error.into(),
            QueueError::Fetcher(FetchError::Missing(_)) => missing(name, &error),
            QueueError::Fetcher(error) => error.into(),
            QueueError::Step(error) => return CliError::step(name, error),
            QueueError::Side(error) => return CliError::side(name, error),
            QueueError::Apply { ref patch, ref failure, .. } => CliError::plain(
                FailureKind::Apply,
                format!("{patch}: does not apply: {}: {}", failure.path, failure.reason),
            )
            .at(format!("patches/{name}/{patch}"), Some(failure.line))
            .caused_by(format!("patches/{name}/{patch}:{}", failure.line))
            .hint("fix the patch file, or the pin it was made on"),
        };
        made.in_upstream(name)
    }

    /// Converts an error of a step of the upstream `name`.
    pub(super) fn step(name: &str, error: StepError) -> CliError {
        let made = match error {
            StepError::Follow(EffectError::Missing(_)) => missing(name, &error),
            StepError::Git(error) => error.into(),
            StepError::Checkout(error) => error.into(),
            StepError::Follow(EffectError::Obstacles(ref found))
                if found.iter().any(|at| at.reason == Reason::Staged) =>
            {
                // A staged change is neither in a commit nor in the working tree, so it cannot be kept here.
                let text = found.iter().map(|at| format!("{}: {}", at.path, at.reason)).collect::<Vec<_>>().join("\n");
                CliError::plain(FailureKind::Dirty, format!("these paths in the checkout are in the way:\n{text}"))
                    .hint(hint::noted(hint::git_in(name, &["add", "--all"]), "stages what the files are now"))
                    .hint(hint::noted(hint::git_in(name, &["reset"]), "unstages, and leaves the files as they are"))
            }
            StepError::Follow(EffectError::Obstacles(ref found))
                if found.iter().any(|at| matches!(at.reason, Reason::NotOurs { .. })) =>
            {
                let what = found.iter().find_map(|at| match &at.reason {
                    Reason::NotOurs { found } => Some(found.clone()),
                    _ => None,
                });
                CliError::not_a_checkout(name, &what.unwrap_or(Attachment::Plain))
            }
            StepError::Follow(error) => error.into(),
            StepError::Lock(error) => error.into(),
            StepError::Publish(error) => error.into(),
        };
        made.in_upstream(name)
    }

    /// Converts a refusal of the side that a command would take.
    pub(super) fn side(name: &str, error: SideError) -> CliError {
        let made = match error {
            SideError::Dirty(ref work) => {
                let made = CliError::plain(FailureKind::Dirty, format!("{error}:\n{}", work_list(work)))
                    .hint(hint::save(name));
                with_submodules(made, name, work)
            }
            SideError::Commits(ref commits) => {
                let text = match commits.len() {
                    0 => "the checkout's commits lack patches that are in the files".to_owned(),
                    n => format!(
                        "the checkout has {} not exported yet:\n{}",
                        count(n, "commit", "commits"),
                        commit_list("", commits)
                    ),
                };
                CliError::plain(FailureKind::Unexported, text).hint(hint::patchq(&["export", name]))
            }
            SideError::Diverged { ref files, ref commits } => both_changed(name, files, commits),
            SideError::LastCopy(ref patches) => last_copies(name, patches),
            SideError::Unreadable(ref why) => {
                CliError::plain(FailureKind::Unreadable, why.to_string()).hints(unreadable_hints(name, why))
            }
            SideError::ChangedMeanwhile => CliError::of(FailureKind::Changed, &error),
        };
        made.in_upstream(name)
    }

    /// Converts an error of asking the upstream `name` for a commit.
    pub(super) fn look_up(name: &str, error: ResolvePinError) -> CliError {
        match error {
            ResolvePinError::Fetcher(error) => return CliError::queue(name, error.into()),
            ResolvePinError::Rev(_) => CliError::usage(error.to_string()),
            ResolvePinError::NoTrack(_) => CliError::of(FailureKind::Revision, &error),
            ResolvePinError::NoDefaultBranch | ResolvePinError::DefaultBranch(_) => {
                CliError::of(FailureKind::Revision, &error).hint("choose what to follow: --track BRANCH")
            }
        }
        .in_upstream(name)
    }

    /// Converts an error of finding the target of the upstream `name`.
    pub(super) fn target(name: &str, error: TargetError) -> CliError {
        match error {
            TargetError::LookUp(error) => return CliError::look_up(name, error),
            TargetError::NoTrack => CliError::of(FailureKind::Track, &error)
                .at(MANIFEST, None)
                .hint(hint::noted(
                    hint::patchq(&["refresh", name, "--track", "TRACK"]),
                    "a branch, a tag, a glob over tags to follow",
                ))
                .hint(hint::patchq(&["refresh", name, "--to", "REV", "--once"])),
            TargetError::Outside { ref rev, .. } => CliError::usage(error.to_string())
                .hint(hint::noted(hint::patchq(&["refresh", name, "--to", rev, "--once"]), "the track stays as it is"))
                .hint(hint::noted(
                    hint::patchq(&["refresh", name, "--to", rev, "--track", "NEW"]),
                    "follows NEW from now on",
                )),
            TargetError::Older(ref back) => {
                let to = back.to.version.clone().filter(|version| is_exact(version, back.to.id));
                let to = to.unwrap_or_else(|| back.to.id.to_string());
                CliError::of(FailureKind::Older, &error).hint(hint::patchq(&[
                    "refresh",
                    name,
                    "--to",
                    &to,
                    "--allow-older",
                ]))
            }
        }
        .in_upstream(name)
    }

    /// Converts an error of finishing what a killed command left; it names its upstream itself.
    pub(super) fn left_behind(error: StepError) -> CliError {
        match error {
            StepError::Publish(error) => error.into(),
            StepError::Follow(error) => error.into(),
            StepError::Lock(error) => error.into(),
            StepError::Git(error) => error.into(),
            error @ StepError::Checkout(_) => CliError::of(FailureKind::Files, &error),
        }
    }

    fn from_files(error: QueueError) -> CliError {
        match error {
            QueueError::Files(error) => error.into(),
            other => CliError::of(FailureKind::Files, &other),
        }
    }

    /// Converts an error of turning commits into files, for the upstream `name`.
    pub(super) fn rewrite(name: &str, error: RewriteError) -> CliError {
        match error {
            RewriteError::Queue(error) => CliError::queue(name, error),
            RewriteError::EmptyCommit { .. } => CliError::of(FailureKind::Empty, &error)
                .hint(hint::noted(hint::git_in(name, &["rebase", "-i", "refs/patchq/base"]), "to drop it"))
                .in_upstream(name),
            RewriteError::Series(_) => {
                CliError::of(FailureKind::Series, &error).at(format!("patches/{name}/series"), None).in_upstream(name)
            }
            RewriteError::NotFaithful { .. } => CliError::of(FailureKind::Internal, &error).in_upstream(name),
        }
    }

    /// Converts an error of undo.
    pub(super) fn undo(name: &str, error: UndoError) -> CliError {
        match error {
            UndoError::Step(error) => CliError::step(name, error),
            UndoError::Unreadable(why) => CliError::side(name, why.into()),
            UndoError::Session { .. } => CliError::of(FailureKind::Session, &error)
                .hints(hint::ways(name, ["continues the refresh", "abandons the refresh"]))
                .in_upstream(name),
            UndoError::Damaged { .. } => CliError::of(FailureKind::Undo, &error).in_upstream(name),
            UndoError::Nothing => CliError::of(FailureKind::Undo, &error).in_upstream(name),
            UndoError::Changed { command, why } => {
                let text = format!("'{command}' cannot be undone:\n{}", why.join("\n"));
                CliError::plain(FailureKind::Undo, text).hint("save, export or restore these first").in_upstream(name)
            }
        }
    }
}

/// Returns the error for contents that the store lacks and that could not be fetched.
fn missing(name: &str, error: &dyn std::error::Error) -> CliError {
    CliError::of(FailureKind::Offline, error)
        .hint(hint::noted(hint::patchq(&["setup", "--only", name]), "fetches what is missing"))
}

/// Returns the error for changed files and commits, with three hints.
fn both_changed(name: &str, files: &[QueueChange], commits: &[NewCommit]) -> CliError {
    CliError::plain(FailureKind::Diverged, diverged(files, commits))
        .hint(hint::patchq(&["export", "--merge", name]))
        .hint(hint::noted(hint::patchq(&["export", "--replace", name]), "keeps the commits, discards the file changes"))
        .hint(hint::noted(
            hint::patchq(&["setup", "--discard", "--only", name]),
            "keeps the files, discards the commits",
        ))
}

/// Returns the error for patch files that are gone and are in no commit of the workspace, so that the checkout has the
/// last copy.
fn last_copies(name: &str, patches: &[LastCopy]) -> CliError {
    let of = |patch: &LastCopy| {
        let how = if patch.went_back { "has an old content again" } else { "is gone" };
        format!("patches/{name}/{} {how}     (commit {})", patch.file, patch.commit.short(8))
    };
    let list = some(patches.iter().map(of), patches.len());
    CliError::plain(FailureKind::LastCopy, format!("only the checkout still has these saved patches:\n{list}"))
        .hint(hint::noted(hint::patchq(&["export", "--replace", name]), "restores the files"))
        .hint(hint::noted(hint::patchq(&["setup", "--discard", name]), "discards the commits"))
}

fn diverged(files: &[QueueChange], commits: &[NewCommit]) -> String {
    let files = some(files.iter().map(|change| format!("file    {}", queue_change(change))), files.len());
    let commits = commit_list("commit  ", commits);
    format!("patch files and checkout have diverged:\n{files}\n{commits}")
}

/// Lists commits that are in no patch file; if there are none, some were dropped.
fn commit_list(word: &str, commits: &[NewCommit]) -> String {
    if commits.is_empty() {
        return format!("{word}patches of the files were dropped");
    }
    let line = |made: &NewCommit| format!("{word}{}  {}", made.id.short(8), printable(&made.subject));
    some(commits.iter().map(line), commits.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Id;
    use crate::ui::Look;
    use crate::workspace::manifest::Track;
    use crate::workspace::{Backward, Place, Why};

    fn said(error: TargetError) -> (u8, String) {
        let error = CliError::target("up", error);
        (error.exit.code(), error.message().render(&Look::plain()))
    }

    #[test]
    fn a_target_that_is_refused_names_the_ways_out() {
        assert_eq!(
            said(TargetError::NoTrack),
            (
                1,
                "error: up: it has no track, so there is no newest commit to move to\n\
                 hint: patchq refresh up --track TRACK     (a branch, a tag, a glob over tags to follow)\n\
                 hint: patchq refresh up --to REV --once\n"
                    .to_owned()
            )
        );
        let outside = TargetError::Outside { rev: "v2.0".to_owned(), track: Some(Track::Ref("main".to_owned())) };
        assert_eq!(
            said(outside),
            (
                2,
                "error: up: 'v2.0' is outside of the track 'main'\n\
                 hint: patchq refresh up --to v2.0 --once     (the track stays as it is)\n\
                 hint: patchq refresh up --to v2.0 --track NEW     (follows NEW from now on)\n"
                    .to_owned()
            )
        );
        let place = |byte, version: &str| Place { id: Id::from_raw([byte; 20]), version: Some(version.to_owned()) };
        let (from, to) = (place(1, "v1.1"), place(2, "v1.0"));
        assert_eq!(
            said(TargetError::Older(Backward { from, to, why: Why::Version })),
            (
                1,
                "error: up: v1.0 (020202020202) is older than v1.1 (010101010101), the queue's pin\n\
                 hint: patchq refresh up --to v1.0 --allow-older\n"
                    .to_owned()
            )
        );
        // A version that is not a tag's name cannot be used as a revision.
        let (from, to) = (place(1, "v1.1"), place(2, "v1.0-3-g02020202"));
        let (_, text) = said(TargetError::Older(Backward { from, to, why: Why::Ancestor }));
        assert!(text.contains("the queue's pin: it is in its history\n"), "{text}");
        assert!(text.contains(&format!("hint: patchq refresh up --to {} --allow-older\n", "02".repeat(20))), "{text}");
    }
}
