//! Parses the names that people give to one commit of an upstream. The text is checked before git sees it, so that it
//! cannot become an option or an expression of git.

use std::fmt;

use super::Id;
use crate::path::printable;

/// Characters that a glob may have and a ref may not: one of them makes a text a glob.
const GLOB: [char; 3] = ['*', '?', '['];

/// Checks whether git accepts `name` as the full name of a ref (`refs/heads/main`).
#[must_use]
pub fn is_ref_name(name: &str) -> bool {
    git2::Reference::is_valid_name(name)
}

/// One commit of an upstream, as people name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rev {
    /// A full id.
    Id(Id),
    /// 4 to 39 hexadecimal digits in lower case: an abbreviated id, unless a branch or tag has that name.
    Short(String),
    /// A branch, a tag, `HEAD`, or a full ref name (`refs/tags/v1`).
    Name(String),
    /// A glob over tag names.
    Glob(String),
}

/// Why a text does not name a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRev {
    /// The text is empty.
    #[error("the revision is empty")]
    Empty,
    /// Starts with `-`.
    #[error("the revision '{0}' could be read as an option")]
    Option(String),
    /// A git expression or range (`~`, `^`, `..`, `@{`, `:`), a blank, a control character, a backslash.
    #[error(
        "'{0}' is not a branch, a tag, a glob over tags or a commit id (expressions and ranges of git are not taken)"
    )]
    Form(String),
    /// An id from a repository that uses SHA-256.
    #[error("'{0}' is a SHA-256 id; repositories of that kind are not supported")]
    Sha256(String),
    /// A glob that cannot be parsed.
    #[error("the glob '{0}' cannot be read: {1}")]
    Glob(String, String),
}

impl Rev {
    /// Checks `text` by git's rules for ref names.
    ///
    /// # Errors
    /// [`BadRev`].
    pub fn parse(text: &str) -> Result<Rev, BadRev> {
        let shown = || printable(text.as_bytes());
        if text.is_empty() {
            return Err(BadRev::Empty);
        }
        if text.starts_with('-') {
            return Err(BadRev::Option(shown()));
        }
        let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let (true, Ok(id)) = (hex, text.parse()) {
            return Ok(Rev::Id(id));
        }
        if hex && text.len() == 64 {
            return Err(BadRev::Sha256(shown()));
        }
        // Wildcards stand for characters that a name can have.
        let name = text.replace(GLOB, "x");
        let hidden = printable(text.as_bytes()) != text || text.contains(char::is_whitespace);
        if hidden || text == "@" || !is_ref_name(&format!("refs/tags/{name}")) {
            return Err(BadRev::Form(shown()));
        }
        if text.contains(GLOB) {
            return match globset::Glob::new(text) {
                Ok(_) => Ok(Rev::Glob(text.to_owned())),
                Err(error) => Err(BadRev::Glob(shown(), error.kind().to_string())),
            };
        }
        if hex && (4..40).contains(&text.len()) {
            return Ok(Rev::Short(text.to_ascii_lowercase()));
        }
        Ok(Rev::Name(text.to_owned()))
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rev::Id(id) => id.fmt(f),
            Rev::Short(text) | Rev::Name(text) | Rev::Glob(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_told_apart() {
        let full = "0611aa04850cf1fd582806dfe7f6f1fbca69f683";
        assert!(matches!(Rev::parse(full), Ok(Rev::Id(_))));
        assert_eq!(Rev::parse("0611AA0"), Ok(Rev::Short("0611aa0".to_owned())));
        for name in ["v1.6-branch", "master", "abc", "release/1.x", "refs/tags/v1", "HEAD", "ümlaut"] {
            assert_eq!(Rev::parse(name), Ok(Rev::Name(name.to_owned())));
        }
        for glob in ["v1.6.*", "v[0-9]*", "ray-?.*"] {
            assert_eq!(Rev::parse(glob), Ok(Rev::Glob(glob.to_owned())));
        }
        for bad in [
            "",
            "-x",
            "--all",
            "a..b",
            "a@{1}",
            "a:b",
            "a b",
            "a\tb",
            "HEAD~1",
            "a^",
            "@",
            "a//b",
            "/a",
            "a/",
            ".a",
            "a.",
            "x.lock",
            "a\\b",
            "v[",
            "a\u{202e}",
        ] {
            assert!(Rev::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(matches!(Rev::parse(&"a".repeat(64)), Err(BadRev::Sha256(_))));
    }
}
