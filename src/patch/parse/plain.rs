//! Reads diffs without git's header: `---` and `+++` lines as GNU diff, quilt, svn and others write them.
//!
//! The name is that of the second line, unless the first line's name is the same with the end removed (`foo` and
//! `foo.new`): the rule of git and GNU patch. A side that is `/dev/null`, or whose time is 1970-01-01 00:00 UTC, does
//! not exist. A single first hunk `@@ -0,0` makes a new file too.

use super::super::model::Date;
use super::super::model::{Change, Content, FileDiff};
use super::super::strip::Strip;
use super::error::{ParseError, ParseErrorKind, shown};
use super::hunk;
use super::lines::{Lines, trim};
use super::name::{self, Name};

/// Reads the diff whose `---` line is `at`; returns it and the line after it.
pub(super) fn read(lines: &Lines<'_>, at: usize, strip: Strip) -> Result<(FileDiff, usize), ParseError> {
    let (old, old_gone) = side(&lines.get(at)[4..], strip).map_err(|kind| kind.at(at + 1))?;
    let (new, new_gone) = side(&lines.get(at + 1)[4..], strip).map_err(|kind| kind.at(at + 2))?;
    let (hunks, after) = hunk::read_all(lines, at + 2)?;
    let from_nothing = hunks.first().is_some_and(|hunk| hunk.old_start == 0 && hunk.lines.iter().all(is_new));
    let (path, change) = match (old, new) {
        (Name::Nothing, Name::Nothing) => {
            return Err(ParseErrorKind::NoPath { strip: strip.folders(), text: shown(lines.get(at)) }.at(at + 1));
        }
        (Name::Nothing, Name::Path(new)) => (new, Change::Add),
        (Name::Path(old), Name::Nothing) => (old, Change::Delete),
        (Name::Path(old), Name::Path(new)) => {
            let path = if new.as_bytes().starts_with(old.as_bytes()) { old } else { new };
            let change = match (old_gone || from_nothing && hunks.len() == 1, new_gone) {
                (true, _) => Change::Add,
                (false, true) => Change::Delete,
                (false, false) => Change::Modify,
            };
            (path, change)
        }
    };
    let diff = FileDiff {
        change,
        old_path: path.clone(),
        new_path: path,
        old_mode: None,
        new_mode: None,
        index: None,
        content: Content::Text(hunks),
        line: at + 1,
    };
    Ok((diff, after))
}

fn is_new(line: &super::super::model::Line) -> bool {
    line.side == super::super::model::Side::New
}

/// Returns a side's name, and whether its time says that it does not exist.
fn side(text: &[u8], strip: Strip) -> Result<(Name, bool), ParseErrorKind> {
    let (named, time) = split_time(text)?;
    let gone = time
        .and_then(|time| std::str::from_utf8(time).ok())
        .and_then(Date::parse)
        .is_some_and(|date| date.seconds == 0);
    Ok((name::read(named, strip)?, gone))
}

/// Splits into name and time: the time is after a tab, or at the end after blanks.
fn split_time(text: &[u8]) -> Result<(&[u8], Option<&[u8]>), ParseErrorKind> {
    if text.starts_with(b"\"") {
        // The tab is after the closing quote; a tab in the name is escaped.
        let tab = text.iter().position(|byte| *byte == b'\t').unwrap_or(text.len());
        return Ok((&text[..tab], (tab < text.len()).then(|| trim(&text[tab..]))));
    }
    if let (name, Some(time)) = name::before_tab(text)? {
        return Ok((name, Some(time)));
    }
    let is_date = |word: &[u8]| {
        let shape: Vec<u8> = word.iter().map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect();
        shape == b"0000-00-00"
    };
    let blanks = text.iter().enumerate().filter(|(_, byte)| **byte == b' ').map(|(at, _)| at);
    for at in blanks {
        let rest = trim(&text[at..]);
        let is_time = rest.get(..10).is_some_and(is_date) && rest.get(10) == Some(&b' ') && rest.get(13) == Some(&b':');
        if is_time {
            return Ok((super::lines::trim_end(&text[..at]), Some(rest)));
        }
    }
    Ok((text, None))
}
