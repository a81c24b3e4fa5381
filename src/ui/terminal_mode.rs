//! The terminal's mode while a question is open, and its alternate screen.
//!
//! The key reader puts the terminal into raw mode for one key at a time. Between two keys the terminal would echo
//! what is typed, and turn ctrl-C into a signal that no question hears of. So the mode is changed for as long as the
//! question is open, and put back by whoever comes first: the question's end, or a signal handler.

use std::io::{self, stdin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use console::Term;
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

/// The mode to go back to, while a question is open.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Whether the alternate screen is shown.
static FULL_SCREEN: AtomicBool = AtomicBool::new(false);

/// Set when the process is about to end: nothing is shown any more.
static ENDING: AtomicBool = AtomicBool::new(false);

/// To the alternate screen, where a row that is longer than the screen does not go on in the next, without the cursor; what is
/// pasted comes in brackets.
const TO_FULL_SCREEN: &str = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[?2004h\x1b[H\x1b[2J";

/// Back to what was there before.
const FROM_FULL_SCREEN: &str = "\x1b[0m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Holds the terminal on stderr on its alternate screen, and in the mode for questions; gives both back when dropped.
pub(super) struct FullScreen(());

impl FullScreen {
    /// Shows the alternate screen, empty and without a cursor.
    pub(super) fn enter() -> FullScreen {
        show();
        FullScreen(())
    }

    /// Shows `rows`, as many as the screen has, on the alternate screen, which comes back where [`step_out`] gave it away.
    /// Nothing is written once the process is ending.
    pub(super) fn draw(&self, rows: &[String]) -> io::Result<()> {
        if ENDING.load(Ordering::SeqCst) {
            return Ok(());
        }
        show();
        // A row is emptied before it is written: behind one as wide as the screen its last sign would go.
        let rows = rows.iter().enumerate().map(|(at, row)| format!("\x1b[{};1H\x1b[0m\x1b[2K{row}", at + 1));
        let frame = rows.collect::<String>() + "\x1b[0m";
        Term::stderr().write_str(&frame)
    }

    /// Forgets keys that came before anybody could see what they would answer.
    pub(super) fn forget_keys(&self) {
        // A terminal that is gone has none.
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
        // A terminal that is gone is noticed when something is drawn.
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

/// Gives the ordinary screen and mode back until something is drawn on the full screen again, and says whether that was shown.
/// For what needs the terminal and cannot know who has it: ctrl-C, a password, a message.
pub fn step_out() -> bool {
    let shown = leave_full_screen();
    if shown {
        restore_mode();
    }
    shown
}

/// Holds the terminal in the mode for questions; gives it back when dropped.
pub(super) struct KeyMode(());

impl KeyMode {
    /// Keys are neither echoed nor collected into lines, and ctrl-C is a key. Without a terminal on stdin nothing
    /// changes.
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
        // A terminal that cannot be set is a terminal that cannot be asked; the key reader will say so.
        tcsetattr(stdin(), OptionalActions::Drain, &mode).ok();
    }
}

fn restore_mode() -> bool {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(before) = before else { return false };
    // A terminal that is gone needs neither cursor nor mode.
    Term::stderr().show_cursor().ok();
    tcsetattr(stdin(), OptionalActions::Drain, &before).ok();
    true
}

/// Puts the terminal back for good as it was before the open question, and says whether there was one. A signal handler that
/// is about to leave the process calls it first.
pub fn restore_terminal() -> bool {
    ENDING.store(true, Ordering::SeqCst);
    leave_full_screen();
    restore_mode()
}
