//! A colleague's patch arrives by `git pull` while the checkout has a new commit: after any commands, in any order,
//! both still exist somewhere.

use std::collections::VecDeque;

use super::support::{Env, put};
use super::who::{commits_change, files_change};

/// The commands that may follow. `fix` is the command in the hints of a refusal.
const STEPS: [&[&str]; 7] = [
    &["setup"],
    &["apply"],
    &["export"],
    &["export", "--merge"],
    &["export", "--replace"],
    &["save", "up", "-m", "Edit"],
    &["setup", "--discard"],
];

/// Checks whether a text is in a patch file, in a commit of the branch, in the working tree, or kept for undo.
fn somewhere(env: &Env, text: &str) -> bool {
    let git = |args: &[&str]| env.git(&env.co(), args);
    let in_files = env.queue().iter().any(|name| env.read(&format!("ws/patches/up/{name}")).contains(text));
    in_files
        || git(&["log", "-p", "--format=%s", "refs/patchq/base..patchq"]).contains(text)
        || git(&["diff", "--no-ext-diff", "--no-textconv"]).contains(text)
        || git(&["for-each-ref", "--format=%(objectname)", "refs/patchq/undo"])
            .lines()
            .any(|id| git(&["log", "-p", "-m", "--root", "--format=%s", id]).contains(text))
}

const THEIRS: &str = "hello";
const COMMITTED: &str = "print(util.answer(), 1)";
const UNCOMMITTED: &str = "exec python3 main.py";

#[track_caller]
fn all_is_there(env: &Env, way: &[&[&str]]) {
    for text in [THEIRS, COMMITTED, UNCOMMITTED] {
        assert!(somewhere(env, text), "'{text}' is lost after {way:?}");
    }
}

fn prepared(env: &Env) {
    env.ready();
    commits_change(env);
    put(&env.co().join("app/run.sh"), "#!/bin/sh\nexec python3 main.py\n");
    files_change(env);
    env.commit_workspace("What a colleague did");
}

fn every_order(env: &Env, longest: usize) {
    prepared(env);
    every_order_of(env, &STEPS, longest);
}

/// Runs every sequence of up to `longest` commands; after a command that changed nothing no more follow.
fn every_order_of(env: &Env, steps: &[&'static [&'static str]], longest: usize) {
    let mut open: VecDeque<(Env, Vec<&[&str]>)> = VecDeque::from([(env.twin(), Vec::new())]);
    let mut seen = Vec::new();
    while let Some((world, way)) = open.pop_front() {
        for step in steps.iter().copied() {
            let next = world.twin();
            let before = next.state();
            let run = next.patchq(step);
            let mut way = way.clone();
            way.push(step);
            assert!(matches!(run.code, Some(0 | 1)), "{way:?}: {}", run.shown());
            let after = next.state();
            if run.code == Some(1) {
                assert!(before == after, "refused, and yet changed: {way:?}: {}", run.shown());
            }
            all_is_there(&next, &way);
            // The id of an undo record depends on the time.
            let refs: Vec<&str> = after.1.lines().filter(|line| !line.contains("/undo/")).collect();
            let world = (after.0.clone(), refs.join("\n"));
            if before != after && way.len() < longest && !seen.contains(&world) {
                seen.push(world);
                open.push_back((next, way));
            }
        }
    }
    assert!(seen.len() >= 3, "only {} different worlds", seen.len());
}

#[test]
fn in_every_order_plain() {
    every_order(&Env::new(), 3);
}

#[test]
fn in_every_order_hostile() {
    every_order(&Env::hostile(), 2);
}

/// Uses a queue that can move, too: files and commits in every order with a refresh to another tag and back.
#[test]
fn with_a_refresh_in_every_order() {
    const STEPS: [&[&str]; 6] = [
        &["refresh", "--to", "v1.1", "--once"],
        &["refresh", "--to", "v1.0", "--once", "--allow-older"],
        &["undo"],
        &["export", "--merge"],
        &["save", "up", "-m", "Edit"],
        &["setup", "--discard"],
    ];
    let env = Env::new();
    prepared(&env);
    every_order_of(&env, &STEPS, 4);
}

/// Undoes a refresh to another tag by `undo`, and by a refresh back.
#[test]
fn a_refresh_there_and_back() {
    let env = Env::new();
    env.ready();
    files_change(&env);
    env.patchq(&["apply"]).ok();
    let (files, head) = (env.files(), env.head());
    env.patchq(&["refresh", "--to", "v1.1", "--once"]).ok();
    assert!(somewhere(&env, THEIRS));
    env.patchq(&["refresh", "--to", "v1.0", "--once", "--allow-older"]).ok();
    super::support::assert_same(&files, &env.files(), "there and back");
    assert_eq!(env.head(), head);
    env.patchq(&["undo"]).ok();
    env.patchq(&["undo"]).ok();
    super::support::assert_same(&files, &env.files(), "and undone");
    assert_eq!(env.head(), head);
}

/// A colleague changed the pin too.
#[test]
fn the_pin_moved_by_hand() {
    let env = Env::new();
    let up = env.ready();
    let own = commits_change(&env);
    env.write("ws/commits/up.txt", format!("{}\n", up.next));
    for args in [&["setup"][..], &["apply"], &["export"]] {
        env.changes_nothing(args).exits(1).says("the pin").says(&own[..8]).hints("export --merge up");
    }
    // The first patch no longer applies there; that must not lose the commit.
    env.write("ws/commits/up.txt", format!("{}\n", up.pin));
    env.patchq(&["export"]).ok().says("0004-print-more.patch");
    env.write("ws/commits/up.txt", format!("{}\n", up.next));
    env.patchq(&["setup"]).ok();
    assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~4"]), up.next);
    assert_eq!(env.read("ws/up/docs/news.md"), "1.1\n");
}
