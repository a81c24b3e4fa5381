//! Tests of several parts of this room together.
#![allow(clippy::unwrap_used)]

mod apply;
mod between;
mod forms;
mod headers;
mod round;
