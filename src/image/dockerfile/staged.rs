//! Rewrites a Dockerfile for a builder: the images that it is built on are named by digests and recipes, not by tags.

use std::ops::Range;

/// Returns `bytes` with other names at some places. The numbers of lines stay, so that a builder's message about a line
/// is true for the original too: a name on several lines keeps its line feeds, after the new text.
#[must_use]
pub fn with_names(bytes: &[u8], names: &[(Range<usize>, String)]) -> Vec<u8> {
    let mut names: Vec<&(Range<usize>, String)> = names.iter().collect();
    names.sort_by_key(|(span, _)| span.start);
    let mut out = Vec::with_capacity(bytes.len() + names.iter().map(|(_, name)| name.len()).sum::<usize>());
    let mut at = 0;
    for (span, name) in names {
        let (start, end) = (span.start.clamp(at, bytes.len()), span.end.clamp(at, bytes.len()));
        out.extend_from_slice(&bytes[at..start]);
        out.extend_from_slice(name.as_bytes());
        // Between the parts of the name there are only continuations.
        let replaced = &bytes[start..end];
        if let Some(first) = replaced.iter().position(|byte| *byte == b'\n') {
            let back = replaced[..first].iter().rposition(|byte| !byte.is_ascii_whitespace()).unwrap_or(first);
            out.push(b' ');
            for line in replaced[back..].split_inclusive(|byte| *byte == b'\n') {
                let escape = replaced[back];
                if line.ends_with(b"\n") {
                    out.extend_from_slice(&[escape, b'\n']);
                }
            }
        }
        at = end;
    }
    out.extend_from_slice(&bytes[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_no_line_moves() {
        let text = b"ARG B\nFROM $B AS x\nCOPY --from=busybox /a /b\n";
        let names = [(31..38, "busybox@sha256:1".to_owned()), (11..13, "ubuntu:20.04@sha256:0".to_owned())];
        let wanted = "ARG B\nFROM ubuntu:20.04@sha256:0 AS x\nCOPY --from=busybox@sha256:1 /a /b\n";
        assert_eq!(String::from_utf8_lossy(&with_names(text, &names)), wanted);
        let broken = b"FROM ubu\\\nntu AS x\nRUN y\n";
        let staged = with_names(broken, &[(5..13, "a@b".to_owned())]);
        assert_eq!(String::from_utf8_lossy(&staged), "FROM a@b \\\n AS x\nRUN y\n");
    }
}
