//! Servers that make patchq wait, and the git processes that wait for them.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::fetching::Running;
use super::shared::server::{Mode, Phase, Server, Slow};
use super::support::{Env, Run, executable};

/// The limit that the tests set, in seconds.
const STALL: (&str, &str) = ("PATCHQ_STALL_TIMEOUT", "2");

/// Returns the processes that are still running in the world of `env`, except the test's own.
fn left(env: &Env) -> Vec<String> {
    let home = format!("HOME={}", env.path("home").display());
    let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut found = Vec::new();
    for pid in pids.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|one| one == home.as_bytes()) {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            found.push(format!("{pid} {}", String::from_utf8_lossy(&words).replace('\0', " ")));
        }
    }
    found
}

#[track_caller]
fn assert_nothing_runs(env: &Env) {
    let began = Instant::now();
    while !left(env).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "still runs:\n{}", left(env).join("\n"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Sets the url of the manifest's entry.
fn move_to(env: &Env, url: &str) {
    let manifest = env.read("ws/upstreams.toml");
    let line = manifest.lines().find(|line| line.starts_with("url")).unwrap();
    env.write("ws/upstreams.toml", manifest.replace(line, &format!("url = \"{url}\"")));
}

fn limited(env: &Env, args: &[&str]) -> (Run, Duration) {
    let began = Instant::now();
    let run = env.patchq_with(&env.ws(), &[STALL], args);
    (run, began.elapsed())
}

/// Checks that it was ended by the limit, soon after it, and left nothing behind.
#[track_caller]
fn assert_stalled(env: &Env, (run, time): (Run, Duration), url: &str) {
    run.exits(1)
        .one_error()
        .says("up: cannot ")
        .says(url)
        .says("nothing came for 2 seconds")
        .hints("PATCHQ_STALL_TIMEOUT");
    assert!(time > Duration::from_secs(2) && time < Duration::from_secs(30), "{time:?}");
    assert_nothing_runs(env);
}

#[test]
fn a_server_that_stalls_at_any_phase_is_left() {
    for phase in [Phase::Connected, Phase::Advertised, Phase::Refs, Phase::Pack, Phase::Blobs] {
        let env = Env::new();
        env.workspace();
        let server = Server::start(&env.root, Mode::Filters);
        move_to(&env, &server.url("up.git"));
        server.set_slow(Some(Slow { phase, drops: 0, pause: None }));
        // `outdated` is the only command that only lists refs.
        let command: &[&str] = if phase == Phase::Refs { &["outdated"] } else { &["setup"] };
        let (run, time) = limited(&env, command);
        assert_stalled(&env, (run, time), &server.url("up.git"));
        server.set_slow(None);
        env.patchq(&["setup"]).ok();
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_stall_has_a_word_of_its_own_in_the_document() {
    let env = Env::new();
    env.workspace();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    move_to(&env, &format!("http://{}/up.git", silent.local_addr().unwrap()));
    let document = limited(&env, &["--json", "setup"]).0.exits(1).json();
    assert!(document.to_string().contains("\"kind\":\"timeout\""), "{document}");
}

#[test]
fn the_next_mirror_is_asked_when_the_url_stalls() {
    let env = Env::new();
    env.workspace();
    let server = Server::start(&env.root, Mode::Filters);
    server.set_slow(Some(Slow { phase: Phase::Pack, drops: 0, pause: None }));
    move_to(&env, &format!("{}\"\nmirrors = [\"../up.git\"]   # \"", server.url("up.git")));
    limited(&env, &["setup"]).0.ok();
    assert_nothing_runs(&env);
}

/// A byte from time to time is progress, and the whole has a separate limit.
#[test]
fn what_trickles_comes_in_unless_it_takes_too_long() {
    for phase in [Phase::Refs, Phase::Pack] {
        let env = Env::new();
        env.workspace();
        let server = Server::start(&env.root, Mode::Filters);
        move_to(&env, &server.url("up.git"));
        let slow = |drops| Some(Slow { phase, drops, pause: Some(Duration::from_millis(400)) });
        let command: &[&str] = if phase == Phase::Refs { &["outdated"] } else { &["setup"] };
        server.set_slow(slow(10));
        let (run, time) = limited(&env, command);
        assert!(matches!(run.code, Some(0 | 4)), "{}", run.shown());
        assert!(time > Duration::from_secs(4), "{time:?}");
        if phase == Phase::Pack {
            std::fs::remove_dir_all(env.store()).unwrap();
            std::fs::remove_dir_all(env.co()).unwrap();
        }
        server.set_slow(slow(100_000));
        let run = env.patchq_with(&env.ws(), &[STALL, ("PATCHQ_FETCH_TIMEOUT", "4")], command);
        run.exits(1).one_error().says("it was not done in 4 seconds").hints("PATCHQ_FETCH_TIMEOUT");
        assert_nothing_runs(&env);
    }
}

/// Accepts connections, and passes on only the first bytes of the answer of `git daemon`.
fn git_daemon(env: &Env, bytes: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let root = env.root.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut command = Command::new("git");
            command.args(["daemon", "--inetd", "--export-all", "--log-destination=none"]);
            command.arg(format!("--base-path={}", root.display())).arg(&root);
            command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", "/nonexistent");
            let input = stream.try_clone().unwrap();
            let child = command.stdin(Stdio::from(std::os::fd::OwnedFd::from(input))).stdout(Stdio::piped()).spawn();
            let mut out = child.unwrap().stdout.take().unwrap();
            std::thread::spawn(move || pass(&mut out, stream, bytes));
        }
    });
    format!("git://{address}/up.git")
}

/// Passes on `bytes`, and then nothing until the other side closes.
fn pass(from: &mut impl std::io::Read, mut to: TcpStream, mut bytes: usize) {
    let mut buffer = [0; 512];
    loop {
        match from.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(n) => {
                let passed = n.min(bytes);
                if to.write_all(&buffer[..passed]).is_err() {
                    return;
                }
                bytes -= passed;
            }
        }
    }
}

