//! Which builder a command works with.

use super::super::context::{Context, interrupted};
use super::super::failure::CliError;
use super::super::hint;
use crate::container::{Builder, BuilderKind, CallError, NotFound, Programs, find, find_all};
use crate::report::FailureKind;

/// The word of `--builder`.
#[derive(clap::ValueEnum, Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// docker with BuildKit
    Docker,
    Buildah,
}

impl Wanted {
    pub(super) const fn kind(self) -> BuilderKind {
        match self {
            Wanted::Docker => BuilderKind::Docker,
            Wanted::Buildah => BuilderKind::Buildah,
        }
    }
}

/// The programs that the environment names.
pub(in crate::cli) fn programs() -> Programs {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    Programs { docker: named("PATCHQ_DOCKER"), buildah: named("PATCHQ_BUILDAH") }
}

/// The builder `wanted`, or else the first one that works.
pub(super) fn choose(context: &Context, wanted: Option<Wanted>) -> Result<Builder, CliError> {
    let (programs, stop) = (programs(), context.stop());
    if let Some(wanted) = wanted {
        return find(wanted.kind(), &programs, stop).map_err(|error| not_found(&error));
    }
    let mut reasons: Vec<NotFound> = Vec::new();
    for (_, found) in find_all(&programs, stop) {
        match found {
            Ok(builder) => return Ok(builder),
            Err(NotFound::Cancelled) => return Err(interrupted()),
            Err(why) => reasons.push(why),
        }
    }
    let error = CliError::plain(FailureKind::Builder, "no builder works");
    let error = reasons.iter().fold(error, |error, why| error.caused_by(with_sources(why)));
    Err(error.hint(hint::patchq(&["doctor"])))
}

fn not_found(error: &NotFound) -> CliError {
    match error {
        NotFound::Cancelled => interrupted(),
        _ => CliError::of(FailureKind::Builder, error).hint(hint::patchq(&["doctor"])),
    }
}

/// Returns the text of `error` with those of its causes, on one line.
pub(in crate::cli) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// The error of a call of a builder.
pub(super) fn of_call(error: &CallError) -> CliError {
    match error {
        CallError::Cancelled => interrupted(),
        CallError::Failed { lines, .. } => {
            // The last line is in the text of the error.
            let more = lines.len().saturating_sub(1);
            let error = CliError::of(FailureKind::Builder, error);
            lines[..more].iter().rev().take(3).rev().fold(error, |error, line| error.caused_by(line.clone()))
        }
        _ => CliError::of(FailureKind::Builder, error),
    }
}
