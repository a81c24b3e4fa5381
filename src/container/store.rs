//! The images in a builder's store.

use std::sync::atomic::AtomicBool;

use serde::Deserialize;

use super::builder::{Builder, BuilderKind};
use super::call::{CallError, Output, call};
use super::config::ImageConfig;

/// An image in the store of a builder.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredImage {
    /// The digest of its configuration, `sha256:` and 64 digits.
    pub id: String,
    /// `OS/ARCHITECTURE[/VARIANT]`.
    pub platform: String,
    /// The digests that registries know it by: `REPOSITORY@sha256:…`. buildah has one also for what was made here.
    pub digests: Vec<String>,
    /// Its bytes, where the builder says.
    pub size: Option<u64>,
    /// What it is started with.
    pub config: ImageConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    id: String,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    config: Option<ImageConfig>,
    architecture: String,
    os: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct BuildahImage {
    #[serde(rename = "FromImageID")]
    id: String,
    #[serde(rename = "FromImage")]
    name: Option<String>,
    #[serde(rename = "FromImageDigest")]
    digest: Option<String>,
    #[serde(rename = "Docker")]
    docker: BuildahDocker,
}

#[derive(Debug, Deserialize)]
struct BuildahDocker {
    #[serde(default)]
    config: Option<ImageConfig>,
    architecture: String,
    os: String,
    #[serde(default)]
    variant: Option<String>,
}

impl Builder {
    fn call(&self, arguments: &[&str], cancel: &AtomicBool) -> Result<Output, CallError> {
        let mut command = self.command();
        let what = format!("{} {}", self.kind, arguments.first().copied().unwrap_or_default());
        call(command.args(arguments), &what, cancel, &mut |_| {})
    }

    /// The image called `name` (a reference or an id); `None`: the store has none.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn image(&self, name: &str, cancel: &AtomicBool) -> Result<Option<StoredImage>, CallError> {
        let (arguments, absent): (&[&str], &str) = match self.kind {
            BuilderKind::Docker => (&["image", "inspect", "--", name], "no such image"),
            BuilderKind::Buildah => (&["inspect", "--type", "image", "--", name], "image not known"),
        };
        let output = match self.call(arguments, cancel) {
            Ok(output) => output,
            Err(CallError::Failed { lines, .. })
                if lines.iter().any(|line| line.to_ascii_lowercase().contains(absent)) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let read = match self.kind {
            BuilderKind::Docker => docker_image(&output.stdout),
            BuilderKind::Buildah => buildah_image(&output.stdout),
        };
        read.map(Some).map_err(|reason| CallError::Answer { what: format!("{} inspect", self.kind), reason })
    }

    /// The names of the image `id`.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn names(&self, id: &str, cancel: &AtomicBool) -> Result<Vec<String>, CallError> {
        let form = match self.kind {
            BuilderKind::Docker => "{{.ID}} {{.Repository}}:{{.Tag}}",
            BuilderKind::Buildah => "{{.ID}} {{.Name}}:{{.Tag}}",
        };
        let output = self.call(&["images", "--no-trunc", "--format", form], cancel)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let named = |line: &str| {
            let (of, name) = line.split_once(char::is_whitespace)?;
            (of == id && !name.contains("<none>")).then(|| name.trim().to_owned())
        };
        Ok(text.lines().filter_map(named).collect())
    }

    /// Gets the image called `name` from its registry into the store.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn pull(&self, name: &str, cancel: &AtomicBool) -> Result<(), CallError> {
        self.call(&["pull", "--quiet", "--", name], cancel).map(drop)
    }

    /// Calls the image `id` by `reference` too.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn tag(&self, id: &str, reference: &str, cancel: &AtomicBool) -> Result<(), CallError> {
        self.call(&["tag", "--", id, reference], cancel).map(drop)
    }

    /// Takes the name `reference` away, and with the last one the image. Whether it was there.
    ///
    /// # Errors
    /// [`CallError`], also where a container or another image needs it.
    pub fn remove(&self, reference: &str, cancel: &AtomicBool) -> Result<bool, CallError> {
        match self.call(&["rmi", "--", reference], cancel) {
            Ok(_) => Ok(true),
            Err(error) => match self.image(reference, cancel)? {
                None => Ok(false),
                Some(_) => Err(error),
            },
        }
    }
}

