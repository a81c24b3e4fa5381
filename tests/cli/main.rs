//! Tests of the built program, end to end, with the real git program: one module per command or guarantee.
//!
//! Every scenario runs in a plain world and in one with hostile git settings of the user (see `support::world`); in
//! both, patchq may not run any program of the user.

#![allow(clippy::unwrap_used)]

mod add;
mod any_commit;
mod around;
mod checkout;
mod commands;
mod demo;
mod diff_upstream;
mod env;
mod export;
mod fetching;
mod formats;
mod hints;
mod hostile;
mod identity;
mod image;
mod image_build;
mod image_real;
mod image_stage;
mod import;
mod init;
mod json_page;
mod kill;
mod last_copy;
mod left;
mod limits;
mod log;
mod lose_nothing;
mod mistakes;
mod named_paths;
mod neighbours;
mod odd_tags;
mod options;
mod outdated;
mod outputs;
mod owner;
mod pager;
mod patch_files;
mod quiet;
mod refresh;
mod resolutions;
mod save;
mod save_also;
mod session;
mod setup;
#[path = "../support/mod.rs"]
mod shared;
mod stall;
mod status;
mod stdout;
mod steps;
mod stories;
mod submodule;
mod support;
mod tag;
mod terminal;
mod undo;
mod undo_records;
mod verify;
mod who;
