//! Compares the complete output of every command with `snapshots/COMMAND/CASE.txt`; `SNAPSHOTS=overwrite` writes the
//! files again. What a command *does* is tested in its own module; here the words, their order and their streams are
//! tested.

use std::fs;
use std::path::Path;

use super::refresh::bench::{Bench, LINES, TRACK, with};
use super::support::{Decision, Env, FIVE, assert_kept, git_at, put};

/// Makes a workspace that is an empty git repository.
fn empty() -> Env {
    let env = Env::new();
    fs::create_dir(env.ws()).unwrap();
    env.git(&env.ws(), &["init", "-q"]);
    env
}

fn ready() -> Env {
    let env = Env::new();
    env.ready();
    env
}

/// Makes the upstream's repository, for `add`.
fn with_upstream(env: &Env) {
    super::support::Upstream::usual().copy_to(&env.path("up.git"));
}

fn edit(env: &Env, path: &str, text: &str) {
    put(&env.co().join(path), text);
}

/// Adds a patch file that the checkout does not have yet.
fn newer_file(env: &Env) {
    env.write("ws/patches/up/0004-new.patch", "--- /dev/null\n+++ b/app/new.txt\n@@ -0,0 +1 @@\n+new\n");
}

#[test]
fn the_command_line() {
    let env = Env::new();
    let dir = env.path("empty");
    fs::create_dir(&dir).unwrap();
    env.shows_in(&dir, "usage/unknown-option", &["status", "--al"]);
    env.shows_in(&dir, "usage/missing-value", &["import", "--commit"]);
    env.shows_in(&dir, "usage/no-workspace", &["status"]);
    env.shows_in(&dir, "usage/json", &["status", "--json"]);
}

#[test]
fn init() {
    let env = empty();
    env.shows("init/outside-of-git", &["init", "../other"]);
    env.write("file", "");
    env.shows("init/not-a-folder", &["init", "../file"]);
}

#[test]
fn add() {
    let env = empty();
    with_upstream(&env);
    env.patchq(&["init"]).ok();
    env.shows("add/new", &["add", "up", "../up.git", "--pin", "v1.0"]);
    env.shows("add/no-url", &["add", "two"]);
    env.shows("add/another-url", &["add", "up", "../two.git"]);
    env.shows("add/bad-name", &["add", "Up", "../up.git"]);
    env.shows("add/unknown-track", &["add", "two", "../up.git", "--track", "gone"]);
    env.shows("add/no-repository", &["add", "two", "../none.git"]);
    env.write("ws/two/x", "mine\n");
    env.shows("add/like", &["add", "two", "--like", "up", "--to", "v1.1"]);
}

#[test]
fn import() {
    let env = empty();
    with_upstream(&env);
    env.patchq(&["init"]).ok();
    for (name, bytes) in &super::support::Upstream::usual().patches {
        env.write(&format!("old/{name}"), bytes);
    }
    env.write("old/README", "");
    env.write(
        "ws/up.patch",
        "--- a/app/main.py\n+++ b/app/main.py\n@@ -2,2 +2,2 @@\n\n-print(util.answer())\n+print(1)\n",
    );
    env.write("ws/commit.txt", "the first release\n");
    env.write("ws/bad.patch", "--- a/app/none.py\n+++ b/app/none.py\n@@ -1 +1 @@\n-a\n+b\n");
    env.shows("import/no-url", &["import", "up.patch", "--commit", "v1.0"]);
    env.shows("import/not-an-id", &["import", "up.patch", "--commit-file", "commit.txt", "--url", "../up.git"]);
    env.shows("import/does-not-apply", &["import", "bad.patch", "--commit", "v1.0", "--url", "../up.git"]);
    env.shows("import/nothing-there", &["import", "gone.patch", "--commit", "v1.0", "--url", "../up.git"]);
    env.shows("import/patch", &["import", "up.patch", "--commit", "v1.0", "--url", "../up.git"]);
    env.shows("import/folder", &["import", "two", "../old", "--commit", "v1.0", "--url", "../up.git"]);
}

