//! The operations behind the commands, one file each.

pub mod add;
pub mod apply;
pub mod cherry_pick;
pub mod dropped;
pub mod error;
pub mod export;
pub mod init;
pub mod named_paths;
pub mod refresh;
pub mod rewrite;
pub mod save;
pub mod setup;
pub mod status;
pub mod undo;
pub mod upstream_diff;
pub mod verify;
