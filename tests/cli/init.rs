//! `patchq init`.

use std::fs;

use crate::env::Env;

#[test]
fn a_folder_becomes_a_workspace_and_doing_it_again_changes_nothing() {
    let env = Env::bare();
    env.git(&["init", "-q"]);
    env.write("ws/.gitignore", "*.o\n");
    let out = env.run(&["init", "--json"]).ok();
    let document = out.json();
    assert_eq!(document["schema"], "patchq.init/1");
    assert_eq!(document["created"], serde_json::json!([".gitattributes", "upstreams.toml"]));
    assert_eq!((document["existed"].as_bool(), document["git"].as_bool()), (Some(false), Some(true)));
    assert_eq!(env.read("ws/.gitignore"), "*.o\n");
    assert!(env.read("ws/.gitattributes").contains("/patches/** -text\n"));
    let before = env.snapshot();
    let again = env.run(&["init"]).ok();
    assert!(again.stderr.contains("this is already a workspace; nothing changed"), "{}", again.stderr);
    assert_eq!(env.snapshot(), before);
}

#[test]
fn a_folder_outside_of_git_is_made_and_nothing_of_patchq_stays_in_it() {
    let env = Env::bare();
    let out = env.run(&["init", "new/place"]).ok();
    assert!(out.stderr.contains("this is not a git repository"), "{}", out.stderr);
    assert_eq!(env.read("ws/new/place/.gitignore"), "/.patchq/\n");
    assert!(!env.path("ws/new/place/.patchq").exists());
    let later = env.path("ws/new/place");
    env.git_in(&later, &["init", "-q"]);
    let out = env.run_in(&later, &["undo", "--list"]).ok();
    assert!(!out.stderr.contains("is not used"), "{}", out.stderr);
}

#[test]
fn what_ignore_files_lack_is_added_to_an_existing_workspace() {
    let env = Env::bare();
    env.write("ws/upstreams.toml", "# mine\n[upstream.up]\nurl = \"../srv/up.git\"\n");
    let out = env.run(&["init", "--json"]).ok();
    assert_eq!(out.json()["existed"], true);
    assert_eq!(env.read("ws/upstreams.toml"), "# mine\n[upstream.up]\nurl = \"../srv/up.git\"\n");
    assert_eq!(env.read("ws/.gitignore"), "/up/\n/.patchq/\n");
}

#[test]
fn places_that_can_be_no_workspace_are_refused() {
    let env = Env::new();
    env.run(&["add", "up", "../srv/up.git"]).ok();
    env.run(&["setup"]).ok();
    env.run(&["init", "up/docs"]).fails(2, &["is inside the checkout of 'up'", "hint: patchq init DIR"]);
    env.write("ws/file", "");
    env.run(&["init", "file"]).fails(1, &["cannot make the folder", "file"]);
    env.write("other/upstreams.toml", "[upstream.x]\nurl = 1\n");
    env.run(&["init", "../other"]).fails(1, &["upstreams.toml:2:7: 'url' is a number"]);
    fs::remove_file(env.path("other/upstreams.toml")).unwrap();
    std::os::unix::fs::symlink("../ws/upstreams.toml", env.path("other/upstreams.toml")).unwrap();
    env.run(&["init", "../other"]).fails(1, &["upstreams.toml is a symlink"]);
    assert!(!env.path("other/.gitignore").exists());
}

#[test]
fn killed_at_any_step_it_can_be_done_again() {
    for point in ["Stored(0)", "Recorded", "Committed", "Staged(0)", "Replaced(0)", "Replaced(1)", "Over"] {
        for git in [true, false] {
            let env = Env::bare();
            if git {
                env.git(&["init", "-q"]);
            }
            env.killed_at(point, &["init"]);
            env.run(&["init"]).ok();
            let names = env.snapshot().into_iter().map(|(path, _)| path.file_name().unwrap().to_owned());
            let expected = [".gitattributes", ".gitignore", "upstreams.toml"];
            let expected = if git { vec![".gitattributes", "upstreams.toml"] } else { expected.to_vec() };
            assert_eq!(names.collect::<Vec<_>>(), expected, "{point}");
        }
    }
}
