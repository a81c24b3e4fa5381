//! Compares the screens of a whole session with the files in `screens/`. `SNAPSHOTS=overwrite cargo test --test cli
//! session::screens` writes them again; check the difference before committing it.

use std::path::Path;

use super::{ASKS, ENTRY, LAST};
use crate::refresh::bench::{Bench, LINES, with};
use crate::support::{Env, Terminal, assert_kept};

/// Makes a conflict of lines with a proposal, a deleted file, lines that both add, and a patch of which nothing is
/// left.
fn prepared(env: &Env) {
    let dockerfile = |image: &str| format!("# The web app\nFROM python:{image}\nWORKDIR /src\nCOPY . .\n");
    let base = dockerfile("3.7-slim-buster");
    let files = [
        ("app/Dockerfile", Some(&*base)),
        ("app/requirements.txt", Some("flask==2.0.1\n")),
        ("lib/a.txt", Some(LINES)),
        ("lib/b.txt", Some(LINES)),
    ];
    let bench = Bench::new(env, &files);
    let queue = [
        bench.patch("Use bullseye below the web app", &[("app/Dockerfile", Some(&dockerfile("3.7-slim-bullseye")))]),
        bench.patch("Pin flask", &[("app/requirements.txt", Some("flask==2.0.3  # CVE-2023-30861\n"))]),
        bench.patch("Add after five", &[("lib/a.txt", Some(&with("five", "five\nours")))]),
        bench.patch("Shout two", &[("lib/b.txt", Some(&with("two", "TWO")))]),
    ];
    bench.release(
        "v1.1",
        &[
            ("app/Dockerfile", Some(&dockerfile("3.8-slim-buster"))),
            ("app/requirements.txt", None),
            ("lib/a.txt", Some(&with("five", "five\ntheirs"))),
            ("lib/b.txt", Some(&with("two", "TWO").replace("nine", "neuf"))),
        ],
    );
    bench.ready(ENTRY, &queue);
}

fn check(terminal: &mut Terminal, name: &str) {
    let file = format!("tests/cli/session/screens/{name}.txt");
    let kept = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)).unwrap_or_default();
    let seen = terminal.settled(&kept);
    assert_kept(file, seen);
}

#[test]
fn a_whole_session() {
    for size in [(80, 24), (140, 40)] {
        let env = Env::new();
        prepared(&env);
        let name = |what: &str| format!("{what}-{}x{}", size.0, size.1);
        let mut terminal = env.terminal_of(size, &env.ws(), &[], &["refresh"]);
        let steps = [
            ("1-lines", "app/Dockerfile:2", "s"),
            ("2-deleted", "app/requirements.txt", "s"),
            ("3-nothing-left", "nothing is left of the patch after these decisions", "l"),
            ("4-both-add", "lib/a.txt:6", "b"),
        ];
        for (what, text, key) in steps {
            terminal.see(text).see(ASKS);
            check(&mut terminal, &name(what));
            if what == "1-lines" {
                terminal.press("?").see("what the keys do");
                check(&mut terminal, &name("1-lines-keys"));
                terminal.press("x").see(text);
            }
            terminal.press(key);
        }
        terminal.answer("nothing is left of the patch, but", "d").answer("why?", "\r");
        terminal
            .answer("nothing is left of the patch after these decisions", "d")
            .answer("why?", "upstream dropped the file\r");
        terminal.see(LAST).see(ASKS);
        check(&mut terminal, &name("5-last"));
        terminal.press("?").see("what the keys do");
        check(&mut terminal, &name("6-keys"));
        terminal.press("q").answer(LAST, "n");
        terminal.end().exits(1);
    }
}
