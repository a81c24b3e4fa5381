//! Tests the table of "who is right": every cell of files, commits, and their last equal state; for `refresh` in
//! `refresh/who.rs`.

use std::fs;

use super::support::{Env, Run, Snapshot, assert_same, in_both_worlds, put};

/// A colleague's patch of `docs/guide.md`.
pub(crate) const COLLEAGUE: &str = "0004-greet.patch";
const GREET: &str = "\
From: Colleague <c@example.org>
Date: Mon, 5 Feb 2024 10:00:00 +0000
Subject: [PATCH] Greet

---
diff --git a/docs/guide.md b/docs/guide.md
--- a/docs/guide.md
+++ b/docs/guide.md
@@ -1,3 +1,3 @@
-one
+hello
 two
 three
";

pub(crate) fn files_change(env: &Env) {
    env.write(&format!("ws/patches/up/{COLLEAGUE}"), GREET);
}

/// Commits a change with plain git.
pub(crate) fn commits_change(env: &Env) -> String {
    env.commit_in_checkout("app/main.py", "import util\n\nprint(util.answer(), 1)\n", "Print more")
}

pub(crate) fn dirty(env: &Env) {
    put(&env.co().join("README.txt"), "new\n");
    put(&env.co().join("app/run.sh"), "#!/bin/sh\nexec python3 main.py\n");
}

/// Checks that the command refuses: exit 1, one error, and neither files nor refs change.
#[track_caller]
fn refuses(env: &Env, args: &[&str]) -> Run {
    env.changes_nothing(args).exits(1).one_error()
}

/// The commands that only `setup --discard` and the like may override.
const ALL: [&[&str]; 4] = [&["setup"], &["apply"], &["export"], &["save", "-m", "Why"]];

