//! Runs the git program. All runs go through one function.
//!
//! git reads variables and settings from many places: variables of a hook that point at the *workspace's* repository,
//! the user's settings, files of the repository in the current folder. Here every run gets only the git folder that it
//! is meant for, and never a hook, a maintenance run or a file system monitor. The user's settings for credentials,
//! proxies, certificates and `url.*.insteadOf` still apply.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tracing::{debug, debug_span, trace};

use super::progress::{Lines, Progress};
use super::run_log::{ended, written};
use crate::process::{self, End, GRACE, Limits, Stream, Task};

/// The oldest supported version of git. The options used need 2.29 (`fetch --stdin`, `--no-write-fetch-head`); no
/// supported distribution has a version older than 2.34.
pub const MINIMUM: (u32, u32) = (2, 34);

/// The variables of `git rev-parse --local-env-vars`, which tie git to one repository. They are set in a hook.
const LOCAL_VARIABLES: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR",
];

/// Variables that git does not list there but that affect a run too: a receiving hook's quarantine forbids ref updates,
/// a namespace hides a local upstream's refs, the others change formats and translations.
const MORE_VARIABLES: [&str; 8] = [
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PROTOCOL",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_ATTR_SOURCE",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "LANGUAGE",
];

/// Settings of every run.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.version=2",
    "submodule.recurse=false",
    "fetch.negotiationAlgorithm=default",
    "transfer.bundleURI=false",
    "advice.detachedHead=false",
];

/// The variable that marks a git process in the network as started by patchq. Its value is the id of the process that
/// started it.
pub(crate) const STARTED_BY: &str = "PATCHQ_STARTED_BY";

/// git's own time limit is this many seconds longer than ours, so that ours is the one that is reported.
const LATER: u64 = 5;

/// The git program and the environment it runs in.
#[derive(Debug)]
pub struct GitProgram {
    program: OsString,
    env: Vec<(OsString, OsString)>,
    /// The environment for questions about the user.
    user_env: Vec<(OsString, OsString)>,
    limits: Limits,
    wishes: OnceLock<Wishes>,
}

/// The user's settings for connections, which are kept.
#[derive(Debug, Clone, Copy)]
struct Wishes {
    /// The user sets how ssh is called; it may not be OpenSSH.
    ssh: bool,
    /// The user sets the lowest speed for http.
    low_speed: bool,
}

/// A version of git, as `2.47`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Whether git may ask the user on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompts {
    /// It may not: a run that lacks credentials fails. Any number of runs at once.
    Never,
    /// It may. One run at a time.
    Terminal,
}

/// What the caller passes to a run: where progress goes, when to stop, whether git may ask.
pub struct Watch<'a> {
    /// Whether git may ask.
    pub prompts: Prompts,
    /// Set by the caller to end the run.
    pub cancel: &'a AtomicBool,
    /// Called with every progress report of git. `None`: the server is asked to send none, which saves 7 KB of the 108
    /// KB that two pins of Kubeflow cost.
    pub progress: Option<&'a mut dyn FnMut(Progress)>,
}

/// Why a run of git failed.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is no such program.
    #[error("the git program '{}' was not found", crate::path::printable(.0.as_encoded_bytes()))]
    NotFound(OsString),
    /// Older than [`MINIMUM`].
    #[error("git is too old: found {found}, need {need}")]
    TooOld {
        /// What is installed.
        found: Version,
        /// What is needed.
        need: Version,
    },
    /// It answers, but not like git.
    #[error("'{}' does not behave like git: '{answer}'", crate::path::printable(.program.as_encoded_bytes()))]
    NotGit {
        /// The program.
        program: OsString,
        /// Its answer to `--version`.
        answer: String,
    },
    /// The program could not be started, or its pipes failed.
    #[error("cannot run git")]
    Io(#[source] std::io::Error),
    /// The caller's flag was set.
    #[error("interrupted")]
    Cancelled,
    /// Nothing came for as long as one waits.
    #[error("git {command} made no progress for {}, and was ended", seconds(*.after))]
    Stalled {
        /// The subcommand.
        command: String,
        /// The time limit.
        after: Duration,
    },
    /// It took longer than the time limit.
    #[error("git {command} did not end in {}, and was ended", seconds(*.after))]
    TooLong {
        /// The subcommand.
        command: String,
        /// The time limit.
        after: Duration,
    },
    /// git exited with a failure.
    #[error("git {command} failed{}", .lines.first().map_or_else(String::new, |line| format!(": {line}")))]
    Failed {
        /// The subcommand.
        command: String,
        /// The exit status; `None` when a signal ended it.
        code: Option<i32>,
        /// Its output, printable, without noise.
        lines: Vec<String>,
    },
}

