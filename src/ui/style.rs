//! Describes what the terminal can show, and the colours.

use console::Style;

/// The value of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourChoice {
    /// Colour if the output is a terminal.
    #[default]
    Auto,
    /// Colour always.
    Always,
    /// No colour.
    Never,
}

/// All settings for colour, as plain values: the caller reads arguments and environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColourOptions {
    /// `--color`.
    pub choice: ColourChoice,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set, not empty and not `0`.
    pub force: bool,
    /// `TERM` is `dumb` or not set.
    pub dumb: bool,
}

/// Checks whether to colour a stream, which is a terminal or not. The argument overrides the environment, and
/// `NO_COLOR` overrides `CLICOLOR_FORCE` (<https://no-color.org>, <https://bixense.com/clicolors>).
#[must_use]
pub fn use_colour(wishes: ColourOptions, terminal: bool) -> bool {
    match wishes.choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto if wishes.no_color => false,
        ColourChoice::Auto => wishes.force || (terminal && !wishes.dumb),
    }
}

/// The properties of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether to write colours.
    pub colour: bool,
    /// Columns of the terminal; 0 if lines have no limit (a pipe, a file).
    pub width: usize,
    /// Whether stdin is a terminal: without one no one can answer.
    pub terminal_in: bool,
    /// Whether stdout is a terminal.
    pub terminal_out: bool,
    /// Whether stderr is a terminal.
    pub terminal_err: bool,
    /// Whether the terminal can show more than ASCII.
    pub unicode: bool,
}

impl Look {
    /// Returns the look without a terminal: no colour, no width.
    #[must_use]
    pub const fn plain() -> Look {
        Look { colour: false, width: 0, terminal_in: false, terminal_out: false, terminal_err: false, unicode: true }
    }

    /// Checks whether a line with this text and no colours fits on the screen.
    #[must_use]
    pub fn fits(&self, line: &str) -> bool {
        self.width == 0 || console::measure_text_width(line) <= self.width
    }

    /// Returns the mark for text that was cut off.
    #[must_use]
    pub const fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// Returns `text` in the colour of `paint`, or unchanged without colours.
    #[must_use]
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        paint.style().force_styling(true).apply_to(text).to_string()
    }
}

/// The colours by their meaning. Words and marks say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As the text around it.
    Plain,
    /// An error.
    Bad,
    /// A warning.
    Careful,
    /// Success.
    Good,
    /// A hint, a command to paste.
    Hint,
    /// A heading, a name.
    Strong,
    /// Less important.
    Faint,
    /// A removed line, in git's colour.
    Gone,
}

impl Paint {
    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Paint::Plain => style,
            Paint::Bad => style.red().bold(),
            Paint::Careful => style.yellow().bold(),
            Paint::Good => style.green(),
            Paint::Hint => style.cyan(),
            Paint::Strong => style.bold(),
            Paint::Faint => style.dim(),
            Paint::Gone => style.red(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_decides_over_the_environment() {
        let loud = ColourOptions { no_color: true, choice: ColourChoice::Always, ..ColourOptions::default() };
        let quiet = ColourOptions { force: true, choice: ColourChoice::Never, ..ColourOptions::default() };
        assert!(use_colour(loud, false) && !use_colour(quiet, true));
    }

    #[test]
    fn auto_follows_terminal_and_environment() {
        let auto = ColourOptions::default();
        assert!(use_colour(auto, true) && !use_colour(auto, false));
        assert!(!use_colour(ColourOptions { no_color: true, force: true, ..auto }, true));
        assert!(use_colour(ColourOptions { force: true, ..auto }, false));
        assert!(!use_colour(ColourOptions { dumb: true, ..auto }, true));
    }

    #[test]
    fn paint_is_only_put_on_where_colour_is_wanted() {
        let look = Look { colour: true, ..Look::plain() };
        assert_eq!(look.paint(Paint::Good, "x"), "\u{1b}[32mx\u{1b}[0m");
        assert_eq!(Look::plain().paint(Paint::Good, "x"), "x");
        assert_eq!(look.paint(Paint::Bad, ""), "");
    }
}
