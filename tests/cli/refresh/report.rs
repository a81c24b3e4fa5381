//! `--report`: the outcomes of the queue, for a pull request.

use std::fs;

use super::bench::{Bench, TRACK, all, assert_all_same, changes_nothing};
use super::conflicts;
use crate::support::{in_both_worlds, put, set_mode};

const CONFLICTS: &str = "\
# up: `v1.0` → `v1.1`

The queue was not moved: these conflicts must be decided first.

5 patches: 2 apply (1 merged), 2 conflict, 1 blocked.

| patch | outcome | |
|---|---|---|
| `0001-shout-five.patch` `Shout five` | **conflict** | `a.txt`: upstream changed the same lines |
| `0002-change-b.patch` `Change b` | **conflict** | `b.txt`: upstream deleted the file, the patch changes it |
| `0003-shout-ten.patch` `Shout ten` | **blocked** | `a.txt` needs `0001-shout-five.patch` |
| `0004-shout-two.patch` `Shout two` | merged |  |
| `0005-change-d.patch` `Change d` | unchanged |  |

## `0001-shout-five.patch`

`Shout five`

### `a.txt`: upstream changed the same lines

<details><summary>line 6 upstream</summary>

```
         │ two
         │ three
         │ four
base     │ five
upstream │ cinq
patch    │ FIVE
         │ six
         │ seven
         │ eight
```

</details>

";

in_both_worlds! {
    fn it_has_everything_that_the_screen_has(env) {
        conflicts::prepared(env);
        let before = all(env);
        env.patchq(&["refresh", "--report", "../refresh.md"]).exits(3).prints("5 patches: ");
        assert_all_same(&before, env, "after conflicts");
        let text = env.read("refresh.md");
        assert!(text.starts_with(CONFLICTS), "{text}");
        assert!(text.contains("\n## `0002-change-b.patch`\n"), "{text}");
        // The same on stdout, and nothing else there; and again into its own file, from another folder.
        assert_eq!(changes_nothing(env, &["refresh", "--report", "-"]).exits(3).stdout, text);
        env.patchq_in(&env.co(), &["refresh", "--report", "../../refresh.md"]).exits(3);
        assert_eq!(env.read("refresh.md"), text);
        env.patchq(&["refresh", "--dry-run", "--json", "--report", "../refresh.md"]).exits(3).json();
        assert_eq!(env.read("refresh.md"), text);
    }

    fn it_says_whether_the_queue_was_moved(env) {
        env.ready();
        let state = |args: &[&str], says: &str| {
            let text = env.patchq(&[&["refresh", "--report", "-"], args].concat()).ok().stdout;
            assert!(text.starts_with("# up: `v1.") && text.contains(&format!("\n\n{says}\n")), "{text}");
            text
        };
        state(&["--dry-run"], "The queue can be moved (this was a dry run).");
        let dry = env.patchq(&["refresh", "--report", "-", "--dry-run"]).ok().stdout;
        let text = state(&[], "The queue was moved.");
        assert_eq!(dry.split_once("\n| patch").unwrap().1, text.split_once("\n| patch").unwrap().1);
        assert!(text.contains("| `0001-Build-on-bullseye.patch` `Build on bullseye` | merged |  |\n"), "{text}");
        state(&[], "The queue is already there.");
    }

    fn how_a_patch_that_does_something_else_differs_is_folded_in(env) {
        conflicts::prepared(env);
        let text = env.patchq(&["refresh", "--report", "-"]).exits(3).stdout;
        assert!(!text.contains("## Changed patches"), "{text}");
        let args = ["refresh", "--accept", "patch", "--only", "0001", "--dry-run", "--report", "-"];
        let text = env.patchq(&args).exits(3).stdout;
        let wanted = "## Changed patches\n\n`0001-shout-five.patch`\n\n<details><summary>+1 -1 lines of the patch differ</summary>\n\n\
                      ```diff\n  ## a.txt ##\n @@ one\n  two\n  three\n  four\n--five\n+-cinq\n +FIVE\n";
        assert!(text.contains(wanted), "{text}");
    }

    fn a_place_that_cannot_be_written_is_known_before_anything_moves(env) {
        env.ready();
        for place in ["../nowhere/refresh.md", "..", "patches"] {
            let run = changes_nothing(env, &["refresh", "--report", place]).exits(1).one_error();
            run.says("cannot write the report");
        }
        put(&env.path("locked/x"), "x");
        set_mode(&env.path("locked"), 0o555);
        // Root may write everywhere.
        if fs::write(env.path("locked/probe"), "").is_err() {
            changes_nothing(env, &["refresh", "--report", "../locked/refresh.md"]).exits(1).one_error();
        }
        set_mode(&env.path("locked"), 0o755);
        let run = changes_nothing(env, &["refresh", "--report", "-", "--json"]).exits(2).one_error();
        run.says("--report - and --json");
    }

    fn a_file_that_is_no_report_is_not_overwritten(env) {
        env.ready();
        for place in ["upstreams.toml", "patches/up/0001-Build-on-bullseye.patch", "commits/up.txt"] {
            let run = changes_nothing(env, &["refresh", "--report", place]).exits(1).one_error();
            run.says(place).says("not a report").hints("another name");
        }
        put(&env.path("empty.md"), "");
        env.patchq(&["refresh", "--report", "../empty.md"]).ok();
        assert!(env.read("empty.md").contains("The queue was moved."));
        env.patchq(&["refresh", "--report", "/dev/null"]).ok();
    }

    fn nothing_from_outside_ends_its_place(env) {
        let path = "a`b|c @you <b>.txt";
        let bench = Bench::new(env, &[(path, Some("one\n```\n@all [x](http://evil)\n")), ("b", Some("b\n"))]);
        let text = "two\n```\n@all [x](http://evil)\n</details> \u{1b}[2J\n";
        let (_, bytes) = bench.patch("Fix `it` | @team <img src=x> [l](http://evil)", &[(path, Some(text))]);
        bench.release("v1.1", &[(path, Some("three\n````\n@all\n"))]);
        bench.ready(TRACK, &[("0001-x.patch".to_owned(), bytes)]);
        let run = changes_nothing(env, &["refresh", "--report", "-"]).exits(3);
        let text = &run.stdout;
        assert!(!text.contains('\u{1b}'), "{}", run.shown());
        let row = text.lines().find(|line| line.starts_with("| `0001")).unwrap();
        assert!(row.contains("``Fix `it` \\| @team <img src=x> [l](http://evil)``"), "{row}");
        assert!(row.contains("``a`b\\|c @you <b>.txt``"), "{row}");
        assert_eq!(row.replace("\\|", "").matches('|').count(), 4, "{row}");
        assert!(text.contains("### ``a`b|c @you <b>.txt``: "), "{text}");
        // Text in a fence does not end it, and begins no line outside.
        let mut fence: Option<&str> = None;
        for line in text.lines() {
            match fence {
                None if line.starts_with("```") => fence = Some(line),
                Some(open) if line == open => fence = None,
                None => assert!(!line.starts_with("@all") && line != "</details> \\x1b[2J", "{text}"),
                Some(_) => {}
            }
        }
        assert_eq!(fence, None, "{text}");
        assert!(text.contains("\nupstream │ three\nupstream │ ````\nupstream │ @all\n"), "{text}");
    }
}
