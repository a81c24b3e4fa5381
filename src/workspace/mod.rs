//! The maintainers' files: the manifest, pins, queue files, ignore files, locks, and publishing changes to them.

pub mod manifest;
