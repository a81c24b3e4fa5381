//! Steps that cannot be finished: predictable failures are found before they are certain, and the others can be
//! reverted.

use patchq::workspace::{StepContext, TakenBack, Workspace, take_stuck_back};

use super::support::{Env, git_at, in_both_worlds, put};
use crate::shared::server::isolated_env;

/// A tree entry that no checkout can hold.
struct Unfit {
    what: &'static str,
    mode: &'static str,
    content: &'static [u8],
    path: String,
    says: &'static str,
}

fn unfit() -> Vec<Unfit> {
    let at = |what, mode, content: &'static [u8], path: &str, says| Unfit {
        what,
        mode,
        content,
        path: path.to_owned(),
        says,
    };
    vec![
        at(
            "a long name",
            "100644",
            b"x\n",
            &format!("app/{}", "n".repeat(256)),
            "a name in it has 256 bytes, and the file system takes 255",
        ),
        at("a long folder", "100644", b"x\n", &format!("app/{}/x", "n".repeat(300)), "a name in it has 300 bytes"),
        at("a long path", "100644", b"x\n", &format!("app/{}x", "long/".repeat(900)), "fit here"),
        at("an empty symlink", "120000", b"", "app/link", "it is a symlink that says nothing of where to"),
        at("a long symlink", "120000", &[b'x'; 4096], "app/link", "it is a symlink to a path that is too long"),
        at("a symlink to NUL", "120000", b"a\0b", "app/link", "it is a symlink to a path with a NUL byte"),
        at("a symlink for git's modules", "120000", b"README.md", ".gitmodules", "git takes no symlink of that name"),
    ]
}

/// Adds a commit to the upstream's branch `main`: git makes the tree, which no file system need support.
fn upstream_gets(env: &Env, unfit: &Unfit) -> String {
    let bare = env.path("up.git");
    put(&env.path("content"), unfit.content);
    let script = format!(
        r#"set -e
        export GIT_INDEX_FILE="$HOME/../scratch-index" GIT_DIR='{}' GIT_CONFIG_GLOBAL=/dev/null
        rm -f "$GIT_INDEX_FILE"
        id=$(git hash-object -w --no-filters ../content)
        if [ "$UNFIT" = .gitmodules ]; then
            tree=$( (git ls-tree main; printf '120000 blob %s\t.gitmodules\n' "$id") | git mktree)
        else
            git read-tree main
            git update-index --add --cacheinfo "$MODE,$id,$UNFIT"
            tree=$(git write-tree)
        fi
        commit=$(GIT_AUTHOR_NAME=u GIT_AUTHOR_EMAIL=u@x GIT_COMMITTER_NAME=u GIT_COMMITTER_EMAIL=u@x git commit-tree -p main -m More "$tree")
        git update-ref refs/heads/main "$commit"; echo "$commit""#,
        bare.display()
    );
    let run = env.shell(
        &["sh", "-c", &format!("mkdir -p in; cd in; {script}")],
        &[("UNFIT", &unfit.path), ("MODE", unfit.mode)],
    );
    run.ok().stdout.trim().to_owned()
}

/// Runs `script` with a checkout that cannot be written.
fn where_the_checkout_is_read_only(env: &Env, script: &str) -> super::support::Run {
    let script =
        format!("set -e; cd '{}'; mount --bind up up; mount -o remount,ro,bind up; {script}", env.ws().display());
    env.shell(&["unshare", "-Urm", "sh", "-c", &script], &[])
}

