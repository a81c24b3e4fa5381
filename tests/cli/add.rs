//! `patchq add`, and undoing it.

use std::fs;

use crate::env::Env;
use crate::shared::server::{Mode, Server};

#[test]
fn an_upstream_gets_entry_pin_version_and_ignored_checkout() {
    let env = Env::new();
    let out = env.run(&["add", "up", "../srv/up.git", "--track", "v1.*", "--json"]).ok();
    let document = out.json();
    assert_eq!(document["schema"], "patchq.add/1");
    assert_eq!(document["pin"], env.up.v1_1.to_string());
    assert_eq!(document["version"], "v1.1.0");
    assert_eq!(document["added"], true);
    let files = ["commits/up.txt", "commits/up.version.txt", "upstreams.toml", ".gitignore"];
    assert_eq!(document["files"], serde_json::json!(files));
    assert!(env.read("ws/upstreams.toml").ends_with("[upstream.up]\nurl   = \"../srv/up.git\"\ntrack = \"v1.*\"\n"));
    assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", env.up.v1_1));
    assert_eq!(env.read("ws/commits/up.version.txt"), "v1.1.0\n");
    assert_eq!(env.read("ws/.gitignore"), "/up/\n");
    assert!(!env.path("ws/up").exists());

    env.run(&["setup", "--offline"]).fails(1, &["without the network (--offline)"]);
    env.run(&["setup"]).ok();
    assert_eq!(env.git_in(&env.path("ws/up"), &["rev-parse", "HEAD"]).trim(), env.up.v1_1.to_string());
    assert_eq!(env.git_in(&env.path("ws/up"), &["describe", "--tags"]).trim(), "v1.1.0");
    assert_eq!(env.git(&["status", "--porcelain", "up"]), "");
}

#[test]
fn track_and_pin_have_the_defaults_of_the_remote() {
    let env = Env::new();
    let pins = [
        (&["add", "a", "../srv/up.git"][..], env.up.main, "main"),
        (&["add", "b", "../srv/up.git", "--track", "next"], env.up.next, "next"),
        (&["add", "c", "../srv/up.git", "--track", "v1.*"], env.up.v1_1, "v1.*"),
        (&["add", "d", "../srv/up.git", "--pin", "v1.0.0"], env.up.v1_0, "main"),
    ];
    for (args, pin, track) in pins {
        let document = env.run(&[args, &["--json"]].concat()).ok().json();
        assert_eq!((&document["pin"], &document["track"]), (&pin.to_string().into(), &track.into()), "{args:?}");
    }
    let id = env.up.v1_0.to_string();
    let document = env.run(&["add", "e", "../srv/up.git", "--pin", &id[..9], "--json"]).ok().json();
    assert_eq!(document["pin"], id);
    assert_eq!(env.read("ws/commits/a.version.txt"), format!("v1.1.0-1-g{}\n", &env.up.main.to_string()[..8]));
}

#[test]
fn over_http_a_pin_costs_few_requests() {
    let env = Env::new();
    let server = Server::start(&env.path("srv"), Mode::Filters);
    let url = server.url("up.git");
    let out = env.run(&["add", "up", &url, "--track", "main", "--pin", "v1.1.0"]).ok();
    assert!(out.stderr.contains("fetched without encryption"), "{}", out.stderr);
    let requests = server.take_stats().requests;
    assert!(requests.len() <= 8, "{requests:#?}");
    let strict = Server::start(&env.path("srv"), Mode::Strict);
    env.run(&["add", "strict", &strict.url("up.git"), "--pin", &env.up.v1_0.to_string()]).ok();
    let locked = Server::start(&env.path("srv"), Mode::Locked);
    env.run(&["add", "locked", &locked.url("up.git")]).fails(1, &["locked: cannot ", "access was denied", "hint: "]);
}

