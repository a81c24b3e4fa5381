//! An upstream with releases, made step by step for one scenario.

use std::fs;

use crate::support::{Env, Snapshot, assert_same, git_at, put};

/// The manifest's lines after the url.
pub(crate) const TRACK: &str = "track = \"main\"\n";

/// Ten numbered lines.
pub(crate) const LINES: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n";

/// A file of a commit; `None` removes it.
pub(crate) type Edit<'a> = (&'a str, Option<&'a str>);

/// The upstream `up` under construction, beside the workspace of its world.
pub(crate) struct Bench<'e> {
    pub(crate) env: &'e Env,
    minute: std::cell::Cell<u32>,
}

impl<'e> Bench<'e> {
    /// Makes it with these files at v1.0, on `main`.
    pub(crate) fn new(env: &'e Env, files: &[Edit<'_>]) -> Bench<'e> {
        fs::create_dir_all(env.path("work")).unwrap();
        let bench = Bench { env, minute: std::cell::Cell::new(0) };
        bench.git(&["init", "-q", "-b", "main"]);
        bench.release("v1.0", files);
        bench.git(&["branch", "queue"]);
        bench
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.minute.set(self.minute.get() + 1);
        git_at(&self.env.path("work"), self.minute.get(), args)
    }

    fn commit(&self, branch: &str, subject: &str, edits: &[Edit<'_>]) -> String {
        if self.minute.get() > 1 {
            self.git(&["checkout", "-q", branch]);
        }
        for (path, text) in edits {
            let path = self.env.path("work").join(path);
            match text {
                Some(text) => put(&path, text),
                None => fs::remove_file(&path).unwrap(),
            }
        }
        self.git(&["add", "-A", "-f"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Makes a commit on `main` and returns its id.
    pub(crate) fn push(&self, edits: &[Edit<'_>]) -> String {
        self.commit("main", "More", edits)
    }

    /// Makes a commit on `main` with a tag and returns its id.
    pub(crate) fn release(&self, tag: &str, edits: &[Edit<'_>]) -> String {
        let id = self.commit("main", tag, edits);
        self.git(&["tag", tag]);
        id
    }

    /// Returns the next patch of the queue, as `git format-patch` writes it.
    pub(crate) fn patch(&self, subject: &str, edits: &[Edit<'_>]) -> (String, Vec<u8>) {
        self.commit("queue", subject, edits);
        let args = ["--full-index", "--binary", "--zero-commit", "--no-signature", "--no-stat", "-N"];
        let text = self.git(&[&["format-patch", "-1", "--stdout"][..], &args].concat());
        let count = self.git(&["rev-list", "--count", "v1.0..queue"]).parse::<u32>().unwrap();
        let slug = subject.to_lowercase().replace(' ', "-");
        (format!("{count:04}-{slug}.patch"), format!("{text}\n").into_bytes())
    }

    /// Publishes what was made so far.
    pub(crate) fn publish(&self) {
        self.git(&["checkout", "-q", "main"]);
        self.env.publish_work();
    }

    /// Makes the workspace on v1.0 with these lines in the manifest's entry and this queue; nothing is set up.
    pub(crate) fn workspace(&self, entry: &str, patches: &[(String, Vec<u8>)]) {
        self.publish();
        let env = self.env;
        env.write("ws/upstreams.toml", format!("# ours\n[upstream.up]\nurl = \"../up.git\"   # nearby\n{entry}"));
        env.entry("up", &self.id("v1.0"), Some("v1.0"), patches);
        env.init_workspace();
    }

    /// Does the same, and sets it up.
    pub(crate) fn ready(&self, entry: &str, patches: &[(String, Vec<u8>)]) {
        self.workspace(entry, patches);
        self.env.patchq(&["setup"]).ok();
    }

    /// Returns the commit of a name in the upstream.
    pub(crate) fn id(&self, name: &str) -> String {
        self.git(&["rev-parse", &format!("{name}^{{commit}}")])
    }
}

/// Returns ten lines, with the line `from` replaced by `to`.
pub(crate) fn with(from: &str, to: &str) -> String {
    assert!(LINES.contains(from));
    LINES.replace(&format!("{from}\n"), &format!("{to}\n"))
}

/// Returns everything that `undo` must restore: files, commits, git's status of the checkout.
pub(crate) fn all(env: &Env) -> (Snapshot, String, String) {
    let refs = env.refs();
    let ours = |line: &&str| !line.starts_with("refs/patchq/undo/") && !line.starts_with("refs/patchq/upstream ");
    let refs = refs.lines().filter(ours).collect::<Vec<_>>().join("\n");
    let status = match env.exists("ws/up/.git") {
        true => env.git(&env.co(), &["status", "--porcelain", "-uall"]),
        false => "no checkout".to_owned(),
    };
    (env.files(), refs, status)
}

#[track_caller]
pub(crate) fn assert_all_same(before: &(Snapshot, String, String), env: &Env, when: &str) {
    let after = all(env);
    assert_same(&before.0, &after.0, when);
    assert_eq!((&before.1, &before.2), (&after.1, &after.2), "{when}");
}

/// Runs patchq, which must change nothing but the cached data about the upstream.
#[track_caller]
pub(crate) fn changes_nothing(env: &Env, args: &[&str]) -> crate::support::Run {
    let before = all(env);
    let run = env.patchq(args);
    assert_all_same(&before, env, &run.shown());
    run
}

/// Checks that the checkout is the queue on its pin, and that git reports no difference.
#[track_caller]
pub(crate) fn assert_in_step(env: &Env) {
    let git = |args: &[&str]| env.git(&env.co(), args);
    assert_eq!(git(&["status", "--porcelain", "-uall"]), "");
    assert_eq!(git(&["symbolic-ref", "HEAD"]), "refs/heads/patchq");
    let pin = env.read("ws/commits/up.txt");
    assert_eq!(git(&["rev-parse", "refs/patchq/base"]), pin.trim_end());
    let patches = env.queue().iter().filter(|name| name.ends_with(".patch")).count();
    assert_eq!(git(&["rev-list", "--count", "refs/patchq/base..HEAD"]), patches.to_string());
    git(&["fsck", "--connectivity-only"]);
    env.changes_nothing(&["setup"]).ok().says("up to date");
    env.changes_nothing(&["export"]).ok().says("nothing to export");
    env.changes_nothing(&["verify", "--strict"]).ok();
}
