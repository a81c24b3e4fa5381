//! What the user settled for git, asked of the git program where the user stands: with the whole environment and, in the
//! workspace, the settings of its repository. For what a person is and likes; what is fetched and written has settings of its own.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, Stdio};

use super::Store;
use super::program::{GitProgram, ProgramError};

/// Variables that lead git to another repository than the one it stands in, or to one file of settings alone.
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

/// A setting: its key, in git's spelling, and its value; none where only the key stands there.
pub type Setting = (String, Option<OsString>);

/// The environment without what leads elsewhere.
pub(super) fn of_user(env: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let stays = |(name, _): &&(OsString, OsString)| !ELSEWHERE.iter().any(|variable| name == variable);
    env.iter().filter(stays).cloned().collect()
}

impl Store {
    /// A setting of the store itself, which is that of plain git in the checkout; not empty.
    #[must_use]
    pub fn own_setting(&self, key: &str) -> Option<String> {
        let own = self.repo().config().and_then(|config| config.open_level(git2::ConfigLevel::Local)).ok()?;
        own.get_string(key).ok().filter(|text| !text.is_empty())
    }
}

impl GitProgram {
    /// What git says to `args` in `folder`, to the user's own environment; `None`: it says no.
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

    /// The settings whose keys match `pattern`, in the order in which later ones count.
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