#[test]
fn the_limit_holds_for_the_git_protocol() {
    // Nothing; a part of the capabilities; somewhere in the pack.
    for bytes in [0, 60, 700] {
        let env = Env::new();
        env.workspace();
        let url = git_daemon(&env, bytes);
        move_to(&env, &url);
        let run = limited(&env, &["setup"]);
        assert_stalled(&env, run, &url);
    }
}

#[test]
fn the_limit_holds_for_ssh() {
    let env = Env::new();
    env.workspace();
    move_to(&env, "ssh://git@example.org/up.git");
    // The user's own ssh may need the terminal, so it gets no process group of its own; it starts a process itself.
    env.write("ssh.sh", "#!/bin/sh\ntrap '' TERM\nsleep 1000\nsleep 1000\n");
    executable(&env.path("ssh.sh"));
    let began = Instant::now();
    let ssh = env.path("ssh.sh");
    let run = env.patchq_with(&env.ws(), &[STALL, ("GIT_SSH_COMMAND", ssh.to_str().unwrap())], &["setup"]);
    assert_stalled(&env, (run, began.elapsed()), "ssh://git@example.org/up.git");
}

/// Starts a patchq whose git waits for a server that accepted the connection.
fn waiting(env: &Env, silent: &TcpListener, vars: &[(&str, &str)]) -> (Running, TcpStream) {
    env.workspace();
    move_to(env, &format!("http://{}/up.git", silent.local_addr().unwrap()));
    let running = Running::start_with(env, vars, &["setup"]);
    (running, silent.accept().unwrap().0)
}

#[test]
fn term_and_int_end_everything() {
    for (signal, ignores) in [("TERM", false), ("INT", false), ("TERM", true)] {
        let env = Env::new();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        // A git that does not end on request.
        env.write("git.sh", "#!/bin/sh\ntrap '' TERM\nexec git \"$@\"\n");
        executable(&env.path("git.sh"));
        let git = env.path("git.sh");
        let vars = [("PATCHQ_GIT", git.to_str().unwrap())];
        let (running, _asked) = waiting(&env, &silent, if ignores { &vars } else { &[] });
        assert!(left(&env).len() >= 3, "{:?}", left(&env));
        let began = Instant::now();
        let pid = running.pid().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let run = running.end();
        assert_eq!(run.code, Some(130), "{}", run.shown());
        assert!(began.elapsed() < Duration::from_secs(10));
        assert_nothing_runs(&env);
    }
}

#[test]
fn the_git_of_a_killed_patchq_is_named_and_ended() {
    let env = Env::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut killed, _asked) = waiting(&env, &silent, &[]);
    let patchq = killed.pid();
    killed.kill();
    let git = left(&env).iter().find_map(|line| Some(line.split_once(" git --git-dir")?.0.to_owned())).unwrap();
    move_to(&env, "../up.git");
    let (run, time) = limited(&env, &["setup"]);
    run.ok().says(&format!("waiting for git (pid {git}), started by a patchq that was killed (pid {patchq}, setup)"));
    assert!(time > Duration::from_secs(2) && time < Duration::from_secs(30), "{time:?}");
    assert_nothing_runs(&env);
}

#[test]
fn without_limits_the_git_of_a_killed_patchq_is_left_to_the_user() {
    let env = Env::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (mut killed, _asked) = waiting(&env, &silent, &[]);
    killed.kill();
    let git = left(&env).iter().find_map(|line| Some(line.split_once(" git --git-dir")?.0.to_owned())).unwrap();
    move_to(&env, "../up.git");
    let none = [("PATCHQ_STALL_TIMEOUT", "0"), ("PATCHQ_FETCH_TIMEOUT", "0")];
    let mut next = Running::start_with(&env, &none, &["setup"]);
    next.until_it_says(&format!("waiting for git (pid {git})"));
    // The command in the hint.
    assert!(Command::new("kill").args(["--", &format!("-{git}")]).status().unwrap().success());
    next.end().ok();
    assert_nothing_runs(&env);
}

#[test]
fn a_limit_that_is_no_number_is_said() {
    let env = Env::new();
    env.workspace();
    for variable in ["PATCHQ_STALL_TIMEOUT", "PATCHQ_FETCH_TIMEOUT"] {
        let run = env.patchq_with(&env.ws(), &[(variable, "soon")], &["status"]);
        run.exits(1).one_error().says(&format!("{variable} is 'soon'")).hints(variable);
    }
}

#[test]
fn whoever_is_asked_for_a_password_may_take_their_time() {
    let env = Env::new();
    env.workspace();
    let server = Server::start(&env.root, Mode::Locked);
    move_to(&env, &server.url("up.git"));
    let settings = env.read("home/.gitconfig");
    let kept = env.path("home/kept");
    env.write("home/.gitconfig", format!("{settings}[credential]\n\thelper = store --file={}\n", kept.display()));
    let mut terminal = env.terminal_of((100, 30), &env.ws(), &[("PATCHQ_STALL_TIMEOUT", "1")], &["setup"]);
    terminal.see("Username for");
    std::thread::sleep(Duration::from_secs(3));
    terminal.press("me\r").see("Password for");
    std::thread::sleep(Duration::from_secs(3));
    // git remembers it now, and does not ask again.
    terminal.press("secret\r");
    terminal.end().exits(0);
    assert!(env.exists("ws/up/app/main.py"));
}
