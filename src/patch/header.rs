//! Reads the text before the diffs: a mail header, DEP-3 fields, free text, or the output of `hg export` and `git
//! show`.
//!
//! Decisions that the documents leave open:
//! - One leading bracket that contains the word PATCH is removed from a subject, and a `Re:` before such a bracket;
//!   other brackets stay, and so does a `Re:` without one (as in `git am --keep-non-patch`, except for that `Re:`).
//!   Scissors are text.
//! - Of several authors in a DEP-3 line the first is the author; the others become `Co-authored-by:` trailers.
//! - `From:`, `Subject:` and `Date:` lines at the very start of a mail's body override those of the mail, as in `git
//!   mailinfo`.
//! - White space at line ends, and blank lines before and after the body, are dropped (`git format-patch` does not
//!   write them); blank lines inside stay.
//! - Fields of a mail that describe the patch (DEP-3's, `Upstream-Status:`, `CVE:`) join the body's trailers; fields
//!   about the mail's transport are dropped.
//! - A block of fields ends at a blank line, or at the `---` or the diff below it.
//! - A mail without a subject uses the first line of its body, as `git am` does.

use bstr::{BString, ByteSlice};

use super::model::{Date, Header, HeaderForm, Person};
use super::parse::{
    Lines, ParseError, ParseErrorKind, begins_diff, is_cut, is_from_line, is_space, shown, trim, trim_end,
};
use super::words;

mod person;
mod place;
mod program;

use person::{each_address, phrase};
pub(super) use place::{Place, Shape, find};

impl Header {
    /// Returns the message of the patch's commit: the subject, a blank line, the body.
    #[must_use]
    pub fn message(&self) -> BString {
        let mut message = self.subject.clone();
        if !message.is_empty() {
            message.push(b'\n');
            if !self.body.is_empty() {
                message.push(b'\n');
            }
        }
        message.extend_from_slice(&self.body);
        message
    }

    /// Returns the trailers: key and value of each line of the body's last paragraph, if it has only `Key: value`
    /// lines, continuation lines (they start with a blank) and `(cherry picked from commit …)`.
    #[must_use]
    pub fn trailers(&self) -> Vec<(BString, BString)> {
        let lines: Vec<&[u8]> = self.body.lines().collect();
        let start = lines.iter().rposition(|line| trim(line).is_empty()).map_or(0, |at| at + 1);
        let mut trailers: Vec<(BString, BString)> = Vec::new();
        for line in &lines[start..] {
            match (field(line), trailers.last_mut()) {
                (Some((key, value)), _) => trailers.push((BString::from(key), BString::from(trim(value)))),
                (None, Some((_, value))) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    value.push(b'\n');
                    value.extend_from_slice(trim(line));
                }
                (None, _) if line.starts_with(b"(cherry picked from commit ") => {}
                _ => return Vec::new(),
            }
        }
        trailers
    }
}

/// Splits a commit message into subject and body as `git format-patch` does: the subject is the first paragraph on one
/// line, without blanks at either end.
#[must_use]
pub fn split_message(message: &[u8]) -> (BString, BString) {
    let mut lines = message.lines().map(trim_end).skip_while(|line| line.is_empty());
    let title: Vec<&[u8]> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    (BString::from(trim(&title.join(b" ".as_slice()))), body(lines))
}

/// Joins lines, without white space at their ends and without blank lines at the start and the end.
pub(super) fn body<'a>(lines: impl Iterator<Item = &'a [u8]>) -> BString {
    let mut out = BString::default();
    for line in lines.map(trim_end).skip_while(|line| line.is_empty()) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    while out.ends_with(b"\n\n") {
        out.pop();
    }
    out
}

/// Reads the header at `place` from the lines before `end`; text above it joins its body. The result is UTF-8, whatever
/// the encoding of the file.
pub(super) fn read(lines: &Lines<'_>, end: usize, place: Place) -> Result<Header, ParseError> {
    let utf8 = |text: &BString| words::in_utf8(text);
    let header = read_raw(lines, end, place)?;
    Ok(Header {
        author: header.author.map(|who| Person { name: utf8(&who.name), email: utf8(&who.email) }),
        subject: utf8(&header.subject),
        body: utf8(&header.body),
        ..header
    })
}

