//! Asks an upstream about its branches, tags and commits: each question once, and only when needed.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::fetcher::{FetchError, Fetcher};
use super::resolve_pin::ResolvePinError;
use crate::git::{Id, Look, RemoteError, RemoteRef, Rev, Store, describe_stored, stored_tags, tag_on};
use crate::workspace::files::pins;
use crate::workspace::manifest::Track;

/// The tip of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// The track.
    pub track: Track,
    /// The commit.
    pub id: Id,
    /// The full name of the branch or tag there.
    pub ref_name: String,
    /// The tag on the commit: the track's own, or another one there.
    pub version: Option<String>,
}

/// Questions to the remote of one upstream.
pub(in crate::workspace) struct RemoteQuery<'a> {
    fetcher: &'a Fetcher<'a>,
    /// The command only shows something: the history of commits is used if it is there, and never fetched.
    frugal: bool,
    refs: OnceCell<Vec<RemoteRef>>,
}

impl<'a> RemoteQuery<'a> {
    pub(in crate::workspace) fn new(fetcher: &'a Fetcher<'a>) -> RemoteQuery<'a> {
        RemoteQuery { fetcher, frugal: false, refs: OnceCell::new() }
    }

    /// Sets whether the command only shows something: what only a missing history of commits could tell is then
    /// unknown, as it is offline.
    pub(in crate::workspace) fn frugal(self, frugal: bool) -> RemoteQuery<'a> {
        RemoteQuery { frugal, ..self }
    }

    /// Returns the upstream's branches and tags.
    ///
    /// # Errors
    /// [`RemoteError`].
    pub(in crate::workspace) fn refs(&self) -> Result<&[RemoteRef], RemoteError> {
        if let Some(refs) = self.refs.get() {
            return Ok(refs);
        }
        let found = self
            .fetcher
            .with_watch(|remote, watch| remote.refs(&self.fetcher.upstream.store, Look::BranchesAndTags, watch))?;
        Ok(self.refs.get_or_init(|| found.refs))
    }

    /// Returns the upstream's branches and tags, if they were listed already.
    pub(in crate::workspace) fn asked(&self) -> Option<&[RemoteRef]> {
        self.refs.get().map(Vec::as_slice)
    }

    /// Returns the upstream's tags, as far as the store and the history of commits know them without asking.
    pub(in crate::workspace) fn known_tags(&self) -> Result<Vec<RemoteRef>, RemoteError> {
        let history = Store::open(&self.fetcher.upstream.history())?;
        let mut tags = history.map(|store| stored_tags(&store)).transpose()?.unwrap_or_default();
        for tag in stored_tags(&self.fetcher.upstream.store)? {
            if !tags.iter().any(|known| known.name == tag.name) {
                tags.push(tag);
            }
        }
        Ok(tags)
    }

    /// Returns the commit that `rev` names, and the full name of its branch or tag. Offline only a full id and a known
    /// tag can be found.
    ///
    /// # Errors
    /// [`FetchError`].
    pub(in crate::workspace) fn resolve(&self, rev: &Rev) -> Result<(Id, Option<String>), FetchError> {
        let (upstream, history) = (self.fetcher.upstream, self.fetcher.upstream.history());
        if let Rev::Id(id) = rev {
            return Ok((*id, None));
        }
        if matches!(rev, Rev::Name(name) if name == "HEAD") {
            let found =
                self.fetcher.with_watch(|remote, watch| remote.resolve(&upstream.store, &history, rev, watch))?;
            return Ok((found.id, found.ref_name));
        }
        let among = |refs: &[RemoteRef]| match rev {
            // A known object that is not a commit cannot be a version.
            Rev::Glob(_) => {
                let history = Store::open(&history)?;
                let stores = || history.iter().chain(std::iter::once(&upstream.store));
                let is_commit =
                    |found: &&RemoteRef| !stores().any(|store| store.tree_or_blob(found.commit()).is_some());
                let refs: Vec<RemoteRef> = refs.iter().filter(is_commit).cloned().collect();
                let dir = upstream.history();
                Ok(self.fetcher.with_watch(|remote, watch| remote.resolve_among(&refs, &dir, rev, watch))?)
            }
            // Only an abbreviated id may need the history.
            Rev::Short(_) => self.fetcher.fetching(|remote, watch| remote.resolve_among(refs, &history, rev, watch)),
            _ => Ok(self.fetcher.with_watch(|remote, watch| remote.resolve_among(refs, &history, rev, watch))?),
        };
        // The newest match of a glob may be an unknown tag.
        if self.fetcher.remote.is_offline()
            && !matches!(rev, Rev::Glob(_))
            && let Ok(found) = among(&self.known_tags()?)
        {
            return Ok(found);
        }
        among(self.refs()?)
    }

    /// Returns the tip of `track`.
    ///
    /// # Errors
    /// [`ResolvePinError`].
    pub(in crate::workspace) fn tip(&self, track: &Track) -> Result<Tip, ResolvePinError> {
        // A store knows only an old state of a track, never its tip.
        if self.fetcher.remote.is_offline() {
            self.refs()?;
        }
        match self.resolve(&Rev::parse(track.as_str())?)? {
            (id, Some(name)) if name.starts_with("refs/") => Ok(self.standing_at(track.clone(), id, name)),
            _ => Err(ResolvePinError::NoTrack(track.to_string())),
        }
    }

    /// Returns the tip of `track`; the store then has its commit with the trees. Of the tags that a glob matches, one
    /// that points at a tree or a blob is skipped.
    ///
    /// # Errors
    /// [`ResolvePinError`].
    pub(in crate::workspace) fn fetched_tip(&self, track: &Track) -> Result<Tip, ResolvePinError> {
        let mut passed_over = BTreeSet::new();
        loop {
            let tip = self.tip(track)?;
            match self.fetch(tip.id, Some(&tip.ref_name)) {
                Ok(()) => return Ok(tip),
                Err(error) => {
                    let mut first_time = || passed_over.insert(tip.id);
                    // Its kind is known now.
                    if !matches!(track, Track::TagGlob(_))
                        || self.fetcher.upstream.store.tree_or_blob(tip.id).is_none()
                        || !first_time()
                    {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Returns the tip of the branch that the remote's HEAD points at.
    ///
    /// # Errors
    /// [`ResolvePinError`].
    pub(in crate::workspace) fn default_tip(&self) -> Result<Tip, ResolvePinError> {
        let found =
            self.fetcher.with_watch(|remote, watch| remote.refs(&self.fetcher.upstream.store, Look::Head, watch))?;
        let head = found.refs.iter().find(|found| found.name == "HEAD").map(|head| head.id);
        let named = found.head.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned));
        let (Some(id), Some(name)) = (head, named) else { return Err(ResolvePinError::NoDefaultBranch) };
        let track = Track::parse(&name).map_err(ResolvePinError::DefaultBranch)?;
        Ok(self.standing_at(track, id, format!("refs/heads/{name}")))
    }

    fn standing_at(&self, track: Track, id: Id, ref_name: String) -> Tip {
        let own = ref_name.strip_prefix("refs/tags/");
        let version = own.or_else(|| tag_on(self.asked()?, id)).map(str::to_owned);
        Tip { track, id, ref_name, version }
    }

    /// Makes sure that the store has the commit and its trees; `within` is the ref to search it in, for servers that
    /// give only refs.
    ///
    /// # Errors
    /// [`ResolvePinError`].
    pub(in crate::workspace) fn fetch(&self, id: Id, within: Option<&str>) -> Result<(), ResolvePinError> {
        let within: Vec<String> = within.into_iter().map(str::to_owned).collect();
        Ok(self.fetcher.commits(&self.fetcher.upstream.store, &[id], &within)?)
    }

    /// Returns the history of commits that leads to `id`.
    ///
    /// # Errors
    /// [`FetchError`].
    pub(in crate::workspace) fn history(&self, id: Id) -> Result<Store, FetchError> {
        let dir = self.fetcher.upstream.history();
        if self.frugal {
            let what = format!("look for {} in the history of commits", id.short(12));
            return Ok(self.history_at_hand(id)?.ok_or(RemoteError::Offline { what })?);
        }
        let found = self.fetcher.fetching(|remote, watch| remote.fetch_history(&dir, &[id], false, watch))?;
        Ok(found.store)
    }

    /// Returns the history of commits as it was fetched before, if it leads to `id`.
    fn history_at_hand(&self, id: Id) -> Result<Option<Store>, RemoteError> {
        let Some(store) = Store::open(&self.fetcher.upstream.history())? else { return Ok(None) };
        let whole = !store.is_shallow() && store.lacking(std::iter::once(id))?.is_empty();
        Ok(whole.then_some(store))
    }

    /// Returns the commit's version. A tag whose name cannot be written in a text file and shown is replaced by the id.
    ///
    /// # Errors
    /// [`FetchError`].
    pub(in crate::workspace) fn version(&self, id: Id) -> Result<String, FetchError> {
        let (upstream, history) = (self.fetcher.upstream, self.fetcher.upstream.history());
        let known = if self.fetcher.remote.is_offline() { Some(self.known_tags()?) } else { None };
        let refs = known.as_deref().or_else(|| self.asked());
        let exact = refs.is_some_and(|refs| tag_on(refs, id).is_some());
        let text = if self.frugal && !exact {
            describe_stored(&self.history(id)?, id)?
        } else {
            self.fetcher.fetching(|remote, watch| remote.describe(&upstream.store, &history, id, refs, watch))?.text
        };
        let file = upstream.workspace.layout.version(upstream.name());
        let is_kept = pins::parse_version(&pins::print_version(&text), &file).is_ok_and(|kept| kept == text);
        Ok(if is_kept { text } else { id.short(8) })
    }
}
