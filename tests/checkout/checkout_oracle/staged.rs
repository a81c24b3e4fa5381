//! Staged changes across a move: as with `git switch`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use patchq::git::checkout::{Differences, Outcome, Plan, Reason, SparseSet, materialize};
use patchq::git::{BRANCH, Id};

use super::support::{World, executable, files, isolated, put, run, zoo};

/// Makes a commit on top of the zoo with few changes.
fn next(world: &World) -> Id {
    world.write("a/Makefile", "changed\n");
    world.write("n/new", "new\n");
    world.commit("next")
}

/// Moves the checkout and keeps the uncommitted changes.
fn go(world: &World, commit: Id, sparse: &SparseSet) -> Outcome {
    let store = world.store();
    let changed: BTreeSet<_> = world.status().into_iter().map(|change| change.path).collect();
    let (old, differences) = (store.read_ref(BRANCH).unwrap(), Differences::Refuse);
    let plan = Plan { old, commit, sparse, differences, changed: &changed, version: None, reason: "patchq: test" };
    materialize(&store, &world.checkout(), &plan, &|_| ()).unwrap()
}

/// Makes a clone of the upstream at `commit`, for `git switch`.
fn clone(world: &World, commit: Id) -> std::path::PathBuf {
    let clone = world.dir.join("clone");
    let up = world.dir.join("up");
    run(&world.dir, &["git", "clone", "-q", "--no-checkout", up.to_str().unwrap(), "clone"]);
    run(&clone, &["git", "checkout", "-q", "--detach", &commit.to_string()]);
    clone
}

/// Stages every kind of change, at paths that no move changes.
fn stage(dir: &Path) {
    let git = |args: &[&str]| run(dir, &[&["git"], args].concat());
    put(&dir.join("README"), "staged\n");
    put(&dir.join("a/five.txt"), "staged and changed again\n");
    executable(&dir.join("a/jupyter.txt"));
    put(&dir.join("a/added"), "added\n");
    put(&dir.join("added/gone"), "added, and removed from the disk\n");
    put(&dir.join("a/both"), "added\n");
    git(&["add", "README", "a/five.txt", "a/jupyter.txt", "a/added", "added/gone", "a/both"]);
    put(&dir.join("a/five.txt"), "on the disk\n");
    put(&dir.join("a/both"), "on the disk\n");
    fs::remove_file(dir.join("added/gone")).unwrap();
    fs::remove_dir(dir.join("added")).unwrap();
    put(&dir.join("a/meant"), "to be added\n");
    git(&["add", "-N", "a/meant"]);
    git(&["rm", "-q", "other/file"]);
    git(&["rm", "-q", "--cached", "run.sh", "a/sub"]);
    put(&dir.join("a/special"), "staged\n");
    git(&["add", "a/special"]);
    put(&dir.join("a/special"), "1\r\n2\r\n");
    put(&dir.join("tail "), "not staged\n");
}

/// Returns git's output about a working tree.
fn said(dir: &Path) -> [String; 4] {
    let git = |args: &[&str]| run(dir, &[&["git"], args].concat());
    [
        git(&["status", "--porcelain", "-uall"]),
        git(&["ls-files", "-t", "--stage"]),
        git(&["diff"]),
        git(&["diff", "--cached"]),
    ]
}

#[test]
fn what_a_move_does_not_change_stays_staged() {
    if !isolated("staged::what_a_move_does_not_change_stays_staged", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let two = next(&world);
    let all = SparseSet::everything();
    world.done(one, &all);
    let clone = clone(&world, one);
    stage(&world.checkout());
    stage(&clone);
    assert_eq!(said(&world.checkout()), said(&clone), "before");
    for commit in [two, one, two] {
        assert!(matches!(go(&world, commit, &all), Outcome::Done(_)));
        run(&clone, &["git", "switch", "-q", "--detach", &commit.to_string()]);
        assert_eq!(said(&world.checkout()), said(&clone));
        assert_eq!(files(&world.checkout()), files(&clone));
        // A cache of tree ids from another index would make a different tree.
        assert_eq!(world.git(&["write-tree"]), run(&clone, &["git", "write-tree"]));
        world.git(&["fsck", "--connectivity-only"]);
    }
    world.git(&["commit", "-q", "-m", "what is staged"]);
    run(&clone, &["git", "commit", "-q", "-m", "what is staged"]);
    assert_eq!(world.git(&["rev-parse", "HEAD^{tree}"]), run(&clone, &["git", "rev-parse", "HEAD^{tree}"]));
}

#[test]
fn what_a_move_changes_is_an_obstacle() {
    if !isolated("staged::what_a_move_changes_is_an_obstacle", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let two = next(&world);
    let all = SparseSet::everything();
    world.done(one, &all);
    let at = |path: &str| world.checkout().join(path);
    // A staged version of a changed file, and a staged file where the commit has a folder; the disk is unchanged.
    for (path, text) in [("a/Makefile", "staged\n"), ("n", "staged\n")] {
        let before = fs::read(at(path)).ok();
        put(&at(path), text);
        world.git(&["add", path]);
        match before {
            Some(bytes) => fs::write(at(path), bytes).unwrap(),
            None => fs::remove_file(at(path)).unwrap(),
        }
        let index = fs::read(world.store_dir().join("index")).unwrap();
        let Outcome::Refused(found) = go(&world, two, &all) else { panic!("{path} was not in the way") };
        let found: Vec<_> = found.iter().map(|at| (at.path.as_str(), at.reason.clone())).collect();
        assert_eq!(found, [(path, Reason::Staged)]);
        assert_eq!(fs::read(world.store_dir().join("index")).unwrap(), index);
        world.git(&["reset", "-q"]);
    }
    // The staged content is equal to the commit's.
    put(&at("a/Makefile"), "changed\n");
    world.git(&["add", "a/Makefile"]);
    assert!(matches!(go(&world, two, &all), Outcome::Done(_)));
    world.assert_as_git(two, &all);
}
