//! The errors of a step.

use super::effects::EffectError;
use super::publish::PublishError;
use crate::git::GitError;
use crate::git::checkout::CheckoutError;
use crate::workspace::files::lock::LockError;

/// Why a step could not be done, or what it works on could not be read.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The store failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The checkout failed.
    #[error(transparent)]
    Checkout(#[from] CheckoutError),
    /// The checkout or the refs could not be changed.
    #[error(transparent)]
    Follow(#[from] EffectError),
    /// Another patchq works on the upstream.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal, or the maintainers' files, failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}
