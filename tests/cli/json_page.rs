//! Checks that the examples of `docs/json.md` are the program's output. `SNAPSHOTS=overwrite cargo test --test cli
//! json_page` writes them again.

use std::path::Path;

use super::image_build::{faked_with, images};
use super::support::{Env, assert_kept, put, stable};

const IMAGE: &str = "registry = \"example\"\n[[upstream.up.image]]\nname = \"app\"\ndockerfile = \"app/Dockerfile\"\n";

/// Returns every example of `docs/json.md`: the name after its marker, and the document.
fn examples() -> Vec<(&'static str, String)> {
    let env = Env::new();
    env.workspace();
    let mut made = Vec::new();
    let mut example = |name: &'static str, args: &[&str]| {
        let run = env.patchq(&[args, &["--json"]].concat());
        let text = stable(&run.stdout, &env.root).replace("[TIME]", "1704067200");
        made.push((name, text));
    };
    let manifest = env.read("ws/upstreams.toml");
    env.write("ws/upstreams.toml", "");
    example("frame", &["status"]);
    env.write("ws/upstreams.toml", manifest.replace("track", "trak"));
    example("failure", &["setup"]);
    env.write("ws/upstreams.toml", format!("{manifest}{IMAGE}"));
    example("tag", &["tag"]);
    example("setup", &["setup"]);
    example("image list", &["image", "list"]);
    example("outdated", &["outdated"]);
    env.commit_in_checkout("app/main.py", "import util\n", "Print nothing");
    put(&env.co().join("docs/guide.md"), "one\n");
    example("status", &["status"]);
    env.git(&env.co(), &["checkout", "-q", "docs/guide.md"]);
    example("export", &["export"]);
    example("diff-upstream", &["diff-upstream"]);
    env.patchq(&["undo"]).ok();
    env.git(&env.co(), &["reset", "-q", "--hard", "HEAD~1"]);
    example("refresh", &["refresh"]);
    example("undo", &["undo"]);
    env.write(
        "ws/patches/up/0004-Say-FIVE.patch",
        "--- a/docs/guide.md\n+++ b/docs/guide.md\n@@ -2,5 +2,5 @@\n three\n four\n-five\n+FIVE\n six\n seven\n",
    );
    example("verify", &["verify"]);
    made.extend(builds());
    made
}

/// Returns the examples that a builder takes part in.
fn builds() -> Vec<(&'static str, String)> {
    let env = Env::new();
    images(&env, "RUN tool");
    let mut made = Vec::new();
    for (name, args) in [
        ("image build", &["image", "build", "tool"][..]),
        ("image clean", &["image", "clean", "--all", "--dry-run"]),
        ("doctor", &["doctor"]),
    ] {
        let run = faked_with(&env, &[("SOURCE_DATE_EPOCH", "1704067200")], &[args, &["--json"]].concat());
        let mut text = stable(&run.stdout, &env.root).replace("[TIME]", "1704067200");
        if let Some(git) = run.json()["programs"][0]["version"].as_str() {
            text = text.replace(&format!("\"version\": \"{git}\""), "\"version\": \"2.47\"");
        }
        made.push((name, text));
    }
    made
}

#[test]
fn every_example_is_what_the_program_prints() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md")).unwrap();
    let mut made = page;
    for (name, document) in examples() {
        let marker = format!("<!-- example: {name} -->\n```json\n");
        let (before, rest) = made.split_once(&marker).unwrap_or_else(|| panic!("docs/json.md has no '{marker}'"));
        let (_, after) = rest.split_once("```\n").unwrap();
        made = format!("{before}{marker}{document}```\n{after}");
    }
    assert_kept("docs/json.md", made);
}
