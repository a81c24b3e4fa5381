//! `patchq refresh`: moves a queue to another commit of its upstream.

mod accept;
mod around;
pub(crate) mod bench;
mod clean;
pub(crate) mod conflicts;
mod dropped;
mod mistakes;
mod remembered;
mod report;
mod targets;
mod who;
