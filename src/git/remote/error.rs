//! The errors of requests to an upstream.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use crate::git::program::seconds;
use crate::git::{GitError, Id, ProgramError};
use crate::path::printable;

/// Why one url failed, as far as git's output shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It needs credentials, and git could not get them without asking the user.
    Credentials,
    /// No server answers there.
    Unreachable,
    /// There is no repository there.
    NoRepository,
    /// The repository has no such object.
    NoObject,
    /// The repository has no such branch or tag.
    NoRef,
    /// The server gives only commits that its branches and tags point at.
    Strict,
    /// The repository names its objects by SHA-256.
    Sha256,
    /// The repository itself is shallow.
    Shallow,
    /// A plain file server ("dumb http"), which can only send everything.
    Dumb,
    /// Another git works in the store, or was killed there.
    Locked,
    /// Nothing arrived for this long.
    Stalled(Duration),
    /// The transfer is slower than the user's git settings allow.
    TooSlow,
    /// It did not end within this time.
    TooLong(Duration),
    /// Another reason; git's own lines say which.
    Other,
}

/// git's messages (with `LC_ALL=C`), in lower case, and their reasons. The first that occurs counts.
const WORDS: [(&str, Reason); 47] = [
    ("operation too slow", Reason::TooSlow),
    (".lock': file exists", Reason::Locked),
    ("authentication failed", Reason::Credentials),
    ("could not read username", Reason::Credentials),
    ("could not read password", Reason::Credentials),
    ("unable to get password from user", Reason::Credentials),
    ("terminal prompts disabled", Reason::Credentials),
    ("permission denied (", Reason::Credentials),
    ("host key verification failed", Reason::Credentials),
    ("too many authentication failures", Reason::Credentials),
    ("invalid username or ", Reason::Credentials),
    ("returned error: 401", Reason::Credentials),
    ("mismatched algorithms", Reason::Sha256),
    ("unsupported hash algorithm", Reason::Sha256),
    ("unknown object format", Reason::Sha256),
    ("does not support object format", Reason::Sha256),
    ("shallow update not allowed", Reason::Shallow),
    ("shallow roots are not allowed", Reason::Shallow),
    ("source repository is shallow", Reason::Shallow),
    ("dumb http transport", Reason::Dumb),
    ("unadvertised object", Reason::Strict),
    ("not valid: is this a git repository", Reason::NoRepository),
    (" not valid", Reason::Strict),
    ("not our ref", Reason::NoObject),
    ("couldn't find remote ref", Reason::NoRef),
    ("could not resolve host", Reason::Unreachable),
    ("couldn't resolve host", Reason::Unreachable),
    ("name or service not known", Reason::Unreachable),
    ("failed to connect", Reason::Unreachable),
    ("couldn't connect", Reason::Unreachable),
    ("could not connect", Reason::Unreachable),
    ("unable to connect", Reason::Unreachable),
    ("unable to look up", Reason::Unreachable),
    ("connection refused", Reason::Unreachable),
    ("connection timed out", Reason::Unreachable),
    ("connection reset", Reason::Unreachable),
    ("operation timed out", Reason::Unreachable),
    ("no route to host", Reason::Unreachable),
    ("network is unreachable", Reason::Unreachable),
    ("empty reply from server", Reason::Unreachable),
    ("returned error: 5", Reason::Unreachable),
    ("does not appear to be a git repository", Reason::NoRepository),
    ("repository not found", Reason::NoRepository),
    ("returned error: 404", Reason::NoRepository),
    ("does not exist", Reason::NoRepository),
    ("' not found", Reason::NoRepository),
    ("/ not found", Reason::NoRepository),
];

impl Reason {
    pub(super) fn of(lines: &[String]) -> Reason {
        let text = lines.join("\n").to_lowercase();
        WORDS.iter().find(|(words, _)| text.contains(words)).map_or(Reason::Other, |(_, reason)| *reason)
    }

    fn words(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Reason::Stalled(after) => return format!("nothing came for {}", seconds(after)).into(),
            Reason::TooLong(after) => return format!("it was not done in {}", seconds(after)).into(),
            Reason::Credentials => "access was denied, or needs credentials",
            Reason::Unreachable => "the server cannot be reached",
            Reason::NoRepository => "there is no git repository",
            Reason::NoObject => "the repository does not have the object asked for",
            Reason::NoRef => "the repository does not have the branch or tag asked for",
            Reason::Strict => "the server gives only what its branches and tags point at",
            Reason::Sha256 => "the repository uses SHA-256 ids, which are not supported",
            Reason::Shallow => "the repository itself has only a part of its history",
            Reason::Dumb => "the server is a plain file server, which cannot send a part of a repository",
            Reason::Locked => "another git works in the store, or was killed there",
            Reason::TooSlow => "it sends too slowly",
            Reason::Other => "git failed",
        })
    }
}

/// One url that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The url as the manifest has it.
    pub url: String,
    /// The reason.
    pub reason: Reason,
    /// git's output, printable.
    pub lines: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", printable(self.url.as_bytes()), self.reason.words())?;
        match self.lines.iter().rev().find(|line| line.starts_with("fatal: ")).or(self.lines.last()) {
            Some(line) => write!(f, " ({line})"),
            None => Ok(()),
        }
    }
}

