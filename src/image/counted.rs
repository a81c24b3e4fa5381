//! Bytes that are hashed in a form of which no two values share one: everything of variable length carries its length.

use std::fmt;

use sha2::{Digest, Sha256};

/// A hash that is being made.
pub(super) struct Counted(Sha256);

impl Counted {
    /// Begins with `version`, which says what is hashed and in which form.
    pub(super) fn new(version: &[u8]) -> Counted {
        Counted(Sha256::new_with_prefix(version))
    }

    /// A line of text that has its length in its form.
    pub(super) fn line(&mut self, text: fmt::Arguments<'_>) {
        self.0.update(text.to_string().as_bytes());
        self.0.update(b"\n");
    }

    /// `WORD LENGTH:BYTES`, and a line feed.
    pub(super) fn bytes(&mut self, word: &str, bytes: &[u8]) {
        self.0.update(format!("{word} {}:", bytes.len()).as_bytes());
        self.0.update(bytes);
        self.0.update(b"\n");
    }

    /// The SHA-256.
    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
