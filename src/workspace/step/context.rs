//! What surrounds a change: who makes it, when, and who watches.

use super::journal::KillPoint;
use crate::workspace::files::lock::Holder;

/// What surrounds a change: who makes it, when, and who watches.
pub struct StepContext<'a> {
    /// The command, for locks, logs and `undo`.
    pub command: &'a str,
    /// Seconds since 1970.
    pub now: i64,
    /// Called once when another patchq must be waited for.
    pub on_wait: &'a dyn Fn(&Holder),
    /// Told each step, so that a test can stop there.
    pub observe: &'a dyn Fn(&str),
}

impl StepContext<'_> {
    /// Tells that a step has come to `point`.
    pub(in crate::workspace) fn passed(&self, point: KillPoint) {
        (self.observe)(&point.to_string());
    }
}
