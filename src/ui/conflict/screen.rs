//! The session's screen: the alternate screen of the terminal, while questions are open.

use std::sync::atomic::AtomicBool;

use console::Term;

use super::keys::{self, Key};
use super::pages::{Page, explanations, fold_styled, list};
use super::question::Question;
use super::view::View;
use crate::path::printable;
use crate::ui::terminal_mode::FullScreen;
use crate::ui::{Look, PromptError};

/// Shows conflicts and reads keys, on the alternate screen of the terminal on stdin and stderr; the ordinary screen is
/// restored when this is dropped. If `look` says that there is no terminal, nothing is opened and every question
/// returns [`PromptError::NoTerminal`].
///
/// Ctrl-C is a key here, not a signal. A signal handler that ends the program sets `stop`, or calls
/// [`crate::ui::restore_terminal`] before it exits. Keys that come before a question is shown are discarded, and so is
/// pasted text. Between two questions nothing else may read stdin or write to the terminal outside
/// [`Screen::suspended`] and [`crate::ui::step_out`].
pub struct Screen<'s> {
    look: Look,
    stop: &'s AtomicBool,
    term: Term,
    open: Option<FullScreen>,
    message: Option<String>,
}

impl<'s> Screen<'s> {
    /// Opens the screen. `stop` ends every wait for a key within a moment.
    #[must_use]
    pub fn open(look: Look, stop: &'s AtomicBool) -> Screen<'s> {
        let mut screen = Screen { look, stop, term: Term::stderr(), open: None, message: None };
        screen.enter();
        screen
    }

    fn enter(&mut self) {
        if self.look.terminal_in && self.look.terminal_err {
            self.open = Some(FullScreen::enter());
        }
    }

    /// Shows `text` above the keys of the next question.
    pub fn message(&mut self, text: impl Into<String>) {
        self.message = Some(text.into());
    }

    /// Asks a question, and returns the key of a proposal or a choice of `question`.
    ///
    /// # Errors
    /// [`PromptError`] when there is no answer.
    pub fn ask(&mut self, question: &Question) -> Result<char, PromptError> {
        let mut message = self.message.take();
        let mut scroll = 0;
        self.open.iter().for_each(FullScreen::forget_keys);
        loop {
            let (rows, columns) = self.size();
            let view = View::new(&self.look, columns, rows, question, message.as_deref());
            let taken = |key: Key| matches!(key, Key::Char(c) if c == '?' || question.keys().any(|known| known == c));
            let frame = |scroll: usize| view.frame(scroll);
            let name = question.where_it_is();
            let extent = (view.page(), view.furthest());
            let answer = self.turn((&name, (rows, columns)), &mut scroll, extent, frame, taken)?;
            message = None;
            match answer {
                Key::Char('?') => self.explain(question)?,
                Key::Char(key) if question.keys().any(|known| known == key) => return Ok(key),
                Key::Resized => {}
                key => message = unknown(key, question),
            }
        }
    }

    /// Shows a text to scroll in; each line may be styled, and is broken if it is too long.
    ///
    /// # Errors
    /// [`PromptError`] when it was not left by a key.
    pub fn read(&mut self, title: &str, lines: &[String]) -> Result<(), PromptError> {
        self.page(
            title,
            "q: back   space: more",
            |look, columns| fold_styled(look, columns, lines),
            |key| matches!(key, Key::Char('q') | Key::Escape),
        )
    }

    /// Lets the user choose one of `items`, by its number, or by the arrows and Enter; `None` when nothing was chosen.
    ///
    /// # Errors
    /// [`PromptError`] when there is no answer.
    pub fn choose(&mut self, title: &str, items: &[String]) -> Result<Option<usize>, PromptError> {
        let mut cursor = 0;
        let last = items.len().saturating_sub(1);
        loop {
            let (rows, columns) = self.size();
            let (lines, here) = list(&self.look, columns, items, cursor);
            let page = Page::new(&self.look, (rows, columns), title, lines, "a number, or arrows and enter   q: back");
            // The item is in the middle, unless the list ends before.
            self.draw(title, &page.frame(here.start.saturating_sub(page.page() / 2)))?;
            match keys::next(&self.term, (self.look.width, (rows, columns)), self.stop)? {
                Key::Up | Key::Char('k') => cursor = cursor.saturating_sub(1),
                Key::Down | Key::Char('j') => cursor = (cursor + 1).min(last),
                Key::PageUp | Key::Home => cursor = 0,
                Key::PageDown | Key::End => cursor = last,
                Key::Enter if !items.is_empty() => return Ok(Some(cursor)),
                Key::Char('q') | Key::Escape => return Ok(None),
                Key::Char(c) => {
                    let number = c.to_digit(10).map_or(0, |digit| digit as usize);
                    if (1..=items.len()).contains(&number) {
                        return Ok(Some(number - 1));
                    }
                }
                _ => {}
            }
        }
    }

    /// Restores the ordinary screen and the terminal's mode while `work` runs: an editor, a question of
    /// [`crate::ui::Asker`]. The next question is drawn again.
    pub fn suspended<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.open = None;
        let result = work();
        self.enter();
        result
    }

