//! Object ids, kinds of entries and file modes, without types of libgit2.

use std::fmt;
use std::str::FromStr;

use crate::hex;

/// A full SHA-1 object id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 20]);

/// Text that is not 40 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is not a full commit id (40 hexadecimal digits)", crate::path::printable(.0.as_bytes()))]
pub struct BadId(pub String);

impl Id {
    /// The empty tree, which every store knows.
    pub const EMPTY_TREE: Id = Id([
        0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88, 0xfb, 0xee,
        0x49, 0x04,
    ]);

    /// The blob of an empty file.
    pub const EMPTY_BLOB: Id = Id([
        0xe6, 0x9d, 0xe2, 0x9b, 0xb2, 0xd1, 0xd6, 0x43, 0x4b, 0x8b, 0x29, 0xae, 0x77, 0x5a, 0xd8, 0xc2, 0xe4, 0x8c,
        0x53, 0x91,
    ]);

    /// Makes an id from its 20 raw bytes.
    #[must_use]
    pub const fn from_raw(raw: [u8; 20]) -> Id {
        Id(raw)
    }

    /// Returns the 20 raw bytes.
    #[must_use]
    pub const fn raw(&self) -> &[u8; 20] {
        &self.0
    }

    /// Returns the first `digits` hexadecimal digits, for people to read.
    #[must_use]
    pub fn short(&self, digits: usize) -> String {
        let mut hex = self.to_string();
        hex.truncate(digits);
        hex
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Id, BadId> {
        hex::decode(text).map(Id).ok_or_else(|| BadId(text.to_owned()))
    }
}

impl serde::Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl From<git2::Oid> for Id {
    fn from(oid: git2::Oid) -> Id {
        let mut raw = [0; 20];
        raw.copy_from_slice(oid.as_bytes());
        Id(raw)
    }
}

impl From<Id> for git2::Oid {
    fn from(id: Id) -> git2::Oid {
        git2::Oid::from_bytes(&id.0).expect("an id has exactly the twenty bytes that an Oid is made of")
    }
}

/// The kind of a tree entry, as git's mode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// `100644`
    File,
    /// `100755`
    Executable,
    /// `120000`
    Symlink,
    /// `160000`, a submodule's commit
    Gitlink,
    /// `040000`
    Folder,
}

impl Mode {
    /// Converts git's number. Old repositories hold `100664`; it counts as a plain file, as in git's output.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Mode> {
        match bits {
            0o100_755 => Some(Mode::Executable),
            0o120_000 => Some(Mode::Symlink),
            0o160_000 => Some(Mode::Gitlink),
            0o040_000 => Some(Mode::Folder),
            bits if bits & 0o170_000 == 0o100_000 => {
                Some(if bits & 0o100 == 0 { Mode::File } else { Mode::Executable })
            }
            _ => None,
        }
    }

    /// Returns git's number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Mode::File => 0o100_644,
            Mode::Executable => 0o100_755,
            Mode::Symlink => 0o120_000,
            Mode::Gitlink => 0o160_000,
            Mode::Folder => 0o040_000,
        }
    }

    /// Checks whether the entry's content is a blob of this repository.
    #[must_use]
    pub const fn has_blob(self) -> bool {
        matches!(self, Mode::File | Mode::Executable | Mode::Symlink)
    }
}

/// The entry at a path of a tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Entry {
    /// File, symlink, submodule or folder.
    pub mode: Mode,
    /// The blob, the submodule's commit, or the tree.
    pub id: Id,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_and_print() {
        let text = "0611aa04850cf1fd582806dfe7f6f1fbca69f683";
        assert_eq!(text.parse::<Id>().map(|id| id.to_string()), Ok(text.to_owned()));
        assert!("0611aa0".parse::<Id>().is_err() && "x".repeat(40).parse::<Id>().is_err());
        assert_eq!(Id::EMPTY_TREE.to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }
}
