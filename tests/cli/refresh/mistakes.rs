//! What goes wrong with `refresh`, as rows of the table of mistakes; what depends on the target is in `targets.rs`.

use crate::mistakes::{BASE, Mistake, check, dirty, manifest, patch};

const MISTAKES: &[Mistake] = &[
    Mistake {
        what: "a commit that is no name at all",
        args: &["refresh", "--to", "v 1"],
        code: 2,
        says: &["v 1"],
        ..BASE
    },
    Mistake {
        what: "a commit that upstream does not have",
        args: &["refresh", "--to", "v9"],
        says: &["up: the upstream has no branch, tag or commit 'v9'"],
        hint: "git ls-remote",
        ..BASE
    },
    Mistake {
        what: "too few digits of an id",
        args: &["refresh", "--to", "abcdef"],
        says: &["up: the upstream has no branch, tag or commit 'abcdef'"],
        hint: "git ls-remote",
        ..BASE
    },
    Mistake { what: "--once without a target", args: &["refresh", "--once"], code: 2, says: &["--to <REV>"], ..BASE },
    Mistake {
        what: "both ways to leave the track",
        args: &["refresh", "--to", "v1.1", "--once", "--track", "main"],
        code: 2,
        says: &["'--once' cannot be used with '--track <NEW>'"],
        ..BASE
    },
    Mistake {
        what: "a track that is a commit id",
        args: &["refresh", "--track", "1111111111111111111111111111111111111111"],
        code: 2,
        says: &["1111111111"],
        ..BASE
    },
    Mistake {
        what: "a track of the manifest's that is gone",
        make: |env| {
            manifest(env, "[upstream.up]\nurl = \"../up.git\"\ntrack = \"gone\"\nsparse = [\"app\", \"docs\"]\n");
        },
        args: &["refresh"],
        says: &["up: the upstream has no branch, tag or commit 'gone'"],
        hint: "git ls-remote",
        ..BASE
    },
    Mistake {
        what: "no track",
        make: |env| manifest(env, "[upstream.up]\nurl = \"../up.git\"\nsparse = [\"app\", \"docs\"]\n"),
        args: &["refresh"],
        says: &["up: it has no track, so there is no newest commit to move to"],
        hint: "patchq refresh up --track TRACK",
        ..BASE
    },
    Mistake {
        what: "a target outside of the track",
        make: |env| {
            manifest(env, "[upstream.up]\nurl = \"../up.git\"\ntrack = \"v1.0*\"\nsparse = [\"app\", \"docs\"]\n");
        },
        args: &["refresh", "--to", "v1.1"],
        code: 2,
        says: &["up: 'v1.1' is outside of the track 'v1.0*'"],
        hint: "patchq refresh up --to v1.1 --once",
        ..BASE
    },
    Mistake {
        what: "no pin to move",
        make: |env| std::fs::remove_file(env.path("ws/commits/up.txt")).unwrap(),
        args: &["refresh"],
        says: &["up: no pin: commits/up.txt does not exist"],
        hint: "patchq add up --pin REV",
        ..BASE
    },
    Mistake {
        what: "an upstream that does not exist",
        args: &["refresh", "upp"],
        code: 2,
        says: &["there is no upstream 'upp' in upstreams.toml; did you mean 'up'?"],
        hint: "'up'",
        ..BASE
    },
    Mistake {
        what: "uncommitted changes",
        make: dirty,
        args: &["refresh"],
        says: &["up: the checkout has uncommitted changes:", "app/main.py"],
        hint: "patchq save up",
        ..BASE
    },
    Mistake {
        what: "a patch that does not apply where it is",
        make: |env| patch(env, "--- a/app/main.py\n+++ b/app/main.py\n@@ -1,2 +1,2 @@\n import nothing\n-x\n+y\n"),
        args: &["refresh"],
        says: &["up: 0004-x.patch: does not apply: app/main.py", "patches/up/0004-x.patch:3"],
        hint: "patch file",
        ..BASE
    },
    Mistake {
        what: "a patch to drop that is none",
        args: &["refresh", "--allow-drop", "0009"],
        code: 2,
        says: &["up: no patch is called '0009'"],
        hint: "patchq status up",
        ..BASE
    },
    Mistake {
        what: "a patch to drop that may be several",
        args: &["refresh", "--allow-drop", "000"],
        code: 2,
        says: &["up: ", "'000'"],
        hint: "patchq status up",
        ..BASE
    },
    Mistake {
        what: "no network",
        args: &["refresh", "--offline"],
        says: &["up: ", "without the network (--offline)"],
        hint: "without --offline",
        ..BASE
    },
    Mistake {
        what: "the upstream of a refresh is gone",
        make: |env| std::fs::rename(env.path("up.git"), env.path("elsewhere.git")).unwrap(),
        args: &["refresh"],
        says: &["up: ", "there is no git repository"],
        hint: "upstreams.toml",
        ..BASE
    },
    Mistake {
        what: "no git for a refresh",
        vars: &[("PATCHQ_GIT", "/nonexistent/git")],
        args: &["refresh"],
        says: &["the git program '/nonexistent/git' was not found"],
        hint: "install git",
        ..BASE
    },
    Mistake {
        what: "git holds the index",
        make: |env| std::fs::write(env.store().join("index.lock"), "").unwrap(),
        args: &["refresh"],
        says: &["another git process holds"],
        hint: "rm '",
        ..BASE
    },
    Mistake {
        what: "a report in the place of something else",
        args: &["refresh", "--report", "upstreams.toml"],
        says: &["'upstreams.toml' is not a report, and would be overwritten"],
        hint: "another name",
        ..BASE
    },
];

#[test]
fn each_gets_one_clear_error_and_changes_nothing() {
    MISTAKES.iter().for_each(check);
}
