//! Checks which text a tag can contain.

use crate::path::printable;

/// The longest tag that registries accept.
const LONGEST: usize = 128;

/// Why a text is not valid as a tag or in one. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTagText {
    /// The text is empty.
    #[error("it must not be empty")]
    Empty,
    /// A character that registries refuse.
    #[error("'{text}' contains '{c}'; a tag may have letters, digits, '.', '_', '-' ('+' and '/' are replaced)")]
    Character {
        /// The text.
        text: String,
        /// The character.
        c: String,
    },
    /// A first character that registries refuse.
    #[error("'{0}' must not begin with '.' or '-'")]
    First(String),
    /// Longer than registries accept.
    #[error("'{text}' has {length} characters; a registry takes at most {LONGEST}")]
    Long {
        /// The text.
        text: String,
        /// Its length.
        length: usize,
    },
}

/// Checks whether `text` can be a tag: the characters of registries (the OCI distribution specification's
/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`), and `+` and `/`, which become `_` and `-`.
///
/// # Errors
/// [`BadTagText`].
pub fn check_text(text: &str) -> Result<(), BadTagText> {
    let shown = || printable(text.as_bytes());
    if text.is_empty() {
        return Err(BadTagText::Empty);
    }
    if let Some(c) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"._-+/".contains(*c)) {
        return Err(BadTagText::Character { text: shown(), c: printable(c.to_string().as_bytes()) });
    }
    if text.starts_with(['.', '-', '/']) {
        return Err(BadTagText::First(shown()));
    }
    if text.len() > LONGEST {
        return Err(BadTagText::Long { text: shown(), length: text.len() });
    }
    Ok(())
}
