//! Makes proposals for a file as a whole.

use std::collections::HashMap;

use bstr::{BStr, ByteSlice};

use super::said::listed;
use super::{Confidence, generated};
use crate::path::printable;
use crate::stack::conflict::{Conflict, ConflictKind};
use crate::stack::outcome::PatchOutcome;

/// A proposal for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSuggestion {
    /// The rule that it follows from.
    pub rule: FileRule,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why, in one sentence without a full stop; printable.
    pub reason: String,
    /// What to do.
    pub action: Action,
}

/// The rules of proposals for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileRule {
    /// The patch deletes what upstream edited.
    PatchDeletes,
    /// Upstream deleted what the patch edits.
    UpstreamDeleted,
    /// Upstream's file has nine of ten lines that the patch adds.
    Upstreamed,
}

impl FileRule {
    /// All rules.
    pub const ALL: [FileRule; 3] = [FileRule::PatchDeletes, FileRule::UpstreamDeleted, FileRule::Upstreamed];

    /// Returns the name in data.
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
    /// Drop the patch's change of it: the file is upstream's, or stays deleted.
    Drop,
}

impl Action {
    /// Returns the name in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Action::Delete => "delete",
            Action::Drop => "drop",
        }
    }
}

/// How many of the lines that a patch adds are in upstream's file; blank ones do not count. The counts of several files
/// are added for a patch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AdoptedLines {
    /// The lines that are there.
    pub standing: usize,
    /// All lines.
    pub of: usize,
}

impl AdoptedLines {
    /// Counts the lines `added` (with or without line ends) in the text `upstream`, each of whose lines counts once.
    #[must_use]
    pub fn of<'a>(added: impl IntoIterator<Item = &'a BStr>, upstream: &BStr) -> AdoptedLines {
        let mut there: HashMap<&[u8], usize> = HashMap::new();
        for line in upstream.lines() {
            *there.entry(line).or_default() += 1;
        }
        let mut counted = AdoptedLines::default();
        for line in added.into_iter().flat_map(|line| line.lines()).filter(|line| !line.trim().is_empty()) {
            counted.of += 1;
            if let Some(left) = there.get_mut(line).filter(|left| **left > 0) {
                *left -= 1;
                counted.standing += 1;
            }
        }
        counted
    }

    /// Checks whether there are lines, and nine of ten are in upstream's file.
    #[must_use]
    pub fn is_upstreamed(self) -> bool {
        self.of > 0 && self.standing * 10 >= self.of * 9
    }
}

impl std::ops::Add for AdoptedLines {
    type Output = AdoptedLines;

    fn add(self, other: AdoptedLines) -> AdoptedLines {
        AdoptedLines { standing: self.standing + other.standing, of: self.of + other.of }
    }
}

/// Returns a proposal for the file of a conflict. `standing` counts the lines that the patch adds to all its files, if
/// they are known, so that one line of many does not decide about the patch; `None`: not counted.
#[must_use]
pub fn file(conflict: &Conflict, standing: Option<AdoptedLines>) -> Option<FileSuggestion> {
    let sides = &conflict.sides;
    match conflict.kind {
        ConflictKind::ModifyDelete if sides.upstream.is_some() && sides.patch.is_none() => Some(FileSuggestion {
            rule: FileRule::PatchDeletes,
            confidence: Confidence::Sure,
            reason: "the patch deletes the file, and upstream only edited it".to_owned(),
            action: Action::Delete,
        }),
        ConflictKind::ModifyDelete | ConflictKind::Moved if sides.upstream.is_none() && sides.patch.is_some() => {
            Some(upstream_deleted(conflict))
        }
        ConflictKind::Content | ConflictKind::AddAdd | ConflictKind::Emptied
            if generated(&conflict.path).is_none() && sides.upstream.is_some() && sides.patch.is_some() =>
        {
            upstreamed(standing?)
        }
        _ => None,
    }
}

/// Returns a proposal for a patch as a whole: to drop it, if upstream has nine of ten lines that it adds, and a merge
/// leaves nothing of it or the lines in conflict are not generated.
#[must_use]
pub fn patch(patch: &PatchOutcome) -> Option<FileSuggestion> {
    if patch.emptied {
        return upstreamed(patch.standing?);
    }
    let mut conflicts = patch.files.iter().filter_map(|file| file.conflict.as_ref());
    conflicts.find_map(|conflict| file(conflict, patch.standing).filter(|found| found.rule == FileRule::Upstreamed))
}

fn upstreamed(counted: AdoptedLines) -> Option<FileSuggestion> {
    let AdoptedLines { standing, of } = counted;
    let lines = match of {
        1 => "the line that the patch adds is there".to_owned(),
        _ => format!("{standing} of the {of} lines that the patch adds are there"),
    };
    counted.is_upstreamed().then(|| FileSuggestion {
        rule: FileRule::Upstreamed,
        confidence: Confidence::Likely,
        reason: format!("{lines} in upstream's file already"),
        action: Action::Drop,
    })
}

