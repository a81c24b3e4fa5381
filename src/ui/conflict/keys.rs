//! Reads one key at a time, and other events that end the wait.

use std::io::stdin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use console::Term;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::ui::PromptError;

/// How long a resize of the terminal, or a request to stop, may go unnoticed.
const LOOK_AROUND: Duration = Duration::from_millis(150);

/// How long the rest of an escape sequence may take on a slow line. After that, it was the escape key.
const REST: Duration = Duration::from_millis(50);

/// How long a paste may pause.
const PASTE: Duration = Duration::from_millis(200);

/// The marks around pasted text (xterm's bracketed paste), after the escape.
const PASTED: [char; 5] = ['[', '2', '0', '0', '~'];
const PASTE_END: [char; 5] = ['[', '2', '0', '1', '~'];

/// Ctrl-D.
const END_OF_INPUT: char = '\u{4}';

/// An input of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// A letter, digit or sign.
    Char(char),
    Enter,
    Escape,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// A key without a meaning here.
    Other,
    /// No key: the terminal was resized.
    Resized,
}

/// Returns rows and columns of the terminal; if it does not report them, the caller's `columns`, or 80.
pub(super) fn size(term: &Term, columns: usize) -> (usize, usize) {
    match term.size_checked() {
        Some((rows, columns)) => (rows.into(), columns.into()),
        None => (24, if columns == 0 { 80 } else { columns }),
    }
}

/// Waits for a key, on a terminal that had the size `drawn` when it was last written to. The terminal is in the mode
/// for keys.
///
/// # Errors
/// [`PromptError::Interrupted`] on ctrl-C, ctrl-D, the end of the input, a closed terminal, and when `stop` is set.
pub(super) fn next(
    term: &Term,
    (columns, drawn): (usize, (usize, usize)),
    stop: &AtomicBool,
) -> Result<Key, PromptError> {
    loop {
        if stop.load(Ordering::SeqCst) {
            return Err(PromptError::Interrupted);
        }
        if size(term, columns) != drawn {
            return Ok(Key::Resized);
        }
        if is_ready(LOOK_AROUND)? {
            return match read(term)? {
                console::Key::Escape => after_escape(term),
                console::Key::UnknownEscSeq(known) => sequence(term, known),
                key => Ok(plain(&key)),
            };
        }
    }
}

/// Checks whether there is something to read within `time`.
fn is_ready(time: Duration) -> Result<bool, PromptError> {
    let stdin = stdin();
    let mut waits = [PollFd::new(&stdin, PollFlags::IN)];
    let time = Timespec::try_from(time).map_err(|_| PromptError::Interrupted)?;
    match poll(&mut waits, Some(&time)) {
        Ok(0) | Err(Errno::INTR) => Ok(false),
        Ok(_) if waits[0].revents().contains(PollFlags::IN) => Ok(true),
        // The terminal was closed: no input will come.
        Ok(_) | Err(_) => Err(PromptError::Interrupted),
    }
}

fn read(term: &Term) -> Result<console::Key, PromptError> {
    match term.read_key_raw() {
        Ok(console::Key::CtrlC | console::Key::Char(END_OF_INPUT)) | Err(_) => Err(PromptError::Interrupted),
        Ok(key) => Ok(key),
    }
}

fn plain(key: &console::Key) -> Key {
    match key {
        console::Key::Char(c) if !c.is_control() => Key::Char(*c),
        console::Key::Enter => Key::Enter,
        console::Key::Escape => Key::Escape,
        console::Key::ArrowUp => Key::Up,
        console::Key::ArrowDown => Key::Down,
        console::Key::PageUp => Key::PageUp,
        console::Key::PageDown => Key::PageDown,
        console::Key::Home => Key::Home,
        console::Key::End => Key::End,
        _ => Key::Other,
    }
}

/// Reads a key after an escape. The rest of a sequence may be late; as separate keys, its letters would be answers.
fn after_escape(term: &Term) -> Result<Key, PromptError> {
    if !is_ready(REST)? {
        return Ok(Key::Escape);
    }
    match read(term)? {
        console::Key::Char(c) => sequence(term, vec![c]),
        key => Ok(plain(&key)),
    }
}

/// Reads a sequence whose beginning is `known`; the key reader stops after three characters.
fn sequence(term: &Term, mut known: Vec<char>) -> Result<Key, PromptError> {
    while !is_whole(&known) && is_ready(REST)? {
        match read(term)? {
            console::Key::Char(c) => known.push(c),
            key => return Ok(plain(&key)),
        }
    }
    if known == PASTED {
        return pasted(term);
    }
    Ok(meaning(&known))
}

/// Reads pasted text to its end and ignores it: it was not meant as an answer.
fn pasted(term: &Term) -> Result<Key, PromptError> {
    let mut last = std::collections::VecDeque::new();
    while is_ready(PASTE)? {
        // The key reader splits the escape sequence in its own way; its characters come in order.
        let next: Vec<char> = match read(term)? {
            console::Key::Char(c) => vec![c],
            console::Key::UnknownEscSeq(chars) => chars,
            _ => continue,
        };
        last.extend(next);
        while last.len() > PASTE_END.len() {
            last.pop_front();
        }
        if last.iter().eq(PASTE_END.iter()) {
            break;
        }
    }
    Ok(Key::Other)
}

/// Checks whether a sequence is complete (ECMA-48): `[`, parameters and a final character; `O` and one more; else one
/// character.
fn is_whole(known: &[char]) -> bool {
    match known {
        [] | ['[' | 'O'] => false,
        ['[', .., last] => matches!(last, '@'..='~'),
        _ => true,
    }
}

/// Returns the meaning of a sequence; terminals differ in the first character of arrows, and in those of Home and End.
fn meaning(known: &[char]) -> Key {
    match known {
        ['[' | 'O', 'A'] => Key::Up,
        ['[' | 'O', 'B'] => Key::Down,
        ['[' | 'O', 'H'] | ['[', '1' | '7', '~'] => Key::Home,
        ['[' | 'O', 'F'] | ['[', '4' | '8', '~'] => Key::End,
        ['[', '5', '~'] => Key::PageUp,
        ['[', '6', '~'] => Key::PageDown,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_read_to_their_end() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        for whole in ["[A", "[5~", "[1;5A", "[15~", "OA", "x"] {
            assert!(is_whole(&chars(whole)), "{whole}");
            assert!(whole.len() == 1 || !is_whole(&chars(&whole[..whole.len() - 1])), "{whole}");
        }
        assert_eq!((meaning(&chars("OB")), meaning(&chars("[6~"))), (Key::Down, Key::PageDown));
        assert_eq!(meaning(&chars("[1;5A")), Key::Other);
    }

    #[test]
    fn control_characters_are_no_letters() {
        assert_eq!(plain(&console::Key::Char('\u{1a}')), Key::Other);
        assert_eq!(plain(&console::Key::Char('u')), Key::Char('u'));
    }
}
