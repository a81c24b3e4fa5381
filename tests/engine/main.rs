//! Tests of the library against the git program: patch files, diffs, merges, a queue on another pin, histories, and the
//! network.

mod engine_oracle;
mod inspect;
mod network;
mod patch_oracle;
mod path_log;
mod rebase;
#[path = "../support/mod.rs"]
mod support;
mod target;
