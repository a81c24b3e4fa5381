//! Writes untrusted texts to TOML files that people review and git merges: an array with one line of text per line.
//!
//! TOML's multi-line strings would lose carriage returns and hide how a text ends. A line that is not UTF-8 is `{
//! base64 = "…" }`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bstr::{BString, ByteSlice};
use serde::Deserialize;

/// A text, parsed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "Vec<Piece>")]
pub(in crate::workspace) struct Text(pub(in crate::workspace) BString);

/// Bytes on one line, parsed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Piece")]
pub(in crate::workspace) struct Word(pub(in crate::workspace) BString);

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Plain(String),
    Coded { base64: String },
}

impl Piece {
    fn bytes(self) -> Result<Vec<u8>, base64::DecodeError> {
        match self {
            Piece::Plain(text) => Ok(text.into_bytes()),
            Piece::Coded { base64 } => STANDARD.decode(base64),
        }
    }
}

impl TryFrom<Vec<Piece>> for Text {
    type Error = base64::DecodeError;

    fn try_from(pieces: Vec<Piece>) -> Result<Text, Self::Error> {
        let lines = pieces.into_iter().map(Piece::bytes).collect::<Result<Vec<_>, _>>()?;
        Ok(Text(lines.concat().into()))
    }
}

impl TryFrom<Piece> for Word {
    type Error = base64::DecodeError;

    fn try_from(piece: Piece) -> Result<Word, Self::Error> {
        piece.bytes().map(|bytes| Word(bytes.into()))
    }
}

/// Writes `key = [` and the lines of `text`.
pub(in crate::workspace) fn write_text(out: &mut String, key: &str, text: &[u8]) {
    if text.is_empty() {
        out.push_str(&format!("{key} = []\n"));
        return;
    }
    out.push_str(&format!("{key} = [\n"));
    for line in text.lines_with_terminator() {
        out.push_str(&format!("    {},\n", word(line)));
    }
    out.push_str("]\n");
}

/// Writes `key = "…"`.
pub(in crate::workspace) fn write_word(out: &mut String, key: &str, bytes: &[u8]) {
    out.push_str(&format!("{key} = {}\n", word(bytes)));
}

/// Returns a basic string with all invisible characters escaped; base64 if it is not UTF-8.
fn word(bytes: &[u8]) -> String {
    let Ok(text) = bytes.to_str() else { return format!("{{ base64 = \"{}\" }}", STANDARD.encode(bytes)) };
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || is_unseen(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Checks for characters that reverse the text after them, or are invisible: no one can review them.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize)]
    struct Both {
        text: Text,
        word: Word,
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..60)) {
            let mut out = String::new();
            write_text(&mut out, "text", &text);
            write_word(&mut out, "word", &text);
            let read: Both = toml::from_str(&out).unwrap();
            prop_assert_eq!(read.text.0, BString::from(text.clone()));
            prop_assert_eq!(read.word.0, BString::from(text));
        }
    }

    #[test]
    fn lines_stand_below_each_other() {
        let mut out = String::new();
        write_text(&mut out, "text", "FROM \"x\"\r\n\ttab \u{202e}\nend".as_bytes());
        write_text(&mut out, "none", b"");
        write_word(&mut out, "path", b"a\xff");
        let expected = "text = [\n    \"FROM \\\"x\\\"\\r\\n\",\n    \"\\ttab \\U0000202E\\n\",\n    \"end\",\n]\nnone = []\n\
                        path = { base64 = \"Yf8=\" }\n";
        assert_eq!(out, expected);
    }
}
