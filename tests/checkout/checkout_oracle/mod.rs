//! Tests of the checkout against the git program: patchq's checkout of a commit is equal to that of `git
//! sparse-checkout`, and plain git works in it.

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
