//! Every choice about lines, and the background of a conflict.

use super::{ASKS, ENTRY, LAST, decided, fifth, one, refresh, script, with_editor};
use crate::refresh::bench::{Bench, assert_in_step, with};
use crate::support::{DOWN, Env, in_both_worlds};

/// Makes a world like this one.
fn again(env: &Env) -> Env {
    if env.hostile { Env::hostile() } else { Env::new() }
}

in_both_worlds! {
    fn a_side_or_both_are_taken(env) {
        for (key, expected) in [("p", "FIVE\n"), ("u", "cinq\n"), ("b", "FIVE\ncinq\n"), ("B", "cinq\nFIVE\n")] {
            let env = &again(env);
            one(env, ENTRY);
            if key == "u" {
                // Nothing is left of the patch then, which is another question.
                let mut terminal = refresh(env);
                terminal.answer("a.txt:5", key).see("nothing is left of the patch after these decisions").press("d");
                terminal.answer("why?", "upstream says it better\r").answer(LAST, "y");
                terminal.end().exits(0).left("leaves the queue: 'upstream says it better'");
                assert_eq!(env.queue(), ["0002-change-b.patch"]);
            } else {
                assert_eq!(decided(env, key), expected, "{key}");
            }
            assert_in_step(env);
        }
    }

    fn both_insertions_are_written_whole_where_they_begin_or_end_alike(env) {
        let ours = ["func ours() {\n\tx()\n}\n", "ours:\n\tgo run x\n\tgo clean\n"];
        let theirs = ["func theirs() {\n\ty()\n}\n", "theirs:\n\tgo run y\n\tgo clean\n"];
        let go = |lines: &str| format!("package a\n{lines}func last() {{\n}}\n");
        let make = |lines: &str| format!("all:\n\tgo build\n{lines}");
        for (key, [first, second]) in [("b", [ours, theirs]), ("B", [theirs, ours])] {
            let env = &again(env);
            let (go_file, make_file) = (go(""), make(""));
            let bench = Bench::new(env, &[("a.go", Some(&go_file)), ("Makefile", Some(&make_file))]);
            let patch = bench.patch("Ours", &[("a.go", Some(&go(ours[0]))), ("Makefile", Some(&make(ours[1])))]);
            bench.release("v1.1", &[("a.go", Some(&go(theirs[0]))), ("Makefile", Some(&make(theirs[1])))]);
            bench.ready(ENTRY, &[patch]);
            let mut terminal = refresh(env);
            terminal.see("Makefile:3").see("both sides end with the same ('go clean')").answer(ASKS, key);
            terminal.see("a.go:2").see("both sides end with the same ('}')").answer(ASKS, key);
            terminal.answer(LAST, "y");
            terminal.end().exits(0);
            let both = [0, 1].map(|n| [first[n], second[n]].concat());
            assert_eq!(env.read("ws/up/a.go"), go(&both[0]), "{key}");
            assert_eq!(env.read("ws/up/Makefile"), make(&both[1]), "{key}");
            assert_in_step(env);
        }
    }

    fn a_suggestion_is_taken_by_its_key_and_by_nothing_else(env) {
        let (base, theirs) = ("FROM python:3.7-slim-buster", "FROM python:3.8-slim-buster");
        let bench = Bench::new(env, &[("Dockerfile", Some(&format!("{base}\nRUN x\n")))]);
        let ours = "FROM python:3.7-slim-bullseye\nRUN x\n";
        let queue = [bench.patch("Use bullseye", &[("Dockerfile", Some(ours))])];
        bench.release("v1.1", &[("Dockerfile", Some(&format!("{theirs}\nRUN x\n")))]);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.see("FROM python:3.8-slim-bullseye").see("[s] suggestion");
        // Enter does not mean yes.
        terminal.answer(ASKS, "\r").see("one of s p u b B e E m").press("s").answer(LAST, "y");
        terminal.end().exits(0).left("renaming: upstream renamed '3.7' to '3.8'");
        assert_eq!(env.read("ws/up/Dockerfile"), "FROM python:3.8-slim-bullseye\nRUN x\n");
        assert_in_step(env);
    }

    fn lines_are_written_in_the_editor(env) {
        one(env, ENTRY);
        let editor = script(env, "ed", "cp \"$1\" \"$HOME/page\"; printf 'fünf\\n' >\"$1\"");
        let mut terminal = with_editor(env, &editor, &["refresh"]);
        terminal.answer("a.txt:5", "e").answer(LAST, "z").see("undone: a.txt: edited in an editor").press("q");
        terminal.answer("what you just undid was written by hand", "n");
        terminal.answer("[r] as before", "r").answer(LAST, "y");
        terminal.end().exits(0).left("a.txt:5: by hand: edited in an editor");
        assert_eq!(fifth(env), "fünf\n");
        let page = env.read("home/page");
        assert!(["FIVE", "cinq", "five", "four", "six"].iter().all(|line| page.contains(line)), "{page}");
        assert_in_step(env);
    }

    fn a_file_is_written_in_the_editor(env) {
        one(env, ENTRY);
        let editor = script(env, "ed", "sed -i -e '/^<<<<<<< /,/^>>>>>>> /c\\fünf' -e s/ten/zehn/ \"$1\"");
        let mut terminal = with_editor(env, &editor, &["refresh"]);
        terminal.answer("a.txt:5", "E").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!(env.read("ws/up/a.txt"), with("five", "fünf").replace("ten", "zehn"));
        assert_in_step(env);
    }

    fn what_an_editor_did_not_finish_is_not_taken(env) {
        one(env, ENTRY);
        let before = env.files();
        let editor = script(env, "ed", "sh \"$HOME/how\" \"$1\"");
        let how = |text: &str| crate::support::put(&env.path("home/how"), text);
        let mut terminal = with_editor(env, &editor, &["refresh"]);
        how("true");
        terminal.answer("a.txt:5", "e").see("the editor changed nothing, so nothing was taken");
        how("sed -i s/FIVE/FUNF/ \"$1\"");
        terminal.press("E").see("a conflict marker is left in line 5 of what was written");
        how("echo halfway >\"$1\"; exit 1");
        terminal.press("e").see("ended with exit code 1");
        terminal.see("an edit that could not be used is kept");
        // The next try begins with the text written before.
        how("grep -q FUNF \"$1\" && echo saw it >\"$HOME/saw\"; exit 7");
        terminal.press("E").see("ended with exit code 7");
        assert_eq!(env.read("home/saw"), "saw it\n");
        terminal.press("q").answer("an edit that could not be used is not kept anywhere; leave anyway?", "n");
        terminal.answer(ASKS, "q").answer("leave anyway?", "y");
        terminal.end().exits(3).left("nothing was changed");
        crate::support::assert_same(&before, &env.files(), "an editor that finishes nothing");
    }

    fn the_merge_tool_is_the_one_of_git(env) {
        one(env, ENTRY);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "m").see("no merge tool is configured").press("q");
        terminal.end().exits(3);
        let tool = script(env, "tool", "echo \"$MERGED\" >\"$HOME/name\"; grep -h . \"$LOCAL\" \"$BASE\" \"$REMOTE\" >\"$HOME/sides\"; sed -i '/^<<<<<<< /,/^>>>>>>> /c\\both' \"$MERGED\"");
        let config = env.read("home/.gitconfig");
        let tool = format!("[merge]\n\ttool = ours\n[mergetool \"ours\"]\n\tcmd = LOCAL=\"$LOCAL\" BASE=\"$BASE\" REMOTE=\"$REMOTE\" MERGED=\"$MERGED\" {tool}\n\ttrustExitCode = true\n");
        env.write("home/.gitconfig", config + &tool);
        assert_eq!(decided(env, "m"), "both\n");
        let sides = env.read("home/sides");
        assert!(["FIVE", "cinq", "five"].iter().all(|line| sides.contains(line)), "{sides}");
        assert!(!env.read("home/name").contains("a.txt"), "the tool sees a neutral name");
        assert_in_step(env);
    }

    fn what_stands_behind_it_is_shown(env) {
        let bench = one(env, ENTRY);
        let commit = bench.id("v1.1");
        let mut terminal = refresh(env);
        terminal.see("a.txt:5").see("changed upstream by").see(&commit[..12]);
        terminal.press("v").see("+FIVE").see("Subject: [PATCH] Shout five").press("q").see(ASKS);
        terminal.press("o").see("upstream's changes of a.txt").see("+cinq").see("-five").press("q").see(ASKS);
        terminal.press("h").see("history of a.txt").see(&commit[..12]).see("v1.1").press("q").see(ASKS);
        terminal.press("?").see("what the keys do").press("x").see("a.txt:5");
        terminal.press("x").see("'x' has no meaning here").press("q");
        terminal.end().exits(3);
    }

    fn a_large_hunk_is_paged_and_the_screen_follows_the_terminal(env) {
        let many = |word: &str| (1..=60).map(|n| format!("{word} {n}\n")).collect::<String>();
        let bench = Bench::new(env, &[("a.txt", Some(&many("base")))]);
        let queue = [bench.patch("Mine", &[("a.txt", Some(&many("patch")))])];
        bench.release("v1.1", &[("a.txt", Some(&many("theirs")))]);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.see("base 1").see("rows, space: more").see_no("patch 60");
        terminal.press("G").see("patch 60").see("the end").press("g").see("base 1").see_no("patch 60");
        terminal.press(DOWN).see("2-").press(" ").see_no("base 1 ");
        // From side by side to one above the other, and to a terminal with almost no room.
        terminal.press("g").resize((80, 24)).see("base 1").see_no("┬");
        terminal.resize((20, 6)).see("a.txt:1").resize((140, 40)).see("┬").press("p").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!(env.read("ws/up/a.txt"), many("patch"));
    }
}
