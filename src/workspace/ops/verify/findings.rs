//! The data of findings.

use serde::Serialize;

/// The importance of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The workspace has an error.
    Error,
    /// It works, but a person should check it.
    Warning,
    /// Something could not be checked.
    Note,
}

/// The subject of a check. The names are those of `docs/json.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// The pin is missing, not a full id, or not a commit of upstream.
    Pin,
    /// The version is missing, malformed, or belongs to another pin.
    Version,
    /// The queue's folder or its series has an error.
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
    /// A path in the manifest does not exist.
    Path,
    /// `export` would rewrite the file.
    Rewrite,
    /// The checkout has commits that are in no patch file.
    Unexported,
    /// A patch file is not in canonical form.
    Form,
    /// `.gitignore` or `.gitattributes` lack a line.
    Ignore,
    /// A file is in the place of a remembered decision but is not one.
    Resolution,
    /// A session cannot be continued.
    Session,
    /// The workspace's repository tracks files that belong to patchq.
    Tracked,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The upstream; `None` for the workspace's own files.
    pub upstream: Option<String>,
    /// The file, from the workspace's root, printable.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// Its importance.
    pub severity: Severity,
    /// Its subject.
    pub kind: FindingKind,
    /// The message for people.
    pub message: String,
    /// Whether `verify --fix` repairs it.
    pub fixable: bool,
}

impl Finding {
    /// Makes an error in `file` that only a person can repair.
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