/// The output of a successful run.
#[derive(Debug)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error without progress, as printable lines.
    pub notes: Vec<String>,
}

/// One run.
pub struct Run<'a> {
    /// The git folder it works on.
    pub git_dir: &'a Path,
    /// More settings, as `key=value`. A url is passed here, where it can only be a value.
    pub settings: &'a [String],
    /// The subcommand and its arguments.
    pub args: &'a [&'a OsStr],
    /// Its standard input.
    pub stdin: Vec<u8>,
}

/// A run that has the terminal: its questions and output are between git and the user.
pub struct Interactive<'a> {
    /// The git folder it works on.
    pub git_dir: &'a Path,
    /// The current folder of the run.
    pub folder: &'a Path,
    /// More settings, as `key=value`.
    pub settings: &'a [String],
    /// The subcommand and its arguments.
    pub args: &'a [&'a OsStr],
}

impl GitProgram {
    /// Makes a `GitProgram`. `program` is a name to look up in the `PATH` of `env`, or a path. `env` is the whole
    /// environment for git; variables that would misdirect git are removed from it.
    pub fn new(program: impl Into<OsString>, env: impl IntoIterator<Item = (OsString, OsString)>) -> GitProgram {
        let misleading = |name: &OsStr| {
            LOCAL_VARIABLES.iter().chain(&MORE_VARIABLES).any(|variable| name == *variable)
                || ["GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_TEST_"]
                    .iter()
                    .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        };
        let all: Vec<(OsString, OsString)> = env.into_iter().collect();
        let user_env = super::user::of_user(&all);
        let env = all.into_iter().filter(|(name, _)| !misleading(name)).collect();
        GitProgram { program: program.into(), env, user_env, limits: Limits::default(), wishes: OnceLock::new() }
    }

