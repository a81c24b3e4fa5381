//! Kills commands at any moment: the next command makes the workspace exactly as before or exactly as after.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use super::support::{Env, Run, Snapshot, put};
use super::who::{commits_change, files_change};

/// The compared state: files (the checkout's too), the branch, and uncommitted changes. The undo records and the
/// indexes' stat data are not compared.
#[derive(Debug, PartialEq, Eq)]
struct State {
    files: Snapshot,
    refs: String,
    status: String,
}

impl State {
    fn of(env: &Env) -> State {
        let status = if env.exists("ws/up/.git") {
            env.git(&env.co(), &["status", "--porcelain", "-uall"])
        } else {
            "no checkout".to_owned()
        };
        // The undo record contains the time; so does the cached tip of the upstream, about which nothing is promised.
        let refs = env.refs();
        let refs = refs.lines().filter(|line| !line.starts_with("refs/patchq/upstream "));
        let refs: Vec<&str> = refs.map(|line| line.split_once("/undo/").map_or(line, |(_, rest)| &rest[..6])).collect();
        State { files: env.files(), refs: refs.join("\n"), status }
    }

    fn differences(&self, other: &State) -> String {
        let files = self.files.differences(&other.files).join("\n");
        format!("{files}\n{}\n{}\n--\n{}\n{}", self.refs, self.status, other.refs, other.status)
    }
}

/// A command that is killed: the preparation, and the next command, which finishes or reverts it.
struct Story {
    prepare: fn(&Env),
    command: &'static [&'static str],
    /// Any writing command; it may refuse, because its own work comes after finishing the killed step.
    next: &'static [&'static str],
}

/// With this date two runs of a command give the same patch.
const DATE: (&str, &str) = ("GIT_AUTHOR_DATE", "2024-03-01T12:00:00+0000");

fn run(env: &Env, args: &[&str], more: Option<(&str, &str)>) -> Run {
    let vars: Vec<(&str, &str)> = std::iter::once(DATE).chain(more).collect();
    env.patchq_with(&env.ws(), &vars, args)
}

