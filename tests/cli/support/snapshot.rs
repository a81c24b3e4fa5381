//! Records a folder: every path with its kind, permissions and bytes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The content of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, (String, Vec<u8>)>);

impl Snapshot {
    /// Records everything below `dir` except paths (relative to `dir`) for which `leaves_out` is true; a folder that is
    /// left out is not entered.
    pub(crate) fn of(dir: &Path, leaves_out: impl Fn(&Path) -> bool) -> Snapshot {
        let mut found = BTreeMap::new();
        let relative = |path: &Path| path.strip_prefix(dir).unwrap().to_owned();
        let walk = walkdir::WalkDir::new(dir).min_depth(1).into_iter();
        for entry in walk.filter_entry(|entry| !leaves_out(&relative(entry.path()))) {
            let entry = entry.unwrap();
            let kind = entry.file_type();
            let what = if kind.is_dir() {
                ("folder".to_owned(), Vec::new())
            } else if kind.is_symlink() {
                ("link".to_owned(), fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes())
            } else {
                let mode = entry.metadata().unwrap().permissions().mode();
                (format!("{mode:o}"), fs::read(entry.path()).unwrap())
            };
            found.insert(relative(entry.path()), what);
        }
        Snapshot(found)
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.0.keys().map(|path| path.display().to_string()).collect()
    }

    /// Returns the differences in words, one per line.
    pub(crate) fn differences(&self, other: &Snapshot) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, was) in &self.0 {
            let path_text = path.display();
            match other.0.get(path) {
                None => lines.push(format!("gone: {path_text}")),
                Some(is) if is != was => lines.push(format!(
                    "changed: {path_text}: {} {:?} -> {} {:?}",
                    was.0,
                    short(&was.1),
                    is.0,
                    short(&is.1)
                )),
                Some(_) => {}
            }
        }
        let new = other.0.keys().filter(|path| !self.0.contains_key(*path));
        lines.extend(new.map(|path| format!("new: {}", path.display())));
        lines
    }
}

fn short(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned()
}

/// Checks that the two are equal; a failure lists the differences.
#[track_caller]
pub(crate) fn assert_same(before: &Snapshot, after: &Snapshot, when: &str) {
    let differences = before.differences(after);
    assert!(differences.is_empty(), "{when}:\n{}", differences.join("\n"));
}
