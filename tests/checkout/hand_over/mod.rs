//! Tests of a conflict that is handed over to the checkout, resolved there with plain git, and taken back.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod back;
mod kill;
mod odd;
mod over;
mod world;
