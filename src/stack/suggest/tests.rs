//! Tests that every proposal must pass, and rows that concern several rules.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;

use bstr::ByteSlice;
use proptest::prelude::*;

use super::*;
use crate::stack::text::Lines;

pub(super) fn path(path: &str) -> RepoPath {
    RepoPath::new(path).unwrap()
}

pub(super) fn hunk(base: &str, upstream: &str, patch: &str) -> Hunk {
    let side = |text: &str| Lines { start: 1, text: text.into() };
    Hunk { base: side(base), upstream: side(upstream), patch: side(patch), nth: 0, alike: Default::default() }
}

fn suggestion(hunk: &Hunk) -> Option<Suggestion> {
    super::hunk(&path("Dockerfile"), hunk)
}

pub(super) fn suggested(hunk: &Hunk) -> Option<(Rule, String)> {
    suggestion(hunk).map(|found| (found.rule, found.text.to_string()))
}

/// Checks rows of base, upstream, patch and the proposal of that rule; `None`: the rule proposes nothing.
fn rows(rule: Rule, rows: &[(&str, &str, &str, Option<&str>)]) {
    for (base, upstream, patch, expected) in rows {
        let found = suggested(&hunk(base, upstream, patch));
        let by_rule = found.clone().filter(|(by, _)| *by == rule).map(|(_, text)| text);
        assert_eq!(by_rule.as_deref(), *expected, "{base:?} {upstream:?} {patch:?}: {found:?}");
    }
}

#[test]
fn what_upstream_renamed_is_renamed_in_the_patch() {
    rows(
        Rule::Renaming,
        &[
            (
                "FROM python:3.7-slim-buster\n",
                "FROM python:3.8-slim-buster\n",
                "FROM python:3.7-slim-bullseye\n",
                Some("FROM python:3.8-slim-bullseye\n"),
            ),
            ("x: old/a\ny: old/b\n", "x: new/a\ny: new/b\n", "z: old/c\n", Some("z: new/c\n")),
            ("import a.b.c\n", "import a.b.d\n", "import a.b.c as e\nc()\n", Some("import a.b.d as e\nd()\n")),
            // A word with two replacements, in either order.
            ("x a b\nx c d\n", "y a b\nz c d\n", "x e\n", None),
            ("x a b\nx c d\n", "x a b\nz c d\n", "x e\n", None),
            // A lone digit, punctuation, white space.
            ("a b c 1\n", "a b c 2\n", "a b x 1\n", None),
            ("a b c : d\n", "a b c = d\n", "a : b c x d\n", None),
            ("a b\n", "a  b\n", "a x b\n", None),
            // Less than half of the words stay.
            ("a b c\n", "x y c\n", "a d c\n", None),
            // A new word that is renamed itself.
            ("a b c d\n", "b e c d\n", "a x c d\n", None),
            // A number of something else.
            ("foo==1.2 a b\n", "foo==1.3 a b\n", "bar==1.2 a c\n", None),
            // Nothing to rename.
            ("a b c\n", "x b c\n", "b d\n", None),
        ],
    );
}

#[test]
fn edits_that_touch_are_both_made() {
    rows(
        Rule::Adjacent,
        &[
            ("a\nb\n", "A u\nb\n", "a\nB\n", Some("A u\nB\n")),
            ("a\nb\n", "b\n", "a\nB\n", Some("B\n")),
            ("a\n", "A\n", "a\nx\n", Some("A\nx\n")),
            ("a\nb", "A\n\nb", "a\nB", Some("A\n\nB")),
            // It is not certain which of the two it was.
            ("a\n", "a\na\n", "b\n", None),
            ("a\n", "A\n", "B\n", None),
            ("a\nb\n", "a\nu\nb\n", "a\np\nb\n", None),
            ("a\n", "a\nu", "A\n", Some("A\nu")),
            // A line without an end is not joined with the next.
            ("a\nb", "a", "a\nb\nc\n", None),
        ],
    );
    assert_eq!(super::hunk(&path("go.sum"), &hunk("a\nb\n", "A\nb\n", "a\nB\n")), None);
}

