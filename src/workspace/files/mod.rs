//! The maintainers' files on disk: their paths, reading, locking and writing them, the queue and the pin.

pub mod digest;
pub mod disk;
pub mod ignore_files;
pub mod layout;
pub mod lock;
pub mod open;
pub mod pins;
pub mod queue;
pub mod queue_files;
pub mod source;
pub mod toml_text;
pub mod which_patch;
