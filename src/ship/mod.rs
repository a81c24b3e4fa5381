//! Builds images from patched sources: selects the images, collects their inputs, and orders the builds.
//!
//! This room is above `workspace`; like it, it neither prints nor reads the environment. `docs/images.md` describes it
//! for users.

mod bake;
mod bases;
mod build;
mod context;
mod dockerfiles;
mod failed_step;
mod finish;
mod pin_values;
mod plan;
mod read;
mod record;
mod select;
mod specs;
mod stage;

pub use bake::{BAKE_FILE, BakeError, bake, image_folder, secret_option};
pub use bases::{BaseError, ResolvedBase, digests, resolve_base, unpinned};
pub use build::{ImageBuild, ShipError, Todo};
pub use context::{BuildContext, ContextFile};
pub use dockerfiles::DockerfileVersion;
pub use failed_step::{FailedStep, failed_step};
pub use finish::{FINISH, LabelSource};
pub use pin_values::{PinValues, ValuesError, pin_values};
pub use plan::{ShipImage, ShipPlan, ship_plan};
pub use read::{ImageSource, UpstreamSource, read_images};
pub use record::{BuildRecord, Labelled, RecordedBase, Records};
pub use select::{SelectError, select};
pub use stage::{CONTEXT, DOCKERFILE, StageError, stage};
