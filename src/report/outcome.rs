//! The outcomes of a refresh as data.

use bstr::ByteSlice;
use serde::Serialize;

use super::Bytes;
use crate::git::{Entry, Id};
use crate::path::printable;
use crate::stack::suggest::{Action, Confidence};
use crate::stack::{
    Candidate, Conflict, ConflictKind, Decided, DecidedBy, Decision, Evidence, FileOutcome, Hunk, Join, Lines, Outcome,
    PatchOutcome, Resolution, Sides, suggest,
};
use crate::workspace::files::digest::Sum;

/// Lines of context around a hunk.
const CONTEXT: usize = 3;

/// A patch.
#[derive(Debug, Clone, Serialize)]
pub struct PatchReport {
    /// The patch file's name.
    pub file: String,
    /// Its subject; empty if it has none.
    pub subject: Bytes,
    /// `unchanged`, `merged`, `moved`, `upstreamed`, `conflict`, `blocked`.
    pub outcome: Outcome,
    /// Whether the patch is no longer needed and leaves the queue.
    pub dropped: bool,
    /// Why it leaves the queue, if a person removed it.
    pub dropped_because: Option<String>,
    /// Whether it merged and nothing is left of it, although upstream does not have its exact result.
    pub emptied: bool,
    /// A proposal for the patch as a whole.
    pub suggestion: Option<SuggestionReport>,
    /// Its commit on the old pin.
    pub old_commit: Id,
    /// Its commit on the new pin, after the queue was moved: before, no repository has it.
    pub new_commit: Option<Id>,
    /// Its files by path.
    pub files: Vec<FileReport>,
}

/// A file of a patch.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// The path after the patch.
    pub path: Bytes,
    /// The path before the patch, if the patch renames a file that upstream changed.
    pub from: Option<Bytes>,
    /// Where upstream moved the file.
    pub moved_to: Option<Bytes>,
    /// The similarity of the moved file, in percent.
    pub similarity: Option<u8>,
    /// As for a patch.
    pub outcome: Outcome,
    /// The earlier patch that must be decided first.
    pub waits_for: Option<String>,
    /// Which parts of the change upstream already has.
    pub upstream_has: Option<EvidenceReport>,
    /// What a person must decide.
    pub conflict: Option<ConflictReport>,
    /// The merge driver in upstream's attributes, which never runs.
    pub not_run: Option<String>,
    /// The decisions that were made without asking.
    pub decided: Vec<DecidedReport>,
    /// Why something was not decided by an accepted rule, one sentence each.
    pub refused: Vec<String>,
}

/// A decision that was made without asking.
#[derive(Debug, Clone, Serialize)]
pub struct DecidedReport {
    /// The rule: `patch`, `upstream`, `remembered`, or that of a proposal; `hand`: a person; `session`: the statement
    /// in a session file about it is not true.
    pub by: DecidedBy,
    /// Why, in a sentence.
    pub reason: String,
    /// The lines of the decision; `None`: the file as a whole.
    pub hunk: Option<HunkReport>,
    /// The lines that are there now.
    pub text: Option<Vec<Bytes>>,
    /// For a file as a whole: the version of the `patch` or of `upstream`, `follow` (the path that upstream moved it
    /// to), or `made` by hand.
    pub whole: Option<WholeReport>,
    /// The version of the whole file that was made by hand; `None`: there is none, or the file is removed.
    pub made: Option<MadeReport>,
}

/// The choice for a file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WholeReport {
    /// The patch's version.
    Patch,
    /// Upstream's version.
    Upstream,
    /// The patch's change, applied to the path that upstream moved the file to.
    Follow,
    /// A version that a person made.
    Made,
}

impl WholeReport {
    fn of(resolution: &Resolution) -> WholeReport {
        match resolution {
            Resolution::Patch => WholeReport::Patch,
            Resolution::Upstream => WholeReport::Upstream,
            Resolution::Renamed(_) => WholeReport::Follow,
            Resolution::Edited(_) => WholeReport::Made,
        }
    }
}

