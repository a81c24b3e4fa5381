//! The number of leading folders to remove from the names in a patch.

/// The number of leading folders to remove from the names in a patch (`-pN`), and whether it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strip {
    /// No `-pN`: one folder, git's `a/` and `b/`. A `diff --git` line without these prefixes is refused, because
    /// stripping a folder from it would be a guess.
    #[default]
    Default,
    /// `-pN` in a `series` file or on the command line: `N` folders are stripped, whatever their names.
    Explicit(u32),
}

impl Strip {
    /// Returns the number of folders.
    #[must_use]
    pub const fn folders(self) -> usize {
        match self {
            Strip::Default => 1,
            Strip::Explicit(folders) => folders as usize,
        }
    }
}