    /// Returns the same program with other limits for the network.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> GitProgram {
        GitProgram { limits, ..self }
    }

    pub(super) fn program(&self) -> &OsStr {
        &self.program
    }

    pub(super) fn user_env(&self) -> &[(OsString, OsString)] {
        &self.user_env
    }

    /// Returns the limits for the network.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Checks whether the program exists and is new enough; done once, before the first run.
    ///
    /// # Errors
    /// [`ProgramError::NotFound`], [`ProgramError::TooOld`], [`ProgramError::NotGit`], [`ProgramError::Io`].
    pub fn check(&self) -> Result<Version, ProgramError> {
        let mut command = Command::new(&self.program);
        command.arg("--version").env_clear().envs(self.env.iter().map(|(k, v)| (k, v))).env("LC_ALL", "C");
        let output = command.stdin(Stdio::null()).output().map_err(|error| self.cannot_start(error))?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        debug!(program = ?self.program, answer = answer.trim(), "asked git for its version");
        let found = parse_version(&answer).ok_or_else(|| ProgramError::NotGit {
            program: self.program.clone(),
            answer: crate::path::printable(answer.trim().as_bytes()),
        })?;
        let need = Version(MINIMUM.0, MINIMUM.1);
        if found < need { Err(ProgramError::TooOld { found, need }) } else { Ok(found) }
    }

    /// Runs git on this machine. Returns when git ended, or soon after the watch's flag was set; the child process has
    /// ended then.
    ///
    /// # Errors
    /// [`ProgramError`]; [`ProgramError::Failed`] holds git's output.
    pub fn run(&self, run: Run<'_>, watch: &mut Watch<'_>) -> Result<Output, ProgramError> {
        self.run_within(Limits::default(), run, watch)
    }

    /// Runs git as [`GitProgram::run`] does, for a command that uses the network: within [`GitProgram::limits`].
    ///
    /// # Errors
    /// As [`GitProgram::run`]; [`ProgramError::Stalled`], [`ProgramError::TooLong`].
    pub fn transfer(&self, run: Run<'_>, watch: &mut Watch<'_>) -> Result<Output, ProgramError> {
        self.run_within(self.limits, run, watch)
    }

    fn run_within(&self, limits: Limits, run: Run<'_>, watch: &mut Watch<'_>) -> Result<Output, ProgramError> {
        if watch.cancel.load(Ordering::Relaxed) {
            return Err(ProgramError::Cancelled);
        }
        let asks = watch.prompts == Prompts::Terminal;
        let own_ssh = asks || self.wishes(run.git_dir).ssh;
        let mut command = self.command(run.git_dir, run.settings, watch.prompts, own_ssh);
        let lists = run.args.first().is_some_and(|arg| *arg == "ls-remote");
        let unseen = asks || !process::sees_work();
        if let Some(stall) = limits.stall.filter(|_| (unseen || lists) && !self.wishes(run.git_dir).low_speed) {
            // git itself can tell waiting for the server from waiting for a person. And a git that lists refs holds no
            // lock by which it could be found if it outlives us.
            let time = stall.as_secs().max(1) + if unseen { 0 } else { LATER };
            command.args(["-c", "http.lowSpeedLimit=1", "-c", &format!("http.lowSpeedTime={time}")]);
        }
        command.args(run.args).env(STARTED_BY, std::process::id().to_string());
        let name = run.args.first().map_or_else(String::new, |arg| arg.to_string_lossy().into_owned());
        let _run = debug_span!("git", run = name).entered();
        debug!(command_line = written(&command), own_group = !own_ssh, "starts");
        trace!(stdin = ?bstr::BStr::new(&run.stdin));
        // A person who is asked may need time. Once data arrives, all questions are answered.
        let asking = Cell::new(asks);
        let (mut stdout, mut lines) = (Vec::new(), Lines::default());
        let mut report = |report: Progress| {
            asking.set(false);
            if let Some(progress) = watch.progress.as_deref_mut() {
                progress(report);
            }
        };
        let mut hear = |stream, bytes: &[u8]| match stream {
            Stream::Out => stdout.extend_from_slice(bytes),
            Stream::Err => lines.push(bytes, &mut report),
        };
        // A process group of its own may not ask on the terminal (the system would stop it forever). So it is used only
        // when no process in it can ask.
        let own_group = !own_ssh;
        let task = Task { input: run.stdin, own_group, limits, grace: GRACE, asking: &asking, cancel: watch.cancel };
        let end = process::run(&mut command, task, &mut hear).map_err(|error| self.cannot_start(error))?;
        lines.finish(&mut report);
        debug!(how = ended(end), stdout = stdout.len(), stderr = ?lines.kept(), "ended");
        match end {
            End::Exited(status) => finish(status, name, stdout, lines),
            End::Cancelled => Err(ProgramError::Cancelled),
            End::Stalled(after) => Err(ProgramError::Stalled { command: name, after }),
            End::TooLong(after) => Err(ProgramError::TooLong { command: name, after }),
        }
    }

    /// Runs git with the terminal, in the user's language, and waits for its end. The caller leaves ctrl-C to git
    /// meanwhile. Returns the exit status; `None` when a signal ended it.
    ///
    /// # Errors
    /// [`ProgramError::NotFound`], [`ProgramError::Io`] when git cannot be started.
    pub fn interactive(&self, run: &Interactive<'_>) -> Result<Option<i32>, ProgramError> {
        let mut command = self.command(run.git_dir, run.settings, Prompts::Terminal, true);
        // This output is not parsed, and the programs that git starts show text to the user.
        command.env_remove("LC_ALL").envs(self.env.iter().filter(|(name, _)| name == "LC_ALL").map(|(k, v)| (k, v)));
        command.args(run.args).current_dir(run.folder);
        debug!(command_line = written(&command), folder = ?run.folder, "git has the terminal");
        let status = command.status().map_err(|e| self.cannot_start(e))?;
        Ok(status.code())
    }

    fn command(&self, git_dir: &Path, settings: &[String], prompts: Prompts, own_ssh: bool) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.env.iter().map(|(k, v)| (k, v)));
        let mut git_dir_option = OsString::from("--git-dir=");
        git_dir_option.push(git_dir);
        command.arg(git_dir_option).env("LC_ALL", "C");
        // This overrides any `protocol.*.allow` of the user, in both directions: `ext::` can never run.
        command.env("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if prompts == Prompts::Never {
            // An empty GIT_ASKPASS also overrides core.askPass and SSH_ASKPASS.
            command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").env("SSH_ASKPASS", "");
            command.env("SSH_ASKPASS_REQUIRE", "never").env("GCM_INTERACTIVE", "never");
            command.args(["-c", "credential.interactive=false"]);
            if !own_ssh {
                command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
            }
        }
        for setting in settings {
            command.args(["-c", setting]);
        }
        command
    }

    /// Returns the user's settings for connections, read once.
    fn wishes(&self, git_dir: &Path) -> Wishes {
        *self.wishes.get_or_init(|| {
            let named = |names: &[&str]| {
                self.env.iter().any(|(name, value)| names.iter().any(|known| name == known) && !value.is_empty())
            };
            let mut command = self.command(git_dir, &[], Prompts::Never, true);
            command.args([
                "config",
                "--name-only",
                "--get-regexp",
                "^(core\\.sshcommand|http\\.lowspeed(limit|time))$",
            ]);
            let output = command.stdin(Stdio::null()).output().map(|output| output.stdout).unwrap_or_default();
            let text = String::from_utf8_lossy(&output).to_lowercase();
            Wishes {
                ssh: named(&["GIT_SSH_COMMAND", "GIT_SSH"]) || text.contains("core.sshcommand"),
                low_speed: named(&["GIT_HTTP_LOW_SPEED_LIMIT", "GIT_HTTP_LOW_SPEED_TIME"]) || text.contains("lowspeed"),
            }
        })
    }

    pub(super) fn cannot_start(&self, error: std::io::Error) -> ProgramError {
        match error.kind() {
            std::io::ErrorKind::NotFound => ProgramError::NotFound(self.program.clone()),
            _ => ProgramError::Io(error),
        }
    }
}