#[test]
fn what_upstream_has_and_no_checkout_can_hold_is_known_before_anything_is_written() {
    for (n, unfit) in unfit().into_iter().enumerate() {
        let env = Env::new();
        env.ready();
        let goal = upstream_gets(&env, &unfit);
        let everything = |env: &Env| {
            if unfit.path == ".gitmodules" {
                env.write("ws/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\ntrack = \"main\"\n");
            }
        };
        everything(&env);
        let run = env.changes_nothing(&["refresh"]).exits(1).one_error().says(unfit.says);
        run.hints("'sparse' in upstreams.toml").says_not("make that possible");
        // Nothing is left that would disturb the next command.
        env.patchq(&["setup"]).ok();
        // One of each kind for the first checkout, in which no file of the workspace changes.
        if ![0, 3, 6].contains(&n) {
            continue;
        }
        let fresh = Env::new();
        fresh.workspace();
        everything(&fresh);
        fresh.write("ws/commits/up.txt", format!("{goal}\n"));
        std::fs::remove_dir_all(fresh.path("up.git")).unwrap();
        super::support::copy_folder(&env.path("up.git"), &fresh.path("up.git"));
        let run = fresh.patchq(&["setup"]);
        run.exits(1).one_error().says(unfit.says).hints("'sparse' in upstreams.toml");
        assert!(!fresh.exists("ws/.git/patchq/journal/up/step.json"), "{}", unfit.what);
        fresh.git(&fresh.ws(), &["checkout", "-q", "commits"]);
        fresh.patchq(&["setup"]).ok();
    }
}

