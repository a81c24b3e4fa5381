//! A separate world for a test: home, upstream, store and checkout in one temporary folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use patchq::git::checkout::{
    Differences, Materialized, Obstacle, Outcome, Plan, SparseSet, WorkChange, materialize, status,
};
use patchq::git::{BRANCH, Id, Store};
use patchq::path::RepoPath;

const MARK: &str = "PATCHQ_TEST_ISOLATED";

/// Runs the test `name` again in a process whose home contains only `config`, because libgit2 reads the user's settings
/// from the environment. Returns whether this is that process.
pub(crate) fn isolated(name: &str, config: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    let config = config.replace("$HOME", home.path().to_str().unwrap());
    fs::write(
        home.path().join(".gitconfig"),
        format!("[user]\nname = A\nemail = a@example.org\n[protocol \"file\"]\nallow = always\n{config}"),
    )
    .unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("checkout_oracle::{name}"), "--exact", "--nocapture"]);
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("GIT_") {
            command.env_remove(key);
        }
    }
    command.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").env("GIT_CONFIG_NOSYSTEM", "1").env(MARK, "1");
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the test {name} did not run:\n{said}");
    false
}

/// Returns the home of the isolated process.
pub(crate) fn home() -> PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap())
}

pub(crate) struct World {
    #[allow(dead_code)]
    keep: Option<tempfile::TempDir>,
    pub(crate) dir: PathBuf,
}

impl World {
    pub(crate) fn new() -> World {
        let keep = tempfile::tempdir().unwrap();
        let dir = keep.path().canonicalize().unwrap();
        fs::create_dir_all(dir.join("up")).unwrap();
        let world = World { keep: Some(keep), dir };
        world.up(&["init", "-q", "-b", "main"]);
        fs::create_dir_all(world.dir.join("w/.git/patchq")).unwrap();
        Store::create(&world.store_dir()).unwrap();
        world
    }

