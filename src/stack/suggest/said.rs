//! Formats the words of a conflict for a reason.

use super::words::Word;
use crate::path::printable;

/// The most words in a reason.
const NAMED: usize = 3;
/// The most characters of a word.
const LONG: usize = 40;

/// Returns a word, printable, short and in quotes.
fn quoted(word: Word<'_>) -> String {
    let text = printable(word.text);
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}

/// Returns a text like `'a' to 'b', 'c' to 'd' and 2 more`.
pub(super) fn pairs(pairs: &[(Word<'_>, Word<'_>)]) -> String {
    listed(pairs.iter().map(|(old, new)| format!("{} to {}", quoted(*old), quoted(*new))).collect())
}

/// Returns a text like `'a', 'b' and 2 more`.
pub(super) fn names(words: &[Word<'_>]) -> String {
    listed(words.iter().map(|word| quoted(*word)).collect())
}

/// Lists the first items, and how many more there are.
pub(super) fn listed(mut all: Vec<String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 { format!("{} and {more} more", all.join(", ")) } else { all.join(", ") }
}
