//! Why a queue could not be worked on: what all commands that apply, move or write one have in common.

use crate::git::GitError;
use crate::git::checkout::CheckoutError;
use crate::stack::Failure;
use crate::workspace::files::lock::LockError;
use crate::workspace::files::queue_files::FilesError;
use crate::workspace::step::effects::EffectError;
use crate::workspace::step::error::StepError;
use crate::workspace::step::publish::PublishError;
use crate::workspace::upstream::fetcher::FetchError;
use crate::workspace::upstream::side_error::SideError;
use crate::workspace::upstream::sides::Unreadable;

/// Why a queue could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The pin or the patch files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Objects are missing and did not come.
    #[error(transparent)]
    Fetcher(#[from] FetchError),
    /// The step could not be done, or store and checkout could not be read.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The side that the command would take may not be taken.
    #[error(transparent)]
    Side(#[from] SideError),
    /// A patch does not apply.
    #[error("{patch}: {}: {}", .failure.path, .failure.reason)]
    Apply {
        /// The patch file's name.
        patch: String,
        /// Where and why.
        failure: Box<Failure>,
        /// How many patches before it applied.
        applied: usize,
    },
}

/// Lets `?` take a part of [`StepError`] or [`SideError`] for the whole.
macro_rules! parts {
    ($($part:ty => $whole:ty),* $(,)?) => {$(
        impl From<$part> for QueueError {
            fn from(error: $part) -> QueueError {
                <$whole>::from(error).into()
            }
        }
    )*};
}

parts! {
    GitError => StepError,
    CheckoutError => StepError,
    EffectError => StepError,
    LockError => StepError,
    PublishError => StepError,
    Unreadable => SideError,
}
