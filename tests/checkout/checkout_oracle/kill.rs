//! Kills a move at every step: run again with the same plan, it ends in the same state as without a kill.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use patchq::git::Id;
use patchq::git::checkout::{Differences, Outcome};

use super::moves::turned;
use super::support::{World, files, isolated, run, zoo};

const KILL: &str = "PATCHQ_TEST_KILL";

/// Runs in a separate process, because a kill runs no destructor: moves the world to a commit and dies at a step.
#[test]
fn child() {
    let Ok(text) = std::env::var(KILL) else { return };
    let parts: Vec<&str> = text.split('|').collect();
    let world = World::at(parts[0].as_ref());
    let commit: Id = parts[1].parse().unwrap();
    let steps: usize = parts[2].parse().unwrap();
    let left = Cell::new(steps);
    let outcome = world.go_as(commit, &world.sparse(commit, &["a"]), Differences::Refuse, Some(parts[3]), &|step| {
        if left.get() == 0 {
            println!("dies before: {step}");
            std::process::abort();
        }
        left.set(left.get() - 1);
    });
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}

/// Runs the child; returns whether it died.
fn dies(world: &World, commit: Id, step: usize, version: &str) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["checkout_oracle::kill::child", "--exact", "--nocapture"]);
    command.env(KILL, format!("{}|{commit}|{step}|{version}", world.dir.display()));
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() || said.contains("dies before"), "{said}");
    !output.status.success()
}

type State = (BTreeMap<std::path::PathBuf, (String, Vec<u8>)>, String, String, String);

fn state(world: &World) -> State {
    let tidy = ["index.lock", "stage.patchq", "index.patchq"];
    let left: Vec<_> = tidy.iter().filter(|name| world.store_dir().join(name).exists()).collect();
    assert!(left.is_empty(), "{left:?}");
    (
        files(&world.checkout()),
        world.git(&["ls-files", "-t", "--stage"]),
        world.git(&["rev-parse", "HEAD"]),
        world.git(&["status", "--porcelain"]),
    )
}

#[test]
fn every_step_can_be_the_last() {
    if !isolated("kill::every_step_can_be_the_last", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let two = turned(&world);
    for (from, to) in [(None, one), (Some(one), two), (Some(two), one)] {
        let _ = fs::remove_dir_all(world.checkout());
        fs::remove_dir_all(world.store_dir()).unwrap();
        patchq::git::Store::create(&world.store_dir()).unwrap();
        world.fetch();
        if let Some(from) = from {
            assert!(!dies(&world, from, usize::MAX, "one"));
        }
        run(&world.dir, &["cp", "-a", "w", "saved"]);
        let start = |world: &World| {
            fs::remove_dir_all(world.dir.join("w")).unwrap();
            run(&world.dir, &["cp", "-a", "saved", "w"]);
        };
        assert!(!dies(&world, to, usize::MAX, "two"));
        let expected = state(&world);
        assert_eq!(expected.3, "");
        for step in 0.. {
            start(&world);
            let died = dies(&world, to, step, "two");
            let again = world.go_as(to, &world.sparse(to, &["a"]), Differences::Refuse, Some("two"), &|_| ());
            assert!(matches!(again, Outcome::Done(_)), "{again:?}");
            assert_eq!(state(&world), expected, "killed at step {step}");
            if !died {
                assert!(step > 5, "the observer was told too little");
                break;
            }
        }
        fs::remove_dir_all(world.dir.join("saved")).unwrap();
    }
}

#[test]
fn a_lock_of_git_is_respected() {
    if !isolated("kill::a_lock_of_git_is_respected", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let sparse = world.sparse(one, &["a"]);
    world.done(one, &sparse);
    let two = turned(&world);
    fs::write(world.store_dir().join("index.lock"), "DIRC").unwrap();
    let before = files(&world.checkout());
    let store = world.store();
    let plan = patchq::git::checkout::Plan {
        old: Some(one),
        commit: two,
        sparse: &world.sparse(two, &["a"]),
        differences: Differences::Refuse,
        changed: &std::collections::BTreeSet::new(),
        version: None,
        reason: "patchq: test",
    };
    let result = patchq::git::checkout::materialize(&store, &world.checkout(), &plan, &|_| ());
    assert!(matches!(result, Err(patchq::git::checkout::CheckoutError::Locked { .. })), "{result:?}");
    assert_eq!(files(&world.checkout()), before);
    assert_eq!(fs::read(world.store_dir().join("index.lock")).unwrap(), b"DIRC");
    fs::remove_file(world.store_dir().join("index.lock")).unwrap();
    // An index that git split is a separate case.
    run(&world.checkout(), &["git", "update-index", "--split-index"]);
    let result = patchq::git::checkout::status(&store, &world.checkout());
    assert!(matches!(result, Err(patchq::git::checkout::CheckoutError::IndexForm { .. })), "{result:?}");
}
