//! Access to git: libgit2 for objects, index and working tree; the git program for the network. Above this room, only
//! [`crate::stack`] sees types of libgit2.

mod ancestry;
mod builder;
pub mod checkout;
mod commit;
mod describe;
mod discover;
mod error;
mod forge;
mod id;
mod lazy;
mod left_locks;
mod mergetool;
mod notes;
mod objects;
mod owner;
mod path_lines;
mod path_log;
mod pattern;
mod program;
mod progress;
mod remote;
mod rev;
mod run_log;
mod store;
mod take;
mod tree;
mod url;
mod user;
mod version_order;

pub use builder::{FileChange, Made, RepoBuilder};
pub use commit::{Commit, Signature};
pub use describe::{Described, describe_stored};
pub use discover::{Enclosing, Tracked, enclosing};
pub use error::GitError;
pub use forge::Forge;
pub use id::{BadId, Entry, Id, Mode};
pub use lazy::Lazy;
pub use left_locks::{clear_left_fetch_locks, clear_left_locks};
pub use mergetool::{MergeToolError, ToMerge, ToolOutcome, merge_tool, neutral_name};
pub use notes::{NOTES, make_notes, read_notes};
pub use objects::{ObjectKind, Objects};
pub use owner::is_foreign;
pub use path_lines::lines_before;
pub use path_log::{CommitRange, PathLog};
pub use pattern::PathPattern;
pub(crate) use program::STARTED_BY;
pub use program::{GitProgram, Interactive, MINIMUM, Output, ProgramError, Prompts, Run, Version, Watch};
pub use progress::Progress;
pub use remote::{
    Failure, Fetched, History, Look, Reason, Refs, Remote, RemoteError, RemoteRef, Resolved, glob_matches, stored_tags,
    tag_on, tag_order,
};
pub use rev::{BadRev, Rev, is_ref_name};
pub use store::{BASE, BRANCH, BROUGHT_BACK, HANDED_OVER, SYNCED, Store, UPSTREAM};
pub use tree::{Edits, Tree, TreeChange};
pub use url::{BadUrl, Url, UrlKind};
pub use user::Setting;
pub use version_order::compare_numbers;
