//! Reads the paths in the lines of a diff.

use super::super::quote::unquote;
use super::super::strip::Strip;
use super::error::{ParseErrorKind, shown};
use super::lines::{trim, trim_end};
use crate::path::RepoPath;

/// The name of one side of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Name {
    /// `/dev/null`: the file does not exist on this side.
    Nothing,
    /// A path without the leading folders.
    Path(RepoPath),
}

/// Reads the text after `--- ` or `+++ `: a quoted name, or a name up to a tab. The caller handles a timestamp after
/// it.
pub(super) fn read(text: &[u8], strip: Strip) -> Result<Name, ParseErrorKind> {
    let raw = if text.starts_with(b"\"") {
        unquote(text).ok_or_else(|| ParseErrorKind::BadQuote(shown(text)))?.0
    } else {
        before_tab(text)?.0.to_vec()
    };
    if trim_end(&raw) == b"/dev/null" {
        return Ok(Name::Nothing);
    }
    checked(&raw, strip.folders(), text).map(Name::Path)
}

/// Splits into a name and the text after its tab: nothing, a time, a revision in brackets. Anything else could be the
/// rest of a name that contains a tab; such a name must be quoted.
pub(super) fn before_tab(text: &[u8]) -> Result<(&[u8], Option<&[u8]>), ParseErrorKind> {
    let Some(tab) = text.iter().position(|byte| *byte == b'\t') else { return Ok((text, None)) };
    let rest = trim(&text[tab..]);
    let shape: Vec<u8> = rest.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect();
    let has = |part: &[u8]| shape.windows(part.len()).any(|window| window == part);
    let is_time = has(b"00:00") || has(b"0000-00-00") || has(b"0000/00/00");
    if rest.is_empty() || is_time || rest.starts_with(b"(") {
        return Ok((&text[..tab], Some(rest)));
    }
    Err(ParseErrorKind::TabInName(shown(text)))
}

/// Reads the whole rest of a line as a path (`rename from …`).
pub(super) fn read_whole(text: &[u8], folders: usize) -> Result<RepoPath, ParseErrorKind> {
    match unquote(text) {
        Some((raw, _)) => checked(&raw, folders, text),
        None if text.starts_with(b"\"") => Err(ParseErrorKind::BadQuote(shown(text))),
        None if text.contains(&b'\t') => Err(ParseErrorKind::TabInName(shown(text))),
        None => checked(text, folders, text),
    }
}

/// Returns the name of a `diff --git` line, if both names are the same after the leading folders are removed.
/// `Ok(None)` when they differ, as in a rename.
pub(super) fn of_git_line(rest: &[u8], strip: Strip) -> Result<Option<RepoPath>, ParseErrorKind> {
    let same = |first: &[u8], second: &[u8]| {
        let name = stripped(first, strip.folders())?;
        (stripped(second, strip.folders())? == name).then(|| (name.to_vec(), first == second))
    };
    let found = if let Some((first, after)) = unquote(rest) {
        let second = after.strip_prefix(b" ").unwrap_or(after);
        let second = unquote(second).map_or_else(|| second.to_vec(), |(second, _)| second);
        same(&first, &second)
    } else if let Some(at) = rest.windows(2).position(|pair| pair == b" \"") {
        unquote(&rest[at + 1..]).and_then(|(second, _)| same(&rest[..at], &second))
    } else {
        let blanks = rest.iter().enumerate().filter(|(_, byte)| matches!(byte, b' ' | b'\t'));
        blanks.map(|(at, _)| same(&rest[..at], &rest[at + 1..])).find_map(|found| found)
    };
    match found {
        Some((_, true)) if strip == Strip::Default => Err(ParseErrorKind::NoPrefix(shown(rest))),
        Some((name, _)) => Ok(Some(RepoPath::new(name)?)),
        None => Ok(None),
    }
}

/// Returns the path without its first `folders` folders; several slashes in a row count as one.
fn stripped(path: &[u8], folders: usize) -> Option<&[u8]> {
    let mut rest = path;
    for _ in 0..folders {
        let slash = rest.iter().position(|byte| *byte == b'/')?;
        rest = &rest[slash..];
        while let [b'/', after @ ..] = rest {
            rest = after;
        }
    }
    (!rest.is_empty()).then_some(rest)
}

fn checked(raw: &[u8], folders: usize, text: &[u8]) -> Result<RepoPath, ParseErrorKind> {
    let path = stripped(raw, folders).ok_or_else(|| ParseErrorKind::NoPath { strip: folders, text: shown(text) })?;
    Ok(RepoPath::new(path)?)
}