fn read_raw(lines: &Lines<'_>, end: usize, place: Place) -> Result<Header, ParseError> {
    let mut header = match place.shape {
        Shape::Mail => mail(lines, place.start, end)?,
        Shape::Dep3 => dep3(lines, end),
        Shape::Changeset => program::changeset(lines, place.start, end),
        Shape::Shown => program::shown(lines, place.start, end),
        Shape::Text | Shape::None => {
            let (subject, body) = first_line((0..end).map(|at| lines.get(at)));
            let form = if subject.is_empty() { HeaderForm::None } else { HeaderForm::Text };
            Header { form, author: None, date: None, subject, body }
        }
    };
    if matches!(place.shape, Shape::Mail | Shape::Changeset | Shape::Shown) {
        let (text, fields) = place::above(lines, place.start);
        let between: &[u8] = if text.is_empty() || header.body.is_empty() { b"" } else { b"\n" };
        header.body = BString::from([&text, between, &header.body].concat());
        append_trailers(&mut header.body, &fields);
    }
    Ok(header)
}

/// Returns the first line that is not blank, and the rest.
fn first_line<'a>(lines: impl Iterator<Item = &'a [u8]>) -> (BString, BString) {
    let mut lines = lines.skip_while(|line| trim(line).is_empty());
    let subject = BString::from(trim(lines.next().unwrap_or_default()));
    (subject, body(lines))
}

/// A block of `Name: value` lines up to a blank line.
struct Block {
    /// The first line after a `From …` line and blank lines.
    start: usize,
    /// The line after the block.
    end: usize,
    /// Names and unfolded values.
    fields: Vec<(BString, BString)>,
    /// Whether it has only fields.
    is_whole: bool,
}

impl Block {
    /// Reads the block that begins at `from` or below it, up to a blank line, the `---` of a mail or a diff.
    fn read(lines: &Lines<'_>, from: usize, end: usize) -> Block {
        let blank = |at: usize| trim(lines.get(at)).is_empty();
        let ends = |at: usize| blank(at) || is_cut(lines.get(at)) || begins_diff(lines, at);
        let mut start = (from..end).find(|at| !blank(*at)).unwrap_or(end);
        if is_from_line(lines.get(start)) {
            start += 1;
        }
        let mut block = Block { start, end: start, fields: Vec::new(), is_whole: true };
        while block.end < end && !ends(block.end) {
            let line = lines.get(block.end);
            match (field(line), block.fields.last_mut()) {
                (_, Some((_, value))) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    value.push(b'\n');
                    value.extend_from_slice(line);
                }
                (Some((key, value)), _) => block.fields.push((BString::from(key), BString::from(value))),
                (None, _) => {
                    block.is_whole = false;
                    break;
                }
            }
            block.end += 1;
        }
        block.is_whole &= !block.fields.is_empty();
        block
    }

    /// Converts values that are not UTF-8: bytes outside of encoded words are in the mail's character set.
    fn decode(&mut self, charset: &[u8]) {
        for (_, value) in self.fields.iter_mut().filter(|(_, value)| value.to_str().is_err()) {
            if let Some(decoded) = words::to_utf8(value.to_vec(), charset) {
                *value = BString::from(decoded);
            }
        }
    }

    /// Returns the first field of that name, unfolded: a line break and the blank after it become one blank.
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        let (_, value) = self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))?;
        Some(unfold(value))
    }
}

fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, line) in value.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(if index > 0 { line.get(1..).unwrap_or_default() } else { line });
    }
    trim(&out).to_vec()
}

/// Parses `Name: value` with a name of letters, digits and `-`.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let spaced = value.first().is_none_or(|byte| is_space(*byte));
    (is_name && spaced).then_some((name, value))
}

/// Checks for fields that DEP-3 knows and a mail does not.
fn is_only_dep3(key: &[u8]) -> bool {
    let lower = key.to_ascii_lowercase();
    lower.starts_with(b"bug-")
        || [
            b"description".as_slice(),
            b"origin",
            b"author",
            b"bug",
            b"forwarded",
            b"applied-upstream",
            b"last-update",
            b"upstream-status",
            b"cve",
        ]
        .contains(&lower.as_slice())
}

