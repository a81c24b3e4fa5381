//! Splits a Dockerfile into instructions with their lines and bytes.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use super::words::{is_blank, words};
use crate::path::printable;

/// A parsed Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    /// The directives at the top (`# syntax=`), in their order.
    pub directives: Vec<Directive>,
    /// The character that escapes a character and continues a line: a backslash unless `# escape=` says otherwise.
    pub escape: u8,
    /// The instructions in their order, at least one.
    pub instructions: Vec<Instruction>,
}

/// A line `# name=value` at the top of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The name in lower case.
    pub name: String,
    /// The value.
    pub value: BString,
    /// The line, from 1.
    pub line: usize,
    /// The bytes of the value in the file.
    pub span: Range<usize>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its name in upper case: `FROM`.
    pub name: String,
    /// The text after the name, on one line: continuations are joined, comments between them removed.
    pub text: BString,
    /// The lines of the file, from 1, here-documents included.
    pub lines: Range<usize>,
    /// The here-documents, in their order.
    pub heredocs: Vec<Heredoc>,
    /// The position in the file of each byte of `text`.
    places: Vec<usize>,
}

/// A here-document (`RUN <<EOF`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: BString,
    /// The bytes of its lines in the file.
    pub span: Range<usize>,
}

/// Why a Dockerfile cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ScanError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: ScanFault,
}

/// What is wrong with a Dockerfile. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanFault {
    /// No instruction at all.
    #[error("the file has no instruction")]
    Empty,
    /// A here-document without an end.
    #[error("the here-document '{0}' has no end")]
    OpenHeredoc(String),
    /// A directive that is given twice.
    #[error("the directive '{0}' is given twice")]
    DirectiveTwice(String),
    /// `# escape=` with something other than a backslash or a backtick.
    #[error("'{0}' cannot be the escape character; expected \\ or `")]
    BadEscape(String),
}

impl Instruction {
    /// Returns where the bytes `range` of [`Instruction::text`] are in the file. The range must not be empty.
    #[must_use]
    pub fn span(&self, range: Range<usize>) -> Range<usize> {
        let start = self.places.get(range.start).copied().unwrap_or_default();
        let end = self.places.get(range.end.saturating_sub(1)).map_or(start, |last| last + 1);
        start..end
    }

    /// Returns the first line, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.lines.start
    }
}

impl Dockerfile {
    /// Parses the bytes of a Dockerfile. Unknown instructions are kept as they are.
    ///
    /// # Errors
    /// [`ScanError`] with the line.
    pub fn parse(bytes: &[u8]) -> Result<Dockerfile, ScanError> {
        let mut scanner = Scanner::new(bytes);
        let directives = scanner.directives()?;
        let escape = escape(&directives)?;
        let mut instructions = Vec::new();
        while let Some(instruction) = scanner.instruction(escape)? {
            instructions.push(instruction);
        }
        if instructions.is_empty() {
            return Err(ScanError { line: 1, fault: ScanFault::Empty });
        }
        Ok(Dockerfile { directives, escape, instructions })
    }

    /// Returns the value of the directive `name`.
    #[must_use]
    pub fn directive(&self, name: &str) -> Option<&Directive> {
        self.directives.iter().find(|directive| directive.name == name)
    }
}

fn escape(directives: &[Directive]) -> Result<u8, ScanError> {
    let Some(directive) = directives.iter().find(|directive| directive.name == "escape") else { return Ok(b'\\') };
    match directive.value.as_slice() {
        [escape @ (b'\\' | b'`')] => Ok(*escape),
        other => Err(ScanError { line: directive.line, fault: ScanFault::BadEscape(printable(other)) }),
    }
}

/// The lines of the file, and the index of the next one.
struct Scanner<'a> {
    bytes: &'a [u8],
    /// The start and end of each line, without the line feed.
    lines: Vec<Range<usize>>,
    next: usize,
}

impl<'a> Scanner<'a> {
    fn new(bytes: &'a [u8]) -> Scanner<'a> {
        let mut lines = Vec::new();
        let mut at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        while at < bytes.len() {
            let end = bytes[at..].find_byte(b'\n').map_or(bytes.len(), |found| at + found);
            let content = if bytes[at..end].ends_with(b"\r") { end - 1 } else { end };
            lines.push(at..content);
            at = end + 1;
        }
        Scanner { bytes, lines, next: 0 }
    }

    fn text(&self, line: usize) -> Option<&'a [u8]> {
        self.lines.get(line).map(|range| &self.bytes[range.clone()])
    }

