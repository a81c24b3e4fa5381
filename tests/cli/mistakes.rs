//! A table of mistakes, of the user or the machine, and the one clear error for each: file and line if there are any,
//! the hint, the exit code. Nothing may change.

use super::support::{Env, names_in, put};

/// One mistake.
pub(crate) struct Mistake {
    /// A description for a failing test.
    pub(crate) what: &'static str,
    /// Makes the mistake, in a workspace that is set up (or, with `fresh`, not yet).
    pub(crate) make: fn(&Env),
    pub(crate) fresh: bool,
    pub(crate) vars: &'static [(&'static str, &'static str)],
    pub(crate) args: &'static [&'static str],
    pub(crate) code: i32,
    /// Texts that stderr must contain; all of it is in `snapshots/COMMAND/WHAT.txt`.
    pub(crate) says: &'static [&'static str],
    /// Texts that a hint must contain; empty: the error needs no hint.
    pub(crate) hint: &'static str,
}

/// Makes a test of each row, so that all failures are reported: `name: Mistake { … }`.
macro_rules! mistakes {
    ($($name:ident: $mistake:expr),* $(,)?) => { $(
        #[test]
        fn $name() {
            const ROW: Mistake = $mistake;
            check(&ROW);
        }
    )* };
}
pub(crate) use mistakes;

pub(crate) const BASE: Mistake =
    Mistake { what: "", make: |_| {}, fresh: false, vars: &[], args: &["setup"], code: 1, says: &[], hint: "" };

pub(crate) fn manifest(env: &Env, text: &str) {
    env.write("ws/upstreams.toml", text);
}

/// Writes another content to the last patch file.
pub(crate) fn patch(env: &Env, text: &str) {
    env.write("ws/patches/up/0004-x.patch", text);
}

pub(crate) fn dirty(env: &Env) {
    put(&env.co().join("app/main.py"), "changed\n");
}

fn newer_files(env: &Env) {
    env.write("ws/patches/up/0004-new.patch", "--- /dev/null\n+++ b/app/new.txt\n@@ -0,0 +1 @@\n+new\n");
}

mod in_the_manifest {
    use super::*;

    mistakes! {
        toml_that_does_not_read: Mistake {
            what: "TOML that does not read",
            make: |env| manifest(env, "[upstream.up]\nurl = \"../up.git\nsparse = []\n"),
            ..BASE
        },
        an_unknown_key: Mistake {
            what: "an unknown key",
            make: |env| manifest(env, "[upstream.up]\nurl = \"../up.git\"\nsprase = [\"app\"]\n"),
            ..BASE
        },
        no_url: Mistake {
            what: "no url",
            make: |env| manifest(env, "[upstream.up]\ntrack = \"main\"\n"),
            ..BASE
        },
        a_wrong_type: Mistake {
            what: "a wrong type",
            make: |env| manifest(env, "[upstream.up]\nurl = \"../up.git\"\nsparse = \"app\"\n"),
            ..BASE
        },
        a_password_in_a_url: Mistake {
            what: "a password in a url",
            make: |env| manifest(env, "[upstream.up]\nurl = \"https://me:hunter2@example.org/up.git\"\n"),
            ..BASE
        },
        a_url_that_runs_a_program: Mistake {
            what: "a url that runs a program",
            make: |env| manifest(env, "[upstream.up]\nurl = \"ext::sh -c touch% mark\"\n"),
            ..BASE
        },
        a_url_that_is_an_option: Mistake {
            what: "a url that is an option",
            make: |env| manifest(env, "[upstream.up]\nurl = \"--upload-pack=touch\"\n"),
            ..BASE
        },
        a_name_without_quotes: Mistake {
            what: "a name without quotes",
            make: |env| manifest(env, "[upstream.kubeflow-1.9]\nurl = \"../up.git\"\n"),
            ..BASE
        },
        a_name_that_is_none: Mistake {
            what: "a name that is none",
            make: |env| manifest(env, "[upstream.Up]\nurl = \"../up.git\"\n"),
            ..BASE
        },
        a_path_that_leaves_the_tree: Mistake {
            what: "a path that leaves the tree",
            make: |env| manifest(env, "[upstream.up]\nurl = \"../up.git\"\nsparse = [\"../../etc\"]\n"),
            ..BASE
        },
        a_name_that_the_workspace_tracks: Mistake {
            what: "a name that the workspace tracks",
            make: |env| {
                manifest(env, "[upstream.patches2]\nurl = \"../up.git\"\n");
                env.write("ws/patches2/x", "ours\n");
                env.git(&env.ws(), &["add", "-f", "patches2/x"]);
            },
            hint: "git rm",
            ..BASE
        },
    }
}

