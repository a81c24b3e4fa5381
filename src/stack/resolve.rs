//! Defines who decides conflicts, and which decisions there are.

use bstr::BString;

use super::Item;
use super::conflict::{Conflict, ConflictKind, Sides};
use super::outcome::{FileOutcome, Outcome};
use super::reason::{DecidedBy, DecisionReason};
use super::text::{Hunk, Piece};
use crate::git::{Edits, Entry, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// Decides conflicts. A run may ask the same question several times, and must get the same answer.
pub trait Resolver {
    /// Returns why a patch leaves the queue, whatever its outcome would be; `None`: it stays.
    fn drop_reason(&self, _patch: &str) -> Option<String> {
        None
    }

    /// Decides a path as a whole. Paths with lines to compare are asked about first as a whole, and if that stays open
    /// about their hunks.
    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Resolution>;

    /// Decides lines that both sides changed.
    fn hunk(&self, at: At<'_>, hunk: &Hunk) -> Answer<BString>;

    /// Checks whether a patch may leave the queue when a merge leaves nothing of it.
    fn may_drop(&self, patch: &str) -> bool;

    /// Returns what a person changed beyond the conflicts and added to the patch: decisions that are
    /// [`Decided::Joined`].
    fn extra_changes(&self, _patch: &str) -> Vec<Decision> {
        Vec::new()
    }
}

/// The place of a conflict.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// The patch file's name.
    pub patch: &'a str,
    /// The path on the new pin.
    pub path: &'a RepoPath,
    /// The path in the patch: a different one if upstream moved the file.
    pub own: &'a RepoPath,
}

/// The answer of a resolver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// This resolver does not decide.
    Unresolved,
    /// A rule applies, but must not decide without a person; why, in a sentence.
    Declined(String),
    /// The conflict is resolved.
    Resolved {
        /// The chosen value.
        take: T,
        /// By what it was decided.
        by: DecidedBy,
        /// Why.
        reason: DecisionReason,
    },
}

/// The decision about a path as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The patch's version.
    Patch,
    /// Upstream's version: the patch's change of the path is dropped.
    Upstream,
    /// The change is applied to the path that upstream moved the file to.
    Renamed(RepoPath),
    /// A version that a person made.
    Edited(NewFile),
}

impl Resolution {
    /// Returns the name in data.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Resolution::Patch => "patch",
            Resolution::Upstream => "upstream",
            Resolution::Renamed(_) => "follow",
            Resolution::Edited(_) => "made",
        }
    }

    /// Returns what is taken, in a few words; `None`: a version that a person made.
    #[must_use]
    pub const fn said(&self) -> Option<&'static str> {
        match self {
            Resolution::Patch => Some("the patch's version"),
            Resolution::Upstream => Some("upstream's version"),
            Resolution::Renamed(_) => Some("upstream moved the file there"),
            Resolution::Edited(_) => None,
        }
    }
}

/// A file that a person made: mode and content (the content of a symlink is its target); `None`: it is removed.
pub type NewFile = Option<(Mode, BString)>;

/// A path that a person changed although it was not in conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// The path.
    pub path: RepoPath,
    /// The entries before and after the patch itself. If they are different now, the change does not apply any more.
    pub own: [Option<Entry>; 2],
    /// The entry on the new pin with all merged parts of the patch; the same rule applies.
    pub over: Option<Entry>,
    /// The new version.
    pub made: NewFile,
}

/// A decision about a path of a patch: the question, the answer, by what and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The question and the answer.
    pub what: Decided,
    /// By what it was decided.
    pub by: DecidedBy,
    /// Why.
    pub reason: DecisionReason,
}

/// The question of a decision and its answer. The question is part of it, so that the decision is valid only while the
/// question is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// Lines that both sides changed.
    Lines {
        /// The path on the new pin.
        path: RepoPath,
        /// The lines of the question. Their line numbers are not part of it.
        hunk: Hunk,
        /// The chosen lines.
        text: BString,
    },
    /// A path as a whole.
    Whole {
        /// The path on the new pin.
        path: RepoPath,
        /// The entries on the three sides.
        sides: Sides,
        /// The choice.
        take: Resolution,
    },
    /// A path that a person changed beyond the conflicts.
    Joined(Join),
}

impl Decided {
    /// Returns the path of the decision.
    #[must_use]
    pub fn path(&self) -> &RepoPath {
        match self {
            Decided::Lines { path, .. } | Decided::Whole { path, .. } => path,
            Decided::Joined(join) => &join.path,
        }
    }