#[test]
fn different_words_of_a_line_are_both_changed() {
    rows(
        Rule::Words,
        &[
            (
                "RUN apt install a b c d\n",
                "RUN apt-get install a b c d\n",
                "RUN apt install a b c d e\n",
                Some("RUN apt-get install a b c d e\n"),
            ),
            ("FROM python:3.7 AS x\n", "FROM python:3.8 AS x\n", "FROM ours:3.7 AS x\n", Some("FROM ours:3.8 AS x\n")),
            ("a b c\r\n", "a  b c\r\n", "a b d\r\n", Some("a  b d\r\n")),
            // Half of a version is not a word.
            ("x y z 1.2.3\n", "x y z 1.3.3\n", "x y z 1.2.4\n", None),
            ("a b c\n", "a x c\n", "a y c\n", None),
            // Less than half of the words stay.
            ("a b c d e\n", "v w x d e\n", "a b c d E\n", None),
        ],
    );
}

#[test]
fn a_renaming_reaches_past_what_upstream_removed() {
    rows(
        Rule::RenamingAndRemoval,
        &[
            (
                "FROM python:3.7-slim-buster AS backend-kubeflow-wheel\n",
                "FROM python:3.8-slim AS backend-kubeflow-wheel\n",
                "FROM python:3.7-slim-bullseye AS backend-kubeflow-wheel\n",
                Some("FROM python:3.8-slim-bullseye AS backend-kubeflow-wheel\n"),
            ),
            (
                "FROM python:3.7-slim-buster\n",
                "FROM python:3.8-slim\n",
                "FROM python:3.7-slim-bullseye\n",
                Some("FROM python:3.8-slim-bullseye\n"),
            ),
            // The patch still has what was removed.
            ("a b-c d e 3.7\n", "a b d e 3.8\n", "x b-c d f 3.7\n", None),
            // Upstream added something.
            ("a 3.7-c d e f\n", "a 3.8 d e f g\n", "a 3.7-x d e f\n", None),
        ],
    );
}

#[test]
fn a_line_with_a_digest_is_never_put_together() {
    let [old, new] = ["a0", "b1"].map(|hex| hex.repeat(32));
    let row = |name: &str, tag: &str, digest: &str| format!("FROM {name}:{tag}@sha256:{digest} AS x y z\n");
    let spliced = hunk(&row("a", "1.0", &old), &row("a", "1.1", &new), &row("b", "1.0", &old));
    assert_eq!(suggested(&spliced), None);
}

#[test]
fn leftover_markers_are_never_proposed() {
    assert_eq!(suggested(&hunk("", "x\n", "<<<<<<< a\nx\n")), None);
    assert_eq!(suggested(&hunk("", "x\n", "Title\n=======\nx\n")).map(|found| found.0), Some(Rule::Superset));
}

#[test]
fn reasons_name_the_words_and_are_printable() {
    let reason = |base: &str, upstream: &str, patch: &str| suggestion(&hunk(base, upstream, patch)).unwrap().reason;
    let renamed = reason("FROM python:3.7-slim-a\n", "FROM python:3.8-slim-a\n", "FROM python:3.7-slim-b\n");
    assert_eq!(renamed, "upstream renamed '3.7' to '3.8' here; the same in the patch's lines");
    let bumped = reason("FROM python:3.7\n", "FROM python:3.8\n", "FROM ubi:8\n");
    assert_eq!(bumped, "upstream only moved '3.7' to '3.8' in lines that the patch replaces");
    let strange = reason("a\u{9b}b x y z\n", "a\u{9c}b x y z\n", "a\u{9b}b X y z\n");
    assert!(!strange.chars().any(char::is_control), "{strange:?}");
}

#[test]
fn the_rules_are_tried_in_the_order_of_their_names() {
    assert!(RULES.is_sorted_by_key(|(rule, _)| *rule));
    let page = include_str!("../../../docs/conflicts.md");
    let at: Vec<_> = RULES.iter().map(|(rule, _)| page.find(&format!("| `{}` |", rule.word()))).collect();
    assert!(at.iter().all(Option::is_some) && at.is_sorted(), "{at:?}");
}

/// Makes lines that share words and versions.
fn line() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "FROM", "python", "ours", "3.7", "3.8", "3.7.9", "1", "2", "slim", "buster", "x", "v1.2", "12", "<<<<<<<",
    ]);
    let gap = prop::sample::select(vec![" ", ":", "-", "==", "  "]);
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n"]);
    (prop::collection::vec((word, gap), 1..6), end).prop_map(|(words, end)| {
        let mut line: String = words.iter().flat_map(|(word, gap)| [*word, *gap]).collect();
        line.truncate(line.trim_end_matches([' ', ':', '-', '=']).len());
        line + end
    })
}

fn lines_of(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(line(), count)
}

