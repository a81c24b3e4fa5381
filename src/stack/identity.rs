//! Makes the commit of a patch: author, dates and message are the same on every machine.

use bstr::{BString, ByteSlice};

use crate::git::{Commit, GitError, Id, Objects, Signature};
use crate::patch::names::slug;
use crate::patch::{Date, Header, HeaderForm, Person, in_utf8, split_message};

/// The author for a patch without one.
pub const FALLBACK_NAME: &str = "patchq";
/// The address for a patch without an author. The domain can never exist (RFC 2606).
pub const FALLBACK_EMAIL: &str = "patchq@patchq.invalid";

/// The commit that a queue is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// The pin.
    pub commit: Id,
    /// Its tree.
    pub tree: Id,
    /// Its commit date; the date of patches that have none.
    pub date: Date,
}

impl Base {
    /// Reads the pin's commit.
    ///
    /// # Errors
    /// [`GitError`] when the store lacks it.
    pub fn read(objects: &mut Objects<'_>, pin: Id) -> Result<Base, GitError> {
        let commit = objects.commit(pin)?;
        let date = Date { seconds: commit.committer.seconds, offset: commit.committer.offset };
        Ok(Base { commit: pin, tree: commit.tree, date })
    }
}

/// Returns the commit that the patch `name` with `header` makes from `tree` on `parent`. The committer is the author,
/// so that the commit does not depend on the machine or the time. A date that git cannot store becomes the nearest one
/// that it can ([`Date::storable`]); texts are UTF-8.
#[must_use]
pub fn commit_of(name: &str, header: &Header, base: &Base, parent: Id, tree: Id) -> Commit {
    let date = header.date.unwrap_or(base.date).storable();
    let author = header.author.as_ref();
    let who = author.map_or_else(nobody, |author| author_of(&author.name, &author.email));
    let who = Signature { name: who.name, email: who.email, seconds: date.seconds, offset: date.offset };
    // Trailers alone are not a subject.
    let named = || Header { subject: BString::from(subject_of_name(name)), ..header.clone() };
    let message = in_utf8(&if header.subject.trim().is_empty() { named().message() } else { header.message() });
    Commit { tree, parents: vec![parent], author: who.clone(), committer: who, message }
}

/// Returns a person that git accepts, from the name and address in a header or commit. git refuses an empty name, so
/// the address replaces it; if both are empty, the fallback is used.
fn author_of(name: &[u8], email: &[u8]) -> Person {
    let clean = Signature::clean(&in_utf8(name), &in_utf8(email), 0, 0);
    match (clean.name.is_empty(), clean.email.is_empty()) {
        (false, _) => Person { name: clean.name, email: clean.email },
        (true, false) => Person { name: clean.email.clone(), email: clean.email },
        (true, true) => nobody(),
    }
}

/// Returns the author for a patch without one.
fn nobody() -> Person {
    Person { name: FALLBACK_NAME.into(), email: FALLBACK_EMAIL.into() }
}

/// Returns a subject for a patch without one: its file's name without number and extension.
fn subject_of_name(name: &str) -> String {
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = [".patch", ".diff"].iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem);
    let words = stem.trim_start_matches(|c: char| c.is_ascii_digit()).replace(['-', '_'], " ");
    let words = if words.trim().is_empty() { stem } else { words.trim() };
    words.to_owned()
}

/// Returns the mail header for a commit in the file `name` (`None`: a new file). [`commit_of`] and this function are
/// inverse: the commit of this header gives the same header again.
#[must_use]
pub fn header_of(name: Option<&str>, commit: &Commit) -> Header {
    let (mut subject, body) = split_message(&in_utf8(&commit.message));
    if subject.is_empty() {
        subject = BString::from(name.map_or_else(|| slug(b""), subject_of_name));
    }
    Header {
        form: HeaderForm::Mail,
        author: Some(author_of(&commit.author.name, &commit.author.email)),
        date: Some(Date { seconds: commit.author.seconds, offset: commit.author.offset }.storable()),
        subject,
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_a_subject() {
        assert_eq!(subject_of_name("0001-use-bullseye.patch"), "use bullseye");
        assert_eq!(subject_of_name("kubeflow.patch"), "kubeflow");
        assert_eq!(subject_of_name("0007.patch"), "0007");
    }
}
