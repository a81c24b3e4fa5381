//! Prints a [`Patch`] as the canonical bytes of a patch file.
//!
//! The form is that of `git format-patch --zero-commit --no-signature -N --full-index --binary`, without the lines of
//! the stat: header, body, `---`, a blank line, the diffs. (With `--no-stat` git leaves out the `---` too; it stays
//! here, because it shows every reader where the message ends.) A line of the message that a mail reader would take as
//! the end of the message, the start of another mail or a header gets one blank in front. When it is read again, the
//! blank stays: a line is shielded only once, and a printed patch prints the same again.

use bstr::{BString, ByteSlice};

use super::binary;
use super::field::{Field, Place};
use super::header::{body, overrides};
use super::model::{BinaryData, Change, Content, FileDiff, Header, HeaderForm, Hunk, Patch, Person, Side};
use super::parse::{is_from_line, is_space, trim, trim_end};
use super::quote::quote;
use super::words;

/// A printed patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The original lines of the message that got a blank in front.
    pub shielded: Vec<BString>,
}

/// Returns the patch file's canonical bytes: a mail, or only the diffs for a patch without a header
/// ([`HeaderForm::None`]). A mail gets the `From:` and `Date:` lines that the header has; the caller sets them in a
/// mail for `git am`. A patch with another header keeps its bytes: append [`print_diffs`] to its own preamble.
#[must_use]
pub fn print(patch: &Patch) -> Printed {
    let mut printed = Printed { bytes: Vec::new(), shielded: Vec::new() };
    if patch.header.form != HeaderForm::None {
        mail(&patch.header, &mut printed);
    }
    diffs(&patch.files, &mut printed.bytes);
    printed
}

/// Returns the diffs alone.
#[must_use]
pub fn print_diffs(files: &[FileDiff]) -> Vec<u8> {
    let mut out = Vec::new();
    diffs(files, &mut out);
    out
}

fn mail(header: &Header, printed: &mut Printed) {
    let text = body(header.body.lines());
    let out = &mut printed.bytes;
    out.extend_from_slice(b"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n");
    if let Some(author) = &header.author {
        from(author, out);
    }
    if let Some(date) = header.date {
        out.extend_from_slice(format!("Date: {}\n", date.for_mail()).as_bytes());
    }
    subject(&header.subject, out);
    if [&header.subject, &text].iter().any(|text| text.iter().any(|byte| words::is_foreign(*byte))) {
        out.extend_from_slice(b"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n");
        out.extend_from_slice(b"Content-Transfer-Encoding: 8bit\n");
    }
    out.push(b'\n');
    for (index, line) in text.lines().enumerate() {
        if needs_shield(line, index == 0) {
            printed.shielded.push(BString::from(line));
            out.push(b' ');
        }
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.extend_from_slice(b"---\n\n");
}

/// Writes `From: Name <address>`. The address is the field's last word, and a name with special characters is quoted
/// (RFC 5322, 3.2.3 and 3.2.4).
fn from(author: &Person, out: &mut Vec<u8>) {
    let (name, email) = (one_line(&author.name), one_line(&author.email));
    let mut field = Field::new(b"From: ", out);
    if words::needs_encoding(&name) {
        field.encoded(&name, Place::Address);
    } else if name.iter().any(|byte| b"()<>[]:;@,.\"\\".contains(byte)) {
        field.text(&quoted(&name));
    } else {
        field.text(&name);
    }
    field.word(b" ", &[b"<", email.as_slice(), b">"].concat());
    field.end();
}

/// Returns text without line feeds: a line feed would begin another field.
fn one_line(text: &[u8]) -> Vec<u8> {
    text.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect()
}

/// Returns text in double quotes.
fn quoted(text: &[u8]) -> Vec<u8> {
    let escaped = text.iter().flat_map(|byte| {
        let slash = matches!(byte, b'"' | b'\\').then_some(b'\\');
        slash.into_iter().chain([*byte])
    });
    [b'"'].into_iter().chain(escaped).chain([b'"']).collect()
}

fn subject(subject: &[u8], out: &mut Vec<u8>) {
    let text = one_line(trim(subject));
    if text.is_empty() {
        out.extend_from_slice(b"Subject: [PATCH]\n");
        return;
    }
    let mut field = Field::new(b"Subject: [PATCH] ", out);
    if words::needs_encoding(&text) {
        field.encoded(&text, Place::Subject);
    } else {
        field.text(&text);
    }
    field.end();
}

/// Checks whether `git am` would not read this line as text: it would end the message, begin another mail, or be a
/// header.
fn needs_shield(line: &[u8], is_first: bool) -> bool {
    let ends_message = line.starts_with(b"diff -")
        || line.starts_with(b"Index: ")
        || line.strip_prefix(b"---").is_some_and(|rest| {
            trim_end(rest).is_empty() || rest.starts_with(b" ") && rest.get(1).is_some_and(|byte| !is_space(*byte))
        });
    let quoted_from = line.strip_prefix(b">").is_some_and(is_from_line);
    ends_message || is_from_line(line) || is_first && (overrides(line) || quoted_from)
}

fn diffs(files: &[FileDiff], out: &mut Vec<u8>) {
    for file in files {
        file_diff(file, out);
    }
}

fn file_diff(file: &FileDiff, out: &mut Vec<u8>) {
    let old = quote(&[b"a/".as_slice(), file.old_path.as_bytes()].concat());
    let new = quote(&[b"b/".as_slice(), file.new_path.as_bytes()].concat());
    put(out, &[b"diff --git ", &old, b" ", &new, b"\n"]);
    extended_header(file, out);
    let (old, new) = match file.change {
        Change::Add => (b"/dev/null".to_vec(), new),
        Change::Delete => (old, b"/dev/null".to_vec()),
        _ => (old, new),
    };
    match &file.content {
        Content::Same => {}
        Content::Text(hunks) => {
            if !hunks.is_empty() {
                put(out, &[b"--- ", &old, tab(&old), b"\n+++ ", &new, tab(&new), b"\n"]);
            }
            for one in hunks {
                hunk(one, out);
            }
        }
        Content::Binary { forward, reverse } => {
            out.extend_from_slice(b"GIT binary patch\n");
            block(forward, out);
            if let Some(reverse) = reverse {
                block(reverse, out);
            }
        }
        Content::BinaryWithoutData => put(out, &[b"Binary files ", &old, b" and ", &new, b" differ\n"]),
    }
}

/// Returns a tab to write after a name with a blank, for readers that would cut the name there.
fn tab(name: &[u8]) -> &'static [u8] {
    if name.contains(&b' ') { b"\t" } else { b"" }
}

