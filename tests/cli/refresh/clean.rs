//! A queue that applies without conflicts.

use std::fs;

use super::bench::{Bench, LINES, TRACK, all, assert_all_same, assert_in_step, changes_nothing, with};
use crate::support::{Env, PATCHES, in_both_worlds, put};

/// Returns the outcome of each patch of a refresh.
fn outcomes(document: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let patches = document["patches"].as_array().unwrap();
    patches.iter().map(|patch| (text(&patch["file"]), text(&patch["outcome"]))).collect()
}

fn patch_bytes(env: &Env, name: &str) -> Vec<u8> {
    fs::read(env.path(format!("ws/patches/up/{name}"))).unwrap()
}

in_both_worlds! {
    fn pin_version_files_and_checkout_move_together(env) {
        let up = env.ready();
        let before = all(env);
        let run = env.patchq(&["refresh"]).ok();
        let run = run.prints(&format!("up: v1.0 ({}) → v1.1 ({})\n", &up.pin[..8], &up.next[..8]));
        let run = run.prints("  merged      0001-Build-on-bullseye.patch\n");
        let run = run.prints("  unchanged   0002-Pin-the-requirements.patch\n");
        let run = run.prints("3 patches: 3 apply (1 merged)\n");
        let run = run.says("up: 3 patch files unchanged");
        run.says(&format!("up: moved to v1.1 ({}); 'patchq undo up' undoes it", &up.next[..8]));
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", up.next));
        assert_eq!(env.read("ws/commits/up.version.txt"), "v1.1\n");
        assert_eq!(env.queue(), PATCHES);
        for (name, bytes) in &up.patches[1..] {
            assert_eq!(patch_bytes(env, name), *bytes, "{name}");
        }
        assert_eq!(
            env.read("ws/up/app/Dockerfile"),
            "FROM python:3.8-bullseye\nCOPY . /app\nRUN pip install -r requirements.txt\nUSER app\n"
        );
        assert_eq!(env.read("ws/up/docs/news.md"), "1.1\n");
        assert_in_step(env);
        let described = env.git(&env.co(), &["describe", "--tags"]);
        assert!(described.starts_with("v1.1-3-g"), "{described}");
        assert_eq!(env.git(&env.co(), &["tag", "--list"]), "v1.1");
        let notes = env.git(&env.co(), &["log", "--format=%N", "--notes=patchq", "refs/patchq/base.."]);
        let noted: Vec<&str> = notes.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(noted, [PATCHES[2], PATCHES[1], PATCHES[0]]);
        let workspace = env.git(&env.ws(), &["status", "--porcelain"]);
        assert_eq!(workspace, " M commits/up.txt\n M commits/up.version.txt");

        changes_nothing(env, &["refresh"]).ok().says(&format!("up: already at v1.1 ({})", &up.next[..8]));
        env.patchq(&["undo"]).ok().says("undid 'refresh'").says("commits/up.txt").says("commits/up.version.txt");
        assert_all_same(&before, env, "after undo");
        assert_in_step(env);
        assert_eq!(env.git(&env.co(), &["tag", "--list"]), "v1.0");
    }

    fn the_document_says_all_of_it(env) {
        let up = env.ready();
        for looks in [&["refresh", "--dry-run", "--json"][..], &["diff-upstream", "--json"]] {
            let document = env.patchq(looks).ok().json();
            let patches = document["upstreams"][0]["patches"].as_array().or(document["patches"].as_array()).unwrap();
            assert_eq!(patches.len(), 3);
            assert!(patches.iter().all(|patch| patch["new_commit"].is_null()), "commits that exist nowhere: {document}");
        }
        let document = env.patchq(&["refresh", "up", "--json"]).ok().json();
        assert_eq!(document["schema"], "patchq.refresh/1");
        assert_eq!(document["ok"], true);
        assert_eq!(document["name"], "up");
        assert_eq!(document["from"], serde_json::json!({ "commit": up.pin, "version": "v1.0" }));
        assert_eq!(document["to"], serde_json::json!({ "commit": up.next, "version": "v1.1" }));
        for (key, value) in [("dry_run", false), ("same", false), ("published", true)] {
            assert_eq!(document[key], value, "{key}");
        }
        assert_eq!((&document["track"], &document["notes"]), (&serde_json::Value::Null, &serde_json::json!([])));
        assert_eq!(document["removed"], serde_json::json!([]));
        let words: Vec<String> = outcomes(&document).into_iter().map(|(_, word)| word).collect();
        assert_eq!(words, ["merged", "unchanged", "unchanged"]);
        let first = &document["patches"][0];
        assert_eq!(first["subject"], "Build on bullseye");
        assert_eq!((&first["dropped"], &first["emptied"]), (&false.into(), &false.into()));
        let commits = env.git(&env.co(), &["rev-list", "--reverse", "refs/patchq/base..HEAD"]);
        for (patch, commit) in document["patches"].as_array().unwrap().iter().zip(commits.lines()) {
            assert_eq!(patch["new_commit"], commit);
        }
        let files = document["files"].as_array().unwrap();
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| file["outcome"] == "kept"), "{files:?}");
        let document = env.patchq(&["refresh", "up", "--json"]).ok().json();
        assert_eq!((&document["same"], &document["published"]), (&true.into(), &false.into()));
        assert_eq!((&document["patches"], &document["files"]), (&serde_json::json!([]), &serde_json::json!([])));
    }

    fn only_files_whose_hunks_moved_are_written_anew(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES)), ("c.txt", Some("c\n"))]);
        let shifted = bench.patch("Shout eight", &[("a.txt", Some(&with("eight", "EIGHT")))]);
        let stays = bench.patch("Shout two", &[("b.txt", Some(&with("two", "TWO")))]);
        let last = bench.patch("Say d", &[("c.txt", Some("d\n"))]);
        let queue = [shifted, stays, last];
        bench.release("v1.1", &[("a.txt", Some(&format!("zero\nzero\n{LINES}")))]);
        bench.ready(TRACK, &queue);
        let before = all(env);
        env.patchq(&["refresh"]).ok().says("up: rewritten 0001-shout-eight.patch");
        let text = env.read("ws/patches/up/0001-shout-eight.patch");
        assert!(text.contains("\n@@ -7,6 +7,6 @@ "), "{text}");
        for (name, bytes) in &queue[1..] {
            assert_eq!(patch_bytes(env, name), *bytes, "{name}");
        }
        assert_in_step(env);
        env.patchq(&["undo", "up"]).ok();
        assert_all_same(&before, env, "after undo");
    }

    fn an_offset_that_was_there_before_stays_as_it_is(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES))]);
        let (name, bytes) = bench.patch("Shout eight", &[("a.txt", Some(&with("eight", "EIGHT")))]);
        let text = String::from_utf8(bytes).unwrap().replace("@@ -5,6 +5,6 @@", "@@ -3,6 +3,6 @@");
        bench.release("v1.1", &[("b.txt", Some("b\n"))]);
        bench.ready(TRACK, &[(name.clone(), text.clone().into_bytes())]);
        env.patchq(&["refresh"]).ok().prints("  unchanged   0001-shout-eight.patch");
        assert_eq!(env.read(&format!("ws/patches/up/{name}")), text);
    }

    fn upstreams_files_come_and_go_in_the_checkout(env) {
        let files = [("app/a", "a\n"), ("app/old", "old\n"), ("app/kind", "file\n"), ("lib/x", "x\n"), ("deep/y/z", "z\n")];
        let files = files.map(|(path, text)| (path, Some(text)));
        let bench = Bench::new(env, &files);
        let queue = [bench.patch("Touch lib", &[("lib/x", Some("X\n"))])];
        let edits = [("app/old", None), ("app/new/file", Some("new\n")), ("app/kind", None), ("app/kind/file", Some("f\n"))];
        bench.release("v1.1", &[&edits[..], &[("deep/y/z", Some("other\n"))]].concat());
        bench.ready(&format!("{TRACK}sparse = [\"app\"]\n"), &queue);
        put(&env.co().join("app/mine.log"), "untracked and ignored\n");
        let exclude = env.store().join("info/exclude");
        put(&exclude, fs::read_to_string(&exclude).unwrap() + "*.log\n");
        env.patchq(&["refresh"]).ok();
        for (path, there) in [("app/old", false), ("app/new/file", true), ("app/kind/file", true), ("deep", false)] {
            assert_eq!(env.exists(&format!("ws/up/{path}")), there, "{path}");
        }
        assert_eq!(env.read("ws/up/lib/x"), "X\n");
        assert_eq!(env.read("ws/up/app/mine.log"), "untracked and ignored\n");
        assert_in_step(env);
        env.patchq(&["undo"]).ok();
        assert_eq!((env.read("ws/up/app/kind"), env.exists("ws/up/app/new")), ("file\n".to_owned(), false));
        assert_in_step(env);
    }

    fn a_path_that_the_queue_newly_touches_comes_into_the_checkout(env) {
        let text = "a long enough text\nto be found again\nunder another name\nand in another folder\nby what it says\n";
        let bench = Bench::new(env, &[("lib/x.py", Some(text)), ("app/a", Some("a\n"))]);
        let queue = [bench.patch("Say more", &[("lib/x.py", Some(&text.replace("long", "very long")))])];
        bench.release("v1.1", &[("lib/x.py", None), ("src/x.py", Some(text))]);
        bench.ready(&format!("{TRACK}sparse = [\"app\"]\n"), &queue);
        env.patchq(&["refresh"]).ok().prints("  moved       0001-say-more.patch\n").prints("lib/x.py → src/x.py\n");
        assert!(!env.exists("ws/up/lib"));
        assert!(env.read("ws/up/src/x.py").contains("very long"));
        assert!(env.read("ws/patches/up/0001-say-more.patch").contains("+++ b/src/x.py"));
        assert_in_step(env);
        let sparse = env.git(&env.co(), &["sparse-checkout", "list"]);
        assert!(sparse.contains("/src/x.py") && !sparse.contains("lib"), "{sparse}");
        env.patchq(&["undo"]).ok();
        assert!(env.exists("ws/up/lib/x.py") && !env.exists("ws/up/src"));
        assert_in_step(env);
    }

    fn without_a_checkout(env) {
        let up = env.ready();
        fs::remove_dir_all(env.co()).unwrap();
        let before = all(env);
        env.patchq(&["refresh", "up"]).ok();
        assert!(!env.exists("ws/up"));
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", up.next));
        env.patchq(&["undo"]).ok();
        assert_all_same(&before, env, "after undo");
        env.patchq(&["refresh"]).ok();
        env.patchq(&["setup"]).ok();
        assert_in_step(env);
    }

    fn never_set_up_and_without_a_store(env) {
        let up = env.workspace();
        let before = env.files();
        env.patchq(&["refresh"]).ok().prints("3 patches: 3 apply (1 merged)");
        assert!(!env.exists("ws/up"));
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", up.next));
        env.patchq(&["undo"]).ok();
        crate::support::assert_same(&before, &env.files(), "after undo");
        env.patchq(&["refresh"]).ok();
        fs::remove_dir_all(env.store()).unwrap();
        let moved = env.files();
        env.patchq(&["refresh"]).ok().says("already");
        crate::support::assert_same(&moved, &env.files(), "with an empty store");
        env.patchq(&["setup"]).ok();
        assert_in_step(env);
    }

    fn what_was_only_added(env) {
        let bench = Bench::new(env, &[("a", Some("a\n"))]);
        let next = bench.release("v1.1", &[("a", Some("b\n"))]);
        bench.publish();
        env.git(&env.root, &["init", "-q", "ws"]);
        env.patchq(&["init"]).ok();
        env.patchq(&["add", "up", "../up.git", "--pin", "v1.0"]).ok();
        env.patchq(&["refresh", "--dry-run"]).ok().prints("\nno patches\n");
        env.patchq(&["refresh"]).ok().prints("\nno patches\n").says("moved to v1.1");
        assert_eq!(env.read("ws/commits/up.txt"), format!("{next}\n"));
        env.patchq(&["setup"]).ok();
        assert_in_step(env);
    }

    fn a_series_keeps_its_comments_and_loses_its_upstreamed_line(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES))]);
        let first = bench.patch("Shout two", &[("a.txt", Some(&with("two", "TWO")))]);
        let second = bench.patch("Shout nine", &[("b.txt", Some(&with("nine", "NINE")))]);
        bench.release("v1.1", &[("a.txt", Some(&with("two", "TWO"))), ("b.txt", Some(&format!("zero\n{LINES}")))]);
        bench.workspace(TRACK, &[("zz.patch".to_owned(), first.1), ("aa.diff".to_owned(), second.1)]);
        env.write("ws/patches/up/series", "# the order\nzz.patch -p1\n\n# then\naa.diff\n");
        env.patchq(&["setup"]).ok();
        let before = all(env);
        let run = env.patchq(&["refresh"]).ok().prints("  upstreamed  zz.patch");
        run.says("up: removed   zz.patch").says("rewritten aa.diff");
        assert_eq!(env.read("ws/patches/up/series"), "# the order\n\n# then\naa.diff\n");
        assert_eq!(env.queue(), ["aa.diff", "series"]);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        env.changes_nothing(&["setup"]).ok().says("up to date");
        env.patchq(&["undo"]).ok();
        assert_all_same(&before, env, "after undo");
    }

    fn a_patch_without_a_header_stays_without_one(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES))]);
        let diff = |path: &str, from: &str| {
            format!("--- a/{path}\n+++ b/{path}\n@@ -7,4 +7,4 @@\n seven\n-eight\n+{from}\n nine\n ten\n")
        };
        bench.release("v1.1", &[("a.txt", Some(&format!("zero\n{LINES}")))]);
        let queue = [("0001-a.patch", diff("a.txt", "acht")), ("0002-b.patch", diff("b.txt", "huit"))];
        bench.ready(TRACK, &queue.clone().map(|(name, text)| (name.to_owned(), text.into_bytes())));
        env.patchq(&["refresh"]).ok().prints("  merged      0001-a.patch\n").says("rewritten 0001-a.patch");
        let text = env.read("ws/patches/up/0001-a.patch");
        assert!(text.starts_with("diff --git a/a.txt b/a.txt\n") && text.contains("@@ -6,6 +6,6 @@"), "{text}");
        assert_eq!(env.read("ws/patches/up/0002-b.patch"), queue[1].1);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        let dates = env.git(&env.co(), &["log", "--format=%an %ad", "--date=unix", "refs/patchq/base.."]);
        let pinned = env.git(&env.co(), &["log", "-1", "--format=patchq %cd", "--date=unix", "refs/patchq/base"]);
        assert_eq!(dates, format!("{pinned}\n{pinned}"), "the pin's date, which is another one now");
        env.changes_nothing(&["export"]).ok();
    }

    fn a_patch_without_a_date_gets_none(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES))]);
        let (name, bytes) = bench.patch("Shout two", &[("a.txt", Some(&with("two", "TWO")))]);
        let text = String::from_utf8(bytes).unwrap();
        let text: String = text.lines().filter(|line| !line.starts_with("Date:")).map(|line| format!("{line}\n")).collect();
        bench.release("v1.1", &[("b.txt", Some("b\n"))]);
        bench.ready(TRACK, &[(name.clone(), text.clone().into_bytes())]);
        let document = env.patchq(&["refresh", "--json"]).ok().json();
        assert_eq!(document["files"][0]["outcome"], "kept");
        assert_eq!(document["patches"][0]["new_commit"], env.head());
        assert_eq!(env.read(&format!("ws/patches/up/{name}")), text);
        assert_in_step(env);
    }

    fn one_of_several_entries(env) {
        let up = env.workspace();
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("{manifest}\n[upstream.other]\nurl = \"../up.git\"\ntrack = \"main\"\n"));
        env.entry("other", &up.pin, Some("v1.0"), &up.patches);
        env.write("ws/.gitignore", "/up/\n/other/\n");
        env.patchq(&["setup"]).ok();
        let run = changes_nothing(env, &["refresh"]).exits(2).one_error();
        run.says("there are several upstreams; name one of up, other").hints("patchq refresh up");
        let other = (env.read("ws/commits/other.txt"), env.git(&env.path("ws/other"), &["rev-parse", "HEAD"]));
        env.patchq_in(&env.co().join("app"), &["refresh"]).ok().says("up: moved to v1.1");
        assert_eq!(env.read("ws/commits/other.txt"), other.0);
        assert_eq!(env.git(&env.path("ws/other"), &["rev-parse", "HEAD"]), other.1);
        assert_in_step_of_both(env);
        env.patchq(&["refresh", "other/"]).ok().says("other: moved to v1.1");
        assert_eq!(env.read("ws/commits/other.txt"), env.read("ws/commits/up.txt"));
        env.patchq(&["undo", "up"]).ok().says("up: undid 'refresh'");
        assert_eq!(env.read("ws/commits/other.txt"), format!("{}\n", up.next));
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", up.pin));
    }
}

fn assert_in_step_of_both(env: &Env) {
    for name in ["up", "other"] {
        assert_eq!(env.git(&env.path(format!("ws/{name}")), &["status", "--porcelain"]), "", "{name}");
        env.changes_nothing(&["setup", "--only", name]).ok().says("up to date");
    }
}
