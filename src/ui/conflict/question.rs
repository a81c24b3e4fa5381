//! The content of a conflict's screen, as plain data. The caller fills it in and defines the choices; texts may be
//! untrusted, they are made printable when they are shown.

use bstr::BString;

use crate::stack::Lines;

/// One conflict, and the possible answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its place in the refresh.
    pub heading: Heading,
    /// The file.
    pub place: String,
    /// The line in it, from 1; `None` for the file as a whole.
    pub line: Option<usize>,
    /// The kind of conflict, as a sentence without a full stop.
    pub what: String,
    /// The sides.
    pub body: Body,
    /// The upstream commits.
    pub changed_by: ChangedBy,
    /// The proposals, the best first.
    pub proposals: Vec<Proposal>,
    /// Further information for the decision, a sentence each.
    pub notes: Vec<String>,
    /// The choices besides the proposals, in the order of the key line.
    pub choices: Vec<Choice>,
}

/// The place of a conflict in a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The upstream's name.
    pub upstream: String,
    /// The old version.
    pub from: String,
    /// The new version.
    pub to: String,
    /// The patch file's name.
    pub patch_file: String,
    /// The patch's subject.
    pub subject: String,
    /// The number of the patch and of all patches, from 1.
    pub patch: (usize, usize),
    /// The number of the conflict and of all conflicts, from 1; 0 of 0 if all are decided.
    pub conflict: (usize, usize),
}

/// The sides of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Lines that both sides changed.
    Lines {
        /// A few merged lines before them, each with its end; they may differ from every side.
        before: Vec<BString>,
        /// The base's lines.
        base: Lines,
        /// Upstream's lines.
        upstream: Lines,
        /// The patch's lines.
        patch: Lines,
        /// A few lines after them, each with its end.
        after: Vec<BString>,
    },
    /// Files as a whole: who (`upstream`, `patch`, a candidate's path) and what (`deleted`, `mode 100755`).
    Whole(Vec<(String, String)>),
    /// Printable lines, which may be styled: the summary of all decisions.
    Text(Vec<String>),
}

/// The upstream commits that changed the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedBy {
    /// These commits, the newest first.
    Commits(Vec<UpstreamCommitLine>),
    /// Unknown; the reason, as in `offline`.
    Skipped(String),
    /// Not relevant here; nothing is shown.
    NotAsked,
}

/// An upstream commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamCommitLine {
    /// Its id, abbreviated.
    pub id: String,
    /// The day of the commit, `YYYY-MM-DD`.
    pub date: String,
    /// Its subject.
    pub subject: String,
    /// Its web page, if the forge is known; best short enough for one row.
    pub link: Option<String>,
}

/// A proposed answer with a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The key for it; not `?`.
    pub key: char,
    /// A word or two for the key line.
    pub label: String,
    /// Its kind and confidence, `suggestion (likely)`.
    pub title: String,
    /// The reason, as a sentence without a full stop; may be empty.
    pub reason: String,
    /// Its lines, if it is about lines.
    pub text: Option<BString>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The key for it; not `?`. It has priority over a key that scrolls.
    pub key: char,
    /// A word or two for the key line.
    pub label: String,
    /// Its effect, for the page of explanations.
    pub help: String,
}

impl Question {
    /// Returns the keys that answer, proposals first.
    pub(super) fn keys(&self) -> impl Iterator<Item = char> {
        self.proposals.iter().map(|proposal| proposal.key).chain(self.choices.iter().map(|choice| choice.key))
    }

    /// Returns the place with its line, `Dockerfile:4`.
    pub(super) fn where_it_is(&self) -> String {
        self.line.map_or_else(|| self.place.clone(), |line| format!("{}:{line}", self.place))
    }
}
