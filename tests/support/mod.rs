//! Helpers that several test binaries share.

pub(crate) mod history;
pub(crate) mod server;
pub(crate) mod terminal;
pub(crate) mod upstream;

/// Returns how many rounds of a random test are run: a quarter of `all`, and all of them if `PATCHQ_TEST_LONG` is set.
#[allow(dead_code, reason = "not every binary has such a test")]
pub(crate) fn rounds(all: u64) -> u64 {
    if std::env::var_os("PATCHQ_TEST_LONG").is_some() { all } else { all.div_ceil(4) }
}