in_both_worlds! {
    fn files_that_the_store_lacks_the_objects_for_need_setup(env) {
        let usual = env.ready();
        env.write("ws/commits/up.txt", format!("{}\n", usual.next));
        let missing = format!("error: up: commit {} is not in the store", usual.next);
        let run = refuses(env, &["apply"]).says(&missing).says_not("--offline");
        run.hints("patchq setup --only up");
        refuses(env, &["apply", "--json"]).json();
        let status = |words: &str| env.patchq(&["status"]).ok().prints(words);
        status("patch files newer: setup");
        // A comparison fetches the commit and what the queue touches, and nothing else of a checkout.
        env.write("ws/commits/up.txt", format!("{}\n", usual.pin));
        env.patchq(&["diff-upstream"]).ok();
        env.write("ws/commits/up.txt", format!("{}\n", usual.next));
        status("patch files newer: apply");
        let run = refuses(env, &["apply"]).says("error: up: an upstream file is not in the store");
        run.hints("patchq setup --only up").says_not("--offline");
        env.patchq(&["setup", "--only", "up"]).ok();
        env.patchq(&["apply"]).ok();
    }

    fn equal(env) {
        env.ready();
        env.changes_nothing(&["setup"]).ok().says("up to date");
        env.changes_nothing(&["apply"]).ok().says("up to date");
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        env.changes_nothing(&["export", "--merge"]).ok();
        env.changes_nothing(&["export", "--replace"]).ok();
        refuses(env, &["save", "-m", "Why"]).says("no checkout has changes");
        refuses(env, &["save", "up", "-m", "Why"]).says("no changes to save");
        dirty(env);
        env.changes_nothing(&["setup"]).ok().says("2 uncommitted changes kept");
        env.changes_nothing(&["apply"]).ok();
        env.changes_nothing(&["export"]).ok();
        env.patchq(&["save", "-m", "Use python3"]).ok().says("0004-use-python3.patch");
        env.changes_nothing(&["setup"]).ok();
    }

    fn files_newer_setup_and_apply_take_the_files(env) {
        for command in ["setup", "apply"] {
            let env = if env.hostile { Env::hostile() } else { Env::new() };
            env.ready();
            files_change(&env);
            let files = env.read("ws/upstreams.toml");
            env.patchq(&[command]).ok().says("4 patches");
            assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s %an"]), "Greet Colleague");
            assert!(env.read("ws/up/docs/guide.md").starts_with("hello\n"));
            assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
            assert_eq!(env.read("ws/upstreams.toml"), files);
            env.changes_nothing(&["export"]).ok().says("nothing to export");
        }
    }

    fn files_newer_and_dirty(env) {
        env.ready();
        files_change(env);
        dirty(env);
        for command in ["setup", "apply"] {
            refuses(env, &[command]).says("app/run.sh").says("README.txt").hints("patchq save up");
        }
        env.changes_nothing(&["export"]).ok().says(COLLEAGUE).hints("patchq apply up");
        env.patchq(&["save", "-m", "Use python3"]).ok().says("0005-use-python3.patch");
        assert_eq!(env.queue().len(), 5);
        assert_eq!(env.read(&format!("ws/patches/up/{COLLEAGUE}")), GREET);
        assert_eq!(env.git(&env.co(), &["log", "-2", "--format=%s"]), "Use python3\nGreet");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        env.changes_nothing(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
    }

    fn files_newer_export_writes_nothing(env) {
        env.ready();
        files_change(env);
        env.changes_nothing(&["export"]).ok().says("up: the patch files are newer than the checkout: ").says(COLLEAGUE).hints("patchq apply up");
        env.changes_nothing(&["export", "--merge"]).ok().says("up: the patch files are newer than the checkout: ").hints("patchq apply up");
        let json = env.changes_nothing(&["export", "--json"]).ok().json();
        assert_eq!(json["upstreams"][0]["files_newer"], true);
    }

    fn commits_newer_setup_and_apply_refuse(env) {
        env.ready();
        commits_change(env);
        for command in ["setup", "apply"] {
            refuses(env, &[command]).says("up: the checkout has 1 commit not exported yet").hints("patchq export up");
        }
        dirty(env);
        for command in ["setup", "apply"] {
            refuses(env, &[command]).hints("patchq export up");
        }
    }

    fn commits_newer_export_takes_the_commits(env) {
        env.ready();
        commits_change(env);
        let before = env.files();
        env.patchq(&["export"]).ok().says("new       0004-print-more.patch").says("3 patches unchanged");
        assert_eq!(before.differences(&env.files()), ["new: patches/up/0004-print-more.patch"]);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        env.changes_nothing(&["setup"]).ok();
    }

    fn commits_newer_and_dirty_export_keeps_the_changes(env) {
        env.ready();
        commits_change(env);
        dirty(env);
        let before = env.files();
        env.patchq(&["export"]).ok();
        assert_eq!(before.differences(&env.files()), ["new: patches/up/0004-print-more.patch"]);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/run.sh\n?? README.txt");
    }

    fn commits_newer_save_takes_both(env) {
        env.ready();
        commits_change(env);
        dirty(env);
        env.patchq(&["save", "-m", "Use python3"]).ok();
        assert_eq!(env.queue()[3..], ["0004-print-more.patch", "0005-use-python3.patch"]);
        assert_eq!(env.git(&env.co(), &["log", "-2", "--format=%s"]), "Use python3\nPrint more");
        env.changes_nothing(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
    }

    fn diverged_everything_refuses(env) {
        env.ready();
        files_change(env);
        let head = commits_change(env);
        dirty(env);
        for args in ALL {
            refuses(env, args)
                .says("diverged").says(COLLEAGUE).says(&head[..8])
                .hints("export --merge up").hints("export --replace up").hints("setup --discard --only up");
        }
        refuses(env, &["save", "--into", "0002"]).says("diverged");
    }

    fn diverged_merge_keeps_both(env) {
        env.ready();
        files_change(env);
        commits_change(env);
        env.patchq(&["export", "--merge"]).ok();
        assert_eq!(env.queue()[3..], [COLLEAGUE, "0005-print-more.patch"]);
        assert_eq!(env.read(&format!("ws/patches/up/{COLLEAGUE}")), GREET);
        assert_eq!(env.git(&env.co(), &["log", "-2", "--format=%s"]), "Print more\nGreet");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        env.changes_nothing(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok();
    }

    fn diverged_merge_of_what_clashes_is_a_conflict(env) {
        env.ready();
        files_change(env);
        env.commit_in_checkout("docs/guide.md", "ONE\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n", "Shout");
        let run = env.changes_nothing(&["export", "--merge"]).exits(3).one_error();
        run.says("docs/guide.md");
    }

    fn diverged_both_changed_one_patch(env) {
        env.ready();
        let file = "ws/patches/up/0002-Pin-the-requirements.patch";
        env.write(file, env.read(file).replace("jinja2==3.1.3", "jinja2==3.1.4"));
        put(&env.co().join("app/requirements.txt"), "flask==2.0\njinja2==3.1.5\nrequests==2.31\nurllib3\n");
        env.git(&env.co(), &["commit", "-qa", "--fixup", "HEAD~1"]);
        env.git_with(&env.co(), &[("GIT_SEQUENCE_EDITOR", "true")],
            &["rebase", "-q", "-i", "--autosquash", "refs/patchq/base"]).ok();
        let run = env.changes_nothing(&["export", "--merge"]).exits(3).one_error();
        run.says("0002-Pin-the-requirements.patch").hints("--replace").hints("--discard");
    }

    fn diverged_replace_takes_the_commits_and_undo_brings_the_files_back(env) {
        env.ready();
        files_change(env);
        commits_change(env);
        let before = env.files();
        env.patchq(&["export", "--replace"]).ok().says("up: discarded changes of the patch files: ").says(COLLEAGUE).hints("patchq undo up");
        assert_eq!(env.queue()[3..], ["0005-print-more.patch"]);
        env.patchq(&["undo", "up"]).ok();
        assert_same(&before, &env.files(), "after undo");
    }

    fn diverged_discard_takes_the_files_and_undo_brings_the_commits_back(env) {
        env.ready();
        files_change(env);
        let head = commits_change(env);
        dirty(env);
        let before = env.files();
        env.patchq(&["setup", "--discard"]).ok().says("discarded 1 commit and 2 uncommitted changes").hints("patchq undo up");
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Greet");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
        assert!(!env.exists("ws/up/README.txt"));
        env.patchq(&["undo"]).ok();
        assert_eq!(env.head(), head);
        assert_same(&before, &env.files(), "after undo");
    }

    fn without_checkout_equal(env) {
        env.ready();
        let head = env.head();
        fs::remove_dir_all(env.co()).unwrap();
        env.changes_nothing(&["apply"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        refuses(env, &["save", "up", "-m", "Why"]).says("no checkout").hints("patchq setup");
        env.patchq(&["setup"]).ok();
        assert_eq!(env.head(), head);
    }

    fn without_checkout_files_newer(env) {
        env.ready();
        fs::remove_dir_all(env.co()).unwrap();
        files_change(env);
        env.changes_nothing(&["export"]).ok().says("up: the patch files are newer than the checkout: ").hints("patchq apply up");
        env.patchq(&["apply"]).ok().says("4 patches");
        assert!(!env.exists("ws/up"));
        env.patchq(&["setup"]).ok();
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Greet");
    }

    fn without_checkout_commits_newer(env) {
        env.ready();
        let head = commits_change(env);
        fs::remove_dir_all(env.co()).unwrap();
        refuses(env, &["apply"]).hints("patchq export up");
        env.patchq(&["setup"]).ok().says("up: restored with ").hints("patchq export up");
        assert_eq!(env.head(), head);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["export"]).ok().says("0004-print-more.patch");
        assert!(!env.exists("ws/up"));
        env.patchq(&["setup"]).ok();
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Print more");
    }

    fn without_checkout_diverged(env) {
        env.ready();
        commits_change(env);
        fs::remove_dir_all(env.co()).unwrap();
        files_change(env);
        for command in ["setup", "apply", "export"] {
            refuses(env, &[command]).says("diverged").hints("export --merge up");
        }
        env.patchq(&["export", "--merge"]).ok();
        env.patchq(&["setup"]).ok();
        assert_eq!(env.git(&env.co(), &["log", "-2", "--format=%s"]), "Print more\nGreet");
    }

    fn store_removed_without_checkout(env) {
        env.ready();
        let head = env.head();
        fs::remove_dir_all(env.co()).unwrap();
        fs::remove_dir_all(env.store()).unwrap();
        files_change(env);
        env.patchq(&["setup"]).ok().says("4 patches").says_not("lost");
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~1"]), head);
    }

    fn store_removed_below_a_checkout_keeps_every_difference(env) {
        env.ready();
        commits_change(env);
        dirty(env);
        let is_git = |path: &std::path::Path| path == std::path::Path::new(".git");
        let before = Snapshot::of(&env.co(), is_git);
        fs::remove_dir_all(env.store()).unwrap();
        env.patchq(&["setup"]).ok().says("the store was lost");
        assert_same(&before, &Snapshot::of(&env.co(), is_git), "the checkout's files");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/main.py\n M app/run.sh\n?? README.txt");
        env.patchq(&["save", "-m", "All of it"]).ok();
        env.changes_nothing(&["setup"]).ok();
    }

    fn never_set_up(env) {
        env.workspace();
        let before = env.files();
        env.patchq(&["export"]).ok().says("up: nothing to export: it is not set up");
        env.patchq(&["save", "up", "-m", "Why"]).exits(1).one_error().hints("patchq setup");
        assert_same(&before, &env.files(), "after export and save");
    }

    fn on_another_branch(env) {
        env.ready();
        env.git(&env.co(), &["switch", "-q", "-c", "mine"]);
        dirty(env);
        for args in ALL {
            refuses(env, args).says("the checkout is on the branch 'mine', not on 'patchq'").hints("git -C up switch patchq");
        }
        files_change(env);
        for args in ALL {
            refuses(env, args).says("the checkout is on the branch 'mine', not on 'patchq'").hints("git -C up switch patchq");
        }
    }

    fn detached(env) {
        env.ready();
        env.git(&env.co(), &["switch", "-q", "--detach", "HEAD~1"]);
        dirty(env);
        for args in ALL {
            refuses(env, args).says("detached").hints("git -C up switch patchq");
        }
    }

    fn rebase_in_progress(env) {
        env.ready();
        env.rebase("1s/^pick/edit/").ok();
        dirty(env);
        for args in ALL {
            refuses(env, args).says("a git rebase is in progress in the checkout").hints("git -C up rebase --continue").hints("git -C up rebase --abort");
        }
    }

    fn merge_commit(env) {
        env.ready();
        env.git(&env.co(), &["switch", "-q", "-c", "side", "HEAD~1"]);
        env.commit_in_checkout("docs/new.md", "new\n", "On the side");
        env.git(&env.co(), &["switch", "-q", "patchq"]);
        env.git(&env.co(), &["merge", "-q", "--no-edit", "side"]);
        dirty(env);
        for args in ALL {
            refuses(env, args).says("is a merge").hints("git -C up rebase refs/patchq/base");
        }
    }

    fn branch_not_on_the_pin(env) {
        env.ready();
        env.git(&env.co(), &["checkout", "-q", "--orphan", "other"]);
        env.git(&env.co(), &["commit", "-q", "-m", "Orphan"]);
        env.git(&env.co(), &["branch", "-M", "patchq"]);
        dirty(env);
        for args in ALL {
            refuses(env, args).says("is not based on the pin");
        }
    }

    fn pristine(env) {
        let up = env.workspace();
        env.patchq(&["setup", "--no-apply"]).ok();
        assert_eq!(env.head(), up.pin);
        assert!(env.read("ws/up/app/Dockerfile").contains("buster"));
        for args in [&["export"][..], &["export", "--replace"], &["export", "--merge"]] {
            refuses(env, args).says("pristine").hints("patchq setup --only up");
        }
        commits_change(env);
        refuses(env, &["export"]).says("pristine");
        env.changes_nothing(&["setup"]).exits(1);
        env.git(&env.co(), &["reset", "-q", "--hard", &up.pin]);
        env.patchq(&["setup"]).ok().says("3 patches");
        env.changes_nothing(&["export"]).ok();
    }
}
