//! Conflicts of a file as a whole.

use super::{ENTRY, LAST, refresh, script, with_editor};
use crate::refresh::bench::{Bench, LINES, assert_in_step, with};
use crate::support::{Env, executable, in_both_worlds, put};

/// Returns a long file with `five` as its fifth line.
fn long(five: &str) -> String {
    let lines = |numbers: std::ops::Range<u8>| numbers.map(|n| format!("line {n}, as it was\n")).collect::<String>();
    format!("{}{five}\n{}", lines(1..5), lines(6..30))
}

fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Makes a patch that edits `b.txt`, which upstream deleted, and another file.
fn deleted(env: &Env) {
    let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some("b\n"))]);
    let queue = [bench.patch("Both", &[("a.txt", Some(&with("two", "TWO"))), ("b.txt", Some("B\n"))])];
    bench.release("v1.1", &[("b.txt", None)]);
    bench.ready(ENTRY, &queue);
}

in_both_worlds! {
    fn a_file_that_upstream_deleted_stays_deleted_or_is_kept(env) {
        for (key, kept) in [("s", false), ("u", false), ("p", true)] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            deleted(env);
            let mut terminal = refresh(env);
            terminal.see("upstream deleted the file, the patch changes it").see("drop the patch's change to it");
            terminal.press(key).answer(LAST, "y");
            terminal.end().exits(0);
            assert_eq!(env.exists("ws/up/b.txt"), kept, "{key}");
            assert_eq!(env.read("ws/up/a.txt"), with("two", "TWO"));
            assert_in_step(env);
        }
    }

    fn a_file_that_the_patch_deletes_is_deleted_or_kept(env) {
        for (key, kept) in [("s", false), ("p", false), ("u", true)] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some("b\n"))]);
            let queue = [bench.patch("Both", &[("a.txt", Some(&with("two", "TWO"))), ("b.txt", None)])];
            bench.release("v1.1", &[("b.txt", Some("b\nmore\n"))]);
            bench.ready(ENTRY, &queue);
            let mut terminal = refresh(env);
            terminal.see("the patch deletes the file, upstream changed it").press(key).answer(LAST, "y");
            terminal.end().exits(0);
            assert_eq!(env.exists("ws/up/b.txt"), kept, "{key}");
            assert_in_step(env);
        }
    }

    fn a_deleted_file_is_written_in_the_editor(env) {
        deleted(env);
        let editor = script(env, "ed", "cat \"$1\" >\"$HOME/start\"; echo new >\"$1\"");
        let mut terminal = with_editor(env, &editor, &["refresh"]);
        terminal.answer("upstream deleted the file", "E").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!((env.read("home/start"), env.read("ws/up/b.txt")), ("B\n".to_owned(), "new\n".to_owned()));
        assert_in_step(env);
    }

    fn a_change_follows_to_where_upstream_may_have_moved_the_file(env) {
        let bench = Bench::new(env, &[("lib/a.txt", Some(&long("five")))]);
        let queue = [bench.patch("Shout", &[("lib/a.txt", Some(&long("FIVE")))])];
        // Two similar files: it is not certain which of them it is.
        let moved = [("lib/x/a.txt", Some(&*long("five"))), ("lib/y/a.txt", Some(&*long("five"))), ("lib/a.txt", None)];
        bench.release("v1.1", &moved);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.see("upstream deleted the file, and perhaps moved it").see("lib/x/a.txt").see("lib/y/a.txt");
        terminal.press("f").answer("where did upstream move the file?", "2").answer(LAST, "y");
        terminal.end().exits(0).left("moved");
        assert_eq!((env.read("ws/up/lib/x/a.txt"), env.read("ws/up/lib/y/a.txt")), (long("five"), long("FIVE")));
        assert_in_step(env);
    }

    fn a_mode_is_taken_from_a_side(env) {
        for (key, expected) in [("p", 0o644), ("u", 0o755)] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            let bench = Bench::new(env, &[("a.txt", Some(LINES))]);
            // Both sides add the file, with different modes.
            let queue = [bench.patch("Add it", &[("run.sh", Some("ours\n"))])];
            bench.git(&["checkout", "-q", "main"]);
            put(&env.path("work/run.sh"), "ours\n");
            executable(&env.path("work/run.sh"));
            bench.release("v1.1", &[]);
            bench.ready(ENTRY, &queue);
            let mut terminal = refresh(env);
            terminal.see("mode 100755").see("mode 100644").press(key);
            if key == "u" {
                terminal.answer("nothing is left of the patch after these decisions", "d").answer("why?", "\r");
            }
            terminal.answer(LAST, "y");
            terminal.end().exits(0);
            assert_eq!(mode(&env.co().join("run.sh")), expected, "{key}");
            assert_in_step(env);
        }
    }

    fn a_binary_is_taken_from_a_side(env) {
        for (key, expected) in [("p", "\0patch"), ("u", "\0theirs")] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            let bench = Bench::new(env, &[("logo.png", Some("\0base")), ("a.txt", Some(LINES))]);
            let edits = [("logo.png", Some("\0patch")), ("a.txt", Some(&*with("two", "TWO")))];
            let queue = [bench.patch("Ours", &edits)];
            bench.release("v1.1", &[("logo.png", Some("\0theirs"))]);
            bench.ready(ENTRY, &queue);
            let mut terminal = refresh(env);
            terminal.see("upstream changed the binary file, and so does the patch").see("a binary file of 7 bytes");
            terminal.press("E").see("a binary file cannot be edited").press(key).answer(LAST, "y");
            terminal.end().exits(0);
            assert_eq!(env.read("ws/up/logo.png"), expected);
            assert_in_step(env);
        }
    }
}
