//! Tests the author of a patch: the one that `git commit` would use in the workspace.

use super::support::{Env, in_both_worlds, put};

/// Returns the `From:` line of a patch that is saved with these variables.
fn saved_by(env: &Env, vars: &[(&str, &str)]) -> String {
    let env = env.twin();
    put(&env.co().join("app/main.py"), "import util\n");
    let mut command = env.command(&env.ws(), &["save", "up", "-m", "Why"]);
    command.envs(vars.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = env.read("ws/patches/up/0004-why.patch");
    text.lines().find_map(|line| line.strip_prefix("From: ")).unwrap().to_owned()
}

in_both_worlds! {
    fn the_author_is_whom_git_would_take(env) {
        env.ready();
        env.write("other/config", "[user]\n\tname = Other\n\temail = other@example.org\n");
        let other = env.path("other/config");
        let count = [
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "user.email"),
            ("GIT_CONFIG_VALUE_0", "counted@example.org"),
            ("GIT_CONFIG_KEY_1", "author.name"),
            ("GIT_CONFIG_VALUE_1", "Counted"),
        ];
        assert_eq!(saved_by(env, &[]), "Maintainer <me@example.org>");
        assert_eq!(saved_by(env, &count), "Counted <counted@example.org>");
        let global = [("GIT_CONFIG_GLOBAL", other.to_str().unwrap())];
        assert_eq!(saved_by(env, &global), "Other <other@example.org>");
        // Neither a hook's variables nor the store's settings have an effect.
        let hook = [("GIT_DIR", "/nowhere"), ("GIT_INDEX_FILE", "/nowhere/index"), ("GIT_WORK_TREE", "/nowhere")];
        assert_eq!(saved_by(env, &hook), "Maintainer <me@example.org>");
        let more = [("GIT_AUTHOR_NAME", "Variable"), ("GIT_AUTHOR_EMAIL", "variable@example.org")];
        assert_eq!(saved_by(env, &[&count[..], &more].concat()), "Variable <variable@example.org>");
        env.git(&env.ws(), &["config", "user.email", "here@example.org"]);
        assert_eq!(saved_by(env, &[]), "Maintainer <here@example.org>");
        assert_eq!(saved_by(env, &hook), "Maintainer <here@example.org>");
        env.git(&env.ws(), &["config", "--unset", "user.email"]);
        let home = env.read("home/.gitconfig");
        env.write("home/work", "[user]\n\temail = work@example.org\n");
        // For every folder called `ws`, in this world and its twins.
        env.write("home/.gitconfig", format!("{home}[includeIf \"gitdir:**/ws/.git\"]\n\tpath = {}\n", env.path("home/work").display()));
        let included = env.path("home/.gitconfig");
        assert_eq!(saved_by(env, &[("GIT_CONFIG_GLOBAL", included.to_str().unwrap())]), "Maintainer <work@example.org>");
    }

    fn without_an_address_nobody_is_made_up(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "import util\n");
        env.write("home/name", "[user]\n\tname = Nameless\n");
        let name = env.path("home/name");
        let vars = [("GIT_CONFIG_GLOBAL", name.to_str().unwrap())];
        let run = env.patchq_with(&env.ws(), &vars, &["save", "up", "-m", "Why"]).exits(1).one_error();
        run.says("git does not know who you are").hints("git config --global user.name");
        assert_eq!(saved_by(env, &[vars[0], ("EMAIL", "mail@example.org")]), "Nameless <mail@example.org>");
    }
}
