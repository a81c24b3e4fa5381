//! The upstream of most scenarios: made once by the git program, copied for each.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::world::put;

/// The files of the usual queue, in order.
pub(crate) const PATCHES: [&str; 3] =
    ["0001-Build-on-bullseye.patch", "0002-Pin-the-requirements.patch", "0003-Answer-in-capitals.patch"];

/// A repository with two releases, and a queue on the first.
///
/// `v1.0` is the usual pin; `v1.1` is the tip of `main`. The queue touches `app/Dockerfile`, `app/requirements.txt`,
/// and `lib/util.py`, which the usual manifest's `sparse` (`app`, `docs`) does not have.
#[derive(Debug)]
pub(crate) struct Upstream {
    dir: tempfile::TempDir,
    pub(crate) pin: String,
    pub(crate) next: String,
    pub(crate) patches: Vec<(String, Vec<u8>)>,
}

static USUAL: OnceLock<Upstream> = OnceLock::new();

impl Upstream {
    pub(crate) fn usual() -> &'static Upstream {
        USUAL.get_or_init(make)
    }

    /// Copies the bare repository to `dest`.
    pub(crate) fn copy_to(&self, dest: &Path) {
        copy_folder(&self.dir.path().join("up.git"), dest);
    }
}

/// Copies a folder with all its content.
pub(crate) fn copy_folder(from: &Path, dest: &Path) {
    let output = Command::new("cp").arg("-a").arg(from).arg(dest).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs git without any user settings, at a fixed time; for making upstreams.
pub(crate) fn git_at(dir: &Path, minute: u32, args: &[&str]) -> String {
    let date = format!("2024-01-01T{:02}:{:02}:00+0000", minute / 60, minute % 60);
    let output = Command::new("git")
        .args(["-c", "user.name=Upstream", "-c", "user.email=up@example.org", "-c", "core.autocrlf=false"])
        .args(["-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([("HOME", "/nonexistent"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null")])
        .envs([("GIT_AUTHOR_DATE", &date), ("GIT_COMMITTER_DATE", &date)])
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn make() -> Upstream {
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let git = |minute: u32, args: &[&str]| git_at(&work, minute, args);
    git(0, &["init", "-q", "-b", "main"]);
    files_of_the_first(&work);
    git(0, &["add", "-A"]);
    git(0, &["commit", "-qm", "The first release"]);
    git(0, &["tag", "-a", "-m", "x", "v1.0"]);
    put(
        &work.join("app/Dockerfile"),
        "FROM python:3.8-buster\nCOPY . /app\nRUN pip install -r requirements.txt\nUSER app\n",
    );
    put(&work.join("docs/news.md"), "1.1\n");
    git(1, &["add", "-A"]);
    git(1, &["commit", "-qm", "The second release"]);
    git(1, &["tag", "-a", "-m", "x", "v1.1"]);
    let (pin, next) = (git(1, &["rev-parse", "v1.0^{}"]), git(1, &["rev-parse", "v1.1^{}"]));
    git(2, &["checkout", "-q", "-b", "queue", "v1.0"]);
    put(&work.join("app/Dockerfile"), "FROM python:3.8-bullseye\nCOPY . /app\nRUN pip install -r requirements.txt\n");
    git(3, &["commit", "-qam", "Build on bullseye\n\nBuster gets no security updates any more.\n\nCVE: CVE-2024-0001"]);
    put(&work.join("app/requirements.txt"), "flask==2.0\njinja2==3.1.3\nrequests==2.31\nurllib3\n");
    git(4, &["commit", "-qam", "Pin the requirements"]);
    put(&work.join("lib/util.py"), "def answer():\n    return 'YES'\n\n\ndef other():\n    return 1\n");
    git(5, &["commit", "-qam", "Answer in capitals"]);
    let out = dir.path().join("patches");
    git(
        6,
        &[
            "format-patch",
            "-q",
            "--full-index",
            "--binary",
            "--zero-commit",
            "--no-signature",
            "--no-stat",
            "-N",
            "-o",
            out.to_str().unwrap(),
            "v1.0",
        ],
    );
    let patches = PATCHES.iter().map(|name| ((*name).to_owned(), std::fs::read(out.join(name)).unwrap())).collect();
    git(7, &["checkout", "-q", "main"]);
    git(7, &["branch", "-qD", "queue"]);
    git_at(dir.path(), 7, &["clone", "-q", "--bare", "work", "up.git"]);
    git_at(&dir.path().join("up.git"), 7, &["remote", "remove", "origin"]);
    for (key, value) in [("uploadpack.allowFilter", "true"), ("uploadpack.allowAnySHA1InWant", "true")] {
        git_at(&dir.path().join("up.git"), 7, &["config", key, value]);
    }
    Upstream { dir, pin, next, patches }
}

fn files_of_the_first(work: &Path) {
    for (path, text) in [
        (".gitignore", "*.log\n/build/\n"),
        (".gitattributes", "*.bin -text\n"),
        ("README.md", "# Upstream\n"),
        ("Makefile", "all:\n\tmake -C app\n"),
        ("app/Dockerfile", "FROM python:3.8-buster\nCOPY . /app\nRUN pip install -r requirements.txt\n"),
        ("app/main.py", "import util\n\nprint(util.answer())\n"),
        ("app/requirements.txt", "flask==2.0\njinja2\nrequests\nurllib3\n"),
        ("app/run.sh", "#!/bin/sh\nexec python main.py\n"),
        ("app/windows.txt", "one\r\ntwo\r\nthree\r\n"),
        ("app/icon.bin", "\0\u{1}\u{2}icon\0"),
        ("docs/guide.md", "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"),
        ("lib/util.py", "def answer():\n    return 'yes'\n\n\ndef other():\n    return 1\n"),
        ("lib/more.py", "MORE = 1\n"),
        ("other/large.txt", "other\n"),
    ] {
        put(&work.join(path), text);
    }
    super::world::executable(&work.join("app/run.sh"));
    std::os::unix::fs::symlink("main.py", work.join("app/start.py")).unwrap();
}
