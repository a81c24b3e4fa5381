//! Reads a store's objects and keeps new objects in memory.
//!
//! The engine writes nothing while it works. New objects stay here until [`Objects::flush`] writes them to the store
//! together. So a dry run, a `verify` or a failed merge leaves nothing behind, and 200 patches cost one pack instead of
//! thousands of loose files.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use sha1::{Digest, Sha1};

use super::{GitError, Id, Store, Tree};

/// The kinds of objects that patchq makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A file's content.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
}

impl ObjectKind {
    const fn lib(self) -> git2::ObjectType {
        match self {
            ObjectKind::Blob => git2::ObjectType::Blob,
            ObjectKind::Tree => git2::ObjectType::Tree,
            ObjectKind::Commit => git2::ObjectType::Commit,
        }
    }

    /// Returns the object type's number in a pack (git's `gitformat-pack`).
    const fn in_pack(self) -> u8 {
        match self {
            ObjectKind::Commit => 1,
            ObjectKind::Tree => 2,
            ObjectKind::Blob => 3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            ObjectKind::Blob => "blob",
            ObjectKind::Tree => "tree",
            ObjectKind::Commit => "commit",
        }
    }
}

/// From this many new objects on, one pack is cheaper than loose files.
const PACK_FROM: usize = 32;

/// A store's objects, and new ones in memory.
pub struct Objects<'s> {
    store: &'s Store,
    odb: git2::Odb<'s>,
    trees: HashMap<Id, Rc<Tree>>,
    new: HashMap<Id, (ObjectKind, Rc<Vec<u8>>)>,
    /// New ids in the order they were made: objects come after the objects that they name.
    order: Vec<Id>,
}

