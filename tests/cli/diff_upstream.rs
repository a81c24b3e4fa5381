//! `patchq diff-upstream`.

use std::fs;

use serde_json::{Value, json};

use super::shared::server::{Mode, Server};
use super::support::{Env, git_at, in_both_worlds};

/// Upstream's diff, in the usual world, of the file that the queue touches.
const USUAL: &str = "\
up: v1.0 → v1.1

upstream changed 1 of 3 files that the queue touches
     file            upstream  queue  patch
  M  app/Dockerfile     +1 -0  +1 -1  0001   merged

not shown: 1 file in 1 folder, 1 of them within 'sparse'
  1  docs/

3 patches: 3 apply (1 merged)
  merged      0001-Build-on-bullseye.patch
  unchanged   0002-Pin-the-requirements.patch
  unchanged   0003-Answer-in-capitals.patch
";

/// Returns the content for moved files: 90 lines, so that git recognizes the move.
fn telling(word: &str) -> String {
    (0..90).map(|n| format!("{word} line {n}\n")).collect()
}

/// Makes a workspace at a first commit, with `v2` and `main` at a second, and a queue that touches four files.
fn eventful(env: &Env) -> (String, String) {
    let (moved, plan, big) = (telling("moved"), telling("plan"), telling("big").repeat(200));
    let files: Vec<(&str, &[u8])> = vec![
        ("app/Dockerfile", b"FROM a\nRUN b\n"),
        ("app/old/tool.py", moved.as_bytes()),
        ("app/quiet.txt", b"quiet\n"),
        ("app/icon.bin", b"\0one"),
        ("build/Makefile", plan.as_bytes()),
        ("build/Dockerfile.gpu", big.as_bytes()),
        ("lib/a/one.py", b"1\n"),
        ("lib/b/two.py", b"2\n"),
        ("lib/sub/three.py", big.as_bytes()),
        ("top.txt", b"top\n"),
    ];
    let pin = env.workspace_with("track = \"main\"\nsparse = [\"app\", \"lib/a\"]\n", &files, &[]);
    let work = env.path("work");
    let write = |path: &str, text: &str| env.write(&format!("work/{path}"), text);
    let git = |args: &[&str]| git_at(&work, 3, args);
    let patch = |name: &str, message: &str| {
        git(&["commit", "-qam", message]);
        let text = git_at(&work, 3, &["format-patch", "--stdout", "--full-index", "--binary", "-1"]);
        env.write(&format!("ws/patches/up/{name}"), text + "\n");
    };
    write("app/Dockerfile", "FROM ours\nRUN b\n");
    write("app/old/tool.py", &moved.replace("line 3\n", "line three\n"));
    patch("0001-ours.patch", "Ours");
    write("app/Dockerfile", "FROM ours\nRUN b\nUSER app\n");
    write("app/quiet.txt", "quieter\n");
    write("app/icon.bin", "\0two");
    patch("0002-more.patch", "More");
    git(&["reset", "-q", "--hard", &pin]);
    write("app/Dockerfile", "FROM theirs\nRUN b\n\u{1b}]0;title\u{7}\n");
    write("app/icon.bin", "\0three");
    fs::create_dir_all(work.join("app/new")).unwrap();
    git(&["mv", "app/old/tool.py", "app/new/tool.py"]);
    git(&["mv", "build/Makefile", "lib/Makefile"]);
    write("build/Dockerfile.gpu", &big.replace("line 7\n", "line seven\n"));
    write("lib/sub/three.py", &format!("{big}more\n"));
    write("lib/a/one.py", "one\n");
    write("lib/b/two.py", "two\n");
    write("top.txt", "the top\n");
    git(&["add", "-A"]);
    git(&["commit", "-qm", "Everything"]);
    git(&["tag", "v2"]);
    let next = env.publish_work();
    env.commit_workspace("A queue");
    (pin, next)
}

/// Returns the blobs at `paths` of a commit in the upstream's work, and whether the store has them.
fn has(env: &Env, commit: &str, paths: &[&str]) -> Vec<bool> {
    let store = env.store();
    let in_store = |path: &&str| {
        let id = git_at(&env.path("work"), 0, &["rev-parse", &format!("{commit}:{path}")]);
        let vars = [("GIT_NO_LAZY_FETCH", "1")];
        env.git_with(&env.root, &vars, &["--git-dir", store.to_str().unwrap(), "cat-file", "-e", &id]).code == Some(0)
    };
    paths.iter().map(in_store).collect()
}

