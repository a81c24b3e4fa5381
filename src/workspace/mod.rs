//! The maintainers' files: the manifest, pins, queue files, ignore files, locks, and publishing changes to them.

mod adopt;
mod changes;
pub mod cherry_pick;
mod differences;
pub mod digest;
pub mod export;
mod fetch_lock;
pub mod files;
mod files_side;
mod findings;
mod follow;
pub mod hand_over;
pub mod ignore;
mod init;
mod inquiry;
pub mod inspect;
pub mod journal;
pub mod layout;
pub mod lock;
mod look_up;
pub mod manifest;
pub mod memory;
mod moving;
mod neighbours;
mod news;
mod open;
mod pending;
pub mod pins;
pub mod publish;
pub mod queue;
mod record;
pub mod refresh;
mod rewrite;
pub mod save;
pub mod session;
mod settle;
mod site;
mod source;
mod standing;
mod state;
mod supply;
mod target;
mod toml_text;
pub mod undo;
mod upstream_diff;
mod verify;
mod verify_files;
mod verify_fix;
mod version;
mod which_patch;
mod who_changed;

pub use adopt::{AdoptError, Adopted, Adoption, NewEntry, adopt, pinned, refuse_patches};
pub use fetch_lock::FetchLock;
pub use files_side::{Files, FilesError};
pub use findings::{Finding, FindingKind, Severity};
pub use follow::FollowError;
pub use init::{InitError, Initialised, init};
pub use inquiry::Tip;
pub use look_up::{Found, LookUpError, Wanted, look_up};
pub use manifest::manifest_schema;
pub use moving::{CameBack, Drift, Moving, PinLines, come_back, upstream_lines};
pub use neighbours::{by_url, neighbours};
pub use news::{News, remember_news};
pub use open::{OpenError, TrackedName, UnknownUpstream, Workspace};
pub use pending::{Pending, finish_if_free, finish_left_behind};
pub use record::Record;
pub use rewrite::{Rewrite, RewriteError};
pub use settle::{Around, SettleError, Settled, Wish, copy, finish_pending, is_exact, settle, stack_of};
pub use site::Site;
pub use source::{Source, SourceError};
pub use standing::{SetUp, Stand, Standing};
pub use state::{Cell, Commits, NewCommit, State, Unreadable};
pub use supply::{Missing, Supply, SupplyError};
pub use target::{
    Backward, MovedTag, Newest, Place, Target, TargetError, TargetNote, TargetWish, Why, find_target, newest,
};
pub use upstream_diff::{
    ChangeKind, DiffWish, LineCounts, RestChange, ReviewChange, TouchedChange, Touching, UpstreamDiff,
    UpstreamDiffError, diff_upstream,
};
pub use verify::{Demands, judge_queue};
pub use verify_files::{judge_files, judge_workspace};
pub use verify_fix::{Repairs, repair};
pub use version::VersionState;
pub use which_patch::{WhichPatchError, which_patch};
pub use who_changed::{Changer, PathChanges, Question, Skipped, WhoChanged, who_changed};
