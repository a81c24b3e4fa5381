//! Formats command lines in the form in which one would type them.

use std::ffi::OsStr;

use crate::path::printable;

/// Quotes `words` for a shell and joins them with blanks.
pub fn command_line<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Quotes `word` for a shell. Characters that a terminal would not show as they are are written in the form `$'…'`.
#[must_use]
pub fn quoted(word: &OsStr) -> String {
    let bytes = word.as_encoded_bytes();
    // A tilde means a home folder only at the start.
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%~".contains(byte);
    if !bytes.is_empty() && !bytes.starts_with(b"~") && bytes.iter().all(plain) {
        return word.to_string_lossy().into_owned();
    }
    match word.to_str() {
        Some(text) if printable(bytes) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let escaped = bytes.iter().map(|byte| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\x{byte:02x}"),
            });
            format!("$'{}'", escaped.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_word_is_quoted_where_a_shell_would_see_more_in_it() {
        for (word, expected) in [
            ("refresh", "refresh"),
            ("v1.0+x", "v1.0+x"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("**/Makefile", "'**/Makefile'"),
            ("~", "'~'"),
            ("HEAD~1", "HEAD~1"),
            ("$(touch x)", "'$(touch x)'"),
            ("größe", "'größe'"),
            ("a\nb'", r"$'a\x0ab\''"),
            ("a\u{202e}b", r"$'a\xe2\x80\xaeb'"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), expected, "{word:?}");
        }
        assert_eq!(quoted(OsStr::from_bytes(b"\xff\\")), r"$'\xff\\'");
    }

    #[test]
    fn bash_reads_the_words_back() {
        let words: Vec<&OsStr> =
            ["a b", "it's", "a\nb'", "$(x)", "\\", "!", "*", "a\u{202e}b", ""].map(OsStr::new).into();
        let script = format!("printf '%s\\0' {}", command_line(&words));
        let output = std::process::Command::new("bash").args(["-c", &script]).output().expect("bash");
        let back: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).chain([&b""[..]]).collect();
        assert_eq!(back, expected);
    }
}
