//! Workspaces from earlier versions of patchq, in `tests/formats/`: every later patchq must still read them, or say
//! what to do.
//!
//! Each archive contains a workspace with its stores and its upstream in some intermediate state. The output of the
//! commands is kept in `snapshots/formats/`. When a format changes, the old archives stay and new ones are added:
//! `FORMATS=write cargo test --test cli formats -- --ignored` writes missing ones.

use std::path::{Path, PathBuf};

use crate::refresh::bench::{Bench, LINES, TRACK, with};
use crate::support::{Env, assert_kept, put, stable};

/// An archive's name, how it was made, and the commands that are run in it.
type Format = (&'static str, fn(&Env), &'static [&'static [&'static str]]);

/// The archives: what the workspace is in the middle of, how it was made, and the commands that are run in it afterwards.
const FORMATS: [Format; 4] = [
    ("1-saved", saved, &[STATUS, &["undo", "--list", "--json"], &["verify", "--strict"], &["undo", "up"], STATUS]),
    (
        "1-session",
        session,
        &[STATUS, &["resolutions", "list", "--json"], &["refresh", "--continue", "--accept", "patch", "--only", "**"]],
    ),
    ("1-conflict", conflict, &[STATUS, &["refresh", "--continue"], &["refresh", "--abort"], STATUS]),
    ("1-step", step, &[&["setup", "up"], STATUS, &["verify", "--strict"]]),
];

/// Without the ages in the table.
const STATUS: &[&str] = &["status", "up", "--json"];

/// A patch was saved and the track was read.
fn saved(env: &Env) {
    env.ready();
    put(&env.co().join("app/new.py"), "new\n");
    env.patchq(&["save", "up", "-m", "Add a module"]).ok();
    env.patchq(&["outdated"]).exits(4);
}

/// A queue with two patches that conflict with the next release.
fn two_conflicts(env: &Env) {
    let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some(LINES))]);
    let queue = [
        bench.patch("Shout", &[("a.txt", Some(&with("two", "TWO")))]),
        bench.patch("Shout again", &[("b.txt", Some(&with("two", "TWO")))]),
    ];
    bench.release("v1.1", &[("a.txt", Some(&with("two", "2"))), ("b.txt", Some(&with("two", "2")))]);
    bench.ready(TRACK, &queue);
}

/// One of two conflicts is decided, and remembered.
fn session(env: &Env) {
    two_conflicts(env);
    let mut terminal = env.terminal(&["refresh"]);
    terminal.answer("a.txt:2", "p").answer("b.txt:2", "q");
    terminal.end().exits(3);
}

/// The first conflict is handed over to the checkout.
fn conflict(env: &Env) {
    two_conflicts(env);
    let mut terminal = env.terminal(&["refresh"]);
    terminal.answer("a.txt:2", "c");
    terminal.end().exits(3);
}

/// An `undo` was killed after its step was certain.
fn step(env: &Env) {
    saved(env);
    env.killed(&["undo", "up"], "Committed");
}

fn archive(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/formats/{name}.tar.gz"))
}

#[test]
fn what_earlier_states_left_is_read() {
    for (name, _, commands) in FORMATS {
        let env = Env::new();
        env.shell(&["tar", "-xzf", archive(name).to_str().unwrap()], &[]).ok();
        let mut text = String::new();
        for args in commands {
            let run = env.patchq_with(&env.ws(), &[("COLUMNS", "80")], args);
            let (out, err) = (stable(&run.stdout, &env.root), stable(&run.stderr, &env.root));
            let code = run.code.map_or("a signal".to_owned(), |code| code.to_string());
            text.push_str(&format!("$ patchq {}\n{out}-- stderr\n{err}-- exit {code}\n\n", args.join(" ")));
        }
        assert_kept(format!("tests/cli/snapshots/formats/{name}.txt"), text);
    }
}

#[test]
#[ignore = "writes archives that are missing, with FORMATS=write"]
fn write_the_archives_that_are_missing() {
    assert_eq!(std::env::var("FORMATS").as_deref(), Ok("write"), "set FORMATS=write");
    for (name, make, _) in FORMATS.iter().filter(|(name, ..)| !archive(name).exists()) {
        let env = Env::new();
        make(&env);
        std::fs::create_dir_all(archive(name).parent().unwrap()).unwrap();
        let found = env.shell(&["sh", "-c", "ls -d *.git ws"], &[]).ok().stdout;
        let mut words = vec!["tar", "--owner=0", "--group=0", "--sort=name", "--exclude=hooks/*.sample", "-czf"];
        let file = archive(name);
        words.push(file.to_str().unwrap());
        words.extend(found.split_whitespace());
        env.shell(&words, &[]).ok();
    }
}
