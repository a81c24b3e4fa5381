//! Finds the upstream commits between two pins that touched given paths, and given lines of them.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use crate::git::{CommitRange, GitError, Id, Lazy, Objects, PathLog, ProgramError, RemoteError, Signature, Store};
use crate::path::RepoPath;
use crate::workspace::files::lock::LockError;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};

/// The most commits to search. The data for a path grows by about 100 bytes per commit (the root trees): 20,000 are 2
/// MB in addition to the commits themselves.
const MOST_COMMITS: usize = 20_000;

/// A question about one path: its name at the new pin, and the ranges of lines there (from 0 on, the end excluded; an
/// empty range is the place before its line, where lines may have been removed).
pub type Question = (RepoPath, Vec<Range<u32>>);

/// The answers, or why there are none.
#[derive(Debug)]
pub enum BlameResult {
    /// For each question, in order.
    Found(Vec<PathChanges>),
    /// The search would cost too much or is not possible.
    Skipped(Skipped),
}

/// Why the commits are unknown.
#[derive(Debug, thiserror::Error)]
pub enum Skipped {
    /// The network failed or must not be used, or the server gives no single objects.
    #[error(transparent)]
    Remote(RemoteError),
    /// Another patchq fetches.
    #[error(transparent)]
    Busy(LockError),
    /// The range has too many commits.
    #[error("there are more than {most} commits between the pins")]
    TooMany {
        /// The largest number of commits that are searched.
        most: usize,
    },
}

/// The commits that changed one path between two pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChanges {
    /// The path of the question.
    pub path: RepoPath,
    /// The commits that lead to its content at the new pin, the newest first. If it was renamed to the path of the
    /// question, they begin with the rename.
    pub commits: Vec<Changer>,
    /// Whether the lines could be followed. If not (a binary file, a folder, too many versions), every commit counts
    /// as having touched every range.
    pub lines_told: bool,
}

/// A commit of the upstream that changed a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changer {
    /// The commit.
    pub id: Id,
    /// Who made the change, and when.
    pub author: Signature,
    /// The first line of its message. Untrusted bytes.
    pub subject: BString,
    /// Which of the ranges in the question it touched.
    pub touched: Vec<Range<u32>>,
}

/// Searches the upstream's commits that are reachable from `new` and not from `old`. They and the few trees and blobs
/// that the questions need are fetched into the store of commits at
/// `UpstreamStore::history`; existing objects are not fetched again,
/// so a second call works offline. Paths are followed as in `git log`, lines as in `git log -L`.
///
/// # Errors
/// [`FetchError`] when a store cannot be read or the run was interrupted. A failure of the network is a
/// [`BlameResult::Skipped`].
pub fn blame(fetcher: &Fetcher<'_>, old: Id, new: Id, questions: &[Question]) -> Result<BlameResult, FetchError> {
    match answer(fetcher, old, new, questions) {
        Ok(answer) => Ok(answer),
        Err(FetchError::Remote(error)) => match error {
            RemoteError::Git(_) | RemoteError::Program(ProgramError::Cancelled) => Err(error.into()),
            other => Ok(BlameResult::Skipped(Skipped::Remote(other))),
        },
        Err(FetchError::Lock(error @ LockError::Held { .. })) => Ok(BlameResult::Skipped(Skipped::Busy(error))),
        Err(other) => Err(other),
    }
}

fn answer(fetcher: &Fetcher<'_>, old: Id, new: Id, questions: &[Question]) -> Result<BlameResult, FetchError> {
    let upstream = fetcher.upstream;
    let history = fetcher.history(&upstream.history(), &[old, new])?;
    let Some(range) = CommitRange::between(&history, old, new, MOST_COMMITS)? else {
        return Ok(BlameResult::Skipped(Skipped::TooMany { most: MOST_COMMITS }));
    };
    let paths: Vec<_> = questions.iter().map(|(path, _)| path.clone()).collect();
    // One round for each level of the deepest path, and one with everything available.
    let depth = paths.iter().map(|path| path.parts().count()).max().unwrap_or(0);
    let logs = fetcher.objects(&history, depth + 1, || range.log(&history, &paths))?;
    let lines = fetcher.objects(&history, 2, || lines_of(&history, &logs, questions))?;
    let mut objects = Objects::new(&history)?;
    let mut answers = Vec::new();
    for ((log, touched), (path, ranges)) in logs.iter().zip(lines).zip(questions) {
        let lines_told = touched.is_some();
        let mut commits = Vec::new();
        for (place, id) in log.commits().enumerate() {
            let commit = objects.commit(id)?;
            let touched = match &touched {
                Some(touched) => touched[place].iter().map(|which| ranges[*which].clone()).collect(),
                None => ranges.clone(),
            };
            commits.push(Changer { id, author: commit.author, subject: subject(&commit.message), touched });
        }
        answers.push(PathChanges { path: path.clone(), commits, lines_told });
    }
    Ok(BlameResult::Found(answers))
}

/// For each log the ranges that its commits touched.
type Touched = Vec<Option<Vec<Vec<usize>>>>;

/// Returns which ranges the commits of the logs touched; or all objects that are missing for it.
fn lines_of(history: &Store, logs: &[PathLog], questions: &[Question]) -> Result<Lazy<Touched>, GitError> {
    let (mut all, mut need) = (Vec::new(), std::collections::BTreeSet::new());
    for (log, (_, ranges)) in logs.iter().zip(questions) {
        if ranges.is_empty() {
            // There is no question about lines, so no blob is needed.
            all.push(Some(vec![Vec::new(); log.commits().count()]));
            continue;
        }
        match log.touched(history, ranges)? {
            Lazy::Done(touched) => all.push(touched),
            Lazy::Need(ids) => need.extend(ids),
        }
    }
    Ok(if need.is_empty() { Lazy::Done(all) } else { Lazy::Need(need) })
}

/// Joins the lines up to the first blank one, like git's `%s`.
fn subject(message: &[u8]) -> BString {
    let lines = message.lines().map(|line| line.trim_end());
    let lines: Vec<&[u8]> = lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty()).collect();
    bstr::join(" ", lines).into()
}

#[cfg(test)]
mod tests {
    use super::subject;

    #[test]
    fn a_subject_is_the_first_paragraph_in_one_line() {
        assert_eq!(subject(b"\nFix it  \nagain\n\nbody\n"), "Fix it again");
        assert_eq!(subject(b"Fix it"), "Fix it");
        assert_eq!(subject(b"\n"), "");
    }
}