#[test]
fn an_entry_without_a_pin_only_gets_the_pin() {
    let env = Env::new();
    let manifest = "# mine\n[upstream.up]\nurl = \"../srv/up.git\" # here\nversion = \"9.9\"\n";
    env.write("ws/upstreams.toml", manifest);
    env.run(&["setup"]).fails(1, &["up: no pin", "hint: patchq add up --pin REV"]);
    env.run(&["add", "up", "../srv/other.git", "--pin", "v1.0.0"]).fails(
        2,
        &[
            "the url in upstreams.toml is '../srv/up.git', not '../srv/other.git'",
            "hint: leave it out, or change 'url'",
        ],
    );
    env.run(&["add", "up", "--track", "next"]).fails(2, &["the track in upstreams.toml is not set, not 'next'"]);
    let document = env.run(&["add", "up", "--pin", "v1.0.0", "--json"]).ok().json();
    assert_eq!((document["added"].as_bool(), document["version"].as_str()), (Some(false), Some("9.9")));
    assert_eq!(env.read("ws/upstreams.toml"), manifest);
    assert_eq!(env.read("ws/commits/up.version.txt"), "9.9\n");
    env.run(&["add", "up", "--pin", "v1.1.0"])
        .fails(1, &["up: already pinned at", "commits/up.txt", "hint: patchq refresh up --to REV"]);
}

#[test]
fn patches_that_lie_there_are_applied_once_there_is_a_pin() {
    let env = Env::new();
    env.write("ws/patches/up/0001-zwei.patch", crate::env::DIFF);
    env.run(&["add", "up", "../srv/up.git", "--pin", "v1.0.0"]).ok();
    env.run(&["setup"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), crate::env::MAKEFILE.replace("two", "zwei"));
}

#[test]
fn a_relative_path_is_one_from_where_one_stands() {
    let env = Env::new();
    fs::create_dir_all(env.path("ws/docs/deep")).unwrap();
    env.run_in(&env.path("ws/docs/deep"), &["add", "up", "../../../srv/./up.git"]).ok();
    assert!(env.read("ws/upstreams.toml").contains("url   = \"../srv/up.git\"\n"), "{}", env.read("ws/upstreams.toml"));
}

#[test]
fn undo_takes_it_all_back() {
    let env = Env::new();
    let before = env.snapshot();
    env.run(&["add", "up", "../srv/up.git"]).ok();
    let out = env.run(&["undo"]).ok();
    assert!(out.stderr.contains("up: undid 'add'"), "{}", out.stderr);
    assert_eq!(env.snapshot(), before);
    env.run(&["undo"]).fails(1, &["nothing to undo"]);

    // Again, with a checkout in between.
    env.run(&["add", "up", "../srv/up.git", "--pin", "v1.0.0"]).ok();
    env.run(&["setup"]).ok();
    let added = env.snapshot();
    env.run(&["undo"]).fails(1, &["up: 'add' cannot be undone", "it was checked out since, in up/", "rm -r up"]);
    assert_eq!(env.snapshot(), added);
    fs::remove_dir_all(env.path("ws/up")).unwrap();
    env.run(&["undo"]).ok();
    assert_eq!(env.snapshot(), before);

    env.run(&["add", "up", "../srv/up.git"]).ok();
    env.write("ws/commits/up.txt", format!("{}\n", env.up.v1_0));
    env.run(&["undo"]).fails(1, &["commits/up.txt changed since"]);
}

#[test]
fn of_two_the_later_one_is_undone_first() {
    let env = Env::new();
    env.run(&["add", "a", "../srv/up.git"]).ok();
    let one = env.snapshot();
    env.run(&["add", "b", "../srv/up.git"]).ok();
    env.run(&["undo", "a"]).fails(1, &["upstreams.toml changed since"]);
    env.run(&["undo", "b"]).ok();
    assert_eq!(env.snapshot(), one);
    env.run(&["undo"]).ok();
    assert!(!env.path("ws/commits").exists());
}

