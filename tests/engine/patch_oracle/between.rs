//! Puts any text between two good diffs: every change that `git apply` or GNU patch makes of the file is made, or the
//! file is refused.

use patchq::patch::Strip;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use bstr::ByteSlice;
use patchq::patch::{Change, Content, Patch, apply_binary, apply_hunks, parse};
use patchq::path::RepoPath;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// Content of every file, and whether it is executable.
type Tree = BTreeMap<String, (Vec<u8>, bool)>;

const OLD: &[u8] = b"one\ntwo\nthree\nfour\nfive\n";

fn old_tree() -> Tree {
    ["w", "x", "y", "z"].into_iter().map(|name| (name.to_owned(), (OLD.to_vec(), false))).collect()
}

fn good(name: &str) -> String {
    format!("diff --git a/{name} b/{name}\n--- a/{name}\n+++ b/{name}\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n")
}

/// Returns the result of the program for the patch file in a folder with the old tree.
fn made_by(program: &str, args: &[&str], file: &[u8]) -> Tree {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir(&tree).unwrap();
    for (name, (content, _)) in old_tree() {
        fs::write(tree.join(name), content).unwrap();
    }
    fs::write(dir.path().join("p"), file).unwrap();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("LC_ALL", "C").env("TMPDIR", dir.path());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    command.env("GIT_CEILING_DIRECTORIES", dir.path());
    command.args(args).arg("../p").current_dir(&tree);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut found = Tree::new();
    collect(&tree, "", &mut found);
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let meta = fs::symlink_metadata(entry.path()).unwrap();
        if meta.is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
        } else if meta.is_file() && !name.ends_with(".orig") && !name.ends_with(".rej") {
            found.insert(name, (fs::read(entry.path()).unwrap(), meta.permissions().mode() & 0o100 != 0));
        }
    }
}

/// Returns patchq's result; `None`: it refuses.
fn made(patch: &Patch) -> Option<Tree> {
    let old = old_tree();
    let mut new = old.clone();
    for file in &patch.files {
        let text = |path: &RepoPath| String::from_utf8_lossy(path.as_bytes()).into_owned();
        let (from, to) = (text(&file.old_path), text(&file.new_path));
        let before = match file.change {
            Change::Add if new.contains_key(&to) => return None,
            Change::Add => (Vec::new(), false),
            Change::Rename(_) | Change::Copy(_) => old.get(&from)?.clone(),
            _ => new.get(&from)?.clone(),
        };
        let content = match &file.content {
            Content::Same => before.0,
            Content::Text(hunks) => apply_hunks(&before.0, hunks).ok()?.bytes,
            Content::Binary { forward, .. } => apply_binary(&before.0, forward).ok()?,
            Content::BinaryWithoutData => return None,
        };
        if matches!(file.change, Change::Rename(_) | Change::Delete) {
            new.remove(&from);
        }
        if file.change != Change::Delete {
            new.insert(to, (content, file.new_mode.map_or(before.1, |mode| mode & 0o100 != 0)));
        } else if !content.is_empty() && file.content != Content::Same {
            return None;
        }
    }
    Some(new)
}

/// Checks whether a git diff without content is before a plain one. GNU patch does to the second file what the first
/// diff says about its own file; neither git nor patchq does.
fn leaks(patch: &Patch, file: &[u8]) -> bool {
    let lines: Vec<&[u8]> = file.lines().collect();
    let is_git = |line: usize| lines[line - 1].starts_with(b"diff --git ");
    patch.files.windows(2).any(|pair| pair[0].content == Content::Same && !is_git(pair[1].line))
}

/// Compares patchq with both programs; returns whether it accepted the file, or the different result of the programs.
fn compare(middle: &[u8]) -> Result<bool, String> {
    let file = [good("x").as_bytes(), middle, good("z").as_bytes()].concat();
    let Ok(patch) = parse(&file, Strip::Default) else { return Ok(false) };
    let Some(ours) = made(&patch) else { return Ok(false) };
    let old = old_tree();
    for (program, args) in [("git", &["apply"][..]), ("patch", &["-p1", "-F0", "--binary", "-N", "-f", "-s", "-i"])] {
        if program == "patch" && leaks(&patch, &file) {
            continue;
        }
        let theirs = made_by(program, args, &file);
        for name in old.keys().chain(theirs.keys()) {
            let change = theirs.get(name);
            // GNU patch reads a mode only if nothing follows it on its line.
            let without_mode = ours.get(name).filter(|_| program == "patch").map(|(text, _)| (text.clone(), false));
            if change != old.get(name) && change != ours.get(name) && change != without_mode.as_ref() {
                let shown = |one: Option<&(Vec<u8>, bool)>| format!("{:?}", one.map(|(text, x)| (text.as_bstr(), x)));
                let (theirs, ours) = (shown(change), shown(ours.get(name)));
                let file = String::from_utf8_lossy(&file);
                return Err(format!("{program} makes of {name}\n{theirs}, and patchq\n{ours}:\n{file}"));
            }
        }
    }
    Ok(true)
}

