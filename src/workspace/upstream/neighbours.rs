//! Finds entries with the same url: each has its own store, and takes existing objects from the others.

use std::path::PathBuf;

use crate::workspace::files::open::Workspace;
use crate::workspace::manifest::Upstream;

/// Returns the stores, other than its own, that may have objects of `upstream`: those of the entries with the same url
/// (mirrors and the user of an http url do not count), in a linked worktree also those of the main one. A store that
/// another one borrows from comes before it.
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

/// Groups the upstreams by url, in the order of the first of each group: those of a group must run one after the other,
/// so that they find each other's objects.
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
