//! A remembered decision: its three texts, the chosen lines, and who decided it, when and where.

use std::collections::BTreeSet;

use bstr::BString;
use sha2::{Digest, Sha256};

use crate::git::Id;
use crate::hex;
use crate::patch::{Date, Person};
use crate::path::{RepoPath, printable};
use crate::stack::suggest::has_marker;
use crate::stack::{At, Hunk};
use crate::workspace::files::digest::Sum;

/// The longest name (of a person, of a patch file) in bytes: names are shown in sentences.
const LONGEST_NAME: usize = 256;

/// A decision on lines that both sides changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path of the conflict, on the new pin.
    pub path: RepoPath,
    /// Other paths of the same file: the patch's path if upstream had moved the file.
    pub also: BTreeSet<RepoPath>,
    /// The patch file's name.
    pub file: String,
    /// The base's lines.
    pub base: BString,
    /// Upstream's lines.
    pub upstream: BString,
    /// The patch's lines.
    pub patch: BString,
    /// The lines before and after these that upstream and the patch both added.
    pub alike: [BString; 2],
    /// The chosen lines, line ends included.
    pub text: BString,
    /// Who decided it, when and where.
    pub made: DecisionOrigin,
}

/// The circumstances of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionOrigin {
    /// Who made it.
    pub author: Person,
    /// The date.
    pub date: Date,
    /// The upstream commit that the queue was being moved to.
    pub pin: Id,
    /// The pin before.
    pub old_pin: Option<Id>,
}

/// Why a decision is not kept, or not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The chosen lines contain a conflict marker.
    #[error("the decided lines have a conflict marker in them")]
    Marker,
    /// A name is too long.
    #[error("a name in it is longer than {LONGEST_NAME} bytes")]
    Name,
    /// The date cannot be written.
    #[error("its date is outside of the years 0 to 9999")]
    Date,
}

impl Entry {
    /// Makes the decision to take `text` for `hunk`.
    #[must_use]
    pub fn new(at: At<'_>, hunk: &Hunk, text: BString, made: DecisionOrigin) -> Entry {
        Entry {
            path: at.path.clone(),
            also: (at.own != at.path).then(|| at.own.clone()).into_iter().collect(),
            file: at.patch.to_owned(),
            base: hunk.base.text.clone(),
            upstream: hunk.upstream.text.clone(),
            patch: hunk.patch.text.clone(),
            alike: hunk.alike.clone(),
            text,
            made,
        }
    }

    /// Checks whether it is about exactly the texts of `hunk`, and its lines are valid between the lines around that
    /// hunk.
    #[must_use]
    pub fn is_about(&self, hunk: &Hunk) -> bool {
        let texts = [&self.base, &self.upstream, &self.patch];
        texts == [&hunk.base.text, &hunk.upstream.text, &hunk.patch.text] && hunk.takes(&self.text, &self.alike)
    }

    /// Returns its name: 16 digits for the three texts, 8 for the path. It replaces a decision of the same name.
    #[must_use]
    pub fn id(&self) -> String {
        let path = hex::encode(&Sha256::digest(self.path.as_bytes())[..4]);
        format!("{}-{path}", texts_key([&self.base, &self.upstream, &self.patch]))
    }

    /// Returns who decided it, when and for what, as a sentence without a full stop; printable.
    #[must_use]
    pub fn said(&self) -> String {
        let Person { name, email } = &self.made.author;
        let who = if name.is_empty() { email } else { name };
        format!("decided by '{}' on {} for '{}'", printable(who), self.day(), printable(self.file.as_bytes()))
    }

    /// Returns the day of the decision in its author's time zone: `2024-02-01`.
    #[must_use]
    pub fn day(&self) -> String {
        self.made.date.iso8601().chars().take(10).collect()
    }

    /// Returns the SHA-256 over `patchq-resolution-1`, a line feed, and every field, with its length (64 bits, most
    /// significant byte first) in front: path, the number of other paths and each of them, patch file, pin, old pin
    /// (empty: none), the author's name and address, the date (ISO 8601), and the texts base, upstream, patch, decided;
    /// and the lines above and below, if there are any.
    pub(super) fn digest(&self) -> Sum {
        let DecisionOrigin { author, date, pin, old_pin } = &self.made;
        let mut all = b"patchq-resolution-1\n".to_vec();
        let mut field = |bytes: &[u8]| {
            all.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            all.extend_from_slice(bytes);
        };
        field(self.path.as_bytes());
        field(self.also.len().to_string().as_bytes());
        self.also.iter().for_each(|path| field(path.as_bytes()));
        field(self.file.as_bytes());
        field(pin.to_string().as_bytes());
        field(old_pin.map(|pin| pin.to_string()).unwrap_or_default().as_bytes());
        field(&author.name);
        field(&author.email);
        field(date.iso8601().as_bytes());
        [&self.base, &self.upstream, &self.patch, &self.text].into_iter().for_each(|text| field(text));
        if self.alike.iter().any(|lines| !lines.is_empty()) {
            self.alike.iter().for_each(|lines| field(lines));
        }
        Sum::of(&all)
    }

    /// Checks whether it may be kept, and trusted when it is read.
    pub(super) fn check(&self) -> Result<(), Unfit> {
        let Person { name, email } = &self.made.author;
        if has_marker(&self.text) {
            return Err(Unfit::Marker);
        }
        if [name.len(), email.len(), self.file.len()].into_iter().any(|length| length > LONGEST_NAME) {
            return Err(Unfit::Name);
        }
        let date = self.made.date;
        if Date::parse(&date.iso8601()) == Some(date) { Ok(()) } else { Err(Unfit::Date) }
    }
}

/// Returns the common prefix of the names of all decisions about these texts (base, upstream, patch): 16 digits.
pub(super) fn texts_key(texts: [&BString; 3]) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update((text.len() as u64).to_be_bytes());
        digest.update(text);
    }
    hex::encode(&digest.finalize()[..8])
}
