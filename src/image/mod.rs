//! Image tags: which ones an image gets, from the pin, its version and the queue. `docs/tags.md` describes them.

mod queue_digest;
mod reference;
mod tags;
mod text;
mod values;

pub use queue_digest::{DigestError, QueueDigest, queue_digest};
pub use reference::{Reference, ReferenceError, clash, references};
pub use tags::{DEFAULT_TEMPLATES, Placeholder, Stability, Tag, TagError, TagInput, Template};
pub use text::{BadTagText, check_text};
pub use values::semver;
