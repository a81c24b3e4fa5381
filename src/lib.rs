//! `patchq` keeps a downstream patch queue on top of upstream git repositories.
//!
//! The map of the crate, from the top down; `use crate::` arrows only ever go down
//! (`tests/house/architecture.rs` reads them):
//!
//! | room | what it is for |
//! |---|---|
//! | `cli` | one file per command: its arguments and what it does with the rooms below |
//! | `ui` | the terminal: messages, progress, prompts, tables |
//! | [`report`] | what commands say, as data |
//! | [`ship`] | from patched sources to images: which, of what, in which order |
//! | [`workspace`] | the maintainers' files: manifest, pins, queue files, locks, publish and undo |
//! | [`image`] | what is built on what, image tags and the queue's digest |
//! | [`stack`] | the engine: apply, export, merge |
//! | [`patch`] | the patch file: pure bytes, no git |
//! | [`container`] | programs that build images |
//! | [`git`] | libgit2 for objects and working trees, the git program for the network |
//! | [`process`] | programs that are started: watched, and ended with all that they started |
//! | [`hex`] | bytes as hexadecimal digits |
//! | [`path`] | a path inside a repository, checked once |
//!
//! The feature `cli` (on by default) is the program: the rooms `cli` and `ui` and what they need. Without it the rest is
//! a library; [`stack`] has an example.

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
