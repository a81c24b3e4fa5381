//! `-q`: only errors and warnings on stderr, and data on stdout, with every command.

use super::support::{in_both_worlds, put};

in_both_worlds! {
    fn what_goes_well_says_nothing(env) {
        env.ready();
        let silent: [&[&str]; 12] = [
            &["init", "../other"],
            &["setup"],
            &["apply"],
            &["save", "-m", "x"],
            &["export"],
            &["undo"],
            &["add", "two", "../up.git", "--track", "main", "--pin", "v1.0"],
            &["import", "three", "../imported", "--url", "../up.git", "--commit", "v1.0"],
            &["verify"],
            &["refresh", "up"],
            &["undo", "up"],
            &["completions", "bash"],
        ];
        env.write("imported/0001-one.patch", "--- /dev/null\n+++ b/one\n@@ -0,0 +1 @@\n+one\n");
        for args in silent {
            if args[0] == "save" {
                put(&env.co().join("app/main.py"), "changed\n");
            }
            if args == ["refresh", "up"] {
                env.git(&env.co(), &["checkout", "-q", "."]);
            }
            let run = env.patchq(&[args, &["-q"]].concat()).ok();
            assert_eq!(run.stderr, "", "{}", run.shown());
            assert!(run.stdout.is_empty() || args[0] == "completions", "{}", run.shown());
        }
    }

    fn what_was_asked_for_comes_and_what_went_wrong_is_said(env) {
        env.ready();
        for args in [&["status"][..], &["tag"], &["diff-upstream"], &["outdated"], &["refresh", "--dry-run"], &["man"]] {
            let run = env.patchq(&[args, &["-q"]].concat());
            assert!(!run.stdout.is_empty() && run.stderr.is_empty(), "{}", run.shown());
        }
        put(&env.co().join("app/main.py"), "changed\n");
        env.patchq(&["-q", "refresh"]).exits(1).one_error().hints("patchq save up");
    }
}