    fn explain(&self, question: &Question) -> Result<(), PromptError> {
        self.page("what the keys do", "any key: back", |look, columns| explanations(look, columns, question), |_| true)
    }

    /// Shows a page until a key is pressed for which `leaves` is true.
    fn page(
        &self,
        title: &str,
        leave: &'static str,
        text: impl Fn(&Look, usize) -> Vec<String>,
        leaves: impl Fn(Key) -> bool,
    ) -> Result<(), PromptError> {
        let mut scroll = 0;
        loop {
            let (rows, columns) = self.size();
            let page = Page::new(&self.look, (rows, columns), title, text(&self.look, columns), leave);
            let frame = |scroll: usize| page.frame(scroll);
            let extent = (page.page(), page.furthest());
            let key = self.turn((title, (rows, columns)), &mut scroll, extent, frame, |_| false)?;
            if key != Key::Resized && leaves(key) {
                return Ok(());
            }
        }
    }

    /// Shows a frame for a terminal of this `size` and scrolls in it until another key comes. `extent` is how many rows
    /// are on the screen at once and how far it can be scrolled; a key that is `taken` does not scroll.
    fn turn(
        &self,
        (name, size): (&str, (usize, usize)),
        scroll: &mut usize,
        extent: (usize, usize),
        frame: impl Fn(usize) -> Vec<String>,
        taken: impl Fn(Key) -> bool,
    ) -> Result<Key, PromptError> {
        let (page, furthest) = extent;
        *scroll = (*scroll).min(furthest);
        loop {
            self.draw(name, &frame(*scroll))?;
            let key = keys::next(&self.term, (self.look.width, size), self.stop)?;
            // One row of the page before stays, for orientation.
            let step = page.saturating_sub(1).max(1);
            let to = match key {
                _ if furthest == 0 || taken(key) => return Ok(key),
                Key::Up | Key::Char('k') => scroll.saturating_sub(1),
                Key::Down | Key::Char('j') => *scroll + 1,
                Key::PageUp => scroll.saturating_sub(step),
                Key::PageDown | Key::Char(' ') => *scroll + step,
                Key::Home | Key::Char('g') => 0,
                Key::End | Key::Char('G') => furthest,
                key => return Ok(key),
            };
            *scroll = to.min(furthest);
        }
    }

    fn size(&self) -> (usize, usize) {
        keys::size(&self.term, self.look.width)
    }

    /// Draws a frame on the screen; `name` is for the error.
    fn draw(&self, name: &str, frame: &[String]) -> Result<(), PromptError> {
        let Some(screen) = &self.open else { return Err(PromptError::NoTerminal(printable(name.as_bytes()))) };
        // If the terminal accepts no output, it is closed.
        screen.draw(frame).map_err(|_| PromptError::Interrupted)
    }
}

/// Returns a message about a key that is not an answer; none for a key that scrolls elsewhere.
fn unknown(key: Key, question: &Question) -> Option<String> {
    let keys = question.keys().map(|key| key.to_string()).collect::<Vec<_>>().join(" ");
    match key {
        Key::Char(' ' | 'j' | 'k' | 'g' | 'G') => None,
        Key::Char(c) => Some(format!("'{c}' has no meaning here; press one of {keys}, or ? for help")),
        Key::Enter | Key::Escape | Key::Other => Some(format!("press one of {keys}, or ? for help")),
        _ => None,
    }
}
