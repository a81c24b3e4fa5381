//! Compares a first checkout with git's own.

use patchq::git::Store;
use patchq::git::checkout::{Outcome, SparseSet, wanted_blobs};
use patchq::path::RepoPath;

use super::support::{World, files, isolated, run, zoo};

#[test]
fn sparse_sets_are_as_gits() {
    if !isolated("same::sparse_sets_are_as_gits", "") {
        return;
    }
    let world = World::new();
    let commit = zoo(&world);
    let sets: [&[&str]; 9] = [
        &["a"],
        &["a/jupyter", "a/Makefile"],
        &["a/b/c", "run.sh", "sp ace"],
        &["g*[x]?", "!bang", "#hash", "tail ", "back\\slash"],
        &["g*[x]?/*", "dangling"],
        &["a/sub"],
        &["subtop", "nowhere/at/all"],
        &[],
        &["other", "a", "v", "README", ".gitattributes", ".gitignore"],
    ];
    for entries in sets {
        let sparse = world.sparse(commit, entries);
        world.done(commit, &sparse);
        world.assert_as_git(commit, &sparse);
        let again = world.done(commit, &sparse);
        assert_eq!((again.written, again.removed), (0, 0), "{entries:?}");
    }
    world.done(commit, &SparseSet::everything());
    world.assert_as_git(commit, &SparseSet::everything());
}

#[test]
fn a_fresh_checkout_of_everything() {
    if !isolated("same::a_fresh_checkout_of_everything", "") {
        return;
    }
    let world = World::new();
    let commit = zoo(&world);
    world.done(commit, &SparseSet::everything());
    world.assert_as_git(commit, &SparseSet::everything());
    let text = std::fs::read(world.checkout().join("a/one.crlf")).unwrap();
    assert_eq!(text, b"1\r\n2\r\n");
    // The whole workspace is moved.
    std::fs::rename(world.dir.join("w"), world.dir.join("moved")).unwrap();
    assert_eq!(run(&world.dir.join("moved/up"), &["git", "status", "--porcelain"]), "");
}

#[test]
fn touched_paths_come_too() {
    if !isolated("same::touched_paths_come_too", "") {
        return;
    }
    let world = World::new();
    let commit = zoo(&world);
    let paths = |names: &[&str]| names.iter().map(|name| RepoPath::new(name).unwrap()).collect::<Vec<_>>();
    let touched = paths(&["a/Makefile", "README", "other/file", "not/there", "README"]);
    let of = |manifest| SparseSet::new(&world.store(), world.tree(commit), manifest, &touched).unwrap();
    assert!(of(None).is_everything());
    let only_a = paths(&["a"]);
    for (manifest, extra) in [(&[][..], 4), (&only_a[..], 3)] {
        let sparse = of(Some(manifest));
        assert_eq!(sparse.extra().len(), extra);
        world.done(commit, &sparse);
        world.assert_as_git(commit, &sparse);
    }
    assert!(world.checkout().join("README").exists() && !world.checkout().join("run.sh").exists());
    // A removed folder is restored, whatever was staged in it.
    world.git(&["rm", "-q", "--cached", "README"]);
    std::fs::remove_dir_all(world.checkout()).unwrap();
    let sparse = of(Some(&only_a));
    world.done(commit, &sparse);
    world.assert_as_git(commit, &sparse);
}

