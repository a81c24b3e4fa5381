//! Reads git's index as values, and writes it complete, as git would write it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString};

use super::CheckoutError;
use super::cache_tree::with_cache_tree;
use super::listing::Listing;
use super::root::Meta;
use super::sparse::SparseSet;
use crate::git::{Entry, GitError, Id, Mode};
use crate::path::RepoPath;

const SKIP_WORKTREE: u16 = 1 << 14;
const INTENT_TO_ADD: u16 = 1 << 13;
/// The empty blob, the only content whose size is really zero.
const EMPTY_BLOB: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";

/// One path of the index.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    pub(super) entry: Entry,
    pub(super) skipped: bool,
    /// Added by `git add -N`: the entry has no content yet.
    pub(super) intent: bool,
    meta: Meta,
}

/// Staged changes that stay in the index across a move: for each path its entry, or `None` for a removed path.
pub(super) type Carried = BTreeMap<BString, Option<Tracked>>;

/// The index as it is on disk.
pub(super) struct DiskIndex {
    pub(super) files: BTreeMap<BString, Tracked>,
    /// Unmerged paths.
    pub(super) conflicts: Vec<BString>,
    /// When the index was written, in seconds; a file as new as that may have changed after its stat data was recorded.
    pub(super) written: i64,
    /// For libgit2, which reads attributes through it.
    pub(super) lib: git2::Index,
}

