//! What a builder prints: to a log, to the screen, and the last of it to whoever asks why it failed.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::context::Context;
use crate::container::StepLog;
use crate::path::printable;
use crate::ui::Task;

/// A secret that is shorter is in too many words to be taken out of them.
const SHORTEST_SECRET: usize = 4;

/// Where the output of one image's builder goes.
pub(super) struct Output<'a> {
    context: &'a Context,
    name: &'a str,
    task: &'a Task,
    file: File,
    path: PathBuf,
    /// The bytes of the line that is not whole yet.
    line: Vec<u8>,
    secrets: &'a [Vec<u8>],
    steps: StepLog,
    failed: Option<io::Error>,
}

impl<'a> Output<'a> {
    /// A log at `path` for the image called `name`, in which none of `secrets` stands.
    pub(super) fn new(
        context: &'a Context,
        name: &'a str,
        task: &'a Task,
        path: &Path,
        secrets: &'a [Vec<u8>],
    ) -> io::Result<Output<'a>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = File::create(path)?;
        let (line, steps) = (Vec::new(), StepLog::default());
        Ok(Output { context, name, task, file, path: path.to_owned(), line, secrets, steps, failed: None })
    }

    /// Takes what the builder printed.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        for chunk in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(chunk);
            if self.line.ends_with(b"\n") {
                self.take_line();
            }
        }
    }

    /// The end of the output. The error is that of the log: the build goes on without one.
    pub(super) fn end(&mut self) -> Option<io::Error> {
        if !self.line.is_empty() {
            self.take_line();
        }
        self.failed.take()
    }

    fn take_line(&mut self) {
        let mut line = std::mem::take(&mut self.line);
        for secret in self.secrets {
            line = without(&line, secret);
        }
        if let Err(error) = self.file.write_all(&line) {
            self.failed.get_or_insert(error);
        }
        let text = printable(line.trim_ascii_end());
        if text.is_empty() {
            return;
        }
        if let Some(step) = self.steps.take(&text) {
            self.task.set(&format!("{}/{}  {}", step.number, step.of, step.text), 0, 0);
        }
        if self.context.verbose {
            self.context.tell(&format!("{} | {text}", self.name));
        }
    }

    /// The lines by steps.
    pub(super) fn steps(&self) -> &StepLog {
        &self.steps
    }

    /// The log.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// `line` with `***` for each place where `secret` is.
fn without(line: &[u8], secret: &[u8]) -> Vec<u8> {
    if secret.len() < SHORTEST_SECRET {
        return line.to_vec();
    }
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.windows(secret.len()).position(|window| window == secret) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(b"***");
        rest = &rest[at + secret.len()..];
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out() {
        assert_eq!(without(b"a hunter2 b hunter2\n", b"hunter2"), b"a *** b ***\n");
        assert_eq!(without(b"an ab\n", b"ab"), b"an ab\n");
    }
}
