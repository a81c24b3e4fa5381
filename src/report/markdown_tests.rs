//! Tests of texts that could leave their span, and of reports that must fit.

use super::*;
use crate::git::Id;
use crate::report::LinesReport;
use crate::stack::{ConflictKind, Outcome};

#[test]
fn no_text_leaves_its_span() {
    // Two backticks alone would open a span that ends at the next two.
    assert_eq!((code(""), code(" "), code("`")), ("` `".to_owned(), "` `".to_owned(), "`` ` ``".to_owned()));
    assert_eq!(code("a`\n# b\u{1b}[2J"), "``a`\\n# b\\x1b[2J``");
    // Readers differ about a backslash before a bar.
    assert_eq!((cell(b"a|b"), cell(b"a\\|b")), ("`a\\|b`".to_owned(), "`a\\\\x7cb`".to_owned()));
}

fn lines(start: usize, lines: impl Iterator<Item = String>) -> LinesReport {
    LinesReport { start, lines: lines.map(|line| Bytes::from(line.as_bytes())).collect() }
}

fn hunk(n: usize) -> HunkReport {
    let side = |word: &str| lines(7, (0..n).map(|line| format!("{word} {line}\n")).collect::<Vec<_>>().into_iter());
    let (before, after) = (vec![Bytes::from("before\n")], vec![Bytes::from("after")]);
    HunkReport {
        before,
        base: lines(7, std::iter::empty()),
        upstream: side("theirs"),
        patch: side("ours"),
        after,
        suggestion: None,
    }
}

fn conflicting(name: &str, hunks: Vec<HunkReport>) -> PatchReport {
    let conflict = ConflictReport {
        path: "a".into(),
        kind: ConflictKind::Content,
        message: "upstream changed the same lines".to_owned(),
        base: None,
        upstream: None,
        patch: None,
        hunks,
        candidates: Vec::new(),
        suggestion: None,
        generated: None,
    };
    let file = FileReport {
        path: "a".into(),
        from: None,
        moved_to: None,
        similarity: None,
        outcome: Outcome::Conflict,
        waits_for: None,
        upstream_has: None,
        conflict: Some(conflict),
        not_run: None,
        decided: Vec::new(),
        refused: Vec::new(),
    };
    PatchReport {
        file: name.to_owned(),
        subject: "Do".into(),
        outcome: Outcome::Conflict,
        dropped: false,
        dropped_because: None,
        emptied: false,
        suggestion: None,
        old_commit: Id::EMPTY_TREE,
        new_commit: None,
        files: vec![file],
    }
}

fn report(patches: &[PatchReport]) -> String {
    let heading = Heading { name: "up", from: "1", to: "2", state: "It waits.", notes: &[], compare: None };
    markdown(&heading, patches, "some", &[], &|_, _| Vec::new())
}

#[test]
fn a_long_hunk_is_cut_and_its_surroundings_stand_once() {
    let mut long = hunk(103);
    long.base = lines(7, std::iter::once("x".repeat(2 * CHARACTERS)));
    let text = report(&[conflicting("0001-a.patch", vec![long])]);
    assert_eq!(text.matches("│ before\n").count(), 1, "{text}");
    assert_eq!(text.matches("│ after\n").count(), 1, "{text}");
    assert!(text.contains("upstream │ theirs 0\nupstream │ theirs 1\n"), "{text}");
    assert!(text.contains("theirs 39\nupstream │ … 63 more lines\npatch    │ ours 0\n"), "{text}");
    assert!(text.contains("xx …\n") && !text.contains(&"x".repeat(CHARACTERS + 1)), "{text}");
}

#[test]
fn a_report_fits_into_a_pull_request() {
    let small = || conflicting("0002-small.patch", vec![hunk(0)]);
    let large = || conflicting("0001-large.patch", (0..50).map(|_| hunk(60)).collect());
    let fits = report(&[large(), small()]);
    assert!(fits.contains("… 30 more places") && !fits.contains("left out"), "{fits}");
    let mut patches: Vec<_> = (0..20).map(|_| large()).collect();
    patches.push(small());
    let text = report(&patches);
    assert!(text.len() > MOST / 2 && text.len() < 65_536, "{}", text.len());
    let (shown, left) = (text.matches("\n## `0001-").count(), 20);
    let left = left - shown;
    assert!(shown > 0 && text.contains(&format!("\n**… {left} more conflicts**, left out because the report is full")));
    assert!(text.contains("\n## `0002-small.patch`\n"), "what fits is there");
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    let text = report(&(0..9000).map(|_| conflicting("0003-x.patch", Vec::new())).collect::<Vec<_>>());
    assert!(text.len() < 65_536 && text.contains(" more patches | | |\n"), "{}", text.len());
}

#[test]
fn nothing_ends_its_code_span() {
    assert_eq!(code("a `b` @c"), "``a `b` @c``");
    assert_eq!(code("`x"), "`` `x ``");
    assert_eq!(cell(b"a|b"), "`a\\|b`");
}
