//! `patchq verify`.

use std::fs;

use serde_json::{Value, json};

use super::support::{Env, PATCHES, Run, assert_same, in_both_worlds, put, set_mode};

/// A patch of `docs/guide.md` that is two lines off, in a form that patchq does not write.
const OFF: &str = "\
Index: guide
--- docs/guide.md.orig\t2020-01-01 00:00:00
+++ docs/guide.md\t2020-01-02 00:00:00
@@ -2,5 +2,5 @@
 three
 four
-five
+FIVE
 six
 seven
";

/// Returns the findings as kind, file, line, severity.
fn findings(run: &Run) -> Vec<(String, String, u64, String)> {
    let document = run.json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let finding = |found: &Value| {
        (text(&found["kind"]), text(&found["file"]), found["line"].as_u64().unwrap_or(0), text(&found["severity"]))
    };
    document["findings"].as_array().unwrap().iter().map(finding).collect()
}

fn found(kind: &str, file: &str, line: u64, severity: &str) -> (String, String, u64, String) {
    (kind.to_owned(), file.to_owned(), line, severity.to_owned())
}

/// Checks for exit 4 and this one finding, as a line and as JSON; nothing changes.
#[track_caller]
fn says_no(env: &Env, kind: &str, place: &str, message: &str) {
    let run = env.changes_nothing(&["verify", "--offline"]).exits(4);
    let line = format!("{place}: error: {message}");
    assert!(run.stdout.lines().any(|found| found.starts_with(&line)), "no line '{line}'\n{}", run.shown());
    assert!(!run.stderr.contains("error:"), "{}", run.shown());
    let run = env.patchq(&["--json", "verify", "--offline"]).exits(4);
    assert_eq!(run.json()["ok"], json!(true));
    let (file, line) = place.rsplit_once(':').map_or((place, 0), |(file, line)| (file, line.parse().unwrap()));
    assert_eq!(findings(&run), [found(kind, file, line, "error")], "{}", run.shown());
}

#[track_caller]
fn is_silent(env: &Env, args: &[&str]) {
    let run = env.changes_nothing(&[&["verify"], args].concat()).ok();
    assert_eq!(run.stdout, "", "{}", run.shown());
}

