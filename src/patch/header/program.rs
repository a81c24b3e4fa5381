//! Reads the headers that `hg export` and `git show` write before a diff.

use bstr::ByteSlice;

use super::super::model::{Date, Header};
use super::super::parse::{Lines, trim};
use super::place::Shape;
use super::{body, date, first_line, phrase, unfold};

/// Reads `# HG changeset patch` at `start`: fields after `# `, then the message, as in `git am`.
pub(super) fn changeset(lines: &Lines<'_>, start: usize, end: usize) -> Header {
    let mut header = empty(Shape::Changeset);
    let fields = (start + 1..end).take_while(|at| lines.get(*at).starts_with(b"#"));
    let mut after = start + 1;
    for at in fields {
        let line = lines.get(at);
        if let Some(user) = line.strip_prefix(b"# User ") {
            header.author = phrase(user);
        } else if let Some(text) = line.strip_prefix(b"# Date ") {
            header.date = seconds_west(text).or_else(|| date(text));
        }
        after = at + 1;
    }
    let (subject, body) = first_line((after..end).map(|at| lines.get(at)));
    Header { subject, body, ..header }
}

/// Reads `1204567890 -3600`: seconds since 1970, and the zone in seconds west of UTC.
fn seconds_west(text: &[u8]) -> Option<Date> {
    let (seconds, west) = text.to_str().ok()?.trim().split_once(' ')?;
    let seconds = seconds.split('.').next()?.parse().ok()?;
    let west: i32 = west.trim().parse().ok()?;
    let offset = west.checked_neg()? / 60;
    (-24 * 60..=24 * 60).contains(&offset).then_some(Date { seconds, offset })
}

/// Reads `commit ID` at `start`: fields, then the message indented by four blanks. The stat that may follow is dropped;
/// other lines (notes) belong to the message.
pub(super) fn shown(lines: &Lines<'_>, start: usize, end: usize) -> Header {
    let mut header = empty(Shape::Shown);
    let after = (start..end).find(|at| trim(lines.get(*at)).is_empty()).unwrap_or(end);
    for at in start + 1..after {
        let Some((key, value)) = lines.get(at).split_once_str(b":") else { continue };
        match key {
            b"Author" => header.author = phrase(&unfold(value)),
            b"Date" | b"AuthorDate" => header.date = date(trim(value)),
            _ => {}
        }
    }
    let text = (after..end).map(|at| lines.get(at)).filter_map(|line| match line.strip_prefix(b"    ") {
        Some(line) => Some(line),
        None if line.starts_with(b" ") => None,
        None => Some(line),
    });
    let text = body(text);
    let (subject, body) = super::split_message(&text);
    Header { subject, body, ..header }
}

fn empty(shape: Shape) -> Header {
    Header { form: shape.form(), author: None, date: None, subject: "".into(), body: "".into() }
}
