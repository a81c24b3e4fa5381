//! Tests the target of a refresh: every rule once, with a small upstream.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::server::{Mode as ServerMode, Server, file_url, isolated_env};
use crate::support::upstream::with_upstream;
use patchq::git::{FileChange, GitError, GitProgram, Id, Made, Mode, RemoteError, RepoBuilder, Rev};
use patchq::path::RepoPath;
use patchq::workspace::manifest::Track;
use patchq::workspace::{
    CachedTip, FetchError, Fetcher, MovedTag, ResolvePinError, Target, TargetError, TargetNote, TargetRequest, Why,
    cache_tip, find_target, pinned,
};

/// A workspace beside the upstream `up.git`:
///
/// ```text
/// main:      v1.0.0 -- v1.1.0 -- three -- four
/// v1.1:                  \-- fix (v1.1.1) -- more
/// next:                   \-- v2.0.0-rc.1
/// ```
struct Bench {
    dir: tempfile::TempDir,
    git: GitProgram,
    repo: RepoBuilder,
    v1_0: Id,
    v1_1: Id,
    three: Id,
    four: Id,
    fix: Id,
    more: Id,
    rc: Id,
}

impl Bench {
    /// Makes it with this in the manifest's entry.
    fn new(entry: &str) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        let git = GitProgram::new("git", isolated_env(&dir.path().join("home")));
        let repo = RepoBuilder::create(&dir.path().join("srv/up.git"), "main").unwrap();
        let v1_0 = commit(&repo, "main", 1);
        repo.tag("v1.0.0", v1_0, None).unwrap();
        let v1_1 = commit(&repo, "main", 2);
        repo.tag("v1.1.0", v1_1, Some((made(3), "v1.1.0"))).unwrap();
        repo.branch("v1.1", v1_1).unwrap();
        repo.branch("next", v1_1).unwrap();
        let (three, four) = (commit(&repo, "main", 4), commit(&repo, "main", 5));
        let fix = commit(&repo, "v1.1", 6);
        repo.tag("v1.1.1", fix, None).unwrap();
        let more = commit(&repo, "v1.1", 7);
        let rc = commit(&repo, "next", 8);
        repo.tag("v2.0.0-rc.1", rc, None).unwrap();
        let bench = Bench { dir, git, repo, v1_0, v1_1, three, four, fix, more, rc };
        bench.manifest(entry);
        bench
    }

    fn manifest(&self, entry: &str) {
        let url = file_url(&self.path("srv/up.git"));
        fs::create_dir_all(self.path("ws")).unwrap();
        fs::write(self.path("ws/upstreams.toml"), format!("[upstream.up]\nurl = \"{url}\"\n{entry}\n")).unwrap();
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Moves a tag or a branch of the upstream.
    fn upstream_git(&self, args: &[&str]) {
        let mut command = Command::new("git");
        command.env_clear().envs(isolated_env(&self.path("home"))).current_dir(self.path("srv/up.git")).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn with_upstream<T>(&self, offline: bool, url: Option<&str>, run: impl FnOnce(&Fetcher<'_>) -> T) -> T {
        with_upstream(&self.git, &self.path("ws"), (offline, url), run)
    }

    /// Returns the target from the pin `from` with its version.
    fn find(&self, from: (Id, &str), options: &TargetRequest) -> Result<Target, TargetError> {
        let files = pinned(from.0, from.1.to_owned());
        self.with_upstream(false, None, |fetcher| find_target(fetcher, &files, options))
    }

    fn find_offline(&self, from: (Id, &str), options: &TargetRequest) -> Result<Target, TargetError> {
        let files = pinned(from.0, from.1.to_owned());
        self.with_upstream(true, None, |fetcher| find_target(fetcher, &files, options))
    }

    /// Checks whether the history of commits was fetched.
    fn has_history(&self) -> bool {
        self.path("ws/.patchq/up.history.git").exists()
    }

    /// Returns the version of a commit in the form of `git describe`.
    fn described(&self, front: &str, id: Id) -> String {
        format!("{front}-g{}", id.short(8))
    }
}

fn made(day: i64) -> Made<'static> {
    Made { name: "Up", email: "up@example.org", seconds: 1_600_000_000 + day * 86_400, offset: 0 }
}

fn commit(repo: &RepoBuilder, branch: &str, day: i64) -> Id {
    let (path, text) = (RepoPath::new("file").unwrap(), format!("day {day}\n"));
    let change = FileChange { path: &path, content: Some((text.as_bytes(), Mode::File)) };
    repo.commit(branch, made(day), &format!("Day {day}\n"), &[change]).unwrap()
}

fn tip() -> TargetRequest {
    TargetRequest::default()
}

fn to(rev: &str) -> TargetRequest {
    TargetRequest { to: Some(Rev::parse(rev).unwrap()), ..TargetRequest::default() }
}

fn once(rev: &str) -> TargetRequest {
    TargetRequest { once: true, ..to(rev) }
}

fn following(track: &str) -> TargetRequest {
    TargetRequest { track: Some(Track::parse(track).unwrap()), ..TargetRequest::default() }
}

fn remote_error(error: TargetError) -> RemoteError {
    match error {
        TargetError::LookUp(ResolvePinError::Fetcher(FetchError::Remote(error))) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_name_it_is_the_tip_of_the_track() {
    let bench = Bench::new("track = \"main\"");
    let found = bench.find((bench.v1_0, "v1.0.0"), &tip()).unwrap();
    assert_eq!((found.pin, found.version), (bench.four, bench.described("v1.1.0-2", bench.four)));
    assert_eq!((found.ref_name.as_deref(), found.track, found.same), (Some("refs/heads/main"), None, false));
    assert_eq!(found.notes, []);
    bench.with_upstream(true, None, |fetcher| {
        assert!(fetcher.upstream.store.has(bench.four), "its commit was not fetched");
    });
    let same = bench.find((bench.four, "v1.1.0-2"), &tip()).unwrap();
    assert!(same.same && same.notes.is_empty(), "{same:?}");
}

#[test]
fn a_glob_takes_the_newest_release_and_a_prerelease_when_it_says_so() {
    let bench = Bench::new("track = \"v*\"");
    let found = bench.find((bench.v1_0, "v1.0.0"), &tip()).unwrap();
    assert_eq!((found.pin, found.version.as_str()), (bench.fix, "v1.1.1"));
    assert!(!bench.has_history(), "two tags decide without the history");
    let found = bench.find((bench.v1_0, "v1.0.0"), &to("v2.0.0-rc.1")).unwrap();
    assert_eq!((found.pin, found.version.as_str(), found.notes.len()), (bench.rc, "v2.0.0-rc.1", 0));
    let found = bench.find((bench.v1_0, "v1.0.0"), &following("v*-rc*")).unwrap();
    assert_eq!((found.pin, found.track), (bench.rc, Some(Track::parse("v*-rc*").unwrap())));
    assert_eq!(found.tip.unwrap().version.as_deref(), Some("v2.0.0-rc.1"));
}

#[test]
fn without_a_track_there_is_nothing_to_move_to() {
    let bench = Bench::new("");
    let error = bench.find((bench.v1_0, "v1.0.0"), &tip()).unwrap_err();
    assert_eq!(error.to_string(), "it has no track, so there is no newest commit to move to");
    let error = bench.find((bench.v1_0, "v1.0.0"), &to("v1.1.0")).unwrap_err();
    assert_eq!(error.to_string(), "there is no track that 'v1.1.0' could be in");
    assert_eq!(bench.find((bench.v1_0, "v1.0.0"), &once("v1.1.0")).unwrap().pin, bench.v1_1);
    let found = bench.find((bench.v1_0, "v1.0.0"), &following("v1.1")).unwrap();
    assert_eq!((found.pin, found.track), (bench.more, Some(Track::parse("v1.1").unwrap())));
}

#[test]
fn inside_a_branch_are_its_name_its_tip_and_its_history() {
    let bench = Bench::new("track = \"main\"");
    let from = (bench.v1_0, "v1.0.0");
    for rev in ["main", &bench.four.to_string(), "refs/heads/main", "v1.1.0", &bench.three.to_string()[..9]] {
        assert_eq!(bench.find(from, &to(rev)).map(|found| found.notes).unwrap(), [], "{rev}");
    }
    for rev in ["v1.1.1", "next", &bench.rc.to_string()] {
        let error = bench.find(from, &to(rev)).unwrap_err();
        assert_eq!(error.to_string(), format!("'{rev}' is outside of the track 'main'"));
        assert!(matches!(error, TargetError::Outside { .. }));
        let found = bench.find(from, &once(rev)).unwrap();
        assert_eq!((found.track, found.notes), (None, vec![]), "{rev}");
    }
}

#[test]
fn the_tip_of_a_branch_is_inside_without_the_history() {
    let bench = Bench::new("track = \"v1.1\"");
    bench.repo.tag("v1.1.2", bench.more, None).unwrap();
    for rev in ["v1.1", "v1.1.2", &bench.more.to_string()] {
        assert_eq!(bench.find((bench.v1_0, "v1.0.0"), &to(rev)).unwrap().pin, bench.more);
    }
    assert!(!bench.has_history());
}

#[test]
fn inside_a_glob_are_the_tags_that_it_matches_by_any_name() {
    let bench = Bench::new("track = \"v1.1.*\"");
    let from = (bench.v1_0, "v1.0.0");
    for (rev, id) in [("v1.1.0", bench.v1_1), (&bench.v1_1.to_string(), bench.v1_1), ("v1.1.1", bench.fix)] {
        assert_eq!(bench.find(from, &to(rev)).unwrap().pin, id);
    }
    let error = bench.find(from, &to("v1.1")).unwrap_err();
    assert_eq!(error.to_string(), "'v1.1' is outside of the track 'v1.1.*'");
    assert!(!bench.has_history(), "a glob never needs the history");
    let both = TargetRequest { track: Some(Track::parse("v1.1").unwrap()), ..to("v1.1.1") };
    assert_eq!(bench.find(from, &both).unwrap().track, both.track);
    let wrong = TargetRequest { track: Some(Track::parse("main").unwrap()), ..to("v1.1.1") };
    assert_eq!(bench.find(from, &wrong).unwrap_err().to_string(), "'v1.1.1' is outside of the track 'main'");
}

#[test]
fn a_track_that_is_gone_leaves_the_named_commit_outside() {
    let bench = Bench::new("track = \"gone\"");
    let from = (bench.v1_0, "v1.0.0");
    let error = bench.find(from, &tip()).unwrap_err();
    assert_eq!(error.to_string(), "the upstream has no branch, tag or commit 'gone'");
    assert!(matches!(bench.find(from, &to("main")), Err(TargetError::Outside { .. })));
    assert_eq!(bench.find(from, &once("main")).unwrap().pin, bench.four);
    let error = bench.find(from, &TargetRequest { track: Some(Track::parse("gone").unwrap()), ..once("main") });
    assert!(matches!(remote_error(error.unwrap_err()), RemoteError::NoSuchRev { .. }));
}

#[test]
fn two_tags_decide_whether_it_goes_back_without_the_history() {
    let bench = Bench::new("track = \"v*\"");
    let from = (bench.fix, "v1.1.1");
    let error = bench.find(from, &to("v1.1.0")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("v1.1.0 ({}) is older than v1.1.1 ({}), the queue's pin", bench.v1_1.short(12), bench.fix.short(12))
    );
    let TargetError::Older(back) = error else { panic!("{error:?}") };
    assert_eq!(back.why, Why::Version);
    let meant = TargetRequest { allow_older: true, ..to("v1.1.0") };
    let found = bench.find(from, &meant).unwrap();
    assert_eq!((found.pin, found.notes), (bench.v1_1, vec![TargetNote::Older(back)]));
    assert!(!bench.has_history());
}

#[test]
fn an_ancestor_is_back_whatever_it_is_called() {
    let bench = Bench::new("track = \"main\"");
    let from = bench.described("v1.1.0-2", bench.four);
    let error = bench.find((bench.four, &from), &to(&bench.three.to_string())).unwrap_err();
    let (old, new) = (bench.described("v1.1.0-1", bench.three), bench.four.short(12));
    assert_eq!(
        error.to_string(),
        format!(
            "{old} ({}) is older than {from} ({new}), the queue's pin: it is in its history",
            bench.three.short(12)
        )
    );
    // A tag of the same version as the one below the pin.
    assert!(matches!(bench.find((bench.four, &from), &to("v1.1.0")), Err(TargetError::Older(back))
        if back.why == Why::Ancestor));
    // The branch was reset: its tip is an ancestor of the pin, which upstream still has somewhere.
    bench.upstream_git(&["update-ref", "refs/heads/main", &bench.three.to_string()]);
    let stays = bench.find((bench.four, &from), &tip()).unwrap();
    assert!(stays.same && stays.ahead && stays.pin == bench.four, "{stays:?}");
    assert!(matches!(stays.notes.as_slice(), [TargetNote::Ahead(back)] if back.to.id == bench.three), "{stays:?}");
    assert_eq!(
        bench.find((bench.four, &from), &TargetRequest { allow_older: true, ..tip() }).unwrap().pin,
        bench.three
    );
}

#[test]
fn on_another_branch_the_tags_below_decide() {
    let bench = Bench::new("track = \"main\"");
    let from = bench.described("v1.1.1-1", bench.more);
    assert!(matches!(bench.find((bench.more, &from), &once("main")), Err(TargetError::Older(back))
        if back.why == Why::Version && back.to.version == Some(bench.described("v1.1.0-2", bench.four))));
    let from = bench.described("v1.1.0-2", bench.four);
    let found = bench.find((bench.four, &from), &once("v1.1")).unwrap();
    assert_eq!((found.pin, found.notes), (bench.more, vec![]));
}

#[test]
fn a_rewritten_branch_passes_and_is_said() {
    let bench = Bench::new("track = \"main\"");
    let from = bench.described("v1.1.0-2", bench.four);
    bench.upstream_git(&["update-ref", "refs/heads/main", &bench.v1_1.to_string()]);
    let rewritten = commit(&bench.repo, "main", 20);
    let found = bench.find((bench.four, &from), &tip()).unwrap();
    assert_eq!(found.pin, rewritten);
    let said = TargetNote::Diverged { from: bench.four, to: rewritten };
    assert_eq!(found.notes, std::slice::from_ref(&said));
    assert_eq!(
        said.to_string(),
        format!(
            "{} is not in the history of {}: upstream's history was rewritten, or these are two branches",
            bench.four.short(12),
            rewritten.short(12)
        )
    );
    // And when upstream no longer has the pin.
    fs::remove_dir_all(bench.path("ws/.patchq/up.history.git")).unwrap();
    bench.upstream_git(&["-c", "gc.reflogExpire=now", "gc", "-q", "--prune=now"]);
    assert_eq!(bench.find((bench.four, &from), &tip()).unwrap().notes, [said]);
}

#[test]
fn a_version_that_belongs_to_another_pin_is_not_believed() {
    let bench = Bench::new("track = \"v*\"");
    // The pin was changed by hand, the version was not.
    let error = bench.find((bench.fix, "v1.0.0"), &to("v1.1.0")).unwrap_err();
    assert!(error.to_string().contains("is older than v1.1.1 ("), "{error}");
    // A version that the manifest fixes does not show the age, in either direction.
    for version in ["0.0.1-canonical1", "v1.0.0-1", "9.9"] {
        bench.manifest(&format!("track = \"v*\"\nversion = \"{version}\""));
        let found = bench.find((bench.v1_0, version), &to("v1.1.1")).unwrap();
        assert_eq!((found.version.as_str(), found.notes), (version, vec![]));
        assert_eq!(found.called, Some([Some("v1.0.0".to_owned()), Some("v1.1.1".to_owned())]));
    }
    bench.manifest("track = \"v*\"\nversion = \"9.9\"");
    let found = bench.find((bench.v1_0, "9.9"), &to("v1.1.1")).unwrap();
    assert_eq!((found.version.as_str(), found.notes), ("9.9", vec![]));
    let error = bench.find((bench.fix, "9.9"), &to("v1.1.0")).unwrap_err();
    assert!(error.to_string().contains("is older than v1.1.1 ("), "{error}");
}

#[test]
fn who_only_looks_is_never_refused() {
    let bench = Bench::new("track = \"v1.1.*\"");
    let options = TargetRequest { lenient: true, ..to("v1.0.0") };
    let found = bench.find((bench.fix, "v1.1.1"), &options).unwrap();
    let [TargetNote::Outside { rev, .. }, TargetNote::Older(back)] = found.notes.as_slice() else {
        panic!("{:?}", found.notes)
    };
    assert_eq!((rev.as_str(), back.why, found.pin), ("v1.0.0", Why::Version, bench.v1_0));
    let found = bench.find((bench.v1_1, "v1.1.0"), &TargetRequest { once: true, ..options.clone() }).unwrap();
    assert!(matches!(found.notes.as_slice(), [TargetNote::Older(_)]), "{:?}", found.notes);
    let found = bench.find_offline((bench.fix, "v1.1.1"), &options).unwrap_err();
    assert!(matches!(remote_error(found), RemoteError::Offline { .. }), "the store has no tag of that name");
}

#[test]
fn a_tag_that_moved_is_reported() {
    let bench = Bench::new("track = \"v1.*\"");
    bench.upstream_git(&["tag", "-f", "v1.0.0", &bench.three.to_string()]);
    let found = bench.find((bench.v1_0, "v1.0.0"), &tip()).unwrap();
    let moved = MovedTag { tag: "v1.0.0".to_owned(), was: bench.v1_0, is: bench.three };
    assert_eq!(found.notes, [TargetNote::MovedTag(moved.clone())]);
    assert_eq!(
        moved.to_string(),
        format!("the tag 'v1.0.0' was moved: it was {}, and upstream has it at {} now", bench.v1_0, bench.three)
    );
    // Again, by the cached tip of the track in the store.
    bench.with_upstream(false, None, |fetcher| {
        let upstream = fetcher.upstream;
        cache_tip(upstream, &found.tip.unwrap(), Some(bench.v1_0), false, 1_000);
    });
    bench.upstream_git(&["tag", "-f", "v1.1.1", &bench.more.to_string()]);
    let found = bench.find((bench.v1_1, "v1.1.0"), &tip()).unwrap();
    let moved = MovedTag { tag: "v1.1.1".to_owned(), was: bench.fix, is: bench.more };
    assert_eq!((found.pin, found.notes), (bench.more, vec![TargetNote::MovedTag(moved)]));
}

#[test]
fn the_news_are_kept_and_the_last_ones_count() -> Result<(), GitError> {
    let bench = Bench::new("track = \"v1.*\"");
    let tip = bench.find((bench.v1_0, "v1.0.0"), &tip()).unwrap().tip.unwrap();
    bench.with_upstream(true, None, |fetcher| {
        let upstream = fetcher.upstream;
        cache_tip(upstream, &tip, None, false, 1_000);
        cache_tip(upstream, &tip, Some(bench.v1_0), true, 2_000);
        let news = CachedTip::read(&mut patchq::git::Objects::new(&upstream.store)?)?.unwrap();
        assert_eq!(news, CachedTip::new(&tip, Some(bench.v1_0), true, 2_000));
        assert_eq!(
            (news.tip, news.version.as_deref(), news.ref_name.as_str()),
            (bench.fix, Some("v1.1.1"), "refs/tags/v1.1.1")
        );
        Ok(())
    })
}

#[test]
fn offline_a_known_commit_or_tag_can_be_named() {
    let bench = Bench::new("track = \"v1.*\"");
    let from = (bench.v1_0, "v1.0.0");
    let offline = |options: &TargetRequest| remote_error(bench.find_offline(from, options).unwrap_err());
    assert!(matches!(offline(&tip()), RemoteError::Offline { .. }));
    assert!(matches!(offline(&to("v1.1.1")), RemoteError::Offline { .. }));
    assert!(matches!(offline(&to(&bench.fix.to_string())), RemoteError::Offline { .. }));
    // The history is fetched for the version of `main`, with its tags.
    bench.find(from, &once("main")).unwrap();
    bench.find(from, &to("v1.1.1")).unwrap();
    let found = bench.find_offline(from, &to("v1.1.1")).unwrap();
    assert_eq!((found.pin, found.version.as_str(), found.tip), (bench.fix, "v1.1.1", None));
    let found = bench.find_offline(from, &once(&bench.four.to_string())).unwrap();
    assert_eq!(found.version, bench.described("v1.1.0-2", bench.four));
    assert!(matches!(offline(&tip()), RemoteError::Offline { .. }));
    assert!(matches!(offline(&to("v1.1.0")), RemoteError::Offline { .. }), "its trees were never fetched");
    let back = bench.find_offline((bench.fix, "v1.1.1"), &once(&bench.v1_0.to_string()));
    assert!(matches!(remote_error(back.unwrap_err()), RemoteError::Offline { .. }));
}

#[test]
fn a_release_costs_one_look_and_one_fetch() {
    let bench = Bench::new("track = \"v1.*\"");
    let server = Server::start(&bench.path("srv"), ServerMode::Filters);
    let files = pinned(bench.v1_0, "v1.0.0".to_owned());
    let url = server.url("up.git");
    let found = bench.with_upstream(false, Some(&url), |fetcher| find_target(fetcher, &files, &tip()));
    assert_eq!(found.unwrap().pin, bench.fix);
    let requests = server.take_stats().requests;
    assert!(requests.len() <= 4, "{requests:#?}");
    let strict = Server::start(&bench.path("srv"), ServerMode::Strict);
    let url = strict.url("up.git");
    let from = pinned(bench.four, "unknown".to_owned());
    let options = once("v1.1");
    let found = bench.with_upstream(false, Some(&url), |fetcher| find_target(fetcher, &from, &options));
    assert_eq!(found.unwrap().pin, bench.more);
}