#[test]
fn missing_blobs_are_named_and_the_first_status_fetches_nothing() {
    if !isolated("same::missing_blobs_are_named_and_the_first_status_fetches_nothing", "") {
        return;
    }
    let world = World::new();
    let commit = zoo(&world);
    let tree = world.tree(commit);
    // The store is made again, without blobs.
    std::fs::remove_dir_all(world.store_dir()).unwrap();
    Store::create(&world.store_dir()).unwrap();
    world.up(&["config", "uploadpack.allowFilter", "true"]);
    world.up(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let url = format!("file://{}", world.dir.join("up").display());
    let dir = world.store_dir();
    let dir = dir.to_str().unwrap();
    let set = |key: &str, value: &str| run(&world.dir, &["git", "--git-dir", dir, "config", key, value]);
    set("remote.origin.url", &url);
    let id = commit.to_string();
    run(
        &world.dir,
        &["git", "--git-dir", dir, "fetch", "-q", "--no-tags", "--depth=1", "--filter=blob:none", "origin", &id],
    );

    let store = world.store();
    let sparse = world.sparse(commit, &["a/jupyter", "a/link"]);
    let need = wanted_blobs(&store, tree, &sparse).unwrap();
    // x, link, and .gitignore and .gitattributes at the top and in a.
    assert_eq!(need.len(), 6);
    assert_eq!(world.go(commit, &sparse), Outcome::Need(need.clone()));
    assert!(!world.checkout().exists());
    let mut fetch = vec!["git", "--git-dir", dir, "-c", "fetch.negotiationAlgorithm=noop", "fetch", "-q", "--no-tags"];
    let ids: Vec<String> = need.iter().map(ToString::to_string).collect();
    fetch.extend(["--no-write-fetch-head", "--filter=blob:none", "origin"]);
    fetch.extend(ids.iter().map(String::as_str));
    run(&world.dir, &fetch);
    world.done(commit, &sparse);
    set("remote.origin.url", "file:///nowhere");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(world.git(&["diff-files"]), "");
    assert_eq!(world.status(), []);
    assert_eq!(files(&world.checkout()).values().filter(|(kind, _)| kind != "folder").count(), 2);
}

#[test]
#[ignore = "needs a bare copy of the real repository, named by PATCHQ_KUBEFLOW"]
fn kubeflow_has_its_files() {
    let mirror = std::env::var_os("PATCHQ_KUBEFLOW").unwrap();
    let world = World::new();
    let commit = "0611aa04850cf1fd582806dfe7f6f1fbca69f683".parse().unwrap();
    let dir = world.store_dir();
    let mirror = format!("file://{}", mirror.to_str().unwrap());
    run(
        &world.dir,
        &[
            "git",
            "--git-dir",
            dir.to_str().unwrap(),
            "fetch",
            "-q",
            "--no-tags",
            "--depth=1",
            &mirror,
            "0611aa04850cf1fd582806dfe7f6f1fbca69f683",
        ],
    );
    let tree =
        run(&world.dir, &["git", "--git-dir", dir.to_str().unwrap(), "rev-parse", &format!("{commit}^{{tree}}")]);
    let servers = [
        "Makefile",
        "base",
        "jupyter",
        "jupyter-scipy",
        "jupyter-pytorch",
        "jupyter-pytorch-full",
        "jupyter-tensorflow",
        "jupyter-tensorflow-full",
    ];
    let mut entries = vec![
        "components/common".to_owned(),
        "components/crud-web-apps/common".into(),
        "components/crud-web-apps/jupyter".into(),
        "components/notebook-controller".into(),
    ];
    entries.extend(servers.iter().map(|name| format!("components/example-notebook-servers/{name}")));
    let entries: Vec<_> = entries.iter().map(|path| RepoPath::new(path).unwrap()).collect();
    let start = std::time::Instant::now();
    let sparse = SparseSet::new(&world.store(), tree.trim().parse().unwrap(), Some(&entries), &[]).unwrap();
    let outcome = world.go_as(commit, &sparse, patchq::git::checkout::Differences::Refuse, Some("v1.6.1"), &|_| ());
    let made = start.elapsed();
    let Outcome::Done(done) = outcome else { panic!("{outcome:?}") };
    let start = std::time::Instant::now();
    assert_eq!(world.status(), []);
    let looked = start.elapsed();
    let start = std::time::Instant::now();
    assert_eq!(world.done(commit, &sparse).written, 0);
    let again = start.elapsed();
    let on_disk = files(&world.checkout()).values().filter(|(kind, _)| kind != "folder").count();
    println!("made in {made:?}, status {looked:?}, again {again:?}, {done:?}");
    assert_eq!((done.files, on_disk), (598, 598), "the second run took version.txt away");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
}
