//! From patched sources to images: which images are meant, what they are built of, in which order.
//!
//! Above the workspace, and as quiet as it. `docs/images.md` describes it from outside.

mod bake;
mod context;
mod dockerfiles;
mod finish;
mod pin_values;
mod plan;
mod read;
mod select;
mod specs;
mod stage;

pub use bake::{BAKE_FILE, BakeError, bake, image_folder, secret_option};
pub use context::{BuildContext, ContextFile};
pub use dockerfiles::DockerfileVersion;
pub use finish::{FINISH, LabelSource};
pub use pin_values::{PinValues, ValuesError, pin_values};
pub use plan::{ShipImage, ShipPlan, ship_plan};
pub use read::{ImageSource, UpstreamSource, read_images};
pub use select::{SelectError, select};
pub use stage::{CONTEXT, DOCKERFILE, StageError, stage};
