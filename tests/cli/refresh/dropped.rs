//! Patches that leave the queue because upstream has them.

use super::bench::{Bench, LINES, TRACK, all, assert_all_same, assert_in_step, changes_nothing, with};
use crate::support::{Env, in_both_worlds};

const EMPTIED: &str = "0002-shout-nine.patch";

/// Makes a queue: upstream is identical to the first patch; it has the second in a file that it changed elsewhere too;
/// the third stays.
fn prepared<'e>(env: &'e Env) -> Bench<'e> {
    let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES)), ("c.txt", Some("c\n"))]);
    let queue = [
        bench.patch("Shout two", &[("a.txt", Some(&with("two", "TWO")))]),
        bench.patch("Shout nine", &[("b.txt", Some(&with("nine", "NINE")))]),
        bench.patch("Say d", &[("c.txt", Some("d\n"))]),
    ];
    let b = with("nine", "NINE").replace("one\n", "ONE\n");
    bench.release("v1.1", &[("a.txt", Some(&with("two", "TWO"))), ("b.txt", Some(&b))]);
    bench.ready(TRACK, &queue);
    bench
}

in_both_worlds! {
    fn only_what_is_there_byte_for_byte_goes_without_a_question(env) {
        prepared(env);
        let run = changes_nothing(env, &["refresh"]).exits(3);
        let run = run.prints("  upstreamed  0001-shout-two.patch  leaves the queue: upstream has it byte for byte\n");
        let run = run.prints("  conflict    0002-shout-nine.patch  nothing is left of it after merging; does upstream have it?\n");
        let run = run.prints("3 patches: 1 applies, 1 upstreamed, 1 conflicts\n");
        run.says("1 decision is needed first").hints("patchq refresh up --allow-drop 0002-shout-nine.patch");
        let document = changes_nothing(env, &["refresh", "--json"]).exits(3).json();
        let patch = &document["patches"][1];
        assert_eq!((&patch["outcome"], &patch["emptied"]), (&"conflict".into(), &true.into()));
        assert_eq!((&patch["dropped"], &patch["new_commit"]), (&false.into(), &serde_json::Value::Null));
        assert_eq!(document["patches"][0]["dropped"], true);
        assert_eq!(document["patches"][0]["files"][0]["upstream_has"]["identical"], true);
    }

    fn an_emptied_patch_goes_when_it_is_named(env) {
        prepared(env);
        let before = all(env);
        let dry = changes_nothing(env, &["refresh", "--dry-run", "--allow-drop", "0002"]).ok();
        dry.prints("  upstreamed  0002-shout-nine.patch  leaves the queue, as allowed; upstream does not have it byte for byte\n");
        let run = env.patchq(&["refresh", "--allow-drop", "0002"]).ok();
        let run = run.says("up: removed   0001-shout-two.patch").says("up: removed   0002-shout-nine.patch");
        run.prints("3 patches: 1 applies, 1 upstreamed, 1 dropped\n");
        assert_eq!(env.queue(), ["0003-say-d.patch"]);
        assert_in_step(env);
        env.patchq(&["undo"]).ok().says("restored  patches/up/0002-shout-nine.patch");
        assert_all_same(&before, env, "after undo");
        assert_in_step(env);
        let document = env.patchq(&["refresh", "--json", "--allow-drop", EMPTIED]).ok().json();
        assert_eq!(document["removed"], serde_json::json!(["0001-shout-two.patch", EMPTIED]));
        assert_eq!((&document["patches"][1]["dropped"], &document["patches"][1]["emptied"]), (&true.into(), &false.into()));
    }

    fn a_patch_of_which_upstream_has_nine_lines_of_ten_is_proposed_to_be_dropped(env) {
        let more: String = (1..10).map(|n| format!("line {n}\n")).collect();
        let text = |end: &str| with("five", &format!("{more}{end}"));
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES))]);
        let queue = [
            bench.patch("Say more", &[("a.txt", Some(&text("FIVE")))]),
            bench.patch("Say ten", &[("b.txt", Some(&with("ten", "TEN")))]),
        ];
        bench.release("v1.1", &[("a.txt", Some(&text("cinq")))]);
        bench.ready(TRACK, &queue);
        let proposal = "proposal (likely): drop the patch: 9 of the 10 lines that the patch adds are there in upstream's file already";
        for args in [&["refresh"][..], &["refresh", "--accept", "suggested"], &["refresh", "--dry-run"]] {
            let run = changes_nothing(env, args).exits(3);
            run.prints("  conflict    0001-say-more.patch\n").prints(&format!("                {proposal}\n")).says_not("--accept suggested");
        }
        let report = changes_nothing(env, &["refresh", "--report", "-"]).exits(3);
        report.prints("\n\nProposal (likely): drop the patch: `9 of the 10 lines");
        let document = changes_nothing(env, &["refresh", "--json"]).exits(3).json();
        let found = &document["patches"][0]["suggestion"];
        assert_eq!((&found["rule"], &found["action"]), (&"upstreamed".into(), &"drop".into()), "{document:#}");
        assert_eq!(document["patches"][1]["suggestion"], serde_json::Value::Null);
    }

    fn all_files_of_a_patch_count(env) {
        let more: String = (1..10).map(|n| format!("line {n}\n")).collect();
        let text = |end: &str| with("five", &format!("{more}{end}"));
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES))]);
        let edits = (text("FIVE"), with("ten", "TEN"));
        let queue = [bench.patch("Say more", &[("a.txt", Some(&edits.0)), ("b.txt", Some(&edits.1))])];
        bench.release("v1.1", &[("a.txt", Some(&text("cinq")))]);
        bench.ready(TRACK, &queue);
        let document = changes_nothing(env, &["refresh", "--json"]).exits(3).json();
        assert_eq!(document["patches"][0]["suggestion"], serde_json::Value::Null, "9 of 11: {document:#}");
    }

    fn a_patch_to_drop_must_be_one(env) {
        prepared(env);
        for (name, says) in [("0009", "there is no patch '0009'"), ("00", "'00'")] {
            let run = changes_nothing(env, &["refresh", "--allow-drop", name]).exits(2).one_error();
            run.says(says).hints("patchq status up");
        }
        // A patch with a remaining change is never dropped.
        changes_nothing(env, &["refresh", "--allow-drop", "0003"]).exits(3);
    }

    fn all_of_it_is_upstream(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some("b\n"))]);
        let queue = [
            bench.patch("Shout two", &[("a.txt", Some(&with("two", "TWO")))]),
            bench.patch("Add c", &[("b.txt", None), ("c.txt", Some("c\n"))]),
        ];
        let edits = [("a.txt", Some(&*with("two", "TWO"))), ("b.txt", None), ("c.txt", Some("c\n"))];
        let next = bench.release("v1.1", &edits);
        bench.ready(TRACK, &queue);
        let before = all(env);
        changes_nothing(env, &["refresh"]).exits(1).says("no patch would be left").hints("patchq refresh up --allow-empty");
        env.patchq(&["refresh", "--allow-empty"]).ok().prints("2 patches: 2 upstreamed\n");
        assert_eq!(env.head(), next);
        assert_eq!(env.queue(), [""; 0]);
        assert_in_step(env);
        env.patchq(&["status"]).ok().prints("up        ").prints("v1.1");
        env.patchq(&["tag"]).ok().prints("v1.1");
        env.changes_nothing(&["apply"]).ok();
        changes_nothing(env, &["refresh"]).ok().says("already");
        env.patchq(&["undo"]).ok();
        assert_all_same(&before, env, "after undo");
        assert_in_step(env);
    }
}
