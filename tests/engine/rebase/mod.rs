//! Tests of a queue on another pin: case by case, against the git program, and with contents that are fetched when
//! needed.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cases;
mod need;
mod oracle;
mod shown;