/// Writes modes, similarity and index line.
fn extended_header(file: &FileDiff, out: &mut Vec<u8>) {
    let mut line = |text: String| out.extend_from_slice(text.as_bytes());
    match (file.change, file.old_mode, file.new_mode) {
        (Change::Add, _, mode) => line(format!("new file mode {:06o}\n", mode.unwrap_or(0o100_644))),
        (Change::Delete, mode, _) => line(format!("deleted file mode {:06o}\n", mode.unwrap_or(0o100_644))),
        (_, Some(old), Some(new)) if old != new => line(format!("old mode {old:06o}\nnew mode {new:06o}\n")),
        _ => {}
    }
    let moved = match file.change {
        Change::Rename(percent) => Some(("rename", percent)),
        Change::Copy(percent) => Some(("copy", percent)),
        _ => None,
    };
    if let Some((verb, percent)) = moved {
        if let Some(percent) = percent {
            line(format!("similarity index {percent}%\n"));
        }
        put(out, &[verb.as_bytes(), b" from ", &quote(file.old_path.as_bytes()), b"\n"]);
        put(out, &[verb.as_bytes(), b" to ", &quote(file.new_path.as_bytes()), b"\n"]);
    }
    if let Some((old, new)) = &file.index
        && old != new
    {
        put(out, &[b"index ", old, b"..", new]);
        if let (Some(before), Some(after)) = (file.old_mode, file.new_mode)
            && before == after
        {
            out.extend_from_slice(format!(" {after:06o}").as_bytes());
        }
        out.push(b'\n');
    }
}

fn hunk(hunk: &Hunk, out: &mut Vec<u8>) {
    let range = |start: u32, count: usize| if count == 1 { start.to_string() } else { format!("{start},{count}") };
    let old = range(hunk.old_start, hunk.len(Side::Old));
    let new = range(hunk.new_start, hunk.len(Side::New));
    out.extend_from_slice(format!("@@ -{old} +{new} @@").as_bytes());
    let section = trim_end(&hunk.section);
    if !section.is_empty() {
        put(out, &[b" ", section]);
    }
    out.push(b'\n');
    for line in &hunk.lines {
        out.push(match line.side {
            Side::Both => b' ',
            Side::Old => b'-',
            Side::New => b'+',
        });
        out.extend_from_slice(&line.bytes);
        if !line.bytes.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

fn block(data: &BinaryData, out: &mut Vec<u8>) {
    let (kind, data) = match data {
        BinaryData::Literal(data) => ("literal", data),
        BinaryData::Delta(data) => ("delta", data),
    };
    out.extend_from_slice(format!("{kind} {}\n", data.len()).as_bytes());
    binary::encode_lines(&binary::deflate(&data.bytes()), out);
    out.push(b'\n');
}

fn put(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    for piece in pieces {
        out.extend_from_slice(piece);
    }
}
