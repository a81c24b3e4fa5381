//! Makes image references: `charmedkubeflow/jupyter-scipy:v1.6.1-0611aa04-3f2a9c1e`.

use std::fmt;

use serde::Serialize;

use super::text::check_text;
use super::{Tag, TagError, TagInput, Template};
use crate::path::printable;

/// An image with one of its tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// `registry/name`, or `name` if the upstream has no registry.
    pub repository: String,
    /// The template that the tag was made from.
    pub template: Template,
    /// The tag, and whether it is fixed.
    #[serde(flatten)]
    pub tag: Tag,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag.text)
    }
}

/// Why an image has no references.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A template that gives no tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// A registry and a name that are not valid together.
    #[error("the image '{0}': a registry takes lower-case letters, digits, and single '.', '_' or '-' between them")]
    Repository(String),
    /// The same reference twice: one image would overwrite the other.
    #[error("'{reference}' is made twice, by the tag templates '{first}' and '{second}'")]
    Twice {
        /// The reference.
        reference: String,
        /// The template that made it first.
        first: String,
        /// The template that made it again.
        second: String,
    },
}

/// Returns all references of one upstream: every template for each image, filled with the data of that image; in the
/// order of both.
///
/// # Errors
/// [`ReferenceError`] for the first image and template without a valid reference, or with a repeated one.
pub fn references(
    registry: Option<&str>,
    images: &[(&str, TagInput<'_>)],
    templates: &[Template],
) -> Result<Vec<Reference>, ReferenceError> {
    let mut all = Vec::new();
    for (image, input) in images {
        let repository = registry.map_or_else(|| (*image).to_owned(), |registry| format!("{registry}/{image}"));
        if !is_repository(&repository) {
            return Err(ReferenceError::Repository(printable(repository.as_bytes())));
        }
        for template in templates {
            let tag = template.render(input)?;
            all.push(Reference { repository: repository.clone(), template: template.clone(), tag });
        }
    }
    match clash(&all) {
        None => Ok(all),
        Some((first, second)) => Err(ReferenceError::Twice {
            reference: all[first].to_string(),
            first: all[first].template.to_string(),
            second: all[second].template.to_string(),
        }),
    }
}

/// Returns the first two of `all` with the same image and tag; also for several upstreams together.
#[must_use]
pub fn clash(all: &[Reference]) -> Option<(usize, usize)> {
    let mut seen = std::collections::HashMap::new();
    all.iter().enumerate().find_map(|(at, one)| {
        seen.insert((one.repository.as_str(), one.tag.text.as_str()), at).map(|before| (before, at))
    })
}

/// Checks the grammar of a repository in the OCI distribution specification: parts joined by `/`, each of lower-case
/// letters and digits with `.`, `_`, `__` or any number of `-` between them. The first part may be a host with a port.
fn is_repository(text: &str) -> bool {
    let mut parts: Vec<&str> = text.split('/').collect();
    if let [host, _, ..] = parts.as_slice()
        && let Some((name, port)) = host.split_once(':')
    {
        let numeric = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        let labels = name.split('.').all(|label| {
            let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
            let bytes = label.as_bytes();
            ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        });
        if !numeric || !labels {
            return false;
        }
        parts.remove(0);
    }
    parts.iter().all(|part| is_part(part))
}

/// Checks whether `text` is a valid image name in a Dockerfile: a repository with a tag, a digest, both or neither.
#[must_use]
pub fn is_image(text: &str) -> bool {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest)));
    let folder = name.rfind('/').map_or(0, |at| at + 1);
    let (repository, tag) = match name[folder..].find(':') {
        Some(at) => (&name[..folder + at], Some(&name[folder + at + 1..])),
        None => (name, None),
    };
    let is_hex = |digits: &str| digits.len() >= 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_tag = |tag: &str| check_text(tag).is_ok() && !tag.contains(['+', '/']);
    is_repository(repository)
        && tag.is_none_or(is_tag)
        && digest.is_none_or(|digest| {
            digest.split_once(':').is_some_and(|(kind, digits)| !kind.is_empty() && is_hex(digits))
        })
}

fn is_part(part: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().is_some_and(|b| word(*b)) && bytes.last().is_some_and(|b| word(*b));
    let joints = bytes.split(|b| word(*b)).filter(|joint| !joint.is_empty());
    ends && joints.into_iter().all(|joint| matches!(joint, b"." | b"_" | b"__") || joint.iter().all(|b| *b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Id;

    fn of(registry: Option<&str>, images: &[&str], templates: &[&str], version: &str) -> Result<Vec<String>, String> {
        let templates: Result<Vec<Template>, TagError> = templates.iter().map(|text| text.parse()).collect();
        let input = TagInput {
            version,
            pin: Id::EMPTY_TREE,
            queue: "3f2a9c1e",
            date: None,
            branch: None,
            build: Err(""),
            built: None,
            wheels: &Default::default(),
        };
        let images: Vec<_> = images.iter().map(|image| (*image, input)).collect();
        let all = references(registry, &images, &templates.map_err(|error| error.to_string())?);
        all.map(|all| all.iter().map(ToString::to_string).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_image_gets_every_tag() {
        assert_eq!(
            of(Some("charmedkubeflow"), &["jupyter-scipy", "base"], &["{version}", "{queue}"], "v1.6.1"),
            Ok(["jupyter-scipy:v1.6.1", "jupyter-scipy:3f2a9c1e", "base:v1.6.1", "base:3f2a9c1e"]
                .map(|reference| format!("charmedkubeflow/{reference}"))
                .to_vec())
        );
        assert_eq!(of(None, &["x"], &["{version}"], "v1"), Ok(vec!["x:v1".to_owned()]));
    }

    #[test]
    fn one_reference_twice_is_an_error() {
        assert_eq!(
            of(Some("r"), &["x"], &["{version}", "{commit}"], "4b825dc6"),
            Err("'r/x:4b825dc6' is made twice, by the tag templates '{version}' and '{commit}'".to_owned())
        );
        assert!(of(Some("r"), &["x", "y", "x"], &["{version}"], "v1").is_err());
    }

    #[test]
    fn names_of_images_in_a_dockerfile() {
        let digest = format!("ubuntu:20.04@sha256:{}", "0".repeat(64));
        for good in ["ubuntu", "ubuntu:20.04", "localhost:5000/x", "gcr.io/a/b:nonroot", &digest] {
            assert!(is_image(good), "{good}");
        }
        for bad in ["<jupyter>", "Ubuntu", "a:", "a:b:c", "a@b", "a@sha256:12", "a b", "a/:x", ""] {
            assert!(!is_image(bad), "{bad}");
        }
    }

    #[test]
    fn repositories_that_registries_take() {
        for good in ["x", "localhost:5000/x", "ghcr.io/a-b/c__d", "my.host:80/a/b--c", "a.b/c"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "/x", "x/", "a//b", "X", "a..b", "a___b", "-a", "a b", "host:/x", "host:a/x", "x:80", "-h:1/x"]
        {
            assert!(!is_repository(bad), "{bad}");
        }
    }
}
