//! Points at which the tests end the process, to check what the next command does.
//!
//! Only builds with debug assertions read the variables: the environment cannot end a released patchq.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Ends the process at the named point.
const DIE_AT: &str = "PATCHQ_TEST_DIE_AT";
/// The file that gets a line for each point that is passed.
const LIST_POINTS: &str = "PATCHQ_TEST_LIST_POINTS";

/// The settings of the tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KillPoints {
    die_at: Option<String>,
    list: Option<PathBuf>,
}

impl KillPoints {
    /// Reads the settings from the environment, in a build for tests.
    pub(super) fn new() -> KillPoints {
        if cfg!(debug_assertions) { KillPoints::read(|key| std::env::var_os(key)) } else { KillPoints::default() }
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> KillPoints {
        let die_at = variable(DIE_AT).and_then(|point| point.into_string().ok());
        KillPoints { die_at, list: variable(LIST_POINTS).map(PathBuf::from) }
    }

    /// Reports that the process has reached `point`.
    pub(super) fn pass(&self, point: &str) {
        if let Some(list) = &self.list {
            let line = format!("{point}\n");
            let file = std::fs::OpenOptions::new().create(true).append(true).open(list);
            // If the list cannot be written, the test fails because it is missing.
            drop(file.and_then(|mut file| file.write_all(line.as_bytes())));
        }
        if self.die_at.as_deref() == Some(point) {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn both_variables_are_read() {
        let points = KillPoints::read(|key| Some(format!("of {key}").into()));
        assert_eq!(points.die_at.as_deref(), Some("of PATCHQ_TEST_DIE_AT"));
        assert_eq!(points.list, Some("of PATCHQ_TEST_LIST_POINTS".into()));
        assert_eq!(KillPoints::read(|_| None), KillPoints::default());
    }
}
