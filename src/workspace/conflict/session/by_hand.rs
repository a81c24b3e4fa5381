//! Turns a person's version of a path in conflict into decisions.

use super::{About, SessionDecision};
use crate::path::RepoPath;
use crate::stack::{Decided, DecisionReason, Hunk, NewFile, Resolution, Sides, TextMerge};

/// A path in conflict with a person's version.
#[derive(Debug, Clone, Copy)]
pub struct ByHand<'a> {
    /// The patch file's name.
    pub patch: &'a str,
    /// The path on the new pin.
    pub path: &'a RepoPath,
    /// The entries on the three sides.
    pub sides: Sides,
    /// If lines can be compared: the merged parts and the hunks in conflict.
    pub text: Option<&'a TextMerge>,
    /// How it was made, in patchq's words.
    pub reason: &'static str,
}

impl ByHand<'_> {
    /// Returns the decisions that give `made` at the path. If it is the merged text with other lines in the place of
    /// each hunk, these are decisions about lines, which stay valid when the rest of the file changes; else a decision
    /// about the path as a whole.
    #[must_use]
    pub fn decisions(&self, made: NewFile) -> Vec<SessionDecision> {
        let texts = match (self.text, &made) {
            (Some(text), Some((mode, bytes))) if *mode == self.sides.merged_mode() => text.split(bytes),
            _ => None,
        };
        let Some(texts) = texts else {
            let (path, sides) = (self.path.clone(), self.sides);
            return vec![self.decision(Decided::Whole { path, sides, take: Resolution::Edited(made) })];
        };
        let hunks = self.text.into_iter().flat_map(TextMerge::hunks);
        let lines = |(hunk, text): (&Hunk, _)| {
            self.decision(Decided::Lines { path: self.path.clone(), hunk: hunk.clone(), text })
        };
        hunks.zip(texts).map(lines).collect()
    }

    fn decision(&self, what: Decided) -> SessionDecision {
        SessionDecision::by_hand(self.patch, About::Path(what), DecisionReason::Ours(self.reason.to_owned()))
    }
}
