//! The environment of a command: folder, terminal, clock, git program, and requests to stop.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use super::Global;
use super::failure::{CliError, Exit};
use super::hint;
use super::kill_points::KillPoints;
use super::log;
use crate::git::{GitProgram, ProgramError};
use crate::path::{on_screen, printable};
use crate::process::{Limits, end_all};
use crate::report::{Document, FailureKind, Schema};
use crate::ui::{Asker, ColourOptions, Look, Message, Progress, use_colour};

/// Set by ctrl-C. Code that can stop checks it; other code is ended a moment later, which is as safe as a kill.
static STOP: AtomicBool = AtomicBool::new(false);

/// Set while a pager uses the terminal and handles ctrl-C.
pub(super) static PAGING: AtomicBool = AtomicBool::new(false);

/// How long a command has to stop after ctrl-C, in milliseconds.
static PATIENCE_MS: AtomicU64 = AtomicU64::new(500);

/// The commands that may have changed something before they print.
const CHANGES: [&str; 10] =
    ["init", "add", "import", "setup", "apply", "save", "export", "refresh", "resolutions", "undo"];

/// The environment of a command.
pub(super) struct Context {
    /// The command's current folder, absolute.
    pub(super) cwd: PathBuf,
    pub(super) look: Look,
    pub(super) json: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) offline: bool,
    pub(super) asker: Asker,
    pub(super) progress: Progress,
    command: &'static str,
    git: GitProgram,
    git_checked: OnceLock<()>,
    /// Why writing to standard output failed.
    unsaid: OnceLock<std::io::Error>,
    kill_points: KillPoints,
}

impl Context {
    pub(super) fn new(global: &Global, command: &'static str) -> Result<Context, CliError> {
        let here = std::env::current_dir()
            .map_err(|error| CliError::io("cannot determine the current folder", Path::new("."), &error))?;
        let cwd = match &global.directory {
            Some(directory) => {
                let wanted = here.join(directory);
                wanted
                    .canonicalize()
                    .map_err(|error| CliError::io("cannot change to", directory, &error).exit(Exit::Usage))?
            }
            None => here.clone(),
        };
        hint::note_shell(&here, global.directory.as_deref());
        let look = look_of(global);
        watch_for_interrupts();
        let progress = if global.quiet || global.json { Progress::hidden() } else { Progress::new(look) };
        log::begin(global.verbose, &progress)?;
        Ok(Context {
            cwd,
            look,
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            offline: global.offline,
            asker: Asker::new(&look),
            progress,
            command,
            git: git_program()?,
            git_checked: OnceLock::new(),
            unsaid: OnceLock::new(),
            kill_points: KillPoints::new(),
        })
    }

