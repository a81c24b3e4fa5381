//! Reads `.dockerignore`: which files of a context a builder leaves out.
//!
//! Source: docs.docker.com/build/concepts/context ("dockerignore files"): one pattern per line, `#` comments, `!`
//! negates, `*` and `?` match within a part of a path, `**` matches any number of parts, a pattern matches everything
//! below its path too, and the last match counts.

use bstr::ByteSlice;

use crate::git::PathPattern;
use crate::path::RepoPath;

/// The patterns of a `.dockerignore`.
#[derive(Debug, Clone, Default)]
pub struct DockerIgnore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    /// The line, from 1.
    line: usize,
    takes_back: bool,
    pattern: PathPattern,
}

impl DockerIgnore {
    /// Parses the bytes of such a file. There are no errors.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> DockerIgnore {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let lines = bytes.lines().enumerate().filter(|(_, line)| !line.starts_with(b"#"));
        let rules = lines.filter_map(|(at, line)| {
            let line = line.trim();
            let (takes_back, text) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest.trim()));
            let mut parts: Vec<&[u8]> = Vec::new();
            for part in text.split(|byte| *byte == b'/') {
                match part {
                    b"" | b"." => {}
                    b".." => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            let pattern = PathPattern::parse(&parts.join(&b'/'), true).filter(|_| !parts.is_empty())?;
            Some(Rule { line: at + 1, takes_back, pattern })
        });
        DockerIgnore { rules: rules.collect() }
    }

    /// Returns the line whose pattern keeps `path` out of the context.
    #[must_use]
    pub fn drops(&self, path: &RepoPath) -> Option<usize> {
        // Everything below a matching folder is left out too.
        let path = path.as_bytes();
        let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at]);
        let all: Vec<&[u8]> = above.chain([path]).collect();
        let last = self.rules.iter().rev().find(|rule| all.iter().any(|path| rule.pattern.matches(path)))?;
        (!last.takes_back).then_some(last.line)
    }
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
        // An upstream pattern that would take other matchers forever.
        let stars = DockerIgnore::parse(&[b"*a".repeat(40), b"b".to_vec()].concat());
        assert_eq!(stars.drops(&RepoPath::new("a".repeat(200)).unwrap()), None);
    }
}
