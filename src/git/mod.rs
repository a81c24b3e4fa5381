//! Git: libgit2 for objects, index and working tree, the git program for the network. Nothing above this room
//! but [`crate::stack`] sees a libgit2 type.

mod commit;
pub mod checkout;
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
mod describe;
mod discover;
mod error;
mod id;
mod program;
mod progress;
mod remote;
mod store;
mod url;

pub use describe::Described;
pub use discover::{Enclosing, Tracked, enclosing};
pub use error::GitError;
pub use id::{BadId, Entry, Id, Mode};
pub use program::{GitProgram, MINIMUM, Output, ProgramError, Prompts, Run, Version, Watch};
pub use progress::Progress;
pub use remote::{Failure, Fetched, History, Look, Reason, Refs, Remote, RemoteError, RemoteRef, Resolved};
pub use store::{BASE, BRANCH, SYNCED, Store};
pub use url::{BadRev, BadUrl, Kind, Rev, Url};
