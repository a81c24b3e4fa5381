//! Places at which the tests end the process, to see what the next command makes of it.
//!
//! Only builds with debug assertions look at the variables: whoever has a released patchq cannot be made to lose a command by
//! his environment.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

/// Ends the process at the named place.
const DIE_AT: &str = "PATCHQ_TEST_DIE_AT";
/// The file that gets a line for each place that is passed.
const LIST_POINTS: &str = "PATCHQ_TEST_LIST_POINTS";

/// What the tests want.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KillPoints {
    die_at: Option<String>,
    list: Option<PathBuf>,
}

impl KillPoints {
    /// What the environment says of it, in a build for tests.
    pub(super) fn new() -> KillPoints {
        if cfg!(debug_assertions) { KillPoints::read(|key| std::env::var_os(key)) } else { KillPoints::default() }
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> KillPoints {
        let die_at = variable(DIE_AT).and_then(|point| point.into_string().ok());
        KillPoints { die_at, list: variable(LIST_POINTS).map(PathBuf::from) }
    }

    /// The process has come to `point`.
    pub(super) fn pass(&self, point: &str) {
        if let Some(list) = &self.list {
            let line = format!("{point}\n");
            let file = std::fs::OpenOptions::new().create(true).append(true).open(list);
            // A list that cannot be written is one that the test does not find.
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
