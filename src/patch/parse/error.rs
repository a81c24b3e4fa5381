//! The errors of parsing a patch file, with their lines.

use crate::path::{BadPath, printable};

/// The first error in a patch file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct ParseError {
    /// The line of the patch file, from 1 (of the decoded text where a mail is quoted-printable or base64).
    pub line: usize,
    /// What is wrong.
    pub kind: ParseErrorKind,
}

/// The kind of error in a line of a patch file. Quoted text is printable and cut at about 60 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// No diff in the whole file.
    #[error("there is no diff in this file")]
    NoDiff,
    /// A compressed file.
    #[error("this file is compressed; unpack it first ('{0}')")]
    Compressed(&'static str),
    /// Text in UTF-16, as some shells write it.
    #[error("this file is UTF-16 text; make the patch again ('git diff --output=FILE'), so that no shell converts it")]
    Utf16,
    /// A page of HTML.
    #[error("this file is a web page, not a patch; download the raw file")]
    WebPage,
    /// A second mail begins here.
    #[error("a second mail begins here; a patch file holds one patch")]
    SeveralMails,
    /// Git's markers of a merge conflict.
    #[error("a merge left a conflict in this patch file; bring one side back ('git checkout --ours' or '--theirs')")]
    MergeConflict,
    /// A diff in the context format.
    #[error("a context diff cannot be read; make it again as a unified one ('diff -u')")]
    ContextDiff,
    /// A normal diff or an ed script.
    #[error("'{0}' begins a diff without context; make it again as a unified one ('diff -u')")]
    OtherFormat(String),
    /// A diff with a terminal's colours.
    #[error("this diff has a terminal's colours in it ('{0}'); make it again without ('git diff --no-color')")]
    Coloured(String),
    /// A diff that is indented.
    #[error("an indented diff begins here ('{0}'); remove the blanks before its lines, or end the patch before it")]
    Indented(String),
    /// A byte order mark inside of the file.
    #[error("there is a byte order mark before this diff; remove it (three bytes, EF BB BF)")]
    ByteOrderMark,
    /// A line of git's header that is not part of a diff.
    #[error("'{0}' is not part of a diff: its 'diff --git' line is missing, or other text is between the two")]
    LoneHeader(String),
    /// A binary change in a format that cannot hold one.
    #[error(
        "'{0}' names a change and does not hold it; make the patch again with 'git diff --binary', or take the line out if the change is not wanted"
    )]
    BinaryInPlain(String),
    /// A file of one side only, a special file, a rename without a diff.
    #[error(
        "'{0}' names a change and does not hold it; make the patch again ('diff -N', 'git diff'), or take the line out if the change is not wanted"
    )]
    NoContent(String),
    /// Properties of Subversion.
    #[error(
        "the Subversion properties of '{0}' cannot be read; take the lines out, and say a new mode by git's 'old mode' and 'new mode'"
    )]
    Properties(String),
    /// A submodule in the form of a log.
    #[error("'{0}' is the short form of a submodule's change; make the patch again with 'git diff --submodule=short'")]
    SubmoduleLog(String),
    /// The combined diff of a merge.
    #[error("a combined diff of a merge ('{0}') cannot be applied; make an ordinary diff against one parent")]
    Combined(String),
    /// A path that leaves the tree or is inside git's folder.
    #[error(transparent)]
    Path(#[from] BadPath),
    /// No path is left after the leading folders are removed.
    #[error("no path is left of '{text}' after -p{strip} takes {strip} leading folder(s) off")]
    NoPath {
        /// How many leading folders are removed.
        strip: usize,
        /// The offending text.
        text: String,
    },
    /// Both names of a `diff --git` line are the same text, so there is no prefix to remove.
    #[error("'{0}' was made without the prefixes a/ and b/; make it again with them, or give it -p0 in the series")]
    NoPrefix(String),
    /// A name followed by a tab and something other than a time.
    #[error(
        "'{0}' has a tab where its name could go on; quote a name with a tab as git does (\"a/x\\ty\"), or take off what follows the name"
    )]
    TabInName(String),
    /// An invalid quoted path.
    #[error("the quoted path '{0}' is broken")]
    BadQuote(String),
    /// Old and new name differ although nothing says that the file was renamed.
    #[error("the names '{old}' and '{new}' differ, but nothing says that the file was renamed")]
    NamesDiffer {
        /// The name before.
        old: String,
        /// The name after.
        new: String,
    },
    /// A `---` or `+++` line for another file than the header above it.
    #[error(
        "the header is of '{header}', its '---' or '+++' line of '{line}'; put a 'diff --git' line before the second"
    )]
    OtherFile {
        /// The header's name.
        header: String,
        /// The line's name.
        line: String,
    },
    /// Only one line of a rename or a copy.
    #[error("a rename or copy needs both its 'from' and its 'to' line")]
    HalfRename,
    /// A number that is not a file mode.
    #[error("'{0}' is not a file mode (100644, 100755, 120000 or 160000)")]
    BadMode(String),
    /// Only one line of a mode change.
    #[error("a change of mode needs both its 'old mode' and its 'new mode' line")]
    HalfMode,
    /// A file that is named but not changed.
    #[error("this diff of '{0}' changes nothing")]
    NothingChanges(String),
    /// The hunks are missing.
    #[error("expected a hunk ('@@ -1,2 +1,3 @@'), found '{0}'")]
    NoHunk(String),
    /// An invalid hunk header.
    #[error("expected '@@ -LINE,COUNT +LINE,COUNT @@', found '{0}'")]
    BadHunkHeader(String),
    /// A hunk without a file.
    #[error("a hunk without a file: '{0}' has no '---' and '+++' lines before it")]
    StrayHunk(String),
    /// A line inside a hunk that does not start with one of the four characters.
    #[error("expected a line of the hunk (starting with ' ', '+', '-' or '\\'), found '{0}'")]
    BadHunkLine(String),
    /// The file ends before the hunk does.
    #[error("the hunk ends too early: {old} old and {new} new line(s) are missing")]
    HunkTooShort {
        /// Missing lines of the old side.
        old: u32,
        /// Missing lines of the new side.
        new: u32,
    },
    /// The hunk continues after its counts are used up.
    #[error("the hunk has more lines than its header counts: '{0}'")]
    HunkTooLong(String),
    /// A line without a line feed that is not the last one.
    #[error("'\\ No newline at end of file' is before the last line of its side")]
    NoNewlineInside,
    /// A new file whose hunks need old content.
    #[error("a new file cannot have old lines")]
    AddWithOldLines,
    /// A deleted file whose hunks leave content.
    #[error("a deleted file cannot keep lines")]
    DeleteWithNewLines,
    /// An invalid binary patch.
    #[error("broken binary patch: {0}")]
    Binary(String),
    /// More binary content than one file may hold.
    #[error("the binary changes of this file hold more than {0} bytes; split the patch")]
    TooMuchBinary(usize),
    /// The file is too large for a patch.
    #[error("this file is larger than {0} bytes, the most that is read as a patch")]
    TooLarge(usize),
    /// A date in the mail header that does not read.
    #[error("'{0}' is not a date")]
    BadDate(String),
    /// A multipart mail.
    #[error("a mail in several parts (attachments) is not supported; save the patch itself")]
    Multipart,
    /// A mail body that cannot be decoded.
    #[error("the mail's body is not valid {0}")]
    BadTransfer(&'static str),
}

impl ParseErrorKind {
    /// Returns the error of this kind at a line (from 1).
    pub(crate) fn at(self, line: usize) -> ParseError {
        ParseError { line, kind: self }
    }
}

/// Formats a line for an error message: printable, without its end, at most about 60 characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const LONGEST: usize = 60;
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = printable(&line[..line.len().min(4 * LONGEST)]);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_lines_are_short_and_harmless() {
        assert_eq!(shown(b"a\x1b[0m\r\n"), "a\\x1b[0m");
        let long = shown(&[b'x'; 500]);
        assert_eq!(long.chars().count(), 61);
    }
}