    /// Reads the directives: they end at the first other line.
    fn directives(&mut self) -> Result<Vec<Directive>, ScanError> {
        let mut found: Vec<Directive> = Vec::new();
        while let Some(line) = self.lines.get(self.next).cloned() {
            let Some((name, value)) = directive(&self.bytes[line.clone()]) else { break };
            if found.iter().any(|before| before.name == name) {
                return Err(ScanError { line: self.next + 1, fault: ScanFault::DirectiveTwice(name) });
            }
            self.next += 1;
            let span = line.start + value.start..line.start + value.end;
            found.push(Directive { name, value: self.bytes[span.clone()].into(), line: self.next, span });
        }
        Ok(found)
    }

    /// Reads the next instruction; `None` at the end of the file.
    fn instruction(&mut self, escape: u8) -> Result<Option<Instruction>, ScanError> {
        while self.text(self.next).is_some_and(is_skipped) {
            self.next += 1;
        }
        let first = self.next;
        if self.text(first).is_none() {
            return Ok(None);
        }
        let (mut text, mut places) = (Vec::new(), Vec::new());
        while let Some(line) = self.lines.get(self.next).cloned() {
            self.next += 1;
            // Inside an instruction too, comments and blank lines are skipped.
            if self.next > first + 1 && is_skipped(&self.bytes[line.clone()]) {
                continue;
            }
            let (length, goes_on) = without_continuation(&self.bytes[line.clone()], escape);
            text.extend_from_slice(&self.bytes[line.start..line.start + length]);
            places.extend(line.start..line.start + length);
            if !goes_on {
                break;
            }
        }
        let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
        let word = text[blanks..].iter().take_while(|byte| !is_blank(**byte)).count();
        let name = text[blanks..blanks + word].to_str_lossy().to_ascii_uppercase();
        let start = blanks + word + text[blanks + word..].iter().take_while(|byte| is_blank(**byte)).count();
        let end = text.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| (last + 1).max(start));
        let text = BString::from(&text[start..end]);
        let places = places[start..end].to_vec();
        let heredocs = self.heredocs(&name, &text, escape, first + 1)?;
        Ok(Some(Instruction { name, text, lines: first + 1..self.next + 1, heredocs, places }))
    }

    /// Reads the here-documents of an instruction that can have some, and moves past them.
    fn heredocs(&mut self, name: &str, text: &[u8], escape: u8, line: usize) -> Result<Vec<Heredoc>, ScanError> {
        if !has_heredocs(name, text) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for (name, strips_tabs) in words(text, escape).into_iter().filter_map(|word| opens_heredoc(&text[word])) {
            let start = self.lines.get(self.next).map_or(self.bytes.len(), |line| line.start);
            loop {
                let Some(range) = self.lines.get(self.next).cloned() else {
                    return Err(ScanError { line, fault: ScanFault::OpenHeredoc(printable(&name)) });
                };
                self.next += 1;
                let content = &self.bytes[range.clone()];
                let content = if strips_tabs { content.trim_start_with(|c| c == '\t') } else { content };
                if content == name.as_slice() {
                    found.push(Heredoc { name, span: start..range.start });
                    break;
                }
            }
        }
        Ok(found)
    }
}

/// Checks whether a line is blank or a comment.
fn is_skipped(line: &[u8]) -> bool {
    line.iter().find(|byte| !is_blank(**byte)).is_none_or(|byte| *byte == b'#')
}

