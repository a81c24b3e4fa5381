//! Things around patchq: another patchq, a git hook, a linked worktree, a subfolder of a repository.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::support::{Env, assert_same, executable, in_both_worlds, put};
use super::who::{commits_change, files_change};

in_both_worlds! {
    fn a_second_patchq_waits_and_says_so(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "import util\n");
        // The first one stops in the middle of its step, with the lock held: its list of points is a pipe without a
        // reader.
        let pipe = env.path("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let mut first = env.command(&env.ws(), &["save", "up", "-m", "First"]);
        let mut first = first.env("PATCHQ_TEST_LIST_POINTS", &pipe).stderr(Stdio::null()).spawn().unwrap();
        let lock = env.ws().join(".git/patchq/up.lock");
        while fs::read(&lock).map_or(true, |text| text.is_empty()) {
            std::thread::yield_now();
        }
        let mut second = env.command(&env.ws(), &["export"]);
        let mut second = second.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(second.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.contains("waiting for") && line.contains("save"), "{line}");
        // Now the pipe is read until the first one ends; a read may find nothing between two writers.
        let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = over.clone();
        let reader = std::thread::spawn(move || {
            while !seen.load(std::sync::atomic::Ordering::SeqCst) && fs::read(&pipe).is_ok() {}
        });
        while first.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        assert!(first.wait().unwrap().success());
        assert!(second.wait().unwrap().success());
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        // Wakes the reader, in case it waits for another writer.
        drop(fs::OpenOptions::new().read(true).write(true).open(env.path("pipe")));
        drop(reader);
        assert!(env.exists("ws/patches/up/0004-first.patch"));
        env.changes_nothing(&["setup"]).ok();
    }

    fn from_a_hook_of_the_workspace(env) {
        env.ready();
        commits_change(env);
        // The variables that git sets for a hook name the workspace's own repository and index.
        let index = env.path("ws/.git/index");
        let before = fs::read(&index).unwrap();
        let vars = [
            ("GIT_DIR", env.path("ws/.git").display().to_string()),
            ("GIT_INDEX_FILE", index.display().to_string()),
            ("GIT_WORK_TREE", env.ws().display().to_string()),
            ("GIT_OBJECT_DIRECTORY", env.path("ws/.git/objects").display().to_string()),
            ("GIT_PREFIX", String::new()),
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            ("GIT_CONFIG_KEY_0", "core.bare".to_owned()),
            ("GIT_CONFIG_VALUE_0", "true".to_owned()),
        ];
        let vars: Vec<(&str, &str)> = vars.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let run = |args: &[&str]| env.patchq_with(&env.ws(), &vars, args);
        run(&["export"]).ok().says("0004-print-more.patch");
        files_change(env);
        fs::rename(env.path("ws/patches/up/0004-greet.patch"), env.path("ws/patches/up/0005-greet.patch")).unwrap();
        run(&["setup"]).ok().says("5 patches");
        put(&env.co().join("app/run.sh"), "#!/bin/sh\n");
        run(&["save", "-m", "Run"]).ok();
        run(&["undo"]).ok();
        assert_eq!(fs::read(&index).unwrap(), before, "the workspace's index was touched");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/run.sh");
        // A real one, for the first setup.
        let fresh = env.path("fresh");
        env.git(&env.root, &["clone", "-q", "ws", "fresh"]);
        put(&env.path("own-hooks/post-commit"), format!("#!/bin/sh\nunset PATCHQ_TEST_BY_USER\nexec '{}' -q setup\n", env!("CARGO_BIN_EXE_patchq")));
        executable(&env.path("own-hooks/post-commit"));
        let hooks = format!("core.hooksPath={}", env.path("own-hooks").display());
        env.git(&fresh, &["-c", &hooks, "commit", "-q", "--allow-empty", "-m", "Hook"]);
        assert_eq!(env.git(&fresh.join("up"), &["log", "-1", "--format=%s"]), "Answer in capitals");
        assert_eq!(env.git(&fresh, &["status", "--porcelain"]), "");
    }

    fn in_a_linked_worktree(env) {
        env.ready();
        let head = env.head();
        let before = env.state();
        env.git(&env.ws(), &["worktree", "add", "-q", "../linked", "-b", "side"]);
        let linked = env.path("linked");
        env.patchq_in(&linked, &["setup", "--offline"]).ok();
        assert_eq!(env.git(&linked.join("up"), &["rev-parse", "HEAD"]), head);
        assert_eq!(env.git(&linked.join("up"), &["status", "--porcelain"]), "");
        // Two worktrees never share a HEAD, an index, or patchq's refs.
        put(&linked.join("up/app/main.py"), "linked\n");
        env.patchq_in(&linked, &["save", "-m", "Linked"]).ok();
        assert!(linked.join("patches/up/0004-linked.patch").exists());
        let after = env.state();
        assert_same(&before.0, &after.0, "the main worktree's files");
        assert_eq!(before.1, after.1, "the main worktree's refs");
        let own = commits_change(env);
        env.git(&env.ws(), &["worktree", "remove", "--force", "../linked"]);
        env.git(&env.ws(), &["worktree", "prune"]);
        env.git(&env.co(), &["fsck", "--connectivity-only"]);
        assert_eq!(env.head(), own);
        env.patchq(&["export"]).ok();
        env.changes_nothing(&["setup"]).ok();
    }

    fn history_ends_at_the_pin_in_a_linked_worktree_too(env) {
        let up = env.workspace();
        env.entry("up", &up.next, Some("v1.1"), &[]);
        fs::remove_dir_all(env.path("ws/patches")).unwrap();
        env.commit_workspace("The second release");
        env.patchq(&["setup"]).ok();
        env.git(&env.ws(), &["worktree", "add", "-q", "../linked", "-b", "side"]);
        let linked = env.path("linked");
        env.patchq_in(&linked, &["setup", "--offline"]).ok();
        fs::rename(env.path("up.git"), env.path("away.git")).unwrap();
        assert_eq!(env.git(&linked.join("up"), &["log", "--format=%H"]), up.next);
        env.git(&linked.join("up"), &["fsck", "--no-progress"]);
    }

    fn a_workspace_in_a_subfolder(env) {
        let up = env.workspace();
        let ws = env.path("ws/sub/er");
        fs::create_dir_all(&ws).unwrap();
        for name in ["upstreams.toml", "patches", "commits"] {
            fs::rename(env.ws().join(name), ws.join(name)).unwrap();
        }
        let manifest = fs::read_to_string(ws.join("upstreams.toml")).unwrap();
        put(&ws.join("upstreams.toml"), manifest.replace("../up.git", "../../../up.git"));
        put(&ws.join(".gitignore"), "/up/\n");
        env.patchq_in(&ws, &["setup", "."]).ok();
        assert_eq!(env.git(&ws.join("up"), &["rev-parse", "HEAD~3"]), up.pin);
        assert!(!ws.join(".patchq").exists());
        let head = env.git(&ws.join("up"), &["rev-parse", "HEAD"]);
        env.commit_workspace("In a subfolder");
        env.git(&env.ws(), &["clean", "-qffdx"]);
        assert!(!ws.join("up").exists());
        env.patchq_in(&ws, &["setup", "--offline"]).ok();
        assert_eq!(env.git(&ws.join("up"), &["rev-parse", "HEAD"]), head);
    }

    fn a_split_or_sparse_index_is_made_whole(env) {
        env.ready();
        let co = env.co();
        put(&co.join("docs/guide.md"), "staged\n");
        env.git(&co, &["add", "docs/guide.md"]);
        let staged = env.git(&co, &["diff", "--cached"]);
        env.git(&co, &["-c", "core.splitIndex=true", "update-index", "--split-index"]);
        env.patchq(&["status", "up"]).ok().says("up: the checkout's index was split or sparse and has been made a full index").prints("1 file changed");
        env.patchq(&["status"]).ok().says_not("has been made a full index");
        assert_eq!(env.git(&co, &["diff", "--cached"]), staged);
        env.git(&co, &["-c", "core.splitIndex=true", "update-index", "--split-index"]);
        env.patchq(&["save", "up", "-m", "Why"]).ok().says("has been made a full index").says("0004-why.patch");
        assert_eq!(env.git(&co, &["status", "--porcelain"]), "");
    }

    fn a_workspace_that_is_no_repository(env) {
        let up = env.workspace();
        fs::remove_dir_all(env.path("ws/.git")).unwrap();
        env.patchq(&["setup"]).ok();
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~3"]), up.pin);
        assert!(env.exists("ws/.patchq/up.git"));
        put(&env.co().join("app/main.py"), "import util\n");
        env.patchq(&["save", "-m", "Why"]).ok();
        env.patchq(&["setup"]).ok().says("up to date");
    }
}

/// Checks that the hostile world works: plain git, run as if patchq ran it, leaves marks of hooks, monitor and filters.
#[test]
fn the_traps_are_traps() {
    let env = Env::hostile();
    env.ready();
    put(&env.co().join("app/icon.bin"), "new\n");
    put(&env.co().join("app/main.py"), "new\n");
    for args in [&["add", "-A"][..], &["-c", "commit.gpgSign=false", "commit", "-q", "-m", "x"]] {
        let mut git = env.git_command(&env.co(), args);
        assert!(git.env_remove("PATCHQ_TEST_BY_USER").status().unwrap().success());
    }
    let mark = env.read("mark");
    for trap in
        ["fsmonitor.sh", "filter clean", "hooks/pre-commit", "hooks/reference-transaction", "hooks/post-index-change"]
    {
        assert!(mark.contains(trap), "'{trap}' left no mark:\n{mark}");
    }
    fs::remove_file(env.path("mark")).unwrap();
}
