//! A failure as data.

use std::fmt;

use serde::Serialize;

use super::Bytes;

/// What kind of failure it is: one word of `docs/json.md`, which scripts can rely on while messages change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Kind(&'static str);

impl Kind {
    /// `word` as it stands in the documentation: lower case, parts joined by `-`.
    #[must_use]
    pub const fn new(word: &'static str) -> Kind {
        Kind(word)
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Why something was not done. Every key is always there; what is not known is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What kind of failure it is.
    pub kind: Kind,
    /// The message and its causes in one line, as on the screen, joined by `: `.
    pub message: String,
    /// The file that is to blame, as the maintainer would name it.
    pub file: Option<Bytes>,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The way out; several hints are joined by a line feed.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of which no place and no way out are known.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), file: None, line: None, hint: None }
    }
}
