//! Tests of applying hunks to content.

use std::time::{Duration, Instant};

use crate::patch::Strip;
use crate::patch::*;

fn hunks(text: &str) -> Vec<Hunk> {
    let text = format!("--- a/x\n+++ b/x\n{text}");
    match parse(text.as_bytes(), Strip::Default).unwrap().files.remove(0).content {
        Content::Text(hunks) => hunks,
        other => panic!("no text: {other:?}"),
    }
}

fn applied(old: &str, text: &str) -> Result<(String, Vec<i64>, Vec<usize>), HunkFailure> {
    let applied = apply_hunks(old.as_bytes(), &hunks(text))?;
    Ok((String::from_utf8(applied.bytes).unwrap(), applied.offsets, applied.ambiguous))
}

#[test]
fn at_the_place_and_at_an_offset() {
    let hunk = "@@ -2,3 +2,3 @@\n a\n-b\n+B\n c\n";
    assert_eq!(applied("0\na\nb\nc\n", hunk), Ok(("0\na\nB\nc\n".into(), vec![0], vec![])));
    assert_eq!(applied("0\n1\n2\na\nb\nc\n", hunk), Ok(("0\n1\n2\na\nB\nc\n".into(), vec![2], vec![])));
    assert_eq!(applied("a\nb\nc\n", hunk), Ok(("a\nB\nc\n".into(), vec![-1], vec![])));
}

#[test]
fn the_nearest_place_wins_and_below_comes_first() {
    let hunk = "@@ -5,3 +5,3 @@\n a\n-b\n+B\n c\n";
    let old = "0\n0\na\nb\nc\n0\na\nb\nc\n";
    assert_eq!(applied(old, hunk), Ok(("0\n0\na\nb\nc\n0\na\nB\nc\n".into(), vec![2], vec![0])));
}

#[test]
fn edges_bind_as_in_git() {
    assert_eq!(applied("0\na\nb\n", "@@ -1,2 +1,2 @@\n-a\n+A\n b\n").unwrap_err().edge, Some(Edge::Start));
    assert_eq!(applied("a\nb\n0\n", "@@ -1,2 +1,2 @@\n a\n-b\n+B\n").unwrap_err().edge, Some(Edge::Start));
    assert_eq!(applied("x\na\nb\n0\n", "@@ -2,2 +2,2 @@\n a\n-b\n+B\n").unwrap_err().edge, Some(Edge::End));
}

#[test]
fn a_failure_says_what_stands_there() {
    let error = applied("1\n2\nx\n4\n", "@@ -2,3 +2,3 @@\n 2\n-3\n+C\n 4\n").unwrap_err();
    assert_eq!(error.to_string(), "hunk 1 does not apply at line 2: line 3 is 'x', expected '3'");
    assert_eq!((error.line, error.expected_at, error.differs_at), (3, 2, 3));
    let error = applied("1\n2\n", "@@ -2,3 +2,3 @@\n 2\n-3\n+C\n 4\n").unwrap_err();
    assert!(error.to_string().contains("the file ends before '3'"), "{error}");
}

#[test]
fn hunks_keep_their_order_and_do_not_overlap() {
    let two = "@@ -2,3 +2,3 @@\n a\n-b\n+B\n c\n@@ -6,3 +6,3 @@\n x\n-y\n+Y\n z\n";
    assert_eq!(applied("0\na\nb\nc\n1\nx\ny\nz\n", two).unwrap().1, [0, 0]);
    assert_eq!(applied("0\nx\ny\nz\n1\na\nb\nc\n", two).unwrap_err().hunk, 1);
    let overlap = "@@ -2,3 +2,3 @@\n a\n-b\n+B\n c\n@@ -4,3 +4,3 @@\n c\n-d\n+D\n e\n";
    assert_eq!(applied("0\na\nb\nc\nd\ne\n", overlap).unwrap_err().hunk, 1);
}

#[test]
fn line_ends_count() {
    let hunk = "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n";
    assert_eq!(applied("a", hunk).map(|done| done.0), Ok("a\n".into()));
    assert!(applied("a\n", hunk).is_err() && applied("a\r", hunk).is_err());
}

#[test]
fn what_is_there_already_is_noticed() {
    let change = hunks("@@ -2,3 +2,3 @@\n a\n-b\n+B\n c\n");
    assert!(already_applied(b"0\na\nB\nc\n", &change) && already_applied(b"a\nB\nc\n", &change));
    assert!(!already_applied(b"0\na\nb\nc\n", &change) && !already_applied(b"", &[]));
}

#[test]
fn many_hunks_on_a_large_file_take_linear_time() {
    let old: String = (0..100_000).map(|line| format!("line {line}\n")).collect();
    let text: String = (0..1000)
        .map(|at| at * 100 + 10)
        .map(|at| format!("@@ -{0},3 +{0},3 @@\n line {1}\n-line {2}\n+new\n line {3}\n", at + 1, at, at + 1, at + 2))
        .collect();
    let start = Instant::now();
    let applied = applied(&old, &text).unwrap();
    assert_eq!(applied.0.matches("new\n").count(), 1000);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
