//! `patchq save --also`: saves the new patch in another entry of the same upstream too.

use std::fs;

use super::support::{Env, Upstream, assert_same, in_both_worlds, names_in, put};

const UTIL: &str = "def answer():\n    return 'YES'\n\n\ndef other():\n    return 1\n";

/// Makes the usual workspace, and beside it `two` at `v1.1` with the usual second patch as its queue.
fn prepared(env: &Env) -> &'static Upstream {
    let up = env.workspace();
    let manifest = env.read("ws/upstreams.toml");
    env.write(
        "ws/upstreams.toml",
        format!("{manifest}\n[upstream.two]\nurl = \"../up.git\"\nsparse = [\"app\", \"docs\"]\n"),
    );
    let requirements = ("0007-Pin-the-requirements.patch".to_owned(), up.patches[1].1.clone());
    env.entry("two", &up.next, Some("v1.1"), &[requirements]);
    env.write("ws/.gitignore", "/up/\n/two/\n");
    env.commit_workspace("Two of them");
    env.patchq(&["setup"]).ok();
    up
}

fn edit(env: &Env, path: &str, text: &str) {
    put(&env.co().join(path), text);
}

/// Returns the patch files of `two`.
fn second(env: &Env) -> Vec<String> {
    names_in(&env.path("ws/patches/two"))
}

fn git(env: &Env, args: &[&str]) -> String {
    env.git(&env.path("ws/two"), args)
}

/// Checks that the top of `two` is equal to git's cherry-pick of the top of `up` onto the previous top.
#[track_caller]
fn assert_is_cherry_pick(env: &Env) {
    let ours = git(env, &["rev-parse", "HEAD^{tree}"]);
    let patch = env.head();
    git(env, &["checkout", "-q", "--detach", "HEAD~1"]);
    git(env, &["cherry-pick", &patch]);
    assert_eq!(git(env, &["rev-parse", "HEAD^{tree}"]), ours);
    git(env, &["checkout", "-q", "patchq"]);
}

