//! Finds where a header begins and which form it has. People add notes above a mail when they carry a patch: a
//! paragraph of fields (`Upstream-Status:`, DEP-3's), or a line of text. The notes belong to the patch, and the mail is
//! the header.

use bstr::BString;

use super::super::model::HeaderForm;
use super::super::parse::{Lines, begins_diff, is_cut, is_from_line, is_second_mail, trim};
use super::{Block, body, is_only_dep3};

/// The form of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::patch) enum Shape {
    /// Only diffs.
    None,
    /// Free text.
    Text,
    /// DEP-3 fields.
    Dep3,
    /// A mail.
    Mail,
    /// `# HG changeset patch`, from `hg export`.
    Changeset,
    /// `commit ID` and `Author:`, from `git show`.
    Shown,
}

/// A header's first line (from 0; lines above belong to the patch too) and its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::patch) struct Place {
    pub(in crate::patch) start: usize,
    pub(in crate::patch) shape: Shape,
}

impl Shape {
    /// Returns the form in the public type.
    pub(super) fn form(self) -> HeaderForm {
        match self {
            Shape::None => HeaderForm::None,
            Shape::Text | Shape::Changeset | Shape::Shown => HeaderForm::Text,
            Shape::Dep3 => HeaderForm::Dep3,
            Shape::Mail => HeaderForm::Mail,
        }
    }
}

/// Finds a file's header.
pub(in crate::patch) fn find(lines: &Lines<'_>) -> Place {
    let blank = |at: usize| trim(lines.get(at)).is_empty();
    let first = (0..lines.count()).find(|at| !blank(*at)).unwrap_or(lines.count());
    if begins_diff(lines, first) || first >= lines.count() {
        return Place { start: first, shape: Shape::None };
    }
    let block = Block::read(lines, first, lines.count());
    let own = shape_of(lines, first, &block);
    if own == Shape::Mail {
        return Place { start: first, shape: own };
    }
    // A header that describes the patch itself stays the header, unless there is a whole mail below it.
    let says_itself = own == Shape::Dep3 && NAMING.iter().any(|key| block.get(key).is_some());
    let mut is_paragraph = true;
    let mut only_fields = own == Shape::Dep3 && !says_itself;
    for at in first..lines.count() {
        if begins_diff(lines, at) {
            break;
        }
        if is_second_mail(lines, at) {
            return Place { start: at, shape: Shape::Mail };
        }
        // Below other text it is a quotation ("Revert the following:").
        if is_paragraph
            && (at == first || only_fields)
            && let Some(shape) = of_a_program(lines, at)
        {
            return Place { start: at, shape };
        }
        if is_paragraph && at > block.end && only_fields {
            let block = Block::read(lines, at, lines.count());
            if block.is_whole && block.get("Subject").is_some() && block.get("From").is_some() {
                return Place { start: at, shape: Shape::Mail };
            }
            only_fields = is_about(&block);
        }
        is_paragraph = blank(at);
    }
    Place { start: first, shape: own }
}

/// Fields that describe a patch and name its author.
const NAMING: [&str; 5] = ["Description", "Subject", "Author", "From", "Date"];

/// Returns the form of a header that begins at `first`.
fn shape_of(lines: &Lines<'_>, first: usize, block: &Block) -> Shape {
    if is_from_line(lines.get(first)) {
        return Shape::Mail;
    }
    if !block.is_whole {
        return Shape::Text;
    }
    if block.fields.iter().any(|(key, _)| is_only_dep3(key)) || is_about(block) {
        return Shape::Dep3;
    }
    if ["Subject", "From", "Date"].iter().any(|key| block.get(key).is_some()) {
        return Shape::Mail;
    }
    Shape::Text
}

/// Checks whether a block has only lines that people add to a patch: DEP-3's fields and trailers such as
/// `Signed-off-by:`.
fn is_about(block: &Block) -> bool {
    let is_trailer = |key: &[u8]| key.to_ascii_lowercase().ends_with(b"-by");
    let names = |key: &BString| NAMING.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()));
    block.is_whole && block.fields.iter().all(|(key, _)| (is_only_dep3(key) || is_trailer(key)) && !names(key))
}

/// Checks whether a text is one paragraph of such lines and nothing else; such a text is not a subject.
pub(super) fn has_only_trailers(text: &[u8]) -> bool {
    let lines = Lines::new(text);
    let block = Block::read(&lines, 0, lines.count());
    is_about(&block) && block.end == lines.count()
}

/// Recognizes the header of a commit as written by Mercurial or git.
fn of_a_program(lines: &Lines<'_>, at: usize) -> Option<Shape> {
    let line = lines.get(at);
    if trim(line) == b"# HG changeset patch" {
        return Some(Shape::Changeset);
    }
    let id = line.strip_prefix(b"commit ")?.split(|byte| *byte == b' ').next()?;
    let is_id = id.len() >= 7 && id.iter().all(u8::is_ascii_hexdigit);
    let next = lines.get(at + 1);
    let goes_on = [b"Author:".as_slice(), b"AuthorDate:", b"Merge:"].iter().any(|start| next.starts_with(start));
    (is_id && goes_on).then_some(Shape::Shown)
}

/// Returns the lines above a header: their text, and their fields as trailers.
pub(super) fn above(lines: &Lines<'_>, start: usize) -> (BString, Vec<Vec<u8>>) {
    let (mut text, mut fields): (Vec<&[u8]>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < start {
        let line = lines.get(at);
        if trim(line).is_empty() || is_cut(line) {
            text.push(b"");
            at += 1;
            continue;
        }
        let block = Block::read(lines, at, start);
        if block.is_whole {
            fields.extend(block.fields.iter().map(|(key, value)| [key, b":".as_slice(), value].concat()));
            at = block.end.max(at + 1);
            continue;
        }
        let end = (at..start).find(|at| trim(lines.get(*at)).is_empty()).unwrap_or(start);
        text.extend((at..end).map(|at| lines.get(at)));
        at = end;
    }
    (body(text.into_iter()), fields)
}
