//! Takes one side or both, and says when this must not be done unattended.

use std::collections::{HashMap, HashSet};

use bstr::{BString, ByteSlice};

use super::bumps::{Bump, bumps};
use super::generated::generated;
use super::words::{Placed, Word, numbers, words};
use crate::path::{RepoPath, printable};
use crate::stack::text::Hunk;

/// A hunk decided by taking sides whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choice {
    /// The patch's lines.
    Patch,
    /// Upstream's lines.
    Upstream,
    /// The patch's lines for the place, then upstream's.
    PatchFirst,
    /// Upstream's lines for the place, then the patch's.
    UpstreamFirst,
}

impl Choice {
    /// All choices.
    pub const ALL: [Choice; 4] = [Choice::Patch, Choice::Upstream, Choice::PatchFirst, Choice::UpstreamFirst];

    /// Returns what is taken, in a few words.
    #[must_use]
    pub const fn said(self) -> &'static str {
        match self {
            Choice::Patch => "the patch's lines",
            Choice::Upstream => "upstream's lines",
            Choice::PatchFirst => "both, the patch's lines first",
            Choice::UpstreamFirst => "both, upstream's lines first",
        }
    }

    /// Returns the lines that replace the hunk. If both are taken, each side is complete, with the lines that both
    /// sides added around the hunk; a line without an end gets the end of the other lines if others follow.
    #[must_use]
    pub fn text(self, hunk: &Hunk) -> BString {
        self.of([&hunk.upstream.text, &hunk.patch.text], &hunk.alike)
    }

    /// Returns the same for the lines of upstream and patch, and the lines before and after them that are equal on both
    /// sides.
    #[must_use]
    pub fn of(self, [upstream, patch]: [&BString; 2], alike: &[BString; 2]) -> BString {
        match self {
            Choice::Patch => patch.clone(),
            Choice::Upstream => upstream.clone(),
            Choice::PatchFirst => stacked(patch, upstream, alike),
            Choice::UpstreamFirst => stacked(upstream, patch, alike),
        }
    }
}

/// Returns one side's lines after the other's, each with the lines that were removed from the hunk because both sides
/// begin or end with them. Those lines are already once before and after the hunk, so they are repeated between the two
/// sides.
fn stacked(first: &BString, second: &BString, [head, tail]: &[BString; 2]) -> BString {
    let dos = [first, second, head, tail].iter().any(|text| text.contains_str("\r\n"));
    let mut text = BString::default();
    for part in [first, tail, head, second] {
        if !text.is_empty() && !part.is_empty() && !text.ends_with(b"\n") {
            text.extend_from_slice(if dos { b"\r\n" } else { b"\n" });
        }
        text.extend_from_slice(part);
    }
    text
}

/// Why a choice must not be made unattended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Guard {
    /// For a generated file only the text that its generator writes is right.
    #[error("generated ({what}): regenerate it by hand")]
    Generated {
        /// What the file is.
        what: &'static str,
    },
    /// The lines fall behind a number that upstream changed.
    #[error("upstream moved '{old}' to '{new}' here and these lines have '{held}', which would silently undo that")]
    Downgrade {
        /// The old number, printable.
        old: String,
        /// Upstream's number, printable.
        new: String,
        /// The number in the chosen lines, printable.
        held: String,
    },
}

impl Guard {
    /// Returns its name in data.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Guard::Generated { .. } => "generated",
            Guard::Downgrade { .. } => "downgrade",
        }
    }
}

/// Checks whether a choice may be made unattended.
///
/// # Errors
/// [`Guard`], with the sentence that says why not.
pub fn guard(path: &RepoPath, hunk: &Hunk, choice: Choice) -> Result<(), Guard> {
    guard_text(path, hunk, &choice.text(hunk))
}

/// Checks the same for any lines.
///
/// # Errors
/// [`Guard`], with the sentence that says why not.
pub fn guard_text(path: &RepoPath, hunk: &Hunk, text: &[u8]) -> Result<(), Guard> {
    if let Some(what) = generated(path) {
        return Err(Guard::Generated { what });
    }
    let (chosen, upstream) = (words(text), words(&hunk.upstream.text));
    let held = Numbers::new(&chosen, &upstream);
    match bumps(hunk).into_iter().find_map(|bump| Some((bump, held.behind(bump)?))) {
        Some((Bump { old, new, .. }, held)) => {
            let [old, new, held] = [old, new, held].map(|word| printable(word.text));
            Err(Guard::Downgrade { old, new, held })
        }
        None => Ok(()),
    }
}

