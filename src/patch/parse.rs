//! Parses the bytes of a patch file into a [`Patch`].
//!
//! Decisions that the formats leave open:
//! - A file in which every line ends in CRLF was converted (git never ends a `diff` or `@@` line so): the carriage
//!   returns are removed, as in GNU patch and `git am`. In any other file they belong to the content, as with `git am
//!   --keep-cr`; only the lines of headers may then end in CRLF.
//! - A patch may change one path more than once: the diffs apply one after the other, as in `git apply` and `patch`.
//!   Git itself writes a file that becomes a symlink as a deletion and an addition of the same path.
//! - A patch file without its last line feed has lost it in transport; only `\ No newline at end of file` says that the
//!   content has none.
//! - Text between diffs and after the last one (a signature) is text only if it cannot be a change: a line that announces
//!   one is an error (`parse/between.rs`).
//! - Byte order marks at the start of the file are skipped; anywhere else before a diff they are an error.

mod between;
mod error;
mod git;
mod hunk;
mod lines;
mod name;
mod plain;
mod start;

pub use error::{ParseError, ParseErrorKind};

pub(crate) use error::shown;
pub(crate) use lines::{Lines, is_space, trim, trim_end};
pub use start::split_mails;
pub(crate) use start::{begins_diff, is_cut, is_from_line, is_second_mail};

use super::binary::LARGEST_IN_FILE;
use super::header;
use super::model::{FileDiff, Patch};
use super::strip::Strip;

/// The largest patch file, in bytes (256 MiB). `git apply` stops at 1 GiB.
pub const LARGEST_FILE: usize = 256 << 20;

/// Parses one patch file. `strip` is the number of leading folders to remove from each path.
///
/// # Errors
/// [`ParseError`] with the line of the first thing that cannot be understood. Nothing is guessed.
pub fn parse(bytes: &[u8], strip: Strip) -> Result<Patch, ParseError> {
    if bytes.len() > LARGEST_FILE {
        return Err(ParseErrorKind::TooLarge(LARGEST_FILE).at(1));
    }
    let (bytes, marks) = between::without_mark(bytes);
    if let Some(kind) = between::no_text(bytes) {
        return Err(kind.at(1));
    }
    let unconverted = without_conversion(bytes);
    let text = unconverted.as_deref().unwrap_or(bytes);
    let decoded = header::decode_transfer(text)?;
    let lines = Lines::new(decoded.as_deref().unwrap_or(text));
    if let Some(at) = between::conflict(&lines) {
        return Err(ParseErrorKind::MergeConflict.at(at + 1));
    }
    let place = header::find(&lines);
    let start = start::find(&lines, place)?;
    let header = header::read(&lines, start.message_end, place)?;
    let message_above = start.message_end < start.diffs;
    between::check_above(&lines, if message_above { start.message_end + 1 } else { 0 }, start.diffs)?;
    let files = files(&lines, start.diffs, strip, LARGEST_IN_FILE)?;
    let returns = if unconverted.is_some() { start.diffs } else { 0 };
    let preamble_len = if decoded.is_some() { 0 } else { marks + lines.offset(start.diffs) + returns };
    Ok(Patch { header, files, preamble_len })
}

/// Returns the text without carriage returns, if every line ends in CRLF (the last line may have no end).
fn without_conversion(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    lines.peek().filter(|line| line.ends_with(b"\n"))?;
    let mut out = Vec::with_capacity(bytes.len());
    for line in lines {
        match line.strip_suffix(b"\r\n") {
            Some(line) => {
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            None if !line.ends_with(b"\n") => out.extend_from_slice(line),
            None => return None,
        }
    }
    Some(out)
}

/// Parses the diffs from line `at` to the end; `room` is how many bytes of binary content they may inflate to.
fn files(lines: &Lines<'_>, mut at: usize, strip: Strip, room: usize) -> Result<Vec<FileDiff>, ParseError> {
    let mut files = Vec::new();
    let mut room = room;
    while at < lines.count() {
        let line = lines.get(at);
        if start::is_second_mail(lines, at) {
            return Err(ParseErrorKind::SeveralMails.at(at + 1));
        }
        if start::is_combined(lines, at) {
            return Err(ParseErrorKind::Combined(shown(line)).at(at + 1));
        }
        let (diff, after) = if line.starts_with(b"diff --git ") && git::is_extended(lines.get(at + 1)) {
            git::read(lines, at, strip, &mut room)?
        } else if start::begins_plain(lines, at) {
            plain::read(lines, at, strip)?
        } else {
            if let Some(kind) = between::announced(lines, at) {
                return Err(kind.at(at + 1));
            }
            at += 1;
            continue;
        };
        git::check(&diff)?;
        files.push(diff);
        at = after;
    }
    if files.is_empty() { Err(ParseErrorKind::NoDiff.at(lines.count().max(1))) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_changes_of_a_file_have_a_limit_together() {
        let one = |name: &str| {
            format!("diff --git a/{name} b/{name}\nindex 1..2\nGIT binary patch\nliteral 3\nKcmZQzWC8#H2LJ>B\n\n")
        };
        let text = one("x") + &one("y");
        let lines = Lines::new(text.as_bytes());
        assert_eq!(files(&lines, 0, Strip::Default, 6).map(|files| files.len()), Ok(2));
        assert_eq!(files(&lines, 0, Strip::Default, 5), Err(ParseErrorKind::TooMuchBinary(LARGEST_IN_FILE).at(10)));
    }

    #[test]
    fn a_file_has_a_limit() {
        let large = vec![b'\n'; LARGEST_FILE + 1];
        assert_eq!(parse(&large, Strip::Default), Err(ParseErrorKind::TooLarge(LARGEST_FILE).at(1)));
    }
}
