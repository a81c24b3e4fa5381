//! Remembered decisions, as data.

use bstr::ByteSlice;
use serde::Serialize;

use super::Bytes;
use crate::git::Id;
use crate::workspace::conflict::memory::{Damaged, Entry, Memory};

/// A remembered decision.
#[derive(Debug, Clone, Serialize)]
pub struct ResolutionReport {
    /// Its name.
    pub id: String,
    /// The key that it is remembered under.
    pub key: String,
    /// Whether it is in the workspace, for everybody.
    pub shared: bool,
    /// The entries of the manifest that remember there.
    pub upstreams: Vec<String>,
    /// Its file, from the workspace's root where it is below it.
    pub file: String,
    /// The path that it was made at.
    pub path: Bytes,
    /// Other paths of the same file.
    pub also: Vec<Bytes>,
    /// The patch file's name.
    pub patch: String,
    /// The commit of upstream's that the queue was being moved to.
    pub commit: Id,
    /// The pin before.
    pub old_commit: Option<Id>,
    /// Who decided it.
    pub author: PersonReport,
    /// When, in seconds since 1970.
    pub time: i64,
    /// The texts, where one decision was asked for.
    pub lines: Option<DecidedLines>,
}

/// A person.
#[derive(Debug, Clone, Serialize)]
pub struct PersonReport {
    /// The name.
    pub name: Bytes,
    /// The mail address.
    pub email: Bytes,
}

/// What was decided about which lines, each with its end.
#[derive(Debug, Clone, Serialize)]
pub struct DecidedLines {
    /// What was there.
    pub base: Vec<Bytes>,
    /// What upstream made of it.
    pub upstream: Vec<Bytes>,
    /// What the patch makes of it.
    pub patch: Vec<Bytes>,
    /// What was taken.
    pub decided: Vec<Bytes>,
}

/// A file that stands where a decision should be.
#[derive(Debug, Clone, Serialize)]
pub struct DamagedReport {
    /// Which one.
    pub file: String,
    /// Why it is not used.
    pub reason: String,
}

impl ResolutionReport {
    /// The decision `entry` of `memory`, without its texts.
    #[must_use]
    pub fn new(memory: &Memory, entry: &Entry) -> ResolutionReport {
        let (id, made) = (entry.id(), &entry.made);
        ResolutionReport {
            file: memory.shown(&memory.file(&id)),
            id,
            key: memory.key.to_string(),
            shared: memory.shared,
            upstreams: memory.upstreams.iter().map(ToString::to_string).collect(),
            path: Bytes::from(entry.path.as_bytes()),
            also: entry.also.iter().map(|path| Bytes::from(path.as_bytes())).collect(),
            patch: entry.file.clone(),
            commit: made.pin,
            old_commit: made.old_pin,
            author: PersonReport { name: Bytes::from(&made.author.name), email: Bytes::from(&made.author.email) },
            time: made.date.seconds,
            lines: None,
        }
    }

    /// Does the same with its texts.
    #[must_use]
    pub fn with_lines(memory: &Memory, entry: &Entry) -> ResolutionReport {
        let lines = |text: &[u8]| text.lines_with_terminator().map(Bytes::from).collect();
        let lines = DecidedLines {
            base: lines(&entry.base),
            upstream: lines(&entry.upstream),
            patch: lines(&entry.patch),
            decided: lines(&entry.text),
        };
        ResolutionReport { lines: Some(lines), ..ResolutionReport::new(memory, entry) }
    }
}

impl DamagedReport {
    /// A file that is no decision.
    #[must_use]
    pub fn new(damaged: &Damaged) -> DamagedReport {
        DamagedReport { file: damaged.file.clone(), reason: damaged.reason.clone() }
    }
}
