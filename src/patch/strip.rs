//! How many leading folders the names in a patch lose.

/// How many leading folders the names in a patch lose (`-pN`), and whether somebody said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strip {
    /// Nobody said anything: one, which is git's `a/` and `b/`. A `diff --git` line without these two is refused, because
    /// what one folder less would name is a guess then.
    #[default]
    Assumed,
    /// `-pN` was said, by a `series` file or on the command line: `N` folders go, whatever they are called.
    Said(u32),
}

impl Strip {
    /// The number of folders.
    #[must_use]
    pub const fn folders(self) -> usize {
        match self {
            Strip::Assumed => 1,
            Strip::Said(folders) => folders as usize,
        }
    }
}
