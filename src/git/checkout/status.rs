//! Lists the uncommitted changes of a checkout. It runs no program, whatever attributes and the user's settings name:
//! neither a filter nor a file system monitor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bstr::{BStr, BString};

use super::content::{Against, Content, open_work};
use super::head::{HeadState, head};
use super::index::{DiskIndex, Tracked};
use super::listing::{Listing, list_commit};
use super::root::{Found, Root};
use super::submodule::head_of;
use super::{CheckoutError, untracked};
use crate::git::{Entry, GitError, Mode, Store};
use crate::path::RepoPath;

/// How a path differs from HEAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// The content differs.
    Modified,
    /// Only the executable bit differs.
    ModeChanged,
    /// A file became a symlink, or the other way round.
    TypeChanged,
    /// The path is gone.
    Deleted,
    /// In the index and not in HEAD.
    Added,
    /// Neither in HEAD nor in the index, and not ignored.
    Untracked,
    /// An untracked folder that is a git repository itself; only the folder is listed.
    Repository,
    /// A submodule whose repository is at another commit.
    Submodule,
    /// The path is unmerged in the index.
    Conflicted,
}

impl ChangeKind {
    /// Returns the name of the kind in data.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ChangeKind::Modified => "modified",
            ChangeKind::ModeChanged => "mode",
            ChangeKind::TypeChanged => "type",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Added => "added",
            ChangeKind::Untracked => "untracked",
            ChangeKind::Repository => "repository",
            ChangeKind::Submodule => "submodule",
            ChangeKind::Conflicted => "conflict",
        }
    }
}

/// One path that differs from HEAD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkChange {
    /// The path.
    pub path: RepoPath,
    /// How it differs.
    pub kind: ChangeKind,
    /// Whether the index differs from HEAD here.
    pub staged: bool,
    /// The working file's size in bytes, if there is one.
    pub size: Option<u64>,
}

/// Returns the changes of the checkout against HEAD, in order of path.
///
/// # Errors
/// [`CheckoutError::IndexForm`] when plain git made the index split or sparse; [`GitError`] otherwise.
pub fn status(store: &Store, checkout: &Path) -> Result<Vec<WorkChange>, CheckoutError> {
    let repo = open_work(store, checkout)?;
    let mut root = Root::open(checkout)?;
    let mut index = DiskIndex::read(store.dir())?;
    if let Some(index) = &mut index {
        repo.set_index(&mut index.lib).map_err(GitError::lib("cannot use the index"))?;
    }
    let tip = match head(store)? {
        HeadState::OnQueue(id) | HeadState::OnBranch { id, .. } => id,
        HeadState::Detached(id) => Some(id),
    };
    let listing = tip.map_or_else(|| Ok(Listing::new()), |tip| list_commit(&repo, tip))?;
    let content = Content::new(&repo, index.as_ref());
    let mut changes = BTreeMap::new();
    let none = BTreeMap::new();
    let tracked = index.as_ref().map_or(&none, |index| &index.files);
    let conflicts: BTreeSet<&BString> = index.iter().flat_map(|index| &index.conflicts).collect();
    let paths: BTreeSet<&BString> = listing.keys().chain(tracked.keys()).chain(conflicts.iter().copied()).collect();
    for path in paths {
        // A path that cannot be in a working tree cannot differ there.
        let Ok(safe) = RepoPath::new(path) else { continue };
        let sides = Sides { head: listing.get(path).copied(), index: tracked.get(path) };
        let found = root.look(&safe)?;
        let kind = if conflicts.contains(path) {
            Some(ChangeKind::Conflicted)
        } else {
            sides.kind(&content, &mut root, &safe, &found)?
        };
        if let Some(kind) = kind {
            let staged = sides.head != sides.index.map(|tracked| tracked.entry);
            changes.insert(safe.clone(), WorkChange { path: safe, kind, staged, size: size(&found) });
        }
    }
    let untracked = untracked::find(&repo, &mut root, index.as_ref())?;
    for path in untracked.files {
        let found = root.look(&path)?;
        let gone = changes.remove(&path);
        // Removed from the index but still on disk: against HEAD this is at most a modification.
        let kind = if gone.is_some() { ChangeKind::Modified } else { ChangeKind::Untracked };
        changes.insert(path.clone(), WorkChange { path, kind, staged: gone.is_some(), size: size(&found) });
    }
    for path in untracked.repositories {
        let change = WorkChange { path: path.clone(), kind: ChangeKind::Repository, staged: false, size: None };
        changes.entry(path).or_insert(change);
    }
    Ok(changes.into_values().collect())
}

fn size(found: &Found) -> Option<u64> {
    match found {
        Found::File(meta) | Found::Symlink(meta) => Some(meta.size),
        _ => None,
    }
}

/// The entries of a path in HEAD and in the index.
struct Sides<'a> {
    head: Option<Entry>,
    index: Option<&'a Tracked>,
}