in_both_worlds! {
    fn the_screen_says_what_matters_and_nothing_changes(env) {
        env.workspace();
        // Without store and checkout: the first run makes the store.
        let run = env.patchq(&["diff-upstream"]).ok();
        assert_eq!(run.stdout, USUAL, "{}", run.shown());
        assert!(!env.exists("ws/up"));
        env.patchq(&["setup"]).ok();
        let run = env.changes_nothing(&["diff-upstream", "up", "--to", "v1.1"]).ok();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), (USUAL, ""), "{}", run.shown());
        assert!(!env.exists("ws/.git/patchq/journal/up"));
    }

    fn nothing_new_is_said_so(env) {
        let usual = env.workspace();
        env.entry("up", &usual.next, Some("v1.1"), &[]);
        for args in [&["diff-upstream"][..], &["diff-upstream", "--to", "main", "-p", "--exit-code"]] {
            let run = env.patchq(args).ok();
            assert_eq!(run.stdout, "up: nothing new since v1.1\n", "{}", run.shown());
        }
        let document = env.patchq(&["--json", "diff-upstream"]).ok().json();
        let up = &document["upstreams"][0];
        assert_eq!((&up["target"]["same"], &up["touched"], &up["patches"]), (&json!(true), &json!([]), &json!([])));
    }

    fn every_kind_of_change_has_its_place(env) {
        eventful(env);
        let run = env.patchq(&["diff-upstream", "--stat", "--to", "v2"]).ok();
        let wanted = "\
upstream changed 3 of 4 files that the queue touches
     file               upstream   queue  patch
  M  app/Dockerfile        +2 -1   +2 -1  0001   conflict
                                          0002   blocked
  M  app/icon.bin         binary  binary  0002   conflict
  R  app/old/tool.py
     → app/new/tool.py             +1 -1  0001   moved

2 other files to review, 0 of them within 'sparse'
  M  build/Dockerfile.gpu  +200 -200
  R  build/Makefile
     → lib/Makefile

not shown: 4 files in 4 folders, 1 of them within 'sparse'
  1  *
  1  lib/a/
  1  lib/b/
  1  lib/sub/

2 patches: 2 conflict
  conflict    0001-ours.patch
                app/Dockerfile:1: upstream changed the same lines
                app/old/tool.py → app/new/tool.py
  conflict    0002-more.patch
                app/Dockerfile: needs 0001-ours.patch
                app/icon.bin: upstream changed the binary file, and so does the patch
";
        assert!(run.stdout.contains(wanted), "{}", run.shown());
        let run = env.patchq(&["diff-upstream", "-v"]).ok();
        assert!(run.stdout.contains("  1  *\n  1  lib/a/*\n  1  lib/b/*\n  1  lib/sub/*\n"), "{}", run.shown());
    }

    fn json_says_all_of_it(env) {
        let (pin, next) = eventful(env);
        let document = env.patchq(&["--json", "diff-upstream", "-p"]).ok().json();
        assert_eq!((&document["schema"], &document["ok"]), (&json!("patchq.diff-upstream/1"), &json!(true)));
        let up = &document["upstreams"][0];
        assert_eq!((&up["name"], &up["pin"], &up["version"]), (&json!("up"), &json!(pin), &Value::Null));
        let target = json!({ "pin": next, "version": "v2", "ref": "refs/heads/main", "same": false, "notes": [] });
        assert_eq!(up["target"], target);
        assert_eq!(up["queue_files"], json!(4));
        let lines = |added, removed| json!({ "added": added, "removed": removed });
        let patch = |file: &str, lines: Value, outcome: &str| json!({ "file": file, "lines": lines, "outcome": outcome });
        let touched = json!([
            {
                "path": "app/Dockerfile", "old_path": null, "similarity": null, "change": "modified",
                "upstream": lines(2, 1), "queue": lines(2, 1),
                "patches": [
                    patch("0001-ours.patch", lines(1, 1), "conflict"), patch("0002-more.patch", lines(1, 0), "blocked"),
                ],
            },
            {
                "path": "app/icon.bin", "old_path": null, "similarity": null, "change": "modified",
                "upstream": null, "queue": null, "patches": [patch("0002-more.patch", Value::Null, "conflict")],
            },
            {
                "path": "app/new/tool.py", "old_path": "app/old/tool.py", "similarity": 100, "change": "renamed",
                "upstream": lines(0, 0), "queue": lines(1, 1),
                "patches": [patch("0001-ours.patch", lines(1, 1), "moved")],
            },
        ]);
        assert_eq!(up["touched"], touched);
        let review = |path: &str, old: Value, change: &str, lines: Value| json!({
            "path": path, "old_path": old, "change": change, "upstream": lines, "in_sparse": false,
        });
        assert_eq!(up["review"], json!([
            review("build/Dockerfile.gpu", Value::Null, "modified", lines(200, 200)),
            review("lib/Makefile", json!("build/Makefile"), "renamed", lines(0, 0)),
        ]));
        let folder = |path: Value| json!({ "path": path, "files": 1 });
        let folders = json!([
            folder(Value::Null), folder(json!("lib/a")), folder(json!("lib/b")), folder(json!("lib/sub")),
        ]);
        assert_eq!(up["rest"], json!({ "files": 4, "in_sparse": 1, "folders": folders }));
        let outcomes: Vec<_> = up["patches"].as_array().unwrap().iter().map(|patch| &patch["outcome"]).collect();
        assert_eq!(outcomes, [&json!("conflict"), &json!("conflict")]);
        assert!(up["diff"].as_str().unwrap().contains("rename to app/new/tool.py\n"));
        let document = env.patchq(&["--json", "diff-upstream"]).ok().json();
        let up = &document["upstreams"][0];
        assert_eq!((&up["diff"], &up["review"][0]["upstream"]), (&Value::Null, &Value::Null));
    }

    fn the_diff_is_what_git_shows(env) {
        let (pin, _) = eventful(env);
        let run = env.patchq(&["diff-upstream", "-p", "-q"]).ok();
        let touched = ["app/Dockerfile", "app/icon.bin", "app/old/tool.py", "app/new/tool.py"];
        let review = ["build/Dockerfile.gpu", "build/Makefile", "lib/Makefile"];
        let range = [pin.as_str(), "HEAD", "--"];
        let wanted: Vec<String> = [&touched[..], &review]
            .iter()
            .map(|paths| {
                let all = ["diff", "--full-index", "-M"].iter().chain(&range).chain(*paths).copied();
                git_at(&env.path("work"), 0, &all.collect::<Vec<_>>())
            })
            .collect();
        // git shows them by their new path, as patchq does; both lists are sorted separately.
        let diff = &run.stdout[run.stdout.find("diff --git").unwrap()..];
        assert_eq!(diff, wanted.join("\n") + "\n", "{}", run.shown());
        assert!(diff.contains("\u{1b}]0;title"), "elsewhere than on a terminal a diff is data");
        let run = env.patchq(&["diff-upstream", "-p", "--color", "always"]).ok();
        assert!(run.stdout.contains("\u{1b}[32m+\\x1b]0;title\\x07\u{1b}[0m\n"), "{}", run.shown());
    }

    fn the_exit_code_says_whether_it_matters(env) {
        let (pin, _) = eventful(env);
        env.patchq(&["diff-upstream"]).ok();
        env.patchq(&["diff-upstream", "--exit-code"]).exits(4);
        env.patchq(&["--json", "diff-upstream", "--exit-code"]).exits(4).prints("\"ok\": true");
        // Files that are only to review matter too; without both nothing matters.
        fs::remove_dir_all(env.path("ws/patches/up")).unwrap();
        let run = env.patchq(&["diff-upstream", "--exit-code"]).exits(4);
        assert!(run.stdout.contains("0 of 0 files that the queue touches"), "{}", run.shown());
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", manifest.replace("sparse", "review = []\nsparse"));
        let run = env.patchq(&["diff-upstream", "--exit-code"]).ok();
        assert!(run.stdout.contains("not shown: 9 files"), "{}", run.shown());
        env.patchq(&["diff-upstream", "--exit-code", "--to", &pin]).ok().prints("nothing new");
    }

    fn names_come_first_and_contents_only_where_they_are_shown(env) {
        let (_, next) = eventful(env);
        let server = Server::start(&env.root, Mode::Filters);
        let manifest = env.read("ws/upstreams.toml").replace("../up.git", &server.url("up.git"));
        env.write("ws/upstreams.toml", manifest);
        env.patchq(&["setup"]).ok();
        server.take_stats();
        env.patchq(&["diff-upstream"]).ok();
        let stats = server.take_stats();
        let paths = ["app/Dockerfile", "app/icon.bin", "build/Dockerfile.gpu", "lib/sub/three.py", "lib/b/two.py"];
        assert_eq!(has(env, &next, &paths), [true, true, false, false, false]);
        // The refs; the target's commit and trees; its history, for the direction; and all contents together.
        let posts = |stats: &[String]| stats.iter().filter(|request| request.starts_with("POST")).count();
        assert!(posts(&stats.requests) <= 6, "{:#?}", stats.requests);
        assert!(stats.bytes_out < 10_000, "{}", stats.bytes_out);
        let first = posts(&stats.requests);
        env.patchq(&["diff-upstream"]).ok();
        let again = posts(&server.take_stats().requests);
        env.patchq(&["diff-upstream", "--stat"]).ok();
        assert_eq!(has(env, &next, &paths), [true, true, true, false, false]);
        let with_stat = posts(&server.take_stats().requests);
        assert_eq!(with_stat, again + 1, "one request for all files for review");
        assert!(again < first, "{again} {first}");
        env.patchq(&["diff-upstream", "-p", "--offline", "--to", &next]).ok();
    }

    fn mistakes_have_one_clear_error(env) {
        let usual = env.workspace();
        env.patchq(&["diff-upstream", "--offline"]).exits(1).one_error()
            .says("error: up: cannot fetch commit").hints("run the command again without --offline");
        assert!(!env.exists("ws/.git/patchq/up.git"), "offline there is nothing to put into a store");
        env.patchq(&["setup"]).ok();
        env.changes_nothing(&["diff-upstream", "--offline"]).exits(1).one_error()
            .says("error: up: cannot").hints("run the command again without --offline");
        env.changes_nothing(&["diff-upstream", "--to", "v1.l"]).exits(1).one_error()
            .says("error: up: the upstream has no branch, tag or commit 'v1.l'").hints("git ls-remote");
        env.changes_nothing(&["diff-upstream", "--to", "a..b"]).exits(2).one_error().says("'a..b' is not a branch");
        env.changes_nothing(&["diff-upstream", "--to=--upload-pack=x"]).exits(2).one_error().says("as an option");
        env.changes_nothing(&["diff-upstream", "down"]).exits(2).one_error().says("there is no upstream 'down'");
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", manifest.replace("track = \"main\"\n", ""));
        env.changes_nothing(&["diff-upstream"]).exits(1).one_error()
            .says("error: up: it has no track").hints("patchq diff-upstream up --to REV");
        env.patchq(&["diff-upstream", "--to", "main"]).ok().prints("1 of 3 files");
        env.write("ws/upstreams.toml", manifest);
        let broken = String::from_utf8(usual.patches[1].1.clone()).unwrap().replace("-jinja2\n", "-jinja3\n");
        env.write("ws/patches/up/0002-Pin-the-requirements.patch", broken);
        env.changes_nothing(&["diff-upstream"]).exits(1).one_error()
            .says("up: 0002-Pin-the-requirements.patch: does not apply");
        fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        env.changes_nothing(&["diff-upstream"]).exits(1).one_error().says("error: up: no pin: commits/up.txt does not exist").hints("patchq add up --pin REV");
    }

    fn upstreams_stand_alone(env) {
        let usual = env.workspace();
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("[upstream.gone]\nurl = \"../gone.git\"\ntrack = \"main\"\n{manifest}"));
        env.entry("gone", &usual.pin, Some("v1.0"), &[]);
        let run = env.patchq(&["diff-upstream"]).exits(1).one_error().says("error: gone: ");
        assert_eq!(run.stdout, USUAL, "{}", run.shown());
        let run = env.patchq(&["--json", "diff-upstream", "--exit-code"]).exits(1);
        let document = run.json();
        assert_eq!((&document["ok"], &document["upstreams"][0]["name"]), (&json!(false), &json!("up")));
        assert_eq!(document["upstreams"].as_array().unwrap().len(), 1);
    }

    fn what_only_looks_is_refused_nothing(env) {
        let usual = env.workspace();
        env.entry("up", &usual.next, Some("v1.1"), &[]);
        let run = env.patchq(&["diff-upstream", "--to", "v1.0"]).ok();
        assert!(run.stderr.contains("note: up: v1.0 ") && run.stderr.contains(" is older than "), "{}", run.shown());
        assert!(run.stderr.contains("note: up: 'v1.0' is outside") || run.stdout.contains("v1.1 → v1.0"), "{}", run.shown());
        env.patchq(&["-q", "diff-upstream", "--to", "v1.0"]).ok().says_not("note");
    }
}
