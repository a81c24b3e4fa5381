//! Changes by others while a refresh runs.

use std::process::Stdio;

use super::bench::{all, assert_all_same, assert_in_step};
use crate::support::{Env, Run, assert_same, executable, in_both_worlds, put};

/// Runs a refresh during whose first fetch `script` runs, in the workspace.
fn while_fetching(env: &Env, script: &str) -> Run {
    let git = env.path("bin/git");
    put(
        &git,
        format!(
            "#!/bin/sh\ncase \" $* \" in *' fetch '*) if [ ! -e '{mark}' ]; then : > '{mark}'; (cd '{ws}'; {script}) >&2; fi;; esac\nexec git \"$@\"\n",
            mark = env.path("ran").display(),
            ws = env.ws().display(),
        ),
    );
    executable(&git);
    let run = env.patchq_with(&env.ws(), &[("PATCHQ_GIT", git.to_str().unwrap())], &["refresh"]);
    assert!(env.exists("ran"), "nothing was fetched: {}", run.shown());
    run
}

in_both_worlds! {
    fn a_patch_file_is_edited_meanwhile(env) {
        env.ready();
        let (before, refs) = (env.files(), env.refs());
        let run = while_fetching(env, "echo >> patches/up/0002-Pin-the-requirements.patch").exits(1).one_error();
        run.says("up: the patch files changed while this command ran; run it again");
        let changed = before.differences(&env.files());
        assert!(changed.len() == 1 && changed[0].contains("patches/up/0002"), "{changed:?}");
        assert_eq!(env.refs(), refs);
        env.patchq(&["refresh"]).ok();
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
    }

    fn the_pin_is_moved_meanwhile(env) {
        let up = env.ready();
        let run = while_fetching(env, &format!("echo {} > commits/up.txt", up.next)).exits(1).one_error();
        run.says("changed while");
        assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", up.next));
    }

    fn a_commit_is_made_meanwhile(env) {
        env.ready();
        let before = env.files();
        let commit = "unset PATCHQ_TEST_BY_USER; GIT_CONFIG_GLOBAL=/dev/null git -C up -c user.name=M -c user.email=m@example.org commit -q --allow-empty -m Mine";
        let run = while_fetching(env, commit).exits(1).one_error();
        run.says("up: the checkout has 1 commit not exported yet").hints("patchq export up");
        assert_same(&before, &env.files(), "after refresh");
        assert_eq!(env.git(&env.co(), &["log", "-1", "--format=%s"]), "Mine");
    }

    fn a_file_of_the_checkout_is_edited_meanwhile(env) {
        env.ready();
        let run = while_fetching(env, "echo mine >> up/app/main.py").exits(1).one_error();
        run.says("up: the checkout has uncommitted changes:").says("app/main.py").hints("patchq save up");
        assert!(env.read("ws/up/app/main.py").ends_with("mine\n"));
        assert_eq!(env.read("ws/commits/up.version.txt"), "v1.0\n");
    }

    fn the_manifest_is_edited_meanwhile(env) {
        env.ready();
        while_fetching(env, "echo '# mine' >> upstreams.toml").ok();
        assert!(env.read("ws/upstreams.toml").ends_with("# mine\n"));
        env.patchq(&["refresh", "--track", "v1.*"]).ok();
        let manifest = env.read("ws/upstreams.toml");
        assert!(manifest.contains("v1.*") && manifest.ends_with("# mine\n"), "{manifest}");
        assert_in_step(env);
    }

    fn two_at_once_move_it_once(env) {
        env.ready();
        // The objects are fetched before: two git programs cannot both fetch into one shallow store.
        env.patchq(&["refresh"]).ok();
        env.patchq(&["undo"]).ok();
        let before = all(env);
        let spawn = || {
            let mut command = env.command(&env.ws(), &["refresh"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children = [spawn(), spawn(), spawn()];
        let mut moved = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            let run = Run::of("patchq refresh".to_owned(), &output);
            match run.code {
                Some(0) if run.stderr.contains("moved to v1.1") => moved += 1,
                // The change came after everything was done.
                Some(0) => drop(run.says("already")),
                // Or the refresh had read the files before, and found other ones under the lock.
                _ => drop(run.exits(1).one_error().says("changed while")),
            }
        }
        assert_eq!(moved, 1);
        assert_in_step(env);
        env.patchq(&["undo"]).ok();
        assert_all_same(&before, env, "after undo");
        env.changes_nothing(&["undo"]).exits(1).says("nothing to undo");
    }
}
