//! Finds the version of a pin, with the same text as `git describe --tags --always --abbrev=8` in a full clone.

use std::path::Path;

use super::remote::{Look, Remote, RemoteError, RemoteRef};
use super::{GitError, Id, Store, Watch};

/// A pin's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// A tag, `TAG-N-gID`, or the first digits of the id.
    pub text: String,
    /// Whether the text is a tag on the pin itself.
    pub exact: bool,
}

impl Remote<'_> {
    /// Describes the commit `pin`. A tag on it is found in the list of tags (`refs`, or asked for). Otherwise the
    /// history of commits is fetched into the store at `history`; that costs as much as upstream's commits weigh (1.3
    /// MB for Kubeflow).
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn describe(
        &self,
        store: &Store,
        history: &Path,
        pin: Id,
        refs: Option<&[RemoteRef]>,
        watch: &mut Watch<'_>,
    ) -> Result<Described, RemoteError> {
        let asked;
        let refs = match refs {
            Some(refs) => refs,
            None => {
                asked = self.refs(store, Look::Tags, watch)?.refs;
                &asked
            }
        };
        if let Some(text) = self.exact_tag(store, pin, refs, watch)? {
            return Ok(Described { text, exact: true });
        }
        let history = self.fetch_history(history, &[pin], false, watch)?.store;
        Ok(Described { text: describe_stored(&history, pin)?, exact: false })
    }

    /// Returns the tag that git would name: an annotated tag before a lightweight one; of several annotated tags the
    /// one tagged last (their objects are fetched for that); of equal tags the first by name.
    fn exact_tag(
        &self,
        store: &Store,
        pin: Id,
        refs: &[RemoteRef],
        watch: &mut Watch<'_>,
    ) -> Result<Option<String>, RemoteError> {
        let mut here: Vec<_> = refs.iter().filter(|found| found.tag().is_some() && found.commit() == pin).collect();
        here.sort_by(|a, b| a.name.cmp(&b.name));
        let annotated: Vec<_> = here.iter().copied().filter(|tag| tag.peeled.is_some()).collect();
        let best = match annotated.as_slice() {
            [] => here.first().copied(),
            [only] => Some(*only),
            several => {
                self.fetch_tags(store, several, watch)?;
                Some(latest(store, several)?)
            }
        };
        Ok(best.map(|tag| tag.short_name().to_owned()))
    }
}

/// Returns the first of the tags with the latest tagger date. `tags` is not empty.
fn latest<'a>(store: &Store, tags: &[&'a RemoteRef]) -> Result<&'a RemoteRef, GitError> {
    let mut best = (i64::MIN, tags[0]);
    for tag in tags {
        let found = store.repo().find_tag(tag.id.into()).map_err(GitError::lib(format!("cannot read {}", tag.name)))?;
        // For git, a tag without a tagger is from 1970.
        let date = found.tagger().map_or(0, |tagger| tagger.when().seconds());
        if date > best.0 {
            best = (date, tag);
        }
    }
    Ok(best.1)
}

/// Describes a commit by the tags and the history in a store.
///
/// # Errors
/// [`GitError`] when the store lacks the commit or a part of its history.
pub fn describe_stored(history: &Store, pin: Id) -> Result<String, GitError> {
    let failed = || GitError::lib(format!("cannot describe {}", pin.short(12)));
    let commit = history.repo().find_object(pin.into(), Some(git2::ObjectType::Commit)).map_err(failed())?;
    let mut options = git2::DescribeOptions::new();
    options.describe_tags().show_commit_oid_as_fallback(true);
    let mut format = git2::DescribeFormatOptions::new();
    format.abbreviated_size(8);
    commit.describe(&options).and_then(|found| found.format(Some(&format))).map_err(failed())
}