    /// Checks whether `other` gives the same answer to the same question, wherever its lines start.
    #[must_use]
    pub fn is_same(&self, other: &Decided) -> bool {
        match (self, other) {
            (
                Decided::Lines { path, hunk, text },
                Decided::Lines { path: other_path, hunk: other_hunk, text: other_text },
            ) => path == other_path && text == other_text && hunk.is_same(other_hunk),
            _ => self == other,
        }
    }
}

/// Decides nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoResolver;

impl Resolver for NoResolver {
    fn file(&self, _: At<'_>, _: &Conflict) -> Answer<Resolution> {
        Answer::Unresolved
    }

    fn hunk(&self, _: At<'_>, _: &Hunk) -> Answer<BString> {
        Answer::Unresolved
    }

    fn may_drop(&self, _: &str) -> bool {
        false
    }
}

/// Asks several resolvers in order: what the first leaves open is for the next. A refusal counts only if no later one
/// decides.
pub struct Chain<'r>(pub Vec<&'r dyn Resolver>);

impl Chain<'_> {
    fn first<T>(&self, ask: impl Fn(&dyn Resolver) -> Answer<T>) -> Answer<T> {
        first_answer(self.0.iter().map(|resolver| ask(*resolver)))
    }
}

/// Returns the first answer that decides, else the first refusal.
pub(super) fn first_answer<T>(answers: impl Iterator<Item = Answer<T>>) -> Answer<T> {
    let mut refused = None;
    for answer in answers {
        match answer {
            Answer::Unresolved => {}
            Answer::Declined(why) => refused = refused.or(Some(why)),
            decided @ Answer::Resolved { .. } => return decided,
        }
    }
    refused.map_or(Answer::Unresolved, Answer::Declined)
}

impl Resolver for Chain<'_> {
    fn drop_reason(&self, patch: &str) -> Option<String> {
        self.0.iter().find_map(|resolver| resolver.drop_reason(patch))
    }

    fn file(&self, at: At<'_>, conflict: &Conflict) -> Answer<Resolution> {
        self.first(|resolver| resolver.file(at, conflict))
    }

    fn hunk(&self, at: At<'_>, hunk: &Hunk) -> Answer<BString> {
        self.first(|resolver| resolver.hunk(at, hunk))
    }

    fn may_drop(&self, patch: &str) -> bool {
        self.0.iter().any(|resolver| resolver.may_drop(patch))
    }

    fn extra_changes(&self, patch: &str) -> Vec<Decision> {
        self.0.iter().flat_map(|resolver| resolver.extra_changes(patch)).collect()
    }
}

/// Returns the possible decisions about the path of a conflict as a whole, except a new version; `renames`: the patch
/// renames it.
#[must_use]
pub fn choices(conflict: &Conflict, renames: bool) -> Vec<Resolution> {
    let follow = || conflict.candidates.iter().map(|candidate| Resolution::Renamed(candidate.path.clone()));
    match conflict.kind {
        // The patch's version has no place.
        ConflictKind::Place | ConflictKind::Collision => vec![Resolution::Upstream],
        ConflictKind::RenameDelete if conflict.sides.patch.is_none() => {
            std::iter::once(Resolution::Upstream).chain(follow()).collect()
        }
        ConflictKind::Moved if !renames => {
            [Resolution::Patch, Resolution::Upstream].into_iter().chain(follow()).collect()
        }
        ConflictKind::Emptied => Vec::new(),
        _ => vec![Resolution::Patch, Resolution::Upstream],
    }
}

/// Checks whether a person may make a new version of the path of a conflict.
#[must_use]
pub const fn can_make(kind: ConflictKind) -> bool {
    !matches!(kind, ConflictKind::Place | ConflictKind::Collision | ConflictKind::Emptied)
}

/// The result of asking about a conflict.
pub(super) enum Resolved {
    /// Not decided, or only in part.
    Open(Conflict),
    /// The path stays as upstream has it.
    Keep,
    /// The path becomes this.
    Entry(Option<Entry>),
    /// The change is applied to another path, with this similarity of the files.
    Follow(RepoPath, u8),
}

