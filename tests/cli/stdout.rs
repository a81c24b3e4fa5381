//! Standard output that cannot be written: a full disk is an error of every command that prints, a closed pipe is not.

use std::fs::OpenOptions;
use std::process::Stdio;

use super::support::{Env, Run};

/// A command that prints, in a workspace that is set up, with a newer upstream.
struct Prints {
    args: &'static [&'static str],
    /// Its exit code if everything can be printed.
    code: i32,
    /// It may change something, and says that the change is kept.
    changes: bool,
}

const fn reads(args: &'static [&'static str]) -> Prints {
    Prints { args, code: 0, changes: false }
}

const fn changes(args: &'static [&'static str]) -> Prints {
    Prints { args, code: 0, changes: true }
}

/// Every command; with `--json` those that print nothing else.
const TABLE: &[Prints] = &[
    reads(&["--help"]),
    reads(&["--version"]),
    reads(&["help", "tag"]),
    Prints { code: 2, ..reads(&["tag", "--json", "--no-such-option"]) },
    Prints { code: 2, ..reads(&["-C", "no-such-folder", "tag", "--json"]) },
    Prints { code: 2, ..reads(&["tag", "nobody", "--json"]) },
    reads(&["status"]),
    reads(&["status", "up"]),
    reads(&["status", "--json"]),
    reads(&["tag"]),
    reads(&["tag", "--json"]),
    reads(&["image", "list", "--json"]),
    reads(&["doctor"]),
    reads(&["doctor", "--json"]),
    Prints { code: 4, ..reads(&["verify", "--canonical"]) },
    Prints { code: 4, ..reads(&["verify", "--canonical", "--json"]) },
    Prints { code: 4, ..reads(&["outdated"]) },
    Prints { code: 4, ..reads(&["outdated", "--json"]) },
    reads(&["diff-upstream"]),
    Prints { code: 4, ..reads(&["diff-upstream", "-p", "--exit-code"]) },
    reads(&["diff-upstream", "--json"]),
    reads(&["completions", "bash"]),
    reads(&["man"]),
    reads(&["schema"]),
    reads(&["demo", "story"]),
    changes(&["resolutions", "list", "--json"]),
    changes(&["init", "../new", "--json"]),
    changes(&["apply", "--json"]),
    changes(&["export", "--json"]),
    changes(&["setup", "--json"]),
    changes(&["save", "-m", "x", "--json"]),
    changes(&["undo", "--list"]),
    changes(&["undo", "--list", "--json"]),
    changes(&["undo", "--json"]),
    changes(&["add", "two", "../up.git", "--track", "main", "--json"]),
    changes(&["import", "three", "../imported", "--url", "../up.git", "--commit", "v1.0", "--json"]),
    changes(&["refresh", "up", "--dry-run"]),
    changes(&["refresh", "up", "--dry-run", "--json"]),
    changes(&["refresh", "up", "--dry-run", "--report", "-"]),
];

fn world() -> Env {
    let env = Env::new();
    env.ready();
    env.write("ws/up/app/main.py", "changed\n");
    env.write("imported/0001-one.patch", "--- /dev/null\n+++ b/one\n@@ -0,0 +1 @@\n+one\n");
    env
}

fn run(env: &Env, args: &[&str], stdout: Stdio) -> Run {
    let child = env.command(&env.ws(), args).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    Run::of(format!("patchq {}", args.join(" ")), &child.wait_with_output().unwrap())
}

#[test]
fn every_command_is_in_the_table() {
    let env = Env::new();
    let help = env.patchq_in(&env.root, &["--help"]).ok().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15, "{help}");
    for name in names {
        assert!(TABLE.iter().any(|row| row.args[0] == name), "no row has '{name}'");
    }
}

#[test]
fn what_cannot_be_printed_is_an_error() {
    let (whole, full) = (world(), world());
    let mut wrong = Vec::new();
    for row in TABLE {
        let could = run(&whole, row.args, Stdio::piped());
        if could.stdout.is_empty() || could.code != Some(row.code) {
            wrong.push(format!("the row is wrong: {}", could.shown()));
        }
        let device = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = run(&full, row.args, device.into());
        // A usage error keeps its exit code.
        let code = if row.code == 2 { 2 } else { 1 };
        let said = "error: cannot write to standard output: No space left on device";
        let hinted = run.stderr.contains(" status     (the work is done;") == row.changes;
        if run.code != Some(code) || run.stderr.matches(said).count() != 1 || !hinted {
            wrong.push(run.shown());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
    // The change is kept, and it is complete.
    assert_eq!(whole.queue(), full.queue());
    assert_eq!(whole.read("ws/upstreams.toml"), full.read("ws/upstreams.toml"));
}

#[test]
fn whoever_closes_the_pipe_wanted_no_more() {
    let env = world();
    let mut wrong = Vec::new();
    for row in TABLE {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = run(&env, row.args, writer.into());
        if run.code != Some(row.code) || run.stderr.contains("standard output") || run.stderr.contains("roken pipe") {
            wrong.push(run.shown());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}
