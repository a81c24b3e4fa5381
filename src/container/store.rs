//! The images in a builder's store.

use std::sync::atomic::AtomicBool;

use serde::Deserialize;

use super::builder::{Builder, BuilderKind};
use super::call::{CallError, Output, call};
use super::config::ImageConfig;
use super::name::untagged;

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
    repo_digests: Option<Vec<String>>,
    size: Option<u64>,
    #[serde(flatten)]
    settings: Settings,
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
    settings: Settings,
}

/// What both builders print about an image; docker with capital letters.
#[derive(Debug, Deserialize)]
struct Settings {
    #[serde(alias = "Config")]
    config: Option<ImageConfig>,
    #[serde(alias = "Architecture")]
    architecture: String,
    #[serde(alias = "Os")]
    os: String,
    #[serde(alias = "Variant")]
    variant: Option<String>,
}

impl Settings {
    fn platform(&self) -> String {
        let variant = self.variant.as_deref().filter(|variant| !variant.is_empty());
        let variant = variant.map(|variant| format!("/{variant}")).unwrap_or_default();
        format!("{}/{}{variant}", self.os, self.architecture)
    }
}

impl Builder {
    fn call(&self, arguments: &[&str], cancel: &AtomicBool) -> Result<Output, CallError> {
        let mut command = self.command();
        let what = format!("{} {}", self.kind, arguments.first().copied().unwrap_or_default());
        call(command.args(arguments), &what, cancel)
    }

    /// Returns the image called `name` (a reference or an id), if the store has it.
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

    /// Returns the names of the image `id`.
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

    /// Pulls the image called `name` from its registry.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn pull(&self, name: &str, cancel: &AtomicBool) -> Result<(), CallError> {
        self.call(&["pull", "--quiet", "--", name], cancel).map(drop)
    }

    /// Adds the name `reference` to the image `id`.
    ///
    /// # Errors
    /// [`CallError`].
    pub fn tag(&self, id: &str, reference: &str, cancel: &AtomicBool) -> Result<(), CallError> {
        self.call(&["tag", "--", id, reference], cancel).map(drop)
    }

    /// Removes the name `reference`, and with its last name the image. Returns whether it was there.
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

fn docker_image(bytes: &[u8]) -> Result<StoredImage, String> {
    let images: Vec<DockerImage> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let DockerImage { id, repo_digests, size, settings } = images.into_iter().next().ok_or("no image in it")?;
    let (platform, config) = (settings.platform(), settings.config.unwrap_or_default());
    Ok(StoredImage { id, platform, digests: repo_digests.unwrap_or_default(), size, config })
}

fn buildah_image(bytes: &[u8]) -> Result<StoredImage, String> {
    let image: BuildahImage = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let BuildahImage { id, name, digest, settings } = image;
    let id = format!("sha256:{}", id.trim_start_matches("sha256:"));
    let digest = name.zip(digest).map(|(name, digest)| format!("{}@{digest}", untagged(&name)));
    let (platform, config) = (settings.platform(), settings.config.unwrap_or_default());
    Ok(StoredImage { id, platform, digests: digest.into_iter().collect(), size: None, config })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(image.config.labels.unwrap_or_default().get("a").map(String::as_str), Some("b"));
        assert_eq!(image.digests, ["h:1/x@sha256:bb"]);
        assert!(docker_image(b"[]").is_err() && buildah_image(b"{").is_err());
    }
}
