//! Finds lines beside the diffs that are more than text: with them a program announces the change of a file.
//!
//! A diff that cannot be read must not be skipped as text, or a part of the patch is lost silently. So a line after the
//! first diff that announces a change is an error, whatever form the change has: another format (context, normal and ed
//! diffs), a git header without its diff, content that was never in the patch (binary files, files of one side only,
//! submodules, properties), a diff with colours, indentation or a byte order mark. Before the first diff only the lines
//! directly above it are checked, because messages quote such lines.
//!
//! The manual of GNU patch says what it takes as a change ("Input format"); `tests/engine/patch_oracle.rs` checks this
//! file against both programs.

use super::error::{ParseError, ParseErrorKind, shown};
use super::lines::{Lines, trim_end};
use super::{git, hunk, start};

/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Returns the text without byte order marks at its start, and their number of bytes.
pub(super) fn without_mark(text: &[u8]) -> (&[u8], usize) {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(MARK) {
        rest = after;
    }
    (rest, text.len() - rest.len())
}

/// What the line at `at`, which is not part of a diff that is read, announces.
pub(super) fn announced(lines: &Lines<'_>, at: usize) -> Option<ParseErrorKind> {
    let line = lines.get(at);
    let first = *line.first()?;
    if let Some(kind) = disguised(lines, at) {
        return Some(kind);
    }
    let what = || shown(line);
    match first {
        b'*' => {
            if begins_context(lines, at) || begins_context_hunk(lines, at) {
                return Some(ParseErrorKind::ContextDiff);
            }
            if line.starts_with(b"* Unmerged path ") {
                return Some(ParseErrorKind::NoContent(what()));
            }
        }
        b'-' if line.starts_with(b"--- ") && lines.get(at + 1).starts_with(b"+++ ") => {
            return Some(ParseErrorKind::NoHunk(shown(lines.get(at + 2))));
        }
        b'@' => {
            if hunk::is_head(line) || is_hunk_start(line) {
                return Some(ParseErrorKind::StrayHunk(what()));
            }
            if line.starts_with(b"@@@ -") {
                return Some(ParseErrorKind::Combined(what()));
            }
        }
        b'0'..=b'9' if is_command(line) => return Some(ParseErrorKind::OtherFormat(what())),
        _ => {}
    }
    if is_git_header(line) && !is_said_again(lines, at) {
        return Some(ParseErrorKind::LoneHeader(what()));
    }
    lacks_content(lines, at)
}

/// Recognizes a diff or its header after colours, blanks or a byte order mark.
fn disguised(lines: &Lines<'_>, at: usize) -> Option<ParseErrorKind> {
    let line = lines.get(at);
    if line.contains(&0x1b) {
        let plain = without_colours(line);
        return (plain != line && is_head_of_any(&plain)).then(|| ParseErrorKind::Coloured(shown(&plain)));
    }
    if line.starts_with(MARK) {
        return is_head_of_any(without_mark(line).0).then_some(ParseErrorKind::ByteOrderMark);
    }
    // GNU patch removes the same blanks (and X) from every line of a diff that is indented.
    let bare = without_indent(line);
    if bare.len() == line.len() {
        return None;
    }
    let bare_at = |at: usize| without_indent(lines.get(at));
    let is_diff = is_hunk_start(bare)
        || is_git_header(bare)
        || bare.starts_with(b"diff --git ") && git::is_extended(bare_at(at + 1))
        || bare.starts_with(b"--- ") && bare_at(at + 1).starts_with(b"+++ ")
        || bare.starts_with(b"*** ") && bare_at(at + 1).starts_with(b"--- ") && is_stars(bare_at(at + 2))
        || is_stars(bare) && bare_at(at + 1).starts_with(b"*** ")
        || is_command(bare);
    is_diff.then(|| ParseErrorKind::Indented(shown(line)))
}

