//! Tests the log: off by default, complete when it is on, and without secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Env, in_both_worlds};
use crate::shared::server::{Mode, Server};

/// Checks for a line of the log, as `2026-01-01T00:00:00.000000Z DEBUG …`.
fn is_logged(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|time| time.len() == 27 && time.ends_with('Z'))
        && words.next().is_some_and(|level| ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level))
}

in_both_worlds! {
    fn a_setup_is_logged_to_whoever_asks(env) {
        env.workspace();
        let run = env.patchq(&["setup", "-vv"]).ok();
        for text in [
            "patchq::cli: begins version=",
            "locked path=",
            "upstream{name=up}:fetch{url=\"../up.git\" filter=\"--filter=blob:none\" wanted=1}",
            "starts command_line=\"git --git-dir=",
            "ended how=\"exit status: 0\"",
            "the store has grown ok=true bytes=",
            "round{of=\"engine\" round=1}",
            "step{upstream=up command=\"setup\"}",
            "moves the checkout from=None to=",
            "moves a ref name=\"refs/patchq/base\"",
            "time.busy=",
            "patchq::cli: ends exit=0",
        ] {
            assert!(run.stderr.contains(text), "no '{text}' in\n{}", run.shown());
        }
        assert!(run.stderr.lines().any(|line| line.starts_with("up: 3 patches")), "{}", run.shown());
        let logged = run.stderr.lines().filter(|line| is_logged(line)).count();
        assert!(logged > 20, "{logged}");
        // Without a request no line is logged.
        for args in [&["status"][..], &["status", "-v"]] {
            let run = env.patchq(args).ok();
            assert!(!run.stderr.lines().any(is_logged), "{}", run.shown());
        }
    }

    fn a_file_gets_the_log_and_the_screen_stays_as_it_is(env) {
        env.ready();
        let plain = env.patchq(&["status", "--json"]).ok();
        let file = env.path("patchq.log");
        let vars = [("PATCHQ_LOG_FILE", file.to_str().unwrap())];
        for _ in 0..2 {
            let run = env.patchq_with(&env.ws(), &vars, &["status", "--json"]).ok();
            assert_eq!((&run.stdout, &run.stderr), (&plain.stdout, &plain.stderr));
        }
        let log = env.read("patchq.log");
        assert!(log.lines().all(is_logged), "{log}");
        assert_eq!(log.matches("patchq::cli: begins").count(), 2, "the second run is appended\n{log}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn rooms_and_levels_can_be_chosen() {
    let env = Env::new();
    env.workspace();
    let run = env.patchq_with(&env.ws(), &[("PATCHQ_LOG", "workspace=info,git=off")], &["setup"]).ok();
    let logged: Vec<&str> = run.stderr.lines().filter(|line| is_logged(line)).collect();
    assert!(logged.iter().all(|line| line.contains(" INFO ") && line.contains("patchq::workspace::")), "{logged:#?}");
    assert!(!logged.is_empty());
    let run = env.patchq_with(&env.ws(), &[("PATCHQ_LOG", "off"), ("PATCHQ_LOG_FILE", "x.log")], &["status"]).ok();
    assert!(run.stderr.is_empty() && env.read("ws/x.log").is_empty(), "{}", run.shown());
}

#[test]
fn what_the_variables_cannot_mean_is_an_error() {
    let env = Env::new();
    env.workspace();
    for (value, shown) in [("loud", "loud"), ("gti=debug", "gti=debug"), ("git=\u{1b}[2J", "git=\\x1b[2J")] {
        env.patchq_with(&env.ws(), &[("PATCHQ_LOG", value)], &["status"])
            .exits(1)
            .one_error()
            .says(&format!("error: PATCHQ_LOG is '{shown}', which is neither a level nor a list of ROOM=LEVEL"))
            .hints("PATCHQ_LOG=debug     (off, error, warn, info, debug or trace; for one room: git=trace)");
    }
    env.patchq_with(&env.ws(), &[("PATCHQ_LOG_FILE", "none/x.log")], &["status"])
        .exits(1)
        .one_error()
        .says("error: cannot open the log that PATCHQ_LOG_FILE names 'none/x.log'")
        .hints("PATCHQ_LOG_FILE=patchq.log");
}

#[test]
fn no_secret_comes_into_the_log() {
    let env = Env::new();
    env.workspace();
    // The user's settings send git to a server that needs a password, and give a wrong one, in every possible way.
    let server = Server::start(&env.root, Mode::Locked);
    let real = server.url("up.git");
    let with_password = real.replace("http://", "http://me:hunter2@");
    let settings = format!(
        "[url \"{with_password}\"]\n\tinsteadOf = https://upstream.example/up.git\n[http]\n\textraHeader = Authorization: Basic aHVudGVyMg==\n\
         [credential]\n\thelper = \"!printf 'username=me\\\\npassword=hunter2\\\\n'\"\n"
    );
    let config = env.read("home/.gitconfig");
    env.write("home/.gitconfig", config + &settings);
    let manifest = env.read("ws/upstreams.toml").replace("../up.git", "https://upstream.example/up.git");
    env.write("ws/upstreams.toml", manifest);
    let vars = [("PATCHQ_LOG", "trace"), ("MY_TOKEN", "hunter2")];
    let runs = [
        env.patchq_with(&env.ws(), &vars, &["setup"]).exits(1),
        env.patchq_with(&env.ws(), &vars, &["outdated"]),
        env.patchq_with(&env.ws(), &vars, &["add", "two", "https://me:hunter2@upstream.example/two.git"]).exits(2),
        env.patchq_with(&env.ws(), &vars, &["add", "two", "https://hunter2@upstream.example/two.git", "--pin", "v1.0"]),
        env.patchq_with(&env.ws(), &vars, &["add", "two", "me:hunter2@upstream.example:two.git"]),
    ];
    for run in runs {
        assert!(run.stderr.lines().any(is_logged), "{}", run.shown());
        let told = run.stderr.lines().filter(|line| is_logged(line)).find(|line| line.contains("hunter2"));
        assert_eq!(told, None, "{}", run.shown());
        assert!(!run.stderr.contains("aHVudGVyMg"), "{}", run.shown());
    }
    assert!(!server.take_stats().requests.is_empty(), "git asked the server");
}
