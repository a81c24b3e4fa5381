//! Expands variables in a word: `$NAME`, `${NAME:-word}` and the like; removes quotes.

use bstr::{BString, ByteSlice};

use crate::path::printable;

/// Why a word has no value. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A `${` without `}`, or an unclosed quote.
    #[error("'{0}' has no end")]
    Open(String),
    /// An unsupported form.
    #[error(
        "'{0}' is not a form of a variable that can be worked out here; expected $NAME, ${{NAME}}, ${{NAME:-word}} or ${{NAME:+word}}"
    )]
    Form(String),
    /// `${NAME:?word}` for a variable without a value.
    #[error("'{name}' has no value: {why}")]
    Required {
        /// The variable.
        name: String,
        /// The message in the Dockerfile.
        why: String,
    },
}

/// Returns the value of a variable, if it has one.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<BString>;

/// Returns `word` with its variables replaced and its quotes removed. A variable without a value becomes empty.
///
/// # Errors
/// [`ExpandError`].
pub(super) fn expand(word: &[u8], escape: u8, lookup: Lookup<'_>) -> Result<BString, ExpandError> {
    let mut expander = Expander { text: word, at: 0, escape, lookup };
    expander.run(false)
}

struct Expander<'a> {
    text: &'a [u8],
    at: usize,
    escape: u8,
    lookup: Lookup<'a>,
}

impl Expander<'_> {
    /// Expands up to the end of the text, or `within` braces up to the closing one (which is consumed).
    fn run(&mut self, within: bool) -> Result<BString, ExpandError> {
        let mut out = BString::default();
        while let Some(byte) = self.take() {
            match byte {
                b'}' if within => return Ok(out),
                b'\'' => {
                    let rest = &self.text[self.at..];
                    let length = rest.find_byte(b'\'').ok_or_else(|| self.open())?;
                    out.extend_from_slice(&rest[..length]);
                    self.at += length + 1;
                }
                b'"' => self.quoted(&mut out)?,
                b'$' => self.variable(&mut out)?,
                _ if byte == self.escape => out.extend(self.take()),
                _ => out.push(byte),
            }
        }
        if within { Err(self.open()) } else { Ok(out) }
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn open(&self) -> ExpandError {
        ExpandError::Open(printable(self.text))
    }

    /// Expands the text in double quotes, up to the closing one.
    fn quoted(&mut self, out: &mut BString) -> Result<(), ExpandError> {
        while let Some(byte) = self.take() {
            match byte {
                b'"' => return Ok(()),
                b'$' => self.variable(out)?,
                _ if byte == self.escape => match self.take() {
                    Some(next) if next == b'"' || next == b'$' || next == self.escape => out.push(next),
                    next => {
                        out.push(byte);
                        out.extend(next);
                    }
                },
                _ => out.push(byte),
            }
        }
        Err(self.open())
    }

    /// Expands the variable after a `$`.
    fn variable(&mut self, out: &mut BString) -> Result<(), ExpandError> {
        if self.text.get(self.at) != Some(&b'{') {
            let name = self.name();
            if name.is_empty() {
                out.push(b'$');
            } else {
                out.extend((self.lookup)(&name).unwrap_or_default().iter());
            }
            return Ok(());
        }
        let start = self.at - 1;
        self.at += 1;
        let name = self.name();
        let value = (self.lookup)(&name);
        let form = |at: usize| ExpandError::Form(printable(&self.text[start..at]));
        if name.is_empty() {
            return Err(form(self.text.len()));
        }
        let mut operator = self.take().ok_or_else(|| self.open())?;
        if operator == b'}' {
            out.extend(value.unwrap_or_default().iter());
            return Ok(());
        }
        // With a colon an empty value counts as no value.
        let colon = operator == b':';
        if colon {
            operator = self.take().ok_or_else(|| self.open())?;
        }
        let value = value.filter(|value| !(colon && value.is_empty()));
        if !matches!(operator, b'-' | b'+' | b'?') {
            return Err(form(self.text.len()));
        }
        let word = self.run(true)?;
        match (operator, value) {
            (b'+', Some(_)) => out.extend(word.iter()),
            (b'+', None) => {}
            (_, Some(value)) => out.extend(value.iter()),
            (b'-', None) => out.extend(word.iter()),
            (_, None) => return Err(ExpandError::Required { name, why: printable(&word) }),
        }
        Ok(())
    }

    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let fits =
            |(at, byte): (usize, &u8)| *byte == b'_' || byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit());
        let length = rest.iter().enumerate().take_while(|one| fits(*one)).count();
        self.at += length;
        rest[..length].to_str_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> Result<String, String> {
        let value = |name: &str| match name {
            "A" => Some(BString::from("a")),
            "EMPTY" => Some(BString::default()),
            _ => None,
        };
        let out = expand(word.as_bytes(), b'\\', &value);
        out.map(|out| out.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_of_the_reference() {
        let cases = [
            ("x$A-$B.", "xa-."),
            ("${A}b${B}", "ab"),
            ("${B:-d}${EMPTY:-d}${EMPTY-d}${A:-d}", "dda"),
            ("${A:+x}${B:+x}${EMPTY:+x}${EMPTY+x}", "xx"),
            ("${B:-${A}$A}", "aa"),
            ("${A:?no}", "a"),
            (r"\$A\\", r"$A\"),
            ("'$A' \"$A'\"", "$A a'"),
            (r#"nightly"$A""#, "nightlya"),
            (r#""\$A \x \"""#, r#"$A \x ""#),
            ("a$", "a$"),
            ("$1", "$1"),
        ];
        for (word, wanted) in cases {
            assert_eq!(of(word), Ok(wanted.to_owned()), "{word}");
        }
    }

    #[test]
    fn what_has_no_value() {
        assert_eq!(of("${B:?say which}"), Err("'B' has no value: say which".to_owned()));
        for word in ["${A", "${A:", "'a", "\"a", "${A:-x"] {
            assert!(of(word).is_err_and(|text| text.ends_with("has no end")), "{word}");
        }
        for word in ["${}", "${A#x}", "${A/x/y}", "${A%x}", "${1}"] {
            assert!(of(word).is_err_and(|text| text.contains("is not a form of a variable")), "{word}");
        }
    }
}
