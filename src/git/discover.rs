//! Finds the repository around a workspace: where its git folder is, and which files it tracks.
//!
//! This code does not use libgit2. libgit2 refuses repositories with features that it does not know (reftable, SHA-256,
//! settings of one worktree) and repositories of another user. The place of the store depends on neither.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::program::{GitProgram, Prompts, Run, Watch};
use super::{GitError, ProgramError};
use crate::path::RepoPath;

/// The largest size, in bytes, of a file that says where a git folder is.
const MOST: u64 = 64 << 10;

/// The repository around a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosing {
    /// The git folder of this working tree (`.git`, or `.git/worktrees/ID`).
    pub git_dir: PathBuf,
    /// The git folder that all working trees share.
    pub common_dir: PathBuf,
    /// The name of the linked working tree under `worktrees/`; `None` for the main one.
    pub worktree_id: Option<String>,
    /// The top of the working tree.
    pub workdir: PathBuf,
}

/// Finds the repository that contains `root`, by git's rules, without reading the environment.
///
/// # Errors
/// [`GitError::Io`] when `root` or a `.git` file cannot be read.
pub fn enclosing(root: &Path) -> Result<Option<Enclosing>, GitError> {
    let root = fs::canonicalize(root).map_err(GitError::io("cannot find", root))?;
    for folder in root.ancestors() {
        let dot_git = folder.join(".git");
        let git_dir = match fs::metadata(&dot_git) {
            Ok(found) if found.is_dir() => dot_git,
            Ok(found) if found.is_file() => match read_link_file(&dot_git)? {
                Some(target) => folder.join(target),
                None => continue,
            },
            _ => continue,
        };
        if let Some(found) = open(&git_dir, folder)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Reads the first bytes of a file that holds a path. git never writes a longer file of this kind.
pub(super) fn first_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file with the line `gitdir: PATH`.
fn read_link_file(path: &Path) -> Result<Option<PathBuf>, GitError> {
    let text = first_bytes(path).map_err(GitError::io("cannot read", path))?;
    Ok(text.strip_prefix(b"gitdir: ").map(path_of))
}

/// Opens a folder if git would accept it as a git folder: it has `HEAD`, and `objects` and `refs` there or in the
/// folder that `commondir` names.
fn open(git_dir: &Path, workdir: &Path) -> Result<Option<Enclosing>, GitError> {
    let pointer = git_dir.join("commondir");
    let common = match first_bytes(&pointer) {
        Ok(text) => git_dir.join(path_of(&text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => git_dir.to_owned(),
        Err(error) => return Err(GitError::io("cannot read", pointer)(error)),
    };
    if fs::symlink_metadata(git_dir.join("HEAD")).is_err()
        || !common.join("objects").is_dir()
        || !common.join("refs").is_dir()
    {
        return Ok(None);
    }
    let real = |path: &Path| fs::canonicalize(path).map_err(GitError::io("cannot find", path));
    let (git_dir, common_dir) = (real(git_dir)?, real(&common)?);
    let worktree_id = git_dir
        .strip_prefix(common_dir.join("worktrees"))
        .ok()
        .and_then(|id| id.to_str())
        .filter(|id| !id.is_empty())
        .map(str::to_owned);
    Ok(Some(Enclosing { git_dir, common_dir, worktree_id, workdir: workdir.to_owned() }))
}

/// Returns the path in a line of a file.
fn path_of(line: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
    PathBuf::from(OsStr::from_bytes(&line[..end]))
}

/// The tracked paths below a folder, as the index lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracked {
    paths: BTreeSet<Vec<u8>>,
}

impl Enclosing {
    /// Returns the tracked paths below `root`, a folder of the working tree; the paths are relative to `root`. libgit2
    /// reads the index; if it cannot, git does.
    ///
    /// # Errors
    /// [`ProgramError`] of the git program, when git is needed.
    pub fn tracked(&self, root: &Path, git: &GitProgram) -> Result<Tracked, ProgramError> {
        let paths = match self.index_by_libgit2() {
            Some(paths) => paths,
            None => self.index_by_git(git)?,
        };
        let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        let inside = root.strip_prefix(&self.workdir).unwrap_or(Path::new(""));
        let mut prefix = inside.as_os_str().as_encoded_bytes().to_vec();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        let below = |path: Vec<u8>| path.strip_prefix(prefix.as_slice()).map(<[u8]>::to_vec);
        Ok(Tracked { paths: paths.into_iter().filter_map(below).collect() })
    }

    /// Reads only the index file with libgit2: opening the repository could fail because of its other features.
    fn index_by_libgit2(&self) -> Option<Vec<Vec<u8>>> {
        let path = self.git_dir.join("index");
        if !path.exists() {
            return Some(Vec::new());
        }
        if self.is_sha256() {
            return None;
        }
        let index = git2::Index::open(&path).ok()?;
        Some(index.iter().map(|entry| entry.path).collect())
    }

    /// Returns which of these file contents exist as an object in the repository, reachable or not. When git cannot
    /// say, the set is empty.
    #[must_use]
    pub fn has_contents(&self, contents: &[Vec<u8>], git: &GitProgram, watch: &mut Watch<'_>) -> Vec<bool> {
        let ids: Vec<String> = contents.iter().map(|content| self.blob_id(content)).collect();
        let stdin: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let args = ["cat-file", "--batch-check=%(objectname) %(objecttype)"].map(OsStr::new);
        let run = Run { git_dir: &self.git_dir, settings: &[], args: &args, stdin: stdin.into_bytes() };
        let output = git.run(run, watch).map(|output| output.stdout).unwrap_or_default();
        let lines: BTreeSet<&[u8]> = output.split(|byte| *byte == b'\n').collect();
        ids.iter().map(|id| lines.contains(format!("{id} blob").as_bytes())).collect()
    }

    /// Returns the blob id of a content in the repository's own object format.
    fn blob_id(&self, content: &[u8]) -> String {
        if self.is_sha256() {
            use sha2::{Digest, Sha256};
            let header = format!("blob {}\0", content.len());
            let digest = Sha256::new().chain_update(header).chain_update(content).finalize();
            return crate::hex::encode(&digest);
        }
        // A blob of any size has an id; libgit2 fails only when it runs out of memory.
        git2::Oid::hash_object(git2::ObjectType::Blob, content).map(|id| id.to_string()).unwrap_or_default()
    }

    fn is_sha256(&self) -> bool {
        fs::read_to_string(self.common_dir.join("config"))
            .is_ok_and(|text| text.to_ascii_lowercase().contains("objectformat"))
    }

    fn index_by_git(&self, git: &GitProgram) -> Result<Vec<Vec<u8>>, ProgramError> {
        let never = AtomicBool::new(false);
        let mut watch = Watch { prompts: Prompts::Never, cancel: &never, progress: None };
        let args = ["ls-files", "-z"].map(OsStr::new);
        let run = Run { git_dir: &self.git_dir, settings: &[], args: &args, stdin: Vec::new() };
        let output = git.run(run, &mut watch)?;
        let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(<[u8]>::to_vec).collect())
    }
}

impl Tracked {
    /// Returns the names at the top level, files and folders.
    #[must_use]
    pub fn top_level(&self) -> BTreeSet<Vec<u8>> {
        self.paths.iter().filter_map(|path| path.split(|byte| *byte == b'/').next().map(<[u8]>::to_vec)).collect()
    }

    /// Checks whether a path, or anything below it, is tracked.
    #[must_use]
    pub fn contains(&self, path: &RepoPath) -> bool {
        let bytes = path.as_bytes();
        let mut folder = bytes.to_vec();
        folder.push(b'/');
        self.paths.contains(bytes)
            || self.paths.range(folder.clone()..).next().is_some_and(|next| next.starts_with(&folder))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(dir: &Path, args: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"])
            .args(args)
            .current_dir(dir)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn fill(dir: &Path) {
        for file in ["top", "a/x", "a/y", "b/c/z"] {
            fs::create_dir_all(dir.join(file).parent().unwrap()).unwrap();
            fs::write(dir.join(file), file).unwrap();
        }
        git(dir, &["add", "."]);
        git(dir, &["commit", "-qm", "all"]);
    }

    fn check(dir: &Path) {
        let found = enclosing(&dir.join("b")).unwrap().unwrap();
        assert_eq!((found.worktree_id.as_deref(), &found.workdir), (None, &fs::canonicalize(dir).unwrap()));
        let program = GitProgram::new("git", std::env::vars_os());
        let tracked = found.tracked(dir, &program).unwrap();
        let names = ["a", "b", "top"].map(|name| name.as_bytes().to_vec());
        assert_eq!(tracked.top_level(), BTreeSet::from(names));
        let has = |path: &str| tracked.contains(&RepoPath::new(path).unwrap());
        let never = AtomicBool::new(false);
        let mut watch = Watch { prompts: Prompts::Never, cancel: &never, progress: None };
        let contents = [b"b/c/z".to_vec(), b"elsewhere".to_vec(), b"top".to_vec()];
        assert_eq!(found.has_contents(&contents, &program, &mut watch), [true, false, true]);
        assert!(has("top") && has("a/x") && has("b") && has("b/c") && !has("to") && !has("b/x"));
        let below = found.tracked(&dir.join("b"), &program).unwrap();
        assert_eq!(below.top_level(), BTreeSet::from([b"c".to_vec()]));
    }

    #[test]
    fn repositories_of_every_kind_are_found_and_read() {
        let dir = tempfile::tempdir().unwrap();
        for (name, args) in [
            ("plain", &[][..]),
            ("reftable", &["--ref-format=reftable"][..]),
            ("sha256", &["--object-format=sha256"][..]),
            ("apart", &["--separate-git-dir=apart.git"][..]),
        ] {
            let repo = dir.path().join(name);
            git(dir.path(), &[&["init", "-q", name], args].concat());
            fill(&repo);
            check(&repo);
        }
        let plain = dir.path().join("plain");
        git(&plain, &["config", "extensions.worktreeConfig", "true"]);
        git(&plain, &["sparse-checkout", "set", "--cone", "--sparse-index", "a"]);
        fs::create_dir_all(plain.join("b")).unwrap();
        check(&plain);
    }

    #[test]
    fn a_linked_worktree_knows_its_name_and_the_common_folder() {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        git(dir.path(), &["init", "-q", "main"]);
        fill(&main);
        git(&main, &["worktree", "add", "-q", "../linked"]);
        let found = enclosing(&dir.path().join("linked/b")).unwrap().unwrap();
        assert_eq!(found.worktree_id.as_deref(), Some("linked"));
        assert_eq!(found.common_dir, fs::canonicalize(main.join(".git")).unwrap());
        assert_eq!(found.workdir, fs::canonicalize(dir.path().join("linked")).unwrap());
    }

    #[test]
    fn a_folder_without_a_repository_has_none() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        assert_eq!(enclosing(dir.path()).unwrap(), None);
    }
}
