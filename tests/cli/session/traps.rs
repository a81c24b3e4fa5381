//! Accidents that must not happen: deciding, taking, overwriting or publishing something unintended.

use super::{ASKS, ENTRY, LAST, fifth, go_on, one, refresh, script, with_editor};
use crate::refresh::bench::{Bench, LINES, assert_in_step, with};
use crate::refresh::conflicts::prepared;
use crate::support::{Env, in_both_worlds, put};

/// Hands the first conflict over and resolves it in the file.
fn handed(env: &Env) {
    let mut terminal = refresh(env);
    terminal.answer(ASKS, "c");
    terminal.end().exits(3);
    put(&env.co().join("a.txt"), with("five", "merged"));
}

/// Makes a branch of the upstream, and sets the pin to it.
fn pin_to(env: &Env, id: &str) {
    env.write("ws/commits/up.txt", format!("{id}\n"));
}

in_both_worlds! {
    fn keys_that_came_too_early_and_pasted_ones_decide_nothing(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("patch 1 of 5", "\u{1b}[200~pu\r\u{1b}[201~").see("one of p u b B");
        assert!(!env.exists("ws/sessions/up.toml"), "a paste decided something");
        terminal.press("ppp").see("patch 2 of 5").see(ASKS);
        assert_eq!(env.patchq(&["status", "--json"]).ok().json()["upstreams"][0]["session"]["decided"], 1);
        terminal.press("q");
        terminal.end().exits(3);
    }

    fn what_is_saved_while_the_question_is_open_is_not_overwritten(env) {
        one(env, ENTRY);
        handed(env);
        put(&env.co().join("b.txt"), "b, changed\n");
        let mut terminal = go_on(env);
        terminal.see("should they become part of");
        put(&env.co().join("a.txt"), with("five", "merged better"));
        terminal.press("y");
        let ended = terminal.end().exits(1).left("the checkout was changed while its conflict was taken (a.txt)");
        ended.left("patchq refresh up --continue");
        assert_eq!(fifth(env), "merged better\n");
        let mut terminal = go_on(env);
        terminal.answer("should they become part of", "y").answer("b.txt:1", "p").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!(fifth(env), "merged better\n");
        assert_in_step(env);
    }

    fn a_staged_answer_survives_abort_and_undo(env) {
        one(env, ENTRY);
        handed(env);
        env.git(&env.co(), &["add", "a.txt"]);
        env.patchq(&["refresh", "--abort"]).ok();
        env.patchq(&["undo"]).ok();
        env.patchq(&["refresh", "--continue"]).ok().says("up: took the result for 0001-shout-five.patch from the checkout");
        assert_eq!(fifth(env), "merged\n");
        assert_in_step(env);
    }

    fn an_answer_to_another_question_stays_in_the_checkout(env) {
        one(env, ENTRY);
        handed(env);
        let file = "ws/patches/up/0001-shout-five.patch";
        let patch = env.read(file);
        env.write(file, patch.replace("+FIVE", "+Five"));
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(1).one_error();
        run.says("answers another question:\n  0001-shout-five.patch").hints("patchq refresh up --abort");
        assert_eq!(fifth(env), "merged\n");
        env.write(file, patch);
        env.patchq(&["refresh", "--continue"]).ok();
        assert_eq!(fifth(env), "merged\n");
    }

    fn a_session_never_leads_back(env) {
        let bench = one(env, ENTRY);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "n");
        terminal.end().exits(1);
        // A colleague's refresh to a later release arrives.
        let later = bench.release("v1.2", &[("c.txt", Some("c\n"))]);
        bench.publish();
        env.patchq(&["setup"]).ok();
        pin_to(env, &later);
        let patch = env.read("ws/patches/up/0001-shout-five.patch");
        env.write("ws/patches/up/0001-shout-five.patch", patch.replace("-five", "-cinq"));
        env.patchq(&["setup"]).ok();
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(1).one_error();
        run.says("is older than").hints("patchq refresh up --abort");
    }

    fn what_joined_a_patch_hides_no_conflict_of_it(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("c.txt", Some("one\ntwo\nthree\n"))]);
        let queue = [bench.patch("Shout five", &[("a.txt", Some(&with("five", "FIVE")))])];
        // The patch in its new form: it changes another file too.
        let both = bench.patch("Both", &[("c.txt", Some("one\nSECURITY\nthree\n"))]).1;
        bench.release("v1.1", &[("a.txt", Some(&with("five", "cinq"))), ("c.txt", Some("one\ndeux\nthree\n"))]);
        bench.ready(ENTRY, &queue);
        handed(env);
        put(&env.co().join("c.txt"), "one\ndeux\nthree\nfour\n");
        let mut terminal = go_on(env);
        terminal.answer("should they become part of", "y").answer(LAST, "n");
        terminal.end().exits(1);
        let both = String::from_utf8(both).unwrap();
        let diff = &both[both.find("diff --git").unwrap()..];
        let file = "ws/patches/up/0001-shout-five.patch";
        env.write(file, format!("{}{diff}", env.read(file)));
        let run = env.patchq(&["refresh", "--continue"]).exits(3);
        run.prints("c.txt:2: upstream changed the same lines").says("1 decision applies");
    }

    fn a_renamed_file_is_where_the_checkout_showed_it(env) {
        let long = |five: &str| (1..30).map(|n| if n == 5 { format!("{five}\n") } else { format!("line {n}\n") }).collect::<String>();
        let bench = Bench::new(env, &[("a.txt", Some(&long("five"))), ("z.txt", Some("z\n"))]);
        let renamed = long("FIVE");
        let queue = [bench.patch("Rename", &[("a.txt", None), ("b.txt", Some(&renamed)), ("z.txt", Some("Z\n"))])];
        bench.release("v1.1", &[("a.txt", Some(&long("cinq")))]);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.answer("b.txt:5", "c");
        terminal.end().exits(3);
        assert!(!env.exists("ws/up/a.txt") && env.exists("ws/up/b.txt"));
        // Upstream's content, at the patch's path.
        put(&env.co().join("b.txt"), long("cinq"));
        env.git(&env.co(), &["add", "b.txt"]);
        env.patchq(&["refresh", "--continue"]).ok();
        assert!(!env.exists("ws/up/a.txt"), "the file is where it was");
        assert_eq!(env.read("ws/up/b.txt"), long("cinq"));
        assert_in_step(env);
    }

    fn a_session_is_given_up_without_anything_else(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("patch 1 of 5", "p").answer("patch 2 of 5", "q");
        terminal.end().exits(3);
        env.commit_workspace("A session");
        env.git(&env.root, &["clone", "-q", "ws", "clone"]);
        // No store, an invalid patch, an invalid session.
        let clone = env.path("clone");
        env.write("clone/patches/up/0002-change-b.patch", "no patch\n");
        let file = "clone/sessions/up.toml";
        env.write(file, format!("{}<<<<<<< HEAD\n", env.read(file)));
        env.patchq_in(&clone, &["refresh", "--continue"]).exits(1);
        env.patchq_in(&clone, &["refresh", "--abort"]).ok().says("'patchq undo up' restores its decisions");
        assert!(!env.exists(file));
        env.patchq_in(&clone, &["undo"]).ok();
        assert!(env.read(file).ends_with("<<<<<<< HEAD\n"));
    }

    fn a_strangers_session_steers_nothing(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("patch 1 of 5", "p").answer("patch 2 of 5", "q");
        terminal.end().exits(3);
        let file = "ws/sessions/up.toml";
        let good = env.read(file);
        let rows = [
            ("version = \"v1.1\"", "version = \"v1.1\\u009b2J\"", "is not a version"),
            ("version = \"v1.1\"", "version = \"a b\"", "is not a version"),
            ("found_by = \"refs/heads/main\"", "found_by = \"--upload-pack=x\"", "is not a branch or tag"),
            ("found_by = \"refs/heads/main\"", "found_by = \"refs/heads/x:y\"", "is not a branch or tag"),
            ("order = 1", "order = 4294967295", "its `order` is over"),
        ];
        for (from, to, says) in rows {
            assert!(good.contains(from), "{good}");
            env.write(file, good.replacen(from, to, 1));
            let run = env.changes_nothing(&["refresh", "--continue"]).exits(1).one_error();
            run.says("sessions/up.toml").says(says).hints("patchq refresh up --abort");
        }
        let twice = format!("{good}{}", &good[good.find("\n[[decision]]").unwrap()..]);
        env.write(file, twice);
        env.changes_nothing(&["refresh", "--continue"]).exits(1).says("decisions 1 and 2 answer the same question");
        let run = env.patchq(&["verify"]).ok().prints("sessions/up.toml: warning: decisions 1 and 2 answer the same question");
        env.write("ws/sessions/nope.toml", "");
        run.prints("patchq refresh up --abort");
        env.patchq(&["verify"]).ok().prints("sessions/nope.toml: warning: no upstream has this session");
        std::fs::remove_file(env.path("ws/sessions/nope.toml")).unwrap();
        // The reason of a decision is shown as it is, and never interpreted.
        env.write(file, good.replacen("reason = \"", "reason = \"\\u001b]0;x\\u0007", 1));
        let run = env.patchq(&["refresh", "--continue"]).exits(3);
        run.prints("\\x1b]0;x\\x07").prints("the patch's lines");
    }

    fn an_open_session_keeps_others_out_of_its_queue(env) {
        let second = "[upstream.\"up-2\"]\nurl = \"../up.git\"\ntrack = \"main\"\n";
        let bench = one(env, ENTRY);
        env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + second);
        env.write("ws/.gitignore", "/up/\n/up-2/\n");
        let (pin, patch) = (bench.id("v1.0"), env.read("ws/patches/up/0002-change-b.patch"));
        env.entry("up-2", &pin, Some("v1.0"), &[("0001-change-b.patch".to_owned(), patch.into_bytes())]);
        env.patchq(&["setup"]).ok();
        let mut terminal = env.terminal(&["refresh", "up"]);
        terminal.answer("a.txt:5", "p").answer(LAST, "n");
        terminal.end().exits(1);
        put(&env.path("ws/up-2/b.txt"), "B!\n");
        let run = env.changes_nothing(&["save", "up-2", "-m", "More", "--also", "up"]).exits(1).one_error();
        run.says("up: a refresh waits for decisions").hints("patchq refresh up --continue");
        // If only one session is open, its name can be left out.
        let mut terminal = go_on(env);
        terminal.answer(LAST, "y");
        terminal.end().exits(0);
    }

    fn who_changed_lines_is_told_of_the_pins_lines(env) {
        let many = |lines: &[(usize, &str)]| -> String {
            (1..=40).map(|n| lines.iter().find(|(at, _)| *at == n).map_or(format!("line {n}\n"), |(_, text)| format!("{text}\n"))).collect()
        };
        let bench = Bench::new(env, &[("a.txt", Some(&many(&[])))]);
        let top = (1..=20).map(|n| format!("ours {n}\n")).collect::<String>();
        let queue = [
            bench.patch("Add much", &[("a.txt", Some(&(top.clone() + &many(&[]))))]),
            bench.patch("Change ten", &[("a.txt", Some(&(top + &many(&[(10, "TEN")]))))]),
        ];
        let ten = bench.release("v1.1", &[("a.txt", Some(&many(&[(10, "dix")])))]);
        let thirty = bench.push(&[("a.txt", Some(&many(&[(10, "dix"), (30, "trente")])))]);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.see("a.txt:30").see("changed upstream by").see(&ten[..12]).see(ASKS);
        assert!(!terminal.screen().contains(&thirty[..12]), "{}", terminal.screen());
        terminal.press("q");
        terminal.end().exits(3);
    }

    fn a_transfer_in_the_middle_of_a_session_can_be_stopped(env) {
        let bench = Bench::new(env, &[("app/x.txt", Some("x\n")), ("lib/a.txt", Some(LINES))]);
        let queue = [bench.patch("Shout", &[("lib/a.txt", Some(&with("five", "FIVE")))])];
        // Files beyond the manifest's that come with the patch's path are not there yet.
        bench.release("v1.1", &[("lib/a.txt", Some(&with("five", "cinq"))), ("lib/.gitignore", Some("*.log\n"))]);
        bench.ready(&format!("{ENTRY}sparse = [\"app\"]\n"), &queue);
        let mut terminal = refresh(env);
        terminal.see("lib/a.txt:5").see(ASKS);
        let slow = script(env, "slow", "echo fetching >>\"$HOME/fetching\"; sleep 600");
        let config = format!("{}[uploadpack]\n\tpackObjectsHook = {slow}\n", env.read("home/.gitconfig"));
        env.write("home/.gitconfig", config.clone());
        terminal.press("p");
        while !env.exists("home/fetching") {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        // The ordinary screen is back, and with it the ordinary ctrl-C.
        terminal.see_no("[?] explain").press(crate::support::CTRL_C);
        terminal.end().exits(130).left("patchq refresh up --continue");
        env.write("home/.gitconfig", config.replace(&slow, "env"));
        let mut terminal = go_on(env);
        terminal.answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!(env.read("ws/up/lib/a.txt"), with("five", "FIVE"));
        assert_in_step(env);
    }

    fn a_symlink_that_was_edited_points_somewhere(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES))]);
        let link = |to: &str| {
            let path = env.path("work/link");
            let _ = std::fs::remove_file(&path);
            std::os::unix::fs::symlink(to, path).unwrap();
        };
        bench.git(&["checkout", "-q", "queue"]);
        link("ours");
        let queue = [bench.patch("Link", &[])];
        bench.git(&["checkout", "-q", "main"]);
        link("theirs");
        bench.release("v1.1", &[]);
        bench.ready(ENTRY, &queue);
        let editor = script(env, "ed", "echo a.txt >\"$1\"");
        let mut terminal = with_editor(env, &editor, &["refresh"]);
        terminal.see("a symlink to ours").press("E").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!(std::fs::read_link(env.co().join("link")).unwrap().to_str(), Some("a.txt"));
        assert_in_step(env);
    }
}
