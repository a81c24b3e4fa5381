//! The questions of a session, and answers that depend only on the question.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use bstr::BString;
use patchq::git::{Entry, Mode};
use patchq::path::RepoPath;
use patchq::stack::{
    Conflict, ConflictKind, Decided, DecisionReason, FileOutcome, Hunk, PatchOutcome, Piece, Rebased, Resolution,
    can_make, choices,
};
use patchq::workspace::Moving;
use patchq::workspace::conflict::session::{About, SessionDecision};
use patchq::workspace::files::digest::Sum;

/// An open question.
pub(crate) struct Question<'r> {
    pub(crate) number: usize,
    patch: &'r PatchOutcome,
    what: What<'r>,
    /// The digest of the patch's file.
    sum: Sum,
}

enum What<'r> {
    Lines(&'r Conflict, &'r Hunk),
    Whole(&'r FileOutcome, &'r Conflict),
    Emptied,
}

/// The key that identifies a question.
pub(crate) type Key = (String, Option<RepoPath>, String);

/// Returns all questions.
pub(crate) fn questions<'r>(moving: &Moving<'_>, rebased: &'r Rebased) -> Vec<Question<'r>> {
    let sums = moving.from.digest().files;
    let mut all = Vec::new();
    for (number, patch) in rebased.patches.iter().enumerate() {
        let sum = sums[&patch.name];
        let mut ask = |what| all.push(Question { number, patch, what, sum });
        for file in &patch.files {
            let Some(conflict) = &file.conflict else { continue };
            if conflict.hunks().next().is_none() {
                ask(What::Whole(file, conflict));
            }
            conflict.hunks().for_each(|hunk| ask(What::Lines(conflict, hunk)));
        }
        if patch.emptied {
            ask(What::Emptied);
        }
    }
    all
}

impl Question<'_> {
    pub(crate) fn key(&self) -> Key {
        let (path, about) = match &self.what {
            What::Lines(conflict, hunk) => (Some(conflict.path.clone()), format!("{:?} {}", hunk.texts(), hunk.nth)),
            What::Whole(_, conflict) => (Some(conflict.path.clone()), format!("{:?}", conflict.sides)),
            What::Emptied => (None, "emptied".to_owned()),
        };
        (self.patch.name.clone(), path, about)
    }

    fn choose(&self, seed: u64, of: usize) -> usize {
        let mut hasher = DefaultHasher::new();
        (self.key(), seed).hash(&mut hasher);
        (hasher.finish() % of as u64) as usize
    }
}

/// Returns the answer to a question, the same every time.
pub(crate) fn answer(question: &Question<'_>, seed: u64) -> Vec<SessionDecision> {
    let about = match &question.what {
        What::Lines(conflict, hunk) => {
            let (path, text) = (conflict.path.clone(), lines(question, hunk, seed));
            About::Path(Decided::Lines { path, hunk: (*hunk).clone(), text })
        }
        What::Whole(file, conflict) => {
            let (path, sides) = (conflict.path.clone(), conflict.sides);
            About::Path(Decided::Whole { path, sides, take: whole(question, file, conflict, seed) })
        }
        What::Emptied => About::Dropped { file: question.sum },
    };
    vec![SessionDecision::by_hand(&question.patch.name, about, DecisionReason::Ours("so".into()))]
}

fn lines(question: &Question<'_>, hunk: &Hunk, seed: u64) -> BString {
    let (upstream, patch) = (&hunk.upstream.text, &hunk.patch.text);
    match question.choose(seed, 5) {
        0 => patch.clone(),
        1 => upstream.clone(),
        2 => [upstream.as_slice(), patch.as_slice()].concat().into(),
        3 => BString::default(),
        n => format!("decided {n} {}\n", question.choose(seed, 97)).into(),
    }
}

fn whole(question: &Question<'_>, file: &FileOutcome, conflict: &Conflict, seed: u64) -> Resolution {
    let mut takes = choices(conflict, file.from.is_some());
    if can_make(conflict.kind) && conflict.kind != ConflictKind::Binary {
        takes.push(Resolution::Edited(Some((Mode::File, "made\n".into()))));
    }
    takes.swap_remove(question.choose(seed, takes.len()))
}

/// Returns the content of the open files of a question's patch in the checkout after the same answers; `None`: it
/// cannot be done there.
pub(crate) fn in_checkout(
    moving: &Moving<'_>,
    rebased: &Rebased,
    open: &Question<'_>,
    seed: u64,
) -> Option<Vec<(String, Option<Vec<u8>>)>> {
    if rebased.patches[..open.number].iter().any(PatchOutcome::waits) || open.patch.emptied {
        return None;
    }
    let all = questions(moving, rebased);
    let mine: Vec<&Question<'_>> = all.iter().filter(|other| other.number == open.number).collect();
    let content = |entry: Option<Entry>| match entry {
        Some(entry) => moving.content(entry).map(|text| Some(text.to_vec())),
        None => Some(None),
    };
    let mut files = Vec::new();
    let mut paths = BTreeSet::new();
    for file in &open.patch.files {
        let Some(conflict) = &file.conflict else { continue };
        let path = conflict.path.to_string();
        let made = match &conflict.text {
            Some(text) => {
                let hunks = mine.iter().filter_map(|question| match &question.what {
                    What::Lines(of, hunk) if of.path == conflict.path => Some(lines(question, hunk, seed)),
                    _ => None,
                });
                let mut hunks = hunks.collect::<Vec<_>>().into_iter();
                let piece = |piece: &Piece| match piece {
                    Piece::Merged(text) => text.clone(),
                    Piece::Hunk(_) => hunks.next().unwrap(),
                };
                let text: Vec<BString> = text.pieces.iter().map(piece).collect();
                Some(text.concat())
            }
            None => {
                let question = mine
                    .iter()
                    .find(|question| matches!(&question.what, What::Whole(_, of) if of.path == conflict.path))?;
                match whole(question, file, conflict, seed) {
                    Resolution::Patch => content(conflict.sides.patch)?,
                    Resolution::Upstream => content(conflict.sides.upstream)?,
                    Resolution::Edited(made) => made.map(|(_, text)| text.into()),
                    Resolution::Renamed(_) => return None,
                }
            }
        };
        paths.insert(path.clone());
        files.push((path, made));
    }
    // A path that waits for another question of the same patch cannot be handed over with it.
    open.patch.files.iter().all(|file| file.waits_for.is_none()).then_some(files)
}
