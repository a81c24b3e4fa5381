//! Hints for the folder of the user's shell, with names that a shell would split.

use super::support::{Env, in_both_worlds, put};

in_both_worlds! {
    /// In a checkout, in a folder beside the workspace, with `-C`: pasted hints work.
    fn a_hint_can_be_pasted_where_it_is_read(env) {
        env.ready();
        env.git(&env.co(), &["switch", "-q", "-c", "topic"]);
        let hint = |dir: &str, args: &[&str]| {
            let run = env.patchq_in(&env.path(dir), args).exits(1);
            run.stderr.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap().to_owned()
        };
        assert_eq!(hint("ws", &["export"]), "git -C up switch patchq");
        assert_eq!(hint("ws/patches/up", &["export"]), "git -C ../../up switch patchq");
        assert_eq!(hint("", &["-C", "ws", "export"]), "git -C ws/up switch patchq");
        let pasted = hint("ws/up/app", &["export", "up"]);
        assert_eq!(pasted, "git -C .. switch patchq");
        env.git_command(&env.path("ws/up/app"), &shlex::split(&pasted).unwrap()[1..]).status().unwrap();
        env.patchq(&["export"]).ok();
        put(&env.co().join("app/main.py"), "changed\n");
        env.write("ws/patches/up/0009-x.patch", "--- /dev/null\n+++ b/app/x\n@@ -0,0 +1 @@\n+x\n");
        assert_eq!(hint("", &["-C", "ws", "apply"]), "patchq -C ws save up -m \"why\"");
    }

    fn names_are_quoted(env) {
        env.ready();
        env.patchq(&["refresh", "up", "--to", "v1.1"]).ok();
        for (old, new) in [("0002-Pin-the-requirements.patch", "-x.patch"), ("0003-Answer-in-capitals.patch", "it's 3.patch")] {
            let queue = env.path("ws/patches/up");
            std::fs::rename(queue.join(old), queue.join(new)).unwrap();
        }
        let run = env.patchq(&["refresh", "up", "--to", "v1.0", "--once", "--allow-drop=-x.patch", "--allow-drop", "it's 3.patch"]);
        let run = run.exits(1).says("is older");
        let hint = r"patchq refresh up --to v1.0 --once --allow-older --allow-drop=-x.patch --allow-drop 'it'\''s 3.patch'";
        assert!(run.stderr.ends_with(&format!("hint: {hint}\n")), "{}", run.shown());
        env.patchq(&shlex::split(hint).unwrap()[1..]).ok();
        assert_eq!(env.read("ws/commits/up.version.txt"), "v1.0\n");
    }
}

/// Makes a fresh world with blanks in a folder's name.
#[test]
fn a_folder_with_blanks_is_one_word() {
    let env = Env::new();
    env.write("a b/ws dir/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\n");
    let run = env.patchq_in(&env.path("a b"), &["-C", "ws dir", "apply"]);
    run.exits(1).hints("patchq -C 'ws dir' add up --pin REV");
}

#[test]
fn a_new_workspace_elsewhere_is_named() {
    let env = Env::new();
    let run = env.patchq_in(&env.root, &["init", "new one"]).ok();
    run.hints("hint: git -C 'new one' init").hints("hint: patchq -C 'new one' add NAME URL");
    assert!(env.patchq_in(&env.root, &["-q", "init", "another"]).ok().stderr.is_empty());
}
