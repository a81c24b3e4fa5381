//! The targets of a refresh.

use std::fs;

use super::bench::{Bench, all, assert_all_same, assert_in_step, changes_nothing};
use crate::support::{Env, in_both_worlds};

/// `main`: v1.0, v1.1, one commit more; `next`: v2.0.0-rc.1 from v1.1; `v1`: v1.1.1 from v1.1.
fn prepared<'e>(env: &'e Env, entry: &str) -> Bench<'e> {
    let bench = Bench::new(env, &[("a", Some("a\n")), ("b", Some("b\n"))]);
    let queue = [bench.patch("Say c", &[("b", Some("c\n"))])];
    bench.release("v1.1", &[("a", Some("1.1\n"))]);
    bench.git(&["branch", "next"]);
    bench.git(&["branch", "v1"]);
    bench.push(&[("a", Some("main\n"))]);
    for (branch, tag) in [("next", "v2.0.0-rc.1"), ("v1", "v1.1.1")] {
        bench.git(&["checkout", "-q", branch]);
        fs::write(env.path("work/a"), tag).unwrap();
        bench.git(&["commit", "-qam", tag]);
        bench.git(&["tag", "-a", "-m", "x", tag]);
    }
    bench.ready(entry, &queue);
    bench
}

const MAIN: &str = "track = \"main\"     # their branch\nsparse = [\"a\"]\n";

