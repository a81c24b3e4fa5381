//! Checks the name of an upstream, which is used for a table of the manifest, a folder of the workspace and parts of
//! file names.

use std::fmt;

use crate::path::printable;

/// Names that are not allowed because the workspace uses them.
const RESERVED: [&str; 5] = ["patches", "commits", "resolutions", "sessions", "upstreams.toml"];

/// Endings that are not allowed: `commits/NAME.version.txt`, `NAME.lock` and `NAME.git` would be taken as files of
/// another upstream.
const ENDINGS: [&str; 3] = [".version", ".lock", ".git"];

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// The checked name of an upstream: `[a-z0-9][a-z0-9._-]*`, one part of a path, safe in every file name made from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is not a valid name for an upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// The text is empty.
    #[error("an upstream needs a name")]
    Empty,
    /// Other characters than a name may have.
    #[error(
        "'{0}' is not a valid name for an upstream: use a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit"
    )]
    Form(String),
    /// More than 64 characters.
    #[error("the name '{0}' is longer than 64 characters")]
    TooLong(String),
    /// An ending of the workspace's own files.
    #[error("the name '{name}' must not end in '{ending}'")]
    Ending {
        /// The name, printable.
        name: String,
        /// The ending.
        ending: &'static str,
    },
    /// The name of one of the workspace's own files or folders.
    #[error("the name '{0}' is taken by the workspace itself")]
    Reserved(String),
    /// The workspace's repository has a file or folder of this name.
    #[error("the name '{0}' is taken: the workspace's repository tracks '{0}' at its top")]
    Tracked(String),
}

impl Name {
    /// Checks `text` and keeps it unchanged. The caller checks whether the workspace's repository tracks such a path.
    ///
    /// # Errors
    /// [`BadName`], with the text made printable.
    pub fn parse(text: &str) -> Result<Name, BadName> {
        let shown = || printable(text.as_bytes());
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let Some(first) = text.bytes().next() else { return Err(BadName::Empty) };
        if !letter(first) || !text.bytes().all(|b| letter(b) || matches!(b, b'.' | b'_' | b'-')) {
            return Err(BadName::Form(shown()));
        }
        if text.len() > LONGEST {
            return Err(BadName::TooLong(shown()));
        }
        if let Some(ending) = ENDINGS.into_iter().find(|ending| text.ends_with(ending)) {
            return Err(BadName::Ending { name: shown(), ending });
        }
        if RESERVED.contains(&text) {
            return Err(BadName::Reserved(shown()));
        }
        Ok(Name(text.to_owned()))
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as a key of a TOML header: quoted if it has a dot.
    #[must_use]
    pub fn toml_key(&self) -> String {
        if self.0.contains('.') { format!("\"{}\"", self.0) } else { self.0.clone() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
        Name::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken() {
        for good in ["kubeflow", "kubeflow-1.9", "0ad", "a_b", "workspace", "patches2"] {
            assert_eq!(Name::parse(good).map(|name| name.to_string()), Ok(good.to_owned()));
        }
        assert!(Name::parse(&"a".repeat(64)).is_ok() && Name::parse(&"a".repeat(65)).is_err());
    }

    #[test]
    fn names_that_are_refused() {
        for bad in
            ["", "Kube", "-x", ".x", "a/b", "a b", "ä", "x.git", "x.lock", "x.version", "patches", "upstreams.toml"]
        {
            assert!(Name::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
