//! Splits text with names in braces into parts: `{version}-x`.

/// A part of such a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Text outside braces.
    Text(&'a str),
    /// A name in braces.
    Name(&'a str),
}

/// A brace without its counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lone {
    /// The brace.
    pub brace: char,
    /// Its position, in characters from 1.
    pub column: usize,
}

/// Returns the parts of `text`, in their order.
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