mod in_pins_and_patches {
    use super::*;

    mistakes! {
        no_pin: Mistake {
            what: "no pin",
            make: |env| std::fs::remove_file(env.path("ws/commits/up.txt")).unwrap(),
            hint: "patchq add up --pin REV",
            ..BASE
        },
        an_abbreviated_pin: Mistake {
            what: "an abbreviated pin",
            make: |env| env.write("ws/commits/up.txt", "0611aa0\n"),
            ..BASE
        },
        a_pin_of_two_lines: Mistake {
            what: "a pin of two lines",
            make: |env| {
                let pin = env.read("ws/commits/up.txt");
                env.write("ws/commits/up.txt", format!("{pin}{pin}"));
            },
            ..BASE
        },
        a_pin_that_upstream_does_not_have: Mistake {
            what: "a pin that upstream does not have",
            make: |env| env.write("ws/commits/up.txt", format!("{}\n", "1".repeat(40))),
            fresh: true,
            hint: "upstreams.toml",
            ..BASE
        },
        pins_behind_a_symlink: Mistake {
            what: "pins behind a symlink",
            make: |env| {
                std::fs::rename(env.path("ws/commits"), env.path("elsewhere")).unwrap();
                std::os::unix::fs::symlink("../elsewhere", env.path("ws/commits")).unwrap();
            },
            ..BASE
        },
        a_hunk_that_is_one_line_short: Mistake {
            what: "a hunk that is one line short",
            make: |env| patch(env, "--- a/app/main.py\n+++ b/app/main.py\n@@ -1,3 +1,3 @@\n import util\n-\n+\n"),
            ..BASE
        },
        a_patch_without_a_diff: Mistake {
            what: "a patch without a diff",
            make: |env| patch(env, "Subject: [PATCH] Nothing\n\nwords\n"),
            ..BASE
        },
        a_patch_that_leaves_the_checkout: Mistake {
            what: "a patch that leaves the checkout",
            make: |env| patch(env, "--- /dev/null\n+++ b/../../evil\n@@ -0,0 +1 @@\n+x\n"),
            ..BASE
        },
        a_patch_to_an_absolute_path: Mistake {
            what: "a patch to an absolute path",
            make: |env| {
                patch(env, "diff --git a/app/main.py b/app/main.py\nrename from app/main.py\nrename to /etc/evil\n");
            },
            ..BASE
        },
        a_patch_into_git_s_folder: Mistake {
            what: "a patch into git's folder",
            make: |env| patch(env, "--- /dev/null\n+++ b/.GIT/hooks/post-checkout\n@@ -0,0 +1 @@\n+x\n"),
            ..BASE
        },
        a_patch_through_a_symlink: Mistake {
            what: "a patch through a symlink",
            make: |env| patch(env, "--- /dev/null\n+++ b/app/start.py/evil\n@@ -0,0 +1 @@\n+x\n"),
            hint: "patch file",
            ..BASE
        },
        a_patch_that_collides_by_case: Mistake {
            what: "a patch that collides by case",
            make: |env| patch(env, "--- /dev/null\n+++ b/app/MAIN.py\n@@ -0,0 +1 @@\n+x\n"),
            hint: "patch file",
            ..BASE
        },
        a_patch_whose_lines_are_not_there: Mistake {
            what: "a patch whose lines are not there",
            make: |env| patch(env, "--- a/app/main.py\n+++ b/app/main.py\n@@ -1,2 +1,2 @@\n import nothing\n-x\n+y\n"),
            hint: "patch file",
            ..BASE
        },
        a_patch_that_adds_what_is_there: Mistake {
            what: "a patch that adds what is there",
            make: |env| patch(env, "--- /dev/null\n+++ b/app/main.py\n@@ -0,0 +1 @@\n+x\n"),
            hint: "patch file",
            ..BASE
        },
        escape_sequences_in_a_patch: Mistake {
            what: "escape sequences in a patch",
            make: |env| patch(env, "--- a/\x1b[31mred\n+++ b/\x1b[31mred\n@@ -1 +1 @@\n-x\n+y\n"),
            hint: "patch file",
            ..BASE
        },
        a_series_that_names_a_file_that_is_not_there: Mistake {
            what: "a series that names a file that is not there",
            make: |env| env.write("ws/patches/up/series", "0001-Build-on-bullseye.patch\ngone.patch\n"),
            ..BASE
        },
        a_patch_that_is_a_symlink: Mistake {
            what: "a patch that is a symlink",
            make: |env| std::os::unix::fs::symlink("/etc/passwd", env.path("ws/patches/up/0004-x.patch")).unwrap(),
            ..BASE
        },
    }
}

