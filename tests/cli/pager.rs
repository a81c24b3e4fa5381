//! Long output on a terminal: through the user's pager, or directly to the screen.

use std::io::Read;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::support::{Env, executable};

/// Returns the output of `diff-upstream -p` in the usual workspace on a terminal of 80 x 24 with these variables, and
/// its exit code.
fn on_a_terminal(env: &Env, vars: &[(&str, &str)], args: &[&str]) -> (String, u32) {
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_patchq"));
    command.args(args);
    command.cwd(env.ws());
    command.env_clear();
    for (key, value) in env.vars() {
        command.env(key, value);
    }
    command.env("TERM", "xterm-256color");
    for (key, value) in vars {
        command.env(key, value);
    }
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let (mut all, mut bytes) = (Vec::new(), [0; 4096]);
    // On Linux, reading a terminal whose last program ended gives an error.
    while let Ok(count @ 1..) = reader.read(&mut bytes) {
        all.extend_from_slice(&bytes[..count]);
    }
    (String::from_utf8_lossy(&all).into_owned(), child.wait().unwrap().exit_code())
}

/// Makes a pager that prints that it ran, its settings for less, and then its input.
fn pager(env: &Env, name: &str) -> String {
    let path = env.path(name);
    env.write(name, format!("#!/bin/sh\necho \"{name} LESS=$LESS\"\ncat\n"));
    executable(&path);
    path.display().to_string()
}

/// Makes a workspace whose upstream contains an escape sequence.
fn workspace(env: &Env) {
    let files: [(&str, &[u8]); 1] = [("Dockerfile", b"FROM a\n")];
    env.workspace_with("track = \"main\"\n", &files, &[]);
    env.write("work/Dockerfile", "FROM \u{1b}]0;title\u{7}\n");
    super::support::git_at(&env.path("work"), 1, &["commit", "-qam", "Next"]);
    env.publish_work();
}

const SHOWN: &str = "\u{1b}[32m+FROM \\x1b]0;title\\x07\u{1b}[0m";

#[test]
fn cat_is_no_pager_and_a_terminal_gets_nothing_that_steers_it() {
    let env = Env::new();
    workspace(&env);
    let (screen, code) = on_a_terminal(&env, &[("PAGER", "cat")], &["diff-upstream", "-p"]);
    assert!(screen.contains(SHOWN) && code == 0, "{code}\n{screen}");
    assert!(!screen.contains("\u{1b}]0;"), "{screen}");
    let (screen, code) = on_a_terminal(&env, &[("GIT_PAGER", "")], &["diff-upstream", "-p", "--exit-code"]);
    assert!(screen.contains(SHOWN) && code == 4, "{code}\n{screen}");
}

#[test]
fn the_pager_is_found_where_git_looks_for_it() {
    let env = Env::new();
    workspace(&env);
    let (one, two, three) = (pager(&env, "one"), pager(&env, "two"), pager(&env, "three"));
    let args = ["diff-upstream", "-p", "--exit-code"];
    let (screen, code) = on_a_terminal(&env, &[("PAGER", &one)], &args);
    assert!(screen.starts_with("one LESS=FRX\r\n") && screen.contains(SHOWN) && code == 4, "{code}\n{screen}");
    env.git(&env.root, &["config", "--global", "core.pager", &two]);
    let (screen, _) = on_a_terminal(&env, &[("PAGER", &one), ("LESS", "mine")], &args);
    assert!(screen.starts_with("two LESS=mine\r\n"), "{screen}");
    let (screen, _) = on_a_terminal(&env, &[("PAGER", &one), ("GIT_PAGER", &three)], &args);
    assert!(screen.starts_with("three "), "{screen}");
    // A missing pager does not prevent the output.
    let (screen, code) = on_a_terminal(&env, &[("GIT_PAGER", "/nonexistent/pager")], &args);
    assert!(screen.contains("not found") && screen.contains(SHOWN) && code == 4, "{code}\n{screen}");
    // Leaving the pager early is not an error.
    let (screen, code) = on_a_terminal(&env, &[("GIT_PAGER", "head -c 9; true")], &args);
    assert!(!screen.contains("FROM") && code == 4, "{code}\n{screen}");
    // Short output, and output that is not for a terminal, is never paged.
    let (screen, _) = on_a_terminal(&env, &[("GIT_PAGER", &three)], &["diff-upstream"]);
    assert!(!screen.contains("three ") && screen.contains("to review"), "{screen}");
    let run = env.patchq_with(&env.ws(), &[("GIT_PAGER", &three)], &["diff-upstream", "-p"]).ok();
    assert!(!run.stdout.contains("three ") && run.stdout.contains("+FROM \u{1b}]0;title"), "{}", run.shown());
}

/// Ctrl-C is handled by the pager, as in `less`, where it ends a search and not the program.
#[test]
fn ctrl_c_is_the_pagers_while_it_runs() {
    let env = Env::new();
    workspace(&env);
    // The signal goes to everything in the foreground, as from a terminal; the pager takes longer than patchq's own
    // limit for stopping.
    env.write("pager", "#!/bin/sh\ntrap '' INT\nkill -INT 0\nsleep 1\ncat\necho read to the end\n");
    executable(&env.path("pager"));
    let pager = format!("exec '{}'", env.path("pager").display());
    let (screen, code) = on_a_terminal(&env, &[("GIT_PAGER", &pager)], &["diff-upstream", "-p", "--exit-code"]);
    assert!(screen.contains(SHOWN) && screen.contains("read to the end") && code == 4, "{code}\n{screen}");
}
