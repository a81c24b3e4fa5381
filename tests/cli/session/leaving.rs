//! Decisions that are undone or postponed, and sessions that are left and continued.

use serde_json::json;

use super::{ASKS, ENTRY, LAST, fifth, go_on, one, refresh, undo_and_give_up};
use crate::refresh::bench::{Bench, LINES, all, assert_all_same, assert_in_step, with};
use crate::refresh::conflicts::prepared;
use crate::support::{CTRL_C, Env, Terminal, in_both_worlds};

/// Answers all questions of [`prepared`], from its first conflict on.
fn decide_all(terminal: &mut Terminal) {
    terminal.answer("a.txt:6", "p").answer("b.txt", "p").answer(LAST, "y");
}

#[track_caller]
fn assert_prepared_went_over(env: &Env) {
    let text = format!("zero\n{}", with("five", "FIVE").replace("ten", "TEN"));
    assert_eq!((env.read("ws/up/a.txt"), env.read("ws/up/b.txt")), (text, "B\n".to_owned()));
    assert!(!env.exists("ws/sessions/up.toml"));
    assert_in_step(env);
}

in_both_worlds! {
    fn a_session_goes_through_all_of_it_and_undo_takes_it_back(env) {
        prepared(env);
        let before = all(env);
        let mut terminal = refresh(env);
        terminal.see("patch 1 of 5, conflict 1 of 2");
        decide_all(&mut terminal);
        terminal.end().exits(0).left("moved to v1.1").left("'patchq undo up' undoes it");
        assert_prepared_went_over(env);
        undo_and_give_up(env);
        assert_all_same(&before, env, "undo");
    }

    fn undo_waits_for_a_session_that_could_not_go_on(env) {
        one(env, ENTRY);
        let before = all(env);
        crate::support::put(&env.co().join("b.txt"), "B, too\n");
        env.patchq(&["save", "-m", "Too"]).ok();
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "y");
        terminal.end().exits(0);
        env.patchq(&["undo"]).ok().says("undid 'refresh'").says("a refresh waits");
        // Saved changes would be uncommitted again, and the refresh could not continue.
        for _ in 0..2 {
            let run = env.changes_nothing(&["undo"]).exits(1).one_error();
            run.says("up: 'save' cannot be undone while a refresh waits for decisions").hints("patchq refresh up --continue").hints("patchq refresh up --abort");
        }
        let session = env.read("ws/sessions/up.toml");
        let mut terminal = go_on(env);
        terminal.see(LAST).press("n");
        terminal.end().exits(1);
        env.patchq(&["refresh", "--abort"]).ok().says("its decisions are kept in .git/patchq/aside/up.session.1.toml");
        assert_eq!(env.read("ws/.git/patchq/aside/up.session.1.toml"), session);
        env.patchq(&["undo"]).ok().says("undid 'save'").says_not("a refresh waits");
        crate::support::put(&env.co().join("b.txt"), "B\n");
        assert_all_same(&before, env, "undo and undo");
    }

    fn an_aborted_refresh_does_not_stand_before_what_was_done_earlier(env) {
        let bench = one(env, ENTRY);
        let before = all(env);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "y");
        terminal.end().exits(0);
        let published = all(env);
        bench.release("v1.2", &[("a.txt", Some(&with("five", "fünf")))]);
        bench.publish();
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").see(LAST).press("n");
        terminal.end().exits(1);
        assert!(env.exists("ws/sessions/up.toml"));
        env.patchq(&["refresh", "--abort"]).ok().says("'patchq undo up' restores its decisions");
        env.patchq(&["undo"]).ok().says("undid 'refresh --abort'").says("a refresh waits");
        // The restored session does not block the user forever.
        env.changes_nothing(&["undo"]).exits(1).one_error().says("while a refresh waits for decisions");
        env.patchq(&["refresh", "--abort"]).ok().says("its decisions are kept in .git/patchq/aside/up.session.1.toml");
        assert_all_same(&published, env, "abort");
        env.patchq(&["undo"]).ok().says("undid 'refresh'").says("a refresh waits");
        env.patchq(&["refresh", "--abort"]).ok();
        assert_all_same(&before, env, "undo and abort");
    }

    fn a_session_that_can_go_on_is_left_by_undo(env) {
        one(env, ENTRY);
        // A change of files alone, which leaves the checkout unchanged.
        std::fs::remove_file(env.path("ws/.gitattributes")).unwrap();
        env.patchq(&["verify", "--fix"]);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").see(LAST).press("n");
        terminal.end().exits(1);
        env.patchq(&["undo"]).ok().says("undid 'verify --fix'").says("a refresh waits");
        let mut terminal = go_on(env);
        terminal.answer(LAST, "y");
        terminal.end().exits(0).left("moved to v1.1");
    }

    fn a_decision_is_taken_back(env) {
        one(env, ENTRY);
        let before = all(env);
        let mut terminal = refresh(env);
        terminal.see("a.txt:5").see_no("[z] undo").press("p").see(LAST).press("z").see_no(LAST).see("undone: a.txt: the patch's lines").see("[p] patch");
        assert!(!env.exists("ws/sessions/up.toml"), "no decision, no session");
        terminal.press("b").answer(LAST, "n");
        terminal.end().exits(1).left("everything is decided; the session is in sessions/up.toml").left("patchq refresh up --continue");
        // In another run, too.
        let mut terminal = go_on(env);
        terminal.answer(LAST, "z").answer("undone: a.txt", "q");
        terminal.end().exits(3).left("nothing was changed");
        assert_all_same(&before, env, "a decision taken back");
    }

    fn a_question_is_left_for_later(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:6", "l").answer("b.txt", "l").see("the conflicts left for later come again").see("a.txt:6");
        terminal.press("l").answer("b.txt", "p").answer("a.txt:6", "p").answer(LAST, "y");
        terminal.end().exits(0);
        assert_prepared_went_over(env);
    }

    fn a_session_is_left_and_gone_on_with(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:6", "p").answer("b.txt", "q");
        let ended = terminal.end().exits(3).left("1 conflict is open; the session is in sessions/up.toml");
        ended.left("patchq refresh up --continue").left("patchq refresh up --abort");
        env.patchq(&["status"]).ok().prints("to v1.1, 1 decided");
        assert_eq!(env.patchq(&["status", "--json"]).ok().json()["upstreams"][0]["session"]["decided"], 1);
        for args in [&["refresh"][..], &["save", "up", "-m", "x"], &["export"]]  {
            env.changes_nothing(args).exits(1).one_error().hints("patchq refresh up --continue");
        }
        // If no one can be asked, the open decisions are reported.
        env.patchq(&["refresh", "--continue"]).exits(3).says("nothing was changed; 1 decision is still needed");
        let mut terminal = go_on(env);
        terminal.see("patch 2 of 5, conflict 2 of 2").answer("b.txt", "p").answer(LAST, "y");
        terminal.end().exits(0);
        assert_prepared_went_over(env);
    }

    fn without_a_terminal_a_decided_session_is_written(env) {
        one(env, ENTRY);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "n");
        terminal.end().exits(1);
        let document = env.patchq(&["refresh", "--continue", "--json"]).ok().json();
        assert_eq!((&document["published"], &document["to"]["version"]), (&json!(true), &json!("v1.1")));
        assert_eq!(fifth(env), "FIVE\n");
        assert_in_step(env);
    }

    fn an_aborted_session_leaves_no_trace(env) {
        prepared(env);
        let before = all(env);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:6", "p").answer("b.txt", "A").answer("abandon the refresh, with 1 decision?", "n");
        terminal.answer("b.txt", "A").answer("abandon the refresh", "y");
        terminal.end().exits(1).left("the refresh is abandoned; 'patchq undo up' restores its decisions");
        assert_all_same(&before, env, "abort");
        env.patchq(&["undo"]).ok();
        let mut terminal = go_on(env);
        terminal.answer("b.txt", "A").answer("abandon the refresh", "y");
        terminal.end().exits(1);
        assert_all_same(&before, env, "abort");
        let mut terminal = refresh(env);
        terminal.answer("a.txt:6", "A");
        terminal.end().exits(1).left("the refresh is abandoned; nothing was changed");
        env.patchq(&["refresh", "--abort"]).exits(1).says("no refresh waits for decisions");
    }

    fn ctrl_c_leaves_every_prompt(env) {
        // At the first question, at a later one, in a list, on a page, at a question of one line, at the last question.
        let before: [&[(&str, &str)]; 7] = [
            &[],
            &[("a.txt:6", "p"), ("b.txt", "")],
            &[("a.txt:6", "v"), ("+FIVE", "")],
            &[("a.txt:6", "?"), ("what the keys do", "")],
            &[("a.txt:6", "d"), ("why?", "")],
            &[("a.txt:6", "p"), ("b.txt", "A"), ("abandon the refresh", "")],
            &[("a.txt:6", "p"), ("b.txt", "p"), (LAST, "")],
        ];
        prepared(env);
        for keys in before {
            let start = all(env);
            let mut terminal = refresh(env);
            for (text, keys) in keys {
                terminal.answer(text, keys);
            }
            terminal.answer(if keys.is_empty() { ASKS } else { "" }, CTRL_C);
            let ended = terminal.end().exits(130).left("interrupted");
            if env.exists("ws/sessions/up.toml") {
                ended.left("patchq refresh up --continue");
                env.patchq(&["refresh", "--abort"]).ok();
            }
            assert_all_same(&start, env, &format!("ctrl-C behind {keys:?}"));
        }
    }

    fn a_closed_terminal_and_a_killed_process_lose_no_decision(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:6", "p").see("b.txt");
        terminal.close();
        let mut terminal = go_on(env);
        terminal.answer("conflict 2 of 2", "p").see(LAST);
        terminal.kill();
        let mut terminal = go_on(env);
        terminal.answer(LAST, "y");
        terminal.end().exits(0);
        assert_prepared_went_over(env);
    }

    fn what_changed_meanwhile_is_said_and_asked_again(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some("b\n")), ("c.txt", Some(LINES))]);
        let queue = [
            bench.patch("Shout five", &[("a.txt", Some(&with("five", "FIVE")))]),
            bench.patch("Change b", &[("b.txt", Some("B\n"))]),
            bench.patch("Shout two", &[("c.txt", Some(&with("two", "TWO")))]),
        ];
        let french = |from, to| Some(with(from, to));
        let edits = [("a.txt", french("five", "cinq")), ("b.txt", None), ("c.txt", french("two", "deux"))];
        bench.release("v1.1", &edits.each_ref().map(|(path, text)| (*path, text.as_deref())));
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer("b.txt", "p").answer("c.txt:2", "d").answer("why?", "no need\r");
        terminal.answer(LAST, "n");
        terminal.end().exits(1);
        // A colleague changes the content of two of the patches.
        for (name, from, to) in [("0001-shout-five.patch", "+FIVE", "+Five"), ("0003-shout-two.patch", "+TWO", "+Two")] {
            let file = format!("ws/patches/up/{name}");
            env.write(&file, env.read(&file).replace(from, to));
        }
        let mut terminal = go_on(env);
        terminal.answer("a.txt:5", "p").answer("c.txt:2", "p").see(LAST).press("y");
        let ended = terminal.end().exits(0);
        ended.left("changed since the session began: 0001-shout-five.patch, 0003-shout-two.patch")
            .left("1 decision applies, these are asked again")
            .left("0003-shout-two.patch: it leaves the queue");
        assert_eq!(fifth(env), "Five\n");
        assert_eq!((env.read("ws/up/b.txt"), env.read("ws/up/c.txt")), ("B\n".to_owned(), with("two", "Two")));
        assert_in_step(env);
    }

    fn a_decision_that_another_took_the_place_of_is_not_spoken_of_again(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES))]);
        let queue = [
            bench.patch("Shout five", &[("a.txt", Some(&with("five", "FIVE")))]),
            bench.patch("Shout two", &[("b.txt", Some(&with("two", "TWO")))]),
        ];
        let edits = [("a.txt", with("five", "cinq")), ("b.txt", with("two", "deux"))];
        bench.release("v1.1", &edits.each_ref().map(|(path, text)| (*path, Some(text.as_str()))));
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer("b.txt:2", "p").answer(LAST, "n");
        terminal.end().exits(1);
        let file = "ws/patches/up/0001-shout-five.patch";
        env.write(file, env.read(file).replace("+FIVE", "+Five"));
        let mut terminal = go_on(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "n");
        let said = terminal.end().exits(1).screen;
        assert!(said.contains("1 decision applies, this one is asked again"), "{said}");
        let mut terminal = go_on(env);
        terminal.answer(LAST, "y");
        let said = terminal.end().exits(0).screen;
        assert!(!said.contains("some decisions no longer apply") && !said.contains("asked again"), "{said}");
        assert_eq!(fifth(env), "Five\n");
        assert_in_step(env);
    }
}