mod around_it {
    use super::*;

    mistakes! {
        no_git: Mistake {
            what: "no git",
            vars: &[("PATCHQ_GIT", "/nonexistent/git")],
            fresh: true,
            hint: "install git",
            ..BASE
        },
        the_upstream_is_gone: Mistake {
            what: "the upstream is gone",
            make: |env| std::fs::rename(env.path("up.git"), env.path("elsewhere.git")).unwrap(),
            fresh: true,
            hint: "upstreams.toml",
            ..BASE
        },
        offline_with_an_empty_store: Mistake {
            what: "offline with an empty store",
            args: &["setup", "--offline"],
            fresh: true,
            hint: "run the command again without --offline",
            ..BASE
        },
        uncommitted_changes_in_the_way_of_newer_files: Mistake {
            what: "uncommitted changes in the way of newer files",
            make: |env| {
                dirty(env);
                newer_files(env);
            },
            args: &["apply"],
            hint: "patchq save up",
            ..BASE
        },
        commits_that_are_in_no_patch_file: Mistake {
            what: "commits that are in no patch file",
            make: |env| drop(env.commit_in_checkout("app/main.py", "x\n", "Mine")),
            hint: "patchq export up",
            ..BASE
        },
        both_sides_changed: Mistake {
            what: "both sides changed",
            make: |env| {
                env.commit_in_checkout("app/main.py", "x\n", "Mine");
                newer_files(env);
            },
            args: &["export"],
            hint: "patchq export --merge up",
            ..BASE
        },
        another_branch: Mistake {
            what: "another branch",
            make: |env| drop(env.git(&env.co(), &["switch", "-q", "-c", "topic"])),
            args: &["export"],
            hint: "git -C up switch patchq",
            ..BASE
        },
        a_folder_of_somebody_else_s_in_the_checkout_s_place: Mistake {
            what: "a folder of somebody else's in the checkout's place",
            make: |env| env.write("ws/up/notes.txt", "mine\n"),
            fresh: true,
            hint: "mv up up.old",
            ..BASE
        },
        a_symlink_in_the_checkout_s_place: Mistake {
            what: "a symlink in the checkout's place",
            make: |env| {
                std::fs::create_dir(env.path("target")).unwrap();
                std::os::unix::fs::symlink("../target", env.co()).unwrap();
            },
            fresh: true,
            hint: "mv up up.old",
            ..BASE
        },
        git_holds_the_index: Mistake {
            what: "git holds the index",
            make: |env| {
                newer_files(env);
                std::fs::write(env.store().join("index.lock"), "").unwrap();
            },
            args: &["apply"],
            hint: "/index.lock     (if no git process uses it)",
            ..BASE
        },
        a_folder_inside_of_the_workspace: Mistake {
            what: "a folder inside of the workspace",
            args: &["setup", "patches"],
            code: 2,
            hint: "patchq setup .",
            ..BASE
        },
        the_folder_of_an_upstream_where_its_name_is_meant: Mistake {
            what: "the folder of an upstream where its name is meant",
            args: &["setup", "./up"],
            code: 2,
            hint: "patchq setup --only up",
            ..BASE
        },
        an_upstream_that_does_not_exist: Mistake {
            what: "an upstream that does not exist",
            args: &["apply", "upp"],
            code: 2,
            hint: "'up'",
            ..BASE
        },
        a_command_that_does_not_exist: Mistake {
            what: "a command that does not exist",
            args: &["stup"],
            code: 2,
            ..BASE
        },
        no_reason_for_a_patch: Mistake {
            what: "no reason for a patch",
            make: dirty,
            args: &["save", "up"],
            code: 2,
            ..BASE
        },
        nothing_to_save: Mistake {
            what: "nothing to save",
            args: &["save", "up", "-m", "x"],
            ..BASE
        },
        a_patch_that_does_not_exist: Mistake {
            what: "a patch that does not exist",
            make: dirty,
            args: &["save", "up", "--into", "0009"],
            code: 2,
            hint: "patchq status up",
            ..BASE
        },
        nothing_to_undo: Mistake { what: "nothing to undo", args: &["undo"], ..BASE },
    }
}

