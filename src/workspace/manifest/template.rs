//! The text of an image tag with its placeholders.

use std::fmt;

use crate::path::printable;

/// A checked template of a tag, such as `{version}-{commit}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// Text that stands for itself.
    Text(String),
    /// A placeholder.
    Field(Field),
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The version of the pin, or the manifest's `version`.
    Version,
    /// The version from its first digit, where it contains N.N.
    Semver,
    /// The first 8 digits of the pin.
    Commit,
    /// 8 digits of the queue's digest.
    Queue,
    /// The pin's commit date, YYYYMMDD.
    Date,
    /// The track, where it is a branch.
    Branch,
}

/// Why some text is no template of a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// Nothing at all.
    #[error("it must not be empty")]
    Empty,
    /// A placeholder that does not exist.
    #[error("unknown placeholder '{{{name}}}' in '{text}'; {expected}")]
    Unknown {
        /// The template, printable.
        text: String,
        /// What stands between the braces, printable.
        name: String,
        /// The nearest placeholder, or all of them.
        expected: String,
    },
    /// A brace without its partner.
    #[error("'{0}' has a brace without its partner")]
    Brace(String),
    /// A character that registries refuse.
    #[error("'{text}' contains '{c}'; a tag may have letters, digits, '.', '_', '-' ('+' and '/' are replaced)")]
    Character {
        /// The template, printable.
        text: String,
        /// The character, printable.
        c: String,
    },
    /// A first character that registries refuse.
    #[error("'{0}' must not begin with '.' or '-'")]
    First(String),
    /// More text than a tag can hold.
    #[error("'{0}' is longer than 128 characters")]
    TooLong(String),
}

impl Field {
    /// All placeholders, in the order of the documentation.
    pub const ALL: [Field; 6] =
        [Field::Version, Field::Semver, Field::Commit, Field::Queue, Field::Date, Field::Branch];

    /// The name between the braces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Field::Version => "version",
            Field::Semver => "semver",
            Field::Commit => "commit",
            Field::Queue => "queue",
            Field::Date => "date",
            Field::Branch => "branch",
        }
    }
}

impl Template {
    /// Checks `text` and takes it apart.
    ///
    /// # Errors
    /// [`BadTemplate`].
    pub fn parse(text: &str) -> Result<Template, BadTemplate> {
        let shown = || printable(text.as_bytes());
        if text.is_empty() {
            return Err(BadTemplate::Empty);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let literal = &rest[..rest.find(['{', '}']).unwrap_or(rest.len())];
            rest = &rest[literal.len()..];
            if !literal.is_empty() {
                check_literal(text, literal, parts.is_empty())?;
                parts.push(Part::Text(literal.to_owned()));
            } else {
                let (name, after) = rest
                    .strip_prefix('{')
                    .and_then(|inner| inner.split_once('}'))
                    .ok_or_else(|| BadTemplate::Brace(shown()))?;
                parts.push(Part::Field(field(text, name)?));
                rest = after;
            }
        }
        let literal: usize = parts.iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum();
        if literal > 128 {
            return Err(BadTemplate::TooLong(shown()));
        }
        Ok(Template { text: text.to_owned(), parts })
    }

    /// The text as the manifest has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pieces in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether `field` occurs.
    #[must_use]
    pub fn has(&self, field: Field) -> bool {
        self.parts.contains(&Part::Field(field))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The manifest's own `version`: fixed text that a tag can hold.
///
/// # Errors
/// [`BadTemplate`]; a brace is a character like any other here.
pub(super) fn check_version(text: &str) -> Result<(), BadTemplate> {
    if text.is_empty() {
        return Err(BadTemplate::Empty);
    }
    if text.len() > 128 {
        return Err(BadTemplate::TooLong(printable(text.as_bytes())));
    }
    check_literal(text, text, true)
}

/// Text of a tag: what registries take (`[A-Za-z0-9_][A-Za-z0-9_.-]*`), and `+` and `/`, which are replaced later.
fn check_literal(text: &str, literal: &str, first: bool) -> Result<(), BadTemplate> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
    if let Some(c) = literal.chars().find(|c| !fits(*c)) {
        let c = printable(c.to_string().as_bytes());
        return Err(BadTemplate::Character { text: printable(text.as_bytes()), c });
    }
    // '/' becomes '-'.
    if first && literal.starts_with(['.', '-', '/']) {
        return Err(BadTemplate::First(printable(text.as_bytes())));
    }
    Ok(())
}

fn field(text: &str, name: &str) -> Result<Field, BadTemplate> {
    Field::ALL.into_iter().find(|field| field.name() == name).ok_or_else(|| {
        let names = Field::ALL.map(Field::name);
        let expected = match super::errors::nearest(name, &names) {
            Some(near) => format!("did you mean '{{{near}}}'?"),
            None => format!("expected one of {}", names.map(|name| format!("{{{name}}}")).join(" ")),
        };
        BadTemplate::Unknown { text: printable(text.as_bytes()), name: printable(name.as_bytes()), expected }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_taken_apart() {
        let parts = Template::parse("{semver}-cp38_{date}").map(|template| template.parts().to_vec());
        let expected = [Part::Field(Field::Semver), Part::Text("-cp38_".to_owned()), Part::Field(Field::Date)];
        assert_eq!(parts, Ok(expected.to_vec()));
        assert_eq!(Template::parse("{queue}").map(|t| (t.has(Field::Queue), t.has(Field::Date))), Ok((true, false)));
    }

    #[test]
    fn templates_that_are_refused() {
        for text in ["", "{", "}", "a{b", "{}", "{versoin}", "a b", "-x", ".x", "/x", "ä", "{version}:x"] {
            assert!(Template::parse(text).is_err(), "{text:?} was taken");
        }
        assert!(Template::parse(&"a".repeat(129)).is_err());
        assert!(check_version("1.11.0").is_ok() && check_version("{version}").is_err() && check_version("").is_err());
    }
}
