//! How many leading folders the names in a patch lose.

/// How many leading folders the names in a patch lose (`-pN`), and whether somebody said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strip {
    /// No `-pN`: one folder, git's `a/` and `b/`. A `diff --git` line without these prefixes is refused, because stripping a
    /// folder of it is only a guess.
    #[default]
    Default,
    /// `-pN` in a `series` file or on the command line: `N` folders are stripped, whatever their names.
    Explicit(u32),
}

impl Strip {
    /// The number of folders.
    #[must_use]
    pub const fn folders(self) -> usize {
        match self {
            Strip::Default => 1,
            Strip::Explicit(folders) => folders as usize,
        }
    }
}