pub(crate) fn check(mistake: &Mistake) {
    let env = Env::new();
    if mistake.fresh {
        env.workspace();
    } else {
        env.ready();
    }
    (mistake.make)(&env);
    let before = env.files();
    let run = env.patchq_with(&env.ws(), mistake.vars, mistake.args);
    let shown = format!("{}\n{}", mistake.what, run.shown());
    assert_eq!(run.code, Some(mistake.code), "{shown}");
    let errors = run.stderr.lines().filter(|line| line.starts_with("error:")).count();
    assert_eq!(errors, 1, "one error: {shown}");
    for text in mistake.says {
        assert!(run.stderr.contains(text), "it does not say '{text}': {shown}");
    }
    let hints: Vec<&str> = run.stderr.lines().filter(|line| line.trim_start().starts_with("hint:")).collect();
    let hinted = mistake.hint.is_empty() || hints.iter().any(|hint| hint.contains(mistake.hint));
    assert!(hinted, "no hint says '{}': {shown}", mistake.hint);
    assert!(!run.stderr.contains('\x1b'), "an escape sequence got through: {shown}");
    assert!(!run.stderr.contains("hunter2"), "a password got through: {shown}");
    let differences = before.differences(&env.files());
    assert!(differences.is_empty(), "something changed: {differences:?}: {shown}");
    let case: Vec<&str> =
        mistake.what.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    env.kept(&format!("{}/{}", mistake.args[0], case.join("-").to_lowercase()), mistake.args, &run);
    with_json(&env, mistake);
}