#[test]
fn killed_at_any_step_it_is_as_before_or_as_after() {
    let env = Env::new();
    let before = env.snapshot();
    env.run(&["add", "up", "../srv/up.git"]).ok();
    let after = env.snapshot();
    env.run(&["undo"]).ok();
    let points =
        ["Stored(0)", "Recorded", "Committed", "Staged(2)", "Replaced(1)", "Replaced(2)", "Cleared", "refs", "Over"];
    for point in points {
        env.killed_at(point, &["add", "up", "../srv/up.git"]);
        env.run(&["undo", "--list"]).ok();
        let is = env.snapshot();
        assert!(is == before || is == after, "{point}: {is:#?}");
        // In the other direction: from after to before.
        if is == before {
            env.run(&["add", "up", "../srv/up.git"]).ok();
        }
        env.killed_at(point, &["undo"]);
        env.run(&["undo", "--list"]).ok();
        let is = env.snapshot();
        assert!(is == before || is == after, "undo, {point}: {is:#?}");
        if is == after {
            env.run(&["undo"]).ok();
        }
        assert_eq!(env.snapshot(), before, "{point}");
    }
}

#[test]
fn what_cannot_be_added_changes_nothing() {
    let env = Env::new();
    env.write("ws/tracked/file", "");
    env.git(&["add", "."]);
    let before = env.snapshot();
    let up = "../srv/up.git";
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["add"], 2, &["NAME and URL are missing", "hint: patchq add NAME URL"]),
        (&["add", "up"], 2, &["there is no upstream 'up' in upstreams.toml, and no URL was given"]),
        (&["add", "Up", up], 2, &["'Up' is not a valid name for an upstream: use a-z"]),
        (&["add", "patches", up], 2, &["'patches' is taken by the workspace itself"]),
        (&["add", "tracked", up], 2, &["the workspace's repository tracks 'tracked'", "hint: use another name"]),
        (&["add", "up", "https://me:secret@host/x.git"], 2, &["a url must hold no password"]),
        (&["add", "up", "--", "--upload-pack=touch x"], 2, &["could be read as an option"]),
        (&["add", "up", "ext::sh -c x"], 2, &["names a helper program"]),
        (&["add", "up", "https://host/\u{1b}[2J"], 2, &["\\x1b[2J' contains control characters"]),
        (&["add", "up", up, "--pin=--all"], 2, &["'--all' could be read as an option"]),
        (&["add", "up", up, "--pin", "main~1"], 2, &["'main~1' is not a branch"]),
        (&["add", "up", up, "--track=-x"], 2, &["'-x' could be read as an option"]),
        (
            &["add", "up", up, "--track", "mian"],
            1,
            &["up: the upstream has no branch, tag or commit 'mian'", "hint: git ls-remote"],
        ),
        (&["add", "up", up, "--pin", "v1.0.1"], 1, &["no branch, tag or commit 'v1.0.1'", "v1.0.0"]),
        (&["add", "up", up, "--track", "v3.*"], 1, &["'v3.*'"]),
        (&["add", "up", up, "--pin", "0123456789012345678901234567890123456789"], 1, &["up: cannot fetch commit 0123"]),
        (
            &["add", "up", "../srv/none.git"],
            1,
            &["up: cannot look up the default branch", "there is no git repository"],
        ),
        (&["add", "up", up, "--offline"], 1, &["without the network (--offline)", "hint: run the command again"]),
    ];
    for (args, code, texts) in cases {
        let out = env.run(args).fails(*code, texts);
        assert!(!out.stderr.contains("secret"), "{}", out.stderr);
        assert_eq!(env.snapshot(), before, "{args:?}");
    }
    let failed = env.run(&["add", "up", up, "--pin", "v1.0.1", "--json"]).json();
    assert_eq!((failed["ok"].as_bool(), failed["error"]["kind"].as_str()), (Some(false), Some("revision")));
    env.git_in(&env.path("srv"), &["init", "-q", "--bare", "empty.git"]);
    env.run(&["add", "up", "../srv/empty.git"])
        .fails(1, &["up: the upstream has no default branch", "hint: choose what to follow: --track BRANCH"]);
    assert_eq!(env.snapshot(), before);
}

