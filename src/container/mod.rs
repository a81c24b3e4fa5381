//! Calls the programs that build images and keep them in a store: docker and buildah.
//!
//! This room does not know what an image is for, and does not decide which one is built; [`crate::ship`] does.

mod build;
mod builder;
mod call;
mod config;
mod find;
mod name;
mod spec;
mod step;
mod store;

pub use build::{BuildError, BuildOptions};
pub use builder::{Builder, BuilderKind, Programs};
pub use call::{CallError, ended_badly};
pub use config::{Differs, ImageConfig};
pub use find::{Found, NotFound, find, find_all};
pub use name::{full_name, untagged};
pub use spec::BuildSpec;
pub use step::{BuildStep, StepLog, step_of};
pub use store::StoredImage;
