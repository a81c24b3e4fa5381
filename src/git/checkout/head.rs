//! Reads the state of a checkout: where HEAD is, whether a git operation is under way, and which commits are on top of
//! the pin.

use std::collections::BTreeSet;

use super::listing::missing;
use crate::git::{BRANCH, GitError, Id, Store};

/// Where HEAD points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadState {
    /// The stack's branch; `None`: it has no commit yet.
    OnQueue(Option<Id>),
    /// Another branch, with its full name.
    OnBranch {
        /// As in `refs/heads/topic`.
        name: String,
        /// Its commit, where it has one.
        id: Option<Id>,
    },
    /// A commit, without a branch.
    Detached(Id),
}

/// Reads HEAD.
///
/// # Errors
/// [`GitError`] when it cannot be read.
pub fn head(store: &Store) -> Result<HeadState, GitError> {
    let failed = || GitError::lib("cannot read HEAD");
    let head = store.repo().find_reference("HEAD").map_err(failed())?;
    if let Some(id) = head.target() {
        return Ok(HeadState::Detached(id.into()));
    }
    let name = String::from_utf8_lossy(head.symbolic_target_bytes().unwrap_or_default()).into_owned();
    let id = store.read_ref(&name)?;
    Ok(if name == BRANCH { HeadState::OnQueue(id) } else { HeadState::OnBranch { name, id } })
}

/// Returns the name of the git operation that waits for the user in this checkout, in git's words; `None` when there is
/// none.
#[must_use]
pub fn operation(store: &Store) -> Option<&'static str> {
    use git2::RepositoryState as State;
    match store.repo().state() {
        State::Clean => None,
        State::Merge => Some("merge"),
        State::Revert | State::RevertSequence => Some("revert"),
        State::CherryPick | State::CherryPickSequence => Some("cherry-pick"),
        State::Bisect => Some("bisect"),
        State::Rebase | State::RebaseInteractive | State::RebaseMerge | State::ApplyMailboxOrRebase => Some("rebase"),
        State::ApplyMailbox => Some("am"),
    }
}

/// The commits from a base to a tip, if the history is linear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Each commit has the one before it as parent, the first has the base; oldest first.
    Linear(Vec<Id>),
    /// This commit between base and tip has two parents or more.
    Merge(Id),
    /// The base is not an ancestor of the tip.
    NotOnBase,
}

/// Returns the commits `base..tip`. The shallow boundary counts as the end of history.
///
/// # Errors
/// [`GitError`] when a commit on the way cannot be read.
pub fn commits(store: &Store, base: Id, tip: Id) -> Result<Line, GitError> {
    let shallow = shallow_boundary(store)?;
    let mut line = Vec::new();
    let mut at = tip;
    while at != base {
        let commit = store.repo().find_commit(at.into()).map_err(missing("commit", at))?;
        line.push(at);
        let parents = if shallow.contains(&at) { 0 } else { commit.parent_count() };
        at = match parents {
            0 => return Ok(Line::NotOnBase),
            1 => commit.parent_id(0).map_err(missing("commit", at))?.into(),
            _ => {
                // If the base is not an ancestor, the merge is from upstream and not the reason.
                let on_base = store.repo().graph_descendant_of(at.into(), base.into()).unwrap_or(true);
                return Ok(if on_base { Line::Merge(at) } else { Line::NotOnBase });
            }
        };
    }
    line.reverse();
    Ok(Line::Linear(line))
}

/// Returns the commits whose parents were not fetched. The file is read each time, because git may have changed it.
fn shallow_boundary(store: &Store) -> Result<BTreeSet<Id>, GitError> {
    let path = store.dir().join("shallow");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().filter_map(|line| line.parse().ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(GitError::io("cannot read", path)(error)),
    }
}
