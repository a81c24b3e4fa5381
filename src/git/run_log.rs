//! Formats runs of git for the log.

use std::process::Command;

use super::program::seconds;
use crate::process::{End, command_line};

/// Returns how a run ended, for the log.
pub(super) fn ended(end: End) -> String {
    match end {
        End::Exited(status) => status.to_string(),
        End::Cancelled => "cancelled".to_owned(),
        End::Stalled(after) => format!("made no progress for {}", seconds(after)),
        End::TooLong(after) => format!("not over in {}", seconds(after)),
    }
}

/// Returns a command line in the form in which one would type it, for the log.
pub(super) fn written(command: &Command) -> String {
    command_line(std::iter::once(command.get_program()).chain(command.get_args()))
}