/// Returns `name` with its registry: without one docker means `docker.io/`, and `library/` before a single word. buildah would take
/// such a name for one of this machine (`localhost/`).
#[must_use]
pub fn full_name(name: &str) -> String {
    let has_host = name.split_once('/').is_some_and(|(host, _)| host == "localhost" || host.contains(['.', ':']));
    match (has_host, name.contains('/')) {
        (true, _) => name.to_owned(),
        (false, true) => format!("docker.io/{name}"),
        (false, false) => format!("docker.io/library/{name}"),
    }
}

fn platform(os: &str, architecture: &str, variant: Option<&str>) -> String {
    let variant = variant.filter(|variant| !variant.is_empty()).map(|variant| format!("/{variant}"));
    format!("{os}/{architecture}{}", variant.unwrap_or_default())
}

/// A reference without its tag.
fn untagged(name: &str) -> &str {
    let tag = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    &name[..tag.unwrap_or(name.len())]
}

fn docker_image(bytes: &[u8]) -> Result<StoredImage, String> {
    let images: Vec<DockerImage> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let image = images.into_iter().next().ok_or("no image in it")?;
    Ok(StoredImage {
        platform: platform(&image.os, &image.architecture, image.variant.as_deref()),
        id: image.id,
        digests: image.repo_digests.unwrap_or_default(),
        size: image.size,
        config: image.config.unwrap_or_default(),
    })
}

fn buildah_image(bytes: &[u8]) -> Result<StoredImage, String> {
    let image: BuildahImage = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let docker = image.docker;
    Ok(StoredImage {
        id: format!("sha256:{}", image.id.trim_start_matches("sha256:")),
        platform: platform(&docker.os, &docker.architecture, docker.variant.as_deref()),
        digests: image
            .name
            .zip(image.digest)
            .map(|(name, digest)| format!("{}@{digest}", untagged(&name)))
            .into_iter()
            .collect(),
        size: None,
        config: docker.config.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_a_registry_are_docker_hubs() {
        assert_eq!(full_name("team/x:1"), "docker.io/team/x:1");
        assert_eq!(full_name("ubuntu:20.04"), "docker.io/library/ubuntu:20.04");
        for full in ["docker.io/team/x:1", "localhost/x", "127.0.0.1:5000/x:1", "r.example/team/x"] {
            assert_eq!(full_name(full), full);
        }
    }

    #[test]
    fn both_forms_are_read() {
        let docker = br#"[{"Id":"sha256:aa","RepoDigests":["x@sha256:bb"],"Config":{"User":"1"},"Architecture":"arm",
            "Os":"linux","Variant":"v7","Size":7}]"#;
        let image = docker_image(docker).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((image.id.as_str(), image.platform.as_str(), image.size), ("sha256:aa", "linux/arm/v7", Some(7)));
        assert_eq!((image.config.user.as_str(), image.digests), ("1", vec!["x@sha256:bb".to_owned()]));
        let buildah = br#"{"FromImage":"h:1/x:2","FromImageID":"aa","FromImageDigest":"sha256:bb","Docker":{"config":{"Labels":{"a":"b"}},
            "architecture":"amd64","os":"linux"}}"#;
        let image = buildah_image(buildah).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((image.id.as_str(), image.platform.as_str()), ("sha256:aa", "linux/amd64"));
        assert_eq!((image.config.label("a"), image.digests), (Some("b"), vec!["h:1/x@sha256:bb".to_owned()]));
        assert!(docker_image(b"[]").is_err() && buildah_image(b"{").is_err());
    }
}