in_both_worlds! {
    fn what_a_patch_makes_and_no_checkout_can_hold(env) {
        env.ready();
        let long = "n".repeat(256);
        let new = |mode: &str, path: &str| format!("diff --git a/{path} b/{path}\nnew file mode {mode}\n");
        for (patch, says) in [
            (format!("{}--- /dev/null\n+++ b/app/{long}\n@@ -0,0 +1 @@\n+x\n", new("100644", &format!("app/{long}"))), "a name in it has 256 bytes"),
            (format!("{}index 0000000..e69de29\n", new("120000", "app/link")), "says nothing of where to"),
        ] {
            env.write("ws/patches/up/0004-new.patch", patch);
            for args in [&["apply"][..], &["setup"], &["refresh"]] {
                env.changes_nothing(args).exits(1).one_error().says(says);
                assert!(!env.exists("ws/.git/patchq/journal/up/step.json"), "{args:?}");
            }
        }
        std::fs::remove_file(env.path("ws/patches/up/0004-new.patch")).unwrap();
        env.patchq(&["setup"]).ok();
    }

    fn a_ref_that_cannot_be_made_is_known_before(env) {
        env.ready();
        // A tag of the user is where the next version's tag needs a folder.
        git_at(&env.path("up.git"), 0, &["tag", "v9/rc1", "v1.1^{}"]);
        git_at(&env.path("up.git"), 0, &["tag", "-d", "v1.1"]);
        env.git(&env.co(), &["tag", "v9"]);
        let run = env.changes_nothing(&["refresh"]).exits(1).one_error();
        run.says("the ref refs/tags/v9/rc1 cannot be written: refs/tags/v9 is in the way");
        env.git(&env.co(), &["tag", "-d", "v9"]);
        env.patchq(&["refresh"]).ok();
    }

    fn a_file_that_was_edited_after_a_kill_is_left_by_the_way_back(env) {
        env.ready();
        let before = env.state();
        env.killed(&["refresh"], "write app/Dockerfile");
        put(&env.co().join("app/Dockerfile"), "mine\n");
        env.patchq(&["apply"]).exits(1).one_error()
            .says("up: the files were written, but the rest of the step failed").says("app/Dockerfile: it has local changes").hints("patchq undo up");
        env.patchq(&["undo", "up"]).ok().says("up: undid the interrupted 'refresh'").says("left as it is in the checkout: app/Dockerfile");
        assert_eq!(env.read("ws/up/app/Dockerfile"), "mine\n");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/Dockerfile");
        env.git(&env.co(), &["checkout", "-q", "app/Dockerfile"]);
        assert!(before == env.state(), "{:?}", before.0.differences(&env.state().0));
        env.patchq(&["refresh"]).ok();
    }

    fn a_patch_file_that_was_edited_after_a_kill_is_left_by_the_way_back(env) {
        env.ready();
        put(&env.co().join("app/new.py"), "new\n");
        env.killed(&["save", "up", "-m", "Why"], "Replaced(0)");
        env.write("ws/patches/up/0004-why.patch", "mine\n");
        env.patchq(&["export"]).exits(1).one_error().says("an interrupted 'save' cannot be finished").hints("patchq undo up");
        let run = env.patchq(&["undo"]).ok().says("left as it is: patches/up/0004-why.patch").says("contents are kept in .git/patchq/aside/up.1");
        assert!(env.read("ws/.git/patchq/aside/up.1/new-0").contains("Subject: [PATCH] Why"), "{}", run.shown());
        assert_eq!(env.read("ws/patches/up/0004-why.patch"), "mine\n");
        std::fs::remove_file(env.path("ws/patches/up/0004-why.patch")).unwrap();
        env.patchq(&["save", "up", "-m", "Why"]).ok();
    }

    fn a_damaged_record_is_set_aside(env) {
        env.ready();
        put(&env.co().join("app/new.py"), "new\n");
        for (n, damage) in ["{", "{\"form\":1,\"kind\":\"\\u001b[31msave\",\"changes\":[],\"payload\":null}",
            "{\"form\":1,\"kind\":\"save\",\"changes\":[{\"path\":\".github/workflows/x.yml\",\"old\":null,\"new\":null}],\"payload\":null}",
            "{\"form\":1,\"kind\":\"save\",\"changes\":[],\"payload\":{\"checkout\":[],\"refs\":[{\"name\":\"refs/heads/main\",\"old\":null,\"new\":null}]}}",
        ].into_iter().enumerate() {
            env.write("ws/.git/patchq/journal/up/step.json", damage);
            let before = env.state();
            env.patchq(&["save", "up", "-m", "Why"]).exits(1).one_error()
                .says(".git/patchq/journal/up/step.json: the journal of a step cannot be read: ").says_not("\u{1b}").hints("patchq undo up");
            // Other upstreams are not affected.
            env.patchq(&["tag"]).says_not("journal");
            env.patchq(&["undo", "up"]).ok().says("is set aside; files and checkout are as they were found")
                .says(&format!("are kept in .git/patchq/aside/up.{}", n + 1));
            assert!(before == env.state());
            assert_eq!(env.read(&format!("ws/.git/patchq/aside/up.{}/step.json", n + 1)), damage);
        }
        let run = env.patchq(&["save", "up", "-m", "Why"]).ok();
        assert!(env.exists("ws/patches/up/0004-why.patch"), "{}", run.shown());
    }

    fn the_way_back_as_a_document(env) {
        env.ready();
        env.killed(&["refresh"], "write app/Dockerfile");
        put(&env.co().join("app/Dockerfile"), "mine\n");
        let json = env.patchq(&["undo", "--json"]).ok().json();
        assert_eq!(json["changes"], serde_json::json!([]));
        let wanted = serde_json::json!({
            "upstream": "up", "command": "refresh", "set_aside": false, "left": ["app/Dockerfile"], "kept_in": null
        });
        assert_eq!(json["interrupted"], wanted);
    }
}

