//! A copy of another entry's queue that goes elsewhere at once, before it is in any file.

use super::Moving;
use crate::stack::Rebased;
use crate::workspace::files::queue_files::Files;
use crate::workspace::ops::refresh::{Published, RefreshError, RefreshWish};
use crate::workspace::upstream::fetcher::Supply;
use crate::workspace::upstream::store::Site;

impl<'a> Moving<'a> {
    /// Asks where a copy of `from`, which the new entry of `site` is to get, is to go.
    ///
    /// # Errors
    /// [`RefreshError`].
    pub fn begin_copy(
        site: &'a Site<'a>,
        supply: &'a Supply<'a>,
        wish: &RefreshWish,
        from: Files,
    ) -> Result<Moving<'a>, RefreshError> {
        Moving::start(site, supply, wish, from)
    }

    /// The files that the copy will have where it goes, and what became of them; `rebased` is clean. Whoever adopts them
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
