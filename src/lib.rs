//! `patchq` keeps a downstream patch queue on top of upstream git repositories.
//!
//! The rooms of the crate, from the top down; `use crate::` arrows only go down (`tests/house/architecture.rs` checks
//! them):
//!
//! | room | purpose |
//! |---|---|
//! | `cli` | one file per command: its arguments and its actions |
//! | `ui` | the terminal: messages, progress, prompts, tables |
//! | [`report`] | the results of commands, as data |
//! | [`ship`] | builds images from patched sources: which, from what, in which order |
//! | [`workspace`] | the maintainers' files: manifest, pins, queue files, locks, publish and undo |
//! | [`image`] | dependencies between images, image tags and the queue's digest |
//! | [`stack`] | the engine: apply, export, merge |
//! | [`patch`] | the patch file: pure bytes, no git |
//! | [`container`] | programs that build images |
//! | [`git`] | libgit2 for objects and working trees, the git program for the network |
//! | [`process`] | runs programs, watches them, and ends them with all that they started |
//! | [`hex`] | bytes as hexadecimal digits |
//! | [`path`] | a path inside a repository, checked once |
//!
//! The feature `cli` (on by default) is the program: the rooms `cli` and `ui` and their dependencies. Without it the
//! rest is a library; [`stack`] has an example.

#[cfg(feature = "cli")]
pub mod cli;
pub mod container;
pub mod git;
pub mod hex;
pub mod image;
pub mod patch;
pub mod path;
pub mod process;
pub mod report;
pub mod ship;
pub mod stack;
#[cfg(feature = "cli")]
pub mod ui;
pub mod workspace;
