//! Moves from one commit to another: what changes on disk, and that nothing changes if something is in the way.

use std::fs;
use std::path::Path;

use patchq::git::checkout::{ChangeKind, Differences, Outcome, Reason, SparseSet, Warning, work_files};
use patchq::git::{BRANCH, Id, Mode};

use super::support::{World, executable, files, isolated, link, put, zoo};

/// Makes a commit on top of the zoo in which every kind of entry became another.
pub(crate) fn turned(world: &World) -> Id {
    let up = world.dir.join("up");
    let gone = |path: &str| fs::remove_file(up.join(path)).unwrap();
    world.write("a/Makefile", "changed\n");
    gone("a/jupyter/x");
    world.write("a/new/deep/file", "new\n");
    fs::rename(up.join("a/jupyter.txt"), up.join("a/renamed.txt")).unwrap();
    // File to folder, folder to file, symlink to file, file to symlink, mode, submodule to file and back.
    gone("a/empty");
    world.write("a/empty/inside", "1\n");
    fs::remove_dir_all(up.join("a/b")).unwrap();
    world.write("a/b", "was a folder\n");
    gone("a/link");
    world.write("a/link", "was a symlink\n");
    gone("a/five.txt");
    link("Makefile", &up.join("a/five.txt"));
    executable(&up.join("a/special"));
    fs::remove_dir(up.join("a/sub")).unwrap();
    world.up(&["rm", "-q", "--cached", "a/sub"]);
    world.write("a/sub", "was a submodule\n");
    gone("a/jupyter-x/y");
    world.up(&["add", "-A"]);
    world.up(&[
        "update-index",
        "--add",
        "--cacheinfo",
        "160000,0123456789012345678901234567890123456789,a/jupyter-x/y",
    ]);
    world.up(&["commit", "-q", "-m", "turned"]);
    world.fetch()
}

