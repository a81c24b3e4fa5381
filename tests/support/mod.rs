//! What several test binaries share.

pub(crate) mod history;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod terminal;
