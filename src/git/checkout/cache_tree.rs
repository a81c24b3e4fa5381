//! Writes the index's cache of tree ids (its `TREE` extension, `gitformat-index`). git writes one whenever it fills an
//! index from a tree. Without it `git status` compares HEAD entry by entry, and `git fsck --connectivity-only` reports
//! trees that only the index refers to as dangling.

use sha1::{Digest, Sha1};

use crate::git::{GitError, Id};

const CHECKSUM: usize = 20;

/// Returns `index` with this extension added. `index` is the bytes of an index file that holds exactly the paths of
/// `tree` and has no such extension.
pub(super) fn with_cache_tree(repo: &git2::Repository, index: &[u8], tree: Id) -> Result<Vec<u8>, GitError> {
    let mut cache = Vec::new();
    write(repo, b"", tree, &mut cache)?;
    let mut out = index[..index.len().saturating_sub(CHECKSUM)].to_vec();
    out.extend_from_slice(b"TREE");
    out.extend_from_slice(&u32::try_from(cache.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&cache);
    let checksum = Sha1::digest(&out);
    out.extend_from_slice(&checksum);
    Ok(out)
}

/// Writes one folder and everything below it; returns the number of its index entries.
fn write(repo: &git2::Repository, name: &[u8], tree: Id, out: &mut Vec<u8>) -> Result<usize, GitError> {
    let found = repo.find_tree(tree.into()).map_err(GitError::lib(format!("cannot read tree {tree}")))?;
    let (mut entries, mut folders, mut below) = (0, 0, Vec::new());
    for entry in &found {
        if entry.kind() == Some(git2::ObjectType::Tree) {
            entries += write(repo, entry.name_bytes(), entry.id().into(), &mut below)?;
            folders += 1;
        } else {
            entries += 1;
        }
    }
    out.extend_from_slice(name);
    out.push(0);
    out.extend_from_slice(format!("{entries} {folders}\n").as_bytes());
    out.extend_from_slice(tree.raw());
    out.extend_from_slice(&below);
    Ok(entries)
}