in_both_worlds! {
    fn a_patch_goes_to_the_other_entry_too(env) {
        prepared(env);
        edit(env, "app/main.py", "import util\n");
        edit(env, "lib/util.py", &UTIL.replace("return 1", "return 2"));
        assert!(!env.exists("ws/two/lib/util.py"));
        let before = env.files();
        let run = env.patchq(&["save", "up", "-m", "Return two", "-m", "It is more.", "--also", "two"]).ok();
        run.prints("two\n  merged      0004-return-two.patch\n").says("up: saved in patches/up/0004-return-two.patch")
            .says("two: saved in patches/two/0008-return-two.patch; 'patchq undo two' undoes it");
        let changed: Vec<String> =
            before.differences(&env.files()).into_iter().filter(|line| !line.contains(": two/")).collect();
        assert_eq!(changed, ["new: patches/two/0008-return-two.patch", "new: patches/up/0004-return-two.patch"]);
        let patch = env.read("ws/patches/two/0008-return-two.patch");
        assert!(patch.contains("From: Maintainer <me@example.org>\n") && patch.contains("\nIt is more.\n---\n"), "{patch}");
        assert!(patch.contains("+    return 2\n"), "{patch}");
        assert_eq!(git(env, &["log", "--format=%s", "-2"]), "Return two\nPin the requirements");
        assert_eq!(git(env, &["status", "--porcelain", "-uall"]), "");
        assert!(fs::read_to_string(env.path("ws/two/lib/util.py")).unwrap().ends_with("return 2\n"));
        env.changes_nothing(&["verify"]).ok();
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        assert_is_cherry_pick(env);
    }

    fn each_is_undone_by_itself(env) {
        prepared(env);
        let two = git(env, &["rev-parse", "HEAD"]);
        edit(env, "app/main.py", "import util\n");
        let before = env.files();
        env.patchq(&["save", "up", "-m", "Do less", "--also", "two"]).ok().prints("  unchanged   0004-do-less.patch\n");
        assert_is_cherry_pick(env);
        env.patchq(&["undo", "two"]).ok();
        assert_eq!(before.differences(&env.files()), ["new: patches/up/0004-do-less.patch"]);
        assert_eq!(git(env, &["rev-parse", "HEAD"]), two);
        assert_eq!(git(env, &["status", "--porcelain"]), "");
        env.patchq(&["undo", "up"]).ok();
        assert_same(&before, &env.files(), "after both");
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]),  " M app/main.py");
    }

    fn a_conflict_writes_nothing_there(env) {
        prepared(env);
        edit(env, "app/Dockerfile", "FROM python:3.8-bookworm\nCOPY . /app\nRUN pip install -r requirements.txt\n");
        let (before, two) = (env.files(), git(env, &["rev-parse", "HEAD"]));
        let run = env.patchq(&["save", "up", "-m", "Build on bookworm", "--also", "two"]).exits(3);
        run.prints("two\n  conflict    0004-build-on-bookworm.patch\n").prints("app/Dockerfile:1: upstream changed the same lines")
            .prints("base     │ FROM python:3.8-bullseye\n").prints("upstream │ FROM python:3.8-buster\n")
            .says("two: nothing was changed").hints("patchq save two -m \"why\"");
        assert_eq!(before.differences(&env.files()), ["new: patches/up/0004-build-on-bookworm.patch"]);
        assert_eq!(git(env, &["rev-parse", "HEAD"]), two);
    }

    fn what_is_there_already_is_not_written(env) {
        prepared(env);
        edit(env, "docs/news.md", "1.1\n");
        let before = second(env);
        let run = env.patchq(&["save", "up", "-m", "News", "--also", "two/"]).ok();
        run.prints("  upstreamed  0004-news.patch").says("two: nothing was written: it already has the whole patch");
        assert_eq!(second(env), before);
    }

    fn the_document_has_each_outcome(env) {
        prepared(env);
        edit(env, "app/main.py", "import util\n");
        let document = env.patchq(&["save", "up", "-m", "Do less", "--also", "two", "--json"]).ok().json();
        let also = &document["also"][0];
        assert_eq!((&also["name"], &also["saved"]), (&"two".into(), &true.into()), "{document:#}");
        assert_eq!((&also["patch"], &also["outcome"]["outcome"]), (&"0008-do-less.patch".into(), &"unchanged".into()));
        assert_eq!(also["outcome"]["new_commit"], git(env, &["rev-parse", "HEAD"]).as_str());
        assert_eq!(also["patches"].as_array().unwrap().len(), 2);
        edit(env, "app/Dockerfile", "FROM python:3.8-bookworm\nCOPY . /app\nRUN pip install -r requirements.txt\n");
        let document = env.patchq(&["save", "up", "-m", "Book", "--also", "two", "--json"]).exits(3).json();
        let also = &document["also"][0];
        assert_eq!((&document["ok"], &also["saved"], &also["patch"]), (&true.into(), &false.into(), &serde_json::Value::Null));
        assert_eq!(also["outcome"]["files"][0]["conflict"]["hunks"][0]["upstream"]["start"], 1, "{document:#}");
        edit(env, "app/main.py", "import nothing\n");
        assert_eq!(env.patchq(&["save", "up", "-m", "Alone", "--json"]).ok().json()["also"], serde_json::json!([]));
    }

    fn without_a_checkout_the_files_are_written(env) {
        prepared(env);
        fs::remove_dir_all(env.path("ws/two")).unwrap();
        edit(env, "app/main.py", "import util\n");
        env.patchq(&["save", "up", "-m", "Do less", "--also", "two"]).ok();
        assert_eq!(second(env), ["0007-Pin-the-requirements.patch", "0008-do-less.patch"]);
        assert!(!env.exists("ws/two"));
        env.patchq(&["setup"]).ok();
        assert_eq!(git(env, &["log", "--format=%s", "-1"]), "Do less");
        fs::remove_dir_all(env.path("ws/two")).unwrap();
        fs::remove_dir_all(env.path("ws/.git/patchq/two.git")).unwrap();
        edit(env, "app/main.py", "import nothing\n");
        env.patchq(&["save", "up", "-m", "Do nothing", "--also", "two", "--also", "two"]).ok();
        assert_eq!(second(env).len(), 3);
        env.changes_nothing(&["verify"]).ok();
    }

    fn what_is_in_the_way_there_is_known_before_anything_is_saved(env) {
        prepared(env);
        edit(env, "app/main.py", "import util\n");
        let save = ["save", "up", "-m", "Do less", "--also", "two"];
        let text = fs::read_to_string(env.path("ws/two/app/run.sh")).unwrap();
        env.write("ws/two/app/run.sh", "mine\n");
        env.changes_nothing(&save).exits(1).one_error().says("two: the checkout has uncommitted changes").hints("patchq save two");
        env.write("ws/two/app/run.sh", text);
        env.write("ws/two/app/new.py", "mine\n");
        git(env, &["add", "-A"]);
        git(env, &["commit", "-qm", "Mine"]);
        env.changes_nothing(&save).exits(1).one_error().says("two: the checkout has 1 commit not exported yet").hints("patchq export two");
        git(env, &["checkout", "-q", "--detach"]);
        env.changes_nothing(&save).exits(1).one_error().says("two: the checkout's HEAD is detached at ").hints("git -C two switch patchq");
        git(env, &["checkout", "-q", "patchq"]);
        git(env, &["reset", "-q", "--hard", "HEAD~1"]);
        env.write("ws/patches/two/0007-Pin-the-requirements.patch", "no patch\n");
        env.changes_nothing(&save).exits(1).one_error().says("patches/two/0007-Pin-the-requirements.patch:1: ");
        fs::remove_file(env.path("ws/commits/two.txt")).unwrap();
        env.changes_nothing(&save).exits(1).one_error().says("two: no pin: commits/two.txt does not exist").hints("patchq add two --pin");
    }

    fn only_another_entry_of_the_same_upstream_will_do(env) {
        prepared(env);
        let manifest = env.read("ws/upstreams.toml");
        env.write("ws/upstreams.toml", format!("{manifest}\n[upstream.three]\nurl = \"../other.git\"\n"));
        edit(env, "app/main.py", "import util\n");
        let save = |more: &[&str]| env.changes_nothing(&[&["save", "up", "-m", "Why"], more].concat());
        save(&["--also", "up"]).exits(2).one_error().says("--also up: the patch is already saved there");
        save(&["--also", "two", "--also", "three"]).exits(2).one_error().says("--also three: it has another url");
        save(&["--also", "towo"]).exits(2).one_error().says("there is no upstream 'towo' in upstreams.toml; did you mean 'two'?");
        env.changes_nothing(&["save", "up", "--into", "0001", "--also", "two"]).exits(2).says("'--into <PATCH>' cannot be used with '--also <NAME2>'");
    }
}

#[test]
fn on_a_terminal_it_asks_with_the_outcome() {
    let env = crate::env::Env::new();
    for (name, pin) in [("up", "v1.0.0"), ("two", "v1.1.0")] {
        env.run(&["add", name, "../srv/up.git", "--pin", pin]).ok();
    }
    env.run(&["setup"]).ok();
    for (key, value) in [("user.name", "Me"), ("user.email", "me@example.org")] {
        env.git_in(&env.path("ws/up"), &["config", key, value]);
    }
    let save = ["save", "up", "-m", "Count", "--also", "two"];
    for (n, answer) in [(1, "n"), (2, "\r"), (3, "\u{3}")] {
        env.write(&format!("ws/up/new/{n}"), "new\n");
        let (screen, code) = env.on_terminal(&save, &[("save it in two too (unchanged)?", answer)]);
        assert_eq!(code, if n == 3 { 130 } else { 0 }, "{screen}");
    }
    let names = |entry: &str| names_in(&env.path(&format!("ws/patches/{entry}"))).len();
    assert_eq!((names("up"), names("two")), (3, 1));
}
