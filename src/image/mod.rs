//! Describes images as values: what an image is built from, and which tags it gets. No program is started here. See
//! `docs/images.md` and `docs/tags.md`.

mod braces;
mod build_arg;
mod counted;
pub mod dockerfile;
mod ignore;
mod labels;
mod plan;
mod queue_digest;
mod recipe;
mod reference;
mod settings;
mod tags;
mod text;
mod values;
mod wheel;

pub use build_arg::{ArgError, BuildArg, ImageId, looks_secret};
pub use ignore::DockerIgnore;
pub use labels::{LabelInput, finish_dockerfile, labels, metadata_file};
pub use plan::{BaseImage, Plan, PlanError, PlanFault, PlanInput, PlannedImage, local_name, plan};
pub use queue_digest::{DigestError, QueueDigest, queue_digest};
pub use recipe::{FileContent, RecipeDigest, RecipeInput, build_digits, recipe};
pub use reference::{Reference, ReferenceError, clash, is_image, references};
pub use settings::{AddedFile, ContentDigest, FileSource, Network, Platform, SecretSource, is_sha256};
pub use tags::{DEFAULT_TEMPLATES, Placeholder, Stability, Tag, TagError, TagInput, Template};
pub use text::{BadTagText, check_text};
pub use values::{build_day, semver};
pub use wheel::Wheel;
