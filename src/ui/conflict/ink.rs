//! The colours of a conflict: upstream's words cyan, the patch's green, what is gone red, what nobody has yellow. Words are
//! underlined besides, and where there are no colours a line of marks stands below them; whole lines have a sign in front.

use console::Style;

use crate::ui::Look;

/// How a piece of text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// As it is.
    Plain,
    /// A name, a title.
    Strong,
    /// Of less interest: context, numbers, what stands for a control character.
    Faint,
    /// A key.
    Key,
    /// Look at this.
    Careful,
    /// A word that a side took away.
    Gone,
    /// A word of upstream's.
    Upstream,
    /// A word of the patch's.
    Patch,
    /// A word that neither side has.
    Neither,
    /// A line that a side took away; lines have a sign in front and are many, so they are quieter than words.
    GoneLine,
    /// A line of upstream's.
    UpstreamLine,
    /// A line of the patch's.
    PatchLine,
    /// A line that neither side has.
    NeitherLine,
}

/// `text` in `ink`, or as it is where there are no colours.
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
