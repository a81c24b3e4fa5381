//! A patch that was saved, not yet committed in the workspace, and then removed there: its commit in the checkout is
//! its last copy.

use std::fs;

use super::support::{Env, PATCHES, Run, in_both_worlds, put};

const SAVED: &str = "0004-new.patch";

/// Saves a patch that the workspace's repository does not track.
fn saved(env: &Env) -> String {
    env.ready();
    put(&env.co().join("app/main.py"), "import util\n");
    env.patchq(&["save", "-m", "New"]).ok();
    env.read(&format!("ws/patches/up/{SAVED}"))
}

/// Removes every untracked file of the workspace with git.
fn clean(env: &Env) {
    env.git(&env.ws(), &["clean", "-fdq"]);
    assert_eq!(env.queue(), PATCHES);
}

fn refuses(env: &Env, args: &[&str]) -> Run {
    env.changes_nothing(args).exits(1).one_error()
}

const ALL: [&[&str]; 4] = [&["setup"], &["apply"], &["save", "up", "-m", "x"], &["refresh"]];

in_both_worlds! {
    fn what_git_clean_took_is_not_given_up_unasked(env) {
        let text = saved(env);
        let head = env.head();
        clean(env);
        for args in ALL {
            if args[0] == "save" {
                put(&env.co().join("docs/guide.md"), "short\n");
            }
            let run = refuses(env, args).says(&format!("patches/up/{SAVED} is gone     (commit {})", &head[..8]));
            run.hints("patchq export --replace up").hints("patchq setup --discard up");
            env.git(&env.co(), &["checkout", "-q", "--", "."]);
        }
        let json = env.changes_nothing(&["apply", "--json"]).exits(1).json();
        assert_eq!(json["error"]["kind"], "last-copy");
        env.changes_nothing(&["export"]).ok().says("0004-new.patch (gone)");
        let run = env.patchq(&["export", "--replace", "up"]).ok();
        run.says("new       0004-new.patch");
        assert_eq!(env.read(&format!("ws/patches/up/{SAVED}")), text);
        assert_eq!(env.head(), head);
        env.changes_nothing(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        // It is still the only copy.
        clean(env);
        refuses(env, &["apply"]);
    }

    fn given_up_it_is_named_and_undo_brings_it_back(env) {
        let text = saved(env);
        let head = env.head();
        clean(env);
        env.patchq(&["setup", "--discard", "up"]).ok().says("up: removed   0004-new.patch\n");
        assert_ne!(env.head(), head);
        env.changes_nothing(&["setup"]).ok();
        env.patchq(&["undo", "--list"]).ok().prints("0004-new.patch left the queue: its file was gone");
        env.patchq(&["undo"]).ok();
        assert_eq!(env.head(), head);
        env.patchq(&["export", "--replace"]).ok();
        assert_eq!(env.read(&format!("ws/patches/up/{SAVED}")), text);
    }

    fn what_a_stash_holds_is_named_and_kept_for_undo(env) {
        saved(env);
        let head = env.head();
        env.git(&env.ws(), &["stash", "-q", "-u"]);
        env.patchq(&["apply"]).ok().says("up: removed   0004-new.patch\n");
        env.patchq(&["undo"]).ok();
        assert_eq!(env.head(), head);
        env.git(&env.ws(), &["stash", "pop", "-q"]);
        env.changes_nothing(&["setup"]).ok();
    }

    fn what_another_branch_does_not_have_is_named(env) {
        saved(env);
        env.git(&env.ws(), &["switch", "-q", "-c", "mine"]);
        env.commit_workspace("A patch");
        env.git(&env.ws(), &["switch", "-q", "-"]);
        env.patchq(&["apply"]).ok().says("up: removed   0004-new.patch\n");
        env.git(&env.ws(), &["switch", "-q", "mine"]);
        env.patchq(&["apply"]).ok().says("4 patches");
    }

    fn lines_folded_into_a_patch_and_checked_out_again_are_a_last_copy_too(env) {
        env.ready();
        put(&env.co().join("app/requirements.txt"), "flask==2.0\njinja2==3.1.3\nrequests==2.31\nurllib3==2.1\n");
        env.patchq(&["save", "--into", "0002"]).ok();
        let text = env.read("ws/patches/up/0002-Pin-the-requirements.patch");
        env.git(&env.ws(), &["checkout", "-q", "--", "patches"]);
        refuses(env, &["apply"]).says("patches/up/0002-Pin-the-requirements.patch has an old content again");
        env.patchq(&["export", "--replace", "up"]).ok().says("rewritten 0002-Pin-the-requirements.patch");
        assert_eq!(env.read("ws/patches/up/0002-Pin-the-requirements.patch"), text);
        // A text that a person writes by hand is intended, and kept for undo.
        let head = env.head();
        env.write("ws/patches/up/0002-Pin-the-requirements.patch", text.replace("urllib3==2.1", "urllib3==2.2"));
        env.patchq(&["apply"]).ok();
        env.patchq(&["undo"]).ok();
        assert_eq!(env.head(), head);
    }

    fn without_a_checkout_the_files_are_taken(env) {
        saved(env);
        fs::remove_dir_all(env.co()).unwrap();
        clean(env);
        env.patchq(&["setup"]).ok().says("up: removed   0004-new.patch\n").says("3 patches");
    }

    fn a_patch_of_somebody_elses_is_no_last_copy(env) {
        env.ready();
        fs::remove_file(env.path("ws/patches/up").join(PATCHES[2])).unwrap();
        env.patchq(&["apply"]).ok().says("up: removed   0003-Answer-in-capitals.patch\n");
        env.patchq(&["undo"]).ok();
        env.patchq(&["export", "--replace"]).ok();
        assert_eq!(env.queue(), PATCHES);
    }

    fn a_line_of_the_series_comes_back_with_the_file(env) {
        let one = b"--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+one\n";
        env.workspace_with("", &[("a", b"1\n"), ("b", b"2\n")], &[("x.patch", one), ("series", b"x.patch\n")]);
        env.patchq(&["setup"]).ok();
        put(&env.co().join("b"), "two\n");
        env.patchq(&["save", "-m", "New"]).ok();
        let series = env.read("ws/patches/up/series");
        env.git(&env.ws(), &["checkout", "-q", "--", "patches"]);
        env.git(&env.ws(), &["clean", "-fdq"]);
        refuses(env, &["apply"]).hints("patchq export --replace up");
        env.patchq(&["export", "--replace", "up"]).ok();
        assert_eq!(env.read("ws/patches/up/series"), series);
        env.changes_nothing(&["setup"]).ok();
    }
}
