//! `patchq setup`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::shared::server::{Mode, Server};
use super::support::{Env, assert_same, git_at, in_both_worlds, put};

in_both_worlds! {
    fn makes_a_checkout_that_plain_git_likes(env) {
        let up = env.workspace();
        let before = env.git(&env.ws(), &["status", "--porcelain"]);
        env.patchq(&["setup", "."]).ok().says("3 patches").says("lib/util.py");
        let git = |args: &[&str]| env.git(&env.co(), args);
        assert_eq!(git(&["status", "--porcelain", "-uall"]), "");
        assert_eq!(git(&["sparse-checkout", "list"]), "/app/\n/docs/\n/lib/util.py");
        assert_eq!(git(&["log", "--format=%s"]), "Answer in capitals\nPin the requirements\nBuild on bullseye\nThe first release");
        assert_eq!(git(&["rev-parse", "HEAD~3"]), up.pin);
        assert_eq!(git(&["rev-parse", "--abbrev-ref", "HEAD"]), "patchq");
        assert!(git(&["describe", "--tags"]).starts_with("v1.0-3-g"));
        git(&["fsck", "--connectivity-only"]);
        git(&["sparse-checkout", "reapply"]);
        assert_eq!(git(&["status", "--porcelain", "-uall"]), "");
        assert_eq!(env.read("ws/up/version.txt"), "v1.0\n");
        assert!(env.read("ws/up/app/Dockerfile").starts_with("FROM python:3.8-bullseye\n"));
        assert!(!env.exists("ws/up/lib/more.py") && !env.exists("ws/up/other"));
        assert_eq!(env.git(&env.ws(), &["status", "--porcelain"]), before);
    }

    fn twice_changes_nothing(env) {
        env.ready();
        let before = env.state();
        env.patchq(&["setup"]).ok().says("up to date");
        env.patchq(&["apply"]).ok().says("up to date");
        env.patchq(&["export"]).ok().says("nothing to export");
        let after = env.state();
        assert_same(&before.0, &after.0, "after setup, apply and export");
        assert_eq!(before.1, after.1);
    }

    fn removed_and_cleaned_it_comes_back_offline(env) {
        env.ready();
        let (head, files) = (env.head(), env.files());
        fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["setup", "--offline"]).ok();
        assert_same(&files, &env.files(), "after rm -rf");
        assert_eq!(env.head(), head);
        env.git(&env.ws(), &["clean", "-qffdx"]);
        assert!(!env.exists("ws/up"));
        env.patchq(&["--offline", "setup", "."]).ok();
        assert_same(&files, &env.files(), "after git clean");
        assert_eq!(env.head(), head);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
    }

    fn offline_without_a_store(env) {
        env.workspace();
        let before = env.files();
        env.patchq(&["--offline", "setup"]).exits(1).one_error().hints("--offline");
        assert_same(&before, &env.files(), "after a setup that failed");
        env.patchq(&["setup"]).ok();
    }

    fn no_apply(env) {
        let up = env.workspace();
        env.patchq(&["setup", "--no-apply"]).ok();
        assert_eq!(env.head(), up.pin);
        assert!(env.read("ws/up/app/Dockerfile").starts_with("FROM python:3.8-buster\n"));
        assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
        assert_eq!(env.git(&env.co(), &["describe", "--tags"]), "v1.0");
        env.changes_nothing(&["setup", "--no-apply"]).ok();
        env.patchq(&["setup"]).ok().says("3 patches");
        env.patchq(&["setup", "--no-apply"]).ok();
        assert_eq!(env.head(), up.pin);
    }

    fn the_folder_that_is_named(env) {
        env.workspace();
        env.patchq_in(&env.root, &["setup", "ws"]).ok();
        let head = env.head();
        let root = env.ws();
        env.changes_nothing(&["setup", root.to_str().unwrap()]).ok();
        env.changes_nothing(&["-C", "commits", "setup", ".."]).ok();
        env.changes_nothing(&["setup", "up"]).ok();
        env.changes_nothing(&["setup", "./up"]).exits(2).one_error().hints("patchq setup --only up");
        env.changes_nothing(&["setup", "up/app"]).exits(2).one_error();
        env.changes_nothing(&["setup", "elsewhere"]).exits(2).one_error().says("there is no upstream 'elsewhere'");
        env.changes_nothing(&["setup", "--only", "down"]).exits(2).one_error();
        assert_eq!(env.head(), head);
        env.patchq_in(&env.root, &["setup"]).exits(1).one_error().hints("patchq init");
    }

    fn a_copy_outside_is_independent(env) {
        env.ready();
        let state = env.state();
        let outside = env.path("build");
        env.patchq(&["setup", outside.to_str().unwrap()]).ok();
        let copy = outside.join("up");
        assert_eq!(env.git(&copy, &["rev-parse", "HEAD"]), env.head());
        assert_eq!(env.git(&copy, &["status", "--porcelain", "-uall"]), "");
        assert_eq!(env.read("build/up/version.txt"), "v1.0\n");
        assert!(copy.join(".git").is_dir());
        fs::remove_dir_all(copy.join(".git/hooks")).ok();
        let after = env.state();
        assert_same(&state.0, &after.0, "the workspace");
        assert_eq!(state.1, after.1);
        // The copy needs nothing from the workspace.
        fs::rename(env.ws(), env.path("gone")).unwrap();
        fs::rename(env.path("up.git"), env.path("gone.git")).unwrap();
        put(&copy.join("app/main.py"), "copy\n");
        env.git(&copy, &["commit", "-qam", "In the copy"]);
        env.git(&copy, &["log", "-p", "--format=%s", "-4", "--", "app", "lib/util.py"]);
        env.git(&copy, &["fsck", "--connectivity-only"]);
    }

    fn a_copy_is_filled_without_network_and_never_over_something(env) {
        env.ready();
        fs::rename(env.path("up.git"), env.path("gone.git")).unwrap();
        env.write("build/up/mine", "mine\n");
        env.patchq(&["setup", "../build"]).exits(1).one_error();
        assert_eq!(env.read("build/up/mine"), "mine\n");
        env.patchq(&["setup", "../second"]).ok();
        assert_eq!(env.git(&env.path("second/up"), &["rev-parse", "HEAD"]), env.head());
    }

    fn two_upstreams_at_once(env) {
        let up = env.workspace();
        let more = "[upstream.\"two-1.1\"]\nurl = \"../up.git\"\nsparse = [\"docs\"]\n[upstream.three]\nurl = \"../none.git\"\n";
        env.write("ws/upstreams.toml", format!("{}{more}", env.read("ws/upstreams.toml")));
        env.entry("two-1.1", &up.next, Some("v1.1"), &[]);
        env.entry("three", &up.next, None, &[]);
        let run = env.patchq(&["setup"]).exits(1).one_error();
        run.says("error: three:").says("up: 3 patches").says("two-1.1: 0 patches");
        assert_eq!(env.git(&env.path("ws/two-1.1"), &["rev-parse", "HEAD"]), up.next);
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~3"]), up.pin);
        let json = env.patchq(&["setup", "--json", "--only", "two-1.1", "--only", "up"]).ok().json();
        assert_eq!(json["upstreams"].as_array().map(Vec::len), Some(2));
        let json = env.patchq(&["setup", "--json"]).exits(1).json();
        assert_eq!(json["ok"], false);
        assert_eq!(json["upstreams"].as_array().map(Vec::len), Some(2));
    }

    fn without_a_pin(env) {
        env.workspace();
        fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
        env.patchq(&["setup"]).exits(1).one_error().says("commits/up.txt").hints("patchq add up --pin REV");
        env.write("ws/commits/up.txt", "v1.0\n");
        env.patchq(&["setup"]).exits(1).one_error().says("commits/up.txt");
        env.write("ws/commits/up.txt", format!("{}\n", "1".repeat(40)));
        env.patchq(&["setup"]).exits(1).one_error().says("1111111");
        assert!(!env.exists("ws/up"));
    }

    fn a_patch_that_does_not_apply(env) {
        env.ready();
        let file = "ws/patches/up/0002-Pin-the-requirements.patch";
        let text = env.read(file);
        env.write(file, text.replace("-jinja2\n", "-ninja2\n"));
        let line = text.lines().position(|line| line.starts_with("@@")).unwrap() + 1;
        for command in ["setup", "apply"] {
            let run = env.changes_nothing(&[command]).exits(1).one_error();
            run.says("up: 0002-Pin-the-requirements.patch").says("app/requirements.txt")
                .says(&format!("patches/up/0002-Pin-the-requirements.patch:{line}"));
        }
        let json = env.changes_nothing(&["setup", "--json"]).exits(1).json();
        assert_eq!(json["error"]["file"], "patches/up/0002-Pin-the-requirements.patch");
        assert_eq!(json["error"]["line"], line);
        env.write(file, text.replace("@@ -1", "@@ -x"));
        env.changes_nothing(&["setup"]).exits(1).one_error().says("0002-Pin-the-requirements.patch");
        env.write(file, text);
        env.changes_nothing(&["setup"]).ok();
    }

    fn only_what_the_queue_touches(env) {
        env.workspace();
        env.write("ws/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\nsparse = []\n");
        env.patchq(&["setup"]).ok();
        let files = env.git(&env.co(), &["ls-files", "-t"]);
        let here: Vec<&str> = files.lines().filter_map(|line| line.strip_prefix("H ")).collect();
        assert_eq!(here, ["app/Dockerfile", "app/requirements.txt", "lib/util.py"]);
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
    }

    fn without_sparse_everything_is_there(env) {
        env.workspace();
        env.write("ws/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\n");
        env.patchq(&["setup"]).ok().says_not("here too");
        assert!(env.git(&env.co(), &["ls-files", "-t"]).lines().all(|line| line.starts_with("H ")));
        assert!(env.exists("ws/up/other/large.txt"));
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
    }

    fn another_sparse_set_later(env) {
        env.ready();
        put(&env.co().join("app/main.py"), "mine\n");
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", manifest.replace("\"docs\"", "\"lib\", \"other\""));
        env.patchq(&["setup"]).ok();
        assert!(env.exists("ws/up/lib/more.py") && env.exists("ws/up/other/large.txt") && !env.exists("ws/up/docs"));
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), " M app/main.py");
        assert_eq!(env.read("ws/up/app/main.py"), "mine\n");
        // A file that would be removed has a change: it stays, and setup reports it.
        env.write("ws/upstreams.toml", manifest.replace("\"app\", ", ""));
        env.changes_nothing(&["setup"]).exits(1).one_error().says("app/main.py");
    }

    fn version_files(env) {
        env.ready();
        assert_eq!(env.read("ws/up/version.txt"), "v1.0\n");
        env.write("ws/commits/up.version.txt", "v1.0-7\n");
        env.patchq(&["setup"]).ok();
        assert_eq!(env.read("ws/up/version.txt"), "v1.0-7\n");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("{manifest}version = \"1.0.0\"\n"));
        env.patchq(&["setup"]).ok();
        assert_eq!(env.read("ws/up/version.txt"), "1.0.0\n");
        put(&env.co().join("version.txt"), "mine\n");
        env.write("ws/upstreams.toml", &manifest);
        env.patchq(&["setup"]).ok().says("version.txt is your own file");
        assert_eq!(env.read("ws/up/version.txt"), "mine\n");
    }

    fn an_upstream_with_a_version_file(env) {
        env.workspace_with("", &[("version.txt", b"theirs\n"), ("a", b"a\n")], &[]);
        env.write("ws/commits/up.version.txt", "v9\n");
        env.patchq(&["setup"]).ok().says("version.txt is upstream's own");
        assert_eq!(env.read("ws/up/version.txt"), "theirs\n");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
    }

    fn every_kind_of_file(env) {
        env.ready();
        assert_eq!(fs::read_link(env.co().join("app/start.py")).unwrap().to_str(), Some("main.py"));
        assert_eq!(fs::metadata(env.co().join("app/run.sh")).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(env.read("ws/up/app/windows.txt"), "one\r\ntwo\r\nthree\r\n");
        assert_eq!(env.read("ws/up/app/main.py"), "import util\n\nprint(util.answer())\n");
        assert_eq!(env.read("ws/up/app/icon.bin"), "\0\u{1}\u{2}icon\0");
    }

    fn an_upstream_with_a_submodule(env) {
        let work = env.path("work");
        fs::create_dir_all(&work).unwrap();
        let git = |args: &[&str]| git_at(&work, 0, args);
        git(&["init", "-q", "-b", "main"]);
        put(&work.join("a"), "a\n");
        git(&["add", "-A"]);
        let old = "0123456789012345678901234567890123456789";
        git(&["update-index", "--add", "--cacheinfo", &format!("160000,{old},sub")]);
        git(&["commit", "-qm", "All"]);
        let new = "89abcdef89abcdef89abcdef89abcdef89abcdef";
        git(&["update-index", "--cacheinfo", &format!("160000,{new},sub")]);
        git(&["commit", "-qm", "Move the submodule"]);
        let patch = git(&["format-patch", "-1", "--stdout", "--full-index", "--no-signature"]);
        git(&["reset", "-q", "--soft", "HEAD^"]);
        let pin = env.publish_work();
        env.write("ws/upstreams.toml", "[upstream.up]\nurl = \"../up.git\"\n");
        env.entry("up", &pin, None, &[("0001-sub.patch".to_owned(), format!("{patch}\n").into_bytes())]);
        env.init_workspace();
        env.patchq(&["setup"]).ok();
        assert!(env.co().join("sub").is_dir());
        assert_eq!(env.git(&env.co(), &["ls-tree", "HEAD", "sub"]), format!("160000 commit {new}\tsub"));
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        env.changes_nothing(&["export"]).ok().says("nothing to export");
    }

    fn served_by_http(env) {
        for mode in [Mode::Filters, Mode::NoFilters, Mode::Strict] {
            let env = if env.hostile { Env::hostile() } else { Env::new() };
            let up = env.workspace();
            let server = Server::start(&env.root, mode);
            let manifest = env.read("ws/upstreams.toml");
            env.write("ws/upstreams.toml", manifest.replace("../up.git", &server.url("up.git")));
            env.patchq(&["setup"]).ok().says("3 patches");
            let requests = server.take_stats().requests;
            if mode == Mode::Filters && !env.hostile {
                assert!(requests.len() <= 4, "{requests:#?}");
            }
            assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~3"]), up.pin);
            assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
            let head = env.head();
            fs::remove_dir_all(env.co()).unwrap();
            env.patchq(&["setup"]).ok();
            assert_eq!(env.head(), head);
            assert_eq!(server.take_stats().requests, [""; 0], "a second setup needs no network");
        }
    }

    fn served_by_a_file_url_and_a_mirror(env) {
        let up = env.workspace();
        let manifest = env.read("ws/upstreams.toml");
        let url = format!("file://{}", env.path("up.git").display());
        env.write("ws/upstreams.toml", manifest.replace("../up.git", &url));
        env.patchq(&["setup"]).ok();
        env.write("ws/upstreams.toml", manifest.replace("url = \"../up.git\"   # nearby", "url = \"../none.git\"\nmirrors = [\"../nor.git\", \"../up.git\"]"));
        env.write("ws/commits/up.txt", format!("{}\n", up.next));
        env.patchq(&["setup"]).ok();
        assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD~3"]), up.next);
    }

    fn something_of_the_user_stands_there(env) {
        env.workspace();
        env.write("ws/up/mine", "mine\n");
        env.patchq(&["setup"]).exits(1).one_error();
        assert_eq!(env.read("ws/up/mine"), "mine\n");
        fs::remove_dir_all(env.co()).unwrap();
        env.git(&env.root, &["clone", "-q", "up.git", "ws/up"]);
        let before = env.files();
        env.patchq(&["setup"]).exits(1).one_error();
        assert_same(&before, &env.files(), "the user's own clone");
    }

    fn a_name_that_is_tracked(env) {
        env.workspace();
        env.write("ws/up/mine", "mine\n");
        env.git(&env.ws(), &["add", "-f", "up/mine"]);
        env.patchq(&["setup"]).exits(1).one_error().says("the upstream 'up' cannot be checked out: 'up' is tracked in the workspace's repository").hints("git rm -r --cached up");
        assert_eq!(env.read("ws/up/mine"), "mine\n");
    }
}

#[test]
fn what_a_killed_run_left_of_a_store_goes() {
    let env = Env::new();
    env.workspace();
    env.write("ws/.git/patchq/.store-x1y2z3/git/HEAD", "ref: refs/heads/patchq\n");
    env.patchq(&["setup"]).ok();
    let names = super::support::names_in(&env.path("ws/.git/patchq"));
    assert!(!names.iter().any(|name| name.starts_with(".store-")), "{names:?}");
}
