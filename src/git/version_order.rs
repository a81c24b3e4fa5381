//! The order of versions by their numbers, for tags and for lines of a file alike.

use std::cmp::Ordering;

/// Compares the dotted numbers that two versions begin with; missing ones are 0. What follows the numbers does not count,
/// and no number is too long.
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

/// The dotted numbers that a version begins with, without leading zeros.
fn numbers(version: &[u8]) -> impl Iterator<Item = &[u8]> {
    let end = version.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.')).unwrap_or(version.len());
    version[..end].split(|byte| *byte == b'.').map(|part| {
        let zeros = part.iter().take_while(|digit| **digit == b'0').count();
        &part[zeros..]
    })
}
