//! Tests of the room's parts together.
#![allow(clippy::unwrap_used)]

mod apply;
mod between;
mod forms;
mod headers;
mod round;
