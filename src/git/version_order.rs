//! Orders versions by their numbers, for tags and for lines of a file.

use std::cmp::Ordering;

/// Compares the dotted numbers at the beginning of two versions; missing numbers are 0. Text after the numbers does not
/// count. Numbers may have any length.
#[must_use]
pub fn compare_numbers(one: &[u8], other: &[u8]) -> Ordering {
    let (mut one, mut other) = (numbers(one), numbers(other));
    loop {
        let (left, right) = (one.next(), other.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
        // Without leading zeros the longer number is the greater one.
        match left.len().cmp(&right.len()).then_with(|| left.cmp(right)) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
}

/// Returns the dotted numbers at the beginning of a version, without leading zeros.
fn numbers(version: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = version.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.')).unwrap_or(version.len());
    version[..end].split(|byte| *byte == b'.').map(|part| {
        let zeros = part.iter().take_while(|digit| **digit == b'0').count();
        &part[zeros..]
    })
}
