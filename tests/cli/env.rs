//! A workspace, an upstream, and the binary with a separate environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use patchq::git::{FileChange, Id, Made, Mode, RepoBuilder};
use patchq::path::RepoPath;
use portable_pty::CommandBuilder;

use crate::shared::server::isolated_env;
use crate::shared::terminal::Terminal;

/// A folder with `srv/up.git` (see [`upstream`]), an empty home, and the workspace `ws`.
pub(crate) struct Env {
    dir: tempfile::TempDir,
    /// `main`: v1.0.0, v1.1.0, one commit more; `next`: v2.0.0-rc.1, from v1.1.0.
    pub(crate) up: Commits,
}

/// The commits of the upstream.
pub(crate) struct Commits {
    pub(crate) v1_0: Id,
    pub(crate) v1_1: Id,
    pub(crate) main: Id,
    pub(crate) next: Id,
}

/// The output of a run of the binary.
#[derive(Debug)]
pub(crate) struct Out {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The Makefile of the upstream at v1.0.0.
pub(crate) const MAKEFILE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

/// A patch as `git diff` writes it, on v1.0.0 and later.
pub(crate) const DIFF: &str = "diff --git a/Makefile b/Makefile\n--- a/Makefile\n+++ b/Makefile\n@@ -1,4 +1,4 @@\n one\n-two\n+zwei\n three\n four\n";

/// The next patch, on top of it.
pub(crate) const SECOND: &str = "diff --git a/Makefile b/Makefile\n--- a/Makefile\n+++ b/Makefile\n@@ -1,4 +1,4 @@\n-one\n+eins\n zwei\n three\n four\n";

fn upstream(dir: &Path) -> Commits {
    let repo = RepoBuilder::create(dir, "main").unwrap();
    let made = |seconds| Made { name: "Up", email: "up@example.com", seconds, offset: 0 };
    let commit = |branch: &str, day: i64, path: &str, text: &str| {
        let path = RepoPath::new(path).unwrap();
        let change = FileChange { path: &path, content: Some((text.as_bytes(), Mode::File)) };
        repo.commit(branch, made(1_600_000_000 + day * 86_400), &format!("Day {day}\n"), &[change]).unwrap()
    };
    let v1_0 = commit("main", 1, "Makefile", MAKEFILE);
    repo.tag("v1.0.0", v1_0, None).unwrap();
    let v1_1 = commit("main", 2, "docs/readme", "read me\n");
    repo.tag("v1.1.0", v1_1, Some((made(1_600_200_000), "v1.1.0"))).unwrap();
    repo.branch("next", v1_1).unwrap();
    let next = commit("next", 3, "docs/next", "next\n");
    repo.tag("v2.0.0-rc.1", next, None).unwrap();
    let main = commit("main", 4, "docs/more", "more\n");
    Commits { v1_0, v1_1, main, next }
}

impl Env {
    /// Makes the workspace by `patchq init` in a git repository.
    pub(crate) fn new() -> Env {
        let env = Env::bare();
        env.git(&["init", "-q", "-b", "main"]);
        assert_eq!(env.run(&["init", "-q"]).code, 0);
        env
    }

    /// Makes an empty folder for the workspace.
    pub(crate) fn bare() -> Env {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["home", "srv", "ws"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let up = upstream(&dir.path().join("srv/up.git"));
        Env { dir, up }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    pub(crate) fn ws(&self) -> PathBuf {
        self.path("ws")
    }

    pub(crate) fn command(&self, program: &str, folder: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(isolated_env(&self.path("home"))).current_dir(folder).args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Out {
        self.run_in(&self.ws(), args)
    }

    pub(crate) fn run_in(&self, folder: &Path, args: &[&str]) -> Out {
        Out::of(&mut self.command(env!("CARGO_BIN_EXE_patchq"), folder, args))
    }

    /// Runs the binary until the step `point`, at which it is killed.
    pub(crate) fn killed_at(&self, point: &str, args: &[&str]) {
        let mut command = self.command(env!("CARGO_BIN_EXE_patchq"), &self.ws(), args);
        let output = command.env("PATCHQ_TEST_DIE_AT", point).output().unwrap();
        assert!(output.status.code().is_none(), "{args:?} was not killed at {point}: {output:?}");
    }

    /// Runs the binary on a terminal; when each text is on the screen, its keys are typed. Returns the screen and the
    /// exit code.
    pub(crate) fn on_terminal(&self, args: &[&str], answers: &[(&str, &str)]) -> (String, u32) {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_patchq"));
        command.env_clear();
        isolated_env(&self.path("home")).iter().for_each(|(key, value)| command.env(key, value));
        command.env("TERM", "xterm-256color");
        command.cwd(self.ws());
        command.args(args);
        let mut terminal = Terminal::start(format!("patchq {}", args.join(" ")), command, (80, 24));
        for (text, answer) in answers {
            terminal.answer(text, answer);
        }
        let ended = terminal.end();
        (ended.screen, ended.code)
    }

    /// Runs git in the workspace.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.ws(), args)
    }

    pub(crate) fn git_in(&self, folder: &Path, args: &[&str]) -> String {
        let out = Out::of(&mut self.command("git", folder, args));
        assert_eq!(out.code, 0, "git {args:?}: {}", out.stderr);
        out.stdout
    }

    /// Writes a file, relative to the test's folder.
    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file, relative to the test's folder.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Returns all files of the workspace except git's own and patchq's own, with their contents.
    pub(crate) fn snapshot(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.ws()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    let own = [".git", ".patchq"].iter().any(|own| path.ends_with(own));
                    folders.extend((!own).then_some(path));
                } else {
                    files.push((path.clone(), fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

impl Out {
    fn of(command: &mut Command) -> Out {
        let output = command.output().unwrap();
        Out {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Checks that it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Out {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    /// Checks that it failed with this code, and that its output contains all of these.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, texts: &[&str]) -> Out {
        assert_eq!(self.code, code, "{}", self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "no '{text}' in:\n{}", self.stderr);
        }
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}
