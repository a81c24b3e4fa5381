//! An open refresh: asks the user about decisions one by one on a terminal, leaves, continues and aborts it.

mod abort;
mod answer;
mod checkout;
mod drift;
mod open;
mod question;
mod resume;
mod run;
mod summary;
mod tools;
mod views;

use super::context::Context;
use super::failure::CliError;
use super::hint;
use super::refresh::with_ways;
use crate::report::FailureKind;
use crate::workspace::Workspace;
use crate::workspace::conflict::session::is_open;
use crate::workspace::manifest::Name;

pub(super) use abort::give_up;
pub(super) use checkout::{collect_conflict, failed as hand_over_failed};
pub(super) use drift::tell_drift;
pub(super) use resume::resume;
pub(super) use run::{SessionEnd, run_session};

/// Refuses to rewrite a queue with open decisions.
pub(super) fn refuse_open(workspace: &Workspace, name: &Name) -> Result<(), CliError> {
    match is_open(&workspace.layout, name).map_err(|error| CliError::of(FailureKind::Io, &error))? {
        false => Ok(()),
        true => {
            let error = CliError::plain(FailureKind::Session, "a refresh waits for decisions about its patches");
            Err(with_ways(error, name.as_str()).in_upstream(name.as_str()))
        }
    }
}

/// Reports open decisions, if there are any, after an undo.
pub(super) fn tell_open(context: &Context, workspace: &Workspace, name: &Name) -> Result<(), CliError> {
    if is_open(&workspace.layout, name).map_err(|error| CliError::of(FailureKind::Io, &error))? {
        context.tell(&format!("{name}: a refresh waits for decisions; those made so far are in sessions/{name}.toml"));
        tell_ways(context, name, ["continues the refresh", "abandons the refresh"]);
    }
    Ok(())
}

/// Names the two ways to handle an open session, with their effects.
fn tell_ways(context: &Context, name: &Name, what: [&str; 2]) {
    for way in hint::ways(name.as_str(), what) {
        context.tell(&format!("  {way}"));
    }
}