in_both_worlds! {
    fn the_tip_a_tag_a_branch_an_id(env) {
        let bench = prepared(env, MAIN);
        let (v1_1, main) = (bench.id("v1.1"), bench.id("main"));
        let described = format!("v1.1-1-g{}", &main[..8]);
        let short = &v1_1[..9];
        let cases: [(&[&str], &str, &str); 6] = [
            (&[], &main, &described),
            (&["--to", "main"], &main, &described),
            (&["--to", "v1.1"], &v1_1, "v1.1"),
            (&["--to", "refs/tags/v1.1"], &v1_1, "v1.1"),
            (&["--to", &v1_1], &v1_1, "v1.1"),
            (&["--to", short], &v1_1, "v1.1"),
        ];
        for (args, pin, version) in cases {
            let before = all(env);
            env.patchq(&[&["refresh", "up"], args].concat()).ok().says(&format!("up: moved to {version} ("));
            assert_eq!(env.read("ws/commits/up.txt"), format!("{pin}\n"), "{args:?}");
            assert_eq!(env.read("ws/commits/up.version.txt"), format!("{version}\n"), "{args:?}");
            assert_in_step(env);
            env.patchq(&["undo"]).ok();
            assert_all_same(&before, env, "after undo");
        }
    }

    fn outside_of_the_track_must_be_meant(env) {
        let bench = prepared(env, MAIN);
        let v1_1_1 = bench.id("v1.1.1");
        for rev in ["v1.1.1", "next", &v1_1_1] {
            let run = changes_nothing(env, &["refresh", "--to", rev]).exits(2).one_error();
            let run = run.says(&format!("up: '{rev}' is outside of the track 'main'"));
            run.hints(&format!("patchq refresh up --to {rev} --once")).hints(&format!("--to {rev} --track NEW"));
        }
        let json = changes_nothing(env, &["refresh", "--to", "next", "--json"]).exits(2).json();
        assert_eq!((&json["ok"], &json["error"]["kind"]), (&false.into(), &"usage".into()));
        // A dry run only warns.
        changes_nothing(env, &["refresh", "--to", "next", "--dry-run"]).ok().says("warning: up: 'next' is outside of the track");
        let manifest = env.read("ws/upstreams.toml");
        env.patchq(&["refresh", "--to", "v1.1.1", "--once"]).ok().says("moved to v1.1.1");
        assert_eq!(env.read("ws/upstreams.toml"), manifest);
        assert_in_step(env);
    }

    fn status_keeps_the_news_of_the_manifests_own_track(env) {
        let bench = prepared(env, MAIN);
        let news = || env.patchq(&["status", "--json"]).ok().json()["upstreams"][0]["news"]["newest"]["id"].clone();
        env.patchq(&["outdated"]).exits(4);
        let main = bench.id("main");
        assert_eq!(news(), main.as_str());
        env.patchq(&["refresh", "--dry-run", "--track", "v1.*"]).ok();
        assert_eq!(news(), main.as_str(), "after a look at another track");
        env.patchq(&["refresh", "--dry-run", "--to", "v1.1.1", "--track", "v1"]).ok();
        assert_eq!(news(), main.as_str(), "after a look at a commit of another track");
        env.patchq(&["refresh", "--to", "v1.1.1", "--once"]).ok();
        assert_eq!(news(), main.as_str(), "after a move to a commit outside");
        env.patchq(&["refresh", "--track", "v1.*"]).ok();
        assert_eq!(news(), bench.id("v1.1.1").as_str(), "with another track");
    }

    fn a_new_track_is_written_and_taken_back(env) {
        let bench = prepared(env, MAIN);
        let before = all(env);
        let document = env.patchq(&["refresh", "--track", "v1.*", "--json"]).ok().json();
        assert_eq!((&document["track"], &document["to"]["version"]), (&"v1.*".into(), &"v1.1.1".into()));
        let manifest = env.read("ws/upstreams.toml");
        assert!(manifest.contains("# ours\n") && manifest.contains("track = \"v1.*\"     # their branch\n"), "{manifest}");
        assert_in_step(env);
        env.patchq(&["undo"]).ok().says("restored  upstreams.toml");
        assert_all_same(&before, env, "after undo");
        env.patchq(&["refresh", "--to", "v1.1.1", "--track", "v1"]).ok().says("up: now follows v1");
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", bench.id("v1.1.1")));
        // Already at the tip: only the manifest changes.
        let before = all(env);
        env.patchq(&["refresh", "--track", "v1.*"]).ok().says("up: now follows v1.*");
        assert!(env.read("ws/upstreams.toml").contains("track = \"v1.*\"     # their branch\n"));
        assert_eq!(before.0.differences(&env.files()).len(), 1);
        env.patchq(&["undo"]).ok().says("restored  upstreams.toml");
        assert_all_same(&before, env, "after undo");
        // And a dry run changes nothing.
        changes_nothing(env, &["refresh", "--track", "v1.*", "--dry-run"]).ok().says_not("follows");
        changes_nothing(env, &["refresh", "--track", "main", "--dry-run"]).ok();
        let run = changes_nothing(env, &["refresh", "--track", "nowhere"]).exits(1).one_error();
        run.says("up: the upstream has no branch, tag or commit 'nowhere'");
    }

    fn going_back_must_be_meant(env) {
        let bench = prepared(env, "track = \"v1.*\"\n");
        env.patchq(&["refresh"]).ok().says("moved to v1.1.1");
        let run = changes_nothing(env, &["refresh", "--to", "v1.1"]).exits(1).one_error();
        run.says("up: v1.1 (").says("is older than v1.1.1 (").hints("--allow-older");
        let json = changes_nothing(env, &["refresh", "--to", "v1.1", "--json"]).exits(1).json();
        assert_eq!(json["error"]["kind"], "older");
        changes_nothing(env, &["refresh", "--to", "v1.1", "--dry-run"]).ok().says("warning: up: v1.1 (");
        env.patchq(&["refresh", "--to", "v1.1", "--allow-older"]).ok().says("warning: up: v1.1 (").says("moved to v1.1");
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", bench.id("v1.1")));
        assert_in_step(env);
    }

    fn a_pin_ahead_of_its_track_stays_and_all_say_so(env) {
        // A glob whose newest release is older, and a branch whose tip is an ancestor of the pin.
        for (track, rev) in [("v1.1", "v2.0.0-rc.1"), ("v1.1", "main")] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            let bench = prepared(env, &format!("track = \"{track}\"\n"));
            env.patchq(&["refresh", "--to", rev, "--once"]).ok().says("up: moved to");
            let news = |env: &Env| env.patchq(&["status", "--json"]).ok().json()["upstreams"][0]["news"]["state"].clone();
            assert_eq!(news(env), "ahead", "{rev}");
            for args in [&["refresh"][..], &["refresh", "--dry-run"], &["refresh", "--json"]] {
                let run = changes_nothing(env, args).ok().says_not("error:");
                if args.len() == 1 {
                    let run = run.says("note: up: the pin is ahead of its track, so there is nothing to move to: v1.1 (");
                    run.hints("patchq refresh up --allow-older");
                } else if args[1] == "--json" {
                    assert_eq!((&run.json()["same"], &run.json()["published"]), (&true.into(), &false.into()));
                }
                assert_eq!(news(env), "ahead", "{rev}");
            }
            let row = env.patchq(&["outdated", "--json"]).ok().json()["upstreams"][0].clone();
            assert_eq!(row["state"], "ahead", "{rev}");
            assert_eq!(news(env), "ahead", "{rev}");
            env.patchq(&["refresh", "--allow-older"]).ok().says("moved to v1.1 (");
            assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", bench.id("v1.1")));
        }
    }

    fn a_dry_run_says_what_the_refresh_needs(env) {
        let bench = Bench::new(env, &[("a", Some("a\n")), ("b", Some("b\n"))]);
        let queue = [bench.patch("Say c", &[("b", Some("c\n"))])];
        bench.push(&[("a", Some("main\n"))]);
        bench.git(&["checkout", "-q", "-b", "next", "v1.0"]);
        fs::write(env.path("work/b"), "next\n").unwrap();
        bench.git(&["commit", "-qam", "Next"]);
        bench.git(&["tag", "v1.1"]);
        bench.ready(MAIN, &queue);
        for rev in ["next", &bench.id("next")] {
            let run = changes_nothing(env, &["refresh", "--dry-run", "--to", rev]);
            let run = run.says(&format!("warning: up: '{rev}' is outside of the track 'main'"));
            run.hints(&format!("patchq refresh up --to {rev} --once")).hints(&format!("--to {rev} --track NEW"));
        }
        // Each of its hints can be pasted.
        let run = changes_nothing(env, &["refresh", "--dry-run", "--to", "next"]).exits(3);
        let hints: Vec<&str> = run.stderr.lines().filter_map(|line| line.trim().strip_prefix("hint: patchq ")).collect();
        assert!(hints.len() >= 3, "{}", run.shown());
        for hint in hints.iter().filter(|hint| !hint.contains("--track NEW")) {
            let words: Vec<&str> = hint.split("     (").next().unwrap().split(' ').collect();
            let code = env.twin().patchq(&words).code;
            assert!(matches!(code, Some(0 | 3)), "{hint}: {code:?}");
        }
        env.patchq(&["refresh"]).ok();
        let run = changes_nothing(env, &["refresh", "--dry-run", "--to", "v1.0"]).ok().says("is older than");
        run.hints("patchq refresh up --to v1.0 --allow-older     (moves there)");
        env.patchq(&["refresh", "up", "--to", "v1.0", "--allow-older"]).ok();
    }

    fn a_version_of_the_manifests_is_not_taken_for_upstreams(env) {
        let bench = prepared(env, "track = \"v1.*\"\nversion = \"0.9.0-canonical1\"\n");
        let (from, to) = (bench.id("v1.0"), bench.id("v1.1.1"));
        let run = env.patchq(&["refresh"]).ok().says_not("older");
        run.prints(&format!("up: v1.0 ({}) → v1.1.1 ({})\n", &from[..8], &to[..8])).says("which was not changed");
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", manifest.replace("v1.*", "main"));
        let main = bench.id("main");
        env.patchq(&["refresh"]).ok().prints(&format!("up: v1.1.1 ({}) → {}\n", &to[..8], &main[..12]));
    }

    fn without_a_track(env) {
        let bench = prepared(env, "");
        let run = changes_nothing(env, &["refresh"]).exits(1).one_error();
        run.says("up: it has no track").hints("patchq refresh up --track TRACK").hints("--to REV --once");
        changes_nothing(env, &["refresh", "--to", "v1.1"]).exits(2).says("there is no track that 'v1.1' could be in");
        env.patchq(&["refresh", "--track", "main"]).ok().says("follows main");
        assert!(env.read("ws/upstreams.toml").contains("track = \"main\"\n"));
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", bench.id("main")));
        assert_in_step(env);
    }

    fn a_moved_tag_is_loud(env) {
        let bench = prepared(env, MAIN);
        let (was, is) = (bench.id("v1.0"), bench.id("v1.1"));
        bench.git(&["tag", "-f", "v1.0", "v1.1"]);
        bench.publish();
        let said = format!("the tag 'v1.0' was moved: it was {was}, and upstream has it at {is} now");
        changes_nothing(env, &["refresh", "--dry-run"]).ok().says(&format!("warning: up: {said}"));
        let document = env.patchq(&["refresh", "--json"]).ok().json();
        assert_eq!(document["notes"], serde_json::json!([said]));
    }

    fn a_tag_moved_to_an_older_version_is_back(env) {
        let bench = prepared(env, "track = \"v*\"\n");
        env.patchq(&["refresh"]).ok().says("moved to v1.1.1");
        bench.git(&["checkout", "-q", "-b", "side", "v1.0"]);
        bench.git(&["commit", "-q", "--allow-empty", "-m", "Side"]);
        bench.git(&["tag", "v1.0.5"]);
        bench.git(&["tag", "-f", "v1.1.1", "v1.0.5"]);
        bench.publish();
        let run = changes_nothing(env, &["refresh"]).exits(1).one_error();
        run.says("v1.0.5 (").says("is older than v1.1.1 (").hints("patchq refresh up --allow-older");
        env.patchq(&["refresh", "--allow-older"]).ok().says("the tag 'v1.1.1' was moved");
    }

    fn a_prerelease_when_the_glob_says_so(env) {
        let bench = prepared(env, "track = \"v*\"\n");
        env.patchq(&["refresh"]).ok().says("moved to v1.1.1");
        changes_nothing(env, &["refresh"]).ok().says("at v1.1.1");
        env.patchq(&["refresh", "--track", "v*-rc.*"]).ok().says("moved to v2.0.0-rc.1");
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", bench.id("v2.0.0-rc.1")));
    }

    fn offline(env) {
        let bench = prepared(env, MAIN);
        for args in [&["refresh", "--offline"][..], &["refresh", "--offline", "--dry-run", "--to", "v1.1"]] {
            changes_nothing(env, args).exits(1).one_error().says("error: up: cannot list the branches and tags without the network (--offline)").hints("run the command again without --offline");
        }
        changes_nothing(env, &["refresh", "--dry-run", "--to", "v1.1"]).ok();
        let v1_1 = bench.id("v1.1");
        // A dry run needs less than a move: not the history, and not the checkout's files.
        let run = changes_nothing(env, &["refresh", "--offline", "--once", "--to", &v1_1]).exits(1).one_error();
        run.says("up: cannot fetch ").says("(--offline)");
        env.patchq(&["refresh", "--to", "v1.1"]).ok();
        env.patchq(&["undo"]).ok();
        fs::rename(env.path("up.git"), env.path("elsewhere.git")).unwrap();
        changes_nothing(env, &["refresh", "--offline", "--dry-run", "--to", &v1_1]).ok().prints("1 patch: 1 applies\n");
        env.patchq(&["refresh", "--offline", "--once", "--to", &v1_1]).ok().says("moved to");
        assert_in_step(env);
        changes_nothing(env, &["refresh"]).exits(1).one_error().says("there is no git repository").hints("'url'");
    }

    fn what_upstream_does_not_have(env) {
        prepared(env, MAIN);
        let run = changes_nothing(env, &["refresh", "--to", "v9"]).exits(1).one_error();
        run.says("up: the upstream has no branch, tag or commit 'v9'").hints("git ls-remote");
        for args in [["refresh", "--to", "--upload-pack=x"], ["refresh", "--to", "a..b"], ["refresh", "--track", "-x"]] {
            changes_nothing(env, &args).exits(2);
        }
        changes_nothing(env, &["refresh", "--once"]).exits(2).says("required arguments were not provided:\n  --to <REV>");
        changes_nothing(env, &["refresh", "--to", "main", "--once", "--track", "main"]).exits(2);
    }

    fn a_version_of_the_manifests_stays(env) {
        prepared(env, &format!("{MAIN}version = \"9.9\"\n"));
        let run = env.patchq(&["refresh", "--to", "v1.1"]).ok();
        run.says("note: up: the manifest says version = \"9.9\", which was not changed").hints("upstreams.toml");
        assert_eq!(env.read("ws/commits/up.version.txt"), "9.9\n");
        assert_in_step(env);
    }

    fn from_inside_the_checkout(env) {
        prepared(env, MAIN);
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("{manifest}\n[upstream.another]\nurl = \"../up.git\"\n"));
        let run = changes_nothing(env, &["refresh", "--dry-run"]).exits(2).one_error();
        run.says("there are several upstreams; name one of up, another").hints("patchq refresh up");
        env.patchq_in(&env.co(), &["refresh"]).ok().says("up: moved to");
        env.patchq(&["refresh", "another"]).exits(1).one_error().says("another: no pin").hints("patchq add another --pin REV");
        env.patchq(&["refresh", "upp"]).exits(2).one_error().says("there is no upstream 'upp'");
    }
}
