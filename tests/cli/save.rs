//! `patchq save`.

use std::fs;
use std::os::unix::fs::symlink;

use super::support::{Env, in_both_worlds, put, set_mode};

/// Changes a file of the checkout.
fn edit(env: &Env, path: &str, text: impl AsRef<[u8]>) {
    put(&env.co().join(path), text);
}

/// Checks that everything is in the queue: the checkout is clean, and making it again from the files gives the same
/// bytes.
#[track_caller]
fn comes_back(env: &Env) {
    assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
    let (head, files) = (env.head(), env.files());
    fs::remove_dir_all(env.co()).unwrap();
    fs::remove_dir_all(env.store()).unwrap();
    env.patchq(&["setup"]).ok();
    assert_eq!(env.head(), head);
    super::support::assert_same(&files, &env.files(), "after setup from nothing");
    env.changes_nothing(&["export"]).ok().says("nothing to export");
}

in_both_worlds! {
    fn a_new_patch(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        edit(env, "app/new file.py", "new\n");
        edit(env, "debug.log", "ignored\n");
        let before = env.files();
        let run = env.patchq(&["save", "up", "-m", "Do less", "-m", "It is enough."]).ok();
        run.says("modified   app/main.py").says("new        app/new file.py").says("patches/up/0004-do-less.patch");
        assert_eq!(before.differences(&env.files()), ["new: patches/up/0004-do-less.patch"]);
        let patch = env.read("ws/patches/up/0004-do-less.patch");
        assert!(patch.contains("From: Maintainer <me@example.org>\n"), "{patch}");
        assert!(patch.contains("Subject: [PATCH] Do less\n\nIt is enough.\n---\n"), "{patch}");
        assert!(patch.contains("diff --git a/app/main.py b/app/main.py\n"), "{patch}");
        assert!(!patch.contains("ignored"));
        assert_eq!(env.git(&env.ws(), &["status", "--porcelain"]), "?? patches/up/0004-do-less.patch");
        assert_eq!(env.git(&env.ws(), &["diff", "--cached", "--name-only"]), "");
        assert_eq!(env.git(&env.ws(), &["rev-list", "--count", "HEAD"]), "1");
        fs::remove_file(env.co().join("debug.log")).unwrap();
        comes_back(env);
    }

    fn a_staged_version_that_no_file_has_is_kept(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "staged\n");
        env.git(&env.co(), &["add", "app/main.py"]);
        put(&env.co().join("app/main.py"), "since\n");
        env.changes_nothing(&["save", "-m", "Why"]).exits(1).one_error()
            .says("app/main.py: it has staged changes").hints("git -C up add --all").hints("git -C up reset");
        env.git(&env.co(), &["add", "--all"]);
        env.patchq(&["save", "-m", "Why"]).ok();
    }

    fn patch_files_that_cannot_be_read_are_named(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "x\n");
        env.write("ws/patches/up/0002-Pin-the-requirements.patch", "no patch\n");
        env.changes_nothing(&["save", "-m", "Why"]).exits(1).one_error()
            .says("patches/up/0002-Pin-the-requirements.patch:1: there is no diff in this file");
    }

    fn into_an_older_patch(env) {
        env.ready();
        edit(env, "app/requirements.txt", "flask==2.0\njinja2==3.1.3\nrequests==2.31\nurllib3==2.1\n");
        let before = env.files();
        env.patchq(&["save", "--into", "0002"]).ok().says("rewritten 0002-Pin-the-requirements.patch").says("2 patches unchanged");
        let changed = before.differences(&env.files());
        assert_eq!(changed.len(), 1, "{changed:?}");
        assert!(changed[0].starts_with("changed: patches/up/0002-Pin-the-requirements.patch"), "{changed:?}");
        assert_eq!(env.git(&env.co(), &["log", "--format=%s", "-3"]), "Answer in capitals\nPin the requirements\nBuild on bullseye");
        comes_back(env);
    }

    fn into_what_does_not_go_is_a_conflict(env) {
        env.ready();
        env.patchq(&["save", "-m", "Nothing"]).exits(1);
        edit(env, "app/Dockerfile", "FROM python:3.8-bullseye\nCOPY . /app\nRUN pip install -r requirements.txt --quiet\n");
        env.patchq(&["save", "-m", "Be quiet"]).ok();
        edit(env, "app/Dockerfile", "FROM python:3.8-bullseye\nCOPY . /app\nRUN pip install -r requirements.txt --quiet --quiet\n");
        let run = env.changes_nothing(&["save", "--into", "0001"]).exits(3).one_error();
        run.says("app/Dockerfile");
    }

    fn into_a_patch_by_any_of_its_names(env) {
        env.ready();
        for (n, name) in ["2", "requirements", "up/0002", "patches/up/0002-Pin-the-requirements.patch"].iter().enumerate() {
            put(&env.co().join("app/requirements.txt"), format!("flask==2.0.{n}\n"));
            env.patchq(&["save", "--into", name]).ok().says("saved in patches/up/0002-Pin-the-requirements.patch");
        }
        put(&env.co().join("app/requirements.txt"), "x\n");
        let run = env.changes_nothing(&["save", "up", "--into", "ray/0002"]).exits(2).one_error();
        run.says("up: 'ray/0002' is not a patch of 'up'").hints("patchq status up");
        env.changes_nothing(&["save", "--into", "-build"]).exits(2);
    }

    fn into_a_wrong_patch(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        env.changes_nothing(&["save", "--into", "0009"]).exits(2).one_error().hints("patchq status up");
        env.changes_nothing(&["save", "--into", "000"]).exits(2).one_error().says("up: '000' may be 0001-Build-on-bullseye.patch or 0002-");
    }

    fn only_some_paths(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        edit(env, "docs/guide.md", "short\n");
        fs::remove_file(env.co().join("app/run.sh")).unwrap();
        env.changes_nothing(&["save", "-m", "Why", "--", "lib"]).exits(1).one_error().says("up: no change at 'lib'").hints("git -C up status");
        env.patchq(&["save", "-m", "Docs", "--", "docs"]).ok().says_not("app/main.py");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/main.py\n D app/run.sh");
        env.patchq_in(&env.co().join("app"), &["save", "-m", "Main", "--", "main.py"]).ok();
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " D app/run.sh");
        assert_eq!(env.queue()[3..], ["0004-docs.patch", "0005-main.patch"]);
        assert!(!env.exists("ws/up/app/run.sh"));
        env.patchq(&["save", "-m", "Run"]).ok();
        comes_back(env);
    }

    fn many_new_files(env) {
        env.ready();
        for n in 0..51 {
            edit(env, &format!("app/many/{n}"), "x\n");
        }
        env.changes_nothing(&["save", "-m", "Many"]).exits(1).one_error().says("51 files are new").hints("--all");
        fs::remove_file(env.co().join("app/many/50")).unwrap();
        env.patchq(&["save", "-m", "Fifty"]).ok();
        comes_back(env);
    }

    fn a_large_new_file(env) {
        env.ready();
        edit(env, "app/large", vec![b'x'; 1024 * 1024 + 1]);
        env.changes_nothing(&["save", "-m", "Large"]).exits(1).one_error().says("app/large").hints("--all");
        env.patchq(&["save", "-m", "Large", "--all"]).ok();
        edit(env, "app/limit", vec![b'y'; 1024 * 1024]);
        env.patchq(&["save", "-m", "At the limit"]).ok();
        comes_back(env);
    }

    fn every_kind_of_change(env) {
        env.ready();
        let co = env.co();
        fs::remove_dir_all(co.join("docs")).unwrap();
        fs::rename(co.join("app/main.py"), co.join("app/prog.py")).unwrap();
        set_mode(&co.join("app/run.sh"), 0o644);
        set_mode(&co.join("app/requirements.txt"), 0o755);
        fs::remove_file(co.join("app/start.py")).unwrap();
        symlink("prog.py", co.join("app/start.py")).unwrap();
        symlink("../nowhere", co.join("app/dangling")).unwrap();
        edit(env, "app/icon.bin", [0, 255, 1, 254, 10, 13]);
        edit(env, "app/new.bin", (0..=255).collect::<Vec<u8>>());
        edit(env, "app/windows.txt", "one\r\nTWO\r\nthree\r\n");
        edit(env, "app/mixed.txt", "a\r\nb\nc\r");
        edit(env, "app/no newline", "no newline");
        edit(env, "app/empty", "");
        edit(env, "app/ü ñ \"q\" \\ 'x'\t.txt", "odd\n");
        edit(env, "app/-leading", "dash\n");
        let patch = "0004-everything.patch";
        env.patchq(&["save", "-m", "Everything"]).ok().says(patch);
        comes_back(env);
        // Any git applies the patch, without patchq.
        env.git(&env.root, &["-c", "core.autocrlf=false", "clone", "-q", "-c", "core.autocrlf=false", "-c", "core.splitIndex=false", "up.git", "am"]);
        let am = env.path("am");
        env.git(&am, &["checkout", "-q", "-B", "am", "v1.0"]);
        let patches: Vec<String> = env.queue().iter().map(|name| env.path("ws/patches/up").join(name).display().to_string()).collect();
        let mut args = vec!["am", "-q", "--keep-cr"];
        args.extend(patches.iter().map(String::as_str));
        env.git(&am, &args);
        assert_eq!(env.git(&am, &["rev-parse", "HEAD^{tree}"]), env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]));
    }

    fn from_inside_the_checkout(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        env.patchq_in(&env.co().join("app"), &["save", "-m", "Inside"]).ok().says("0004-inside.patch");
        comes_back(env);
    }

    fn staged_changes_are_changes(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        edit(env, "app/added.py", "added\n");
        env.git(&env.co(), &["add", "-A"]);
        env.git(&env.co(), &["rm", "-q", "docs/guide.md"]);
        env.patchq(&["save", "-m", "Staged"]).ok();
        comes_back(env);
    }

    fn what_is_staged_elsewhere_stays_staged(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        edit(env, "app/added.py", "added\n");
        env.git(&env.co(), &["add", "-A"]);
        env.git(&env.co(), &["rm", "-q", "docs/guide.md"]);
        edit(env, "app/main.py", "and again\n");
        edit(env, "app/meant.py", "meant\n");
        env.git(&env.co(), &["add", "-N", "app/meant.py"]);
        edit(env, "app/new.py", "new\n");
        let said = |args: &[&str]| env.git(&env.co(), args);
        let (staged, index) = (said(&["diff", "--cached"]), said(&["write-tree"]));
        env.patchq(&["save", "-m", "New", "--", "app/new.py"]).ok();
        assert_eq!(said(&["diff", "--cached"]), staged);
        assert_ne!(said(&["write-tree"]), index);
        assert_eq!(said(&["status", "--porcelain"]), "A  app/added.py\nMM app/main.py\n A app/meant.py\nD  docs/guide.md");
        // After `git add -N` alone nothing is staged that could be lost.
        env.patchq(&["save", "-m", "Meant", "--", "app/meant.py"]).ok();
        // A saved path with content that is only in the index would lose it.
        env.changes_nothing(&["save", "-m", "Main", "--", "app/main.py"]).exits(1).one_error().says("app/main.py: it has staged changes");
        env.git(&env.co(), &["add", "app/main.py"]);
        env.patchq(&["save", "-m", "The rest"]).ok();
        comes_back(env);
    }

    fn what_is_staged_where_newer_files_change_is_in_the_way(env) {
        env.ready();
        edit(env, "docs/guide.md", "staged\n");
        env.git(&env.co(), &["add", "docs/guide.md"]);
        env.git(&env.co(), &["restore", "-s", "HEAD", "docs/guide.md"]);
        edit(env, "app/new.py", "new\n");
        crate::who::files_change(env);
        env.changes_nothing(&["save", "-m", "New", "--", "app/new.py"]).exits(1).one_error().says("docs/guide.md: it has staged changes");
        env.git(&env.co(), &["reset", "-q", "docs/guide.md"]);
        env.patchq(&["save", "-m", "New", "--", "app/new.py"]).ok();
        comes_back(env);
    }

    fn the_only_changed_one_of_several(env) {
        let up = env.workspace();
        env.write("ws/upstreams.toml", format!("{}[upstream.two]\nurl = \"../up.git\"\nsparse = [\"docs\"]\n", env.read("ws/upstreams.toml")));
        env.entry("two", &up.pin, None, &[]);
        env.write("ws/.gitignore", "/up/\n/two/\n");
        env.patchq(&["setup"]).ok();
        env.write("ws/two/docs/guide.md", "two\n");
        env.patchq(&["save", "-m", "Only two"]).ok().says("two: the only checkout with changes");
        assert!(env.exists("ws/patches/two/0001-only-two.patch"));
        env.write("ws/two/docs/guide.md", "three\n");
        edit(env, "docs/guide.md", "three\n");
        env.changes_nothing(&["save", "-m", "Which"]).exits(2).one_error().says("up, two").hints("patchq save up");
        env.patchq_in(&env.path("ws/two"), &["save", "-m", "This one"]).ok();
        assert!(env.exists("ws/patches/two/0002-this-one.patch"));
        assert_eq!(env.queue().len(), 3);
    }

    fn nobody(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        let config = env.read("home/.gitconfig");
        env.write("home/.gitconfig", config.replace("[user]", "[nobody]"));
        env.changes_nothing(&["save", "-m", "Why"]).exits(1).one_error().hints("git config --global user.name");
        env.git(&env.co(), &["config", "user.name", "Local"]);
        env.git(&env.co(), &["config", "user.email", "l@example.org"]);
        env.patchq(&["save", "-m", "Why"]).ok();
        assert!(env.read("ws/patches/up/0004-why.patch").contains("From: Local <l@example.org>"));
    }

    fn wrong_usage(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        env.changes_nothing(&["save"]).exits(2).says("--message");
        env.changes_nothing(&["save", "-m", ""]).exits(2);
        env.changes_nothing(&["save", "upp", "-m", "x"]).exits(2).one_error().hints("'up'");
        env.changes_nothing(&["save", "-m", "x", "--", "../outside"]).exits(2).one_error();
    }

    fn saved_committed_and_cloned_elsewhere(env) {
        env.ready();
        edit(env, "app/main.py", "import util\n");
        edit(env, "app/windows.txt", "one\r\nTWO\r\nthree\r\n");
        env.patchq(&["save", "-m", "Edit"]).ok();
        env.commit_workspace("An edit");
        let head = env.head();
        env.git(&env.root, &["clone", "-q", "ws", "elsewhere"]);
        let elsewhere = env.path("elsewhere");
        env.patchq_in(&elsewhere, &["setup", "."]).ok();
        assert_eq!(env.git(&elsewhere.join("up"), &["rev-parse", "HEAD"]), head);
        assert_eq!(env.read("elsewhere/up/app/main.py"), "import util\n");
        assert_eq!(env.read("elsewhere/up/app/windows.txt"), "one\r\nTWO\r\nthree\r\n");
        assert_eq!(env.git(&elsewhere.join("up"), &["status", "--porcelain"]), "");
        assert_eq!(env.git(&elsewhere, &["status", "--porcelain"]), "");
    }
}
