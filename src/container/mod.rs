//! Describes builds for the programs that build images. This room does not know what an image is for.

mod spec;

pub use spec::BuildSpec;
