//! Shows long output through the user's own pager. Settings from an upstream have no effect.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use super::context::{Context, PAGING};

/// The default pager, if it is installed; otherwise the text is written directly to the screen.
const DEFAULT: &str = "less";

impl Context {
    /// Writes data to stdout: on a terminal through the pager of GIT_PAGER, git's `core.pager`, PAGER, or `less`, in
    /// this order. git's settings are read in `folder`.
    pub(super) fn page(&self, text: &[u8], folder: &Path) {
        let pager = if self.look.terminal_out { self.pager(folder) } else { None };
        match pager {
            Some(pager) if !text.is_empty() && self.progress.suspend(|| through(&pager, text)) => {}
            _ => self.out_bytes(text),
        }
    }

    fn pager(&self, folder: &Path) -> Option<OsString> {
        let variable = |key| std::env::var_os(key);
        let found = variable("GIT_PAGER")
            .or_else(|| self.git_setting(folder, "core.pager"))
            .or_else(|| variable("PAGER"))
            .unwrap_or_else(|| DEFAULT.into());
        (!found.is_empty() && found != "cat").then_some(found)
    }

    /// Returns a git setting of the user; `None` if there is no such setting, or no git.
    fn git_setting(&self, folder: &Path, key: &str) -> Option<OsString> {
        let mut answer = self.git_unchecked().ask_for_user(folder, &["config", "--get", key]).ok()??;
        if answer.last() == Some(&b'\n') {
            answer.pop();
        }
        Some(OsString::from_vec(answer))
    }
}

/// Runs the pager as git does: by the shell, with git's defaults for `less` and `lv` if the user has none. The pager
/// handles ctrl-C while it runs. `false`: it could not be started, and the text was not shown.
fn through(pager: &OsStr, text: &[u8]) -> bool {
    let mut command = if pager == DEFAULT {
        Command::new(DEFAULT)
    } else {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(pager);
        shell
    };
    for (key, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if std::env::var_os(key).is_none() {
            command.env(key, value);
        }
    }
    PAGING.store(true, Ordering::SeqCst);
    let ended = command.stdin(Stdio::piped()).spawn().and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            // If the user leaves the pager early, that is not an error.
            drop(stdin.write_all(text));
        }
        child.wait()
    });
    PAGING.store(false, Ordering::SeqCst);
    // The shell's exit codes for a program that it does not find, or may not run.
    ended.is_ok_and(|status| !matches!(status.code(), Some(126 | 127)))
}
