//! Patch files that cannot be read whole are refused, with the line and the way out, and stay as they are.

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
        says: &["patches/up/0004-x.patch:7: 'Binary files a/app/x", "git diff --binary"],
        ..BASE
    },
    Mistake {
        what: "a merge conflict in a patch file",
        make: |env| {
            patch(env, &format!("<<<<<<< HEAD\nSubject: one\n=======\nSubject: two\n>>>>>>> theirs\n\n{DIFF}"));
        },
        says: &["patches/up/0004-x.patch:1: a merge left a conflict in this patch file"],
        ..BASE
    },
    Mistake {
        what: "a compressed patch",
        make: |env| env.write("ws/patches/up/0004-x.patch", b"\x1f\x8b\x08\0\0"),
        says: &["patches/up/0004-x.patch:1: this file is compressed; unpack it first ('gunzip')"],
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
