//! Reads the hunks of a unified diff.

use bstr::BString;

use super::super::model::{Hunk, Line, Side};
use super::error::{ParseError, ParseErrorKind, shown};
use super::lines::{Lines, trim_end};

/// The numbers between the two `@@`.
struct Head<'a> {
    old: (u32, u32),
    new: (u32, u32),
    section: &'a [u8],
}

/// Reads the hunks that begin at line `at`; returns them and the line after them.
pub(super) fn read_all(lines: &Lines<'_>, mut at: usize) -> Result<(Vec<Hunk>, usize), ParseError> {
    let mut hunks = Vec::new();
    while lines.get(at).starts_with(b"@@ -") {
        let (hunk, after) = read(lines, at)?;
        hunks.push(hunk);
        at = after;
    }
    let line = lines.get(at);
    let is_next_file = line.starts_with(b"--- ") && lines.get(at + 1).starts_with(b"+++ ");
    let is_signature = trim_end(line) == b"--" || trim_end(line) == b"---";
    if !hunks.is_empty() && matches!(line.first(), Some(b' ' | b'+' | b'-')) && !is_next_file && !is_signature {
        return Err(ParseErrorKind::HunkTooLong(shown(line)).at(at + 1));
    }
    Ok((hunks, at))
}

/// Returns the line after the hunk that begins at `at`; `None` when there is no complete hunk.
pub(super) fn skip(lines: &Lines<'_>, at: usize) -> Option<usize> {
    let head = head(lines.get(at))?;
    let (mut old, mut new) = (head.old.1, head.new.1);
    let mut at = at + 1;
    while old > 0 || new > 0 {
        match lines.full(at)?.first()? {
            b' ' | b'\n' | b'\r' => {
                old = old.checked_sub(1)?;
                new = new.checked_sub(1)?;
            }
            b'-' => old = old.checked_sub(1)?,
            b'+' => new = new.checked_sub(1)?,
            b'\\' => {}
            _ => return None,
        }
        at += 1;
    }
    Some(at)
}

fn read(lines: &Lines<'_>, start: usize) -> Result<(Hunk, usize), ParseError> {
    let text = lines.get(start);
    let head = head(text).ok_or_else(|| ParseErrorKind::BadHunkHeader(shown(text)).at(start + 1))?;
    let (mut old, mut new) = (head.old.1, head.new.1);
    let mut found: Vec<Line> = Vec::new();
    let mut at = start + 1;
    loop {
        let full = lines.full(at);
        if let Some(line) = full
            && is_marker(line)
        {
            if let Some(last) = found.last_mut() {
                last.bytes = BString::from(last.bytes.strip_suffix(b"\n").unwrap_or(&last.bytes));
            }
            at += 1;
            continue;
        }
        if old == 0 && new == 0 {
            break;
        }
        let too_short = ParseErrorKind::HunkTooShort { old, new };
        let Some(line) = full else { return Err(too_short.at(start + 1)) };
        let (side, content) = match line.first() {
            Some(b' ') => (Side::Both, &line[1..]),
            // A blank context line that lost its leading blank.
            Some(b'\n' | b'\r') if line.len() <= 2 => (Side::Both, line),
            Some(b'-') => (Side::Old, &line[1..]),
            Some(b'+') => (Side::New, &line[1..]),
            _ if line.starts_with(b"diff ") || line.starts_with(b"@@ ") || line.starts_with(b"Index: ") => {
                return Err(too_short.at(start + 1));
            }
            _ => return Err(ParseErrorKind::BadHunkLine(shown(line)).at(at + 1)),
        };
        let (takes_old, takes_new) = (u32::from(side != Side::New), u32::from(side != Side::Old));
        if takes_old > old || takes_new > new {
            return Err(ParseErrorKind::HunkTooLong(shown(line)).at(at + 1));
        }
        (old, new) = (old - takes_old, new - takes_new);
        let mut bytes = BString::from(content);
        // The patch file itself may lack its last line feed; only the marker says that the content does.
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        found.push(Line { side, bytes });
        at += 1;
    }
    for side in [Side::Old, Side::New] {
        let mut of_side = found.iter().filter(|line| line.side == Side::Both || line.side == side);
        of_side.next_back();
        if of_side.any(|line| !line.bytes.ends_with(b"\n")) {
            return Err(ParseErrorKind::NoNewlineInside.at(start + 1));
        }
    }
    let section = BString::from(head.section);
    let hunk = Hunk { old_start: head.old.0, new_start: head.new.0, section, lines: found, line: start + 1 };
    Ok((hunk, at))
}

/// Recognizes `\ No newline at end of file` in any language: git checks two characters and a length.
fn is_marker(line: &[u8]) -> bool {
    line.starts_with(b"\\ ") && line.len() >= 12
}

/// Checks whether the text begins with a valid hunk header.
pub(super) fn is_head(text: &[u8]) -> bool {
    head(text).is_some()
}

fn head(text: &[u8]) -> Option<Head<'_>> {
    let (old, rest) = range(text.strip_prefix(b"@@ -")?)?;
    let (new, rest) = range(rest.strip_prefix(b" +")?)?;
    let rest = rest.strip_prefix(b" @@")?;
    let section = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(Head { old, new, section: trim_end(section) })
}

/// Reads `LINE` or `LINE,COUNT`, and returns the rest.
fn range(text: &[u8]) -> Option<((u32, u32), &[u8])> {
    let (start, rest) = number(text)?;
    match rest.strip_prefix(b",") {
        Some(rest) => {
            let (count, rest) = number(rest)?;
            Some(((start, count), rest))
        }
        None => Some(((start, 1), rest)),
    }
}

fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = std::str::from_utf8(&text[..digits]).ok()?.parse().ok()?;
    Some((value, &text[digits..]))
}
