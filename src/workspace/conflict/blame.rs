//! Who changed it: the upstream's commits between two pins that touched given paths, and given lines of them.

use std::ops::Range;

use bstr::{BString, ByteSlice};

use crate::git::{CommitRange, GitError, Id, Lazy, Objects, PathLog, ProgramError, RemoteError, Signature, Store};
use crate::path::RepoPath;
use crate::workspace::files::lock::LockError;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};

/// More commits than this are not looked through. What a path needs grows with them by about 100 bytes each (the root
/// trees): 20,000 are 2 MB on top of what their own transfer costs.
const MOST_COMMITS: usize = 20_000;

/// What is asked of one path: its name at the new pin, and the ranges of lines there that matter (from 0 on, the end
/// excluded; an empty range is the place before its line, where lines may have been taken away).
pub type Question = (RepoPath, Vec<Range<u32>>);

/// The answer, or why there is none.
#[derive(Debug)]
pub enum BlameResult {
    /// For each question, in their order.
    Found(Vec<PathChanges>),
    /// It cannot be told without more than it is worth.
    Skipped(Skipped),
}

/// Why nobody can be named.
#[derive(Debug, thiserror::Error)]
pub enum Skipped {
    /// The network, or the wish not to use it; or a server that gives no single objects.
    #[error(transparent)]
    Remote(RemoteError),
    /// Another patchq fetches.
    #[error(transparent)]
    Busy(LockError),
    /// A range that is not looked through.
    #[error("there are more than {most} commits between the pins")]
    TooMany {
        /// How many would have been looked through.
        most: usize,
    },
}

/// What became of one path between two pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChanges {
    /// The path asked for.
    pub path: RepoPath,
    /// The commits that made it what it is at the new pin, the newest first. Where it was renamed to what was asked for,
    /// they begin with that.
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
    /// What it says of itself, in one line. Anybody's bytes.
    pub subject: BString,
    /// Which of the ranges asked for it touched.
    pub touched: Vec<Range<u32>>,
}

/// Looks through the upstream's commits that `new` reaches and `old` does not. They and the few trees and blobs that the
/// questions need come into the store of commits at [`UpstreamStore::history`](super::super::upstream::UpstreamStore::history); what is there already is not asked for, so a
/// second time works offline. Paths are followed as `git log` follows them, lines as `git log -L` does.
///
/// # Errors
/// [`FetchError`] when a store cannot be read or the run was interrupted. What the network cannot give is a
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
    // A round for each level of the deepest path, and one with everything at hand.
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

/// For each log what its commits touched.
type Touched = Vec<Option<Vec<Vec<usize>>>>;

/// Which ranges the logs' commits touched; all that is missing for it together.
fn lines_of(history: &Store, logs: &[PathLog], questions: &[Question]) -> Result<Lazy<Touched>, GitError> {
    let (mut all, mut need) = (Vec::new(), std::collections::BTreeSet::new());
    for (log, (_, ranges)) in logs.iter().zip(questions) {
        if ranges.is_empty() {
            // No question of lines is worth a blob.
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

/// The lines up to the first blank one as one, as git's `%s` has it.
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
