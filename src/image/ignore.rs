//! `.dockerignore`: which files of a context a builder leaves out.
//!
//! Source: docs.docker.com/build/concepts/context ("dockerignore files"): a pattern a line, `#` comments, `!` takes back, `*` and `?`
//! within a part of a path, `**` over any number of parts, a pattern matches what is below it too, and the last that matches counts.

use bstr::{BString, ByteSlice};

use crate::path::RepoPath;

/// The patterns of a `.dockerignore`.
#[derive(Debug, Clone, Default)]
pub struct DockerIgnore {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    /// The line, from 1.
    line: usize,
    takes_back: bool,
    parts: Vec<BString>,
}

impl DockerIgnore {
    /// Reads the bytes of such a file. Nothing in it is an error.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> DockerIgnore {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.lines().enumerate().filter(|(_, line)| !line.starts_with(b"#"));
        let patterns = lines.filter_map(|(at, line)| {
            let line = line.trim();
            let (takes_back, text) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest.trim()));
            let mut parts: Vec<BString> = Vec::new();
            for part in text.split(|byte| *byte == b'/') {
                match part {
                    b"" | b"." => {}
                    b".." => drop(parts.pop()),
                    part => parts.push(part.into()),
                }
            }
            (!parts.is_empty()).then_some(Pattern { line: at + 1, takes_back, parts })
        });
        DockerIgnore { patterns: patterns.collect() }
    }

    /// The line whose pattern keeps `path` out of the context.
    #[must_use]
    pub fn drops(&self, path: &RepoPath) -> Option<usize> {
        let parts: Vec<&[u8]> = path.parts().collect();
        let last = self.patterns.iter().rev().find(|pattern| {
            // What is below a folder that matches is left out with it.
            (1..=parts.len()).any(|length| matches_parts(&pattern.parts, &parts[..length]))
        })?;
        (!last.takes_back).then_some(last.line)
    }
}

fn matches_parts(pattern: &[BString], parts: &[&[u8]]) -> bool {
    match pattern.split_first() {
        None => parts.is_empty(),
        Some((any, rest)) if *any == "**" => (0..=parts.len()).any(|skip| matches_parts(rest, &parts[skip..])),
        Some((first, rest)) => match parts.split_first() {
            Some((part, below)) => matches_part(first, part) && matches_parts(rest, below),
            None => false,
        },
    }
}

/// `*`, `?`, `[a-z]`, `[^a]` and `\x` within one part.
fn matches_part(pattern: &[u8], part: &[u8]) -> bool {
    match pattern.split_first() {
        None => part.is_empty(),
        Some((b'*', rest)) => (0..=part.len()).any(|skip| matches_part(rest, &part[skip..])),
        Some((b'?', rest)) => !part.is_empty() && matches_part(rest, &part[1..]),
        Some((b'[', rest)) => match (class(rest), part.split_first()) {
            (Some((class, after)), Some((byte, below))) => has(class, *byte) && matches_part(&rest[after..], below),
            _ => false,
        },
        Some((b'\\', rest)) if !rest.is_empty() => part.first() == rest.first() && matches_part(&rest[1..], &part[1..]),
        Some((byte, rest)) => part.first() == Some(byte) && matches_part(rest, &part[1..]),
    }
}

/// The inside of a class whose `[` is read, and how long it is with its `]`.
fn class(text: &[u8]) -> Option<(&[u8], usize)> {
    let end = text.iter().skip(1).position(|byte| *byte == b']')? + 1;
    Some((&text[..end], end + 1))
}

fn has(class: &[u8], byte: u8) -> bool {
    let (inverted, mut class) = class.strip_prefix(b"^").map_or((false, class), |rest| (true, rest));
    let mut found = false;
    while let Some((&from, rest)) = class.split_first() {
        if let [b'-', to, after @ ..] = rest {
            found |= (from..=*to).contains(&byte);
            class = after;
        } else {
            found |= from == byte;
            class = rest;
        }
    }
    found != inverted
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_last_pattern_that_matches_counts() {
        let ignore =
            DockerIgnore::parse(b"# no\n*.md\n!README.md\n/docs/\n**/node_modules\na/*/b\n!docs/keep\nx[0-9]?\n");
        let drops = |path: &str| ignore.drops(&RepoPath::new(path).unwrap());
        for (path, line) in [
            ("x.md", Some(2)),
            ("README.md", None),
            ("sub/x.md", None),
            ("docs/a/b", Some(4)),
            ("docs/keep", None),
            ("node_modules/a", Some(5)),
            ("p/q/node_modules/a", Some(5)),
            ("a/1/b", Some(6)),
            ("a/1/2/b", None),
            ("x1y", Some(8)),
            ("xay", None),
        ] {
            assert_eq!(drops(path), line, "{path}");
        }
        assert_eq!(DockerIgnore::parse(b"**\n!a\n").drops(&RepoPath::new("b/c").unwrap()), Some(1));
    }
}
