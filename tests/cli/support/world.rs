//! A separate world for one test: a home, an upstream, a workspace, and programs that see nothing else.
//!
//! In the hostile world the user's git settings change every output format, sign commits, split and sparsify indexes,
//! make reftable repositories, and set a program for every hook, filter and file system monitor. Those programs leave a
//! mark, unless the test itself runs git: patchq must never cause the mark.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::run::Run;
use super::snapshot::{Snapshot, assert_same};
use super::upstream::{Upstream, git_at};

/// Set for programs that the test runs itself: they leave no mark.
const BY_USER: &str = "PATCHQ_TEST_BY_USER";

/// The usual manifest's entry.
const MANIFEST: &str =
    "# ours\n[upstream.up]\nurl = \"../up.git\"   # nearby\ntrack = \"main\"\nsparse = [\"app\", \"docs\"]\n";

/// A separate world.
pub(crate) struct Env {
    dir: tempfile::TempDir,
    /// The world's folder, without symlinks.
    pub(crate) root: PathBuf,
    pub(crate) hostile: bool,
    minute: AtomicU32,
}

impl Env {
    pub(crate) fn new() -> Env {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let env = Env { dir, root, hostile: false, minute: AtomicU32::new(0) };
        put(
            &env.path("home/.gitconfig"),
            "[user]\n\tname = Maintainer\n\temail = me@example.org\n[init]\n\tdefaultBranch = main\n",
        );
        env
    }

    /// Makes a world with hostile user settings.
    pub(crate) fn hostile() -> Env {
        let mut env = Env::new();
        env.hostile = true;
        let home = env.path("home");
        let mark =
            format!("#!/bin/sh\n[ -n \"${BY_USER}\" ] || echo \"$0 $*\" >> '{}'\nexit 0\n", env.path("mark").display());
        for hook in HOOKS {
            for folder in ["hooks", "template/hooks"] {
                put(&home.join(folder).join(hook), &mark);
                executable(&home.join(folder).join(hook));
            }
        }
        // A monitor that answers "everything may have changed", by its protocol.
        put(&home.join("fsmonitor.sh"), mark.replace("exit 0", "printf 'token\\0/\\0'"));
        executable(&home.join("fsmonitor.sh"));
        let filter = format!(
            "#!/bin/sh\n[ -n \"${BY_USER}\" ] || echo \"filter $*\" >> '{}'\ncat\n",
            env.path("mark").display()
        );
        put(&home.join("filter.sh"), &filter);
        executable(&home.join("filter.sh"));
        put(&home.join("attributes"), "*.bin filter=lfs diff=lfs merge=lfs\nDockerfile merge=lfs\n*.txt diff=lfs\n");
        let mut config = fs::read_to_string(home.join(".gitconfig")).unwrap();
        config.push_str(&HOSTILE.replace("$HOME", home.to_str().unwrap()));
        put(&home.join(".gitconfig"), &config);
        env
    }

    /// Makes a copy of this world in its present state.
    pub(crate) fn twin(&self) -> Env {
        let env = if self.hostile { Env::hostile() } else { Env::new() };
        env.minute.store(self.minute.load(Ordering::SeqCst), Ordering::SeqCst);
        for name in names_in(&self.root).iter().filter(|name| *name != "home") {
            super::upstream::copy_folder(&self.path(name), &env.path(name));
        }
        env
    }

