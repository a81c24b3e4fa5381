//! A conflict that is resolved in the checkout, with plain git or any other tool.

use std::fs;

use super::{ASKS, ENTRY, LAST, fifth, go_on, one, refresh, undo_and_give_up};
use crate::refresh::bench::{Bench, LINES, all, assert_all_same, assert_in_step, with};
use crate::support::{Env, in_both_worlds, put};

/// Hands the first conflict over.
fn handed(env: &Env) {
    let mut terminal = refresh(env);
    terminal.answer(ASKS, "c");
    let ended = terminal.end().exits(3).left("are in the checkout");
    ended.left("patchq refresh up --continue").left("patchq refresh up --abort");
}

/// Writes the file without its markers, with `five` in their place.
fn resolve(env: &Env, path: &str, five: &str) {
    let text = env.read(path);
    let (before, rest) = text.split_once("<<<<<<< ").unwrap();
    let after = rest.split_once(">>>>>>> ").unwrap().1.split_once('\n').unwrap().1;
    put(&env.path(path), format!("{before}{five}{after}"));
}

in_both_worlds! {
    fn git_says_what_it_is_and_what_an_editor_makes_of_it_is_taken(env) {
        one(env, ENTRY);
        handed(env);
        let status = env.git(&env.co(), &["status"]);
        assert!(status.contains("both modified:   a.txt"), "{status}");
        assert!(status.contains("cherry-pick"), "{status}");
        let text = env.read("ws/up/a.txt");
        let marked = "four\n<<<<<<< upstream v1.1\ncinq\n||||||| base v1.0\nfive\n=======\nFIVE\n>>>>>>> patch 0001-shout-five.patch\nsix\n";
        assert!(text.contains(marked), "{text}");
        env.patchq(&["status"]).ok().prints("conflict to resolve").prints("to v1.1, 0 decided");
        // Not decided yet, and nothing changes.
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(3).one_error();
        run.says("a.txt:5: a conflict marker").hints("patchq refresh up --continue");
        // As an IDE does it: edit, `git add`.
        resolve(env, "ws/up/a.txt", "merged\n");
        env.git(&env.co(), &["add", "a.txt"]);
        let mut terminal = go_on(env);
        terminal.answer(LAST, "y");
        terminal.end().exits(0).left("took the result for 0001-shout-five.patch from the checkout");
        assert_eq!(fifth(env), "merged\n");
        assert_in_step(env);
    }

    fn it_may_be_edited_or_committed_only_and_needs_no_terminal_then(env) {
        for commits in [false, true] {
            let env = &if env.hostile { Env::hostile() } else { Env::new() };
            one(env, ENTRY);
            handed(env);
            resolve(env, "ws/up/a.txt", "merged\n");
            if commits {
                env.git(&env.co(), &["commit", "-q", "-a", "--no-edit"]);
            }
            let run = env.patchq(&["refresh", "--continue"]).ok();
            run.says("took the result for 0001-shout-five.patch from the checkout").prints("a.txt:5: by hand: decided in the checkout").says("moved to v1.1");
            assert_eq!(fifth(env), "merged\n");
            assert_in_step(env);
        }
    }

    fn what_was_decided_there_is_remembered(env) {
        one(env, ENTRY);
        handed(env);
        resolve(env, "ws/up/a.txt", "merged\n");
        env.patchq(&["refresh", "--continue"]).ok();
        undo_and_give_up(env);
        env.patchq(&["refresh", "--accept", "remembered"]).ok().prints("a.txt:5: remembered: ");
        assert_eq!(fifth(env), "merged\n");
    }

    fn the_rest_of_the_session_goes_on(env) {
        let bench = Bench::new(env, &[("a.txt", Some(LINES)), ("b.txt", Some("b\n"))]);
        let queue = [
            bench.patch("Shout two", &[("a.txt", Some(&with("two", "TWO")))]),
            bench.patch("Shout b", &[("a.txt", Some(&with("two", "TWO").replace("nine", "NINE"))), ("b.txt", Some("B\n"))]),
        ];
        bench.release("v1.1", &[("a.txt", Some(&with("two", "deux"))), ("b.txt", Some("bis\n"))]);
        bench.ready(ENTRY, &queue);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:2", "p").answer("b.txt:1", "c");
        terminal.end().exits(3);
        // The patches before it are below it, and its merged paths are staged.
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Shout two");
        assert_eq!(env.git(&env.co(), &["diff", "--cached", "--name-only", "--diff-filter=M"]), "a.txt");
        resolve(env, "ws/up/b.txt", "B, bis\n");
        let mut terminal = go_on(env);
        terminal.see(LAST).press("z").answer("undone: b.txt: decided in the checkout", "p").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!(env.read("ws/up/b.txt"), "B\n");
        assert_eq!(env.read("ws/up/a.txt"), with("two", "TWO").replace("nine", "NINE"));
        assert_in_step(env);
    }

    fn other_paths_join_the_patch_when_that_is_meant(env) {
        one(env, ENTRY);
        handed(env);
        resolve(env, "ws/up/a.txt", "merged\n");
        put(&env.co().join("new.txt"), "new\n");
        put(&env.co().join("b.txt"), "b, changed\n");
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(3).one_error();
        run.says("the checkout has 1 file that git does not track:").says("  new.txt").hints("git -C up add PATH");
        env.git(&env.co(), &["add", "new.txt"]);
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(3).one_error();
        run.says("2 paths were changed outside the conflict").says("  b.txt").says("  new.txt");
        let mut terminal = go_on(env);
        terminal.answer("should they become part of 0001-shout-five.patch?", "n");
        terminal.end().exits(3).left("they would become part of 0001-shout-five.patch");
        let mut terminal = go_on(env);
        // The second patch changes the same file, and is asked about.
        terminal.answer("should they become part of", "y").answer("b.txt:1", "z").see("undone: ");
        // All of it is restored together, with what joined the patch.
        terminal.answer("[r] as before", "r").answer("b.txt:1", "b").answer(LAST, "y");
        terminal.end().exits(0);
        assert_eq!((env.read("ws/up/new.txt"), env.read("ws/up/b.txt")), ("new\n".to_owned(), "B\nb, changed\n".to_owned()));
        let first = env.read("ws/patches/up/0001-shout-five.patch");
        assert!(first.contains("+b, changed") && first.contains("+new"), "{first}");
        assert_in_step(env);
    }

    fn abort_puts_everything_back_and_keeps_what_was_made(env) {
        one(env, ENTRY);
        let before = all(env);
        handed(env);
        let with_markers = env.read("ws/up/a.txt");
        env.patchq(&["refresh", "--abort"]).ok().says("the checkout is restored to its state before");
        assert_all_same(&before, env, "abort of what nobody touched");
        env.patchq(&["undo"]).ok();
        assert_eq!(env.read("ws/up/a.txt"), with_markers);
        resolve(env, "ws/up/a.txt", "merged\n");
        put(&env.co().join("new.txt"), "new\n");
        env.git(&env.co(), &["add", "new.txt"]);
        env.patchq(&["refresh", "--abort"]).ok().says("kept for 'patchq undo up': the work on a.txt, new.txt");
        assert_all_same(&before, env, "abort");
        env.patchq(&["undo"]).ok();
        assert_eq!((fifth(env), env.read("ws/up/new.txt")), ("merged\n".to_owned(), "new\n".to_owned()));
        env.git(&env.co(), &["rm", "-q", "-f", "new.txt"]);
        put(&env.co().join("left.txt"), "nobody's affair\n");
        env.patchq(&["refresh", "--abort"]).ok();
        // Untracked files stay.
        assert_eq!(env.read("ws/up/left.txt"), "nobody's affair\n");
        env.patchq(&["undo"]).ok();
        fs::remove_file(env.co().join("left.txt")).unwrap();
        env.patchq(&["refresh", "--continue"]).ok();
        assert_eq!(fifth(env), "merged\n");
        assert_in_step(env);
    }

    fn what_was_taken_out_by_git_is_asked_again(env) {
        one(env, ENTRY);
        handed(env);
        env.git(&env.co(), &["cherry-pick", "--abort"]);
        let mut terminal = go_on(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "y");
        terminal.end().exits(0).left("the question comes again");
        assert_eq!(fifth(env), "FIVE\n");
        assert_in_step(env);
    }

    fn on_another_branch_nothing_is_read(env) {
        one(env, ENTRY);
        handed(env);
        resolve(env, "ws/up/a.txt", "merged\n");
        env.git(&env.co(), &["commit", "-q", "-a", "--no-edit"]);
        env.git(&env.co(), &["switch", "-q", "patchq"]);
        let run = env.changes_nothing(&["refresh", "--continue"]).exits(1).one_error();
        run.says("the checkout was switched to the branch 'patchq'").hints("git -C up switch -");
        env.git(&env.co(), &["switch", "-q", "--detach", "-"]);
        env.patchq(&["refresh", "--continue"]).ok();
        assert_eq!(fifth(env), "merged\n");
    }

    fn other_commands_keep_away_meanwhile(env) {
        one(env, ENTRY);
        handed(env);
        for args in [&["save", "-m", "x"][..], &["export"], &["apply"], &["setup"], &["refresh"], &["undo"]] {
            let run = env.changes_nothing(args);
            assert_ne!(run.code, Some(0), "{}", run.shown());
            run.one_error().says_not("internal");
        }
    }
}
