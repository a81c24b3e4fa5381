//! Image tags: which ones an image gets, from the pin, its version and the queue. `docs/tags.md` describes them.

mod queue_digest;
mod reference;
mod tags;

pub use queue_digest::{DigestError, QueueDigest, queue_digest};
pub use reference::{Reference, ReferenceError, clash, references};
pub use tags::{
    BadTagText, DEFAULT_TEMPLATES, Placeholder, Stability, Tag, TagError, TagInput, Template, check_text, semver,
};
