//! Proposals for a file as a whole.

use bstr::BStr;

use super::Confidence;
use crate::stack::conflict::Conflict;

/// A proposal for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSuggestion {
    /// What it follows from.
    pub rule: FileRule,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why, in one sentence without a full stop; make it printable before printing.
    pub reason: String,
    /// What to do.
    pub action: Action,
}

/// What a proposal for a file follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRule {
    /// The patch deletes what upstream edited.
    PatchDeletes,
    /// Upstream deleted what the patch edits.
    UpstreamDeleted,
    /// Nine of ten lines that the patch adds stand in upstream's file.
    Upstreamed,
}

impl FileRule {
    /// Its word in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            FileRule::PatchDeletes => "patch-deletes",
            FileRule::UpstreamDeleted => "upstream-deleted",
            FileRule::Upstreamed => "upstreamed",
        }
    }
}

/// What to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Delete it, as the patch does.
    Delete,
    /// Drop the patch's change of it: the file is upstream's, or stays away.
    Drop,
}

impl Action {
    /// Its word in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Action::Delete => "delete",
            Action::Drop => "drop",
        }
    }
}

/// How many of the lines that a patch adds stand in upstream's file; blank ones do not count. Those of several files add up
/// to what can be said of the patch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// The lines that stand there.
    pub standing: usize,
    /// All lines.
    pub of: usize,
}

impl Standing {
    /// Counts the lines `added` (with or without line ends) in the text `upstream`.
    #[must_use]
    pub fn of<'a>(added: impl IntoIterator<Item = &'a BStr>, upstream: &BStr) -> Standing {
        let _ = (added.into_iter().count(), upstream);
        Standing::default()
    }

    /// Whether there are lines, and nine of ten stand there.
    #[must_use]
    pub fn is_upstreamed(self) -> bool {
        self.of > 0 && self.standing * 10 >= self.of * 9
    }
}

/// A proposal for the file of a conflict; `standing` counts what the patch adds to it, where there are lines.
#[must_use]
pub fn file(conflict: &Conflict, standing: Option<Standing>) -> Option<FileSuggestion> {
    let _ = (conflict, standing);
    None
}
