//! Tests of every form of diff that is read, and of every error in one.

use crate::patch::Strip;
use crate::patch::*;

fn one(text: &str) -> FileDiff {
    let mut files = parse(text.as_bytes(), Strip::Default).unwrap().files;
    assert_eq!(files.len(), 1);
    files.remove(0)
}

fn hunks(diff: &FileDiff) -> &[Hunk] {
    match &diff.content {
        Content::Text(hunks) => hunks,
        other => panic!("no text: {other:?}"),
    }
}

fn paths(text: &str, strip: Strip) -> Result<(String, String), ParseError> {
    let patch = parse(text.as_bytes(), strip)?;
    Ok((patch.files[0].old_path.to_string(), patch.files[0].new_path.to_string()))
}

fn same(path: &str) -> Result<(String, String), ParseError> {
    Ok((path.to_owned(), path.to_owned()))
}

const HUNK: &str = "@@ -1 +1 @@\n-a\n+b\n";

#[test]
fn names_come_from_every_kind_of_line() {
    for (head, want) in [
        ("diff --git a/x y b/x y\nindex 1..2 100644\n--- a/x y\t\n+++ b/x y\t\n", "x y"),
        ("diff --git i/x w/x\nindex 1..2 100644\n--- i/x\n+++ w/x\n", "x"),
        ("diff --git \"a/\\303\\244\" \"b/\\303\\244\"\n--- \"a/\\303\\244\"\n+++ \"b/\\303\\244\"\n", "ä"),
        ("--- a/d/x\t2024-01-05 03:04:05.000000000 +0100\n+++ b/d/x\t2024-01-05 03:04:06.000000000 +0100\n", "d/x"),
        ("--- a/d/x 2024-01-05 03:04:05\n+++ b/d/x 2024-01-05 03:04:06\n", "d/x"),
        ("Index: pkg/x\n===================\n--- pkg.orig/x\n+++ pkg/x\n", "x"),
        ("diff -urN old/x new/x\n--- old/x.orig\n+++ new/x\n", "x"),
        ("--- a/x\n+++ b/x.new\n", "x"),
        ("--- a/x\r\n+++ b/x\r\n", "x"),
    ] {
        assert_eq!(paths(&format!("{head}{HUNK}"), Strip::Default), same(want), "{head}");
    }
    assert_eq!(paths(&format!("--- x/y\n+++ x/y\n{HUNK}"), Strip::Explicit(0)), same("x/y"));
    let no_prefix = format!("diff --git x/y x/y\n--- x/y\n+++ x/y\n{HUNK}");
    assert_eq!(paths(&no_prefix, Strip::Explicit(0)), same("x/y"));
    // A given number of folders applies to any names; without one, git's a/ and b/ are expected.
    assert_eq!(paths(&no_prefix, Strip::Explicit(1)), same("y"));
    assert!(matches!(paths(&no_prefix, Strip::Default).unwrap_err().kind, ParseErrorKind::NoPrefix(_)));
    let only_mode = "diff --git x/y x/y\nold mode 100644\nnew mode 100755\n";
    assert_eq!(paths(only_mode, Strip::Explicit(1)), same("y"));
    assert_eq!(paths(&format!("--- a/b//c/x\n+++ a/b//c/x\n{HUNK}"), Strip::Explicit(2)), same("c/x"));
}

#[test]
fn kinds_of_change() {
    let git = |rest: &str| one(&format!("diff --git a/x b/x\n{rest}"));
    let add = git("new file mode 100755\nindex 0000000..e69de29\n");
    assert_eq!(
        (add.change, add.old_mode, add.new_mode, add.content),
        (Change::Add, None, Some(0o100_755), Content::Same)
    );
    let delete = git("deleted file mode 100644\nindex e69de29..0000000\n");
    assert_eq!((delete.change, delete.old_mode), (Change::Delete, Some(0o100_644)));
    let mode = git("old mode 100644\nnew mode 100755\n");
    assert_eq!((mode.change, mode.old_mode, mode.new_mode), (Change::Modify, Some(0o100_644), Some(0o100_755)));
    let rename = one("diff --git a/x b/y z\nsimilarity index 90%\nrename from x\nrename to y z\n");
    assert_eq!((rename.change, rename.new_path.to_string()), (Change::Rename(Some(90)), "y z".to_owned()));
    let copy = one("diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n");
    assert_eq!(copy.change, Change::Copy(Some(100)));
    let sub = git("index 1..2 160000\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n");
    assert_eq!(sub.new_mode, Some(0o160_000));
    assert_eq!(git("index 1..2 100644\nBinary files a/x and b/x differ\n").content, Content::BinaryWithoutData);
}