    /// Returns a path in the world.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root.join(below)
    }

    /// Returns the workspace.
    pub(crate) fn ws(&self) -> PathBuf {
        self.path("ws")
    }

    /// Returns the checkout of the usual upstream.
    pub(crate) fn co(&self) -> PathBuf {
        self.path("ws/up")
    }

    /// Returns the store of the usual upstream.
    pub(crate) fn store(&self) -> PathBuf {
        self.path("ws/.git/patchq/up.git")
    }

    /// Returns the variables that programs see: from the machine only PATH.
    pub(crate) fn vars(&self) -> Vec<(OsString, OsString)> {
        let home = self.path("home");
        let mut vars: Vec<(OsString, OsString)> = vec![
            ("HOME".into(), home.clone().into()),
            ("XDG_CONFIG_HOME".into(), home.join(".config").into()),
            ("XDG_CACHE_HOME".into(), home.join(".cache").into()),
            ("XDG_DATA_HOME".into(), home.join(".local/share").into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("GIT_CONFIG_GLOBAL".into(), home.join(".gitconfig").into()),
            ("TZ".into(), "UTC".into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
            ("PATCHQ_DOCKER".into(), "/nonexistent/docker".into()),
            ("PATCHQ_BUILDAH".into(), "/nonexistent/buildah".into()),
        ];
        vars.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
        vars
    }

    /// Returns the built patchq, to run in `dir`.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, dir: &Path, args: &[A]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchq"));
        command.args(args).current_dir(dir).env_clear().envs(self.vars()).stdin(Stdio::null());
        command
    }

    /// Runs patchq in the workspace.
    pub(crate) fn patchq<A: AsRef<OsStr>>(&self, args: &[A]) -> Run {
        self.patchq_in(&self.ws(), args)
    }

    /// Runs patchq in `dir`.
    pub(crate) fn patchq_in<A: AsRef<OsStr>>(&self, dir: &Path, args: &[A]) -> Run {
        self.patchq_with(dir, &[], args)
    }

    /// Runs patchq in `dir` with more variables.
    pub(crate) fn patchq_with<A: AsRef<OsStr>>(&self, dir: &Path, vars: &[(&str, &str)], args: &[A]) -> Run {
        let mut command = self.command(dir, args);
        let output = command.envs(vars.iter().copied()).output().unwrap();
        let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy().into_owned()).collect();
        Run::of(format!("patchq {} (in {})", words.join(" "), dir.display()), &output)
    }

    /// Runs patchq until the step `point`, at which it is killed.
    #[track_caller]
    pub(crate) fn killed(&self, args: &[&str], point: &str) {
        let run = self.patchq_with(&self.ws(), &[("PATCHQ_TEST_DIE_AT", point)], args);
        assert_eq!(run.code, None, "did not die at '{point}': {}", run.shown());
    }

    /// Runs any program in the world, with the path of patchq in `PATCHQ`.
    pub(crate) fn shell(&self, words: &[&str], vars: &[(&str, &str)]) -> Run {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(&self.root).env_clear().envs(self.vars()).stdin(Stdio::null());
        command.env("PATCHQ", env!("CARGO_BIN_EXE_patchq")).envs(vars.iter().copied());
        Run::of(words.join(" "), &command.output().unwrap())
    }

    /// Returns git as the user runs it, with the user's settings (but without signing), a minute after the last time.
    pub(crate) fn git_command<A: AsRef<OsStr>>(&self, dir: &Path, args: &[A]) -> Command {
        let minute = self.minute.fetch_add(1, Ordering::SeqCst);
        let date = format!("2024-02-{:02}T{:02}:{:02}:00+0000", 1 + minute / 1440, minute / 60 % 24, minute % 60);
        let mut command = Command::new("git");
        command.args(["-c", "commit.gpgSign=false"]).args(args).current_dir(dir).env_clear().envs(self.vars());
        command.env(BY_USER, "1").env("GIT_EDITOR", "true").stdin(Stdio::null());
        command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        command
    }

    /// Runs git as the user does, with any result.
    pub(crate) fn try_git<A: AsRef<OsStr>>(&self, dir: &Path, args: &[A]) -> Run {
        self.git_with(dir, &[], args)
    }

    /// Runs git with more variables, with any result.
    pub(crate) fn git_with<A: AsRef<OsStr>>(&self, dir: &Path, vars: &[(&str, &str)], args: &[A]) -> Run {
        let output = self.git_command(dir, args).envs(vars.iter().copied()).output().unwrap();
        let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy().into_owned()).collect();
        Run::of(format!("git {} (in {})", words.join(" "), dir.display()), &output)
    }

    /// Runs git as the user does; it must succeed. Returns its output, without the last line end.
    #[track_caller]
    pub(crate) fn git<A: AsRef<OsStr>>(&self, dir: &Path, args: &[A]) -> String {
        self.try_git(dir, args).ok().stdout.trim_end().to_owned()
    }

    /// Rebases the checkout's queue with the todo list edited by `script` (sed).
    #[track_caller]
    pub(crate) fn rebase(&self, script: &str) -> Run {
        let editor = format!("sed -i -e '{script}'");
        self.git_with(&self.co(), &[("GIT_SEQUENCE_EDITOR", &editor)], &["rebase", "-q", "-i", "refs/patchq/base"])
    }

    /// Writes a file of the world.
    pub(crate) fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        put(&self.path(below), text);
    }

    /// Reads a file of the world.
    #[track_caller]
    pub(crate) fn read(&self, below: &str) -> String {
        let path = self.path(below);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn exists(&self, below: &str) -> bool {
        self.path(below).symlink_metadata().is_ok()
    }

    /// Makes the usual upstream and a committed workspace on it; nothing is set up.
    pub(crate) fn workspace(&self) -> &'static Upstream {
        let usual = Upstream::usual();
        usual.copy_to(&self.path("up.git"));
        self.write("ws/upstreams.toml", MANIFEST);
        self.entry("up", &usual.pin, Some("v1.0"), &usual.patches);
        self.init_workspace();
        usual
    }

    /// Makes a workspace whose only upstream `up` has these commits: each a list of files, `None` removes one. Nothing
    /// is set up.
    pub(crate) fn workspace_with(&self, manifest: &str, files: &[(&str, &[u8])], patches: &[(&str, &[u8])]) -> String {
        let work = self.path("work");
        fs::create_dir_all(&work).unwrap();
        git_at(&work, 0, &["init", "-q", "-b", "main"]);
        for (path, bytes) in files {
            put(&work.join(path), bytes);
        }
        git_at(&work, 0, &["add", "-A", "-f"]);
        git_at(&work, 0, &["commit", "-q", "--allow-empty", "-m", "All"]);
        let pin = self.publish_work();
        self.write("ws/upstreams.toml", format!("[upstream.up]\nurl = \"../up.git\"\n{manifest}"));
        let patches: Vec<(String, Vec<u8>)> =
            patches.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        self.entry("up", &pin, None, &patches);
        self.init_workspace();
        pin
    }

    /// Makes `up.git` again from the commits in `work`; returns the tip's id.
    pub(crate) fn publish_work(&self) -> String {
        let bare = self.path("up.git");
        let _ = fs::remove_dir_all(&bare);
        git_at(&self.root, 0, &["clone", "-q", "--bare", "work", "up.git"]);
        git_at(&bare, 0, &["config", "uploadpack.allowFilter", "true"]);
        git_at(&bare, 0, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
        git_at(&self.path("work"), 0, &["rev-parse", "HEAD"])
    }

    /// Writes pin, version and queue of an upstream.
    pub(crate) fn entry(&self, name: &str, pin: &str, version: Option<&str>, patches: &[(String, Vec<u8>)]) {
        self.write(&format!("ws/commits/{name}.txt"), format!("{pin}\n"));
        if let Some(version) = version {
            self.write(&format!("ws/commits/{name}.version.txt"), format!("{version}\n"));
        }
        for (file, bytes) in patches {
            self.write(&format!("ws/patches/{name}/{file}"), bytes);
        }
    }

    /// Makes the workspace a repository with everything committed.
    pub(crate) fn init_workspace(&self) {
        let mut ignored = String::new();
        for line in self.read("ws/upstreams.toml").lines() {
            if let Some(name) = line.strip_prefix("[upstream.").and_then(|rest| rest.strip_suffix(']')) {
                ignored.push_str(&format!("/{}/\n", name.trim_matches('"')));
            }
        }
        self.write("ws/.gitignore", ignored);
        self.write("ws/.gitattributes", "/patches/** -text\n/resolutions/** -text\n/sessions/** -text\n");
        self.git(&self.ws(), &["init", "-q"]);
        self.commit_workspace("The workspace");
    }

    /// Commits everything in the workspace.
    #[track_caller]
    pub(crate) fn commit_workspace(&self, message: &str) {
        self.git(&self.ws(), &["add", "-A"]);
        self.git(&self.ws(), &["commit", "-q", "-m", message]);
    }

    /// Makes a workspace with its checkout.
    #[track_caller]
    pub(crate) fn ready(&self) -> &'static Upstream {
        let usual = self.workspace();
        self.patchq(&["setup"]).ok();
        usual
    }

    /// Changes a file of the checkout and commits it with plain git.
    #[track_caller]
    pub(crate) fn commit_in_checkout(&self, path: &str, text: &str, message: &str) -> String {
        put(&self.co().join(path), text);
        self.git(&self.co(), &["add", "-A"]);
        self.git(&self.co(), &["commit", "-q", "-m", message]);
        self.head()
    }

    /// Returns the commit at HEAD of the checkout.
    #[track_caller]
    pub(crate) fn head(&self) -> String {
        self.git(&self.co(), &["rev-parse", "HEAD"])
    }

    /// Returns the names of the queue's files.
    pub(crate) fn queue(&self) -> Vec<String> {
        names_in(&self.path("ws/patches/up"))
    }

    /// Returns the workspace's own files and the checkout's, without git's folders.
    pub(crate) fn files(&self) -> Snapshot {
        Snapshot::of(&self.ws(), |path| path == Path::new(".git") || path == Path::new("up/.git"))
    }

    /// Returns the commit of each ref of the store, and of HEAD; one per line.
    pub(crate) fn refs(&self) -> String {
        if !self.store().exists() {
            return "no store".to_owned();
        }
        let store = self.store();
        let store = store.to_str().unwrap();
        let refs = self.git(&self.root, &["--git-dir", store, "for-each-ref", "--format=%(refname) %(objectname)"]);
        let head = fs::read_to_string(self.store().join("HEAD")).unwrap();
        format!("{refs}\nHEAD {head}")
    }

    /// Returns everything that the user would miss: files, refs, git's status of the checkout.
    pub(crate) fn state(&self) -> (Snapshot, String) {
        (self.files(), self.refs())
    }

    /// Runs patchq in the workspace, which must change neither files nor refs.
    #[track_caller]
    pub(crate) fn changes_nothing<A: AsRef<OsStr>>(&self, args: &[A]) -> Run {
        let before = self.state();
        let run = self.patchq(args);
        let after = self.state();
        assert_same(&before.0, &after.0, &run.shown());
        assert_eq!(before.1, after.1, "{}", run.shown());
        run
    }

    /// Checks that patchq ran no program of the user.
    #[track_caller]
    pub(crate) fn assert_unmarked(&self) {
        let mark = fs::read_to_string(self.path("mark")).unwrap_or_default();
        assert!(mark.is_empty(), "patchq ran what it must not run:\n{mark}");
    }
}