#[test]
fn setup() {
    let env = Env::new();
    env.workspace();
    env.shows("setup/first", &["setup", "."]);
    env.shows("setup/copy", &["setup", "../copy"]);
    env.shows("setup/copy-again", &["setup", "../copy"]);
    edit(&env, "app/main.py", "changed\n");
    env.shows("setup/with-changes", &["setup", "."]);
    newer_file(&env);
    env.shows("setup/changes-in-the-way", &["setup", "."]);
    env.shows("setup/discard", &["setup", "--discard", "up"]);
    env.commit_in_checkout("app/main.py", "mine\n", "Mine");
    env.shows("setup/commits-in-the-way", &["setup"]);
}

#[test]
fn setup_of_two() {
    let env = Env::new();
    let up = env.workspace();
    let entries = "[upstream.two]\nurl = \"../up.git\"\n[upstream.bad]\nurl = \"../none.git\"\n[upstream.new]\nurl = \"../up.git\"\n";
    env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + entries);
    env.entry("two", &up.next, Some("v1.1"), &[]);
    env.entry("bad", &up.next, None, &[]);
    env.shows("setup/some-fail", &["setup"]);
}

#[test]
fn status() {
    let env = Env::new();
    env.workspace();
    env.patchq(&["setup"]).ok();
    env.shows("status/up-to-date", &["status"]);
    env.shows("status/of-one", &["status", "up"]);
    edit(&env, "app/main.py", "changed\n");
    edit(&env, "app/new.txt", "new\n");
    env.shows("status/changes", &["status"]);
    env.commit_in_checkout("app/main.py", "mine\n", "Mine");
    env.shows("status/commits", &["status", "up"]);
    newer_file(&env);
    env.shows("status/diverged", &["status", "up"]);
    env.write("ws/patches/up/0005-bad.patch", "no diff\n");
    env.shows("status/bad-patch", &["status"]);
}

#[test]
fn apply() {
    let env = ready();
    env.shows("apply/nothing-to-do", &["apply"]);
    newer_file(&env);
    env.commit_workspace("One patch more");
    env.shows("apply/newer-files", &["apply"]);
    fs::remove_file(env.path("ws/patches/up/0004-new.patch")).unwrap();
    env.shows("apply/patch-removed", &["apply"]);
}

#[test]
fn save() {
    let env = ready();
    edit(&env, "app/main.py", "import util\n");
    edit(&env, "app/new.txt", "new\n");
    env.shows("save/no-message", &["save", "up"]);
    env.shows("save/unknown-patch", &["save", "--into", "0009"]);
    env.shows("save/unknown-path", &["save", "-m", "x", "--", "lib/none"]);
    env.shows("save/new", &["save", "up", "-m", "Print nothing", "-m", "Nobody reads it."]);
    edit(&env, "app/requirements.txt", "flask==2.1\njinja2==3.1.3\nrequests==2.31\nurllib3\n");
    env.shows("save/into", &["save", "--into", "0002"]);
    edit(&env, "app/main.py", "import util, os\n");
    env.shows("save/into-conflict", &["save", "--into", "0001"]);
    newer_file(&env);
    env.shows("save/into-newer-files", &["save", "--into", "0002"]);
}

#[test]
fn save_also() {
    let env = Env::new();
    let up = env.workspace();
    let two = "[upstream.two]\nurl = \"../up.git\"\n";
    env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + two);
    env.entry("two", &up.next, Some("v1.1"), &[]);
    env.patchq(&["setup"]).ok();
    edit(&env, "app/main.py", "import util\n");
    env.shows("save/also", &["save", "up", "-m", "Print nothing", "--also", "two"]);
}

