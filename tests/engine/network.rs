//! Tests of the network with real git servers on loopback: pins, blobs, names and versions from every kind of server,
//! and no influence from outside on git.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use crate::support::server::{Mode, Server, file_url, isolated_env};
use patchq::git::{
    Fetched, GitProgram, Id, Look, Progress, Prompts, Reason, Remote, RemoteError, Rev, Store, Url, Watch,
};

/// A folder with an upstream `up.git`, a home, and a program that sees nothing else.
struct Bench {
    dir: tempfile::TempDir,
    git: GitProgram,
}

static NEVER: AtomicBool = AtomicBool::new(false);

fn quietly<T>(run: impl FnOnce(&mut Watch<'_>) -> T) -> T {
    run(&mut Watch { prompts: Prompts::Never, cancel: &NEVER, progress: None })
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        let git = GitProgram::new("git", isolated_env(&dir.path().join("home")));
        let bench = Bench { dir, git };
        bench.git_in(bench.path(), &["init", "-q", "--bare", "-b", "main", "srv/up.git"]);
        bench
    }

    /// Makes ten commits on `main`, a side branch merged half-way, and tags of every sort.
    fn with_history() -> Bench {
        let bench = Bench::new();
        let work = bench.path().join("work");
        let git = |args: &[&str]| bench.git_in(&work, args);
        bench.git_in(bench.path(), &["clone", "-q", "srv/up.git", "work"]);
        let mut day = 1;
        let mut commit = |file: &str| {
            day += 1;
            let path = work.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, format!("content {day} of {file}\n")).unwrap();
            git(&["add", "."]);
            bench.git_at(&work, day, &["commit", "-qm", &format!("Change {file} ({day})")]);
        };
        commit("a/one");
        commit("b/two");
        bench.git_at(&work, 3, &["tag", "-a", "-m", "x", "v1.0.0"]);
        commit("a/one");
        git(&["checkout", "-q", "-b", "side"]);
        commit("side/three");
        git(&["tag", "v1.1.0-rc.1"]);
        commit("side/three");
        git(&["checkout", "-q", "main"]);
        commit("b/two");
        bench.git_at(&work, 8, &["merge", "-q", "--no-ff", "-m", "Merge side", "side"]);
        commit("a/one");
        bench.git_at(&work, 20, &["tag", "-a", "-m", "x", "v1.2.0"]);
        bench.git_at(&work, 30, &["tag", "-a", "-m", "x", "v1.1.9"]);
        git(&["tag", "latest"]);
        commit("b/two");
        commit("b/two");
        git(&["checkout", "-q", "-b", "release-1.2", "v1.2.0"]);
        commit("b/fix");
        git(&["push", "-q", "origin", "--all"]);
        git(&["push", "-q", "origin", "--tags"]);
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        self.git_at(dir, 1, args)
    }

    fn git_at(&self, dir: &Path, day: u32, args: &[&str]) -> String {
        let date = format!("2024-01-{day:02}T12:00:00+0000");
        let output = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.org"])
            .args(args)
            .current_dir(dir)
            .env_clear()
            .envs(isolated_env(&self.path().join("none")))
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn id(&self, rev: &str) -> Id {
        self.git_in(&self.path().join("work"), &["rev-parse", rev]).parse().unwrap()
    }

    fn serve(&self, mode: Mode) -> Server {
        Server::start(&self.path().join("srv"), mode)
    }

    fn store(&self, name: &str) -> Store {
        Store::create(&self.path().join(name)).unwrap()
    }

    fn remote(&self, urls: &[&str]) -> Remote<'_> {
        Remote::new(&self.git, urls.iter().map(|url| Url::parse(url, self.path()).unwrap()).collect(), false)
    }

    fn blobs(&self, rev: &str) -> BTreeSet<Id> {
        let listed = self.git_in(&self.path().join("work"), &["ls-tree", "-r", "--format=%(objectname)", rev]);
        listed.lines().map(|line| line.parse().unwrap()).collect()
    }

    fn history(&self, name: &str) -> PathBuf {
        self.path().join(format!("{name}.history.git"))
    }

    fn git_config(&self, text: &str) {
        fs::write(self.path().join("home/.gitconfig"), text).unwrap();
    }
}