    /// Returns the command's name.
    pub(super) fn command(&self) -> &'static str {
        self.command
    }

    /// Returns the git program, checked once.
    pub(super) fn git(&self) -> Result<&GitProgram, CliError> {
        if self.git_checked.get().is_none() {
            self.git.check().map_err(|error| CliError::from(&error))?;
            let _ = self.git_checked.set(());
        }
        Ok(&self.git)
    }

    /// Returns the git program unchecked, for work that may not need it.
    pub(super) fn git_unchecked(&self) -> &GitProgram {
        &self.git
    }

    /// Returns the flag that is set when the user wants to stop.
    pub(super) fn stop(&self) -> &'static AtomicBool {
        &STOP
    }

    /// Gives this command more time to stop by itself: what it started has to tidy up.
    pub(super) fn give_time_to_end(&self, time: Duration) {
        PATIENCE_MS.store(u64::try_from(time.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Returns an error if the user wants to stop.
    pub(super) fn check_stop(&self) -> Result<(), CliError> {
        if STOP.load(Ordering::SeqCst) { Err(interrupted()) } else { Ok(()) }
    }

    /// Returns the seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }

    /// Returns the time of a build, in seconds since 1970: what `SOURCE_DATE_EPOCH` says, or now.
    pub(super) fn build_time(&self) -> Result<i64, CliError> {
        Ok(self.source_date_epoch()?.unwrap_or_else(|| self.now()))
    }

    /// Returns the value of `SOURCE_DATE_EPOCH`, in seconds since 1970.
    pub(super) fn source_date_epoch(&self) -> Result<Option<i64>, CliError> {
        let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        value.to_str().and_then(|text| text.trim().parse().ok()).map(Some).ok_or_else(|| {
            let value = printable(value.as_encoded_bytes());
            let text = format!("SOURCE_DATE_EPOCH is '{value}', which is not a number of seconds since 1970");
            CliError::plain(FailureKind::Environment, text).hint("unset SOURCE_DATE_EPOCH")
        })
    }

    /// Returns the local time zone, in minutes east of UTC.
    pub(super) fn zone(&self) -> i32 {
        jiff::Zoned::now().offset().seconds() / 60
    }

    /// Marks a step at which a test may end the process.
    pub(super) fn passing(&self, point: &str) {
        self.kill_points.pass(point);
    }

    /// Writes data for people to stdout: it cannot control a terminal or a log. A write error does not stop the work:
    /// [`Context::end`] reports it.
    pub(super) fn out(&self, text: &str) {
        self.out_bytes(on_screen(text, self.look.colour).as_bytes());
    }

    /// Writes data to stdout, unchanged.
    pub(super) fn out_bytes(&self, bytes: &[u8]) {
        if self.out_failed() {
            return;
        }
        if let Err(error) = self.progress.suspend(|| write_out(bytes)) {
            let _ = self.unsaid.set(error);
        }
    }

    /// Checks whether writing to standard output failed.
    pub(super) fn out_failed(&self) -> bool {
        self.unsaid.get().is_some()
    }

    /// Writes the command's result as its JSON document.
    pub(super) fn document<T: Serialize>(&self, fields: T, failed: Option<&CliError>) -> Result<(), CliError> {
        let schema = Schema { command: self.command, version: 1 };
        let document = match failed {
            None => Document::new(schema, fields),
            Some(error) => Document::partly(schema, error.failure(), fields),
        };
        let text = document.to_text().map_err(|error| CliError::of(FailureKind::Internal, &error))?;
        self.out_bytes(text.as_bytes());
        Ok(())
    }

    /// Writes a message to stderr; with `-q` only errors and warnings, no notes.
    pub(super) fn say(&self, message: &Message) {
        if !self.quiet || !message.is_note() {
            self.show(message);
        }
    }

    /// Writes a message that belongs to a question to stderr, whatever the options are.
    pub(super) fn show(&self, message: &Message) {
        let text = on_screen(&message.render(&self.look), self.look.colour);
        self.progress.suspend(|| write_err(text.as_bytes()));
    }

    /// Writes a line about what was done to stderr, unless `-q`.
    pub(super) fn tell(&self, line: &str) {
        if !self.quiet {
            let line = format!("{}\n", on_screen(line, self.look.colour));
            self.progress.suspend(|| write_err(line.as_bytes()));
        }
    }

    /// Ends a command: reports its error, with `--json` as a document too, and a write error of standard output.
    pub(super) fn end(&self, ended: Result<Exit, CliError>) -> Exit {
        self.progress.clear();
        let exit = ended.unwrap_or_else(|error| {
            self.say(&error.message());
            if self.json
                && let Ok(text) = failed_document(self.command, &error)
            {
                self.out_bytes(text.as_bytes());
            }
            error.exit
        });
        let Some(unsaid) = self.unsaid.get() else { return exit };
        let mut unsaid = CliError::unsaid(unsaid);
        if CHANGES.contains(&self.command) {
            unsaid = unsaid.hint(hint::noted(hint::patchq(&["status"]), "the work is done; only its output is lost"));
        }
        self.say(&unsaid.message());
        exit.min(unsaid.exit)
    }
}

/// Returns the error after ctrl-C.
pub(super) fn interrupted() -> CliError {
    CliError::plain(FailureKind::Interrupted, "interrupted").exit(Exit::Interrupted)
}

impl From<&ProgramError> for CliError {
    fn from(error: &ProgramError) -> CliError {
        match error {
            ProgramError::Cancelled => interrupted(),
            ProgramError::NotFound(_) => {
                CliError::of(FailureKind::Git, error).hint("install git, or set the variable PATCHQ_GIT to its path")
            }
            ProgramError::TooOld { .. } => CliError::of(FailureKind::Git, error).hint("install a newer git"),
            _ => CliError::of(FailureKind::Git, error),
        }
    }
}

/// How long an upstream may send nothing. Servers that are working send something every few seconds.
const STALL: (&str, u64) = ("PATCHQ_STALL_TIMEOUT", 60);

/// How long one request to an upstream may take.
const TOTAL: (&str, u64) = ("PATCHQ_FETCH_TIMEOUT", 3600);

fn git_program() -> Result<GitProgram, CliError> {
    let program = std::env::var_os("PATCHQ_GIT").unwrap_or_else(|| "git".into());
    let limits = Limits { stall: time_limit(STALL.0, STALL.1)?, total: time_limit(TOTAL.0, TOTAL.1)? };
    Ok(GitProgram::new(program, std::env::vars_os()).with_limits(limits))
}

/// Reads a variable in seconds, 0: no limit.
fn time_limit(variable: &str, usual: u64) -> Result<Option<Duration>, CliError> {
    let seconds = match std::env::var_os(variable).filter(|value| !value.is_empty()) {
        None => usual,
        Some(value) => value.to_str().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
            let value = printable(value.as_encoded_bytes());
            CliError::plain(
                FailureKind::Environment,
                format!("{variable} is '{value}', which is not a number of seconds"),
            )
            .hint(format!("{variable}={usual}     (0: no limit)"))
        })?,
    };
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}

