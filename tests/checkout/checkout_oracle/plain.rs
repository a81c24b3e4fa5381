//! Plain git in a checkout, and the state that patchq reads afterwards.

use patchq::git::checkout::{
    Differences, HeadState, Line, Outcome, Plan, commits, export_copy, head, materialize, operation,
};
use patchq::git::{BRANCH, Id};

use super::support::{World, files, isolated, put, run, zoo};

fn tip(world: &World) -> Id {
    world.git(&["rev-parse", "HEAD"]).trim().parse().unwrap()
}

#[test]
fn git_works_as_ever() {
    if !isolated("plain::git_works_as_ever", "") {
        return;
    }
    let world = World::new();
    let base = zoo(&world);
    let sparse = world.sparse(base, &["a"]);
    world.done(base, &sparse);
    let log = world.git(&["reflog", "patchq"]);
    assert!(log.contains("patchq: test"), "{log}");
    for name in ["one", "two", "three"] {
        put(&world.checkout().join("a").join(name), name);
        world.git(&["add", "--", &format!("a/{name}")]);
        world.git(&["commit", "-q", "-m", name]);
    }
    let store = world.store();
    assert_eq!(head(&store).unwrap(), HeadState::OnQueue(Some(tip(&world))));
    let Line::Linear(line) = commits(&store, base, tip(&world)).unwrap() else { panic!("not linear") };
    assert_eq!((line.len(), line[2]), (3, tip(&world)));

    // Reorder and squash, then stop in the middle.
    let id = base.to_string();
    let script = "GIT_SEQUENCE_EDITOR='sed -i -e 2s/pick/fixup/' git rebase -q -i ";
    run(&world.checkout(), &["sh", "-c", &format!("{script}{id}")]);
    let Line::Linear(line) = commits(&store, base, tip(&world)).unwrap() else { panic!("not linear") };
    assert_eq!(line.len(), 2);
    let script = "GIT_SEQUENCE_EDITOR='sed -i -e 1s/pick/edit/' git rebase -q -i ";
    run(&world.checkout(), &["sh", "-c", &format!("{script}{id}")]);
    assert_eq!(operation(&store), Some("rebase"));
    assert!(matches!(head(&store).unwrap(), HeadState::Detached(_)));
    world.git(&["rebase", "--continue"]);
    assert_eq!(operation(&store), None);
    world.git(&["bisect", "start"]);
    assert_eq!(operation(&store), Some("bisect"));
    world.git(&["bisect", "reset"]);

    let before = tip(&world);
    world.git(&["checkout", "-q", "-b", "topic", "HEAD~1"]);
    assert!(matches!(head(&store).unwrap(), HeadState::OnBranch { name, .. } if name == "refs/heads/topic"));
    world.git(&["commit", "-q", "--allow-empty", "-m", "side"]);
    world.git(&["checkout", "-q", "patchq"]);
    world.git(&["merge", "-q", "--no-edit", "topic"]);
    assert_eq!(commits(&store, base, tip(&world)).unwrap(), Line::Merge(tip(&world)));
    world.git(&["reset", "-q", "--hard", &before.to_string()]);
    assert_eq!(commits(&store, before, base).unwrap(), Line::NotOnBase);

    world.git(&["sparse-checkout", "add", "/other/"]);
    assert!(world.checkout().join("other/file").exists());
    assert_eq!(world.status(), []);
    world.git(&["gc", "-q", "--prune=now"]);
    world.git(&["fsck", "--connectivity-only"]);
    assert_eq!(world.git(&["config", "core.repositoryformatversion"]), "0\n");

    // Back to the base: unchanged files that git had added are removed too.
    world.done(base, &sparse);
    assert_eq!(world.store().read_ref(BRANCH).unwrap(), Some(base));
    world.assert_as_git(base, &sparse);
}

