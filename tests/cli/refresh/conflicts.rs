//! Conflicts of a refresh: they are all reported, and nothing changes.

use serde_json::json;

use super::bench::{Bench, LINES, TRACK, all, assert_all_same, assert_in_step, changes_nothing, with};
use crate::support::{Env, in_both_worlds};

/// Makes a conflict of lines, one of a file that upstream deleted, a patch that waits for the first, and two that
/// apply.
pub(crate) fn prepared<'e>(env: &'e Env) -> Bench<'e> {
    let files = [("a.txt", LINES), ("b.txt", "b\n"), ("c.txt", LINES), ("d.txt", "d\n")];
    let bench = Bench::new(env, &files.map(|(path, text)| (path, Some(text))));
    let first = with("five", "FIVE");
    let queue = [
        bench.patch("Shout five", &[("a.txt", Some(&first))]),
        bench.patch("Change b", &[("b.txt", Some("B\n"))]),
        bench.patch("Shout ten", &[("a.txt", Some(&first.replace("ten", "TEN")))]),
        bench.patch("Shout two", &[("c.txt", Some(&with("two", "TWO")))]),
        bench.patch("Change d", &[("d.txt", Some("D\n"))]),
    ];
    let text = format!("zero\n{}", with("five", "cinq"));
    let edits = [("a.txt", Some(&*text)), ("b.txt", None), ("c.txt", Some(&with("nine", "neuf")))];
    bench.release("v1.1", &edits);
    bench.ready(TRACK, &queue);
    bench
}

const SCREEN: &str = "  conflict    0001-shout-five.patch
                a.txt:6: upstream changed the same lines
  conflict    0002-change-b.patch
                b.txt: upstream deleted the file, the patch changes it
                b.txt: proposal (likely): drop the patch's change to it
  blocked     0003-shout-ten.patch
                a.txt: needs 0001-shout-five.patch
  merged      0004-shout-two.patch
  unchanged   0005-change-d.patch
";

const SIDES: &str = "
a.txt:6  0001-shout-five.patch
           │ two
           │ three
           │ four
  base     │ five
  upstream │ cinq
  patch    │ FIVE
           │ six
           │ seven
           │ eight

";

const SUMMARY: &str = "5 patches: 2 apply (1 merged), 2 conflict, 1 blocked\n";

