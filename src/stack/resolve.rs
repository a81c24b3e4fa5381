//! Who decides about conflicts, and what becomes of a file then.

use bstr::BString;

use super::conflict::{Conflict, ConflictKind, Sides};
use super::rebase::{FileOutcome, Outcome};
use super::text::{Hunk, Piece};
use crate::git::{Edits, Entry, Mode, Objects};
use crate::path::RepoPath;

/// Who decides about conflicts. A run may ask the same thing several times, and must get the same answer.
pub trait Resolver {
    /// What becomes of lines that both sides changed.
    fn hunk(&self, at: At<'_>, hunk: &Hunk) -> Answer<BString>;

    /// What becomes of a path whose sides have no lines to compare.
    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Take>;

    /// Whether a patch of which a merge leaves nothing may leave the queue.
    fn drop(&self, patch: &str) -> bool;
}

/// What is in conflict.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The patch file's name.
    pub patch: &'a str,
    /// The path on the new pin.
    pub path: &'a RepoPath,
}

/// An answer of somebody who may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// It is left to others.
    Open,
    /// It would have been decided, but must not be without a person; why, in a sentence.
    Refused(String),
    /// So it is.
    Decided {
        /// What is taken.
        take: T,
        /// By which rule, in a word or two.
        by: String,
        /// Why, in a sentence.
        reason: String,
    },
}

/// Whose version of a path is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The patch's.
    Patch,
    /// Upstream's.
    Upstream,
}

/// A decision that was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The lines that it is about; `None`: the path as a whole.
    pub hunk: Option<Hunk>,
    /// What stands there now; `None` with a whole path.
    pub text: Option<BString>,
    /// By which rule.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Nobody decides anything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Resolver for Nobody {
    fn hunk(&self, _: At<'_>, _: &Hunk) -> Answer<BString> {
        Answer::Open
    }

    fn file(&self, _: At<'_>, _: &Conflict) -> Answer<Take> {
        Answer::Open
    }

    fn drop(&self, _: &str) -> bool {
        false
    }
}

/// Asks `resolver` about the conflict of `file`, a file of `patch`. What is decided leaves the conflict; with nothing left in
/// it the path goes into `edits`.
pub(super) fn resolve(
    objects: &mut Objects<'_>,
    resolver: &dyn Resolver,
    patch: &str,
    file: &mut FileOutcome,
    edits: &mut Edits,
) {
    let Some(mut conflict) = file.conflict.take() else { return };
    let place = conflict.path.clone();
    let at = At { patch, path: &place };
    if conflict.text.is_some() {
        resolve_hunks(resolver, at, file, &mut conflict);
        if let Some(text) = conflict.text.as_ref().filter(|text| text.hunks().next().is_none()) {
            let merged = text.pieces.iter().flat_map(|piece| match piece {
                Piece::Merged(text) => text.as_slice(),
                Piece::Hunk(_) => &[],
            });
            let entry = objects.put_file(merged_mode(conflict.sides), merged.copied().collect());
            settle(file, &place, Some(entry), edits);
            return;
        }
    } else if can_take(conflict.kind) {
        match resolver.file(at, &conflict) {
            Answer::Open => {}
            Answer::Refused(why) => file.refused.push(why),
            Answer::Decided { take, by, reason } => {
                file.decided.push(Decided { hunk: None, text: None, by, reason });
                let entry = match take {
                    Take::Patch => conflict.sides.patch,
                    Take::Upstream => conflict.sides.upstream,
                };
                settle(file, &place, entry, edits);
                return;
            }
        }
    }
    file.conflict = Some(conflict);
}

fn resolve_hunks(resolver: &dyn Resolver, at: At<'_>, file: &mut FileOutcome, conflict: &mut Conflict) {
    for piece in conflict.text.iter_mut().flat_map(|text| &mut text.pieces) {
        let Piece::Hunk(hunk) = piece else { continue };
        match resolver.hunk(at, hunk) {
            Answer::Open => {}
            Answer::Refused(why) => file.refused.push(why),
            Answer::Decided { take, by, reason } => {
                let hunk = Some(hunk.clone());
                *piece = Piece::Merged(take.clone());
                file.decided.push(Decided { hunk, text: Some(take), by, reason });
            }
        }
    }
}

fn settle(file: &mut FileOutcome, place: &RepoPath, entry: Option<Entry>, edits: &mut Edits) {
    file.outcome = if file.moved.is_some() { Outcome::Moved } else { Outcome::Merged };
    if entry != file.sides.upstream {
        edits.insert(place.clone(), entry);
    }
}

/// Conflicts in which one side's version can simply be taken. Where a path has no place in the tree, or may be another one by
/// now, more is to be decided than whose version it is.
fn can_take(kind: ConflictKind) -> bool {
    matches!(
        kind,
        ConflictKind::ModifyDelete
            | ConflictKind::AddAdd
            | ConflictKind::Binary
            | ConflictKind::Mode
            | ConflictKind::Type
            | ConflictKind::Content
    )
}

/// The mode of a file whose contents did not merge by themselves, but whose modes do.
fn merged_mode(Sides { base, upstream, patch }: Sides) -> Mode {
    let mode = |side: Option<Entry>| side.map(|entry| entry.mode);
    let merged = if mode(base) == mode(upstream) { mode(patch) } else { mode(upstream) };
    merged.or(mode(upstream)).unwrap_or(Mode::File)
}
