//! Sessions that are killed, at every point that they pass and at any moment: when continued, they have the same result
//! as without a kill.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::refresh::bench::all;
use crate::refresh::conflicts::prepared;
use crate::shared::history::Dice;
use crate::steps::{isolated, taken_back};
use crate::support::{Env, Terminal};

/// The questions, by a text that is on no other screen, and the answers.
const ANSWERS: [(&str, &str); 3] = [("patch 1 of 5", "b"), ("patch 2 of 5", "p"), ("Write this?", "y")];

/// Checks whether a session is on disk.
fn is_open(env: &Env) -> bool {
    env.exists("ws/sessions/up.toml")
}

fn start(env: &Env, vars: &[(&str, &str)]) -> Terminal {
    let args: &[&str] = if is_open(env) { &["refresh", "--continue"] } else { &["refresh"] };
    env.terminal_of((100, 30), &env.ws(), vars, args)
}

/// Answers everything until the program has ended; `kill`: after this many answers, with this delay.
fn answer_all(env: &Env, vars: &[(&str, &str)], kill: Option<(usize, Duration)>) {
    let mut terminal = start(env, vars);
    let texts = ANSWERS.map(|(text, _)| text);
    let mut answered = 0;
    while let Some(n) = terminal.see_one_of(&texts) {
        if let Some((_, after)) = kill.filter(|(at, _)| *at == answered) {
            terminal.press(ANSWERS[n].1);
            std::thread::sleep(after);
            return terminal.kill();
        }
        terminal.press(ANSWERS[n].1);
        terminal.see_no_more(texts[n]);
        answered += 1;
    }
}

/// Continues until it is over.
fn finish(env: &Env) {
    for _ in 0..3 {
        answer_all(env, &[], None);
        if !is_open(env) {
            return;
        }
    }
    panic!("a session that does not end");
}

#[track_caller]
fn assert_finished(model: &Env, env: &Env, when: &str) {
    let (expected, found) = (all(model), all(env));
    crate::support::assert_same(&expected.0, &found.0, when);
    assert_eq!((&expected.1, &expected.2), (&found.1, &found.2), "{when}");
    env.git(&env.co(), &["fsck", "--connectivity-only"]);
}

fn model() -> (Env, Env) {
    let model = Env::new();
    prepared(&model);
    let done = model.twin();
    finish(&done);
    assert!(done.read("ws/up/a.txt").contains("FIVE\ncinq\n"), "the session was not held");
    (model, done)
}

#[test]
fn at_every_point() {
    let (model, done) = model();
    let points = {
        let env = model.twin();
        let list = env.path("points");
        answer_all(&env, &[("PATCHQ_TEST_LIST_POINTS", list.to_str().unwrap())], None);
        env.read("points").lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert!(points.len() > 8, "{points:?}");
    for point in &points {
        let env = model.twin();
        answer_all(&env, &[("PATCHQ_TEST_DIE_AT", point)], None);
        finish(&env);
        assert_finished(&done, &env, &format!("killed at '{point}'"));
    }
}

#[test]
fn at_random_instants() {
    let (model, done) = model();
    let mut dice = Dice(7);
    for round in 0..20 {
        let env = model.twin();
        for _ in 0..2 {
            let (answers, after) = (dice.roll(3), Duration::from_micros(dice.roll(60_000) as u64));
            answer_all(&env, &[], Some((answers, after)));
        }
        finish(&env);
        assert_finished(&done, &env, &format!("killed at random, round {round}"));
    }
}

/// A command that is run in a world, with further variables: a conflict on its way into the checkout, and out of it,
/// killed anywhere and undone.
type Story<'s> = &'s dyn Fn(&Env, &[(&str, &str)]);

#[test]
fn a_conflict_in_the_checkout_has_a_way_back() {
    if !isolated("session::killed::a_conflict_in_the_checkout_has_a_way_back") {
        return;
    }
    let model = Env::new();
    prepared(&model);
    let hand_over = |env: &Env, vars: &[(&str, &str)]| {
        let mut terminal = start(env, vars);
        terminal.see("patch 1 of 5").press("c");
        terminal.see_one_of(&["never on the screen"]);
    };
    let points_of = |env: &Env, run: Story<'_>| {
        let list = env.path("points");
        run(env, &[("PATCHQ_TEST_LIST_POINTS", list.to_str().unwrap())]);
        env.read("points").lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let handed = model.twin();
    let over = points_of(&handed, &hand_over);
    assert!(handed.read("ws/up/a.txt").contains("<<<<<<<"), "{over:?}");
    let abort = |env: &Env, vars: &[(&str, &str)]| drop(env.patchq_with(&env.ws(), vars, &["refresh", "--abort"]));
    let out = points_of(&handed.twin(), &abort);
    let stories: [(&Env, &BTreeSet<String>, Story<'_>); 2] = [(&model, &over, &hand_over), (&handed, &out, &abort)];
    for (before, points, run) in stories {
        let mut taken = 0;
        for point in points.iter().filter(|point| *point != "Recorded" && !point.starts_with("Stored")) {
            let env = before.twin();
            run(&env, &[("PATCHQ_TEST_DIE_AT", point)]);
            if env.exists("ws/.git/patchq/journal/up/step.json") {
                let undone = taken_back(&env);
                assert_finished(before, &env, &format!("killed at '{point}', then {undone:?}"));
                taken += 1;
            }
        }
        assert!(taken > 4, "{taken} of {points:?}");
    }
}
