//! Compares complete outputs of the commands: standard output, standard error and the exit code of the ordinary run and
//! the main refusals of each, as stories in `snapshots/stories/`. `SNAPSHOTS=overwrite cargo test --test cli snapshots`
//! writes them again; review the difference like code before committing it.

use std::fs;

use crate::refresh::bench::{Bench, LINES, TRACK, with};
use crate::support::{Env, assert_kept, executable, put, stable};

/// Commands one after the other in one world, and their output.
struct Story<'e> {
    env: &'e Env,
    text: String,
}

impl<'e> Story<'e> {
    fn in_world(env: &'e Env) -> Story<'e> {
        Story { env, text: String::new() }
    }

    /// Does something between two commands, with a description.
    fn then(&mut self, what: &str, act: impl FnOnce()) -> &mut Self {
        self.text.push_str(&format!("# {what}\n\n"));
        act();
        self
    }

    /// Runs patchq in the workspace.
    fn run(&mut self, args: &[&str]) -> &mut Self {
        let run = self.env.patchq_with(&self.env.ws(), &[("COLUMNS", "80")], args);
        let shown = |text: &str| without_new_ids(&stable(text, &self.env.root));
        let words: Vec<String> = args.iter().map(|word| shlex::try_quote(word).unwrap().into_owned()).collect();
        self.text.push_str(&format!("$ patchq {}\n", words.join(" ")));
        self.text.push_str(&shown(&run.stdout));
        if !run.stderr.is_empty() {
            self.text.push_str(&format!("-- stderr\n{}", shown(&run.stderr)));
        }
        let code = run.code.map_or("a signal".to_owned(), |code| code.to_string());
        self.text.push_str(&format!("-- exit {code}\n\n"));
        self
    }

    /// Compares with the stored story.
    fn ends_as(&self, name: &str) {
        assert_kept(format!("tests/cli/snapshots/stories/{name}.txt"), self.text.clone());
    }
}

/// Replaces ids of commits that the test itself makes: they differ each time.
fn without_new_ids(text: &str) -> String {
    // The usual upstream's releases, and the stack of its queue.
    const KNOWN: [&str; 3] = ["98ab57c2", "66df8080", "683d4ba9"];
    let is_id = |word: &str| word.len() == 8 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_new = |word: &str| is_id(word) && !KNOWN.contains(&word);
    let words = text.split_inclusive(|c: char| c.is_whitespace());
    let shown =
        words.map(|word| if is_new(word.trim_end()) { word.replace(word.trim_end(), "[ID]") } else { word.to_owned() });
    shown.collect()
}

#[test]
fn beginning() {
    let env = Env::new();
    let usual = crate::support::Upstream::usual();
    usual.copy_to(&env.path("up.git"));
    fs::create_dir_all(env.ws()).unwrap();
    let mut story = Story::in_world(&env);
    story.run(&["status"]).run(&["init"]);
    story.then("git init", || drop(env.git(&env.ws(), &["init", "-q"])));
    story.run(&["init"]).run(&["status"]).run(&["setup"]);
    story.run(&["add", "up"]);
    story.run(&["add", "up", "../up.git", "--track", "nothing"]);
    story.run(&["add", "up", "../up.git", "--pin", "v9"]);
    story.run(&["add", "up", "../up.git", "--pin", "v1.0", "--track", "main"]);
    story.run(&["add", "up", "../up.git"]);
    story.run(&["setup"]).run(&["setup"]).run(&["status"]);
    story.run(&["setup", "app"]).run(&["setpu"]).run(&["setup", "--nothing"]);
    story.run(&["tag"]).run(&["image", "list"]).run(&["verify"]);
    story.ends_as("beginning");
}

#[test]
fn import() {
    let env = Env::new();
    let usual = crate::support::Upstream::usual();
    usual.copy_to(&env.path("up.git"));
    for (name, bytes) in &usual.patches {
        env.write(&format!("old/{name}"), bytes);
    }
    env.write("old/README", "how to\n");
    env.write("bad.patch", "no diff\n");
    fs::create_dir_all(env.ws()).unwrap();
    let mut story = Story::in_world(&env);
    story.run(&["init", "-q"]);
    story.run(&["import", "up", "../nowhere"]);
    story.run(&["import", "up", "../bad.patch", "--commit", "v1.0", "--url", "../up.git"]);
    story.run(&["import", "up", "../old", "--url", "../up.git"]);
    story.run(&["import", "up", "../old", "--commit", "v1.1", "--url", "../up.git"]);
    story.run(&["import", "up", "../old", "--commit", "v1.0", "--url", "../up.git"]);
    story.run(&["import", "up", "../old", "--commit", "v1.0"]);
    story.run(&["undo"]).run(&["status"]);
    story.ends_as("import");
}

#[test]
fn daily() {
    let env = Env::new();
    env.ready();
    let main = env.co().join("app/main.py");
    let mut story = Story::in_world(&env);
    story.run(&["status"]).run(&["save", "up", "-m", "Nothing"]).run(&["export"]).run(&["undo"]);
    story.then("edit up/app/main.py", || put(&main, "import util\n"));
    story.run(&["status"]).run(&["setup"]).run(&["apply"]).run(&["refresh", "--to", "v1.1", "--once"]);
    story.run(&["save", "up"]);
    story.run(&["save", "up", "-m", "Print nothing", "-m", "Nobody reads it."]);
    story.then("edit lib/util.py", || put(&env.co().join("lib/util.py"), "def answer():\n    return 'NO'\n"));
    story.run(&["save", "--into", "nothing"]).run(&["save", "--into", "0003"]);
    story.then("commit in the checkout", || drop(env.commit_in_checkout("app/run.sh", "#!/bin/sh\n", "Run nothing")));
    story.run(&["status"]).run(&["setup"]).run(&["export"]).run(&["export"]);
    story.then("git reset --hard HEAD~2", || drop(env.git(&env.co(), &["reset", "-q", "--hard", "HEAD~2"])));
    story.run(&["export"]).run(&["setup", "--discard"]);
    story.then("remove a patch file", || {
        fs::remove_file(env.ws().join("patches/up/0002-Pin-the-requirements.patch")).unwrap();
    });
    story.run(&["status"]).run(&["verify"]).run(&["apply"]).run(&["tag"]).run(&["undo"]);
    story.then("another branch in the checkout", || drop(env.git(&env.co(), &["switch", "-q", "-c", "topic"])));
    story.run(&["status"]).run(&["export"]).run(&["save", "-m", "x"]);
    story.ends_as("daily");
}

#[test]
fn mistakes_in_files() {
    let env = Env::new();
    env.ready();
    let mut story = Story::in_world(&env);
    let patch = env.read("ws/patches/up/0002-Pin-the-requirements.patch");
    let write = |name: &str, text: &str| env.write(&format!("ws/{name}"), text);
    story.then("a patch that does not apply", || {
        write("patches/up/0002-Pin-the-requirements.patch", &patch.replace("flask==2.0", "flask==9.9"));
    });
    story.run(&["setup"]).run(&["verify"]);
    story.then("a hunk that is cut off", || {
        write("patches/up/0002-Pin-the-requirements.patch", &patch[..patch.len() - 20]);
    });
    story.run(&["setup"]);
    story.then("the patch as it was, and a pin that is not an id", || {
        write("patches/up/0002-Pin-the-requirements.patch", &patch);
        write("commits/up.txt", "main\n");
    });
    story.run(&["status"]).run(&["setup"]);
    story.then("no pin", || fs::remove_file(env.path("ws/commits/up.txt")).unwrap());
    story.run(&["status"]).run(&["setup"]);
    story.then("mistakes in the manifest", || {
        write(
            "upstreams.toml",
            "[upstream.up]\nurll = \"../up.git\"\nsparse = [\"../x\"]\n[[upstream.up.image]]\nname = \"Up\"\n",
        );
    });
    story.run(&["status"]);
    story.ends_as("mistakes-in-files");
}

#[test]
fn refresh() {
    let env = Env::new();
    let bench = Bench::new(&env, &[("lib/a.txt", Some(LINES)), ("lib/b.txt", Some(LINES)), ("lib/c.txt", Some(LINES))]);
    let queue = [
        bench.patch("Shout one", &[("lib/a.txt", Some(&with("one", "ONE")))]),
        bench.patch("Shout five", &[("lib/b.txt", Some(&with("five", "FIVE")))]),
        bench.patch("Shout ten", &[("lib/c.txt", Some(&with("ten", "TEN")))]),
    ];
    bench.release("v1.1", &[("lib/a.txt", Some(&with("ten", "zehn"))), ("lib/c.txt", Some(&with("ten", "TEN")))]);
    bench.release("v1.2", &[("lib/b.txt", Some(&with("five", "fuenf")))]);
    bench.ready(TRACK, &queue);
    let mut story = Story::in_world(&env);
    story.run(&["outdated"]).run(&["diff-upstream"]);
    story.run(&["refresh", "--to", "v1.1"]).run(&["refresh", "--to", "v1.1", "--once", "--dry-run"]);
    story.run(&["refresh", "--to", "v1.1", "--once"]).run(&["refresh", "--to", "v1.0", "--once"]);
    story.run(&["refresh"]).run(&["refresh", "--continue"]).run(&["refresh", "--abort"]);
    story.run(&["refresh", "--accept", "patch"]).run(&["refresh", "--only", "0002", "--accept", "patch"]);
    story.run(&["refresh"]).run(&["resolutions"]).run(&["undo"]).run(&["verify"]);
    story.ends_as("refresh");
}

#[test]
fn small_ones() {
    let env = Env::new();
    env.ready();
    let mut story = Story::in_world(&env);
    story.run(&["completions"]).run(&["completions", "tcsh"]).run(&["--version"]).run(&["help", "nothing"]);
    story.run(&["-C", "/nowhere", "status"]).run(&["resolutions", "show", "x"]).run(&["image", "lists"]);
    story.then("a checkout that is somebody else's", || {
        fs::remove_dir_all(env.co()).unwrap();
        put(&env.co().join("own"), "mine\n");
    });
    story.run(&["setup"]).run(&["status"]);
    story.then("an editor that leaves the message empty", || {
        fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["setup", "-q"]);
        put(&env.co().join("app/main.py"), "import util\n");
        env.write("home/editor", "#!/bin/sh\n: > \"$1\"\n");
        executable(&env.path("home/editor"));
        env.git(&env.ws(), &["config", "core.editor", env.path("home/editor").to_str().unwrap()]);
    });
    story.run(&["save", "up"]);
    story.ends_as("small-ones");
}
