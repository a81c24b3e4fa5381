//! The terminal's mode while a question is open, and its alternate screen.
//!
//! The key reader puts the terminal into raw mode for one key at a time. Between two keys the terminal would echo
//! what is typed, and turn ctrl-C into a signal that no question hears of. So the mode is changed for as long as the
//! question is open, and put back by whoever comes first: the question's end, or a signal handler.

use std::io::{self, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use console::Term;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// The mode to go back to, while a question is open.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether the alternate screen is shown.
static FULL_SCREEN: AtomicBool = AtomicBool::new(false);

/// To the alternate screen, where a row that is longer than the screen does not go on in the next, without the cursor.
const TO_FULL_SCREEN: &str = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[H\x1b[2J";

/// Back to what was there before.
const FROM_FULL_SCREEN: &str = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Holds the terminal on its alternate screen; gives the ordinary one back when dropped.
pub(super) struct FullScreen(Term);

impl FullScreen {
    /// Shows the alternate screen of the terminal on stderr, empty and without a cursor.
    pub(super) fn enter() -> FullScreen {
        let term = Term::stderr();
        FULL_SCREEN.store(true, Ordering::SeqCst);
        // A terminal that is gone is noticed when something is drawn.
        term.write_str(TO_FULL_SCREEN).ok();
        FullScreen(term)
    }

    /// Shows `rows`, as many as the screen has. Nothing is written once the screen was given back.
    pub(super) fn draw(&self, rows: &[String]) -> io::Result<()> {
        // A row is emptied before it is written: behind one as wide as the screen its last sign would go.
        let rows = rows.iter().enumerate().map(|(at, row)| format!("\x1b[{};1H\x1b[0m\x1b[2K{row}", at + 1));
        let frame = rows.collect::<String>() + "\x1b[0m";
        if FULL_SCREEN.load(Ordering::SeqCst) { self.0.write_str(&frame) } else { Ok(()) }
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        leave_full_screen();
    }
}

fn leave_full_screen() {
    if FULL_SCREEN.swap(false, Ordering::SeqCst) {
        Term::stderr().write_str(FROM_FULL_SCREEN).ok();
    }
}

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
    leave_full_screen();
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(before) = before else { return false };
    // A terminal that is gone needs neither cursor nor mode.
    Term::stderr().show_cursor().ok();
    tcsetattr(stdin(), OptionalActions::Drain, &before).ok();
    true
}