#[test]
fn settings_that_git_moved_still_count() {
    if !isolated("plain::settings_that_git_moved_still_count", "") {
        return;
    }
    let world = World::new();
    let base = zoo(&world);
    let sparse = world.sparse(base, &["a/jupyter", "v"]);
    world.done(base, &sparse);
    // Turns on `config.worktree` and cone mode.
    world.git(&["sparse-checkout", "set", "--cone", "other"]);
    assert!(world.store_dir().join("config.worktree").exists());
    assert_eq!(world.status(), []);
    world.done(base, &sparse);
    world.assert_as_git(base, &sparse);
}

#[test]
fn a_shallow_boundary_ends_history() {
    if !isolated("plain::a_shallow_boundary_ends_history", "") {
        return;
    }
    let world = World::new();
    let base = zoo(&world);
    world.write("a/Makefile", "next\n");
    let next = world.commit("next");
    let store = world.store();
    assert_eq!(commits(&store, base, next).unwrap(), Line::Linear(vec![next]));
    std::fs::write(world.store_dir().join("shallow"), format!("{next}\n")).unwrap();
    assert_eq!(commits(&store, base, next).unwrap(), Line::NotOnBase);
    assert_eq!(commits(&store, next, next).unwrap(), Line::Linear(vec![]));
    assert!(files(&world.dir.join("w")).is_empty());
}

#[test]
fn a_copy_stands_alone() {
    if !isolated("plain::a_copy_stands_alone", "") {
        return;
    }
    let world = World::new();
    let base = zoo(&world);
    let (store, dest) = (world.store(), world.dir.join("copy"));
    let sparse = world.sparse(base, &["a"]);
    store.move_ref("refs/tags/v1", None, Some(base), "test").unwrap();
    // The rest of a killed run is replaced.
    put(&dest.join(".patchq-unfinished"), "");
    put(&dest.join(".git/HEAD"), "half");
    let outcome = export_copy(&store, base, &sparse, &dest, Some("v1")).unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    std::fs::remove_dir_all(world.dir.join("w")).unwrap();
    std::fs::remove_dir_all(world.dir.join("up")).unwrap();
    let git = |args: &[&str]| run(&dest, args);
    assert_eq!(git(&["git", "status", "--porcelain"]), "");
    assert_eq!(git(&["git", "diff-files"]), "");
    assert_eq!(git(&["git", "describe", "--tags"]), "v1\n");
    assert_eq!(git(&["git", "branch", "--show-current"]), "patchq\n");
    assert_eq!(git(&["git", "sparse-checkout", "list"]), "/a/\n");
    git(&["git", "fsck", "--connectivity-only"]);
    assert!(!dest.join(".git/objects/info/alternates").exists() && !dest.join("README").exists());
    assert_eq!(std::fs::read_to_string(dest.join("version.txt")).unwrap(), "v1\n");
    git(&["sh", "-c", "echo changed >a/Makefile && git commit -qam changed"]);

    let again = World::new();
    let base = zoo(&again);
    let found = export_copy(&again.store(), base, &again.sparse(base, &["a"]), &dest, None).unwrap();
    assert!(matches!(found, Outcome::Refused(_)), "a finished copy is its owner's");
}

#[test]
fn the_store_may_lie_on_another_file_system() {
    use std::os::unix::fs::MetadataExt;
    if !isolated("plain::the_store_may_lie_on_another_file_system", "") {
        return;
    }
    let world = World::new();
    let base = zoo(&world);
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let device = |path: &std::path::Path| std::fs::metadata(path).unwrap().dev();
    if device(other.path()) == device(&world.dir) {
        return;
    }
    let dest = other.path().join("up");
    let sparse = world.sparse(base, &["a"]);
    put(&dest.join(".patchq-draft"), "left by a killed run\n");
    let plan = Plan {
        old: None,
        commit: base,
        sparse: &sparse,
        differences: Differences::Refuse,
        changed: &std::collections::BTreeSet::new(),
        version: Some("v1"),
        reason: "patchq: test",
    };
    let outcome = materialize(&world.store(), &dest, &plan, &|_| ()).unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    assert_eq!(run(&dest, &["git", "status", "--porcelain"]), "");
    assert_eq!(run(&dest, &["git", "diff-files"]), "");
    assert!(!dest.join(".patchq-draft").exists());
}
