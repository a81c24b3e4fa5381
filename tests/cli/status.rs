//! `patchq status`.

use std::fs;

use serde_json::json;

use super::support::{Env, PATCHES, git_at, in_both_worlds, put};

/// Returns the name of the state of the usual upstream, and checks that `status` changes nothing.
#[track_caller]
fn state(env: &Env) -> (String, String) {
    let run = env.changes_nothing(&["--json", "status"]).ok();
    let document = run.json();
    let upstream = &document["upstreams"][0];
    let text = |key: &str| upstream[key].as_str().unwrap_or_default().to_owned();
    env.patchq(&["status"]).ok().prints(&text("words"));
    (text("state"), text("words"))
}

fn pair(state: &str, words: &str) -> (String, String) {
    (state.to_owned(), words.to_owned())
}

fn track(env: &Env, line: &str) {
    env.write("ws/upstreams.toml", format!("[upstream.up]\nurl = \"../up.git\"\n{line}\n"));
}

/// Makes the cached tip in the store older by this many seconds.
fn heard_before(env: &Env, seconds: i64) {
    let store = env.store();
    let git = |args: &[&str]| env.git(&env.root, &[&["--git-dir", store.to_str().unwrap()], args].concat());
    let mut news: serde_json::Value =
        serde_json::from_str(&git(&["show", "refs/patchq/upstream:upstream.json"])).unwrap();
    news["asked"] = json!(news["asked"].as_i64().unwrap() - seconds);
    env.write("upstream.json", news.to_string());
    let blob = git(&["hash-object", "-w", "--no-filters", env.path("upstream.json").to_str().unwrap()]);
    env.write("tree", format!("100644 blob {blob}\tupstream.json\n"));
    let input = fs::File::open(env.path("tree")).unwrap();
    let output =
        env.git_command(&env.root, &["--git-dir", store.to_str().unwrap(), "mktree"]).stdin(input).output().unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let commit = git(&["commit-tree", "-m", "News", tree.trim()]);
    git(&["update-ref", "refs/patchq/upstream", &commit]);
}

