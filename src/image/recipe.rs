//! Computes the recipe of an image: the digest of everything that can change its content, version 1. The format never
//! changes. `docs/recipe.md` specifies every byte.
//!
//! Two builds of one recipe may differ (a RUN may fetch the newest version), but patchq gives the builder the same
//! input.

use std::collections::BTreeMap;
use std::fmt;

use super::counted::Counted;
use super::dockerfile::Role;
use super::queue_digest::QueueDigest;
use super::settings::{ContentDigest, Network, Platform};
use crate::git::{Id, Mode};
use crate::hex;
use crate::path::RepoPath;

/// The first bytes of every recipe of version 1.
const RECIPE_1: &[u8] = b"patchq-recipe-1\n";

/// The first bytes of every build's digest of version 1.
const BUILD_1: &[u8] = b"patchq-build-1\n";

/// The SHA-256 of a recipe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipeDigest([u8; 32]);

impl fmt::Display for RecipeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for RecipeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The content of a file in a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// A git object: a blob, or the commit of a submodule.
    Git(Id),
    /// A file with a known SHA-256.
    Sha256(ContentDigest),
}

/// Everything that can change the content of an image.
#[derive(Debug, Clone)]
pub struct RecipeInput<'a> {
    /// The Dockerfile after the queue.
    pub dockerfile: &'a [u8],
    /// The Dockerfile's own ignore file (`DOCKERFILE.dockerignore`).
    pub ignore: Option<&'a [u8]>,
    /// The built stage; `None`: the last one.
    pub target: Option<&'a str>,
    /// The platform; `None`: the builder's own.
    pub platform: Option<&'a Platform>,
    /// The network of RUN instructions.
    pub network: Network,
    /// The build arguments, with images by their names without a tag.
    pub args: &'a BTreeMap<String, String>,
    /// The ids of secrets.
    pub secrets: Vec<&'a str>,
    /// The files of the context.
    pub context: BTreeMap<&'a RepoPath, (Mode, &'a FileContent)>,
    /// The external images, in the order of the Dockerfile, with their digests if known.
    pub bases: Vec<(Role, &'a str, Option<&'a ContentDigest>)>,
    /// The images of the workspace that it needs, by their names.
    pub needs: BTreeMap<String, RecipeDigest>,
}

/// Returns the digest of a recipe.
#[must_use]
pub fn recipe(input: &RecipeInput<'_>) -> RecipeDigest {
    let mut hash = Counted::new(RECIPE_1);
    hash.bytes("dockerfile", input.dockerfile);
    if let Some(ignore) = input.ignore {
        hash.bytes("ignore", ignore);
    }
    if let Some(target) = input.target {
        hash.bytes("target", target.as_bytes());
    }
    if let Some(platform) = input.platform {
        hash.bytes("platform", platform.as_str().as_bytes());
    }
    if input.network != Network::Default {
        hash.line(format_args!("network {}", input.network.word()));
    }
    for (name, value) in input.args {
        hash.bytes("arg", name.as_bytes());
        hash.bytes("value", value.as_bytes());
    }
    let mut secrets = input.secrets.clone();
    secrets.sort_unstable();
    for id in secrets {
        hash.bytes("secret", id.as_bytes());
    }
    for (path, (mode, content)) in &input.context {
        hash.bytes("file", path.as_bytes());
        match content {
            FileContent::Git(id) => hash.line(format_args!("is {:o} {id}", mode.bits())),
            FileContent::Sha256(digest) => hash.line(format_args!("is {:o} {digest}", mode.bits())),
        }
    }
    for (role, name, digest) in &input.bases {
        hash.bytes("base", name.as_bytes());
        match digest {
            Some(digest) => hash.line(format_args!("{} {digest}", role.word())),
            None => hash.line(format_args!("{} unpinned", role.word())),
        }
    }
    for (name, recipe) in &input.needs {
        hash.bytes("need", name.as_bytes());
        hash.line(format_args!("is {recipe}"));
    }
    RecipeDigest(hash.finish())
}

/// Returns `{build}`: eight digits over the recipes of an image (one for each platform), the queue, and the data of its
/// labels.
#[must_use]
pub fn build_digits(recipes: &[RecipeDigest], queue: QueueDigest, labels: &BTreeMap<String, String>) -> String {
    let mut hash = Counted::new(BUILD_1);
    for recipe in recipes {
        hash.line(format_args!("recipe {recipe}"));
    }
    hash.line(format_args!("queue {queue}"));
    for (key, template) in labels {
        hash.bytes("label", key.as_bytes());
        hash.bytes("template", template.as_bytes());
    }
    let mut digits = RecipeDigest(hash.finish()).to_string();
    digits.truncate(8);
    digits
}

#[cfg(test)]
#[path = "recipe_tests.rs"]
mod tests;
