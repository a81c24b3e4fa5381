//! A submodule that was moved in the checkout is an ordinary change, staged or not.

use super::support::{Env, git_at, in_both_worlds, put};

/// Makes a workspace on an upstream with a submodule, which the user has cloned in the checkout; returns its two
/// commits.
fn ready(env: &Env) -> [String; 2] {
    let (sub, work) = (env.path("sub"), env.path("work"));
    for dir in [&sub, &work] {
        std::fs::create_dir_all(dir).unwrap();
        git_at(dir, 0, &["init", "-q", "-b", "main"]);
    }
    let commits = ["one\n", "two\n"].map(|text| {
        put(&sub.join("file"), text);
        git_at(&sub, 0, &["add", "-A"]);
        git_at(&sub, 0, &["commit", "-qm", text.trim()]);
        git_at(&sub, 0, &["rev-parse", "HEAD"])
    });
    put(&work.join("a"), "a\n");
    git_at(&work, 0, &["add", "-A"]);
    git_at(&work, 0, &["update-index", "--add", "--cacheinfo", &format!("160000,{},sub", commits[0])]);
    git_at(&work, 0, &["commit", "-qm", "All"]);
    let pin = env.publish_work();
    env.write("ws/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\n");
    env.entry("up", &pin, None, &[]);
    env.init_workspace();
    env.patchq(&["setup"]).ok();
    git_at(&env.co(), 0, &["clone", "-q", sub.to_str().unwrap(), "sub"]);
    stand(env, &commits[0]);
    commits
}

/// Moves the submodule.
fn stand(env: &Env, commit: &str) {
    git_at(&env.co().join("sub"), 0, &["checkout", "-q", "--detach", commit]);
}

fn gitlink(env: &Env) -> String {
    env.git(&env.co(), &["rev-parse", "HEAD:sub"])
}

in_both_worlds! {
    fn one_that_stands_where_it_should_is_no_change(env) {
        ready(env);
        env.changes_nothing(&["setup"]).ok().says("up to date");
        env.changes_nothing(&["save", "up", "-m", "x"]).exits(1).one_error().says("no changes to save");
    }

    fn one_that_was_moved_is_shown_and_saved(env) {
        let [old, new] = ready(env);
        stand(env, &new);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M sub");
        env.changes_nothing(&["status", "up"]).ok().prints("uncommitted").prints("submodule   sub");
        put(&env.co().join("a"), "b\n");
        env.patchq(&["save", "-m", "Only a", "--", "a"]).ok().says_not("sub\n");
        assert_eq!(gitlink(env), old);
        env.patchq(&["save", "-m", "Move the submodule"]).ok().says("submodule  sub");
        assert_eq!(gitlink(env), new);
        let patch = env.read("ws/patches/up/0002-move-the-submodule.patch");
        assert!(patch.contains(&format!("-Subproject commit {old}\n+Subproject commit {new}\n")), "{patch}");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        env.changes_nothing(&["setup"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        env.patchq(&["undo"]).ok();
        assert_eq!(gitlink(env), old);
        env.changes_nothing(&["status", "up"]).ok().prints("submodule   sub");
    }

    fn one_that_was_moved_and_staged_is_saved_as_it_stands(env) {
        let [_, new] = ready(env);
        stand(env, &new);
        env.git(&env.co(), &["add", "sub"]);
        env.patchq(&["save", "-m", "Move the submodule"]).ok();
        assert_eq!(gitlink(env), new);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
    }

    fn one_that_is_in_the_way_says_how_it_moves_back(env) {
        let [_, new] = ready(env);
        stand(env, &new);
        env.write("ws/patches/up/0001-a.patch", "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-a\n+b\n");
        env.changes_nothing(&["apply"]).exits(1).one_error().says("submodule  sub").hints("git -C up submodule update");
    }
}
