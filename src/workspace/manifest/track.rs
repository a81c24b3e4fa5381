//! Parses the track: what a refresh follows.

use std::fmt;

use crate::git::{BadRev, Rev};

/// What `refresh` moves a pin to by default.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Track {
    /// A branch or a tag; only the remote knows which.
    Ref(String),
    /// A glob over tag names (it has one of `*?[`, which a ref cannot have).
    TagGlob(String),
}

/// Why a text is not a valid track.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTrack {
    /// It is not a valid name for git.
    #[error(transparent)]
    Rev(#[from] BadRev),
    /// A commit does not move, so there is nothing to follow.
    #[error(
        "'{0}' is a commit id, which never moves; a track is a branch, a tag or a glob over tags (`patchq add NAME --pin REV` sets the pin)"
    )]
    CommitId(String),
}

impl Track {
    /// Checks `text`: a glob if it has one of `*?[`, else the name of a branch or tag.
    ///
    /// # Errors
    /// [`BadTrack`].
    pub fn parse(text: &str) -> Result<Track, BadTrack> {
        // In upper case too: git does not take it as an id, and no one means it as a name.
        if text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(BadTrack::CommitId(text.to_owned()));
        }
        match Rev::parse(text)? {
            Rev::Id(id) => Err(BadTrack::CommitId(id.to_string())),
            Rev::Glob(_) => Ok(Track::TagGlob(text.to_owned())),
            // A branch may have a name that looks like an abbreviated id.
            Rev::Short(_) | Rev::Name(_) => Ok(Track::Ref(text.to_owned())),
        }
    }

    /// Returns the text in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Track::Ref(text) | Track::TagGlob(text) => text,
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_that_are_taken() {
        for text in ["v1.6-branch", "ABCDEF", "release/2.0", "main", "v1.6.1", "refs/heads/x", "a@b"] {
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
            "0611AA04850CF1FD582806DFE7F6F1FBCA69F683",
        ] {
            assert!(Track::parse(text).is_err(), "{text:?} was taken");
        }
    }
}
