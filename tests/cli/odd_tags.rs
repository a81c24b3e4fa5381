//! Tags that point at a tree or a blob: upstreams have them (Linux's `v2.6.11-tree`), and they are not versions.

use super::shared::server::{Mode, Server};
use super::support::{Env, Upstream, git_at, in_both_worlds};

/// Makes the usual upstream with one more commit, so that the tip of `main` has no tag, and with such tags.
fn odd(env: &Env) -> String {
    env.workspace();
    let up = env.path("up.git");
    let git = |args: &[&str]| git_at(&up, 60, args);
    let tree = git(&["rev-parse", "main^{tree}"]);
    let next = git(&["commit-tree", "-p", "main", "-m", "One more", &tree]);
    git(&["update-ref", "refs/heads/main", &next]);
    for (name, what) in [("a-tree", "main^{tree}"), ("a-blob", "v1.0:app/Dockerfile"), ("v7.0", "v1.0:app")] {
        git(&["tag", name, what]);
    }
    for (name, what) in [("an-annotated-tree", "v1.0^{tree}"), ("v8.0", "v1.0:docs"), ("v9.0", "v1.0:README.md")] {
        git(&["tag", "-a", "-m", "x", name, what]);
    }
    git(&["tag", "-a", "-m", "x", "a-tag-of-a-tag", "an-annotated-tree"]);
    next
}

in_both_worlds! {
    fn odd_tags_keep_nobody_from_adding_and_refreshing(env) {
        let next = odd(env);
        let described = format!("v1.1-1-g{}", &next[..8]);
        for mode in [None, Some(Mode::Filters), Some(Mode::NoFilters), Some(Mode::Strict), Some(Mode::StrictFilters)] {
            let server = mode.map(|mode| Server::start(&env.root, mode));
            let url = server.as_ref().map_or("../up.git".to_owned(), |server| server.url("up.git"));
            let ws = env.path(format!("new{mode:?}"));
            std::fs::create_dir(&ws).unwrap();
            env.patchq_in(&ws, &["init"]).ok();
            env.patchq_in(&ws, &["add", "up", &url, "--track", "main"]).ok();
            assert_eq!(std::fs::read_to_string(ws.join("commits/up.version.txt")).unwrap().trim(), described, "{mode:?}");
            if mode == Some(Mode::StrictFilters) {
                continue;
            }
            // And with the history available.
            env.patchq_in(&ws, &["refresh", "up", "--to", "v1.0", "--allow-older"]).ok();
            env.patchq_in(&ws, &["refresh", "up"]).ok();
            assert_eq!(std::fs::read_to_string(ws.join("commits/up.txt")).unwrap().trim(), next, "{mode:?}");
            env.patchq_in(&ws, &["outdated"]).ok();
            env.patchq_in(&ws, &["verify"]).ok();
            env.patchq_in(&ws, &["refresh", "up", "--to", "v1.0", "--once", "--allow-older", "--offline"]).ok();
        }
    }

    fn a_glob_passes_over_what_is_no_commit(env) {
        odd(env);
        let up = Upstream::usual();
        let manifest = env.read("ws/upstreams.toml").replace("\"main\"", "\"v*\"");
        env.write("ws/upstreams.toml", manifest);
        env.patchq(&["setup"]).ok();
        env.patchq(&["refresh"]).ok();
        assert_eq!(env.read("ws/commits/up.txt").trim(), up.next);
        env.patchq(&["outdated"]).ok();
        let ws = env.path("new");
        std::fs::create_dir(&ws).unwrap();
        env.patchq_in(&ws, &["init"]).ok();
        env.patchq_in(&ws, &["add", "up", "../up.git", "--track", "v*"]).ok();
        assert_eq!(std::fs::read_to_string(ws.join("commits/up.txt")).unwrap().trim(), up.next);
    }

    fn a_tag_on_a_tree_that_is_asked_for_is_named_as_such(env) {
        odd(env);
        env.patchq(&["setup"]).ok();
        for tag in ["a-tree", "an-annotated-tree", "v8.0"] {
            env.changes_nothing(&["refresh", "--to", tag, "--once"]).exits(1).one_error().says("is a tree, not a commit");
        }
        env.changes_nothing(&["refresh", "--to", "a-blob", "--once"]).exits(1).one_error().says("is a blob, not a commit");
        for tag in ["a-tree", "v9.0"] {
            let manifest = env.read("ws/upstreams.toml").replace("\"main\"", &format!("\"{tag}\""));
            env.write("ws/upstreams.toml", &manifest);
            env.changes_nothing(&["refresh"]).exits(1).one_error().says("not a commit");
            env.write("ws/upstreams.toml", manifest.replace(&format!("\"{tag}\""), "\"main\""));
        }
    }
}
