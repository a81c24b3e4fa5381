//! Mistakes with `refresh`, as rows of the table of mistakes; those about the target are in `targets.rs`.

use crate::mistakes::{BASE, Mistake, check, dirty, manifest, mistakes, patch};

mistakes! {
    a_commit_that_is_no_name_at_all: Mistake {
        what: "a commit that is not a valid name",
        args: &["refresh", "--to", "v 1"],
        code: 2,
        ..BASE
    },
    a_commit_that_upstream_does_not_have: Mistake {
        what: "a commit that upstream does not have",
        args: &["refresh", "--to", "v9"],
        hint: "git ls-remote",
        ..BASE
    },
    too_few_digits_of_an_id: Mistake {
        what: "too few digits of an id",
        args: &["refresh", "--to", "abcdef"],
        hint: "git ls-remote",
        ..BASE
    },
    once_without_a_target: Mistake { what: "--once without a target", args: &["refresh", "--once"], code: 2, ..BASE },
    both_ways_to_leave_the_track: Mistake {
        what: "both ways to leave the track",
        args: &["refresh", "--to", "v1.1", "--once", "--track", "main"],
        code: 2,
        ..BASE
    },
    a_track_that_is_a_commit_id: Mistake {
        what: "a track that is a commit id",
        args: &["refresh", "--track", "1111111111111111111111111111111111111111"],
        code: 2,
        ..BASE
    },
    a_track_of_the_manifest_s_that_is_gone: Mistake {
        what: "a track of the manifest's that is gone",
        make: |env| {
            manifest(env, "[upstream.up]\nurl = \"../up.git\"\ntrack = \"gone\"\nsparse = [\"app\", \"docs\"]\n");
        },
        args: &["refresh"],
        hint: "git ls-remote",
        ..BASE
    },
    no_track: Mistake {
        what: "no track",
        make: |env| manifest(env, "[upstream.up]\nurl = \"../up.git\"\nsparse = [\"app\", \"docs\"]\n"),
        args: &["refresh"],
        hint: "patchq refresh up --track TRACK",
        ..BASE
    },
    a_target_outside_of_the_track: Mistake {
        what: "a target outside of the track",
        make: |env| {
            manifest(env, "[upstream.up]\nurl = \"../up.git\"\ntrack = \"v1.0*\"\nsparse = [\"app\", \"docs\"]\n");
        },
        args: &["refresh", "--to", "v1.1"],
        code: 2,
        hint: "patchq refresh up --to v1.1 --once",
        ..BASE
    },
    no_pin_to_move: Mistake {
        what: "no pin to move",
        make: |env| std::fs::remove_file(env.path("ws/commits/up.txt")).unwrap(),
        args: &["refresh"],
        hint: "patchq add up --pin REV",
        ..BASE
    },
    an_upstream_that_does_not_exist: Mistake {
        what: "an upstream that does not exist",
        args: &["refresh", "upp"],
        code: 2,
        hint: "'up'",
        ..BASE
    },
    uncommitted_changes: Mistake {
        what: "uncommitted changes",
        make: dirty,
        args: &["refresh"],
        hint: "patchq save up",
        ..BASE
    },
    a_patch_that_does_not_apply_where_it_is: Mistake {
        what: "a patch that does not apply where it is",
        make: |env| patch(env, "--- a/app/main.py\n+++ b/app/main.py\n@@ -1,2 +1,2 @@\n import nothing\n-x\n+y\n"),
        args: &["refresh"],
        hint: "patch file",
        ..BASE
    },
    a_patch_to_drop_that_is_none: Mistake {
        what: "a patch to drop that is none",
        args: &["refresh", "--allow-drop", "0009"],
        code: 2,
        hint: "patchq status up",
        ..BASE
    },
    a_patch_to_drop_that_may_be_several: Mistake {
        what: "a patch to drop that may be several",
        args: &["refresh", "--allow-drop", "000"],
        code: 2,
        hint: "patchq status up",
        ..BASE
    },
    no_network: Mistake {
        what: "no network",
        args: &["refresh", "--offline"],
        hint: "run the command again without --offline",
        ..BASE
    },
    the_upstream_of_a_refresh_is_gone: Mistake {
        what: "the upstream of a refresh is gone",
        make: |env| std::fs::rename(env.path("up.git"), env.path("elsewhere.git")).unwrap(),
        args: &["refresh"],
        hint: "upstreams.toml",
        ..BASE
    },
    no_git_for_a_refresh: Mistake {
        what: "no git for a refresh",
        vars: &[("PATCHQ_GIT", "/nonexistent/git")],
        args: &["refresh"],
        hint: "install git",
        ..BASE
    },
    git_holds_the_index: Mistake {
        what: "git holds the index",
        make: |env| std::fs::write(env.store().join("index.lock"), "").unwrap(),
        args: &["refresh"],
        hint: "/index.lock     (if no git process uses it)",
        ..BASE
    },
    a_report_in_the_place_of_something_else: Mistake {
        what: "a report in the place of something else",
        args: &["refresh", "--report", "upstreams.toml"],
        hint: "another name",
        ..BASE
    },
}
