//! Tests that printing and reading are inverse, and that hunks do what their diff says.

use crate::patch::Strip;
use bstr::{BString, ByteSlice};
use proptest::prelude::*;

use crate::patch::*;
use crate::path::RepoPath;

/// Returns the diff of two contents, made by `similar`.
fn hunks_of(old: &[u8], new: &[u8], context: usize) -> Vec<Hunk> {
    let lines =
        |text: &[u8]| -> Vec<Vec<u8>> { text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect() };
    let (old, new) = (lines(old), lines(new));
    let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
    let start = |range: &std::ops::Range<usize>| u32::try_from(range.start + usize::from(!range.is_empty())).unwrap();
    let mut hunks = Vec::new();
    for group in similar::group_diff_ops(ops, context) {
        let (first, last) = (group[0], group[group.len() - 1]);
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        let mut found = Vec::new();
        for op in &group {
            let mut take = |lines: &[Vec<u8>], side| {
                found.extend(lines.iter().map(|line| Line { side, bytes: BString::from(line.clone()) }));
            };
            if op.tag() == similar::DiffTag::Equal {
                take(&old[op.old_range()], Side::Both);
            } else {
                take(&old[op.old_range()], Side::Old);
                take(&new[op.new_range()], Side::New);
            }
        }
        let (old_start, new_start) = (start(&old_range), start(&new_range));
        hunks.push(Hunk { old_start, new_start, section: BString::default(), lines: found, line: 0 });
    }
    hunks
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![Just("a"), Just("b"), Just("-- "), Just("@@ -1 +1 @@"), Just("---"), Just("x\r"), Just("")];
    (prop::collection::vec(line, 0..30), any::<bool>()).prop_map(|(lines, ends)| {
        let mut text = lines.join("\n").into_bytes();
        if ends && !text.is_empty() {
            text.push(b'\n');
        }
        text
    })
}

fn file() -> impl Strategy<Value = FileDiff> {
    let path = "[a-zä \"\\\\\t]{1,8}(/[a-z. ]{1,3}x){0,2}";
    (path, text(), text(), any::<bool>()).prop_filter_map("a change", |(path, old, new, is_new)| {
        let path = RepoPath::new(path).ok()?;
        let old = if is_new { Vec::new() } else { old };
        let hunks = hunks_of(&old, &new, 3);
        let mode = Some(0o100_644);
        (!hunks.is_empty()).then(|| FileDiff {
            change: if is_new { Change::Add } else { Change::Modify },
            old_path: path.clone(),
            new_path: path,
            old_mode: if is_new { None } else { mode },
            new_mode: mode,
            index: Some(("1".repeat(40).into(), "2".repeat(40).into())),
            content: Content::Text(hunks),
            line: 0,
        })
    })
}

fn header() -> impl Strategy<Value = Header> {
    let body = prop::collection::vec(
        prop_oneof![
            "[a-zä:=?]{0,90}",
            Just("---".to_owned()),
            Just("diff --git a/x b/x".to_owned()),
            Just("From: x".to_owned())
        ],
        0..6,
    );
    ("\\PC{2,20}", "\\PC{1,150}", body, 0_i64..4_000_000_000, -700_i32..700).prop_filter_map(
        "words",
        |(name, subject, body, seconds, offset)| {
            let (name, subject) = (name.trim(), subject.trim());
            let plain = |text: &str| !text.is_empty() && !text.contains(['[', '<', '>', '"', '(', '\\']);
            (plain(name) && plain(subject)).then(|| Header {
                form: HeaderForm::Mail,
                author: Some(Person { name: name.into(), email: "a@b".into() }),
                date: Some(Date { seconds, offset }),
                subject: subject.into(),
                body: split_message(format!("x\n\n{}\n", body.join("\n")).as_bytes()).1,
            })
        },
    )
}

/// Returns the diffs without the numbers that depend on the place in the file.
fn placeless(mut files: Vec<FileDiff>) -> Vec<FileDiff> {
    for file in &mut files {
        file.line = 0;
        if let Content::Text(hunks) = &mut file.content {
            hunks.iter_mut().for_each(|hunk| hunk.line = 0);
        }
    }
    files
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(header in header(), files in prop::collection::vec(file(), 1..4)) {
        let patch = Patch { header, files, preamble_len: 0 };
        let printed = print(&patch);
        let read = parse(&printed.bytes, Strip::Default).map_err(|e| TestCaseError::fail(format!("{e}\n{}", printed.bytes.as_bstr())))?;
        prop_assert_eq!(&placeless(read.files.clone()), &patch.files);
        prop_assert_eq!(&read.header.author, &patch.header.author);
        prop_assert_eq!(&read.header.date, &patch.header.date);
        prop_assert_eq!(&read.header.subject, &patch.header.subject);
        if printed.shielded.is_empty() {
            prop_assert_eq!(&read.header.body, &patch.header.body);
        }
        let again = print(&read);
        prop_assert!(again.shielded.is_empty());
        prop_assert_eq!(again.bytes.as_bstr(), printed.bytes.as_bstr());
        prop_assert_eq!(&print_diffs(&read.files)[..], &printed.bytes[read.preamble_len..]);
    }

    #[test]
    fn hunks_make_the_new_content(old in text(), new in text()) {
        let hunks = hunks_of(&old, &new, 3);
        let applied = apply_hunks(&old, &hunks).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(applied.bytes.as_bstr(), new.as_bstr());
        prop_assert!(hunks.is_empty() || already_applied(&new, &hunks));
    }

    #[test]
    fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let _ = parse(&bytes, Strip::Default);
        let sample = "From: a <b@c>\nSubject: x\n\n---\n x | 1\n\ndiff --git \"a/x\" b/x\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZQzWC8#H2LJ>B\n\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n";
        let mut broken = sample.as_bytes()[..cut.min(sample.len())].to_vec();
        broken.extend(&bytes[..bytes.len().min(20)]);
        broken.extend(&sample.as_bytes()[cut.min(sample.len())..]);
        let _ = parse(&broken, Strip::Default);
    }
}
