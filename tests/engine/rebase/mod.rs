//! A queue on another pin: case by case, against the git program, and with contents that come when they are asked for.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cases;
mod need;
mod oracle;
mod shown;
