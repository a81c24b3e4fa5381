//! Finds the id of a commit at the upstream by the name that people use.

use std::path::Path;

use super::tags::{TagVersion, wants_prereleases};
use super::{Look, Remote, RemoteError, RemoteRef};
use crate::git::{GitError, Id, Rev, Store, Watch};
use crate::path::printable;

/// A shorter abbreviated id is searched in the whole history, even if just one tip matches.
const TRUSTED_DIGITS: usize = 7;

/// A revision found at the upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The commit. (Whether a full id names a commit is known only after the fetch.)
    pub id: Id,
    /// The full name of the branch or tag it was found by.
    pub ref_name: Option<String>,
    /// The upstream's tags and branches, if they were listed, so that [`Remote::describe`] need not list them again.
    pub refs: Option<Vec<RemoteRef>>,
    /// The index in [`Remote::urls`] of the url that answered; `None` when no request was needed.
    pub served_by: Option<usize>,
}

impl Remote<'_> {
    /// Finds `rev`: a full id as it is; a full ref name, a branch or a tag (a name that is both is ambiguous); the
    /// newest tag that a glob matches; an abbreviated id, which needs the history of commits in a store at `history`
    /// when no branch or tag is at that commit. `store` is only the folder to run in.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn resolve(
        &self,
        store: &Store,
        history: &Path,
        rev: &Rev,
        watch: &mut Watch<'_>,
    ) -> Result<Resolved, RemoteError> {
        if let Rev::Id(id) = rev {
            return Ok(Resolved { id: *id, ref_name: None, refs: None, served_by: None });
        }
        if matches!(rev, Rev::Name(name) if name == "HEAD") {
            let found = self.refs(store, Look::Head, watch)?;
            let head = found.refs.iter().find(|found| found.name == "HEAD");
            let id = head.map(|head| head.id).ok_or_else(|| no_such(rev, &[]))?;
            return Ok(Resolved { id, ref_name: found.head, refs: None, served_by: Some(found.served_by) });
        }
        let found = self.refs(store, Look::BranchesAndTags, watch)?;
        let (id, ref_name) = self.resolve_among(&found.refs, history, rev, watch)?;
        Ok(Resolved { id, ref_name, refs: Some(found.refs), served_by: Some(found.served_by) })
    }

    /// Finds `rev` as [`Remote::resolve`] does, among `refs`, the branches and tags that the upstream listed before;
    /// `HEAD` is not among them. Returns the commit and the full name of its branch or tag.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub fn resolve_among(
        &self,
        refs: &[RemoteRef],
        history: &Path,
        rev: &Rev,
        watch: &mut Watch<'_>,
    ) -> Result<(Id, Option<String>), RemoteError> {
        match rev {
            Rev::Glob(glob) => newest(glob, refs),
            Rev::Name(name) => by_name(name, refs)?.ok_or_else(|| no_such(rev, refs)),
            Rev::Short(text) => match by_name(text, refs)? {
                Some(named) => Ok(named),
                None => self.by_short_id(text, refs, history, watch)?.ok_or_else(|| no_such(rev, &[])),
            },
            Rev::Id(id) => Ok((*id, None)),
        }
    }

    fn by_short_id(
        &self,
        text: &str,
        refs: &[RemoteRef],
        history: &Path,
        watch: &mut Watch<'_>,
    ) -> Result<Option<(Id, Option<String>)>, RemoteError> {
        let begins = |id: Id| id.to_string().starts_with(text);
        let mut tips: Vec<_> = refs.iter().filter(|found| begins(found.commit())).collect();
        tips.dedup_by_key(|found| found.commit());
        let all_the_same = tips.windows(2).all(|pair| pair[0].commit() == pair[1].commit());
        if let (Some(tip), true, true) = (tips.first(), all_the_same, text.len() >= TRUSTED_DIGITS) {
            return Ok(Some((tip.commit(), Some(tip.name.clone()))));
        }
        let store = self.fetch_history(history, &[], true, watch)?.store;
        let commits = commits_by_prefix(&store, text)?;
        match commits.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some((*only, None))),
            many => Err(RemoteError::Ambiguous {
                rev: text.to_owned(),
                candidates: many.iter().map(|id| describe_candidate(&store, *id)).collect(),
            }),
        }
    }
}

/// Returns the ids in the store that begin with `text` and are commits, in order.
fn commits_by_prefix(store: &Store, text: &str) -> Result<Vec<Id>, GitError> {
    let failed = || GitError::lib("cannot look into the history");
    let odb = store.repo().odb().map_err(failed())?;
    odb.refresh().map_err(failed())?;
    let mut found = Vec::new();
    odb.foreach(|oid| {
        let id = Id::from(*oid);
        if id.to_string().starts_with(text) {
            found.push(id);
        }
        true
    })
    .map_err(failed())?;
    found.retain(|id| store.repo().find_commit((*id).into()).is_ok());
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Returns a text like `0611aa04850c "subject"`.
fn describe_candidate(store: &Store, id: Id) -> String {
    let commit = store.repo().find_commit(id.into());
    let subject = commit.ok().and_then(|commit| commit.summary_bytes().map(printable)).unwrap_or_default();
    format!("{} \"{subject}\"", id.short(12))
}

fn by_name(name: &str, refs: &[RemoteRef]) -> Result<Option<(Id, Option<String>)>, RemoteError> {
    let called = |full: &str| {
        full == name
            || ["refs/", "refs/heads/", "refs/tags/"]
                .iter()
                .any(|prefix| full.strip_prefix(prefix).is_some_and(|rest| rest == name))
    };
    let found: Vec<_> = refs.iter().filter(|found| called(&found.name)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some((only.commit(), Some(only.name.clone())))),
        many => Err(RemoteError::Ambiguous {
            rev: name.to_owned(),
            candidates: many.iter().map(|found| found.name.clone()).collect(),
        }),
    }
}

