//! Writes and reads a decision as a file for review in a pull request: TOML, with one line of text per line, each with
//! its line end.
//!
//! ```toml
//! schema = 1
//! path = "components/Makefile"
//! also = []
//! patch = "0001-build-less.patch"
//! pin = "…"
//! old-pin = "…"
//! author = { name = "A Maintainer", email = "a@example.org" }
//! date = "2024-02-01T10:00:00+01:00"
//! digest = "…"
//!
//! [lines]
//! base = [
//!     "all: one two\n",
//! ]
//! upstream = […]
//! patch = […]
//! decided = […]
//! above = […]         # lines right before and behind these that both sides brought, where there are any
//! below = […]
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bstr::{BString, ByteSlice};
use serde::Deserialize;

use super::entry::{DecisionOrigin, Entry, Unfit};
use crate::git::Id;
use crate::patch::{Date, Person};
use crate::path::{BadPath, RepoPath, printable, steers_the_terminal};
use crate::workspace::files::digest::Sum;
use crate::workspace::files::disk::FileError;

/// The format version that is written, and the only one that is read.
const SCHEMA: i64 = 1;
const HEAD: &str = "# How a conflict was decided, remembered by patchq; with a change by hand the digest is wrong and it is ignored.\n";

/// Why a file is not accepted as a decision.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It cannot be read, or is not a regular file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is larger than the limit.
    #[error("it is larger than {} bytes", super::LARGEST)]
    TooLarge,
    /// It is no UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// It is not TOML, or a key is missing or unknown.
    #[error("line {line}: {message}")]
    Toml {
        /// The line, from 1.
        line: usize,
        /// The parser's message, printable, in one line.
        message: String,
    },
    /// Another version of patchq wrote it.
    #[error("its schema is not {SCHEMA}; another version of patchq wrote it")]
    Schema,
    /// An invalid value.
    #[error("'{0}' has no valid value")]
    Value(&'static str),
    /// A path that leaves the tree.
    #[error(transparent)]
    Path(#[from] BadPath),
    /// Somebody changed it.
    #[error("its digest does not match its content")]
    Digest,
    /// It is called otherwise than its texts and path say.
    #[error("its name does not match its texts and path, {0}.toml")]
    Name(String),
    /// Its content is not trusted.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// Returns the bytes of an entry's file; the same for the same entry.
pub(super) fn print(entry: &Entry) -> Vec<u8> {
    let DecisionOrigin { author, date, pin, old_pin } = &entry.made;
    let also: Vec<String> = entry.also.iter().map(|path| text(path.as_bytes())).collect();
    let mut out = HEAD.to_owned();
    let mut key = |key: &str, value: &str| out.push_str(&format!("{key} = {value}\n"));
    key("schema", &SCHEMA.to_string());
    key("path", &text(entry.path.as_bytes()));
    key("also", &format!("[{}]", also.join(", ")));
    key("patch", &string(&entry.file));
    key("pin", &string(&pin.to_string()));
    if let Some(old) = old_pin {
        key("old-pin", &string(&old.to_string()));
    }
    key("author", &format!("{{ name = {}, email = {} }}", text(&author.name), text(&author.email)));
    key("date", &string(&date.iso8601()));
    key("digest", &string(&entry.digest().to_string()));
    out.push_str("\n[lines]\n");
    let [above, below] = &entry.alike;
    let texts =
        [("base", &entry.base), ("upstream", &entry.upstream), ("patch", &entry.patch), ("decided", &entry.text)];
    let around = [("above", above), ("below", below)].into_iter().filter(|(_, lines)| !lines.is_empty());
    for (name, lines) in texts.into_iter().chain(around) {
        out.push_str(&format!("{name} = ["));
        lines.lines_with_terminator().for_each(|line| out.push_str(&format!("\n    {},", text(line))));
        out.push_str(if lines.is_empty() { "]\n" } else { "\n]\n" });
    }
    out.into_bytes()
}

/// Returns the entry in `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Entry, Damage> {
    let source = bytes.to_str().map_err(|_| Damage::NotUtf8)?;
    let faulty = |error: toml::de::Error| {
        let before = error.span().and_then(|span| source.get(..span.start)).unwrap_or_default();
        Damage::Toml { line: before.matches('\n').count() + 1, message: printable(error.message().as_bytes()) }
    };
    let Schema { schema } = toml::from_str(source).map_err(faulty)?;
    if schema != SCHEMA {
        return Err(Damage::Schema);
    }
    let form: Form = toml::from_str(source).map_err(faulty)?;
    let digest = form.digest.parse::<Sum>().map_err(|_| Damage::Value("digest"))?;
    let entry = form.entry()?;
    if entry.digest() != digest {
        return Err(Damage::Digest);
    }
    entry.check()?;
    Ok(entry)
}

/// The fields that every version of the format has.
#[derive(Deserialize)]
struct Schema {
    schema: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Form {
    #[serde(rename = "schema")]
    _schema: i64,
    path: Text,
    also: Vec<Text>,
    patch: String,
    pin: String,
    old_pin: Option<String>,
    author: Author,
    date: String,
    digest: String,
    lines: Lines,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Author {
    name: Text,
    email: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    base: Vec<Text>,
    upstream: Vec<Text>,
    patch: Vec<Text>,
    decided: Vec<Text>,
    #[serde(default)]
    above: Vec<Text>,
    #[serde(default)]
    below: Vec<Text>,
}

/// Bytes: a string if they are UTF-8.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Other(Base64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Base64 {
    base64: String,
}

impl Form {
    fn entry(&self) -> Result<Entry, Damage> {
        let path = |text: &Text, key| -> Result<RepoPath, Damage> { Ok(RepoPath::new(text.bytes(key)?)?) };
        let id = |text: &str, key| text.parse::<Id>().map_err(|_| Damage::Value(key));
        let lines = |lines: &[Text]| -> Result<BString, Damage> {
            let lines = lines.iter().map(|line| line.bytes("lines")).collect::<Result<Vec<_>, _>>()?;
            Ok(lines.concat().into())
        };
        let made = DecisionOrigin {
            author: Person { name: self.author.name.bytes("author")?, email: self.author.email.bytes("author")? },
            date: Date::parse(&self.date).ok_or(Damage::Value("date"))?,
            pin: id(&self.pin, "pin")?,
            old_pin: self.old_pin.as_deref().map(|pin| id(pin, "old-pin")).transpose()?,
        };
        Ok(Entry {
            path: path(&self.path, "path")?,
            also: self.also.iter().map(|text| path(text, "also")).collect::<Result<_, _>>()?,
            file: self.patch.clone(),
            base: lines(&self.lines.base)?,
            upstream: lines(&self.lines.upstream)?,
            patch: lines(&self.lines.patch)?,
            alike: [lines(&self.lines.above)?, lines(&self.lines.below)?],
            text: lines(&self.lines.decided)?,
            made,
        })
    }
}

impl Text {
    fn bytes(&self, key: &'static str) -> Result<BString, Damage> {
        match self {
            Text::Utf8(text) => Ok(text.as_str().into()),
            Text::Other(Base64 { base64 }) => {
                STANDARD.decode(base64).map(BString::from).map_err(|_| Damage::Value(key))
            }
        }
    }
}

/// Returns bytes as a TOML value: a string if they are UTF-8.
fn text(bytes: &[u8]) -> String {
    match bytes.to_str() {
        Ok(text) => string(text),
        Err(_) => format!("{{ base64 = \"{}\" }}", STANDARD.encode(bytes)),
    }
}

/// Returns a basic string of TOML. Characters that would hide or move text on a reviewer's screen are escaped too.
fn string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if steers_the_terminal(c) && c as u32 > 0xffff => out.push_str(&format!("\\U{:08X}", c as u32)),
            c if steers_the_terminal(c) => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