impl<'s> Objects<'s> {
    /// Starts with the objects of `store` and no new ones.
    ///
    /// # Errors
    /// [`GitError`] when the store's object database cannot be opened.
    pub fn new(store: &'s Store) -> Result<Objects<'s>, GitError> {
        let odb = store.repo().odb().map_err(GitError::lib("cannot open the store's objects"))?;
        Ok(Objects { store, odb, trees: HashMap::new(), new: HashMap::new(), order: Vec::new() })
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &'s Store {
        self.store
    }

    /// Checks whether the object is in memory or in the store.
    #[must_use]
    pub fn has(&self, id: Id) -> bool {
        self.new.contains_key(&id) || self.odb.exists(id.into())
    }

    pub(super) fn read(&self, id: Id, kind: ObjectKind) -> Result<Option<Rc<Vec<u8>>>, GitError> {
        if let Some((found, bytes)) = self.new.get(&id) {
            let wrong = GitError::Damaged { kind: kind.name(), id, what: "it is an object of another kind" };
            return if *found == kind { Ok(Some(bytes.clone())) } else { Err(wrong) };
        }
        match self.odb.read(id.into()) {
            Ok(object) if object.kind() == kind.lib() => Ok(Some(Rc::new(object.data().to_vec()))),
            Ok(_) => Err(GitError::Damaged { kind: kind.name(), id, what: "it is an object of another kind" }),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(GitError::lib(format!("cannot read {} {id}", kind.name()))(error)),
        }
    }

    /// Returns a blob's content; `None` when the store does not have it (a partial clone has only the blobs that were
    /// fetched).
    ///
    /// # Errors
    /// [`GitError`] when the object is damaged or is not a blob.
    pub fn blob(&self, id: Id) -> Result<Option<Rc<Vec<u8>>>, GitError> {
        self.read(id, ObjectKind::Blob)
    }

    /// Returns a tree; each is read once.
    ///
    /// # Errors
    /// [`GitError`] when it is missing or damaged.
    pub fn tree(&mut self, id: Id) -> Result<Rc<Tree>, GitError> {
        if let Some(tree) = self.trees.get(&id) {
            return Ok(tree.clone());
        }
        let tree = if id == Id::EMPTY_TREE {
            Tree::default()
        } else {
            let bytes = self.read(id, ObjectKind::Tree)?.ok_or(GitError::Missing { kind: "tree", id })?;
            Tree::parse(id, &bytes)?
        };
        let tree = Rc::new(tree);
        self.trees.insert(id, tree.clone());
        Ok(tree)
    }

    /// Makes an object in memory and returns its id.
    pub fn put(&mut self, kind: ObjectKind, bytes: Vec<u8>) -> Id {
        let mut hash = Sha1::new();
        hash.update(format!("{} {}\0", kind.name(), bytes.len()));
        hash.update(&bytes);
        let id = Id::from_raw(hash.finalize().into());
        if let Entry::Vacant(place) = self.new.entry(id) {
            place.insert((kind, Rc::new(bytes)));
            self.order.push(id);
        }
        id
    }

    /// Makes a blob in memory and returns an entry for it.
    pub fn put_file(&mut self, mode: super::Mode, bytes: Vec<u8>) -> super::Entry {
        super::Entry { mode, id: self.put(ObjectKind::Blob, bytes) }
    }

    /// Writes the new objects that are reachable from `roots` to the store and waits until they are on disk: as one
    /// pack without deltas, or as loose objects when they are few. Other new objects stay in memory.
    ///
    /// # Errors
    /// [`GitError`] when the store cannot be written.
    pub fn flush(&mut self, roots: &[Id]) -> Result<(), GitError> {
        let wanted = self.reachable(roots)?;
        let fresh: Vec<Id> = self.order.iter().copied().filter(|id| wanted.contains(id)).collect();
        if fresh.len() >= PACK_FROM {
            let before = self.packs()?;
            self.write_pack(&fresh)?;
            self.packs()?.difference(&before).try_for_each(|file| sync(file))?;
        } else {
            for id in &fresh {
                let (kind, bytes) = &self.new[id];
                self.odb.write(kind.lib(), bytes).map_err(GitError::lib("cannot write to the store"))?;
                self.store.sync_loose(*id)?;
            }
        }
        self.order.retain(|id| !wanted.contains(id));
        fresh.iter().for_each(|id| drop(self.new.remove(id)));
        Ok(())
    }

    /// Lists the files of the store's packs.
    fn packs(&self) -> Result<HashSet<PathBuf>, GitError> {
        let folder = self.store.dir().join("objects/pack");
        let failed = || GitError::io("cannot read", &folder);
        let files = std::fs::read_dir(&folder).map_err(failed())?;
        files.map(|file| file.map(|file| file.path()).map_err(failed())).collect()
    }

    /// Returns the new objects that are reachable from `roots` and that the store lacks.
    fn reachable(&mut self, roots: &[Id]) -> Result<HashSet<Id>, GitError> {
        let mut found = HashSet::new();
        let mut todo = roots.to_vec();
        while let Some(id) = todo.pop() {
            let Some((kind, _)) = self.new.get(&id) else { continue };
            if !found.insert(id) {
                continue;
            }
            match kind {
                ObjectKind::Blob => {}
                ObjectKind::Tree => todo.extend(self.tree(id)?.entries().map(|(_, entry)| entry.id)),
                ObjectKind::Commit => {
                    let commit = self.commit(id)?;
                    todo.push(commit.tree);
                    todo.extend(commit.parents);
                }
            }
        }
        found.retain(|id| !self.odb.exists((*id).into()));
        Ok(found)
    }

    /// Writes one pack, version 2, without deltas (`gitformat-pack`): deltas cost more time than the space is worth.
    fn write_pack(&self, ids: &[Id]) -> Result<(), GitError> {
        let failed = || GitError::lib("cannot write a pack to the store");
        let broken = || GitError::io("cannot write a pack to", self.store.dir());
        let mut writer = self.odb.packwriter().map_err(failed())?;
        let mut hash = Sha1::new();
        let mut write = |bytes: &[u8]| {
            hash.update(bytes);
            writer.write_all(bytes)
        };
        let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        write(&[b"PACK".as_slice(), &2u32.to_be_bytes(), &count.to_be_bytes()].concat()).map_err(broken())?;
        for id in ids {
            let (kind, bytes) = &self.new[id];
            write(&pack_entry_head(*kind, bytes.len())).map_err(broken())?;
            let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            packed
                .write_all(bytes)
                .and_then(|()| packed.finish())
                .and_then(|packed| write(&packed))
                .map_err(broken())?;
        }
        let trailer = hash.finalize();
        writer.write_all(&trailer).map_err(broken())?;
        writer.commit().map(drop).map_err(failed())
    }
}

impl Store {
    /// Waits until a loose object that was just written is on disk. An object that existed before may lie in a pack
    /// instead.
    ///
    /// # Errors
    /// [`GitError`] when that fails.
    pub(super) fn sync_loose(&self, id: Id) -> Result<(), GitError> {
        let hex = id.to_string();
        let file = self.dir().join("objects").join(&hex[..2]).join(&hex[2..]);
        if file.exists() { sync(&file) } else { Ok(()) }
    }
}

/// Waits until a file is on disk: refs and journals are written next, and must not name a file that a crash removes.
fn sync(file: &Path) -> Result<(), GitError> {
    File::open(file).and_then(|file| file.sync_all()).map_err(GitError::io("cannot write", file))
}

/// Returns the type and size before an object in a pack: 3 bits of type, then the size in 4 + 7 + 7 … bits.
fn pack_entry_head(kind: ObjectKind, size: usize) -> Vec<u8> {
    let mut out = vec![(kind.in_pack() << 4) | (size & 0x0f) as u8];
    let mut rest = size >> 4;
    while rest > 0 {
        let last = out.len() - 1;
        out[last] |= 0x80;
        out.push((rest & 0x7f) as u8);
        rest >>= 7;
    }
    out
}
