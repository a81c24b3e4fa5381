//! The context of a change: the command, the time, and who observes it.

use super::journal::KillPoint;
use crate::workspace::files::lock::Holder;

/// The context of a change: the command, the time, and who observes it.
pub struct StepContext<'a> {
    /// The command, for locks, logs and `undo`.
    pub command: &'a str,
    /// Seconds since 1970.
    pub now: i64,
    /// Called once when another patchq must be waited for.
    pub on_wait: &'a dyn Fn(&Holder),
    /// Called for each step, so that a test can stop there.
    pub observe: &'a dyn Fn(&str),
}

impl StepContext<'_> {
    /// Reports that a step has reached `point`.
    pub(in crate::workspace) fn passed(&self, point: KillPoint) {
        (self.observe)(&point.to_string());
    }
}
