//! The errors in a manifest, with their places and excerpts.

use std::fmt;
use std::ops::Range;

use super::name::BadName;
use super::track::BadTrack;
use super::url::BadUpstreamUrl;
use crate::image::{ArgError, TagError};
use crate::path::{BadPath, printable};

/// One error (or warning) in a manifest, with its place. `Display` is the one-line message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The manifest's path for messages, printable.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub fault: Fault,
    /// The whole line, printable, `***` for what may be a password.
    pub text: String,
    /// The marked part of it, in bytes of `text`.
    pub marked: Range<usize>,
}

/// All errors of a manifest, at least one, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestErrors(pub Vec<Mistake>);

impl std::error::Error for Mistake {}
impl std::error::Error for ManifestErrors {}

/// What is wrong at a place of a manifest. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that are not UTF-8.
    #[error("the manifest is not UTF-8 text")]
    NotUtf8,
    /// Invalid TOML.
    #[error("{0}")]
    Syntax(String),
    /// An unknown key.
    #[error("unknown key '{key}' {place}; {expected}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Its place, in words.
        place: String,
        /// The nearest known key, or all of them.
        expected: String,
    },
    /// A header whose name has a dot and no quotes.
    #[error("the name '{0}' has a dot and must be quoted: [upstream.\"{0}\"]")]
    UnquotedName(String),
    /// A value of another type.
    #[error("'{key}' is {found}; expected {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// The type of the value, in words.
        found: &'static str,
        /// The expected type, in words.
        expected: &'static str,
    },
    /// A required key is missing.
    #[error("{place} has no '{key}'; expected {expected}")]
    Missing {
        /// The table, in words.
        place: String,
        /// The key.
        key: &'static str,
        /// The expected value, in words.
        expected: &'static str,
    },
    /// A name that is not valid for an upstream.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A path that leaves the upstream's tree.
    #[error("'{key}': {source}; expected a path inside the upstream's tree, such as \"components/common\"")]
    Path {
        /// The key.
        key: String,
        /// What is wrong with the path.
        source: BadPath,
    },
    /// A url that git must not be given.
    #[error("'{key}': {source}")]
    Url {
        /// The key.
        key: String,
        /// What is wrong with the url.
        source: BadUpstreamUrl,
    },
    /// A track that is not valid.
    #[error("'track': {0}")]
    Track(#[from] BadTrack),
    /// A tag or version that no registry accepts.
    #[error("'{key}': {source}")]
    Template {
        /// The key.
        key: String,
        /// What is wrong with the tag.
        source: TagError,
    },
    /// The value of a build argument or a label is not valid.
    #[error("'{key}.{name}': {source}")]
    Arg {
        /// The key.
        key: &'static str,
        /// The argument or label.
        name: String,
        /// What is wrong with its value.
        source: ArgError,
    },
    /// A value that does not fit its key.
    #[error("'{key}': '{value}' {reason}")]
    Value {
        /// The key.
        key: String,
        /// The value.
        value: String,
        /// What is wrong and what is expected, in words.
        reason: String,
    },
    /// A repeated value.
    #[error("'{key}' has '{value}' twice")]
    Twice {
        /// The key.
        key: String,
        /// The value.
        value: String,
    },
    /// A warning: the way to the upstream is not protected.
    #[error("'{key}': '{url}' is fetched without encryption, so it can be changed on the way (use https)")]
    Unprotected {
        /// The key.
        key: String,
        /// The url.
        url: String,
    },
}

impl Fault {
    /// Checks whether the text at the place may be a password and must not be shown.
    pub(super) fn hides_text(&self) -> bool {
        matches!(self, Fault::Url { source, .. } if source.hides_text())
    }
}

impl Mistake {
    /// Makes the error `fault` about `span` (bytes) of `source`; `hidden` are the places that no excerpt may show.
    pub(super) fn new(file: &str, source: &str, span: Range<usize>, fault: Fault, hidden: &[Range<usize>]) -> Mistake {
        let start = floor(source, span.start);
        let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
        let end = floor(source, span.end.clamp(start, line_end));
        let line = source[..start].matches('\n').count() + 1;
        let column = source[line_start..start].chars().count() + 1;

        let line_end = if source[end..line_end].ends_with('\r') { line_end - 1 } else { line_end };
        let before = masked(source, line_start..start, hidden);
        let marked = masked(source, start..end, hidden);
        let after = masked(source, end..line_end, hidden);
        let place = before.len()..before.len() + marked.len();
        Mistake { file: file.to_owned(), line, column, fault, text: [before, marked, after].concat(), marked: place }
    }
}

/// Returns a piece of the source, printable, with `***` for hidden parts.
fn masked(source: &str, piece: Range<usize>, hidden: &[Range<usize>]) -> String {
    let mut out = String::new();
    let mut at = piece.start;
    for hide in hidden.iter().filter(|hide| hide.start < piece.end && hide.end > piece.start) {
        out.push_str(&printable(&source.as_bytes()[at..hide.start.max(at)]));
        out.push_str("***");
        at = hide.end.clamp(at, piece.end);
    }
    out.push_str(&printable(&source.as_bytes()[at..piece.end]));
    out
}

/// Returns the nearest start of a character at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.fault)
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}
