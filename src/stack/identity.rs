//! Which commit a patch is: author, dates and message, the same on every machine.

use bstr::{BString, ByteSlice};

use crate::git::{Commit, GitError, Id, Objects, Signature};
use crate::patch::{Date, Header, HeaderForm, Person, split_message};

/// The author of a patch that names none.
pub const FALLBACK_NAME: &str = "patchq";
/// The address of a patch that names no author. The domain is one that can never exist (RFC 2606).
pub const FALLBACK_EMAIL: &str = "patchq@patchq.invalid";

/// The commit that a queue stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// The pin.
    pub commit: Id,
    /// Its tree.
    pub tree: Id,
    /// When it was committed; the date of patches that have none.
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

/// The commit that the patch `name` with `header` makes of `tree` on `parent`. The committer is the author, so that
/// nothing of the machine or the moment is in it.
#[must_use]
pub fn commit_of(name: &str, header: &Header, base: &Base, parent: Id, tree: Id) -> Commit {
    let date = header.date.unwrap_or(base.date);
    let who = header.author.as_ref().map_or_else(
        || Signature::clean(FALLBACK_NAME.as_bytes(), FALLBACK_EMAIL.as_bytes(), date.seconds, date.offset),
        |author| {
            // Git refuses a commit without a name, so the address stands for it.
            let name = if author.name.trim().is_empty() { &author.email } else { &author.name };
            Signature::clean(name, &author.email, date.seconds, date.offset)
        },
    );
    let mut message = header.message();
    if message.trim().is_empty() {
        message = BString::from(subject_of_name(name) + "\n");
    }
    Commit { tree, parents: vec![parent], author: who.clone(), committer: who, message }
}

/// A subject for a patch without one: its file's name without number and ending.
fn subject_of_name(name: &str) -> String {
    let stem = name.rsplit('/').next().unwrap_or(name);
    let stem = [".patch", ".diff"].iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem);
    let words = stem.trim_start_matches(|c: char| c.is_ascii_digit()).replace(['-', '_'], " ");
    let words = if words.trim().is_empty() { stem } else { words.trim() };
    words.to_owned()
}

/// The header of the mail that a commit becomes.
#[must_use]
pub fn header_of(commit: &Commit) -> Header {
    let (subject, body) = split_message(&commit.message);
    Header {
        form: HeaderForm::Mail,
        author: Some(Person { name: commit.author.name.clone(), email: commit.author.email.clone() }),
        date: Some(Date { seconds: commit.author.seconds, offset: commit.author.offset }),
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
