//! Several patchq processes fetch into one store, and one that fetches is killed.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use super::support::{Env, Run, in_both_worlds, put};

const LOCK: &str = "ws/.git/patchq/_fetch-up.lock";

/// A running patchq whose output is awaited.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Running {
    fn start(env: &Env, args: &[&str]) -> Running {
        Running::start_with(env, &[], args)
    }

    pub(crate) fn start_with(env: &Env, vars: &[(&str, &str)], args: &[&str]) -> Running {
        let mut command = env.command(&env.ws(), args);
        let mut child =
            command.envs(vars.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr, said: String::new() }
    }

    /// Reads until a line contains `text`, or until the end.
    #[track_caller]
    pub(crate) fn until_it_says(&mut self, text: &str) {
        loop {
            let mut line = String::new();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "it ended without '{text}': {}", self.said);
            self.said.push_str(&line);
            if line.contains(text) {
                return;
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn end(mut self) -> Run {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let output = self.child.wait_with_output().unwrap();
        Run { stderr: self.said, ..Run::of("patchq".to_owned(), &output) }
    }
}

in_both_worlds! {
    fn readers_wait_for_a_fetch_of_somebody_else(env) {
        let next = &env.ready().next;
        for args in [["diff-upstream", "up"], ["refresh", "--dry-run"], ["setup", "."]] {
            if args[0] == "setup" {
                env.write("ws/commits/up.txt", format!("{next}\n"));
                std::fs::remove_dir_all(env.path("ws/patches/up")).unwrap();
                std::fs::remove_dir_all(env.store()).unwrap();
                std::fs::remove_dir_all(env.co()).unwrap();
            }
            let held = std::fs::File::create(env.path(LOCK)).unwrap();
            held.lock().unwrap();
            put(&env.path(LOCK), "77 outdated\n");
            let mut running = Running::start(env, &args);
            running.until_it_says("waiting for another patchq (pid 77, outdated)");
            put(&env.path(LOCK), "");
            drop(held);
            running.end().ok();
        }
    }

    fn a_fetch_that_was_killed_leaves_nothing_in_the_way(env) {
        env.ready();
        let left = ["up.git/shallow.lock", "up.history.git/shallow.lock"].map(|name| format!("ws/.git/patchq/{name}"));
        env.git(&env.path("ws/.git/patchq"), &["init", "-q", "--bare", "up.history.git"]);
        left.iter().for_each(|name| env.write(name, ""));
        env.write(LOCK, "77 refresh\n");
        env.patchq(&["refresh"]).ok();
        for name in left {
            assert!(!env.exists(&name), "{name}");
        }
    }

    fn a_lock_that_nobody_signed_stops_one_fetch_and_not_the_next(env) {
        env.ready();
        env.write("ws/.git/patchq/up.git/shallow.lock", "");
        env.patchq(&["refresh"]).exits(1).one_error().says("shallow.lock").hints("run the command again");
        env.patchq(&["refresh"]).ok();
    }

    fn what_a_killed_patchq_started_is_waited_for(env) {
        env.workspace();
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let manifest = env.read("ws/upstreams.toml");
        let url = format!("http://{}/up.git", silent.local_addr().unwrap());
        env.write("ws/upstreams.toml", manifest.replace("../up.git", &url));
        let mut killed = Running::start(env, &["setup"]);
        // Its git is running and waits for an answer.
        let asked = silent.accept().unwrap();
        killed.child.kill().unwrap();
        killed.child.wait().unwrap();
        env.write("ws/upstreams.toml", &manifest);
        let mut next = Running::start(env, &["setup"]);
        next.until_it_says("waiting for git (pid ");
        drop((asked, silent));
        next.end().ok();
    }

    fn what_a_killed_one_locked_while_it_took_from_a_neighbour_is_cleared(env) {
        let up = env.ready();
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("{manifest}\n[upstream.two]\nurl = \"../up.git\"\ntrack = \"main\"\nsparse = [\"app\", \"docs\"]\n"));
        env.entry("two", &up.pin, None, &[]);
        let two = "ws/.git/patchq/two.git";
        // Asking about new commits makes a store and fetches no objects.
        env.patchq(&["outdated", "two"]).exits(4);
        // While the list of shallow commits is locked nothing is taken; it is killed there.
        let lock = env.path(two).join("shallow.lock");
        std::fs::write(&lock, "").unwrap();
        let mut killed = Running::start(env, &["setup", "--only", "two"]);
        let began = std::time::Instant::now();
        let signed = env.path("ws/.git/patchq/_fetch-two.lock");
        while !signed.metadata().is_ok_and(|meta| meta.len() > 0) {
            assert!(began.elapsed().as_secs() < 20, "nobody signed");
        }
        killed.kill();
        assert!(lock.exists());
        env.patchq(&["setup", "--only", "two", "--offline"]).ok();
        assert!(!lock.exists());
    }

    fn what_a_killed_one_locked_in_a_neighbour_is_cleared(env) {
        let up = env.ready();
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("{manifest}\n[upstream.two]\nurl = \"../up.git\"\nsparse = [\"app\", \"docs\"]\n"));
        env.entry("two", &up.pin, None, &[]);
        env.write("ws/.git/patchq/up.git/shallow.lock", "");
        env.write(LOCK, "77 refresh\n");
        env.patchq(&["setup", "--only", "two", "--offline"]).ok();
        assert!(!env.exists("ws/.git/patchq/up.git/shallow.lock"));
    }

    fn what_a_killed_one_locked_in_a_linked_worktree_is_cleared(env) {
        // The first release's commit has no parents.
        let next = &env.workspace().next;
        env.entry("up", next, Some("v1.1"), &[]);
        std::fs::remove_dir_all(env.path("ws/patches")).unwrap();
        env.commit_workspace("The next release");
        env.patchq(&["setup"]).ok();
        env.git(&env.ws(), &["worktree", "add", "-q", "../wt"]);
        let wt = env.path("wt");
        env.patchq_in(&wt, &["setup"]).ok();
        let private = env.path("ws/.git/patchq/wt/wt");
        let left = private.join("up.git/shallow.lock");
        std::fs::remove_file(private.join("up.git/shallow")).unwrap();
        put(&left, "");
        put(&private.join("_fetch-up.lock"), "77 setup\n");
        env.patchq_in(&wt, &["setup"]).ok();
        assert!(!left.exists());
    }
}
