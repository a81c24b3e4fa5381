//! The colours of a conflict: upstream's words cyan, the patch's green, removed ones red, those of neither side yellow.
//! Words are also underlined, and without colours a line of marks is below them; whole lines have a sign in front.

use console::Style;

use crate::ui::Look;

/// The style of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// No style.
    Plain,
    /// A name, a title.
    Strong,
    /// Less important: context, numbers, representations of control characters.
    Faint,
    /// A key.
    Key,
    /// A warning.
    Careful,
    /// A word that a side removed.
    Gone,
    /// A word from upstream.
    Upstream,
    /// A word from the patch.
    Patch,
    /// A word that neither side has.
    Neither,
    /// A line that a side removed; lines have a sign in front and are many, so their colour is weaker than that of
    /// words.
    GoneLine,
    /// A line from upstream.
    UpstreamLine,
    /// A line from the patch.
    PatchLine,
    /// A line that neither side has.
    NeitherLine,
}

/// Returns `text` in `ink`, or unchanged without colours.
pub(super) fn write(look: &Look, ink: Ink, text: &str) -> String {
    let style = Style::new();
    let style = match ink {
        Ink::Plain => return text.to_owned(),
        Ink::Strong => style.bold(),
        Ink::Faint => style.dim(),
        Ink::Key => style.cyan().bold(),
        Ink::Careful => style.yellow().bold(),
        Ink::Gone => style.red().bold().underlined(),
        Ink::Upstream => style.cyan().bold().underlined(),
        Ink::Patch => style.green().bold().underlined(),
        Ink::Neither => style.yellow().bold().underlined(),
        Ink::GoneLine => style.red(),
        Ink::UpstreamLine => style.cyan(),
        Ink::PatchLine => style.green(),
        Ink::NeitherLine => style.yellow(),
    };
    if !look.colour || text.is_empty() {
        return text.to_owned();
    }
    style.force_styling(true).apply_to(text).to_string()
}
