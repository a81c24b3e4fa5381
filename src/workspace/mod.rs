//! The workspace: the manifest, pins, queue files, ignore files and locks, and all changes to them.

pub mod conflict;
pub mod files;
pub mod manifest;
pub mod ops;
pub mod step;
pub mod upstream;

pub use conflict::blame::{BlameResult, Changer, PathChanges, Question, Skipped, blame};
pub use files::open::{OpenError, TrackedName, UnknownUpstream, Workspace};
pub use files::queue_files::{Files, FilesError};
pub use files::source::{Source, SourceError};
pub use files::which_patch::{WhichPatchError, which_patch};
pub use manifest::manifest_schema;
pub use ops::add::{AddError, AddedUpstream, NewEntry, NewPin, add_entry, pinned, refuse_patches};
pub use ops::apply::stack_of;
pub use ops::dropped::WrittenQueue;
pub use ops::error::QueueError;
pub use ops::init::{InitError, Initialised, init};
pub use ops::named_paths::AbsentPath;
pub use ops::refresh::abort::{Aborted, abort};
pub use ops::refresh::moving::{CollectedConflict, Drift, Moving, PinLines, collect_conflict, upstream_lines};
pub use ops::rewrite::{Rewrite, RewriteError};
pub use ops::setup::{SetupOptions, SetupOutcome, copy, setup};
pub use ops::status::{CheckoutStatus, SetUp, Status};
pub use ops::upstream_diff::{
    ChangeKind, LineCounts, RestChange, ReviewChange, TouchedChange, Touching, UpstreamDiff, UpstreamDiffError,
    UpstreamDiffOptions, diff_upstream,
};
pub use ops::verify::files::{judge_files, judge_workspace};
pub use ops::verify::findings::{Finding, FindingKind, Severity};
pub use ops::verify::fix::{Repairs, repair};
pub use ops::verify::{VerifyOptions, judge_queue};
pub use step::context::StepContext;
pub use step::effects::{EffectError, Left};
pub use step::error::StepError;
pub use step::pending::{Pending, Recovered, Stuck, finish_if_free, recover, take_stuck_back};
pub use step::run::{TakenBack, finish_pending};
pub use upstream::cached_tip::{CachedTip, cache_tip};
pub use upstream::fetch_lock::FetchLock;
pub use upstream::fetcher::{FetchError, Fetcher, MissingObjects};
pub use upstream::last_copy::LastCopy;
pub use upstream::neighbours::{by_url, neighbours};
pub use upstream::query::Tip;
pub use upstream::removed_patches::RemovedPatches;
pub use upstream::resolve_pin::{PinRequest, ResolvePinError, ResolvedPin, look_up};
pub use upstream::side_error::SideError;
pub use upstream::sides::{Commits, NewCommit, SyncState, SyncStatus, Unreadable};
pub use upstream::store::UpstreamStore;
pub use upstream::synced::Synced;
pub use upstream::target::{
    Backward, MovedTag, Newest, Place, Target, TargetError, TargetNote, TargetRequest, Why, find_target, newest,
};
pub use upstream::version::VersionState;
pub use upstream::version::is_exact;
