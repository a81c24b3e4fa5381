//! Splits an instruction into words.

use std::ops::Range;

/// Checks for the characters that separate words.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

/// Returns the positions of the words in `text`. A blank in quotes or after the escape character is part of its word.
pub(super) fn words(text: &[u8], escape: u8) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if is_blank(text[at]) {
            at += 1;
            continue;
        }
        let start = at;
        let mut quote = None;
        while at < text.len() && (quote.is_some() || !is_blank(text[at])) {
            match (text[at], quote) {
                // In single quotes nothing is escaped.
                (byte, None | Some(b'"')) if byte == escape => at += 1,
                (byte @ (b'"' | b'\''), None) => quote = Some(byte),
                (byte, Some(open)) if byte == open => quote = None,
                _ => {}
            }
            at += 1;
        }
        at = at.min(text.len());
        found.push(start..at);
    }
    found
}

/// Returns the flags (`--name=value`) before the other words: name and position of the value.
pub(super) fn flags<'a>(text: &'a [u8], words: &[Range<usize>]) -> Vec<(&'a [u8], Range<usize>)> {
    let flag = |word: &Range<usize>| {
        let name = text[word.clone()].strip_prefix(b"--")?;
        let length = name.iter().position(|byte| *byte == b'=').unwrap_or(name.len());
        Some((&name[..length], (word.start + 2 + length + 1).min(word.end)..word.end))
    };
    words.iter().map_while(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        words(text.as_bytes(), b'\\').into_iter().map(|word| &text[word]).collect()
    }

    #[test]
    fn quotes_and_escapes_keep_blanks() {
        assert_eq!(split("  a  b\tc "), ["a", "b", "c"]);
        assert_eq!(split(r#"a="b c" 'd\' e\ f g"h"i"#), [r#"a="b c""#, r"'d\'", r"e\ f", r#"g"h"i"#]);
        assert_eq!(split(r#"a "b \" c" d"#), ["a", r#""b \" c""#, "d"]);
        assert_eq!(split("open 'to the end"), ["open", "'to the end"]);
        assert_eq!(split("ends\\"), ["ends\\"]);
    }

    #[test]
    fn flags_stand_before_the_other_words() {
        let text = b"--from=a --link --chown=x:y src --not=one";
        let found: Vec<_> = flags(text, &words(text, b'\\')).into_iter().map(|(name, at)| (name, &text[at])).collect();
        let wanted: [(&[u8], &[u8]); 3] = [(b"from", b"a"), (b"link", b""), (b"chown", b"x:y")];
        assert_eq!(found, wanted);
    }
}
