//! The checkout against the git program: what patchq makes of a commit is what `git sparse-checkout` makes of it,
//! and plain git works in it afterwards.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod hostile;
mod ignored;
mod kill;
mod moves;
mod plain;
mod random;
mod same;
mod staged;
mod support;