/// A file that a person made.
#[derive(Debug, Clone, Serialize)]
pub struct MadeReport {
    /// Git's mode, octal: `100644`.
    pub mode: String,
    /// Its lines, with their ends; for a symlink its target.
    pub lines: Vec<Bytes>,
}

/// A proposal.
#[derive(Debug, Clone, Serialize)]
pub struct SuggestionReport {
    /// The rule that it follows from.
    pub rule: DecidedBy,
    /// `perhaps`, `likely`, `sure`.
    pub confidence: Confidence,
    /// Why, in a sentence.
    pub reason: String,
    /// The lines to take; `None` for a file as a whole.
    pub text: Option<Vec<Bytes>>,
    /// For a file as a whole: `delete` it, as the patch does, or `drop` the patch's change of it; for a patch: `drop` it.
    pub action: Option<Action>,
}

/// The parts of a change that upstream has.
#[derive(Debug, Clone, Serialize)]
pub struct EvidenceReport {
    /// Whether the file is identical.
    pub identical: bool,
    /// For each hunk of the patch, whether upstream's file has it.
    pub hunks: Vec<bool>,
}

/// A conflict.
#[derive(Debug, Clone, Serialize)]
pub struct ConflictReport {
    /// The path on the new pin.
    pub path: Bytes,
    /// `content`, `add/add`, `modify/delete`, `rename/delete`, `moved?`, `mode`, `type`, `binary`, `file/folder` …
    pub kind: ConflictKind,
    /// The same in a sentence.
    pub message: String,
    /// The path before the patch, on the old pin.
    pub base: Option<EntryReport>,
    /// The path on the new pin.
    pub upstream: Option<EntryReport>,
    /// The path after the patch, on the old pin.
    pub patch: Option<EntryReport>,
    /// The lines in conflict.
    pub hunks: Vec<HunkReport>,
    /// Where upstream may have moved the file.
    pub candidates: Vec<CandidateReport>,
    /// A proposal for the file as a whole.
    pub suggestion: Option<SuggestionReport>,
    /// What the file is, if it is generated: then the only right text is one that is generated again.
    pub generated: Option<&'static str>,
}

/// The entry of a path on one side.
#[derive(Debug, Clone, Serialize)]
pub struct EntryReport {
    /// Git's mode, octal: `100644`.
    pub mode: String,
    /// The blob (or the submodule's commit).
    pub id: Id,
}

/// Lines in conflict, and up to three merged lines around them.
#[derive(Debug, Clone, Serialize)]
pub struct HunkReport {
    /// Lines before.
    pub before: Vec<Bytes>,
    /// The base's lines.
    pub base: LinesReport,
    /// Upstream's lines.
    pub upstream: LinesReport,
    /// The patch's lines.
    pub patch: LinesReport,
    /// Lines after.
    pub after: Vec<Bytes>,
    /// A proposal.
    pub suggestion: Option<SuggestionReport>,
}

/// Lines of one side.
#[derive(Debug, Clone, Serialize)]
pub struct LinesReport {
    /// The number of the first, from 1.
    pub start: usize,
    /// The lines, with their ends.
    pub lines: Vec<Bytes>,
}

/// A path that upstream may have moved a file to.
#[derive(Debug, Clone, Serialize)]
pub struct CandidateReport {
    /// The path.
    pub path: Bytes,
    /// The similarity of the files, in percent; `None` if they were not compared.
    pub similarity: Option<u8>,
}

impl PatchReport {
    /// Checks whether upstream has the identical result of the patch.
    #[must_use]
    pub fn is_identical(&self) -> bool {
        self.files.iter().all(|file| file.upstream_has.as_ref().is_some_and(|has| has.identical))
    }

