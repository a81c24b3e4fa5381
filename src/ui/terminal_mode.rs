//! The terminal's mode while a question is open.
//!
//! The key reader puts the terminal into raw mode for one key at a time. Between two keys the terminal would echo
//! what is typed, and turn ctrl-C into a signal that no question hears of. So the mode is changed for as long as the
//! question is open, and put back by whoever comes first: the question's end, or a signal handler.

use std::io::stdin;
use std::sync::{Mutex, PoisonError};

use console::Term;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The mode to go back to, while a question is open.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Holds the terminal in the mode for questions; gives it back when dropped.
pub(super) struct KeyMode(());

impl KeyMode {
    /// Keys are neither echoed nor collected into lines, and ctrl-C is a key. Without a terminal on stdin nothing
    /// changes.
    pub(super) fn enter() -> KeyMode {
        if let Ok(before) = tcgetattr(stdin()) {
            let mut mode = before.clone();
            mode.local_modes.remove(LocalModes::ISIG | LocalModes::ICANON | LocalModes::ECHO);
            BEFORE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(before);
            // A terminal that cannot be set is a terminal that cannot be asked; the key reader will say so.
            tcsetattr(stdin(), OptionalActions::Drain, &mode).ok();
        }
        KeyMode(())
    }
}

impl Drop for KeyMode {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Puts the terminal back as it was before the open question, and says whether there was one. A signal handler that
/// is about to leave the process calls it first.
pub fn restore_terminal() -> bool {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(before) = before else { return false };
    // A terminal that is gone needs neither cursor nor mode.
    Term::stderr().show_cursor().ok();
    tcsetattr(stdin(), OptionalActions::Drain, &before).ok();
    true
}