/// Reads a DEP-3 header: the fields of the first paragraph; free text after them belongs to the description.
fn dep3(lines: &Lines<'_>, end: usize) -> Header {
    let block = Block::read(lines, 0, end);
    let mut header = Header {
        form: HeaderForm::Dep3,
        author: None,
        date: None,
        subject: BString::default(),
        body: BString::default(),
    };
    let mut long: Vec<Vec<u8>> = Vec::new();
    let mut rest: Vec<Vec<u8>> = Vec::new();
    let mut has_description = false;
    for (key, value) in &block.fields {
        match key.to_ascii_lowercase().as_slice() {
            b"description" | b"subject" if !has_description => {
                has_description = true;
                let mut text = value.split(|byte| *byte == b'\n');
                let first = words::decode(trim(text.next().unwrap_or_default()));
                header.subject = BString::from(strip_patch(&first));
                long.extend(text.map(|line| {
                    let line = line.get(1..).unwrap_or_default();
                    if trim(line) == b"." { Vec::new() } else { line.to_vec() }
                }));
            }
            b"author" | b"from" if header.author.is_none() => {
                let value = unfold(value);
                let mut names = each_address(&value);
                header.author = names.next().and_then(phrase);
                rest.extend(names.map(|name| [b"Co-authored-by: ".as_slice(), name].concat()));
            }
            b"last-update" | b"date" if header.date.is_none() && date(&unfold(value)).is_some() => {
                header.date = date(&unfold(value));
            }
            _ => rest.push([key, b":".as_slice(), value].concat()),
        }
    }
    long.extend((block.end..end).map(|at| lines.get(at).to_vec()));
    let (mut subject, mut text) = (header.subject, body(long.iter().map(Vec::as_slice)));
    if subject.is_empty() {
        (subject, text) = first_line(text.clone().lines());
    }
    append_trailers(&mut text, &rest);
    Header { subject, body: text, ..header }
}

/// Appends lines as a paragraph at the end of a body, or to the paragraph of trailers that is already there.
fn append_trailers(text: &mut BString, lines: &[Vec<u8>]) {
    if lines.is_empty() {
        return;
    }
    let own = Header {
        form: HeaderForm::None,
        author: None,
        date: None,
        subject: BString::default(),
        body: std::mem::take(text),
    };
    let joins = !own.trailers().is_empty();
    *text = own.body;
    if !text.is_empty() && !joins {
        text.push(b'\n');
    }
    for line in lines {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
}

/// Reads a mail.
fn mail(lines: &Lines<'_>, start: usize, end: usize) -> Result<Header, ParseError> {
    let mut block = Block::read(lines, start, end);
    let charset = block.get("Content-Type").and_then(|value| parameter(&value, b"charset"));
    if let Some(charset) = &charset {
        block.decode(charset);
    }
    let mut author = block.get("From").and_then(|value| phrase(&value));
    let mut date_text = block.get("Date");
    let mut subject = block.get("Subject").map(|value| words::decode(&value));
    let raw = body((block.end..end).map(|at| lines.get(at)));
    let text = match charset {
        Some(charset) => words::to_utf8(raw.to_vec(), &charset).map_or(raw, BString::from),
        None => raw,
    };
    let (in_body, text) = in_body_headers(&text);
    for (name, value) in in_body {
        match name {
            InBody::From => author = phrase(&value).or(author),
            InBody::Date => date_text = Some(value),
            InBody::Subject => subject = Some(words::decode(&value)),
        }
    }
    let date = match date_text {
        Some(text) => Some(date(&text).ok_or_else(|| {
            let at = (block.start..block.end).find(|at| lines.get(*at).to_ascii_lowercase().starts_with(b"date:"));
            ParseErrorKind::BadDate(shown(&text)).at(at.unwrap_or(block.end) + 1)
        })?),
        None => None,
    };
    let mut subject = BString::from(strip_patch(&subject.unwrap_or_default()));
    let mut text = text;
    if subject.is_empty() && !place::has_only_trailers(&text) {
        (subject, text) = first_line(text.clone().lines());
    }
    let about: Vec<Vec<u8>> = block
        .fields
        .iter()
        .filter(|(key, _)| is_only_dep3(key))
        .map(|(key, value)| [key, b":".as_slice(), value].concat())
        .collect();
    append_trailers(&mut text, &about);
    Ok(Header { form: HeaderForm::Mail, author, date, subject, body: text })
}

/// The header lines that are valid at the start of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InBody {
    From,
    Subject,
    Date,
}

