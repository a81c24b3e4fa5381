//! Entries of one url: each has a store of its own, and takes from the others what they have already.

use std::path::PathBuf;

use crate::workspace::files::open::Workspace;
use crate::workspace::manifest::Upstream;

/// The stores that may have objects of `upstream`, other than its own: those of the entries with the same url (mirrors and
/// the user of an http url do not count), in a linked worktree also those of the main one. What one borrows from comes
/// before it.
#[must_use]
pub fn neighbours(workspace: &Workspace, upstream: &Upstream) -> Vec<PathBuf> {
    let layout = &workspace.layout;
    let url = |of: &Upstream| of.url.for_git(layout.root()).ok().map(|url| url.stored());
    let own = url(upstream);
    let mut stores = Vec::new();
    for other in workspace.manifest.upstreams.iter().filter(|other| url(other) == own) {
        stores.extend(layout.borrowed_objects(&other.name).and_then(|objects| Some(objects.parent()?.to_owned())));
        if other.name != upstream.name {
            stores.push(layout.store(&other.name));
        }
    }
    stores.retain(|store| store.join("HEAD").exists() && !layout.refuses_store(store));
    stores
}

/// The upstreams in groups of one url each, in the order of the first of each group: those of a group must go one after
/// the other to find anything at each other's.
#[must_use]
pub fn by_url<'u>(workspace: &Workspace, upstreams: &[&'u Upstream]) -> Vec<Vec<&'u Upstream>> {
    let url = |of: &Upstream| of.url.for_git(workspace.layout.root()).ok().map(|url| url.stored());
    let mut groups: Vec<Vec<&Upstream>> = Vec::new();
    for upstream in upstreams.iter().copied() {
        match groups.iter_mut().find(|group| url(group[0]) == url(upstream)) {
            Some(group) => group.push(upstream),
            None => groups.push(vec![upstream]),
        }
    }
    groups
}
