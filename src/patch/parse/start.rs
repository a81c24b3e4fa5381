//! Finds where a patch file's header ends and its diffs begin.
//!
//! Messages can contain text that looks like a diff. The message ends at the last `---` line that only the stat and
//! blank lines separate from a diff (in a mail also after text that looks like a diff, but never inside a hunk). If
//! there is none, but a stat is before the first diff, the message ends at the last `---` above the stat (the lines
//! between are notes that `git am` drops too). Otherwise it ends at the first diff line.

use super::super::header::{Place, Shape};
use super::error::{ParseError, ParseErrorKind};
use super::lines::{Lines, trim, trim_end};
use super::{between, hunk};

/// The two places, as line indexes from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// The line after the message.
    pub(super) message_end: usize,
    /// The first line of the first diff.
    pub(super) diffs: usize,
}

/// Finds both places.
pub(super) fn find(lines: &Lines<'_>, header: Place) -> Result<Start, ParseError> {
    let is_mail = header.shape == Shape::Mail;
    let mut first = None;
    let mut cut = None;
    let mut at = header.start;
    while at < lines.count() {
        if at > header.start && is_second_mail(lines, at) {
            if first.is_some() {
                break;
            }
            return Err(ParseErrorKind::SeveralMails.at(at + 1));
        }
        if first.is_none() && begins_diff(lines, at) {
            first = Some(at);
        }
        if is_cut(lines.get(at)) && (first.is_none() || is_mail) {
            let next = (at + 1..lines.count()).find(|next| !is_stat(lines.get(*next)));
            if let Some(diffs) = next.filter(|next| begins_diff(lines, *next)) {
                cut = Some(Start { message_end: at, diffs });
            }
        }
        at = hunk::skip(lines, at).unwrap_or(at + 1);
    }
    let Some(diffs) = first else { return Err(between::instead_of_diffs(lines)) };
    Ok(cut.or_else(|| above_stat(lines, diffs)).unwrap_or(Start { message_end: diffs, diffs }))
}

/// Splits a patch file into mails where the next mail begins; text inside a hunk is content. Returns one piece if there
/// is one mail.
#[must_use]
pub fn split_mails(bytes: &[u8]) -> Vec<&[u8]> {
    let lines = Lines::new(bytes);
    let mut cuts = Vec::new();
    let mut at = super::super::header::find(&lines).start;
    while at < lines.count() {
        if is_second_mail(&lines, at) {
            cuts.push(lines.offset(at));
        }
        at = hunk::skip(&lines, at).unwrap_or(at + 1);
    }
    let ends = cuts.iter().skip(1).copied().chain([bytes.len()]);
    let mut start = 0;
    let mut pieces = Vec::new();
    for end in ends {
        pieces.push(&bytes[start..end]);
        start = end;
    }
    pieces
}

/// Returns the last `---` above a stat that is directly before the diff.
fn above_stat(lines: &Lines<'_>, diffs: usize) -> Option<Start> {
    let stat = (0..diffs).rev().take_while(|at| is_stat(lines.get(*at)));
    let mut summaries = stat.filter(|at| {
        let line = lines.get(*at);
        line.starts_with(b" ") && line.windows(14).any(|text| text == b"files changed," || text == b" file changed,")
    });
    let summary = summaries.next()?;
    let message_end = (0..summary).rev().find(|at| is_cut(lines.get(*at)))?;
    Some(Start { message_end, diffs })
}

/// Recognizes the `---` that ends a message.
pub(crate) fn is_cut(line: &[u8]) -> bool {
    trim_end(line) == b"---"
}

/// Recognizes a line of the stat, or a blank one.
fn is_stat(line: &[u8]) -> bool {
    line.starts_with(b" ") || trim_end(line).is_empty()
}

/// Checks whether a diff (with the `Index:` or `diff -u` line above it) begins at this line.
pub(crate) fn begins_diff(lines: &Lines<'_>, at: usize) -> bool {
    let line = lines.get(at);
    let next = lines.get(at + 1);
    if line.starts_with(b"diff --git ") {
        return super::git::is_extended(next);
    }
    if is_combined(lines, at) || between::begins_unreadable(lines, at) {
        return true;
    }
    if line.starts_with(b"Index: ") {
        let at = if next.starts_with(b"=====") { at + 2 } else { at + 1 };
        return begins_plain(lines, at) || lines.get(at).starts_with(b"diff ") && begins_plain(lines, at + 1);
    }
    if line.starts_with(b"diff ") {
        return begins_plain(lines, at + 1);
    }
    begins_plain(lines, at)
}

/// Checks whether `---`, `+++` and a hunk begin at this line.
pub(super) fn begins_plain(lines: &Lines<'_>, at: usize) -> bool {
    lines.get(at).starts_with(b"--- ")
        && lines.get(at + 1).starts_with(b"+++ ")
        && lines.get(at + 2).starts_with(b"@@ -")
}

/// Checks whether a combined diff begins at this line.
pub(super) fn is_combined(lines: &Lines<'_>, at: usize) -> bool {
    let line = lines.get(at);
    let next = lines.get(at + 1);
    (line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined "))
        && [b"index ".as_slice(), b"mode ", b"new file", b"deleted file"].iter().any(|start| next.starts_with(start))
}

/// Checks whether the separator of another mail is at this line.
pub(crate) fn is_second_mail(lines: &Lines<'_>, at: usize) -> bool {
    is_from_line(lines.get(at)) && lines.get(at + 1).split(|byte| *byte == b':').next().is_some_and(is_field_name)
}

fn is_field_name(name: &[u8]) -> bool {
    [b"From".as_slice(), b"Date", b"Subject", b"To", b"Return-Path", b"Received", b"Message-Id", b"Delivered-To"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Checks whether a mailbox reader begins a new mail at this line: `From SENDER DATE` (RFC 4155, appendix A). It
/// differs from text by a time followed by a number that can be a year or a zone. The rule is that of `git mailsplit`;
/// like it, this does not check the sender and the names of day and month.
pub(crate) fn is_from_line(line: &[u8]) -> bool {
    const TIME: usize = "0:00:00".len();
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let is_time = |text: &[u8]| {
        let digit = |at: usize| text[at].is_ascii_digit();
        text[4] == b':' && [0, 2, 3, 5, 6].into_iter().all(digit)
    };
    let times = rest.windows(TIME).enumerate().filter(|(_, text)| is_time(text));
    times.map(|(at, _)| number(&rest[at + TIME..])).any(|number| number > 90)
}

/// Returns the number at the start of `text`, after blanks and a plus; 0 when there is none.
fn number(text: &[u8]) -> u64 {
    let text = trim(text);
    let digits = text.strip_prefix(b"+").unwrap_or(text).iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}
