//! Decisions that people made earlier, as a session would store them.

use patchq::patch::{Date, Person};
use patchq::path::RepoPath;
use patchq::stack::{At, Hunk, Lines};
use patchq::workspace::Workspace;
use patchq::workspace::conflict::memory::{DecisionOrigin, Entry, Memory};

use super::Env;

/// A decision about the texts of base, upstream and patch.
pub(crate) struct Decision<'a> {
    /// The upstream whose memory stores it.
    pub(crate) upstream: &'a str,
    /// The path of the conflict.
    pub(crate) path: &'a str,
    /// The path in the patch.
    pub(crate) own: &'a str,
    pub(crate) texts: [&'a str; 3],
    /// The chosen lines.
    pub(crate) text: &'a str,
    pub(crate) author: &'a str,
    /// In seconds since 1970.
    pub(crate) time: i64,
}

pub(crate) const FIVE: Decision<'_> = Decision {
    upstream: "up",
    path: "a.txt",
    own: "a.txt",
    texts: ["five\n", "cinq\n", "FIVE\n"],
    text: "CINQ\n",
    author: "A Maintainer",
    time: 1_706_774_400,
};

impl Decision<'_> {
    /// Stores it; returns its name.
    pub(crate) fn keep(&self, env: &Env) -> String {
        let workspace = Workspace::open(&env.ws()).unwrap();
        let memory = Memory::open(&workspace, workspace.upstream(self.upstream).unwrap());
        let lines = |text: &str| Lines { start: 1, text: text.into() };
        let [base, upstream, patch] = self.texts.map(lines);
        let hunk = Hunk { base, upstream, patch, nth: 0, alike: Default::default() };
        let (path, own) = (RepoPath::new(self.path).unwrap(), RepoPath::new(self.own).unwrap());
        let at = At { patch: "0001-mine.patch", path: &path, own: &own };
        let author = Person { name: self.author.into(), email: "a@example.org".into() };
        let pin = "1111111111111111111111111111111111111111".parse().unwrap();
        let made = DecisionOrigin { author, date: Date { seconds: self.time, offset: 60 }, pin, old_pin: None };
        memory.remember(&Entry::new(at, &hunk, self.text.into(), made)).unwrap().id
    }
}
