//! Reads diffs with git's header: `diff --git`, modes, renames, index line, binary content.

use super::super::strip::Strip;
use bstr::BString;

use super::super::binary::{self, Data, LARGEST, LARGEST_IN_FILE};
use super::super::model::{BinaryData, Change, Content, FileDiff, Side};
use super::error::{ParseError, ParseErrorKind, shown};
use super::hunk;
use super::lines::{Lines, trim};
use super::name::{self, Name};
use crate::path::RepoPath;

/// The lines that can follow a `diff --git` line.
const EXTENDED: [&[u8]; 16] = [
    b"--- ",
    b"+++ ",
    b"old mode ",
    b"new mode ",
    b"deleted file mode ",
    b"new file mode ",
    b"copy from ",
    b"copy to ",
    b"rename from ",
    b"rename to ",
    b"rename old ",
    b"rename new ",
    b"similarity index ",
    b"dissimilarity index ",
    b"index ",
    b"Binary files ",
];

/// Checks whether git's header continues with this line.
pub(super) fn is_extended(line: &[u8]) -> bool {
    EXTENDED.iter().any(|start| line.starts_with(start))
}

/// The header as it is being collected.
#[derive(Default)]
struct Head {
    old_mode: Option<u32>,
    new_mode: Option<u32>,
    is_add: bool,
    is_delete: bool,
    is_copy: bool,
    from: Option<RepoPath>,
    to: Option<RepoPath>,
    similarity: Option<u8>,
    index: Option<(BString, BString)>,
    old: Option<Name>,
    new: Option<Name>,
}

/// Reads the diff whose `diff --git` line is `start`; returns it and the line after it.
/// `room` is how many bytes of binary content the file may still inflate to.
pub(super) fn read(
    lines: &Lines<'_>,
    start: usize,
    strip: Strip,
    room: &mut usize,
) -> Result<(FileDiff, usize), ParseError> {
    let git_line = &lines.get(start)[b"diff --git ".len()..];
    let mut head = Head::default();
    let mut at = start + 1;
    while at < lines.count() && is_extended(lines.get(at)) && !lines.get(at).starts_with(b"Binary files ") {
        head.take(lines.get(at), strip).map_err(|kind| kind.at(at + 1))?;
        at += 1;
        if head.new.is_some() {
            break;
        }
    }
    let (content, after) = content(lines, at, room)?;
    let content = match content {
        None if head.new.is_some() => return Err(ParseErrorKind::NoHunk(shown(lines.get(at))).at(at + 1)),
        content => content.unwrap_or(Content::Same),
    };
    let diff = head.finish(git_line, strip, content, start + 1).map_err(|kind| kind.at(start + 1))?;
    Ok((diff, after))
}

/// Reads the content that begins at `at`, if any, and returns it and the line after it.
fn content(lines: &Lines<'_>, at: usize, room: &mut usize) -> Result<(Option<Content>, usize), ParseError> {
    let line = lines.get(at);
    if line.starts_with(b"@@ -") {
        let (hunks, after) = hunk::read_all(lines, at)?;
        return Ok((Some(Content::Text(hunks)), after));
    }
    if line == b"GIT binary patch" {
        let (forward, after) = block(lines, at + 1, room)?;
        let begins = |at| [b"literal ".as_slice(), b"delta "].iter().any(|kind| lines.get(at).starts_with(kind));
        if begins(after) {
            let (reverse, after) = block(lines, after, room)?;
            return Ok((Some(Content::Binary { forward, reverse: Some(reverse) }), after));
        }
        return Ok((Some(Content::Binary { forward, reverse: None }), after));
    }
    if (line.starts_with(b"Binary files ") || line.starts_with(b"Files ")) && line.ends_with(b" differ") {
        return Ok((Some(Content::BinaryWithoutData), at + 1));
    }
    Ok((None, at))
}

