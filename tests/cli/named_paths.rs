//! Names in the manifest and on the command line: upstreams, paths, tracks, messages.

use super::support::{Env, executable, in_both_worlds, put};

const IMAGES: &str = "\
[[upstream.up.image]]
name = \"good\"
context = \"app\"
[[upstream.up.image]]
name = \"bad\"
context = \"apps\"
dockerfile = \"app/Dockerfil\"
";

fn with_slips(env: &Env) {
    env.workspace();
    let manifest = env.read("ws/upstreams.toml").replace("[\"app\", \"docs\"]", "[\"app\", \"doc\"]");
    env.write("ws/upstreams.toml", format!("{manifest}{IMAGES}"));
}

const SLIPS: [&str; 3] = [
    "sparse names 'doc', which is not there",
    "the image 'bad' has context = \"apps\", which is not there",
    "the image 'bad' has dockerfile = \"app/Dockerfil\", which is not there",
];

in_both_worlds! {
    fn paths_that_are_not_there_are_warned_of(env) {
        with_slips(env);
        let mut run = env.patchq(&["setup"]).ok();
        for slip in SLIPS {
            run = run.says(&format!("warning: up: {slip}"));
        }
        run.says_not("'good'").hints("see upstreams.toml:2");
        let json = env.patchq(&["setup", "--json"]).ok().json();
        let absent = &json["upstreams"][0]["absent"];
        assert_eq!(absent[1], serde_json::json!({"key": "context", "path": "apps", "image": "bad"}), "{absent}");
        let mut run = env.changes_nothing(&["verify"]).ok();
        for slip in SLIPS {
            run = run.prints(&format!("upstreams.toml:2: warning: {slip}"));
        }
        let json = env.changes_nothing(&["verify", "--json"]).ok().json();
        let kinds = json["findings"].as_array().unwrap().iter().filter(|found| found["kind"] == "path");
        assert_eq!(kinds.count(), 3, "{json}");
        env.patchq(&["setup", "--no-apply"]).ok().says_not("which is not there");
    }

    fn what_a_patch_brings_is_there_and_what_it_takes_is_no_slip(env) {
        let patch: &[u8] = b"diff --git a/old/x b/new/Dockerfile\nsimilarity index 100%\nrename from old/x\nrename to new/Dockerfile\n";
        let manifest = "sparse = [\"old\"]\n[[upstream.up.image]]\nname = \"i\"\ncontext = \"new\"\n";
        env.workspace_with(manifest, &[("old/x", b"FROM a\n")], &[("0001-move.patch", patch)]);
        env.patchq(&["setup"]).ok().says_not("which is not there");
        let json = env.changes_nothing(&["verify", "--json"]).json();
        assert!(json["findings"].as_array().unwrap().iter().all(|found| found["kind"] != "path"), "{json}");
    }

    fn setup_takes_the_name_of_an_upstream(env) {
        env.workspace();
        env.write("ws/upstreams.toml", format!("{}[upstream.two]\nurl = \"../up.git\"\n", env.read("ws/upstreams.toml")));
        env.patchq(&["setup", "up/"]).ok().says("up: 3 patches").says_not("two");
        env.changes_nothing(&["setup", "up"]).ok().says("up to date");
        env.changes_nothing(&["setup", "--only", "up"]).ok().says("up to date");
        // From below the root, too; `./NAME` is a folder.
        env.patchq_in(&env.path("ws/patches"), &["setup", "up"]).ok();
        env.changes_nothing(&["setup", "./up"]).exits(2).one_error();
        env.changes_nothing(&["setup", "two"]).exits(1).one_error().says("two: no pin");
    }

    fn a_pin_off_the_track_says_what_is_followed(env) {
        env.workspace();
        env.patchq(&["add", "two", "../up.git", "--pin", "v1.0"]).ok()
            .says("two: the pin is v1.0, but refresh will follow 'main', upstream's default branch").hints("--track");
        env.patchq(&["add", "three", "../up.git", "--pin", "v1.0", "--track", "v1.*"]).ok().says_not("default branch");
        env.patchq(&["add", "four", "../up.git"]).ok().says_not("default branch");
    }

    fn a_message_is_written_in_the_editor(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "import util\n");
        let edit = |name: &str, script: &str| {
            env.write(name, format!("#!/bin/sh\n{script}\n"));
            executable(&env.path(name));
            env.path(name).display().to_string()
        };
        let save = |editor: &str| {
            let vars = [("GIT_EDITOR", editor)];
            env.terminal_of((100, 30), &env.ws(), &vars, &["save", "up"]).end()
        };
        let before = env.state();
        save(&edit("nothing", "true")).exits(1);
        save(&edit("fails", "exit 3")).exits(1);
        assert_eq!(before.1, env.refs());
        let script = "cp \"$1\" \"$1.seen\"; cp \"$1\" $HOME/page; printf 'Use util\\n\\n# no\\nIt is there.\\n' > \"$1\"";
        save(&edit("good", script)).exits(0);
        let page = env.read("home/page");
        assert!(page.contains("#   modified   app/main.py\n"), "{page}");
        let patch = env.read("ws/patches/up/0004-use-util.patch");
        assert!(patch.contains("Subject: [PATCH] Use util\n\nIt is there.\n---\n"), "{patch}");
        // If nothing can be saved, no message is asked for; a written message is kept.
        save(&edit("never", "touch $HOME/opened")).exits(1);
        assert!(!env.exists("home/opened"));
    }
}