/// Checks whether a line begins like the first lines of a diff.
fn is_head_of_any(line: &[u8]) -> bool {
    const STARTS: [&[u8]; 9] =
        [b"diff ", b"--- ", b"+++ ", b"*** ", b"Index: ", b"@@ -", b"Binary files ", b"From ", b"Submodule "];
    STARTS.iter().any(|start| line.starts_with(start)) || is_git_header(line) || is_stars(line)
}

/// Returns the text without the terminal's colour sequences (`ESC [ … m` and `ESC [ … K`).
fn without_colours(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let [byte, after @ ..] = rest {
        let sequence = rest.strip_prefix(b"\x1b[").and_then(|inside| {
            let digits = inside.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            matches!(inside.get(digits), Some(b'm' | b'K')).then(|| &inside[digits + 1..])
        });
        if sequence.is_none() {
            out.push(*byte);
        }
        rest = sequence.unwrap_or(after);
    }
    out
}

fn without_indent(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'X', rest @ ..] = line {
        line = rest;
    }
    line
}

/// Checks for `@@ -` and a digit, which GNU patch takes as the start of a hunk.
fn is_hunk_start(line: &[u8]) -> bool {
    line.strip_prefix(b"@@ -").and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// Checks whether a context diff begins here.
pub(super) fn begins_context(lines: &Lines<'_>, at: usize) -> bool {
    lines.get(at).starts_with(b"*** ") && lines.get(at + 1).starts_with(b"--- ") && is_stars(lines.get(at + 2))
}

fn begins_context_hunk(lines: &Lines<'_>, at: usize) -> bool {
    let range = lines.get(at + 1).strip_prefix(b"*** ");
    is_stars(lines.get(at)) && range.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// Checks for the row of stars above a hunk of a context diff; words may follow it.
fn is_stars(line: &[u8]) -> bool {
    line.starts_with(b"***************")
}

/// Checks whether a coloured diff begins here.
pub(super) fn begins_coloured(lines: &Lines<'_>, at: usize) -> bool {
    let plain = |at: usize| without_colours(lines.get(at));
    let line = lines.get(at);
    if !line.contains(&0x1b) {
        return false;
    }
    let line = plain(at);
    line.starts_with(b"diff --git ") && git::is_extended(&plain(at + 1))
        || line.starts_with(b"--- ") && plain(at + 1).starts_with(b"+++ ") && plain(at + 2).starts_with(b"@@ -")
}

/// Checks for a line of git's header that alone says what happens to a file, and for the head of binary content.
fn is_git_header(line: &[u8]) -> bool {
    const MODES: [&[u8]; 4] = [b"old mode ", b"new mode ", b"deleted file mode ", b"new file mode "];
    const MOVES: [&[u8]; 6] =
        [b"rename from ", b"rename to ", b"rename old ", b"rename new ", b"copy from ", b"copy to "];
    let is_raw = |line: &[u8]| {
        let shape: Vec<u8> =
            line.iter().take(15).map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte }).collect();
        shape == b":000000 000000 "
    };
    MODES.iter().any(|start| line.strip_prefix(*start).is_some_and(|mode| mode.first().is_some_and(u8::is_ascii_digit)))
        || MOVES.iter().any(|start| line.starts_with(start))
        || trim_end(line) == b"GIT binary patch"
        || is_raw(line)
}

/// Checks for a line that begins a hunk of a normal diff (`3,4c5`) or a command of an ed script (`3,4c`).
fn is_command(line: &[u8]) -> bool {
    let Some([b'a' | b'c' | b'd', rest @ ..]) = numbers(line) else { return false };
    numbers(rest).map_or(trim_end(rest).is_empty(), |rest| trim_end(rest).is_empty())
}

/// Returns the text after `N` or `N,N`.
fn numbers(text: &[u8]) -> Option<&[u8]> {
    let number = |text: &'_ [u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let first = number(text);
    if first == 0 {
        return None;
    }
    let rest = &text[first..];
    match rest.strip_prefix(b",") {
        Some(second) => Some(&second[number(second)..]),
        None => Some(rest),
    }
}

