//! `patchq export`: whatever plain git did, only the necessary files change.

use super::support::{Env, PATCHES, Snapshot, assert_same, in_both_worlds, put, set_mode};

/// Exports, and checks that the only differences of the workspace's files (without the checkout) are `expected`, by
/// their beginnings.
#[track_caller]
fn changes(env: &Env, expected: &[&str]) {
    let files = |env: &Env| {
        Snapshot::of(&env.ws(), |path| path == std::path::Path::new(".git") || path == std::path::Path::new("up"))
    };
    let before = files(env);
    let tree = env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]);
    let run = env.patchq(&["export"]).ok();
    let found = before.differences(&files(env));
    let ok =
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, wanted)| found.starts_with(wanted));
    assert!(ok, "{found:#?}\nexpected {expected:#?}\n{}", run.shown());
    assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]), tree, "the tree is what it was");
    assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
    env.changes_nothing(&["setup"]).ok().says("up to date");
    env.changes_nothing(&["export"]).ok().says("nothing to export");
}

fn notes(env: &Env, rev: &str) -> String {
    env.git(&env.co(), &["notes", "--ref", "patchq", "show", rev])
}

in_both_worlds! {
    fn a_commit(env) {
        env.ready();
        env.commit_in_checkout("app/main.py", "import util\n", "Do less\n\nIt is enough.\n\nCVE: CVE-2024-0002");
        changes(env, &["new: patches/up/0004-do-less.patch"]);
        assert!(env.read("ws/patches/up/0004-do-less.patch").contains("\nCVE: CVE-2024-0002\n---\n"));
        assert_eq!(notes(env, "HEAD"), "0004-do-less.patch");
    }

    fn an_amended_top(env) {
        env.ready();
        put(&env.co().join("lib/util.py"), "def answer():\n    return 'OUI'\n\n\ndef other():\n    return 1\n");
        env.git(&env.co(), &["commit", "-qa", "--amend", "-m", "Answer in French"]);
        changes(env, &["changed: patches/up/0003-Answer-in-capitals.patch"]);
        assert!(env.read("ws/patches/up/0003-Answer-in-capitals.patch").contains("Subject: [PATCH] Answer in French\n"));
    }

    fn a_reworded_patch(env) {
        env.ready();
        let vars = [("GIT_SEQUENCE_EDITOR", "sed -i -e '2s/^pick/reword/'"), ("GIT_EDITOR", "sed -i -e '1s/.*/Pin them all/'")];
        env.git_with(&env.co(), &vars, &["rebase", "-q", "-i", "refs/patchq/base"]).ok();
        changes(env, &["changed: patches/up/0002-Pin-the-requirements.patch"]);
    }

    fn a_dropped_patch_leaves_a_gap(env) {
        env.ready();
        env.rebase("2s/^pick/drop/").ok();
        changes(env, &["gone: patches/up/0002-Pin-the-requirements.patch"]);
        assert_eq!(env.queue(), [PATCHES[0], PATCHES[2]]);
        env.commit_in_checkout("app/main.py", "import util\n", "Do less");
        changes(env, &["new: patches/up/0004-do-less.patch"]);
    }

    fn a_squashed_patch(env) {
        env.ready();
        env.rebase("3s/^pick/squash/").ok();
        env.patchq(&["export"]).ok();
        assert_eq!(env.queue(), PATCHES[..2]);
        let text = env.read("ws/patches/up/0002-Pin-the-requirements.patch");
        assert!(text.contains("a/lib/util.py") && text.contains("a/app/requirements.txt"), "{text}");
        env.changes_nothing(&["setup"]).ok();
    }

    fn an_edited_patch_in_the_middle(env) {
        env.ready();
        env.rebase("2s/^pick/edit/").ok();
        put(&env.co().join("app/requirements.txt"), "flask==2.0\njinja2==3.1.4\nrequests==2.31\nurllib3\n");
        env.git(&env.co(), &["commit", "-qa", "--amend", "--no-edit"]);
        env.git(&env.co(), &["rebase", "--continue"]);
        changes(env, &["changed: patches/up/0002-Pin-the-requirements.patch"]);
    }

    fn a_new_patch_between_two(env) {
        env.ready();
        env.rebase("2s/^pick/edit/").ok();
        put(&env.co().join("docs/new.md"), "new\n");
        env.git(&env.co(), &["add", "-A"]);
        env.git(&env.co(), &["commit", "-qm", "Write docs"]);
        env.git(&env.co(), &["rebase", "--continue"]);
        env.patchq(&["export"]).ok();
        let subjects = env.git(&env.co(), &["log", "--reverse", "--format=%s", "refs/patchq/base.."]);
        assert_eq!(subjects, "Build on bullseye\nPin the requirements\nWrite docs\nAnswer in capitals");
        assert_eq!(env.queue().len(), 4);
        assert_eq!(env.queue()[..2], PATCHES[..2]);
        assert!(env.queue()[2].ends_with("-write-docs.patch"), "{:?}", env.queue());
        env.changes_nothing(&["setup"]).ok();
    }

    fn a_split_patch(env) {
        env.ready();
        env.rebase("1s/^pick/edit/").ok();
        env.git(&env.co(), &["reset", "-q", "HEAD^"]);
        put(&env.co().join("docs/new.md"), "new\n");
        env.git(&env.co(), &["add", "docs"]);
        env.git(&env.co(), &["commit", "-qm", "Write docs"]);
        env.git(&env.co(), &["commit", "-qam", "Build on bullseye"]);
        env.git(&env.co(), &["rebase", "--continue"]);
        env.patchq(&["export"]).ok();
        let subjects = env.git(&env.co(), &["log", "--reverse", "--format=%s", "refs/patchq/base.."]);
        assert_eq!(subjects, "Write docs\nBuild on bullseye\nPin the requirements\nAnswer in capitals");
        // No number is free before the first: later ones are renumbered.
        let queue = ["0001-write-docs.patch", "0002-Build-on-bullseye.patch", "0003-Pin-the-requirements.patch"];
        assert_eq!(env.queue()[..3], queue);
        env.changes_nothing(&["setup"]).ok();
    }

    fn a_new_order(env) {
        env.ready();
        env.rebase("1{h;d};3{p;x}").ok();
        assert_eq!(env.git(&env.co(), &["log", "--format=%s", "-3"]), "Build on bullseye\nAnswer in capitals\nPin the requirements");
        let tree = env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]);
        env.patchq(&["export"]).ok();
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]), tree);
        assert_eq!(env.git(&env.co(), &["log", "--format=%s", "-3"]), "Build on bullseye\nAnswer in capitals\nPin the requirements");
        env.changes_nothing(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
    }

    fn nothing_is_left(env) {
        let up = env.ready();
        env.git(&env.co(), &["reset", "-q", "--hard", &up.pin]);
        env.changes_nothing(&["export"]).exits(1).one_error().hints("--allow-empty");
        env.patchq(&["export", "--allow-empty"]).ok();
        assert_eq!(env.queue(), [""; 0]);
        env.changes_nothing(&["setup"]).ok();
        env.patchq(&["undo"]).ok();
        assert_eq!(env.queue(), PATCHES);
    }

    fn an_empty_commit_is_refused(env) {
        env.ready();
        env.git(&env.co(), &["commit", "-q", "--allow-empty", "-m", "Nothing"]);
        env.changes_nothing(&["export"]).exits(1).one_error().says("Nothing").hints("rebase -i refs/patchq/base");
    }

    fn a_fast_forward_rebase_changes_nothing(env) {
        env.ready();
        env.git(&env.co(), &["rebase", "-q", "--force-rebase", "refs/patchq/base"]);
        changes(env, &[]);
    }

    fn a_headerless_patch_goes_back_without_a_header(env) {
        let diff = "diff --git a/a b/a\nindex 1234567..89abcde 100644\n--- a/a\n+++ b/a\n@@ -1,4 +1,4 @@\n 1\n-2\n+two\n 3\n 4\n";
        env.workspace_with("", &[("a", b"1\n2\n3\n4\n5\n"), ("b", b"b\n")], &[("raw.patch", diff.as_bytes())]);
        env.patchq(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        put(&env.co().join("a"), "1\nTWO\n3\n4\n5\n");
        env.git(&env.co(), &["commit", "-qa", "--amend", "--no-edit"]);
        changes(env, &["changed: patches/up/raw.patch"]);
        let text = env.read("ws/patches/up/raw.patch");
        assert!(text.starts_with("diff --git a/a b/a\n") && text.contains("+TWO\n"), "{text}");
        put(&env.co().join("b"), "bb\n");
        env.patchq(&["save", "-m", "A second"]).ok();
        assert!(env.read("ws/patches/up/raw.patch") == text);
        env.changes_nothing(&["setup"]).ok();
    }

    fn a_quilt_series(env) {
        let one = "Description: say two\nAuthor: Q <q@example.org>\n\nIndex: up/a\n===================================================================\n--- up.orig/a\n+++ up/a\n@@ -1,4 +1,4 @@\n 1\n-2\n+two\n 3\n 4\n";
        let two = "--- b.orig\n+++ b\n@@ -1 +1 @@\n-b\n+bb\n";
        let series = "# ours\nsay-two.diff\nzero.diff -p0   # plain\n";
        env.workspace_with("", &[("a", b"1\n2\n3\n4\n5\n"), ("b", b"b\n"), ("c", b"c\n")],
            &[("say-two.diff", one.as_bytes()), ("zero.diff", two.as_bytes()), ("series", series.as_bytes())]);
        env.patchq(&["setup"]).ok().says("2 patches");
        assert_eq!(env.read("ws/up/a"), "1\ntwo\n3\n4\n5\n");
        assert_eq!(env.read("ws/up/b"), "bb\n");
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        put(&env.co().join("c"), "cc\n");
        env.patchq(&["save", "-m", "Say cc"]).ok();
        let now = env.read("ws/patches/up/series");
        assert!(now.starts_with("# ours\nsay-two.diff\nzero.diff -p0   # plain\n"), "{now}");
        assert_eq!(now.lines().count(), 4, "{now}");
        assert_eq!(env.read("ws/patches/up/say-two.diff"), one);
        assert_eq!(env.read("ws/patches/up/zero.diff"), two);
        env.rebase("1s/^pick/drop/").ok();
        env.patchq(&["export"]).ok();
        assert!(!env.exists("ws/patches/up/say-two.diff"));
        let now = env.read("ws/patches/up/series");
        assert!(now.starts_with("# ours\nzero.diff -p0   # plain\n"), "{now}");
        env.changes_nothing(&["setup"]).ok();
    }

    fn files_that_are_no_patches_are_never_touched(env) {
        env.ready();
        env.write("ws/patches/up/README", "ours\n");
        env.write("ws/patches/up/old/0001-x.patch", "not in the queue\n");
        env.commit_in_checkout("app/main.py", "import util\n", "Do less");
        let before = env.files();
        env.patchq(&["export"]).ok();
        assert_eq!(before.differences(&env.files()), ["new: patches/up/0004-do-less.patch"]);
    }

    fn a_binary_and_modes(env) {
        env.ready();
        put(&env.co().join("app/icon.bin"), [0, 1, 2, 3, 255]);
        set_mode(&env.co().join("app/run.sh"), 0o644);
        env.git(&env.co(), &["add", "-A"]);
        env.git(&env.co(), &["mv", "app/main.py", "app/prog.py"]);
        env.git(&env.co(), &["commit", "-qm", "Modes"]);
        changes(env, &["new: patches/up/0004-modes.patch"]);
        let before = env.files();
        std::fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["setup", "--offline"]).ok();
        assert_same(&before, &env.files(), "after setup anew");
    }

    fn a_message_that_git_am_would_cut(env) {
        env.ready();
        env.commit_in_checkout("app/main.py", "import util\n", "Odd message\n\nBefore\n---\nAfter\n\nIndex: x\ndiff -u");
        env.patchq(&["export"]).ok().says("a space was added in front");
        env.changes_nothing(&["setup"]).ok();
        assert!(env.git(&env.co(), &["log", "-1", "--format=%B"]).contains("After"));
        env.changes_nothing(&["export"]).ok().says("nothing to export");
    }
}