    /// Makes the report of `patch` before it is moved; its file has `subject`.
    #[must_use]
    pub fn new(patch: &PatchOutcome, subject: &[u8]) -> PatchReport {
        PatchReport {
            file: patch.name.clone(),
            subject: Bytes::from(subject),
            outcome: patch.outcome,
            dropped: patch.is_dropped(),
            dropped_because: patch.dropped.as_ref().map(|why| printable(why.as_bytes())),
            emptied: patch.emptied,
            suggestion: suggest::patch(patch).map(SuggestionReport::whole),
            old_commit: patch.old,
            new_commit: None,
            files: patch.files.iter().map(FileReport::new).collect(),
        }
    }

    /// Makes the same after the queue was moved.
    #[must_use]
    pub fn moved(patch: &PatchOutcome, subject: &[u8]) -> PatchReport {
        PatchReport { new_commit: patch.new, ..PatchReport::new(patch, subject) }
    }
}

impl FileReport {
    fn new(file: &FileOutcome) -> FileReport {
        FileReport {
            path: Bytes::from(file.path.as_bytes()),
            from: file.from.as_ref().map(|from| Bytes::from(from.as_bytes())),
            moved_to: file.moved.as_ref().map(|(to, _)| Bytes::from(to.as_bytes())),
            similarity: file.moved.as_ref().map(|(_, percent)| *percent),
            outcome: file.outcome,
            waits_for: file.waits_for.clone(),
            upstream_has: file.evidence.as_ref().map(EvidenceReport::new),
            conflict: file.conflict.as_ref().map(ConflictReport::new),
            not_run: file.not_run.clone(),
            decided: file.decided.iter().map(DecidedReport::new).collect(),
            refused: file.refused.iter().map(|why| printable(why.as_bytes())).collect(),
        }
    }
}

impl SuggestionReport {
    /// Makes a proposal for a file or a patch as a whole.
    fn whole(found: suggest::FileSuggestion) -> SuggestionReport {
        SuggestionReport {
            rule: DecidedBy::FileRule(found.rule),
            confidence: found.confidence,
            reason: printable(found.reason.as_bytes()),
            text: None,
            action: Some(found.action),
        }
    }
}

impl EvidenceReport {
    fn new(evidence: &Evidence) -> EvidenceReport {
        EvidenceReport { identical: evidence.identical, hunks: evidence.hunks.clone() }
    }
}

impl ConflictReport {
    fn new(conflict: &Conflict) -> ConflictReport {
        let entry = |entry: Option<Entry>| {
            entry.map(|entry| EntryReport { mode: format!("{:06o}", entry.mode.bits()), id: entry.id })
        };
        let hunks = conflict.hunks().enumerate().map(|(n, hunk)| HunkReport::new(conflict, n, hunk));
        ConflictReport {
            path: Bytes::from(conflict.path.as_bytes()),
            kind: conflict.kind,
            message: sentence(conflict),
            base: entry(conflict.sides.base),
            upstream: entry(conflict.sides.upstream),
            patch: entry(conflict.sides.patch),
            hunks: hunks.collect(),
            candidates: conflict.candidates.iter().map(CandidateReport::new).collect(),
            suggestion: suggest::file(conflict, None).map(SuggestionReport::whole),
            generated: suggest::generated(&conflict.path),
        }
    }
}

impl HunkReport {
    fn new(conflict: &Conflict, n: usize, hunk: &Hunk) -> HunkReport {
        let (before, after) = conflict.text.as_ref().map(|text| text.context(n, CONTEXT)).unwrap_or_default();
        let suggestion = suggest::hunk(&conflict.path, hunk).map(|found| SuggestionReport {
            rule: DecidedBy::Rule(found.rule),
            confidence: found.confidence,
            reason: printable(found.reason.as_bytes()),
            text: Some(lines(&found.text)),
            action: None,
        });
        HunkReport {
            before: before.into_iter().map(Bytes::from).collect(),
            after: after.into_iter().map(Bytes::from).collect(),
            suggestion,
            ..HunkReport::alone(hunk)
        }
    }

