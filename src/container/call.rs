//! One call of a builder's program: what it printed, or why it did not work.

use std::cell::Cell;
use std::ffi::OsString;
use std::process::{Command, ExitStatus};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::path::printable;
use crate::process::{End, Limits, Stream, Task, run};

/// How long a builder that is to end gets: it has containers and mounts to remove.
const GRACE: Duration = Duration::from_secs(10);

/// Lines of a program's messages that are kept.
const LINES: usize = 30;

/// Why a call did not work.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The program cannot be started.
    #[error("cannot run '{}'", printable(.program.as_encoded_bytes()))]
    Start {
        /// The program.
        program: OsString,
        /// Why.
        source: std::io::Error,
    },
    /// It ended with another code than 0.
    #[error("{what} failed{}", .lines.last().map(|line| format!(": {line}")).unwrap_or_default())]
    Failed {
        /// What was called: the program and its command.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its messages, printable.
        lines: Vec<String>,
    },
    /// It printed something that cannot be read.
    #[error("{what}: the answer cannot be read: {reason}")]
    Answer {
        /// What was called.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The user wanted it to end.
    #[error("interrupted")]
    Cancelled,
}

/// What a program printed.
#[derive(Debug, Default)]
pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Output {
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Out => self.stdout.extend_from_slice(bytes),
            Stream::Err => self.stderr.extend_from_slice(bytes),
        }
    }
}

/// Runs `command`, called `what` in messages, and passes on to `hear` what it prints. Nothing of it is kept, so that an
/// error has no lines.
///
/// # Errors
/// [`CallError`].
pub(super) fn listen(
    command: &mut Command,
    what: &str,
    cancel: &AtomicBool,
    hear: &mut dyn FnMut(Stream, &[u8]),
) -> Result<(), CallError> {
    let asking = Cell::new(false);
    let task =
        Task { input: Vec::new(), own_group: true, limits: Limits::default(), grace: GRACE, asking: &asking, cancel };
    let program = command.get_program().to_owned();
    tracing::debug!(?command, "calls a builder");
    match run(command, task, hear).map_err(|source| CallError::Start { program, source })? {
        End::Exited(status) if status.success() => Ok(()),
        End::Exited(status) => Err(CallError::Failed { what: what.to_owned(), status, lines: Vec::new() }),
        End::Cancelled | End::Stalled(_) | End::TooLong(_) => Err(CallError::Cancelled),
    }
}

/// Runs `command`, called `what` in messages, and returns what it printed.
///
/// # Errors
/// [`CallError`].
pub(super) fn call(command: &mut Command, what: &str, cancel: &AtomicBool) -> Result<Output, CallError> {
    let mut output = Output::default();
    match listen(command, what, cancel, &mut |stream, bytes| output.push(stream, bytes)) {
        Ok(()) => Ok(output),
        Err(CallError::Failed { what, status, .. }) => {
            Err(CallError::Failed { what, status, lines: last_lines(&output.stderr, LINES) })
        }
        Err(error) => Err(error),
    }
}

/// Returns the last lines of `text` that are not blank, printable.
pub(super) fn last_lines(text: &[u8], count: usize) -> Vec<String> {
    let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(printable).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

/// Says how a program ended that did not end with 0.
#[must_use]
pub fn ended_badly(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
