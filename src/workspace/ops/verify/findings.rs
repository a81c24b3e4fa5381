//! What a check finds, as data.

use serde::Serialize;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The workspace is not in order.
    Error,
    /// It works, and somebody should look.
    Warning,
    /// Something could not be judged.
    Note,
}

/// What a check looked at. The words are those of `docs/json.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The pin is missing, is no full id, or no commit of upstream's.
    Pin,
    /// The version is missing, malformed, or belongs to another pin.
    Version,
    /// The queue's folder or its series is not in order.
    Queue,
    /// The name of a patch file.
    Name,
    /// A patch file cannot be read.
    Patch,
    /// A patch does not apply on its pin.
    Apply,
    /// A hunk applies at another line than it says.
    Offset,
    /// A patch changes nothing.
    Empty,
    /// A path that the manifest names is not there.
    Path,
    /// `export` would write the file again.
    Rewrite,
    /// The checkout has commits that are in no patch file.
    Unexported,
    /// A patch file is not in canonical form.
    Form,
    /// `.gitignore` or `.gitattributes` lack a line.
    Ignore,
    /// A file stands where a remembered decision should be.
    Resolution,
    /// A refresh that waits for decisions cannot be gone on with.
    Session,
    /// The workspace's repository tracks what is patchq's own.
    Tracked,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The upstream; none for the workspace's own files.
    pub upstream: Option<String>,
    /// The file, from the workspace's root, printable.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// How much it matters.
    pub severity: Severity,
    /// What was looked at.
    pub kind: FindingKind,
    /// What was found, for people.
    pub message: String,
    /// Whether `verify --fix` puts it right.
    pub fixable: bool,
}

impl Finding {
    /// An error in `file` that only a person can put right.
    pub(in crate::workspace) fn error(
        kind: FindingKind,
        file: impl Into<String>,
        message: impl Into<String>,
    ) -> Finding {
        Finding {
            upstream: None,
            file: file.into(),
            line: None,
            severity: Severity::Error,
            kind,
            message: message.into(),
            fixable: false,
        }
    }

    pub(in crate::workspace) fn severity(self, severity: Severity) -> Finding {
        Finding { severity, ..self }
    }

    pub(in crate::workspace) fn at(self, line: usize) -> Finding {
        Finding { line: Some(line), ..self }
    }

    pub(in crate::workspace) fn fixable(self) -> Finding {
        Finding { fixable: true, ..self }
    }

    pub(in crate::workspace) fn of(self, upstream: &str) -> Finding {
        Finding { upstream: Some(upstream.to_owned()), ..self }
    }
}
