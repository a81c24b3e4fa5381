//! A patch file as data.

use bstr::BString;

use super::binary::Data;
use crate::path::RepoPath;

/// One patch file: who made it and why, and what it does to which files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// What stands before the first diff.
    pub header: Header,
    /// The files, in the order of the patch file.
    pub files: Vec<FileDiff>,
    /// Length in bytes of everything before the diff part, so that a rewrite of the diff can keep the header's own bytes.
    pub preamble_len: usize,
}

/// How a header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderForm {
    /// Nothing but diffs.
    None,
    /// Free text as quilt keeps it, without fields.
    Text,
    /// DEP-3 fields (`Description:`, `Author:`, `Origin:` …).
    Dep3,
    /// A mail as `git format-patch` writes it.
    Mail,
}

/// Who made a patch, when and why. `message()` is what its commit says. The texts of a header that was read are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How the header is written.
    pub form: HeaderForm,
    /// The author, where the header names one.
    pub author: Option<Person>,
    /// The author's date, where the header has one.
    pub date: Option<Date>,
    /// One line without the `[PATCH …]` bracket; empty when the header has none.
    pub subject: BString,
    /// What follows the subject, without the blank line between; trailers included; ends with a line feed unless empty.
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

/// A moment and the zone it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i32,
}

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// The kind of change.
    pub change: Change,
    /// The path before; equal to `new_path` unless renamed or copied; for an added file the added path.
    pub old_path: RepoPath,
    /// The path after; for a deleted file the deleted path.
    pub new_path: RepoPath,
    /// The mode before, as the patch states it (octal number); `None` when it does not.
    pub old_mode: Option<u32>,
    /// The mode after, as the patch states it; `None` when it does not.
    pub new_mode: Option<u32>,
    /// The blob ids of the `index` line as they stand there (may be abbreviated).
    pub index: Option<(BString, BString)>,
    /// The change of the content.
    pub content: Content,
    /// The line of the patch file (from 1) on which this file's diff begins.
    pub line: usize,
}

/// What happens to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The file stays where it is.
    Modify,
    /// The file is new.
    Add,
    /// The file goes.
    Delete,
    /// The file moves; how alike the two are, in percent, as the patch states it.
    Rename(Option<u8>),
    /// The file is copied; how alike the two are, in percent, as the patch states it.
    Copy(Option<u8>),
}

/// How the content of a file changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Not at all (a mode change, an empty file, a pure rename).
    Same,
    /// By lines.
    Text(Vec<Hunk>),
    /// A `GIT binary patch`: the way forward, and the way back where the patch has it.
    Binary {
        /// From old to new.
        forward: BinaryData,
        /// From new to old.
        reverse: Option<BinaryData>,
    },
    /// `Binary files … differ` without data: cannot be applied unless the blob of the index line is at hand.
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

/// Lines of a file that change together, with their surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line before, from 1 (0 in an empty file).
    pub old_start: u32,
    /// The first line after, from 1 (0 in an empty file).
    pub new_start: u32,
    /// What stands behind the second `@@`, without the blank before it and the line end.
    pub section: BString,
    /// The lines in order.
    pub lines: Vec<Line>,
    /// The line of the patch file (from 1) on which this hunk begins.
    pub line: usize,
}

/// A line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose line it is.
    pub side: Side,
    /// Its bytes with the line feed; without one where `\ No newline at end of file` follows.
    pub bytes: BString,
}

/// On which side of a change a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On both.
    Both,
    /// Only before.
    Old,
    /// Only after.
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

    /// Leaves of a binary change only that there is one, for people to read.
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
