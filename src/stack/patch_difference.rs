//! Compares a patch with its version on another pin, as texts, in the way of `git range-diff`.
//!
//! Each patch is written in rows: its author, its message, and for each file the lines of its hunks. Of places only the
//! names stay (the file, and the function line of a hunk), because line numbers and blob ids differ on every pin. The
//! rows are compared with git's own diff. The form is that of `git range-diff`, with these deviations: each file is
//! compared with its counterpart, where git compares the whole texts; context wider than three lines is cut; a hunk's
//! row does not repeat the path, which would make all hunks of a renamed file differ; a binary file says which content
//! it gets.

use std::collections::HashSet;

use bstr::{BString, ByteSlice};

use super::diff::hunks;
use crate::git::GitError;
use crate::patch::{Change, Content, FileDiff, Hunk, Line, Patch, Side};
use crate::path::RepoPath;

/// How many unchanged lines are kept around the changed lines of a patch.
const CONTEXT: usize = 3;

/// How two patches differ. It is empty if they do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchDifference {
    /// What differs, in the order of the patches.
    pub sections: Vec<DifferenceSection>,
}

/// A file of the patches (or their author, or their message) that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceSection {
    /// Its name in the old patch: `Metadata`, `Commit message`, or the path with its change (`x (new)`, `x => y`).
    /// `None`: only the new patch has it.
    pub old: Option<BString>,
    /// The same in the new patch.
    pub new: Option<BString>,
    /// The places, each with up to three rows around it that are the same.
    pub places: Vec<DifferencePlace>,
}

/// Consecutive rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferencePlace {
    /// The row of the hunk that they are in, unless it is one of them.
    pub under: Option<BString>,
    /// The rows.
    pub rows: Vec<DifferenceRow>,
}

/// A row of the patches, with its two marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceRow {
    /// Which of the patches have it: both, only the old one, or only the new one.
    pub outer: Side,
    /// What it is in the patch.
    pub inner: Inner,
    /// Its text, without the mark and the line feed. Untrusted bytes.
    pub text: BString,
}

/// What a row is in a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inner {
    /// A line of the message, the author, or a note like that of a missing line feed.
    Words,
    /// The name of the place of a hunk.
    Hunk,
    /// A line that the patch leaves as it is.
    Context,
    /// A line that the patch removes.
    Removed,
    /// A line that the patch adds.
    Added,
}

impl Inner {
    /// Returns the mark in front of the row.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Inner::Words | Inner::Context => " ",
            Inner::Hunk => "@@ ",
            Inner::Removed => "-",
            Inner::Added => "+",
        }
    }
}

impl PatchDifference {
    /// Checks whether the patches are the same except for their places.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Returns how many rows only the new patch has, and how many only the old one. The name of a section counts as
    /// one.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let of = |side: Side| {
            let rows = self.sections.iter().flat_map(|section| &section.places).flat_map(|place| &place.rows);
            let names =
                self.sections.iter().filter(|section| section.old != section.new).filter(|section| match side {
                    Side::Old => section.old.is_some(),
                    _ => section.new.is_some(),
                });
            rows.filter(|row| row.outer == side).count() + names.count()
        };
        (of(Side::New), of(Side::Old))
    }
}

/// Compares `old` with its new version.
///
/// # Errors
/// [`GitError`] when libgit2 cannot compare the texts.
pub fn patch_difference(old: &Patch, new: &Patch) -> Result<PatchDifference, GitError> {
    let mut sections = Vec::new();
    for (old, new) in pairs(parts(old), parts(new)) {
        let places = places(old.as_ref(), new.as_ref())?;
        let section = DifferenceSection { old: old.map(|part| part.name), new: new.map(|part| part.name), places };
        if !section.places.is_empty() || section.old != section.new {
            sections.push(section);
        }
    }
    Ok(PatchDifference { sections })
}

/// A part of a patch in rows.
struct Part {
    name: BString,
    /// The file's paths; `None` for other parts.
    paths: Option<(RepoPath, RepoPath)>,
    rows: Vec<Row>,
}

type Row = (Inner, BString);

fn parts(patch: &Patch) -> Vec<Part> {
    let mut parts = Vec::new();
    let words = |name: &str, rows: Vec<Vec<u8>>| Part {
        name: name.into(),
        paths: None,
        rows: rows.into_iter().map(|text| (Inner::Words, text.into())).collect(),
    };
    if let Some(author) = &patch.header.author {
        let text = [b"Author: ", author.name.as_slice(), b" <", &author.email, b">"].concat();
        parts.push(words("Metadata", vec![text.replace("\n", " ")]));
    }
    if !patch.header.subject.is_empty() || !patch.header.body.is_empty() {
        let subject = patch.header.subject.replace("\n", " ");
        let body = patch.header.body.trim_end();
        let between: &[&[u8]] = if body.is_empty() { &[] } else { &[b""] };
        let lines = std::iter::once(subject.as_slice()).chain(between.iter().copied()).chain(body.lines());
        let indented = |line: &[u8]| match line.trim_end() {
            [] => Vec::new(),
            line => [b"   ", line].concat(),
        };
        parts.push(words("Commit message", lines.map(indented).collect()));
    }
    let mut files: Vec<&FileDiff> = patch.files.iter().collect();
    files.sort_by(|a, b| a.new_path.cmp(&b.new_path));
    parts.extend(files.into_iter().map(|file| Part {
        name: name_of(file),
        paths: Some((file.old_path.clone(), file.new_path.clone())),
        rows: content(file),
    }));
    parts
}

