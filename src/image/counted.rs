//! Hashes values in a form that is unique for each value: everything of variable length has its length in front.

use std::fmt;

use sha2::{Digest, Sha256};

/// A hash under construction.
pub(super) struct Counted(Sha256);

impl Counted {
    /// Begins with `version`, which says what is hashed and in which form.
    pub(super) fn new(version: &[u8]) -> Counted {
        Counted(Sha256::new_with_prefix(version))
    }

    /// Adds a line of text whose form includes its length.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        self.0.update(text.to_string().as_bytes());
        self.0.update(b"\n");
    }

    /// Adds `WORD LENGTH:BYTES`, and a line feed.
    pub(super) fn bytes(&mut self, word: &str, bytes: &[u8]) {
        self.0.update(format!("{word} {}:", bytes.len()).as_bytes());
        self.0.update(bytes);
        self.0.update(b"\n");
    }

    /// Returns the SHA-256.
    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
