//! The result of a refresh as data: JSON, and the report for a pull request.

use serde::Serialize;

use super::super::blame::Blame;
use super::super::outcomes;
use super::super::patch_files::{Patch, Renamed, patches, renames};
use crate::git::Id;
use crate::report::{ConflictReport, DamagedReport, Heading, PatchReport, markdown};
use crate::stack::PatchDifference;
use crate::ui::{Look, difference_counts, difference_on_screen};
use crate::workspace::Target;
use crate::workspace::ops::refresh::{RefreshEnd, RefreshPlan, Refreshed};

/// The JSON document of `patchq refresh`.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Document {
    name: String,
    from: Place,
    to: Place,
    /// The track that was written into the manifest.
    track: Option<String>,
    dry_run: bool,
    /// Whether the pin was already at the target.
    same: bool,
    /// Whether the workspace's files changed.
    published: bool,
    /// Whether newer files were applied, with the pin already at the target.
    applied: bool,
    /// The notes about the target.
    notes: Vec<String>,
    patches: Vec<PatchReport>,
    /// The changes to the patch files.
    files: Vec<Patch>,
    removed: Vec<String>,
    renamed: Vec<Renamed>,
    /// Remembered decisions that could not be used.
    damaged: Vec<DamagedReport>,
    /// How many of the hunks in conflict a remembered decision would resolve.
    remembered: usize,
}

#[derive(Debug, Serialize)]
struct Place {
    commit: Id,
    version: Option<String>,
}

/// Returns the outcomes of the patches.
pub(super) fn reports(refreshed: &Refreshed) -> Vec<PatchReport> {
    let patches = refreshed.rebased().into_iter().flat_map(|rebased| &rebased.patches);
    let subjects = refreshed.from.patches.iter().map(|patch| patch.queued.patch.header.subject.as_slice());
    let report = if refreshed.published().is_some() { PatchReport::moved } else { PatchReport::new };
    patches.zip(subjects).map(|(patch, subject)| report(patch, subject)).collect()
}

/// Makes the document.
pub(super) fn document(name: &str, refreshed: Refreshed, patches_then: Vec<PatchReport>, dry_run: bool) -> Document {
    let published = refreshed.published().map(|done| done.queue.clone());
    let (was_published, queue) = (published.is_some(), published.unwrap_or_default());
    let (applied, followed) = (refreshed.applied().cloned(), refreshed.followed());
    let (was_applied, taken) = (applied.is_some(), applied.unwrap_or_default());
    let Target { pin, version, track, same, notes, .. } = refreshed.target;
    Document {
        name: name.to_owned(),
        from: Place { commit: refreshed.from.pin, version: refreshed.from.version },
        to: Place { commit: pin, version: Some(version) },
        track: track.map(|track| track.to_string()),
        dry_run,
        same,
        published: was_published || followed,
        applied: was_applied,
        notes: notes.iter().map(ToString::to_string).collect(),
        patches: patches_then,
        files: patches(&queue),
        removed: queue.removed.iter().chain(&taken.removed).cloned().collect(),
        renamed: renames(if was_published { &queue.renamed } else { &taken.renamed }),
        damaged: refreshed.damaged.iter().map(DamagedReport::new).collect(),
        remembered: refreshed.remembered,
    }
}

/// Makes the report for a pull request.
pub(super) fn as_markdown(
    name: &str,
    refreshed: &Refreshed,
    report: &[PatchReport],
    blame: Option<&Blame>,
    dry_run: bool,
) -> String {
    let target = &refreshed.target;
    let notes: Vec<String> = target.notes.iter().map(ToString::to_string).collect();
    let compare = blame.and_then(|blame| blame.compare(refreshed.from.pin, target.pin));
    let (pin, to) = (refreshed.from.pin.short(12), target.pin.short(12));
    // If the manifest fixes the version, it does not show the move.
    let (from, to) = match &target.called {
        Some([from, called]) => (from.as_deref().unwrap_or(&pin), called.as_deref().unwrap_or(&to)),
        None => (refreshed.from.version.as_deref().unwrap_or(&pin), target.version.as_str()),
    };
    let state = match &refreshed.end {
        RefreshEnd::There { .. } => "The queue is already there.",
        RefreshEnd::Published(..) => "The queue was moved.",
        RefreshEnd::Planned(RefreshPlan { rebased, .. }) | RefreshEnd::Left(rebased) if !rebased.is_clean() => {
            "The queue was not moved: these conflicts must be decided first."
        }
        RefreshEnd::Planned(_) if dry_run => "The queue can be moved (this was a dry run).",
        RefreshEnd::Planned(_) | RefreshEnd::Left(_) => "The queue was not moved.",
    };
    let heading = Heading { name, from, to, state, notes: &notes, compare: compare.as_deref() };
    let touched_by =
        |conflict: &ConflictReport, hunk| blame.map(|all| all.of_report(conflict, hunk)).unwrap_or_default();
    let differences = refreshed.plan().map(|plan| plan.differences.as_slice()).unwrap_or_default();
    let differences: Vec<(&str, String)> =
        differences.iter().map(|(name, found)| (name.as_str(), difference_text(found))).collect();
    markdown(&heading, report, &outcomes::summary(report), &differences, &touched_by)
}

/// Returns how a patch differs, with the amount in front.
fn difference_text(difference: &PatchDifference) -> String {
    format!("{}\n{}", difference_counts(difference), difference_on_screen(&Look::plain(), difference))
}
