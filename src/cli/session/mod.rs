//! A refresh that waits for decisions.

mod drift;

use super::failure::CliError;
use super::refresh::with_ways;
use crate::workspace::Workspace;
use crate::workspace::manifest::Name;
use crate::workspace::session::is_open;

pub(super) use drift::tell_drift;

/// Refuses what would rewrite a queue about which decisions wait.
pub(super) fn refuse_open(workspace: &Workspace, name: &Name) -> Result<(), CliError> {
    match is_open(&workspace.layout, name).map_err(|error| CliError::of("io", &error))? {
        false => Ok(()),
        true => {
            let error = CliError::plain("session", "a refresh waits for decisions about its patches");
            Err(with_ways(error, name.as_str()).in_upstream(name.as_str()))
        }
    }
}