#[test]
fn several_at_once_do_not_lose_each_other() {
    let env = Env::new();
    let names = ["a", "b", "c", "d"];
    std::thread::scope(|scope| {
        for name in names {
            let env = &env;
            scope.spawn(move || env.run(&["add", name, "../srv/up.git", "--track", "main"]).ok());
        }
    });
    let manifest = env.read("ws/upstreams.toml");
    let ignored = env.read("ws/.gitignore");
    for name in names {
        assert_eq!(manifest.matches(&format!("[upstream.{name}]")).count(), 1, "{manifest}");
        assert_eq!(ignored.matches(&format!("/{name}/")).count(), 1, "{ignored}");
    }
}

#[test]
fn on_a_terminal_it_asks_for_url_and_name() {
    let env = Env::new();
    let (screen, code) = env.on_terminal(&["add"], &[("repository?", "../srv/up.git\r"), ("what name should", "\r")]);
    assert_eq!(code, 0, "{screen}");
    assert!(env.read("ws/upstreams.toml").contains("[upstream.up]\n"), "{screen}");
    assert_eq!(env.read("ws/commits/up.txt"), format!("{}\n", env.up.main));
    let before = env.snapshot();
    let (screen, code) = env.on_terminal(&["add", "more"], &[("repository of 'more'?", "\u{3}")]);
    assert_eq!(code, 130, "{screen}");
    assert_eq!(env.snapshot(), before);
}

#[test]
fn under_hostile_settings_nothing_of_the_users_runs() {
    use crate::support::{self, Upstream};
    let env = support::Env::hostile();
    let up = Upstream::usual();
    up.copy_to(&env.path("up.git"));
    std::fs::create_dir_all(env.ws()).unwrap();
    env.patchq(&["init"]).ok();
    env.patchq(&["add", "up", "../up.git", "--pin", "v1.0"]).ok();
    for (name, bytes) in &up.patches {
        support::put(&env.path("old").join(name), bytes);
    }
    env.patchq(&["import", "up", "../old"]).ok();
    env.patchq(&["import", "again", "../old", "--commit", &up.pin[..7], "--url", "../up.git"]).ok();
    env.patchq(&["undo", "again"]).ok();
    env.patchq(&["setup"]).ok();
    assert_eq!(env.queue().len(), up.patches.len());
    env.assert_unmarked();
}

#[test]
fn a_folder_in_the_checkouts_place_is_told() {
    let env = Env::new();
    env.write("ws/up/old", "a clone from before");
    let out = env.run(&["add", "up", "../srv/up.git"]).ok();
    assert!(out.stderr.contains("'up' exists and is not a patchq checkout"), "{}", out.stderr);
    assert_eq!(env.read("ws/up/old"), "a clone from before");
}

/// Makes an upstream with an entry that has comments, and with a queue of two, a series and another file.
fn with_queue(env: &Env) {
    env.run(&["add", "up", "../srv/up.git", "--pin", "v1.0.0", "--track", "main"]).ok();
    let manifest = "# ours\n[upstream.up]\nurl   = \"../srv/up.git\" # near\ntrack = \"main\"\n# what we build\nsparse = [\"docs\"]\n\
                    version = \"9.9\"\ntags = [\"{version}-{queue}\"]\n\n# the one\n[[upstream.up.image]]\nname = \"up\"\n";
    env.write("ws/upstreams.toml", manifest);
    env.write("ws/patches/up/b.patch", crate::env::DIFF);
    env.write("ws/patches/up/a.patch", crate::env::SECOND);
    env.write("ws/patches/up/series", "b.patch\na.patch # later\n");
    env.write("ws/patches/up/notes", "mine\n");
}

