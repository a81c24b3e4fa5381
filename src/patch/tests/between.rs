//! Tests of text beside diffs that announces a change: it is never skipped.

use crate::patch::Strip;
use crate::patch::*;

const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
const GIT: &str = "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n";

/// What is announced, and a part of the error message.
const ANNOUNCED: [(&str, &str); 26] = [
    ("\u{feff}diff --git a/y b/y\nold mode 100644\nnew mode 100755\n", "byte order mark"),
    ("\u{feff}--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "byte order mark"),
    ("Submodule lib/x 1234567..89abcde:\n  > one\n", "--submodule=short"),
    ("Submodule lib/x 0000000...89abcde (new submodule)\n", "--submodule=short"),
    ("Binary files a/y and b/y differ\n", "git diff --binary"),
    ("Files a/y and b/y differ\n", "git diff --binary"),
    ("Binary file y has changed\n", "git diff --binary"),
    ("Only in new: y\n", "diff -N"),
    ("Symbolic links a/y and b/y differ\n", "does not hold it"),
    ("File a/y is a regular file while file b/y is a directory\n", "does not hold it"),
    ("=== renamed file 'y' => 'z'\n", "does not hold it"),
    ("* Unmerged path y\n", "does not hold it"),
    ("Index: y\n====\nCannot display: file marked as a binary type.\nsvn:mime-type = a/b\n", "git diff --binary"),
    ("\nProperty changes on: y\n____\nAdded: svn:executable\n   + *\n", "Subversion"),
    ("Index: empty\n=======\n", "changes nothing"),
    ("*** a/y\n--- b/y\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n", "context diff"),
    ("4c4\n< a\n---\n> b\n", "without context"),
    ("3,4d\n", "without context"),
    ("\x1b[1mdiff --git a/y b/y\x1b[m\n\x1b[1mold mode 100644\x1b[m\n", "--no-color"),
    ("\x1b[1m--- a/y\x1b[m\n\x1b[1m+++ b/y\x1b[m\n\x1b[36m@@ -1 +1 @@\x1b[m\n", "--no-color"),
    ("\n  --- a/y\n  +++ b/y\n  @@ -1 +1 @@\n  -a\n  +b\n", "indented"),
    ("--- a/y\n+++ b/y\nwords\n", "expected a hunk"),
    ("old mode 100644\nnew mode 100755\n", "is not part of a diff"),
    ("rename from y\nrename to z\n", "is not part of a diff"),
    ("GIT binary patch\nliteral 3\nKcmZQzWC8#H2LJ>B\n\n", "is not part of a diff"),
    (":100644 100755 1234567 1234567 M\ty\n", "is not part of a diff"),
];

#[test]
fn what_announces_a_change_behind_a_diff_is_never_skipped() {
    for (text, what) in ANNOUNCED {
        let blank = text.starts_with('\n');
        for (file, line) in
            [(format!("{DIFF}{text}{GIT}"), 6), (format!("why\n\n{GIT}{DIFF}{text}").replace(GIT, "Index: x\n"), 9)]
        {
            let error = parse(file.as_bytes(), Strip::Default).expect_err(&file);
            let far = if text.starts_with("Index: y") { 2 } else { usize::from(blank) };
            assert_eq!(error.line, line + far, "{error}\n{file}");
            assert!(error.to_string().contains(what), "{error}\n{file}");
        }
    }
}

#[test]
fn what_announces_a_change_directly_above_the_first_diff_is_never_skipped() {
    for (text, what) in ANNOUNCED {
        // If it ends in a line of other text, it is not directly above.
        if ["words\n", "b\n", "*\n", "=\n", "\n\n"].iter().any(|end| text.ends_with(end)) && !text.starts_with("***") {
            continue;
        }
        let text = text.trim_end_matches('\n');
        for file in [format!("why\n\n{text}\n{DIFF}"), format!("From: a <a@b>\nSubject: x\n\nwhy\n---\n{text}\n{DIFF}")]
        {
            let error = parse(file.as_bytes(), Strip::Default).expect_err(&file);
            assert!(error.to_string().contains(what), "{error}\n{file}");
        }
    }
    // A message may mention such lines.
    let quoted = "why\n\nIt said\nBinary files a/y and b/y differ\nOnly in new: y\n\nand that was all.\n\n";
    assert_eq!(parse(format!("{quoted}{DIFF}").as_bytes(), Strip::Default).unwrap().files.len(), 1);
}

#[test]
fn text_that_cannot_be_a_change_stays_text() {
    for text in [
        "-- \n2.40.0\n",
        "\n\nthe end\n",
        "Index: y\n",
        "diff -r 1234 y\n",
        "diff --git a/y b/y\n",
        "Common subdirectories: a/d and b/d\n",
        "commit 0123456789012345678901234567890123456789\nAuthor: a <b@c>\n\n    words\n\n",
        "Submodule lib contains untracked content\n",
        "=== modified file 'x'\n",
        "new file mode 100644\nindex 0000000..1234567\n",
    ] {
        let next = if text.starts_with("new file") {
            "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+a\n".to_owned()
        } else {
            DIFF.replace("/x", "/z")
        };
        let file = format!("{DIFF}{text}{next}");
        assert_eq!(parse(file.as_bytes(), Strip::Default).map(|patch| patch.files.len()), Ok(2), "{file}");
    }
}

#[test]
fn a_byte_order_mark_at_the_start_is_passed_over() {
    let mail = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: a <b@c>\nSubject: [PATCH] x\n\nwhy\n---\n\n";
    for text in [GIT.to_owned(), format!("{GIT}--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"), format!("{mail}{DIFF}")] {
        let plain = parse(text.as_bytes(), Strip::Default).unwrap();
        let marked = parse(format!("\u{feff}{text}").as_bytes(), Strip::Default).unwrap();
        assert_eq!((&marked.header, &marked.files), (&plain.header, &plain.files));
        assert_eq!(marked.preamble_len, plain.preamble_len + 3);
        let converted = parse(format!("\u{feff}{text}").replace('\n', "\r\n").as_bytes(), Strip::Default).unwrap();
        assert_eq!(converted.files, plain.files);
    }
}

#[test]
fn a_header_is_not_taken_for_another_files() {
    let modes = "diff --git a/y b/y\nold mode 100644\nnew mode 100755\n";
    let rename = "diff --git a/y b/n\nsimilarity index 100%\nrename from y\nrename to n\n";
    for head in [modes, rename] {
        let error = parse(format!("{head}{DIFF}").as_bytes(), Strip::Default).unwrap_err();
        assert_eq!((error.line, error.to_string().contains("'diff --git' line before")), (1, true), "{error}");
    }
    // Moved by hand, with the first line unchanged.
    let moved =
        parse(format!("diff --git a/old/x b/old/x\nindex 1..2 100644\n{DIFF}").as_bytes(), Strip::Default).unwrap();
    assert_eq!(moved.files[0].new_path.to_string(), "x");
}

#[test]
fn a_tab_in_a_name_is_not_cut_off() {
    for (head, line) in [
        ("--- a/t\tab\n+++ b/t\tab\n", 1),
        ("--- a/x\n+++ b/x\tab\n", 2),
        ("diff --git a/t\tab b/t\tab\nindex 1..2 100644\n--- a/t\tab\n+++ b/t\tab\n", 3),
    ] {
        let error = parse(format!("{head}@@ -1 +1 @@\n-a\n+b\n").as_bytes(), Strip::Default).unwrap_err();
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains("quote a name with a tab"), "{error}");
    }
    for time in [
        "",
        "2024-01-05 03:04:05 +0100",
        "(revision 7)",
        "Thu Jan 01 00:00:00 1971 +0000",
        "2004/01/02",
        "1 Jan 2004 10:00:01 -0000\t1.2",
    ] {
        let text = format!("--- a/x\t{time}\n+++ b/x\t{time}\n@@ -1 +1 @@\n-a\n+b\n");
        assert_eq!(parse(text.as_bytes(), Strip::Default).unwrap().files[0].old_path.to_string(), "x", "{time}");
    }
    let quoted = "--- \"a/t\\tab\"\t2024-01-05 03:04:05\n+++ \"b/t\\tab\"\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(parse(quoted.as_bytes(), Strip::Default).unwrap().files[0].new_path.as_bytes(), b"t\tab");
}