fn reasons(error: &RemoteError) -> Vec<Reason> {
    match error {
        RemoteError::Failed { failures, .. } => failures.iter().map(|failure| failure.reason).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_number_of_pins_costs_two_requests_and_their_blobs_two_more() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let pins = [bench.id("v1.0.0^{}"), bench.id("main"), bench.id("main~1")];
    let fetched = quietly(|watch| remote.fetch_commits(&store, &pins, &[], watch)).unwrap();
    assert_eq!(fetched, Fetched { served_by: Some(0), filtered: true });
    assert_eq!(server.take_stats().requests.len(), 2);
    let blobs = bench.blobs("main");
    assert!(pins.iter().all(|pin| store.has(*pin)) && !blobs.iter().any(|blob| store.has(*blob)));

    let mut reports = Vec::new();
    let mut progress = |report: Progress| reports.push(report);
    let mut watch = Watch { prompts: Prompts::Never, cancel: &NEVER, progress: Some(&mut progress) };
    remote.fetch_blobs(&store, &blobs, &mut watch).unwrap();
    assert!(
        reports.iter().any(|report| report.what == "Receiving objects" && report.total == Some(blobs.len() as u64))
    );
    assert_eq!(server.take_stats().requests.len(), 2);
    assert!(blobs.iter().all(|blob| store.has(*blob)));

    quietly(|watch| remote.fetch_commits(&store, &pins, &[], watch)).unwrap();
    quietly(|watch| remote.fetch_blobs(&store, &blobs, watch)).unwrap();
    assert_eq!(server.take_stats().requests.len(), 0, "what is there is not asked for");
    let config = fs::read_to_string(store.dir().join("config")).unwrap();
    assert!(config.contains("repositoryformatversion = 0") && !config.contains("[remote \"patchq\"]"), "{config}");
}

#[test]
fn a_server_without_filters_sends_everything_and_that_is_said() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::NoFilters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let fetched = quietly(|watch| remote.fetch_commits(&store, &[bench.id("main~3")], &[], watch)).unwrap();
    assert!(!fetched.filtered);
    assert!(bench.blobs("main~3").iter().all(|blob| store.has(*blob)));
    assert_eq!(server.take_stats().requests.len(), 2);
}

#[test]
fn a_strict_server_is_asked_for_its_tags_and_branches() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Strict);
    let remote = bench.remote(&[&server.url("up.git")]);
    for (name, rev, within) in [
        ("tag", "v1.0.0^{}", vec![]),
        ("inside", "main~4", vec!["refs/heads/main".to_owned()]),
        ("anywhere", "side~1", vec![]),
    ] {
        let store = bench.store(name);
        let pin = bench.id(rev);
        let fetched = quietly(|watch| remote.fetch_commits(&store, &[pin], &within, watch)).unwrap();
        assert!(!fetched.filtered && store.has(pin), "{rev}");
        assert!(bench.blobs(rev).iter().all(|blob| store.has(*blob)), "{rev}");
        let refs = bench.git_in(bench.path(), &[&format!("--git-dir={}", store.dir().display()), "for-each-ref"]);
        assert_eq!(refs, "", "nothing passing stays");
    }
    let (store, side) = (bench.store("lost"), bench.id("release-1.2"));
    let within = ["refs/heads/main".to_owned(), "refs/heads/side".to_owned()];
    let lost = Id::from_raw([7; 20]);
    let error = quietly(|watch| remote.fetch_commits(&store, &[side, lost], &within, watch)).unwrap_err();
    assert_eq!(reasons(&error), [Reason::Strict]);
    assert!(error.to_string().contains(&format!("({lost} is not in the history")), "{error}");
}