/// Checks whether the plain diff directly below says the same: it adds an ordinary new file, or removes one.
fn is_said_again(lines: &Lines<'_>, at: usize) -> bool {
    let below = if lines.get(at + 1).starts_with(b"index ") { at + 2 } else { at + 1 };
    let line = lines.get(at);
    let is_plain = start::begins_plain(lines, below);
    is_plain && line == b"new file mode 100644" && lines.get(below).starts_with(b"--- /dev/null")
        || is_plain && line.starts_with(b"deleted file mode ") && lines.get(below + 1).starts_with(b"+++ /dev/null")
}

/// Recognizes a line that says that a file changes, but not how.
fn lacks_content(lines: &Lines<'_>, at: usize) -> Option<ParseErrorKind> {
    let line = trim_end(lines.get(at));
    let starts = |start: &str| line.starts_with(start.as_bytes());
    let ends = |end: &str| line.ends_with(end.as_bytes());
    let has = |text: &str| line.windows(text.len()).any(|part| part == text.as_bytes());
    let kind = if starts("Binary files ") && ends(" differ")
        || starts("Files ") && has(" and ") && ends(" differ")
        || starts("Binary file ") && ends(" has changed")
        || starts("Cannot display: file marked as a binary type")
        || line == b"(... files differ ...)"
    {
        ParseErrorKind::BinaryInPlain(shown(line))
    } else if starts("Property changes on: ") {
        ParseErrorKind::Properties(shown(&line[b"Property changes on: ".len()..]))
    } else if starts("Submodule ") && is_submodule_log(line) {
        ParseErrorKind::SubmoduleLog(shown(line))
    } else if starts("Only in ") && has(": ")
        || starts("Symbolic links ") && ends(" differ")
        || starts("File ") && has(" is a ") && has(" while file ")
        || starts("=== ") && is_bazaar(lines, at)
    {
        ParseErrorKind::NoContent(shown(line))
    } else if starts("Index: ") && is_empty_index(lines, at) {
        ParseErrorKind::NothingChanges(shown(&line[b"Index: ".len()..]))
    } else {
        return None;
    };
    Some(kind)
}

/// Recognizes `Submodule PATH 1234567..89abcde:` with an optional rest, from `git diff --submodule=log`.
fn is_submodule_log(line: &[u8]) -> bool {
    let is_id = |id: &[u8]| id.len() >= 7 && id.iter().all(u8::is_ascii_hexdigit);
    line.split(|byte| *byte == b' ').any(|word| {
        let word = word.strip_suffix(b":").unwrap_or(word);
        let Some(dots) = word.windows(2).position(|pair| pair == b"..") else { return false };
        let second = &word[dots + 2..];
        is_id(&word[..dots]) && is_id(second.strip_prefix(b".").unwrap_or(second))
    })
}

/// Recognizes `=== renamed file …`, and Bazaar's other headings without a diff below.
fn is_bazaar(lines: &Lines<'_>, at: usize) -> bool {
    let line = &lines.get(at)[4..];
    let has = |text: &[u8]| line.windows(text.len()).any(|part| part == text);
    let is_file = [b"added file ".as_slice(), b"removed file ", b"modified file ", b"target is "];
    line.starts_with(b"renamed ")
        || has(b"(properties changed: ")
        || is_file.iter().any(|start| line.starts_with(start)) && !lines.get(at + 1).starts_with(b"--- ")
}

/// Recognizes `Index: NAME` and its double line without a diff of that name before the next one: a new file without
/// content.
fn is_empty_index(lines: &Lines<'_>, at: usize) -> bool {
    if !lines.get(at + 1).starts_with(b"=====") {
        return false;
    }
    let name = trim_end(&lines.get(at)[b"Index: ".len()..]);
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
    let names_it = |at: usize| lines.get(at).windows(name.len().max(1)).any(|part| part == name);
    let mut below = (at + 2..lines.count()).take_while(|next| !lines.get(*next).starts_with(b"Index: "));
    // The other two are refused elsewhere.
    let goes_on = below.find(|next| {
        let line = lines.get(*next);
        let others = [b"Property changes on: ".as_slice(), b"Cannot display: "];
        start::begins_diff(lines, *next) || others.iter().any(|other| line.starts_with(other))
    });
    goes_on.is_none_or(|next| start::begins_diff(lines, next) && !(next..next + 3).any(names_it))
}

