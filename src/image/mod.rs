//! Images as values: what is built from what, and which tags an image gets. Nothing here starts a program.
//! `docs/images.md` and `docs/tags.md` describe them.

mod braces;
mod build_arg;
pub mod dockerfile;
mod plan;
mod queue_digest;
mod reference;
mod tags;
mod text;
mod values;

pub use build_arg::{ArgError, BuildArg, ImageId, looks_secret};
pub use plan::{BaseImage, Plan, PlanError, PlanFault, PlanInput, PlannedImage, local_name, plan};
pub use queue_digest::{DigestError, QueueDigest, queue_digest};
pub use reference::{Reference, ReferenceError, clash, references};
pub use tags::{DEFAULT_TEMPLATES, Placeholder, Stability, Tag, TagError, TagInput, Template};
pub use text::{BadTagText, check_text};
pub use values::semver;
