//! Patches that leave a queue: every command that writes or takes patch files names them, and none removes them without
//! an option.

use super::support::{Env, PATCHES, git_at, in_both_worlds, put};

fn edit(env: &Env) {
    put(&env.co().join("app/main.py"), "import util\n");
}

fn reset(env: &Env, args: &[&str]) {
    let all: Vec<&str> = ["reset", "-q"].iter().chain(args).copied().collect();
    env.git(&env.co(), &all);
}

/// Makes another order: the last patch gets another name, and its commit is then based on the first.
fn reorder(env: &Env) {
    env.rebase("1{h;d};3{p;x}").ok();
}

in_both_worlds! {
    fn save_after_a_reset_drops_nothing_unasked(env) {
        env.ready();
        reset(env, &["--hard", "HEAD~2"]);
        edit(env);
        let run = env.changes_nothing(&["save", "-m", "x"]).exits(1).one_error();
        let run = run.says("commits are missing in the checkout").says(PATCHES[1]).says("(app/requirements.txt)").says(PATCHES[2]);
        let run = run.says_not(PATCHES[0]).hints("git -C up reset --keep refs/patchq/synced~1");
        run.hints("patchq save up -m \"why\" --allow-drop 0002-Pin-the-requirements.patch --allow-drop 0003-Answer-in-capitals.patch");
        // One of two is not enough, and a name of no patch is refused.
        env.changes_nothing(&["save", "-m", "x", "--allow-drop", "0002"]).exits(1).one_error().says(PATCHES[2]);
        env.changes_nothing(&["save", "-m", "x", "--allow-drop", "0009"]).exits(2).one_error().hints("patchq status up");
        let run = env.patchq(&["save", "-m", "x", "--allow-drop", "0002", "--allow-drop", "0003", "--json"]).ok();
        run.json()["removed"].as_array().map(|all| assert_eq!(all, &[PATCHES[1], PATCHES[2]])).unwrap();
        let run = run.says("removed   0002-Pin-the-requirements.patch\n").says("removed   0003-Answer-in-capitals.patch\n");
        run.says("1 patch unchanged");
        assert_eq!(env.queue(), [PATCHES[0], "0004-x.patch"]);
        env.patchq(&["undo", "--list"]).ok().prints("0002-Pin-the-requirements.patch left the queue: its commit was gone");
        env.patchq(&["undo"]).ok();
        assert_eq!(env.queue(), PATCHES);
    }

    fn the_hint_after_a_reset_brings_the_commits_back(env) {
        env.ready();
        let top = env.head();
        reset(env, &["--hard", "HEAD~2"]);
        edit(env);
        env.git(&env.co(), &["reset", "--keep", "refs/patchq/synced~1"]);
        assert_eq!(env.head(), top);
        env.patchq(&["save", "-m", "x"]).ok().says_not("removed").says("3 patches unchanged");
        assert_eq!(env.queue()[..3], PATCHES);
    }

    fn save_after_a_reset_to_the_pin_drops_nothing_unasked(env) {
        let up = env.ready();
        reset(env, &["--hard", &up.pin]);
        edit(env);
        env.changes_nothing(&["save", "-m", "x"]).exits(1).one_error().says(PATCHES[0]).says(PATCHES[1]).says(PATCHES[2]);
    }

    fn save_after_a_commit_on_a_reset_says_how_to_pick(env) {
        env.ready();
        let lost = env.git(&env.co(), &["rev-parse", "--short=12", "HEAD"]);
        reset(env, &["--hard", "HEAD~1"]);
        env.commit_in_checkout("docs/new.md", "new\n", "Write docs");
        edit(env);
        let run = env.changes_nothing(&["save", "-m", "x"]).exits(1).one_error().says(PATCHES[2]).says_not(PATCHES[1]);
        run.hints(&format!("git -C up cherry-pick {lost}"));
        // Export may drop patches as a rebase does; it reports them.
        let run = env.patchq(&["export", "--json"]).ok().says("removed   0003-Answer-in-capitals.patch\n");
        assert_eq!(run.json()["upstreams"][0]["removed"][0], PATCHES[2]);
    }

    fn what_is_in_the_top_all_the_same_is_folded(env) {
        env.ready();
        env.rebase("2s/^pick/squash/").ok();
        edit(env);
        let run = env.patchq(&["save", "-m", "x", "--json"]).ok();
        let folded = &run.json()["folded"];
        assert_eq!((&folded[0]["file"], &folded[0]["into"]), (&PATCHES[1].into(), &PATCHES[0].into()));
        assert_eq!(run.json()["removed"].as_array().map(Vec::len), Some(1));
        run.says("removed   0002-Pin-the-requirements.patch folded into 0001-Build-on-bullseye.patch\n");
        assert_eq!(env.queue(), [PATCHES[0], PATCHES[2], "0004-x.patch"]);
    }

    fn what_a_soft_reset_leaves_is_folded_into_the_new_patch(env) {
        env.ready();
        reset(env, &["--soft", "HEAD~2"]);
        edit(env);
        let run = env.patchq(&["save", "-m", "All of it"]).ok();
        run.says("0002-Pin-the-requirements.patch folded into 0004-all-of-it.patch").says("0003-Answer-in-capitals.patch folded into 0004-all-of-it.patch");
        assert_eq!(env.queue(), [PATCHES[0], "0004-all-of-it.patch"]);
    }

    fn lines_changed_further_are_folded_while_a_patch_has_them(env) {
        env.ready();
        env.rebase("2s/^pick/squash/").ok();
        put(&env.co().join("app/requirements.txt"), "flask==2.0\njinja2==3.1.4\nrequests==2.31\nurllib3\n");
        env.patchq(&["save", "-m", "Newer"]).ok().says("0002-Pin-the-requirements.patch folded into 0001-Build-on-bullseye.patch");
    }

    fn one_path_of_several_is_enough_to_refuse(env) {
        env.ready();
        put(&env.co().join("docs/a.md"), "a\n");
        put(&env.co().join("docs/b.md"), "b\n");
        env.patchq(&["save", "-m", "Two"]).ok();
        reset(env, &["--soft", "HEAD~1"]);
        env.git(&env.co(), &["rm", "-q", "-f", "docs/b.md"]);
        let run = env.changes_nothing(&["save", "-m", "One"]).exits(1).one_error();
        run.says("0004-two.patch     (docs/b.md)");
    }

    fn save_into_drops_nothing_unasked(env) {
        env.ready();
        reset(env, &["--hard", "HEAD~1"]);
        edit(env);
        env.changes_nothing(&["save", "--into", "0002"]).exits(1).one_error().says(PATCHES[2]);
        env.patchq(&["save", "--into", "0002", "--allow-drop", "0003"]).ok().says("removed   0003-Answer-in-capitals.patch\n");
        assert_eq!(env.queue(), PATCHES[..2]);
    }

    fn a_new_order_is_said_with_the_new_names(env) {
        env.ready();
        reorder(env);
        edit(env);
        let run = env.patchq(&["save", "-m", "x", "--json"]).ok();
        let renamed = run.json()["renamed"].as_array().unwrap().clone();
        assert!(!renamed.is_empty(), "{}", run.shown());
        for one in &renamed {
            let (from, to) = (one["from"].as_str().unwrap(), one["to"].as_str().unwrap());
            assert!(PATCHES.contains(&from) && env.queue().contains(&to.to_owned()), "{renamed:?}");
            run.clone().says(&format!("renamed   {from} to {to}\n"));
        }
        assert_eq!(run.json()["removed"].as_array().map(Vec::len), Some(0));
    }

    fn export_of_a_new_order_has_the_new_names_as_data(env) {
        env.ready();
        reorder(env);
        let json = env.patchq(&["export", "--json"]).ok().json();
        let renamed = &json["upstreams"][0]["renamed"][0];
        assert!(PATCHES.contains(&renamed["from"].as_str().unwrap()), "{json}");
    }

    fn export_after_moving_back_must_be_allowed(env) {
        let up = env.ready();
        reset(env, &["--hard", "HEAD~2"]);
        let run = env.changes_nothing(&["export"]).exits(1).one_error().says("up: the checkout was moved back");
        let run = run.says(PATCHES[1]).says(PATCHES[2]).says_not(PATCHES[0]).hints("git -C up reset --keep refs/patchq/synced~1");
        run.hints("patchq export up --allow-drop 0002-Pin-the-requirements.patch --allow-drop 0003-Answer-in-capitals.patch");
        env.changes_nothing(&["export", "--allow-drop", "0002"]).exits(1).one_error().says(PATCHES[2]);
        env.changes_nothing(&["export", "--allow-drop", "9"]).exits(2).one_error();
        env.changes_nothing(&["export", "--allow-empty"]).exits(1).one_error();
        env.patchq(&["export", "--allow-drop", "0002", "--allow-drop", "0003"]).ok().says("removed   0003-Answer-in-capitals.patch");
        assert_eq!(env.queue(), PATCHES[..1]);
        env.patchq(&["undo"]).ok();
        reset(env, &["--hard", &up.pin]);
        env.changes_nothing(&["export"]).exits(1).one_error().hints("--allow-empty");
    }

    fn files_that_went_by_hand_are_named_when_they_are_taken(env) {
        for command in [&["apply", "--json"][..], &["setup", "--json"]] {
            let env = if env.hostile { Env::hostile() } else { Env::new() };
            env.ready();
            std::fs::remove_file(env.path("ws/patches/up").join(PATCHES[2])).unwrap();
            std::fs::rename(env.path("ws/patches/up").join(PATCHES[1]), env.path("ws/patches/up/0002-pins.patch")).unwrap();
            let run = env.patchq(command).ok();
            let json = &run.json()["upstreams"][0];
            assert_eq!(json["patches_removed"], serde_json::json!([PATCHES[2]]));
            assert_eq!(json["patches_renamed"], serde_json::json!([{"from": PATCHES[1], "to": "0002-pins.patch"}]));
            run.says("up: removed   0003-Answer-in-capitals.patch\n").says("up: renamed   0002-Pin-the-requirements.patch to 0002-pins.patch\n");
            env.changes_nothing(command).ok().says_not("removed   ");
        }
    }

    fn files_that_went_by_hand_are_named_by_save_and_refresh(env) {
        env.ready();
        std::fs::remove_file(env.path("ws/patches/up").join(PATCHES[2])).unwrap();
        edit(env);
        let run = env.patchq(&["save", "-m", "x", "--json"]).ok().says("removed   0003-Answer-in-capitals.patch\n");
        assert_eq!(run.json()["removed"], serde_json::json!([PATCHES[2]]));
        std::fs::remove_file(env.path("ws/patches/up").join(PATCHES[1])).unwrap();
        let run = env.patchq(&["refresh", "--to", "v1.0", "--once", "--json"]).ok().says("removed   0002-Pin-the-requirements.patch\n");
        assert_eq!(run.json()["removed"], serde_json::json!([PATCHES[1]]));
        std::fs::remove_file(env.path("ws/patches/up").join(PATCHES[0])).unwrap();
        let run = env.patchq(&["refresh", "--json"]).ok().says("removed   0001-Build-on-bullseye.patch\n");
        assert_eq!(run.json()["removed"], serde_json::json!([PATCHES[0]]));
    }

    fn a_refresh_empties_a_queue_only_when_told(env) {
        let up = env.workspace_with("", &[("a", b"1\n")], &[("0001-two.patch", b"--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n")]);
        env.patchq(&["setup"]).ok();
        env.write("work/a", "2\n");
        git_at(&env.path("work"), 1, &["commit", "-q", "-a", "-m", "Two"]);
        let tip = env.publish_work();
        assert_ne!(up, tip);
        env.patchq(&["refresh", "--dry-run", "--to", &tip, "--once"]).ok().says("no patch would be left").hints("--allow-empty");
        let run = env.changes_nothing(&["refresh", "--to", &tip, "--once"]).exits(1).one_error();
        run.says("up: no patch would be left").hints(&format!("patchq refresh up --to {tip} --once --allow-empty"));
        env.patchq(&["refresh", "--to", &tip, "--once", "--allow-empty"]).ok().says("removed   0001-two.patch");
        assert_eq!(env.queue(), [""; 0]);
    }
}