const HUNK: &str = "@@ -3,3 +3,3 @@\n three\n-four\n+FOUR\n five\n";

/// Returns changes of `y` (and the new file `n`) in every form that some program writes.
fn forms() -> Vec<String> {
    let lines = [
        format!("--- a/y\n+++ b/y\n{HUNK}"),
        format!("diff --git a/y b/y\nold mode 100644\nnew mode 100755\nindex 1..2\n--- a/y\n+++ b/y\n{HUNK}"),
        "diff --git a/y b/y\nold mode 100644\nnew mode 100755\n".to_owned(),
        "diff --git a/y b/y\nnew mode 100755\n".to_owned(),
        "diff --git a/y b/n\nsimilarity index 100%\nrename from y\nrename to n\n".to_owned(),
        "diff --git a/y b/n\nsimilarity index 100%\ncopy from y\ncopy to n\n".to_owned(),
        "diff --git a/n b/n\nnew file mode 100644\nindex 0000000..e69de29\n".to_owned(),
        "diff --git a/n b/n\nnew file mode 100755\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+new\n".to_owned(),
        "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+new\n".to_owned(),
        format!("Index: a/y\n===================\n--- a/y\t(revision 1)\n+++ b/y\t(working copy)\n{HUNK}"),
        format!("Index: a/y\n{HUNK}"),
        "*** a/y\t2024-01-01\n--- b/y\t2024-01-02\n***************\n*** 1,4 ****\n  one\n! two\n  three\n  four\n--- 1,4 ----\n  one\n! TWO\n  three\n  four\n".to_owned(),
        "Index: a/y\n4c4\n< four\n---\n> FOUR\n".to_owned(),
        "Index: a/y\n4c\nFOUR\n.\n".to_owned(),
        "diff --git a/y b/y\ndeleted file mode 100644\n--- a/y\n+++ /dev/null\n@@ -1,5 +0,0 @@\n-one\n-two\n-three\n-four\n-five\n".to_owned(),
        "diff --git a/n b/n\nnew file mode 100644\nindex 0000000000000000000000000000000000000000..5d308e1d060b0c387d452cf4747f89ecb9935851\nGIT binary patch\nliteral 3\nKcmZQzWC8#H2LJ>B\n\nliteral 0\nHcmV?d00001\n\n".to_owned(),
    ];
    lines.to_vec()
}

/// Returns a line damaged as in transport.
fn spoiled(line: &str, how: u8) -> String {
    match how {
        0 => String::new(),
        1 => format!("\u{feff}{line}"),
        2 => format!("\x1b[1m{line}\x1b[m"),
        3 => format!("  {line}"),
        4 => format!("\t{line}"),
        5 => format!("X{line}"),
        6 => format!("- {line}"),
        7 => format!("> {line}"),
        8 => format!("#{line}"),
        9 => format!("\n{line}"),
        10 => format!("{line}\nwords"),
        11 => format!("{line}\r"),
        12 => format!("{line}\t"),
        13 => line.chars().skip(1).collect(),
        14 => format!("{line}\n{line}"),
        _ => line.to_owned(),
    }
}

fn middle() -> impl Strategy<Value = Vec<u8>> {
    let forms = forms();
    let text = prop::sample::select(vec![
        "",
        "words\n",
        "-- \n2.40.0\n",
        "\n\n",
        "---\n",
        "old mode 100644\n",
        "@@ -1 +1 @@\n",
    ]);
    let piece = (0..forms.len(), prop::collection::vec((any::<prop::sample::Index>(), 0..15_u8), 0..3), any::<bool>())
        .prop_map(move |(form, spoils, whole)| {
            let mut lines: Vec<String> = forms[form].lines().map(str::to_owned).collect();
            for (at, how) in spoils {
                let at = at.index(lines.len());
                if whole {
                    lines = lines.iter().map(|line| spoiled(line, how)).collect();
                } else {
                    lines[at] = spoiled(&lines[at], how);
                }
            }
            lines.join("\n") + "\n"
        });
    let bytes = prop::collection::vec(any::<u8>(), 0..6);
    (text, prop::collection::vec(piece, 0..3), bytes).prop_map(|(text, pieces, bytes)| {
        let end: &[u8] = if bytes.is_empty() { b"" } else { b"\n" };
        [text.as_bytes(), pieces.concat().as_bytes(), &bytes, end].concat()
    })
}

#[test]
fn what_stands_between_two_diffs_is_made_or_refused() {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    let run = runner.run(&middle(), |middle| {
        let count = if compare(&middle).map_err(TestCaseError::fail)? { &taken } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    match run {
        Ok(()) => {}
        Err(TestError::Fail(why, _)) => panic!("{why}"),
        Err(error) => panic!("{error}"),
    }
    assert!(taken.get() > 40 && refused.get() > 40, "{} taken, {} refused", taken.get(), refused.get());
}

#[test]
fn every_form_between_two_diffs_is_made_or_refused() {
    let forms = forms();
    let taken: Vec<bool> = forms.iter().map(|form| compare(form.as_bytes()).unwrap()).collect();
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 11, "{taken:?}");
}