impl Sides<'_> {
    fn kind(
        &self,
        content: &Content<'_>,
        root: &mut Root,
        path: &RepoPath,
        found: &Found,
    ) -> Result<Option<ChangeKind>, GitError> {
        let Some(tracked) = self.index else { return Ok(self.head.map(|_| ChangeKind::Deleted)) };
        let staged = self.head != Some(tracked.entry);
        let against = if tracked.entry.mode == Mode::Gitlink {
            // A submodule's folder is the user's; only another commit there, or a file in its place, is a change.
            match head_of(root, path, found) {
                _ if matches!(found, Found::File(_) | Found::Symlink(_)) => Against::Type,
                Some(head) if head != tracked.entry.id => Against::Content,
                _ => Against::Absent,
            }
        } else {
            content.compare(root, path, found, tracked.entry)?
        };
        let submodule = tracked.entry.mode == Mode::Gitlink && against == Against::Absent;
        let clean =
            matches!(against, Against::Equal(_)) || submodule || (against == Against::Absent && tracked.skipped);
        if clean && !staged {
            return Ok(None);
        }
        if tracked.entry.mode == Mode::Gitlink && against == Against::Content {
            return Ok(Some(ChangeKind::Submodule));
        }
        Ok(Some(match (self.head, against) {
            (_, Against::Absent) if !clean => ChangeKind::Deleted,
            (None, _) => ChangeKind::Added,
            (_, Against::Type) => ChangeKind::TypeChanged,
            (Some(head), _) if kind_bits(head.mode) != kind_bits(tracked.entry.mode) => ChangeKind::TypeChanged,
            (Some(head), Against::Equal(_) | Against::Absent | Against::Mode) if head.id == tracked.entry.id => {
                ChangeKind::ModeChanged
            }
            _ => ChangeKind::Modified,
        }))
    }
}

/// Returns the type bits: file, symlink or submodule.
fn kind_bits(mode: Mode) -> u32 {
    mode.bits() & 0o170_000
}

/// The largest total size of working files in memory, in bytes.
const HELD: u64 = 8 << 20;

/// What a commit would hold for a path of the working tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkFile {
    /// File, executable, symlink or submodule.
    pub mode: Mode,
    /// The content as git would store it; empty if `object` is set.
    pub bytes: Vec<u8>,
    /// The submodule's commit, or the blob in the store for a content that is too large for memory.
    pub object: Option<crate::git::Id>,
}

/// The working tree's side of some changes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkFiles {
    /// For each path what a commit would hold there; `None`: nothing.
    pub files: BTreeMap<RepoPath, Option<WorkFile>>,
    /// Paths whose attributes name a filter program. It did not run: the bytes are those on disk.
    pub filtered: Vec<RepoPath>,
    /// Paths that cannot be committed: unmerged, repositories of their own, or neither file nor symlink.
    pub unusable: Vec<RepoPath>,
}

/// Returns what HEAD's tree would hold at the paths of `changes` (some of those from [`status`]) if the working tree
/// were committed, with line endings and `ident` undone as the attributes say. Contents that are too large for memory
/// are written to the store in pieces; nothing refers to them there yet.
///
/// # Errors
/// As [`status`].
pub fn work_files(store: &Store, checkout: &Path, changes: &[WorkChange]) -> Result<WorkFiles, CheckoutError> {
    let repo = open_work(store, checkout)?;
    let mut root = Root::open(checkout)?;
    let mut index = DiskIndex::read(store.dir())?;
    if let Some(index) = &mut index {
        repo.set_index(&mut index.lib).map_err(GitError::lib("cannot use the index"))?;
    }
    let content = Content::new(&repo, index.as_ref());
    let (mut result, mut held) = (WorkFiles::default(), 0);
    for change in changes {
        let path = &change.path;
        match change.kind {
            ChangeKind::Deleted => {
                result.files.insert(path.clone(), None);
                continue;
            }
            ChangeKind::Conflicted | ChangeKind::Repository => {
                result.unusable.push(path.clone());
                continue;
            }
            _ => {}
        }
        let tracked = index.as_ref().and_then(|index| index.files.get::<BStr>(path.as_bstr()));
        let found = root.look(path)?;
        let file = match (&found, tracked) {
            (Found::File(_) | Found::Symlink(_), _) => {
                if content.attribute(path, "filter")?.is_some() {
                    result.filtered.push(path.clone());
                }
                let mode = content.mode(&found, tracked.map(|tracked| tracked.entry.mode));
                held += size(&found).unwrap_or(0);
                if held > HELD
                    && let Some(id) = content.store(store, &mut root, path, &found)?
                {
                    held -= size(&found).unwrap_or(0);
                    let file = mode.map(|mode| WorkFile { mode, bytes: Vec::new(), object: Some(id) });
                    result.files.insert(path.clone(), file);
                    continue;
                }
                let id = content.stored_id(&mut root, path, &found)?;
                mode.map(|mode| Entry { mode, id })
            }
            // Not on disk because of the sparse set: the entry in the index counts.
            (Found::Absent | Found::Blocked { .. }, Some(tracked)) if tracked.skipped => Some(tracked.entry),
            (Found::Folder | Found::Absent, Some(tracked)) if tracked.entry.mode == Mode::Gitlink => {
                let id = head_of(&root, path, &found).unwrap_or(tracked.entry.id);
                Some(Entry { id, ..tracked.entry })
            }
            (Found::Absent | Found::Blocked { .. }, _) => None,
            (Found::Folder | Found::Other, _) => {
                result.unusable.push(path.clone());
                continue;
            }
        };
        let file = file.map(|entry| read(&repo, entry)).transpose()?;
        result.files.insert(path.clone(), file);
    }
    Ok(result)
}

fn read(repo: &git2::Repository, entry: Entry) -> Result<WorkFile, GitError> {
    if entry.mode == Mode::Gitlink {
        return Ok(WorkFile { mode: entry.mode, bytes: Vec::new(), object: Some(entry.id) });
    }
    let blob = repo.find_blob(entry.id.into()).map_err(super::listing::missing("blob", entry.id))?;
    Ok(WorkFile { mode: entry.mode, bytes: blob.content().to_vec(), object: None })
}
