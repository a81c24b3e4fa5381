//! Copies objects from another store on this machine by hard links, so that they need not be fetched and remain when
//! the other store is removed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::{GitError, Id, Store};

/// How often the other store is listed again when listed files disappear meanwhile (git repacks).
const TRIES: usize = 3;
/// How long to wait for a running `git fetch`.
const PATIENCE: Duration = Duration::from_secs(5);
/// The files of a pack, in the order in which they must be placed: once its index is there, the pack is in use.
const ENDINGS: [&str; 4] = ["pack", "rev", "promisor", "idx"];

/// The content of a store at one moment.
struct Listing {
    /// Loose objects and packs without their endings, below `objects/`, oldest first: newer objects may refer to older
    /// ones.
    items: Vec<Item>,
    /// The commits whose parents are left out (shallow).
    shallow: BTreeSet<Id>,
}

struct Item {
    made: SystemTime,
    path: PathBuf,
    is_pack: bool,
}

impl Store {
    /// Takes all objects of the store at `from`: by hard links, or by copies if the file system has no hard links.
    /// Commits that are shallow there become shallow here. Objects that `from` borrows are not taken.
    ///
    /// A kill in between leaves only complete objects, and no shallow commit without its mark. Returns `false` when
    /// `from` kept changing and objects may be missing.
    ///
    /// # Errors
    /// [`GitError`] when `from` cannot be read or this store cannot be written.
    pub fn take_from(&self, from: &Path) -> Result<bool, GitError> {
        for _ in 0..TRIES {
            let Some(listing) = Listing::of(from)? else { return Ok(false) };
            // Marks come first: for a commit without its mark git would look for its parents.
            self.mark_shallow(&listing.shallow)?;
            if self.take(from, &listing.items)? {
                let odb = self.repo().odb().map_err(GitError::lib("cannot open the store's objects"))?;
                odb.refresh().map_err(GitError::lib("cannot look into the store"))?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks whether the store has one of these objects, without reading the list of packs again.
    #[must_use]
    pub fn has_any<'i>(&self, ids: impl IntoIterator<Item = &'i Id>) -> bool {
        let here = |odb: &git2::Odb<'_>, id: &Id| odb.exists_ext((*id).into(), git2::OdbLookupFlags::NO_REFRESH);
        self.repo().odb().is_ok_and(|odb| ids.into_iter().any(|id| here(&odb, id)))
    }

    /// Takes these items; returns `false` when a listed file is gone.
    fn take(&self, from: &Path, items: &[Item]) -> Result<bool, GitError> {
        let (from, to) = (from.join("objects"), self.dir().join("objects"));
        let mut folders = BTreeSet::new();
        for item in items {
            let (source, dest) = (from.join(&item.path), to.join(&item.path));
            let last = if item.is_pack { dest.with_extension("idx") } else { dest.clone() };
            if last.exists() {
                continue;
            }
            let folder = dest.parent().unwrap_or(&to).to_owned();
            fs::create_dir_all(&folder).map_err(GitError::io("cannot make the folder", &folder))?;
            folders.insert(folder);
            let all_there = if item.is_pack {
                take_pack(&source, &dest)?
            } else {
                place(&source, &dest).map_err(GitError::io("cannot write", &dest))?
            };
            if !all_there {
                return Ok(false);
            }
        }
        // Refs are written next, and must not name an object that a crash removes.
        folders.into_iter().chain([to]).try_for_each(|folder| {
            File::open(&folder).and_then(|open| open.sync_all()).map_err(GitError::io("cannot write", folder))
        })?;
        Ok(true)
    }

    /// Marks the commits that are shallow in the store at `lender`, whose objects this store borrows, as shallow here
    /// too.
    ///
    /// # Errors
    /// [`GitError`] when a store cannot be read or this one cannot be written.
    pub fn mark_borrowed(&self, lender: &Path) -> Result<(), GitError> {
        self.mark_shallow(&shallow_of(lender)?)
    }

    /// Checks whether [`Store::mark_borrowed`] would change anything.
    ///
    /// # Errors
    /// [`GitError`] when a store cannot be read.
    pub fn lacks_marks_of(&self, lender: &Path) -> Result<bool, GitError> {
        Ok(!self.unmarked(&shallow_of(lender)?)?.is_empty())
    }

    /// Returns those of `commits` that need a mark here: the store lacks them, or has them without their parents, and
    /// they are not marked.
    fn unmarked(&self, commits: &BTreeSet<Id>) -> Result<Vec<Id>, GitError> {
        let known = shallow_of(self.dir())?;
        let is_whole = |id: &Id| {
            let commit = self.repo().find_commit((*id).into());
            commit.is_ok_and(|commit| commit.parent_ids().all(|parent| self.has(parent.into())))
        };
        Ok(commits.iter().copied().filter(|id| !known.contains(id) && !is_whole(id)).collect())
    }

    /// Marks those of `commits` as shallow that this store lacks, or has without their parents.
    fn mark_shallow(&self, commits: &BTreeSet<Id>) -> Result<(), GitError> {
        let fresh = self.unmarked(commits)?;
        if fresh.is_empty() {
            return Ok(());
        }
        let (file, lock) = (self.dir().join("shallow"), self.dir().join("shallow.lock"));
        let failed = || GitError::io("cannot write", &file);
        // git's own lock: a fetch that ends at the same time does not overwrite our change, nor we its change.
        let began = Instant::now();
        let mut locked = loop {
            match File::options().write(true).create_new(true).open(&lock) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && began.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => break other.map_err(GitError::io("cannot lock", &lock))?,
            }
        };
        let written = shallow_of(self.dir()).and_then(|mut all| {
            all.extend(fresh);
            let text: String = all.iter().map(|id| format!("{id}\n")).collect();
            locked.write_all(text.as_bytes()).and_then(|()| locked.sync_all()).map_err(failed())
        });
        let written = written.and_then(|()| fs::rename(&lock, &file).map_err(failed()));
        if written.is_err() {
            // The earlier error is the one to report.
            let _stays = fs::remove_file(&lock);
        }
        written
    }
}

impl Listing {
    /// Lists the store at `dir`; `None` if a fetch runs there for longer than the wait.
    fn of(dir: &Path) -> Result<Option<Listing>, GitError> {
        let began = Instant::now();
        loop {
            // Loose objects come before packs: git packs them before it removes them.
            let mut items = loose(&dir.join("objects"))?;
            items.extend(packs(&dir.join("objects"))?);
            items.sort_by(|a, b| (a.made, &a.path).cmp(&(b.made, &b.path)));
            // git holds this lock from before a pack arrives until its commits are marked. Without the lock now, the
            // listed packs have their marks.
            if !dir.join("shallow.lock").exists() {
                return Ok(Some(Listing { items, shallow: shallow_of(dir)? }));
            }
            if began.elapsed() > PATIENCE {
                return Ok(None);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn loose(objects: &Path) -> Result<Vec<Item>, GitError> {
    let is_hex = |name: &str, length| name.len() == length && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found = Vec::new();
    for (folder, _) in listed(objects)?.iter().filter(|(name, _)| is_hex(name, 2)) {
        for (name, made) in listed(&objects.join(folder))?.into_iter().filter(|(name, _)| is_hex(name, 38)) {
            found.push(Item { made, path: Path::new(folder).join(name), is_pack: false });
        }
    }
    Ok(found)
}

fn packs(objects: &Path) -> Result<Vec<Item>, GitError> {
    let files = listed(&objects.join("pack"))?.into_iter();
    let packs = files.filter_map(|(name, made)| {
        let stem = name.strip_suffix(".idx").filter(|stem| stem.starts_with("pack-"))?;
        Some(Item { made, path: Path::new("pack").join(stem), is_pack: true })
    });
    Ok(packs.collect())
}

/// Returns the names in a folder with their times of writing; nothing if there is no folder.
fn listed(folder: &Path) -> Result<Vec<(String, SystemTime)>, GitError> {
    let failed = || GitError::io("cannot read", folder);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed())?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed())?;
        let made = entry.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        names.extend(entry.file_name().into_string().ok().map(|name| (name, made)));
    }
    Ok(names)
}

/// Returns the shallow commits of the store at `dir`.
fn shallow_of(dir: &Path) -> Result<BTreeSet<Id>, GitError> {
    let file = dir.join("shallow");
    match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        text => {
            let text = text.map_err(GitError::io("cannot read", &file))?;
            Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
        }
    }
}

/// Takes the pack at `source` to `dest`, both without endings. Returns `false` when the pack is gone.
fn take_pack(source: &Path, dest: &Path) -> Result<bool, GitError> {
    for ending in ENDINGS {
        let dest = dest.with_extension(ending);
        let there = place(&source.with_extension(ending), &dest).map_err(GitError::io("cannot write", &dest))?;
        if !there && matches!(ending, "pack" | "idx") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes a hard link, else a copy. Returns `false` when there is no `source`.
fn place(source: &Path, dest: &Path) -> std::io::Result<bool> {
    match fs::hard_link(source, dest).map_err(|error| error.kind()) {
        Ok(()) | Err(ErrorKind::AlreadyExists) => Ok(true),
        Err(ErrorKind::NotFound) => Ok(false),
        Err(_) => copy(source, dest),
    }
}

/// Copies a file under a temporary name and renames it when it is complete and on disk. Returns `false` when there is
/// no `source`.
fn copy(source: &Path, dest: &Path) -> std::io::Result<bool> {
    let mut open = match File::open(source) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        open => open?,
    };
    // git removes files with this prefix when their process was killed.
    let mut copy = tempfile::Builder::new().prefix("tmp_obj_").tempfile_in(dest.parent().unwrap_or(Path::new(".")))?;
    std::io::copy(&mut open, &mut copy)?;
    copy.as_file().set_permissions(open.metadata()?.permissions())?;
    copy.as_file().sync_all()?;
    copy.persist(dest)?;
    Ok(true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::git::{Commit, ObjectKind, Objects, Signature};

    /// Makes a store with `count` blobs; more than a few become a pack.
    fn filled(dir: &Path, count: usize) -> (Store, Vec<Id>) {
        let store = Store::create(dir).unwrap();
        let mut objects = Objects::new(&store).unwrap();
        let ids: Vec<Id> =
            (0..count).map(|n| objects.put(ObjectKind::Blob, format!("{count} {n}\n").into_bytes())).collect();
        objects.flush(&ids).unwrap();
        drop(objects);
        (store, ids)
    }

    #[test]
    fn what_was_taken_stays_when_the_other_store_goes() {
        let dir = tempfile::tempdir().unwrap();
        for count in [3, 40] {
            let other = dir.path().join(format!("other{count}"));
            let ids = filled(&other, count).1;
            let from = Store::open(&other).unwrap().unwrap();
            let (to, own) = filled(&dir.path().join(format!("to{count}")), count + 1);
            assert!(!to.has_any(&ids) && from.has_any(&ids));
            assert!(to.take_from(&other).unwrap());
            assert!(to.take_from(&other).unwrap(), "once more");
            fs::remove_dir_all(&other).unwrap();
            assert!(ids.iter().chain(&own).all(|id| to.has(*id)));
        }
    }

    #[test]
    fn what_was_made_first_is_taken_first() {
        let dir = tempfile::tempdir().unwrap();
        let pack = dir.path().join("objects/pack");
        fs::create_dir_all(&pack).unwrap();
        for (name, seconds) in [("pack-a.idx", 30), ("pack-b.idx", 10), ("pack-c.idx", 20), ("tmp_pack_x", 5)] {
            let file = File::create(pack.join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        }
        let listing = Listing::of(dir.path()).unwrap().unwrap();
        let paths: Vec<_> = listing.items.iter().map(|item| item.path.to_str().unwrap()).collect();
        assert_eq!(paths, ["pack/pack-b", "pack/pack-c", "pack/pack-a"]);
    }

    #[test]
    fn marks_come_along_for_commits_that_come_along() {
        let dir = tempfile::tempdir().unwrap();
        let (from, ids) = filled(&dir.path().join("from"), 2);
        let (to, own) = filled(&dir.path().join("to"), 4);
        let mut objects = Objects::new(&to).unwrap();
        let nobody = Signature { name: "A".into(), email: "a@example.org".into(), seconds: 1, offset: 0 };
        let tree = objects.put(ObjectKind::Tree, Vec::new());
        let message = "x".into();
        let whole = Commit { tree, parents: Vec::new(), author: nobody.clone(), committer: nobody, message };
        let whole = objects.put_commit(&whole);
        objects.flush(&[whole]).unwrap();
        fs::write(from.dir().join("shallow"), format!("{}\n{}\n", ids[0], whole)).unwrap();
        fs::write(to.dir().join("shallow"), format!("{}\n", own[1])).unwrap();
        to.take_from(from.dir()).unwrap();
        assert_eq!(shallow_of(to.dir()).unwrap(), BTreeSet::from([ids[0], own[1]]));
        assert!(!to.dir().join("shallow.lock").exists());
    }

    #[test]
    fn without_hard_links_it_is_copied() {
        let dir = tempfile::tempdir().unwrap();
        let (source, dest) = (dir.path().join("source"), dir.path().join("dest"));
        for put in [place, copy] {
            assert!(!put(&source, &dest).unwrap() && !dest.exists());
        }
        fs::write(&source, "content").unwrap();
        assert!(copy(&source, &dest).unwrap());
        fs::remove_file(&source).unwrap();
        assert_eq!(fs::read(&dest).unwrap(), b"content");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