#[test]
fn what_the_disk_refuses_is_taken_back_or_goes_on_when_the_cause_is_gone() {
    let env = Env::new();
    env.ready();
    let before = env.state();
    let done = {
        let twin = env.twin();
        twin.patchq(&["refresh"]).ok();
        twin.state().0
    };
    let refused = |env: &Env, more: &str| {
        let script = format!(r#"code=0; "$PATCHQ" refresh || code=$?; [ $code = 1 ]; {more}"#);
        let run = where_the_checkout_is_read_only(env, &script).ok();
        run.says("error: up: the files were written, but the rest of the step failed")
            .says("Read-only")
            .hints("patchq undo up     (undoes the step)")
    };
    let left = env.twin();
    refused(&left, "");
    let run = left.patchq(&["apply"]).ok().says("up: finished an interrupted 'refresh'");
    assert!(done == left.state().0, "{}\n{:?}", run.shown(), done.differences(&left.state().0));
    let back = env.twin();
    // This works while the cause still exists, because nothing was changed there.
    refused(&back, r#""$PATCHQ" undo"#).says("up: undid the interrupted 'refresh'");
    let after = back.state();
    assert!(before == after, "{:?}\n{}\n{}", before.0.differences(&after.0), before.1, after.1);
    back.patchq(&["undo"]).exits(1).says("nothing to undo");
    back.patchq(&["refresh"]).ok();
    assert!(done == back.state().0);
}

/// Kills a command at every point and makes it unable to continue: after reverting, the state is as before.
#[test]
fn every_certain_step_has_a_way_back() {
    if !isolated("steps::every_certain_step_has_a_way_back") {
        return;
    }
    type Story = (fn(&Env), &'static [&'static str]);
    let stories: [Story; 5] = [
        (|env| _ = env.workspace(), &["setup"]),
        (|env| _ = env.ready(), &["refresh"]),
        (edited, &["save", "up", "-m", "Why"]),
        (edited, &["setup", "--discard"]),
        (
            |env| {
                env.ready();
                env.patchq(&["refresh"]).ok();
            },
            &["undo"],
        ),
    ];
    for (prepare, command) in stories {
        let model = Env::new();
        prepare(&model);
        let status = |env: &Env| match env.exists("ws/up/.git") {
            true => env.git(&env.co(), &["status", "--porcelain", "-uall"]),
            false => "no checkout".to_owned(),
        };
        let news = |refs: String| {
            refs.lines()
                .filter(|line| !line.starts_with("refs/patchq/upstream "))
                .collect::<Vec<_>>()
                .join("\n")
                .trim()
                .to_owned()
        };
        let state =
            |env: &Env| (env.files(), news(env.refs().replace("no store", "HEAD ref: refs/heads/patchq")), status(env));
        let before = state(&model);
        let points = {
            let env = model.twin();
            let list = env.path("points");
            env.patchq_with(&env.ws(), &[("PATCHQ_TEST_LIST_POINTS", list.to_str().unwrap())], command).ok();
            env.read("points").lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
        };
        let mut taken = 0;
        let certain = |point: &&String| !matches!(point.as_str(), "Recorded" | "Over") && !point.starts_with("Stored");
        // Every second point: the work between two points is of the same kind.
        for point in points.iter().filter(certain).step_by(2) {
            let env = model.twin();
            env.killed(command, point);
            if !env.exists("ws/.git/patchq/journal/up/step.json") {
                continue;
            }
            let undo = taken_back(&env);
            let after = state(&env);
            assert!(
                before == after,
                "{command:?} killed at '{point}', then {undo:?}\n{:?}\n{}\n{}\n--\n{}\n{}",
                before.0.differences(&after.0),
                before.1,
                before.2,
                after.1,
                after.2
            );
            taken += 1;
        }
        assert!(taken > 2, "{command:?}: {taken} of {points:?}");
    }
}

/// Runs the test named `test` again, in a process that sees none of the machine's settings; `true` inside that process.
pub(crate) fn isolated(test: &str) -> bool {
    const MARK: &str = "PATCHQ_TEST_ISOLATED";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    again.env_clear().envs(isolated_env(home.path())).env(MARK, "1").args(["--exact", test]);
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    false
}

/// Reverts the interrupted step of `up` without trying to finish it.
pub(crate) fn taken_back(env: &Env) -> TakenBack {
    let workspace = Workspace::open(&env.ws()).unwrap();
    let around = StepContext { command: "undo", now: 0, on_wait: &|_| {}, observe: &|_| {} };
    take_stuck_back(&workspace, "up", &around).unwrap().unwrap()
}

fn edited(env: &Env) {
    env.ready();
    put(&env.co().join("app/main.py"), "import util\n");
    put(&env.co().join("app/new.py"), "new\n");
}
