//! The results of commands as data, and the JSON document that `--json` writes to stdout. `docs/json.md` describes the
//! outer structure; the content depends on the command.

mod builds;
mod bytes;
mod document;
mod error;
mod images;
mod markdown;
mod outcome;
mod outdated;
mod resolutions;
mod status;
mod tags;
mod upstream_diff;
mod words;

pub use builds::{BuildBase, BuildReport, BuildState, BuilderReport, StepReport};
pub use bytes::Bytes;
pub use document::{Document, Nothing, Schema};
pub use error::{Failure, FailureKind};
pub use images::{BaseReport, ImageReport, matrix};
pub use markdown::{Differences, Heading, TouchedBy, UpstreamCommit, is_markdown, markdown};
pub use outcome::{
    CandidateReport, ConflictReport, DecidedReport, EntryReport, EvidenceReport, FileReport, HunkReport, LinesReport,
    PatchReport, SuggestionReport, WholeReport, sentence,
};
pub use outdated::{TagMove, TrackState, TrackTip, UpstreamOutdated};
pub use resolutions::{DamagedReport, DecidedLines, PersonReport, ResolutionReport};
pub use status::{
    FileChangeWord, FileNews, OpenSession, PatchChangeWord, PatchStatus, TouchedFile, TrackNews, UpstreamState,
    UpstreamStatus, VersionWord, WorkNews,
};
pub use tags::{BuildDigits, Builds, ImageTag, TagsError, UpstreamTags, tags, upstream_tags};
pub use upstream_diff::{
    FolderReport, LinesChanged, RestReport, ReviewReport, TargetReport, TouchedReport, TouchingReport,
    UpstreamDiffReport, diff_text,
};
