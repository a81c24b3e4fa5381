//! The patch of a queue that people mean.

use crate::path::printable;

/// Why it is not sure which patch is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhichPatchError {
    /// No patch of the queue has that name.
    #[error("no patch is called '{0}'")]
    None(String),
    /// Several patches have names that begin so.
    #[error("'{name}' may be {}", .candidates.join(" or "))]
    Several {
        /// What was asked for.
        name: String,
        /// What it may be.
        candidates: Vec<String>,
    },
}

/// The number of the patch that `wanted` means among `names`: its name (a folder in front does not matter), or the start
/// of just one.
///
/// # Errors
/// [`WhichPatchError`].
pub fn which_patch<'n>(names: impl Iterator<Item = &'n str>, wanted: &str) -> Result<usize, WhichPatchError> {
    let wanted = wanted.rsplit('/').next().unwrap_or(wanted);
    let names: Vec<&str> = names.collect();
    if let Some(exact) = names.iter().position(|name| *name == wanted) {
        return Ok(exact);
    }
    let begins = |name: &str| !wanted.is_empty() && name.starts_with(wanted);
    let found: Vec<usize> = (0..names.len()).filter(|n| begins(names[*n])).collect();
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
