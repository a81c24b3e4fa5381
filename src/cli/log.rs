//! The log, for debugging: what patchq does, step by step, to stderr or into a file. It is off by default.
//!
//! The library logs through the macros of `tracing`; only this module sets the receiver.

mod secrets;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;

use super::context::write_err;
use super::failure::CliError;
use crate::path::{on_screen, printable};
use crate::report::FailureKind;
use crate::ui::Progress;

/// The variable for what is logged: a level, or rooms with levels.
const FILTER: &str = "PATCHQ_LOG";

/// The variable for the file to which the log is appended.
const FILE: &str = "PATCHQ_LOG_FILE";

/// The rooms that log.
const ROOMS: [&str; 11] =
    ["cli", "container", "git", "image", "patch", "process", "report", "ship", "stack", "ui", "workspace"];

/// Starts the log, if enough `v`s or a variable request it.
///
/// # Errors
/// [`CliError`] when a variable has an invalid value.
pub(super) fn begin(verbose: u8, progress: &Progress) -> Result<(), CliError> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let (filter, file) = (set(FILTER), set(FILE).map(PathBuf::from));
    let targets = match &filter {
        Some(text) => text.to_str().and_then(targets).ok_or_else(|| no_filter(&printable(text.as_encoded_bytes())))?,
        None if verbose > 2 => Targets::new().with_default(LevelFilter::TRACE),
        None if verbose == 2 || file.is_some() => Targets::new().with_default(LevelFilter::DEBUG),
        None => return Ok(()),
    };
    let file = file.as_deref().map(open).transpose()?;
    let writer = Writer { file: file.map(|file| Arc::new(Mutex::new(file))), progress: progress.clone() };
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_span_events(FmtSpan::CLOSE).with_writer(writer);
    // A process has only one context, but a test may have more.
    let _ = set_global_default(tracing_subscriber::registry().with(targets).with(lines));
    Ok(())
}

/// Parses `debug`, or `git=trace,workspace=info`; `None`: it is neither.
fn targets(text: &str) -> Option<Targets> {
    let mut targets = Targets::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        targets = match part.split_once('=') {
            Some((room, wanted)) => {
                let room = room.trim().strip_prefix("patchq::").unwrap_or(room.trim());
                if !ROOMS.contains(&room.split("::").next().unwrap_or(room)) {
                    return None;
                }
                targets.with_target(format!("patchq::{room}"), level(wanted.trim())?)
            }
            None => targets.with_default(level(part)?),
        };
    }
    Some(targets)
}

fn level(word: &str) -> Option<LevelFilter> {
    match word.to_ascii_lowercase().as_str() {
        "off" | "0" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        // As with GIT_TRACE=1, this means the whole log, not only errors.
        "debug" | "1" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

fn no_filter(shown: &str) -> CliError {
    CliError::plain(
        FailureKind::Environment,
        format!("{FILTER} is '{shown}', which is neither a level nor a list of ROOM=LEVEL"),
    )
    .hint(format!("{FILTER}=debug     (off, error, warn, info, debug or trace; for one room: git=trace)"))
}

/// Opens the file. Only the user may read it: it names files, urls and people.
fn open(path: &Path) -> Result<File, CliError> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.map_err(|error| {
        CliError::io(&format!("cannot open the log that {FILE} names"), path, &error)
            .hint(format!("{FILE}=patchq.log     (a file in a folder that is there)"))
    })
}

/// Writes the lines to the file, or to stderr between the lines of the progress.
#[derive(Clone)]
struct Writer {
    file: Option<Arc<Mutex<File>>>,
    progress: Progress,
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        self.clone()
    }
}

impl Write for Writer {
    /// Writes an event, which comes in one piece. A write error does not stop the work.
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        let text = on_screen(&secrets::hidden(&String::from_utf8_lossy(event)), false);
        match &self.file {
            Some(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = file.write_all(text.as_bytes());
            }
            None => self.progress.suspend(|| write_err(text.as_bytes())),
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_filter_is_a_level_or_rooms_with_levels() {
        let all = targets("debug").unwrap();
        assert!(all.would_enable("patchq::git::program", &Level::DEBUG));
        assert!(!all.would_enable("patchq::git::program", &Level::TRACE));
        assert!(targets("1").unwrap().would_enable("patchq::cli", &Level::DEBUG));
        assert!(!targets("0").unwrap().would_enable("patchq::cli", &Level::ERROR));
        let rooms = targets(" info, git=TRACE ,patchq::workspace::step=off").unwrap();
        assert!(rooms.would_enable("patchq::git::program", &Level::TRACE));
        assert!(rooms.would_enable("patchq::workspace::files", &Level::INFO));
        assert!(!rooms.would_enable("patchq::workspace::step::run", &Level::ERROR));
        for wrong in ["loud", "git", "gti=debug", "git=loud", "=debug", "debug=git"] {
            assert!(targets(wrong).is_none(), "{wrong}");
        }
    }
}
