//! Runs patchq on a separate terminal.

use std::path::Path;

use portable_pty::CommandBuilder;

use super::Env;
use crate::shared::terminal::Terminal;

impl Env {
    /// Starts patchq in the workspace, on a terminal of 100 x 30.
    pub(crate) fn terminal(&self, args: &[&str]) -> Terminal {
        self.terminal_of((100, 30), &self.ws(), &[], args)
    }

    /// Starts patchq in `dir` with more variables, on a terminal of this many columns and rows.
    pub(crate) fn terminal_of(
        &self,
        columns_rows: (u16, u16),
        dir: &Path,
        vars: &[(&str, &str)],
        args: &[&str],
    ) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_patchq"));
        command.args(args);
        command.cwd(dir);
        command.env_clear();
        self.vars().iter().for_each(|(key, value)| command.env(key, value));
        command.env("TERM", "xterm-256color");
        vars.iter().for_each(|(key, value)| command.env(key, value));
        Terminal::start(format!("patchq {}", args.join(" ")), command, columns_rows)
    }
}