#[test]
fn forth_and_back() {
    if !isolated("moves::forth_and_back", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let two = turned(&world);
    for entries in [&["a"][..], &["a/b", "a/empty", "a/link", "README"], &["a/sub", "a/jupyter-x"]] {
        let sparse = world.sparse(one, entries);
        world.done(one, &sparse);
        for commit in [two, one, two] {
            let sparse = world.sparse(commit, entries);
            world.done(commit, &sparse);
            world.assert_as_git(commit, &sparse);
        }
    }
    for commit in [one, two] {
        world.done(commit, &SparseSet::everything());
        world.assert_as_git(commit, &SparseSet::everything());
    }
}

/// Makes a state, expects these obstacles, and checks that neither files nor index nor refs changed.
fn obstructed(world: &World, to: Id, sparse: &SparseSet, expected: &[(&str, Reason)]) {
    let before = (files(&world.checkout()), fs::read(world.store_dir().join("index")).ok());
    let found = world.refused(to, sparse);
    let found: Vec<_> = found.iter().map(|obstacle| (obstacle.path.as_str(), obstacle.reason.clone())).collect();
    assert_eq!(found, expected);
    assert_eq!((files(&world.checkout()), fs::read(world.store_dir().join("index")).ok()), before);
    assert!(!world.store_dir().join("index.lock").exists() && !world.store_dir().join("stage.patchq").exists());
    assert_ne!(world.store().read_ref(BRANCH).unwrap(), Some(to));
}

#[test]
fn everything_in_the_way_is_named_at_once() {
    if !isolated("moves::everything_in_the_way_is_named_at_once", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let two = turned(&world);
    let sparse = world.sparse(one, &["a"]);
    world.done(one, &sparse);
    let at = |path: &str| world.checkout().join(path);
    put(&at("a/Makefile"), "mine\n");
    put(&at("a/jupyter/x"), "mine\n");
    fs::remove_dir_all(at("a/new")).ok();
    link("/tmp", &at("a/new"));
    put(&at("a/renamed.txt/file"), "mine\n");
    put(&at("a/b/mine"), "mine\n");
    fs::remove_file(at("a/five.txt")).unwrap();
    fs::create_dir(at("a/five.txt")).unwrap();
    put(&at("a/five.txt/f"), "mine\n");
    put(&at("a/empty"), "mine\n");
    put(&at("a/staged"), "mine\n");
    world.git(&["add", "--sparse", "a/staged"]);
    put(&at("other/file"), "outside, and not upstream's\n");
    obstructed(
        &world,
        two,
        &world.sparse(two, &["a"]),
        &[
            ("a/Makefile", Reason::LocalChange),
            ("a/b", Reason::FolderInTheWay { holds: "a/b/mine".into() }),
            ("a/empty", Reason::LocalChange),
            ("a/five.txt", Reason::FolderInTheWay { holds: "a/five.txt/f".into() }),
            ("a/jupyter/x", Reason::LocalChange),
            ("a/new", Reason::SymlinkOnTheWay),
            ("a/renamed.txt", Reason::FolderInTheWay { holds: "a/renamed.txt/file".into() }),
            ("a/staged", Reason::Staged),
            ("other/file", Reason::LocalChange),
        ],
    );
    assert!(!Path::new("/tmp/deep").exists());
}

#[test]
fn files_in_the_way_and_files_that_are_right_already() {
    if !isolated("moves::files_in_the_way_and_files_that_are_right_already", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let two = turned(&world);
    let sparse = world.sparse(one, &["a"]);
    world.done(one, &sparse);
    let at = |path: &str| world.checkout().join(path);
    put(&at("a/new"), "a file where a folder belongs\n");
    put(&at("a/renamed.txt"), "mine\n");
    let expected = [("a/new", Reason::FileOnTheWay), ("a/renamed.txt", Reason::Untracked)];
    obstructed(&world, two, &world.sparse(two, &["a"]), &expected);
    // A file that is equal to the commit's is accepted.
    put(&at("a/renamed.txt"), "content of a/jupyter.txt\n");
    fs::remove_file(at("a/new")).unwrap();
    world.done(two, &world.sparse(two, &["a"]));
    world.assert_as_git(two, &world.sparse(two, &["a"]));
    // A change of the executable bit alone is a change.
    executable(&at("a/Makefile"));
    obstructed(&world, one, &world.sparse(one, &["a"]), &[("a/Makefile", Reason::LocalChange)]);
}

#[test]
fn strangers_folders_are_not_taken() {
    if !isolated("moves::strangers_folders_are_not_taken", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let sparse = world.sparse(one, &["a"]);
    let here = world.checkout();
    let is_refused = |what: &str| {
        let found = world.refused(one, &sparse);
        assert!(matches!(found[0].reason, Reason::NotOurs { .. }), "{what}: {found:?}");
    };
    put(&here.join("file"), "plain\n");
    is_refused("plain folder");
    fs::remove_file(here.join("file")).unwrap();
    fs::create_dir(here.join(".git")).unwrap();
    is_refused("repository");
    fs::remove_dir(here.join(".git")).unwrap();
    put(&here.join(".git"), "gitdir: ../../up/.git\n");
    is_refused("elsewhere");
    fs::remove_dir_all(&here).unwrap();
    link("../up", &here);
    is_refused("symlink");
    fs::remove_file(&here).unwrap();
    put(&here, "file");
    is_refused("file");
    fs::remove_file(&here).unwrap();
    // A link that is broken after a move is repaired.
    put(&here.join(".git"), "gitdir: ../../gone/.git/patchq/up.git\n");
    world.done(one, &sparse);
    world.assert_as_git(one, &sparse);
}

#[test]
fn colliding_and_evil_paths_are_refused_where_wanted() {
    if !isolated("moves::colliding_and_evil_paths_are_refused_where_wanted", "") {
        return;
    }
    let world = World::new();
    zoo(&world);
    world.write("fold/Readme", "1\n");
    world.write("fold/README", "2\n");
    world.write("fold2/x/y", "1\n");
    world.write("fold2/X", "2\n");
    world.write("evil/x\\.git\\config", "\n");
    world.up(&["config", "core.protectNTFS", "false"]);
    let commit = world.commit("evil");
    let fine = world.sparse(commit, &["a"]);
    world.done(commit, &fine);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let bad = world.sparse(commit, &["fold", "fold2", "evil"]);
    let found = world.refused(commit, &bad);
    let paths: Vec<_> = found.iter().map(|obstacle| obstacle.path.as_str()).collect();
    // Names that this file system treats as one could not be written even in the world above.
    let folds = fs::read(world.dir.join("up/fold/Readme")).unwrap() != b"1\n";
    let colliding = ["fold/Readme", "fold2/X"].into_iter().filter(|_| folds);
    assert_eq!(paths, ["evil/x\\.git\\config"].into_iter().chain(colliding).collect::<Vec<_>>());
    if !folds {
        let both = world.sparse(commit, &["fold", "fold2"]);
        world.done(commit, &both);
        assert_eq!(world.git(&["status", "--porcelain"]), "");
        for (name, text) in [("fold/Readme", "1\n"), ("fold/README", "2\n"), ("fold2/x/y", "1\n"), ("fold2/X", "2\n")] {
            assert_eq!(fs::read_to_string(world.checkout().join(name)).unwrap(), text);
        }
    }

    // A tree that git itself never writes.
    let blob = world.up(&["hash-object", "-w", "README"]);
    fs::write(world.dir.join("up/t"), format!("100644 blob {}\tconfig\n", blob.trim())).unwrap();
    let inner = super::support::run(&world.dir.join("up"), &["sh", "-c", "git mktree < t"]);
    fs::write(world.dir.join("up/t"), format!("040000 tree {}\t.git\n", inner.trim())).unwrap();
    let tree = super::support::run(&world.dir.join("up"), &["sh", "-c", "git mktree < t"]);
    let evil = world.up(&["commit-tree", tree.trim(), "-m", "evil"]);
    world.up(&["update-ref", "refs/heads/evil", evil.trim()]);
    let (store, up) = (world.store_dir(), world.dir.join("up"));
    let fetch = ["git", "--git-dir", store.to_str().unwrap(), "fetch", "-q", up.to_str().unwrap(), evil.trim()];
    super::support::run(&world.dir, &fetch);
    // No index can list it, so it is refused outside the sparse set too.
    for sparse in [SparseSet::everything(), world.sparse(commit, &["a"])] {
        let found = world.refused(evil.trim().parse().unwrap(), &sparse);
        assert_eq!(found[0].path, ".git/config");
        assert!(matches!(found[0].reason, Reason::UnsafePath { .. }), "{found:?}");
    }
}

#[test]
fn status_says_what_git_says() {
    if !isolated("moves::status_says_what_git_says", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    world.done(one, &world.sparse(one, &["a", "g*[x]?"]));
    let at = |path: &str| world.checkout().join(path);
    // Same size, same second: only the content shows the difference.
    put(&at("a/Makefile"), "CONTENT OF a/Makefile\n");
    executable(&at("a/one.crlf"));
    put(&at("a/three.id"), "$Id: 1234 $\n");
    put(&at("a/two.auto"), "1\r\n2\r\n");
    put(&at("a/special"), "1\r\n2\r\nthree\r\n");
    fs::remove_file(at("a/jupyter/x")).unwrap();
    fs::remove_file(at("a/link")).unwrap();
    put(&at("a/link"), "file now\n");
    put(&at("a/new/n"), "12345");
    put(&at("a/x.log"), "ignored by the .gitignore that is not on disk");
    put(&at("a/keep.log"), "kept by a/.gitignore");
    put(&at("a/x.tmp"), "");
    put(&at("build/x"), "");
    put(&at("a/staged"), "1\n");
    world.git(&["add", "--sparse", "a/staged"]);
    put(&at("a/run.sh"), "#!/bin/bash\n");
    world.git(&["add", "a/run.sh"]);
    super::support::run(&world.checkout(), &["git", "init", "-q", "nested"]);
    put(&at("nested/x"), "");
    put(&at("a/sub/file"), "in a submodule");
    put(&at("other/file"), "here although skipped\n");
    put(&super::support::home().join(".config/git/ignore"), "*.mine\n");
    put(&at("a/x.mine"), "");
    let found: Vec<_> = world.status().into_iter().map(|c| (c.path.to_string(), c.kind, c.staged)).collect();
    use ChangeKind as Kind;
    let expected = [
        ("a/Makefile", Kind::Modified, false),
        ("a/jupyter/x", Kind::Deleted, false),
        ("a/keep.log", Kind::Untracked, false),
        ("a/link", Kind::TypeChanged, false),
        ("a/new/n", Kind::Untracked, false),
        ("a/one.crlf", Kind::ModeChanged, false),
        ("a/run.sh", Kind::Modified, true),
        ("a/special", Kind::Modified, false),
        ("a/staged", Kind::Added, true),
        ("nested", Kind::Repository, false),
        ("other/file", Kind::Modified, false),
    ];
    assert_eq!(found, expected.map(|(path, kind, staged)| (path.to_owned(), kind, staged)));
    let said = world.git(&["-c", "core.quotePath=false", "status", "--porcelain", "-uall", "--ignore-submodules=all"]);
    let mut git: Vec<_> = said.lines().map(|line| line[3..].trim_end_matches('/').to_owned()).collect();
    git.sort();
    // git stops at a different size; the content that it would store is the same, and so is `git diff`.
    git.retain(|path| path != "a/three.id" && path != "a/two.auto");
    assert_eq!(world.git(&["diff", "--", "a/three.id", "a/two.auto"]), "");
    assert_eq!(git, found.iter().map(|(path, ..)| path.clone()).collect::<Vec<_>>());

    let changes = world.status();
    let work = work_files(&world.store(), &world.checkout(), &changes).unwrap();
    let file = |path: &str| work.files[&patchq::path::RepoPath::new(path).unwrap()].clone();
    assert_eq!(file("a/jupyter/x"), None);
    assert_eq!(file("a/special").unwrap().bytes, b"1\n2\nthree\n");
    assert_eq!(file("a/one.crlf").map(|file| (file.mode, file.bytes)), Some((Mode::Executable, b"1\n2\n".to_vec())));
    assert_eq!(work.unusable.len(), 1);
    assert_eq!(work.files.len(), changes.len() - 1);
}

#[test]
fn differences_are_kept_when_the_store_was_lost() {
    if !isolated("moves::differences_are_kept_when_the_store_was_lost", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let sparse = world.sparse(one, &["a"]);
    world.done(one, &sparse);
    put(&world.checkout().join("a/Makefile"), "mine\n");
    fs::remove_file(world.checkout().join("a/jupyter/x")).unwrap();
    put(&world.checkout().join("a/untracked"), "mine\n");
    fs::remove_dir_all(world.store_dir()).unwrap();
    patchq::git::Store::create(&world.store_dir()).unwrap();
    world.fetch();
    let before = files(&world.checkout());
    assert!(!world.refused(one, &sparse).is_empty());
    let Outcome::Done(done) = world.go_as(one, &sparse, Differences::Keep, None, &|_| ()) else { panic!("refused") };
    assert_eq!(done.kept.len(), 2);
    assert_eq!(files(&world.checkout()), before);
    assert_eq!(world.git(&["status", "--porcelain"]), " M a/Makefile\n D a/jupyter/x\n?? a/untracked\n");
}

#[test]
fn version_txt_only_where_nobody_has_one() {
    if !isolated("moves::version_txt_only_where_nobody_has_one", "") {
        return;
    }
    let world = World::new();
    let one = zoo(&world);
    let sparse = world.sparse(one, &["a"]);
    let file = world.checkout().join("version.txt");
    let go = |commit, version| match world.go_as(commit, &sparse, Differences::Refuse, version, &|_| ()) {
        Outcome::Done(done) => done.warnings,
        other => panic!("{other:?}"),
    };
    assert_eq!(go(one, Some("v1")), []);
    assert_eq!(fs::read_to_string(&file).unwrap(), "v1\n");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(world.status(), []);
    assert_eq!(go(one, Some("v2")), []);
    assert_eq!(fs::read_to_string(&file).unwrap(), "v2\n");
    put(&file, "mine\n");
    assert_eq!(go(one, Some("v3")), [Warning::VersionFile { tracked: false }]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine\n");
    put(&file, "v2\n");
    world.write("version.txt", "upstream's\n");
    let two = world.commit("version.txt upstream");
    assert_eq!(go(two, Some("v4")), [Warning::VersionFile { tracked: true }]);
    assert!(!file.exists(), "ours would look like a change of upstream's");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}