#[test]
fn repositories_on_this_machine_are_filtered_without_touching_them() {
    let bench = Bench::with_history();
    let upstream = bench.path().join("srv/up.git");
    let config = fs::read(upstream.join("config")).unwrap();
    fs::rename(&upstream, bench.path().join("srv/up 100%.git")).unwrap();
    let upstream = bench.path().join("srv/up 100%.git");
    let encoded = file_url(&upstream).replace("100%", "100%25").replace(' ', "%20");
    for (name, url) in [("relative", "srv/up 100%.git"), ("absolute", upstream.to_str().unwrap()), ("file", &encoded)] {
        let (store, remote) = (bench.store(name), bench.remote(&[url]));
        let fetched = quietly(|watch| remote.fetch_commits(&store, &[bench.id("main~2")], &[], watch)).unwrap();
        assert!(fetched.filtered, "{url}");
        let blobs = bench.blobs("main~2");
        assert!(!blobs.iter().any(|blob| store.has(*blob)), "{url}");
        quietly(|watch| remote.fetch_blobs(&store, &blobs, watch)).unwrap();
        assert!(blobs.iter().all(|blob| store.has(*blob)), "{url}");
    }
    assert_eq!(fs::read(upstream.join("config")).unwrap(), config);
}

#[test]
fn mirrors_are_tried_in_order_and_every_failure_has_its_reason() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let dead = "http://127.0.0.1:1/x.git";
    let (none, good) = (server.url("none.git"), server.url("up.git"));
    let store = bench.store("s");
    let pins = [bench.id("main")];
    let remote = bench.remote(&[dead, &none, &good]);
    remote.store_url(&store).unwrap();
    let fetched = quietly(|watch| remote.fetch_commits(&store, &pins, &[], watch)).unwrap();
    assert_eq!(fetched.served_by, Some(2));
    let error = quietly(|watch| bench.remote(&[dead, &none]).refs(&store, Look::Tags, watch)).unwrap_err();
    assert_eq!(reasons(&error), [Reason::Unreachable, Reason::NoRepository]);
    let text = error.to_string();
    assert!(text.contains(dead) && text.contains(&none), "{text}");
    let kept = bench.git_in(store.dir(), &["config", "remote.origin.url"]);
    assert_eq!(kept, dead, "plain git in the checkout asks the url itself");
}