/// Checks the same with `--json`: one document on stdout with the same message.
fn with_json(env: &Env, mistake: &Mistake) {
    let args: Vec<&str> = mistake.args.iter().copied().chain(["--json"]).collect();
    let run = env.patchq_with(&env.ws(), mistake.vars, &args);
    assert_eq!(run.code, Some(mistake.code), "{}: {}", mistake.what, run.shown());
    let document = run.json();
    assert_eq!(document["ok"], false, "{}: {}", mistake.what, run.shown());
    let message = document["error"]["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty() && document["error"]["kind"].is_string(), "{}: {}", mistake.what, run.shown());
}

#[test]
fn an_old_git_is_named() {
    let env = Env::new();
    env.workspace();
    env.write("old/git", "#!/bin/sh\necho git version 2.20.1\n");
    super::support::set_mode(&env.path("old/git"), 0o755);
    let old = env.path("old/git").display().to_string();
    let run = env.patchq_with(&env.ws(), &[("PATCHQ_GIT", old.as_str())], &["setup"]);
    run.exits(1).one_error().says("git is too old: found 2.20, need 2.34").hints("newer git");
}

#[test]
fn outside_of_a_workspace() {
    let env = Env::new();
    std::fs::create_dir(env.path("empty")).unwrap();
    let run = env.patchq_in(&env.path("empty"), &["setup"]);
    run.exits(1).one_error().says("no upstreams.toml in").hints("patchq init");
}

#[test]
fn nobody_to_be_the_author() {
    let env = Env::new();
    env.ready();
    dirty(&env);
    env.write("home/.gitconfig", "[init]\n\tdefaultBranch = main\n");
    let before = env.files();
    let run = env.patchq(&["save", "up", "-m", "x"]);
    run.exits(1).one_error().says("up: git does not know who you are").hints("git config --global user.name");
    assert!(before.differences(&env.files()).is_empty());
}

/// Runs `script` with the world on a separate file system, mounted with `options`, in `$DISK`.
fn on_a_disk(env: &Env, options: &str, script: &str) -> super::support::Run {
    let disk = env.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let whole = format!(
        "set -e; mount -t tmpfs -o {options} tmpfs \"$DISK\"; cp -a \"$HOME/../ws\" \"$HOME/../up.git\" \"$DISK\"; cd \"$DISK/ws\"\n{script}"
    );
    env.shell(&["unshare", "-Urm", "sh", "-c", &whole], &[("DISK", disk.to_str().unwrap())])
}

#[test]
fn a_full_disk_loses_nothing() {
    let env = Env::new();
    env.ready();
    dirty(&env);
    let script = r#"
        find . -type f -not -path './.git/patchq/*' | sort | xargs cksum > "$HOME/before"
        dd if=/dev/zero of="$DISK/fill" bs=4k 2>/dev/null || true
        code=0; "$PATCHQ" save up -m x 2> "$HOME/said" || code=$?
        echo "code $code"; grep -c '^error:' "$HOME/said"; cat "$HOME/said"
        find . -type f -not -path './.git/patchq/*' | sort | xargs cksum | cmp - "$HOME/before" && echo same
        rm "$DISK/fill"; "$PATCHQ" save up -m x 2>/dev/null && ls patches/up
    "#;
    let run = on_a_disk(&env, "size=8m", script).ok();
    let shown = run.shown();
    assert!(run.stdout.starts_with("code 1\n1\n"), "{shown}");
    assert!(run.stdout.to_lowercase().contains("no space"), "{shown}");
    assert!(run.stdout.contains("\nsame\n") && run.stdout.contains("0004-x.patch"), "{shown}");
}

#[test]
fn a_read_only_disk_is_said() {
    let env = Env::new();
    env.ready();
    dirty(&env);
    let script = r#"
        mount -o remount,ro "$DISK"
        code=0; "$PATCHQ" save up -m x 2> "$HOME/said" || code=$?
        echo "code $code"; grep -c '^error:' "$HOME/said"; cat "$HOME/said"
        ls patches/up
    "#;
    let run = on_a_disk(&env, "size=8m", script).ok();
    let shown = run.shown();
    assert!(run.stdout.starts_with("code 1\n1\n"), "{shown}");
    assert!(run.stdout.contains("the file system is read-only"), "{shown}");
    assert!(!run.stdout.contains("0004-"), "{shown}");
    assert_eq!(names_in(&env.path("ws/patches/up")).len(), 3);
}
