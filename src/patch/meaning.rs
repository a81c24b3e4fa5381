//! Compares changes independently of how their patches are written.
//!
//! Two diffs mean the same when paths, modes where they change, and the removed and added lines with the numbers of
//! unchanged lines between them are equal. Context lines, line numbers, sections, abbreviated ids, similarities and
//! the order of files do not count.

use bstr::BStr;

use super::model::{BinaryData, Change, Content, FileDiff, Hunk, Patch, Side};
use crate::path::RepoPath;

/// Lines that change together, without unchanged lines between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<'a> {
    /// Unchanged lines since the group before; `None` for the first group, whose place does not count.
    pub unchanged_before: Option<u64>,
    /// The removed lines, with their line feeds.
    pub removed: Vec<&'a BStr>,
    /// The added lines, with their line feeds.
    pub added: Vec<&'a BStr>,
}

/// Returns the groups of a file's hunks. Unchanged lines between two hunks are counted from their line numbers, so the
/// width of the context makes no difference.
#[must_use]
pub fn groups(hunks: &[Hunk]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut end_of_last = None;
    for hunk in hunks {
        // A side without lines has the number of the line before its place.
        let empty = hunk.len(Side::Old) == 0;
        let mut line = u64::from(hunk.old_start) + u64::from(empty);
        let mut open = false;
        for one in &hunk.lines {
            if one.side == Side::Both {
                line += 1;
                open = false;
                continue;
            }
            if !open {
                let gap = end_of_last.map(|end| line.saturating_sub(end));
                let touches = gap == Some(0);
                if !touches {
                    groups.push(Group { unchanged_before: gap, removed: Vec::new(), added: Vec::new() });
                }
                open = true;
            }
            if let Some(group) = groups.last_mut() {
                match one.side {
                    Side::Old => group.removed.push(one.bytes.as_ref()),
                    _ => group.added.push(one.bytes.as_ref()),
                }
            }
            line += u64::from(one.side == Side::Old);
            end_of_last = Some(line);
        }
    }
    groups
}

/// Checks whether two patches mean the same.
#[must_use]
pub fn same_patch(a: &Patch, b: &Patch) -> bool {
    let (a, b) = (by_path(a), by_path(b));
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same_change(a, b))
}

/// Returns the files by path; several diffs of one path keep their order, because they apply one after the other.
fn by_path(patch: &Patch) -> Vec<&FileDiff> {
    let mut files: Vec<&FileDiff> = patch.files.iter().collect();
    files.sort_by(|a, b| (&a.new_path, &a.old_path).cmp(&(&b.new_path, &b.old_path)));
    files
}

/// Checks whether two diffs mean the same.
#[must_use]
pub fn same_change(a: &FileDiff, b: &FileDiff) -> bool {
    place(a) == place(b) && modes(a) == modes(b) && same_content(a, b)
}

/// Returns the kind of change without its percentage, and the paths.
fn place(diff: &FileDiff) -> (u8, &RepoPath, &RepoPath) {
    let kind = match diff.change {
        Change::Modify => 0,
        Change::Add => 1,
        Change::Delete => 2,
        Change::Rename(_) => 3,
        Change::Copy(_) => 4,
    };
    (kind, &diff.old_path, &diff.new_path)
}

/// Returns the modes if they differ; an added or deleted file without a stated mode is a plain file.
fn modes(diff: &FileDiff) -> Option<(u32, u32)> {
    const PLAIN: u32 = 0o100_644;
    match diff.change {
        Change::Add => Some((0, diff.new_mode.unwrap_or(PLAIN))),
        Change::Delete => Some((diff.old_mode.unwrap_or(PLAIN), 0)),
        _ => diff.old_mode.zip(diff.new_mode).filter(|(old, new)| old != new),
    }
}

fn same_content(a: &FileDiff, b: &FileDiff) -> bool {
    match (&a.content, &b.content) {
        (Content::Same, Content::Same) => true,
        (Content::Text(a), Content::Text(b)) => groups(a) == groups(b),
        (Content::Same, Content::Text(hunks)) | (Content::Text(hunks), Content::Same) => hunks.is_empty(),
        _ => match (full_ids(a), full_ids(b)) {
            (Some(a), Some(b)) if is_binary(a.2) && is_binary(b.2) => a.0 == b.0 && a.1 == b.1,
            _ => same_data(&a.content, &b.content),
        },
    }
}

type Ids<'a> = (&'a BStr, &'a BStr, &'a Content);

/// Returns the ids of the index line if both are complete.
fn full_ids(diff: &FileDiff) -> Option<Ids<'_>> {
    let (old, new) = diff.index.as_ref()?;
    (old.len() >= 40 && new.len() >= 40).then_some((old.as_ref(), new.as_ref(), &diff.content))
}

fn is_binary(content: &Content) -> bool {
    matches!(content, Content::Binary { .. } | Content::BinaryWithoutData)
}

/// Checks whether the bytes of two binary changes are the same; a literal and a delta cannot be compared without the
/// file.
fn same_data(a: &Content, b: &Content) -> bool {
    let (Content::Binary { forward: a, .. }, Content::Binary { forward: b, .. }) = (a, b) else { return false };
    match (a, b) {
        (BinaryData::Literal(a), BinaryData::Literal(b)) | (BinaryData::Delta(a), BinaryData::Delta(b)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::patch::parse;

    fn diff(text: &str) -> FileDiff {
        parse(text.as_bytes(), crate::patch::Strip::Default).unwrap().files.remove(0)
    }

    const WIDE: &str = "--- a/x\n+++ b/x\n@@ -5,7 +5,7 @@ fn a()\n 1\n-2\n+two\n 3\n 4\n-5\n+five\n 6\n 7\n";
    const NARROW: &str =
        "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -16 +16 @@\n-2\n+two\n@@ -19 +19 @@\n-5\n+five\n";

    #[test]
    fn context_places_and_headers_do_not_count() {
        assert!(same_change(&diff(WIDE), &diff(NARROW)));
    }

    #[test]
    fn lines_gaps_paths_and_modes_count() {
        for (from, to) in [("+five", "+Five"), ("@@ -19 +19", "@@ -20 +20"), ("b/x", "b/y")] {
            let other = NARROW.replace(from, to).replace(&from.replace("b/", "a/"), &to.replace("b/", "a/"));
            assert!(!same_change(&diff(NARROW), &diff(&other)), "{from}");
        }
        let mode = NARROW.replace("index 1..2 100644", "old mode 100644\nnew mode 100755\nindex 1..2");
        assert!(!same_change(&diff(NARROW), &diff(&mode)));
    }

    #[test]
    fn a_new_file_without_a_mode_is_plain() {
        let plain = diff("--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n");
        let git = "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n";
        assert!(same_change(&plain, &diff(git)));
        assert!(!same_change(&plain, &diff(&git.replace("644", "755"))));
    }

    #[test]
    fn the_order_of_files_does_not_count() {
        let one =
            parse(format!("{WIDE}{}", WIDE.replace("/x", "/y")).as_bytes(), crate::patch::Strip::Default).unwrap();
        let two =
            parse(format!("{}{WIDE}", WIDE.replace("/x", "/y")).as_bytes(), crate::patch::Strip::Default).unwrap();
        assert!(
            same_patch(&one, &two) && !same_patch(&one, &parse(WIDE.as_bytes(), crate::patch::Strip::Default).unwrap())
        );
    }
}
