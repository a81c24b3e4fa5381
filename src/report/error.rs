//! The data of a failure.

use serde::Serialize;

use super::Bytes;

/// The kind of a failure: a name in `docs/json.md` that scripts can rely on while messages change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The command line is wrong (exit 2).
    Usage,
    /// Ctrl-C or a signal (exit 130).
    Interrupted,
    /// There is no workspace here, or its repository cannot be read.
    Workspace,
    /// `upstreams.toml` has an error.
    Manifest,
    /// An upstream has no pin, or its file has no commit id.
    Pin,
    /// The pin has no version, or it belongs to another pin.
    Version,
    /// A tag template has no result, or two templates give the same reference.
    Tag,
    /// An image has an error: its Dockerfile, a base, an argument, or images that need each other.
    Image,
    /// There is no builder that works, or it failed.
    Builder,
    /// An external base image cannot be had.
    Base,
    /// An image was not built.
    Build,
    /// The queue's folder or its `series` has an error.
    Queue,
    /// The `series` file cannot be changed.
    Series,
    /// A patch file cannot be read.
    Patch,
    /// A patch does not apply on its pin.
    Apply,
    /// Changes conflict (exit 3).
    Conflicts,
    /// The checkout has uncommitted changes.
    Dirty,
    /// Commits of the checkout are in no patch file.
    Unexported,
    /// Patch files and checkout both changed.
    Diverged,
    /// Patch files that patchq wrote are gone, and only the checkout has their changes.
    LastCopy,
    /// The patch files are newer than the checkout.
    FilesNewer,
    /// The checkout's commits are not a queue: another branch, a git operation in progress, a merge.
    Unreadable,
    /// The checkout was set up without its queue.
    Pristine,
    /// There is no checkout, or it cannot be read or written.
    Checkout,
    /// The patch files changed while the command ran.
    Changed,
    /// A commit changes nothing, or no patch would be left.
    Empty,
    /// There is nothing to save.
    Nothing,
    /// Many or large new files, which need `--all`.
    Many,
    /// A patch cannot express the change.
    Unusable,
    /// Git does not know who you are.
    Identity,
    /// There is nothing to undo, or files have changed since.
    Undo,
    /// The upstream cannot be reached, or does not answer the request.
    Network,
    /// The upstream sent nothing for too long, or took too long.
    Timeout,
    /// The upstream needs credentials.
    Credentials,
    /// The network is needed, but `--offline` forbids it or the command never uses it.
    Offline,
    /// The upstream has no such commit, branch or tag, or several.
    Revision,
    /// No track is set.
    Track,
    /// The target is older than the pin.
    Older,
    /// The conflict in the checkout is not resolved (exit 3), or could not be put there or taken back.
    HandedOver,
    /// One of patchq's variables has an invalid value.
    Environment,
    /// The git program is missing, too old, or failed.
    Git,
    /// Another patchq process is running.
    Locked,
    /// The store of an upstream cannot be read or written.
    Store,
    /// Files of the workspace cannot be written.
    Files,
    /// An input or output error.
    Io,
    /// A step of the demo failed.
    Demo,
    /// A session is open, or cannot be used.
    Session,
    /// No session is open.
    NoSession,
    /// Writing to standard output failed.
    Output,
    /// An error in patchq itself; report it.
    Internal,
    /// `add`: the upstream already has a pin.
    Pinned,
    /// `import`, `add --like`: the upstream already has patches.
    HasPatches,
    /// `refresh --report`: the existing file is not a report.
    Report,
}

impl FailureKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [FailureKind; 53] = [
        FailureKind::Usage,
        FailureKind::Interrupted,
        FailureKind::Workspace,
        FailureKind::Manifest,
        FailureKind::Pin,
        FailureKind::Version,
        FailureKind::Tag,
        FailureKind::Image,
        FailureKind::Builder,
        FailureKind::Base,
        FailureKind::Build,
        FailureKind::Queue,
        FailureKind::Series,
        FailureKind::Patch,
        FailureKind::Apply,
        FailureKind::Conflicts,
        FailureKind::Dirty,
        FailureKind::Unexported,
        FailureKind::Diverged,
        FailureKind::LastCopy,
        FailureKind::FilesNewer,
        FailureKind::Unreadable,
        FailureKind::Pristine,
        FailureKind::Checkout,
        FailureKind::Changed,
        FailureKind::Empty,
        FailureKind::Nothing,
        FailureKind::Many,
        FailureKind::Unusable,
        FailureKind::Identity,
        FailureKind::Undo,
        FailureKind::Network,
        FailureKind::Timeout,
        FailureKind::Credentials,
        FailureKind::Offline,
        FailureKind::Revision,
        FailureKind::Track,
        FailureKind::Older,
        FailureKind::HandedOver,
        FailureKind::Environment,
        FailureKind::Git,
        FailureKind::Locked,
        FailureKind::Store,
        FailureKind::Files,
        FailureKind::Io,
        FailureKind::Demo,
        FailureKind::Session,
        FailureKind::NoSession,
        FailureKind::Output,
        FailureKind::Internal,
        FailureKind::Pinned,
        FailureKind::HasPatches,
        FailureKind::Report,
    ];
}

/// Why something was not done. Every key is always there; unknown values are `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// The message and its causes in one line, as on the screen, joined by `: `.
    pub message: String,
    /// The file with the error, as the maintainer would name it.
    pub file: Option<Bytes>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The hint; several hints are joined by a line feed.
    pub hint: Option<String>,
}

impl Failure {
    /// Makes a failure without a place and without a hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), file: None, line: None, hint: None }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::FailureKind;

    #[test]
    fn the_documentation_has_every_kind_and_no_other() {
        let page = include_str!("../../docs/json.md");
        let rows = page.lines().skip_while(|line| !line.starts_with("| `usage` |")).take_while(|line| !line.is_empty());
        let first = rows.filter_map(|row| row.split('|').nth(1));
        let documented: BTreeSet<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
        let words = FailureKind::ALL.map(|kind| serde_json::to_string(&kind).unwrap_or_default());
        let kinds: BTreeSet<&str> = words.iter().map(|word| word.trim_matches('"')).collect();
        assert_eq!(documented, kinds);
    }
}