/// Parses `# name=value`: returns the name in lower case, and the bytes of the value.
fn directive(line: &[u8]) -> Option<(String, Range<usize>)> {
    let after = |at: usize| at + line[at..].iter().take_while(|byte| is_blank(**byte)).count();
    let name_start = after(line.first().filter(|byte| **byte == b'#').map(|_| 1)?);
    let length = line[name_start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = line[name_start..name_start + length].to_str().ok().filter(|name| !name.is_empty())?;
    let equals = after(name_start + length);
    if !matches!(name.to_ascii_lowercase().as_str(), "syntax" | "escape" | "check") || line.get(equals) != Some(&b'=') {
        return None;
    }
    let start = after(equals + 1);
    let end = line.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    (start < end).then(|| (name.to_ascii_lowercase(), start..end))
}

/// Returns the length of the line without an escape character at its end, and whether it continues in the next line.
/// Two escape characters are one character of text.
fn without_continuation(line: &[u8], escape: u8) -> (usize, bool) {
    let Some(last) = line.iter().rposition(|byte| !is_blank(*byte)) else { return (line.len(), false) };
    let goes_on = line[last] == escape && (last == 0 || line[last - 1] != escape);
    if goes_on { (last, true) } else { (line.len(), false) }
}

/// Checks whether an instruction can have here-documents; `ONBUILD` has those of its inner instruction.
fn has_heredocs(name: &str, text: &[u8]) -> bool {
    let deferred = || text.split(|byte| is_blank(*byte)).next().unwrap_or_default().to_ascii_uppercase();
    match name {
        "RUN" | "COPY" | "ADD" => true,
        "ONBUILD" => matches!(deferred().as_slice(), b"RUN" | b"COPY" | b"ADD"),
        _ => false,
    }
}

/// Parses `<<NAME`, `<<-NAME`, `3<<NAME`, with the name in quotes or not: returns the name, and whether tabs before the
/// end mark are ignored.
fn opens_heredoc(word: &[u8]) -> Option<(BString, bool)> {
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = word[digits..].strip_prefix(b"<<")?;
    let (rest, strips_tabs) = rest.strip_prefix(b"-").map_or((rest, false), |rest| (rest, true));
    let name: Vec<u8> = rest.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\'')).collect();
    (!name.is_empty() && !name.contains(&b'<')).then(|| (BString::from(name), strips_tabs))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, Range<usize>)> {
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        file.instructions.into_iter().map(|i| (i.name, i.text.to_string(), i.lines)).collect()
    }

    fn one(name: &str, text: &str, lines: Range<usize>) -> (String, String, Range<usize>) {
        (name.to_owned(), text.to_owned(), lines)
    }

    #[test]
    fn continuations_are_joined_and_comments_in_them_left_out() {
        let text =
            "# syntax=docker/dockerfile:1\n\nfrom a\nRUN one \\\n  # why\n\n  two \\  \n three\nCMD x\\\\\nUSER u";
        assert_eq!(
            read(text),
            [
                one("FROM", "a", 3..4),
                one("RUN", "one   two  three", 4..9),
                one("CMD", "x\\\\", 9..10),
                one("USER", "u", 10..11)
            ]
        );
    }

    #[test]
    fn the_escape_character_can_be_another() {
        let text = "# escape=`\nFROM a\nRUN dir c:\\\nRUN x `\n y\n";
        assert_eq!(read(text), [one("FROM", "a", 2..3), one("RUN", "dir c:\\", 3..4), one("RUN", "x  y", 4..6)]);
        let error = Dockerfile::parse(b"# escape=x\nFROM a\n").unwrap_err();
        assert_eq!(error.to_string(), "line 1: 'x' cannot be the escape character; expected \\ or `");
    }

    #[test]
    fn directives_end_at_the_first_other_line() {
        let file =
            Dockerfile::parse(b"\xef\xbb\xbf# Syntax = a/b:1 \r\n# a comment\r\n# escape=`\r\nFROM x\r\n").unwrap();
        assert_eq!(file.directives.len(), 1);
        assert_eq!(file.directive("syntax").unwrap().value, "a/b:1");
        assert_eq!(file.directive("syntax").unwrap().span, 14..19);
        assert_eq!(file.escape, b'\\');
        let twice = Dockerfile::parse(b"# syntax=a\n# syntax=b\nFROM x\n").unwrap_err();
        assert_eq!(twice.to_string(), "line 2: the directive 'syntax' is given twice");
    }

    #[test]
    fn here_documents_belong_to_their_instruction() {
        let text = "FROM a\nRUN cat <<EOF > f && cat <<-'two'\nFROM not\nEOF\nRUN not\n\ttwo\nCOPY <<a <<b /x/\n1\na\n2\nb\nUSER u\n";
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        let lines: Vec<_> = file.instructions.iter().map(|i| (i.name.as_str(), i.lines.clone())).collect();
        assert_eq!(lines, [("FROM", 1..2), ("RUN", 2..7), ("COPY", 7..12), ("USER", 12..13)]);
        let bodies: Vec<_> = file.instructions[1].heredocs.iter().map(|doc| &text[doc.span.clone()]).collect();
        assert_eq!(bodies, ["FROM not\n", "RUN not\n"]);
        assert_eq!(file.instructions[2].heredocs.len(), 2);
    }

    #[test]
    fn what_only_looks_like_a_here_document() {
        for text in ["RUN echo $((1<<2))", "RUN cat <<<word", "RUN echo '<<EOF'", "ENV x=<<EOF", "RUN a<<EOF"] {
            assert_eq!(read(&format!("FROM a\n{text}\nUSER u\n")).len(), 3, "{text}");
        }
        let error = Dockerfile::parse(b"FROM a\nRUN <<EOF\nx\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: the here-document 'EOF' has no end");
    }

    #[test]
    fn a_word_is_found_in_the_file_again() {
        let text = "FROM \\\n  ubuntu:20.04 AS b\n";
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        let word = words(&file.instructions[0].text, b'\\').remove(0);
        assert_eq!(&text[file.instructions[0].span(word)], "ubuntu:20.04");
    }

    #[test]
    fn a_file_without_instructions() {
        for text in ["", "\n\n", "# only this\n"] {
            assert_eq!(
                Dockerfile::parse(text.as_bytes()).unwrap_err().to_string(),
                "line 1: the file has no instruction"
            );
        }
    }
}
