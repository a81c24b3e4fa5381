//! What a command has around it: folder, terminal, clock, git program, and the wish to stop.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// Set by ctrl-C. What can stop looks at it; what cannot is cut off a moment later, which is as safe as being killed.
static STOP: AtomicBool = AtomicBool::new(false);

/// Set while a pager has the terminal, and with it ctrl-C.
pub(super) static PAGING: AtomicBool = AtomicBool::new(false);

/// How long a command has to stop by itself after ctrl-C.
const PATIENCE: Duration = Duration::from_millis(500);

/// The commands that may have changed something when they come to print.
const CHANGES: [&str; 10] =
    ["init", "add", "import", "setup", "apply", "save", "export", "refresh", "resolutions", "undo"];

/// Everything around a command.
pub(super) struct Context {
    /// The folder that the command stands in, absolute.
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
    /// Why standard output took no more.
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

    /// The command's name.
    pub(super) fn command(&self) -> &'static str {
        self.command
    }

    /// The git program, checked once.
    pub(super) fn git(&self) -> Result<&GitProgram, CliError> {
        if self.git_checked.get().is_none() {
            self.git.check().map_err(|error| CliError::from(&error))?;
            let _ = self.git_checked.set(());
        }
        Ok(&self.git)
    }

    /// The git program, for what may turn out not to need it.
    pub(super) fn git_unchecked(&self) -> &GitProgram {
        &self.git
    }

    /// Set when the person at the terminal wants an end.
    pub(super) fn stop(&self) -> &'static AtomicBool {
        &STOP
    }

    /// Checks whether the person at the terminal wants an end, as an error.
    pub(super) fn check_stop(&self) -> Result<(), CliError> {
        if STOP.load(Ordering::SeqCst) { Err(interrupted()) } else { Ok(()) }
    }

    /// Seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        jiff::Timestamp::now().as_second()
    }

    /// The time that a build of images claims, in seconds since 1970: what SOURCE_DATE_EPOCH says, else now.
    pub(super) fn build_time(&self) -> Result<i64, CliError> {
        match std::env::var_os("SOURCE_DATE_EPOCH").filter(|value| !value.is_empty()) {
            None => Ok(self.now()),
            Some(value) => value.to_str().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
                let value = printable(value.as_encoded_bytes());
                let text = format!("SOURCE_DATE_EPOCH is '{value}', which is not a number of seconds since 1970");
                CliError::plain(FailureKind::Environment, text).hint("unset SOURCE_DATE_EPOCH")
            }),
        }
    }

    /// Minutes east of UTC, here and now.
    pub(super) fn zone(&self) -> i32 {
        jiff::Zoned::now().offset().seconds() / 60
    }

    /// A step that a test may want to be the last one.
    pub(super) fn passing(&self, point: &str) {
        self.kill_points.pass(point);
    }

    /// Data for people, to stdout: nothing in it steers a terminal or a log. What cannot be written stops no work:
    /// [`Context::end`] says so.
    pub(super) fn out(&self, text: &str) {
        self.out_bytes(on_screen(text, self.look.colour).as_bytes());
    }

    /// Data, to stdout, byte for byte.
    pub(super) fn out_bytes(&self, bytes: &[u8]) {
        if self.out_failed() {
            return;
        }
        if let Err(error) = self.progress.suspend(|| write_out(bytes)) {
            let _ = self.unsaid.set(error);
        }
    }

    /// Checks whether standard output takes no more.
    pub(super) fn out_failed(&self) -> bool {
        self.unsaid.get().is_some()
    }

    /// What the command has to say, as its JSON document.
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

    /// A message, to stderr; with `-q` what went wrong or may have, and no note.
    pub(super) fn say(&self, message: &Message) {
        if !self.quiet || !message.is_note() {
            self.show(message);
        }
    }

    /// A message that a question is about, to stderr whatever was asked for.
    pub(super) fn show(&self, message: &Message) {
        let text = on_screen(&message.render(&self.look), self.look.colour);
        self.progress.suspend(|| write_err(text.as_bytes()));
    }

    /// A line about what was done, to stderr, unless `-q`.
    pub(super) fn tell(&self, line: &str) {
        if !self.quiet {
            let line = format!("{}\n", on_screen(line, self.look.colour));
            self.progress.suspend(|| write_err(line.as_bytes()));
        }
    }

    /// The end of a command: says its error, with `--json` as a document too, and whether standard output took everything.
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

/// The error of somebody who pressed ctrl-C.
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

/// How long nothing may come from an upstream. Servers that are at work say something every few seconds.
const STALL: (&str, u64) = ("PATCHQ_STALL_TIMEOUT", 60);

/// How long one request to an upstream may take.
const TOTAL: (&str, u64) = ("PATCHQ_FETCH_TIMEOUT", 3600);

fn git_program() -> Result<GitProgram, CliError> {
    let program = std::env::var_os("PATCHQ_GIT").unwrap_or_else(|| "git".into());
    let limits = Limits { stall: time_limit(STALL.0, STALL.1)?, total: time_limit(TOTAL.0, TOTAL.1)? };
    Ok(GitProgram::new(program, std::env::vars_os()).with_limits(limits))
}

/// A variable in seconds, 0: no limit.
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

/// What the screen is like, from arguments and environment.
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
    // A second handler cannot be set; there is only one context in a process, and in a test there may be more.
    let _ = ctrlc::set_handler(|| {
        if PAGING.load(Ordering::SeqCst) {
            return;
        }
        if STOP.swap(true, Ordering::SeqCst) {
            die();
        }
        std::thread::spawn(|| {
            std::thread::sleep(PATIENCE);
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

/// The JSON document of a command of which nothing came but `error`.
pub(super) fn failed_document(command: &'static str, error: &CliError) -> Result<String, CliError> {
    let document = Document::failed(Schema { command, version: 1 }, error.failure());
    document.to_text().map_err(|error| CliError::of(FailureKind::Internal, &error))
}

/// To stderr.
pub(super) fn write_err(bytes: &[u8]) {
    let mut err = std::io::stderr().lock();
    let _ = err.write_all(bytes).and_then(|()| err.flush());
}
