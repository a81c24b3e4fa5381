//! While a session is open, hints name commands that work then.

use super::{LAST, one, refresh};
use crate::refresh::bench::TRACK as ENTRY;
use crate::support::{Env, put};

/// Leaves a session in which everything is decided.
fn left(env: &Env) {
    one(env, ENTRY);
    let mut terminal = refresh(env);
    terminal.answer("a.txt:5", "p").answer(LAST, "q");
    terminal.end().exits(1);
    assert!(env.exists("ws/sessions/up.toml"));
}

/// Makes the mistake, in a world where the session is open, and runs each hint in a world of its own.
#[track_caller]
fn each_hint_works(make: fn(&Env), args: &[&str], code: i32, expected: &[&str]) {
    let env = Env::new();
    left(&env);
    make(&env);
    let run = env.patchq(args).exits(code);
    let hints: Vec<&str> = run.stderr.lines().filter_map(|line| line.strip_prefix("hint: ")).collect();
    let commands: Vec<&str> = hints.iter().filter_map(|hint| hint.split("     (").next()).map(str::trim_end).collect();
    assert_eq!(commands, expected, "{}", run.shown());
    for command in commands {
        let twin = env.twin();
        for part in command.split(" && ") {
            let words = shlex::split(part).unwrap();
            let words: Vec<&str> = words.iter().map(String::as_str).skip(1).collect();
            let done = if part.starts_with("git ") { twin.try_git(&twin.ws(), &words) } else { twin.patchq(&words) };
            assert!(!done.stderr.contains("error: up: a refresh"), "'{command}' is refused: {}", done.shown());
            if part.contains("--abort") || part.contains("stash") {
                done.ok();
            }
        }
    }
}

fn newer_files(env: &Env) {
    env.write("ws/patches/up/0009-new.patch", "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n");
}

fn commit(env: &Env) {
    env.commit_in_checkout("b.txt", "mine\n", "Mine");
}

#[test]
fn where_the_commits_are_newer() {
    each_hint_works(commit, &["apply"], 1, &["patchq refresh up --abort && patchq export up"]);
}

#[test]
fn where_both_are_newer() {
    let make = |env: &Env| {
        commit(env);
        newer_files(env);
    };
    let expected = [
        "patchq refresh up --abort && patchq export --merge up",
        "patchq refresh up --abort && patchq export --replace up",
        "patchq setup --discard --only up",
    ];
    each_hint_works(make, &["setup"], 1, &expected);
}

#[test]
fn where_something_is_not_saved() {
    let make = |env: &Env| {
        newer_files(env);
        put(&env.co().join("b.txt"), "mine\n");
    };
    each_hint_works(make, &["apply"], 1, &["patchq refresh up --abort && patchq save up -m \"why\""]);
}

#[test]
fn where_it_is_only_looked() {
    let expected = [
        "patchq diff-upstream up --to v1.1 -p",
        "patchq refresh up --to v1.1 --dry-run -v",
        "patchq refresh up --abort && patchq refresh up --to v1.1 --accept remembered",
    ];
    each_hint_works(|_| {}, &["refresh", "--to", "v1.1", "--dry-run"], 3, &expected);
}

#[test]
fn where_it_is_asked_again() {
    let ways = ["patchq refresh up --continue", "patchq refresh up --abort"];
    each_hint_works(|_| {}, &["refresh"], 1, &ways);
    each_hint_works(|_| {}, &["export"], 1, &ways);
}