#[test]
fn export() {
    let env = ready();
    env.commit_in_checkout("app/main.py", "import util\n", "Print nothing");
    env.shows("export/new", &["export"]);
    env.rebase("/Pin the requirements/d").ok();
    env.shows("export/dropped", &["export"]);
    env.git(&env.co(), &["reset", "-q", "--hard", "refs/patchq/base"]);
    env.shows("export/empty", &["export"]);
    env.git(&env.co(), &["reset", "-q", "--hard", "ORIG_HEAD"]);
    newer_file(&env);
    env.shows("export/files-newer", &["export"]);
    env.commit_in_checkout("docs/guide.md", "one\n", "Say less");
    env.shows("export/diverged", &["export"]);
    env.shows("export/merge", &["export", "--merge"]);
}

#[test]
fn refresh() {
    let env = ready();
    env.shows("refresh/dry-run", &["refresh", "--dry-run"]);
    env.shows("refresh/moved", &["refresh"]);
    env.shows("refresh/there-already", &["refresh"]);
    env.shows("refresh/older", &["refresh", "--to", "v1.0"]);
}

/// Uses a patch that upstream has, one that merges, and one in conflict.
#[test]
fn refresh_with_every_outcome() {
    let env = Env::new();
    let bench = Bench::new(
        &env,
        &[("a.txt", Some(LINES)), ("b.txt", Some(LINES)), ("c.txt", Some("c\n")), ("d.txt", Some("d\n"))],
    );
    let queue = [
        bench.patch("Shout two", &[("a.txt", Some(&with("two", "TWO")))]),
        bench.patch("Shout nine", &[("b.txt", Some(&with("nine", "NINE")))]),
        bench.patch("Change c", &[("c.txt", Some("C\n"))]),
        bench.patch("Change d", &[("d.txt", Some("D\n"))]),
        bench.patch("Shout two once more", &[("a.txt", Some(&with("two", "TWO!")))]),
        bench.patch("Add e", &[("e.txt", Some("e\n"))]),
    ];
    bench.release(
        "v1.1",
        &[
            ("a.txt", Some(&with("two", "deux"))),
            ("b.txt", Some(&with("one", "un"))),
            ("c.txt", Some("C\n")),
            ("d.txt", None),
        ],
    );
    bench.ready(TRACK, &queue);
    env.shows("refresh/every-outcome", &["refresh", "--report", "report.md"]);
    assert_kept("tests/cli/snapshots/refresh/report.md", env.read("ws/report.md"));
    env.shows("refresh/to-a-commit", &["refresh", "--to", &bench.id("v1.1")[..9], "--dry-run"]);
    env.shows("diff-upstream/every-outcome", &["diff-upstream"]);
}

#[test]
fn diff_upstream() {
    let env = ready();
    env.shows("diff-upstream/names", &["diff-upstream"]);
    env.shows("diff-upstream/stat", &["diff-upstream", "--stat"]);
    env.shows("diff-upstream/patch", &["diff-upstream", "-p", "--exit-code"]);
    env.shows("diff-upstream/nothing", &["diff-upstream", "--to", "v1.0"]);
}

#[test]
fn resolutions() {
    let env = Env::new();
    let entry = "[upstream.up]\nurl = \"../up.git\"\nremember = \"shared\"\n";
    env.write("ws/upstreams.toml", entry);
    env.init_workspace();
    env.shows("resolutions/none", &["resolutions", "list"]);
    let id = FIVE.keep(&env);
    Decision { path: "apps/b.txt", own: "b.txt", time: FIVE.time + 86_400, ..FIVE }.keep(&env);
    env.write("ws/resolutions/up/note.toml", "x");
    env.shows("resolutions/list", &["resolutions", "list"]);
    env.shows("resolutions/show", &["resolutions", "show", &id]);
    env.shows("resolutions/unknown", &["resolutions", "show", "0000000000000000"]);
    env.shows("resolutions/forget", &["resolutions", "forget", &id]);
}

#[test]
fn outdated() {
    let env = Env::new();
    let up = env.workspace();
    env.shows("outdated/moved", &["outdated"]);
    env.shows("outdated/offline", &["outdated", "--offline"]);
    env.entry("up", &up.next, Some("v1.1"), &[]);
    env.shows("outdated/up-to-date", &["outdated"]);
    git_at(&env.path("up.git"), 30, &["tag", "-f", "-a", "-m", "x", "v1.1", "v1.0^{}"]);
    env.shows("outdated/tag-moved", &["outdated"]);
}