#[test]
fn a_copy_has_entry_pin_version_and_queue_of_the_other() {
    let env = Env::new();
    with_queue(&env);
    env.run(&["setup"]).ok();
    let manifest = env.read("ws/upstreams.toml");
    let before = env.snapshot();
    // Objects in the other entry's store are not fetched.
    let args = ["add", "up-2", "--like", "up", "--track", "next", "--offline", "--json"];
    let out = env.run(&args).ok();
    assert!(out.stderr.contains("up-2: added like up, with 2 patches on"), "{}", out.stderr);
    assert!(out.stderr.contains("not copied, because they are not patches: notes"), "{}", out.stderr);
    let document = out.json();
    assert_eq!((&document["schema"], &document["like"]), (&"patchq.add/1".into(), &"up".into()));
    assert_eq!((&document["pin"], &document["version"]), (&env.up.v1_0.to_string().into(), &"v1.0.0".into()));
    assert_eq!((&document["track"], &document["added"]), (&"next".into(), &true.into()));
    let copy = "\n[upstream.up-2]\nurl   = \"../srv/up.git\" # near\ntrack = \"next\"\n# what we build\nsparse = [\"docs\"]\n\
                tags = [\"{version}-{queue}\"]\n\n# the one\n[[upstream.up-2.image]]\nname = \"up\"\n";
    assert_eq!(env.read("ws/upstreams.toml"), format!("{manifest}{copy}"));
    for file in ["a.patch", "b.patch", "series"] {
        assert_eq!(env.read(&format!("ws/patches/up-2/{file}")), env.read(&format!("ws/patches/up/{file}")), "{file}");
    }
    assert!(!env.path("ws/patches/up-2/notes").exists() && !env.path("ws/up-2").exists());
    assert_eq!(env.read("ws/commits/up-2.txt"), env.read("ws/commits/up.txt"));
    assert_eq!(env.read("ws/commits/up-2.version.txt"), env.read("ws/commits/up.version.txt"));
    assert!(env.read("ws/.gitignore").contains("/up-2/\n"));

    env.run(&["setup", "--only", "up-2", "--offline"]).ok();
    assert!(env.git_in(&env.path("ws/up-2"), &["log", "-1", "--format=%H"]).len() > 40);
    env.run(&["verify", "up-2", "--offline"]).ok();
    fs::remove_dir_all(env.path("ws/up-2")).unwrap();
    env.run(&["undo", "up-2"]).ok();
    assert_eq!(env.snapshot(), before);
}

#[test]
fn a_copy_without_a_track_follows_what_the_other_follows_and_may_be_told_where_to_go() {
    let env = Env::new();
    with_queue(&env);
    let document = env.run(&["add", "up-2", "--like", "up/", "--json"]).ok().json();
    assert_eq!(document["track"], "main");
    let before = env.snapshot();
    let out = env.run(&["add", "up-3", "--like", "up-2", "--to", "v1.1.0", "--json"]).ok();
    let document = out.json();
    assert_eq!(document["refresh"]["to"]["commit"], env.up.v1_1.to_string(), "{document:#}");
    assert_eq!(document["refresh"]["published"], true);
    assert_eq!(env.read("ws/commits/up-3.txt"), format!("{}\n", env.up.v1_1));
    assert_eq!(env.read("ws/commits/up-3.version.txt"), "v1.1.0\n");
    assert_eq!(env.read("ws/commits/up-2.txt"), format!("{}\n", env.up.v1_0));
    assert_eq!(document["pin"], env.up.v1_1.to_string());
    // The copy and its move are one step.
    env.run(&["undo", "up-3"]).ok();
    assert_eq!(env.snapshot(), before);
}

