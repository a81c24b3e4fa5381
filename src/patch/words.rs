//! Encodings of mail: RFC 2047 words, quoted-printable, base64, and character sets.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::Encoding;

use super::parse::{is_space, trim_end};

/// Padding is often wrong in mails and says nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Where an encoded word stands; an address allows fewer characters (RFC 2047, 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Subject,
    Address,
}

/// Whether git would encode this header text (`needs_rfc2047_encoding`).
pub(crate) fn needs_encoding(text: &[u8]) -> bool {
    text.iter().any(|byte| is_foreign(*byte) || *byte == b'\n') || text.windows(2).any(|pair| pair == b"=?")
}

/// What git takes for "not ASCII": bytes from 0x80 and the escape.
pub(crate) fn is_foreign(byte: u8) -> bool {
    byte >= 0x80 || byte == 0x1b
}

/// Appends `text` as encoded words, folded as git's `add_rfc2047` folds; `column` is how long the line already is.
/// Returns how long the last line then is.
pub(crate) fn encode(text: &[u8], place: Place, column: usize, out: &mut Vec<u8>) -> usize {
    const LONGEST: usize = 76;
    const OPEN: &[u8] = b"=?UTF-8?q?";
    out.extend_from_slice(OPEN);
    let mut column = column + OPEN.len();
    for chunk in text.utf8_chunks() {
        let chars = chunk.valid().char_indices().map(|(at, c)| &chunk.valid().as_bytes()[at..at + c.len_utf8()]);
        for letter in chars.chain(chunk.invalid().chunks(1)) {
            let special = letter.len() > 1 || is_special(letter[0], place);
            let len = if special { 3 * letter.len() } else { 1 };
            if column + len + 2 > LONGEST {
                out.extend_from_slice(b"?=\n ");
                out.extend_from_slice(OPEN);
                column = OPEN.len() + 1;
            }
            for byte in letter {
                if special {
                    out.extend_from_slice(format!("={byte:02X}").as_bytes());
                } else {
                    out.push(*byte);
                }
            }
            column += len;
        }
    }
    out.extend_from_slice(b"?=");
    column + 2
}

fn is_special(byte: u8, place: Place) -> bool {
    if is_foreign(byte) || byte <= b' ' || byte == 0x7f || matches!(byte, b'=' | b'?' | b'_') {
        return true;
    }
    place == Place::Address && !(byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'*' | b'+' | b'-' | b'/'))
}

/// Decodes the RFC 2047 words in a header's text. White space between two words goes; a word with an unknown
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

/// One `=?charset?q?…?=` at the start of `text`: its bytes in UTF-8, and what follows.
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
    // RFC 2231 allows a language behind the name: utf-8*en.
    let name = charset.split(|byte| *byte == b'*').next()?;
    Some((to_utf8(raw, name)?, &rest[end + 2..]))
}

/// `bytes` in UTF-8; `None` for a character set that nobody knows. UTF-8 and ASCII stay as they are, valid or not.
pub(crate) fn to_utf8(bytes: Vec<u8>, charset: &[u8]) -> Option<Vec<u8>> {
    let encoding = Encoding::for_label(charset)?;
    if encoding == encoding_rs::UTF_8 || charset.eq_ignore_ascii_case(b"us-ascii") {
        return Some(bytes);
    }
    Some(encoding.decode_without_bom_handling(&bytes).0.into_owned().into_bytes())
}

/// Decodes quoted-printable; in a header word `_` is a blank. What does not decode stays as it is.
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

/// Appends ASCII `text` folded at 78 columns as git's `strbuf_add_wrapped_text` folds header lines: broken at white
/// space, the next line indented by one blank; a word that is too long stays whole. `column` is how long the line
/// already is. Returns how long the last line then is.
pub(crate) fn fold(text: &[u8], column: usize, out: &mut Vec<u8>) -> usize {
    const LONGEST: usize = 78;
    let begin = out.len();
    let (mut line, mut space) = (0, Some(0));
    let (mut width, mut indent) = (column, 0);
    let mut at = 0;
    loop {
        let byte = text.get(at).copied();
        if byte.is_some_and(|byte| !is_space(byte)) {
            // A control character counts as minus one, git's wcwidth.
            width =
                if byte.is_some_and(|byte| byte < 0x20 || byte == 0x7f) { width.saturating_sub(1) } else { width + 1 };
            at += 1;
            continue;
        }
        match space {
            Some(gap) if width > LONGEST => {
                out.push(b'\n');
                line = gap + usize::from(text.get(gap).is_some_and(|byte| is_space(*byte)));
                at = line;
                space = None;
                width = 1;
                indent = 1;
            }
            _ => {
                if byte.is_none() && at == line {
                    break;
                }
                if space.is_none() {
                    out.extend(std::iter::repeat_n(b' ', indent));
                }
                out.extend_from_slice(&text[space.unwrap_or(line)..at]);
                if byte.is_none() {
                    break;
                }
                space = Some(at);
                if byte == Some(b'\t') {
                    width |= 7;
                }
                width += 1;
                at += 1;
            }
        }
    }
    match out[begin..].iter().rposition(|byte| *byte == b'\n') {
        Some(at) => out.len() - begin - at - 1,
        None => column + out.len() - begin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn decodes_bodies() {
        assert_eq!(quoted_printable(b"a=3D=\nb =\r\n=C3=A4  \n", false), "a=b ä\n".as_bytes());
        assert_eq!(base64(b"YWJj\nZGVm\n"), Some(b"abcdef".to_vec()));
        assert_eq!(base64(b"!"), None);
    }

    #[test]
    fn folds_as_git_does() {
        let subject = "a plain ascii subject that is quite long and needs to be folded because it is over 78 columns wide and more words and again more";
        let mut out = b"Subject: [PATCH] ".to_vec();
        fold(subject.as_bytes(), 17, &mut out);
        let want = "Subject: [PATCH] a plain ascii subject that is quite long and needs to be\n folded because it is over 78 columns wide and more words and again more";
        assert_eq!(String::from_utf8_lossy(&out), want);
    }

    #[test]
    fn encodes_as_git_does() {
        let subject =
            "Füge eine sehr lange Überschrift hinzu, die ganz bestimmt gefaltet werden muss und noch viel länger wird";
        let mut out = b"Subject: [PATCH] ".to_vec();
        encode(subject.as_bytes(), Place::Subject, 17, &mut out);
        let want = "Subject: [PATCH] =?UTF-8?q?F=C3=BCge=20eine=20sehr=20lange=20=C3=9Cberschr?=\n =?UTF-8?q?ift=20hinzu,=20die=20ganz=20bestimmt=20gefaltet=20werden=20muss?=\n =?UTF-8?q?=20und=20noch=20viel=20l=C3=A4nger=20wird?=";
        assert_eq!(String::from_utf8_lossy(&out), want);
    }

    proptest! {
        #[test]
        fn words_read_back(text in "\\PC{0,120}") {
            let mut out = Vec::new();
            encode(text.as_bytes(), Place::Subject, 9, &mut out);
            let unfolded: Vec<u8> = out.into_iter().filter(|byte| *byte != b'\n').collect();
            prop_assert_eq!(decoded(&String::from_utf8_lossy(&unfolded)), text);
        }

        #[test]
        fn folding_breaks_only_at_blanks(text in "[a-z]{1,9}( [a-z]{1,90}){0,30}") {
            let mut out = Vec::new();
            fold(text.as_bytes(), 17, &mut out);
            let unfolded = String::from_utf8_lossy(&out).replace("\n ", " ");
            prop_assert_eq!(unfolded, text);
        }
    }
}