#[test]
fn verify() {
    let env = ready();
    env.shows("verify/in-order", &["verify"]);
    env.write(
        "ws/patches/up/0004-Off.patch",
        "--- a/docs/guide.md\n+++ b/docs/guide.md\n@@ -2,5 +2,5 @@\n three\n four\n-five\n+FIVE\n six\n seven\n",
    );
    env.write("ws/.gitignore", "");
    env.shows("verify/warnings", &["verify"]);
    env.shows("verify/strict", &["verify", "--strict", "--canonical"]);
    env.shows("verify/fix", &["verify", "--fix", "--canonical"]);
    env.write("ws/patches/up/0005-x.patch", "--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n");
    env.write("ws/commits/up.version.txt", "v 1\n");
    env.shows("verify/errors", &["verify"]);
}

#[test]
fn tag() {
    let env = Env::new();
    env.workspace();
    let image = "registry = \"example\"\n[[upstream.up.image]]\nname = \"app\"\ndockerfile = \"app/Dockerfile\"\n";
    env.write("ws/upstreams.toml", env.read("ws/upstreams.toml") + image);
    env.shows("tag/images", &["tag"]);
    env.shows("tag/unknown-image", &["tag", "--image", "ap"]);
    env.shows("image/not-set-up", &["image", "list"]);
    env.patchq(&["setup"]).ok();
    env.shows("image/list", &["image", "list"]);
    env.shows("image/no-builder", &["image", "build"]);
    env.shows("image/bases", &["image", "list", "--bases"]);
    fs::write(env.path("ws/commits/up.txt"), format!("{}\n", super::support::Upstream::usual().next)).unwrap();
    env.shows("tag/stale-version", &["tag"]);
    fs::remove_file(env.path("ws/commits/up.version.txt")).unwrap();
    env.shows("tag/no-version", &["tag"]);
}

#[test]
fn undo() {
    let env = ready();
    env.commit_in_checkout("app/main.py", "import util\n", "Print nothing");
    env.patchq(&["export"]).ok();
    env.shows("undo/list", &["undo", "--list"]);
    let patch = env.read("ws/patches/up/0004-print-nothing.patch");
    env.write("ws/patches/up/0004-print-nothing.patch", "changed since\n");
    env.shows("undo/changed-since", &["undo"]);
    env.write("ws/patches/up/0004-print-nothing.patch", patch);
    env.shows("undo/done", &["undo"]);
}

/// Checks that every snapshot belongs to a test.
#[test]
fn no_whole_output_is_left_over() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let files = |root: &Path, ending: &'static str| {
        let all = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap).map(walkdir::DirEntry::into_path);
        all.filter(move |path| path.extension().is_some_and(|found| found == ending)).collect::<Vec<_>>()
    };
    let sources: String = files(&root, "rs").iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    // The file of a mistake is named by the row's description.
    let slug = |text: &str| {
        let words: Vec<&str> =
            text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        words.join("-").to_lowercase()
    };
    let mistakes: Vec<String> =
        sources.split("what: \"").skip(1).map(|rest| slug(rest.split("\",").next().unwrap())).collect();
    for path in files(&root.join("snapshots"), "txt") {
        let case = path.strip_prefix(root.join("snapshots")).unwrap().with_extension("");
        let case = case.to_str().unwrap();
        // A story is named by its test, a format by its archive.
        let case = case.strip_prefix("stories/").or(case.strip_prefix("formats/")).unwrap_or(case);
        let name = case.rsplit_once('/').map_or(case, |(_, name)| name);
        let used = sources.contains(&format!("\"{case}\"")) || mistakes.iter().any(|mistake| mistake == name);
        assert!(used, "no test makes tests/cli/snapshots/{case}.txt");
    }
}