/// The numbers of the chosen lines, and of upstream's.
struct Numbers<'t> {
    chosen: Vec<Placed<'t>>,
    upstream: HashMap<&'t [u8], HashSet<Option<&'t [u8]>>>,
}

impl<'t> Numbers<'t> {
    fn new(chosen: &[Word<'t>], upstream: &[Word<'t>]) -> Numbers<'t> {
        let mut all = Numbers { chosen: numbers(chosen), upstream: HashMap::new() };
        for Placed { number, of } in numbers(upstream) {
            all.upstream.entry(number.bare()).or_default().insert(of);
        }
        all
    }

    /// Returns the number with which the chosen lines fall behind a bump: it is the old one, or belongs to the same
    /// thing and is lower than upstream's, and is not in upstream's lines.
    fn behind(&self, bump: Bump<'_>) -> Option<Word<'t>> {
        let Bump { old, new, of } = bump;
        let held = self.chosen.iter().find(|held| {
            let same_thing = held.of == of;
            // If upstream has it for another thing, it is not a leftover of this one.
            let things = self.upstream.get(held.number.bare());
            let known = things.is_some_and(|things| !same_thing || things.contains(&held.of));
            let lower = held.number.is_lower(new) && (same_thing || held.number.refines(old));
            !known && (held.number.is_same_number(old) || lower)
        });
        held.map(|held| held.number)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{hunk, path};
    use super::*;
    use crate::stack::text::{Piece, TextMerge};

    fn forbidden(base: &str, upstream: &str, patch: &str, choice: Choice) -> Option<String> {
        guard(&path("Dockerfile"), &hunk(base, upstream, patch), choice).err().map(|guard| guard.to_string())
    }

    #[test]
    fn the_patch_may_not_go_back_behind_a_bump() {
        let rows = [
            ("FROM python:3.7-slim\n", "FROM python:3.8-slim\n", "FROM python:3.7-alpine\n", Some("3.7")),
            ("FROM python:3.7\n", "FROM python:3.8\n", "FROM ours/python:3.7.9\n", Some("3.7.9")),
            ("FROM python:3.7\n", "FROM python:3.8\n", "FROM ubi-py:3.7.9\n", Some("3.7.9")),
            ("numpy==1.20\n", "numpy==1.22\n", "numpy==1.21\n", Some("1.21")),
            ("go v1.19\n", "go v1.20\n", "golang 1.19\n", Some("1.19")),
            ("replicas: 1\n", "replicas: 3\n", "replicas: 1 # ours\n", Some("1")),
            // Upstream changed one number and removed the other, which the patch changes.
            ("git==0.30.1\nf==2.4\n", "git==0.44.0\n", "git==0.30.1\nf==2.7\n", Some("0.30.1")),
            ("numpy==1.20\n", "numpy==1.22\n", "numpy==1.23\n", None),
            ("numpy==1.20\n", "numpy==1.22\n", "", None),
            ("FROM python:3.7\n", "FROM python:3.8\n", "FROM ubi:8.1\n", None),
            ("a==1.2\nb==1.2\n", "a==1.3\nb==1.2\n", "b==1.2 # ours\n", None),
            ("FROM python:3.7\n", "FROM python:latest\n", "FROM python:3.7-slim\n", None),
        ];
        for (base, upstream, patch, held) in rows {
            let found = forbidden(base, upstream, patch, Choice::Patch);
            let has =
                |held: &str| found.as_ref().is_some_and(|text| text.contains(&format!("these lines have '{held}'")));
            assert!(held.map_or(found.is_none(), has), "{patch}: {found:?}");
            assert_eq!(forbidden(base, upstream, patch, Choice::UpstreamFirst).is_some(), held.is_some());
            assert_eq!(forbidden(base, upstream, patch, Choice::Upstream), None);
        }
        let found = forbidden("FROM python:3.7\n", "FROM python:3.8\n", "FROM python:3.7-slim\n", Choice::Patch);
        let expected = "upstream moved '3.7' to '3.8' here and these lines have '3.7', which would silently undo that";
        assert_eq!(found.as_deref(), Some(expected));
    }

    #[test]
    fn a_digest_goes_back_too() {
        let [old, new] = ["a0", "b1"].map(|hex| hex.repeat(32));
        let row = |digest: &str, more: &str| format!("FROM x@sha256:{digest}{more}\n");
        assert!(forbidden(&row(&old, ""), &row(&new, ""), &row(&old, " AS y"), Choice::Patch).is_some());
        assert_eq!(forbidden(&row(&old, ""), &row(&new, ""), &row(&new, " AS y"), Choice::Patch), None);
    }

    #[test]
    fn nothing_is_right_in_a_generated_file() {
        for choice in Choice::ALL {
            let guard = guard(&path("a/go.sum"), &hunk("", "a\n", "b\n"), choice);
            let text = guard.err().map(|guard| guard.to_string());
            assert_eq!(text.as_deref(), Some("generated (Go's module checksums): regenerate it by hand"));
        }
    }

    #[test]
    fn both_stand_on_lines_of_their_own() {
        let open = hunk("", "u", "p\r\n");
        assert_eq!(Choice::UpstreamFirst.text(&open), "u\r\np\r\n");
        assert_eq!(Choice::PatchFirst.text(&open), "p\r\nu");
        assert_eq!(Choice::PatchFirst.text(&hunk("", "u", "p")), "p\nu");
        assert_eq!(Choice::PatchFirst.text(&hunk("", "", "p")), "p");
    }

    /// Returns the whole text after `choice` on the only hunk of a merge.
    fn chosen(base: &str, upstream: &str, patch: &str, choice: Choice) -> String {
        let merge = TextMerge::of(base.as_bytes(), upstream.as_bytes(), patch.as_bytes()).unwrap();
        assert_eq!(merge.hunks().count(), 1);
        let pieces = merge.pieces.iter().map(|piece| match piece {
            Piece::Merged(text) => text.clone(),
            Piece::Hunk(hunk) => choice.text(hunk),
        });
        pieces.map(|text| text.to_string()).collect()
    }

    #[test]
    fn both_are_whole_where_they_begin_or_end_alike() {
        let rows = [
            // A closing brace, a comment above, both, and a file that ends without a line end.
            ("a\n", "z\n", "func u() {\n}\n", "func p() {\n}\n"),
            ("a\n", "", "u:\n\tgo\n\tclean\n", "p:\n\tclean\n"),
            ("a\n", "z\n", "# new\nu\n", "# new\np\n"),
            ("", "", "{\nu\n}\n", "{\np\n}\n"),
            ("", "z\n", "{\n{\nu\n}\n", "{\np\nq\n}\n"),
            ("a\r\n", "z\r\n", "{\r\nu\r\n}\r\n", "{\r\np\r\n}\r\n"),
        ];
        for (before, after, u, p) in rows {
            let [base, upstream, patch] = ["", u, p].map(|lines| format!("{before}{lines}{after}"));
            let both = |choice| chosen(&base, &upstream, &patch, choice);
            assert_eq!(both(Choice::PatchFirst), format!("{before}{p}{u}{after}"));
            assert_eq!(both(Choice::UpstreamFirst), format!("{before}{u}{p}{after}"));
            assert_eq!((both(Choice::Patch), both(Choice::Upstream)), (patch.clone(), upstream.clone()));
        }
        assert_eq!(chosen("", "u\n}", "p\n}", Choice::UpstreamFirst), "u\n}\np\n}");
    }

    proptest! {
        #[test]
        fn both_insertions_are_there_whole(
            around in ("([ab]\n){0,3}", "([ab]\n){0,3}"), u in "([xyz{}]\n){1,6}", p in "([xyz{}]\n){1,6}",
        ) {
            let (before, after) = around;
            prop_assume!(u != p);
            let [base, upstream, patch] = ["", &u, &p].map(|lines| format!("{before}{lines}{after}"));
            prop_assert_eq!(chosen(&base, &upstream, &patch, Choice::PatchFirst), format!("{before}{p}{u}{after}"));
            prop_assert_eq!(chosen(&base, &upstream, &patch, Choice::UpstreamFirst), format!("{before}{u}{p}{after}"));
        }
    }
}
