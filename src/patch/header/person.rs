//! Reads names and addresses in headers.

use bstr::{BString, ByteSlice};

use crate::patch::model::Person;
use crate::patch::parse::trim;
use crate::patch::words;

/// Reads a `From:` value and decodes its encoded words. Encoded words with `<` or `"` in a name cannot be mistaken for
/// an address, because the name is decoded separately.
pub(super) fn phrase(text: &[u8]) -> Option<Person> {
    let person = person(text)?;
    let name = BString::from(words::decode(&person.name));
    Some(Person { name, ..person })
}

/// Returns the authors of a line with several, `A <a@example.org>, B <b@example.org>`: split after each address.
pub(super) fn each_address(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let next = text.iter().enumerate().filter(|(_, byte)| **byte == b'>').find_map(|(at, _)| {
            let behind = trim(&text[at + 1..]);
            let behind = [b",".as_slice(), b";", b"and ", b"& "].iter().find_map(|word| behind.strip_prefix(*word))?;
            behind.contains(&b'@').then(|| (&text[..=at], trim(behind)))
        });
        let (one, behind) = next.map_or((text, None), |(one, behind)| (one, Some(behind)));
        rest = behind;
        Some(trim(one))
    })
}

/// Reads `Name <address>`, `address (Name)` or a bare address.
fn person(text: &[u8]) -> Option<Person> {
    let text = trim(text);
    if text.is_empty() {
        return None;
    }
    let (name, email) = if let Some(open) = text.rfind(b"<") {
        let close = text[open..].find(b">").map_or(text.len(), |at| open + at);
        (unquoted(trim(&text[..open])), trim(&text[open + 1..close]).to_vec())
    } else if let Some((email, name)) = text.split_once_str(b"(") {
        (trim(name.strip_suffix(b")").unwrap_or(name)).to_vec(), trim(email).to_vec())
    } else {
        (Vec::new(), text.to_vec())
    };
    let name = if name.is_empty() { email.clone() } else { name };
    Some(Person { name: BString::from(name), email: BString::from(email) })
}

/// Returns a name without the double quotes and backslashes of RFC 822.
fn unquoted(name: &[u8]) -> Vec<u8> {
    let Some(inside) = name.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) else { return name.to_vec() };
    let mut out = Vec::new();
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        out.push(if *byte == b'\\' { *bytes.next().unwrap_or(byte) } else { *byte });
    }
    out
}
