//! Reads, edits and compares tree objects, along the touched paths only.
//!
//! The format and the order of entries are those of git's documentation of objects: `<octal mode> SP <name> NUL <20 id
//! bytes>`, with folders sorted as if their names ended in `/`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use bstr::{BString, ByteSlice};

use super::{Entry, GitError, Id, Mode, Objects};
use crate::path::RepoPath;

/// A tree's entries in git's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: Vec<(BString, Entry)>,
}

/// The new entries at some paths; `None` removes the path.
pub type Edits = BTreeMap<RepoPath, Option<Entry>>;

/// A path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// The path.
    pub path: RepoPath,
    /// The old entry (never a folder).
    pub old: Option<Entry>,
    /// The new entry (never a folder).
    pub new: Option<Entry>,
}

impl Tree {
    /// Parses a tree object's bytes.
    pub(super) fn parse(id: Id, bytes: &[u8]) -> Result<Tree, GitError> {
        let damaged = |what| GitError::Damaged { kind: "tree", id, what };
        let mut entries = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (mode, after) = rest.split_once_str(" ").ok_or_else(|| damaged("an entry without a mode"))?;
            let (name, after) = after.split_once_str("\0").ok_or_else(|| damaged("an entry without a name"))?;
            let (raw, after) = after.split_at_checked(20).ok_or_else(|| damaged("an entry without an id"))?;
            let bits = mode.to_str().ok().and_then(|text| u32::from_str_radix(text, 8).ok());
            let mode = bits.and_then(Mode::from_bits).ok_or_else(|| damaged("an entry with an unknown mode"))?;
            let mut id = [0; 20];
            id.copy_from_slice(raw);
            entries.push((BString::from(name), Entry { mode, id: Id::from_raw(id) }));
            rest = after;
        }
        Ok(Tree { entries })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.len() * 40);
        for (name, entry) in &self.entries {
            out.extend_from_slice(format!("{:o} ", entry.mode.bits()).as_bytes());
            out.extend_from_slice(name);
            out.push(0);
            out.extend_from_slice(entry.id.raw());
        }
        out
    }

    /// Returns the entries in git's order.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Entry)> {
        self.entries.iter().map(|(name, entry)| (name.as_slice(), *entry))
    }

    /// Returns the entry at `name`, directly in this tree.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<Entry> {
        self.position(name).ok().map(|at| self.entries[at].1)
    }

    /// Returns the position of `name`, of any kind; else the position where it would be inserted as a file.
    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        let search = |folder: bool| {
            self.entries
                .binary_search_by(|(other, entry)| base_name_order(other, entry.mode == Mode::Folder, name, folder))
        };
        search(true).or_else(|_| search(false))
    }

    /// Replaces or removes the entries at some names, all in one pass because a folder may have very many entries.
    fn set(&mut self, changed: HashMap<Vec<u8>, Option<Entry>>) {
        self.entries.retain(|(name, _)| !changed.contains_key(name.as_slice()));
        let new = changed.into_iter().filter_map(|(name, entry)| Some((BString::from(name), entry?)));
        self.entries.extend(new);
        let order = |(a, one): &(BString, Entry), (b, other): &(BString, Entry)| {
            base_name_order(a, one.mode == Mode::Folder, b, other.mode == Mode::Folder)
        };
        self.entries.sort_by(order);
    }
}

/// Compares names in the order of a tree's entries: by bytes, with `/` after a folder's name.
fn base_name_order(a: &[u8], a_folder: bool, b: &[u8], b_folder: bool) -> Ordering {
    let tail = |folder| if folder { b"/".as_slice() } else { b"" };
    a.iter().chain(tail(a_folder)).cmp(b.iter().chain(tail(b_folder)))
}

/// All edits below one name of a tree.
#[derive(Default)]
struct Below {
    /// The edit of the name itself.
    leaf: Option<Option<Entry>>,
    /// The edits below it, by the rest of the path.
    deeper: Vec<(Vec<u8>, Option<Entry>)>,
}