impl DiskIndex {
    /// Reads the store's index; `None` when there is none.
    pub(super) fn read(store: &Path) -> Result<Option<DiskIndex>, CheckoutError> {
        let path = store.join("index");
        let written = match fs::metadata(&path) {
            Ok(found) => found.mtime(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(GitError::io("cannot look at", path)(error).into()),
        };
        let lib = git2::Index::open(&path).map_err(|error| {
            if error.message().contains("unsupported mandatory extension") {
                CheckoutError::IndexForm { path: path.clone() }
            } else {
                GitError::lib("cannot read the index")(error).into()
            }
        })?;
        let mut files = BTreeMap::new();
        let mut conflicts = Vec::new();
        for entry in lib.iter() {
            let path = BString::from(entry.path.as_slice());
            if (entry.flags >> 12) & 0b11 != 0 {
                conflicts.push(path);
            } else if let Some(mode) = Mode::from_bits(entry.mode) {
                let skipped = entry.flags_extended & SKIP_WORKTREE != 0;
                let intent = entry.flags_extended & INTENT_TO_ADD != 0;
                let (entry, meta) = (Entry { mode, id: entry.id.into() }, meta_of(&entry));
                files.insert(path, Tracked { entry, skipped, intent, meta });
            }
        }
        conflicts.dedup();
        Ok(Some(DiskIndex { files, conflicts, written, lib }))
    }

    /// Checks whether the stat data alone proves that the working file `found` is equal to the index's entry at `path`.
    /// `false`: compare the content. A file written in the second of the index, or later, proves nothing (git's "racily
    /// clean").
    pub(super) fn proves(&self, path: &RepoPath, entry: Entry, found: &Meta) -> bool {
        self.files.get(path.as_bstr()).is_some_and(|tracked| {
            tracked.entry.id == entry.id
                && i64::from(found.mtime.0) < self.written
                && tracked.meta
                    == Meta { executable: tracked.meta.executable, size: found.size & 0xffff_ffff, ..*found }
                && (found.size != 0 || entry.id.to_string() == EMPTY_BLOB)
        })
    }
}

fn meta_of(entry: &git2::IndexEntry) -> Meta {
    Meta {
        executable: entry.mode & 0o100 != 0,
        size: u64::from(entry.file_size),
        mtime: (entry.mtime.seconds(), entry.mtime.nanoseconds()),
        ctime: (entry.ctime.seconds(), entry.ctime.nanoseconds()),
        dev: entry.dev,
        ino: entry.ino,
        uid: entry.uid,
        gid: entry.gid,
    }
}

/// Returns the index of a checkout of `listing` as [`entries`] does, but with the staged entries of `carried`.
/// `written` is when their index was written, in seconds. Stat data as new as that proves nothing, and in a newer index
/// it would look like proof, so it is removed (git "smudges" it).
pub(super) fn entries_with(
    carried: &Carried,
    written: i64,
    listing: &Listing,
    sparse: &SparseSet,
    clean: &BTreeMap<RepoPath, Meta>,
) -> Vec<git2::IndexEntry> {
    let mut all = entries(listing, sparse, clean);
    if carried.is_empty() {
        return all;
    }
    all.retain(|entry| !carried.contains_key(BStr::new(&entry.path)));
    for (path, tracked) in carried {
        let Some(tracked) = tracked else { continue };
        let meta = Some(&tracked.meta).filter(|meta| i64::from(meta.mtime.0) < written);
        let mut entry = index_entry(path, tracked.entry, meta, tracked.skipped);
        entry.flags_extended |= if tracked.intent { INTENT_TO_ADD } else { 0 };
        all.push(entry);
    }
    all
}

/// Returns the index of a checkout of `listing`: every path of the tree; paths outside `sparse` with skip-worktree;
/// paths in `clean` with their stat data, so that git need not read them again.
pub(super) fn entries(
    listing: &Listing,
    sparse: &SparseSet,
    clean: &BTreeMap<RepoPath, Meta>,
) -> Vec<git2::IndexEntry> {
    listing
        .iter()
        .map(|(path, entry)| {
            let safe = RepoPath::new(path).ok();
            let inside = safe.as_ref().is_some_and(|path| sparse.contains_entry(path, entry.mode));
            let meta = safe.and_then(|path| clean.get(&path).copied()).filter(|_| inside);
            index_entry(path, *entry, meta.as_ref(), !inside)
        })
        .collect()
}

fn index_entry(path: &BString, entry: Entry, meta: Option<&Meta>, skipped: bool) -> git2::IndexEntry {
    let time = |of: fn(&Meta) -> (i32, u32)| {
        let (seconds, nanoseconds) = meta.map_or((0, 0), of);
        git2::IndexTime::new(seconds, nanoseconds)
    };
    git2::IndexEntry {
        ctime: time(|meta| meta.ctime),
        mtime: time(|meta| meta.mtime),
        dev: meta.map_or(0, |meta| meta.dev),
        ino: meta.map_or(0, |meta| meta.ino),
        mode: entry.mode.bits(),
        uid: meta.map_or(0, |meta| meta.uid),
        gid: meta.map_or(0, |meta| meta.gid),
        // Git keeps the low 32 bits.
        file_size: meta.map_or(0, |meta| u32::try_from(meta.size & 0xffff_ffff).unwrap_or(0)),
        id: entry.id.into(),
        flags: 0,
        flags_extended: if skipped { SKIP_WORKTREE } else { 0 },
        path: path.to_vec(),
    }
}

/// Returns the entry of an unmerged path; `stage` is 1, 2 or 3.
pub(super) fn stage_entry(path: &RepoPath, entry: Entry, stage: u16) -> git2::IndexEntry {
    git2::IndexEntry { flags: stage << 12, ..index_entry(&BString::from(path.as_bytes()), entry, None, false) }
}

/// Returns an index in memory without a repository, so that it may name blobs that are not fetched.
pub(super) fn in_memory(entries: &[git2::IndexEntry]) -> Result<git2::Index, GitError> {
    let mut index = git2::Index::new().map_err(GitError::lib("cannot make an index"))?;
    fill(&mut index, entries)?;
    Ok(index)
}

/// Checks whether git's index can hold `path` (it refuses `.git`, `..` and the like).
pub(super) fn can_hold(path: &BString, entry: Entry) -> bool {
    git2::Index::new().is_ok_and(|mut index| index.add(&index_entry(path, entry, None, true)).is_ok())
}

fn fill(index: &mut git2::Index, entries: &[git2::IndexEntry]) -> Result<(), GitError> {
    for entry in entries {
        index
            .add(entry)
            .map_err(GitError::lib(format!("cannot put '{}' into the index", crate::path::printable(&entry.path))))?;
    }
    Ok(())
}

/// The lock on the index: `index.lock`, held until dropped. Its content says that it is ours, so that the lock of a
/// killed run can be distinguished from git's.
pub(super) struct IndexLock {
    store: PathBuf,
    lock: PathBuf,
}

const OURS: &[u8] = b"patchq\n";

impl IndexLock {
    /// Takes the lock. The caller holds the upstream's own lock, so a lock of ours was left by a killed run.
    pub(super) fn take(store: &Path) -> Result<IndexLock, CheckoutError> {
        let lock = store.join("index.lock");
        if fs::read(&lock).is_ok_and(|text| text == OURS) {
            fs::remove_file(&lock).map_err(GitError::io("cannot remove", &lock))?;
        }
        // The lock file is linked into place with its content, so that it always says whose it is.
        let draft = store.join("index.lock.patchq");
        fs::write(&draft, OURS).map_err(GitError::io("cannot write", &draft))?;
        let linked = fs::hard_link(&draft, &lock);
        fs::remove_file(&draft).map_err(GitError::io("cannot remove", &draft))?;
        match linked {
            Ok(()) => Ok(IndexLock { store: store.to_owned(), lock }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(CheckoutError::Locked { path: lock }),
            Err(error) => Err(GitError::io("cannot make", lock)(error).into()),
        }
    }

    /// Replaces the index in one step; `tree`, if there is one, holds exactly `entries`.
    pub(super) fn write(
        &self,
        repo: &git2::Repository,
        entries: &[git2::IndexEntry],
        tree: Option<Id>,
    ) -> Result<(), GitError> {
        let draft = self.store.join("index.patchq");
        for stale in [&draft, &self.store.join("index.patchq.lock")] {
            match fs::remove_file(stale) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(GitError::io("cannot remove", stale)(error));
                }
                _ => {}
            }
        }
        let mut index = git2::Index::open(&draft).map_err(GitError::lib("cannot make an index"))?;
        fill(&mut index, entries)?;
        index.write().map_err(GitError::lib("cannot write the index"))?;
        if let Some(tree) = tree {
            let bytes = fs::read(&draft).map_err(GitError::io("cannot read", &draft))?;
            let bytes = with_cache_tree(repo, &bytes, tree)?;
            fs::write(&draft, bytes).map_err(GitError::io("cannot write", &draft))?;
        }
        File::open(&draft).and_then(|file| file.sync_all()).map_err(GitError::io("cannot write", &draft))?;
        let path = self.store.join("index");
        fs::rename(&draft, &path).map_err(GitError::io("cannot write", path))
    }
}

impl Drop for IndexLock {
    fn drop(&mut self) {
        // If the lock stays, it says that it is ours, and the next run takes it.
        let _ = fs::remove_file(&self.lock);
    }
}
