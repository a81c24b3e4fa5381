//! The result of a program, and assertions that show all of it when they fail.

use std::process::Output;

use super::hints::wrong_hint;

/// The result of a program.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) what: String,
    /// The exit code; `None`: killed by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(what: String, output: &Output) -> Run {
        let run = Run {
            what,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        // git has its own hints.
        if run.what.starts_with("patchq ") {
            for hint in run.stderr.lines().filter_map(|line| line.strip_prefix("hint: ")) {
                if let Some(wrong) = wrong_hint(hint) {
                    panic!("the hint '{hint}' {wrong}\n{}", run.shown());
                }
            }
        }
        run
    }

    /// Returns everything, for a failing assertion.
    pub(crate) fn shown(&self) -> String {
        let Run { what, code, stdout, stderr } = self;
        format!("{what}\nexit code: {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}---")
    }

    /// Checks for exit code 0.
    #[track_caller]
    pub(crate) fn ok(self) -> Run {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Run {
        assert_eq!(self.code, Some(code), "{}", self.shown());
        self
    }

    /// Checks that stderr contains `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Run {
        assert!(self.stderr.contains(text), "stderr lacks '{text}'\n{}", self.shown());
        self
    }

    #[track_caller]
    pub(crate) fn says_not(self, text: &str) -> Run {
        assert!(!self.stderr.contains(text), "stderr has '{text}'\n{}", self.shown());
        self
    }

    /// Checks for a line `hint: … text …`.
    #[track_caller]
    pub(crate) fn hints(self, text: &str) -> Run {
        let found = self.stderr.lines().any(|line| line.trim_start().starts_with("hint:") && line.contains(text));
        assert!(found, "no hint has '{text}'\n{}", self.shown());
        self
    }

    /// Checks for exactly one error.
    #[track_caller]
    pub(crate) fn one_error(self) -> Run {
        let errors = self.stderr.lines().filter(|line| line.starts_with("error:")).count();
        assert_eq!(errors, 1, "{}", self.shown());
        self
    }

    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Run {
        assert!(self.stdout.contains(text), "stdout lacks '{text}'\n{}", self.shown());
        self
    }

    /// Returns the JSON document on stdout, which must contain nothing else.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("stdout is not a JSON document: {error}\n{}", self.shown()),
        }
    }
}
