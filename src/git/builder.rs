//! Makes small repositories, commit by commit, for the demo and for tests. Everything that goes into an id is a
//! parameter, so the same calls give the same ids on every machine.

use std::path::Path;

use super::{GitError, Id, Mode};
use crate::path::RepoPath;

/// Who made a commit or a tag, and when.
#[derive(Debug, Clone, Copy)]
pub struct Made<'a> {
    /// The name.
    pub name: &'a str,
    /// The mail address, without angle brackets.
    pub email: &'a str,
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub offset: i32,
}

/// The change of one path in a commit.
#[derive(Debug, Clone, Copy)]
pub struct FileChange<'a> {
    /// The path.
    pub path: &'a RepoPath,
    /// Its new content and mode (the content of a symlink is its target); `None` removes the path.
    pub content: Option<(&'a [u8], Mode)>,
}

/// A bare repository that is being built, and that serves partial clones.
pub struct RepoBuilder {
    repo: git2::Repository,
}

impl RepoBuilder {
    /// Makes an empty bare repository at `dir`, whose HEAD is the branch `head`. `dir` must be empty or not exist.
    ///
    /// # Errors
    /// [`GitError`] when the folder cannot be made.
    pub fn create(dir: &Path, head: &str) -> Result<RepoBuilder, GitError> {
        let failed = || GitError::lib("cannot make a repository");
        let mut options = git2::RepositoryInitOptions::new();
        options.bare(true).no_reinit(true).external_template(false).mkpath(true).initial_head(head);
        let repo = git2::Repository::init_opts(dir, &options).map_err(failed())?;
        let mut config = repo.config().map_err(failed())?;
        for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
            config.set_bool(key, true).map_err(failed())?;
        }
        Ok(RepoBuilder { repo })
    }

    /// Makes the branch `name` at the commit `at`, or moves it there.
    ///
    /// # Errors
    /// [`GitError`] when the name is not a valid branch name or the commit is not there.
    pub fn branch(&self, name: &str, at: Id) -> Result<(), GitError> {
        let done = self.repo.reference(&format!("refs/heads/{name}"), at.into(), true, "branch");
        done.map(drop).map_err(GitError::lib(format!("cannot set the branch {name}")))
    }

    /// Commits `changes` on top of `branch` (created if needed) and moves the branch to the new commit. The committer
    /// is the author.
    ///
    /// # Errors
    /// [`GitError`] when an object or the branch cannot be written.
    pub fn commit(
        &self,
        branch: &str,
        made: Made<'_>,
        message: &str,
        changes: &[FileChange<'_>],
    ) -> Result<Id, GitError> {
        let failed = || GitError::lib(format!("cannot commit to {branch}"));
        let parent = match self.repo.find_reference(&format!("refs/heads/{branch}")) {
            Ok(found) => Some(found.peel_to_commit().map_err(failed())?),
            Err(error) if error.code() == git2::ErrorCode::NotFound => None,
            Err(error) => return Err(failed()(error)),
        };
        let before = match &parent {
            Some(commit) => commit.tree().map_err(failed())?,
            None => {
                let empty = self.repo.treebuilder(None).and_then(|builder| builder.write()).map_err(failed())?;
                self.repo.find_tree(empty).map_err(failed())?
            }
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for change in changes {
            match change.content {
                None => update.remove(change.path.as_bytes()),
                Some((bytes, mode)) => {
                    update.upsert(change.path.as_bytes(), self.repo.blob(bytes).map_err(failed())?, file_mode(mode))
                }
            };
        }
        let tree = update.create_updated(&self.repo, &before).map_err(failed())?;
        let tree = self.repo.find_tree(tree).map_err(failed())?;
        let by = signature(made)?;
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        let id = self.repo.commit(None, &by, &by, message, &tree, &parents).map_err(failed())?;
        self.branch(branch, id.into())?;
        Ok(id.into())
    }

    /// Tags a commit: an annotated tag with `made` and `message`, or a lightweight tag without them.
    ///
    /// # Errors
    /// [`GitError`] when the tag exists or cannot be written.
    pub fn tag(&self, name: &str, at: Id, annotation: Option<(Made<'_>, &str)>) -> Result<(), GitError> {
        let failed = || GitError::lib(format!("cannot make the tag {name}"));
        let commit = self.repo.find_object(at.into(), Some(git2::ObjectType::Commit)).map_err(failed())?;
        match annotation {
            Some((made, message)) => self.repo.tag(name, &commit, &signature(made)?, message, false),
            None => self.repo.tag_lightweight(name, &commit, false),
        }
        .map(drop)
        .map_err(failed())
    }

    /// Returns the content of a file in a commit; `None` when the commit has no such file.
    ///
    /// # Errors
    /// [`GitError`] when the commit is not there or cannot be read.
    pub fn read(&self, at: Id, path: &RepoPath) -> Result<Option<Vec<u8>>, GitError> {
        let failed = || GitError::lib(format!("cannot read {path}"));
        let tree = self.repo.find_commit(at.into()).and_then(|commit| commit.tree()).map_err(failed())?;
        match tree.get_path(&path.below(Path::new(""))) {
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed()(error)),
            Ok(entry) => self.repo.find_blob(entry.id()).map(|blob| Some(blob.content().to_vec())).map_err(failed()),
        }
    }
}

fn signature(made: Made<'_>) -> Result<git2::Signature<'static>, GitError> {
    git2::Signature::new(made.name, made.email, &git2::Time::new(made.seconds, made.offset))
        .map_err(GitError::lib("cannot sign"))
}

fn file_mode(mode: Mode) -> git2::FileMode {
    match mode {
        Mode::File => git2::FileMode::Blob,
        Mode::Executable => git2::FileMode::BlobExecutable,
        Mode::Symlink => git2::FileMode::Link,
        Mode::Gitlink => git2::FileMode::Commit,
        Mode::Folder => git2::FileMode::Tree,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Failure = Box<dyn std::error::Error>;

    const MADE: Made<'static> = Made { name: "A", email: "a@example.org", seconds: 1_000_000_000, offset: 120 };

    #[test]
    fn the_same_calls_give_the_same_ids() -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let (file, other) = (RepoPath::new("a/b.txt")?, RepoPath::new("c")?);
        let mut ids = Vec::new();
        for name in ["one.git", "two.git"] {
            let builder = RepoBuilder::create(&dir.path().join(name), "main")?;
            let add = FileChange { path: &file, content: Some((b"one\n", Mode::Executable)) };
            let first = builder.commit("main", MADE, "First\n", &[add])?;
            builder.branch("side", first)?;
            let changes = [
                FileChange { path: &file, content: None },
                FileChange { path: &other, content: Some((b"a/b.txt", Mode::Symlink)) },
            ];
            let second = builder.commit("main", MADE, "Second\n", &changes)?;
            builder.tag("light", first, None)?;
            builder.tag("v1", second, Some((MADE, "One\n")))?;
            assert_eq!(builder.read(first, &file)?.as_deref(), Some(b"one\n".as_slice()));
            assert_eq!(builder.read(second, &file)?, None);
            assert!(builder.tag("v1", first, None).is_err());
            ids.push((first, second, builder.repo.refname_to_id("refs/tags/v1")?));
        }
        assert_eq!(ids[0], ids[1]);
        Ok(())
    }
}
