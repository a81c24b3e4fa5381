//! Entries with the same url: each has its own store, and none fetches objects that another one has.

use std::fs;

use super::shared::server::{Mode, Server};
use super::support::{Env, in_both_worlds};

/// Makes the workspace with a second entry `two` at `second`, at `pin` and without a queue.
fn with_second(env: &Env, first: &str, second: &str, pin: &str) {
    let manifest = env.read("ws/upstreams.toml").replace("../up.git", first);
    let two = format!("[upstream.two]\nurl = \"{second}\"\nsparse = [\"app\", \"docs\"]\n");
    env.write("ws/upstreams.toml", format!("{manifest}\n{two}"));
    env.entry("two", pin, None, &[]);
    env.write("ws/.gitignore", "/up/\n/two/\n");
    env.commit_workspace("Two of them");
}

/// Checks that the checkout of `two` and its store are complete.
#[track_caller]
fn assert_whole(env: &Env, pin: &str) {
    let two = env.path("ws/two");
    let git = |args: &[&str]| env.git(&two, args);
    assert_eq!(git(&["log", "--format=%H"]), pin, "the pin is where history ends");
    assert_eq!(git(&["status", "--porcelain", "-uall"]), "");
    assert_eq!(git(&["fsck", "--no-dangling", "--no-progress"]), "");
    assert!(!env.exists("ws/.git/patchq/two.git/objects/info/alternates"));
}

in_both_worlds! {
    fn a_pin_that_a_neighbour_has_needs_no_network(env) {
        let up = env.workspace();
        let other = up.next.clone();
        with_second(env, "../up.git", "../up.git", &up.pin);
        env.entry("up", &other, Some("v1.1"), &[]);
        fs::remove_dir_all(env.path("ws/patches")).unwrap();
        env.write("ws/commits/two.txt", format!("{other}\n"));
        env.patchq(&["setup", "--only", "two", "--offline"]).exits(1).one_error().hints("--offline");
        env.patchq(&["setup", "--only", "up"]).ok();
        env.patchq(&["setup", "--only", "two", "--offline"]).ok();
        assert_whole(env, &other);
        fs::remove_dir_all(env.store()).unwrap();
        fs::remove_dir_all(env.co()).unwrap();
        assert_whole(env, &other);
        // And back again.
        env.patchq(&["setup", "--only", "up", "--offline"]).ok();
        assert_eq!(env.head(), other);
    }

    fn it_may_have_been_packed_by_plain_git(env) {
        let up = env.ready();
        with_second(env, "../up.git", "../up.git", &up.pin);
        env.git(&env.co(), &["gc", "-q"]);
        env.patchq(&["setup", "--only", "two", "--offline"]).ok();
        assert_whole(env, &up.pin);
        env.git(&env.path("ws/two"), &["gc", "-q"]);
        fs::remove_dir_all(env.store()).unwrap();
        assert_whole(env, &up.pin);
    }

    fn verify_takes_from_it_too(env) {
        let up = env.ready();
        with_second(env, "../up.git", "../up.git", &up.pin);
        env.write("ws/commits/two.version.txt", "v1.0\n");
        env.patchq(&["verify", "two", "--offline"]).ok();
        fs::remove_dir_all(env.store()).unwrap();
        fs::remove_dir_all(env.path("ws/.git/patchq/two.git")).unwrap();
        env.patchq(&["verify", "two"]).exits(1).one_error().hints("patchq setup --only two");
    }

    fn another_url_is_no_neighbour(env) {
        let up = env.ready();
        with_second(env, "../up.git", "../none.git", &up.pin);
        env.patchq(&["setup", "--only", "two", "--offline"]).exits(1).one_error().hints("--offline");
    }

    fn a_broken_one_is_passed_over(env) {
        let up = env.ready();
        with_second(env, "../up.git", "../up.git", &up.pin);
        env.write("ws/.git/patchq/up.git/config", "[broken");
        env.patchq(&["setup", "--only", "two"]).ok();
        assert_whole(env, &up.pin);
    }

    fn a_linked_worktree_takes_from_the_main_one(env) {
        let up = env.ready();
        with_second(env, "../up.git", "../up.git", &up.pin);
        env.git(&env.ws(), &["worktree", "add", "-q", "../linked", "-b", "side"]);
        let linked = env.path("linked");
        env.patchq_in(&linked, &["setup", "--only", "two", "--offline"]).ok();
        assert_eq!(env.git(&linked.join("two"), &["rev-parse", "HEAD"]), up.pin);
        assert_eq!(env.git(&linked.join("two"), &["fsck", "--no-dangling", "--no-progress"]), "");
    }
}

/// Returns how much a `setup --only two` transfers, and in how many requests.
fn second_setup(env: &Env, server: &Server) -> (usize, usize) {
    server.take_stats();
    env.patchq(&["setup", "--only", "two"]).ok();
    let stats = server.take_stats();
    (stats.bytes_out, stats.requests.len())
}

#[test]
fn beside_a_neighbour_only_what_differs_is_transferred() {
    for mode in [Mode::Filters, Mode::NoFilters] {
        let (alone, beside) = (Env::new(), Env::new());
        let mut bytes = Vec::new();
        for env in [&alone, &beside] {
            let up = env.workspace();
            let server = Server::start(&env.root, mode);
            let url = server.url("up.git");
            with_second(env, &url, &url, &up.next);
            if std::ptr::eq(env, &beside) {
                env.patchq(&["setup", "--only", "up"]).ok();
            }
            bytes.push(second_setup(env, &server).0);
            assert_whole(env, &up.next);
        }
        assert!(bytes[1] < bytes[0], "{mode:?}: {bytes:?}");
    }
}

#[test]
fn two_that_begin_together_ask_once() {
    for mode in [Mode::Filters, Mode::NoFilters, Mode::Strict] {
        let env = Env::new();
        let up = env.workspace();
        let server = Server::start(&env.root, mode);
        with_second(&env, &server.url("up.git"), &server.url("up.git"), &up.pin);
        env.patchq(&["setup", "--only", "up"]).ok();
        assert_eq!(second_setup(&env, &server), (0, 0), "{mode:?}");
        assert_whole(&env, &up.pin);

        let fresh = Env::new();
        fresh.workspace();
        with_second(&fresh, &server.url("up.git"), &server.url("up.git"), &up.pin);
        fresh.patchq(&["setup", "--only", "up"]).ok();
        let one = server.take_stats().requests.len();
        fs::remove_dir_all(fresh.store()).unwrap();
        fs::remove_dir_all(fresh.co()).unwrap();
        fresh.patchq(&["setup"]).ok();
        assert_eq!(server.take_stats().requests.len(), one, "{mode:?}");
        assert_whole(&fresh, &up.pin);
    }
}