/// Returns the line of the first merge conflict in the patch file: git's three markers at line starts, which no line of
/// a diff has there.
pub(super) fn conflict(lines: &Lines<'_>) -> Option<usize> {
    let mut all = 0..lines.count();
    let first = all.find(|at| lines.get(*at).starts_with(b"<<<<<<< "))?;
    let is_whole = all.any(|at| lines.get(at) == b"=======") && all.any(|at| lines.get(at).starts_with(b">>>>>>> "));
    is_whole.then_some(first)
}

/// Says what a file without a diff is, if that can be recognized, and in which line.
pub(super) fn instead_of_diffs(lines: &Lines<'_>) -> ParseError {
    let found = (0..lines.count()).find_map(|at| announced(lines, at).map(|kind| kind.at(at + 1)));
    found.unwrap_or_else(|| ParseErrorKind::NoDiff.at(lines.count().max(1)))
}

/// Recognizes the kind of a file without readable text by its first bytes.
pub(super) fn no_text(bytes: &[u8]) -> Option<ParseErrorKind> {
    const PACKED: [(&[u8], &str); 6] = [
        (b"\x1f\x8b", "gunzip"),
        (b"\xfd7zXZ\0", "unxz"),
        (b"BZh", "bunzip2"),
        (b"\x28\xb5\x2f\xfd", "unzstd"),
        (b"PK\x03\x04", "unzip"),
        (b"LZIP", "lzip -d"),
    ];
    if let Some((_, tool)) = PACKED.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(ParseErrorKind::Compressed(tool));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Some(ParseErrorKind::Utf16);
    }
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).map_or(bytes, |at| &bytes[at..]);
    let is_page = [b"<!doctype html".as_slice(), b"<html"]
        .iter()
        .any(|tag| start.get(..tag.len()).is_some_and(|text| text.eq_ignore_ascii_case(tag)));
    is_page.then_some(ParseErrorKind::WebPage)
}

/// Checks the lines directly above the first diff: for a header that begins with something unreadable, and for diffs in
/// other formats directly above it.
///
/// # Errors
/// The first of them that announces a change.
pub(super) fn check_above(lines: &Lines<'_>, begin: usize, diffs: usize) -> Result<(), ParseError> {
    let mut first = None;
    for at in (begin..diffs).rev() {
        let line = lines.get(at);
        let kind = if line.is_empty() { None } else { announced(lines, at) };
        let goes_on = kind.is_some() || is_of_head(line);
        if !goes_on {
            break;
        }
        first = kind.map(|kind| kind.at(at + 1)).or(first);
    }
    first.map_or(Ok(()), Err)
}

/// Recognizes a line among a diff's first ones that announces nothing alone.
fn is_of_head(line: &[u8]) -> bool {
    const STARTS: [&[u8]; 8] =
        [b"Index: ", b"=====", b"diff ", b"RCS file: ", b"retrieving revision ", b"index ", b"  > ", b"  < "];
    STARTS.iter().any(|start| line.starts_with(start)) || git::is_extended(line)
}

/// Checks whether a diff begins here in a form that is always refused: context, coloured, after a byte order mark.
pub(super) fn begins_unreadable(lines: &Lines<'_>, at: usize) -> bool {
    let marked = lines.get(at).strip_prefix(MARK);
    begins_context(lines, at)
        || begins_coloured(lines, at)
        || marked.is_some_and(|line| {
            line.starts_with(b"diff --git ") && git::is_extended(lines.get(at + 1))
                || line.starts_with(b"--- ") && lines.get(at + 1).starts_with(b"+++ ")
        })
}
