//! A made-up upstream with two versions, and a queue of patches on the first.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use patchq::git::{BRANCH, FileChange, GitProgram, Id, Made, Mode, RepoBuilder, Rev};
use patchq::path::RepoPath;
use patchq::workspace::ops::refresh::RefreshOptions;
use patchq::workspace::{Fetcher, Moving, SetupOptions, StepContext, TargetRequest, setup};

use crate::support::history::Dice;
use crate::support::server::isolated_env;
use crate::support::upstream::with_upstream;

/// Files by their paths.
type Files = BTreeMap<&'static str, String>;

/// The state of a workspace as its maintainer sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    files: BTreeMap<PathBuf, Vec<u8>>,
    tip: String,
    status: String,
}

impl Seen {
    pub(crate) fn differs(&self, other: &Seen) -> String {
        let mut said = format!("{} {}\n{}---\n{}", self.tip, other.tip, self.status, other.status);
        for path in self.files.keys().chain(other.files.keys()).collect::<std::collections::BTreeSet<_>>() {
            let text = |seen: &Seen| seen.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            if self.files.get(path) != other.files.get(path) {
                said.push_str(&format!("== {}\n{:?}\n{:?}\n", path.display(), text(self), text(other)));
            }
        }
        said
    }
}

pub(crate) struct World {
    dir: tempfile::TempDir,
    git: GitProgram,
    target: Id,
}

pub(crate) fn ctx() -> StepContext<'static> {
    StepContext { command: "refresh", now: 1_700_000_000, on_wait: &|_| (), observe: &|_| () }
}

/// Runs git without any user settings.
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.env_clear().envs(isolated_env(Path::new("/nonexistent"))).current_dir(dir).args(args);
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const NAMES: [&str; 5] = ["a.txt", "lib/b.txt", "lib/c.txt", "d/e/f.txt", "logo"];

/// A file with the same lines at several places.
const EQUAL: &str = "lib/c.txt";

/// Makes a few files of a few lines.
fn first(dice: &mut Dice) -> Files {
    let mut files = Files::new();
    for name in NAMES {
        if name == "logo" {
            files.insert(name, format!("\0{}", dice.roll(9)));
        } else if name == EQUAL {
            files.insert(name, (0..5).map(|n| format!("mark {n}\nbody\n")).collect());
        } else {
            let lines = (0..6 + dice.roll(8)).map(|n| format!("{name} {n} {}\n", dice.roll(2)));
            files.insert(name, lines.collect());
        }
    }
    files
}

/// Changes some of the files in some way; `who` marks the author of the lines.
fn change(dice: &mut Dice, files: &mut Files, who: &str) {
    for _ in 0..=dice.roll(3) {
        let name = NAMES[dice.roll(NAMES.len())];
        match (dice.roll(12), files.get(name).cloned()) {
            (0, Some(_)) => drop(files.remove(name)),
            // Several hunks with the same lines.
            (2..=7, Some(text)) if name == EQUAL => {
                drop(files.insert(name, text.replace("body\n", &format!("{who} says {}\n", dice.roll(2)))));
            }
            (_, None) => drop(files.insert(name, format!("{who}'s own {}\n", dice.roll(3)))),
            (_, Some(text)) if text.contains('\0') => drop(files.insert(name, format!("\0{who} {}", dice.roll(9)))),
            // Upstream moves the file, with or without changes.
            (1, Some(text)) if who == "upstream" => {
                files.remove(name);
                files.insert(["moved/a.txt", "moved/b.txt"][dice.roll(2)], text);
            }
            (_, Some(text)) => drop(files.insert(name, edited(dice, &text, who))),
        }
    }
}

fn edited(dice: &mut Dice, text: &str, who: &str) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..=dice.roll(2) {
        let at = dice.roll(lines.len() + 1);
        match dice.roll(4) {
            0 => lines.insert(at, format!("{who} adds {}\n", dice.roll(3))),
            1 if at < lines.len() => drop(lines.remove(at)),
            _ if at < lines.len() => lines[at] = format!("{who} says {}\n", dice.roll(3)),
            _ => lines.push(format!("{who} ends\n")),
        }
    }
    lines.concat()
}

