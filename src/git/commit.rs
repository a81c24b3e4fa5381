//! Commit objects as data.

use bstr::{BString, ByteSlice};

use super::{GitError, Id, ObjectKind, Objects};

/// A commit without its signature and other extra headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// What it holds.
    pub tree: Id,
    /// What it came from.
    pub parents: Vec<Id>,
    /// Who made the change, and when.
    pub author: Signature,
    /// Who made the commit, and when.
    pub committer: Signature,
    /// The whole message.
    pub message: BString,
}

/// Somebody at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: BString,
    /// The address without angle brackets.
    pub email: BString,
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i32,
}

impl Signature {
    /// A signature that git takes: the bytes that would break a commit object's line are taken out of name and
    /// address, and the punctuation around them that git takes off as well (git-commit-tree(1), "crud").
    #[must_use]
    pub fn clean(name: &[u8], email: &[u8], seconds: i64, offset: i32) -> Signature {
        Signature { name: without_crud(name), email: without_crud(email), seconds, offset }
    }

    fn parse(line: &[u8]) -> Option<Signature> {
        let (name, rest) = line.split_once_str("<")?;
        let (email, rest) = rest.rsplit_once_str(">")?;
        let (seconds, zone) = rest.trim().split_once_str(" ")?;
        let zone: i32 = zone.to_str().ok()?.parse().ok()?;
        let offset = zone / 100 * 60 + zone % 100;
        let seconds = seconds.to_str().ok()?.parse().ok()?;
        Some(Signature { name: name.trim_end().into(), email: email.into(), seconds, offset })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.name);
        out.extend_from_slice(b" <");
        out.extend_from_slice(&self.email);
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs();
        out.extend_from_slice(format!("> {} {sign}{:02}{:02}\n", self.seconds, minutes / 60, minutes % 60).as_bytes());
    }
}

fn without_crud(text: &[u8]) -> BString {
    let crud = |b: &u8| *b <= 32 || b".,:;<>\"\\'".contains(b);
    let start = text.iter().position(|b| !crud(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !crud(b)).map_or(start, |at| at + 1);
    text[start..end].iter().copied().filter(|b| !b"\n<>\0".contains(b)).collect::<Vec<u8>>().into()
}

impl Commit {
    fn parse(id: Id, bytes: &[u8]) -> Result<Commit, GitError> {
        let damaged = |what| GitError::Damaged { kind: "commit", id, what };
        let (head, message) = bytes.split_once_str("\n\n").unwrap_or((bytes, b""));
        let read_id = |text: &[u8]| text.to_str().ok().and_then(|text| text.parse::<Id>().ok());
        let (mut tree, mut parents, mut author, mut committer) = (None, Vec::new(), None, None);
        for line in head.lines() {
            match line.split_once_str(" ") {
                Some((b"tree", id)) => tree = read_id(id),
                Some((b"parent", id)) => parents.push(read_id(id).ok_or_else(|| damaged("a parent that is no id"))?),
                Some((b"author", who)) => author = Signature::parse(who),
                Some((b"committer", who)) => committer = Signature::parse(who),
                _ => {}
            }
        }
        Ok(Commit {
            tree: tree.ok_or_else(|| damaged("no tree"))?,
            parents,
            author: author.ok_or_else(|| damaged("no author"))?,
            committer: committer.ok_or_else(|| damaged("no committer"))?,
            message: message.into(),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("tree {}\n", self.tree).into_bytes();
        for parent in &self.parents {
            out.extend_from_slice(format!("parent {parent}\n").as_bytes());
        }
        for (role, who) in [("author ", &self.author), ("committer ", &self.committer)] {
            out.extend_from_slice(role.as_bytes());
            who.write(&mut out);
        }
        if self.message.to_str().is_err() {
            // Without this git would take the bytes for UTF-8 and complain of every log.
            out.extend_from_slice(b"encoding ISO-8859-1\n");
        }
        out.push(b'\n');
        out.extend_from_slice(&self.message);
        out
    }
}

impl Objects<'_> {
    /// Reads a commit.
    ///
    /// # Errors
    /// [`GitError`] when it is missing or damaged.
    pub fn commit(&mut self, id: Id) -> Result<Commit, GitError> {
        let bytes = self.read(id, ObjectKind::Commit)?.ok_or(GitError::Missing { kind: "commit", id })?;
        Commit::parse(id, &bytes)
    }

    /// Makes a commit object; the same commit has the same id everywhere.
    pub fn put_commit(&mut self, commit: &Commit) -> Id {
        self.put(ObjectKind::Commit, commit.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crud_is_taken_off_as_git_does() {
        let who = Signature::clean(b" \"J. <R.> Hacker\", ", b"<a@b>", 0, 0);
        assert_eq!((who.name.as_slice(), who.email.as_slice()), (b"J. R. Hacker".as_slice(), b"a@b".as_slice()));
    }

    #[test]
    fn zones_east_and_west_survive() {
        for (line, offset) in [("A <a@b> 12 -0330", -210), ("A <a@b> 12 +0545", 345), ("A <a@b> -12 +0000", 0)] {
            let who = Signature::parse(line.as_bytes());
            assert_eq!(who.as_ref().map(|who| who.offset), Some(offset));
            let mut out = Vec::new();
            who.iter().for_each(|who| who.write(&mut out));
            assert_eq!(out, format!("{line}\n").into_bytes());
        }
    }
}