#[test]
fn a_copy_killed_at_any_step_is_not_there_or_whole() {
    let env = Env::new();
    with_queue(&env);
    let before = env.snapshot();
    for args in [&["add", "up-2", "--like", "up"][..], &["add", "up-2", "--like", "up", "--to", "v1.1.0"]] {
        env.run(args).ok();
        let after = env.snapshot();
        env.run(&["undo", "up-2"]).ok();
        for point in
            ["Stored(0)", "Recorded", "Committed", "Staged(2)", "Replaced(1)", "Replaced(4)", "Cleared", "refs"]
        {
            env.killed_at(point, args);
            env.run(&["undo", "--list"]).ok();
            let is = env.snapshot();
            assert!(is == before || is == after, "{args:?}, {point}: {is:#?}");
            if is == after {
                env.run(&["undo", "up-2"]).ok();
            }
            assert_eq!(env.snapshot(), before, "{args:?}, {point}");
        }
    }
}

#[test]
fn what_cannot_be_copied_changes_nothing() {
    let env = Env::new();
    with_queue(&env);
    let manifest = env.read("ws/upstreams.toml");
    env.write("ws/upstreams.toml", format!("{manifest}\n[upstream.bare]\nurl = \"../srv/up.git\"\n"));
    env.write("ws/patches/left/x.patch", crate::env::DIFF);
    env.write("ws/commits/gone.txt", format!("{}\n", env.up.v1_1));
    env.write("ws/tracked/file", "");
    env.git(&["add", "tracked"]);
    let before = env.snapshot();
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["add", "--like", "up"], 2, &["NAME is missing", "hint: patchq add NAME --like up"]),
        (
            &["add", "two", "../srv/up.git", "--like", "up"],
            2,
            &["with --like the url is that of 'up'; leave URL out", "hint: patchq add two --like up\n"],
        ),
        (
            &["add", "two", "--like", "up", "--pin", "v1.1.0"],
            2,
            &["with --like the pin is that of 'up'", "hint: patchq add two --like up --to v1.1.0"],
        ),
        (
            &["add", "two", "--to", "v1.1.0"],
            2,
            &[
                "--to needs --like",
                "it moves the copy of another upstream",
                "hint: use --pin REV to choose the commit to pin",
            ],
        ),
        (&["add", "two", "--like", "upp"], 2, &["there is no upstream 'upp'", "did you mean 'up'?"]),
        (&["add", "two", "--like", "up", "--to", "main~1"], 2, &["'main~1' is not a branch"]),
        (&["add", "two", "--like", "up", "--to", "v9"], 1, &["the upstream has no branch, tag or commit 'v9'"]),
        (&["add", "two", "--like", "up", "--track=-x"], 2, &["'-x' could be read as an option"]),
        (&["add", "Two", "--like", "up"], 2, &["'Two' is not a valid name for an upstream"]),
        (&["add", "tracked", "--like", "up"], 2, &["the workspace's repository tracks 'tracked'"]),
        (
            &["add", "bare", "--like", "up"],
            2,
            &["there is already an upstream 'bare' in upstreams.toml", "hint: use another name"],
        ),
        (&["add", "two", "--like", "bare"], 1, &["bare: no pin", "hint: patchq add bare --pin REV"]),
        (
            &["add", "left", "--like", "up"],
            1,
            &["left: there are patches in patches/left already", "hint: rm -r patches/left"],
        ),
        (&["add", "gone", "--like", "up"], 1, &["gone: already pinned at", "hint: rm commits/gone.txt"]),
    ];
    for (args, code, texts) in cases {
        env.run(args).fails(*code, texts);
        assert_eq!(env.snapshot(), before, "{args:?}");
    }
    env.write("ws/patches/up/series", "a.patch\nb.patch\n");
    let before = env.snapshot();
    env.run(&["add", "two", "--like", "up"]).fails(1, &["error: up: a.patch: does not apply", "patches/up/a.patch:"]);
    assert_eq!(env.snapshot(), before);
    env.write("ws/upstreams.toml", "upstream.up = { url = \"../srv/up.git\" }\n");
    env.write("ws/patches/up/series", "b.patch\na.patch\n");
    env.run(&["add", "two", "--like", "up"]).fails(1, &["two: 'upstream' is written with dotted keys or braces"]);
}