/// Parses `git version 2.39.3 (Apple Git-146)` and the like.
fn parse_version(answer: &str) -> Option<Version> {
    let mut numbers = answer.strip_prefix("git version ")?.split(|c: char| !c.is_ascii_digit());
    Some(Version(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn finish(status: ExitStatus, command: String, stdout: Vec<u8>, lines: Lines) -> Result<Output, ProgramError> {
    let notes = lines.into_notes();
    if status.success() {
        return Ok(Output { stdout, notes });
    }
    Err(ProgramError::Failed { command, code: status.code(), lines: notes })
}

/// Returns a text like `60 seconds`.
pub(super) fn seconds(time: Duration) -> String {
    match time.as_secs() {
        1 if time.subsec_millis() == 0 => "one second".to_owned(),
        whole if time.subsec_millis() == 0 => format!("{whole} seconds"),
        _ => format!("{:.1} seconds", time.as_secs_f64()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn versions_are_read_from_what_git_says() {
        assert_eq!(parse_version("git version 2.47.3\n"), Some(Version(2, 47)));
        assert_eq!(parse_version("git version 2.39.3 (Apple Git-146)"), Some(Version(2, 39)));
        assert_eq!(parse_version("hello"), None);
        assert!(Version(2, 9) < Version(2, 34));
    }

    #[test]
    fn every_variable_that_git_calls_local_is_removed() {
        let output = Command::new("git").args(["rev-parse", "--local-env-vars"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().count() > 5);
        for name in text.lines() {
            assert!(LOCAL_VARIABLES.contains(&name), "{name} is missing");
        }
        let git = GitProgram::new("git", LOCAL_VARIABLES.iter().map(|name| (OsString::from(name), OsString::new())));
        assert!(git.env.is_empty());
    }

    #[test]
    fn a_missing_a_strange_and_an_old_git_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let script = |name: &str, text: &str| {
            // Another process writes the file: a program that this process still has open for writing cannot be
            // started.
            let path = dir.path().join(name);
            let make = format!("printf '#!/bin/sh\\n{text}\\n' >'{0}' && chmod +x '{0}'", path.display());
            assert!(Command::new("sh").args(["-c", &make]).status().unwrap().success());
            GitProgram::new(path, std::env::vars_os()).check()
        };
        assert!(matches!(
            script("old", "echo git version 2.20.1"),
            Err(ProgramError::TooOld { found: Version(2, 20), .. })
        ));
        assert!(matches!(script("odd", "echo ready"), Err(ProgramError::NotGit { .. })));
        let none = GitProgram::new(dir.path().join("none"), Vec::new()).check();
        assert!(matches!(none, Err(ProgramError::NotFound(_))));
        assert!(GitProgram::new("git", std::env::vars_os()).check().is_ok());
    }

    #[test]
    fn a_cancelled_run_returns_soon_and_leaves_no_child() {
        let dir = tempfile::tempdir().unwrap();
        let git = GitProgram::new("git", std::env::vars_os());
        let cancel = AtomicBool::new(false);
        let alias = "alias.patchq-wait=!sleep 30".to_owned();
        let started = Instant::now();
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(300));
                cancel.store(true, Ordering::Relaxed);
            });
            let run =
                Run { git_dir: dir.path(), settings: &[alias], args: &["patchq-wait".as_ref()], stdin: Vec::new() };
            git.run(run, &mut Watch { prompts: Prompts::Never, cancel: &cancel, progress: None })
        });
        assert!(matches!(result, Err(ProgramError::Cancelled)), "{result:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
