//! Reads the user's git settings with the git program, in the user's folder: with the whole environment and, in the
//! workspace, with the settings of its repository. This is for the user's identity and preferences; fetching and
//! writing use other settings.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Store;
use super::program::{GitProgram, ProgramError};

/// Variables that lead git to a repository other than the one in the current folder, or to a single file of settings.
const ELSEWHERE: [&str; 16] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// A setting: its key in git's spelling, and its value; `None` if only the key is written.
pub type Setting = (String, Option<OsString>);

/// Returns the environment without these variables.
pub(super) fn of_user(env: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let stays = |(name, _): &&(OsString, OsString)| !ELSEWHERE.iter().any(|variable| name == variable);
    env.iter().filter(stays).cloned().collect()
}

impl Store {
    /// Returns a setting of the store itself, which plain git in the checkout uses too; not empty.
    #[must_use]
    pub fn own_setting(&self, key: &str) -> Option<String> {
        let own = self.repo().config().and_then(|config| config.open_level(git2::ConfigLevel::Local)).ok()?;
        own.get_string(key).ok().filter(|text| !text.is_empty())
    }
}

impl GitProgram {
    /// Returns git's output for `args` in `folder`, with the user's own environment; `None` when git fails.
    ///
    /// # Errors
    /// [`ProgramError`] when git cannot be run.
    pub fn ask_for_user(&self, folder: &Path, args: &[&str]) -> Result<Option<Vec<u8>>, ProgramError> {
        let mut command = Command::new(self.program());
        command.env_clear().envs(self.user_env().iter().map(|(key, value)| (key, value)));
        command.arg("-C").arg(folder).args(args).stdin(Stdio::null());
        tracing::debug!(command_line = super::run_log::written(&command), "asks git for the user");
        let output = command.output().map_err(|error| self.cannot_start(error))?;
        Ok(output.status.success().then_some(output.stdout))
    }

    /// Returns the settings whose keys match `pattern`; later ones override earlier ones.
    ///
    /// # Errors
    /// [`ProgramError`] when git cannot be run.
    pub fn settings_of_user(&self, folder: &Path, pattern: &str) -> Result<Vec<Setting>, ProgramError> {
        let answer = self.ask_for_user(folder, &["config", "-z", "--get-regexp", pattern])?.unwrap_or_default();
        let entries = answer.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        let read = |entry: &[u8]| {
            use std::os::unix::ffi::OsStrExt;
            let end = entry.iter().position(|byte| *byte == b'\n').unwrap_or(entry.len());
            let value = entry.get(end + 1..).map(|value| OsStr::from_bytes(value).to_owned());
            Some((String::from_utf8(entry[..end].to_vec()).ok()?, value))
        };
        Ok(entries.filter_map(read).collect())
    }
}
