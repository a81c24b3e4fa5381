//! `patchq refresh`: a queue moves to another commit of its upstream.

mod bench;
mod clean;
mod conflicts;
mod dropped;
mod report;
mod targets;
mod who;
