//! What a refresh follows, and revisions that people name: text that git can only read as the name of a ref.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use crate::path::printable;

/// What `refresh` moves a pin to by default.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Track {
    /// A branch or a tag; which of them only the remote knows.
    Ref(String),
    /// A glob over tag names (it has one of `*?[`, which no ref has).
    TagGlob(String),
}

/// Text that names a commit to git (`v1.6.1`, a branch, an id), safe to hand to git as one argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(String);

/// Why some text is no track, or no revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTrack {
    /// Git would not take it as a name (`git check-ref-format`).
    #[error("'{text}' cannot name a branch or a tag: {reason}")]
    Form {
        /// The text, printable.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A commit does not move, so there is nothing to follow.
    #[error(
        "'{0}' is a commit id, which never moves; a track is a branch, a tag or a glob over tags (`patchq add NAME --pin REV` sets the pin)"
    )]
    CommitId(String),
    /// The glob has a mistake.
    #[error("'{text}' is no glob over tags: {reason}")]
    Glob {
        /// The text, printable.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Git would read it as something else than one revision.
    #[error("'{text}' is no revision: {reason}")]
    Revision {
        /// The text, printable.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl Track {
    /// Checks `text`: a glob if it has one of `*?[`, else the name of a branch or tag.
    ///
    /// # Errors
    /// [`BadTrack`].
    pub fn parse(text: &str) -> Result<Track, BadTrack> {
        let shown = || printable(text.as_bytes());
        let is_glob = text.contains(['*', '?', '[']);
        if let Some(reason) = name_fault(text, is_glob) {
            return Err(BadTrack::Form { text: shown(), reason });
        }
        if is_glob {
            tag_glob(text).map_err(|error| BadTrack::Glob { text: shown(), reason: error.kind().to_string() })?;
            return Ok(Track::TagGlob(text.to_owned()));
        }
        if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadTrack::CommitId(shown()));
        }
        Ok(Track::Ref(text.to_owned()))
    }

    /// The text as the manifest has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Track::Ref(text) | Track::TagGlob(text) => text,
        }
    }

    /// Compiled, where it is a glob; `*` does not cross a `/`.
    #[must_use]
    pub fn tag_matcher(&self) -> Option<GlobMatcher> {
        match self {
            Track::Ref(_) => None,
            Track::TagGlob(text) => tag_glob(text).ok(),
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Revision {
    /// Checks `text` and keeps it unchanged.
    ///
    /// # Errors
    /// [`BadTrack::Revision`].
    pub fn parse(text: &str) -> Result<Revision, BadTrack> {
        let reason = if text.is_empty() {
            "it is empty"
        } else if text.starts_with('-') {
            "it looks like an option"
        } else if text.starts_with(['+', '^']) || text.contains(':') {
            "git would read it as a refspec"
        } else if text.contains(char::is_whitespace) || printable(text.as_bytes()) != text {
            "it contains blanks or control characters"
        } else {
            return Ok(Revision(text.to_owned()));
        };
        Err(BadTrack::Revision { text: printable(text.as_bytes()), reason })
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn tag_glob(text: &str) -> Result<GlobMatcher, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build().map(|glob| glob.compile_matcher())
}

/// The rules of `git check-ref-format --allow-onelevel`, and no leading `-`; `is_glob` lets `*?[` through.
fn name_fault(text: &str, is_glob: bool) -> Option<&'static str> {
    let part_starts_with_dot = || text.split('/').any(|part| part.starts_with('.'));
    let part_ends_in_lock = || text.split('/').any(|part| part.ends_with(".lock"));
    if text.is_empty() {
        Some("it is empty")
    } else if text.starts_with('-') {
        Some("it looks like an option")
    } else if printable(text.as_bytes()) != text {
        Some("it contains control characters")
    } else if text.contains([' ', '~', '^', ':', '\\']) {
        Some("it contains a blank or one of '~^:\\'")
    } else if !is_glob && text.contains(['*', '?', '[']) {
        Some("it contains one of '*?['")
    } else if text.starts_with('/') || text.ends_with('/') || text.contains("//") {
        Some("it has an empty part between slashes")
    } else if text.contains("..") || text.contains("@{") || text == "@" {
        Some("it contains '..' or '@{', or is '@'")
    } else if part_starts_with_dot() || text.ends_with('.') {
        Some("a part begins with '.', or it ends in '.'")
    } else if part_ends_in_lock() {
        Some("a part ends in '.lock'")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_that_are_taken() {
        for text in ["v1.6-branch", "release/2.0", "main", "v1.6.1", "refs/heads/x", "a@b"] {
            assert_eq!(Track::parse(text), Ok(Track::Ref(text.to_owned())));
        }
        for text in ["v1.6.*", "v[0-9]*", "ray-?.*"] {
            assert_eq!(Track::parse(text), Ok(Track::TagGlob(text.to_owned())));
        }
    }

    #[test]
    fn tracks_that_are_refused() {
        for text in [
            "",
            "-x",
            "a b",
            "a..b",
            "a~1",
            "x:y",
            "/a",
            "a/",
            "a//b",
            "@",
            "a@{1}",
            ".a",
            "a/.b",
            "a.",
            "a.lock/b",
            "a\\b",
            "a\x1b",
            "v[1",
            "0611aa04850cf1fd582806dfe7f6f1fbca69f683",
            "-*",
        ] {
            assert!(Track::parse(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_glob_matches_whole_names_and_stays_in_its_part() {
        let matches = |glob: &str, tag: &str| {
            Track::parse(glob).ok().and_then(|track| track.tag_matcher()).is_some_and(|m| m.is_match(tag))
        };
        assert!(matches("v1.6.*", "v1.6.1") && !matches("v1.6.*", "xv1.6.1") && !matches("v1.6.*", "v1.6.1/x"));
    }

    #[test]
    fn revisions() {
        for text in ["v1.6.1", "0611aa0", "HEAD~2", "refs/tags/v1^{}", "main"] {
            assert_eq!(Revision::parse(text).map(|rev| rev.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "--upload-pack=x", "+a", "a:b", "^a", "a b", "a\nb", "a\u{202e}"] {
            assert!(Revision::parse(text).is_err(), "{text:?} was taken");
        }
    }
}