in_both_worlds! {
    fn all_of_them_are_told_and_nothing_changes(env) {
        let bench = prepared(env);
        let before = all(env);
        let refs = env.refs();
        let run = env.patchq(&["refresh"]).exits(3);
        let here = format!("up: v1.0 ({}) → v1.1 ({})\n", &bench.id("v1.0")[..8], &bench.id("v1.1")[..8]);
        assert_eq!(run.stdout, format!("{here}{SCREEN}{SIDES}{SUMMARY}"), "{}", run.shown());
        let run = run.says("note: up: nothing was changed; 2 decisions are needed first").says_not("error:");
        run.hints("patchq diff-upstream up -p");
        assert_all_same(&before, env, "after conflicts");
        let mut news: Vec<String> = env.refs().lines().map(str::to_owned).collect();
        news.retain(|line| !refs.lines().any(|was| was == line));
        assert!(news.len() == 1 && news[0].starts_with("refs/patchq/upstream "), "{news:?}");
        env.changes_nothing(&["undo"]).exits(1).says("nothing to undo");
        env.changes_nothing(&["setup"]).ok().says("up to date");
    }

    fn a_dry_run_says_the_same_and_never_changes_anything(env) {
        prepared(env);
        let run = changes_nothing(env, &["refresh", "--dry-run"]).exits(3);
        assert!(run.stdout.ends_with(&format!("\n{SCREEN}{SUMMARY}")), "{}", run.shown());
        let run = run.hints("patchq refresh up --dry-run -v");
        drop(run);
        let run = changes_nothing(env, &["refresh", "--dry-run", "-v"]).exits(3);
        assert!(run.stdout.contains(SIDES), "{}", run.shown());
        // The state of the checkout does not matter: the files are used.
        env.commit_in_checkout("d.txt", "mine\n", "Mine");
        crate::support::put(&env.co().join("a.txt"), "dirty\n");
        changes_nothing(env, &["refresh", "--dry-run"]).exits(3);
        let next = env.git(&env.path("work"), &["rev-parse", "v1.1"]);
        std::fs::rename(env.path("up.git"), env.path("gone.git")).unwrap();
        let run = changes_nothing(env, &["refresh", "--dry-run", "--offline", "--to", &next]).exits(3);
        assert!(run.stdout.contains(SCREEN), "{}", run.shown());
    }

    fn the_document_has_every_side(env) {
        let bench = prepared(env);
        let run = changes_nothing(env, &["refresh", "--json"]).exits(3);
        let document = run.json();
        assert_eq!((&document["ok"], &document["published"]), (&true.into(), &false.into()));
        assert_eq!((&document["files"], &document["removed"]), (&json!([]), &json!([])));
        assert_eq!(document["to"], json!({ "commit": bench.id("v1.1"), "version": "v1.1" }));
        let words = document["patches"].as_array().unwrap().iter().map(|patch| patch["outcome"].clone());
        assert_eq!(words.collect::<Vec<_>>(), ["conflict", "conflict", "blocked", "merged", "unchanged"]);
        let blob = |rev: &str| env.git(&env.path("work"), &["rev-parse", rev]);
        let entry = |rev: &str| json!({ "mode": "100644", "id": blob(rev) });
        assert_eq!(document["patches"][0], json!({
            "file": "0001-shout-five.patch",
            "subject": "Shout five",
            "outcome": "conflict",
            "dropped": false,
            "dropped_because": null,
            "emptied": false,
            "suggestion": null,
            "old_commit": env.git(&env.co(), &["rev-parse", "HEAD~4"]),
            "new_commit": null,
            "files": [{
                "path": "a.txt",
                "from": null,
                "moved_to": null,
                "similarity": null,
                "outcome": "conflict",
                "waits_for": null,
                "not_run": null,
                "decided": [],
                "refused": [],
                "upstream_has": { "identical": false, "hunks": [false] },
                "conflict": {
                    "path": "a.txt",
                    "kind": "content",
                    "message": "upstream changed the same lines",
                    "base": entry("v1.0:a.txt"),
                    "upstream": entry("v1.1:a.txt"),
                    "patch": entry("queue~4:a.txt"),
                    "hunks": [{
                        "before": ["two\n", "three\n", "four\n"],
                        "base": { "start": 5, "lines": ["five\n"] },
                        "upstream": { "start": 6, "lines": ["cinq\n"] },
                        "patch": { "start": 5, "lines": ["FIVE\n"] },
                        "after": ["six\n", "seven\n", "eight\n"],
                        "suggestion": null,
                    }],
                    "candidates": [],
                    "suggestion": null,
                    "generated": null,
                },
            }],
        }));
        let deleted = &document["patches"][1]["files"][0]["conflict"];
        assert_eq!((&deleted["kind"], &deleted["upstream"]), (&"modify/delete".into(), &serde_json::Value::Null));
        assert_eq!((&deleted["base"], &deleted["hunks"]), (&entry("v1.0:b.txt"), &json!([])));
        let proposal = &deleted["suggestion"];
        assert_eq!((&proposal["rule"], &proposal["action"]), (&json!("upstream-deleted"), &json!("drop")));
        let blocked = &document["patches"][2]["files"][0];
        assert_eq!((&blocked["outcome"], &blocked["waits_for"]), (&"blocked".into(), &"0001-shout-five.patch".into()));
        assert_eq!(blocked["conflict"], serde_json::Value::Null);
        let dry = changes_nothing(env, &["refresh", "--json", "--dry-run"]).exits(3).json();
        let mut expected = document;
        expected["dry_run"] = true.into();
        assert_eq!(dry, expected);
    }

    fn the_way_around_with_plain_git(env) {
        prepared(env);
        env.rebase("1d;2d;3d").ok();
        env.patchq(&["export"]).ok();
        env.patchq(&["refresh"]).ok().prints("2 patches: 2 apply (1 merged)\n");
        assert!(env.read("ws/up/a.txt").contains("cinq\n"));
        crate::support::put(&env.co().join("a.txt"), env.read("ws/up/a.txt").replace("cinq", "FIVE"));
        env.patchq(&["save", "-m", "Shout five"]).ok();
        assert_in_step(env);
        env.patchq(&["undo"]).ok().says("undid 'save'");
        // The edit is in the checkout again, and prevents a further undo.
        env.changes_nothing(&["undo"]).exits(1).says("'refresh' cannot be undone").says("the checkout was edited since (a.txt)");
        env.git(&env.co(), &["checkout", "-q", "a.txt"]);
        env.patchq(&["undo"]).ok().says("undid 'refresh'");
        env.patchq(&["undo"]).ok().says("undid 'export'");
        assert_eq!(env.queue().len(), 5);
    }

    fn the_demos_two_queues(env) {
        env.patchq_in(&env.root, &["demo", "d"]).ok();
        let ws = env.path("d/workspace");
        let outcomes = |args: &[&str], code: i32| {
            let document = env.patchq_in(&ws, args).exits(code).json();
            let patches = document["patches"].as_array().unwrap().clone();
            patches.iter().map(|patch| patch["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let words = outcomes(&["refresh", "kubeflow", "--to", "v1.7.0", "--dry-run", "--json"], 3);
        assert_eq!(words[..4], ["merged", "conflict", "upstreamed", "unchanged"]);
        env.git(&ws.join("ray"), &["checkout", "-q", "."]);
        // The story moved this one, and committed that one.
        env.patchq_in(&ws, &["undo", "ray"]).ok().says("undid 'refresh'");
        assert!(env.git(&ws, &["status", "--porcelain"]).contains("commits/ray.txt"));
        assert_eq!(outcomes(&["refresh", "ray", "--json"], 0), ["merged", "unchanged"]);
        assert_eq!(env.git(&ws.join("ray"), &["status", "--porcelain"]), "");
        env.patchq_in(&ws, &["verify", "ray"]).ok();
        assert_eq!(env.git(&ws, &["status", "--porcelain"]), "");
    }

    fn quiet_says_only_the_report(env) {
        prepared(env);
        let run = changes_nothing(env, &["refresh", "-q"]).exits(3);
        assert!(run.stdout.contains(SCREEN) && !run.stderr.contains("hint: patchq save"), "{}", run.shown());
    }

    fn bytes_that_are_no_text_and_escape_sequences_are_made_printable(env) {
        let bench = Bench::new(env, &[("a\u{1b}[31m.txt", Some("\u{1b}[2Jone\n")), ("b", Some("b\n"))]);
        let queue = [bench.patch("Say \u{1b}[31mred", &[("a\u{1b}[31m.txt", Some("\u{1b}[2Jtwo\n"))])];
        bench.release("v1.1", &[("a\u{1b}[31m.txt", Some("\u{1b}[2Jthree\n"))]);
        let queue = queue.map(|(_, bytes)| ("0001-red.patch".to_owned(), bytes));
        bench.ready(TRACK, &queue);
        for args in [&["refresh"][..], &["refresh", "--report", "-"], &["refresh", "--json"]] {
            let run = changes_nothing(env, args).exits(3);
            assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{}", run.shown());
            assert!(run.stdout.contains("[31m.txt"), "{}", run.shown());
        }
    }
}
