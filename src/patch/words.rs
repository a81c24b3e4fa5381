//! Decodes the encodings of mail: RFC 2047 words, quoted-printable, base64, and character sets.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bstr::{BString, ByteSlice};
use encoding_rs::Encoding;

use super::parse::{is_space, trim_end};

/// Padding in mails is often wrong, and is ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Checks whether this header text must be written as encoded words: it contains something that is not ASCII text, or
/// that would be read as such a word.
pub(crate) fn needs_encoding(text: &[u8]) -> bool {
    text.iter().any(|byte| is_foreign(*byte) || *byte == b'\n') || text.windows(2).any(|pair| pair == b"=?")
}

/// Checks for bytes that are not ASCII text: from 0x80 on, and the escape character, which begins text in other
/// character sets.
pub(crate) fn is_foreign(byte: u8) -> bool {
    byte >= 0x80 || byte == 0x1b
}

/// Decodes the RFC 2047 words in a header's text. White space between two words is removed; a word with an unknown
/// character set or broken content stays as it is.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    let mut after_word = false;
    while !rest.is_empty() {
        let Some(at) = rest.windows(2).position(|pair| pair == b"=?") else { break };
        let Some((decoded, after)) = word(&rest[at..]) else {
            out.extend_from_slice(&rest[..at + 2]);
            rest = &rest[at + 2..];
            after_word = false;
            continue;
        };
        if !(after_word && rest[..at].iter().all(|byte| is_space(*byte))) {
            out.extend_from_slice(&rest[..at]);
        }
        out.extend_from_slice(&decoded);
        rest = after;
        after_word = true;
    }
    out.extend_from_slice(rest);
    out
}

/// Decodes one `=?charset?q?…?=` at the start of `text`: returns its bytes in UTF-8, and the rest.
fn word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let rest = text.strip_prefix(b"=?")?;
    let (charset, rest) = rest.split_at(rest.iter().position(|byte| *byte == b'?')?);
    let (kind, rest) = rest[1..].split_at_checked(2)?;
    let end = rest.windows(2).position(|pair| pair == b"?=")?;
    let raw = match kind {
        b"q?" | b"Q?" => quoted_printable(&rest[..end], true),
        b"b?" | b"B?" => BASE64.decode(&rest[..end]).ok()?,
        _ => return None,
    };
    // RFC 2231 allows a language after the name: utf-8*en.
    let name = charset.split(|byte| *byte == b'*').next()?;
    Some((to_utf8(raw, name)?, &rest[end + 2..]))
}

/// Converts text to UTF-8. A line that is not UTF-8 is read as Latin-1 (as windows-1252, which has the same letters,
/// and some more in place of control characters). Each line is converted separately, so a line in another character set
/// does not affect the others.
#[must_use]
pub fn in_utf8(text: &[u8]) -> BString {
    if text.to_str().is_ok() {
        return BString::from(text);
    }
    let mut out = BString::default();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.to_str() {
            Ok(_) => out.extend_from_slice(line),
            Err(_) => {
                out.extend_from_slice(encoding_rs::WINDOWS_1252.decode_without_bom_handling(line).0.as_bytes());
            }
        }
    }
    out
}

/// Converts `bytes` to UTF-8; `None` for an unknown character set. UTF-8 and ASCII stay as they are, valid or not.
pub(crate) fn to_utf8(bytes: Vec<u8>, charset: &[u8]) -> Option<Vec<u8>> {
    let encoding = Encoding::for_label(charset)?;
    if encoding == encoding_rs::UTF_8 || charset.eq_ignore_ascii_case(b"us-ascii") {
        return Some(bytes);
    }
    Some(encoding.decode_without_bom_handling(&bytes).0.into_owned().into_bytes())
}

/// Decodes quoted-printable; in a header word `_` is a blank. Invalid sequences stay as they are.
pub(crate) fn quoted_printable(text: &[u8], in_header: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let (mut rest, end) = if in_header {
            (line, b"".as_slice())
        } else {
            let content = trim_end(line);
            (content, if line.ends_with(b"\n") { b"\n".as_slice() } else { b"" })
        };
        let soft = !in_header && rest.ends_with(b"=");
        if soft {
            rest = &rest[..rest.len() - 1];
        }
        while let [byte, after @ ..] = rest {
            let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
            let code = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            match (byte, code) {
                (b'=', Some(code)) => {
                    out.push(code);
                    rest = &after[2..];
                }
                (b'_', _) if in_header => {
                    out.push(b' ');
                    rest = after;
                }
                _ => {
                    out.push(*byte);
                    rest = after;
                }
            }
        }
        if !soft {
            out.extend_from_slice(end);
        }
    }
    out
}

/// Decodes base64 text with line breaks.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !is_space(*byte)).collect();
    BASE64.decode(digits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        String::from_utf8_lossy(&decode(text.as_bytes())).into_owned()
    }

    #[test]
    fn decodes_words_of_any_charset() {
        assert_eq!(decoded("=?UTF-8?q?J=C3=B6rg?= x"), "Jörg x");
        assert_eq!(decoded("=?iso-8859-1?Q?J=F6rg_M?="), "Jörg M");
        assert_eq!(decoded("=?utf-8?B?SsO2cmc=?= =?utf-8?B?SsO2cmc?="), "JörgJörg");
        assert_eq!(decoded("a =?utf-8?q?b?= c =?utf-8?q?d?="), "a b c d");
        assert_eq!(decoded("=?klingon?q?x?= =?utf-8?q?open"), "=?klingon?q?x?= =?utf-8?q?open");
        assert_eq!(decoded("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?="), "日本");
    }

    #[test]
    fn text_without_a_charset_becomes_utf8_line_by_line() {
        let mixed = [b"J\xf6rg\n".as_slice(), "Jörg\n".as_bytes(), b"Andr\xe9"].concat();
        assert_eq!(in_utf8(&mixed), "Jörg\nJörg\nAndré");
        assert_eq!(in_utf8("日本".as_bytes()), "日本");
    }

    #[test]
    fn decodes_bodies() {
        assert_eq!(quoted_printable(b"a=3D=\nb =\r\n=C3=A4  \n", false), "a=b ä\n".as_bytes());
        assert_eq!(base64(b"YWJj\nZGVm\n"), Some(b"abcdef".to_vec()));
        assert_eq!(base64(b"!"), None);
    }
}
