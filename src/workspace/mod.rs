//! The maintainers' files: the manifest, pins, queue files, ignore files, locks, and publishing changes to them.

pub mod digest;
pub mod export;
pub mod files;
mod files_side;
mod follow;
pub mod ignore;
pub mod journal;
pub mod layout;
pub mod lock;
pub mod manifest;
mod open;
pub mod pins;
pub mod publish;
pub mod queue;
mod record;
mod rewrite;
pub mod save;
mod settle;
mod site;
mod state;
mod supply;
pub mod undo;
mod version;

pub use files_side::{Files, FilesError};
pub use follow::FollowError;
pub use manifest::manifest_schema;
pub use open::{OpenError, TrackedName, UnknownUpstream, Workspace};
pub use record::Record;
pub use rewrite::{Rewrite, RewriteError};
pub use settle::{Around, SettleError, Settled, Wish, copy, finish_pending, is_exact, settle, stack_of};
pub use site::{Site, lock_upstream, lock_workspace};
pub use state::{Cell, Commits, State, Unreadable};
pub use supply::{Supply, SupplyError};
pub use version::VersionState;
