//! `patchq resolutions`.

use serde_json::json;

use super::support::{Decision, Env, FIVE, in_both_worlds};

/// Makes a workspace with the entry `up`, which shares its decisions, and `own`, which does not. No store, no network.
fn workspace(env: &Env) {
    let entries = "[upstream.up]\nurl = \"../up.git\"\nremember = \"shared\"\n[upstream.own]\nurl = \"../own.git\"\n";
    env.write("ws/upstreams.toml", entries);
    env.init_workspace();
}

in_both_worlds! {
    fn decisions_are_listed_the_newest_first(env) {
        workspace(env);
        env.changes_nothing(&["resolutions", "list"]).ok().says("no decisions are remembered");
        let document = env.changes_nothing(&["resolutions", "list", "--json"]).ok().json();
        assert_eq!(document, json!({
            "schema": "patchq.resolutions/1", "ok": true, "resolutions": [], "damaged": [], "forgotten": [],
        }));
        let one = FIVE.keep(env);
        let two = Decision { path: "apps/b.txt", own: "b.txt", time: FIVE.time + 86_400, ..FIVE }.keep(env);
        let three = Decision { upstream: "own", texts: ["", "x\n", "y\n"], ..FIVE }.keep(env);
        let run = env.changes_nothing(&["resolutions", "list"]).ok();
        // The first two are about the same lines: 16 digits are equal.
        let digits = 18.max(one[17..].bytes().zip(two[17..].bytes()).take_while(|(a, b)| a == b).count() + 18);
        let wanted = [
            format!("{}  2024-02-02  A Maintainer  up   apps/b.txt  0001-mine.patch\n", &two[..digits]),
            format!("{}  2024-02-01  A Maintainer  up   a.txt       0001-mine.patch\n", &one[..digits]),
            format!("{}  2024-02-01  A Maintainer  own  a.txt       0001-mine.patch\n", &three[..digits]),
        ];
        assert!(run.stdout.ends_with(&wanted.concat()), "{}", run.shown());
        let run = env.changes_nothing(&["resolutions", "list", "own"]).ok();
        assert!(run.stdout.contains(&three[..8]) && !run.stdout.contains(&one[..8]), "{}", run.shown());
        let document = env.changes_nothing(&["resolutions", "list", "--json"]).ok().json();
        assert_eq!(document["resolutions"][0], json!({
            "id": two,
            "key": "up",
            "shared": true,
            "upstreams": ["up"],
            "file": format!("resolutions/up/{two}.toml"),
            "path": "apps/b.txt",
            "also": ["b.txt"],
            "patch": "0001-mine.patch",
            "commit": "1111111111111111111111111111111111111111",
            "old_commit": null,
            "author": { "name": "A Maintainer", "email": "a@example.org" },
            "time": FIVE.time + 86_400,
            "lines": null,
        }));
        let own = &document["resolutions"][2];
        assert_eq!((&own["file"], &own["shared"]), (&json!(format!(".git/patchq/resolutions/own/{three}.toml")), &json!(false)));
        env.changes_nothing(&["resolutions", "list", "upp"]).exits(2).one_error().says("there is no upstream 'upp'");
    }

    fn a_decision_is_shown_whole(env) {
        workspace(env);
        let id = Decision { texts: ["five\n", "cinq\u{1b}[2J\n", ""], author: "Eve\u{202e}", ..FIVE }.keep(env);
        let run = env.changes_nothing(&["resolutions", "show", &id[..4]]).ok();
        assert_eq!(run.stdout, format!("{id}
  path     a.txt
  patch    0001-mine.patch
  moved to 1111111111111111111111111111111111111111
  decided  2024-02-01T09:00:00+01:00 by Eve\\u{{202e}} <a@example.org>
  file     resolutions/up/{id}.toml

  base     │ five
  upstream │ cinq\\x1b[2J
  patch    │ (no line)
  decided  │ CINQ
"));
        let document = env.changes_nothing(&["resolutions", "show", &id, "--json"]).ok().json();
        let lines = json!({ "base": ["five\n"], "upstream": ["cinq\u{1b}[2J\n"], "patch": [], "decided": ["CINQ\n"] });
        assert_eq!(document["resolutions"][0]["lines"], lines);
        let run = env.changes_nothing(&["resolutions", "show", "zzz"]).exits(2).one_error();
        run.says("error: there is no decision 'zzz'").hints("patchq resolutions list");
        env.changes_nothing(&["resolutions"]).exits(2);
    }

    fn two_of_one_name_are_told_apart(env) {
        workspace(env);
        let id = FIVE.keep(env);
        Decision { upstream: "own", ..FIVE }.keep(env);
        let run = env.changes_nothing(&["resolutions", "show", &id]).exits(2).one_error();
        run.says(&format!("'{id}' may be up/{id} or own/{id}")).hints("--only NAME");
        env.changes_nothing(&["resolutions", "show", &id, "--only", "own"]).ok().prints(".git/patchq/resolutions/own/");
        env.patchq(&["resolutions", "forget", &id, "--only", "own"]).ok();
        env.changes_nothing(&["resolutions", "show", &id]).ok().prints("resolutions/up/");
    }

    fn what_is_forgotten_is_kept_aside(env) {
        workspace(env);
        let one = FIVE.keep(env);
        let two = Decision { upstream: "own", path: "b.txt", own: "b.txt", ..FIVE }.keep(env);
        let text = env.read(&format!("ws/resolutions/up/{one}.toml"));
        env.changes_nothing(&["resolutions", "forget"]).exits(2);
        env.changes_nothing(&["resolutions", "forget", "--all", &one]).exits(2);
        // If one name is wrong, the others stay.
        env.changes_nothing(&["resolutions", "forget", &one, "zzz"]).exits(2).one_error();
        let kept = format!(".git/patchq/resolutions/_forgotten/up/{one}.toml");
        let run = env.patchq(&["resolutions", "forget", &one, &one[..22]]).ok();
        run.says(&format!("forgot resolutions/up/{one}.toml; kept as {kept}")).says("1 decision forgotten");
        assert!(!env.exists(&format!("ws/resolutions/up/{one}.toml")));
        assert_eq!(env.read(&format!("ws/{kept}")), text);
        let document = env.patchq(&["resolutions", "forget", "--all", "--json"]).ok().json();
        assert_eq!(document["forgotten"], json!([{
            "id": two,
            "key": "own",
            "file": format!(".git/patchq/resolutions/own/{two}.toml"),
            "kept": format!(".git/patchq/resolutions/_forgotten/own/{two}.toml"),
        }]));
        env.changes_nothing(&["resolutions", "forget", "--all"]).ok().says("no decisions are remembered");
    }

    fn a_file_that_is_none_is_said_and_can_be_forgotten(env) {
        workspace(env);
        let id = FIVE.keep(env);
        let file = format!("resolutions/up/{id}.toml");
        env.changes_nothing(&["verify"]).exits(4).prints("pin").says_not("resolution");
        env.write(&format!("ws/{file}"), env.read(&format!("ws/{file}")).replace("a@example", "b@example"));
        let said = format!("{file} cannot be used as a decision: its digest does not match its content");
        env.changes_nothing(&["resolutions", "list"]).ok().says(&format!("warning: {said}"));
        let document = env.changes_nothing(&["resolutions", "list", "--json"]).ok().json();
        assert_eq!((&document["resolutions"], &document["damaged"][0]["file"]), (&json!([]), &json!(file)));
        let run = env.changes_nothing(&["resolutions", "show", &id]).exits(1).one_error();
        run.says(&format!("error: {said}")).hints(&format!("patchq resolutions forget {id}"));
        let findings = env.changes_nothing(&["verify", "--json"]).exits(4).json()["findings"].clone();
        let found = findings.as_array().unwrap().iter().find(|found| found["kind"] == "resolution").unwrap();
        assert_eq!((&found["severity"], &found["file"]), (&json!("warning"), &json!(file)));
        env.patchq(&["resolutions", "forget", &id]).ok();
        env.changes_nothing(&["resolutions", "list"]).ok().says_not("warning:");
    }

    fn nothing_is_done_through_a_symlink(env) {
        workspace(env);
        let id = FIVE.keep(env);
        let file = format!("ws/resolutions/up/{id}.toml");
        std::fs::rename(env.path(&file), env.path("outside.toml")).unwrap();
        std::os::unix::fs::symlink(env.path("outside.toml"), env.path(&file)).unwrap();
        env.changes_nothing(&["resolutions", "list"]).ok().says("it is a symlink");
        let run = env.changes_nothing(&["resolutions", "forget", "--all"]).exits(1).one_error();
        run.says("is a symlink; patchq neither reads nor writes through one");
        assert!(env.exists("outside.toml"));
    }
}
