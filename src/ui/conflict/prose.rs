//! Formats sentences and names on the screen.

use unicode_width::UnicodeWidthStr;

use super::glyphs::Line;
use super::ink::{Ink, write};
use crate::path::printable;
use crate::ui::Look;

/// Breaks `text` into rows of at most `width` columns, after blanks if there are any.
pub(super) fn wrap(look: &Look, text: &str, width: usize) -> Vec<String> {
    // A line feed is a blank here: the caller splits lines itself.
    let line = Line::new(look, text.replace('\n', " ").as_bytes());
    line.fold(width.max(1)).into_iter().map(|row| line.shown(row).trim_end().to_owned()).collect()
}

/// Writes `text` after `prefix`, with further rows below the text's beginning.
pub(super) fn hanging(look: &Look, prefix: (&str, Ink), text: (&str, Ink), width: usize) -> Vec<String> {
    let (prefix, prefix_ink) = prefix;
    // A prefix must leave room for the text after it.
    let indent = prefix.width().min(width / 2);
    let rows = wrap(look, text.0, width.saturating_sub(indent)).into_iter().enumerate();
    let rows = rows.map(|(at, row)| {
        let front = if at == 0 { cut(look, prefix, indent) } else { String::new() };
        let blanks = " ".repeat(indent - front.width());
        format!("{}{blanks}{}", write(look, prefix_ink, &front), write(look, text.1, &row))
    });
    rows.collect()
}

/// Returns `text` printable and cut to `width` columns.
pub(super) fn cut(look: &Look, text: &str, width: usize) -> String {
    let text = printable(text.as_bytes());
    if text.width() <= width {
        return text;
    }
    let ellipsis = look.ellipsis();
    if ellipsis.width() > width {
        return String::new();
    }
    console::truncate_str(&text, width, ellipsis).into_owned()
}

/// Returns both in one row if they fit, else each in its own rows; the first is a name.
pub(super) fn name_and_text(look: &Look, name: &str, text: &str, width: usize) -> Vec<String> {
    let (name, text) = (printable(name.as_bytes()), printable(text.as_bytes()));
    if name.width() + 2 + text.width() <= width {
        return vec![format!("{}  {text}", write(look, Ink::Strong, &name)).trim_end().to_owned()];
    }
    let names = wrap(look, &name, width).into_iter().map(|row| write(look, Ink::Strong, &row));
    names.chain(hanging(look, ("  ", Ink::Plain), (&text, Ink::Plain), width)).collect()
}