#[test]
fn plain_diffs_make_and_remove_files() {
    let add = "@@ -0,0 +1 @@\n+a\n";
    let delete = "@@ -1 +0,0 @@\n-a\n";
    for (text, want) in [
        (format!("--- /dev/null\n+++ b/x\n{add}"), Change::Add),
        (
            format!("--- a/x\t1970-01-01 00:00:00.000000000 +0000\n+++ b/x\t2024-01-01 00:00:00 +0000\n{add}"),
            Change::Add,
        ),
        (format!("--- a/x\t1969-12-31 19:00:00.000000000 -0500\n+++ b/x\n{add}"), Change::Add),
        (format!("--- a/x\n+++ b/x\n{add}"), Change::Add),
        (format!("--- a/x\n+++ /dev/null\t2024-01-01\n{delete}"), Change::Delete),
        (format!("--- a/x\n+++ b/x\t1970-01-01 01:00:00 +0100\n{delete}"), Change::Delete),
        (format!("--- a/x\n+++ b/x\n{delete}"), Change::Modify),
    ] {
        assert_eq!(one(&text).change, want, "{text}");
    }
}

#[test]
fn lines_as_they_are_found() {
    let diff = one(
        "--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@ fn main()  \n a\r\n\n-b\r\n+c\r\n d\n\\ Kein Zeilenumbruch am Dateiende.\n-- \n2.40.0\n",
    );
    let hunk = &hunks(&diff)[0];
    let lines: Vec<&[u8]> = hunk.lines.iter().map(|line| line.bytes.as_slice()).collect();
    assert_eq!(lines, [b"a\r\n".as_slice(), b"\n", b"b\r\n", b"c\r\n", b"d"]);
    assert_eq!((hunk.section.as_slice(), hunk.line, diff.line), (b"fn main()".as_slice(), 3, 1));
}

#[test]
fn a_file_that_was_converted_to_crlf_reads_without() {
    let text = format!("why\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n{HUNK}");
    let converted = parse(text.replace('\n', "\r\n").as_bytes(), Strip::Default).unwrap();
    let plain = parse(text.as_bytes(), Strip::Default).unwrap();
    assert_eq!(converted.files, plain.files);
    assert_eq!((converted.preamble_len, plain.preamble_len), (7, 5));
    let mixed = parse(text.replace("-a\n+b\n", "-a\r\n+b\r\n").as_bytes(), Strip::Default).unwrap();
    assert_eq!(hunks(&mixed.files[0])[0].lines[0].bytes, "a\r\n");
}

#[test]
fn a_lost_last_line_feed_is_no_change_of_content() {
    let diff = one("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b");
    assert_eq!(hunks(&diff)[0].lines[1].bytes, "b\n");
}

#[test]
fn a_path_may_come_twice() {
    let text = "diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\ndiff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n\\ No newline at end of file\n";
    let changes: Vec<Change> =
        parse(text.as_bytes(), Strip::Default).unwrap().files.iter().map(|file| file.change).collect();
    assert_eq!(changes, [Change::Delete, Change::Add]);
}

/// As in `git apply`, which uses ids for binary content only.
#[test]
fn ids_that_are_none_are_passed_over() {
    for index in ["1234567..abcdefg 100644", "xxxxxxx..yyyyyyy", "zz"] {
        let diff = one(&format!("diff --git a/x b/x\nindex {index}\n--- a/x\n+++ b/x\n{HUNK}"));
        let mode = index.ends_with("100644").then_some(0o100_644);
        assert_eq!((&diff.index, diff.new_mode, hunks(&diff).len()), (&None, mode, 1), "{index}");
    }
}

