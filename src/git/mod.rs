//! Git: libgit2 for objects, index and working tree, the git program for the network. Nothing above this room
//! but [`crate::stack`] sees a libgit2 type.

mod commit;
mod error;
mod id;
mod objects;
mod store;
mod tree;

pub use commit::{Commit, Signature};
pub use error::GitError;
pub use id::{BadId, Entry, Id, Mode};
pub use objects::{Kind, Objects};
pub use store::{BASE, BRANCH, SYNCED, Store};
pub use tree::{Edits, Tree, TreeChange};
