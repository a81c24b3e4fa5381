//! The settings of a build in a manifest entry, in addition to its Dockerfile: platforms, network, secrets, files and
//! digests.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::path::RepoPath;

/// A platform that an image is built for: `OS/ARCHITECTURE[/VARIANT]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform(String);

impl FromStr for Platform {
    type Err = ();

    fn from_str(text: &str) -> Result<Platform, ()> {
        let parts: Vec<&str> = text.split('/').collect();
        let fits = |part: &&str| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        let is_one = matches!(parts.len(), 2 | 3) && parts.iter().all(fits);
        if is_one { Ok(Platform(text.to_owned())) } else { Err(()) }
    }
}

impl Platform {
    /// Returns the text: `linux/amd64`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Platform {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The network for the RUN instructions of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// The builder's default.
    #[default]
    Default,
    /// No network.
    None,
    /// The machine's network, without isolation.
    Host,
}

impl Network {
    /// The values of the manifest, in the order of the documentation.
    pub const ALL: [Network; 3] = [Network::Default, Network::None, Network::Host];

    /// Returns the name in the manifest.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Network::Default => "default",
            Network::None => "none",
            Network::Host => "host",
        }
    }
}

/// The source of a build secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; a relative path is based on the workspace's root.
    File(String),
}

impl SecretSource {
    /// Parses `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// What is wrong, as the words after the text.
    pub fn parse(text: &str) -> Result<SecretSource, &'static str> {
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match text.split_once(':') {
            Some(("env", name)) if is_name(name) => Ok(SecretSource::Env(name.to_owned())),
            Some(("env", _)) => Err("names no variable; expected env:NAME with letters, digits and '_'"),
            // Builders take a list separated by commas on their command line, in which quotes have a meaning too.
            Some(("file", path)) if path.contains([',', '"']) => {
                Err("has a comma or a quote, which builders cannot be given in a path")
            }
            Some(("file", path)) if path.starts_with('~') => {
                Err("begins with '~', which has no meaning here; a relative path counts from the workspace's root")
            }
            Some(("file", path)) if !path.is_empty() => Ok(SecretSource::File(path.to_owned())),
            _ => Err("is not a source of a secret; expected env:NAME or file:PATH"),
        }
    }
}

/// The source of a file that is added to the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// A file or folder of the upstream's tree after the queue.
    Tree(RepoPath),
    /// A tracked file of the workspace's repository.
    Workspace(RepoPath),
    /// The wheel of this name.
    Wheel(String),
}

/// A file that is added to the context of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedFile {
    /// The path in the context; with `into_folder` the folder that gets the file under its own name (`None`: the
    /// context itself).
    pub path: Option<RepoPath>,
    /// Whether `path` is a folder.
    pub into_folder: bool,
    /// The source.
    pub source: FileSource,
    /// The line of the manifest, from 1.
    pub line: usize,
}

/// A SHA-256 as registries write it: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentDigest(String);

impl FromStr for ContentDigest {
    type Err = ();

    fn from_str(text: &str) -> Result<ContentDigest, ()> {
        let digits = text.strip_prefix("sha256:").ok_or(())?;
        if is_sha256(digits) { Ok(ContentDigest(text.to_owned())) } else { Err(()) }
    }
}

impl ContentDigest {
    /// Returns the text, with `sha256:`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the 64 digits.
    #[must_use]
    pub fn digits(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or_default()
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ContentDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Checks whether `digits` are the 64 lower-case hexadecimal digits of a SHA-256.
#[must_use]
pub fn is_sha256(digits: &str) -> bool {
    digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_have_two_or_three_parts() {
        for good in ["linux/amd64", "linux/arm/v7", "linux/arm64"] {
            assert!(good.parse::<Platform>().is_ok(), "{good}");
        }
        for bad in ["", "linux", "linux/", "Linux/amd64", "linux/a/b/c", "linux/a b", "linux/--x"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_come_from_a_variable_or_a_file() {
        assert_eq!(SecretSource::parse("env:NPM_TOKEN"), Ok(SecretSource::Env("NPM_TOKEN".to_owned())));
        assert_eq!(SecretSource::parse("file:a/x"), Ok(SecretSource::File("a/x".to_owned())));
        for bad in ["NPM_TOKEN", "env:", "env:A-B", "file:", "file:a,b", "file:~/x", "vault:x"] {
            assert!(SecretSource::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn digests_are_lower_case_and_whole() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(digest.parse::<ContentDigest>().map(|digest| digest.digits().len()), Ok(64));
        for bad in ["sha256:0a".to_owned(), "0a".repeat(32), format!("sha256:{}", "0A".repeat(32))] {
            assert!(bad.parse::<ContentDigest>().is_err(), "{bad}");
        }
    }
}