/// Reads one `literal` or `delta` block that begins at `at`; returns it and the line after the blank line that ends it.
fn block(lines: &Lines<'_>, at: usize, room: &mut usize) -> Result<(BinaryData, usize), ParseError> {
    let broken = |text: String, at: usize| ParseErrorKind::Binary(text).at(at + 1);
    let line = lines.get(at);
    let (kind, size) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
    let size = std::str::from_utf8(trim(size)).ok().and_then(|size| size.parse::<usize>().ok());
    let make: fn(Data) -> BinaryData = match kind {
        b"literal" => BinaryData::Literal,
        b"delta" => BinaryData::Delta,
        _ => return Err(broken(format!("expected 'literal SIZE' or 'delta SIZE', found '{}'", shown(line)), at)),
    };
    let size = size.ok_or_else(|| broken(format!("expected a size, found '{}'", shown(line)), at))?;
    let mut packed = Vec::new();
    let mut next = at + 1;
    while !lines.get(next).is_empty() {
        let read = binary::decode_line(lines.get(next), &mut packed);
        read.map_err(|error| broken(format!("{error}: '{}'", shown(lines.get(next))), next))?;
        next += 1;
    }
    if size <= LARGEST {
        *room = room.checked_sub(size).ok_or_else(|| ParseErrorKind::TooMuchBinary(LARGEST_IN_FILE).at(at + 1))?;
    }
    let data = Data::packed(packed, size).map_err(|error| broken(error.to_string(), at))?;
    Ok((make(data), next + 1))
}

impl Head {
    /// Reads one line of the extended header.
    fn take(&mut self, line: &[u8], strip: Strip) -> Result<(), ParseErrorKind> {
        let of = |start: &str| line.strip_prefix(start.as_bytes());
        let path = |text: &[u8]| name::read_whole(text, strip.folders().saturating_sub(1)).map(Some);
        if let Some(text) = of("--- ") {
            self.old = Some(name::read(text, strip)?);
        } else if let Some(text) = of("+++ ") {
            self.new = Some(name::read(text, strip)?);
        } else if let Some(text) = of("old mode ") {
            self.old_mode = Some(mode(text)?);
        } else if let Some(text) = of("new mode ") {
            self.new_mode = Some(mode(text)?);
        } else if let Some(text) = of("deleted file mode ") {
            self.is_delete = true;
            self.old_mode = Some(mode(text)?);
        } else if let Some(text) = of("new file mode ") {
            self.is_add = true;
            self.new_mode = Some(mode(text)?);
        } else if let Some(text) = of("rename from ").or_else(|| of("rename old ")) {
            self.from = path(text)?;
        } else if let Some(text) = of("rename to ").or_else(|| of("rename new ")) {
            self.to = path(text)?;
        } else if let Some(text) = of("copy from ") {
            self.is_copy = true;
            self.from = path(text)?;
        } else if let Some(text) = of("copy to ") {
            self.is_copy = true;
            self.to = path(text)?;
        } else if let Some(text) = of("similarity index ") {
            let digits = text.strip_suffix(b"%").unwrap_or(text);
            let percent = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            self.similarity = percent.filter(|percent| *percent <= 100);
        } else if let Some(text) = of("index ") {
            self.take_index(text)?;
        }
        Ok(())
    }

    /// Reads `OLD..NEW`, followed by the mode if both sides have the same. Invalid ids (people shorten or anonymize
    /// them) are ignored: git uses ids for binary content only, and there they are reported as missing.
    fn take_index(&mut self, text: &[u8]) -> Result<(), ParseErrorKind> {
        let (ids, rest) = text.split_at(text.iter().position(|byte| *byte == b' ').unwrap_or(text.len()));
        let Some(dots) = ids.windows(2).position(|pair| pair == b"..") else { return Ok(()) };
        let (old, new) = (&ids[..dots], &ids[dots + 2..]);
        let is_id = |id: &[u8]| !id.is_empty() && id.len() <= 64 && id.iter().all(u8::is_ascii_hexdigit);
        if is_id(old) && is_id(new) {
            self.index = Some((BString::from(old), BString::from(new)));
        }
        if !trim(rest).is_empty() && self.old_mode.is_none() && self.new_mode.is_none() {
            let mode = mode(trim(rest))?;
            self.old_mode = Some(mode);
            self.new_mode = Some(mode);
        }
        Ok(())
    }