/// Makes a side from the base: words replaced everywhere or once, lines replaced, added or removed.
fn edited(base: &[String], edits: &[(usize, usize, String)]) -> String {
    let mut all = base.to_vec();
    let swaps = [("3.7", "3.8"), ("buster", "slim"), ("python", "ours"), ("v1.2", "v1.3"), ("3.7", "3.10"), ("x", "y")];
    for (kind, at, new) in edits {
        let at = if all.is_empty() { 0 } else { at % all.len() };
        match kind % 5 {
            0 | 1 => {
                let (old, new) = swaps[at.wrapping_add(*kind) % swaps.len()];
                let whole = *kind % 2 == 0;
                let range = if whole || all.is_empty() { 0..all.len() } else { at..at + 1 };
                all[range].iter_mut().for_each(|line| *line = line.replace(old, new));
            }
            2 if !all.is_empty() => all[at] = new.clone(),
            3 if !all.is_empty() => drop(all.remove(at)),
            _ => all.insert(at, new.clone()),
        }
    }
    all.concat()
}

fn hunks() -> impl Strategy<Value = Hunk> {
    let edits = || prop::collection::vec((0..30usize, any::<usize>(), line()), 1..3);
    (lines_of(0..4), edits(), edits(), any::<bool>()).prop_map(|(base, left, right, open)| {
        let texts = [base.concat(), edited(&base, &left), edited(&base, &right)];
        let [base, upstream, patch] =
            texts.map(|text| if open { text.trim_end_matches(['\r', '\n']).to_owned() } else { text });
        hunk(&base, &upstream, &patch)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_proposal_is_made_of_what_the_sides_have(hunk in hunks()) {
        if let Some(found) = suggestion(&hunk) {
            prop_assert!(!["<<<<<<<", "|||||||", ">>>>>>>"].iter().any(|marker| found.text.lines().any(|line| line.starts_with_str(marker))));
            let sides = [&hunk.base.text, &hunk.upstream.text, &hunk.patch.text];
            let words: HashSet<_> = sides.iter().flat_map(|side| words::words(side)).collect();
            prop_assert!(words::words(&found.text).iter().all(|word| words.contains(word)));
            let whole = matches!(found.rule, Rule::Same | Rule::Superset | Rule::OverwrittenBump | Rule::Adjacent);
            let known: HashSet<_> = sides.iter().flat_map(|side| lines(side)).collect();
            prop_assert!(!whole || lines(&found.text).iter().all(|line| known.contains(line)));
            prop_assert!(!found.reason.is_empty() && !found.reason.ends_with('.'));
        }
    }

    #[test]
    fn a_proposal_is_never_what_the_guard_forbids(hunk in hunks()) {
        if let Some(found) = suggestion(&hunk) {
            for choice in Choice::ALL.into_iter().filter(|choice| choice.text(&hunk) == found.text) {
                prop_assert_eq!(guard(&path("Dockerfile"), &hunk, choice), Ok(()));
            }
        }
        prop_assert_eq!(guard(&path("Dockerfile"), &hunk, Choice::Upstream), Ok(()));
    }

    #[test]
    fn generated_files_get_no_proposal(hunk in hunks()) {
        for name in ["go.sum", "config/crd/bases/a.yaml", "a/zz_generated.x.go"] {
            prop_assert_eq!(super::hunk(&path(name), &hunk), None);
            prop_assert!(orders(&path(name), &hunk).is_none() && guard(&path(name), &hunk, Choice::Patch).is_err());
        }
    }

    #[test]
    fn a_rule_does_not_go_on_where_its_proposal_was_taken(hunk in hunks()) {
        if let Some(found) = suggestion(&hunk) {
            let mut taken = hunk.clone();
            taken.patch.text = found.text.clone();
            let again = suggestion(&taken);
            prop_assert!(again.as_ref().is_none_or(|again| again.rule != found.rule || again.text == found.text), "{:?} then {:?}", found, again);
        }
    }

    #[test]
    fn it_does_not_matter_whose_side_it_is_where_both_edits_are_made(hunk in hunks()) {
        let swapped = Hunk { base: hunk.base.clone(), upstream: hunk.patch.clone(), patch: hunk.upstream.clone(), nth: 0, alike: Default::default() };
        for apply in [inserted::same, inserted::superset, touching::adjacent, touching::word_by_word] {
            let text = |hunk: &Hunk| apply(hunk).map(|(_, text)| text);
            prop_assert_eq!(text(&hunk), text(&swapped));
        }
    }
}