/// Pairs the parts of both patches: first those of one name or path, then files of one old path, then files with lines
/// in common, those of one base name first. A part without counterpart stays alone. The order is that of the new patch,
/// with removed parts last.
fn pairs(old: Vec<Part>, new: Vec<Part>) -> Vec<(Option<Part>, Option<Part>)> {
    let mut old: Vec<Option<Part>> = old.into_iter().map(Some).collect();
    let mut pairs: Vec<(Option<Part>, Option<Part>)> = new.into_iter().map(|part| (None, Some(part))).collect();
    let is_same: [fn(&Part, &Part) -> bool; 4] = [
        |a, b| if a.paths.is_none() { b.paths.is_none() && a.name == b.name } else { new_path(a) == new_path(b) },
        |a, b| a.paths.is_some() && a.paths.as_ref().map(|(old, _)| old) == b.paths.as_ref().map(|(old, _)| old),
        |a, b| match (new_path(a), new_path(b)) {
            (Some(one), Some(other)) => one.file_name() == other.file_name() && has_common(a, b),
            _ => false,
        },
        |a, b| a.paths.is_some() && b.paths.is_some() && has_common(a, b),
    ];
    for is_same in is_same {
        for (before, after) in pairs.iter_mut().filter(|(before, _)| before.is_none()) {
            let Some(after) = after else { continue };
            let found = old.iter_mut().find(|part| part.as_ref().is_some_and(|part| is_same(part, after)));
            *before = found.and_then(Option::take);
        }
    }
    pairs.extend(old.into_iter().flatten().map(|part| (Some(part), None)));
    pairs
}

fn new_path(part: &Part) -> Option<&RepoPath> {
    part.paths.as_ref().map(|(_, new)| new)
}

/// Checks whether both change a line in the same way.
fn has_common(a: &Part, b: &Part) -> bool {
    let changes = |part: &&Row| matches!(part.0, Inner::Added | Inner::Removed) && !part.1.trim().is_empty();
    let known: HashSet<&Row> = a.rows.iter().filter(changes).collect();
    b.rows.iter().filter(changes).any(|row| known.contains(row))
}

/// Returns the places where the rows of two parts differ.
fn places(old: Option<&Part>, new: Option<&Part>) -> Result<Vec<DifferencePlace>, GitError> {
    let rows = |part: Option<&Part>| part.map(|part| part.rows.clone()).unwrap_or_default();
    let (old, new) = (rows(old), rows(new));
    let mut places = Vec::new();
    for hunk in hunks(&text(&old), &text(&new))? {
        let start = |start: u32, side: Side| (start as usize + usize::from(hunk.len(side) == 0)).saturating_sub(1);
        let (mut old_at, mut new_at) = (start(hunk.old_start, Side::Old), start(hunk.new_start, Side::New));
        let mut place = DifferencePlace { under: hunk_above(&old, old_at), rows: Vec::new() };
        for line in &hunk.lines {
            let row = if line.side == Side::Old { old.get(old_at) } else { new.get(new_at) };
            old_at += usize::from(line.side != Side::New);
            new_at += usize::from(line.side != Side::Old);
            place.rows.extend(row.map(|(inner, text)| {
                let (inner, text) = (*inner, text.clone());
                DifferenceRow { outer: line.side, inner, text }
            }));
        }
        places.push(place);
    }
    Ok(places)
}

/// Returns the rows as git compares them: one per line.
fn text(rows: &[Row]) -> Vec<u8> {
    rows.iter().flat_map(|(inner, text)| [inner.mark().as_bytes(), text, b"\n"].concat()).collect()
}

/// Returns the row of the hunk that contains a row.
fn hunk_above(rows: &[Row], at: usize) -> Option<BString> {
    let (inner, _) = rows.get(at)?;
    let above = rows[..at].iter().rev().find(|(inner, _)| *inner == Inner::Hunk);
    above.filter(|_| *inner != Inner::Hunk).map(|(_, text)| text.clone())
}

