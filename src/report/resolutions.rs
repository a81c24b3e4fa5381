//! The data of remembered decisions.

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
    /// Whether it is in the workspace, shared with all maintainers.
    pub shared: bool,
    /// The entries of the manifest that remember there.
    pub upstreams: Vec<String>,
    /// Its file, relative to the workspace's root if it is below it.
    pub file: String,
    /// The path of the conflict.
    pub path: Bytes,
    /// Other paths of the same file.
    pub also: Vec<Bytes>,
    /// The patch file's name.
    pub patch: String,
    /// The upstream commit that the queue was being moved to.
    pub commit: Id,
    /// The pin before.
    pub old_commit: Option<Id>,
    /// Who decided it.
    pub author: PersonReport,
    /// When, in seconds since 1970.
    pub time: i64,
    /// The texts, if a single decision was requested.
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

/// The lines of a decision, each with its end.
#[derive(Debug, Clone, Serialize)]
pub struct DecidedLines {
    /// The base's lines.
    pub base: Vec<Bytes>,
    /// Upstream's lines.
    pub upstream: Vec<Bytes>,
    /// The patch's lines.
    pub patch: Vec<Bytes>,
    /// The chosen lines.
    pub decided: Vec<Bytes>,
}

/// A file that is not a valid decision.
#[derive(Debug, Clone, Serialize)]
pub struct DamagedReport {
    /// The file.
    pub file: String,
    /// Why it is not used.
    pub reason: String,
}

impl ResolutionReport {
    /// Makes the report of the decision `entry` of `memory`, without its texts.
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

    /// Makes the same with its texts.
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
    /// Makes the report of a file that is not a decision.
    #[must_use]
    pub fn new(damaged: &Damaged) -> DamagedReport {
        DamagedReport { file: damaged.file.clone(), reason: damaged.reason.clone() }
    }
}