/// Proposes to drop the edit with the file: this was right 113 times of 134; 18 times the edit was made again in a file
/// of the same name.
fn upstream_deleted(conflict: &Conflict) -> FileSuggestion {
    let name = conflict.path.file_name();
    let (named, others): (Vec<_>, Vec<_>) =
        conflict.candidates.iter().partition(|candidate| candidate.path.file_name() == name);
    let confidence = if conflict.candidates.is_empty() { Confidence::Likely } else { Confidence::Perhaps };
    let elsewhere =
        listed(named.iter().chain(&others).map(|found| format!("'{}'", printable(found.path.as_bytes()))).collect());
    let reason = match (named.len(), others.len()) {
        (0, 0) => "upstream deleted the file, and the edit of it went with it".to_owned(),
        (0, _) => format!("upstream deleted the file; what the patch edits may be in {elsewhere} now"),
        _ => format!("upstream deleted the file; files of its name that the edit may belong to: {elsewhere}"),
    };
    FileSuggestion { rule: FileRule::UpstreamDeleted, confidence, reason, action: Action::Drop }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::path;
    use super::*;
    use crate::git::{Entry, Id, Mode};
    use crate::stack::conflict::{Candidate, Sides};

    fn conflict(name: &str, kind: ConflictKind, [upstream, patch]: [bool; 2]) -> Conflict {
        let entry = Entry { mode: Mode::File, id: Id::EMPTY_TREE };
        let side = |there: bool| there.then_some(entry);
        let sides = Sides { base: Some(entry), upstream: side(upstream), patch: side(patch) };
        Conflict { path: path(name), kind, sides, text: None, candidates: Vec::new() }
    }

    fn suggested(conflict: &Conflict, standing: Option<AdoptedLines>) -> Option<(FileRule, Confidence, Action)> {
        file(conflict, standing).map(|found| (found.rule, found.confidence, found.action))
    }

    #[test]
    fn who_deletes_is_followed() {
        let delete = conflict("a", ConflictKind::ModifyDelete, [true, false]);
        assert_eq!(suggested(&delete, None), Some((FileRule::PatchDeletes, Confidence::Sure, Action::Delete)));
        let gone = conflict("a", ConflictKind::ModifyDelete, [false, true]);
        assert_eq!(suggested(&gone, None), Some((FileRule::UpstreamDeleted, Confidence::Likely, Action::Drop)));
    }

    #[test]
    fn candidates_are_named_and_make_it_less_sure() {
        let mut moved = conflict("a/x.txt", ConflictKind::Moved, [false, true]);
        let candidate = |name: &str| Candidate { path: path(name), percent: Some(60) };
        moved.candidates = vec![candidate("b/y.txt"), candidate("c/x.txt")];
        let found = file(&moved, None).unwrap();
        assert_eq!((found.confidence, found.action), (Confidence::Perhaps, Action::Drop));
        let expected = "upstream deleted the file; files of its name that the edit may belong to: 'c/x.txt', 'b/y.txt'";
        assert_eq!(found.reason, expected);
        moved.candidates.pop();
        assert!(file(&moved, None).unwrap().reason.ends_with("may be in 'b/y.txt' now"));
    }

    #[test]
    fn lines_that_stand_in_upstream_are_counted_once_and_exactly() {
        let count = |added: &str, upstream: &str| AdoptedLines::of([BStr::new(added)], BStr::new(upstream));
        assert_eq!(
            count(
                "a

b
a
", "a
b
c
"
            ),
            AdoptedLines { standing: 2, of: 3 }
        );
        assert_eq!(
            count(
                " a
", "a
"
            ),
            AdoptedLines { standing: 0, of: 1 }
        );
        assert!(
            !count(
                "
", "
"
            )
            .is_upstreamed()
        );
        assert!(
            AdoptedLines { standing: 9, of: 10 }.is_upstreamed()
                && !AdoptedLines { standing: 8, of: 9 }.is_upstreamed()
        );
        assert_eq!(
            count(
                "a
", "a
"
            ) + count(
                "b
", "a
"
            ),
            AdoptedLines { standing: 1, of: 2 }
        );
    }

    #[test]
    fn what_upstream_has_is_dropped_where_there_are_lines() {
        let all = Some(AdoptedLines { standing: 10, of: 10 });
        let content = |name: &str, kind| conflict(name, kind, [true, true]);
        let dropped = Some((FileRule::Upstreamed, Confidence::Likely, Action::Drop));
        assert_eq!(suggested(&content("a", ConflictKind::Content), all), dropped);
        assert_eq!(suggested(&content("a", ConflictKind::Emptied), all), dropped);
        assert_eq!(suggested(&content("a", ConflictKind::Content), Some(AdoptedLines { standing: 8, of: 10 })), None);
        assert_eq!(suggested(&content("a", ConflictKind::Content), None), None);
        assert_eq!(suggested(&content("go.sum", ConflictKind::Content), all), None);
        assert_eq!(suggested(&content("a", ConflictKind::Binary), all), None);
    }
}