fn commit(repo: &RepoBuilder, branch: &str, subject: &str, (before, after): (&Files, &Files)) -> Id {
    let path = |name: &str| RepoPath::new(name).unwrap();
    let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let changed: Vec<(RepoPath, Option<&String>)> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| (path(name), after.get(name)))
        .collect();
    let changes: Vec<FileChange<'_>> = changed
        .iter()
        .map(|(path, text)| FileChange { path, content: text.map(|text| (text.as_bytes(), Mode::File)) })
        .collect();
    let made = Made { name: "A", email: "a@example.org", seconds: 1_600_000_000, offset: 60 };
    repo.commit(branch, made, subject, &changes).unwrap()
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let mut dice = Dice(seed);
        // The files need not survive a crash, and syncing to a disk would take half of the time.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        let program = GitProgram::new("git", isolated_env(&dir.path().join("home")));
        let repo = RepoBuilder::create(&dir.path().join("up.git"), "main").unwrap();
        let base = first(&mut dice);
        let pin = commit(&repo, "main", "First", (&Files::new(), &base));
        repo.branch("queue", pin).unwrap();
        let mut queue = base.clone();
        for n in 0..2 + dice.roll(3) {
            let before = queue.clone();
            change(&mut dice, &mut queue, "patch");
            if before != queue {
                commit(&repo, "queue", &format!("Patch {n}"), (&before, &queue));
            }
        }
        let mut next = base.clone();
        for _ in 0..3 {
            change(&mut dice, &mut next, "upstream");
        }
        let target = commit(&repo, "main", "Second", (&base, &next));
        let world = World { dir, git: program, target };
        world.workspace(pin);
        world
    }

    fn workspace(&self, pin: Id) {
        let ws = self.dir.path().join("ws");
        fs::create_dir_all(ws.join("commits")).unwrap();
        fs::create_dir_all(ws.join("patches/up")).unwrap();
        fs::write(ws.join("upstreams.toml"), "[upstream.up]\nurl = \"../up.git\"\ntrack = \"main\"\n").unwrap();
        fs::write(ws.join("commits/up.txt"), format!("{pin}\n")).unwrap();
        fs::write(ws.join("commits/up.version.txt"), "one\n").unwrap();
        let to = ws.join("patches/up").display().to_string();
        let form = ["--full-index", "--binary", "--zero-commit", "--no-signature", "--no-stat", "-N", "-q", "-o", &to];
        git(&self.dir.path().join("up.git"), &[&["format-patch"][..], &form, &["main~1..queue"]].concat());
        self.with_offline(&ws, false, |fetcher| {
            setup(fetcher, SetupOptions { checkout: true, ..SetupOptions::default() }, &ctx()).unwrap();
            let mut moving = Moving::begin(fetcher, &self.options()).unwrap();
            let rebased = moving.run().unwrap();
            moving.prepare(&rebased).unwrap();
        });
        // The store has all objects that a session may need; no session starts a program for it.
        let store = ws.join(".patchq/up.git").display().to_string();
        let from = self.dir.path().join("up.git").display().to_string();
        let quiet = ["-c", "gc.auto=0", "-c", "maintenance.auto=false", "--git-dir", &store];
        git(self.dir.path(), &[&quiet[..], &["fetch", "-q", "--no-tags", "--refetch", &from, "main"]].concat());
    }

    pub(crate) fn options(&self) -> RefreshOptions {
        let to = Rev::parse(&self.target.to_string()).unwrap();
        RefreshOptions {
            target: TargetRequest { to: Some(to), once: true, ..TargetRequest::default() },
            ..Default::default()
        }
    }

    pub(crate) fn with_upstream<T>(&self, ws: &Path, run: impl FnOnce(&Fetcher<'_>) -> T) -> T {
        self.with_offline(ws, true, run)
    }

    fn with_offline<T>(&self, ws: &Path, offline: bool, run: impl FnOnce(&Fetcher<'_>) -> T) -> T {
        with_upstream(&self.git, ws, (offline, None), run)
    }

    /// Copies the workspace.
    pub(crate) fn copy(&self, name: &str) -> PathBuf {
        let (from, to) = (self.dir.path().join("ws"), self.dir.path().join(name));
        for entry in walkdir::WalkDir::new(&from) {
            let entry = entry.unwrap();
            let place = to.join(entry.path().strip_prefix(&from).unwrap());
            match entry.file_type() {
                kind if kind.is_dir() => fs::create_dir_all(&place).unwrap(),
                kind if kind.is_symlink() => {
                    std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), &place).unwrap();
                }
                _ => drop(fs::copy(entry.path(), &place).unwrap()),
            }
        }
        to
    }

    pub(crate) fn seen(&self, ws: &Path) -> Seen {
        let outside = |entry: &walkdir::DirEntry| entry.file_name() != ".patchq";
        let files = walkdir::WalkDir::new(ws).into_iter().filter_entry(outside).map(Result::unwrap);
        let files = files
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().strip_prefix(ws).unwrap().to_owned(), fs::read(entry.path()).unwrap()));
        let checkout = ws.join("up");
        let tip = git(&checkout, &["rev-parse", "HEAD", BRANCH, "refs/patchq/base"]);
        let status = git(&checkout, &["status", "--porcelain", "--branch"]);
        Seen { files: files.collect(), tip, status }
    }
}
