//! Stores that belong to another user: git's `safe.directory` decides, in any settings file.

use std::os::unix::fs::chown;
use std::path::Path;

use super::support::{Env, in_both_worlds, put};

/// Gives the folder and everything below it to another user. `false` if this process may not.
fn give_away(folder: &Path) -> bool {
    let all = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.unwrap());
    all.into_iter().all(|entry| chown(entry.path(), Some(4711), None).is_ok())
}

/// Makes a workspace whose store belongs to another user; `None`: only root can do that.
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
fn another_users_store(env: &Env) -> Option<std::path::PathBuf> {
    env.ready();
    let store = env.ws().join(".git/patchq/up.git");
    let done = give_away(&store);
    if !done {
        eprintln!("skipped: only root can give a store to another user");
    }
    done.then_some(store)
}

in_both_worlds! {
    fn another_users_store_is_refused(env) {
        let Some(store) = another_users_store(env) else { return };
        put(&env.co().join("app/main.py"), "import util\n");
        let before = env.read("ws/up/app/main.py");
        for command in [&["setup", "up"][..], &["save", "up", "-m", "Why"], &["export", "up"]] {
            let run = env.patchq(command).exits(1).one_error();
            let run = run.says("up.git belongs to another user, and git's setting safe.directory does not name it");
            run.hints("git config --global --add safe.directory").hints("or run as the user who owns it");
        }
        assert_eq!(env.read("ws/up/app/main.py"), before);
        // Commands without the store work.
        env.patchq(&["tag", "up"]);
        assert!(store.exists());
    }

    fn safe_directory_counts_wherever_it_is_set(env) {
        let Some(store) = another_users_store(env) else { return };
        let store = store.canonicalize().unwrap();
        let name = store.to_str().unwrap();
        env.write("other/config", format!("{}[safe]\n\tdirectory = {name}\n", env.read("home/.gitconfig")));
        let other = env.path("other/config");
        let count = [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", name)];
        let global = [("GIT_CONFIG_GLOBAL", other.to_str().unwrap())];
        let all = [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "safe.directory"), ("GIT_CONFIG_VALUE_0", "*")];
        let elsewhere = [count[0], count[1], ("GIT_CONFIG_VALUE_0", "/elsewhere")];
        for vars in [&count[..], &global, &all] {
            env.patchq_with(&env.ws(), vars, &["setup", "up"]).exits(0);
        }
        env.patchq_with(&env.ws(), &elsewhere, &["setup", "up"]).exits(1).one_error();
    }
}
