//! `patchq undo`.

use super::support::{Env, assert_same, in_both_worlds, put};
use super::who::{commits_change, files_change};

/// Returns everything that `undo` must restore: files, commits, and git's list of uncommitted changes.
fn all(env: &Env) -> (super::support::Snapshot, String, String, String) {
    let git = |args: &[&str]| env.git(&env.co(), args);
    let refs = env.refs().lines().filter(|line| !line.starts_with("refs/patchq/undo/")).collect::<Vec<_>>().join("\n");
    (env.files(), git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain", "-uall"]), refs)
}

/// Makes uncommitted changes of several kinds.
fn edited(env: &Env) {
    put(&env.co().join("app/main.py"), "import util\n");
    put(&env.co().join("app/new.py"), "new\n");
    put(&env.co().join("docs/meant.md"), "not yet\n");
    put(&env.co().join("app/windows.txt"), "one\r\nTWO\r\nthree\r\n");
    std::fs::remove_file(env.co().join("docs/guide.md")).unwrap();
}

/// Commits a path with plain git that [`edited`] leaves alone.
fn commits_change_elsewhere(env: &Env) {
    put(&env.co().join("app/requirements.txt"), "flask==2.0\n");
    env.git(&env.co(), &["commit", "-q", "-m", "Require less", "--", "app/requirements.txt"]);
}

/// Runs a command, then `undo`, and compares with before.
#[track_caller]
fn there_and_back(env: &Env, args: &[&str]) {
    let before = all(env);
    env.patchq(args).ok();
    assert_ne!(before, all(env), "{args:?} did nothing");
    env.patchq(&["undo"]).ok().says(&format!("undid '{}'", args[0]));
    let after = all(env);
    assert_same(&before.0, &after.0, "after undo");
    assert_eq!((before.1, before.2, before.3), (after.1, after.2, after.3), "after undo of {args:?}");
}

in_both_worlds! {
    fn a_save(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "import util\n");
        put(&env.co().join("app/new.py"), "new\n");
        std::fs::remove_file(env.co().join("docs/guide.md")).unwrap();
        there_and_back(env, &["save", "-m", "Why"]);
    }

    fn a_save_of_some_paths(env) {
        env.ready();
        edited(env);
        for path in ["app/new.py", "docs/guide.md", "app/main.py", "app/windows.txt"] {
            there_and_back(env, &["save", "-m", "Why", "--", path]);
        }
        env.git(&env.co(), &["checkout", "-q", "docs/guide.md"]);
        files_change(env);
        there_and_back(env, &["save", "-m", "Why", "--", "app/new.py"]);
        commits_change_elsewhere(env);
        env.git(&env.ws(), &["clean", "-fdq", "patches"]);
        there_and_back(env, &["save", "-m", "Why", "--", "app/new.py"]);
    }

    fn several_saves_of_some_paths(env) {
        env.ready();
        edited(env);
        let begun = all(env);
        env.patchq(&["save", "-m", "One", "--", "app/new.py"]).ok();
        let between = all(env);
        env.patchq(&["save", "-m", "Two"]).ok();
        for (saved, before) in [("patches/up/0005-two.patch", between), ("patches/up/0004-one.patch", begun)] {
            env.patchq(&["undo"]).ok().says(&format!("removed  {saved}")).says_not("restored");
            assert_same(&before.0, &all(env).0, "after undo");
            assert_eq!(before, all(env));
        }
    }

    fn with_uncommitted_changes_that_stay(env) {
        env.ready();
        commits_change_elsewhere(env);
        edited(env);
        there_and_back(env, &["export"]);
        // Staged changes stay staged.
        env.git(&env.co(), &["add", "app/new.py", "app/main.py"]);
        put(&env.co().join("app/main.py"), "and again\n");
        env.git(&env.co(), &["rm", "-q", "--cached", "app/run.sh"]);
        env.git(&env.co(), &["add", "-N", "docs/meant.md"]);
        let staged = env.git(&env.co(), &["diff", "--cached"]);
        there_and_back(env, &["export"]);
        assert_eq!(env.git(&env.co(), &["diff", "--cached"]), staged);
        there_and_back(env, &["save", "-m", "Why", "--", "app/windows.txt"]);
        assert_eq!(env.git(&env.co(), &["diff", "--cached"]), staged);
    }

    fn refused_when_what_stayed_was_edited(env) {
        env.ready();
        edited(env);
        env.patchq(&["save", "-m", "Why", "--", "app/new.py"]).ok();
        let refused = |path: &str| drop(env.changes_nothing(&["undo"]).exits(1).one_error().says(&format!("edited since ({path})")));
        let main = env.co().join("app/main.py");
        put(&main, "edited since\n");
        refused("app/main.py");
        env.git(&env.co(), &["checkout", "-q", "app/main.py"]);
        refused("app/main.py");
        put(&main, "import util\n");
        put(&env.co().join("docs/other.md"), "new\n");
        refused("docs/other.md");
        std::fs::remove_file(env.co().join("docs/other.md")).unwrap();
        // The saved file has another content that is only in the index.
        put(&env.co().join("app/new.py"), "staged\n");
        env.git(&env.co(), &["add", "app/new.py"]);
        put(&env.co().join("app/new.py"), "new\n");
        env.changes_nothing(&["undo"]).exits(1).one_error().says("app/new.py: it has staged changes");
        env.git(&env.co(), &["reset", "-q", "app/new.py"]);
        env.git(&env.co(), &["switch", "-q", "--detach"]);
        env.changes_nothing(&["undo"]).exits(1).one_error().says("not on the branch 'patchq'");
        env.git(&env.co(), &["switch", "-q", "patchq"]);
        env.patchq(&["undo"]).ok().says("removed  patches/up/0004-why.patch");
    }

    fn the_list_fits_the_screen(env) {
        env.ready();
        let subject = "A subject that is as long as a maintainer with much to say about it ever wrote one";
        put(&env.co().join("app/main.py"), "import util\n");
        env.patchq(&["save", "-m", subject]).ok();
        let list = env.patchq(&["undo", "--list"]).ok().stdout;
        assert!(list.starts_with("just now  up  save  patches/up/0004-a-subject-that-"), "{list}");
        commits_change(env);
        env.patchq(&["setup", "--discard"]).ok();
        let list = env.patchq(&["undo", "--list"]).ok().stdout;
        assert!(list.starts_with("just now  up  setup  only the checkout\n"), "{list}");
    }

    fn a_save_into(env) {
        env.ready();
        put(&env.co().join("app/requirements.txt"), "flask==2.0\njinja2==3.1.3\nrequests==2.31\nurllib3==2.1\n");
        there_and_back(env, &["save", "--into", "0002"]);
    }

    fn a_save_on_newer_files(env) {
        env.ready();
        files_change(env);
        put(&env.co().join("app/main.py"), "import util\n");
        there_and_back(env, &["save", "-m", "Why"]);
    }

    fn an_export(env) {
        env.ready();
        commits_change(env);
        there_and_back(env, &["export"]);
        files_change(env);
        there_and_back(env, &["export", "--merge"]);
        there_and_back(env, &["export", "--replace"]);
    }

    fn a_discard(env) {
        env.ready();
        commits_change(env);
        put(&env.co().join("app/new.py"), "new\n");
        put(&env.co().join("app/run.sh"), "#!/bin/sh\n");
        there_and_back(env, &["setup", "--discard"]);
        files_change(env);
        there_and_back(env, &["setup", "--discard"]);
    }

    fn a_discard_of_dropped_commits(env) {
        env.ready();
        env.git(&env.co(), &["reset", "-q", "--hard", "HEAD~1"]);
        let head = env.head();
        env.patchq(&["setup", "--discard"]).ok().says("discarded the checkout's commits").hints("patchq undo up");
        assert_ne!(env.head(), head);
        env.patchq(&["undo"]).ok().says("undid 'setup'");
        assert_eq!(env.head(), head);
    }

    fn no_discard_on_another_branch(env) {
        env.ready();
        env.git(&env.co(), &["switch", "-q", "-c", "topic"]);
        env.commit_in_checkout("app/main.py", "x\n", "Mine");
        env.changes_nothing(&["setup", "--discard"]).exits(1).one_error()
            .says("the checkout is on the branch 'topic'").hints("git -C up switch patchq");
    }

    fn refused_when_something_changed_since(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "import util\n");
        env.patchq(&["save", "-m", "Why"]).ok();
        let file = "ws/patches/up/0004-why.patch";
        let text = env.read(file);
        env.write(file, format!("{text}\n"));
        env.changes_nothing(&["undo"]).exits(1).one_error().says("0004-why.patch changed since");
        env.write(file, &text);
        let head = env.head();
        commits_change(env);
        env.changes_nothing(&["undo"]).exits(1).one_error().says("commits changed since");
        env.git(&env.co(), &["reset", "-q", "--hard", &head]);
        put(&env.co().join("README"), "new\n");
        env.changes_nothing(&["undo"]).exits(1).one_error().says("the checkout was edited since (README)");
        std::fs::remove_file(env.co().join("README")).unwrap();
        env.patchq(&["undo"]).ok();
        env.changes_nothing(&["undo"]).exits(1).one_error().says("nothing to undo");
    }

    fn without_a_checkout(env) {
        env.ready();
        commits_change(env);
        let before = env.queue();
        env.patchq(&["export"]).ok();
        std::fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["undo"]).ok();
        assert_eq!(env.queue(), before);
        env.patchq(&["setup"]).ok().says("up: restored with ");
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Print more");
    }

    fn several_in_a_row(env) {
        env.ready();
        let mut before = Vec::new();
        for n in 0..3 {
            before.push(env.files());
            put(&env.co().join("app/main.py"), format!("{n}\n"));
            env.patchq(&["save", "-m", &format!("Step {n}")]).ok();
        }
        let list = env.changes_nothing(&["undo", "--list"]).ok();
        assert_eq!(list.stdout.lines().count(), 3, "{}", list.shown());
        let json = env.changes_nothing(&["undo", "--list", "--json"]).ok().json();
        assert_eq!(json["changes"][0]["files"][0], "patches/up/0006-step-2.patch");
        for (n, wanted) in before.iter().enumerate().rev() {
            env.patchq(&["undo", "up"]).ok();
            assert_eq!(env.read("ws/up/app/main.py"), format!("{n}\n"));
            put(&env.co().join("app/main.py"), match n { 0 => "import util\n\nprint(util.answer())\n".to_owned(), n => format!("{}\n", n - 1) });
            assert_same(wanted, &env.files(), "after undo");
        }
    }

    fn with_several_upstreams_somebody_says_which(env) {
        two(env);
        env.patchq(&["save", "two", "-m", "Two"]).ok();
        env.patchq(&["undo", "two"]).ok().says("undid 'save'");
        env.patchq(&["save", "two", "-m", "Two"]).ok();
        env.patchq(&["save", "up", "-m", "One"]).ok();
        let before = env.state();
        let run = env.patchq(&["undo"]).exits(2).one_error();
        run.says("several upstreams have changes to undo, the last one is 'save' of up (just now); name one")
            .hints("patchq undo up     (save, just now)").hints("patchq undo two     (save, just now)");
        let json = env.patchq(&["undo", "--json"]).exits(2).json();
        assert_eq!(json["error"]["kind"], "usage");
        assert!(before == env.state());
        let list = env.patchq(&["undo", "--list"]).ok().stdout;
        let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
        assert_eq!(names, ["up", "two"], "{list}");
        env.patchq(&["undo", "two"]).ok().says("two: undid 'save'");
        // With a single change left there is no question.
        env.patchq(&["undo"]).ok().says("up: undid 'save'");
    }

    fn on_a_terminal_it_asks_which(env) {
        two(env);
        env.patchq(&["save", "two", "-m", "Two"]).ok();
        env.patchq(&["save", "up", "-m", "One"]).ok();
        let before = env.state();
        let mut terminal = env.terminal(&["undo"]);
        terminal.answer("undo 'save' of up (just now)?", "n");
        terminal.end().exits(0).left("nothing was undone");
        assert!(before == env.state());
        let mut terminal = env.terminal(&["undo"]);
        terminal.answer("undo 'save' of up (just now)?", "y");
        terminal.end().exits(0).left("up: undid 'save'");
    }

    fn nothing_yet(env) {
        env.ready();
        env.changes_nothing(&["undo"]).exits(1).one_error().says("nothing to undo");
        env.changes_nothing(&["undo", "--list"]).ok().says("nothing to undo");
    }
}

