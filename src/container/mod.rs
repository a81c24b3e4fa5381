//! Programs that build images. Nothing here knows what an image is for.

mod spec;

pub use spec::BuildSpec;