#[test]
fn what_is_no_patch_is_named() {
    let utf16: Vec<u8> = format!("\u{feff}{DIFF}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, what) in [
        (b"\x1f\x8b\x08rest".to_vec(), "gunzip"),
        (b"\xfd7zXZ\0rest".to_vec(), "unxz"),
        (b"BZh9rest".to_vec(), "bunzip2"),
        (utf16, "UTF-16"),
        (b"\n<!DOCTYPE html>\n<html>\n".to_vec(), "web page"),
        (b"*** a/y\n--- b/y\n***************\n*** 1 ****\n! a\n--- 1 ----\n! b\n".to_vec(), "context diff"),
        (b"\x1b[1mdiff --git a/y b/y\x1b[m\n\x1b[1mindex 1..2\x1b[m\n".to_vec(), "--no-color"),
        (b"1c1\n< a\n---\n> b\n".to_vec(), "without context"),
        (b"Only in new: y\n".to_vec(), "diff -N"),
        (b"words\n".to_vec(), "no diff"),
    ] {
        let error = parse(&bytes, Strip::Default).unwrap_err();
        assert_eq!((error.line, error.to_string().contains(what)), (1, true), "{error}");
    }
}

#[test]
fn a_merges_conflict_is_named() {
    let mail = |subject: &str| {
        format!(
            "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: a <b@c>\nSubject: {subject}\n\n---\n\n{DIFF}"
        )
    };
    let whole = format!("<<<<<<< HEAD\n{}=======\n{}>>>>>>> theirs\n", mail("one"), mail("two"));
    let subject =
        mail("one").replace("Subject: one\n", "<<<<<<< HEAD\nSubject: one\n=======\nSubject: two\n>>>>>>> theirs\n");
    let hunk = mail("one").replace("+b\n", "<<<<<<< HEAD\n+b\n=======\n+c\n>>>>>>> theirs\n");
    for (text, line) in [(whole, 1), (subject, 3), (hunk, 11)] {
        let error = parse(text.as_bytes(), Strip::Default).unwrap_err();
        assert_eq!((error.line, error.kind), (line, ParseErrorKind::MergeConflict), "{text}");
    }
    // Lines of a diff have their sign before such markers.
    let inside = mail("one").replace("@@ -1 +1 @@\n-a\n+b\n", "@@ -1 +1,3 @@\n-a\n+<<<<<<< x\n+=======\n+>>>>>>> y\n");
    assert_eq!(parse(inside.as_bytes(), Strip::Default).map(|patch| patch.files.len()), Ok(1));
}
