//! Patch files that cannot be parsed completely are refused, with the line and a hint, and stay unchanged.

use crate::mistakes::{BASE, Mistake, check, patch};
use crate::support::Env;

const DIFF: &str = "--- /dev/null\n+++ b/app/new.txt\n@@ -0,0 +1 @@\n+new\n";

fn behind(env: &Env, text: &str) {
    patch(env, &format!("why\n\n{DIFF}{text}"));
}

const MISTAKES: &[Mistake] = &[
    Mistake {
        what: "a binary change without its content",
        make: |env| behind(env, "Binary files a/app/x and b/app/x differ\n"),
        ..BASE
    },
    Mistake {
        what: "a merge conflict in a patch file",
        make: |env| {
            patch(env, &format!("<<<<<<< HEAD\nSubject: one\n=======\nSubject: two\n>>>>>>> theirs\n\n{DIFF}"));
        },
        ..BASE
    },
    Mistake {
        what: "a compressed patch",
        make: |env| env.write("ws/patches/up/0004-x.patch", b"\x1f\x8b\x08\0\0"),
        ..BASE
    },
];

#[test]
fn each_mistake_gets_one_clear_error() {
    MISTAKES.iter().for_each(check);
}

#[test]
fn the_canonical_form_deletes_no_line_that_announces_a_change() {
    let env = Env::new();
    env.ready();
    behind(&env, "Property changes on: app/new.txt\n___\nAdded: svn:executable\n   + *\n");
    let before = env.files();
    let run = env.patchq(&["verify", "--canonical", "--fix"]);
    assert_eq!(run.code, Some(4), "{}", run.shown());
    let text = "patches/up/0004-x.patch:7: error: the Subversion properties of 'app/new.txt' cannot be read";
    assert!(run.stdout.contains(text), "{}", run.shown());
    let differences = before.differences(&env.files());
    assert!(differences.is_empty(), "{differences:?}");
}

/// Makes a patch of `count` hunks, each of which applies two lines below its stated place.
fn misplaced(count: usize) -> (String, String) {
    let text: String = (0..count * 12).map(|line| format!("line {line}\n")).collect();
    let add: String = text.lines().map(|line| format!("+{line}\n")).collect();
    let lines = count * 12 + 2;
    let new = format!("--- /dev/null\n+++ b/app/many.txt\n@@ -0,0 +1,{lines} @@\n+a\n+b\n{add}");
    let hunk = |n: usize| {
        let at = n * 12 + 4;
        format!("@@ -{at},3 +{at},3 @@\n line {}\n-line {}\n+LINE\n line {}\n", at - 1, at, at + 1)
    };
    let hunks: String = (0..count).map(hunk).collect();
    (new, format!("--- a/app/many.txt\n+++ b/app/many.txt\n{hunks}"))
}

#[test]
fn many_misplaced_hunks_are_one_warning_and_the_hint_puts_them_right() {
    let env = Env::new();
    env.ready();
    let (new, change) = misplaced(75);
    env.write("ws/patches/up/0004-many.patch", new);
    env.write("ws/patches/up/0005-change.patch", change);
    let run = env.patchq(&["setup"]);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let warnings: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("warning:")).collect();
    let want =
        "warning: up: 0005-change.patch: 75 hunks of 1 file apply at other lines, up to 2 lines away (-v lists them)";
    assert_eq!(warnings, [want], "{}", run.shown());
    assert!(run.stderr.contains("hint: patchq verify up --fix"), "{}", run.shown());
    let run = env.patchq(&["verify", "up", "--fix"]);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let run = env.patchq(&["setup"]);
    assert!(run.code == Some(0) && !run.stderr.contains("elsewhere"), "{}", run.shown());
}

/// `git am` ignores lines after a hunk that its header does not count.
#[test]
fn a_line_of_context_too_many_can_be_dropped_by_the_hint() {
    let env = Env::new();
    env.ready();
    env.write("ws/patches/up/0004-new.patch", DIFF);
    let change = "--- a/app/new.txt\n+++ b/app/new.txt\n@@ -1 +1,2 @@\n new\n+newer\n more\n-- \n2.40\n";
    env.write("ws/patches/up/0005-x.patch", change);
    let run = env.patchq(&["setup"]);
    assert_eq!(run.code, Some(1), "{}", run.shown());
    assert!(run.stderr.contains("patches/up/0005-x.patch:6: the hunk has more lines"), "{}", run.shown());
    let hint = "sed -i 6d 'patches/up/0005-x.patch'";
    assert!(run.stderr.contains(hint), "{}", run.shown());
    let done = std::process::Command::new("sh").args(["-c", hint]).current_dir(env.ws()).status().unwrap();
    assert!(done.success());
    let run = env.patchq(&["setup"]);
    assert_eq!(run.code, Some(0), "{}", run.shown());
    env.write("ws/patches/up/0005-x.patch", change.replace(" more", "+more"));
    let run = env.patchq(&["setup"]);
    assert!(run.code == Some(1) && !run.stderr.contains("sed"), "{}", run.shown());
}