#[test]
fn an_object_that_upstream_does_not_have_is_named() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let lost = Id::from_raw([7; 20]);
    let error = quietly(|watch| remote.fetch_commits(&store, &[lost], &[], watch)).unwrap_err();
    assert_eq!(reasons(&error), [Reason::NoObject]);
    assert!(error.to_string().contains(&lost.to_string()), "{error}");
    let error = quietly(|watch| remote.fetch_blobs(&store, &BTreeSet::from([lost]), watch)).unwrap_err();
    assert_eq!(reasons(&error), [Reason::NoObject]);
    let (tag, pin) = (bench.id("v1.0.0"), bench.id("v1.0.0^{}"));
    match quietly(|watch| remote.fetch_commits(&store, &[tag], &[], watch)) {
        Err(RemoteError::NotACommit { kind: "tag", commit, .. }) => assert_eq!(commit, Some(pin)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_people_call_a_commit_is_found() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let history = bench.history("s");
    let resolve = |text: &str| quietly(|watch| remote.resolve(&store, &history, &Rev::parse(text).unwrap(), watch));
    let inner = bench.id("main~5");
    for (text, id, name) in [
        ("main", bench.id("main"), Some("refs/heads/main")),
        ("v1.0.0", bench.id("v1.0.0^{}"), Some("refs/tags/v1.0.0")),
        ("v1.*", bench.id("v1.2.0^{}"), Some("refs/tags/v1.2.0")),
        ("v1.1.*-*", bench.id("v1.1.0-rc.1"), Some("refs/tags/v1.1.0-rc.1")),
        ("HEAD", bench.id("main"), Some("refs/heads/main")),
        (&bench.id("side").to_string()[..9], bench.id("side"), Some("refs/heads/side")),
        (&inner.to_string(), inner, None),
    ] {
        let found = resolve(text).unwrap();
        assert_eq!((found.id, found.ref_name.as_deref()), (id, name), "{text}");
    }
    assert!(!history.exists(), "tips need no history");
    let found = resolve(&inner.to_string()[..12]).unwrap();
    assert_eq!((found.id, found.ref_name), (inner, None));
    assert!(matches!(resolve("v1.0.1"), Err(RemoteError::NoSuchRev { near, .. }) if near[0] == "v1.0.0"));
    assert!(matches!(resolve("deadbeefdeadbeef"), Err(RemoteError::NoSuchRev { .. })));
}

#[test]
fn an_ambiguous_id_lists_what_it_may_be() {
    let bench = Bench::new();
    let work = bench.path().join("work");
    bench.git_in(bench.path(), &["clone", "-q", "srv/up.git", "work"]);
    // Of hundreds of commits two certainly share their first digits.
    let mut stream = String::new();
    for n in 1..=600 {
        let message = format!("Commit {n}\n");
        stream.push_str(&format!(
            "commit refs/heads/main\nauthor A <a@example.org> {n} +0000\ncommitter A <a@example.org> {n} +0000\n\
             data {}\n{message}",
            message.len()
        ));
    }
    fs::write(work.join("stream"), stream).unwrap();
    let dir = work.join("stream");
    let status = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&work)
        .stdin(fs::File::open(dir).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    bench.git_in(&work, &["push", "-q", "origin", "main"]);
    let listed = bench.git_in(&work, &["rev-list", "main"]);
    let mut ids: Vec<&str> = listed.lines().collect();
    ids.sort_unstable();
    let same = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let pair = ids.windows(2).max_by_key(|pair| same(pair[0], pair[1])).unwrap();
    let digits = same(pair[0], pair[1]);
    assert!(digits >= 4, "only {digits} digits in common");
    let server = bench.serve(Mode::Filters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let rev = Rev::parse(&pair[0][..digits]).unwrap();
    match quietly(|watch| remote.resolve(&store, &bench.history("s"), &rev, watch)) {
        Err(RemoteError::Ambiguous { candidates, .. }) => {
            assert_eq!(candidates.len(), 2);
            assert!(candidates[0].starts_with(&pair[0][..12]) && candidates[0].contains("\"Commit "), "{candidates:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn versions_are_what_git_describe_says_in_a_whole_clone() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let work = bench.path().join("work");
    let mut exact = 0;
    for commit in bench.git_in(&work, &["rev-list", "--all"]).lines() {
        let described = quietly(|watch| {
            remote.describe(&store, &bench.history("s"), commit.parse().unwrap(), None, watch).unwrap()
        });
        let git = bench.git_in(&work, &["describe", "--tags", "--always", "--abbrev=8", commit]);
        assert_eq!(described.text, git);
        exact += usize::from(described.exact);
    }
    assert_eq!(exact, 3);
    server.take_stats();
    let pin = bench.id("v1.0.0^{}");
    quietly(|watch| remote.describe(&store, &bench.history("t"), pin, None, watch)).unwrap();
    assert_eq!(server.take_stats().requests.len(), 2, "an exact tag needs only the list of tags");
    // Only the tag objects of one pin were fetched; the pin itself can still be fetched with its trees.
    let pin = bench.id("v1.2.0^{}");
    quietly(|watch| remote.fetch_commits(&store, &[pin], &[], watch)).unwrap();
    assert!(store.has(bench.id("v1.2.0^{tree}")));
}

#[test]
fn tags_that_upstream_moved_or_removed_do_not_stay_in_the_history() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let (history, pin) = (bench.history("s"), bench.id("main"));
    let describe = || quietly(|watch| remote.describe(&store, &history, pin, None, watch)).unwrap().text;
    assert!(describe().starts_with("v1.1.9-2-g"));
    let up = bench.path().join("srv/up.git");
    bench.git_in(&up, &["tag", "-d", "v1.1.9", "v1.2.0", "latest"]);
    assert!(describe().starts_with("v1.1.0-rc.1-"), "{}", describe());
}

#[test]
fn missing_credentials_are_recognised_and_a_helper_supplies_them() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Locked);
    let (store, remote) = (bench.store("s"), bench.remote(&[&server.url("up.git")]));
    let error = quietly(|watch| remote.refs(&store, Look::Tags, watch)).unwrap_err();
    assert!(error.lacks_credentials(), "{error}");
    bench.git_config("[credential]\n helper = \"!f() { echo username=me; echo password=wrong; }; f\"\n");
    let error = quietly(|watch| remote.refs(&store, Look::Tags, watch)).unwrap_err();
    assert!(error.lacks_credentials() && !error.to_string().contains("wrong"), "{error}");
    bench.git_config("[credential]\n helper = \"!f() { echo username=me; echo password=secret; }; f\"\n");
    assert!(quietly(|watch| remote.refs(&store, Look::Tags, watch)).is_ok());
}

#[test]
fn upstreams_that_cannot_serve_say_why() {
    let bench = Bench::with_history();
    let srv = bench.path().join("srv");
    bench.git_in(&srv, &["init", "-q", "--bare", "--object-format=sha256", "sha256.git"]);
    let shallow = format!("file://{}", srv.join("up.git").display());
    bench.git_in(&srv, &["clone", "-q", "--bare", "--depth=2", &shallow, "shallow.git"]);
    let server = bench.serve(Mode::Filters);
    let (store, pin) = (bench.store("s"), bench.id("main"));
    let sha256 = bench.remote(&[&server.url("sha256.git")]);
    let error = quietly(|watch| sha256.fetch_commits(&store, &[pin], &[], watch)).unwrap_err();
    assert_eq!(reasons(&error), [Reason::Sha256], "{error}");
    let shallow = bench.remote(&[&server.url("shallow.git")]);
    quietly(|watch| shallow.fetch_commits(&store, &[pin], &[], watch)).unwrap();
    let error = quietly(|watch| shallow.describe(&store, &bench.history("s"), pin, None, watch)).unwrap_err();
    assert_eq!(reasons(&error), [Reason::Shallow], "{error}");
    bench.git_in(&srv.join("up.git"), &["update-server-info"]);
    let dumb = bench.serve(Mode::Dumb);
    let other = bench.store("dumb");
    let error = quietly(|watch| bench.remote(&[&dumb.url("up.git")]).fetch_commits(&other, &[pin], &[], watch));
    assert_eq!(reasons(&error.unwrap_err()), [Reason::Dumb]);
}

#[test]
fn offline_asks_nobody_and_names_what_is_missing() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let store = bench.store("s");
    let url = Url::parse(&server.url("up.git"), bench.path()).unwrap();
    let remote = Remote::new(&bench.git, vec![url], true);
    let pin = bench.id("main");
    let error = quietly(|watch| remote.fetch_commits(&store, &[pin], &[], watch)).unwrap_err();
    assert!(matches!(&error, RemoteError::Offline { what } if what.contains(&pin.to_string())), "{error}");
    assert_eq!(server.take_stats().requests.len(), 0);
}

#[test]
fn a_users_settings_cannot_make_git_run_a_helper_program() {
    let bench = Bench::with_history();
    let witness = bench.path().join("ran");
    bench.git_config(&format!(
        "[url \"ext::sh -c touch% {}% \"]\n insteadOf = https://up.example/\n[protocol]\n allow = always\n",
        witness.display()
    ));
    let store = bench.store("s");
    let error = quietly(|watch| bench.remote(&["https://up.example/x"]).refs(&store, Look::Tags, watch)).unwrap_err();
    assert!(error.to_string().contains("not allowed"), "{error}");
    assert!(!witness.exists());
    assert!(Url::parse("ext::sh -c true", bench.path()).is_err() && Rev::parse("--upload-pack=true").is_err());
}

/// Uses settings and variables each of which would break a simple call of git.
#[test]
fn hostile_settings_and_variables_change_nothing() {
    let bench = Bench::with_history();
    let server = bench.serve(Mode::Filters);
    let hooks = bench.path().join("hooks");
    fs::create_dir(&hooks).unwrap();
    let witness = bench.path().join("ran");
    let hook = format!("#!/bin/sh\ntouch '{}'\n", witness.display());
    for name in ["reference-transaction", "post-merge", "fsmonitor"] {
        fs::write(hooks.join(name), &hook).unwrap();
        Command::new("chmod").arg("+x").arg(hooks.join(name)).status().unwrap();
    }
    bench.git_config(&format!(
        "[core]\n hooksPath = {hooks}\n fsmonitor = {hooks}/fsmonitor\n autocrlf = true\n bare = true\n\
         [protocol]\n version = 0\n allow = never\n[protocol \"file\"]\n allow = never\n\
         [fetch]\n prune = true\n pruneTags = true\n recurseSubmodules = true\n writeCommitGraph = true\n parallel = 8\n\
         \x20negotiationAlgorithm = noop\n all = true\n output = compact\n fsckObjects = true\n\
         [transfer]\n fsckObjects = true\n hideRefs = refs/tags\n[safe]\n bareRepository = explicit\n\
         [remote]\n pushDefault = elsewhere\n[remote \"origin\"]\n url = http://127.0.0.1:1/hostile\n prune = true\n\
         \x20fetch = +refs/*:refs/*\n tagOpt = --tags\n mirror = true\n\
         [init]\n defaultRefFormat = reftable\n defaultObjectFormat = sha256\n[gc]\n auto = 1\n autoDetach = false\n\
         [log]\n showSignature = true\n date = relative\n[submodule]\n recurse = true\n[color]\n ui = always\n\
         [url \"{base}\"]\n insteadOf = https://up.example/\n",
        hooks = hooks.display(),
        base = server.url(""),
    ));
    let mut env = isolated_env(&bench.path().join("home"));
    for (name, value) in [
        ("GIT_DIR", "/nowhere"),
        ("GIT_WORK_TREE", "/nowhere"),
        ("GIT_INDEX_FILE", "/nowhere/index"),
        ("GIT_OBJECT_DIRECTORY", "/nowhere"),
        ("GIT_QUARANTINE_PATH", "/nowhere"),
        ("GIT_NAMESPACE", "nowhere"),
        ("GIT_ASKPASS", "/nowhere/askpass"),
        ("GIT_ALLOW_PROTOCOL", "ssh"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.version"),
        ("GIT_CONFIG_VALUE_0", "1"),
        ("LC_ALL", "de_DE.UTF-8"),
        ("LANGUAGE", "de"),
    ] {
        env.push((OsString::from(name), OsString::from(value)));
    }
    let git = GitProgram::new("git", env);
    let file = file_url(&bench.path().join("srv/up.git"));
    for (name, url) in [("http", "https://up.example/up.git"), ("file", &file)] {
        let remote = Remote::new(&git, vec![Url::parse(url, bench.path()).unwrap()], false);
        let store = bench.store(name);
        store.move_ref("refs/patchq/base", None, None, "").unwrap();
        let (pin, history) = (bench.id("main~1"), bench.history(name));
        quietly(|watch| remote.fetch_commits(&store, &[pin], &[], watch)).unwrap();
        store.move_ref("refs/patchq/base", None, Some(pin), "pin").unwrap();
        quietly(|watch| remote.fetch_blobs(&store, &bench.blobs("main~1"), watch)).unwrap();
        if name == "http" {
            assert_eq!(server.take_stats().requests.len(), 4);
            let described = quietly(|watch| remote.describe(&store, &history, pin, None, watch)).unwrap();
            assert!(described.text.starts_with("v1.1.9-1-g"), "{described:?}");
        }
        let found = quietly(|watch| remote.fetch_commits(&store, &[bench.id("main")], &[], watch)).unwrap();
        assert!(found.filtered);
        assert_eq!(store.read_ref("refs/patchq/base").unwrap(), Some(pin));
        assert!(Store::open(store.dir()).unwrap().is_some(), "libgit2 still reads it");
    }
    assert!(!witness.exists(), "a hook ran");
}
