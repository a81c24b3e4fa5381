//! Parses the value of a build argument in the manifest: text with placeholders, which may name other images.

use std::collections::BTreeMap;
use std::fmt;

use super::braces::{Lone, Part, parts};
use crate::path::{nearest, printable};

/// The placeholders other than images.
const VALUES: [&str; 4] = ["version", "semver", "commit", "queue"];

/// The prefix of a wheel's placeholder.
const WHEEL: &str = "wheel:";

/// An image of the workspace: the upstream's name and its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId {
    /// The upstream.
    pub upstream: String,
    /// The image's name.
    pub image: String,
}

impl ImageId {
    /// Returns the image that `text` (`NAME` or `UPSTREAM:NAME`) names in an entry of `upstream`.
    #[must_use]
    pub fn parse(text: &str, upstream: &str) -> ImageId {
        let (upstream, image) = text.split_once(':').unwrap_or((upstream, text));
        ImageId { upstream: upstream.to_owned(), image: image.to_owned() }
    }

    /// Returns the name as an entry of `upstream` would write it: without the upstream if it is the same.
    #[must_use]
    pub fn within(&self, upstream: &str) -> String {
        if self.upstream == upstream { self.image.clone() } else { self.to_string() }
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.upstream, self.image)
    }
}

/// The value of a build argument, parsed and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildArg {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// One of [`VALUES`], or `wheel:NAME`.
    Value(String),
    Image(ImageId),
}

/// Why a text is not a valid value for a build argument. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgError {
    /// A brace that is not part of a placeholder.
    #[error("'{text}': the '{brace}' at character {column} has no counterpart")]
    Brace {
        /// The value.
        text: String,
        /// The brace.
        brace: char,
        /// Its position, from 1.
        column: usize,
    },
    /// An unknown name in braces.
    #[error("'{text}': unknown placeholder '{{{name}}}'; {expected}")]
    Unknown {
        /// The value.
        text: String,
        /// The name.
        name: String,
        /// The nearest known name, or all of them.
        expected: String,
    },
    /// A line break or another control character, which no builder accepts safely on its command line.
    #[error("'{0}' contains a control character")]
    Control(String),
}

impl BuildArg {
    /// Parses the value `text` of an entry of `upstream`.
    ///
    /// # Errors
    /// [`ArgError`].
    pub fn parse(text: &str, upstream: &str) -> Result<BuildArg, ArgError> {
        let shown = || printable(text.as_bytes());
        if text.contains(|c: char| c.is_control()) {
            return Err(ArgError::Control(shown()));
        }
        let parts = parts(text).map_err(|Lone { brace, column }| ArgError::Brace { text: shown(), brace, column })?;
        let piece = |part: Part<'_>| match part {
            Part::Text(fixed) => Ok(Piece::Text(fixed.to_owned())),
            Part::Name(name) => match name.strip_prefix("image:") {
                Some(image) => Ok(Piece::Image(ImageId::parse(image, upstream))),
                None if VALUES.contains(&name) || name.starts_with(WHEEL) => Ok(Piece::Value(name.to_owned())),
                None => {
                    Err(ArgError::Unknown { text: shown(), name: printable(name.as_bytes()), expected: expected(name) })
                }
            },
        };
        Ok(BuildArg { text: text.to_owned(), pieces: parts.into_iter().map(piece).collect::<Result<_, _>>()? })
    }

    /// Returns the text in the manifest.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the images in it.
    pub fn images(&self) -> impl Iterator<Item = &ImageId> {
        self.pieces.iter().filter_map(|piece| if let Piece::Image(image) = piece { Some(image) } else { None })
    }

    /// Returns the names of the wheels in it.
    pub fn wheels(&self) -> impl Iterator<Item = &str> {
        self.values().filter_map(|name| name.strip_prefix(WHEEL))
    }

    /// Checks whether it contains only text and values.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.images().next().is_none() && self.wheels().next().is_none()
    }

    /// Returns the values in it: `version`, `semver`, `commit`, `queue`, `wheel:NAME`.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| if let Piece::Value(name) = piece { Some(name.as_str()) } else { None })
    }

    /// Returns the text with `values` for its placeholders and `name_of` for the images.
    ///
    /// # Errors
    /// The placeholder without a value.
    pub fn render(
        &self,
        values: &BTreeMap<String, String>,
        name_of: &dyn Fn(&ImageId) -> String,
    ) -> Result<String, String> {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Value(name) => out.push_str(values.get(name.as_str()).ok_or_else(|| name.clone())?),
                Piece::Image(image) => out.push_str(&name_of(image)),
            }
        }
        Ok(out)
    }
}

