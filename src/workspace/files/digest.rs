//! Records the state of an upstream's files in a small form, which the files are compared with later.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::queue::Queue;
use crate::git::Id;
use crate::hex;

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sum([u8; 32]);

/// Text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct BadSum;

/// The files of an upstream: pin, version and queue.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesDigest {
    /// The pin; `None` before there is one.
    pub pin: Option<Id>,
    /// The version that is kept with the pin.
    pub version: Option<String>,
    /// The digest of `series`.
    pub series: Option<Sum>,
    /// The digests of the patch files, by name.
    pub files: BTreeMap<String, Sum>,
}

/// A difference between two [`FilesDigest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueChange {
    /// A different pin.
    Pin,
    /// A different version.
    Version,
    /// A different `series`, or one was added or removed.
    Series,
    /// A new patch.
    Added(String),
    /// A removed patch.
    Removed(String),
    /// A patch with other content.
    Changed(String),
}

impl Sum {
    /// Returns the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Sum {
        Sum(Sha256::digest(bytes).into())
    }
}

impl FilesDigest {
    /// Returns the digest of a queue on its pin.
    #[must_use]
    pub fn of(pin: Option<Id>, version: Option<&str>, queue: &Queue) -> FilesDigest {
        FilesDigest {
            pin,
            version: version.map(str::to_owned),
            series: queue.series.as_deref().map(Sum::of),
            files: queue.files.iter().map(|file| (file.name.clone(), Sum::of(&file.bytes))).collect(),
        }
    }

    /// Returns one digest of everything, which is equal exactly if all parts are.
    #[must_use]
    pub fn sum(&self) -> Sum {
        let mut text = String::from("patchq-files-1\n");
        let mut line = |kind: &str, name: &str, value: Option<String>| {
            // The length comes first, so that no name can look like the next line.
            text.push_str(&format!("{kind} {} {name} {}\n", name.len(), value.unwrap_or_default()));
        };
        line("pin", "", self.pin.map(|id| id.to_string()));
        line("version", self.version.as_deref().unwrap_or_default(), self.version.as_ref().map(|_| "+".to_owned()));
        line("series", "", self.series.map(|sum| sum.to_string()));
        self.files.iter().for_each(|(name, sum)| line("file", name, Some(sum.to_string())));
        Sum::of(text.as_bytes())
    }

    /// Returns the differences in `newer`: pin, version, series, then the patches by name.
    #[must_use]
    pub fn diff(&self, newer: &FilesDigest) -> Vec<QueueChange> {
        let mut changes = Vec::new();
        changes.extend((self.pin != newer.pin).then_some(QueueChange::Pin));
        changes.extend((self.version != newer.version).then_some(QueueChange::Version));
        changes.extend((self.series != newer.series).then_some(QueueChange::Series));
        let mut names: Vec<&String> = self.files.keys().chain(newer.files.keys()).collect();
        names.sort();
        names.dedup();
        for name in names {
            match (self.files.get(name), newer.files.get(name)) {
                (None, _) => changes.push(QueueChange::Added(name.clone())),
                (_, None) => changes.push(QueueChange::Removed(name.clone())),
                (old, new) if old != new => changes.push(QueueChange::Changed(name.clone())),
                _ => {}
            }
        }
        changes
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sum {
    type Err = BadSum;

    fn from_str(text: &str) -> Result<Sum, BadSum> {
        hex::decode(text).map(Sum).ok_or(BadSum)
    }
}

impl serde::Serialize for Sum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sum {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Sum, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::queue::QueueFile;
    use super::*;

    fn digest(pin: Id, series: Option<&str>, files: &[(&str, &str)]) -> FilesDigest {
        let file = |(name, text): &(&str, &str)| QueueFile {
            name: (*name).into(),
            bytes: (*text).into(),
            strip: crate::patch::Strip::Default,
        };
        let queue = Queue {
            files: files.iter().map(file).collect(),
            series: series.map(|text| text.as_bytes().to_vec()),
            others: vec!["README".to_owned()],
        };
        FilesDigest::of(Some(pin), Some("v1"), &queue)
    }

    #[test]
    fn what_changed_is_named() {
        let old = digest(Id::EMPTY_TREE, None, &[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(old.diff(&old), []);
        let new = digest(Id::from_raw([1; 20]), Some("x"), &[("a", "1"), ("c", "4"), ("d", "5")]);
        assert_eq!(
            old.diff(&new),
            [
                QueueChange::Pin,
                QueueChange::Series,
                QueueChange::Removed("b".to_owned()),
                QueueChange::Changed("c".to_owned()),
                QueueChange::Added("d".to_owned()),
            ]
        );
    }

    #[test]
    fn the_sum_follows_every_part() {
        let base = digest(Id::EMPTY_TREE, Some(""), &[("a", "1")]);
        let mut others = vec![
            digest(Id::from_raw([1; 20]), Some(""), &[("a", "1")]),
            digest(Id::EMPTY_TREE, None, &[("a", "1")]),
            digest(Id::EMPTY_TREE, Some(""), &[("b", "1")]),
            digest(Id::EMPTY_TREE, Some(""), &[("a", "2")]),
            digest(Id::EMPTY_TREE, Some(""), &[]),
        ];
        others.push(FilesDigest { version: None, ..base.clone() });
        others.push(FilesDigest { version: Some(String::new()), ..base.clone() });
        let mut sums: Vec<Sum> = others.iter().chain([&base]).map(FilesDigest::sum).collect();
        sums.sort();
        sums.dedup();
        assert_eq!(sums.len(), others.len() + 1);
    }

    #[test]
    fn it_survives_json() {
        let digest = digest(Id::EMPTY_TREE, Some(""), &[("a", "1")]);
        let text = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<FilesDigest>(&text).unwrap(), digest);
        assert!(Sum::from_str("x").is_err() && Sum::from_str(&"é".repeat(32)).is_err());
    }
}
