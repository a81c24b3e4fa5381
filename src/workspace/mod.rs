//! The maintainers' files: the manifest, pins, queue files, ignore files, locks, and publishing changes to them.

pub mod conflict;
pub mod files;
pub mod manifest;
pub mod ops;
pub mod step;
pub mod upstream;

pub use conflict::blame::{Changer, PathChanges, Question, Skipped, WhoChanged, who_changed};
pub use files::open::{OpenError, TrackedName, UnknownUpstream, Workspace};
pub use files::queue_files::{Files, FilesError};
pub use files::source::{Source, SourceError};
pub use files::which_patch::{WhichPatchError, which_patch};
pub use manifest::manifest_schema;
pub use ops::add::{AdoptError, Adopted, Adoption, NewEntry, adopt, pinned, refuse_patches};
pub use ops::apply::stack_of;
pub use ops::dropped::WrittenQueue;
pub use ops::error::QueueError;
pub use ops::init::{InitError, Initialised, init};
pub use ops::named_paths::AbsentPath;
pub use ops::refresh::abort::{Aborted, abort};
pub use ops::refresh::moving::{CameBack, Drift, Moving, PinLines, come_back, upstream_lines};
pub use ops::rewrite::{Rewrite, RewriteError};
pub use ops::setup::{Settled, Wish, copy, settle};
pub use ops::status::{SetUp, Stand, Standing};
pub use ops::upstream_diff::{
    ChangeKind, DiffWish, LineCounts, RestChange, ReviewChange, TouchedChange, Touching, UpstreamDiff,
    UpstreamDiffError, diff_upstream,
};
pub use ops::verify::files::{judge_files, judge_workspace};
pub use ops::verify::findings::{Finding, FindingKind, Severity};
pub use ops::verify::fix::{Repairs, repair};
pub use ops::verify::{Demands, judge_queue};
pub use step::context::Around;
pub use step::effects::{FollowError, Left};
pub use step::error::StepError;
pub use step::pending::{LeftBehind, Pending, Stuck, finish_if_free, finish_left_behind, take_stuck_back};
pub use step::run::{TakenBack, finish_pending};
pub use upstream::cached_tip::{News, remember_news};
pub use upstream::fetch_lock::FetchLock;
pub use upstream::fetcher::{Missing, Supply, SupplyError};
pub use upstream::last_copy::LastCopy;
pub use upstream::neighbours::{by_url, neighbours};
pub use upstream::query::Tip;
pub use upstream::resolve_pin::{Found, LookUpError, Wanted, look_up};
pub use upstream::side_error::SideError;
pub use upstream::sides::{Cell, Commits, NewCommit, State, Unreadable};
pub use upstream::store::Site;
pub use upstream::synced::Record;
pub use upstream::taken::Taken;
pub use upstream::target::{
    Backward, MovedTag, Newest, Place, Target, TargetError, TargetNote, TargetWish, Why, find_target, newest,
};
pub use upstream::version::VersionState;
pub use upstream::version::is_exact;
