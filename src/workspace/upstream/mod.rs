//! One upstream with its store: what is fetched, the queue's pin, what the remote says.

pub mod cached_tip;
pub mod fetch_lock;
pub mod fetcher;
pub(in crate::workspace) mod json_file;
pub mod last_copy;
pub mod neighbours;
pub mod query;
pub mod removed_patches;
pub mod resolve_pin;
pub mod side_error;
pub mod sides;
pub mod store;
pub mod synced;
pub mod target;
pub mod version;
