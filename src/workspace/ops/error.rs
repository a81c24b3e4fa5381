//! The errors that all commands share that apply, move or write a queue.

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

/// Why a command on a queue failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The pin or the patch files cannot be read.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// Objects are missing and could not be fetched.
    #[error(transparent)]
    Fetcher(#[from] FetchError),
    /// The step failed, or store and checkout could not be read.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The side that the command would take is refused.
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

/// Lets `?` convert a part of [`StepError`] or [`SideError`].
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