    /// Determines names and kind, and checks that they agree with the content.
    fn finish(self, git_line: &[u8], strip: Strip, content: Content, line: usize) -> Result<FileDiff, ParseErrorKind> {
        // Half of a mode change is not enough: the other mode is unknown.
        if !self.is_add && !self.is_delete && self.old_mode.is_some() != self.new_mode.is_some() {
            return Err(ParseErrorKind::HalfMode);
        }
        let is_move = self.from.is_some() || self.to.is_some();
        let (old_path, new_path, change) = if is_move {
            let (Some(from), Some(to)) = (self.from, self.to) else { return Err(ParseErrorKind::HalfRename) };
            agrees(self.old.as_ref(), &from)?;
            agrees(self.new.as_ref(), &to)?;
            let kind = if self.is_copy { Change::Copy } else { Change::Rename };
            (from, to, kind(self.similarity))
        } else {
            let is_add = self.is_add || self.old == Some(Name::Nothing);
            let is_delete = self.is_delete || self.new == Some(Name::Nothing);
            // People who moved a patch to another folder by hand often did not change the first line. If that line says
            // nothing else, nothing is lost.
            let says_more = is_add || is_delete || self.old_mode != self.new_mode;
            if says_more && let Some(name) = name::of_git_line(git_line, strip)? {
                agrees(self.old.as_ref(), &name)?;
                agrees(self.new.as_ref(), &name)?;
            }
            let path = one_name(self.old, self.new, git_line, strip)?;
            let change = match (is_add, is_delete) {
                (true, false) => Change::Add,
                (false, true) => Change::Delete,
                _ => Change::Modify,
            };
            (path.clone(), path, change)
        };
        let same_mode = self.old_mode == self.new_mode;
        if change == Change::Modify && content == Content::Same && same_mode {
            return Err(ParseErrorKind::NothingChanges(new_path.to_string()));
        }
        let (old_mode, new_mode) = match change {
            Change::Add => (None, self.new_mode),
            Change::Delete => (self.old_mode, None),
            _ => (self.old_mode, self.new_mode),
        };
        Ok(FileDiff { change, old_path, new_path, old_mode, new_mode, index: self.index, content, line })
    }
}

/// Returns the name of a file that is not renamed.
fn one_name(old: Option<Name>, new: Option<Name>, git_line: &[u8], strip: Strip) -> Result<RepoPath, ParseErrorKind> {
    let of_line = name::of_git_line(git_line, strip)?;
    match (old, new) {
        (Some(Name::Path(old)), Some(Name::Path(new))) if old != new => {
            Err(ParseErrorKind::NamesDiffer { old: old.to_string(), new: new.to_string() })
        }
        (_, Some(Name::Path(path))) | (Some(Name::Path(path)), _) => Ok(path),
        _ => of_line.ok_or_else(|| ParseErrorKind::NoPath { strip: strip.folders(), text: shown(git_line) }),
    }
}

/// Checks that the name of a `---` or `+++` line is the name in the lines above; otherwise it belongs to another diff.
fn agrees(line: Option<&Name>, header: &RepoPath) -> Result<(), ParseErrorKind> {
    match line {
        Some(Name::Path(path)) if path != header => {
            Err(ParseErrorKind::OtherFile { header: header.to_string(), line: path.to_string() })
        }
        _ => Ok(()),
    }
}

fn mode(text: &[u8]) -> Result<u32, ParseErrorKind> {
    let bad = || ParseErrorKind::BadMode(shown(text));
    let mode =
        std::str::from_utf8(trim(text)).ok().and_then(|text| u32::from_str_radix(text, 8).ok()).ok_or_else(bad)?;
    match mode & 0o170_000 {
        0o100_000 | 0o120_000 | 0o160_000 => Ok(mode),
        _ => Err(bad()),
    }
}

/// Checks that a new file needs no old lines and a deleted one keeps none.
pub(super) fn check(diff: &FileDiff) -> Result<(), ParseError> {
    let Content::Text(hunks) = &diff.content else { return Ok(()) };
    let (only, error) = match diff.change {
        Change::Add => (Side::New, ParseErrorKind::AddWithOldLines),
        Change::Delete => (Side::Old, ParseErrorKind::DeleteWithNewLines),
        _ => return Ok(()),
    };
    match hunks.iter().find(|hunk| hunk.lines.iter().any(|line| line.side != only)) {
        Some(hunk) => Err(error.at(hunk.line)),
        None => Ok(()),
    }
}
