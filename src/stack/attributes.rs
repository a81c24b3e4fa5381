//! Reads the `merge` attribute of a path from the tree's own `.gitattributes` files (git's `gitattributes(5)`). No
//! configuration is read, so that a merge has the same result everywhere.

use std::os::unix::ffi::OsStrExt;

use bstr::ByteSlice;

use super::Missing;
use crate::git::{GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// How to merge a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Driver {
    /// Line by line.
    Text,
    /// Line by line; if both sides changed lines, both versions are kept.
    Union,
    /// Never.
    Binary,
    /// By a configured program, which patchq never runs: merged line by line instead.
    Other(String),
}

impl Driver {
    /// Returns the name of the program that does not run.
    pub(super) fn not_run(self) -> Option<String> {
        match self {
            Driver::Other(name) => Some(name),
            Driver::Text | Driver::Union | Driver::Binary => None,
        }
    }
}

/// Returns how to merge `path` in `tree`; `None` while a `.gitattributes` on the way is missing.
///
/// # Errors
/// [`GitError`] when a tree is missing or an object damaged.
pub(super) fn merge_driver(
    objects: &mut Objects<'_>,
    tree: Id,
    path: &RepoPath,
    missing: &mut Missing,
) -> Result<Option<Driver>, GitError> {
    let mut folders: Vec<Option<RepoPath>> = std::iter::successors(path.parent(), RepoPath::parent).map(Some).collect();
    folders.push(None);
    // The nearest file decides, and in it the last line. All missing files are requested together.
    let (mut said, mut complete) = (None, true);
    for folder in folders {
        let file = match &folder {
            Some(folder) => folder.join(b".gitattributes"),
            None => RepoPath::new(".gitattributes"),
        };
        let file = file.map_err(GitError::EvilPath)?;
        let entry = objects.entry(tree, &file)?.filter(|entry| matches!(entry.mode, Mode::File | Mode::Executable));
        let Some(entry) = entry else { continue };
        let Some(text) = objects.blob(entry.id)? else {
            if said.is_none() {
                missing.need(entry.id, [path]);
                complete = false;
            }
            continue;
        };
        let depth = folder.map_or(0, |folder| folder.as_bytes().len() + 1);
        said = said.or_else(|| last_word(&text, &path.as_bytes()[depth..]));
    }
    Ok(complete.then(|| said.flatten().unwrap_or(Driver::Text)))
}

/// Returns what the last line of a `.gitattributes` that matches `path` (relative to the file's folder) says about
/// `merge`; `Some(None)`: it is unspecified, whatever the files above say.
fn last_word(text: &[u8], path: &[u8]) -> Option<Option<Driver>> {
    text.lines().rev().find_map(|line| driver_in(line.trim(), path))
}

/// Returns what a line says: `None` nothing, `Some(None)` that `merge` is unspecified again.
fn driver_in(line: &[u8], path: &[u8]) -> Option<Option<Driver>> {
    // User-defined macros and quoted patterns are ignored: no repository was seen that uses either for merges.
    if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"[attr]") || line.starts_with(b"\"") {
        return None;
    }
    let mut words = line.fields();
    let pattern = words.next()?;
    let mut said = None;
    for word in words {
        said = match word {
            b"merge" => Some(Some(Driver::Text)),
            b"-merge" | b"binary" => Some(Some(Driver::Binary)),
            b"!merge" => Some(None),
            _ => match word.strip_prefix(b"merge=") {
                Some(b"text") => Some(Some(Driver::Text)),
                Some(b"union") => Some(Some(Driver::Union)),
                Some(b"binary") => Some(Some(Driver::Binary)),
                Some(name) => Some(Some(Driver::Other(crate::path::printable(name)))),
                None => said,
            },
        };
    }
    said.filter(|_| covers(pattern, path))
}

/// Checks whether a pattern matches a path: a pattern without a slash is compared with the name alone.
fn covers(pattern: &[u8], path: &[u8]) -> bool {
    let anchored = pattern.contains(&b'/');
    let pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
    let subject = if anchored { path } else { path.rsplit(|byte| *byte == b'/').next().unwrap_or(path) };
    let Ok(pattern) = pattern.to_str() else { return false };
    // git has no alternatives in braces.
    let pattern = pattern.replace('{', "[{]").replace('}', "[}]");
    let glob = globset::GlobBuilder::new(&pattern).literal_separator(true).backslash_escape(true).build();
    // A path of bytes, because not every name is text.
    let subject: &std::path::Path = std::path::Path::new(std::ffi::OsStr::from_bytes(subject));
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_covers_the_path_decides() {
        let text =
            b"*.lock -merge\n/docs/*.md merge=union\n# x\n*.bin binary\nspecial.lock !merge\n*.po merge=po text\n";
        let word = |path: &str| last_word(text, path.as_bytes());
        assert_eq!(word("a/b.lock"), Some(Some(Driver::Binary)));
        assert_eq!(word("special.lock"), Some(None));
        assert_eq!(word("docs/a.md"), Some(Some(Driver::Union)));
        assert_eq!(word("x/docs/a.md"), None);
        assert_eq!(word("docs/sub/a.md"), None);
        assert_eq!(word("x.bin"), Some(Some(Driver::Binary)));
        assert_eq!(word("de.po"), Some(Some(Driver::Other("po".to_owned()))));
        assert_eq!(word("main.rs"), None);
    }

    #[test]
    fn braces_are_no_alternatives() {
        assert!(!covers(b"*.{a,b}", b"x.a"));
        assert!(covers(b"*.{a,b}", b"x.{a,b}"));
    }
}
