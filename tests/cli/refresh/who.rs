//! The table of "who is right" for `refresh`: newer files are taken, commits and uncommitted changes are in the way,
//! and a dry run is always allowed.

use std::fs;

use super::bench::{all, assert_all_same, assert_in_step, changes_nothing};
use crate::support::{Env, Run, in_both_worlds, put};
use crate::who::{COLLEAGUE, commits_change, dirty, files_change};

/// Checks that it refuses, for any target, and that a dry run does not.
#[track_caller]
fn refuses(env: &Env) -> Run {
    changes_nothing(env, &["refresh", "--dry-run"]).ok();
    changes_nothing(env, &["refresh", "--to", "v1.1"]).exits(1).one_error();
    changes_nothing(env, &["refresh"]).exits(1).one_error()
}

#[track_caller]
fn moves(env: &Env) {
    let next = crate::support::Upstream::usual().next.clone();
    env.patchq(&["refresh"]).ok().says("moved to v1.1");
    assert_eq!(env.read("ws/commits/up.txt"), format!("{next}\n"));
    assert_in_step(env);
}

in_both_worlds! {
    fn newer_files_go_along_in_one_step(env) {
        env.ready();
        files_change(env);
        let before = all(env);
        let run = env.patchq(&["refresh"]).ok().prints("  unchanged   0004-greet.patch\n");
        run.prints("4 patches: 4 apply (1 merged)\n");
        assert_in_step(env);
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s %an"]), "Greet Colleague");
        assert!(env.read("ws/up/docs/guide.md").starts_with("hello\n"));
        env.patchq(&["undo"]).ok();
        assert_all_same(&before, env, "after undo");
        assert!(env.exists(&format!("ws/patches/up/{COLLEAGUE}")));
        env.patchq(&["apply"]).ok().says("4 patches");
        assert_in_step(env);
    }

    fn newer_files_on_the_newest_pin_are_applied(env) {
        let up = env.ready();
        env.write("ws/commits/up.txt", format!("{}\n", up.next));
        changes_nothing(env, &["refresh", "--dry-run"]).ok().says("already").says_not("applied");
        dirty(env);
        let run = changes_nothing(env, &["refresh"]).exits(1).one_error();
        run.says("uncommitted changes").hints("patchq save up");
        env.git(&env.co(), &["stash", "--include-untracked"]);
        let files = env.read("ws/commits/up.version.txt");
        let run = env.patchq(&["refresh"]).ok().says("up: already at v1.1 (");
        run.says("up: the patch files were newer and have been applied");
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~3"]), up.next);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        // A version of another pin is repaired by `verify --fix`.
        assert_eq!(env.read("ws/commits/up.version.txt"), files);
        files_change(env);
        let document = env.patchq(&["refresh", "--json"]).ok().json();
        assert_eq!((&document["same"], &document["applied"]), (&true.into(), &true.into()));
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Greet");
        env.changes_nothing(&["setup"]).ok().says("up to date");
    }

    fn newer_files_that_do_not_apply(env) {
        env.ready();
        env.write("ws/patches/up/0004-x.patch", "--- a/app/main.py\n+++ b/app/main.py\n@@ -1 +1 @@\n-no such line\n+x\n");
        let run = changes_nothing(env, &["refresh"]).exits(1).one_error();
        run.says("up: 0004-x.patch: does not apply: app/main.py").hints("patch file");
        changes_nothing(env, &["refresh", "--dry-run"]).exits(1).one_error().says("does not apply");
    }

    fn uncommitted_changes_are_in_the_way(env) {
        env.ready();
        dirty(env);
        let said = |run: Run| {
            let run = run.says("up: the checkout has uncommitted changes:").says("  modified   app/run.sh").says("  new        README.txt");
            run.hints("patchq save up -m \"why\"").hints("git -C up stash --include-untracked");
        };
        said(refuses(env));
        let json = changes_nothing(env, &["refresh", "--json"]).exits(1).json();
        assert_eq!(json["error"]["kind"], "dirty");
        files_change(env);
        said(refuses(env));
        // The hint works, and the stashed changes can be restored.
        env.git(&env.co(), &["stash", "--include-untracked"]);
        moves(env);
        env.git(&env.co(), &["stash", "pop"]);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/run.sh\n?? README.txt");
    }

    fn staged_changes_are_in_the_way(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "staged\n");
        env.git(&env.co(), &["add", "app/main.py"]);
        put(&env.co().join("app/main.py"), "import util\n\nprint(util.answer())\n");
        refuses(env).says("app/main.py");
    }

    fn commits_are_in_the_way(env) {
        env.ready();
        commits_change(env);
        let run = refuses(env).says("up: the checkout has 1 commit not exported yet:").says("Print more");
        run.hints("patchq export up");
        dirty(env);
        refuses(env).hints("patchq export up");
        env.git(&env.co(), &["stash", "--include-untracked"]);
        env.patchq(&["export"]).ok();
        moves(env);
    }

    fn diverged(env) {
        env.ready();
        files_change(env);
        let head = commits_change(env);
        let run = refuses(env).says("diverged").says(COLLEAGUE).says(&head[..8]);
        run.hints("export --merge up").hints("export --replace up").hints("setup --discard --only up");
        env.patchq(&["export", "--merge"]).ok();
        moves(env);
    }

    fn without_a_checkout_commits_count_too(env) {
        env.ready();
        commits_change(env);
        fs::remove_dir_all(env.co()).unwrap();
        refuses(env).hints("patchq export up");
        files_change(env);
        refuses(env).says("diverged");
    }

    fn a_lost_store_below_a_checkout(env) {
        env.ready();
        dirty(env);
        fs::remove_dir_all(env.store()).unwrap();
        let before = env.files();
        for args in [&["refresh"][..], &["refresh", "--to", "v1.1"]] {
            let run = env.patchq(args).exits(1).one_error();
            run.says("up: the store was lost").hints("patchq setup --only up");
            crate::support::assert_same(&before, &env.files(), "after refresh");
        }
        env.patchq(&["setup", "--only", "up"]).ok().says("the store was lost");
        refuses(env).says("uncommitted changes");
    }

    fn commits_that_cannot_be_read(env) {
        env.ready();
        env.git(&env.co(), &["switch", "-q", "-c", "mine"]);
        refuses(env).says("up: the checkout is on the branch 'mine', not on 'patchq'").hints("git -C up switch patchq");
        env.git(&env.co(), &["switch", "-q", "--detach", "HEAD~1"]);
        refuses(env).says("detached").hints("git -C up switch patchq");
        env.git(&env.co(), &["switch", "-q", "patchq"]);
        env.rebase("1s/^pick/edit/").ok();
        refuses(env).says("a git rebase is in progress").hints("git -C up rebase --continue");
        env.git(&env.co(), &["rebase", "--abort"]);
        moves(env);
    }

    fn a_pristine_checkout_gets_its_queue(env) {
        let up = env.workspace();
        env.patchq(&["setup", "--no-apply"]).ok();
        assert_eq!(env.head(), up.pin);
        let before = all(env);
        moves(env);
        env.patchq(&["undo"]).ok();
        assert_all_same(&before, env, "after undo");
        env.changes_nothing(&["export"]).exits(1).says("pristine");
        commits_change(env);
        refuses(env);
    }

    fn somebody_elses_folder_in_the_checkouts_place(env) {
        env.workspace();
        env.write("ws/up/notes.txt", "mine\n");
        env.patchq(&["refresh"]).ok().says("moved to v1.1");
        assert_eq!(env.read("ws/up/notes.txt"), "mine\n");
        env.changes_nothing(&["setup"]).exits(1).says("not this upstream's checkout");
    }

    fn a_checkout_that_was_moved_and_an_ignored_file_in_the_way(env) {
        env.ready();
        let exclude = env.store().join("info/exclude");
        put(&exclude, fs::read_to_string(&exclude).unwrap() + "docs/news.md\n");
        put(&env.co().join("docs/news.md"), "mine\n");
        let run = changes_nothing(env, &["refresh"]).exits(1).one_error();
        run.says("docs/news.md");
        fs::remove_file(env.co().join("docs/news.md")).unwrap();
        moves(env);
    }
}