/// Returns the matcher of a glob over tag names; a `*` does not match a slash. `None` when the glob is not valid.
fn matcher(glob: &str) -> Option<globset::GlobMatcher> {
    let glob = globset::GlobBuilder::new(glob).literal_separator(true).build().ok()?;
    Some(glob.compile_matcher())
}

/// Checks whether the glob matches the tag, a pre-release or not.
#[must_use]
pub fn glob_matches(glob: &str, tag: &str) -> bool {
    matcher(glob).is_some_and(|matcher| matcher.is_match(tag))
}

/// Returns the newest tag that `glob` matches. Of two tags with the same version, the last by name.
fn newest(glob: &str, refs: &[RemoteRef]) -> Result<(Id, Option<String>), RemoteError> {
    let nothing = || no_such(&Rev::Glob(glob.to_owned()), refs);
    let matcher = matcher(glob).ok_or_else(nothing)?;
    let matching: Vec<_> = refs.iter().filter(|found| found.tag().is_some_and(|tag| matcher.is_match(tag))).collect();
    let shown = || matching.iter().map(|found| printable(found.short_name().as_bytes())).collect();
    let versions: Vec<_> = matching
        .iter()
        .filter_map(|found| TagVersion::of(found.short_name()).map(|version| (version, *found)))
        .collect();
    let wanted = wants_prereleases(glob);
    let best = versions.iter().filter(|(version, _)| wanted || !version.is_prerelease()).max_by(|a, b| a.0.cmp(&b.0));
    match best {
        Some((_, found)) => Ok((found.commit(), Some(found.name.clone()))),
        None if matching.is_empty() => Err(nothing()),
        None if versions.is_empty() => Err(RemoteError::NoVersions { glob: glob.to_owned(), tags: shown() }),
        None => Err(RemoteError::OnlyPrereleases { glob: glob.to_owned(), tags: shown() }),
    }
}

fn no_such(rev: &Rev, refs: &[RemoteRef]) -> RemoteError {
    let text = rev.to_string();
    let mut near: Vec<_> = refs
        .iter()
        .map(|found| (strsim::normalized_levenshtein(&text, found.short_name()), found.short_name()))
        .filter(|(score, _)| *score >= 0.6)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let near = near.into_iter().take(3).map(|(_, name)| printable(name.as_bytes())).collect();
    RemoteError::NoSuchRev { rev: text, near }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refs(names: &[&str]) -> Vec<RemoteRef> {
        let at = |place: usize| Id::from_raw([u8::try_from(place).unwrap(); 20]);
        names
            .iter()
            .enumerate()
            .map(|(place, name)| RemoteRef { name: (*name).to_owned(), id: at(place), peeled: None })
            .collect()
    }

    #[test]
    fn globs_take_the_newest_release() {
        let refs = refs(&["refs/heads/v1.9.9", "refs/tags/v1.10.0", "refs/tags/v1.9.0", "refs/tags/v2.0.0-rc.1"]);
        let found = |glob: &str| newest(glob, &refs).map(|found| found.1.unwrap());
        assert_eq!(found("v1.*").unwrap(), "refs/tags/v1.10.0");
        assert_eq!(found("v*").unwrap(), "refs/tags/v1.10.0");
        assert_eq!(found("v*-rc*").unwrap(), "refs/tags/v2.0.0-rc.1");
        assert!(matches!(found("v2.*"), Err(RemoteError::OnlyPrereleases { .. })));
        assert!(matches!(found("w*"), Err(RemoteError::NoSuchRev { .. })));
    }

    #[test]
    fn a_name_for_two_things_is_ambiguous_unless_it_is_whole() {
        let refs = refs(&["refs/heads/v1", "refs/tags/v1", "refs/heads/main"]);
        assert!(
            matches!(by_name("v1", &refs), Err(RemoteError::Ambiguous { candidates, .. }) if candidates.len() == 2)
        );
        for name in ["refs/tags/v1", "tags/v1"] {
            assert_eq!(by_name(name, &refs).unwrap().unwrap().0, refs[1].id);
        }
        assert_eq!(by_name("mian", &refs).unwrap(), None);
        let RemoteError::NoSuchRev { near, .. } = no_such(&Rev::Name("mains".to_owned()), &refs) else { panic!() };
        assert_eq!(near, ["main"]);
    }
}
