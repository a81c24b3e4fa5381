//! Moves a copy of another entry's queue to its target, before it is in any file.

use super::Moving;
use crate::stack::Rebased;
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::refresh::{Published, RefreshError, RefreshOptions};
use crate::workspace::upstream::fetcher::Fetcher;

impl<'a> Moving<'a> {
    /// Determines the target of a copy of `from`, which the new entry of `upstream` will get.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn begin_copy(
        fetcher: &'a Fetcher<'a>,
        options: &RefreshOptions,
        from: Files,
    ) -> Result<Moving<'a>, RefreshError> {
        Moving::start(fetcher, options, from)
    }

    /// Returns the files that the copy will have at its target, and their outcomes; `rebased` is clean. The caller
    /// publishes them.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn copy_there(&mut self, rebased: &Rebased) -> Result<(Files, Published), RefreshError> {
        let rewrite = self.plan(rebased)?;
        let queue = rewrite.written();
        Ok((rewrite.files, Published { queue, checkout: None }))
    }
}