/// Checks whether a build argument looks like a secret, by its name or its value. Everyone who has an image can read
/// its build arguments in its history.
#[must_use]
pub fn looks_secret(name: &str, value: &str) -> bool {
    const NAMES: [&str; 7] = ["TOKEN", "PASSWORD", "PASSWD", "SECRET", "CREDENTIAL", "PRIVATE_KEY", "API_KEY"];
    const VALUES: [&str; 5] = ["ghp_", "github_pat_", "glpat-", "AKIA", "-----BEGIN "];
    let name = name.to_ascii_uppercase();
    // `https://user:password@host`
    let user_info = value.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next()?.rsplit_once('@'));
    NAMES.iter().any(|part| name.contains(part))
        || VALUES.iter().any(|start| value.contains(start))
        || user_info.is_some_and(|(user, _)| user.contains(':'))
}

fn expected(name: &str) -> String {
    match nearest(name, VALUES) {
        Some(near) => format!("did you mean '{{{near}}}'?"),
        None => format!(
            "expected one of {{image:NAME}} {{wheel:NAME}} {}",
            VALUES.map(|name| format!("{{{name}}}")).join(" ")
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn values_and_images_are_filled_in() {
        let arg = BuildArg::parse("a-{version}/{image:base}/{image:ray:deps}", "kubeflow").unwrap();
        let images: Vec<String> = arg.images().map(ToString::to_string).collect();
        assert_eq!(images, ["kubeflow:base", "ray:deps"]);
        assert_eq!(arg.values().collect::<Vec<_>>(), ["version"]);
        let values = BTreeMap::from([("version".to_owned(), "v1".to_owned())]);
        assert_eq!(arg.render(&values, &|image| image.within("kubeflow")), Ok("a-v1/base/ray:deps".to_owned()));
        assert_eq!(arg.render(&BTreeMap::new(), &|_| String::new()), Err("version".to_owned()));
    }

    #[test]
    fn what_looks_like_a_secret() {
        for (name, value) in [
            ("NPM_TOKEN", "x"),
            ("db_password", ""),
            ("URL", "https://me:pw@host/x"),
            ("KEY", "-----BEGIN RSA"),
            ("X", "ghp_abc"),
        ] {
            assert!(looks_secret(name, value), "{name}={value}");
        }
        for (name, value) in
            [("VERSION", "1"), ("URL", "https://host/a@b:c"), ("URL", "https://me@host"), ("KEYS", "a")]
        {
            assert!(!looks_secret(name, value), "{name}={value}");
        }
    }

    #[test]
    fn wheels_are_values_of_their_own() {
        let arg = BuildArg::parse(".whl/{wheel:ray}", "ray").unwrap();
        assert_eq!(arg.wheels().collect::<Vec<_>>(), ["ray"]);
        let values = BTreeMap::from([("wheel:ray".to_owned(), "ray-1.whl".to_owned())]);
        assert_eq!(arg.render(&values, &|_| String::new()), Ok(".whl/ray-1.whl".to_owned()));
        assert!(!arg.is_plain() && BuildArg::parse("{version}", "ray").unwrap().is_plain());
    }

    #[test]
    fn what_is_no_value() {
        let error = |text: &str| BuildArg::parse(text, "up").unwrap_err().to_string();
        assert_eq!(error("x{"), "'x{': the '{' at character 2 has no counterpart");
        assert_eq!(error("{verison}"), "'{verison}': unknown placeholder '{verison}'; did you mean '{version}'?");
        assert_eq!(
            error("{arch}"),
            "'{arch}': unknown placeholder '{arch}'; expected one of {image:NAME} {wheel:NAME} {version} {semver} {commit} {queue}"
        );
        assert!(error("a\nb").ends_with("contains a control character"));
    }
}