/// Returns the path, and the change of the file as a whole.
fn name_of(file: &FileDiff) -> BString {
    let (old, new) = (file.old_path.as_bytes(), file.new_path.as_bytes());
    let mut name = match file.change {
        Change::Add => [new, b" (new)"].concat(),
        Change::Delete => [old, b" (deleted)"].concat(),
        Change::Rename(_) | Change::Copy(_) => [old, b" => ", new].concat(),
        Change::Modify => new.to_vec(),
    };
    if let (Some(old), Some(new), false) =
        (file.old_mode, file.new_mode, matches!(file.change, Change::Add | Change::Delete))
        && old != new
    {
        name.extend_from_slice(format!(" (mode change {old:06o} => {new:06o})").as_bytes());
    }
    // A path may contain a line feed.
    name.replace("\n", "\\n").into()
}

fn content(file: &FileDiff) -> Vec<Row> {
    let mut rows = Vec::new();
    match &file.content {
        Content::Same => {}
        Content::Text(hunks) => hunks.iter().for_each(|hunk| narrowed(hunk, &mut rows)),
        Content::Binary { .. } | Content::BinaryWithoutData => {
            let id = file.index.as_ref().map(|(_, new)| format!(", content {new}")).unwrap_or_default();
            rows.push((Inner::Words, format!("Binary file{id}").into()));
        }
    }
    rows
}

/// Writes a hunk with at most three lines of context: if there are more between two changes, it becomes two hunks.
fn narrowed(hunk: &Hunk, rows: &mut Vec<Row>) {
    let changed: Vec<usize> = (0..hunk.lines.len()).filter(|n| hunk.lines[*n].side != Side::Both).collect();
    let mut cut = true;
    for (n, line) in hunk.lines.iter().enumerate() {
        let next = changed.partition_point(|at| *at < n);
        let near = |at: Option<&usize>| at.is_some_and(|at| at.abs_diff(n) <= CONTEXT);
        if !near(changed.get(next)) && !near(next.checked_sub(1).and_then(|before| changed.get(before))) {
            cut = true;
            continue;
        }
        if std::mem::take(&mut cut) {
            rows.push((Inner::Hunk, hunk.section.clone()));
        }
        push_line(line, rows);
    }
}

fn push_line(line: &Line, rows: &mut Vec<Row>) {
    let inner = match line.side {
        Side::Both => Inner::Context,
        Side::Old => Inner::Removed,
        Side::New => Inner::Added,
    };
    let text = line.bytes.strip_suffix(b"\n");
    rows.push((inner, text.unwrap_or(&line.bytes).into()));
    if text.is_none() {
        rows.push((Inner::Words, "\\ No newline at end of file".into()));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::patch::parse;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let read = |text: &str| parse(text.as_bytes(), crate::patch::Strip::Default).unwrap();
        let found = patch_difference(&read(old), &read(new)).unwrap();
        let mark = |side: Side| match side {
            Side::Both => " ",
            Side::Old => "-",
            Side::New => "+",
        };
        let name = |name: &Option<BString>| name.as_ref().map_or("none".to_owned(), ToString::to_string);
        let mut out = Vec::new();
        for section in &found.sections {
            out.push(format!("{} | {}", name(&section.old), name(&section.new)));
            for place in &section.places {
                out.extend(place.under.as_ref().map(|under| format!("under {under}")));
                out.extend(place.rows.iter().map(|r| format!("{}{}{}", mark(r.outer), r.inner.mark(), r.text)));
            }
        }
        out
    }

    const NARROW: &str = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ f\n 1\n-2\n+two\n";

    #[test]
    fn wide_context_does_not_differ() {
        let lines: String = (5..20).map(|n| format!(" {n}\n")).collect();
        let wide = format!("--- a/x\n+++ b/x\n@@ -1,20 +1,20 @@ f\n 1\n-2\n+two\n 3\n 4\n{lines}-20\n+twenty\n");
        let cut = "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@ f\n 1\n-2\n+two\n 3\n 4\n 5\n@@ -17,4 +17,4 @@ f\n 17\n 18\n 19\n-20\n+twenty\n";
        assert_eq!(shown(&wide, cut), Vec::<String>::new());
    }

    #[test]
    fn another_line_end_at_the_end_of_the_file_differs() {
        let open = format!("{NARROW}\\ No newline at end of file\n");
        let wanted = ["x | x", "under f", "  1", " -2", " +two", "+ \\ No newline at end of file"];
        assert_eq!(shown(NARROW, &open), wanted);
    }

    #[test]
    fn files_that_only_one_has_are_sections() {
        let two = format!("{NARROW}{}", NARROW.replace("/x", "/y"));
        let wanted = ["none | y", "+@@ f", "+ 1", "+-2", "++two"];
        assert_eq!(shown(NARROW, &two), wanted);
        assert_eq!(shown(&two, NARROW)[0], "y | none");
        let gone = NARROW.replace("+++ b/x", "+++ /dev/null").replace("+two\n", "").replace(" 1\n", "-1\n");
        assert_eq!(shown(NARROW, &gone.replace("-1,2 +1,2", "-1,2 +0,0"))[0], "x | x (deleted)");
    }
}
