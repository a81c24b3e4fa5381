//! Which paths of a tree a checkout holds, also as patterns for git.

use std::collections::BTreeMap;

use bstr::{BString, ByteSlice};

use super::listing::Modes;
use crate::git::{GitError, Id, Mode, Store};
use crate::path::RepoPath;

/// The folders and files of a checkout. [`SparseSet::contains`] and git's reading of [`SparseSet::patterns`]
/// (`core.sparseCheckoutCone=false`) agree about every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseSet {
    /// `None`: everything. Otherwise each entry, and whether it matches only a folder.
    entries: Option<BTreeMap<RepoPath, bool>>,
    extra: Vec<RepoPath>,
}

impl SparseSet {
    /// Returns the set that holds every path.
    #[must_use]
    pub fn everything() -> SparseSet {
        SparseSet { entries: None, extra: Vec::new() }
    }

    /// Makes the set from the `sparse` entries of a manifest (`None`: everything) and the paths that the queue touches.
    /// `tree` decides whether an entry is a folder or a file; an entry that is not in it matches both.
    ///
    /// # Errors
    /// [`GitError`] when a tree cannot be read.
    pub fn new(
        store: &Store,
        tree: Id,
        manifest: Option<&[RepoPath]>,
        touched: &[RepoPath],
    ) -> Result<SparseSet, GitError> {
        let Some(manifest) = manifest else { return Ok(SparseSet::everything()) };
        let mut set = SparseSet { entries: Some(BTreeMap::new()), extra: Vec::new() };
        // In byte order a folder comes before its content, which then needs no entry of its own.
        let mut modes = Modes::new(store.repo());
        let mut ordered: Vec<&RepoPath> = manifest.iter().collect();
        ordered.sort();
        for path in ordered {
            set.add(&mut modes, tree, path)?;
        }
        let mut ordered: Vec<&RepoPath> = touched.iter().collect();
        ordered.sort();
        for path in ordered {
            if set.add(&mut modes, tree, path)? {
                set.extra.push(path.clone());
            }
        }
        Ok(set)
    }

    /// Adds `path` unless it is already inside; returns whether it was added.
    fn add(&mut self, modes: &mut Modes<'_>, tree: Id, path: &RepoPath) -> Result<bool, GitError> {
        if self.holds(path, false) {
            return Ok(false);
        }
        let folder = modes.at(tree, path)? == Some(Mode::Folder);
        if self.entries.as_ref().is_some_and(|entries| entries.get(path) == Some(&folder)) {
            return Ok(false);
        }
        if let Some(entries) = &mut self.entries {
            entries.insert(path.clone(), folder);
        }
        Ok(true)
    }

    /// Checks whether the set is every path.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.entries.is_none()
    }

    /// Returns the touched paths that no manifest entry covers.
    #[must_use]
    pub fn extra(&self) -> &[RepoPath] {
        &self.extra
    }

    /// Checks whether the file or symlink at `path` is inside.
    #[must_use]
    pub fn contains(&self, path: &RepoPath) -> bool {
        self.holds(path, false)
    }

    /// Checks whether an entry of kind `mode` at `path` is inside. For git a submodule is a folder here.
    #[must_use]
    pub fn contains_entry(&self, path: &RepoPath, mode: Mode) -> bool {
        self.holds(path, matches!(mode, Mode::Gitlink | Mode::Folder))
    }

    fn holds(&self, path: &RepoPath, is_folder: bool) -> bool {
        let Some(entries) = &self.entries else { return true };
        if entries.get(path).is_some_and(|folder_only| is_folder || !folder_only) {
            return true;
        }
        let mut above = path.parent();
        while let Some(folder) = above {
            if entries.contains_key(&folder) {
                return true;
            }
            above = folder.parent();
        }
        false
    }

    /// Returns the lines of `info/sparse-checkout`; `None` when sparse checkout is off.
    #[must_use]
    pub fn patterns(&self) -> Option<BString> {
        let mut text = BString::default();
        for (path, folder) in self.entries.as_ref()? {
            text.push(b'/');
            escape(path.as_bytes(), *folder, &mut text);
            text.extend_from_slice(if *folder { b"/\n" } else { b"\n" });
        }
        Some(text)
    }
}

/// Writes `path` so that git's pattern matcher takes every byte literally. A line feed, or a carriage return at the end
/// of a line, cannot be written in a pattern file: `?` replaces it.
fn escape(path: &[u8], folder: bool, out: &mut BString) {
    for (at, byte) in path.iter().enumerate() {
        let last = !folder && at + 1 == path.len();
        match byte {
            b'\n' => out.push(b'?'),
            b'\r' if last => out.push(b'?'),
            b'\\' | b'*' | b'?' | b'[' => out.extend_from_slice(&[b'\\', *byte]),
            b' ' if !folder && path[at..].trim_end_with(|c| c == ' ').is_empty() => out.extend_from_slice(b"\\ "),
            byte => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(entries: &[(&str, bool)]) -> SparseSet {
        let entries =
            entries.iter().filter_map(|(path, folder)| RepoPath::new(path).ok().map(|path| (path, *folder))).collect();
        SparseSet { entries: Some(entries), extra: Vec::new() }
    }

    fn has(set: &SparseSet, path: &str) -> bool {
        RepoPath::new(path).is_ok_and(|path| set.contains(&path))
    }

    #[test]
    fn folders_hold_what_is_below_them_and_files_themselves() {
        let set = set(&[("a/jupyter", true), ("a/Makefile", false)]);
        assert!(has(&set, "a/jupyter/x/y") && has(&set, "a/Makefile"));
        assert!(!has(&set, "a/jupyter") && !has(&set, "a/jupyter-x/y") && !has(&set, "Makefile") && !has(&set, "a/b"));
        assert!(RepoPath::new("a/jupyter").is_ok_and(|path| set.contains_entry(&path, Mode::Gitlink)));
    }

    #[test]
    fn patterns_escape_what_git_would_read() {
        let set = set(&[("a b/*[x]?", true), ("#c\\d  ", false), ("!e", false)]);
        let text = set.patterns().map(|text| text.to_string());
        assert_eq!(text.as_deref(), Some("/!e\n/#c\\\\d\\ \\ \n/a b/\\*\\[x]\\?/\n"));
        assert_eq!(SparseSet::everything().patterns(), None);
        assert_eq!(
            SparseSet { entries: Some(BTreeMap::new()), extra: Vec::new() }.patterns(),
            Some(BString::default())
        );
    }
}
