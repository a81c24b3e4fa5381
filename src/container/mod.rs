//! Programs that build images. Nothing here knows what an image is for.

mod order;

pub use order::BuildOrder;
