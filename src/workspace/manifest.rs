//! Reads `upstreams.toml`, the list of upstreams, into checked types.

mod edit;
mod errors;
mod name;
mod parse;
mod schema;
#[cfg(test)]
mod tests;
mod track;
mod url;

use std::collections::BTreeMap;

use globset::{Glob, GlobSet, GlobSetBuilder};

pub use edit::{EditError, ManifestEdit, NewUpstream};
pub use errors::{Fault, ManifestErrors, Mistake};
pub use name::{BadName, Name};
pub use schema::manifest_schema;
pub use track::{BadTrack, Track};
pub use url::{BadUpstreamUrl, UpstreamUrl};

use crate::image::{AddedFile, BuildArg, ContentDigest, ImageId, Network, Platform, SecretSource, Template, Wheel};
use crate::path::{RepoPath, nearest};

/// The globs of `review` when the manifest has none.
pub const DEFAULT_REVIEW: [&str; 3] = ["**/Dockerfile*", "**/Makefile", "**/requirements*.txt"];

/// A manifest without errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The upstreams in the order of the file.
    pub upstreams: Vec<Upstream>,
    /// Warnings about things that are allowed, in the order of the file.
    pub warnings: Vec<Mistake>,
}

/// An entry `[upstream.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The name of the entry.
    pub name: Name,
    /// Where it is fetched from.
    pub url: UpstreamUrl,
    /// Where it is fetched from when `url` fails, in order.
    pub mirrors: Vec<UpstreamUrl>,
    /// What `refresh` follows.
    pub track: Option<Track>,
    /// Folders and files of the checkout; `None`: everything; empty: only what the queue touches.
    pub sparse: Option<Vec<RepoPath>>,
    /// Globs for the files that `diff-upstream` shows first.
    pub review: Vec<String>,
    /// The registry for images, without a `/` at the end.
    pub registry: Option<String>,
    /// The templates of the images' tags.
    pub tags: Vec<Template>,
    /// The version that overrides the pin's.
    pub version: Option<String>,
    /// Where decisions on conflicts are remembered.
    pub remember: Remember,
    /// The key under which decisions are remembered; `None`: the first entry with the same url.
    pub memory: Option<Name>,
    /// Labels for all images.
    pub labels: BTreeMap<String, BuildArg>,
    /// The metadata of all images.
    pub metadata: Metadata,
    /// External images, by the name in a Dockerfile.
    pub bases: BTreeMap<String, BaseEntry>,
    /// The wheels that go into images, by name.
    pub wheels: BTreeMap<String, Wheel>,
    /// The images built from the checkout, in the order of the file.
    pub images: Vec<Image>,
    /// The line of the manifest (from 1) on which the entry begins.
    pub line: usize,
}

/// Where decisions on conflicts are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remember {
    /// In the store of this clone.
    Local,
    /// In `resolutions/` of the workspace, shared with all maintainers.
    Shared,
}

/// The metadata of an entry's images, for labels and a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The file in each image with the metadata, as a path from the image's root.
    pub file: Option<String>,
    /// The prefix for the names of a second set of labels.
    pub label_prefix: Option<String>,
    /// The vendor of the images.
    pub vendor: Option<String>,
    /// Their licences, as an SPDX expression.
    pub licenses: Option<String>,
    /// The url of the documentation.
    pub documentation: Option<String>,
    /// The responsible team.
    pub team: Option<String>,
}

/// The entry of an external image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseEntry {
    /// The digest to build on.
    pub digest: Option<ContentDigest>,
    /// The day until which it gets updates, `YYYY-MM-DD`.
    pub until: Option<String>,
    /// The line of the manifest, from 1.
    pub line: usize,
}

/// An entry `[[upstream.NAME.image]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The image's name below the registry.
    pub name: String,
    /// The folder to send to the build; `None`: the whole checkout.
    pub context: Option<RepoPath>,
    /// The Dockerfile, from the checkout's root.
    pub dockerfile: RepoPath,
    /// The stage to build; `None`: the last one.
    pub target: Option<String>,
    /// The build arguments.
    pub args: BTreeMap<String, BuildArg>,
    /// Images to build first, in addition to those that the arguments name.
    pub needs: Vec<ImageId>,
    /// What is added to the context, in the order of the file.
    pub files: Vec<AddedFile>,
    /// The platforms to build for; empty: the builder's own platform.
    pub platforms: Vec<Platform>,
    /// Secrets of the build, by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// The network of RUN instructions.
    pub network: Network,
    /// Labels in addition to the entry's.
    pub labels: BTreeMap<String, BuildArg>,
    /// Whether the context may contain submodules and git-lfs pointers, whose content is not in the tree.
    pub allow_pointers: bool,
    /// Whether it is published, or only a base of other images.
    pub publish: bool,
    /// The line of the manifest (from 1) on which the entry begins.
    pub line: usize,
}

impl Manifest {
    /// Returns the entry called `name`.
    #[must_use]
    pub fn upstream(&self, name: &str) -> Option<&Upstream> {
        self.upstreams.iter().find(|upstream| upstream.name.as_str() == name)
    }

    /// Returns the entry whose name is nearest to `name`, for a "did you mean".
    #[must_use]
    pub fn nearest(&self, name: &str) -> Option<&Upstream> {
        nearest(name, self.upstreams.iter().map(|upstream| upstream.name.as_str())).and_then(|near| self.upstream(near))
    }
}

impl Upstream {
    /// Returns the `review` globs as one set.
    #[must_use]
    pub fn review_set(&self) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        // Every glob was compiled when the manifest was read.
        self.review.iter().filter_map(|glob| Glob::new(glob).ok()).for_each(|glob| {
            set.add(glob);
        });
        set.build().unwrap_or_else(|_| GlobSet::empty())
    }

    /// Returns the key under which decisions are remembered: the entry's `memory`, or the first entry of `manifest`
    /// with the same url.
    #[must_use]
    pub fn memory_key<'a>(&'a self, manifest: &'a Manifest) -> &'a Name {
        let first = || manifest.upstreams.iter().find(|other| other.url == self.url).unwrap_or(self);
        self.memory.as_ref().unwrap_or_else(|| &first().name)
    }
}