in_both_worlds! {
    fn a_workspace_in_order_is_silent(env) {
        env.ready();
        let run = env.changes_nothing(&["verify", "--offline", "--strict"]).ok();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "1 upstream in order\n"));
        assert_eq!(env.patchq(&["-q", "verify", "--offline"]).ok().stderr, "");
        let document = env.patchq(&["--json", "verify"]).ok().json();
        assert_eq!(document, json!({"schema": "patchq.verify/1", "ok": true, "findings": [], "fixed": []}));
    }

    fn what_the_store_lacks_is_for_setup(env) {
        let usual = env.workspace();
        env.write("ws/patches/up/later.diff", &usual.patches[2].1);
        let missing = |pin: &str| {
            let run = env.changes_nothing(&["verify"]).exits(1).one_error().prints("later.diff: warning:");
            run.says(&format!("up: commit {pin} is not in the store")).hints("patchq setup --only up");
        };
        missing(&usual.pin);
        assert!(!env.exists("ws/.git/patchq"));
        env.patchq(&["setup"]).ok();
        env.patchq(&["verify"]).ok();
        env.write("ws/commits/up.txt", format!("{}\n", usual.next));
        missing(&usual.next);
        // The commit is in the store, the contents of the touched files are not.
        let fetch = ["fetch", "-q", "--depth=1", "--filter=blob:none", "origin", &usual.next];
        env.git(&env.co(), &fetch);
        let run = env.changes_nothing(&["verify"]).exits(1).one_error().says("an upstream file is not in the store");
        run.hints("patchq setup --only up").says_not("--offline");
    }

    fn a_patch_that_does_not_apply(env) {
        env.ready();
        let second = format!("ws/patches/up/{}", PATCHES[1]);
        let text = env.read(&second);
        env.write(&second, text.replace(" flask==2.0\n", " flask==1.0\n"));
        let line = text.lines().position(|line| line.starts_with("@@")).unwrap() + 1;
        let place = format!("patches/up/{}:{line}", PATCHES[1]);
        says_no(env, "apply", &place, "does not apply: app/requirements.txt: hunk 1 does not apply at line 1");
        env.patchq(&["verify"]).exits(4).prints("(the patch after it was not tried)").says("1 error");
    }

    fn what_cannot_be_read(env) {
        env.ready();
        env.write("ws/patches/up/0009-x.patch", "no diff\n");
        says_no(env, "patch", "patches/up/0009-x.patch:1", "there is no diff in this file");
        fs::remove_file(env.path("ws/patches/up/0009-x.patch")).unwrap();
        env.write("ws/patches/up/series", format!("{}\n{}\n{}\ngone.patch\n", PATCHES[0], PATCHES[1], PATCHES[2]));
        says_no(env, "queue", "patches/up/series:4", "'gone.patch' is not in the folder");
        fs::remove_file(env.path("ws/patches/up/series")).unwrap();
        env.write("ws/commits/up.txt", "1234567\n");
        says_no(env, "pin", "commits/up.txt:1", "the commit id '1234567' is abbreviated");
        fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        says_no(env, "pin", "commits/up.txt", "there is no pin: patchq add up --pin REV");
    }

    fn a_pin_that_upstream_does_not_have(env) {
        env.ready();
        env.write("ws/commits/up.txt", "0123456789012345678901234567890123456789\n");
        env.write("ws/commits/up.version.txt", "v9\n");
        let run = env.patchq(&["--json", "verify"]).exits(1);
        assert_eq!(run.json()["error"]["kind"], json!("offline"));
        env.patchq(&["verify"]).exits(1).one_error().says("commit 0123456").hints("patchq setup --only up");
        env.patchq(&["setup", "--only", "up"]).exits(1).one_error().says("cannot fetch commit 0123456");
        let run = env.patchq(&["--json", "verify", "--fix"]).exits(4);
        assert!(findings(&run).contains(&found("pin", "commits/up.txt", 1, "error")), "{}", run.shown());
        env.write("ws/commits/up.txt", format!("{}\n", env.git(&env.co(), &["rev-parse", "HEAD^{tree}"])));
        env.patchq(&["verify"]).exits(4).prints("commits/up.txt:1: error: ").prints(" is a tree, not a commit\n");
    }

    fn names_that_collide_or_are_left_out(env) {
        let usual = env.ready();
        let twin = PATCHES[2].to_lowercase();
        fs::copy(env.path(format!("ws/patches/up/{}", PATCHES[2])), env.path(format!("ws/patches/up/{twin}"))).unwrap();
        let run = env.patchq(&["verify"]).exits(4);
        run.prints(&format!("patches/up/{twin}: error: is one file with '{}'", PATCHES[2]));
        fs::remove_file(env.path(format!("ws/patches/up/{twin}"))).unwrap();
        fs::rename(
            env.path(format!("ws/patches/up/{}", PATCHES[2])),
            env.path("ws/patches/up/0002-Zoom.patch"),
        )
        .unwrap();
        env.write("ws/patches/up/later.diff", &usual.patches[2].1);
        let run = env.patchq(&["--json", "verify"]).ok();
        assert_eq!(
            findings(&run),
            [
                found("name", "patches/up/0002-Zoom.patch", 0, "warning"),
                found("name", "patches/up/later.diff", 0, "warning"),
            ]
        );
    }

    fn commits_that_are_in_no_file_are_a_warning(env) {
        env.ready();
        env.commit_in_checkout("app/main.py", "x\n", "More");
        let run = env.changes_nothing(&["verify", "--strict"]).ok().says("1 warning");
        run.prints("up: warning: its commits differ from the patch files: patchq export up");
        env.write("ws/patches/up/0001-x.patch", OFF.replace("docs/", "a/docs/"));
        let run = env.changes_nothing(&["verify", "--fix"]).exits(1);
        run.says("have diverged").hints("patchq export --merge up").prints(": warning: hunk 1 of docs/guide.md");
    }

    fn missing_ignore_lines_are_added_and_undone(env) {
        env.ready();
        env.write("ws/.gitignore", "*.log\n");
        fs::remove_file(env.path("ws/.gitattributes")).unwrap();
        let before = env.files();
        let run = env.changes_nothing(&["verify"]).exits(4).says("4 errors; `patchq verify --fix` fixes them");
        run.prints(".gitignore: error: lacks the line '/up/'").prints(".gitattributes: error: lacks");
        env.patchq(&["verify", "--fix"]).ok().says("fixed .gitignore").says("fixed .gitattributes");
        assert_eq!(env.read("ws/.gitignore"), "*.log\n/up/\n");
        is_silent(env, &["--strict"]);
        env.patchq(&["undo"]).ok().says("undid 'verify --fix'");
        assert_same(&before, &env.files(), "after undo");
    }

    fn a_tracked_checkout(env) {
        env.workspace();
        env.write("ws/up/file", "x\n");
        env.git(&env.ws(), &["add", "-f", "up/file"]);
        let run = env.patchq(&["verify"]).exits(1);
        run.prints("upstreams.toml:2: error: 'up' is tracked in the workspace's repository: git rm -r --cached up");
    }

    fn a_stale_version_is_taken_anew(env) {
        let usual = env.ready();
        env.write("ws/commits/up.txt", format!("{}\n", usual.next));
        // The queue's line with the base image is the same there, the end of the file is not.
        let run = env.patchq(&["--json", "verify", "--offline"]);
        assert!(findings(&run).contains(&found("version", "commits/up.version.txt", 1, "error")), "{}", run.shown());
        env.patchq(&["verify", "--fix"]).says("fixed commits/up.version.txt");
        assert_eq!(env.read("ws/commits/up.version.txt"), "v1.1\n");
        // If files and checkout are equal, the clone records the version; a missing one is determined, too.
        env.write("ws/commits/up.txt", format!("{}\n", usual.pin));
        fs::remove_file(env.path("ws/commits/up.version.txt")).unwrap();
        says_no(env, "version", "commits/up.version.txt", "there is no version of the pin");
        env.patchq(&["verify", "--fix"]).ok();
        assert_eq!(env.read("ws/commits/up.version.txt"), "v1.0\n");
        is_silent(env, &["--strict"]);
        fs::rename(env.path("up.git"), env.path("gone.git")).unwrap();
        fs::remove_file(env.path("ws/commits/up.version.txt")).unwrap();
        let run = env.changes_nothing(&["verify", "--fix"]).exits(1).one_error();
        run.prints("there is no version of the pin");
    }

    fn offsets_and_form_are_put_right(env) {
        env.workspace();
        env.write("ws/patches/up/0004-shout.patch", OFF);
        let series = format!("# ours\n{}\n{}\n{}\n0004-shout.patch -p0  # quilt\n", PATCHES[0], PATCHES[1], PATCHES[2]);
        env.write("ws/patches/up/series", &series);
        env.patchq(&["setup"]).ok().says("hunk 1 of docs/guide.md applies 1 line further down");
        let tree = env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]);
        let run = env.changes_nothing(&["verify"]).ok();
        run.prints("patches/up/0004-shout.patch:4: warning: hunk 1 of docs/guide.md applies 1 line further down");
        env.changes_nothing(&["verify", "--strict"]).exits(4).prints("0004-shout.patch:4: error: hunk 1");
        env.changes_nothing(&["verify", "--canonical"]).exits(4).prints("0004-shout.patch:1: error: has no header");
        let before = env.files();

        // Only the line numbers change: the text before the diff stays.
        env.patchq(&["verify", "--fix"]).ok().says("fixed patches/up/0004-shout.patch");
        is_silent(env, &["--strict"]);
        let text = env.read("ws/patches/up/0004-shout.patch");
        assert!(text.starts_with("diff --git a/docs/guide.md b/docs/guide.md\n"), "{text}");
        assert_eq!(env.read("ws/patches/up/series"), series.replace(" -p0", ""));
        env.patchq(&["undo"]).ok();
        assert_same(&before, &env.files(), "after undo");

        env.patchq(&["verify", "--canonical", "--fix"]).ok();
        is_silent(env, &["--strict", "--canonical"]);
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]), tree);
        env.patchq(&["status"]).ok().prints("up to date");
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        let text = env.read("ws/patches/up/0004-shout.patch");
        assert!(text.starts_with("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n"), "{text}");
        assert!(text.contains("Subject: [PATCH] shout\n") && text.contains("From: patchq <"), "{text}");
        // And git applies them all.
        env.git(&env.co(), &["switch", "-q", "--detach", "refs/patchq/base"]);
        let files = [PATCHES[0], PATCHES[1], PATCHES[2], "0004-shout.patch"];
        let files = files.map(|name| env.path(format!("ws/patches/up/{name}")).display().to_string());
        let am = [&["am", "-q", "--keep-cr", "--no-3way"].map(str::to_owned)[..], &files].concat();
        env.git(&env.co(), &am);
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]), tree);
    }

    fn a_new_queue_is_repaired_without_a_checkout(env) {
        env.workspace();
        env.write("ws/patches/up/0004-shout.patch", OFF.replace("docs/", "a/docs/"));
        env.patchq(&["verify", "--canonical", "--fix"]).ok();
        is_silent(env, &["--strict", "--canonical"]);
        env.patchq(&["undo"]).ok();
        assert_eq!(env.read("ws/patches/up/0004-shout.patch"), OFF.replace("docs/", "a/docs/"));
    }

    fn as_a_pre_commit_hook(env) {
        env.ready();
        let hooks = env.path("hooks");
        let bin = env!("CARGO_BIN_EXE_patchq");
        put(&hooks.join("pre-commit"), format!("#!/bin/sh\nunset PATCHQ_TEST_BY_USER\nexec '{bin}' verify --offline\n"));
        set_mode(&hooks.join("pre-commit"), 0o755);
        let hooks = format!("core.hooksPath={}", hooks.display());
        let commit = |file: &str| {
            env.git(&env.ws(), &["add", file]);
            env.try_git(&env.ws(), &["-c", &hooks, "commit", "-qm", "x", "--", file])
        };
        env.write("ws/notes.txt", "x\n");
        commit("notes.txt").ok().says("1 upstream in order");
        let before = env.state();
        let third = format!("ws/patches/up/{}", PATCHES[2]);
        let text = env.read(&third);
        env.write(&third, text.replace("-    return 'yes'", "-    return 'no'"));
        let run = commit(&format!("patches/up/{}", PATCHES[2])).exits(1);
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(said.contains("error: does not apply: lib/util.py"), "{}", run.shown());
        env.write(&third, text);
        let after = env.state();
        assert_same(&before.0, &after.0, "after the hook");
        assert_eq!(before.1, after.1);
    }
}
