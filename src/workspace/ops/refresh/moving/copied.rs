//! A copy of another entry's queue that goes elsewhere at once, before it is in any file.

use super::Moving;
use crate::stack::Rebased;
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::refresh::{Published, RefreshError, RefreshOptions};
use crate::workspace::upstream::fetcher::Fetcher;

impl<'a> Moving<'a> {
    /// Asks where a copy of `from`, which the new entry of `upstream` is to get, is to go.
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

    /// The files that the copy will have where it goes, and what became of them; `rebased` is clean. Whoever adds them
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