impl Drop for Env {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.assert_unmarked();
    }
}

/// The hooks of a hostile user.
const HOOKS: [&str; 17] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "reference-transaction",
    "pre-auto-gc",
    "post-rewrite",
    "post-index-change",
    "sendemail-validate",
];

// `skipHash`, which `manyFiles` sets, would break git's own split indexes.
const HOSTILE: &str = r#"
[core]
	autocrlf = true
	quotePath = false
	hooksPath = $HOME/hooks
	splitIndex = true
	fsmonitor = $HOME/fsmonitor.sh
	attributesFile = $HOME/attributes
	untrackedCache = true
[diff]
	noprefix = true
	mnemonicPrefix = true
[commit]
	gpgSign = true
[am]
	threeWay = true
[merge]
	conflictStyle = zdiff3
[merge "lfs"]
	driver = $HOME/filter.sh %O %A %B
[init]
	defaultRefFormat = reftable
	templateDir = $HOME/template
[index]
	sparse = true
	skipHash = false
[feature]
	manyFiles = true
[safe]
	bareRepository = explicit
[fetch]
	prune = true
[protocol]
	version = 0
[filter "lfs"]
	clean = $HOME/filter.sh clean
	smudge = $HOME/filter.sh smudge
	required = true
[diff "lfs"]
	textconv = $HOME/filter.sh textconv
"#;

/// Writes a file and makes the folders above it.
pub(crate) fn put(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn executable(path: &Path) {
    set_mode(path, 0o755);
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns the names in a folder, sorted; empty if there is no folder.
pub(crate) fn names_in(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
