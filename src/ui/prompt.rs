//! Asks simple questions, only if stdin and stderr are terminals.

use std::io;

use console::Term;
use dialoguer::{Confirm, Input};

use super::Look;
use super::terminal_mode::KeyMode;
use crate::path::printable;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// No one can be asked. Contains the question.
    #[error("cannot ask '{0}': not on a terminal")]
    NoTerminal(String),
    /// Ctrl-C, or the input ended.
    #[error("interrupted")]
    Interrupted,
    /// The terminal failed.
    #[error("cannot read the answer to '{question}'")]
    Terminal {
        /// The question.
        question: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Asks questions on a terminal.
///
/// Ctrl-C at a question returns [`PromptError::Interrupted`], and the process also gets a `SIGINT`: the program must
/// have a handler for it, or it ends at once. A handler that ends the process while a question is open calls
/// [`super::restore_terminal`] first.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    terminal: bool,
}

impl Asker {
    /// Asks if `look` says that stdin and stderr are terminals.
    #[must_use]
    pub const fn new(look: &Look) -> Asker {
        Asker { terminal: look.terminal_in && look.terminal_err }
    }

    /// Checks whether questions can be asked.
    #[must_use]
    pub const fn can_ask(&self) -> bool {
        self.terminal
    }

    /// Asks for a line of text. An empty answer gives `default` if there is one (it may be empty, and is then not
    /// shown); otherwise the question is repeated. Blanks around the answer are removed. A default that cannot be shown
    /// as it is (it may come from a remote) is not offered.
    ///
    /// # Errors
    /// [`PromptError`] when there is no answer.
    pub fn text(&self, question: &str, default: Option<&str>) -> Result<String, PromptError> {
        let default = default.filter(|default| printable(default.as_bytes()) == **default);
        self.ask(question, |term, shown| {
            let mut input = Input::<String>::new().with_prompt(shown);
            input = match default {
                Some("") => input.allow_empty(true),
                Some(default) => input.default(default.to_owned()),
                None => input,
            };
            loop {
                let answer = input.clone().interact_text_on(term)?;
                match (answer.trim(), default) {
                    ("", None) => {}
                    ("", Some(default)) => return Ok(default.to_owned()),
                    (answer, _) => return Ok(answer.to_owned()),
                }
            }
        })
    }

    /// Asks for yes or no; Enter alone means `default`.
    ///
    /// # Errors
    /// [`PromptError`] when there is no answer.
    pub fn confirm(&self, question: &str, default: bool) -> Result<bool, PromptError> {
        self.ask(question, |term, shown| Confirm::new().with_prompt(shown).default(default).interact_on(term))
    }

    fn ask<T>(
        &self,
        question: &str,
        interact: impl FnOnce(&Term, String) -> Result<T, dialoguer::Error>,
    ) -> Result<T, PromptError> {
        let shown = printable(question.as_bytes());
        if !self.terminal {
            return Err(PromptError::NoTerminal(shown));
        }
        let term = Term::stderr();
        let _mode = KeyMode::enter();
        interact(&term, shown.clone()).map_err(|dialoguer::Error::IO(source)| {
            // The unfinished line is still there; a closed terminal has none.
            term.write_line("").ok();
            match source.kind() {
                io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => PromptError::Interrupted,
                _ => PromptError::Terminal { question: shown, source },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        let asker = Asker::new(&Look { terminal_err: true, ..Look::plain() });
        assert!(!asker.can_ask());
        assert!(
            matches!(asker.text("the url\u{1b}", None), Err(PromptError::NoTerminal(question)) if question == "the url\\x1b")
        );
        assert!(matches!(asker.confirm("go on?", true), Err(PromptError::NoTerminal(_))));
    }
}
