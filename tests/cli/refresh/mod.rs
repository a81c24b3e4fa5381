//! `patchq refresh`: a queue moves to another commit of its upstream.

mod accept;
mod around;
mod bench;
mod clean;
mod conflicts;
mod dropped;
mod mistakes;
mod remembered;
mod report;
mod targets;
mod who;