    /// Makes the report of a hunk without its context.
    fn alone(hunk: &Hunk) -> HunkReport {
        let side = |side: &Lines| LinesReport { start: side.start, lines: lines(&side.text) };
        let (base, upstream, patch) = (side(&hunk.base), side(&hunk.upstream), side(&hunk.patch));
        HunkReport { before: Vec::new(), base, upstream, patch, after: Vec::new(), suggestion: None }
    }
}

impl DecidedReport {
    fn new(decided: &Decision) -> DecidedReport {
        let made = match &decided.what {
            Decided::Whole { take: Resolution::Edited(made), .. } | Decided::Joined(Join { made, .. }) => made.as_ref(),
            _ => None,
        };
        let made = made.map(|(mode, text)| MadeReport { mode: format!("{:06o}", mode.bits()), lines: lines(text) });
        let (hunk, text, whole) = match &decided.what {
            Decided::Lines { hunk, text, .. } => (Some(HunkReport::alone(hunk)), Some(lines(text)), None),
            Decided::Whole { take, .. } => (None, None, Some(WholeReport::of(take))),
            Decided::Joined(_) => (None, None, Some(WholeReport::Made)),
        };
        DecidedReport { by: decided.by, reason: decided.reason.to_string(), hunk, text, whole, made }
    }

    /// Returns by what it was decided, for a sentence.
    #[must_use]
    pub fn by_sentence(&self) -> &'static str {
        match self.by {
            DecidedBy::Hand => "by hand",
            DecidedBy::Session => "as the session says",
            by => by.word(),
        }
    }

    /// Returns all lines of the chosen text if neither side has it; a report of the decision must show them. `None`: a
    /// side was chosen, whose text is known.
    #[must_use]
    pub fn own_lines(&self) -> Option<Vec<Bytes>> {
        if let (Some(hunk), Some(text)) = (&self.hunk, &self.text) {
            return (hunk.upstream.lines != *text && hunk.patch.lines != *text).then(|| text.clone());
        }
        if self.whole != Some(WholeReport::Made) {
            return None;
        }
        let lines = self.made.as_ref().map(|made| made.lines.clone()).unwrap_or_default();
        let bytes: Vec<u8> = lines.iter().flat_map(|line| line.0.to_vec()).collect();
        if !bytes.contains(&0) {
            return Some(lines);
        }
        let said = format!("(binary: {} bytes, SHA-256 {})", bytes.len(), Sum::of(&bytes));
        Some(vec![Bytes::from(said)])
    }
}

fn lines(text: &[u8]) -> Vec<Bytes> {
    text.lines_with_terminator().map(Bytes::from).collect()
}

impl CandidateReport {
    fn new(candidate: &Candidate) -> CandidateReport {
        CandidateReport { path: Bytes::from(candidate.path.as_bytes()), similarity: candidate.percent }
    }
}

/// Describes a conflict in a sentence that says which side did what.
#[must_use]
pub fn sentence(conflict: &Conflict) -> String {
    let Sides { base, upstream, patch } = conflict.sides;
    let text = match conflict.kind {
        ConflictKind::ModifyDelete if upstream.is_none() => "upstream deleted the file, the patch changes it",
        ConflictKind::ModifyDelete if patch.is_none() => "the patch deletes the file, upstream changed it",
        ConflictKind::RenameDelete if patch.is_none() => "the patch deletes the file, upstream seems to have moved it",
        ConflictKind::RenameDelete => "the patch renames the file, upstream deleted it",
        ConflictKind::Binary => "upstream changed the binary file, and so does the patch",
        ConflictKind::AddAdd if base.is_none() => "upstream added a file there, and so does the patch",
        ConflictKind::Content => match conflict.hunks().count() {
            0 => "upstream changed it, and so does the patch",
            1 => return "upstream changed the same lines".to_owned(),
            n => return format!("upstream changed the same lines in {n} places"),
        },
        ConflictKind::Moved => "upstream deleted the file, and perhaps moved it",
        ConflictKind::Collision => {
            "upstream has a path that differs only in case or Unicode form; few systems can hold both"
        }
        kind => return kind.to_string(),
    };
    text.to_owned()
}
