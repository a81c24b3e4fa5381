//! The images of a run of `image build`, as data.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Failure;

/// What became of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildState {
    /// It was built.
    Built,
    /// It got new labels or names; its content is the one that was there.
    Labelled,
    /// It is there as the plan has it, and nothing was done.
    Current,
    /// It was not built.
    Failed,
    /// An image that it needs was not built.
    Blocked,
    /// The run ended before it.
    NotTried,
}

impl BuildState {
    /// One word, or two, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            BuildState::Built => "built",
            BuildState::Labelled => "labelled",
            BuildState::Current => "current",
            BuildState::Failed => "failed",
            BuildState::Blocked => "blocked",
            BuildState::NotTried => "not tried",
        }
    }
}

/// The builder of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuilderReport {
    /// Its kind: `docker`, `buildah`.
    pub name: String,
    /// The version of the program.
    pub client: String,
    /// The version of the server behind it.
    pub server: Option<String>,
    /// The version of buildx, where it is used.
    pub buildx: Option<String>,
}

/// An image of a run.
#[derive(Debug, Clone, Serialize)]
pub struct BuildReport {
    /// The upstream's name.
    pub upstream: String,
    /// The image's name.
    pub image: String,
    /// What became of it.
    pub state: BuildState,
    /// The id of the image: with its labels, where it is published.
    pub id: Option<String>,
    /// The digest of all that it is built of.
    pub recipe: String,
    /// The images of the workspace below it, and their ids.
    pub needs: BTreeMap<String, Option<String>>,
    /// The external images below it.
    pub bases: Vec<BuildBase>,
    /// The images that could not be built, and kept it from being built.
    pub blocked_by: Vec<String>,
    /// What it is called; empty where it is not published.
    pub references: Vec<String>,
    /// How long it took, in seconds.
    pub seconds: u64,
    /// The log of the builder, from the workspace's root.
    pub log: Option<String>,
    /// Why it was not built.
    pub error: Option<Failure>,
    /// The instruction at which it failed, where that is known.
    pub step: Option<StepReport>,
}

/// An external image below an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildBase {
    /// Its name in the Dockerfile.
    pub image: String,
    /// Its digest; none where no registry has it.
    pub digest: Option<String>,
}

/// An instruction of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// The Dockerfile, from the root of the upstream's tree.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// The patch that wrote it; none: upstream.
    pub patch: Option<String>,
}
