//! The data of a patch file.

use bstr::BString;

use super::binary::Data;
use crate::path::RepoPath;

/// One patch file: its author and message, and its changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The text before the first diff.
    pub header: Header,
    /// The files, in the order of the patch file.
    pub files: Vec<FileDiff>,
    /// Length in bytes of everything before the diffs, so that the header's bytes can be kept when the diffs are
    /// rewritten.
    pub preamble_len: usize,
}

/// How a header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderForm {
    /// No header, only diffs.
    None,
    /// Free text as quilt keeps it, without fields.
    Text,
    /// DEP-3 fields (`Description:`, `Author:`, `Origin:` …).
    Dep3,
    /// A mail as `git format-patch` writes it.
    Mail,
}

/// Author, date and message of a patch. `message()` returns the commit message. Texts are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How the header is written.
    pub form: HeaderForm,
    /// The author, if the header names one.
    pub author: Option<Person>,
    /// The author's date, if the header has one.
    pub date: Option<Date>,
    /// One line without the `[PATCH …]` bracket; empty when the header has none.
    pub subject: BString,
    /// The text after the subject, without the blank line between, with trailers; ends with a line feed unless empty.
    pub body: BString,
}

/// A name and a mail address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: BString,
    /// The address without angle brackets.
    pub email: BString,
}

/// A moment, with the time zone it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i32,
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// The kind of change.
    pub change: Change,
    /// The path before; equal to `new_path` unless renamed or copied; for an added file the added path.
    pub old_path: RepoPath,
    /// The path after; for a deleted file the deleted path.
    pub new_path: RepoPath,
    /// The mode before, as in the patch (octal number); `None` when the patch has none.
    pub old_mode: Option<u32>,
    /// The mode after, as in the patch; `None` when the patch has none.
    pub new_mode: Option<u32>,
    /// The blob ids of the `index` line as written (may be abbreviated).
    pub index: Option<(BString, BString)>,
    /// The change of the content.
    pub content: Content,
    /// The line of the patch file (from 1) on which this file's diff begins.
    pub line: usize,
}

/// What happens to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The file stays at its path.
    Modify,
    /// The file is new.
    Add,
    /// The file is removed.
    Delete,
    /// The file moves; the similarity in percent, as in the patch.
    Rename(Option<u8>),
    /// The file is copied; the similarity in percent, as in the patch.
    Copy(Option<u8>),
}

/// How the content of a file changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// It does not change (a mode change, an empty file, a pure rename).
    Same,
    /// It changes by lines.
    Text(Vec<Hunk>),
    /// A `GIT binary patch`: forward, and reverse if the patch has it.
    Binary {
        /// From old to new.
        forward: BinaryData,
        /// From new to old.
        reverse: Option<BinaryData>,
    },
    /// `Binary files … differ` without data: can be applied only if the blob of the index line is available.
    BinaryWithoutData,
}

/// One side of a `GIT binary patch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinaryData {
    /// The whole content.
    Literal(Data),
    /// A delta in git's pack format against the other side.
    Delta(Data),
}

/// Lines of a file that change together, with their context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line before, from 1 (0 in an empty file).
    pub old_start: u32,
    /// The first line after, from 1 (0 in an empty file).
    pub new_start: u32,
    /// The text after the second `@@`, without the blank before it and the line end.
    pub section: BString,
    /// The lines in order.
    pub lines: Vec<Line>,
    /// The line of the patch file (from 1) on which this hunk begins.
    pub line: usize,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The side that has the line.
    pub side: Side,
    /// Its bytes with the line feed; without one if `\ No newline at end of file` follows.
    pub bytes: BString,
}

/// The side of a change that has a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Both sides.
    Both,
    /// Only the old side.
    Old,
    /// Only the new side.
    New,
}

impl FileDiff {
    /// Returns how many lines are removed (`Side::Old`) or added (`Side::New`); `None` for a binary.
    #[must_use]
    pub fn changed_lines(&self, side: Side) -> Option<usize> {
        match &self.content {
            Content::Same => Some(0),
            Content::Text(hunks) => {
                Some(hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.side == side).count())
            }
            Content::Binary { .. } | Content::BinaryWithoutData => None,
        }
    }

    /// Reduces a binary change to the fact that there is one, for people to read.
    pub fn forget_binary(&mut self) {
        if matches!(self.content, Content::Binary { .. }) {
            self.content = Content::BinaryWithoutData;
        }
    }
}

impl Hunk {
    /// Returns how many lines the hunk covers before (`Side::Old`) or after (`Side::New`).
    #[must_use]
    pub fn len(&self, side: Side) -> usize {
        self.lines.iter().filter(|line| line.side == Side::Both || line.side == side).count()
    }
}