/// Why a request to an upstream failed.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The git program is missing, too old, or was interrupted.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The store failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The network must not be used, and the store lacks the object.
    #[error("cannot {what} without the network (--offline)")]
    Offline {
        /// What was needed, as the words after "cannot".
        what: String,
    },
    /// The url and all mirrors failed.
    #[error("cannot {what}{}", list(.failures))]
    Failed {
        /// What was wanted, as the words after "cannot".
        what: String,
        /// Each url with its own reason.
        failures: Vec<Failure>,
    },
    /// An id that names an object other than a commit.
    #[error("{id} is a {kind}, not a commit{}", .commit.map_or_else(String::new, |id| format!("; its commit is {id}")))]
    NotACommit {
        /// The id asked for.
        id: Id,
        /// The kind of the object.
        kind: &'static str,
        /// For a tag: the commit it points at.
        commit: Option<Id>,
    },
    /// No branch, tag or commit has that name.
    #[error("the upstream has no branch, tag or commit '{rev}'{}", similar(.near))]
    NoSuchRev {
        /// The name asked for.
        rev: String,
        /// Names that are almost the same.
        near: Vec<String>,
    },
    /// A name that means more than one thing.
    #[error("'{rev}' is ambiguous: {}", .candidates.join(", "))]
    Ambiguous {
        /// The name asked for.
        rev: String,
        /// What it may mean.
        candidates: Vec<String>,
    },
    /// A glob that matches only pre-releases, but does not ask for them.
    #[error("'{glob}' matches only pre-releases ({}); name one, or use a glob that says so (v1.6.*-*)", few(.tags))]
    OnlyPrereleases {
        /// The glob.
        glob: String,
        /// What it matches.
        tags: Vec<String>,
    },
    /// A glob whose matches have no version, so that none is the newest.
    #[error("'{glob}' matches tags without a version, of which none is the newest: {}", few(.tags))]
    NoVersions {
        /// The glob.
        glob: String,
        /// What it matches.
        tags: Vec<String>,
    },
}

impl RemoteError {
    /// Checks whether a second try, in which git may ask the user, can succeed.
    #[must_use]
    pub fn lacks_credentials(&self) -> bool {
        matches!(self, RemoteError::Failed { failures, .. }
            if failures.iter().any(|failure| failure.reason == Reason::Credentials))
    }

    /// Checks whether a url ran into a time limit.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        matches!(self, RemoteError::Failed { failures, .. }
            if failures.iter().any(|failure| matches!(failure.reason, Reason::Stalled(_) | Reason::TooLong(_) | Reason::TooSlow)))
    }

    /// Checks whether something in the store was locked.
    #[must_use]
    pub fn found_a_lock(&self) -> bool {
        matches!(self, RemoteError::Failed { failures, .. }
            if failures.iter().any(|failure| failure.reason == Reason::Locked))
    }

    /// Checks whether every url answered that it lacks, or does not give, the object.
    #[must_use]
    pub fn lacks_object(&self) -> bool {
        matches!(self, RemoteError::Failed { failures, .. }
            if failures.iter().all(|failure| matches!(failure.reason, Reason::NoObject | Reason::Strict)))
    }
}

fn list(failures: &[Failure]) -> String {
    match failures {
        [] => ": no url is known".to_owned(),
        [only] => format!(" from {only}"),
        many => many.iter().fold(String::new(), |mut out, failure| {
            // Writing to a string cannot fail.
            let _ok = write!(out, "\n  from {failure}");
            out
        }),
    }
}

fn similar(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; there is {}", names.join(", ")) }
}

fn few(names: &[String]) -> String {
    let more = if names.len() > 5 { format!(" and {} more", names.len() - 5) } else { String::new() };
    format!("{}{more}", names.iter().take(5).cloned().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_read_from_what_git_says() {
        for (line, reason) in [
            ("fatal: could not read Username for 'http://x': terminal prompts disabled", Reason::Credentials),
            ("git@x: Permission denied (publickey).", Reason::Credentials),
            ("fatal: unable to access 'http://x/': Could not resolve host: x", Reason::Unreachable),
            ("fatal: repository 'http://x/y/' not found", Reason::NoRepository),
            ("fatal: 'file' does not appear to be a git repository", Reason::NoRepository),
            ("fatal: remote error: upload-pack: not our ref 0611aa0", Reason::NoObject),
            ("error: Server does not allow request for unadvertised object 0611aa0", Reason::Strict),
            ("fatal: mismatched algorithms: client sha1; server sha256", Reason::Sha256),
            ("fatal: dumb http transport does not support shallow capabilities", Reason::Dumb),
            ("fatal: Unable to create '/x/up.git/shallow.lock': File exists.", Reason::Locked),
            ("fatal: unable to access 'http://x/': Operation too slow. Less than 1 bytes/sec", Reason::TooSlow),
            ("fatal: early EOF", Reason::Other),
        ] {
            assert_eq!(Reason::of(&[line.to_owned()]), reason, "{line}");
        }
    }
}