in_both_worlds! {
    fn a_table_that_is_read_at_a_glance(env) {
        let usual = env.workspace();
        let run = env.patchq(&["status"]).ok();
        let line = format!("up        {}  v1.0     not checked yet        3  not set up", &usual.pin[..8]);
        assert_eq!(run.stdout, format!("upstream  pin       version  news             patches  checkout\n{line}\n"));
        assert_eq!(run.stderr, "");
        assert!(!env.exists("ws/.git/patchq"), "status made a store");
        env.patchq(&["setup"]).ok();
        env.write("ws/sessions/up.toml", "");
        let run = env.patchq(&["status"]).ok();
        assert!(run.stdout.ends_with("up to date  cannot be read\n"), "{}", run.shown());
    }

    fn every_state_has_its_words(env) {
        let usual = env.ready();
        assert_eq!(state(env), pair("in-step", "up to date"));
        put(&env.co().join("app/main.py"), "x\n");
        put(&env.co().join("app/new.txt"), "x\n");
        assert_eq!(state(env), pair("in-step", "2 files changed"));
        env.git(&env.co(), &["add", "-A"]);
        env.git(&env.co(), &["commit", "-qm", "More"]);
        assert_eq!(state(env), pair("commits-newer", "1 commit to export"));
        env.write("ws/patches/up/series", PATCHES.join("\n"));
        assert_eq!(state(env), pair("diverged", "diverged"));
        env.git(&env.co(), &["reset", "-q", "--hard", "HEAD~1"]);
        assert_eq!(state(env), pair("files-newer", "patch files newer: apply"));
        fs::remove_file(env.path("ws/patches/up/series")).unwrap();
        env.git(&env.co(), &["reset", "-q", "--hard", "HEAD~1"]);
        assert_eq!(state(env), pair("commits-newer", "commits dropped: export"));
        env.git(&env.co(), &["switch", "-q", "-c", "topic"]);
        assert_eq!(state(env), pair("other-branch", "on branch topic"));
        env.git(&env.co(), &["switch", "-q", "--detach", &usual.pin]);
        assert_eq!(state(env).0, "detached");
        env.git(&env.co(), &["switch", "-q", "patchq"]);
        env.rebase("1s/^pick/break\\npick/");
        assert_eq!(state(env), pair("operation", "rebase in progress"));
    }

    fn without_a_checkout(env) {
        env.ready();
        env.commit_in_checkout("app/main.py", "x\n", "More");
        fs::remove_dir_all(env.co()).unwrap();
        assert_eq!(state(env), pair("commits-newer", "no checkout, 1 commit to export"));
        env.patchq(&["setup"]).ok();
        env.patchq(&["export"]).ok();
        fs::remove_dir_all(env.co()).unwrap();
        assert_eq!(state(env), pair("no-checkout", "no checkout"));
        put(&env.co().join("mine"), "x\n");
        assert_eq!(state(env), pair("in-the-way", "other files in the way"));
        fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["setup", "--no-apply"]).ok();
        assert_eq!(state(env), pair("pristine", "pristine"));
        fs::remove_dir_all(env.store()).unwrap();
        let run = env.patchq(&["status"]).ok();
        run.prints("not set up");
        fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        env.patchq(&["status"]).ok().prints("  no pin\n");
    }

    fn a_broken_upstream_is_a_row_and_the_others_are_shown(env) {
        let usual = env.ready();
        let entry = "[upstream.other]\nurl = \"../up.git\"\n";
        env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + entry);
        env.entry("other", &usual.pin, Some("v1.0"), &[("0001-x.patch".to_owned(), b"no diff\n".to_vec())]);
        let run = env.patchq(&["status"]).exits(1).one_error();
        let run = run.says("other: patches/other/0001-x.patch:1: there is no diff in this file");
        run.prints("up to date").prints("cannot be read");
        let document = env.patchq(&["--json", "status"]).exits(1).json();
        assert_eq!((&document["ok"], &document["error"]["kind"]), (&json!(false), &json!("patch")));
        assert_eq!(document["upstreams"][0]["state"], json!("in-step"));
        assert_eq!(document["upstreams"][1]["error"]["line"], json!(1));
        assert_eq!(document["upstreams"][1]["pin"], json!(usual.pin));
    }

    fn a_name_lists_the_patches_and_what_differs(env) {
        env.ready();
        put(&env.co().join("app/new.txt"), "x\n");
        env.commit_in_checkout("app/main.py", "x\n", "More");
        put(&env.co().join("docs/guide.md"), "x\n");
        let run = env.patchq(&["status", "up"]).ok();
        let run = run.prints("0002-Pin-the-requirements.patch\n  Pin the requirements\n   +2  -2  app/requirements.txt\n");
        let run = run.prints(&format!("up commits not exported yet:\n  {}  More\n", &env.head()[..8]));
        run.prints("up uncommitted changes:\n  modified    docs/guide.md\n");
        env.patchq(&["status", "upp"]).exits(2).says("there is no upstream 'upp'");
        let document = env.patchq(&["--json", "status"]).ok().json();
        let upstream = &document["upstreams"][0];
        assert_eq!(upstream["patches"][0]["subject"], json!("Build on bullseye"));
        assert_eq!(
            upstream["patches"][1]["files"],
            json!([{"path": "app/requirements.txt", "old_path": null, "change": "modify", "added": 2, "removed": 2}])
        );
        assert_eq!(upstream["commits"], json!([env.head()]));
        assert_eq!(upstream["changes"], json!([{"path": "docs/guide.md", "change": "modified"}]));
    }

    fn news_of_the_track_with_their_age(env) {
        let usual = env.ready();
        env.patchq(&["outdated"]).exits(4);
        env.changes_nothing(&["status", "--offline"]).ok().prints("v1.0     v1.1 is out (just now)        3  up to date");
        heard_before(env, 3 * 86_400);
        env.patchq(&["status"]).ok().prints("v1.1 is out (3 days ago)");
        let news = &env.patchq(&["status", "--json"]).ok().json()["upstreams"][0]["news"];
        assert_eq!(news["state"], json!("moved"));
        assert_eq!(news["newest"], json!({"id": usual.next, "ref": "refs/heads/main", "version": "v1.1"}));
        assert!(news["asked"].as_i64().is_some_and(|asked| asked > 1_700_000_000), "{news}");
        // A tip without a tag, a pin at the tip, and one that is ahead.
        let bare = env.path("up.git");
        let tree = git_at(&bare, 10, &["rev-parse", "main^{tree}"]);
        let tip = git_at(&bare, 10, &["commit-tree", "-p", "main", "-m", "More", &tree]);
        git_at(&bare, 10, &["update-ref", "refs/heads/main", &tip]);
        env.patchq(&["outdated"]).exits(4);
        env.patchq(&["status"]).ok().prints("main moved (just now)");
        env.write("ws/commits/up.txt", format!("{tip}\n"));
        env.patchq(&["status"]).ok().prints("up to date, just now");
        // The cached tip belongs to another pin, or to another track.
        env.write("ws/commits/up.txt", format!("{}\n", usual.next));
        env.patchq(&["status"]).ok().prints("not checked yet");
        env.write("ws/commits/up.txt", format!("{}\n", usual.pin));
        env.patchq(&["status"]).ok().prints("main moved (just now)");
        track(env, "track = \"v1.0*\"");
        env.patchq(&["status"]).ok().prints("not checked yet");
        let document = env.patchq(&["status", "--json"]).ok().json();
        assert_eq!(document["upstreams"][0]["news"], json!(null));
        track(env, "");
        env.patchq(&["status"]).ok().prints("no track");
        fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        track(env, "track = \"main\"");
        env.patchq(&["status"]).ok().prints("up        -    v1.0     -           -  no pin");
    }

    fn news_of_a_pin_that_is_ahead_and_of_a_tag_that_moved(env) {
        let usual = env.ready();
        env.entry("up", &usual.next, Some("v1.1"), &[]);
        track(env, "track = \"v1.0*\"");
        env.patchq(&["outdated"]).ok();
        env.patchq(&["status"]).ok().prints("pin is ahead, just now");
        track(env, "track = \"v1.1\"");
        git_at(&env.path("up.git"), 10, &["tag", "-f", "v1.1", &usual.pin]);
        env.patchq(&["outdated"]).exits(4);
        env.patchq(&["status"]).ok().prints("tag moved (just now)");
    }

    fn adding_an_upstream_is_asking_too(env) {
        env.workspace();
        env.patchq(&["add", "more", "../up.git", "--pin", "v1.0"]).ok();
        env.patchq(&["add", "tags", "../up.git", "--pin", "v1.0", "--track", "v*"]).ok();
        env.patchq(&["add", "there", "../up.git"]).ok();
        let run = env.patchq(&["status"]).ok().prints("v1.0     main moved (just now)");
        run.prints("v1.0     v1.1 is out (just now)").prints("v1.1     up to date, just now");
    }

    fn a_killed_command_is_finished(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "x\n");
        let run = env.patchq_with(&env.ws(), &[("PATCHQ_TEST_DIE_AT", "Committed")], &["save", "up", "-m", "More"]);
        assert_eq!(run.code, None, "{}", run.shown());
        env.patchq(&["status"]).ok().says("up: finished an interrupted 'save'").prints("up to date");
        assert_eq!(env.queue().len(), 4);
        env.patchq(&["status"]).ok().says_not("interrupted");
    }
}
