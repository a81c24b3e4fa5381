//! Finds the patch of a queue that a user names.

use crate::path::printable;

/// Why a name does not select one patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhichPatchError {
    /// No patch of the queue has that name.
    #[error("there is no patch '{0}'")]
    None(String),
    /// Several patches have that number, or that text in their names.
    #[error("'{name}' may be {}", .candidates.join(" or "))]
    Several {
        /// The given name.
        name: String,
        /// The possible patches.
        candidates: Vec<String>,
    },
}

/// Returns the index of the patch that `wanted` selects among `names`: by its name (a folder before it is ignored), its
/// number, or a part of only one name. A number is that of the file, with or without leading zeros; if no file has it,
/// it is a part of a name like any other.
///
/// # Errors
/// [`WhichPatchError`] when no patch or several match.
pub fn which_patch<'n>(names: impl Iterator<Item = &'n str>, wanted: &str) -> Result<usize, WhichPatchError> {
    let wanted = wanted.rsplit('/').next().unwrap_or(wanted);
    let names: Vec<&str> = names.collect();
    if let Some(exact) = names.iter().position(|name| *name == wanted) {
        return Ok(exact);
    }
    let that = |holds: &dyn Fn(&str) -> bool| (0..names.len()).filter(|n| holds(names[*n])).collect::<Vec<usize>>();
    let mut found = match number(wanted, wanted.len()) {
        Some(wanted) => that(&|name| number(name, digits(name)) == Some(wanted)),
        None => Vec::new(),
    };
    if found.is_empty() && !wanted.is_empty() {
        found = that(&|name| name.contains(wanted));
    }
    match found.as_slice() {
        [only] => Ok(*only),
        [] => Err(WhichPatchError::None(printable(wanted.as_bytes()))),
        several => {
            let mut candidates: Vec<String> = several.iter().map(|n| names[*n].to_owned()).collect();
            candidates.sort();
            candidates.dedup();
            Err(WhichPatchError::Several { name: printable(wanted.as_bytes()), candidates })
        }
    }
}

/// Returns how many digits `name` begins with.
fn digits(name: &str) -> usize {
    name.bytes().take_while(u8::is_ascii_digit).count()
}

/// Returns the number in the first `length` characters of `text`, if they are digits; `None` if it is too large.
fn number(text: &str, length: usize) -> Option<u64> {
    if length == 0 || digits(text) < length { None } else { text.get(..length)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::{WhichPatchError, which_patch};

    const QUEUE: [&str; 5] =
        ["0001-one.patch", "0010-CVE-2023-1.patch", "0011-two-tables.patch", "11-old.patch", "two.patch"];

    fn found(wanted: &str) -> Result<&'static str, WhichPatchError> {
        which_patch(QUEUE.into_iter(), wanted).map(|n| QUEUE[n])
    }

    #[test]
    fn a_patch_is_its_file_its_number_or_a_part_of_one_name() {
        for (wanted, name) in [
            ("two.patch", "two.patch"),
            ("patches/up/two.patch", "two.patch"),
            ("1", "0001-one.patch"),
            ("0001", "0001-one.patch"),
            ("10", "0010-CVE-2023-1.patch"),
            ("2023", "0010-CVE-2023-1.patch"),
            ("tables", "0011-two-tables.patch"),
            ("11-old", "11-old.patch"),
            ("up/10", "0010-CVE-2023-1.patch"),
        ] {
            assert_eq!(found(wanted), Ok(name), "{wanted}");
        }
    }

    #[test]
    fn what_may_be_none_or_several_is_said() {
        for wanted in ["", "12", "nothing", "99999999999999999999999", "../"] {
            assert!(matches!(found(wanted), Err(WhichPatchError::None(_))), "{wanted}");
        }
        let several = |wanted: &str| match found(wanted) {
            Err(WhichPatchError::Several { candidates, .. }) => candidates.join(" "),
            other => panic!("{wanted}: {other:?}"),
        };
        assert_eq!(several("11"), "0011-two-tables.patch 11-old.patch");
        assert_eq!(several("two"), "0011-two-tables.patch two.patch");
    }
}
