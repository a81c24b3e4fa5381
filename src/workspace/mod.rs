//! The maintainers' files: the manifest, pins, queue files, ignore files, locks, and publishing changes to them.

pub mod digest;
pub mod files;
pub mod ignore;
pub mod journal;
pub mod layout;
pub mod lock;
pub mod manifest;
pub mod pins;
pub mod publish;
pub mod queue;
