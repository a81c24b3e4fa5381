//! Git: libgit2 for objects, index and working tree, the git program for the network. Nothing above this room
//! but [`crate::stack`] sees a libgit2 type.

mod error;
mod id;
mod store;

pub use error::GitError;
pub use id::{BadId, Entry, Id, Mode};
pub use store::{BASE, BRANCH, SYNCED, Store};
