//! Tests of the background of a conflict: the patch, upstream's changes in the file, and their commits.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use crate::support::server::{file_url, isolated_env};
use crate::support::upstream::with_upstream;
use patchq::git::{FileChange, GitProgram, Id, Made, Mode, RepoBuilder};
use patchq::path::RepoPath;
use patchq::workspace::conflict::inspect::{Inspected, Whereabouts, file_history, patch_text, upstream_file_diff};
use patchq::workspace::{Fetcher, Files};

/// An upstream in which `a` became `b/a`, and was changed before and after that.
struct Bench {
    dir: tempfile::TempDir,
    git: GitProgram,
    commits: Vec<Id>,
}

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("home")).unwrap();
        let git = GitProgram::new("git", isolated_env(&dir.path().join("home")));
        let repo = RepoBuilder::create(&dir.path().join("up.git"), "main").unwrap();
        let text = |n: usize| {
            (0..20).map(|line| format!("line {}\n", if line < n { line + 100 } else { line })).collect::<String>()
        };
        let (first, second, third) = (text(0), text(1), text(2));
        let put = |path, text: &str| (path, Some(text.to_owned()));
        let steps = [
            ("Begin", vec![put(path("a"), &first), put(path("same"), "same\n")]),
            ("Change a", vec![put(path("a"), &second)]),
            ("Change another", vec![put(path("other"), "x\n")]),
            ("Move a", vec![(path("a"), None), put(path("b/a"), &second)]),
            ("Change it there", vec![put(path("b/a"), &third)]),
        ];
        let mut commits = Vec::new();
        for (day, (subject, files)) in (1i64..).zip(&steps) {
            let made = Made { name: "Up", email: "up@example.org", seconds: 1_600_000_000 + day * 86_400, offset: 0 };
            let changes: Vec<FileChange<'_>> = files
                .iter()
                .map(|(path, text)| FileChange {
                    path,
                    content: text.as_ref().map(|text| (text.as_bytes(), Mode::File)),
                })
                .collect();
            commits.push(repo.commit("main", made, &format!("{subject}\n"), &changes).unwrap());
        }
        let bench = Bench { dir, git, commits };
        let url = file_url(&bench.dir.path().join("up.git"));
        let ws = bench.dir.path().join("ws");
        for folder in ["patches/up", "commits"] {
            fs::create_dir_all(ws.join(folder)).unwrap();
        }
        fs::write(ws.join("upstreams.toml"), format!("[upstream.up]\nurl = \"{url}\"\n")).unwrap();
        fs::write(ws.join("commits/up.txt"), format!("{}\n", bench.commits[0])).unwrap();
        fs::write(ws.join("patches/up/0001-x.patch"), "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-line 0\n+mine\n").unwrap();
        bench
    }

    fn pins(&self) -> (Id, Id) {
        (self.commits[0], self.commits[4])
    }

    fn with_upstream<T>(&self, offline: bool, run: impl FnOnce(&Fetcher<'_>) -> T) -> T {
        with_upstream(&self.git, &self.dir.path().join("ws"), (offline, None), run)
    }

    fn diff(&self, offline: bool, file: &Whereabouts) -> Result<String, &'static str> {
        self.with_upstream(offline, |fetcher| match upstream_file_diff(fetcher, self.pins(), file).unwrap() {
            Inspected::Here(text) => Ok(String::from_utf8(text).unwrap()),
            Inspected::Away(why) => Err(why.word()),
        })
    }

    fn history(&self, offline: bool, file: &Whereabouts) -> Result<Vec<String>, &'static str> {
        self.with_upstream(offline, |fetcher| match file_history(fetcher, self.pins(), file).unwrap() {
            Inspected::Here(commits) => Ok(commits.iter().map(|commit| commit.subject.to_string()).collect()),
            Inspected::Away(why) => Err(why.word()),
        })
    }

    fn upstream_git(&self, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command
            .env_clear()
            .envs(isolated_env(&self.dir.path().join("home")))
            .current_dir(self.dir.path().join("up.git"));
        String::from_utf8(command.args(args).output().unwrap().stdout).unwrap()
    }
}

fn moved() -> Whereabouts {
    Whereabouts { old: path("a"), moved: Some((path("b/a"), 90)) }
}

fn at(text: &str) -> Whereabouts {
    Whereabouts { old: path(text), moved: None }
}

#[test]
fn the_patch_is_its_file() {
    let bench = Bench::new();
    bench.with_upstream(true, |fetcher| {
        let upstream = fetcher.upstream;
        let files = Files::read(&upstream.workspace.layout, upstream.name()).unwrap();
        let file = fs::read(bench.dir.path().join("ws/patches/up/0001-x.patch")).unwrap();
        assert_eq!(patch_text(&files, "0001-x.patch"), Some(file.as_slice()));
        assert_eq!(patch_text(&files, "0002-x.patch"), None);
    });
}

#[test]
fn the_diff_follows_the_file_and_is_gits() {
    let bench = Bench::new();
    assert_eq!(bench.diff(true, &moved()), Err("offline"));
    let ours = bench.diff(false, &moved()).unwrap();
    let (from, to) = bench.pins();
    let theirs =
        bench.upstream_git(&["diff", "--full-index", "-M50%", &from.to_string(), &to.to_string(), "--", "a", "b/a"]);
    let without_score =
        |text: &str| text.lines().filter(|line| !line.starts_with("similarity")).collect::<Vec<_>>().join("\n");
    assert!(theirs.contains("+line 101"), "{theirs}");
    assert_eq!(without_score(&ours), without_score(&theirs));
    assert_eq!(bench.diff(true, &moved()).unwrap(), ours, "a second time it is at hand");
    assert_eq!(bench.diff(false, &at("same")).unwrap(), "");
    assert_eq!(bench.diff(false, &at("no/where")).unwrap(), "");
    assert!(bench.diff(false, &at("a")).unwrap().contains("deleted file mode"));
}

#[test]
fn the_history_has_the_commits_of_both_paths_once() {
    let bench = Bench::new();
    assert_eq!(bench.history(true, &moved()), Err("offline"));
    let all = ["Change it there", "Move a", "Change a"].map(str::to_owned);
    assert_eq!(bench.history(false, &moved()).unwrap(), all);
    assert_eq!(bench.history(true, &moved()).unwrap(), all, "a second time it is at hand");
    assert_eq!(bench.history(true, &at("same")).unwrap(), Vec::<String>::new());
}