/// Makes two upstreams with a change in each checkout.
fn two(env: &Env) {
    let usual = env.workspace();
    let entry = env.read("ws/upstreams.toml").replace("[upstream.up]", "[upstream.two]");
    env.write("ws/upstreams.toml", format!("{}{entry}", env.read("ws/upstreams.toml")));
    env.entry("two", &usual.pin, Some("v1.0"), &usual.patches);
    env.write("ws/.gitignore", "/up/\n/two/\n");
    env.commit_workspace("Two");
    env.patchq(&["setup"]).ok();
    for name in ["up", "two"] {
        put(&env.path(format!("ws/{name}/app/main.py")), "import util\n");
    }
}

#[test]
fn twenty_are_kept() {
    let env = Env::new();
    env.ready();
    for n in 0..22 {
        put(&env.co().join("app/main.py"), format!("{n}\n"));
        env.patchq(&["save", "-m", &format!("Step {n}")]).ok();
    }
    let list = env.patchq(&["undo", "--list"]).ok();
    assert_eq!(list.stdout.lines().count(), 20, "{}", list.shown());
    for _ in 0..20 {
        env.patchq(&["undo"]).ok();
        env.git(&env.co(), &["checkout", "-q", "."]);
    }
    env.patchq(&["undo"]).exits(1).says("nothing to undo");
    assert_eq!(env.queue().len(), 5);
}

#[test]
fn the_list_fits_a_terminal() {
    let env = super::env::Env::new();
    env.run(&["add", "up", "../srv/up.git"]).ok();
    env.run(&["setup"]).ok();
    env.write("ws/up/Makefile", "one\n");
    for (key, value) in [("user.name", "Me"), ("user.email", "me@example.org")] {
        env.git_in(&env.path("ws/up"), &["config", key, value]);
    }
    env.run(&["save", "-m", "A subject that is as long as a maintainer with much to say about it ever wrote"]).ok();
    let (screen, code) = env.on_terminal(&["undo", "--list"], &[]);
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(code, 0, "{screen}");
    assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("just now  up  ")), "{screen}");
    assert!(
        lines[0].contains("save  patches/up/0001-a-subject-that-is-as-long") && lines[0].ends_with('…'),
        "{screen}"
    );
}
