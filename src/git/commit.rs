//! Reads and makes commit objects.

use bstr::{BString, ByteSlice};
use encoding_rs::Encoding;

use super::{GitError, Id, ObjectKind, Objects};

/// A commit without its signature and other extra headers. Its texts are converted to UTF-8 when the commit names an
/// encoding; a commit that names none should be UTF-8 already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The root tree.
    pub tree: Id,
    /// The parents.
    pub parents: Vec<Id>,
    /// Who made the change, and when.
    pub author: Signature,
    /// Who made the commit, and when.
    pub committer: Signature,
    /// The whole message.
    pub message: BString,
}

/// A person and a time.
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

impl Commit {
    /// Returns a commit that patchq makes for itself, without a person's name. The same values give the same id.
    #[must_use]
    pub fn by_patchq(tree: Id, parents: Vec<Id>, message: impl Into<BString>, seconds: i64) -> Commit {
        let author = Signature::clean(b"patchq", b"patchq@patchq.invalid", seconds, 0);
        Commit { tree, parents, committer: author.clone(), author, message: message.into() }
    }
}

impl Signature {
    /// Returns a signature that git accepts. Bytes that would break the line of a commit object are removed from name
    /// and address, and so is the punctuation around them that git removes. A dot at the end stays, as in newer
    /// versions of git: it belongs to the name ("Jr.").
    #[must_use]
    pub fn clean(name: &[u8], email: &[u8], seconds: i64, offset: i32) -> Signature {
        Signature { name: without_crud(name), email: without_crud(email), seconds, offset }
    }

    fn parse(line: &[u8], text: &dyn Fn(&[u8]) -> BString) -> Option<Signature> {
        let (name, rest) = line.split_once_str("<")?;
        let (email, rest) = rest.rsplit_once_str(">")?;
        let (seconds, zone) = rest.trim().split_once_str(" ")?;
        let zone: i32 = zone.to_str().ok()?.parse().ok()?;
        let offset = zone / 100 * 60 + zone % 100;
        let seconds = seconds.to_str().ok()?.parse().ok()?;
        Some(Signature { name: text(name.trim_end()), email: text(email), seconds, offset })
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

/// Returns the character set that the commit names for its texts, unless it is UTF-8.
fn encoding(head: &[u8]) -> Option<&'static Encoding> {
    let name = head.lines().find_map(|line| line.strip_prefix(b"encoding "))?;
    Encoding::for_label(name).filter(|encoding| *encoding != encoding_rs::UTF_8)
}

fn decoded(text: &[u8], encoding: Option<&'static Encoding>) -> BString {
    match encoding {
        Some(encoding) => BString::from(encoding.decode_without_bom_handling(text).0.as_bytes()),
        None => BString::from(text),
    }
}

fn without_crud(text: &[u8]) -> BString {
    let crud = |b: &u8| *b <= 32 || b",:;<>\"\\'".contains(b);
    let start = text.iter().position(|b| !crud(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !crud(b)).map_or(start, |at| at + 1);
    text[start..end].iter().copied().filter(|b| !b"\n<>\0".contains(b)).collect::<Vec<u8>>().into()
}

impl Commit {
    fn parse(id: Id, bytes: &[u8]) -> Result<Commit, GitError> {
        let damaged = |what| GitError::Damaged { kind: "commit", id, what };
        let (head, message) = bytes.split_once_str("\n\n").unwrap_or((bytes, b""));
        let read_id = |text: &[u8]| text.to_str().ok().and_then(|text| text.parse::<Id>().ok());
        let text = |bytes: &[u8]| decoded(bytes, encoding(head));
        let (mut tree, mut parents, mut author, mut committer) = (None, Vec::new(), None, None);
        for line in head.lines() {
            match line.split_once_str(" ") {
                Some((b"tree", id)) => tree = read_id(id),
                Some((b"parent", id)) => {
                    parents.push(read_id(id).ok_or_else(|| damaged("a parent that is not an id"))?);
                }
                Some((b"author", who)) => author = Signature::parse(who, &text),
                Some((b"committer", who)) => committer = Signature::parse(who, &text),
                _ => {}
            }
        }
        Ok(Commit {
            tree: tree.ok_or_else(|| damaged("no tree"))?,
            parents,
            author: author.ok_or_else(|| damaged("no author"))?,
            committer: committer.ok_or_else(|| damaged("no committer"))?,
            message: text(message),
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
        let who = Signature::clean(b" \"J. <R.> Hacker, Jr.\", ", b"<a@b>", 0, 0);
        assert_eq!((who.name.as_slice(), who.email.as_slice()), (b"J. R. Hacker, Jr.".as_slice(), b"a@b".as_slice()));
    }

    #[test]
    fn texts_are_read_in_the_encoding_that_the_commit_names() {
        let id = Id::EMPTY_BLOB;
        let tree = Id::EMPTY_TREE;
        let text = |encoding: &str, letter: &[u8]| {
            let head = format!("tree {tree}\nauthor J");
            let mid = format!("r <j@x> 1 +0000\ncommitter K <k@x> 1 +0000\n{encoding}\n");
            let bytes = [head.as_bytes(), letter, mid.as_bytes(), letter, b"\n"].concat();
            let commit = Commit::parse(id, &bytes).ok()?;
            Some((commit.author.name.to_string(), commit.message.to_string()))
        };
        let want = Some(("Jär".to_owned(), "ä\n".to_owned()));
        assert_eq!(text("encoding ISO-8859-1\n", b"\xe4"), want);
        assert_eq!(text("encoding UTF-8\n", "ä".as_bytes()), want);
        assert_eq!(text("", "ä".as_bytes()), want);
    }

    #[test]
    fn zones_east_and_west_survive() {
        for (line, offset) in [("A <a@b> 12 -0330", -210), ("A <a@b> 12 +0545", 345), ("A <a@b> -12 +0000", 0)] {
            let who = Signature::parse(line.as_bytes(), &|text| text.into());
            assert_eq!(who.as_ref().map(|who| who.offset), Some(offset));
            let mut out = Vec::new();
            who.iter().for_each(|who| who.write(&mut out));
            assert_eq!(out, format!("{line}\n").into_bytes());
        }
    }
}
