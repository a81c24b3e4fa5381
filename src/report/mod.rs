//! What commands say, as data, and the frame of the one JSON document that `--json` writes to stdout. The frame is
//! described in `docs/json.md`; what stands in it comes with each command.

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

pub use bytes::Bytes;
pub use document::{Document, Nothing, Schema};
pub use error::{Failure, Kind};
pub use images::{BaseReport, ImageReport, matrix};
pub use markdown::{Differences, Heading, TouchedBy, UpstreamCommit, is_markdown, markdown};
pub use outcome::{
    CandidateReport, ConflictReport, DecidedReport, EntryReport, EvidenceReport, FileReport, HunkReport, LinesReport,
    PatchReport, SuggestionReport, sentence,
};
pub use outdated::{TagMove, TrackTip, UpstreamOutdated};
pub use resolutions::{DamagedReport, DecidedLines, PersonReport, ResolutionReport};
pub use status::{FileNews, OpenSession, PatchStatus, TouchedFile, TrackNews, UpstreamStatus, WorkNews};
pub use tags::{BuildDigits, Builds, ImageTag, TagsError, UpstreamTags, tags, upstream_tags};
pub use upstream_diff::{
    FolderReport, LinesChanged, RestReport, ReviewReport, TargetReport, TouchedReport, TouchingReport,
    UpstreamDiffReport, diff_text,
};
