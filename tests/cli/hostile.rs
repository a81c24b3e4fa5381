//! Untrusted texts on a screen, in a report and in a log: names, subjects, versions, and a server's output. None of
//! them may control a terminal, or be a command for the service that shows the log.

use crate::refresh::bench::{Bench, LINES, TRACK, with};
use crate::support::{Env, Run, executable, in_both_worlds, put};

/// Text that controls a terminal, and commands for the services of GitHub, Azure and TeamCity.
pub(crate) const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}2J\u{202e}\u{200b}::error file=x::pwned ##[error]pwned ##vso[task.setvariable variable=PATH]x";

/// Checks that the text contains no control sequence and no command. JSON writes `#` with an escape if needed.
#[track_caller]
pub(crate) fn assert_only_text(what: &str, text: &str) {
    for line in text.split('\n') {
        let bad = |c: char| c.is_control() && c != '\t' || "\u{202e}\u{200b}\u{2028}\u{feff}".contains(c);
        assert!(!line.contains(bad), "{what}: {line:?}\n{text}");
        assert!(!line.trim_start().starts_with("::"), "{what}: {line:?}\n{text}");
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!line.contains(command), "{what}: {line:?}\n{text}");
        }
    }
}

#[track_caller]
pub(crate) fn only_text(run: Run) -> Run {
    assert_only_text(&run.shown(), &run.stdout);
    assert_only_text(&run.shown(), &run.stderr);
    run
}

in_both_worlds! {
    fn names_and_subjects_of_others_are_text(env) {
        // A path cannot contain another slash or a NUL.
        let path = "::error::a\u{1b}[2J\u{202e}##vso[x]\n::debug::b.txt";
        let bench = Bench::new(env, &[(path, Some(LINES)), ("b.txt", Some("b\n"))]);
        let five = with("five", &format!("FIVE {HOSTILE}"));
        let (_, bytes) = bench.patch(HOSTILE, &[(path, Some(&five)), ("b.txt", Some("B\n"))]);
        bench.git(&["checkout", "-q", "main"]);
        put(&env.path("work").join(path), with("five", &format!("cinq\n::error::cinq {HOSTILE}")));
        put(&env.path("work/c.txt"), format!("::error::c {HOSTILE}\n"));
        bench.git(&["add", "-A"]);
        bench.git(&["commit", "-q", "-m", &format!("::error::up {HOSTILE}")]);
        bench.git(&["tag", "v1.1-\u{202e}\u{200b}x"]);
        bench.ready(TRACK, &[("0001-x.patch".to_owned(), bytes)]);
        for args in [
            &["status", "up"][..],
            &["diff-upstream"],
            &["outdated"],
            &["refresh", "--report", "-"],
            &["refresh"],
            &["refresh", "--dry-run", "-v"],
            &["refresh", "--accept", "patch", "--only", "0001", "--dry-run", "--report", "-"],
            &["verify", "--canonical"],
            &["export"],
        ] {
            let run = only_text(env.patchq(args));
            assert!(run.code != Some(101), "{}", run.shown());
            let run = only_text(env.patchq(&[&args[..1], &["--json"]].concat()));
            run.json();
        }
        put(&env.co().join("x\u{1b}[2J\n::error::x"), "x\n");
        for args in [&["status", "up"][..], &["refresh"], &["setup"], &["save", "-m", HOSTILE], &["undo", "--list"], &["undo"]] {
            only_text(env.patchq(args));
        }
    }

    fn what_a_server_says_is_text(env) {
        env.workspace();
        let script = env.path("home/says");
        put(&script, format!("#!/bin/sh\nprintf '%s\\n' '{HOSTILE}' '::error::remote' >&2\nexit 1\n"));
        executable(&script);
        let config = format!("{}[uploadpack]\n\tpackObjectsHook = {}\n", env.read("home/.gitconfig"), script.display());
        env.write("home/.gitconfig", config);
        for args in [&["setup"][..], &["refresh"], &["add", "other", "../up.git"]] {
            only_text(env.patchq(args).exits(1).one_error());
            let run = only_text(env.patchq(&[args, &["--json"]].concat()).exits(1));
            assert!(!run.json()["error"]["message"].as_str().unwrap().contains('\n'), "{}", run.shown());
        }
    }

    fn versions_and_messages_in_files_are_text(env) {
        env.ready();
        env.write("ws/commits/up.version.txt", "::error::v1\n");
        for args in [&["status"][..], &["verify"], &["tag"], &["refresh", "--dry-run"], &["refresh", "--report", "-"]] {
            only_text(env.patchq(args));
        }
        for bad in ["\u{9b}2J", "##vso[x]\u{202e}", "a\u{2028}::error::b"] {
            env.write("ws/commits/up.version.txt", format!("{bad}\n"));
            only_text(env.patchq(&["status"]).exits(1));
        }
        env.write("ws/upstreams.toml", format!("[upstream.up]\n# {HOSTILE}\n\"{}\" = 1\n", "\\u001b::error::"));
        only_text(env.patchq(&["status"]).exits(1));
        // A manifest with an error in every line, in one line of JSON.
        env.write("ws/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\nsprase = []\ntrakc = \"main\"\n");
        let run = env.patchq(&["status", "--json"]).exits(1);
        let error = &run.json()["error"];
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains('\n') && !message.contains('^'), "{}", run.shown());
        let first = "upstreams.toml:3:1: unknown key 'sprase' in upstream 'up'; did you mean 'sparse'?";
        assert!(message.starts_with(first) && message.contains("; upstreams.toml:4:1: unknown key 'trakc'"), "{message}");
        assert_eq!((&error["file"], &error["line"]), (&"upstreams.toml".into(), &3.into()));
        run.says("3 | sprase = []\n").says("  | ^^^^^^\n").says("4 | trakc = \"main\"\n");
    }

    fn what_is_in_the_way_is_one_line_of_json(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "changed\n");
        let run = env.patchq(&["refresh", "--json"]).exits(1);
        assert_eq!(run.json()["error"]["message"], "up: the checkout has uncommitted changes: modified   app/main.py", "{}", run.shown());
    }
}

#[test]
fn the_failure_in_the_documentation_is_what_is_printed() {
    let docs = include_str!("../../docs/json.md");
    let example = docs.split_once("<!-- example: failure -->\n```json\n").unwrap().1.split_once("```").unwrap().0;
    let env = Env::new();
    env.ready();
    env.write("ws/upstreams.toml", "# ours\n[upstream.up]\nurl = \"../up.git\"\ntrak = \"main\"\n");
    let run = env.patchq(&["setup", "--json"]).exits(1);
    assert_eq!(run.stdout, example, "{}", run.shown());
}