/// Asks `resolver` about `conflict` of `file`, a file of `patch`. Decided parts are removed from the conflict.
pub(super) fn resolve(
    objects: &mut Objects<'_>,
    resolver: &dyn Resolver,
    patch: &str,
    file: &mut FileOutcome,
    mut conflict: Conflict,
) -> Resolved {
    let (place, own) = (conflict.path.clone(), file.path.clone());
    let at = At { patch, path: &place, own: &own };
    match resolver.file(at, &conflict) {
        Answer::Declined(why) if conflict.text.is_none() => file.refused.push(why),
        Answer::Resolved { take, by, reason } if is_possible(&conflict, file.from.is_some(), &take) => {
            let what = Decided::Whole { path: place.clone(), sides: conflict.sides, take: take.clone() };
            file.decided.push(Decision { what, by, reason });
            return match take {
                Resolution::Patch => Resolved::Entry(conflict.sides.patch),
                Resolution::Upstream => Resolved::Keep,
                Resolution::Edited(made) => Resolved::Entry(put(objects, made)),
                Resolution::Renamed(to) => {
                    let percent = conflict.candidates.iter().find(|candidate| candidate.path == to);
                    Resolved::Follow(to, percent.and_then(|candidate| candidate.percent).unwrap_or(0))
                }
            };
        }
        _ => {}
    }
    if conflict.text.is_some() {
        resolve_hunks(resolver, at, file, &mut conflict);
    }
    let Some(text) = conflict.text.as_ref().filter(|text| text.hunks().next().is_none()) else {
        return Resolved::Open(conflict);
    };
    let merged = text.pieces.iter().flat_map(|piece| match piece {
        Piece::Merged(text) => text.as_slice(),
        Piece::Hunk(_) => &[],
    });
    Resolved::Entry(Some(objects.put_file(conflict.sides.merged_mode(), merged.copied().collect())))
}

fn is_possible(conflict: &Conflict, renames: bool, take: &Resolution) -> bool {
    matches!(take, Resolution::Edited(_)) && can_make(conflict.kind) || choices(conflict, renames).contains(take)
}

fn put(objects: &mut Objects<'_>, made: NewFile) -> Option<Entry> {
    made.map(|(mode, content)| objects.put_file(mode, content.into()))
}

fn resolve_hunks(resolver: &dyn Resolver, at: At<'_>, file: &mut FileOutcome, conflict: &mut Conflict) {
    for piece in conflict.text.iter_mut().flat_map(|text| &mut text.pieces) {
        let Piece::Hunk(hunk) = piece else { continue };
        match resolver.hunk(at, hunk) {
            Answer::Unresolved => {}
            Answer::Declined(why) => file.refused.push(why),
            Answer::Resolved { take: text, by, reason } => {
                let what = Decided::Lines { path: at.path.clone(), hunk: hunk.clone(), text: text.clone() };
                *piece = Piece::Merged(text);
                file.decided.push(Decision { what, by, reason });
            }
        }
    }
}

/// Adds what a person changed beyond the conflicts of `item` to `edits` for the tree `onto`, and records it in `files`.
/// Paths that are in conflict, or wait for an earlier patch (`waits`), are left alone.
pub(super) fn join(
    objects: &mut Objects<'_>,
    resolver: &dyn Resolver,
    (item, onto): (&Item, Id),
    (edits, files): (&mut Edits, &mut Vec<FileOutcome>),
    waits: impl Fn(&RepoPath) -> bool,
) -> Result<(), GitError> {
    for decided in resolver.extra_changes(&item.name) {
        let Decided::Joined(Join { path, own, over, made }) = &decided.what else { continue };
        let known = files.iter().position(|file| file.place() == path);
        let open = |file: &FileOutcome| file.conflict.is_some() || file.waits_for.is_some();
        if waits(path) || known.is_some_and(|n| open(&files[n])) {
            continue;
        }
        let upstream = objects.entry(onto, path)?;
        let now = edits.get(path).copied().unwrap_or(upstream);
        let [base, patch] = [objects.entry(item.before, path)?, objects.entry(item.after, path)?];
        if now != *over || [base, patch] != *own {
            continue;
        }
        edits.insert(path.clone(), put(objects, made.clone()));
        let known = known.unwrap_or_else(|| {
            files.push(FileOutcome::new(path.clone(), None, Sides { base, upstream, patch }));
            files.len() - 1
        });
        files[known].outcome = files[known].outcome.max(Outcome::Merged);
        files[known].decided.push(decided);
    }
    Ok(())
}
