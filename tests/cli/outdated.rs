//! `patchq outdated`.

use serde_json::{Value, json};

use super::shared::server::{Mode, Server};
use super::support::{Env, assert_same, git_at, in_both_worlds};

/// Returns the state of the usual upstream, which the table shows too.
#[track_caller]
fn state(env: &Env, code: i32) -> String {
    let document = env.patchq(&["--json", "outdated"]).exits(code).json();
    let upstream = &document["upstreams"][0];
    env.patchq(&["outdated"]).exits(code).prints(upstream["words"].as_str().unwrap());
    upstream["state"].as_str().unwrap().to_owned()
}

fn track(env: &Env, line: &str) {
    env.write("ws/upstreams.toml", format!("[upstream.up]\nurl = \"../up.git\"\n{line}\n"));
}

fn upstream_git(env: &Env, args: &[&str]) {
    git_at(&env.path("up.git"), 30, args);
}

in_both_worlds! {
    fn a_table_that_is_read_at_a_glance(env) {
        let usual = env.workspace();
        let entries = "[upstream.free]\nurl = \"../up.git\"\n[upstream.new]\nurl = \"../up.git\"\ntrack = \"v1.*\"\n\
                       [upstream.tip]\nurl = \"../up.git\"\ntrack = \"old\"\n";
        env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + entries);
        env.entry("free", &usual.pin, None, &[]);
        upstream_git(env, &["update-ref", "refs/heads/old", &format!("{}^{{commit}}", usual.pin)]);
        env.entry("tip", &usual.pin, Some("v1.0"), &[]);
        let run = env.patchq(&["outdated"]).exits(4);
        assert_eq!(
            run.stdout,
            format!(
                "upstream  pinned        track  newest  state\n\
                 up        v1.0          main   v1.1    moved\n\
                 free      {}  -      -       no track\n\
                 new       -             v1.*   -       no pin\n\
                 tip       v1.0          old    v1.0    up to date\n",
                &usual.pin[..12]
            )
        );
        assert_eq!(run.stderr, "");
        env.patchq(&["outdated", "tip", "free"]).ok();
        env.patchq(&["outdated", "tp"]).exits(2).says("there is no upstream 'tp'");
        assert!(!env.exists("ws/.git/patchq/free.git"), "there was nothing to ask");
    }

    fn what_a_script_reads(env) {
        let usual = env.workspace();
        let document = env.patchq(&["outdated", "--json"]).exits(4).json();
        assert_eq!(
            document,
            json!({"schema": "patchq.outdated/1", "ok": true, "upstreams": [{
                "name": "up", "pin": usual.pin, "version": "v1.0", "track": "main",
                "newest": {"id": usual.next, "ref": "refs/heads/main", "version": "v1.1"},
                "moved_tags": [], "state": "moved", "words": "moved"
            }]})
        );
        track(env, "version = \"9.9\"");
        let document = env.patchq(&["outdated", "--json"]).ok().json();
        assert_eq!(document["upstreams"][0]["version"], "9.9");
        assert_eq!((&document["upstreams"][0]["newest"], &document["upstreams"][0]["track"]), (&Value::Null, &Value::Null));
    }

    fn every_state_has_its_code(env) {
        let usual = env.workspace();
        assert_eq!(state(env, 4), "moved");
        track(env, "track = \"v1.*\"");
        assert_eq!(state(env, 4), "moved");
        track(env, "track = \"v1.0\"");
        assert_eq!(state(env, 0), "up-to-date");
        // A tag of the pin that the glob does not match.
        env.entry("up", &usual.next, Some("v1.1"), &[]);
        track(env, "track = \"v1.0*\"");
        assert_eq!(state(env, 0), "ahead");
        track(env, "");
        assert_eq!(state(env, 0), "no-track");
        std::fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        assert_eq!(state(env, 0), "no-pin");
    }

    fn a_tag_that_moved_is_loud_with_and_without_a_track(env) {
        let usual = env.workspace();
        upstream_git(env, &["tag", "-f", "v1.0", &usual.next]);
        for line in ["track = \"v1.0\"", "track = \"main\"", ""] {
            track(env, line);
            assert_eq!(state(env, 4), "tag-moved");
            let text = format!(
                "warning: up: the tag 'v1.0' was moved: it was {}, and upstream has it at {} now",
                usual.pin, usual.next
            );
            env.patchq(&["outdated"]).exits(4).says(&text).hints("find out why");
        }
        let document = env.patchq(&["outdated", "--json"]).exits(4).json();
        let moved = json!([{"tag": "v1.0", "was": usual.pin, "is": usual.next}]);
        assert_eq!(document["upstreams"][0]["moved_tags"], moved);
    }

    fn one_failure_does_not_hide_the_others(env) {
        let usual = env.workspace();
        let entries = "[upstream.lost]\nurl = \"../lost.git\"\ntrack = \"main\"\n[upstream.odd]\nurl = \"../up.git\"\ntrack = \"mainn\"\n";
        env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + entries);
        env.entry("lost", &usual.pin, Some("v1.0"), &[]);
        env.entry("odd", &usual.pin, Some("v1.0"), &[]);
        let run = env.patchq(&["outdated"]).exits(1).prints("up        v1.0    main   v1.1    moved");
        let run = run.says("error: lost: cannot list the branches and tags").says("there is no git repository");
        run.says("error: odd: the upstream has no branch, tag or commit 'mainn'; there is main");
        let document = env.patchq(&["outdated", "--json"]).exits(1).json();
        assert_eq!((&document["ok"], &document["error"]["kind"]), (&json!(false), &json!("network")));
        assert_eq!(document["upstreams"][0]["state"], "moved");
        env.write("ws/commits/up.txt", "v1.0\n");
        env.patchq(&["outdated", "up"]).exits(1).one_error().says("up: commits/up.txt:1: 'v1.0' is not a commit id");
        let run = env.patchq(&["outdated", "odd", "--offline"]).exits(1).one_error();
        run.says("odd: cannot list the branches and tags without the network (--offline)").hints("run the command again without --offline");
    }

    fn it_changes_no_file_and_of_the_store_only_the_news(env) {
        env.ready();
        let (files, refs) = env.state();
        env.patchq(&["outdated"]).exits(4);
        let after = env.state();
        assert_same(&files, &after.0, "outdated");
        let others: Vec<&str> = after.1.lines().filter(|line| !line.starts_with("refs/patchq/upstream ")).collect();
        assert_eq!(others, refs.lines().collect::<Vec<_>>());
    }
}

#[test]
fn one_look_for_each_upstream_and_no_more() {
    let env = Env::new();
    let usual = env.workspace();
    let server = Server::start(&env.root, Mode::Filters);
    let url = server.url("up.git");
    env.write("ws/upstreams.toml", format!("[upstream.up]\nurl = \"{url}\"\ntrack = \"main\"\n"));
    // A version that cannot be compared without the history.
    env.entry("up", &usual.pin, Some(&usual.pin[..8]), &[]);
    env.patchq(&["outdated", "-q"]).exits(4);
    let requests = server.take_stats().requests;
    assert!(requests.len() <= 2 && requests.iter().all(|request| !request.contains("fetch")), "{requests:#?}");
    assert!(!env.exists("ws/.git/patchq/up.history.git"));
}