/// Returns the properties of the screen, from arguments and environment.
pub(super) fn look_of(global: &Global) -> Look {
    let set = |key: &str| std::env::var_os(key).filter(|value| !value.is_empty());
    let wishes = ColourOptions {
        choice: global.color.into(),
        no_color: set("NO_COLOR").is_some(),
        force: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
        dumb: set("TERM").is_none_or(|term| term == "dumb"),
    };
    let (terminal_out, terminal_err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
    // The demo shows on its screen what its commands write into a pipe.
    let told = || set("PATCHQ_COLUMNS").and_then(|columns| columns.to_str()?.parse().ok()).unwrap_or(0);
    let width = if terminal_out { console::Term::stdout().size().1.into() } else { told() };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|key| set(key));
    let utf8 = locale.is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    Look {
        colour: use_colour(wishes, terminal_out && terminal_err),
        width,
        terminal_in: std::io::stdin().is_terminal(),
        terminal_out,
        terminal_err,
        unicode: utf8,
    }
}

fn watch_for_interrupts() {
    // A second handler cannot be set; a process has only one context, but a test may have more.
    let _ = ctrlc::set_handler(|| {
        if PAGING.load(Ordering::SeqCst) {
            return;
        }
        if STOP.swap(true, Ordering::SeqCst) {
            die();
        }
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(PATIENCE_MS.load(Ordering::SeqCst)));
            die();
        });
    });
}

fn die() -> ! {
    crate::ui::restore_terminal();
    end_all();
    std::process::exit(Exit::Interrupted.code().into())
}

/// To stdout, down to the last byte. Whoever closed the pipe wanted no more, and that is not an error.
pub(super) fn write_out(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Returns the JSON document of a command that has only `error` as its result.
pub(super) fn failed_document(command: &'static str, error: &CliError) -> Result<String, CliError> {
    let document = Document::failed(Schema { command, version: 1 }, error.failure());
    document.to_text().map_err(|error| CliError::of(FailureKind::Internal, &error))
}

/// Writes to stderr.
pub(super) fn write_err(bytes: &[u8]) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(bytes).and_then(|()| err.flush());
}