    /// Returns the world that another process made.
    pub(crate) fn at(dir: &Path) -> World {
        World { keep: None, dir: dir.to_owned() }
    }

    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.join("w/.git/patchq/up.git")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.store_dir()).unwrap().unwrap()
    }

    pub(crate) fn checkout(&self) -> PathBuf {
        self.dir.join("w/up")
    }

    pub(crate) fn up(&self, args: &[&str]) -> String {
        // The home may be hostile, but the upstream is not under test.
        let mut all = vec!["env", "GIT_CONFIG_GLOBAL=/dev/null", "git", "-c", "user.name=A", "-c", "user.email=a@b"];
        all.extend(args);
        run(&self.dir.join("up"), &all)
    }

    /// Runs git in the checkout.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let mut all = vec!["git"];
        all.extend(args);
        run(&self.checkout(), &all)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        put(&self.dir.join("up").join(path), text);
    }

    /// Commits the upstream's files and fetches the commit into the store.
    pub(crate) fn commit(&self, message: &str) -> Id {
        self.up(&["add", "-A"]);
        self.up(&["commit", "-q", "--allow-empty", "-m", message]);
        self.fetch()
    }

    pub(crate) fn fetch(&self) -> Id {
        let id = self.up(&["rev-parse", "HEAD"]);
        let (store, up) = (self.store_dir(), self.dir.join("up"));
        let store = store.to_str().unwrap();
        run(&self.dir, &["git", "--git-dir", store, "fetch", "-q", "--no-tags", up.to_str().unwrap(), id.trim()]);
        id.trim().parse().unwrap()
    }

    pub(crate) fn tree(&self, commit: Id) -> Id {
        self.up(&["rev-parse", &format!("{commit}^{{tree}}")]).trim().parse().unwrap()
    }

    pub(crate) fn sparse(&self, commit: Id, entries: &[&str]) -> SparseSet {
        let entries: Vec<RepoPath> = entries.iter().map(|path| RepoPath::new(path).unwrap()).collect();
        SparseSet::new(&self.store(), self.tree(commit), Some(&entries), &[]).unwrap()
    }

    pub(crate) fn go(&self, commit: Id, sparse: &SparseSet) -> Outcome {
        self.go_as(commit, sparse, Differences::Refuse, None, &|_| ())
    }

    pub(crate) fn go_as(
        &self,
        commit: Id,
        sparse: &SparseSet,
        differences: Differences,
        version: Option<&str>,
        observe: &dyn Fn(&str),
    ) -> Outcome {
        let store = self.store();
        let old = store.read_ref(BRANCH).unwrap();
        let changed = std::collections::BTreeSet::new();
        let plan = Plan { old, commit, sparse, differences, changed: &changed, version, reason: "patchq: test" };
        materialize(&store, &self.checkout(), &plan, observe).unwrap()
    }

    pub(crate) fn done(&self, commit: Id, sparse: &SparseSet) -> Materialized {
        match self.go(commit, sparse) {
            Outcome::Done(done) => done,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn refused(&self, commit: Id, sparse: &SparseSet) -> Vec<Obstacle> {
        match self.go(commit, sparse) {
            Outcome::Refused(obstacles) => obstacles,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn status(&self) -> Vec<WorkChange> {
        status(&self.store(), &self.checkout()).unwrap()
    }

    /// Checks that the checkout is equal to a fresh clone with git's own sparse checkout.
    pub(crate) fn assert_as_git(&self, commit: Id, sparse: &SparseSet) {
        let clone = self.dir.join("clone");
        let _ = fs::remove_dir_all(&clone);
        let up = self.dir.join("up");
        run(&self.dir, &["git", "clone", "-q", "--no-checkout", up.to_str().unwrap(), "clone"]);
        for (key, value) in [("core.autocrlf", "false"), ("index.sparse", "false"), ("core.splitIndex", "false")] {
            run(&clone, &["git", "config", key, value]);
        }
        if let Some(patterns) = sparse.patterns() {
            let file = self.dir.join("patterns");
            fs::write(&file, &patterns).unwrap();
            run(&clone, &["sh", "-c", "git sparse-checkout set --no-cone --stdin < ../patterns"]);
            if patterns.is_empty() {
                // Without any line git would use its own default set.
                fs::write(clone.join(".git/info/sparse-checkout"), "").unwrap();
            }
        }
        run(&clone, &["git", "checkout", "-q", "-B", "patchq", &commit.to_string()]);
        let list = |dir: &Path| run(dir, &["git", "ls-files", "-t", "--stage"]);
        assert_eq!(self.git(&["diff-files"]), "", "stat data is not what git expects");
        assert_eq!(list(&self.checkout()), list(&clone));
        assert_eq!(self.git(&["status", "--porcelain"]), "");
        assert_eq!(list(&self.checkout()), list(&clone), "after git's own refresh");
        assert_eq!(files(&self.checkout()), files(&clone));
        if !sparse.is_everything() {
            let list = |dir: &Path| run(dir, &["git", "sparse-checkout", "list"]);
            assert_eq!(list(&self.checkout()), list(&clone));
            run(&self.checkout(), &["git", "sparse-checkout", "reapply"]);
            assert_eq!(files(&self.checkout()), files(&clone), "after git's own evaluation");
        }
        self.git(&["fsck", "--connectivity-only"]);
        assert_eq!(self.status(), []);
    }
}

pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn link(to: &str, path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(to, path).unwrap();
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> String {
    let output = Command::new(args[0]).args(&args[1..]).current_dir(dir).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?} in {}: {said}", dir.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Returns every file below `dir` except git's own: kind or permissions, and content.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, (String, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let walk = walkdir::WalkDir::new(dir).min_depth(1).into_iter().filter_entry(|entry| entry.file_name() != ".git");
    for entry in walk {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(dir).unwrap().to_owned();
        let kind = entry.file_type();
        let what = if kind.is_dir() {
            ("folder".to_owned(), Vec::new())
        } else if kind.is_symlink() {
            ("link".to_owned(), fs::read_link(entry.path()).unwrap().into_os_string().into_encoded_bytes())
        } else {
            let mode = entry.metadata().unwrap().permissions().mode();
            (format!("{mode:o}"), fs::read(entry.path()).unwrap())
        };
        found.insert(path, what);
    }
    found
}

/// Makes an upstream with every kind of tree entry.
pub(crate) fn zoo(world: &World) -> Id {
    for path in [
        "README",
        "a/Makefile",
        "a/b/c/deep.txt",
        "a/jupyter/x",
        "a/jupyter-x/y",
        "a/jupyter.txt",
        "sp ace/ä ö",
        "g*[x]?/f",
        "g*[x]?/*",
        "back\\slash/q",
        "!bang",
        "#hash/x",
        "tail ",
        "other/file",
        "other/jupyter/x",
        "v/version",
    ] {
        world.write(path, &format!("content of {path}\n"));
    }
    world.write("run.sh", "#!/bin/sh\n");
    world.write("a/run.sh", "#!/bin/sh\n");
    executable(&world.dir.join("up/run.sh"));
    executable(&world.dir.join("up/a/run.sh"));
    world.write("a/empty", "");
    link("../README", &world.dir.join("up/a/link"));
    link("nowhere", &world.dir.join("up/dangling"));
    world.write(".gitattributes", "*.crlf text eol=crlf\n*.auto text=auto\n*.id ident\n*.bin -text\n");
    world.write("a/.gitattributes", "special text eol=crlf\n");
    world.write(".gitignore", "*.log\n/build/\n");
    world.write("a/.gitignore", "!keep.log\n*.tmp\n");
    world.write("a/one.crlf", "1\n2\n");
    world.write("a/two.auto", "1\n2\n");
    world.write("a/three.id", "$Id$\n");
    world.write("a/four.bin", "1\r\n\0");
    world.write("a/five.txt", "1\r\n2\r\n");
    world.write("a/special", "1\n2\n");
    // For a submodule without its repository git keeps an empty folder.
    world.up(&["add", "-A"]);
    world.up(&["update-index", "--add", "--cacheinfo", "160000,0123456789012345678901234567890123456789,a/sub"]);
    world.up(&["update-index", "--add", "--cacheinfo", "160000,0123456789012345678901234567890123456789,subtop"]);
    world.up(&["commit", "-q", "-m", "zoo"]);
    fs::create_dir_all(world.dir.join("up/a/sub")).unwrap();
    fs::create_dir_all(world.dir.join("up/subtop")).unwrap();
    world.fetch()
}