impl Objects<'_> {
    /// Returns the entry at `path` of `tree`; folders too.
    ///
    /// # Errors
    /// [`GitError`] when a tree on the way is missing or damaged.
    pub fn entry(&mut self, tree: Id, path: &RepoPath) -> Result<Option<Entry>, GitError> {
        let mut at = Entry { mode: Mode::Folder, id: tree };
        for part in path.parts() {
            if at.mode != Mode::Folder {
                return Ok(None);
            }
            match self.tree(at.id)?.get(part) {
                Some(entry) => at = entry,
                None => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Applies `edits` to `tree` and returns the new tree. Removals come first, so a file may become a folder and the
    /// other way round. Empty folders are removed, as git keeps none.
    ///
    /// # Errors
    /// [`GitError::InTheWay`] when a file is to be written where a folder keeps other files; else as [`Self::entry`].
    pub fn edit(&mut self, tree: Id, edits: &Edits) -> Result<Id, GitError> {
        let edits = edits.iter().map(|(path, entry)| (path.as_bytes().to_vec(), *entry)).collect();
        let edited = self.edit_below(None, Some(tree), edits)?;
        Ok(edited.unwrap_or_else(|| self.put(super::ObjectKind::Tree, Vec::new())))
    }

    /// Does the same for `edits` below the folder `at` (`None`: the top), which is `tree`.
    fn edit_below(
        &mut self,
        at: Option<&RepoPath>,
        tree: Option<Id>,
        edits: Vec<(Vec<u8>, Option<Entry>)>,
    ) -> Result<Option<Id>, GitError> {
        let path = |name: &[u8]| at.map_or_else(|| RepoPath::new(name), |at| at.join(name)).map_err(GitError::EvilPath);
        let mut names: BTreeMap<Vec<u8>, Below> = BTreeMap::new();
        for (path, entry) in edits {
            match path.split_once_str("/") {
                None => names.entry(path).or_default().leaf = Some(entry),
                Some((name, rest)) => {
                    names.entry(name.to_vec()).or_default().deeper.push((rest.to_vec(), entry));
                }
            }
        }
        let mut edited = match tree {
            Some(id) => (*self.tree(id)?).clone(),
            None => Tree::default(),
        };
        let mut changed = HashMap::new();
        for (name, below) in names {
            let old = edited.get(&name);
            let mut now = old;
            if let Some(None) = below.leaf {
                // Only a file is removed by its own name; a folder is removed with its last file.
                now = now.filter(|entry| entry.mode == Mode::Folder);
            }
            if !below.deeper.is_empty() {
                let folder = now.filter(|entry| entry.mode == Mode::Folder);
                let adds = below.deeper.iter().any(|(_, entry)| entry.is_some());
                if folder.is_some() || adds {
                    if now.is_some() && folder.is_none() && below.leaf.is_none() {
                        return Err(GitError::InTheWay(path(&name)?));
                    }
                    let id = self.edit_below(Some(&path(&name)?), folder.map(|entry| entry.id), below.deeper)?;
                    now = id.map(|id| Entry { mode: Mode::Folder, id });
                }
            }
            if let Some(Some(entry)) = below.leaf {
                if now.is_some_and(|now| now.mode == Mode::Folder) {
                    return Err(GitError::InTheWay(path(&name)?));
                }
                now = Some(entry);
            }
            if now != old {
                changed.insert(name, now);
            }
        }
        edited.set(changed);
        Ok((!edited.entries.is_empty()).then(|| self.put(super::ObjectKind::Tree, edited.to_bytes())))
    }

    /// Returns every path at which two trees differ, in the order of the paths' bytes. Equal subtrees are not read, so
    /// the cost depends on the differences.
    ///
    /// # Errors
    /// As [`Self::entry`]; [`GitError::EvilPath`] when a differing path is one that no checkout may hold.
    pub fn diff(&mut self, old: Id, new: Id) -> Result<Vec<TreeChange>, GitError> {
        let mut changes = Vec::new();
        self.diff_below(&mut Vec::new(), Some(old), Some(new), &mut changes)?;
        changes.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(changes)
    }

    fn diff_below(
        &mut self,
        prefix: &mut Vec<u8>,
        old: Option<Id>,
        new: Option<Id>,
        out: &mut Vec<TreeChange>,
    ) -> Result<(), GitError> {
        if old == new {
            return Ok(());
        }
        let mut read = |id: Option<Id>| id.map_or_else(|| Ok(Rc::new(Tree::default())), |id| self.tree(id));
        let (old, new) = (read(old)?, read(new)?);
        let mut names: BTreeMap<&[u8], (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        for (name, entry) in old.entries() {
            names.entry(name).or_default().0 = Some(entry);
        }
        for (name, entry) in new.entries() {
            names.entry(name).or_default().1 = Some(entry);
        }
        for (name, (a, b)) in names {
            if a == b {
                continue;
            }
            let length = prefix.len();
            if length > 0 {
                prefix.push(b'/');
            }
            prefix.extend_from_slice(name);
            let folder = |entry: Option<Entry>| entry.filter(|e| e.mode == Mode::Folder).map(|e| e.id);
            let file = |entry: Option<Entry>| entry.filter(|e| e.mode != Mode::Folder);
            if file(a) != file(b) {
                let path = RepoPath::new(&*prefix).map_err(GitError::EvilPath)?;
                out.push(TreeChange { path, old: file(a), new: file(b) });
            }
            if folder(a).is_some() || folder(b).is_some() {
                self.diff_below(prefix, folder(a), folder(b), out)?;
            }
            prefix.truncate(length);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ObjectKind, Store};
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    fn file(objects: &mut Objects<'_>, text: &str) -> Entry {
        objects.put_file(Mode::File, text.as_bytes().to_vec())
    }

    /// Returns the tree that libgit2's index makes of the same files.
    fn by_index(store: &Store, files: &BTreeMap<String, Entry>) -> Id {
        let mut index = git2::Index::new().unwrap();
        for (path, entry) in files {
            let time = git2::IndexTime::new(0, 0);
            let (id, mode) = (entry.id.into(), entry.mode.bits());
            let path = path.clone().into_bytes();
            let (dev, ino, uid, gid, file_size, flags, flags_extended) = (0, 0, 0, 0, 0, 0, 0);
            let entry = git2::IndexEntry {
                ctime: time,
                mtime: time,
                dev,
                ino,
                mode,
                uid,
                gid,
                file_size,
                id,
                flags,
                flags_extended,
                path,
            };
            index.add(&entry).unwrap();
        }
        index.write_tree_to(store.repo()).unwrap().into()
    }

    #[test]
    fn a_file_becomes_a_folder_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&dir.path().join("s.git")).unwrap();
        let mut objects = Objects::new(&store).unwrap();
        let (one, two) = (file(&mut objects, "1"), file(&mut objects, "2"));
        let start =
            objects.edit(Id::EMPTY_TREE, &Edits::from([(path("a"), Some(one)), (path("b"), Some(two))])).unwrap();
        let folder = objects.edit(start, &Edits::from([(path("a"), None), (path("a/x"), Some(two))])).unwrap();
        assert_eq!(objects.entry(folder, &path("a/x")).unwrap(), Some(two));
        assert!(objects.edit(folder, &Edits::from([(path("a"), Some(one))])).is_err(), "a/x would be lost");
        assert!(objects.edit(start, &Edits::from([(path("a/x"), Some(one))])).is_err(), "a would be lost");
        let back = objects.edit(folder, &Edits::from([(path("a"), Some(one)), (path("a/x"), None)])).unwrap();
        assert_eq!(back, start);
        let changes = objects.diff(start, folder).unwrap();
        let seen: Vec<_> = changes.iter().map(|c| (c.path.to_string(), c.old.is_some(), c.new.is_some())).collect();
        assert_eq!(seen, [("a".to_owned(), true, false), ("a/x".to_owned(), false, true)]);
        let none = objects.edit(start, &Edits::from([(path("a"), None), (path("b"), None)])).unwrap();
        assert_eq!(none, Id::EMPTY_TREE);
    }

    #[test]
    fn what_is_in_the_way_is_named_from_the_top() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(&dir.path().join("s.git")).unwrap();
        let mut objects = Objects::new(&store).unwrap();
        let one = file(&mut objects, "1");
        let start = objects.edit(Id::EMPTY_TREE, &Edits::from([(path("lib/a/x"), Some(one))])).unwrap();
        let mut in_the_way = |at: &str| match objects.edit(start, &Edits::from([(path(at), Some(one))])) {
            Err(GitError::InTheWay(path)) => path.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(in_the_way("lib/a"), "lib/a");
        assert_eq!(in_the_way("lib/a/x/y"), "lib/a/x");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn edited_trees_are_what_an_index_writes(
            rounds in prop::collection::vec(
                prop::collection::btree_map("[ab.-]{1,2}(/[ab0]{1,2}){0,2}", prop::option::of(0u8..3), 0..8), 1..4),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let store = Store::create(&dir.path().join("s.git")).unwrap();
            let mut objects = Objects::new(&store).unwrap();
            let (mut tree, mut files) = (Id::EMPTY_TREE, BTreeMap::<String, Entry>::new());
            for round in rounds {
                let mut edits = Edits::new();
                let mut wanted = files.clone();
                for (name, content) in round {
                    let Ok(at) = RepoPath::new(&name) else { continue };
                    let entry = content.map(|content| file(&mut objects, &content.to_string()));
                    match entry {
                        Some(entry) => wanted.insert(name, entry),
                        None => wanted.remove(&name),
                    };
                    edits.insert(at, entry);
                }
                let meets = |a: &String| wanted.keys().any(|b| b.starts_with(&format!("{a}/")));
                match objects.edit(tree, &edits) {
                    Ok(edited) => {
                        prop_assert!(!wanted.keys().any(meets), "{wanted:?}");
                        objects.flush(&[edited]).unwrap();
                        prop_assert_eq!(edited, by_index(&store, &wanted));
                        let listed = objects.diff(Id::EMPTY_TREE, edited).unwrap();
                        prop_assert_eq!(listed.len(), wanted.len());
                        (tree, files) = (edited, wanted);
                    }
                    Err(_) => prop_assert!(wanted.keys().any(meets), "{wanted:?} was refused"),
                }
            }
        }
    }

    #[test]
    fn many_new_objects_become_one_pack_that_git_reads() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("s.git");
        let store = Store::create(&at).unwrap();
        let mut objects = Objects::new(&store).unwrap();
        let blobs: Vec<(Id, Vec<u8>)> = (0..200usize)
            .map(|n| vec![u8::try_from(n % 251).unwrap(); n * n])
            .map(|bytes| (objects.put(ObjectKind::Blob, bytes.clone()), bytes))
            .collect();
        let ids: Vec<Id> = blobs.iter().map(|(id, _)| *id).collect();
        objects.flush(&ids).unwrap();
        let packs = std::fs::read_dir(at.join("objects/pack")).unwrap().count();
        assert_eq!(packs, 2, "a pack and its index");
        let again = Store::open(&at).unwrap().unwrap();
        let objects = Objects::new(&again).unwrap();
        for (id, bytes) in blobs {
            assert_eq!(objects.blob(id).unwrap().map(|read| read.to_vec()), Some(bytes));
        }
    }
}
