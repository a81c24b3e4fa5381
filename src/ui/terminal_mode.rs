//! Sets the terminal's mode while a question is open, and switches to its alternate screen.
//!
//! The key reader puts the terminal into raw mode for one key at a time. Between two keys the terminal would echo
//! input, and turn ctrl-C into a signal that no question sees. So the mode is changed while the question is open, and
//! restored by its end or by a signal handler, whichever comes first.

use std::io::{self, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use console::Term;
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

/// The mode to restore, while a question is open.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether the alternate screen is shown.
static FULL_SCREEN: AtomicBool = AtomicBool::new(false);

/// Set when the process is about to end: nothing is shown any more.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Switches to the alternate screen: long rows are not continued in the next row, the cursor is hidden, and pasted text
/// comes in brackets.
const TO_FULL_SCREEN: &str = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h\x1b[H\x1b[2J";

/// Switches back to the screen before.
const FROM_FULL_SCREEN: &str = "\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Keeps the terminal on stderr on its alternate screen, and in the mode for questions; restores both when dropped.
pub(super) struct FullScreen(());

impl FullScreen {
    /// Shows the alternate screen, empty and without a cursor.
    pub(super) fn enter() -> FullScreen {
        show();
        FullScreen(())
    }

    /// Shows `rows`, as many as the screen has, on the alternate screen, and switches to it again after [`step_out`].
    /// Nothing is written once the process is ending.
    pub(super) fn draw(&self, rows: &[String]) -> io::Result<()> {
        if ENDING.load(Ordering::SeqCst) {
            return Ok(());
        }
        show();
        // A row is erased before it is written: after a row as wide as the screen, erasing would remove its last
        // character.
        let rows = rows.iter().enumerate().map(|(at, row)| format!("\x1b[{};1H\x1b[0m\x1b[2K{row}", at + 1));
        let frame = rows.collect::<String>() + "\x1b[0m";
        Term::stderr().write_str(&frame)
    }

    /// Discards keys that were pressed before the question was visible.
    pub(super) fn forget_keys(&self) {
        // A closed terminal has none.
        tcflush(stdin(), QueueSelector::IFlush).ok();
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        leave_full_screen();
        restore_mode();
    }
}

fn show() {
    if !FULL_SCREEN.swap(true, Ordering::SeqCst) {
        // A closed terminal is noticed when something is drawn.
        Term::stderr().write_str(TO_FULL_SCREEN).ok();
        enter_mode();
    }
}

fn leave_full_screen() -> bool {
    let shown = FULL_SCREEN.swap(false, Ordering::SeqCst);
    if shown {
        Term::stderr().write_str(FROM_FULL_SCREEN).ok();
    }
    shown
}

/// Restores the ordinary screen and mode until something is drawn on the full screen again, and returns whether that
/// was shown. For code that needs the terminal and cannot know who uses it: ctrl-C, a password, a message.
pub fn step_out() -> bool {
    let shown = leave_full_screen();
    if shown {
        restore_mode();
    }
    shown
}

/// Keeps the terminal in the mode for questions; restores it when dropped.
pub(super) struct KeyMode(());

impl KeyMode {
    /// Sets the mode: keys are neither echoed nor collected into lines, and ctrl-C is a key. Without a terminal on
    /// stdin nothing changes.
    pub(super) fn enter() -> KeyMode {
        enter_mode();
        KeyMode(())
    }
}

impl Drop for KeyMode {
    fn drop(&mut self) {
        restore_mode();
    }
}

fn enter_mode() {
    if let Ok(before) = tcgetattr(stdin()) {
        let mut mode = before.clone();
        mode.local_modes.remove(LocalModes::ISIG | LocalModes::ICANON | LocalModes::ECHO);
        BEFORE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(before);
        // If the mode cannot be set, the key reader will report it.
        tcsetattr(stdin(), OptionalActions::Drain, &mode).ok();
    }
}

fn restore_mode() -> bool {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(before) = before else { return false };
    // A closed terminal needs neither cursor nor mode.
    Term::stderr().show_cursor().ok();
    tcsetattr(stdin(), OptionalActions::Drain, &before).ok();
    true
}

/// Restores the terminal permanently to its state before the open question, and returns whether there was one. A signal
/// handler that is about to end the process calls it first.
pub fn restore_terminal() -> bool {
    ENDING.store(true, Ordering::SeqCst);
    leave_full_screen();
    restore_mode()
}
