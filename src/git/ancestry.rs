//! Compares two commits by their history: which one came first, and how far they are apart.

use super::{GitError, Id, Store};

impl Store {
    /// Checks whether the commit `old` is `new` or an ancestor of it. Returns `false` too when the store lacks one of
    /// them, or one is not a commit. The answer needs the whole history of `new` in the store
    /// ([`super::Remote::fetch_history`]).
    ///
    /// # Errors
    /// [`GitError`] when the history cannot be walked.
    pub fn leads_to(&self, old: Id, new: Id) -> Result<bool, GitError> {
        let is_commit = |id: Id| self.repo().find_commit(id.into()).is_ok();
        if !is_commit(old) || !is_commit(new) {
            return Ok(false);
        }
        let failed = || GitError::lib(format!("cannot look into the history of {}", new.short(12)));
        Ok(old == new || self.repo().graph_descendant_of(new.into(), old.into()).map_err(failed())?)
    }

    /// Returns how many commits of the history of `new` are not in that of `old`; `None` when the store lacks one of
    /// the two. As for [`Store::leads_to`], the store must hold the whole history.
    ///
    /// # Errors
    /// [`GitError`] when the history cannot be walked.
    pub fn commits_between(&self, old: Id, new: Id) -> Result<Option<usize>, GitError> {
        let is_commit = |id: Id| self.repo().find_commit(id.into()).is_ok();
        if !is_commit(old) || !is_commit(new) {
            return Ok(None);
        }
        let failed = || GitError::lib(format!("cannot look into the history of {}", new.short(12)));
        let (ahead, _) = self.repo().graph_ahead_behind(new.into(), old.into()).map_err(failed())?;
        Ok(Some(ahead))
    }
}