/// Returns the override lines at the start of a body, and the body after them.
fn in_body_headers(text: &BString) -> (Vec<(InBody, Vec<u8>)>, BString) {
    let mut found: Vec<(InBody, Vec<u8>)> = Vec::new();
    let lines: Vec<&[u8]> = text.lines().collect();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let fresh = in_body(line).filter(|(name, _)| found.iter().all(|(known, _)| known != name));
        match (fresh, found.last_mut()) {
            (Some((name, value)), _) => found.push((name, trim(value).to_vec())),
            (None, Some((_, value))) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                value.push(b' ');
                value.extend_from_slice(&line[1..]);
            }
            _ => break,
        }
        at += 1;
    }
    let rest = if found.is_empty() { text.clone() } else { body(lines[at..].iter().copied()) };
    (found, rest)
}

fn in_body(line: &[u8]) -> Option<(InBody, &[u8])> {
    if line.starts_with(b"[PATCH]") && line.get(7).is_some_and(|byte| is_space(*byte)) {
        return Some((InBody::Subject, line));
    }
    let colon = line.iter().position(|byte| *byte == b':')?;
    let value = &line[colon + 1..];
    if !value.first().is_none_or(|byte| is_space(*byte)) {
        return None;
    }
    match line[..colon].to_ascii_lowercase().as_slice() {
        b"from" => Some((InBody::From, value)),
        b"subject" => Some((InBody::Subject, value)),
        b"date" => Some((InBody::Date, value)),
        _ => None,
    }
}

/// Checks whether this line at the start of a body would override the mail's header.
pub(super) fn overrides(line: &[u8]) -> bool {
    in_body(line).is_some()
}

/// Returns the subject without a leading `[… PATCH …]` and the blanks after it.
fn strip_patch(subject: &[u8]) -> Vec<u8> {
    let subject = trim(subject);
    let reply = subject.get(..3).filter(|start| start.eq_ignore_ascii_case(b"re:"));
    let start = if reply.is_some() { trim(&subject[3..]) } else { subject };
    match start.strip_prefix(b"[").and_then(|rest| rest.split_once_str(b"]")) {
        Some((bracket, rest)) if says_patch(bracket) => trim(rest).to_vec(),
        _ => subject.to_vec(),
    }
}

/// Checks whether a bracket contains the word PATCH, as in `PATCH v2 1/3`, `RFC/PATCH`, `PATCHv2`, but not in
/// `dispatch`, `hotpatching` or `devel-patches`.
fn says_patch(bracket: &[u8]) -> bool {
    let is_version = |rest: &[u8]| {
        rest.first().is_none_or(|byte| matches!(byte, b'v' | b'V')) && rest.iter().skip(1).all(u8::is_ascii_digit)
    };
    bracket
        .to_ascii_uppercase()
        .split(|byte| !byte.is_ascii_alphanumeric())
        .any(|word| word.strip_prefix(b"PATCH").is_some_and(is_version))
}

fn date(text: &[u8]) -> Option<Date> {
    Date::parse(text.to_str().ok()?).map(Date::storable)
}

/// Returns a parameter of a `Content-Type:` value.
fn parameter(value: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    value.split(|byte| *byte == b';').skip(1).find_map(|piece| {
        let (key, value) = piece.split_once_str(b"=")?;
        let value = trim(value);
        let value = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value);
        trim(key).eq_ignore_ascii_case(name).then(|| value.to_vec())
    })
}

/// Returns the whole mail with its body decoded, if it is quoted-printable or base64.
pub(super) fn decode_transfer(text: &[u8]) -> Result<Option<Vec<u8>>, ParseError> {
    let lines = Lines::new(text);
    let place = place::find(&lines);
    if place.shape != Shape::Mail {
        return Ok(None);
    }
    let block = Block::read(&lines, place.start, lines.count());
    let kind = block.get("Content-Type").unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with(b"multipart/") {
        return Err(ParseErrorKind::Multipart.at(block.start + 1));
    }
    let (header, encoded) = text.split_at(lines.offset(block.end));
    let decoded = match block.get("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_slice() {
        b"quoted-printable" => words::quoted_printable(encoded, false),
        b"base64" => {
            let data = words::base64(encoded).ok_or_else(|| ParseErrorKind::BadTransfer("base64").at(block.end + 1))?;
            [b"\n".as_slice(), &data].concat()
        }
        _ => return Ok(None),
    };
    Ok(Some([header, &decoded].concat()))
}
