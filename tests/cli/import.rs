//! `patchq import`, and undoing it.

use std::fs;

use crate::env::{DIFF, Env, MAKEFILE, SECOND};

const UP: &str = "../srv/up.git";

#[test]
fn a_patch_and_its_commit_file_are_taken_over() {
    let env = Env::new();
    let before = env.snapshot();
    let id = env.up.v1_0.to_string();
    // Written by `git rev-parse --short HEAD` and an editor of another system.
    env.write("ws/up-patch-commit.txt", format!("\u{feff}{}  \r\n\r\n", &id[..8]));
    env.write("ws/up.patch", DIFF);
    let out = env.run(&["import", "up.patch", "--commit-file", "up-patch-commit.txt", "--url", UP]).ok();
    for text in [
        format!("up: 1 patch in patches/up/, on {} (v1.0.0)", &id[..12]),
        "hint: patchq setup --only up".to_owned(),
        "hint: git rm -- up.patch".to_owned(),
    ] {
        assert!(out.stderr.contains(&text), "no '{text}' in:\n{}", out.stderr);
    }
    assert_eq!(env.read("ws/patches/up/up.patch"), DIFF);
    assert_eq!(env.read("ws/up.patch"), DIFF);
    assert_eq!(env.read("ws/commits/up.txt"), format!("{id}\n"));
    assert!(env.read("ws/upstreams.toml").contains("track = \"main\""));
    assert_eq!(env.read("ws/.gitignore"), "/up/\n");

    env.run(&["setup"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei"));
    let out = env.run(&["setup", "--json"]).ok();
    assert_eq!(out.json()["upstreams"][0]["changed"], false);
    let out = env.run(&["export", "up"]).ok();
    assert_eq!(env.read("ws/patches/up/up.patch"), DIFF, "{}", out.stderr);

    fs::remove_dir_all(env.path("ws/up")).unwrap();
    env.run(&["undo"]).ok();
    for file in ["up.patch", "up-patch-commit.txt"] {
        fs::remove_file(env.path("ws").join(file)).unwrap();
    }
    assert_eq!(env.snapshot(), before);
}

#[test]
fn a_folder_is_taken_in_the_order_of_its_names() {
    let env = Env::new();
    env.write("old/Up/0002-eins.patch", SECOND);
    env.write("old/Up/0001-zwei.patch", DIFF);
    env.write("old/Up/README", "");
    let out = env.run(&["import", "../old/Up", "--commit", "v1.1.0", "--url", UP, "--json"]).ok();
    let document = out.json();
    assert_eq!(document["schema"], "patchq.import/1");
    assert_eq!(document["name"], "up");
    assert_eq!(document["patches"], serde_json::json!(["0001-zwei.patch", "0002-eins.patch"]));
    assert!(out.stderr.contains("not imported, because they are not patches: README"), "{}", out.stderr);
    assert!(!env.path("ws/patches/up/README").exists());
    env.run(&["setup"]).ok();
    assert_eq!(env.git_in(&env.path("ws/up"), &["rev-list", "--count", "refs/patchq/base..HEAD"]).trim(), "2");
}

#[test]
fn a_quilt_series_keeps_order_options_and_comments() {
    let env = Env::new();
    let series = "# our queue\nzwei.diff -p0 # without folders\neins.patch\n";
    env.write("old/series", series);
    env.write("old/zwei.diff", DIFF.replace("a/Makefile", "Makefile").replace("b/Makefile", "Makefile"));
    env.write("old/eins.patch", SECOND);
    for path in ["../old", "../old/series"] {
        env.run(&["import", "up", path, "--commit", "v1.0.0", "--url", UP]).ok();
        assert_eq!(env.read("ws/patches/up/series"), series);
        env.run(&["setup"]).ok();
        assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei").replace("one", "eins"));
        fs::remove_dir_all(env.path("ws/up")).unwrap();
        env.run(&["undo"]).ok();
    }
    env.write("old/more.patch", DIFF);
    env.run(&["import", "up", "../old", "--commit", "v1.0.0", "--url", UP])
        .fails(1, &["../old/series: has no entry for 'more.patch'"]);
    fs::remove_file(env.path("old/more.patch")).unwrap();
    fs::remove_file(env.path("old/eins.patch")).unwrap();
    env.run(&["import", "up", "../old", "--commit", "v1.0.0", "--url", UP])
        .fails(1, &["../old/series:3: 'eins.patch' is not in the folder"]);
    assert!(!env.path("ws/patches").exists());
}

#[test]
fn an_entry_that_exists_needs_no_url_and_with_a_pin_no_commit() {
    let env = Env::new();
    env.run(&["add", "up", UP, "--pin", "v1.0.0"]).ok();
    let before = env.snapshot();
    env.write("up.diff", DIFF);
    let out = env.run(&["import", "../up.diff"]).ok();
    assert!(out.stderr.contains("'up.diff' was renamed to up.patch, because"), "{}", out.stderr);
    assert_eq!(env.read("ws/patches/up/up.patch"), DIFF);
    env.run(&["undo"]).ok();
    assert_eq!(env.snapshot(), before);

    // If there is a checkout, it stays unchanged until a command moves it.
    env.run(&["setup"]).ok();
    env.write("ws/up/notes", "not saved");
    let before = env.snapshot();
    let out = env.run(&["import", "../up.diff"]).ok();
    assert!(out.stderr.contains("hint: patchq apply up"), "{}", out.stderr);
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE);
    env.run(&["undo"]).ok();
    assert_eq!(env.snapshot(), before);
    fs::remove_file(env.path("ws/up/notes")).unwrap();
    env.run(&["import", "../up.diff"]).ok();
    env.run(&["apply", "up"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei"));
}

#[test]
fn a_patch_that_does_not_apply_is_named_and_nothing_changes() {
    let env = Env::new();
    let before = env.snapshot();
    env.write("old/1.patch", DIFF);
    env.write("old/2.patch", SECOND.replace(" three", " drei"));
    let out = env.run(&["import", "up", "../old", "--commit", "v1.0.0", "--url", UP, "--json"]);
    let out = out.fails(
        1,
        &[
            "up: ../old/2.patch:4: does not apply (after 1 that do): Makefile: ",
            "hint: check that the patches were made on this commit",
        ],
    );
    let error = &out.json()["error"];
    assert_eq!((error["kind"].as_str(), error["line"].as_u64()), (Some("apply"), Some(4)));
    assert_eq!(error["file"], "../old/2.patch");
    assert_eq!(env.snapshot(), before);
}

#[test]
fn commits_that_are_in_no_patch_file_are_not_left_behind() {
    let env = Env::new();
    env.run(&["add", "up", UP, "--pin", "v1.0.0"]).ok();
    env.run(&["setup"]).ok();
    let up = env.path("ws/up");
    env.write("ws/up/new", "new\n");
    env.git_in(&up, &["add", "new"]);
    env.git_in(&up, &["-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "New"]);
    env.write("up.patch", DIFF);
    let before = env.snapshot();
    env.run(&["import", "../up.patch"]).fails(1, &["up: the checkout has 1 commit", "hint: patchq export up"]);
    assert_eq!(env.snapshot(), before);
}

#[test]
fn what_cannot_be_imported_changes_nothing() {
    let env = Env::new();
    env.write("up.patch", DIFF);
    env.write("my patches.patch", DIFF);
    env.write(".hidden.patch", DIFF);
    env.write("text.patch", "no patch\n");
    env.write("empty/README", "");
    env.write("diffs/a.diff", DIFF);
    env.write("diffs/a.patch", SECOND);
    env.write("folder/a.patch/x", "");
    env.write("links/b.patch", DIFF);
    std::os::unix::fs::symlink("b.patch", env.path("links/a.patch")).unwrap();
    env.write("two-lines.txt", "v1.0.0\nv1.1.0\n");
    env.write("bad.txt", "-x\n");
    env.write("none.txt", "\n");
    let before = env.snapshot();
    let cases: &[(&[&str], i32, &[&str])] = &[
        (
            &["../up.patch", "--url", UP],
            2,
            &["up: the commit that the patches were made on is missing", "--commit-file FILE"],
        ),
        (&["../up.patch", "--commit", "v1.0.0"], 2, &["no upstream 'up' in upstreams.toml, and no --url was given"]),
        (
            &["../my patches.patch", "--commit", "v1.0.0"],
            2,
            &["cannot derive a name for the upstream", "hint: patchq import NAME"],
        ),
        (&["../.hidden.patch", "--commit", "v1.0.0"], 2, &["cannot derive a name"]),
        (
            &["up", "../.hidden.patch", "--commit", "v1.0.0"],
            1,
            &["'.hidden.patch' cannot be stored", "hint: rename it"],
        ),
        (&["up", "../missing.patch", "--commit", "v1.0.0"], 1, &["cannot read ../missing.patch: No such file"]),
        (&["up", "../text.patch", "--commit", "v1.0.0"], 1, &["../text.patch:"]),
        (&["up", "../empty", "--commit", "v1.0.0"], 1, &["no patches in ../empty: expected files *.patch"]),
        (
            &["up", "../diffs", "--commit", "v1.0.0"],
            1,
            &["../diffs: 'a.patch' and 'a.patch' cannot both be stored", "hint: rename one"],
        ),
        (&["up", "../folder", "--commit", "v1.0.0"], 1, &["a.patch is not a regular file"]),
        (&["up", "../links", "--commit", "v1.0.0"], 1, &["a.patch is a symlink"]),
        (&["up", "/dev/null", "--commit", "v1.0.0"], 1, &["/dev/null is not a regular file"]),
        (&["up", "../up.patch", "--commit-file", "../none.txt"], 1, &["../none.txt:1: the file is empty"]),
        (&["up", "../up.patch", "--commit-file", "../two-lines.txt"], 1, &["../two-lines.txt:2: a second line"]),
        (
            &["up", "../up.patch", "--commit-file", "../bad.txt"],
            1,
            &["../bad.txt:1: the revision '-x' could be read as an option"],
        ),
        (&["up", "../up.patch", "--commit-file", "../missing"], 1, &["cannot read '../missing'"]),
        (&["up", "../up.patch", "--commit", "v1.*"], 2, &["'v1.*' is a glob", "hint: use an id"]),
        (&["up", "../up.patch", "--commit=-x", "--url", UP], 2, &["'-x' could be read as an option"]),
        (&["up", "../up.patch", "--commit", "0123abc", "--url", UP], 1, &["no branch, tag or commit '0123abc'"]),
        (&["../x/\u{1b}[2J.patch"], 2, &["\\x1b[2J"]),
    ];
    for (args, code, texts) in cases {
        env.run(&[&["import"], *args].concat()).fails(*code, texts);
        assert_eq!(env.snapshot(), before, "{args:?}");
    }
}

#[test]
fn an_abbreviated_id_of_two_commits_is_refused() {
    let env = Env::new();
    // Of so many commits some ids begin alike.
    let mut stream = String::new();
    for n in 0..600 {
        stream.push_str(&format!(
            "commit refs/heads/many\ncommitter A <a@example.com> {} +0000\ndata 1\nx\n{}\n",
            1_700_000_000 + n,
            if n == 0 { format!("from {}\n", env.up.main) } else { String::new() }
        ));
    }
    env.write("stream", &stream);
    let up = env.path("srv/up.git");
    let mut command = env.command("git", &up, &["fast-import", "--quiet"]);
    assert!(command.stdin(fs::File::open(env.path("stream")).unwrap()).status().unwrap().success());
    let ids = env.git_in(&up, &["rev-list", "many"]);
    let mut short: Vec<&str> = ids.lines().map(|id| &id[..4]).collect();
    short.sort_unstable();
    let twice = short.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]).unwrap();
    env.write("up.patch", DIFF);
    env.run(&["import", "../up.patch", "--commit", twice, "--url", UP])
        .fails(1, &[&format!("up: '{twice}' is ambiguous: "), "hint: "]);
    assert!(!env.path("ws/patches").exists());
}

#[test]
fn an_upstream_with_patches_takes_no_others() {
    let env = Env::new();
    env.write("up.patch", DIFF);
    env.run(&["import", "../up.patch", "--commit", "v1.0.0", "--url", UP]).ok();
    let before = env.snapshot();
    env.run(&["import", "../up.patch"])
        .fails(1, &["up: there are patches in patches/up already (up.patch)", "hint: import under another name"]);
    env.run(&["import", "up", "patches/up", "--commit", "v1.0.0"])
        .fails(1, &["there are patches in patches/up already"]);
    assert_eq!(env.snapshot(), before);
    // If only the pin is missing, it can be added.
    fs::remove_file(env.path("ws/commits/up.txt")).unwrap();
    env.run(&["import", "../up.patch", "--commit", "v1.0.0"]).fails(
        1,
        &["there are patches in patches/up already", "hint: patchq add up --pin ID", "hint: or import under"],
    );
}

#[test]
fn killed_at_any_step_it_is_as_before_or_as_after() {
    let env = Env::new();
    env.write("up.patch", DIFF);
    let import = ["import", "../up.patch", "--commit", "v1.0.0", "--url", UP];
    let before = env.snapshot();
    env.run(&import).ok();
    let after = env.snapshot();
    env.run(&["undo"]).ok();
    for point in ["Recorded", "Committed", "Staged(0)", "Replaced(0)", "Replaced(3)", "Cleared", "refs", "Over"] {
        env.killed_at(point, &import);
        env.run(&["undo", "--list"]).ok();
        let is = env.snapshot();
        assert!(is == before || is == after, "{point}: {is:#?}");
        if is == after {
            env.run(&["setup"]).ok();
            assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei"));
            fs::remove_dir_all(env.path("ws/up")).unwrap();
            env.run(&["undo"]).ok();
        }
        assert_eq!(env.snapshot(), before, "{point}");
    }
}

/// Returns a mailbox of a cover letter and two patches, as `git format-patch --cover-letter --stdout` writes it.
fn mailbox() -> String {
    let mail = |subject: &str| {
        let from = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A B <a@b>";
        format!("{from}\nDate: Fri, 5 Jan 2024 03:04:05 +0000\nSubject: {subject}\n\n")
    };
    let (one, two) = (mail("[PATCH 1/2] Say zwei"), mail("[PATCH 2/2] Say eins"));
    format!("{}words\n{one}---\n{DIFF}-- \n2.40\n\n{two}---\n{SECOND}", mail("[PATCH 0/2] both"))
}

#[test]
fn a_mailbox_is_taken_apart() {
    let env = Env::new();
    env.write("both.mbox", mailbox());
    let out = env.run(&["import", "up", "../both.mbox", "--commit", "v1.0.0", "--url", UP]).ok();
    for text in [
        "'both.mbox' was renamed to 0001-say-zwei.patch",
        "not imported, because they are not patches: mail 1 of both.mbox",
        "up: 2 patches",
    ] {
        assert!(out.stderr.contains(text), "no '{text}' in:\n{}", out.stderr);
    }
    env.run(&["setup"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei").replace("one", "eins"));
    let log = env.git_in(&env.path("ws/up"), &["log", "--format=%an %s", "-2"]);
    assert_eq!(log, "A B Say eins\nA B Say zwei\n");
}

#[test]
fn the_way_out_of_a_mailbox_in_a_queue_works() {
    for series in [None, Some("# ours\nboth.patch\nthird.patch\n")] {
        let env = Env::new();
        env.run(&["add", "up", UP, "--pin", "v1.0.0"]).ok();
        env.write("ws/patches/up/both.patch", mailbox());
        env.write("ws/patches/up/third.patch", "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n");
        if let Some(series) = series {
            env.write("ws/patches/up/series", series);
        }
        let hint = "hint: mv patches/up up.mails && patchq import up up.mails";
        env.run(&["setup"]).fails(1, &["patches/up/both.patch:7: a second mail begins here", hint]);
        fs::rename(env.path("ws/patches/up"), env.path("ws/up.mails")).unwrap();
        let out = env.run(&["import", "up", "up.mails"]).ok();
        assert!(out.stderr.contains("'both.patch' was renamed to both-1.patch, because"), "{}", out.stderr);
        if series.is_some() {
            assert_eq!(env.read("ws/patches/up/series"), "# ours\nboth-1.patch\nboth-2.patch\nthird.patch\n");
        }
        env.run(&["setup"]).ok();
        assert_eq!(env.git_in(&env.path("ws/up"), &["rev-list", "--count", "refs/patchq/base..HEAD"]).trim(), "3");
    }
}

#[test]
fn a_folders_diffs_are_taken_beside_its_patches() {
    let env = Env::new();
    env.write("old/1-zwei.diff", DIFF);
    env.write("old/2-eins.patch", SECOND);
    let out = env.run(&["import", "up", "../old", "--commit", "v1.0.0", "--url", UP, "--json"]).ok();
    assert_eq!(out.json()["patches"], serde_json::json!(["1-zwei.patch", "2-eins.patch"]));
    assert!(out.stderr.contains("'1-zwei.diff' was renamed to 1-zwei.patch, because"), "{}", out.stderr);
    env.run(&["setup"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei").replace("one", "eins"));
}

#[test]
fn a_patch_without_prefixes_is_taken_with_p0() {
    let env = Env::new();
    let plain = DIFF.replace("a/Makefile", "Makefile").replace("b/Makefile", "Makefile");
    env.write("ws/up.patch", &plain);
    let import = ["import", "up.patch", "--commit", "v1.0.0", "--url", UP];
    let before = env.snapshot();
    let refused = env.run(&import).fails(1, &["no path is left of 'Makefile' after -p1"]);
    assert!(
        refused.stderr.contains("hint: if the paths have no a/ and b/ in front, import with -p0"),
        "{}",
        refused.stderr
    );
    assert_eq!(env.snapshot(), before);
    env.run(&[&import[..], &["-p0"]].concat()).ok();
    assert_eq!(env.read("ws/patches/up/up.patch"), plain);
    assert_eq!(env.read("ws/patches/up/series"), "up.patch -p0\n");
    env.run(&["setup"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei"));
    env.run(&["export", "up"]).ok();
    assert_eq!(
        (env.read("ws/patches/up/up.patch"), env.read("ws/patches/up/series")),
        (plain, "up.patch -p0\n".into())
    );
}

#[test]
fn who_says_how_many_folders_go_means_it() {
    let env = Env::new();
    // The same name on both sides, as without prefixes; -p1 removes its folder anyway, as in git.
    let deep = DIFF.replace("a/Makefile", "src/Makefile").replace("b/Makefile", "src/Makefile");
    env.write("old/1.patch", &deep);
    env.write("old/2.patch", SECOND);
    let names = env.git_in(&env.path("old"), &["apply", "-p1", "--numstat", "1.patch"]);
    assert_eq!(names.split_whitespace().last(), Some("Makefile"));
    let import = ["import", "up", "../old", "--commit", "v1.0.0", "--url", UP];
    env.run(&import).fails(1, &["1.patch:1: ", "was made without the prefixes a/ and b/"]);
    env.run(&[&import[..], &["-p", "1"]].concat()).ok();
    assert_eq!(env.read("ws/patches/up/1.patch"), deep);
    assert_eq!(env.read("ws/patches/up/series"), "1.patch -p1\n2.patch -p1\n");
    env.run(&["setup"]).ok();
    assert_eq!(env.read("ws/up/Makefile"), MAKEFILE.replace("two", "zwei").replace("one", "eins"));
    fs::remove_dir_all(env.path("ws/up")).unwrap();
    env.run(&["undo"]).ok();

    // A series overrides the option, and keeps its text.
    env.write("old/series", "# ours\n1.patch -p1   # odd\n2.patch\n");
    env.run(&[&import[..], &["-p2"]].concat()).fails(1, &["2.patch", "no path is left of 'a/Makefile' after -p2"]);
    env.run(&[&import[..], &["-p1"]].concat()).ok();
    assert_eq!(env.read("ws/patches/up/series"), "# ours\n1.patch -p1   # odd\n2.patch -p1\n");
    env.run(&[&import[..], &["-px"]].concat()).fails(2, &["invalid value 'x' for '--strip <N>'"]);
}
