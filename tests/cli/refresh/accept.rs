//! Conflicts that are decided by options.

use serde_json::json;

use super::bench::{Bench, TRACK, assert_in_step, changes_nothing};
use super::conflicts::prepared as conflicts;
use crate::support::{Env, in_both_worlds};

/// Makes one patch that changes `path` from `base` to `patch`, while upstream changes it to `upstream`.
fn one<'e>(env: &'e Env, path: &str, [base, upstream, patch]: [&str; 3]) -> Bench<'e> {
    let bench = Bench::new(env, &[(path, Some(base)), ("other.txt", Some("other\n"))]);
    let queue = [bench.patch("Mine", &[(path, Some(patch)), ("other.txt", Some("mine\n"))])];
    bench.release("v1.1", &[(path, Some(upstream))]);
    bench.ready(TRACK, &queue);
    bench
}

const IMAGES: [&str; 3] =
    ["FROM python:3.7-slim-buster\n", "FROM python:3.8-slim-buster\n", "FROM python:3.7-slim-bullseye\n"];

in_both_worlds! {
    fn a_proposal_is_shown_and_taken_when_it_was_agreed_to(env) {
        one(env, "Dockerfile", IMAGES);
        let run = changes_nothing(env, &["refresh"]).exits(3);
        run.prints("proposal").prints("FROM python:3.8-slim-bullseye");
        let document = changes_nothing(env, &["refresh", "--json"]).exits(3).json();
        let conflict = &document["patches"][0]["files"][0]["conflict"];
        let suggestion = &conflict["hunks"][0]["suggestion"];
        assert_eq!(suggestion["rule"], "renaming", "{document:#}");
        assert_eq!(suggestion["text"], json!(["FROM python:3.8-slim-bullseye\n"]));
        let document = env.patchq(&["refresh", "--accept", "suggested", "--json"]).ok().json();
        let file = &document["patches"][0]["files"][0];
        assert_eq!((&file["outcome"], &file["conflict"]), (&json!("merged"), &json!(null)));
        let decided = &file["decided"][0];
        assert_eq!((&decided["by"], &decided["text"]), (&json!("renaming"), &suggestion["text"]));
        assert_eq!(decided["hunk"]["upstream"]["lines"], json!(["FROM python:3.8-slim-buster\n"]));
        assert_eq!(env.read("ws/up/Dockerfile"), "FROM python:3.8-slim-bullseye\n");
        assert_in_step(env);
        env.patchq(&["verify"]).ok();
        env.patchq(&["undo"]).ok();
        assert_eq!(env.read("ws/up/Dockerfile"), IMAGES[2]);
    }

    fn the_report_says_what_was_decided(env) {
        one(env, "Dockerfile", IMAGES);
        env.patchq(&["refresh", "--accept", "suggested", "--report", "r.md"]).ok().prints("renaming: ");
        let report = env.read("ws/r.md");
        assert!(report.contains("## Decided") && report.contains("FROM python:3.8-slim-bullseye"), "{report}");
    }

    fn one_sides_version_is_taken_where_it_was_named(env) {
        conflicts(env);
        let run = changes_nothing(env, &["refresh", "--accept", "patch"]).exits(2).one_error();
        run.says("--accept patch needs --only, which says for what").hints("--only PATCH");
        changes_nothing(env, &["refresh", "--accept", "patch", "--only", "[x"]).exits(2).one_error().says("cannot be read");
        changes_nothing(env, &["refresh", "--accept", "patch", "--only", "9999"]).exits(2).one_error().says("there is no patch '9999'");
        // The one patch is decided, and with it the one that waited; the other stays.
        let document = changes_nothing(env, &["refresh", "--accept", "patch", "--only", "0001", "--json"]).exits(3).json();
        let words: Vec<&str> =
            document["patches"].as_array().unwrap().iter().map(|patch| patch["outcome"].as_str().unwrap()).collect();
        assert_eq!(words, ["merged", "conflict", "merged", "merged", "unchanged"]);
        env.patchq(&["refresh", "--accept", "patch", "--only", "*.txt"]).ok();
        assert!(env.read("ws/up/a.txt").contains("\nFIVE\n") && env.read("ws/up/a.txt").starts_with("zero\n"));
        assert_eq!(env.read("ws/up/b.txt"), "B\n");
        assert_in_step(env);
        env.patchq(&["verify"]).ok();
    }

    fn what_nothing_is_left_of_still_needs_a_word(env) {
        conflicts(env);
        let take = ["refresh", "--accept", "upstream", "--only", "0001", "--only", "0002"];
        let run = changes_nothing(env, &take).exits(3);
        run.prints("nothing is left of the patch after these decisions");
        env.patchq(&[&take[..], &["--allow-drop", "0001", "--allow-drop", "0002"]].concat()).ok();
        assert_eq!(env.queue(), ["0003-shout-ten.patch", "0004-shout-two.patch", "0005-change-d.patch"]);
        assert_in_step(env);
    }

    fn what_must_not_be_decided_unattended_stays(env) {
        one(env, "go.sum", ["a v1 h1:x\n", "a v2 h1:y\n", "a v1 h1:z\n"]);
        for way in ["patch", "upstream"] {
            let run = changes_nothing(env, &["refresh", "--accept", way, "--only", "**/go.sum"]).exits(3);
            run.prints("regenerate it by hand");
        }
        changes_nothing(env, &["refresh", "--accept", "suggested"]).exits(3);
    }

    fn a_folder_means_what_is_below_it(env) {
        one(env, "app/Dockerfile", IMAGES);
        let run = changes_nothing(env, &["refresh", "--accept", "patch", "--only", "docs/"]).exits(3);
        run.says("--only docs/ matches no conflict");
        for only in ["app/", "app/*"] {
            let run = changes_nothing(env, &["refresh", "--accept", "patch", "--only", only, "--dry-run"]).exits(3);
            run.prints("not decided: upstream moved '3.7' to '3.8' here");
        }
    }

    fn keeping_the_patch_is_no_silent_downgrade(env) {
        one(env, "requirements.txt", ["flask==2.0.1\n", "flask==2.0.3\n", "flask==2.0.1  # ours\n"]);
        let run = changes_nothing(env, &["refresh", "--accept", "patch", "--only", "0001"]).exits(3);
        run.prints("not decided: ").prints("2.0.1");
        env.patchq(&["refresh", "--accept", "upstream", "--only", "0001"]).ok();
        assert_eq!(env.read("ws/up/requirements.txt"), "flask==2.0.3\n");
        assert_eq!(env.read("ws/up/other.txt"), "mine\n");
    }
}
