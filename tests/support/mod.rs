//! What several test binaries share.

pub(crate) mod server;