/// Kills the command at every point that it passes, with a copy of a prepared world for each.
fn at_every_point(story: &Story) {
    let model = Env::new();
    (story.prepare)(&model);
    let before = State::of(&model);
    let points = {
        let env = model.twin();
        let list = env.path("points");
        run(&env, story.command, Some(("PATCHQ_TEST_LIST_POINTS", list.to_str().unwrap()))).ok();
        env.read("points").lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let moves_refs = points.contains("ref") || points.contains("refs");
    assert!(points.contains("Committed") && moves_refs && points.contains("Over"), "{points:?}");
    // The state after the killed step was finished, by the same next command.
    let done = {
        let env = model.twin();
        run(&env, story.command, None).ok();
        run(&env, story.next, None);
        State::of(&env)
    };
    let none = {
        let env = model.twin();
        run(&env, story.next, None);
        State::of(&env)
    };
    let (mut forgotten, mut finished) = (0, 0);
    for point in &points {
        let env = model.twin();
        let killed = run(&env, story.command, Some(("PATCHQ_TEST_DIE_AT", point)));
        assert_eq!(killed.code, None, "did not die at '{point}': {}", killed.shown());
        let next = run(&env, story.next, None);
        let after = State::of(&env);
        if after == done {
            finished += 1;
        } else if after == none || after == before {
            forgotten += 1;
        } else {
            panic!(
                "killed at '{point}', then {}: neither\nas before:\n{}\nnor as after:\n{}",
                next.shown(),
                none.differences(&after),
                done.differences(&after)
            );
        }
        if env.exists("ws/up/.git") {
            env.git(&env.co(), &["fsck", "--connectivity-only"]);
        }
    }
    assert!((forgotten > 0 || none == done) && finished > 0, "{forgotten} as before, {finished} as after");
}

fn edited(env: &Env) {
    env.ready();
    put(&env.co().join("app/main.py"), "import util\n");
    put(&env.co().join("app/new.py"), "new\n");
}

/// A writing command that does nothing itself.
const NEXT: &[&str] = &["export", "--merge"];

#[test]
fn save() {
    at_every_point(&Story { prepare: edited, command: &["save", "up", "-m", "Why"], next: NEXT });
}

#[test]
fn save_on_newer_files() {
    let prepare = |env: &Env| {
        edited(env);
        files_change(env);
    };
    at_every_point(&Story { prepare, command: &["save", "up", "-m", "Why"], next: NEXT });
}

#[test]
fn save_into() {
    let prepare = |env: &Env| {
        env.ready();
        put(&env.co().join("app/requirements.txt"), "flask==2.1\njinja2==3.1.3\nrequests==2.31\nurllib3\n");
    };
    at_every_point(&Story { prepare, command: &["save", "--into", "0002"], next: NEXT });
}

#[test]
fn export() {
    let prepare = |env: &Env| {
        env.ready();
        env.rebase("1s/^pick/drop/;2s/^pick/reword/").ok();
    };
    at_every_point(&Story { prepare, command: &["export"], next: &["apply"] });
}

#[test]
fn export_replace() {
    let prepare = |env: &Env| {
        env.ready();
        files_change(env);
        commits_change(env);
    };
    at_every_point(&Story { prepare, command: &["export", "--replace"], next: &["apply"] });
}

#[test]
fn export_merge() {
    let prepare = |env: &Env| {
        env.ready();
        files_change(env);
        commits_change(env);
    };
    at_every_point(&Story { prepare, command: &["export", "--merge"], next: &["apply"] });
}

#[test]
fn first_setup() {
    let prepare = |env: &Env| {
        env.workspace();
    };
    at_every_point(&Story { prepare, command: &["setup"], next: &["setup"] });
}

#[test]
fn setup_takes_newer_files() {
    let prepare = |env: &Env| {
        env.ready();
        files_change(env);
        fs::remove_file(env.path("ws/patches/up/0003-Answer-in-capitals.patch")).unwrap();
    };
    at_every_point(&Story { prepare, command: &["setup"], next: NEXT });
}

#[test]
fn discard() {
    let prepare = |env: &Env| {
        edited(env);
        commits_change(env);
        put(&env.co().join("docs/guide.md"), "uncommitted\n");
    };
    at_every_point(&Story { prepare, command: &["setup", "--discard"], next: &["apply"] });
}

#[test]
fn undo_of_a_save() {
    let prepare = |env: &Env| {
        edited(env);
        env.patchq(&["save", "-m", "Why"]).ok();
    };
    at_every_point(&Story { prepare, command: &["undo"], next: &["apply"] });
}

#[test]
fn undo_of_a_save_that_left_changes() {
    let prepare = |env: &Env| {
        edited(env);
        env.git(&env.co(), &["add", "app/main.py"]);
        env.patchq(&["save", "-m", "Why", "--", "app/new.py"]).ok();
    };
    at_every_point(&Story { prepare, command: &["undo"], next: &["apply"] });
}

#[test]
fn undo_of_a_discard() {
    let prepare = |env: &Env| {
        edited(env);
        env.patchq(&["setup", "--discard"]).ok();
    };
    at_every_point(&Story { prepare, command: &["undo"], next: &["apply"] });
}

#[test]
fn refresh() {
    at_every_point(&Story { prepare: ready, command: &["refresh"], next: &["apply"] });
}

#[test]
fn refresh_takes_newer_files_along() {
    let prepare = |env: &Env| {
        env.ready();
        files_change(env);
    };
    at_every_point(&Story { prepare, command: &["refresh"], next: &["apply"] });
}

#[test]
fn refresh_with_a_new_track() {
    at_every_point(&Story { prepare: ready, command: &["refresh", "--track", "v1.*"], next: &["apply"] });
}

#[test]
fn refresh_without_a_checkout() {
    let prepare = |env: &Env| {
        env.ready();
        fs::remove_dir_all(env.co()).unwrap();
    };
    at_every_point(&Story { prepare, command: &["refresh"], next: &["apply"] });
}

#[test]
fn undo_of_a_refresh() {
    let prepare = |env: &Env| {
        env.ready();
        env.patchq(&["refresh", "--track", "v1.*"]).ok();
    };
    at_every_point(&Story { prepare, command: &["undo"], next: &["apply"] });
}

fn ready(env: &Env) {
    env.ready();
}

/// Kills libgit2 while it holds a lock file, which protects each ref and the settings: the file stays.
#[test]
fn between_a_lock_and_its_release() {
    let model = Env::new();
    edited(&model);
    let whole = model.twin();
    run(&whole, &["save", "up", "-m", "Why"], None).ok();
    let done = State::of(&whole);
    for left in [
        "refs/patchq/undo/000001.lock",
        "refs/patchq/synced.lock",
        "refs/heads/patchq.lock",
        "config.lock",
        "HEAD.lock",
    ] {
        let env = model.twin();
        assert_eq!(run(&env, &["save", "up", "-m", "Why"], Some(("PATCHQ_TEST_DIE_AT", "Committed"))).code, None);
        put(&env.ws().join(".git/patchq/up.git").join(left), "");
        let next = run(&env, NEXT, None).ok();
        assert!(State::of(&env) == done, "{left}, then {}: {}", next.shown(), done.differences(&State::of(&env)));
    }
}

/// Sends SIGKILL at twenty moments during the command.
fn at_random_instants(prepare: fn(&Env), command: &[&str], next: &[&str]) {
    let model = Env::new();
    prepare(&model);
    let (begun, whole) = (std::time::Instant::now(), model.twin());
    run(&whole, command, None).ok();
    let time = begun.elapsed();
    run(&whole, next, None);
    let done = State::of(&whole);
    let none = {
        let env = model.twin();
        run(&env, next, None);
        State::of(&env)
    };
    for round in 0..20 {
        let env = model.twin();
        let mut child = env
            .command(&env.ws(), command)
            .env(DATE.0, DATE.1)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Not evenly: most problems can occur near the end.
        let share = 1.0 - (f64::from(round) / 20.0).powi(2);
        std::thread::sleep(time.mul_f64(share));
        child.kill().unwrap();
        child.wait().unwrap();
        let run = run(&env, next, None);
        let after = State::of(&env);
        assert!(
            after == done || after == none,
            "round {round}, then {}: neither\nas before:\n{}\nnor as after:\n{}",
            run.shown(),
            none.differences(&after),
            done.differences(&after)
        );
    }
}

#[test]
fn save_at_random_instants() {
    let prepare = |env: &Env| {
        edited(env);
        files_change(env);
    };
    at_random_instants(prepare, &["save", "up", "-m", "Why"], NEXT);
}

#[test]
fn refresh_at_random_instants() {
    at_random_instants(ready, &["refresh", "--track", "v1.*"], &["apply"]);
}
