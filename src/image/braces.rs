//! Text with names between braces, taken apart: `{version}-x`.

/// A piece of such a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// What stands outside of braces.
    Text(&'a str),
    /// What stands between two of them.
    Name(&'a str),
}

/// A brace without its other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lone {
    /// The brace.
    pub brace: char,
    /// Where it stands, in characters from 1.
    pub column: usize,
}

/// The parts of `text`, in their order.
///
/// # Errors
/// [`Lone`].
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, Lone> {
    let lone = |brace, at: usize| Lone { brace, column: text[..at].chars().count() + 1 };
    let mut parts = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(open) = rest.find(['{', '}']) else {
            parts.push(Part::Text(rest));
            break;
        };
        if open > 0 {
            parts.push(Part::Text(&rest[..open]));
        }
        if rest[open..].starts_with('}') {
            return Err(lone('}', at + open));
        }
        let inside = &rest[open + 1..];
        let close = match inside.find(['{', '}']) {
            Some(close) if inside[close..].starts_with('}') => close,
            _ => return Err(lone('{', at + open)),
        };
        parts.push(Part::Name(&inside[..close]));
        at += open + 1 + close + 1;
    }
    Ok(parts)
}
