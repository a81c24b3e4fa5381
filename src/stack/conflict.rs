//! The data of a conflict: the path, the reason, and the three sides down to the lines.

use super::text::TextMerge;
use crate::git::{Entry, Mode};
use crate::path::RepoPath;

/// A path that a change cannot be applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The path on the new pin: the new path if the file was followed.
    pub path: RepoPath,
    /// The reason.
    pub kind: ConflictKind,
    /// The entries on the three sides.
    pub sides: Sides,
    /// For texts: the merged parts and the conflicting hunks. `None` if no lines can be compared.
    pub text: Option<TextMerge>,
    /// Paths to which upstream may have moved the file; for a collision, the existing path.
    pub candidates: Vec<Candidate>,
}

/// The entries of a path on three sides; `None`: it does not exist there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    /// Before the patch, on the old pin.
    pub base: Option<Entry>,
    /// On the new pin, with the patches before this one.
    pub upstream: Option<Entry>,
    /// After the patch, on the old pin.
    pub patch: Option<Entry>,
}

impl Sides {
    /// Returns the merged mode of a file whose contents are in conflict.
    #[must_use]
    pub fn merged_mode(self) -> Mode {
        let mode = |side: Option<Entry>| side.map(|entry| entry.mode);
        let merged = if mode(self.base) == mode(self.upstream) { mode(self.patch) } else { mode(self.upstream) };
        merged.or(mode(self.upstream)).or(mode(self.patch)).unwrap_or(Mode::File)
    }

    /// Checks whether there are three different contents.
    pub(super) fn all_differ(&self) -> bool {
        let [base, upstream, patch] = [self.base, self.upstream, self.patch].map(|side| side.map(|entry| entry.id));
        base != upstream && base != patch && upstream != patch
    }
}

/// A path that upstream may have moved a file to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The path.
    pub path: RepoPath,
    /// The similarity of the files in percent; `None`: they were not compared.
    pub percent: Option<u8>,
}

/// Why a path is in conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConflictKind {
    /// Both sides changed the same lines.
    #[error("both sides changed the same lines")]
    Content,
    /// Both sides added the file, with different content.
    #[error("both sides added the file")]
    AddAdd,
    /// One side changed the file, the other deleted it.
    #[error("one side changed the file, the other deleted it")]
    ModifyDelete,
    /// One side renamed the file, the other deleted it.
    #[error("one side renamed the file, the other deleted it")]
    RenameDelete,
    /// Upstream deleted the file that the patch changes, and may have moved it.
    #[error("upstream deleted the file, and may have moved it")]
    Moved,
    /// Both sides changed the mode.
    #[error("both sides changed the mode")]
    Mode,
    /// One is a file, the other a symlink or submodule.
    #[error("the sides differ in what the path is (file, symlink, submodule)")]
    Type,
    /// Both sides changed a binary file.
    #[error("both sides changed a binary file")]
    Binary,
    /// A file on one side, a folder on the other.
    #[error("the path is a file on one side and a folder on the other")]
    Place,
    /// Upstream has a path whose name differs only by case or Unicode form.
    #[error("the path collides with another where file names ignore case or Unicode form")]
    Collision,
    /// All of it merged, and nothing is left of the patch although upstream does not have it as it is.
    #[error("nothing is left of the patch, but upstream's lines are not the same bytes")]
    Emptied,
}

impl ConflictKind {
    /// Returns the name of the kind in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ConflictKind::Content => "content",
            ConflictKind::AddAdd => "add/add",
            ConflictKind::ModifyDelete => "modify/delete",
            ConflictKind::RenameDelete => "rename/delete",
            ConflictKind::Moved => "moved?",
            ConflictKind::Mode => "mode",
            ConflictKind::Type => "type",
            ConflictKind::Binary => "binary",
            ConflictKind::Place => "file/folder",
            ConflictKind::Collision => "collision",
            ConflictKind::Emptied => "emptied",
        }
    }
}

impl Conflict {
    /// Makes a conflict without lines or candidates.
    pub(super) fn new(path: RepoPath, kind: ConflictKind, sides: Sides) -> Conflict {
        Conflict { path, kind, sides, text: None, candidates: Vec::new() }
    }

    /// Returns the conflicting hunks.
    pub fn hunks(&self) -> impl Iterator<Item = &super::text::Hunk> {
        self.text.iter().flat_map(TextMerge::hunks)
    }
}
