//! Quotes paths as C strings (git-config(1), `core.quotePath`): `"a/t\tq\"\303\244"`.

/// Returns `path` in double quotes with escapes if a byte needs it, otherwise as it is. Bytes from 0x80 on need it
/// (`core.quotePath`'s default).
pub(crate) fn quote(path: &[u8]) -> Vec<u8> {
    if !path.iter().any(|byte| needs_quoting(*byte)) {
        return path.to_vec();
    }
    let mut out = vec![b'"'];
    for &byte in path {
        match LETTERS.iter().find(|(meaning, _)| *meaning == byte) {
            Some((_, letter)) => out.extend([b'\\', *letter]),
            None if needs_quoting(byte) => out.extend(format!("\\{byte:03o}").into_bytes()),
            None => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

/// Reads a quoted path at the start of `text`: returns the path, and the text after the closing quote. `None` when it
/// does not start with a quote or is not valid.
pub(crate) fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut out = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((out, after)),
            [b'\\', high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', after @ ..] => {
                out.push(((high - b'0') << 6) | ((middle - b'0') << 3) | (low - b'0'));
                rest = after;
            }
            [b'\\', letter, after @ ..] => {
                out.push(LETTERS.iter().find(|(_, name)| name == letter)?.0);
                rest = after;
            }
            [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

/// Bytes, and the letters that stand for them after a backslash.
const LETTERS: [(u8, u8); 9] = [
    (0x07, b'a'),
    (0x08, b'b'),
    (b'\t', b't'),
    (b'\n', b'n'),
    (0x0b, b'v'),
    (0x0c, b'f'),
    (b'\r', b'r'),
    (b'"', b'"'),
    (b'\\', b'\\'),
];

fn needs_quoting(byte: u8) -> bool {
    !(0x20..0x7f).contains(&byte) || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_git_does() {
        assert_eq!(quote(b"a/plain name"), b"a/plain name");
        assert_eq!(quote("b/t\tq\"ä\\\x01".as_bytes()), br#""b/t\tq\"\303\244\\\001""#);
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let all: Vec<u8> = (1..=255).collect();
        let mut text = quote(&all);
        text.extend(b" rest");
        assert_eq!(unquote(&text), Some((all, b" rest".as_slice())));
        assert_eq!(unquote(b"\"open"), None);
        assert_eq!(unquote(br#""\x41""#), None);
    }
}
