//! A workspace with one patch that conflicts with a new upstream in every way that a path can.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use patchq::git::{Id, Objects};
use patchq::path::RepoPath;
use patchq::stack::{Labels, Lazy, pick};
use patchq::workspace::conflict::hand_over::{
    self, Away, HandOver, HandOverError, HandedOver, KeptWork, PutBack, ReadBack, Unmerged,
};
use patchq::workspace::{StepContext, UpstreamStore, Workspace};

const MARK: &str = "PATCHQ_TEST_ISOLATED";

/// Runs the test `name` again in a process whose home is empty, because libgit2 reads the user's settings from the
/// environment. Returns whether this is that process.
pub(crate) fn isolated(name: &str) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    let config =
        "[user]\nname = A\nemail = a@example.org\n[protocol \"file\"]\nallow = always\n[core]\neditor = true\n";
    fs::write(home.path().join(".gitconfig"), config).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("hand_over::{name}"), "--exact", "--nocapture"]);
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("GIT_") {
            command.env_remove(key);
        }
    }
    command.env_remove("EDITOR").env_remove("VISUAL");
    command.env("HOME", home.path()).env_remove("XDG_CONFIG_HOME").env("GIT_CONFIG_NOSYSTEM", "1").env(MARK, "1");
    let output = command.output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "the test {name} did not run:\n{said}");
    false
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) struct World {
    #[allow(dead_code)]
    keep: Option<tempfile::TempDir>,
    pub(crate) dir: PathBuf,
}

fn lines(from: usize, to: usize) -> String {
    (from..=to).map(|n| format!("line {n}\n")).collect()
}

impl World {
    /// Makes the workspace, set up and clean, with upstream's next version in the store.
    pub(crate) fn new() -> World {
        let keep = tempfile::tempdir().unwrap();
        let dir = keep.path().canonicalize().unwrap();
        let world = World { keep: Some(keep), dir };
        let up = world.dir.join("up");
        fs::create_dir_all(&up).unwrap();
        run(&up, &["git", "init", "-q", "-b", "main"]);
        let commit = |message: &str| {
            run(&up, &["git", "add", "-A"]);
            run(&up, &["git", "commit", "-q", "-m", message]);
            run(&up, &["git", "tag", message]);
        };
        put(&up.join("app/main.py"), &format!("{}base\n{}", lines(1, 5), lines(6, 9)));
        put(&up.join("app/dos.txt"), "one\r\ntwo\r\nthree\r\n");
        for path in ["app/gone.py", "app/kept.txt", "app/other.txt", "app/merged.txt", "docs/guide.md", "far/away.txt"]
        {
            put(&up.join(path), &lines(1, 9));
        }
        put(&up.join(".gitignore"), "*.log\n");
        commit("v1.0");
        put(&up.join("app/main.py"), &format!("{}upstream\n{}", lines(1, 5), lines(6, 9)));
        put(&up.join("app/dos.txt"), "one\r\nupstream\r\nthree\r\n");
        put(&up.join("app/new.py"), "upstream's\n");
        fs::remove_file(up.join("app/gone.py")).unwrap();
        put(&up.join("app/kept.txt"), &format!("{}more\n", lines(1, 9)));
        put(&up.join("app/merged.txt"), &format!("top\n{}", lines(1, 9)));
        put(&up.join("far/away.txt"), &format!("upstream\n{}", lines(2, 9)));
        commit("v2.0");

        fs::create_dir_all(world.ws()).unwrap();
        run(&world.ws(), &["git", "init", "-q"]);
        world.patchq(&["init"]);
        world.patchq(&["add", "up", up.to_str().unwrap(), "--track", "main", "--pin", "v1.0"]);
        let manifest = world.ws().join("upstreams.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, format!("{}\nsparse = [\"app\"]\n", text.trim_end())).unwrap();
        world.patchq(&["setup", "."]);
        world.git(&["sparse-checkout", "add", "/far/away.txt"]);
        let co = world.co();
        put(&co.join("app/main.py"), &format!("{}patch\n{}", lines(1, 5), lines(6, 9)));
        put(&co.join("app/dos.txt"), "one\r\npatch\r\nthree\r\n");
        put(&co.join("app/gone.py"), &format!("{}patch\n", lines(1, 9)));
        put(&co.join("app/new.py"), "the patch's\n");
        put(&co.join("app/merged.txt"), &format!("{}bottom\n", lines(1, 9)));
        put(&co.join("far/away.txt"), &format!("patch\n{}", lines(2, 9)));
        fs::remove_file(co.join("app/kept.txt")).unwrap();
        world.patchq(&["save", "-m", "Change much\n\nAnd say why."]);
        let store = world.store_dir();
        // A fetch of everything would start garbage collection in the background, which would remove folders during the
        // test.
        let quiet = ["git", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "--git-dir", store.to_str().unwrap()];
        let fetch = [&quiet[..], &["fetch", "-q", "--no-tags", "--refetch"]].concat();
        run(&world.dir, &[&fetch[..], &[up.to_str().unwrap(), "v2.0"]].concat());
        world
    }

    pub(crate) fn at(dir: &Path) -> World {
        World { keep: None, dir: dir.to_owned() }
    }

    pub(crate) fn ws(&self) -> PathBuf {
        self.dir.join("ws")
    }

    pub(crate) fn co(&self) -> PathBuf {
        self.dir.join("ws/up")
    }

    pub(crate) fn store_dir(&self) -> PathBuf {
        self.dir.join("ws/.git/patchq/up.git")
    }

    pub(crate) fn patchq(&self, args: &[&str]) -> String {
        let (code, said) = self.try_patchq(args);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        said
    }

