//! What a conflict's screen shows, as plain data. The caller fills it in and owns which choices there are; texts may come from
//! anywhere, they are made printable when they are shown.

use bstr::BString;

use crate::stack::Lines;

/// One conflict, and what may be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Where in the refresh it is.
    pub heading: Heading,
    /// The file.
    pub place: String,
    /// The line in it, from 1; none where the file as a whole is in question.
    pub line: Option<usize>,
    /// The kind of conflict, as a sentence without a full stop.
    pub what: String,
    /// What the sides say.
    pub body: Body,
    /// Who changed it upstream.
    pub changed_by: ChangedBy,
    /// What is proposed, the best first.
    pub proposals: Vec<Proposal>,
    /// What else should be known before deciding, a sentence each.
    pub notes: Vec<String>,
    /// What may be chosen besides the proposals, in the order of the key line.
    pub choices: Vec<Choice>,
}

/// Where in a refresh a conflict is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The upstream's name.
    pub upstream: String,
    /// The version that the queue comes from.
    pub from: String,
    /// The version that it moves to.
    pub to: String,
    /// The patch file's name.
    pub patch_file: String,
    /// The patch's subject.
    pub subject: String,
    /// Which patch of how many, from 1.
    pub patch: (usize, usize),
    /// Which conflict of how many, from 1; none of none: all is decided.
    pub conflict: (usize, usize),
}

/// What the sides say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Lines that both sides changed.
    Lines {
        /// A few lines before them, each with its end; as they merged, so no side need have them so.
        before: Vec<BString>,
        /// What was there.
        base: Lines,
        /// What upstream made of it.
        upstream: Lines,
        /// What the patch makes of it.
        patch: Lines,
        /// A few lines after them, each with its end.
        after: Vec<BString>,
    },
    /// Files as a whole: who (`upstream`, `patch`, a candidate's path) and what (`deleted`, `mode 100755`).
    Whole(Vec<(String, String)>),
    /// Lines that are printable already, and may be styled: what all the decisions come to.
    Text(Vec<String>),
}

/// Who changed the place upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangedBy {
    /// These commits, the newest first.
    Commits(Vec<UpstreamCommitLine>),
    /// It is not known; why, as in `offline`.
    Skipped(String),
    /// It is not of interest here; nothing is said.
    NotAsked,
}

/// A commit of upstream's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamCommitLine {
    /// Its id, as short as it may be.
    pub id: String,
    /// The day of the commit, `YYYY-MM-DD`.
    pub date: String,
    /// Its subject.
    pub subject: String,
    /// Where it can be read, if the forge is known; best short enough for one row.
    pub link: Option<String>,
}

/// An answer that is offered with a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The key that takes it; not `?`.
    pub key: char,
    /// A word or two for the key line.
    pub label: String,
    /// What it is and how sure, `suggestion (likely)`.
    pub title: String,
    /// Why, as a sentence without a full stop; may be empty.
    pub reason: String,
    /// The lines that it stands for, where it stands for lines.
    pub text: Option<BString>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The key that takes it; not `?`. It comes before a key that scrolls.
    pub key: char,
    /// A word or two for the key line.
    pub label: String,
    /// What it does, for the page of explanations.
    pub help: String,
}

impl Question {
    /// The keys that answer, proposals first.
    pub(super) fn keys(&self) -> impl Iterator<Item = char> {
        self.proposals.iter().map(|proposal| proposal.key).chain(self.choices.iter().map(|choice| choice.key))
    }

    /// The place with its line, `Dockerfile:4`.
    pub(super) fn where_it_is(&self) -> String {
        self.line.map_or_else(|| self.place.clone(), |line| format!("{}:{line}", self.place))
    }
}
