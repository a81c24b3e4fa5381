//! The conflict session: a refresh that asks on a terminal, one conflict after the other.

mod checkout;
mod choices;
mod files;
mod hints;
mod killed;
mod leaving;
mod memory;
mod others;
mod random;
mod screens;
mod traps;
mod trust;

use crate::refresh::bench::{Bench, TRACK as ENTRY, with};
use crate::support::{Env, Terminal};

/// The text below every question.
const ASKS: &str = "[?] explain";
/// The text above the last question.
const LAST: &str = "Write this?";

/// Makes one patch that writes line five of `a.txt` in capitals, which upstream writes in French; and a second one that
/// applies.
fn one<'e>(env: &'e Env, entry: &str) -> Bench<'e> {
    let text = with("five", "five");
    let bench = Bench::new(env, &[("a.txt", Some(&text)), ("b.txt", Some("b\n"))]);
    let queue = [
        bench.patch("Shout five", &[("a.txt", Some(&with("five", "FIVE")))]),
        bench.patch("Change b", &[("b.txt", Some("B\n"))]),
    ];
    bench.release("v1.1", &[("a.txt", Some(&with("five", "cinq")))]);
    bench.ready(entry, &queue);
    bench
}

fn refresh(env: &Env) -> Terminal {
    env.terminal(&["refresh"])
}

fn go_on(env: &Env) -> Terminal {
    env.terminal(&["refresh", "--continue"])
}

/// Runs all of [`one`] with this key for its conflict; returns the resulting lines in place of `five`.
fn decided(env: &Env, key: &str) -> String {
    let mut terminal = refresh(env);
    terminal.answer("a.txt:5", key).answer(LAST, "y");
    terminal.end().exits(0).left("moved to v1.1");
    fifth(env)
}

/// Undoes a refresh, and aborts its session, which is open again then.
fn undo_and_give_up(env: &Env) {
    env.patchq(&["undo"]).ok().says("a refresh waits for decisions").says("patchq refresh up --abort");
    env.patchq(&["refresh", "--abort"]).ok();
}

/// Returns the text in place of line five.
fn fifth(env: &Env) -> String {
    let text = env.read("ws/up/a.txt");
    let rest = text.split_once("four\n").unwrap().1;
    rest.split_once("six\n").unwrap().0.to_owned()
}

/// Makes an editor or a tool: a shell script, for a variable or for git's settings.
fn script(env: &Env, name: &str, text: &str) -> String {
    let path = env.path(format!("home/{name}"));
    crate::support::put(&path, format!("#!/bin/sh\n{text}\n"));
    crate::support::executable(&path);
    path.display().to_string()
}

/// Does the same with an editor.
fn with_editor(env: &Env, editor: &str, args: &[&str]) -> Terminal {
    env.terminal_of((100, 30), &env.ws(), &[("VISUAL", editor)], args)
}