    pub(crate) fn try_patchq(&self, args: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchq"));
        let output = command.args(args).current_dir(self.ws()).output().unwrap();
        (output.status.code(), said(&output))
    }

    /// Runs git in the checkout.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        run(&self.co(), &[&["git"], args].concat())
    }

    pub(crate) fn id(&self, rev: &str) -> Id {
        let store = self.store_dir();
        run(&self.dir, &["git", "--git-dir", store.to_str().unwrap(), "rev-parse", rev]).trim().parse().unwrap()
    }

    pub(crate) fn pin(&self) -> Id {
        run(&self.dir.join("up"), &["git", "rev-parse", "v2.0"]).trim().parse().unwrap()
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&UpstreamStore<'_>, &mut Objects<'_>, &StepContext<'_>) -> T) -> T {
        self.observed(&|_| (), run)
    }

    pub(crate) fn observed<T>(
        &self,
        observe: &dyn Fn(&str),
        run: impl FnOnce(&UpstreamStore<'_>, &mut Objects<'_>, &StepContext<'_>) -> T,
    ) -> T {
        let workspace = Workspace::open(&self.ws()).unwrap();
        let upstream = UpstreamStore::open(&workspace, &workspace.manifest.upstreams[0]).unwrap().unwrap();
        let mut objects = Objects::new(&upstream.store).unwrap();
        run(&upstream, &mut objects, &StepContext { command: "refresh", now: 1_700_000_000, on_wait: &|_| (), observe })
    }

    /// Returns the conflict of the patch with upstream's next version.
    pub(crate) fn order(&self, objects: &mut Objects<'_>) -> HandOver {
        let (pin, picked) = (self.pin(), self.id("refs/heads/patchq"));
        let commit = objects.commit(picked).unwrap();
        let before = objects.commit(commit.parents[0]).unwrap().tree;
        let onto = objects.commit(pin).unwrap().tree;
        let Lazy::Done(found) = pick(objects, (before, commit.tree), onto).unwrap() else {
            panic!("blobs are missing")
        };
        let merged = objects.diff(onto, found.tree).unwrap().into_iter().map(|change| (change.path, change.new));
        let labels = Labels { upstream: "upstream v2.0", base: "base", patch: "0001-change-much.patch" };
        let conflicts = found.conflicts.iter().map(|at| Unmerged {
            path: at.path.clone(),
            own: at.path.clone(),
            renamed: false,
            base: at.sides.base,
            upstream: at.sides.upstream,
            patch: at.sides.patch,
            work: at.text.as_ref().map(|text| text.with_markers(&labels)),
            mode: patchq::git::Mode::File,
        });
        HandOver {
            patch: "0001-change-much.patch".to_owned(),
            pin,
            head: pin,
            picked,
            message: commit.message,
            merged: merged.collect(),
            conflicts: conflicts.collect(),
        }
    }

    pub(crate) fn try_hand_over(&self) -> Result<HandedOver, HandOverError> {
        self.with(|upstream, objects, ctx| {
            let order = self.order(objects);
            assert!(hand_over::missing_blobs(upstream, objects, &order)?.is_empty());
            hand_over::hand_over(upstream, objects, &order, Vec::new(), ctx)
        })
    }

    pub(crate) fn hand_over(&self) {
        self.try_hand_over().unwrap();
    }

    pub(crate) fn read_back(&self) -> Result<(ReadBack, BTreeMap<String, Option<String>>), Away> {
        self.with(|upstream, objects, _| {
            hand_over::read_back(upstream, objects).unwrap().map(|back| {
                let mut text = |entry: &(RepoPath, Option<patchq::git::Entry>)| {
                    let bytes = entry
                        .1
                        .filter(|entry| entry.mode.has_blob())
                        .map(|entry| objects.blob(entry.id).unwrap().unwrap().to_vec());
                    (entry.0.to_string(), bytes.map(|bytes| String::from_utf8(bytes).unwrap()))
                };
                let texts = back.paths.iter().map(&mut text).collect();
                (back, texts)
            })
        })
    }

    pub(crate) fn put_back(&self, options: PutBack) -> KeptWork {
        self.with(|upstream, objects, ctx| hand_over::put_back(upstream, objects, options, ctx)).unwrap()
    }

    /// Returns everything of the checkout that a user can see.
    pub(crate) fn seen(&self) -> (BTreeMap<PathBuf, Vec<u8>>, Vec<String>) {
        let said = [
            self.git(&["status", "--porcelain", "-uall"]),
            self.git(&["ls-files", "-t", "--stage"]),
            self.git(&["rev-parse", "--symbolic-full-name", "HEAD"]),
            self.git(&["rev-parse", "HEAD"]),
            self.git(&["sparse-checkout", "list"]),
            self.git(&["diff"]),
        ];
        let state = ["CHERRY_PICK_HEAD", "MERGE_MSG", "sequencer", "index.lock", "stage.patchq"];
        let left = state.iter().filter(|name| self.store_dir().join(name).exists()).map(|name| (*name).to_owned());
        (files(&self.co()), said.into_iter().chain(left).collect())
    }
}

pub(crate) fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

pub(crate) fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> String {
    let output = Command::new(args[0]).args(&args[1..]).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{args:?} in {}: {}", dir.display(), said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let walk = walkdir::WalkDir::new(dir).into_iter().filter_entry(|entry| entry.file_name() != ".git");
    let files = walk.map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    files.map(|entry| (entry.path().strip_prefix(dir).unwrap().to_owned(), fs::read(entry.path()).unwrap())).collect()
}