#[test]
fn mistakes_name_their_line() {
    let head = "--- a/x\n+++ b/x\n";
    let git = "diff --git a/x b/x\n";
    let mail = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: a <b@c>\nSubject: x\n\n";
    for (text, line, what) in [
        ("just text\n".to_owned(), 1, "no diff"),
        (format!("{head}@@ -1,2 +1 @@\n-a\n+b\n"), 3, "ends too early: 1 old and 0 new"),
        (format!("{head}{HUNK}+c\n"), 6, "more lines than its header counts: '+c'"),
        (format!("{head}@@ -1 +1 @@\n a\n+b\n"), 5, "more lines"),
        (format!("{head}@@ -1,2 +1,2 @@\n-a\n?b\n"), 5, "found '?b'"),
        (format!("{head}@@ -x +1 @@\n-a\n"), 3, "'@@ -x +1 @@'"),
        (format!("{git}index 1..2 100644\n--- a/x\n+++ b/x\nnothing\n"), 5, "expected a hunk"),
        (format!("{head}{HUNK}\n{HUNK}"), 7, "without a file"),
        (format!("{head}@@ -1,2 +1 @@\n-a\n\\ No newline at end of file\n-b\n+c\n"), 3, "No newline"),
        (format!("--- a/../x\n+++ b/../x\n{HUNK}"), 1, "'.' or '..'"),
        (format!("--- a/.git/x\n+++ b/.git/x\n{HUNK}"), 1, "'.git'"),
        (format!("--- x\n+++ x\n{HUNK}"), 1, "-p1"),
        (format!("diff --git d/x d/x\n--- d/x\n+++ d/x\n{HUNK}"), 1, "-p0"),
        (format!("{git}--- a/x\n+++ b/y\n{HUNK}"), 1, "nothing says that the file was renamed"),
        (format!("{git}rename from x\n"), 1, "'from' and its 'to'"),
        (format!("{git}old mode 40000\n"), 2, "not a file mode"),
        (format!("{git}index zz\n"), 1, "changes nothing"),
        (format!("{git}old mode 100644\n"), 1, "'old mode' and its 'new mode'"),
        (
            format!("{git}old mode 100755\nindex 1..2 100644\n--- a/x\n+++ b/x\n{HUNK}"),
            1,
            "'old mode' and its 'new mode'",
        ),
        (format!("{git}new mode 100755\n--- a/x\n+++ b/x\n{HUNK}"), 1, "'old mode' and its 'new mode'"),
        (format!("{git}index 1..2 100644\n"), 1, "changes nothing"),
        (format!("{git}new file mode 100644\n--- /dev/null\n+++ b/x\n{HUNK}"), 5, "old lines"),
        (format!("{git}deleted file mode 100644\n--- a/x\n+++ /dev/null\n{HUNK}"), 5, "keep lines"),
        (format!("{git}index 1..2\nGIT binary patch\nliteral 3\nKcmZQzWC8#H2LJ>,\n\n"), 5, "not base85"),
        (format!("{git}index 1..2\nGIT binary patch\nliteral 9\nKcmZQzWC8#H2LJ>B\n\n"), 4, "9 bytes"),
        (format!("{git}index 1..2\nGIT binary patch\nnonsense\n\n"), 4, "literal SIZE"),
        ("diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1 -1 +1 @@@\n".to_owned(), 1, "combined"),
        (format!("{mail}---\n\n{head}{HUNK}{mail}---\n\n{head}{HUNK}"), 12, "second mail"),
        (format!("{mail}cover\n\n{mail}---\n\n{head}{HUNK}"), 7, "second mail"),
        (format!("From: a <b@c>\nDate: soon\nSubject: x\n\n---\n{head}{HUNK}"), 2, "'soon' is not a date"),
        (format!("From: a <b@c>\nContent-Type: multipart/mixed\nSubject: x\n\n---\n{head}{HUNK}"), 1, "several parts"),
    ] {
        let error = parse(text.as_bytes(), Strip::Default).expect_err(&text);
        assert_eq!(error.line, line, "{error}\n{text}");
        assert!(error.to_string().contains(what), "{error}");
    }
}
